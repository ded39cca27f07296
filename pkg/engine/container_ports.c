#include "pkg/engine/container_ports.h"

#include <errno.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

/* How long, in microseconds, one that is ending may take to give a port back: of a container that is started anew, or replaced */
#define GIVING_BACK G_USEC_PER_SEC

/* ---- words */

static gboolean
read_words (const ContainerOptions *options, GPtrArray *mappings, json_t *exposed, GError **error)
{
  for (char **word = options->publish; word != NULL && *word != NULL; word++)
    {
      PortMapping *mapping = (*word)[0] != '\0' ? port_mapping_parse (*word, error) : NULL;
      if (mapping != NULL)
        g_ptr_array_add (mappings, mapping);
      else if ((*word)[0] != '\0')
        return FALSE;
    }
  for (char **word = options->expose; word != NULL && *word != NULL; word++)
    if ((*word)[0] != '\0' && !port_expose_parse (*word, exposed, error))
      return FALSE;
  return TRUE;
}

gboolean
ports_check (const ContainerOptions *options, GError **error)
{
  g_autoptr (GPtrArray) mappings = port_mappings_new ();
  json_auto_t *exposed = json_object ();
  return read_words (options, mappings, exposed, error) && port_mappings_settle (mappings, error);
}

/* expose_image: what its config says, in one form. */
static void
expose_image (const Make *make, json_t *exposed)
{
  const char *key;
  json_t *value;
  json_object_foreach (json_object_get (make->image_config, "ExposedPorts"), key, value)
    (void) port_expose_parse (key, exposed, NULL);
}

static void
slirp_target (const SlirpNetwork *slirp, PortTarget *target)
{
  if (slirp->ipv4)
    {
      target->address4 = slirp->address;
      target->gateway4 = slirp->gateway;
    }
  if (slirp->ipv6)
    {
      target->address6 = slirp->address6;
      target->gateway6 = slirp->gateway6;
    }
  target->plain = slirp->plain_ports;
}

gboolean
ports_prepare (Make *make, GError **error)
{
  if (make->network == NETWORK_SLIRP || make->network == NETWORK_PASTA)
    slirp_target (&make->slirp, &make->port_target);
  if (make->existing != NULL)
    {
      make->ports = container_ports (make->existing);
      return TRUE;
    }
  make->ports = port_mappings_new ();
  make->exposed = json_object ();
  expose_image (make, make->exposed);
  if (!read_words (make->options, make->ports, make->exposed, error))
    return FALSE;
  if (make->network == NETWORK_NONE || make->network == NETWORK_HOST || make->network == NETWORK_PATH)
    g_ptr_array_set_size (make->ports, 0);
  else if (make->options->publish_all && !port_mappings_publish_all (make->ports, make->exposed, error))
    return FALSE;
  return port_mappings_settle (make->ports, error);
}

/* ---- listeners */

static gboolean
has_port (const StateContainer *row, const PortRefusal *refusal)
{
  g_autoptr (GPtrArray) ports = container_ports (row);
  for (guint i = 0; i < ports->len; i++)
    {
      const PortMapping *mapping = ports->pdata[i];
      if (mapping->udp == refusal->mapping->udp && refusal->port >= mapping->host_port && refusal->port < (guint) mapping->host_port + mapping->range)
        return TRUE;
    }
  return FALSE;
}

/* own_holder: the name of the container of ours that runs and publishes the port; NULL: none does. */
static char *
own_holder (const Make *make, const PortRefusal *refusal)
{
  g_autoptr (GPtrArray) views = NULL;
  if (!container_list (make->storage, &views, NULL))
    return NULL;
  for (guint i = 0; i < views->len; i++)
    {
      const ContainerView *view = views->pdata[i];
      if (g_strcmp0 (view->row->id, make->id) == 0 || !view->alive)
        continue;
      state_container_read_config (view->row);
      if (has_port (view->row, refusal))
        return g_strdup (view->row->name);
    }
  return NULL;
}

/* throw_refused: @problem, with what is known of the holder. */
static gboolean
throw_refused (const Make *make, const PortRefusal *refusal, const GError *problem, GError **error)
{
  g_autofree char *own = refusal->error == EADDRINUSE ? own_holder (make, refusal) : NULL;
  g_autofree char *other = refusal->error == EADDRINUSE && own == NULL ? port_holder (refusal) : NULL;
  if (own != NULL)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "%s: container %s has it", problem->message, own);
  if (other != NULL)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "%s: %s has it", problem->message, other);
  return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "%s", problem->message);
}

static gboolean
listen_all (Make *make, GPtrArray *mappings, PortListeners **ret_listeners, GError **error)
{
  /* what the run before held is given back, but perhaps not yet */
  gint64 until = make->existing != NULL || make->replaced != NULL ? g_get_monotonic_time () + GIVING_BACK : 0;
  for (;;)
    {
      PortRefusal refusal;
      g_autoptr (GError) problem = NULL;
      *ret_listeners = port_listen (mappings, &refusal, &problem);
      if (*ret_listeners != NULL)
        return TRUE;
      if (refusal.error == 0)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
      g_autofree char *own = refusal.error == EADDRINUSE && until > 0 ? own_holder (make, &refusal) : NULL;
      if (refusal.error != EADDRINUSE || own != NULL || g_get_monotonic_time () >= until)
        return throw_refused (make, &refusal, problem, error);
      g_usleep (2000);
    }
}

gboolean
ports_open (Make *make, GError **error)
{
  if (make->ports == NULL || make->ports->len == 0 || make->listeners != NULL)
    return TRUE;
  if (!make->only_made)
    return listen_all (make, make->ports, &make->listeners, error);
  g_autoptr (PortListeners) listeners = NULL;
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  for (guint i = 0; i < make->ports->len; i++)
    if (((PortMapping *) make->ports->pdata[i])->host_port == 0)
      g_ptr_array_add (chosen, make->ports->pdata[i]);
  return chosen->len == 0 || listen_all (make, chosen, &listeners, error);
}

gboolean
ports_table (const Make *make, int *ret_table, GError **error)
{
  *ret_table = -1;
  if (make->listeners == NULL)
    return TRUE;
  *ret_table = port_listeners_table (make->listeners, &make->port_target);
  return *ret_table >= 0 || coracle_throw_errno (error, -*ret_table, "publishing ports");
}

/* ---- looking */

GPtrArray *
container_ports (const StateContainer *row)
{
  return port_mappings_from_json (json_object_get (row->config, "ports"));
}

json_t *
container_ports_map (const StateContainer *row, gboolean exposed)
{
  g_autoptr (GPtrArray) ports = container_ports (row);
  json_t *map = json_object (), *value;
  const char *name;
  for (guint i = 0; i < ports->len; i++)
    {
      const PortMapping *mapping = ports->pdata[i];
      for (guint k = 0; k < mapping->range; k++)
        {
          g_autofree char *key = g_strdup_printf ("%u/%s", mapping->container_port + k, port_mapping_protocol (mapping)), *port = g_strdup_printf ("%u", mapping->host_port + k);
          json_t *list = json_object_get (map, key);
          if (list == NULL)
            json_object_set_new (map, key, list = json_array ());
          json_array_append_new (list, json_pack ("{s:s, s:s}", "HostIp", port_mapping_host (mapping), "HostPort", port));
        }
    }
  if (exposed)
    json_object_foreach (json_object_get (row->config, "exposed"), name, value)
      if (json_object_get (map, name) == NULL)
        json_object_set_new (map, name, json_null ());
  return map;
}

json_t *
container_ports_exposed (const StateContainer *row)
{
  json_auto_t *map = container_ports_map (row, TRUE);
  json_t *object = json_object (), *value;
  const char *name;
  json_object_foreach (map, name, value)
    json_object_set_new (object, name, json_object ());
  if (json_object_size (object) > 0)
    return object;
  json_decref (object);
  return json_null ();
}
