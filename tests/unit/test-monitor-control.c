/* What the monitor is asked for on its listener, and what it does by its own clock. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/monitor/protocol.h"

static char *monitor_program;

typedef struct {
  char *dir;
  int client;            /* our end */
  int notify, host;      /* the container's end, its supervisor's */
  pid_t monitor;
  MonitorStart start;
} Setup;

static void G_GNUC_NORETURN
helper (Setup *setup, int client, int notify, int host)
{
  MonitorStart *start = &setup->start;
  g_autofree char *path = g_build_filename (setup->dir, "attach", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  start->magic = MONITOR_START_MAGIC;
  start->init_pid = fork ();
  if (start->init_pid == 0)
    {
      (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
      for (;;)
        pause ();
    }
  start->client_pidfd = start->root_fd = start->program_fd = start->pty = start->stdin_fd = start->stdout_fd = start->stderr_fd = start->out_fd = start->err_fd = -1;
  start->held = start->log.fd = start->log.dir = start->exec_dir = start->cgroup = -1;
  start->init_pidfd = fcntl (proc_pidfd_open (start->init_pid), F_DUPFD, 20);
  start->run_dir = fcntl (open (setup->dir, O_RDONLY | O_DIRECTORY), F_DUPFD, 20);
  start->client = fcntl (client, F_DUPFD, 20);
  start->notify = fcntl (notify, F_DUPFD, 20);
  start->notify_host = fcntl (host, F_DUPFD, 20);
  start->listener = fcntl (socket (AF_UNIX, SOCK_SEQPACKET, 0), F_DUPFD, 20);
  if (bind (start->listener, (struct sockaddr *) &address, sizeof address) < 0 || listen (start->listener, 8) < 0)
    _exit (98);
  int memfd = fd_memfd ("start", start, sizeof *start);
  if (memfd == MONITOR_START_FD)
    (void) fcntl (memfd, F_SETFD, 0);
  else
    (void) dup2 (memfd, MONITOR_START_FD);
  execl (monitor_program, "coracle-monitor", NULL);
  _exit (99);
}

/* setup_start: @setup->start says what is special. */
static void
setup_start (Setup *setup)
{
  int client[2], notify[2], host[2];
  setup->dir = g_dir_make_tmp ("coracle-control-XXXXXX", NULL);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, client), ==, 0);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, notify), ==, 0);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, host), ==, 0);
  setup->monitor = fork ();
  g_assert_cmpint (setup->monitor, >=, 0);
  if (setup->monitor == 0)
    helper (setup, client[1], notify[1], host[1]);
  fd_close (client[1]);
  fd_close (notify[1]);
  fd_close (host[1]);
  setup->client = client[0];
  setup->notify = notify[0];
  setup->host = host[0];
}

static void
send_message (int socket, guint32 type, const void *data, gsize size)
{
  char packet[64];
  MonitorHeader header = { .type = type };
  memcpy (packet, &header, sizeof header);
  if (size > 0)
    memcpy (packet + sizeof header, data, size);
  g_assert_cmpint (send (socket, packet, sizeof header + size, 0), ==, (ssize_t) (sizeof header + size));
}

/* ask: one message on a connection of its own; the answer. */
static gint32
ask (const Setup *setup, guint32 type, const void *data, gsize size)
{
  g_autofree char *path = g_build_filename (setup->dir, "attach", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  cleanup_fd int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  for (int i = 0; connect (fd, (struct sockaddr *) &address, sizeof address) < 0; i++)
    {
      g_assert_cmpint (i, <, 10000);
      g_usleep (5000);
    }
  send_message (fd, type, data, size);
  struct {
    MonitorHeader header;
    gint32 number;
  } answer;
  struct pollfd waiting = { .fd = fd, .events = POLLIN };
  g_assert_cmpint (poll (&waiting, 1, 60000), ==, 1);
  g_assert_cmpint (recv (fd, &answer, sizeof answer, 0), ==, sizeof answer);
  g_assert_cmpuint (answer.header.type, ==, MONITOR_DONE);
  return answer.number;
}

static void
setup_end (Setup *setup)
{
  int status;
  gint32 number = SIGKILL;
  send_message (setup->client, MONITOR_SIGNAL, &number, sizeof number);
  struct pollfd waiting = { .fd = setup->client, .events = POLLIN };
  g_assert_cmpint (poll (&waiting, 1, 60000), ==, 1);
  fd_close (setup->client);
  fd_close (setup->notify);
  fd_close (setup->host);
  g_assert_cmpint (proc_wait (setup->monitor, &status), ==, 0);
  g_assert_cmpint (WEXITSTATUS (status), ==, 128 + SIGKILL);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, setup->dir), ==, 0);
  g_free (setup->dir);
}

static void
test_messages (void)
{
  Setup setup = { 0 };
  MonitorHealth clock = { .interval_us = 1000 };
  setup_start (&setup);
  g_assert_cmpint (ask (&setup, MONITOR_STOPPING, NULL, 0), ==, 0);
  g_assert_cmpint (ask (&setup, MONITOR_RESTART, NULL, 0), ==, ENOTSUP);   /* it has no plan to perform */
  g_assert_cmpint (ask (&setup, MONITOR_HEALTH, &clock, sizeof clock), ==, 0);
  g_assert_cmpint (ask (&setup, MONITOR_HEALTH, &clock, 1), ==, EINVAL);
  g_assert_cmpint (ask (&setup, 4711, NULL, 0), ==, ENOSYS);
  setup_end (&setup);
}

static guint
count_checks (const Setup *setup)
{
  g_autofree char *path = g_build_filename (setup->dir, "checks", NULL), *text = NULL;
  gsize size = 0;
  (void) g_file_get_contents (path, &text, &size, NULL);
  return (guint) size;
}

/* wait_idle: no check is under way: the monitor has no child but the container's init. */
static void
wait_idle (const Setup *setup)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/children", setup->monitor, setup->monitor);
  for (int i = 0;; i++, g_usleep (5000))
    {
      g_autofree char *text = NULL;
      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      const char *space = strchr (g_strchomp (text), ' ');
      if (space == NULL)
        return;
      g_assert_cmpint (i, <, 10000);
    }
}

static void
wait_checks (const Setup *setup, guint n)
{
  for (int i = 0; count_checks (setup) < n; i++)
    {
      g_assert_cmpint (i, <, 10000);
      g_usleep (5000);
    }
}

/* A check is a program that has the run folder as 3 and the container's init as 4; the first is at once, but not before the container runs. */
static void
test_health (void)
{
  Setup setup = { 0 };
  const char *const argv[] = { "/bin/sh", "-c", "grep -q Pid: /proc/self/fdinfo/4 && printf x >>/proc/self/fd/3/checks" };
  for (guint i = 0; i < G_N_ELEMENTS (argv); i++)
    g_strlcpy (setup.start.health[i], argv[i], sizeof setup.start.health[i]);
  setup.start.health_clock.interval_us = G_GUINT64_CONSTANT (3600000000);
  setup_start (&setup);
  g_usleep (100000);
  g_assert_cmpuint (count_checks (&setup), ==, 0);
  send_message (setup.client, MONITOR_RECORDED, NULL, 0);
  wait_checks (&setup, 1);
  MonitorHealth clock = { .interval_us = 10000 };
  g_assert_cmpint (ask (&setup, MONITOR_HEALTH, &clock, sizeof clock), ==, 0);
  wait_checks (&setup, 4);
  clock.interval_us = 0;
  g_assert_cmpint (ask (&setup, MONITOR_HEALTH, &clock, sizeof clock), ==, 0);
  wait_idle (&setup);
  guint n = count_checks (&setup);
  g_usleep (100000);
  g_assert_cmpuint (count_checks (&setup), ==, n);
  setup_end (&setup);
}

static void
test_notify (void)
{
  Setup setup = { 0 };
  char text[64] = "";
  setup_start (&setup);
  g_assert_cmpint (send (setup.notify, "STATUS=soon", 11, 0), ==, 11);
  g_assert_cmpint (send (setup.notify, "MAINPID=1\nREADY=10", 18, 0), ==, 18);
  g_assert_cmpint (send (setup.notify, "STATUS=now\nREADY=1\nMAINPID=1\n", 29, 0), ==, 29);
  struct pollfd waiting = { .fd = setup.host, .events = POLLIN };
  g_assert_cmpint (poll (&waiting, 1, 60000), ==, 1);
  g_assert_cmpint (recv (setup.host, text, sizeof text - 1, 0), ==, 7);
  g_assert_cmpstr (text, ==, "READY=1");
  g_assert_cmpint (poll (&waiting, 1, 50), ==, 0);
  setup_end (&setup);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autofree char *tests = g_path_get_dirname (argv[0]);
  monitor_program = g_getenv ("CORACLE_MONITOR") != NULL ? g_strdup (g_getenv ("CORACLE_MONITOR")) : g_build_filename (tests, "..", "bin", "coracle-monitor", NULL);
  g_test_add_func ("/monitor-control/messages", test_messages);
  g_test_add_func ("/monitor-control/health", test_health);
  g_test_add_func ("/monitor-control/notify", test_notify);
  return g_test_run ();
}
