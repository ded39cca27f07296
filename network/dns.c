#include "network/dns.h"

#include <string.h>

enum { HEADER = 12, TYPE_OPT = 41, CLASS_IN = 1, CLASS_ANY = 255, TTL = 60, QR = 0x80, TC = 0x02, RD = 0x01, RA = 0x80 };

static unsigned
get16 (const uint8_t *at)
{
  return (unsigned) at[0] << 8 | at[1];
}

/* read_name: @ret NULL: only past it. Compression is for answers: a question has none to point to. Returns where it ends; 0: broken. */
static gsize
read_name (const uint8_t *message, gsize size, gsize at, char *ret)
{
  gsize length = 0, out = 0;
  for (;;)
    {
      if (at >= size || message[at] > 63)
        return 0;
      gsize n = message[at++];
      if (n == 0)
        break;
      length += n + 1;
      if (length > DNS_NAME_MAX - 1 || at + n > size)
        return 0;
      if (ret != NULL && out > 0)
        ret[out++] = '.';
      for (gsize i = 0; i < n && ret != NULL; i++)
        {
          uint8_t c = message[at + i];
          if (g_ascii_isalnum (c) || c == '-' || c == '_')
            ret[out++] = g_ascii_tolower ((char) c);
          else
            {
              ret[out++] = '\\';
              ret[out++] = (char) ('0' + c / 100);
              ret[out++] = (char) ('0' + c / 10 % 10);
              ret[out++] = (char) ('0' + c % 10);
            }
        }
      at += n;
    }
  if (ret != NULL)
    ret[out] = '\0';
  return at;
}

/* read_edns: the OPT record among the additional ones: it comes right behind the question of a query. */
static void
read_edns (const uint8_t *message, gsize size, DnsQuestion *question)
{
  gsize at = question->question_end;
  unsigned records = get16 (message + 6) + get16 (message + 8) + get16 (message + 10);
  for (unsigned i = 0; i < records && i < 16; i++)
    {
      gsize end = read_name (message, size, at, NULL);
      if (end == 0 || end + 10 > size)
        return;
      if (get16 (message + end) == TYPE_OPT && end == at + 1)
        {
          question->edns = TRUE;
          question->udp_size = (uint16_t) MAX (get16 (message + end + 2), (unsigned) DNS_UDP_MAX);
          return;
        }
      at = end + 10 + get16 (message + end + 8);
      if (at > size)
        return;
    }
}

gboolean
dns_read (const uint8_t *message, gsize size, DnsQuestion *ret, int *ret_code)
{
  memset (ret, 0, sizeof *ret);
  ret->udp_size = DNS_UDP_MAX;
  *ret_code = -1;
  if (size < HEADER || (message[2] & QR))
    return FALSE;   /* to answer an answer would begin a quarrel without end */
  ret->id = (uint16_t) get16 (message);
  ret->question_end = HEADER;
  if ((message[2] >> 3 & 15) != 0)
    {
      *ret_code = DNS_NOTIMP;
      return FALSE;
    }
  *ret_code = DNS_FORMERR;
  if (get16 (message + 4) != 1)
    return FALSE;
  gsize end = read_name (message, size, HEADER, ret->name);
  if (end == 0 || end + 4 > size)
    return FALSE;
  ret->type = (uint16_t) get16 (message + end);
  ret->class = (uint16_t) get16 (message + end + 2);
  ret->question_end = end + 4;
  read_edns (message, size, ret);
  *ret_code = ret->class == CLASS_IN || ret->class == CLASS_ANY ? DNS_NOERROR : DNS_REFUSED;
  return *ret_code == DNS_NOERROR;
}

/* ---- answers */

static void
put16 (GByteArray *out, unsigned value)
{
  const uint8_t bytes[] = { (uint8_t) (value >> 8), (uint8_t) value };
  g_byte_array_append (out, bytes, sizeof bytes);
}

static void
set16 (GByteArray *out, guint at, unsigned value)
{
  out->data[at] = (uint8_t) (value >> 8);
  out->data[at + 1] = (uint8_t) value;
}

/* put_record: the question's name, by a pointer to it. */
static void
put_record (GByteArray *out, unsigned type, const uint8_t *data, gsize size)
{
  put16 (out, 0xc000 | HEADER);
  put16 (out, type);
  put16 (out, CLASS_IN);
  put16 (out, 0);
  put16 (out, TTL);
  put16 (out, (unsigned) size);
  g_byte_array_append (out, data, (guint) size);
}

/* encode_name: labels; FALSE: it is too long to be one. */
static gboolean
encode_name (const char *name, GByteArray *out)
{
  g_auto (GStrv) labels = g_strsplit (name, ".", -1);
  for (char **label = labels; *label != NULL; label++)
    {
      gsize n = strlen (*label);
      if (n == 0 || n > 63)
        return FALSE;
      const uint8_t length = (uint8_t) n;
      g_byte_array_append (out, &length, 1);
      g_byte_array_append (out, (const uint8_t *) *label, (guint) n);
    }
  g_byte_array_append (out, (const uint8_t *) "", 1);
  return out->len <= DNS_NAME_MAX;
}

static unsigned
put_addresses (GByteArray *out, const DnsQuestion *question, const GArray *addresses)
{
  unsigned n = 0;
  for (guint i = 0; addresses != NULL && i < addresses->len; i++)
    {
      const NetAddress *address = &g_array_index (addresses, NetAddress, i);
      unsigned type = address->size == 4 ? DNS_A : DNS_AAAA;
      if (question->type != type && question->type != DNS_ANY)
        continue;
      put_record (out, type, address->bytes, address->size);
      n++;
    }
  return n;
}

static unsigned
put_names (GByteArray *out, const GPtrArray *names)
{
  unsigned n = 0;
  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      g_autoptr (GByteArray) encoded = g_byte_array_new ();
      if (!encode_name (names->pdata[i], encoded))
        continue;
      put_record (out, DNS_PTR, encoded->data, encoded->len);
      n++;
    }
  return n;
}

static void
put_edns (GByteArray *out)
{
  static const uint8_t record[] = { 0, 0, TYPE_OPT, 0x04, 0xd0 /* 1232 bytes */, 0, 0, 0, 0, 0, 0 };
  g_byte_array_append (out, record, sizeof record);
  set16 (out, 10, 1);
}

GByteArray *
dns_answer (const uint8_t *query, gsize query_size, const DnsQuestion *question, int code, const GArray *addresses, const GPtrArray *names, gsize limit)
{
  GByteArray *out = g_byte_array_new ();
  gsize end = MIN (question->question_end, query_size);
  uint8_t header[HEADER] = { 0 };
  memcpy (header, query, MIN (query_size, (gsize) 4));
  header[2] = (uint8_t) (QR | (header[2] & (15 << 3 | RD)) | 0x04 /* ours */);
  header[3] = (uint8_t) (RA | code);
  g_byte_array_append (out, header, HEADER);
  if (end > HEADER)
    {
      g_byte_array_append (out, query + HEADER, (guint) (end - HEADER));
      set16 (out, 4, 1);
    }
  guint bare = out->len;
  unsigned n = code == DNS_NOERROR && end > HEADER ? put_addresses (out, question, addresses) + put_names (out, names) : 0;
  if (out->len + (question->edns ? 11 : 0) > limit)
    {
      /* to be asked again by TCP */
      g_byte_array_set_size (out, bare);
      out->data[2] |= TC;
      n = 0;
    }
  set16 (out, 6, n);
  if (question->edns)
    put_edns (out);
  return out;
}

/* ---- reverse names */

static gboolean
reverse4 (const char *digits, NetAddress *ret_address)
{
  g_auto (GStrv) parts = g_strsplit (digits, ".", -1);
  if (g_strv_length (parts) != 4)
    return FALSE;
  g_autofree char *text = g_strdup_printf ("%s.%s.%s.%s", parts[3], parts[2], parts[1], parts[0]);
  return net_address_parse (text, ret_address);
}

static gboolean
reverse6 (const char *digits, NetAddress *ret_address)
{
  NetAddress address = { .size = 16 };
  if (strlen (digits) != 63)
    return FALSE;
  for (int i = 0; i < 32; i++)
    {
      int value = g_ascii_xdigit_value (digits[2 * i]);
      if (value < 0 || (i < 31 && digits[2 * i + 1] != '.'))
        return FALSE;
      address.bytes[15 - i / 2] |= (uint8_t) (i % 2 == 0 ? value : value << 4);
    }
  *ret_address = address;
  return TRUE;
}

gboolean
dns_reverse (const char *name, NetAddress *ret_address)
{
  static const char v4[] = ".in-addr.arpa", v6[] = ".ip6.arpa";
  if (g_str_has_suffix (name, v4))
    {
      g_autofree char *digits = g_strndup (name, strlen (name) - strlen (v4));
      return reverse4 (digits, ret_address);
    }
  if (!g_str_has_suffix (name, v6))
    return FALSE;
  g_autofree char *digits = g_strndup (name, strlen (name) - strlen (v6));
  return reverse6 (digits, ret_address);
}
