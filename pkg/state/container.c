/* The containers of state.h. */
#include <string.h>

#include "pkg/json/json.h"
#include "pkg/state/internal.h"

#define CONTAINER_COLUMNS \
  "SELECT id, name, image_id, image_name, created, started, finished, status, exit_code, auto_remove, boot_id, config FROM container "

void
state_container_free (StateContainer *container)
{
  if (container == NULL)
    return;
  g_free (container->id);
  g_free (container->name);
  g_free (container->image_id);
  g_free (container->image_name);
  g_free (container->status);
  g_free (container->boot_id);
  g_free (container->config_text);
  json_decref (container->config);
  g_free (container);
}

void
state_container_read_config (StateContainer *container)
{
  if (container->config != NULL && container->config_text == NULL)
    return;
  json_decref (container->config);
  container->config = container->config_text != NULL ? json_loads (container->config_text, 0, NULL) : NULL;
  if (container->config == NULL)
    container->config = json_object ();
  g_clear_pointer (&container->config_text, g_free);
}

void
state_container_read_keys (StateContainer *container, const char *const *keys)
{
  if (container->config == NULL && container->config_text != NULL)
    container->config = json_pick (container->config_text, keys);
  if (container->config == NULL)
    state_container_read_config (container);
}

static StateContainer *
container_read_lean (sqlite3_stmt *statement)
{
  StateContainer *container = g_new0 (StateContainer, 1);
  container->id = state_text (statement, 0);
  container->name = state_text (statement, 1);
  container->image_id = state_text (statement, 2);
  container->image_name = state_text (statement, 3);
  container->created = sqlite3_column_int64 (statement, 4);
  container->started = sqlite3_column_int64 (statement, 5);
  container->finished = sqlite3_column_int64 (statement, 6);
  container->status = state_text (statement, 7);
  container->exit_code = sqlite3_column_int (statement, 8);
  container->auto_remove = sqlite3_column_int (statement, 9) != 0;
  container->boot_id = state_text (statement, 10);
  container->config_text = state_text (statement, 11);
  return container;
}

static StateContainer *
container_read (sqlite3_stmt *statement)
{
  StateContainer *container = container_read_lean (statement);
  state_container_read_config (container);
  return container;
}

static char *
config_text (const StateContainer *container)
{
  if (container->config == NULL && container->config_text != NULL)
    return strdup (container->config_text);
  char *text = container->config != NULL ? json_dumps (container->config, JSON_COMPACT) : NULL;
  return text != NULL ? text : strdup ("{}");
}

/* check_free: neither the name nor the id may be taken, and the image must still be there: a container that starts while its image is being removed loses. */
static gboolean
check_insertable (State *state, const StateContainer *container, GError **error)
{
  cleanup_query sqlite3_stmt *taken = state_query (state, "SELECT id FROM container WHERE id=? OR name=?", error, "ss", container->id, container->name);
  gboolean row;
  if (taken == NULL || !state_step (state, taken, &row, error))
    return FALSE;
  if (row)
    return coracle_throw (error, CORACLE_ERROR_EXISTS,
                          "creating container storage: the container name \"%s\" is already in use by %s. You have to remove that container to be able to reuse that name: that name is already in use",
                          container->name, (const char *) sqlite3_column_text (taken, 0));
  if (container->image_id == NULL)
    return TRUE;
  cleanup_query sqlite3_stmt *image = state_query (state, "SELECT 1 FROM image WHERE id=?", error, "s", container->image_id);
  if (image == NULL || !state_step (state, image, &row, error))
    return FALSE;
  if (row)
    return TRUE;
  g_autoptr (StateImage) additional = state_image_find (state, container->image_id, NULL);
  return additional != NULL || coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image was removed meanwhile", container->image_id);
}

gboolean
state_container_insert (State *state, const StateContainer *container, GError **error)
{
  /* a `--rm` container does not survive a power cut anyway */
  if (!state_begin (state, container->auto_remove ? STATE_FAST : STATE_DURABLE, error))
    return FALSE;
  char *config = config_text (container);
  gboolean ok = check_insertable (state, container, error)
                && state_run (state,
                              "INSERT INTO container (id, name, image_id, image_name, created, started, finished, status, exit_code, auto_remove, boot_id, config)"
                              " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                              NULL, error, "ssssiiisiiss", container->id, container->name, container->image_id, container->image_name, container->created,
                              container->started, container->finished, container->status, (gint64) container->exit_code, (gint64) container->auto_remove,
                              container->boot_id, config);
  free (config);
  return state_end (state, ok, error);
}

gboolean
state_container_update (State *state, const StateContainer *container, GError **error)
{
  if (!state_begin (state, STATE_FAST, error))
    return FALSE;
  char *config = config_text (container);
  int changed = 0;
  gboolean ok = state_run (state,
                           "UPDATE OR FAIL container SET name=?, image_id=?, image_name=?, created=?, started=?, finished=?, status=?, exit_code=?, auto_remove=?, boot_id=?, config=?"
                           " WHERE id=?",
                           &changed, error, "sssiiisiisss", container->name, container->image_id, container->image_name, container->created, container->started,
                           container->finished, container->status, (gint64) container->exit_code, (gint64) container->auto_remove, container->boot_id, config,
                           container->id);
  free (config);
  if (ok && changed == 0)
    ok = coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no container with id %s found: no such container", container->id);
  return state_end (state, ok, error);
}

static StateContainer *
find_one (State *state, sqlite3_stmt *statement, const char *wanted, GError **error)
{
  gboolean row;
  if (statement == NULL || !state_step (state, statement, &row, error) || !row)
    return NULL;
  g_autoptr (StateContainer) container = container_read (statement);
  if (!state_step (state, statement, &row, error))
    return NULL;
  if (row)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "more than one result for container \"%s\": container already exists", wanted), NULL;
  return g_steal_pointer (&container);
}

StateContainer *
state_container_find (State *state, const char *name_or_id, GError **error)
{
  g_autoptr (GError) failure = NULL;
  name_or_id += name_or_id[0] == '/';   /* Docker writes names with one */
  /* a whole id or name wins over an id's beginning */
  cleanup_query sqlite3_stmt *exact = state_query (state, CONTAINER_COLUMNS "WHERE id=? OR name=? ORDER BY id=? DESC LIMIT 1", &failure, "sss", name_or_id, name_or_id,
                                                   name_or_id);
  StateContainer *container = find_one (state, exact, name_or_id, &failure);
  if (container == NULL && failure == NULL && state_is_hex (name_or_id, 64))
    {
      g_autofree char *end = state_prefix_end (name_or_id);
      cleanup_query sqlite3_stmt *prefix = state_query (state, CONTAINER_COLUMNS "WHERE id>=? AND id<? LIMIT 2", &failure, "ss", name_or_id, end);
      container = find_one (state, prefix, name_or_id, &failure);
    }
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  else if (container == NULL)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no container with name or ID \"%s\" found: no such container", name_or_id);
  return container;
}

StateContainer *
state_container_find_latest (State *state, GError **error)
{
  g_autoptr (GError) failure = NULL;
  cleanup_query sqlite3_stmt *statement = state_query (state, CONTAINER_COLUMNS "ORDER BY created DESC, seq DESC LIMIT 1", &failure, "");
  StateContainer *container = find_one (state, statement, "", &failure);
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  else if (container == NULL)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no such container");
  return container;
}

/* read_all: @statement: NULL when it could not be made. */
static gboolean
read_all (State *state, sqlite3_stmt *statement, StateContainer *(*read) (sqlite3_stmt *statement), GPtrArray **ret_containers, GError **error)
{
  g_autoptr (GPtrArray) containers = g_ptr_array_new_with_free_func ((GDestroyNotify) state_container_free);
  gboolean row;
  if (statement == NULL)
    return FALSE;
  for (;;)
    {
      if (!state_step (state, statement, &row, error))
        return FALSE;
      if (!row)
        break;
      g_ptr_array_add (containers, read (statement));
    }
  *ret_containers = g_steal_pointer (&containers);
  return TRUE;
}

gboolean
state_container_list (State *state, GPtrArray **ret_containers, GError **error)
{
  cleanup_query sqlite3_stmt *statement = state_query (state, CONTAINER_COLUMNS "ORDER BY created, seq", error, "");
  return read_all (state, statement, container_read, ret_containers, error);
}

gboolean
state_container_list_lean (State *state, GPtrArray **ret_containers, GError **error)
{
  cleanup_query sqlite3_stmt *statement = state_query (state, CONTAINER_COLUMNS "ORDER BY created, seq", error, "");
  return read_all (state, statement, container_read_lean, ret_containers, error);
}

gboolean
state_container_list_mentioning (State *state, const char *text, GPtrArray **ret_containers, GError **error)
{
  cleanup_query sqlite3_stmt *statement = state_query (state, CONTAINER_COLUMNS "WHERE instr(config,?)>0 ORDER BY created, seq", error, "s", text);
  return read_all (state, statement, container_read_lean, ret_containers, error);
}

gboolean
state_container_edit (State *state, const char *id, gboolean (*edit) (StateContainer *row, void *data, GError **error), void *data, GError **error)
{
  if (!state_begin (state, STATE_FAST, error))
    return FALSE;
  g_autoptr (StateContainer) row = state_container_find (state, id, error);
  gboolean ok = row != NULL && edit (row, data, error) && state_container_update (state, row, error);
  return state_end (state, ok, error);
}

gboolean
state_container_remove (State *state, const char *id, GError **error)
{
  int changed = 0;
  if (!state_begin (state, STATE_FAST, error))
    return FALSE;
  gboolean ok = state_run (state, "DELETE FROM container WHERE id=?", &changed, error, "s", id);
  if (ok && changed == 0)
    ok = coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no container with id %s found: no such container", id);
  return state_end (state, ok, error);
}

void
state_container_set_oom (StateContainer *container, gboolean oom)
{
  state_container_read_config (container);
  if (oom)
    json_object_set_new (container->config, "oom_killed", json_true ());
  else
    json_object_del (container->config, "oom_killed");
}
