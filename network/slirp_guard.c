#include "network/slirp_guard.h"

#include <stdlib.h>
#include <string.h>

/* Offsets: RFC 826, 791, 8200, 768, 4443, 9293 */
enum { ETHERNET = 14, ARP_SIZE = 28, IPV4_LEAST = 20, IPV6_HEADER = 40, UDP_HEADER = 8 };
enum { TYPE_IPV4 = 0x0800, TYPE_ARP = 0x0806, TYPE_IPV6 = 0x86dd };
enum { PROTOCOL_UDP = 17, PROTOCOL_ICMPV6 = 58, ROUTER_ADVERTISEMENT = 134 };
enum { PROTOCOL_TCP = 6, TCP_LEAST = 20, TCP_FLAGS = 13, TCP_SYN = 2, TCP_SUM = 16, OPTION_END = 0, OPTION_NONE = 1, OPTION_SEGMENT = 2 };
enum { PORT_DHCP = 67, PORT_TFTP = 69, PORT_DHCPV6 = 547 };
enum { MORE_PIECES = 0x2000, OFFSET_MASK = 0x1fff };

static uint16_t
get16 (const uint8_t *at)
{
  return (uint16_t) (at[0] << 8 | at[1]);
}

static uint32_t
get32 (const uint8_t *at)
{
  return (uint32_t) at[0] << 24 | (uint32_t) at[1] << 16 | (uint32_t) at[2] << 8 | at[3];
}

void
slirp_guard_init (SlirpGuard *guard, const SlirpNetwork *network)
{
  memset (guard, 0, sizeof *guard);
  guard->network = network;
}

void
slirp_guard_clear (SlirpGuard *guard)
{
  free (guard->bytes);
  guard->bytes = NULL;
}

/* ---- pieces */

/* find: the slot of that datagram, else a free one, else the oldest's. */
static SlirpPieces *
find (SlirpGuard *guard, const uint8_t *packet, int64_t now)
{
  const uint32_t source = get32 (packet + 12), target = get32 (packet + 16);
  const uint16_t id = get16 (packet + 4);
  SlirpPieces *best = &guard->pieces[0];
  for (size_t i = 0; i < SLIRP_GUARD_DATAGRAMS; i++)
    {
      SlirpPieces *at = &guard->pieces[i];
      if (at->used && at->until <= now)
        at->used = 0;
      if (at->used && at->id == id && at->source == source && at->target == target && at->protocol == packet[9])
        return at;
      if (best->used && (!at->used || at->until < best->until))
        best = at;
    }
  memset (best, 0, sizeof *best);
  best->source = source;
  best->target = target;
  best->id = id;
  best->protocol = packet[9];
  best->used = 1;
  best->until = now + SLIRP_GUARD_MS;
  return best;
}

/* take: false: some of it has come before. */
static bool
take (SlirpPieces *pieces, uint32_t offset, uint32_t size)
{
  for (uint32_t unit = offset / 8; unit < (offset + size + 7) / 8; unit++)
    {
      uint64_t bit = (uint64_t) 1 << unit % 64;
      if ((pieces->units[unit / 64] & bit) != 0)
        return false;
      pieces->units[unit / 64] |= bit;
    }
  pieces->data += size;
  return true;
}

static uint16_t
header_checksum (const uint8_t *header, size_t size)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < size; i += 2)
    sum += get16 (header + i);
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t) ~sum;
}

/* put_together: the headers of the first piece in front of @data, as a datagram that was never in pieces. */
static const uint8_t *
put_together (SlirpPieces *pieces, uint8_t *data, size_t *ret_size)
{
  size_t header = pieces->head_size - (size_t) ETHERNET, total = header + pieces->whole;
  uint8_t *frame = data - pieces->head_size, *packet = frame + ETHERNET;
  pieces->used = 0;
  if (total > 65535)
    return NULL;
  memcpy (frame, pieces->head, pieces->head_size);
  packet[2] = (uint8_t) (total >> 8);
  packet[3] = (uint8_t) total;
  memset (packet + 6, 0, 2);
  memset (packet + 10, 0, 2);
  uint16_t sum = header_checksum (packet, header);
  packet[10] = (uint8_t) (sum >> 8);
  packet[11] = (uint8_t) sum;
  *ret_size = ETHERNET + total;
  return frame;
}

/* add_piece: the datagram, when this was what it lacked. A last piece that is not where another said, or data behind it, is an overlap in disguise. */
static const uint8_t *
add_piece (SlirpGuard *guard, const uint8_t *frame, size_t header, size_t total, int64_t now, size_t *ret_size)
{
  const uint8_t *packet = frame + ETHERNET;
  uint16_t field = get16 (packet + 6);
  uint32_t offset = (uint32_t) (field & OFFSET_MASK) * 8, size = (uint32_t) (total - header);
  bool last = (field & MORE_PIECES) == 0;
  if (size == 0 || offset + size > 65535 || (!last && size % 8 != 0))
    return NULL;
  if (guard->bytes == NULL && (guard->bytes = malloc (SLIRP_GUARD_BYTES)) == NULL)
    return NULL;
  SlirpPieces *pieces = find (guard, packet, now);
  uint8_t *data = guard->bytes + (size_t) (pieces - guard->pieces) * (SLIRP_GUARD_HEAD + SLIRP_GUARD_DATA) + SLIRP_GUARD_HEAD;
  bool beyond = pieces->whole > 0 && (last || offset + size > pieces->whole);
  if (beyond || !take (pieces, offset, size))
    {
      pieces->used = 0;
      return NULL;
    }
  memcpy (data + offset, packet + header, size);
  if (last)
    pieces->whole = offset + size;
  if (offset == 0)
    {
      pieces->head_size = (uint8_t) (ETHERNET + header);
      memcpy (pieces->head, frame, pieces->head_size);
    }
  /* more than the whole: a piece behind the last one came before it */
  if (pieces->whole > 0 && pieces->data > pieces->whole)
    pieces->used = 0;
  return pieces->used && pieces->whole > 0 && pieces->data == pieces->whole && pieces->head_size > 0 ? put_together (pieces, data, ret_size) : NULL;
}

/* ---- packets */

/* wanted_port: what libslirp would answer itself. */
static bool
wanted_port (const uint8_t *udp, bool to_gateway)
{
  uint16_t port = get16 (udp + 2);
  return port != PORT_DHCP && port != PORT_DHCPV6 && !(port == PORT_TFTP && to_gateway);
}

/* whole_ipv4: are the lengths of this packet right? */
static bool
whole_ipv4 (const uint8_t *packet, size_t size, size_t *ret_header, size_t *ret_total)
{
  if (size < IPV4_LEAST)
    return false;
  *ret_header = (size_t) (packet[0] & 15) * 4;
  *ret_total = get16 (packet + 2);
  return packet[0] >> 4 == 4 && *ret_header >= IPV4_LEAST && *ret_header <= *ret_total && *ret_total <= size;
}

static const uint8_t *
admit_ipv4 (SlirpGuard *guard, const uint8_t *frame, size_t *size, int64_t now)
{
  size_t header, total;
  if (!whole_ipv4 (frame + ETHERNET, *size - ETHERNET, &header, &total))
    return NULL;
  if ((get16 (frame + ETHERNET + 6) & (MORE_PIECES | OFFSET_MASK)) != 0)
    {
      frame = add_piece (guard, frame, header, total, now, size);
      if (frame == NULL || !whole_ipv4 (frame + ETHERNET, *size - ETHERNET, &header, &total))
        return NULL;
    }
  const uint8_t *packet = frame + ETHERNET;
  if (packet[9] != PROTOCOL_UDP)
    return frame;
  bool wanted = total >= header + UDP_HEADER && wanted_port (packet + header, memcmp (packet + 16, &guard->network->gateway, 4) == 0);
  return wanted ? frame : NULL;
}

static bool
admit_ipv6 (const SlirpGuard *guard, const uint8_t *packet, size_t size)
{
  if (size < IPV6_HEADER)
    return false;
  size_t data = get16 (packet + 4);
  if (packet[0] >> 4 != 6 || IPV6_HEADER + data > size)
    return false;
  if (packet[6] != PROTOCOL_UDP)
    return true;
  return data >= UDP_HEADER && wanted_port (packet + IPV6_HEADER, memcmp (packet + 24, &guard->network->gateway6, 16) == 0);
}

const uint8_t *
slirp_guard_admit (SlirpGuard *guard, const uint8_t *frame, size_t *size, int64_t now)
{
  if (*size < ETHERNET)
    return NULL;
  switch (get16 (frame + 12))
    {
    case TYPE_IPV4:
      return guard->network->ipv4 ? admit_ipv4 (guard, frame, size, now) : NULL;
    case TYPE_IPV6:
      return guard->network->ipv6 && admit_ipv6 (guard, frame + ETHERNET, *size - ETHERNET) ? frame : NULL;
    case TYPE_ARP:
      return *size >= ETHERNET + ARP_SIZE ? frame : NULL;
    default:
      return NULL;
    }
}

/* ---- segments */

/* find_syn: the TCP header in this frame, which a whole packet lies in; NULL: it is no SYN. @ret_size: of the header with its options. */
static uint8_t *
find_syn (uint8_t *frame, size_t size, size_t *ret_size)
{
  size_t at = ETHERNET;
  if (size >= ETHERNET + IPV4_LEAST && get16 (frame + 12) == TYPE_IPV4 && frame[ETHERNET + 9] == PROTOCOL_TCP)
    at += (size_t) (frame[ETHERNET] & 15) * 4;
  else if (size >= ETHERNET + IPV6_HEADER && get16 (frame + 12) == TYPE_IPV6 && frame[ETHERNET + 6] == PROTOCOL_TCP)
    at += IPV6_HEADER;
  else
    return NULL;
  if (size < at + TCP_LEAST || (frame[at + TCP_FLAGS] & TCP_SYN) == 0)
    return NULL;
  *ret_size = (size_t) (frame[at + 12] >> 4) * 4;
  return *ret_size >= TCP_LEAST && at + *ret_size <= size ? frame + at : NULL;
}

/* put_segment: the number, and the checksum as it is with it: RFC 1624. One that lies across two words counts for it turned round. */
static void
put_segment (uint8_t *header, size_t at, uint16_t most)
{
  const uint16_t old = get16 (header + at), turned = (uint16_t) (at % 2 == 0 ? old : old << 8 | old >> 8), new = (uint16_t) (at % 2 == 0 ? most : most << 8 | most >> 8);
  uint32_t sum = (uint16_t) ~get16 (header + TCP_SUM);
  sum += (uint32_t) (uint16_t) ~turned + new;
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  header[at] = (uint8_t) (most >> 8);
  header[at + 1] = (uint8_t) most;
  header[TCP_SUM] = (uint8_t) (~sum >> 8);
  header[TCP_SUM + 1] = (uint8_t) ~sum;
}

bool
slirp_guard_segments (uint8_t *frame, size_t size, uint16_t most)
{
  size_t end = 0;
  uint8_t *header = find_syn (frame, size, &end);
  for (size_t i = TCP_LEAST; header != NULL && i < end && header[i] != OPTION_END;)
    {
      if (header[i] == OPTION_NONE)
        {
          i++;
          continue;
        }
      const size_t length = i + 1 < end ? header[i + 1] : 0;
      if (length < 2 || i + length > end)
        return false;
      if (header[i] == OPTION_SEGMENT && length == 4)
        {
          if (get16 (header + i + 2) <= most)
            return false;
          put_segment (header, i + 2, most);
          return true;
        }
      i += length;
    }
  return false;
}

bool
slirp_guard_emit (const uint8_t *frame, size_t size)
{
  return size <= ETHERNET + IPV6_HEADER || get16 (frame + 12) != TYPE_IPV6 || frame[ETHERNET + 6] != PROTOCOL_ICMPV6 || frame[ETHERNET + IPV6_HEADER] != ROUTER_ADVERTISEMENT;
}
