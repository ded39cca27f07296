/* Any bytes are a question or are refused, and whatever is answered fits and is no question itself. */
#include <stdint.h>

#include "network/dns.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  DnsQuestion question;
  NetAddress address = { .size = 4, .bytes = { 10, 0, 0, 1 } };
  g_autoptr (GArray) addresses = g_array_new (FALSE, FALSE, sizeof address);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  int code;
  g_array_append_val (addresses, address);
  gboolean good = dns_read (data, size, &question, &code);
  if (!good && code < 0)
    return 0;
  if (good)
    g_ptr_array_add (names, question.name);
  g_autoptr (GByteArray) answer = dns_answer (data, size, &question, code, good ? addresses : NULL, good && question.type == DNS_PTR ? names : NULL, question.udp_size);
  if (answer->len < 12 || answer->len > MAX ((guint) question.udp_size, 12u + DNS_NAME_MAX + 4 + 11) || dns_read (answer->data, answer->len, &question, &code) || code >= 0)
    g_error ("the answer is too long, or could be taken for a question");
  if (good)
    (void) dns_reverse (question.name, &address);
  return 0;
}
