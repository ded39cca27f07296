#include "pkg/engine/reset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_stop.h"

/* keep_first: report the first failure, go on with the rest. */
static void
keep_first (GError **first, GError *failure)
{
  if (*first == NULL)
    *first = failure;
  else
    g_clear_error (&failure);
}

static void
remove_named (int dir_fd, const char *folder, const char *name, GError **first)
{
  int r = path_remove_tree (dir_fd, name);
  GError *failure = NULL;
  if (r < 0)
    {
      coracle_throw_errno (&failure, -r, "removing %s/%s", folder, name);
      keep_first (first, failure);
    }
}

/* is_run_entry: in RUN_ROOT: a container's folder, or what storage and idmap keep there. */
static gboolean
is_run_entry (const char *name)
{
  return (strlen (name) == 64 && strspn (name, "0123456789abcdef") == 64) || g_str_has_prefix (name, "userns") || strcmp (name, "events") == 0;
}

static void
remove_run_root (Storage *storage, GError **first)
{
  int fd = openat (storage->run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    {
      fd_close (fd);
      return;
    }
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    if (is_run_entry (entry->d_name))
      remove_named (dirfd (dir), storage->paths->run_root, entry->d_name, first);
  (void) closedir (dir);
  (void) rmdir (storage->paths->run_root);
}

gboolean
system_reset (Storage *storage, GError **error)
{
  /* the rows first: what is found without one is swept, should we be killed on the way */
  static const char *const own[] = { "state.db", "state.db-wal", "state.db-shm", "containers", "networks", "volumes", "layers", STORAGE_PLACES, "oci", "artifacts", "mounts", "tmp", "store.lock" };
  g_autoptr (GPtrArray) rows = NULL;
  GError *first = NULL, *failure = NULL;
  if (!state_container_list (storage->state, &rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++, failure = NULL)
    if (!container_remove (storage, ((const StateContainer *) rows->pdata[i])->id, TRUE, 0, TRUE, &failure))
      keep_first (&first, failure);
  for (size_t i = 0; i < G_N_ELEMENTS (own) && first == NULL; i++)
    remove_named (storage->root_fd, storage->paths->root, own[i], &first);
  if (first == NULL)
    {
      (void) rmdir (storage->paths->root);
      remove_run_root (storage, &first);
    }
  if (first == NULL)
    return TRUE;
  g_propagate_error (error, first);
  return FALSE;
}

gboolean
system_migrate (Storage *storage, GPtrArray **ret_stopped, GError **error)
{
  g_autoptr (GPtrArray) views = NULL;
  if (!container_list (storage, &views, error))
    return FALSE;
  g_autofree ContainerStop *stops = g_new0 (ContainerStop, views->len + 1);
  gsize n = 0;
  for (guint i = 0; i < views->len; i++)
    if (((const ContainerView *) views->pdata[i])->alive)
      stops[n++].id = ((const ContainerView *) views->pdata[i])->row->id;
  container_stop (storage, stops, n, CONTAINER_OWN_TIMEOUT);
  GError *first = NULL;
  *ret_stopped = g_ptr_array_new_with_free_func (g_free);
  for (gsize i = 0; i < n; i++)
    {
      if (stops[i].error != NULL)
        keep_first (&first, g_steal_pointer (&stops[i].error));
      else
        g_ptr_array_add (*ret_stopped, g_strdup (stops[i].id));
      container_stop_clear (&stops[i]);
    }
  if (first == NULL)
    return TRUE;
  g_propagate_error (error, first);
  return FALSE;
}
