#include "pkg/engine/container_join.h"

#include <string.h>

#include "network/netd.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/network.h"
#include "pkg/json/json.h"

enum { LEAVING_TRIES = 25, LEAVING_PAUSE_US = 20000 };

gboolean
network_prepare (Make *make, GError **error)
{
  g_autoptr (NetworkPlace) place = network_place_new (make->paths, error);
  g_autoptr (GPtrArray) configs = NULL;
  size_t i;
  json_t *network;
  if (place == NULL)
    return FALSE;
  make->network_lock = net_store_lock (place->folder, TRUE, error);
  if (make->network_lock < 0 || !net_store_list (place->folder, place->default_name, place->default_subnet, &configs, error))
    return FALSE;
  make_own_options (make);
  json_array_foreach (make->own_options->networks, i, network)
    {
      const NetConfig *config = net_store_find (configs, json_string_value (json_object_get (network, "name")), error);
      if (config == NULL)
        return FALSE;
      json_object_set_new (network, "name", json_string (config->name));
    }
  return TRUE;
}

/* requests: the networks of @options with what is known of each now. New reference, or NULL. */
static json_t *
requests (const ConfigPaths *paths, const ContainerOptions *options, GError **error)
{
  g_autoptr (NetworkPlace) place = network_place_new (paths, error);
  g_autoptr (GPtrArray) configs = NULL;
  size_t i;
  json_t *network;
  if (place == NULL || !net_store_list (place->folder, place->default_name, place->default_subnet, &configs, error))
    return NULL;
  json_auto_t *list = json_array ();
  json_array_foreach (options->networks, i, network)
    {
      const NetConfig *config = net_store_find (configs, json_string_value (json_object_get (network, "name")), error);
      if (config == NULL)
        return NULL;
      json_t *request = json_deep_copy (network);
      json_object_set_new (request, "config", net_config_to_json (config));
      json_array_append_new (list, request);
      if (!network_place_words (place, request, error))
        return NULL;
    }
  return g_steal_pointer (&list);
}

void
network_names (json_t *joined, char ***ret_addresses, char ***ret_servers)
{
  g_autoptr (GStrvBuilder) addresses = g_strv_builder_new (), servers = g_strv_builder_new ();
  size_t i, k;
  json_t *network, *lease;
  json_array_foreach (json_object_get (joined, "networks"), i, network)
    json_array_foreach (json_object_get (network, "leases"), k, lease)
      {
        const char *gateway = json_string_value (json_object_get (lease, "gateway"));
        g_strv_builder_add (addresses, json_string_value (json_object_get (lease, "address")));
        if (gateway != NULL && json_is_true (json_object_get (json_object_get (network, "config"), "dns_enabled")))
          g_strv_builder_add (servers, gateway);
      }
  g_strfreev (*ret_addresses);
  g_strfreev (*ret_servers);
  *ret_addresses = g_strv_builder_end (addresses);
  *ret_servers = g_strv_builder_end (servers);
}

/* set_target: published ports lead to its first address of each family. */
static void
set_target (Make *make)
{
  PortTarget *target = &make->port_target;
  size_t i, k;
  json_t *network, *lease;
  gboolean v4 = FALSE, v6 = FALSE;
  json_array_foreach (json_object_get (make->joined, "networks"), i, network)
    json_array_foreach (json_object_get (network, "leases"), k, lease)
      {
        NetAddress address, gateway = { 0 };
        const char *text = json_string_value (json_object_get (lease, "gateway"));
        if (!net_address_parse (json_string_value (json_object_get (lease, "address")), &address))
          continue;
        if (text != NULL)
          (void) net_address_parse (text, &gateway);
        if (address.size == 4 && !v4)
          {
            memcpy (&target->address4, address.bytes, 4);
            memcpy (&target->gateway4, gateway.bytes, 4);
            v4 = TRUE;
          }
        else if (address.size == 16 && !v6)
          {
            memcpy (&target->address6, address.bytes, 16);
            memcpy (&target->gateway6, gateway.bytes, 16);
            v6 = TRUE;
          }
      }
}

static json_t *
own_servers (const ContainerOptions *options)
{
  char **dns = options->dns;
  return json_strv (dns != NULL && g_strcmp0 (dns[0], "none") != 0 ? (const char *const *) dns : NULL);
}

/* ask_for_addresses: an address may still be that of a container which has just ended, for a moment: its monitor is on its way out. */
static json_t *
ask_for_addresses (Make *make, const json_t *request, GError **error)
{
  const NetdPlace place = { make->paths->run_root, make->paths->libexec, make->map->mode == IDMAP_SINGLE };
  for (int tries = 0;; tries++)
    {
      GError *problem = NULL;
      json_t *joined = netd_call (&place, request, make->user_ns > 0 ? make->user_ns : -1, &make->netd, &make->network_fd, &problem);
      if (joined != NULL)
        return joined;
      if (tries == LEAVING_TRIES || !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_EXISTS))
        {
          g_propagate_error (error, problem);
          return NULL;
        }
      g_clear_error (&problem);
      g_usleep (LEAVING_PAUSE_US);
    }
}

gboolean
network_join (Make *make, GError **error)
{
  json_t *networks = requests (make->paths, make->options, error);
  if (networks == NULL)
    return FALSE;
  /* the network namespace is to be the container's own: its root may bind ports below 1024 and change its sysctls */
  if (!userns_resolve (make, error) || !userns_open (make, error))
    {
      json_decref (networks);
      return FALSE;
    }
  json_auto_t *request = json_pack ("{s:s, s:s, s:s, s:o, s:o}", "op", "setup", "id", make->id, "name", make->name, "dns", own_servers (make->options), "networks", networks);
  if (make->options->hostname != NULL)
    json_object_set_new (request, "hostname", json_string (make->options->hostname));
  make->joined = ask_for_addresses (make, request, error);
  if (make->joined == NULL)
    return FALSE;
  make->network_path = g_strdup_printf ("/proc/self/fd/%d", make->network_fd);
  network_names (make->joined, &make->addresses, &make->name_servers);
  set_target (make);
  return make_names (make, error);
}

void
network_let_go (Make *make)
{
  fd_close (fd_steal (&make->netd));
  fd_close (fd_steal (&make->network_fd));
  fd_close (fd_steal (&make->network_lock));
}

/* ---- inspect */

static json_t *
endpoint_aliases (const ContainerOptions *options, const StateContainer *row, json_t *network)
{
  json_t *aliases = json_array (), *alias;
  size_t i;
  json_array_foreach (json_object_get (network, "aliases"), i, alias)
    json_array_append (aliases, alias);
  json_array_append_new (aliases, json_stringn (row->id, 12));
  if (options->hostname != NULL)
    json_array_append_new (aliases, json_string (options->hostname));
  return aliases;
}

json_t *
network_joined (Storage *storage, const char *id)
{
  g_autofree char *path = g_build_filename (id, NETD_FILE, NULL), *text = NULL;
  gsize size;
  return path_read_file (storage->run_fd, path, 1 << 20, &text, &size, NULL) ? json_loadb (text, size, 0, NULL) : NULL;
}

static json_t *
find_joined (json_t *joined, const char *name)
{
  size_t i;
  json_t *network;
  json_array_foreach (json_object_get (joined, "networks"), i, network)
    if (g_strcmp0 (json_string_value (json_object_get (network, "name")), name) == 0)
      return network;
  return NULL;
}

/* show_leases: the first of each family, as Podman has it, and the others behind. */
static void
show_leases (json_t *endpoint, json_t *network)
{
  static const struct { const char *address, *prefix, *gateway, *more; } keys[] = {
    { "IPAddress", "IPPrefixLen", "Gateway", "SecondaryIPAddresses" }, { "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPv6Gateway", "SecondaryIPv6Addresses" },
  };
  gboolean seen[2] = { FALSE, FALSE };
  size_t i;
  json_t *lease;
  json_array_foreach (json_object_get (network, "leases"), i, lease)
    {
      const char *address = json_string_value (json_object_get (lease, "address")), *gateway = json_string_value (json_object_get (lease, "gateway"));
      int v6 = strchr (address, ':') != NULL;
      if (seen[v6])
        {
          if (json_object_get (endpoint, keys[v6].more) == NULL)
            json_object_set_new (endpoint, keys[v6].more, json_array ());
          json_array_append_new (json_object_get (endpoint, keys[v6].more), json_pack ("{s:s, s:O}", "Addr", address, "PrefixLength", json_object_get (lease, "prefix")));
          continue;
        }
      seen[v6] = TRUE;
      json_object_set_new (endpoint, keys[v6].address, json_string (address));
      json_object_set (endpoint, keys[v6].prefix, json_object_get (lease, "prefix"));
      json_object_set_new (endpoint, keys[v6].gateway, json_string (gateway != NULL ? gateway : ""));
    }
  if (network != NULL)
    json_object_set (endpoint, "MacAddress", json_object_get (network, "mac"));
}

void
container_network_show (Storage *storage, const ContainerView *view, const ContainerOptions *options, json_t *settings)
{
  static const char *const texts[] = { "EndpointID", "Gateway", "IPAddress", "IPv6Gateway", "GlobalIPv6Address", "MacAddress", "NetworkID" };
  static const char *const nulls[] = { "DriverOpts", "IPAMConfig", "Links" };
  json_t *networks = json_object_get (settings, "Networks"), *network;
  json_auto_t *joined = view->pid > 0 ? network_joined (storage, view->row->id) : NULL;
  size_t i;
  json_array_foreach (options->networks, i, network)
    {
      const char *name = json_string_value (json_object_get (network, "name"));
      g_autoptr (NetConfig) config = network_find (storage, name, NULL);
      json_t *endpoint = json_object ();
      for (size_t k = 0; k < G_N_ELEMENTS (texts); k++)
        json_object_set_new (endpoint, texts[k], json_string (""));
      json_object_set_new (endpoint, "IPPrefixLen", json_integer (0));
      json_object_set_new (endpoint, "GlobalIPv6PrefixLen", json_integer (0));
      json_object_set_new (endpoint, "NetworkID", json_string (config != NULL ? config->id : name));
      for (size_t k = 0; k < G_N_ELEMENTS (nulls); k++)
        json_object_set_new (endpoint, nulls[k], json_null ());
      json_object_set_new (endpoint, "Aliases", endpoint_aliases (options, view->row, network));
      show_leases (endpoint, find_joined (joined, name));
      json_object_set_new (networks, name, endpoint);
    }
}
