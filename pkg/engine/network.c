#include "pkg/engine/network.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/text.h"
#include "pkg/config/containers_conf.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_join.h"
#include "pkg/engine/event.h"
#include "pkg/engine/network_connect.h"

/* ---- place */

static const struct { const char *base; guint size; } usual_pools[] = { { "10.89.0.0/16", 24 }, { "10.90.0.0/15", 24 }, { "10.92.0.0/14", 24 }, { "10.96.0.0/11", 24 }, { "10.128.0.0/9", 24 } };

static gboolean
add_pool (GArray *pools, const char *base, gint64 size, GError **error)
{
  NetworkPool pool;
  if (base == NULL || !net_subnet_parse (base, &pool.base, NULL) || pool.base.base.size != 4)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: default_subnet_pools: base \"%s\" is no IPv4 subnet", base != NULL ? base : "");
  if (size < pool.base.prefix || size > 30)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: invalid subnet pool size %" G_GINT64_FORMAT ", must be between %u and 30", size, pool.base.prefix);
  pool.size = (guint) size;
  g_array_append_val (pools, pool);
  return TRUE;
}

static gboolean
read_pools (GArray *pools, const json_t *array, GError **error)
{
  size_t i;
  json_t *item;
  if (json_array_size (array) > 0)
    g_array_set_size (pools, 0);
  json_array_foreach (array, i, item)
    if (!add_pool (pools, json_string_value (json_object_get (item, "base")), json_integer_value (json_object_get (item, "size")), error))
      return FALSE;
  return TRUE;
}

/* text_of: an empty text is as good as none. */
static const char *
text_of (const json_t *table, const char *key)
{
  const char *text = json_string_value (json_object_get (table, key));
  return text != NULL && text[0] != '\0' ? text : NULL;
}

static const char *chosen_folder;

void
network_choose_folder (const char *folder)
{
  chosen_folder = folder;
}

NetworkPlace *
network_place_new (const ConfigPaths *paths, GError **error)
{
  json_auto_t *conf = containers_conf_read (error);
  g_autoptr (NetworkPlace) place = g_new0 (NetworkPlace, 1);
  NetSubnet subnet;
  place->pools = g_array_new (FALSE, FALSE, sizeof (NetworkPool));
  if (conf == NULL)
    return NULL;
  const json_t *table = json_object_get (conf, "network");
  const char *folder = chosen_folder != NULL && chosen_folder[0] != '\0' ? chosen_folder : text_of (table, "network_config_dir"), *name = text_of (table, "default_network");
  place->folder = folder != NULL ? g_strdup (folder) : g_build_filename (paths->root, "networks", NULL);
  place->default_name = g_strdup (name != NULL ? name : NET_DEFAULT_NAME);
  place->default_subnet = g_strdup (text_of (table, "default_subnet"));
  place->firewall = g_strdup (text_of (table, "firewall_driver"));
  place->dns_port = json_incref (json_object_get (table, "dns_bind_port"));
  if (place->default_subnet != NULL && !net_subnet_parse (place->default_subnet, &subnet, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: failed to parse default subnet: invalid CIDR address: %s", place->default_subnet), NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (usual_pools); i++)
    (void) add_pool (place->pools, usual_pools[i].base, usual_pools[i].size, NULL);
  return read_pools (place->pools, json_object_get (table, "default_subnet_pools"), error) ? g_steal_pointer (&place) : NULL;
}

void
network_place_free (NetworkPlace *place)
{
  if (place == NULL)
    return;
  g_free (place->folder);
  g_free (place->default_name);
  g_free (place->default_subnet);
  g_array_unref (place->pools);
  g_free (place->firewall);
  json_decref (place->dns_port);
  g_free (place);
}

/* Source: containers.conf(5) firewall_driver, dns_bind_port */
gboolean
network_place_words (const NetworkPlace *place, json_t *network, GError **error)
{
  static const char *const others[] = { "iptables", "firewalld", NULL };
  json_int_t port = place->dns_port != NULL ? json_integer_value (place->dns_port) : 0;
  if (place->firewall != NULL && g_strv_contains (others, place->firewall))
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "containers.conf: network.firewall_driver \"%s\": unsupported: the rules of named networks are made by nftables, or with \"none\" by nobody",
                          place->firewall);
  if (place->firewall != NULL && strcmp (place->firewall, "nftables") != 0 && strcmp (place->firewall, "none") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: network.firewall_driver: \"%s\" must be \"nftables\" or \"none\"", place->firewall);
  if ((place->dns_port != NULL && !json_is_integer (place->dns_port)) || port < 0 || port > 65535)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: network.dns_bind_port: must be a number from 0 to 65535");
  if (g_strcmp0 (place->firewall, "none") == 0)
    json_object_set_new (network, "firewall", json_false ());
  if (port > 0)
    json_object_set_new (network, "dns_port", json_integer (port));
  return TRUE;
}

/* ---- who is on a network */

GPtrArray *
network_users (Storage *storage, const NetConfig *config, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL, ids = g_ptr_array_new_with_free_func (g_free);
  if (!state_container_list_mentioning (storage->state, config->name, &rows, error))
    return NULL;
  for (guint i = 0; i < rows->len; i++)
    {
      StateContainer *row = rows->pdata[i];
      size_t k;
      json_t *network;
      state_container_read_config (row);
      json_array_foreach (json_object_get (json_object_get (row->config, "options"), "networks"), k, network)
        if (g_strcmp0 (json_string_value (json_object_get (network, "name")), config->name) == 0)
          {
            g_ptr_array_add (ids, g_strdup (row->id));
            break;
          }
    }
  return g_steal_pointer (&ids);
}

/* ---- filters */

typedef struct {
  const char *key;
  gboolean all;         /* every value must fit, not one of them */
  gboolean (*fits) (Storage *storage, const NetConfig *config, const char *value, gboolean *ret_fits, GError **error);
} FilterKind;

static gboolean
filter_name (Storage *storage, const NetConfig *config, const char *value, gboolean *ret_fits, GError **error)
{
  (void) storage;
  GError *problem = NULL;
  g_autoptr (GRegex) regex = g_regex_new (value, 0, 0, &problem);
  if (regex == NULL)
    {
      g_error_free (problem);
      return coracle_throw (error, CORACLE_ERROR_INVALID, "error parsing regexp: `%s`", value);
    }
  *ret_fits = g_regex_match (regex, config->name, 0, NULL);
  return TRUE;
}

static gboolean
filter_driver (Storage *storage, const NetConfig *config, const char *value, gboolean *ret_fits, GError **error)
{
  (void) storage;
  (void) error;
  *ret_fits = strcmp (config->driver, value) == 0;
  return TRUE;
}

static gboolean
filter_id (Storage *storage, const NetConfig *config, const char *value, gboolean *ret_fits, GError **error)
{
  (void) storage;
  (void) error;
  *ret_fits = g_str_has_prefix (config->id, value);
  return TRUE;
}

static gboolean
filter_label (Storage *storage, const NetConfig *config, const char *value, gboolean *ret_fits, GError **error)
{
  (void) storage;
  (void) error;
  g_auto (GStrv) parts = g_strsplit (value, "=", 2);
  const char *have = json_string_value (json_object_get (config->labels, parts[0] != NULL ? parts[0] : ""));
  *ret_fits = have != NULL && (parts[1] == NULL || strcmp (have, parts[1]) == 0);
  return TRUE;
}

static gboolean
filter_no_label (Storage *storage, const NetConfig *config, const char *value, gboolean *ret_fits, GError **error)
{
  gboolean fits;
  (void) filter_label (storage, config, value, &fits, error);
  *ret_fits = !fits;
  return TRUE;
}

static gboolean
filter_until (Storage *storage, const NetConfig *config, const char *value, gboolean *ret_fits, GError **error)
{
  (void) storage;
  struct timespec until, created, now = text_time_from_usec (g_get_real_time ());
  if (!text_time_parse (value, now, &until, error))
    return FALSE;
  *ret_fits = text_time_parse (config->created, now, &created, NULL) && (created.tv_sec < until.tv_sec || (created.tv_sec == until.tv_sec && created.tv_nsec < until.tv_nsec));
  return TRUE;
}

static gboolean
filter_dangling (Storage *storage, const NetConfig *config, const char *value, gboolean *ret_fits, GError **error)
{
  static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", NULL }, *const no[] = { "0", "f", "F", "false", "FALSE", "False", NULL };
  gboolean wanted = g_strv_contains (yes, value);
  if (!wanted && !g_strv_contains (no, value))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid dangling filter value \"%s\"", value);
  g_autoptr (GPtrArray) users = network_users (storage, config, error);
  g_autoptr (NetworkPlace) place = users != NULL ? network_place_new (storage->paths, error) : NULL;
  if (place == NULL)
    return FALSE;
  /* the default network always counts as used */
  *ret_fits = (users->len == 0 && strcmp (config->name, place->default_name) != 0) == wanted;
  return TRUE;
}

static const FilterKind filter_kinds[] = {
  { "name", FALSE, filter_name }, { "driver", FALSE, filter_driver }, { "id", FALSE, filter_id },           { "label", TRUE, filter_label },
  { "label!", TRUE, filter_no_label }, { "until", FALSE, filter_until }, { "dangling", FALSE, filter_dangling },
};

/* split_filter: its kind and value; @prune: only those that make sense there. */
static const FilterKind *
split_filter (const char *text, gboolean prune, const char **ret_value, GError **error)
{
  const char *equals = strchr (text, '=');
  if (equals == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "filter input must be in the form of filter=value: %s is invalid", text), NULL;
  g_autofree char *key = g_strndup (text, (gsize) (equals - text));
  *ret_value = equals + 1;
  for (size_t i = 0; i < G_N_ELEMENTS (filter_kinds); i++)
    if (strcmp (filter_kinds[i].key, key) == 0 && (!prune || g_str_has_prefix (key, "label") || strcmp (key, "until") == 0))
      return &filter_kinds[i];
  return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid filter \"%s\"", key), NULL;
}

static gboolean
check_filters (const char *const *filters, gboolean prune, GError **error)
{
  const char *value;
  for (; filters != NULL && *filters != NULL; filters++)
    if (split_filter (*filters, prune, &value, error) == NULL)
      return FALSE;
  return TRUE;
}

/* fits: every key must; of several values of one key one is enough, but labels must all. */
static gboolean
fits (Storage *storage, const NetConfig *config, const char *const *filters, gboolean *ret_fits, GError **error)
{
  gboolean asked[G_N_ELEMENTS (filter_kinds)] = { FALSE }, met[G_N_ELEMENTS (filter_kinds)] = { FALSE };
  *ret_fits = TRUE;
  for (; filters != NULL && *filters != NULL; filters++)
    {
      const char *value;
      gboolean one;
      const FilterKind *kind = split_filter (*filters, FALSE, &value, error);
      if (kind == NULL || !kind->fits (storage, config, value, &one, error))
        return FALSE;
      size_t i = (size_t) (kind - filter_kinds);
      asked[i] = TRUE;
      met[i] = met[i] || one;
      if (kind->all && !one)
        *ret_fits = FALSE;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (filter_kinds); i++)
    if (asked[i] && !met[i])
      *ret_fits = FALSE;
  return TRUE;
}

/* ---- looking */

gboolean
network_list (Storage *storage, const char *const *filters, GPtrArray **ret_configs, GError **error)
{
  g_autoptr (NetworkPlace) place = network_place_new (storage->paths, error);
  g_autoptr (GPtrArray) configs = NULL;
  if (place == NULL || !check_filters (filters, FALSE, error) || !net_store_list (place->folder, place->default_name, place->default_subnet, &configs, error))
    return FALSE;
  for (guint i = configs->len; i-- > 0;)
    {
      gboolean one;
      if (!fits (storage, configs->pdata[i], filters, &one, error))
        return FALSE;
      if (!one)
        g_ptr_array_remove_index (configs, i);
    }
  *ret_configs = g_steal_pointer (&configs);
  return TRUE;
}

/* steal: out of its list. */
static NetConfig *
steal (GPtrArray *configs, NetConfig *config)
{
  guint i;
  if (config == NULL || !g_ptr_array_find (configs, config, &i))
    return NULL;
  return g_ptr_array_steal_index (configs, i);
}

NetConfig *
network_find (Storage *storage, const char *name_or_id, GError **error)
{
  g_autoptr (NetworkPlace) place = network_place_new (storage->paths, error);
  g_autoptr (GPtrArray) configs = NULL;
  if (place == NULL || !net_store_list (place->folder, place->default_name, place->default_subnet, &configs, error))
    return NULL;
  return steal (configs, net_store_find (configs, name_or_id, error));
}

/* interface_json: Podman's. */
static json_t *
interface_json (json_t *network)
{
  json_t *subnets = json_array (), *lease;
  size_t i;
  json_array_foreach (json_object_get (network, "leases"), i, lease)
    {
      g_autofree char *address = g_strdup_printf ("%s/%d", json_string_value (json_object_get (lease, "address")), (int) json_integer_value (json_object_get (lease, "prefix")));
      json_t *subnet = json_pack ("{s:s}", "ipnet", address);
      if (json_object_get (lease, "gateway") != NULL)
        json_object_set (subnet, "gateway", json_object_get (lease, "gateway"));
      json_array_append_new (subnets, subnet);
    }
  return json_pack ("{s:o, s:O}", "subnets", subnets, "mac_address", json_object_get (network, "mac"));
}

json_t *
network_inspect (Storage *storage, const NetConfig *config, GError **error)
{
  g_autoptr (GPtrArray) users = network_users (storage, config, error);
  if (users == NULL)
    return NULL;
  json_t *object = net_config_to_json (config), *containers = json_object (), *network;
  for (guint i = 0; i < users->len; i++)
    {
      json_auto_t *joined = storage_run_alive (storage, users->pdata[i]) ? network_joined (storage, users->pdata[i]) : NULL;
      size_t k;
      json_array_foreach (json_object_get (joined, "networks"), k, network)
        if (g_strcmp0 (json_string_value (json_object_get (network, "name")), config->name) == 0)
          json_object_set_new (containers, users->pdata[i],
                               json_pack ("{s:O, s:{s:o}}", "name", json_object_get (joined, "name"), "interfaces", json_string_value (json_object_get (network, "interface")), interface_json (network)));
    }
  json_object_set_new (object, "containers", containers);
  return object;
}

void
network_inspect_fill (json_t *object)
{
  static const struct { const char *key; gboolean object; } lists[] = { { "subnets", FALSE }, { "routes", FALSE }, { "network_dns_servers", FALSE }, { "labels", TRUE }, { "options", TRUE } };
  for (size_t i = 0; i < G_N_ELEMENTS (lists); i++)
    if (json_object_get (object, lists[i].key) == NULL)
      json_object_set_new (object, lists[i].key, lists[i].object ? json_object () : json_array ());
  if (json_object_get (object, "network_interface") == NULL)
    json_object_set_new (object, "network_interface", json_string (""));
}

/* ---- removing */

static gboolean
remove_users (Storage *storage, const GPtrArray *ids, gint64 timeout, GError **error)
{
  g_autofree ContainerRemove *items = g_new0 (ContainerRemove, ids->len + 1);
  for (guint i = 0; i < ids->len; i++)
    items[i].id = ids->pdata[i];
  gboolean done = container_remove_all (storage, items, ids->len, TRUE, timeout, TRUE, error);
  for (guint i = 0; i < ids->len; i++)
    {
      if (done && items[i].error != NULL && !g_error_matches (items[i].error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&items[i].error));
          done = FALSE;
        }
      g_clear_error (&items[i].error);
    }
  return done;
}

gboolean
network_remove (Storage *storage, const char *name_or_id, gboolean force, gint64 timeout, GError **error)
{
  g_autoptr (NetworkPlace) place = network_place_new (storage->paths, error);
  g_autoptr (GPtrArray) configs = NULL, users = NULL;
  if (place == NULL || !net_store_list (place->folder, place->default_name, place->default_subnet, &configs, error))
    return FALSE;
  const NetConfig *config = net_store_find (configs, name_or_id, error);
  if (config == NULL)
    return FALSE;
  if (strcmp (config->name, place->default_name) == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "default network %s cannot be removed", config->name);
  users = network_users (storage, config, error);
  if (users == NULL || (force && users->len > 0 && !remove_users (storage, users, timeout, error)))
    return FALSE;
  /* under the lock nobody joins it any more: who does looks for it under the lock as well */
  cleanup_fd int lock = net_store_lock (place->folder, FALSE, error);
  g_clear_pointer (&users, g_ptr_array_unref);
  users = lock >= 0 ? network_users (storage, config, error) : NULL;
  if (users == NULL)
    return FALSE;
  if (users->len > 0)
    return coracle_throw (error, CORACLE_ERROR_IN_USE, "\"%s\" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used", name_or_id);
  if (!net_store_remove (place->folder, config->name, error))
    return FALSE;
  event_network (storage, "remove", config->id, config->name, config->driver);
  return TRUE;
}

gboolean
network_prune (Storage *storage, const char *const *filters, GPtrArray **ret_names, GError **error)
{
  g_autoptr (GPtrArray) configs = NULL, names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (NetworkPlace) place = network_place_new (storage->paths, error);
  if (place == NULL || !check_filters (filters, TRUE, error) || !network_list (storage, filters, &configs, error))
    return FALSE;
  for (guint i = 0; i < configs->len; i++)
    {
      const NetConfig *config = configs->pdata[i];
      g_autoptr (GError) problem = NULL;
      if (strcmp (config->name, place->default_name) == 0)
        continue;
      if (network_remove (storage, config->name, FALSE, 0, &problem))
        g_ptr_array_add (names, g_strdup (config->name));
      else if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE) && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
    }
  *ret_names = g_steal_pointer (&names);
  return TRUE;
}

/* ---- update */

static gboolean
check_servers (const char *const *servers, const char *what, GError **error)
{
  NetAddress address;
  for (; servers != NULL && *servers != NULL; servers++)
    if (!net_address_parse (*servers, &address))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "unable to parse ip %s specified in %s: invalid argument", *servers, what);
  return TRUE;
}

static void
change_servers (NetConfig *config, const char *const *add, const char *const *drop)
{
  g_autoptr (GPtrArray) servers = g_ptr_array_new_with_free_func (g_free);
  for (char **server = config->dns_servers; server != NULL && *server != NULL; server++)
    if (drop == NULL || !g_strv_contains (drop, *server))
      g_ptr_array_add (servers, g_strdup (*server));
  for (; add != NULL && *add != NULL; add++)
    if (!g_ptr_array_find_with_equal_func (servers, *add, g_str_equal, NULL))
      g_ptr_array_add (servers, g_strdup (*add));
  g_clear_pointer (&config->dns_servers, g_strfreev);
  if (servers->len == 0)
    return;
  g_ptr_array_add (servers, NULL);
  config->dns_servers = g_strdupv ((char **) servers->pdata);
}

gboolean
network_update (Storage *storage, const char *name_or_id, const char *const *dns_add, const char *const *dns_drop, GError **error)
{
  g_autoptr (NetworkPlace) place = network_place_new (storage->paths, error);
  g_autoptr (GPtrArray) configs = NULL;
  if (place == NULL)
    return FALSE;
  cleanup_fd int lock = net_store_lock (place->folder, FALSE, error);
  if (lock < 0 || !net_store_list (place->folder, place->default_name, place->default_subnet, &configs, error))
    return FALSE;
  NetConfig *config = net_store_find (configs, name_or_id, error);
  if (config == NULL || !check_servers (dns_add, "AddDNSServer", error) || !check_servers (dns_drop, "RemoveDNSServer", error))
    return FALSE;
  gboolean asked = (dns_add != NULL && dns_add[0] != NULL) || (dns_drop != NULL && dns_drop[0] != NULL);
  if (asked && !config->dns)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unable to update dns servers: dns is disabled for the network %s: invalid argument", config->name);
  change_servers (config, dns_add, dns_drop);
  if (asked && !net_store_write (place->folder, config, error))
    return FALSE;
  json_auto_t *object = net_config_to_json (config);
  if (asked)
    network_tell_config (storage->paths, object);
  return TRUE;
}
