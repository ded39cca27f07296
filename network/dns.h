/* dns: the messages of DNS as far as a server for a few names needs them: one question in, an answer out. RFC 1035, 3596, 6891. Foreign bytes: every read is bounded. */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "network/address.h"

enum { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28, DNS_ANY = 255 };
enum { DNS_NOERROR = 0, DNS_FORMERR = 1, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3, DNS_NOTIMP = 4, DNS_REFUSED = 5 };
enum { DNS_UDP_MAX = 512, DNS_MESSAGE_MAX = 65535, DNS_NAME_MAX = 255 };

typedef struct {
  uint16_t id, type, class;
  uint16_t udp_size;           /* what the asker can take by UDP: 512, or what EDNS says */
  gboolean edns;
  char name[DNS_NAME_MAX * 4 + 1];   /* lower case, without the dot at the end; bytes that are no letters, digits, '-' or '_' as \DDD */
  gsize question_end;          /* where the question ends in the message */
} DnsQuestion;

/* dns_read: a query with one question. FALSE: it is none (@ret->id is right if there were two bytes, and @ret_code what to answer; -1 = nothing). */
gboolean dns_read (const uint8_t *message, gsize size, DnsQuestion *ret, int *ret_code);

/* dns_answer: an answer to @question, whose message is @query: @addresses (of NetAddress; those of the question's type are put in) or @names (for PTR), or none, and @code.
 * @limit: bytes; what is longer is cut off, and marked so. New; free with g_byte_array_unref. */
GByteArray *dns_answer (const uint8_t *query, gsize query_size, const DnsQuestion *question, int code, const GArray *addresses, const GPtrArray *names, gsize limit);

/* dns_reverse: of "4.3.2.1.in-addr.arpa" and the like under ip6.arpa. FALSE: it is no such name. */
gboolean dns_reverse (const char *name, NetAddress *ret_address);
