#include "pkg/engine/container_update.h"

#include <errno.h>
#include <fcntl.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/engine/container_policy.h"
#include "pkg/engine/container_resources.h"
#include "pkg/engine/event.h"
#include "pkg/monitor/client.h"

typedef struct {
  ContainerChange change;
  const void *data;
} Update;

/* changed: the row's options with the new words; NULL with @error. */
static ContainerOptions *
changed (const StateContainer *row, const Update *update, GError **error)
{
  g_autoptr (ContainerOptions) options = container_options_from_json (json_object_get (row->config, "options"));
  return update->change (options, update->data, error) && resources_check (options, error) ? g_steal_pointer (&options) : NULL;
}

static gboolean
edit (StateContainer *row, void *data, GError **error)
{
  g_autoptr (ContainerOptions) options = changed (row, data, error);
  if (options == NULL)
    return FALSE;
  Policy policy;
  if (!policy_parse (options->restart, &policy, error))
    return FALSE;
  if (policy.kind != POLICY_NO && row->auto_remove)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the --rm option conflicts with --restart, when the restartPolicy is not \"\" and \"no\"");
  json_object_set_new (row->config, "options", container_options_to_json (options));
  return TRUE;
}

static gboolean
apply (Storage *storage, const StateContainer *row, const ContainerOptions *options, GError **error)
{
  const char *id = row->id;
  g_autoptr (ContainerOptions) before = container_options_from_json (json_object_get (row->config, "options"));
  json_auto_t *old = resources_build (before, NULL);
  g_auto (Cgroup) group = { cgroup_path_of (storage->run_fd, id), cgroup_open_of (storage->run_fd, id), g_strdup ("it was started where none could be had") };
  json_auto_t *resources = resources_build (options, error);
  return resources != NULL && (json_equal (old, resources) || cgroup_limit (&group, resources, error));
}

gboolean
container_update_restarts (Storage *storage, const ContainerView *view, GError **error)
{
  cleanup_fd int run_dir = view->pid > 0 ? openat (storage->run_fd, view->row->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (run_dir < 0 || monitor_client_control (run_dir, MONITOR_RESTART, "", 1) != -ENOTSUP)
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED,
                        "container %s was started %s and without a restart policy, so that it cannot be restarted when it ends: stop it, update it, and start it%s", view->row->name,
                        view->row->auto_remove ? "with --rm" : "in the foreground", view->row->auto_remove ? " without --rm" : " again");
}

/* asks_restart: do the words let it be started again, and did they not before? */
static gboolean
asks_restart (const ContainerView *view, const ContainerOptions *options)
{
  g_autoptr (ContainerOptions) before = container_options_from_json (json_object_get (view->row->config, "options"));
  Policy policy;
  return g_strcmp0 (before->restart, options->restart) != 0 && policy_parse (options->restart, &policy, NULL) && policy.kind != POLICY_NO;
}

gboolean
container_update (Storage *storage, const char *id, ContainerChange change, const void *data, char **ret_id, GError **error)
{
  Update update = { change, data };
  g_autoptr (ContainerView) view = container_find (storage, id, error);
  g_autoptr (ContainerOptions) options = view != NULL ? changed (view->row, &update, error) : NULL;
  if (options != NULL && asks_restart (view, options) && !container_update_restarts (storage, view, error))
    return FALSE;
  if (options == NULL || (view->pid > 0 && !apply (storage, view->row, options, error)) || !state_container_edit (storage->state, view->row->id, edit, &update, error))
    return FALSE;
  event_container (storage, view->row, "update");
  *ret_id = g_strdup (view->row->id);
  return TRUE;
}
