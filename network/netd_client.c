#include "network/netd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

/* How long, in microseconds, to wait for one that is starting or leaving, and for an answer */
#define START_TIME (20 * G_USEC_PER_SEC)
#define ANSWER_SECONDS 60
/* How often one that goes away is asked anew */
#define GONE_TRIES 5

char *
netd_folder (const char *run_root, gboolean single)
{
  return g_build_filename (run_root, single ? "netd.single" : "netd", NULL);
}

/* try_connect: -errno where nobody answers. The path may be too long for a socket's address: by the folder's descriptor it is not. */
static int
try_connect (const char *folder)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  cleanup_fd int dir = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  cleanup_fd int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (dir < 0 || fd < 0)
    return -errno;
  g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", dir);
  if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    return -errno;
  int size = NETD_MESSAGE_MAX;
  const struct timeval longest = { .tv_sec = ANSWER_SECONDS };
  (void) setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  (void) setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  return fd_steal (&fd);
}

int
netd_connect_running (const char *run_root, gboolean single)
{
  g_autofree char *folder = netd_folder (run_root, single);
  int fd = try_connect (folder);
  return fd >= 0 ? fd : -1;
}

/* start: with the lock, which goes to it. */
static gboolean
start (const char *run_root, const char *libexec, gboolean single, int lock, GError **error)
{
  g_autofree char *program = g_build_filename (libexec, "coracle-netd", NULL);
  char *const argv[] = { (char *) "coracle-netd", (char *) (uintptr_t) run_root, (char *) (uintptr_t) (single ? "netd.single" : "netd"), (char *) (uintptr_t) libexec, NULL };
  int ends[2];
  char text[512];
  if (pipe2 (ends, O_CLOEXEC) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making a pipe");
    }
  int r = netd_spawn_child (program, argv, environ, lock, ends[1]);
  fd_close (ends[1]);
  cleanup_fd int ready = ends[0];
  if (r < 0)
    return coracle_throw_errno (error, -r, "starting coracle-netd");
  ssize_t n = fd_read_all (ready, text, sizeof text - 1);
  if (n == 1 && text[0] == '\0')
    return TRUE;
  text[n > 0 ? n : 0] = '\0';
  if (n > 0)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "starting the network of this user: %s", text);
  return coracle_throw (error, CORACLE_ERROR_SYSTEM, "starting the network of this user: %s ended at once: is a library of it missing (ldd tells: libnftables, libmnl, libjansson)?", program);
}

int
netd_connect (const char *run_root, const char *libexec, gboolean single, GError **error)
{
  g_autofree char *folder = netd_folder (run_root, single), *path = g_build_filename (folder, "lock", NULL);
  for (gint64 begun = g_get_monotonic_time ();; g_usleep (2000))
    {
      int fd = try_connect (folder);
      if (fd >= 0)
        return fd;
      if (!path_mkdirs (folder, 0700, error))
        return -1;
      cleanup_fd int lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      int errsv = errno;
      if (lock < 0)
        {
          coracle_throw_errno (error, errsv, "opening %s", path);
          return -1;
        }
      /* whoever has it is starting one, or is one that leaves */
      if (flock (lock, LOCK_EX | LOCK_NB) == 0 && !start (run_root, libexec, single, lock, error))
        return -1;
      if (g_get_monotonic_time () - begun > START_TIME)
        {
          coracle_throw (error, CORACLE_ERROR_SYSTEM, "the network of this user does not start: coracle-netd holds %s and does not answer", path);
          return -1;
        }
    }
}

static gboolean
send_request (int socket, const json_t *request, int fd, GError **error)
{
  g_autofree char *text = json_dumps (request, JSON_COMPACT);
  int r = fd >= 0 ? fd_send_with (socket, fd, text, strlen (text)) : send (socket, text, strlen (text), MSG_NOSIGNAL) < 0 ? -errno : 0;
  return r == 0 || coracle_throw_errno (error, -r, "asking coracle-netd");
}

static gssize
receive (int socket, char *text, gsize size, int *ret_fd)
{
  union {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control;
  struct iovec data = { .iov_base = text, .iov_len = size };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
  gssize n;
  do
    n = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR (&message) : NULL;
  int fd = -1;
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
    memcpy (&fd, CMSG_DATA (header), sizeof fd);
  if (ret_fd != NULL)
    *ret_fd = fd;
  else
    fd_close (fd);
  return n;
}

json_t *
netd_ask (int socket, const json_t *request, int fd, int *ret_fd, gboolean *ret_gone, GError **error)
{
  gboolean gone = FALSE;
  ret_gone = ret_gone != NULL ? ret_gone : &gone;
  *ret_gone = FALSE;
  g_autofree char *text = g_malloc (NETD_MESSAGE_MAX);
  if (ret_fd != NULL)
    *ret_fd = -1;
  if (!send_request (socket, request, fd, error))
    {
      *ret_gone = TRUE;
      return NULL;
    }
  gssize n = receive (socket, text, NETD_MESSAGE_MAX, ret_fd);
  if (n <= 0)
    {
      int errsv = n < 0 ? errno : 0;
      *ret_gone = n == 0 || errsv == ECONNRESET || errsv == EPIPE;
      if (n < 0)
        coracle_throw_errno (error, errsv, "waiting for coracle-netd");
      else
        coracle_throw (error, CORACLE_ERROR_SYSTEM, "coracle-netd has gone");
      return NULL;
    }
  json_auto_t *answer = json_loadb (text, (size_t) n, 0, NULL);
  const char *problem = json_string_value (json_object_get (answer, "error"));
  if (!json_is_object (answer) || problem != NULL)
    {
      coracle_throw (error, problem != NULL ? (CoracleErrorCode) json_integer_value (json_object_get (answer, "code")) : CORACLE_ERROR_CORRUPT, "%s", problem != NULL ? problem : "coracle-netd: not JSON");
      return NULL;
    }
  return g_steal_pointer (&answer);
}

json_t *
netd_call (const NetdPlace *place, const json_t *request, int fd, int *ret_socket, int *ret_fd, GError **error)
{
  for (int tries = 0;; tries++)
    {
      GError *problem = NULL;
      gboolean gone = FALSE;
      cleanup_fd int netd = netd_connect (place->run_root, place->libexec, place->single, error);
      json_t *answer = netd >= 0 ? netd_ask (netd, request, fd, ret_fd, &gone, &problem) : NULL;
      if (answer != NULL && ret_socket != NULL)
        *ret_socket = fd_steal (&netd);
      if (answer != NULL || netd < 0)
        return answer;
      if (!gone || tries == GONE_TRIES)
        {
          g_propagate_error (error, problem);
          return NULL;
        }
      g_clear_error (&problem);
    }
}
