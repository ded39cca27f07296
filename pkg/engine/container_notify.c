#include "pkg/engine/container_notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/spec/env.h"

#define FOLDER "notify"
#define SOCKET_NAME "notify.sock"
#define INSIDE "/run/notify"
#define HEALTHY_FILE "notify-healthy"
enum { PATH_SIZE = sizeof ((struct sockaddr_un *) 0)->sun_path };

void
notify_clear (ContainerNotify *notify)
{
  fd_close (fd_steal (&notify->socket));
  fd_close (fd_steal (&notify->host));
}

/* mode: NULL: nothing is told. */
static const char *
mode (const Make *make)
{
  const char *word = make->options->sdnotify != NULL ? make->options->sdnotify : "container", *socket = getenv ("NOTIFY_SOCKET");
  return socket == NULL || socket[0] == '\0' || strcmp (word, "ignore") == 0 ? NULL : word;
}

static gboolean
is_mode (const Make *make, const char *word)
{
  return g_strcmp0 (mode (make), word) == 0;
}

gboolean
notify_places (Make *make, GError **error)
{
  if (!is_mode (make, "container"))
    return TRUE;
  if (mkdirat (make->run_dir, FOLDER, 0755) < 0 && errno != EEXIST)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making the folder of the container's NOTIFY_SOCKET");
    }
  g_autofree char *source = g_build_filename (make->paths->run_root, make->id, FOLDER, NULL);
  json_array_append_new (make->mounts, json_pack ("{s:s, s:s, s:s, s:[s, s, s, s]}", "destination", INSIDE, "type", "bind", "source", source, "options", "bind", "rprivate", "nosuid", "nodev"));
  return TRUE;
}

void
notify_env (const Make *make, char ***env)
{
  if (is_mode (make, "container"))
    spec_env_set (env, "NOTIFY_SOCKET", INSIDE "/" SOCKET_NAME);
}

/* open_to: connected to the socket that @path names; "@" begins an abstract one. -errno. */
static int
open_to (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  size_t length = strlen (path);
  if (length == 0 || length >= PATH_SIZE)
    return -EINVAL;
  memcpy (address.sun_path, path, length);
  if (path[0] == '@')
    address.sun_path[0] = '\0';
  cleanup_fd int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, (socklen_t) (offsetof (struct sockaddr_un, sun_path) + length + (path[0] != '@'))) < 0)
    return -errno;
  return fd_steal (&fd);
}

static void
send_to (const char *path, const char *text)
{
  cleanup_fd int fd = open_to (path);
  if (fd >= 0)
    (void) send (fd, text, strlen (text), MSG_NOSIGNAL);
}

static gboolean
bind_inside (const Make *make, ContainerNotify *notify, GError **error)
{
  cleanup_fd int folder = openat (make->run_dir, FOLDER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  /* the path of the run folder may be longer than an address */
  g_snprintf (address.sun_path, PATH_SIZE, "/proc/self/fd/%d/" SOCKET_NAME, folder);
  (void) unlinkat (folder, SOCKET_NAME, 0);
  notify->socket = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  /* whoever the container's user is */
  if (folder < 0 || notify->socket < 0 || bind (notify->socket, (struct sockaddr *) &address, sizeof address) < 0 || fchmodat (folder, SOCKET_NAME, 0777, 0) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making the container's NOTIFY_SOCKET");
    }
  return TRUE;
}

gboolean
notify_open (const Make *make, ContainerNotify *ret_notify, GError **error)
{
  *ret_notify = (ContainerNotify) CONTAINER_NOTIFY_NONE;
  if (mode (make) == NULL)
    return TRUE;
  const char *path = getenv ("NOTIFY_SOCKET");
  if (is_mode (make, "healthy"))
    {
      int r = path_write_file (make->run_dir, HEALTHY_FILE, path, strlen (path), 0600, FALSE);
      return r == 0 || coracle_throw_errno (error, -r, "writing " HEALTHY_FILE);
    }
  if (!is_mode (make, "container"))
    return TRUE;
  /* nobody there: then nobody waits for us */
  int host = open_to (path);
  ret_notify->host = host < 0 ? -1 : host;
  return bind_inside (make, ret_notify, error);
}

static gboolean
is_awaited (const Make *make)
{
  g_autofree char *path = g_build_filename (make->id, HEALTHY_FILE, NULL);
  return faccessat (make->storage->run_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 && storage_run_alive (make->storage, make->id);
}

void
notify_started (const Make *make, pid_t monitor, gboolean wait)
{
  if (mode (make) == NULL)
    return;
  g_autofree char *text = g_strdup_printf ("MAINPID=%d%s", (int) monitor, is_mode (make, "conmon") ? "\nREADY=1" : "");
  send_to (getenv ("NOTIFY_SOCKET"), text);
  while (wait && is_mode (make, "healthy") && is_awaited (make))
    g_usleep (50000);
}

void
notify_healthy (int run_dir)
{
  g_autofree char *path = NULL;
  /* who removes it is the one who tells */
  if (path_read_file (run_dir, HEALTHY_FILE, PATH_SIZE, &path, NULL, NULL) && unlinkat (run_dir, HEALTHY_FILE, 0) == 0)
    send_to (path, "READY=1");
}
