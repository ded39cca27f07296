#include "network/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/text.h"
#include "pkg/json/json.h"

#define DEFAULT_SUBNET "10.88.0.0/16"
#define DEFAULT_INTERFACE "podman0"
#define SUFFIX ".json"
enum { FILE_MAX = 1 << 20 };

NetConfig *
net_config_new (void)
{
  NetConfig *config = g_new0 (NetConfig, 1);
  config->subnets = g_array_new (FALSE, TRUE, sizeof (NetConfigSubnet));
  config->routes = g_array_new (FALSE, TRUE, sizeof (NetConfigRoute));
  config->labels = json_object ();
  config->options = json_object ();
  return config;
}

void
net_config_free (NetConfig *config)
{
  if (config == NULL)
    return;
  char *texts[] = { config->name, config->id, config->driver, config->interface, config->created, config->ipam };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  g_array_unref (config->subnets);
  g_array_unref (config->routes);
  g_strfreev (config->dns_servers);
  json_decref (config->labels);
  json_decref (config->options);
  g_free (config);
}

const char *
net_config_option (const NetConfig *config, const char *name)
{
  return json_string_value (json_object_get (config->options, name));
}

/* ---- to JSON */

static void
set_text (json_t *object, const char *key, const char *text)
{
  if (text != NULL)
    json_object_set_new (object, key, json_string (text));
}

static void
set_address (json_t *object, const char *key, const NetAddress *address)
{
  char text[NET_ADDRESS_TEXT];
  if (address->size > 0)
    set_text (object, key, net_address_text (address, text));
}

static json_t *
subnet_json (const NetConfigSubnet *subnet)
{
  json_t *object = json_object ();
  g_autofree char *text = net_subnet_text (&subnet->subnet);
  set_text (object, "subnet", text);
  set_address (object, "gateway", &subnet->gateway);
  if (subnet->first.size == 0 && subnet->last.size == 0)
    return object;
  json_t *range = json_object ();
  set_address (range, "start_ip", &subnet->first);
  set_address (range, "end_ip", &subnet->last);
  json_object_set_new (object, "lease_range", range);
  return object;
}

static json_t *
route_json (const NetConfigRoute *route)
{
  json_t *object = json_object ();
  g_autofree char *text = net_subnet_text (&route->destination);
  set_text (object, "destination", text);
  set_address (object, "gateway", &route->gateway);
  if (route->metric >= 0)
    json_object_set_new (object, "metric", json_integer (route->metric));
  return object;
}

/* set_list: an empty list is left out, as Podman has it. */
static void
set_list (json_t *object, const char *key, json_t *list)
{
  if (json_array_size (list) > 0 || json_object_size (list) > 0)
    json_object_set (object, key, list);
  json_decref (list);
}

json_t *
net_config_to_json (const NetConfig *config)
{
  json_t *object = json_object (), *subnets = json_array (), *routes = json_array ();
  set_text (object, "name", config->name);
  set_text (object, "id", config->id);
  set_text (object, "driver", config->driver);
  set_text (object, "network_interface", config->interface);
  set_text (object, "created", config->created);
  for (guint i = 0; i < config->subnets->len; i++)
    json_array_append_new (subnets, subnet_json (&g_array_index (config->subnets, NetConfigSubnet, i)));
  for (guint i = 0; i < config->routes->len; i++)
    json_array_append_new (routes, route_json (&g_array_index (config->routes, NetConfigRoute, i)));
  set_list (object, "subnets", subnets);
  set_list (object, "routes", routes);
  json_object_set_new (object, "ipv6_enabled", json_boolean (config->ipv6));
  json_object_set_new (object, "internal", json_boolean (config->internal));
  json_object_set_new (object, "dns_enabled", json_boolean (config->dns));
  set_list (object, "network_dns_servers", json_strv ((const char *const *) config->dns_servers));
  set_list (object, "labels", json_deep_copy (config->labels));
  set_list (object, "options", json_deep_copy (config->options));
  json_object_set_new (object, "ipam_options", json_pack ("{s:s}", "driver", config->ipam));
  return object;
}

/* ---- from JSON */

static gboolean
read_text (json_t *object, const char *key, gboolean needed, char **ret_text, GError **error)
{
  const char *text = NULL;
  if (!json_get_string (object, key, &text, error))
    return FALSE;
  if (text == NULL && needed)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: missing", key);
  *ret_text = g_strdup (text);
  return TRUE;
}

static gboolean
read_address (json_t *object, const char *key, NetAddress *ret_address, GError **error)
{
  const char *text = NULL;
  if (!json_get_string (object, key, &text, error))
    return FALSE;
  if (text != NULL && text[0] != '\0' && !net_address_parse (text, ret_address))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: \"%s\" is no address", key, text);
  return TRUE;
}

static gboolean
read_subnet (json_t *object, const char *key, NetSubnet *ret_subnet, GError **error)
{
  const char *text = NULL;
  if (!json_get_string (object, key, &text, error))
    return FALSE;
  return (text != NULL && net_subnet_parse (text, ret_subnet, NULL)) || coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: \"%s\" is no subnet", key, text != NULL ? text : "");
}

static gboolean
read_subnets (NetConfig *config, json_t *array, GError **error)
{
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    {
      NetConfigSubnet subnet = { 0 };
      if (!read_subnet (item, "subnet", &subnet.subnet, error) || !read_address (item, "gateway", &subnet.gateway, error) || !read_address (item, "lease_range.start_ip", &subnet.first, error)
          || !read_address (item, "lease_range.end_ip", &subnet.last, error))
        return FALSE;
      const NetAddress *all[] = { &subnet.gateway, &subnet.first, &subnet.last };
      for (size_t k = 0; k < G_N_ELEMENTS (all); k++)
        if (all[k]->size != 0 && !net_subnet_contains (&subnet.subnet, all[k]))
          return coracle_throw (error, CORACLE_ERROR_CORRUPT, "subnets: an address outside of its subnet");
      g_array_append_val (config->subnets, subnet);
    }
  return TRUE;
}

static gboolean
read_routes (NetConfig *config, json_t *array, GError **error)
{
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    {
      NetConfigRoute route = { .metric = -1 };
      if (!read_subnet (item, "destination", &route.destination, error) || !read_address (item, "gateway", &route.gateway, error)
          || !json_get_int (item, "metric", 0, G_MAXUINT32, &route.metric, error))
        return FALSE;
      g_array_append_val (config->routes, route);
    }
  return TRUE;
}

/* read_texts: an object whose members are texts. */
static gboolean
read_texts (json_t *object, const char *key, json_t *into, GError **error)
{
  const char *name;
  json_t *value, *texts = json_object_get (object, key);
  if (texts != NULL && !json_is_null (texts) && !json_is_object (texts))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: expected an object", key);
  json_object_foreach (texts, name, value)
    {
      if (!json_is_string (value))
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s.%s: expected a string", key, name);
      json_object_set (into, name, value);
    }
  return TRUE;
}

static gboolean
read_servers (NetConfig *config, json_t *array, GError **error)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  size_t i;
  json_t *item;
  NetAddress address;
  json_array_foreach (array, i, item)
    {
      if (!json_is_string (item) || !net_address_parse (json_string_value (item), &address))
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "network_dns_servers: not an address");
      g_strv_builder_add (words, json_string_value (item));
    }
  config->dns_servers = json_array_size (array) > 0 ? g_strv_builder_end (words) : NULL;
  return TRUE;
}

NetConfig *
net_config_from_json (json_t *object, GError **error)
{
  g_autoptr (NetConfig) config = net_config_new ();
  if (!read_text (object, "name", TRUE, &config->name, error) || !read_text (object, "id", TRUE, &config->id, error) || !read_text (object, "driver", TRUE, &config->driver, error)
      || !read_text (object, "network_interface", FALSE, &config->interface, error) || !read_text (object, "created", TRUE, &config->created, error)
      || !read_text (object, "ipam_options.driver", FALSE, &config->ipam, error) || !json_get_bool (object, "ipv6_enabled", &config->ipv6, error)
      || !json_get_bool (object, "internal", &config->internal, error) || !json_get_bool (object, "dns_enabled", &config->dns, error)
      || !read_subnets (config, json_object_get (object, "subnets"), error) || !read_routes (config, json_object_get (object, "routes"), error)
      || !read_servers (config, json_object_get (object, "network_dns_servers"), error) || !read_texts (object, "labels", config->labels, error)
      || !read_texts (object, "options", config->options, error))
    return NULL;
  if (config->ipam == NULL)
    config->ipam = g_strdup ("host-local");
  if (strlen (config->id) != 64 || strspn (config->id, "0123456789abcdef") != 64)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "id: not 64 hex digits"), NULL;
  if (config->interface != NULL && (strlen (config->interface) > 15 || strchr (config->interface, '/') != NULL))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "network_interface: not the name of an interface"), NULL;
  return g_steal_pointer (&config);
}

/* ---- the folder */

int
net_store_lock (const char *folder, gboolean shared, GError **error)
{
  if (!path_mkdirs (folder, 0700, error))
    return -1;
  g_autofree char *path = g_build_filename (folder, ".lock", NULL);
  cleanup_fd int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || flock (fd, shared ? LOCK_SH : LOCK_EX) < 0)
    {
      int errsv = errno;
      coracle_throw_errno (error, errsv, "locking %s", path);
      return -1;
    }
  return fd_steal (&fd);
}

static NetConfig *
built_in (const char *name, const char *subnet)
{
  NetConfig *config = net_config_new ();
  NetConfigSubnet only = { 0 };
  if (subnet == NULL || !net_subnet_parse (subnet, &only.subnet, NULL))
    (void) net_subnet_parse (DEFAULT_SUBNET, &only.subnet, NULL);
  (void) net_address_add (&only.subnet.base, 1, &only.gateway);
  g_array_append_val (config->subnets, only);
  config->ipv6 = only.subnet.base.size == 16;
  config->name = g_strdup (name);
  /* as Podman's */
  config->id = g_compute_checksum_for_string (G_CHECKSUM_SHA256, name, -1);
  config->driver = g_strdup ("bridge");
  config->interface = g_strdup (DEFAULT_INTERFACE);
  config->ipam = g_strdup ("host-local");
  config->created = text_time_rfc3339 (text_time_from_usec (g_get_real_time ()), FALSE);
  return config;
}

static NetConfig *
read_file (int dir, const char *folder, const char *name, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;
  if (!path_read_file (dir, name, FILE_MAX, &text, &size, error))
    return NULL;
  json_auto_t *object = json_parse_bounded (text, size, FILE_MAX, JSON_PARSE_DEFAULT, error);
  g_autoptr (NetConfig) config = object != NULL ? net_config_from_json (object, error) : NULL;
  if (config == NULL)
    return coracle_prefix (error, "network config file %s/%s", folder, name), NULL;
  /* the file's name is the network's: a copy under another name would be two of one */
  g_autofree char *file = g_strconcat (config->name, SUFFIX, NULL);
  if (strcmp (file, name) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "network config file %s/%s: it is of a network of another name, \"%s\"", folder, name, config->name), NULL;
  return g_steal_pointer (&config);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp ((*(NetConfig *const *) a)->name, (*(NetConfig *const *) b)->name);
}

gboolean
net_store_list (const char *folder, const char *name, const char *subnet, GPtrArray **ret_configs, GError **error)
{
  g_autoptr (GPtrArray) configs = g_ptr_array_new_with_free_func ((GDestroyNotify) net_config_free), names = NULL;
  cleanup_fd int dir = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int errsv = errno;
  gboolean has_built_in = FALSE;
  if (dir < 0 && errsv != ENOENT)
    return coracle_throw_errno (error, errsv, "opening %s", folder);
  if (dir >= 0 && (names = path_list (dir, &errsv)) == NULL)
    return coracle_throw_errno (error, errsv, "reading %s", folder);
  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      if (!g_str_has_suffix (names->pdata[i], SUFFIX))
        continue;
      g_autoptr (GError) problem = NULL;
      NetConfig *config = read_file (dir, folder, names->pdata[i], &problem);
      if (config == NULL && g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        continue;   /* removed meanwhile */
      if (config == NULL)
        {
          /* one bad file must not take all networks away */
          g_warning ("%s", problem->message);
          continue;
        }
      has_built_in = has_built_in || strcmp (config->name, name) == 0;
      g_ptr_array_add (configs, config);
    }
  if (!has_built_in)
    g_ptr_array_add (configs, built_in (name, subnet));
  g_ptr_array_sort (configs, compare_names);
  *ret_configs = g_steal_pointer (&configs);
  return TRUE;
}

NetConfig *
net_store_find (const GPtrArray *configs, const char *name_or_id, GError **error)
{
  NetConfig *found = NULL;
  for (guint i = 0; i < configs->len; i++)
    if (strcmp (((NetConfig *) configs->pdata[i])->name, name_or_id) == 0)
      return configs->pdata[i];
  for (guint i = 0; name_or_id[0] != '\0' && i < configs->len; i++)
    if (g_str_has_prefix (((NetConfig *) configs->pdata[i])->id, name_or_id))
      {
        if (found != NULL)
          return coracle_throw (error, CORACLE_ERROR_INVALID, "more than one result for network ID %s", name_or_id), NULL;
        found = configs->pdata[i];
      }
  if (found == NULL)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "unable to find network with name or ID %s: network not found", name_or_id);
  return found;
}

gboolean
net_store_write (const char *folder, const NetConfig *config, GError **error)
{
  json_auto_t *object = net_config_to_json (config);
  g_autofree char *text = json_to_text (object, 5, JSON_TEXT_DEFAULT), *file = g_strconcat (config->name, SUFFIX, NULL);
  cleanup_fd int dir = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int r = dir < 0 ? -errno : path_write_file (dir, file, text, strlen (text), 0644, TRUE);
  if (r == 0 && fsync (dir) < 0)
    r = -errno;
  return r == 0 || coracle_throw_errno (error, -r, "writing %s/%s", folder, file);
}

gboolean
net_store_remove (const char *folder, const char *name, GError **error)
{
  g_autofree char *path = g_strconcat (folder, "/", name, SUFFIX, NULL);
  if (unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "removing %s", path);
}
