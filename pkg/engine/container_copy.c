#include "pkg/engine/container_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/archive/inflate.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_root.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/copy_place.h"
#include "pkg/json/json.h"
#include "pkg/spec/spec.h"
#include "storage/copy_tree.h"
#include "storage/pack.h"
#include "storage/unpack.h"

#define SPEC_LIMIT ((size_t) 64 << 20)

/* One end of the copy. */
typedef struct {
  CopyPlace place;
  ContainerRoot own;        /* of this end's container */
  ContainerRoot *root;      /* that, or the other end's when both are of one container */
  char *cwd;                /* of the container's command */
  uid_t uid;                /* and its user, as the container has it */
  gid_t gid;
  IdMap *ids;               /* of its own user namespace; NULL = it has none */
} End;

typedef struct {
  Storage *storage;
  ContainerCopy *request;
  End from, to;
} Work;

static void
end_clear (End *end)
{
  copy_place_clear (&end->place);
  container_root_close (&end->own);
  g_free (end->cwd);
  idmap_free (end->ids);
}

static void
work_clear (Work *work)
{
  end_clear (&work->from);
  end_clear (&work->to);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

static void
work_init (Work *work, Storage *storage, ContainerCopy *request)
{
  const End none = { .place = COPY_PLACE_INIT, .own = CONTAINER_ROOT_INIT };
  *work = (Work){ .storage = storage, .request = request, .from = none, .to = none };
  copy_place_parse (request->from, &work->from.place);
  copy_place_parse (request->to, &work->to.place);
}

gboolean
container_copy_check (const ContainerCopy *request, GError **error)
{
  g_auto (CopyPlace) from = COPY_PLACE_INIT, to = COPY_PLACE_INIT;
  copy_place_parse (request->from, &from);
  copy_place_parse (request->to, &to);
  if (from.path[0] == '\0' || to.path[0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid arguments \"%s\", \"%s\": you must specify paths", request->from, request->to);
  if (from.container == NULL && to.container == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "name or ID cannot be empty");
  return TRUE;
}

/* ---- the containers */

/* read_process: what config.json says of the container's command: where it starts, and as whom. Nothing is asked of the container's files. */
static void
read_process (Storage *storage, const char *id, End *end)
{
  g_autofree char *path = g_strdup_printf ("containers/%s/config.json", id), *text = NULL;
  size_t size;
  gboolean there = path_read_file (storage->root_fd, path, SPEC_LIMIT, &text, &size, NULL);
  if (there)
    spec_fold (text);
  json_auto_t *spec = there ? json_parse_bounded (text, size, SPEC_LIMIT, JSON_PARSE_DEFAULT, NULL) : NULL;
  json_t *process = json_object_get (spec, "process"), *user = json_object_get (process, "user");
  const char *cwd = json_string_value (json_object_get (process, "cwd"));
  end->cwd = g_strdup (cwd != NULL ? cwd : "/");
  end->uid = (uid_t) json_integer_value (json_object_get (user, "uid"));
  end->gid = (gid_t) json_integer_value (json_object_get (user, "gid"));
}

static ContainerView *
find (Work *work, End *end, GError **error)
{
  GError *problem = NULL;
  ContainerView *view = container_find (work->storage, end->place.container, &problem);
  if (view != NULL)
    {
      read_process (work->storage, view->row->id, end);
      idmap_free (end->ids);
      end->ids = userns_ids_of (view->row->config);
    }
  else if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      g_clear_error (&problem);
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "container \"%s\" does not exist", end->place.container);
    }
  else
    g_propagate_error (error, problem);
  return view;
}

static gboolean
open_root (Work *work, End *end, const ContainerView *view, GError **error)
{
  if (view == NULL || end->root != NULL)
    return TRUE;
  end->root = &end->own;
  return container_root_open (work->storage, view, ROOT_AS_SEEN, &end->own, error);
}

/* open_containers: two that do not run are locked in the order of their ids, so that two copies do not wait for each other. */
static gboolean
open_containers (Work *work, GError **error)
{
  End *from = &work->from, *to = &work->to;
  g_autoptr (ContainerView) source = from->place.container != NULL ? find (work, from, error) : NULL;
  if (from->place.container != NULL && source == NULL)
    return FALSE;
  g_autoptr (ContainerView) target = to->place.container != NULL ? find (work, to, error) : NULL;
  if (to->place.container != NULL && target == NULL)
    return FALSE;
  int order = source != NULL && target != NULL ? strcmp (source->row->id, target->row->id) : -1;
  if (order == 0)
    to->root = &from->own;
  return order <= 0 ? open_root (work, from, source, error) && open_root (work, to, target, error) : open_root (work, to, target, error) && open_root (work, from, source, error);
}

/* ---- the paths */

static gboolean
throw_missing (const End *end, int errsv, GError **error)
{
  const char *why = errsv == ENOENT ? "no such file or directory" : g_strerror (errsv);
  if (end->place.container == NULL)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "\"%s\" could not be found on the host: %s", end->place.path, why);
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "\"%s\" could not be found on container %s: %s", end->place.path, end->place.container, why);
}

static int
end_find (End *end)
{
  if (end->place.stream)
    return 0;
  return end->place.container == NULL ? copy_place_find_host (&end->place) : copy_place_find_container (&end->place, end->root->fd, end->cwd);
}

/* check_target: may it go there? podman-cp(1). */
static gboolean
check_target (const Work *work, GError **error)
{
  const CopyPlace *from = &work->from.place, *to = &work->to.place;
  if (to->stream)
    return TRUE;
  if (from->stream)
    return copy_place_is_folder (to) || coracle_throw (error, CORACLE_ERROR_INVALID, "destination must be a directory when copying from stdin");
  if (!to->exists)
    return !to->slash || throw_missing (&work->to, ENOENT, error);
  if (!S_ISDIR (to->st.st_mode) && !S_ISREG (to->st.st_mode) && !S_ISLNK (to->st.st_mode))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid destination: \"%s\" must be a directory or a regular file", to->path);
  if (S_ISDIR (to->st.st_mode))
    return TRUE;
  if (copy_place_is_folder (from) && !work->request->overwrite)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "destination must be a directory when copying a directory");
  return !to->slash || coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" exists but is not a directory", to->path);
}

static gboolean
find_paths (Work *work, GError **error)
{
  int r = end_find (&work->from);
  if (r < 0 || (!work->from.place.stream && !work->from.place.exists))
    return throw_missing (&work->from, r < 0 ? -r : ENOENT, error);
  r = end_find (&work->to);
  /* for a stream the target is a folder that is there, or nothing is */
  if (r < 0 && work->from.place.stream)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "destination must be a directory when copying from stdin");
  return r < 0 ? throw_missing (&work->to, -r, error) : check_target (work, error);
}

/* ---- the copy */

/* choose_owner: what goes to the host is the caller's; what comes into a container is its user's, or (--archive=false) stays whose it was. @mapped: as an id of ours. */
static void
choose_owner (const Work *work, gboolean mapped, gboolean *ret_give, uid_t *ret_uid, gid_t *ret_gid)
{
  gboolean host = work->to.place.container == NULL;
  *ret_give = host || work->request->archive;
  *ret_uid = host ? geteuid () : work->to.uid;
  *ret_gid = host ? getegid () : work->to.gid;
  const IdMap *ids = work->to.ids;
  if (ids != NULL && mapped)
    {
      (void) idmap_outside (ids->uids, ids->n_uids, *ret_uid, ret_uid);
      (void) idmap_outside (ids->gids, ids->n_gids, *ret_gid, ret_gid);
    }
}

static gboolean
copy_files (Work *work, GError **error)
{
  const CopyPlace *from = &work->from.place, *to = &work->to.place;
  CopyOptions options = { .overwrite = work->request->overwrite, .devices = to->container != NULL };
  choose_owner (work, TRUE, &options.give, &options.uid, &options.gid);
  gboolean folder = copy_place_is_folder (from), into = copy_place_is_folder (to), ok;
  cleanup_fd int to_fd = into ? copy_place_open_folder (to) : -1;
  if (into && to_fd < 0)
    return throw_missing (&work->to, -to_fd, error);
  if (into && folder && (from->dot || strcmp (from->name, ".") == 0))
    {
      cleanup_fd int from_fd = copy_place_open_folder (from);
      if (from_fd < 0)
        return throw_missing (&work->from, -from_fd, error);
      ok = copy_content (from_fd, to_fd, &options, error);
    }
  else
    ok = copy_entry (from->dir_fd, from->name, into ? to_fd : to->dir_fd, into ? from->name : to->name, &options, error);
  work->request->skipped += options.unreadable;
  return ok;
}

static gboolean
write_stream (Work *work, GError **error)
{
  const CopyPlace *from = &work->from.place;
  gboolean content = copy_place_is_folder (from) && (from->dot || strcmp (from->name, ".") == 0);
  PackOptions options = { .prefix = content ? NULL : from->name, .root = TRUE, .ids = work->from.ids };
  if (!content)
    return pack_one (from->dir_fd, from->name, &options, work->request->output, error);
  cleanup_fd int fd = copy_place_open_folder (from);
  return fd < 0 ? throw_missing (&work->from, -fd, error) : pack_tree (fd, &options, work->request->output, error);
}

static gboolean
read_stream (Work *work, GError **error)
{
  UnpackOptions options = { .into = TRUE, .overwrite = work->request->overwrite, .ids = work->to.ids };
  UnpackStats stats;
  choose_owner (work, FALSE, &options.give, &options.uid, &options.gid);
  cleanup_fd int fd = copy_place_open_folder (&work->to.place);
  if (fd < 0)
    return throw_missing (&work->to, -fd, error);
  g_autoptr (ByteStream) tar = inflate_tar (byte_stream_from_fd (fcntl (work->request->input, F_DUPFD_CLOEXEC, 3)));
  if (tar == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "source must be a (compressed) tar archive when copying from stdin");
  if (!unpack_tar (fd, tar, &options, &stats, error))
    return coracle_prefix (error, "copying to container");
  work->request->skipped += stats.skipped_devices;
  return TRUE;
}

gboolean
container_copy (Storage *storage, ContainerCopy *request, GError **error)
{
  g_auto (Work) work;
  work_init (&work, storage, request);
  if (!container_copy_check (request, error) || !open_containers (&work, error) || !find_paths (&work, error))
    return FALSE;
  if (work.from.place.stream)
    return read_stream (&work, error);
  gboolean ok = work.to.place.stream ? write_stream (&work, error) : copy_files (&work, error);
  return ok || coracle_prefix (error, "%s", work.to.place.container != NULL ? "copying to container" : "copying from container");
}
