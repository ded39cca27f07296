#include <fcntl.h>

#include "network/config.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

static const char full[] = "{\"name\":\"back\",\"id\":\"38aa561efdda43bc74c32c8f3fe011a3219fc0e9ff246ba53cba3a78cbe9b954\",\"driver\":\"bridge\",\"network_interface\":\"podman5\","
                           "\"created\":\"2026-11-21T14:28:56.457277426Z\",\"subnets\":[{\"subnet\":\"10.77.0.0/24\",\"gateway\":\"10.77.0.1\",\"lease_range\":{\"start_ip\":\"10.77.0.129\","
                           "\"end_ip\":\"10.77.0.255\"}},{\"subnet\":\"fd00:7::/64\",\"gateway\":\"fd00:7::1\"}],\"routes\":[{\"destination\":\"10.1.0.0/24\",\"gateway\":\"10.77.0.9\",\"metric\":100}],"
                           "\"ipv6_enabled\":true,\"internal\":true,\"dns_enabled\":true,\"network_dns_servers\":[\"2.2.2.2\"],\"labels\":{\"a\":\"b\"},\"options\":{\"isolate\":\"true\",\"mtu\":\"1400\"},"
                           "\"ipam_options\":{\"driver\":\"host-local\"}}";

/* what Podman wrote comes back to the letter */
static void
test_round_trip (void)
{
  g_autoptr (GError) error = NULL;
  json_auto_t *object = json_loads (full, 0, NULL);
  g_autoptr (NetConfig) config = net_config_from_json (object, &error);
  g_assert_no_error (error);
  json_auto_t *back = net_config_to_json (config);
  g_autofree char *text = json_dumps (back, JSON_COMPACT);
  g_assert_cmpstr (text, ==, full);
  g_assert_cmpstr (net_config_option (config, "mtu"), ==, "1400");
  g_assert_null (net_config_option (config, "vlan"));
}

/* of the full one with one member replaced */
static void
check_bad (const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;
  json_auto_t *object = json_loads (full, 0, NULL);
  json_object_set_new (object, key, json_loads (value, JSON_DECODE_ANY, NULL));
  NetConfig *config = net_config_from_json (object, &error);
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
  g_assert_null (config);
}

static void
test_bad (void)
{
  check_bad ("name", "null");
  check_bad ("name", "3");
  check_bad ("id", "\"38aa\"");
  check_bad ("driver", "null");
  check_bad ("network_interface", "\"much-too-long-a-name\"");
  check_bad ("network_interface", "\"a/b\"");
  check_bad ("subnets", "[{}]");
  check_bad ("subnets", "[3]");
  check_bad ("subnets", "[{\"subnet\":\"x\"}]");
  check_bad ("subnets", "[{\"subnet\":\"10.0.0.0/24\",\"gateway\":\"10.1.0.1\"}]");
  check_bad ("subnets", "[{\"subnet\":\"10.0.0.0/24\",\"lease_range\":{\"start_ip\":\"x\"}}]");
  check_bad ("routes", "[{\"destination\":\"10.0.0.0/24\",\"gateway\":\"x\"}]");
  check_bad ("routes", "[{\"destination\":\"10.0.0.0/24\",\"gateway\":\"10.0.0.1\",\"metric\":-1}]");
  check_bad ("network_dns_servers", "[\"x\"]");
  check_bad ("labels", "[]");
  check_bad ("options", "{\"a\":1}");
  check_bad ("internal", "\"yes\"");
}

static void
test_store (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *root = g_dir_make_tmp ("coracle-net-XXXXXX", NULL), *folder = g_build_filename (root, "networks", NULL);
  g_autoptr (GPtrArray) configs = NULL;
  /* no folder: the built-in network alone */
  g_assert_true (net_store_list (folder, NET_DEFAULT_NAME, NULL, &configs, &error));
  g_assert_cmpuint (configs->len, ==, 1);
  const NetConfig *built_in = net_store_find (configs, "2f259b", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (built_in->name, ==, "podman");
  g_autofree char *subnet = net_subnet_text (&g_array_index (built_in->subnets, NetConfigSubnet, 0).subnet);
  g_assert_cmpstr (subnet, ==, "10.88.0.0/16");
  g_clear_pointer (&configs, g_ptr_array_unref);

  cleanup_fd int lock = net_store_lock (folder, FALSE, &error);
  g_assert_cmpint (lock, >=, 0);
  json_auto_t *object = json_loads (full, 0, NULL);
  g_autoptr (NetConfig) config = net_config_from_json (object, &error);
  g_assert_true (net_store_write (folder, config, &error));
  /* a broken file, and one that is called otherwise than its network, are told of and left out */
  g_autofree char *bad = g_build_filename (folder, "bad.json", NULL), *other = g_build_filename (folder, "other.json", NULL);
  g_assert_true (g_file_set_contents (bad, "{", 1, NULL));
  g_assert_true (g_file_set_contents (other, full, -1, NULL));
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "network config file *");
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "network config file *");
  g_assert_true (net_store_list (folder, NET_DEFAULT_NAME, "10.50.0.0/16", &configs, &error));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (configs->len, ==, 2);
  g_assert_cmpstr (((NetConfig *) configs->pdata[0])->name, ==, "back");
  g_assert_nonnull (net_store_find (configs, "38aa", NULL));
  g_assert_null (net_store_find (configs, "", &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (net_store_find (configs, "bac", &error));
  g_assert_cmpstr (error->message, ==, "unable to find network with name or ID bac: network not found");
  g_clear_error (&error);
  g_assert_true (net_store_remove (folder, "back", &error));
  g_assert_true (net_store_remove (folder, "back", &error));
  g_assert_cmpint (path_remove_tree (AT_FDCWD, root), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net-config/round-trip", test_round_trip);
  g_test_add_func ("/net-config/bad", test_bad);
  g_test_add_func ("/net-config/store", test_store);
  return g_test_run ();
}
