/* What frames of a guest are let through to libslirp. */
#include <glib.h>
#include <string.h>

#include "network/slirp_guard.h"

static SlirpNetwork network;

static gboolean
admitted (SlirpGuard *guard, const guint8 *frame, gsize size, gint64 now)
{
  return slirp_guard_admit (guard, frame, &size, now) != NULL;
}

/* frame4: an IPv4 packet of @data bytes behind a header of 20. @field: flags and offset. */
static gsize
frame4 (guint8 *frame, guint8 protocol, guint16 id, guint16 field, gsize data)
{
  gsize total = 20 + data;
  memset (frame, 0, 14 + total);
  frame[12] = 8;
  guint8 *packet = frame + 14;
  packet[0] = 0x45;
  packet[2] = (guint8) (total >> 8);
  packet[3] = (guint8) total;
  packet[4] = (guint8) (id >> 8);
  packet[5] = (guint8) id;
  packet[6] = (guint8) (field >> 8);
  packet[7] = (guint8) field;
  packet[9] = protocol;
  memcpy (packet + 16, "\xc0\x00\x02\x01", 4);
  return 14 + total;
}

static void
begin (SlirpGuard *guard)
{
  slirp_network_init (&network);
  slirp_guard_clear (guard);
  slirp_guard_init (guard, &network);
}

static void
test_shapes (void)
{
  SlirpGuard guard = { 0 };
  guint8 frame[4096];
  begin (&guard);
  gsize size = frame4 (frame, 6, 1, 0, 40);
  g_assert_true (admitted (&guard, frame, size, 0));
  for (gsize cut = 0; cut < size; cut++)
    g_assert_false (admitted (&guard, frame, cut, 0));
  /* padding behind the packet is Ethernet's */
  g_assert_true (admitted (&guard, frame, size + 20, 0));
  frame[14] = 0x44;
  g_assert_false (admitted (&guard, frame, size, 0));
  frame[14] = 0x4f;
  frame[14 + 3] = 59;
  g_assert_false (admitted (&guard, frame, size, 0));
  frame[14] = 0x65;
  g_assert_false (admitted (&guard, frame, size, 0));
  /* NC-SI, VLAN, nothing known */
  static const guint16 types[] = { 0x88f8, 0x8100, 0x0000, 0x05dc, 0xffff };
  (void) frame4 (frame, 6, 1, 0, 40);
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      frame[12] = (guint8) (types[i] >> 8);
      frame[13] = (guint8) types[i];
      g_assert_false (admitted (&guard, frame, size, 0));
    }
  frame[12] = 8;
  frame[13] = 6;
  g_assert_true (admitted (&guard, frame, 42, 0));
  g_assert_false (admitted (&guard, frame, 41, 0));
  frame[12] = 0x86;
  frame[13] = 0xdd;
  memset (frame + 14, 0, 60);
  frame[14] = 0x60;
  frame[19] = 20;
  g_assert_true (admitted (&guard, frame, 14 + 40 + 20, 0));
  g_assert_false (admitted (&guard, frame, 14 + 40 + 19, 0));
  network.ipv6 = 0;
  g_assert_false (admitted (&guard, frame, 14 + 40 + 20, 0));
}

static void
test_services (void)
{
  SlirpGuard guard = { 0 };
  guint8 frame[256];
  begin (&guard);
  static const struct {
    guint16 port;
    gboolean gateway, wanted;
  } cases[] = { { 53, FALSE, TRUE }, { 67, FALSE, FALSE }, { 67, TRUE, FALSE }, { 69, TRUE, FALSE }, { 69, FALSE, TRUE }, { 547, FALSE, FALSE } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gsize size = frame4 (frame, 17, 1, 0, 8);
      frame[14 + 20 + 3] = (guint8) cases[i].port;
      frame[14 + 20 + 2] = (guint8) (cases[i].port >> 8);
      if (cases[i].gateway)
        memcpy (frame + 14 + 16, &network.gateway, 4);
      g_assert_cmpint (admitted (&guard, frame, size, 0), ==, cases[i].wanted);
    }
  gsize size = frame4 (frame, 17, 1, 0, 7);
  g_assert_false (admitted (&guard, frame, size, 0));
}

static gsize piece_size;   /* of what piece returned */

/* piece: of a datagram of which each byte tells where it is. */
static const guint8 *
piece (SlirpGuard *guard, guint16 id, gsize offset, gsize size, gboolean more, gint64 now)
{
  static guint8 frame[70000];
  piece_size = frame4 (frame, 6, id, (guint16) ((more ? 0x2000 : 0) | offset / 8), size);
  for (gsize i = 0; i < size; i++)
    frame[34 + i] = (guint8) ((offset + i) * 7 >> 3);
  return slirp_guard_admit (guard, frame, &piece_size, now);
}

static void
check_whole (const guint8 *frame, gsize data)
{
  g_assert_nonnull (frame);
  g_assert_cmpuint (piece_size, ==, 34 + data);
  g_assert_cmpuint (frame[16] << 8 | frame[17], ==, 20 + data);
  g_assert_cmpuint (frame[20] << 8 | frame[21], ==, 0);
  guint32 sum = 0;
  for (gsize i = 14; i < 34; i += 2)
    sum += (guint32) (frame[i] << 8 | frame[i + 1]);
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  g_assert_cmphex (sum, ==, 0xffff);
  for (gsize i = 0; i < data; i++)
    g_assert_cmpuint (frame[34 + i], ==, (guint8) (i * 7 >> 3));
}

static void
test_pieces (void)
{
  SlirpGuard guard = { 0 };
  begin (&guard);
  /* in any order */
  static const guint orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
  for (guint16 i = 0; i < G_N_ELEMENTS (orders); i++)
    for (gsize at = 0; at < 3; at++)
      {
        gsize which = orders[i][at];
        const guint8 *frame = piece (&guard, i, which * 1480, which == 2 ? 101 : 1480, which != 2, 5);
        if (at < 2)
          g_assert_null (frame);
        else
          check_whole (frame, 2 * 1480 + 101);
      }
  /* the longest; one byte longer is none */
  for (gsize offset = 0; offset < 65512; offset += 8 * 1000)
    g_assert_null (piece (&guard, 9, offset, MIN (8 * 1000, 65512 - offset), TRUE, 5));
  check_whole (piece (&guard, 9, 65512, 3, FALSE, 5), 65515);
  for (gsize offset = 0; offset < 65512; offset += 8 * 1000)
    g_assert_null (piece (&guard, 10, offset, MIN (8 * 1000, 65512 - offset), TRUE, 5));
  g_assert_null (piece (&guard, 10, 65512, 4, FALSE, 5));
  slirp_guard_clear (&guard);
}

static void
test_bad_pieces (void)
{
  SlirpGuard guard = { 0 };
  begin (&guard);
  /* alone: what libslirp 4.7 falls over */
  g_assert_null (piece (&guard, 1, 1480, 528, FALSE, 5));
  /* overlap, another end, data behind the end: all of it goes, and what comes of it later is alone */
  static const struct { gsize offset, size; gboolean more; } attacks[][3] = {
    { { 0, 80, TRUE }, { 40, 80, TRUE }, { 120, 8, FALSE } },
    { { 0, 80, TRUE }, { 80, 8, FALSE }, { 80, 8, FALSE } },
    { { 80, 8, FALSE }, { 88, 8, TRUE }, { 0, 80, TRUE } },
    { { 88, 80, TRUE }, { 80, 8, FALSE }, { 0, 80, TRUE } },
    { { 80, 9, FALSE }, { 0, 80, TRUE }, { 0, 80, TRUE } },
  };
  for (guint16 i = 0; i < G_N_ELEMENTS (attacks); i++)
    for (gsize at = 0; at < 3; at++)
      {
        const guint8 *frame = piece (&guard, (guint16) (20 + i), attacks[i][at].offset, attacks[i][at].size, attacks[i][at].more, 5);
        if ((i == 1 || i == 4) && at == 1)
          check_whole (frame, i == 1 ? 88 : 89);
        else
          g_assert_null (frame);
      }
  /* beyond the longest datagram, empty, of a length that only the last has */
  g_assert_null (piece (&guard, 40, 65528, 8, FALSE, 5));
  g_assert_null (piece (&guard, 41, 8, 0, TRUE, 5));
  g_assert_null (piece (&guard, 42, 0, 81, TRUE, 5));
  /* too late */
  g_assert_null (piece (&guard, 50, 0, 80, TRUE, 5));
  g_assert_null (piece (&guard, 50, 80, 8, FALSE, 5 + SLIRP_GUARD_MS));
  /* a flood of beginnings: the newest are kept, in the same memory */
  for (guint16 id = 100; id < 10000; id++)
    g_assert_null (piece (&guard, id, 0, 1480, TRUE, id));
  check_whole (piece (&guard, 9999, 1480, 16, FALSE, 10000), 1496);
  slirp_guard_clear (&guard);
}

static void
test_emit (void)
{
  guint8 frame[100] = { [12] = 0x86, [13] = 0xdd, [14 + 6] = 58, [14 + 40] = 134 };
  g_assert_false (slirp_guard_emit (frame, sizeof frame));
  frame[14 + 40] = 136;
  g_assert_true (slirp_guard_emit (frame, sizeof frame));
  frame[14 + 40] = 134;
  frame[14 + 6] = 6;
  g_assert_true (slirp_guard_emit (frame, sizeof frame));
  g_assert_true (slirp_guard_emit (frame, 20));
}

/* tcp_sum: 0 for a segment whose checksum is right, with the addresses left out: they do not change. */
static guint16
tcp_sum (const guint8 *header, gsize size)
{
  guint32 sum = 0;
  for (gsize i = 0; i < size; i++)
    sum += i % 2 == 0 ? (guint32) header[i] << 8 : header[i];
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (guint16) ~sum;
}

static void
test_segments (void)
{
  static const struct {
    guint8 options[12];
    guint at, asked;   /* at: 0: there is none that can be read */
  } cases[] = {
    { { 2, 4, 0xff, 0xd7, 1, 3, 3, 7, 4, 2, 0, 0 }, 2, 65495 },
    { { 1, 2, 4, 0xff, 0xd7, 1, 3, 3, 7, 4, 2, 0 }, 3, 65495 },
    { { 1, 1, 2, 4, 5, 0xb4, 0 }, 4, 1460 },
    { { 4, 2, 2, 4, 0x7f, 0xff, 0 }, 4, 32767 },
    { { 0, 2, 4, 0xff, 0xff }, 0, 0 },
    { { 3, 0, 2, 4, 0xff, 0xff }, 0, 0 },
    { { 3, 40, 2, 4, 0xff, 0xff }, 0, 0 },
    { { 2, 3, 0xff, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 0, 0 },
    { { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2 }, 0, 0 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint six = 0; six < 2; six++)
      {
        guint8 frame[200], before[200];
        gsize size = frame4 (frame, 6, 1, 0, 32), at = 34;
        if (six)
          {
            memset (frame, 0, sizeof frame);
            memcpy (frame + 12, "\x86\xdd\x60\0\0\0\0\x20\x06", 9);
            size = 54 + 32;
            at = 54;
          }
        guint8 *tcp = frame + at;
        tcp[12] = 0x80;
        tcp[13] = 0x12;
        memcpy (tcp + 20, cases[i].options, 12);
        guint16 sum = tcp_sum (tcp, 32);
        tcp[16] = (guint8) (sum >> 8);
        tcp[17] = (guint8) sum;
        g_assert_cmpuint (tcp_sum (tcp, 32), ==, 0);
        memcpy (before, frame, sizeof frame);
        gboolean changes = cases[i].at > 0 && cases[i].asked > 21845;
        g_assert_cmpint (slirp_guard_segments (frame, size, 21845), ==, changes);
        if (changes)
          g_assert_cmpuint ((guint) (tcp[20 + cases[i].at] << 8 | tcp[21 + cases[i].at]), ==, 21845);
        else
          g_assert_cmpmem (frame, size, before, size);
        g_assert_cmpuint (tcp_sum (tcp, 32), ==, 0);
        /* of what is cut nothing is read that is not there; what begins nothing is left alone */
        for (gsize cut = 0; cut < size; cut++)
          {
            g_autofree guint8 *piece = g_memdup2 (before, cut);
            g_assert_false (slirp_guard_segments (piece, cut, 21845));
          }
        memcpy (frame, before, sizeof frame);
        tcp[13] = 0x10;
        g_assert_false (slirp_guard_segments (frame, size, 21845));
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/slirp-guard/shapes", test_shapes);
  g_test_add_func ("/slirp-guard/services", test_services);
  g_test_add_func ("/slirp-guard/pieces", test_pieces);
  g_test_add_func ("/slirp-guard/bad-pieces", test_bad_pieces);
  g_test_add_func ("/slirp-guard/emit", test_emit);
  g_test_add_func ("/slirp-guard/segments", test_segments);
  return g_test_run ();
}
