#include "pkg/engine/container_attach.h"

#include <fcntl.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/config/containers_conf.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/event.h"
#include "pkg/monitor/client.h"

gboolean
container_detach_keys (const char *given, DetachKeys *ret_keys, GError **error)
{
  json_auto_t *conf = given == NULL ? containers_conf_read (error) : NULL;
  if (given == NULL && conf == NULL)
    return FALSE;
  const char *text = given != NULL ? given : json_string_value (json_object_get (json_object_get (conf, "engine"), "detach_keys"));
  return detach_keys_parse (text != NULL ? text : DETACH_KEYS_DEFAULT, ret_keys, error);
}

static gboolean
check (const ContainerView *view, const ContainerOptions *options, gboolean begins, GError **error)
{
  if (strcmp (view->status, begins ? "initialized" : "running") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "you can only attach to running containers: container state improper");
  if (options->log_driver != NULL && g_str_has_prefix (options->log_driver, "passthrough"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "this container is using the '%s' log driver, cannot attach: this container is not logging output", options->log_driver);
  return TRUE;
}

/* end_on_record: how it ended, by its row: it was gone before we had connected, or ended at that moment. */
static gboolean
end_on_record (Storage *storage, const char *id, int *ret_status, GError **error)
{
  g_autoptr (StateContainer) row = state_container_find (storage->state, id, NULL);
  g_autoptr (ContainerView) view = row != NULL ? container_view_new (storage, g_steal_pointer (&row)) : NULL;
  if (view == NULL || strcmp (view->status, "exited") != 0)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "container %s lost its monitor", id);
  *ret_status = view->row->exit_code & 0xff;
  return TRUE;
}

gboolean
container_attach (Storage *storage, const ContainerView *view, const ContainerAttach *how, int *ret_status, GError **error)
{
  const char *id = view->row->id;
  DetachKeys keys;
  pid_t pid;
  state_container_read_config (view->row);
  g_autoptr (ContainerOptions) options = container_options_from_json (json_object_get (view->row->config, "options"));
  if (!check (view, options, how->begin != NULL, error) || !container_detach_keys (how->detach_keys, &keys, error))
    return FALSE;
  cleanup_fd int signals = monitor_client_block_signals ();
  if (signals < 0)
    return coracle_throw_errno (error, -signals, "signalfd");
  cleanup_fd int init = live_open_init (storage, id, &pid);
  cleanup_fd int folder = openat (storage->run_fd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  cleanup_fd int socket = folder >= 0 ? monitor_client_connect (folder) : -1;
  if (socket < 0)
    return end_on_record (storage, id, ret_status, error);
  event_container (storage, view->row, "attach");
  /* without a terminal and without -i there is nobody to read it: our caller's input is left alone */
  MonitorClient client = { .socket = socket, .init_pidfd = init, .tty = options->tty, .interactive = !how->no_stdin && (options->tty || options->interactive), .forward_signals = how->sig_proxy,
                           .attached = TRUE, .streams = { .out = 1, .err = 1 }, .detach_keys = &keys };
  MonitorResult result;
  if (how->begin != NULL && (!monitor_client_attach (&client, error) || !how->begin (how->begin_data, error)))
    return FALSE;
  if (!monitor_client_run (&client, signals, &result, NULL))
    return end_on_record (storage, id, ret_status, error);
  *ret_status = result.detached ? 0 : monitor_exit_status (&result.exit);
  if (result.lost > 0)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "%" G_GUINT64_FORMAT " bytes of the container's output were not shown: nothing was read here for two seconds (its log has them)", result.lost);
  return result.output_error == 0 || coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "writing the container's output: %s", g_strerror (result.output_error));
}
