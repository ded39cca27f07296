#include "netd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network/netd.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/idmap/idmap.h"

/* How long it waits for another container before it leaves, in microseconds: a command that starts several in turn need not start it anew for each */
#define LINGER (200 * 1000)

/* ---- the one that waits */

enum { SPARE_BYE = 'b' };

/* spare: the second process: TRUE when the first has died and we are to go on in its place. */
static gboolean
wait_for_death (int socket)
{
  char byte;
  ssize_t n;
  (void) prctl (PR_SET_NAME, "coracle-netd");
  do
    n = read (socket, &byte, 1);
  while (n < 0 && errno == EINTR);
  return n <= 0;
}

static void spare_begin (Netd *netd);

/* spare_ended: it was killed: another one takes its place. */
static void
spare_ended (Netd *netd)
{
  fd_close (fd_steal (&netd->spare_socket));
  netd->spare = 0;
  spare_begin (netd);
}

/* ---- children */

static void
reap (Watch *watch, uint32_t events, void *data)
{
  Netd *netd = data;
  struct signalfd_siginfo info;
  int status;
  pid_t pid;
  (void) events;
  while (read (loop_fd (watch), &info, sizeof info) > 0)
    continue;
  while ((pid = waitpid (-1, &status, WNOHANG)) > 0)
    if (pid == netd->slirp_pid)
      uplink_ended (netd);
    else if (pid == netd->spare)
      spare_ended (netd);
    else if (pid == netd->names)
      names_ended (netd);
}

/* ---- begin */

static int
make_listener (const Netd *netd, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  cleanup_fd int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", netd->folder_fd);
  (void) unlinkat (netd->folder_fd, "socket", 0);
  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, 256) < 0)
    {
      int errsv = errno;
      coracle_throw_errno (error, errsv, "listening on %s/netd/socket", netd->run_root);
      return -1;
    }
  return fd_steal (&fd);
}

/* leave_mounts: what the command that started us has mounted, or will, must not be held by us. */
static void
leave_mounts (void)
{
  if (unshare (CLONE_NEWNS) == 0)
    (void) mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void
take_signals (Netd *netd)
{
  sigset_t child;
  sigemptyset (&child);
  sigaddset (&child, SIGCHLD);
  (void) signal (SIGPIPE, SIG_IGN);
  (void) signal (SIGHUP, SIG_IGN);
  (void) sigprocmask (SIG_BLOCK, &child, NULL);
  netd->signals = loop_watch (netd->loop, signalfd (-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), EPOLLIN, reap, netd);
}

/* open_all: of a first start: folders, namespace, socket. Returns the listening socket or -1. */
static int
open_all (Netd *netd, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (netd->run_root, folder, NULL);
  netd->run_fd = open (netd->run_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  netd->folder_fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int errsv = errno;
  if (netd->run_fd < 0 || netd->folder_fd < 0)
    {
      coracle_throw_errno (error, errsv, "opening %s", path);
      return -1;
    }
  cleanup_fd int socket = uplink_spawn (netd, 0, error);
  netd->ns = socket >= 0 ? job_namespace (netd, socket, error) : -1;
  return netd->ns >= 0 ? make_listener (netd, error) : -1;
}

/* run: until nobody is there any more. @listener: taken. */
static void
run (Netd *netd)
{
  gint64 idle_since = 0;
  for (;;)
    {
      if (!serve_idle (netd))
        idle_since = 0;
      else if (idle_since == 0)
        idle_since = g_get_monotonic_time ();
      else if (g_get_monotonic_time () - idle_since >= LINGER)
        return;
      gboolean awaits = serve_await (netd);
      loop_turn (netd->loop, awaits || idle_since != 0 ? LINGER / 1000 / 4 : -1);
    }
}

/* leave: whoever has connected by now and was not answered asks again, and finds the lock taken until we are gone. */
static void
leave (Netd *netd)
{
  const char bye = SPARE_BYE;
  (void) unlinkat (netd->folder_fd, "socket", 0);
  (void) !write (netd->spare_socket, &bye, 1);
  if (netd->slirp_pid > 0)
    (void) kill (netd->slirp_pid, SIGKILL);
  if (netd->names > 0)
    (void) kill (netd->names, SIGKILL);
}

/* begin: with the descriptors that are there: as the first, or in the place of one that was killed. */
static void
begin (Netd *netd, int listener)
{
  netd->loop = loop_new ();
  take_signals (netd);
  /* as long as we are there everybody meets in our user namespace: a container of another one could not be on our networks */
  (void) idmap_record (netd->run_root, getpid (), NULL);
  (void) serve_begin (netd, listener, NULL);
  names_watch_resolver (netd);
  names_begin (netd);
  spare_begin (netd);
  serve_restore (netd);
}

static void G_GNUC_NORETURN
go_on_from (Netd *old, int listener)
{
  Netd netd = { .run_root = old->run_root, .libexec = old->libexec, .run_fd = old->run_fd, .folder_fd = old->folder_fd, .ns = old->ns, .slirp = old->slirp, .spare_socket = -1, .names_socket = -1 };
  cleanup_fd int socket = uplink_spawn (&netd, 0, NULL);
  if (socket >= 0)
    (void) job_tap (&netd, socket, NULL);
  begin (&netd, listener);
  run (&netd);
  leave (&netd);
  _exit (0);
}

/* The spare must not hold what ends with the first: connections, and sockets that its successor binds again. */
void
netd_keep_only (int *const *fds, size_t n)
{
  int highest = NETD_LOCK_FD;
  for (size_t i = 0; i < n; i++)
    highest = MAX (highest, *fds[i]);
  for (int fd = 0; fd <= highest; fd++)
    {
      gboolean kept = fd <= NETD_LOCK_FD;
      for (size_t i = 0; i < n; i++)
        kept = kept || *fds[i] == fd;
      if (!kept)
        (void) close (fd);
    }
  proc_close_from ((unsigned) highest + 1);
}

static void
spare_begin (Netd *netd)
{
  int ends[2];
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return;
  pid_t pid = fork ();
  if (pid == 0)
    {
      int listener = loop_fd (netd->listener);
      int *const kept[] = { &listener, &ends[1], &netd->run_fd, &netd->folder_fd, &netd->ns };
      netd_keep_only (kept, G_N_ELEMENTS (kept));
      if (!wait_for_death (ends[1]))
        _exit (0);
      go_on_from (netd, listener);
    }
  fd_close (ends[1]);
  netd->spare = pid > 0 ? pid : 0;
  netd->spare_socket = ends[0];
}

int
main (int argc, char **argv)
{
  Netd netd = { .run_fd = -1, .folder_fd = -1, .ns = -1, .spare_socket = -1, .names_socket = -1 };
  g_autoptr (GError) problem = NULL;
  if (argc != 4)
    return 2;
  netd.run_root = argv[1];
  netd.libexec = argv[3];
  (void) fcntl (NETD_LOCK_FD, F_SETFD, FD_CLOEXEC);
  (void) fcntl (NETD_READY_FD, F_SETFD, FD_CLOEXEC);
  (void) umask (077);
  leave_mounts ();
  slirp_network_init (&netd.slirp);
  int listener = open_all (&netd, argv[2], &problem);
  if (listener < 0)
    {
      (void) fd_write_all (NETD_READY_FD, problem->message, strlen (problem->message));
      return 1;
    }
  if (!guard_first (&netd))
    {
      static const char text[] = "coracle-netd cannot give up what it does not need";
      (void) fd_write_all (NETD_READY_FD, text, strlen (text));
      return 1;
    }
  begin (&netd, listener);
  (void) fd_write_all (NETD_READY_FD, "", 1);
  (void) close (NETD_READY_FD);
  run (&netd);
  leave (&netd);
  return 0;
}
