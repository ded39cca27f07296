#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/container.h"
#include "pkg/engine/event.h"
#include "pkg/engine/names.h"
#include "pkg/engine/network_connect.h"

typedef struct {
  Storage *storage;
  const char *name;
} Rename;

/* is_taken: by another container's name, or its whole id. */
static gboolean
is_taken (const Rename *rename, const StateContainer *row)
{
  g_autoptr (StateContainer) other = state_container_find (rename->storage->state, rename->name, NULL);
  return other != NULL && strcmp (other->id, row->id) != 0 && (strcmp (other->name, rename->name) == 0 || strcmp (other->id, rename->name) == 0);
}

static gboolean
set_name (StateContainer *row, void *data, GError **error)
{
  const Rename *rename = data;
  if (is_taken (rename, row))
    return coracle_throw (error, CORACLE_ERROR_EXISTS, "name \"%s\" is in use: container already exists", rename->name);
  g_free (row->name);
  row->name = g_strdup (rename->name);
  return TRUE;
}

gboolean
container_rename (Storage *storage, const char *name_or_id, const char *name, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, name_or_id, error);
  if (view == NULL || !container_name_check (name, error))
    return FALSE;
  if (strcmp (view->row->name, name) == 0)
    return TRUE;
  Rename rename = { storage, name };
  if (!state_container_edit (storage->state, view->row->id, set_name, &rename, error))
    return coracle_prefix (error, "renaming container %s", view->row->id);
  (void) set_name (view->row, &rename, NULL);
  event_container (storage, view->row, "rename");
  if (view->pid > 0 && json_object_get (json_object_get (view->row->config, "options"), "networks") != NULL)
    network_tell_name (storage->paths, view->row->id, name);
  return TRUE;
}
