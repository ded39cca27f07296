#include "pkg/engine/network_connect.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "network/netd.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_join.h"
#include "pkg/engine/container_network.h"
#include "pkg/engine/event.h"
#include "pkg/engine/network.h"

/* ---- files of the container */

static gboolean
has_word (char **words, const char *word)
{
  return words != NULL && g_strv_contains ((const char *const *) words, word);
}

/* is_line_of: of hosts, of an address that the container had and has no more. */
static gboolean
is_line_of (const char *line, char **before, char **after)
{
  g_autofree char *address = g_strndup (line, strcspn (line, " \t"));
  return has_word (before, address) && !has_word (after, address);
}

/* rewrite: in place: the container has the file mounted. */
static void
rewrite (int dir, const char *name, const char *text)
{
  cleanup_fd int fd = openat (dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0 && fd_write_all (fd, text, strlen (text)) == 0)
    (void) ftruncate (fd, (off_t) strlen (text));
}

static void
update_hosts (int dir, const StateContainer *row, char **before, char **after)
{
  const char *hostname = json_string_value (json_object_get (row->config, "hostname"));
  g_autofree char *text = NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  if (!path_read_file (dir, "hosts", 1 << 20, &text, NULL, NULL))
    return;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if ((*line)[0] != '\0' && !is_line_of (*line, before, after))
      g_string_append_printf (out, "%s\n", *line);
  for (char **address = after; *address != NULL; address++)
    if (!has_word (before, *address))
      g_string_append_printf (out, "%s\t%s %s\n", *address, hostname != NULL ? hostname : row->name, row->name);
  rewrite (dir, "hosts", out->str);
}

static void
update_files (Storage *storage, const StateContainer *row, const ContainerOptions *options, json_t *before, json_t *after)
{
  g_autofree char *path = g_build_filename (row->id, "etc", NULL);
  cleanup_fd int dir = openat (storage->run_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  g_auto (GStrv) old = NULL;
  g_auto (GStrv) new = NULL;
  g_auto (GStrv) old_servers = NULL;
  g_auto (GStrv) servers = NULL;
  if (dir < 0)
    return;
  network_names (before, &old, &old_servers);
  network_names (after, &new, &servers);
  update_hosts (dir, row, old, new);
  SlirpNetwork slirp;
  slirp_network_init (&slirp);
  const EtcFiles files = { .options = options, .name_servers = (const char *const *) servers, .slirp = &slirp };
  g_autofree char *resolv = etc_files_resolv (&files);
  if (resolv != NULL)
    rewrite (dir, "resolv.conf", resolv);
}

/* ---- the row */

typedef struct {
  json_t *add;          /* an object of ContainerOptions.networks */
  const char *remove;   /* or the name of one */
  gboolean changed;
} Edit;

static size_t
index_of (json_t *networks, const char *name)
{
  size_t i;
  json_t *network;
  json_array_foreach (networks, i, network)
    if (g_strcmp0 (json_string_value (json_object_get (network, "name")), name) == 0)
      return i;
  return json_array_size (networks);
}

static gboolean
edit_networks (StateContainer *row, void *data, GError **error)
{
  Edit *edit = data;
  (void) error;
  json_t *networks = json_object_get (json_object_get (row->config, "options"), "networks");
  const char *name = edit->add != NULL ? json_string_value (json_object_get (edit->add, "name")) : edit->remove;
  size_t at = index_of (networks, name);
  gboolean there = at < json_array_size (networks);
  edit->changed = there == (edit->add == NULL);
  if (!edit->changed)
    return TRUE;
  if (edit->add != NULL)
    json_array_append (networks, edit->add);
  else
    json_array_remove (networks, at);
  return TRUE;
}

/* ---- joining and leaving */

static gboolean
is_single (const ContainerOptions *options, const IdMap *map)
{
  return map->mode == IDMAP_SINGLE || g_strcmp0 (options->userns, "single") == 0;
}

/* is_network: a network's name where a container's was meant. */
static gboolean
is_network (Storage *storage, const char *name)
{
  g_autoptr (NetConfig) config = network_find (storage, name, NULL);
  return config != NULL;
}

static ContainerView *
find_member (Storage *storage, const char *name, ContainerOptions **ret_options, GError **error)
{
  GError *problem = NULL;
  g_autoptr (ContainerView) view = container_find (storage, name, &problem);
  if (view == NULL)
    {
      coracle_throw (error, (CoracleErrorCode) problem->code, "%s%s", problem->message, is_network (storage, name) ? ": it is a network, which is named before the container" : "");
      g_error_free (problem);
      return NULL;
    }
  g_autoptr (ContainerOptions) options = container_options_from_json (json_object_get (view->row->config, "options"));
  if (options->networks == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" is not supported: invalid network mode: only a container that was made with --network NAME can be put on further ones", container_network_mode (options->network)), NULL;
  *ret_options = g_steal_pointer (&options);
  return g_steal_pointer (&view);
}

/* tell: a request about a container that runs; its files follow. */
static gboolean
tell (Storage *storage, const IdMap *map, const ContainerView *view, const ContainerOptions *options, json_t *request, GError **error)
{
  json_auto_t *before = network_joined (storage, view->row->id);
  const NetdPlace place = { storage->paths->run_root, storage->paths->libexec, is_single (options, map) };
  json_auto_t *after = netd_call (&place, request, -1, NULL, NULL, error);
  if (after == NULL)
    return FALSE;
  update_files (storage, view->row, options, before, after);
  return TRUE;
}

/* describe: NETWORK of network/netd.h without "config", checked. */
static json_t *
describe (const NetworkConnect *request, const NetConfig *config, GError **error)
{
  g_autoptr (ContainerOptions) options = container_options_new ();
  const char *const words[] = { config->name, NULL };
  const NetworkFlags flags = { .aliases = request->aliases, .ip = request->ip, .ip6 = request->ip6, .mac = request->mac };
  if (!container_network_read (options, words, &flags, error))
    return NULL;
  return json_incref (json_array_get (options->networks, 0));
}

gboolean
network_connect (Storage *storage, const IdMap *map, const NetworkConnect *request, GError **error)
{
  g_autoptr (ContainerOptions) options = NULL;
  g_autoptr (ContainerView) view = find_member (storage, request->container, &options, error);
  g_autoptr (NetworkPlace) place = view != NULL ? network_place_new (storage->paths, error) : NULL;
  g_autoptr (GPtrArray) configs = NULL;
  if (place == NULL)
    return FALSE;
  /* the network stays until the row says that the container is on it */
  cleanup_fd int lock = net_store_lock (place->folder, TRUE, error);
  if (lock < 0 || !net_store_list (place->folder, place->default_name, place->default_subnet, &configs, error))
    return FALSE;
  const NetConfig *config = net_store_find (configs, request->network, error);
  json_auto_t *network = config != NULL ? describe (request, config, error) : NULL;
  Edit edit = { .add = network };
  if (network == NULL || !state_container_edit (storage->state, view->row->id, edit_networks, &edit, error))
    return FALSE;
  if (!edit.changed)
    return view->pid == 0 || coracle_throw (error, CORACLE_ERROR_EXISTS, "container %s is already connected to network \"%s\": network is already connected", view->row->id, config->name);
  if (view->pid > 0)
    {
      json_t *whole = json_deep_copy (network);
      json_object_set_new (whole, "config", net_config_to_json (config));
      json_auto_t *asked = json_pack ("{s:s, s:s, s:o}", "op", "connect", "id", view->row->id, "network", whole);
      Edit back = { .remove = config->name };
      if (!network_place_words (place, whole, error) || !tell (storage, map, view, options, asked, error))
        {
          (void) state_container_edit (storage->state, view->row->id, edit_networks, &back, NULL);
          return FALSE;
        }
    }
  event_network (storage, "connect", view->row->id, config->name, NULL);
  return TRUE;
}

gboolean
network_disconnect (Storage *storage, const IdMap *map, const char *network, const char *container, gboolean force, GError **error)
{
  g_autoptr (ContainerOptions) options = NULL;
  g_autoptr (ContainerView) view = find_member (storage, container, &options, error);
  g_autoptr (NetConfig) config = view != NULL ? network_find (storage, network, error) : NULL;
  if (config == NULL)
    return FALSE;
  Edit edit = { .remove = config->name };
  if (!state_container_edit (storage->state, view->row->id, edit_networks, &edit, error))
    return FALSE;
  if (!edit.changed)
    return force || coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "container %s is not connected to network %s", view->row->name, config->name);
  if (view->pid > 0)
    {
      json_auto_t *asked = json_pack ("{s:s, s:s, s:s}", "op", "disconnect", "id", view->row->id, "network", config->name);
      if (!tell (storage, map, view, options, asked, error))
        return FALSE;
    }
  event_network (storage, "disconnect", view->row->id, config->name, NULL);
  return TRUE;
}

gboolean
network_reload (Storage *storage, const IdMap *map, const char *id, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, id, error);
  if (view == NULL)
    return FALSE;
  g_autoptr (ContainerOptions) options = container_options_from_json (json_object_get (view->row->config, "options"));
  if (view->pid == 0 || json_array_size (options->networks) == 0)
    return TRUE;
  json_auto_t *asked = json_pack ("{s:s, s:s}", "op", "reload", "id", view->row->id);
  return tell (storage, map, view, options, asked, error);
}

static void
tell_all (const ConfigPaths *paths, const json_t *request)
{
  for (int single = 0; single < 2; single++)
    {
      cleanup_fd int netd = netd_connect_running (paths->run_root, single);
      json_auto_t *answer = netd >= 0 ? netd_ask (netd, request, -1, NULL, NULL, NULL) : NULL;
      (void) answer;
    }
}

void
network_tell_left (const ConfigPaths *paths, const char *id)
{
  json_auto_t *request = json_pack ("{s:s, s:s}", "op", "left", "id", id);
  tell_all (paths, request);
}

void
network_tell_name (const ConfigPaths *paths, const char *id, const char *name)
{
  json_auto_t *request = json_pack ("{s:s, s:s, s:s}", "op", "rename", "id", id, "name", name);
  tell_all (paths, request);
}

void
network_tell_config (const ConfigPaths *paths, json_t *config)
{
  json_auto_t *request = json_pack ("{s:s, s:O}", "op", "config", "config", config);
  tell_all (paths, request);
}
