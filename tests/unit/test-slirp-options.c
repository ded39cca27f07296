/* The options of the networks that slirp serves, in slirp4netns' words and in pasta's. */
#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

#include "network/slirp.h"
#include "pkg/base/error.h"

typedef gboolean (*Parse) (const char *const *words, SlirpNetwork *ret_network, GError **error);

static gboolean
parse (Parse how, const char *text, SlirpNetwork *ret_network, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  return how ((const char *const *) words, ret_network, error);
}

/* describe: "ADDRESS/PREFIX gw GATEWAY dns NAME-SERVER mtu MTU" and what is not as usual. */
static char *
describe (const SlirpNetwork *network)
{
  char address[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN], server[INET_ADDRSTRLEN], base[INET_ADDRSTRLEN], out[INET_ADDRSTRLEN], out6[INET6_ADDRSTRLEN];
  static const struct in6_addr none;
  inet_ntop (AF_INET, &network->network, base, sizeof base);
  inet_ntop (AF_INET, &network->address, address, sizeof address);
  inet_ntop (AF_INET, &network->gateway, gateway, sizeof gateway);
  inet_ntop (AF_INET, &network->name_server, server, sizeof server);
  GString *text = g_string_new (NULL);
  g_string_printf (text, "%s/%u %s gw %s dns %s mtu %u", base, network->prefix, address, gateway, server, network->mtu);
  if (network->outbound.s_addr != 0)
    g_string_append_printf (text, " out %s", inet_ntop (AF_INET, &network->outbound, out, sizeof out));
  if (memcmp (&network->outbound6, &none, sizeof none) != 0)
    g_string_append_printf (text, " out %s", inet_ntop (AF_INET6, &network->outbound6, out6, sizeof out6));
  g_string_append_printf (text, "%s%s%s%s%s", network->ipv4 ? "" : " no4", network->ipv6 ? "" : " no6", network->host_loopback ? " loopback" : "", network->plain_ports ? " plain" : "",
                          network->accel ? " accel" : "");
  if (strcmp (network->name, "tap0") != 0)
    g_string_append_printf (text, " %s", network->name);
  return g_string_free (text, FALSE);
}

#define USUAL "10.0.2.0/24 10.0.2.100 gw 10.0.2.2 dns 10.0.2.3 mtu 65520"

static const struct {
  Parse how;
  const char *text, *wanted, *error;
} cases[] = {
  { slirp_network_parse, "cidr=192.168.7.0/24", "192.168.7.0/24 192.168.7.100 gw 192.168.7.2 dns 192.168.7.3 mtu 65520" },
  { slirp_network_parse, "cidr=172.16.0.0/12,mtu=1500", "172.16.0.0/12 172.16.0.100 gw 172.16.0.2 dns 172.16.0.3 mtu 1500" },
  { slirp_network_parse, "enable_ipv6=false,allow_host_loopback=true", USUAL " no6 loopback" },
  { slirp_network_parse, "enable_ipv6=true,allow_host_loopback=false,port_handler=slirp4netns", USUAL },
  { slirp_network_parse, "port_handler=rootlesskit,accel=on", USUAL " plain accel" },
  { slirp_network_parse, "mtu=1279", "10.0.2.0/24 10.0.2.100 gw 10.0.2.2 dns 10.0.2.3 mtu 1279 no6" },
  { slirp_network_parse, "outbound_addr=127.0.0.1", USUAL " out 127.0.0.1" },
  { slirp_network_parse, "outbound_addr=lo", USUAL " out 127.0.0.1" },
  { slirp_network_parse, "cidr=10.0.2.1/24", .error = "it has to be a network's address" },
  { slirp_network_parse, "cidr=10.0.2.0/26", .error = "from 1 to 25" },
  { slirp_network_parse, "cidr=10.0.2.0", .error = "an IPv4 network is wanted" },
  { slirp_network_parse, "cidr=10.0.2.0/x", .error = "an IPv4 network is wanted" },
  { slirp_network_parse, "cidr=fd00::/64", .error = "an IPv4 network is wanted" },
  { slirp_network_parse, "cidr=127.0.0.0/8", .error = "no host can have an address" },
  { slirp_network_parse, "cidr=240.0.0.0/8", .error = "no host can have an address" },
  { slirp_network_parse, "mtu=67", .error = "from 68 to 65521" },
  { slirp_network_parse, "mtu=65522", .error = "from 68 to 65521" },
  { slirp_network_parse, "mtu=big", .error = "from 68 to 65521" },
  { slirp_network_parse, "mtu", .error = "mtu=VALUE is wanted" },
  { slirp_network_parse, "enable_ipv6=maybe", .error = "true or false is wanted" },
  { slirp_network_parse, "port_handler=other", .error = "rootlesskit or slirp4netns" },
  { slirp_network_parse, "outbound_addr=192.0.2.77", .error = "not an address of this machine" },
  { slirp_network_parse, "outbound_addr=::1", .error = "an IPv4 address or an interface" },
  { slirp_network_parse, "outbound_addr6=127.0.0.1", .error = "an IPv6 address or an interface" },
  { slirp_network_parse, "outbound_addr=nosuch0", .error = "neither an IPv4 address nor an interface" },
  { slirp_network_parse, "enable_ipv4=false", .error = "unknown option for slirp4netns: \"enable_ipv4=false\"" },
  { slirp_network_parse, ",", .error = "unknown option for slirp4netns: \"\"" },
  { slirp_network_parse_pasta, "--mtu,1500", "10.0.2.0/24 10.0.2.100 gw 10.0.2.2 dns 10.0.2.3 mtu 1500" },
  { slirp_network_parse_pasta, "--ipv4-only,-a,10.0.2.0,-n,24,-g,10.0.2.2,--dns-forward,10.0.2.3,-m,1500,--no-ndp,--no-dhcpv6,--no-dhcp",
    "10.0.2.0/24 10.0.2.0 gw 10.0.2.2 dns 10.0.2.3 mtu 1500 no6" },
  { slirp_network_parse_pasta, "-I,eth7,-a,192.0.2.9/24", "192.0.2.0/24 192.0.2.9 gw 192.0.2.2 dns 192.0.2.3 mtu 65520 eth7" },
  { slirp_network_parse_pasta, "-n,255.255.0.0,-a,10.1.2.3", "10.1.0.0/16 10.1.2.3 gw 10.1.0.2 dns 10.1.0.3 mtu 65520" },
  { slirp_network_parse_pasta, "--map-gw,-4", USUAL " no6 loopback" },
  { slirp_network_parse_pasta, "--no-map-gw,-6", USUAL " no4" },
  { slirp_network_parse_pasta, "-t,none,-unone,-T,none,-U,none,--config-net,-q", USUAL },
  { slirp_network_parse_pasta, "--outbound-if4=lo,--mtu=9000", "10.0.2.0/24 10.0.2.100 gw 10.0.2.2 dns 10.0.2.3 mtu 9000 out 127.0.0.1" },
  { slirp_network_parse_pasta, "-t,auto", .error = "only none" },
  { slirp_network_parse_pasta, "-T,5201", .error = "only none" },
  { slirp_network_parse_pasta, "-4,-6", .error = "neither IPv4 nor IPv6" },
  { slirp_network_parse_pasta, "--no-ndp", .error = "--no-ndp: unsupported with IPv6" },
  { slirp_network_parse_pasta, "-a,fd00::9", .error = "IPv6 addresses of this network are fixed" },
  { slirp_network_parse_pasta, "-a,nonsense", .error = "invalid address" },
  { slirp_network_parse_pasta, "-n,255.0.255.0", .error = "invalid netmask" },
  { slirp_network_parse_pasta, "-n,0", .error = "invalid netmask" },
  { slirp_network_parse_pasta, "-g,10.9.9.9,-a,10.0.2.5", .error = "in one network" },
  { slirp_network_parse_pasta, "-a,10.0.2.2", .error = "cannot have the same address" },
  { slirp_network_parse_pasta, "--pcap,file", .error = "option '--pcap': unsupported" },
  { slirp_network_parse_pasta, "--mtu", .error = "its value is missing" },
  { slirp_network_parse_pasta, "--map-gw=1", .error = "takes no value" },
  { slirp_network_parse_pasta, "-I,a/b", .error = "invalid interface name" },
  { slirp_network_parse_pasta, "-I,sixteencharacter", .error = "invalid interface name" },
};

static void
test_cases (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      SlirpNetwork network;
      gboolean good = parse (cases[i].how, cases[i].text, &network, &error);
      if (cases[i].error != NULL)
        {
          g_assert_false (good);
          g_test_message ("%s: %s", cases[i].text, error->message);
          g_assert_nonnull (strstr (error->message, cases[i].error));
          continue;
        }
      g_assert_no_error (error);
      g_autofree char *text = describe (&network);
      g_assert_cmpstr (text, ==, cases[i].wanted);
      g_assert_cmpuint (network.size, ==, sizeof network);
    }
}

static void
test_none (void)
{
  SlirpNetwork network, usual;
  slirp_network_init (&usual);
  g_assert_true (slirp_network_parse (NULL, &network, NULL));
  g_assert_cmpmem (&network, sizeof network, &usual, sizeof usual);
  g_assert_true (slirp_network_parse_pasta (NULL, &network, NULL));
  g_assert_cmpmem (&network, sizeof network, &usual, sizeof usual);
  g_autofree char *address = slirp_network_address (&network);
  g_assert_cmpstr (address, ==, "10.0.2.100");
  network.ipv4 = 0;
  g_autofree char *six = slirp_network_address (&network);
  g_assert_cmpstr (six, ==, "fd00::100");
  network.host_loopback = 1;
  g_autofree char *host = slirp_host_address (&network);
  g_assert_nonnull (host);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/slirp-options/cases", test_cases);
  g_test_add_func ("/slirp-options/none", test_none);
  return g_test_run ();
}
