#include "pkg/engine/container_list.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_filter.h"
#include "pkg/engine/container_ports.h"

/* ---- what is shown of one */

static json_t *
row_config (const StateContainer *row, const char *key)
{
  return json_object_get (row->config, key);
}

/* shown_command: without init program and entrypoint. */
static json_t *
shown_command (const StateContainer *row)
{
  json_t *command = row_config (row, "command");
  return command != NULL ? command : row_config (row, "args");
}

char *
container_command_text (const StateContainer *row)
{
  GString *text = g_string_new (NULL);
  size_t i;
  json_t *word;
  json_array_foreach (shown_command (row), i, word)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "", json_string_value (word));
  return g_string_free (text, FALSE);
}

static char *
status_text (const ContainerView *view, gint64 now)
{
  const StateContainer *row = view->row;
  if (strcmp (view->status, "running") == 0)
    {
      g_autofree char *age = text_duration (now - row->started);
      return g_strconcat ("Up ", age, NULL);
    }
  if (strcmp (view->status, "stopping") == 0)
    return g_strdup ("Stopping");
  if (strcmp (view->status, "paused") == 0)
    return g_strdup ("Paused");
  if (strcmp (view->status, "exited") != 0)
    return g_strdup (container_is_held (view) ? "Initialized" : "Created");
  g_autofree char *ago = text_ago (row->finished, now);
  return g_strdup_printf ("Exited (%d) %s", row->exit_code, ago);
}

char *
container_status_text (const ContainerView *view, gint64 now)
{
  char *text = status_text (view, now);
  if (view->health == NULL || view->health[0] == '\0')
    return text;
  g_autofree char *alone = text;
  return g_strdup_printf ("%s (%s)", alone, view->health);
}

char *
container_ports_text (const StateContainer *row)
{
  GString *text = g_string_new (NULL);
  json_auto_t *published = container_ports_map (row, FALSE);
  g_autoptr (GPtrArray) ports = container_ports (row);
  const char *port;
  json_t *value;
  port_mappings_text (ports, text);
  json_object_foreach (row_config (row, "exposed"), port, value)
    if (json_object_get (published, port) == NULL)
      g_string_append_printf (text, "%s%s%s", text->len > 0 ? ", " : "", port, strchr (port, '/') == NULL ? "/tcp" : "");
  return g_string_free (text, FALSE);
}

json_t *
container_mount_destinations (const StateContainer *row)
{
  json_t *array = json_array ();
  size_t i;
  json_t *mount;
  json_array_foreach (row_config (row, "mounts"), i, mount)
    json_array_append (array, json_object_get (mount, "destination"));
  return array;
}

json_t *
container_namespaces (const ContainerView *view)
{
  static const struct { const char *key, *file; } spaces[] = { { "Mnt", "mnt" }, { "Cgroup", "cgroup" }, { "Ipc", "ipc" }, { "Net", "net" },
                                                               { "Pidns", "pid" }, { "Uts", "uts" }, { "User", "user" } };
  json_t *object = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (spaces) && view->pid > 0; i++)
    {
      char path[64], link[64];
      g_snprintf (path, sizeof path, "/proc/%d/ns/%s", (int) view->pid, spaces[i].file);
      ssize_t length = readlink (path, link, sizeof link - 1);
      const char *open = length > 0 ? memchr (link, '[', (size_t) length) : NULL;
      if (open != NULL)
        json_object_set_new (object, spaces[i].key, json_stringn (open + 1, (size_t) (link + length - 1 - (open + 1))));
    }
  return object;
}

/* exposed_json: Podman's form: {"80": ["tcp"]}; null when there is none. */
static json_t *
exposed_json (const StateContainer *row)
{
  json_t *ports = row_config (row, "exposed"), *object = json_object ();
  const char *port;
  json_t *value;
  json_object_foreach (ports, port, value)
    {
      g_auto (GStrv) parts = g_strsplit (port, "/", 2);
      json_t *protocols = json_object_get (object, parts[0]);
      if (protocols == NULL)
        json_object_set_new (object, parts[0], protocols = json_array ());
      json_array_append_new (protocols, json_string (parts[1] != NULL ? parts[1] : "tcp"));
    }
  if (json_object_size (object) > 0)
    return object;
  json_decref (object);
  return json_null ();
}

/* unix_seconds: 0, our "never", is Go's zero time. */
static json_int_t
unix_seconds (gint64 usec)
{
  return text_time_from_usec (usec).tv_sec;
}

/* network_names: the named networks that it is on. */
static json_t *
network_names (const StateContainer *container)
{
  json_t *names = json_array (), *network;
  size_t i;
  json_array_foreach (json_object_get (row_config (container, "options"), "networks"), i, network)
    json_array_append (names, json_object_get (network, "name"));
  return names;
}

json_t *
container_row_json (const ContainerRow *row, gboolean namespaces, gint64 now)
{
  const ContainerView *view = row->view;
  const StateContainer *container = view->row;
  json_t *labels = row_config (container, "labels");
  const char *cidfile = json_string_value (json_object_get (row_config (container, "options"), "cidfile"));
  g_autofree char *created = text_ago (container->created, now), *status = container_status_text (view, now);
  json_t *object = json_object (), *command = shown_command (container);
  const struct { const char *key; json_t *value; } fields[] = {
    { "AutoRemove", json_boolean (container->auto_remove) },
    { "Command", command != NULL ? json_incref (command) : json_array () },
    { "CreatedAt", json_string (created) },
    { "CIDFile", json_string (cidfile != NULL ? cidfile : "") },
    { "Exited", json_boolean (strcmp (view->status, "exited") == 0) },
    { "ExitedAt", json_integer (unix_seconds (container->finished)) },
    { "ExitCode", json_integer (container->exit_code) },
    { "ExposedPorts", exposed_json (container) },
    { "Id", json_string (container->id) },
    { "Image", json_string (container->image_name) },
    { "ImageID", json_string (container->image_id != NULL ? container->image_id : "") },
    { "IsInfra", json_false () },
    { "Labels", json_object_size (labels) > 0 ? json_incref (labels) : json_null () },
    { "Mounts", container_mount_destinations (container) },
    { "Names", json_pack ("[s]", container->name) },
    { "Namespaces", namespaces ? container_namespaces (view) : json_object () },
    { "Networks", network_names (container) },
    { "Pid", json_integer (view->pid) },
    { "Pod", json_string ("") },
    { "PodName", json_string ("") },
    { "Ports", row_config (container, "ports") != NULL ? json_incref (row_config (container, "ports")) : json_null () },
    { "Restarts", json_integer (json_integer_value (json_object_get (view->row->config, "restart_count"))) },
    { "Size", row->size_rw >= 0 ? json_pack ("{s:I, s:I}", "rootFsSize", (json_int_t) row->size_root, "rwSize", (json_int_t) row->size_rw) : json_null () },
    { "StartedAt", json_integer (unix_seconds (container->started)) },
    { "State", json_string (view->status) },
    { "Status", json_string (status) },
    { "Created", json_integer (unix_seconds (container->created)) },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    json_object_set_new (object, fields[i].key, fields[i].value);
  return object;
}

/* ---- which, and in which order */

static void
row_free (ContainerRow *row)
{
  container_view_free (row->view);
  g_free (row);
}

static int
compare_numbers (gint64 a, gint64 b)
{
  return (a > b) - (a < b);
}

static int
compare_rows (const void *a, const void *b, void *data)
{
  const ContainerRow *one = *(ContainerRow *const *) a, *two = *(ContainerRow *const *) b;
  const StateContainer *x = one->view->row, *y = two->view->row;
  const char *sort = data;
  if (strcmp (sort, "id") == 0)
    return strcmp (x->id, y->id);
  if (strcmp (sort, "image") == 0)
    return strcmp (x->image_name, y->image_name);
  if (strcmp (sort, "names") == 0)
    return strcmp (x->name, y->name);
  if (strcmp (sort, "status") == 0)
    return strcmp (one->view->status, two->view->status);
  if (strcmp (sort, "runningfor") == 0)
    return compare_numbers (x->started, y->started);
  if (strcmp (sort, "size") == 0)
    return compare_numbers (one->size_root, two->size_root);
  if (strcmp (sort, "command") == 0)
    {
      g_autofree char *first = container_command_text (x), *second = container_command_text (y);
      return strcmp (first, second);
    }
  return compare_numbers (x->created, y->created);
}

/* take_sizes: a container that was removed meanwhile is not there to be listed. */
static gboolean
take_sizes (Storage *storage, GPtrArray *rows, GError **error)
{
  for (guint i = 0; i < rows->len;)
    {
      ContainerRow *row = rows->pdata[i];
      g_autoptr (GError) problem = NULL;
      if (container_size (storage, row->view->row, &row->size_rw, &row->size_root, &problem))
        i++;
      else if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        g_ptr_array_remove_index (rows, i);
      else
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
    }
  return TRUE;
}

/* What container_command_text and container_ports_text look at. */
static const char *const usual_keys[] = { "command", "args", "exposed", "ports", NULL };

/* row_new: takes @container; NULL when it is not asked for. */
static ContainerRow *
row_new (Storage *storage, StateContainer *container, const ContainerListRequest *request, gboolean all, const GPtrArray *filters)
{
  if (container_filters_need_config (filters))
    state_container_read_config (container);
  g_autoptr (ContainerView) view = container_view_new (storage, container);
  if ((!all && strcmp (view->status, "running") != 0) || !container_filters_fit (filters, view))
    return NULL;
  if (request->usual)
    state_container_read_keys (container, usual_keys);
  else if (!request->brief)
    state_container_read_config (container);
  ContainerRow *row = g_new0 (ContainerRow, 1);
  *row = (ContainerRow){ .view = g_steal_pointer (&view), .size_rw = -1, .size_root = -1 };
  return row;
}

gboolean
container_rows (Storage *storage, const ContainerListRequest *request, GPtrArray **ret_rows, GError **error)
{
  g_autoptr (GPtrArray) filters = container_filters_parse (storage, request->filters, error), containers = NULL;
  if (filters == NULL || !state_container_list_lean (storage->state, &containers, error))
    return FALSE;
  gboolean all = request->all || request->last > 0 || container_filters_have (filters, "status");
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) row_free);
  g_ptr_array_set_free_func (containers, NULL); /* each is taken by its row */
  for (guint i = 0; i < containers->len; i++)
    {
      ContainerRow *row = row_new (storage, containers->pdata[i], request, all, filters);
      if (row != NULL)
        g_ptr_array_add (rows, row);
    }
  if (request->last > 0 && rows->len > request->last)
    g_ptr_array_remove_range (rows, 0, rows->len - (guint) request->last);
  if (request->size && !take_sizes (storage, rows, error))
    return FALSE;
  g_ptr_array_sort_with_data (rows, compare_rows, (void *) (request->sort != NULL ? request->sort : "created"));
  *ret_rows = g_steal_pointer (&rows);
  return TRUE;
}
