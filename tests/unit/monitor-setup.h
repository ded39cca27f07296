/* The monitor as a program, started by hand around a forked child that stands for the container's init: for unit tests. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/monitor/client.h"

typedef void (*InitFunction) (void);

typedef struct {
  char *dir;
  int socket;          /* the client's end */
  int out, err;        /* read ends of what stands for the caller's stdout and stderr */
  pid_t monitor;
  MonitorStart start;
  gboolean tty, no_client, no_output, listen;
  int out_fd;          /* given instead of a pipe; -1: a pipe */
  int client_pidfd;
  InitFunction init;
} Setup;

static char *monitor_program;

static G_GNUC_UNUSED void
find_monitor (const char *self)
{
  g_autofree char *tests = g_path_get_dirname (self);
  monitor_program = g_getenv ("CORACLE_MONITOR") != NULL ? g_strdup (g_getenv ("CORACLE_MONITOR")) : g_build_filename (tests, "..", "bin", "coracle-monitor", NULL);
  g_assert_true (g_file_test (monitor_program, G_FILE_TEST_IS_EXECUTABLE));
}

static G_GNUC_UNUSED void
setup_init (Setup *setup, InitFunction init)
{
  memset (setup, 0, sizeof *setup);
  setup->init = init;
  setup->socket = setup->out = setup->err = setup->out_fd = setup->client_pidfd = -1;
  setup->dir = g_dir_make_tmp ("coracle-monitor-XXXXXX", NULL);
  g_assert_nonnull (setup->dir);
  setup->start.stop_signal = SIGTERM;
  setup->start.listener = setup->start.log.fd = setup->start.log.dir = -1;
  g_strlcpy (setup->start.id, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", sizeof setup->start.id);
}

static G_GNUC_UNUSED void
make_pipe (int *ret_read, int *ret_write)
{
  int ends[2];
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  *ret_read = ends[0];
  *ret_write = ends[1];
}

static G_GNUC_UNUSED void
run_init (const Setup *setup, int in, int out, int err, int slave)
{
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (setup->tty)
    {
      (void) setsid ();
      (void) ioctl (slave, TIOCSCTTY, 0);
      in = out = err = slave;
    }
  (void) dup2 (in, 0);
  (void) dup2 (out, 1);
  (void) dup2 (err, 2);
  proc_close_from (3);
  setup->init ();
  _exit (0);
}

/* helper: the process that becomes the monitor, as the runtime's helper does. */
static void G_GNUC_NORETURN
helper (Setup *setup, int client, int out_write, int err_write)
{
  MonitorStart *start = &setup->start;
  int in_read = -1, out_inner = -1, err_inner = -1, slave = -1;
  start->magic = MONITOR_START_MAGIC;
  start->pty = start->stdin_fd = start->stdout_fd = start->stderr_fd = -1;
  if (setup->tty)
    {
      start->pty = posix_openpt (O_RDWR | O_NOCTTY);
      (void) grantpt (start->pty);
      (void) unlockpt (start->pty);
      slave = open (ptsname (start->pty), O_RDWR | O_NOCTTY);
    }
  else
    {
      make_pipe (&in_read, &start->stdin_fd);
      make_pipe (&start->stdout_fd, &out_inner);
      make_pipe (&start->stderr_fd, &err_inner);
    }
  start->init_pid = fork ();
  if (start->init_pid == 0)
    run_init (setup, in_read, out_inner, err_inner, slave);
  start->init_pidfd = -1;
  start->client = client;
  start->client_pidfd = setup->client_pidfd;
  start->run_dir = open (setup->dir, O_RDONLY | O_DIRECTORY);
  start->root_fd = start->program_fd = -1;
  start->held = start->notify = start->notify_host = start->cgroup = start->exec_dir = -1;
  start->out_fd = setup->tty ? -1 : setup->out_fd >= 0 ? setup->out_fd : out_write;
  start->err_fd = setup->tty ? -1 : err_write;
  /* all is close-on-exec but these, and number 3 is taken */
  int *inherited[] = { &start->client, &start->client_pidfd, &start->run_dir, &start->pty, &start->stdin_fd, &start->stdout_fd, &start->stderr_fd, &start->out_fd, &start->err_fd,
                       &start->listener, &start->log.fd, &start->log.dir };
  for (gsize i = 0; i < G_N_ELEMENTS (inherited); i++)
    if (*inherited[i] >= 0)
      *inherited[i] = fcntl (*inherited[i], F_DUPFD, 20);
  int memfd = fd_memfd ("start", start, sizeof *start);
  if (memfd == MONITOR_START_FD)
    (void) fcntl (memfd, F_SETFD, 0);
  else
    (void) dup2 (memfd, MONITOR_START_FD);
  execl (monitor_program, "coracle-monitor", NULL);
  _exit (99);
}

static G_GNUC_UNUSED void
setup_start (Setup *setup)
{
  int sockets[2] = { -1, -1 }, out_write = -1, err_write = -1;
  if (!setup->no_client)
    {
      g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), ==, 0);
      setup->socket = sockets[0];
    }
  if (!setup->no_output)
    {
      make_pipe (&setup->out, &out_write);
      make_pipe (&setup->err, &err_write);
    }
  if (setup->listen)
    {
      cleanup_fd int dir = open (setup->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      setup->start.listener = monitor_listener_open (dir);
      g_assert_cmpint (setup->start.listener, >=, 0);
    }
  setup->monitor = fork ();
  g_assert_cmpint (setup->monitor, >=, 0);
  if (setup->monitor == 0)
    {
      fd_close (setup->socket);
      helper (setup, sockets[1], out_write, err_write);
    }
  fd_close (sockets[1]);
  fd_close (out_write);
  fd_close (err_write);
  fd_close (setup->start.listener);
}

/* text_of: /proc/PID/NAME, or nothing. */
static G_GNUC_UNUSED char *
text_of (pid_t pid, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/%s", pid, name);
  char *text = NULL;
  return g_file_get_contents (path, &text, NULL, NULL) ? text : g_strdup ("");
}

/* settle: wait until a process (the monitor, if @name is its program's) sleeps: what it had been sent, it has taken. However slow the machine is, who has something to do is not
 * asleep; but it may sleep for a moment on the way to its work. */
static G_GNUC_UNUSED void
settle (pid_t pid, const char *name)
{
  for (int asleep = 0, i = 0; asleep < 5; i++, usleep (4000))
    {
      g_assert_cmpint (i, <, 10000);
      g_autofree char *stat = text_of (pid, "stat");
      const char *end = strrchr (stat, ')');
      g_assert_nonnull (end);
      gboolean there = name == NULL || (strchr (stat, '(') != NULL && g_str_has_prefix (strchr (stat, '(') + 1, name));
      asleep = there && end[2] == 'S' ? asleep + 1 : 0;
    }
}

static G_GNUC_UNUSED void
settle_monitor (const Setup *setup)
{
  settle (setup->monitor, "coracle-monitor");
}

/* init_of: the process that stands for the container's init, once the monitor is there. */
static G_GNUC_UNUSED pid_t
init_of (const Setup *setup)
{
  g_autofree char *name = g_strdup_printf ("task/%d/children", setup->monitor);
  settle_monitor (setup);
  g_autofree char *text = text_of (setup->monitor, name);
  pid_t init = (pid_t) strtol (text, NULL, 10);
  g_assert_cmpint (init, >, 1);
  return init;
}

/* attach: a client of the listener, as soon as the monitor, whose turn it may not be, has room. */
static G_GNUC_UNUSED int
setup_connect (const Setup *setup)
{
  cleanup_fd int dir = open (setup->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fd;
  for (int i = 0; (fd = monitor_client_connect (dir)) == -EAGAIN && i < 15; i++)
    continue;
  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static G_GNUC_UNUSED MonitorExit
read_exit_file (const Setup *setup)
{
  g_autofree char *path = g_build_filename (setup->dir, MONITOR_EXIT_FILE, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  MonitorExit how = { 0 };
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_true (monitor_exit_parse (text, &how, &error));
  return how;
}

/* setup_end: the monitor ends as its container did. */
static G_GNUC_UNUSED void
setup_end (Setup *setup)
{
  int status;
  g_autofree char *recorded = g_build_filename (setup->dir, MONITOR_EXIT_FILE, NULL);
  fd_close (setup->socket);
  fd_close (setup->out);
  fd_close (setup->err);
  g_assert_cmpint (proc_wait (setup->monitor, &status), ==, 0);
  g_assert_true (WIFEXITED (status));
  MonitorExit how = { 0 };
  if (g_file_test (recorded, G_FILE_TEST_EXISTS))
    how = read_exit_file (setup);
  g_assert_cmpint (WEXITSTATUS (status), ==, monitor_exit_status (&how));
  g_assert_cmpint (path_remove_tree (AT_FDCWD, setup->dir), ==, 0);
  g_free (setup->dir);
}

/* next_message: the type of the next packet, 0 at the end; @data of @size gets what follows the header. */
static G_GNUC_UNUSED guint32
next_message (int socket, void *data, gsize size, gsize *ret_size)
{
  static struct {
    MonitorHeader header;
    char data[MONITOR_DATA_MAX];
  } packet;
  struct pollfd wait = { .fd = socket, .events = POLLIN };
  g_assert_cmpint (poll (&wait, 1, 60000), ==, 1);
  /* told once, when the monitor left with something unread; its last messages come after */
  ssize_t n = recv (socket, &packet, sizeof packet, 0);
  if (n < 0 && errno == ECONNRESET)
    n = recv (socket, &packet, sizeof packet, 0);
  if (n <= 0)
    return 0;
  gsize got = (gsize) n - sizeof packet.header;
  memcpy (data, packet.data, MIN (got, size));
  if (ret_size != NULL)
    *ret_size = got;
  return packet.header.type;
}

static G_GNUC_UNUSED MonitorExit
wait_exited (Setup *setup)
{
  MonitorExit how = { 0 };
  guint32 type;
  while ((type = next_message (setup->socket, &how, sizeof how, NULL)) != MONITOR_EXITED)
    g_assert_cmpuint (type, !=, 0);
  return how;
}

static G_GNUC_UNUSED void
say (int socket, guint32 type, const void *data, gsize size)
{
  char packet[sizeof (MonitorHeader) + 4096];
  MonitorHeader header = { .type = type };
  memcpy (packet, &header, sizeof header);
  if (size > 0)
    memcpy (packet + sizeof header, data, size);
  g_assert_cmpint (send (socket, packet, sizeof header + size, 0), ==, (ssize_t) (sizeof header + size));
}

static G_GNUC_UNUSED long
status_number (pid_t pid, const char *key)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", pid);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  const char *at = strstr (text, key);
  g_assert_nonnull (at);
  return strtol (at + strlen (key), NULL, 10);
}

/* rests: the process is not woken up for so many milliseconds; at first it may have something to do yet. */
static G_GNUC_UNUSED void
rests (pid_t pid, int ms)
{
  for (int i = 0;; i++)
    {
      long before = status_number (pid, "\nvoluntary_ctxt_switches:"), forced = status_number (pid, "\nnonvoluntary_ctxt_switches:");
      usleep ((useconds_t) ms * 1000);
      if (status_number (pid, "\nvoluntary_ctxt_switches:") == before && status_number (pid, "\nnonvoluntary_ctxt_switches:") == forced)
        return;
      g_assert_cmpint (i, <, 60);
    }
}
