#include <string.h>

#include "network/dns.h"
#include "network/firewall.h"
#include "network/ipam.h"
#include "network/link.h"
#include "pkg/base/error.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

/* ---- DNS */

/* ask: a query for @name, in labels. */
static GByteArray *
ask (const char *name, uint16_t type, uint16_t udp_size)
{
  GByteArray *out = g_byte_array_new ();
  const uint8_t header[] = { 0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, udp_size > 0 };
  g_byte_array_append (out, header, sizeof header);
  g_auto (GStrv) labels = g_strsplit (name, ".", -1);
  for (char **label = labels; *label != NULL && **label != '\0'; label++)
    {
      const uint8_t n = (uint8_t) strlen (*label);
      g_byte_array_append (out, &n, 1);
      g_byte_array_append (out, (const uint8_t *) *label, n);
    }
  const uint8_t tail[] = { 0, (uint8_t) (type >> 8), (uint8_t) type, 0, 1 };
  g_byte_array_append (out, tail, sizeof tail);
  const uint8_t edns[] = { 0, 0, 41, (uint8_t) (udp_size >> 8), (uint8_t) udp_size, 0, 0, 0, 0, 0, 0 };
  if (udp_size > 0)
    g_byte_array_append (out, edns, sizeof edns);
  return out;
}

static void
test_question (void)
{
  DnsQuestion question;
  int code;
  g_autoptr (GByteArray) query = ask ("Web.dns.Podman", DNS_A, 1232);
  g_assert_true (dns_read (query->data, query->len, &question, &code));
  g_assert_cmpint (code, ==, DNS_NOERROR);
  g_assert_cmpstr (question.name, ==, "web.dns.podman");
  g_assert_cmpuint (question.type, ==, DNS_A);
  g_assert_cmpuint (question.id, ==, 0x1234);
  g_assert_cmpuint (question.udp_size, ==, 1232);
  g_assert_true (question.edns);
  g_assert_cmpuint (question.question_end, ==, 12 + 16 + 4);
  g_autoptr (GByteArray) odd = ask ("a b", DNS_A, 0);
  g_assert_true (dns_read (odd->data, odd->len, &question, &code));
  g_assert_cmpstr (question.name, ==, "a\\032b");
  /* every beginning of it is refused, and nothing beyond is read */
  for (guint n = 0; n < 12 + 16 + 4; n++)
    {
      g_autofree uint8_t *part = g_memdup2 (query->data, n);
      g_assert_false (dns_read (part, n, &question, &code));
      g_assert_cmpint (code, ==, n < 12 ? -1 : DNS_FORMERR);
    }
  /* an answer is not answered; what is no query is not known */
  query->data[2] |= 0x80;
  g_assert_false (dns_read (query->data, query->len, &question, &code));
  g_assert_cmpint (code, ==, -1);
  query->data[2] = 0x10;
  g_assert_false (dns_read (query->data, query->len, &question, &code));
  g_assert_cmpint (code, ==, DNS_NOTIMP);
  /* a name with a pointer, and one without end */
  static const uint8_t loop[] = { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1 };
  g_assert_false (dns_read (loop, sizeof loop, &question, &code));
  g_autoptr (GByteArray) endless = g_byte_array_new ();
  g_byte_array_append (endless, loop, 12);
  for (int i = 0; i < 200; i++)
    g_byte_array_append (endless, (const uint8_t *) "\1x", 2);
  g_byte_array_append (endless, (const uint8_t *) "\0\0\1\0\1", 5);
  g_assert_false (dns_read (endless->data, endless->len, &question, &code));
}

static void
test_answer (void)
{
  DnsQuestion question;
  int code;
  g_autoptr (GByteArray) query = ask ("web", DNS_A, 0);
  g_autoptr (GArray) addresses = g_array_new (FALSE, FALSE, sizeof (NetAddress));
  NetAddress v4, v6;
  g_assert_true (net_address_parse ("10.89.0.2", &v4) && net_address_parse ("fd00::2", &v6));
  g_array_append_val (addresses, v4);
  g_array_append_val (addresses, v6);
  g_assert_true (dns_read (query->data, query->len, &question, &code));
  g_autoptr (GByteArray) answer = dns_answer (query->data, query->len, &question, DNS_NOERROR, addresses, NULL, DNS_UDP_MAX);
  static const uint8_t expected[] = { 0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 3, 'w', 'e', 'b', 0, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 89, 0, 2 };
  g_assert_cmpmem (answer->data, answer->len, expected, sizeof expected);
  g_autoptr (GByteArray) none = dns_answer (query->data, query->len, &question, DNS_NXDOMAIN, NULL, NULL, DNS_UDP_MAX);
  g_assert_cmpuint (none->data[3] & 15, ==, DNS_NXDOMAIN);
  g_assert_cmpuint (none->data[7], ==, 0);
  /* more than fits is cut off, and marked */
  for (int i = 0; i < 100; i++)
    g_array_append_val (addresses, v4);
  g_autoptr (GByteArray) cut = dns_answer (query->data, query->len, &question, DNS_NOERROR, addresses, NULL, DNS_UDP_MAX);
  g_assert_cmpuint (cut->len, <=, DNS_UDP_MAX);
  g_assert_cmpuint (cut->data[2] & 2, ==, 2);
  g_autoptr (GByteArray) whole = dns_answer (query->data, query->len, &question, DNS_NOERROR, addresses, NULL, DNS_MESSAGE_MAX);
  g_assert_cmpuint (whole->data[7], ==, 101);
  /* the names of an address */
  g_autoptr (GByteArray) reverse = ask ("2.0.89.10.in-addr.arpa", DNS_PTR, 0);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_ptr_array_add (names, (char *) "web");
  g_assert_true (dns_read (reverse->data, reverse->len, &question, &code));
  g_autoptr (GByteArray) named = dns_answer (reverse->data, reverse->len, &question, DNS_NOERROR, NULL, names, DNS_UDP_MAX);
  g_assert_cmpuint (named->data[7], ==, 1);
  g_assert_cmpmem (named->data + named->len - 5, 5, "\3web", 5);
}

static void
test_reverse (void)
{
  NetAddress address;
  char text[NET_ADDRESS_TEXT];
  g_assert_true (dns_reverse ("2.0.89.10.in-addr.arpa", &address));
  g_assert_cmpstr (net_address_text (&address, text), ==, "10.89.0.2");
  g_assert_true (dns_reverse ("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", &address));
  g_assert_cmpstr (net_address_text (&address, text), ==, "fd00::2");
  static const char *const bad[] = { "in-addr.arpa", ".in-addr.arpa", "1.2.3.in-addr.arpa", "1.2.3.4.5.in-addr.arpa", "1.2.3.400.in-addr.arpa", "web", "x.ip6.arpa", "" };
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (dns_reverse (bad[i], &address));
}

/* ---- addresses */

static gboolean
in_list (const NetAddress *address, void *data)
{
  char text[NET_ADDRESS_TEXT];
  return g_strv_contains (data, net_address_text (address, text));
}

static void
check_choice (const char *subnet, const char *gateway, const char *first, const char *last, const char *after, const char *const *taken, const char *expected)
{
  NetConfigSubnet config = { 0 };
  NetAddress at = { 0 }, chosen;
  char text[NET_ADDRESS_TEXT];
  g_autoptr (GError) error = NULL;
  g_assert_true (net_subnet_parse (subnet, &config.subnet, NULL));
  if (gateway != NULL)
    g_assert_true (net_address_parse (gateway, &config.gateway));
  if (first != NULL)
    g_assert_true (net_address_parse (first, &config.first) && net_address_parse (last, &config.last));
  if (after != NULL)
    g_assert_true (net_address_parse (after, &at));
  gboolean done = ipam_choose (&config, &at, in_list, (void *) taken, &chosen, &error);
  if (expected == NULL)
    {
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_EXISTS);
      g_assert_true (g_str_has_prefix (error->message, "IPAM error: failed to find free IP in range: "));
      return;
    }
  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpstr (net_address_text (&chosen, text), ==, expected);
}

static void
test_ipam (void)
{
  static const char *const nobody[] = { NULL }, *const some[] = { "10.0.0.2", "10.0.0.3", NULL }, *const all[] = { "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", NULL };
  check_choice ("10.0.0.0/24", "10.0.0.1", NULL, NULL, NULL, nobody, "10.0.0.2");
  check_choice ("10.0.0.0/24", "10.0.0.1", NULL, NULL, NULL, some, "10.0.0.4");
  check_choice ("10.0.0.0/24", "10.0.0.1", NULL, NULL, "10.0.0.9", some, "10.0.0.10");
  check_choice ("10.0.0.0/24", "10.0.0.1", NULL, NULL, "10.0.0.254", some, "10.0.0.4");
  check_choice ("10.0.0.0/29", "10.0.0.1", NULL, NULL, NULL, all, NULL);
  check_choice ("10.0.0.0/24", "10.0.0.1", "10.0.0.129", "10.0.0.255", NULL, nobody, "10.0.0.129");
  check_choice ("10.0.0.0/24", "10.0.0.1", "10.0.0.129", "10.0.0.255", "10.0.0.254", nobody, "10.0.0.129");
  check_choice ("10.0.0.0/31", "10.0.0.1", NULL, NULL, NULL, nobody, "10.0.0.0");
  check_choice ("fd00::/64", "fd00::1", NULL, NULL, NULL, nobody, "fd00::2");
  check_choice ("fd00::/64", "fd00::1", NULL, NULL, "fd00::ffff", nobody, "fd00::1:0");
  uint8_t mac[6];
  ipam_random_mac (mac);
  g_assert_cmpuint (mac[0] & 3, ==, 2);
}

/* ---- messages of rtnetlink */

static void
test_veth (void)
{
  static const uint8_t mac[6] = { 0x92, 0xd0, 0xc6, 0x0a, 0x29, 0x33 };
  char buffer[4096] __attribute__ ((aligned (8)));
  const LinkVeth veth = { .name = "veth7", .peer_name = "eth0", .master = 5, .peer_ns = 9, .peer_mac = mac, .mtu = 1400 };
  size_t size = link_veth_message (&veth, buffer, sizeof buffer);
  const struct nlmsghdr *message = (const struct nlmsghdr *) buffer;
  const struct nlattr *attribute, *info = NULL, *data = NULL, *peer = NULL, *inner;
  g_assert_cmpuint (size, ==, message->nlmsg_len);
  g_assert_cmpuint (message->nlmsg_type, ==, RTM_NEWLINK);
  gboolean named = FALSE, mastered = FALSE;
  mnl_attr_for_each (attribute, message, sizeof (struct ifinfomsg))
  {
    named = named || (mnl_attr_get_type (attribute) == IFLA_IFNAME && strcmp (mnl_attr_get_str (attribute), "veth7") == 0);
    mastered = mastered || (mnl_attr_get_type (attribute) == IFLA_MASTER && mnl_attr_get_u32 (attribute) == 5);
    if (mnl_attr_get_type (attribute) == IFLA_LINKINFO)
      info = attribute;
  }
  g_assert_true (named && mastered && info != NULL);
  mnl_attr_for_each_nested (attribute, info)
    if (mnl_attr_get_type (attribute) == IFLA_INFO_DATA)
      data = attribute;
  g_assert_nonnull (data);
  peer = mnl_attr_get_payload (data);
  g_assert_cmpuint (mnl_attr_get_type (peer), ==, VETH_INFO_PEER);
  guint seen = 0;
  /* behind the peer's own ifinfomsg */
  for (inner = (const struct nlattr *) ((const char *) mnl_attr_get_payload (peer) + MNL_ALIGN (sizeof (struct ifinfomsg)));
       mnl_attr_ok (inner, (int) ((const char *) peer + mnl_attr_get_len (peer) - (const char *) inner)); inner = mnl_attr_next (inner))
    if (mnl_attr_get_type (inner) == IFLA_IFNAME)
      seen += strcmp (mnl_attr_get_str (inner), "eth0") == 0;
    else if (mnl_attr_get_type (inner) == IFLA_ADDRESS)
      seen += memcmp (mnl_attr_get_payload (inner), mac, 6) == 0;
    else if (mnl_attr_get_type (inner) == IFLA_NET_NS_FD)
      seen += mnl_attr_get_u32 (inner) == 9;
    else if (mnl_attr_get_type (inner) == IFLA_MTU)
      seen += mnl_attr_get_u32 (inner) == 1400;
  g_assert_cmpuint (seen, ==, 4);
  g_assert_cmpuint (link_veth_message (&veth, buffer, 1), ==, size);
}

/* ---- rules */

static NetConfig *
network (const char *interface, const char *subnet, gboolean internal, const char *isolate)
{
  NetConfig *config = net_config_new ();
  NetConfigSubnet only = { 0 };
  g_assert_true (net_subnet_parse (subnet, &only.subnet, NULL));
  g_array_append_val (config->subnets, only);
  config->interface = g_strdup (interface);
  config->internal = internal;
  if (isolate != NULL)
    json_object_set_new (config->options, "isolate", json_string (isolate));
  return config;
}

static void
test_firewall (void)
{
  g_autoptr (GPtrArray) configs = g_ptr_array_new_with_free_func ((GDestroyNotify) net_config_free);
  g_ptr_array_add (configs, network ("a", "10.1.0.0/24", FALSE, "true"));
  g_ptr_array_add (configs, network ("b", "fd00:1::/64", FALSE, "true"));
  g_ptr_array_add (configs, network ("c", "10.3.0.0/24", TRUE, NULL));
  g_ptr_array_add (configs, network ("d", "10.4.0.0/24", FALSE, NULL));
  g_autoptr (GArray) networks = g_array_new (FALSE, FALSE, sizeof (FirewallNetwork));
  for (guint i = 0; i < configs->len; i++)
    {
      const FirewallNetwork one = { configs->pdata[i], 0 };
      g_array_append_val (networks, one);
    }
  g_autofree char *text = firewall_text (networks);
  g_assert_nonnull (strstr (text, "ip saddr 10.1.0.0/24 ip daddr != { 10.1.0.0/24, 224.0.0.0/4 } masquerade\n"));
  g_assert_nonnull (strstr (text, "ip6 saddr fd00:1::/64 ip6 daddr != { fd00:1::/64, ff00::/8 } masquerade\n"));
  g_assert_null (strstr (text, "saddr 10.3.0.0/24"));
  g_assert_nonnull (strstr (text, "iifname \"a\" oifname \"b\" drop\n"));
  g_assert_nonnull (strstr (text, "iifname \"b\" oifname \"a\" drop\n"));
  g_assert_null (strstr (text, "iifname \"a\" oifname \"d\" drop\n"));
  g_assert_nonnull (strstr (text, "iifname \"c\" oifname != \"c\" drop\n"));
  g_assert_nonnull (strstr (text, "oifname \"c\" iifname != \"c\" drop\n"));
  json_object_set_new (((NetConfig *) configs->pdata[3])->options, "isolate", json_string ("strict"));
  g_autofree char *strict = firewall_text (networks);
  g_assert_nonnull (strstr (strict, "iifname \"a\" oifname \"d\" drop\n"));
  /* names that are served elsewhere */
  g_assert_null (strstr (strict, "chain names"));
  NetConfig *named = configs->pdata[0];
  named->dns = TRUE;
  g_array_index (named->subnets, NetConfigSubnet, 0).gateway = (NetAddress){ .size = 4, .bytes = { 10, 1, 0, 1 } };
  g_array_index (networks, FirewallNetwork, 0).dns_port = 5353;
  g_autofree char *elsewhere = firewall_text (networks);
  g_assert_nonnull (strstr (elsewhere, "iifname \"a\" ip daddr 10.1.0.1 udp dport 53 redirect to :5353\n"));
  g_assert_nonnull (strstr (elsewhere, "iifname \"a\" ip daddr 10.1.0.1 tcp dport 53 redirect to :5353\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/dns/question", test_question);
  g_test_add_func ("/net/dns/answer", test_answer);
  g_test_add_func ("/net/dns/reverse", test_reverse);
  g_test_add_func ("/net/ipam", test_ipam);
  g_test_add_func ("/net/link/veth", test_veth);
  g_test_add_func ("/net/firewall", test_firewall);
  return g_test_run ();
}
