#include "storage/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "storage/overlay_private.h"

extern char **environ;

/* fork into a new mount namespace: the child's has no copy of what is mounted afterwards */
static pid_t
fork_apart (void)
{
  long pid = syscall (SYS_clone, (unsigned long) (CLONE_NEWNS | SIGCHLD), NULL, NULL, NULL, NULL);
  return (pid_t) pid;
}

static gboolean
find_program (const char *wanted, char **ret_path, GError **error)
{
  g_autofree char *found = g_find_program_in_path (wanted != NULL ? wanted : "fuse-overlayfs");
  if (found != NULL)
    {
      *ret_path = g_canonicalize_filename (found, NULL);   /* it is exec'd from "/" */
      return TRUE;
    }
  if (wanted != NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s: no such program (storage.conf, mount_program)", wanted);
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "fuse-overlayfs: not found in PATH (install the package fuse-overlayfs)");
}

/* @device must have been opened in the user namespace that mounts */
static gboolean
mount_fuse (int device, const char *target, GError **error)
{
  char options[128];
  g_snprintf (options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other", device);
  if (mount ("fuse-overlayfs", target, "fuse.fuse-overlayfs", 0, options) == 0)
    return TRUE;
  int errsv = errno;
  return coracle_throw_errno (error, errsv, "mounting fuse-overlayfs on %s", target);
}

/* start the server, which waits at the gate */
static gboolean
server_start (OverlayServer *server, int gate_write, pid_t *ret_pid, GError **error)
{
  pid_t pid = fork_apart ();
  if (pid < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "starting %s", server->path);
    }
  if (pid == 0)
    {
      (void) close (gate_write);
      overlay_server_child (server);
    }
  *ret_pid = pid;
  return TRUE;
}

/* the first request is answered only by a server that has read its layers; one that has died breaks the connection */
static gboolean
server_await (const OverlayServer *server, const char *target, GError **error)
{
  struct statfs fs;
  if (statfs (target, &fs) == 0)
    return TRUE;
  int errsv = errno;
  char said[1024];
  ssize_t n = pread (server->stderr_fd, said, sizeof said - 1, 0);
  said[n < 0 ? 0 : n] = '\0';
  g_strdelimit (g_strstrip (said), "\n", ' ');
  return coracle_throw (error, CORACLE_ERROR_SYSTEM, "mounting %s on %s: %s", server->path, target, said[0] != '\0' ? said : g_strerror (errsv));
}

/* let the server in, once mounted; undo the mount if it fails */
static gboolean
serve (const OverlayServer *server, int *device, int *gate_write, const char *target, GError **error)
{
  if (!mount_fuse (*device, target, error))
    return FALSE;
  /* the server's copy must be the last, or its death would leave everybody waiting */
  fd_close (fd_steal (device));
  int r = fd_write_all (*gate_write, "g", 1);
  if (r < 0)
    coracle_throw_errno (error, -r, "starting %s", server->path);
  if (r == 0 && server_await (server, target, error))
    return TRUE;
  (void) umount2 (target, MNT_DETACH);
  return FALSE;
}

/* fuse-overlayfs (1.10) resolves the names it is given and then takes the result apart at colons */
static gboolean
check_names (const char *const *layers, const char *upper, const char *work, GError **error)
{
  const char *bad = upper != NULL && strchr (upper, ':') != NULL ? upper : work != NULL && strchr (work, ':') != NULL ? work : NULL;
  for (; bad == NULL && *layers != NULL; layers++)
    if (strchr (*layers, ':') != NULL)
      bad = *layers;
  return bad == NULL || coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s: fuse-overlayfs cannot use a folder with a colon in its path", bad);
}

gboolean
overlay_mount_fuse (const char *const *layers, const char *upper, const char *work, const char *target, const char *program, pid_t *ret_fuse, GError **error)
{
  g_autofree char *path = NULL;
  g_auto (OverlayFolders) folders = { .upper = -1, .work = -1 };
  if (!check_names (layers, upper, work, error) || !find_program (program, &path, error) || !overlay_folders_open (layers, upper, work, &folders, error))
    return FALSE;
  cleanup_fd int device = open ("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "/dev/fuse");
    }
  cleanup_fd int null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  cleanup_fd int stderr_fd = memfd_create ("fuse-overlayfs", MFD_CLOEXEC);
  int gate[2] = { -1, -1 };
  if (null_fd < 0 || stderr_fd < 0 || pipe2 (gate, O_CLOEXEC) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "starting %s", path);
    }
  cleanup_fd int gate_read = gate[0];
  cleanup_fd int gate_write = gate[1];

  g_autofree char *options = overlay_options (&folders, "/proc/self/fd/");
  char mount_point[32];
  g_snprintf (mount_point, sizeof mount_point, "/dev/fd/%d", device);
  char *argv[] = { path, "-f", "-o", options, mount_point, NULL };
  g_autofree int *keep = g_new (int, folders.n_lower + 3);
  memcpy (keep, folders.lower, folders.n_lower * sizeof *keep);
  keep[folders.n_lower] = folders.upper;
  keep[folders.n_lower + 1] = folders.work;
  keep[folders.n_lower + 2] = device;
  OverlayServer server = { .path = path, .argv = argv, .envp = environ, .keep = keep, .n_keep = folders.n_lower + 3, .null_fd = null_fd, .stderr_fd = stderr_fd, .gate = gate_read };
  cleanup_pid pid_t pid = 0;
  if (!server_start (&server, gate_write, &pid, error) || !serve (&server, &device, &gate_write, target, error))
    return FALSE;
  pid_t serving = proc_steal_pid (&pid);
  if (ret_fuse != NULL)
    *ret_fuse = serving;
  return TRUE;
}
