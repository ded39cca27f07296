#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/cgroup/enable.h"
#include "pkg/cgroup/scope.h"

#define PARENT "libpod_parent" /* as Podman's cgroupfs manager has it */

typedef enum { NONE,
               CGROUPFS,
               SPLIT,
               SCOPE } Way;

struct CgroupPending {
  Way way;
  CgroupPlace place;
  ScopeRequest *scope;
  char *id, *parent;
  gboolean wanted; /* a certain place or manager was asked for: none is an error */
  char *reason;
};

void
cgroup_clear (Cgroup *group)
{
  g_free (group->path);
  g_free (group->reason);
  fd_close (group->fd);
  *group = (Cgroup) CGROUP_INIT;
}

void
cgroup_pending_free (CgroupPending *pending)
{
  if (pending == NULL)
    return;
  cgroup_place_clear (&pending->place);
  scope_request_free (pending->scope);
  g_free (pending->id);
  g_free (pending->parent);
  g_free (pending->reason);
  g_free (pending);
}

/* ---- words */

static gboolean
has_dots (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  return g_strv_contains ((const char *const *) parts, "..");
}

gboolean
cgroup_check (const CgroupRequest *request, GError **error)
{
  static const char *const modes[] = { "", "enabled", "disabled", "no-conmon", "split", NULL };
  const char *mode = request->mode != NULL ? request->mode : "";
  gboolean parent = request->parent != NULL && request->parent[0] != '\0', slice = parent && g_str_has_suffix (request->parent, ".slice");
  if (!g_strv_contains (modes, mode))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "running container create option: invalid cgroup mode \"%s\": invalid argument", mode);
  if (request->manager != NULL && strcmp (request->manager, "systemd") != 0 && strcmp (request->manager, "cgroupfs") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "configuring runtime: cgroup manager must be one of cgroupfs and systemd: invalid argument");
  if (parent && strcmp (mode, "split") == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot specify --cgroup-mode=split with a cgroup-parent: invalid argument");
  if (parent && strcmp (mode, "disabled") == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set cgroup parent if not creating cgroups: invalid argument");
  if (parent && !slice && g_strcmp0 (request->manager, "systemd") == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "did not receive systemd slice as cgroup parent when using systemd to manage cgroups: invalid argument");
  if (slice && g_strcmp0 (request->manager, "cgroupfs") == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "systemd slice received as cgroup parent when using cgroupfs: invalid argument");
  if (parent && has_dots (request->parent))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--cgroup-parent %s: must not contain ..", request->parent);
  return TRUE;
}

/* ---- where */

static char *
none_reason (const CgroupPlace *place)
{
  if (place->mount == NULL)
    return g_strdup ("this machine has no cgroup v2 hierarchy on /sys/fs/cgroup");
  if (place->own == NULL)
    return g_strdup ("this process's cgroup is outside of what is mounted on /sys/fs/cgroup");
  return g_strdup_printf ("the cgroup %s belongs to somebody else%s", place->own,
                          place->hybrid ? " and the controllers to cgroup v1" : ", and no systemd of this user's is there to ask: log in with a user session, or `loginctl enable-linger`");
}

/* choose: see "Which" in cgroup.h. */
static Way
choose (CgroupPending *pending, const CgroupRequest *request)
{
  const CgroupPlace *place = &pending->place;
  gboolean systemd = place->mount != NULL && !place->hybrid && scope_possible (), delegated = place->delegated != NULL;
  gboolean slice = pending->parent != NULL && g_str_has_suffix (pending->parent, ".slice");
  if (g_strcmp0 (request->mode, "split") == 0)
    return delegated ? SPLIT : NONE;
  if (g_strcmp0 (request->mode, "no-conmon") == 0)
    return delegated && !slice ? CGROUPFS : NONE;
  if (g_strcmp0 (request->manager, "systemd") == 0 && !systemd)
    g_warning ("The cgroup manager is set to systemd but there is no systemd user session available: falling back to --cgroup-manager=cgroupfs");
  if (slice || g_strcmp0 (request->manager, "systemd") == 0)
    return systemd ? SCOPE : delegated && !slice ? CGROUPFS
                                                 : NONE;
  if (delegated)
    return CGROUPFS;
  return systemd && request->manager == NULL && pending->parent == NULL ? SCOPE : NONE;
}

CgroupPending *
cgroup_begin (const CgroupRequest *request, GError **error)
{
  if (!cgroup_check (request, error))
    return NULL;
  g_autoptr (CgroupPending) pending = g_new0 (CgroupPending, 1);
  pending->id = g_strdup (request->id);
  pending->parent = request->parent != NULL && request->parent[0] != '\0' ? g_strdup (request->parent) : NULL;
  pending->wanted = pending->parent != NULL || g_strcmp0 (request->mode, "split") == 0 || g_strcmp0 (request->mode, "no-conmon") == 0;
  if (g_strcmp0 (request->mode, "disabled") == 0)
    {
      pending->reason = g_strdup ("cgroups are disabled for it");
      return g_steal_pointer (&pending);
    }
  cgroup_place_find (&pending->place);
  pending->way = choose (pending, request);
  gboolean stays = g_strcmp0 (request->mode, "split") == 0 || g_strcmp0 (request->mode, "no-conmon") == 0;
  if (pending->way == NONE)
    pending->reason = stays && pending->place.own != NULL
                          ? g_strdup_printf ("--cgroups=%s divides what is delegated, and the cgroup %s belongs to somebody else: it is for units of systemd's user manager", request->mode, pending->place.own)
                          : none_reason (&pending->place);
  if (pending->way != SCOPE)
    return g_steal_pointer (&pending);
  g_autofree char *unit = g_strdup_printf ("libpod-%s.scope", pending->id);
  GError *problem = NULL;
  pending->scope = scope_begin (unit, pending->parent != NULL ? pending->parent : scope_slice (),
                                &problem);
  if (pending->scope != NULL)
    return g_steal_pointer (&pending);
  if (request->manager != NULL || pending->wanted)
    {
      g_propagate_error (error, problem);
      return NULL;
    }
  pending->way = NONE;
  pending->reason = g_strdup (problem->message);
  g_error_free (problem);
  return g_steal_pointer (&pending);
}

/* ---- making */

static int
open_group (const char *path)
{
  int fd = open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static char *
group_path (const CgroupPlace *place, const char *group)
{
  return g_strconcat (place->mount, strcmp (group, "/") == 0 ? "" : group, NULL);
}

/* make_below: the groups of @relative below @base, each made if missing, and the controllers given to those below. Returns the last's descriptor or -errno. */
static int
make_below (const char *base, const char *relative, char **ret_path)
{
  g_auto (GStrv) parts = g_strsplit (relative, "/", -1);
  g_autofree char *path = g_strdup (base);
  cleanup_fd int at = open_group (base);
  for (char **part = parts; *part != NULL && at >= 0; part++)
    {
      if (**part == '\0')
        continue;
      gboolean made = mkdirat (at, *part, 0755) == 0;
      if (!made && errno != EEXIST)
        return -errno;
      if (made)
        enable_all_at (at);
      int next = openat (at, *part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (next < 0)
        return -errno;
      if (made)
        (void) enable_all (next);
      fd_close (at);
      at = next;
      char *longer = g_strconcat (path, "/", *part, NULL);
      g_free (path);
      path = longer;
    }
  if (at >= 0)
    *ret_path = g_steal_pointer (&path);
  return fd_steal (&at);
}

/* note: before the group is made, so that whoever takes the run folder away finds it. */
static gboolean
note (int run_dir, const char *path, GError **error)
{
  cleanup_fd int fd = run_dir < 0 ? -1 : openat (run_dir, CGROUP_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  int r = run_dir < 0 ? 0 : fd < 0 ? -errno
                                   : fd_write_all (fd, path, strlen (path));
  return r == 0 || coracle_throw_errno (error, -r, "writing the container's cgroup down");
}

static gboolean
make_group (int parent, const char *parent_path, const char *name, int run_dir, Cgroup *ret_group, GError **error)
{
  g_autofree char *path = g_build_filename (parent_path, name, NULL);
  if (!note (run_dir, path, error))
    return FALSE;
  if (mkdirat (parent, name, 0755) < 0 && errno != EEXIST)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making the cgroup %s", path);
    }
  int fd = openat (parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int errsv = errno;
  if (fd < 0)
    return coracle_throw_errno (error, errsv, "opening the cgroup %s", path);
  *ret_group = (Cgroup) { g_steal_pointer (&path), fd, NULL };
  return TRUE;
}

static gboolean
make_cgroupfs (const CgroupPending *pending, int run_dir, Cgroup *ret_group, GError **error)
{
  const CgroupPlace *place = &pending->place;
  const char *parent = pending->parent != NULL ? pending->parent : PARENT;
  g_autofree char *base = group_path (place, parent[0] == '/' ? "/" : place->delegated), *path = NULL, *name = g_strconcat ("libpod-", pending->id, NULL);
  cleanup_fd int fd = make_below (base, parent, &path);
  if (fd < 0)
    return coracle_throw_errno (error, -fd, "making the cgroup %s/%s", base, parent + (parent[0] == '/'));
  return make_group (fd, path, name, run_dir, ret_group, error);
}

/* make_beside: this process in "supervisor", the container in @name, both below the group @own. */
static gboolean
make_beside (const char *mount, const char *own, const char *name, int run_dir, Cgroup *ret_group, GError **error)
{
  g_autofree char *path = g_strconcat (mount, own, NULL);
  cleanup_fd int fd = open_group (path);
  int r = fd < 0 ? fd : enable_supervisor (fd);
  if (r < 0)
    return coracle_throw_errno (error, -r, "dividing the cgroup %s", path);
  (void) enable_all (fd);
  return make_group (fd, path, name, run_dir, ret_group, error);
}

static gboolean
make_scope (CgroupPending *pending, int run_dir, Cgroup *ret_group, GError **error)
{
  if (!scope_wait (pending->scope, error))
    return FALSE;
  g_auto (CgroupPlace) place = { 0 };
  cgroup_place_find (&place);
  if (place.delegated == NULL)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "systemd's scope, cgroup %s, was not given to this user", place.own);
  return make_beside (place.mount, place.own, "container", run_dir, ret_group, error);
}

static gboolean
make_split (const CgroupPending *pending, int run_dir, Cgroup *ret_group, GError **error)
{
  const CgroupPlace *place = &pending->place;
  g_autofree char *name = g_strconcat ("libpod-payload-", pending->id, NULL), *own = g_strdup (strcmp (place->own, "/") == 0 ? "" : place->own);
  /* started from one that was divided before */
  if (g_str_has_suffix (own, "/supervisor"))
    own[strlen (own) - strlen ("/supervisor")] = '\0';
  return make_beside (place->mount, own, name, run_dir, ret_group, error);
}

gboolean
cgroup_make (CgroupPending *pending, int run_dir, Cgroup *ret_group, GError **error)
{
  GError *problem = NULL;
  *ret_group = (Cgroup) CGROUP_INIT;
  gboolean made = pending->way == CGROUPFS ? make_cgroupfs (pending, run_dir, ret_group, &problem)
                  : pending->way == SPLIT  ? make_split (pending, run_dir, ret_group, &problem)
                  : pending->way == SCOPE  ? make_scope (pending, run_dir, ret_group, &problem)
                  : pending->wanted        ? coracle_throw (&problem, CORACLE_ERROR_CANNOT_INVOKE, "no cgroup can be made for it: %s", pending->reason)
                                           : TRUE;
  if (made)
    {
      ret_group->reason = g_strdup (pending->reason);
      return TRUE;
    }
  if (pending->wanted)
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  /* a machine whose cgroups are not as they should be still runs containers */
  g_info ("no cgroup: %s", problem->message);
  ret_group->reason = g_strdup (problem->message);
  g_error_free (problem);
  if (run_dir >= 0)
    (void) unlinkat (run_dir, CGROUP_FILE, 0);
  return TRUE;
}
