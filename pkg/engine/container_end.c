#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_hooks.h"
#include "pkg/engine/container_policy.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image.h"
#include "pkg/monitor/client.h"

/* One end of a container, as its monitor wrote it. */
typedef struct {
  MonitorExit exit;
  int code;
  gboolean asked;    /* for another start, whatever the policy says */
  gboolean again;    /* there will be one */
  gboolean known;    /* the row tells of it already: the pause before the next start was called off */
} End;

static gboolean
read_end (int run_fd, End *end)
{
  g_autofree char *text = NULL;
  if (!path_read_file (run_fd, MONITOR_EXIT_FILE, 256, &text, NULL, NULL) || !monitor_exit_parse (text, &end->exit, NULL))
    return FALSE;
  end->code = end->exit.timed_out ? -1 : monitor_exit_status (&end->exit);   /* as Podman records it */
  return TRUE;
}

/* record_again: the row goes on saying "running": it is its monitor's. Decided here, under the row's transaction: whoever stops the container has written before. */
static gboolean
record_again (StateContainer *row, void *data, GError **error)
{
  End *end = data;
  (void) error;
  end->known = row->finished == end->exit.finished_us;
  end->again = !json_is_true (json_object_get (row->config, "stopped_by_user")) && (end->asked || policy_wants (row, end->code));
  if (!end->again)
    return TRUE;
  row->exit_code = end->code;
  row->finished = end->exit.finished_us;
  json_t *count = json_object_get (row->config, "restart_count");
  json_object_set_new (row->config, "restart_count", json_integer (json_integer_value (count) + 1));
  return TRUE;
}

char *
container_remove_image (Storage *storage, const char *image_id)
{
  const char *const names[] = { image_id, NULL };
  ImageRemoveRequest request = { .images = names };
  /* another container may be using it: podman-run(1) --rmi */
  g_autoptr (ImageRemoveResult) result = image_remove (storage, &request, NULL);
  return result != NULL && result->errors->len > 0 ? g_strdup (((const GError *) result->errors->pdata[0])->message) : NULL;
}

static gboolean
settle (Storage *storage, StateContainer *row, const char *id, int run_fd, GError **error)
{
  gboolean rmi = row != NULL && json_is_true (json_object_get (json_object_get (row->config, "options"), "rmi"));
  container_unmount (storage->paths, id);
  if (!storage_container_settle (storage, id, run_fd, error))
    return FALSE;
  if (rmi && row->image_id != NULL)
    g_free (container_remove_image (storage, row->image_id));
  return TRUE;
}

gboolean
container_cleanup (Storage *storage, const char *id, int run_fd, gboolean asked, gboolean *ret_again, GError **error)
{
  End end = { .asked = asked };
  if (ret_again != NULL)
    *ret_again = FALSE;
  if (run_fd < 0)
    run_fd = storage_run_begin (storage, id, error);
  if (run_fd < 0)
    return FALSE;
  gboolean ended = read_end (run_fd, &end);
  g_autoptr (StateContainer) row = state_container_find (storage->state, id, NULL);
  gboolean may = ended && ret_again != NULL && row != NULL && (asked || policy_of (row).kind != POLICY_NO);
  if (may && !state_container_edit (storage->state, id, record_again, &end, error))
    return FALSE;
  /* nobody waits for us who could be told of a hook that failed */
  if (row != NULL && ended && !end.known)
    (void) hooks_poststop (json_object_get (row->config, "poststop"), NULL);
  if (!end.again)
    return settle (storage, row, id, run_fd, error);
  row->exit_code = end.code;
  row->finished = end.exit.finished_us;
  event_container (storage, row, "died");
  *ret_again = TRUE;
  event_container (storage, row, "restart");
  return TRUE;
}

void
container_unmount (const ConfigPaths *paths, const char *id)
{
  g_autofree char *merged = g_build_filename (paths->root, "containers", id, "merged", NULL);
  (void) umount2 (merged, MNT_DETACH);
}
