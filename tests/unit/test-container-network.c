#include <string.h>

#include "network/address.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_network.h"

typedef struct {
  const char *words[4];
  const char *network, *slirp, *networks;   /* NULL: none */
  const char *problem;
} Case;

static const Case cases[] = {
  { { NULL }, NULL, NULL, NULL, NULL },
  { { "" }, NULL, NULL, NULL, NULL },
  { { "private" }, NULL, NULL, NULL, NULL },
  { { "default" }, NULL, NULL, NULL, NULL },
  { { "none" }, "none", NULL, NULL, NULL },
  { { "host" }, "host", NULL, NULL, NULL },
  { { "slirp" }, "slirp4netns", NULL, NULL, NULL },
  { { "slirp4netns" }, "slirp4netns", NULL, NULL, NULL },
  { { "slirp4netns:" }, "slirp4netns", NULL, NULL, NULL },
  { { "slirp4netns:mtu=1500,enable_ipv6=true" }, "slirp4netns", "mtu=1500|enable_ipv6=true", NULL, NULL },
  { { "slirp:accel=on" }, "slirp4netns", "accel=on", NULL, NULL },
  { { "pasta:--map-gw,-t,auto" }, "pasta", "--map-gw|-t|auto", NULL, NULL },
  { { "container:web" }, "container:web", NULL, NULL, NULL },
  { { "ns:/run/netns/x" }, "ns:/run/netns/x", NULL, NULL, NULL },
  { { "bridge" }, "bridge", NULL, "[{\"name\":\"podman\"}]", NULL },
  { { "bridge:ip=10.88.0.9" }, "bridge", NULL, "[{\"name\":\"podman\",\"static_ips\":[\"10.88.0.9\"]}]", NULL },
  { { "net1" }, "bridge", NULL, "[{\"name\":\"net1\"}]", NULL },
  { { "net1,net2" }, "bridge", NULL, "[{\"name\":\"net1\"},{\"name\":\"net2\"}]", NULL },
  { { "net1", "net2:alias=a,alias=b" }, "bridge", NULL, "[{\"name\":\"net1\"},{\"name\":\"net2\",\"aliases\":[\"a\",\"b\"]}]", NULL },
  { { "b", "a", "b:alias=x" }, "bridge", NULL, "[{\"name\":\"b\",\"aliases\":[\"x\"]},{\"name\":\"a\"}]", NULL },
  { { "n:ip=10.0.0.2,ip6=fd00::0:2,mac=92-D0-C6-0a-29-33,interface_name=lan,host_interface_name=v0" }, "bridge", NULL,
    "[{\"name\":\"n\",\"static_ips\":[\"10.0.0.2\",\"fd00::2\"],\"static_mac\":\"92:d0:c6:0a:29:33\",\"interface_name\":\"lan\",\"host_interface_name\":\"v0\"}]", NULL },
  { { "n:ip=10.0.0.300" }, NULL, NULL, NULL, "invalid ip address \"10.0.0.300\"" },
  { { "n:ip=" }, NULL, NULL, NULL, "invalid ip address \"\"" },
  { { "n:mac=1:2:3" }, NULL, NULL, NULL, "address 1:2:3: invalid MAC address" },
  { { "n:alias=" }, NULL, NULL, NULL, "alias cannot be empty: invalid argument" },
  { { "n:interface_name=" }, NULL, NULL, NULL, "interface_name cannot be empty: invalid argument" },
  { { "n:interface_name=a-name-too-long-to-be" }, NULL, NULL, NULL, "interface_name a-name-too-long-to-be: not the name of an interface: at most 15 characters, without '/', ':' and spaces" },
  { { "n:colour=blue" }, NULL, NULL, NULL, "unknown bridge network option: colour" },
  { { "n1,,n2" }, NULL, NULL, NULL, "network name cannot be empty: invalid argument" },
  { { ":ip=10.0.0.2" }, NULL, NULL, NULL, "network name cannot be empty: invalid argument" },
  { { "host:x" }, NULL, NULL, NULL, "network mode host takes no options: invalid argument" },
  { { "ns:" }, NULL, NULL, NULL, "must provide a path to a namespace when using ns: invalid argument" },
  { { "container:" }, NULL, NULL, NULL, "must provide container name or ID when using container: invalid argument" },
  { { "host", "none" }, NULL, NULL, NULL, "can only set extra network names, selected mode none conflicts with bridge: invalid argument" },
  { { "host", "net1" }, NULL, NULL, NULL, "can only set extra network names, selected mode host conflicts with bridge: invalid argument" },
  { { "net1", "slirp4netns:mtu=1" }, NULL, NULL, NULL, "can only set extra network names, selected mode slirp4netns conflicts with bridge: invalid argument" },
  { { "net1", "container:x" }, NULL, NULL, NULL, "can only set extra network names, selected mode container conflicts with bridge: invalid argument" },
};

static void
test_words (void)
{
  const NetworkFlags flags = { 0 };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (ContainerOptions) options = container_options_new ();
      gboolean done = container_network_read (options, c->words, &flags, &error);
      g_test_message ("%s", c->words[0]);
      if (c->problem != NULL)
        {
          g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
          g_assert_cmpstr (error->message, ==, c->problem);
          continue;
        }
      g_assert_no_error (error);
      g_assert_true (done);
      g_assert_cmpstr (options->network, ==, c->network);
      g_autofree char *slirp = options->slirp_options != NULL ? g_strjoinv ("|", options->slirp_options) : NULL;
      g_assert_cmpstr (slirp, ==, c->slirp);
      g_autofree char *networks = options->networks != NULL ? json_dumps (options->networks, JSON_COMPACT) : NULL;
      g_assert_cmpstr (networks, ==, c->networks);
      /* and they are kept */
      json_auto_t *json = container_options_to_json (options);
      g_autoptr (ContainerOptions) back = container_options_from_json (json);
      g_assert_true (back->networks == options->networks || json_equal (back->networks, options->networks));
      g_assert_cmpint (container_network_kind (back), ==, container_network_kind (options));
    }
}

static void
check_flags (const char *word, NetworkFlags flags, const char *networks, const char *problem)
{
  const char *words[] = { word, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (ContainerOptions) options = container_options_new ();
  gboolean done = container_network_read (options, words, &flags, &error);
  if (problem != NULL)
    {
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, problem);
      return;
    }
  g_assert_no_error (error);
  g_assert_true (done);
  g_autofree char *text = json_dumps (options->networks, JSON_COMPACT);
  g_assert_cmpstr (text, ==, networks);
}

static void
test_flags (void)
{
  const char *const aliases[] = { "db", "sql", NULL };
  check_flags ("n", (NetworkFlags){ .ip = "10.0.0.2", .ip6 = "fd00::2", .mac = "92:d0:c6:0a:29:33" },
               "[{\"name\":\"n\",\"static_ips\":[\"10.0.0.2\",\"fd00::2\"],\"static_mac\":\"92:d0:c6:0a:29:33\"}]", NULL);
  check_flags ("n,m", (NetworkFlags){ .aliases = aliases }, "[{\"name\":\"n\",\"aliases\":[\"db\",\"sql\"]},{\"name\":\"m\",\"aliases\":[\"db\",\"sql\"]}]", NULL);
  check_flags ("n,m", (NetworkFlags){ .ip = "10.0.0.2" }, NULL, "--ip can only be set for a single network: invalid argument");
  check_flags ("n,m", (NetworkFlags){ .mac = "92:d0:c6:0a:29:33" }, NULL, "--mac-address can only be set for a single network: invalid argument");
  check_flags ("host", (NetworkFlags){ .ip = "10.0.0.2" }, NULL, "invalid config provided: networks and static ip/mac address can only be used with Bridge mode networking: say --network NAME, too");
  check_flags (NULL, (NetworkFlags){ .aliases = aliases }, NULL, "invalid config provided: networks and static ip/mac address can only be used with Bridge mode networking: say --network NAME, too");
  check_flags ("n", (NetworkFlags){ .ip = "fd00::2" }, NULL, "--ip: \"fd00::2\" is not an IPv4 address");
  check_flags ("n", (NetworkFlags){ .ip6 = "10.0.0.2" }, NULL, "--ip6: \"10.0.0.2\" is not an IPv6 address");
  check_flags ("n", (NetworkFlags){ .ip = "ten" }, NULL, "invalid ip address \"ten\"");
}

static void
check_conf (const char *text, const char *network, const char *slirp, const char *networks, const char *problem)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ContainerOptions) options = container_options_new ();
  json_auto_t *conf = json_loads (text, 0, NULL);
  g_assert_nonnull (conf);
  gboolean done = container_network_default (options, json_object_get (conf, "containers"), json_object_get (conf, "engine"), json_object_get (conf, "network"), &error);
  if (problem != NULL)
    {
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, problem);
      return;
    }
  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpstr (options->network, ==, network);
  g_autofree char *joined = options->slirp_options != NULL ? g_strjoinv ("|", options->slirp_options) : NULL;
  g_assert_cmpstr (joined, ==, slirp);
  g_autofree char *names = options->networks != NULL ? json_dumps (options->networks, JSON_COMPACT) : NULL;
  g_assert_cmpstr (names, ==, networks);
}

static void
test_conf (void)
{
  check_conf ("{}", NULL, NULL, NULL, NULL);
  check_conf ("{\"containers\":{\"netns\":\"none\"}}", "none", NULL, NULL, NULL);
  check_conf ("{\"containers\":{\"netns\":\"private\"}}", NULL, NULL, NULL, NULL);
  check_conf ("{\"containers\":{\"netns\":\"bridge\"}}", "bridge", NULL, "[{\"name\":\"podman\"}]", NULL);
  check_conf ("{\"containers\":{\"netns\":\"bridge\"},\"network\":{\"default_network\":\"lan\"}}", "bridge", NULL, "[{\"name\":\"lan\"}]", NULL);
  check_conf ("{\"network\":{\"default_rootless_network_cmd\":\"pasta\"}}", NULL, NULL, NULL, NULL);
  check_conf ("{\"network\":{\"default_rootless_network_cmd\":\"vde\"}}", NULL, NULL, NULL, "containers.conf: invalid default_rootless_network_cmd option \"vde\"");
  check_conf ("{\"engine\":{\"network_cmd_options\":[\"mtu=1500\"]}}", NULL, "mtu=1500", NULL, NULL);
  check_conf ("{\"engine\":{\"network_cmd_options\":\"mtu\"}}", NULL, NULL, NULL, "containers.conf: network_cmd_options: must be an array of strings");
}

static void
test_addresses (void)
{
  NetAddress a, b;
  NetSubnet s, t;
  char text[NET_ADDRESS_TEXT];
  g_assert_true (net_address_parse ("10.0.0.255", &a));
  g_assert_true (net_address_add (&a, 2, &b));
  g_assert_cmpstr (net_address_text (&b, text), ==, "10.0.1.1");
  g_assert_true (net_address_parse ("255.255.255.255", &a));
  g_assert_false (net_address_add (&a, 1, &b));
  g_assert_false (net_address_parse ("10.0.0", &a));
  g_assert_true (net_subnet_parse ("10.1.2.3/23", &s, &a));
  g_autofree char *subnet = net_subnet_text (&s);
  g_assert_cmpstr (subnet, ==, "10.1.2.0/23");
  g_assert_cmpuint (net_subnet_size (&s), ==, 512);
  net_subnet_last (&s, &b);
  g_assert_cmpstr (net_address_text (&b, text), ==, "10.1.3.255");
  g_assert_true (net_subnet_contains (&s, &a));
  g_assert_true (net_subnet_parse ("10.1.0.0/16", &t, NULL));
  g_assert_true (net_subnet_overlaps (&s, &t));
  g_assert_true (net_subnet_overlaps (&t, &s));
  g_assert_true (net_subnet_parse ("10.2.0.0/16", &t, NULL));
  g_assert_false (net_subnet_overlaps (&s, &t));
  g_assert_true (net_subnet_parse ("fd00:1::5/64", &s, NULL));
  g_assert_false (net_subnet_overlaps (&s, &t));
  g_assert_cmpuint (net_subnet_size (&s), ==, UINT64_MAX);
  static const char *const bad[] = { "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+1", "10.0.0.0/", "/24", "x/24", "fd00::/129", "10.0.0.0/24/24" };
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (net_subnet_parse (bad[i], &s, NULL));
  uint8_t mac[6];
  static const char *const good[] = { "92:d0:c6:0a:29:33", "92-D0-C6-0A-29-33", "92d0.c60a.2933" };
  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_assert_true (net_mac_parse (good[i], mac));
      g_autofree char *usual = net_mac_text (mac);
      g_assert_cmpstr (usual, ==, "92:d0:c6:0a:29:33");
    }
  g_assert_false (net_mac_parse ("92:d0:c6:0a:29:3g", mac));
  g_assert_false (net_mac_parse ("92:d0:c6-0a:29:33", mac));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/container-network/words", test_words);
  g_test_add_func ("/container-network/flags", test_flags);
  g_test_add_func ("/container-network/conf", test_conf);
  g_test_add_func ("/container-network/addresses", test_addresses);
  return g_test_run ();
}
