#include "pkg/engine/container_join.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/network.h"

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
  if (make->network_lock < 0 || !net_store_list (place->folder, place->default_subnet, &configs, error))
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

void
container_network_show (Storage *storage, const ContainerView *view, const ContainerOptions *options, json_t *settings)
{
  static const char *const texts[] = { "EndpointID", "Gateway", "IPAddress", "IPv6Gateway", "GlobalIPv6Address", "MacAddress", "NetworkID" };
  static const char *const nulls[] = { "DriverOpts", "IPAMConfig", "Links" };
  json_t *networks = json_object_get (settings, "Networks"), *network;
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
      json_object_set_new (networks, name, endpoint);
    }
}
