#include "pkg/engine/container_commit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/commit_config.h"
#include "pkg/engine/container_pause.h"
#include "pkg/engine/container_root.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/event.h"
#include "pkg/image/name.h"
#include "storage/ingest.h"
#include "storage/pack.h"

/* what a commit works on */
typedef struct {
  Storage *storage;
  ContainerView *view;
  StateImage *image;
  ContainerRoot root;     /* with --squash */
  int upper;              /* without */
  gboolean paused;        /* by us, and still */
} Commit;

/* go_on: as soon as its files are packed, and whatever happened. */
static void
go_on (Commit *commit)
{
  if (commit->paused)
    (void) container_unpause (commit->storage, commit->view->row->id, NULL);
  commit->paused = FALSE;
}

static void
commit_clear (Commit *commit)
{
  go_on (commit);
  fd_close (commit->upper);
  container_root_close (&commit->root);
  g_clear_pointer (&commit->image, state_image_free);
  g_clear_pointer (&commit->view, container_view_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Commit, commit_clear)

/* still_there: a container's row goes before its files: so while there is one, what was packed was all of it. */
static gboolean
still_there (void *data, GError **error)
{
  Commit *commit = data;
  go_on (commit);
  g_autoptr (StateContainer) row = state_container_find (commit->storage->state, commit->view->row->id, NULL);
  return row != NULL || coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "container %s was removed meanwhile", commit->view->row->name);
}

static gboolean
commit_begin (Commit *commit, Storage *storage, const char *name, gboolean squash, GError **error)
{
  *commit = (Commit){ .storage = storage, .root = CONTAINER_ROOT_INIT, .upper = -1 };
  commit->view = container_wanted (storage, name, error);
  if (commit->view == NULL)
    return FALSE;
  const StateContainer *row = commit->view->row;
  if (row->image_id == NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "cannot commit a container that uses an exploded rootfs");
  commit->image = state_image_find (storage->state, row->image_id, error);
  if (commit->image == NULL)
    return FALSE;
  if (squash)
    return container_root_open (storage, commit->view, ROOT_FILES, &commit->root, error);
  g_autofree char *path = g_strdup_printf ("containers/%s/upper", row->id);
  commit->upper = openat (storage->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int errsv = errno;
  return commit->upper >= 0 || coracle_throw_errno (error, errsv, "opening what container %s has written", row->name);
}

static gboolean
stand_still (Commit *commit, GError **error)
{
  if (strcmp (commit->view->status, "running") != 0)
    return TRUE;
  commit->paused = container_pause (commit->storage, commit->view->row->id, error);
  return commit->paused;
}

static json_t *
make_history (const Commit *commit, const ContainerCommit *request)
{
  json_t *history = json_pack ("{s:s}", "created_by", "/bin/sh");
  if (request->author != NULL && *request->author != '\0')
    (void) json_object_set_new (history, "author", json_string (request->author));
  g_autofree char *from = g_strconcat ("FROM ", commit->view->row->image_name, NULL);
  (void) json_object_set_new (history, "comment", json_string (from));
  return history;
}

/* take: pack the files and take them in, in one pass. */
static gboolean
take (Commit *commit, ContainerCommit *request, const char *const *names, json_t *config, StateImage **ret_image, GError **error)
{
  g_autoptr (IdMap) ids = userns_ids_of (commit->view->row->config);
  const PackOptions pack = { .layer = !request->squash, .root = TRUE, .ids = ids };
  int folder = request->squash ? commit->root.fd : commit->upper;
  ByteStream *tar = pack_stream (folder, &pack, still_there, commit, error);
  if (tar == NULL)
    return FALSE;
  IngestOptions options = { .single = request->single, .names = names, .docker = request->docker };
  json_auto_t *history = make_history (commit, request);
  gboolean ok = ingest_above (commit->storage, request->squash ? NULL : (const char *const *) commit->image->layers, tar, config, history, &options, ret_image, error);
  request->skipped_devices = options.skipped_devices;
  return ok;
}

gboolean
container_commit (Storage *storage, const char *name, ContainerCommit *request, char **ret_id, GError **error)
{
  g_auto (Commit) commit = { .upper = -1, .root = CONTAINER_ROOT_INIT };
  g_autofree char *full = request->reference != NULL ? image_name_normalize (request->reference, "localhost", error) : NULL;
  if (request->reference != NULL && full == NULL)
    return coracle_prefix (error, "parsing reference \"%s\"", request->reference);
  if (!commit_begin (&commit, storage, name, request->squash, error))
    return FALSE;
  json_auto_t *config = commit_config_make (storage, commit.view->row, commit.image, request, error);
  if (config == NULL || (request->pause && !stand_still (&commit, error)))
    return coracle_prefix (error, "committing container %s", name);
  const char *const names[] = { full, NULL };
  g_autoptr (StateImage) image = NULL;
  if (!take (&commit, request, full != NULL ? names : NULL, config, &image, error))
    return coracle_prefix (error, "committing container %s", name);
  event_container (storage, commit.view->row, "commit");
  *ret_id = g_strdup (image->id);
  return TRUE;
}
