/* The monitor as a program, around a forked child that stands for the container's init; and the client against it. */
#include "tests/unit/monitor-setup.h"

#include "pkg/monitor/client.h"

/* ---- what stands for the container */

#define BULK (50 * 1024 * 1024)

static guint8
bulk_byte (gsize at)
{
  return (guint8) ((at * 2654435761u) >> 13);
}

static void
init_bulk (void)
{
  static guint8 data[10000];
  (void) fd_write_all (2, "to stderr", 9);
  for (gsize at = 0; at < BULK; at += sizeof data)
    {
      for (gsize i = 0; i < sizeof data; i++)
        data[i] = bulk_byte (at + i);
      (void) fd_write_all (1, data, MIN (sizeof data, BULK - at));
    }
  _exit (7);
}

static void
init_sleep (void)
{
  for (;;)
    pause ();
}

static void
init_endless (void)
{
  static char data[65536];
  alarm (100);
  for (;;)
    if (fd_write_all (1, data, sizeof data) < 0)
      _exit (1);
}

static void
init_short (void)
{
  (void) fd_write_all (1, "hello\n", 6);
  _exit (3);
}

/* leaves a process behind that holds the pipe, as with --pid=host */
static void
init_orphan (void)
{
  (void) fd_write_all (1, "hello\n", 6);
  if (fork () == 0)
    {
      (void) setsid ();
      (void) signal (SIGHUP, SIG_IGN);
      alarm (60);
      for (;;)
        pause ();
    }
  _exit (0);
}

static void
init_stubborn (void)
{
  (void) signal (SIGTERM, SIG_IGN);
  (void) fd_write_all (1, "ready\n", 6);
  init_sleep ();
}

static void
init_cat (void)
{
  char data[4096];
  ssize_t n;
  while ((n = read (0, data, sizeof data)) > 0)
    (void) fd_write_all (1, data, (size_t) n);
  _exit (5);
}

static void
init_no_input (void)
{
  (void) close (0);
  (void) fd_write_all (1, "closed\n", 7);
  init_sleep ();
}

static void
init_size (void)
{
  struct winsize window;
  char line[64];
  (void) fd_write_all (1, "size?\n", 6);
  (void) read (0, line, sizeof line);
  (void) ioctl (0, TIOCGWINSZ, &window);
  int n = snprintf (line, sizeof line, "%d %d\n", window.ws_row, window.ws_col);
  (void) fd_write_all (1, line, (size_t) n);
  _exit (0);
}

static void
init_tty_bulk (void)
{
  char line[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";
  for (int i = 0; i < 16384; i++)
    (void) fd_write_all (1, line, sizeof line - 1);
  _exit (0);
}

/* fills whatever takes its output, then ends; a pipe of its own that nobody has begun to empty is not all */
static void
init_fill (void)
{
  static char data[1024];
  long written = 0, least = isatty (1) ? 0 : 65536;
  (void) fcntl (1, F_SETFL, O_NONBLOCK);
  for (int idle = 0; idle < 100 || written <= least;)
    {
      ssize_t n = write (1, data, sizeof data);
      if (n > 0)
        written += n;
      else
        usleep (10000);
      idle = n > 0 ? 0 : idle + 1;
    }
  (void) dprintf (2, "%ld", written);
  _exit (4);
}

/* ---- tests */

static void
test_output (void)
{
  Setup setup;
  setup_init (&setup, init_bulk);
  setup_start (&setup);
  gsize at = 0;
  for (;;)
    {
      static guint8 data[65536];
      ssize_t n = read (setup.out, data, sizeof data);
      g_assert_cmpint (n, >=, 0);
      if (n == 0)
        break;
      for (ssize_t i = 0; i < n; i++)
        if (data[i] != bulk_byte (at + (gsize) i))
          g_error ("byte %zu differs", at + (gsize) i);
      at += (gsize) n;
    }
  g_assert_cmpuint (at, ==, BULK);
  char text[32] = "";
  g_assert_cmpint (read (setup.err, text, sizeof text - 1), ==, 9);
  g_assert_cmpstr (text, ==, "to stderr");
  MonitorExit how = wait_exited (&setup), recorded = read_exit_file (&setup);
  g_assert_cmpint (monitor_exit_status (&how), ==, 7);
  g_assert_cmpint (recorded.status, ==, how.status);
  g_assert_cmpint (recorded.finished_us, ==, how.finished_us);
  g_assert_cmpint (llabs (g_get_real_time () - how.finished_us), <, 200 * G_USEC_PER_SEC);
  monitor_client_cleaned (setup.socket);
  setup_end (&setup);
}

/* A caller that reads nothing until the container has ended, and a pipe smaller than the output. */
static void
test_slow_reader (void)
{
  Setup setup;
  setup_init (&setup, init_bulk);
  setup_start (&setup);
  (void) fcntl (setup.out, F_SETPIPE_SZ, 4096);
  struct pollfd wait = { .fd = setup.socket, .events = POLLIN };
  g_assert_cmpint (poll (&wait, 1, 200), ==, 0);
  static guint8 data[65536];
  gsize at = 0;
  for (ssize_t n; (n = read (setup.out, data, sizeof data)) > 0;)
    at += (gsize) n;
  g_assert_cmpuint (at, ==, BULK);
  g_assert_cmpint (WEXITSTATUS (wait_exited (&setup).status), ==, 7);
  setup_end (&setup);
}

/* Every kind of descriptor a caller may give as standard output. */
static void
test_output_kinds (void)
{
  for (int kind = 0; kind < 4; kind++)
    {
      Setup setup;
      setup_init (&setup, init_bulk);
      g_autofree char *path = g_build_filename (setup.dir, "out", NULL);
      int sockets[2] = { -1, -1 };
      gsize size = 0;
      if (kind == 0 || kind == 1)
        setup.out_fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC | (kind == 1 ? O_APPEND : 0), 0600);
      else if (kind == 2)
        setup.out_fd = open ("/dev/null", O_WRONLY | O_CLOEXEC);
      else
        {
          g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), ==, 0);
          setup.out_fd = sockets[1];
        }
      int flags = fcntl (setup.out_fd, F_GETFL);
      setup_start (&setup);
      static guint8 data[65536];
      fd_close (sockets[1]);
      for (ssize_t n; sockets[0] >= 0 && (n = read (sockets[0], data, sizeof data)) > 0;)
        size += (gsize) n;
      g_assert_cmpint (WEXITSTATUS (wait_exited (&setup).status), ==, 7);
      if (kind < 3)
        g_assert_cmpint (fcntl (setup.out_fd, F_GETFL), ==, flags);
      struct stat st;
      if (kind < 2 && stat (path, &st) == 0)
        size = (gsize) st.st_size;
      g_assert_cmpuint (size, ==, kind == 2 ? 0 : BULK);
      fd_close (sockets[0]);
      if (kind < 3)
        fd_close (setup.out_fd);
      setup_end (&setup);
    }
}

/* The caller's reader goes: the client is told, the container is not stopped by it. */
static void
test_broken_pipe (void)
{
  Setup setup;
  setup_init (&setup, init_bulk);
  setup_start (&setup);
  char byte;
  g_assert_cmpint (read (setup.out, &byte, 1), ==, 1);
  fd_close (fd_steal (&setup.out));
  gint32 number = 0;
  g_assert_cmpuint (next_message (setup.socket, &number, sizeof number, NULL), ==, MONITOR_OUTPUT_CLOSED);
  g_assert_cmpint (number, ==, EPIPE);
  g_assert_cmpint (WEXITSTATUS (wait_exited (&setup).status), ==, 7);
  setup_end (&setup);
}

/* The client dies: the caller's pipe sees its end, the container goes on, and at its end the clean-up runs. */
static void
test_client_death (void)
{
  for (int by_pidfd = 0; by_pidfd < 2; by_pidfd++)
    {
      Setup setup;
      setup_init (&setup, init_cat);
      g_autofree char *mark = g_build_filename (setup.dir, "cleaned", NULL);
      g_strlcpy (setup.start.cleanup[0], "/bin/sh", sizeof setup.start.cleanup[0]);
      g_strlcpy (setup.start.cleanup[1], "-c", sizeof setup.start.cleanup[1]);
      g_strlcpy (setup.start.cleanup[2], "cat \"$1/exit\" > \"$1/cleaned\"", sizeof setup.start.cleanup[2]);
      g_strlcpy (setup.start.cleanup[3], "sh", sizeof setup.start.cleanup[3]);
      g_strlcpy (setup.start.cleanup[4], setup.dir, sizeof setup.start.cleanup[4]);
      pid_t client = fork ();
      if (client == 0)
        init_sleep ();
      setup.client_pidfd = proc_pidfd_open (client);
      setup_start (&setup);
      say (setup.socket, MONITOR_STDIN, "abc", 3);
      char text[4] = "";
      g_assert_cmpint (read (setup.out, text, 3), ==, 3);
      g_assert_cmpstr (text, ==, "abc");
      if (!by_pidfd)
        fd_close (fd_steal (&setup.socket));
      (void) kill (client, SIGKILL);
      g_assert_cmpint (waitpid (client, NULL, 0), ==, client);
      g_assert_cmpint (read (setup.out, text, 1), ==, 0);
      fd_close (setup.client_pidfd);
      /* cat's input was closed with the client, so it ends */
      int status;
      g_assert_cmpint (proc_wait (setup.monitor, &status), ==, 0);
      g_assert_cmpint (WEXITSTATUS (status), ==, 5);
      g_autofree char *copy = NULL;
      g_assert_true (g_file_get_contents (mark, &copy, NULL, NULL));
      MonitorExit how;
      g_assert_true (monitor_exit_parse (copy, &how, NULL));
      g_assert_cmpint (monitor_exit_status (&how), ==, 5);
      fd_close (setup.socket);
      fd_close (setup.out);
      fd_close (setup.err);
      g_assert_cmpint (path_remove_tree (AT_FDCWD, setup.dir), ==, 0);
      g_free (setup.dir);
    }
}

/* The clean-up runs unless the client said that it did it. */
static void
test_cleaned (void)
{
  for (int said = 0; said < 2; said++)
    {
      Setup setup;
      setup_init (&setup, init_short);
      g_strlcpy (setup.start.cleanup[0], "/bin/mkdir", sizeof setup.start.cleanup[0]);
      g_autofree char *mark = g_build_filename (setup.dir, "cleaned", NULL);
      g_strlcpy (setup.start.cleanup[1], mark, sizeof setup.start.cleanup[1]);
      setup_start (&setup);
      g_assert_cmpint (WEXITSTATUS (wait_exited (&setup).status), ==, 3);
      g_assert_false (g_file_test (mark, G_FILE_TEST_EXISTS));
      if (said)
        monitor_client_cleaned (setup.socket);
      fd_close (fd_steal (&setup.socket));
      int status;
      g_assert_cmpint (proc_wait (setup.monitor, &status), ==, 0);
      g_assert_cmpint (g_file_test (mark, G_FILE_TEST_EXISTS), ==, !said);
      fd_close (setup.out);
      fd_close (setup.err);
      g_assert_cmpint (path_remove_tree (AT_FDCWD, setup.dir), ==, 0);
      g_free (setup.dir);
    }
}

static void
test_no_client (void)
{
  Setup setup;
  setup_init (&setup, init_bulk);
  setup.no_client = setup.no_output = TRUE;
  setup_start (&setup);
  int status;
  g_assert_cmpint (proc_wait (setup.monitor, &status), ==, 0);
  g_assert_cmpint (WEXITSTATUS (status), ==, 7);
  g_assert_cmpint (WEXITSTATUS (read_exit_file (&setup).status), ==, 7);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, setup.dir), ==, 0);
  g_free (setup.dir);
}

static void
test_stdin (void)
{
  Setup setup;
  setup_init (&setup, init_cat);
  setup_start (&setup);
  static char line[4096];
  memset (line, 'x', sizeof line);
  for (int i = 0; i < 8; i++)
    say (setup.socket, MONITOR_STDIN, line, sizeof line);
  say (setup.socket, MONITOR_STDIN, NULL, 0);
  gsize size = 0;
  static char data[65536];
  for (ssize_t n; (n = read (setup.out, data, sizeof data)) > 0;)
    size += (gsize) n;
  g_assert_cmpuint (size, ==, 8 * sizeof line);
  g_assert_cmpint (WEXITSTATUS (wait_exited (&setup).status), ==, 5);
  setup_end (&setup);

  setup_init (&setup, init_no_input);
  setup_start (&setup);
  g_assert_cmpuint (next_message (setup.socket, data, sizeof data, NULL), ==, MONITOR_STDIN_CLOSED);
  gint32 number = SIGTERM;
  say (setup.socket, MONITOR_SIGNAL, &number, sizeof number);
  g_assert_cmpint (WTERMSIG (wait_exited (&setup).status), ==, SIGTERM);
  setup_end (&setup);
}

static void
test_timeout (void)
{
  Setup setup;
  setup_init (&setup, init_stubborn);
  setup.start.timeout_us = 500000;
  setup.start.stop_timeout_us = 200000;
  gint64 begin = g_get_monotonic_time ();
  /* stubborn from the beginning, however late its turn comes */
  void (*before) (int) = signal (SIGTERM, SIG_IGN);
  setup_start (&setup);
  (void) signal (SIGTERM, before);
  MonitorExit how = wait_exited (&setup);
  gint64 took = g_get_monotonic_time () - begin;
  g_assert_cmpint (took, >=, 690000);
  g_assert_cmpint (took, <, 60000000);
  g_assert_true (WIFSIGNALED (how.status));
  g_assert_cmpint (WTERMSIG (how.status), ==, SIGKILL);
  g_assert_cmpint (how.timed_out, ==, 1);
  g_assert_cmpint (monitor_exit_status (&how), ==, 255);
  setup_end (&setup);
}

static void
test_signal (void)
{
  Setup setup;
  setup_init (&setup, init_sleep);
  setup_start (&setup);
  /* none of these may end the monitor */
  static const int harmless[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGALRM };
  gint32 number = SIGUSR2;
  settle_monitor (&setup);
  for (gsize i = 0; i < G_N_ELEMENTS (harmless); i++)
    g_assert_cmpint (kill (setup.monitor, harmless[i]), ==, 0);
  say (setup.socket, MONITOR_SIGNAL, &number, sizeof number);
  MonitorExit how = wait_exited (&setup);
  g_assert_cmpint (monitor_exit_status (&how), ==, 128 + SIGUSR2);
  setup_end (&setup);
}

/* Somebody outside holds the pipe open after init's death: what was written comes, and the end is not waited for; with kill_group the holder is killed. */
static void
test_orphan (void)
{
  for (int kill_group = 0; kill_group < 2; kill_group++)
    {
      Setup setup;
      setup_init (&setup, init_orphan);
      setup.start.kill_group = (uint8_t) kill_group;
      setup_start (&setup);
      char text[8] = "";
      g_assert_cmpint (read (setup.out, text, 6), ==, 6);
      g_assert_cmpstr (text, ==, "hello\n");
      MonitorExit how = wait_exited (&setup);
      g_assert_cmpint (how.status, ==, 0);
      setup_end (&setup);
    }
}

static gsize
read_terminal_until (Setup *setup, GString *text, const char *wanted)
{
  char data[MONITOR_DATA_MAX];
  while (wanted == NULL || strstr (text->str, wanted) == NULL)
    {
      gsize size = 0;
      guint32 type = next_message (setup->socket, data, sizeof data, &size);
      if (type == MONITOR_EXITED && wanted == NULL)
        break;
      g_assert_cmpuint (type, ==, MONITOR_OUTPUT);
      g_string_append_len (text, data, (gssize) size);
    }
  return text->len;
}

static void
test_tty (void)
{
  Setup setup;
  g_autoptr (GString) text = g_string_new (NULL);
  MonitorSize size = { .rows = 41, .columns = 137 };
  setup_init (&setup, init_size);
  setup.tty = TRUE;
  setup_start (&setup);
  /* with its end: the kernel may be told of what is typed between the two */
  read_terminal_until (&setup, text, "size?\r\n");
  say (setup.socket, MONITOR_RESIZE, &size, sizeof size);
  say (setup.socket, MONITOR_STDIN, "typed\n", 6);
  read_terminal_until (&setup, text, NULL);
  g_assert_cmpstr (text->str, ==, "size?\r\ntyped\r\n41 137\r\n");
  setup_end (&setup);

  /* end of input is an end-of-file character */
  setup_init (&setup, init_cat);
  setup.tty = TRUE;
  setup_start (&setup);
  say (setup.socket, MONITOR_STDIN, "line\n", 5);
  say (setup.socket, MONITOR_STDIN, NULL, 0);
  g_assert_cmpint (WEXITSTATUS (wait_exited (&setup).status), ==, 5);
  setup_end (&setup);
}

static void
test_tty_complete (void)
{
  Setup setup;
  g_autoptr (GString) text = g_string_new (NULL);
  setup_init (&setup, init_tty_bulk);
  setup.tty = TRUE;
  setup_start (&setup);
  /* back-pressure: let it fill up first */
  usleep (200000);
  g_assert_cmpuint (read_terminal_until (&setup, text, NULL), ==, 16384 * 65);
  setup_end (&setup);
}

static void
test_idle (void)
{
  Setup setup;
  setup_init (&setup, init_stubborn);
  setup_start (&setup);
  char text[8];
  g_assert_cmpint (read (setup.out, text, 6), ==, 6);
  rests (setup.monitor, 500);
  long rss = status_number (setup.monitor, "VmRSS:");
  g_test_message ("monitor: %ld KiB resident", rss);
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpint (rss, <=, 1024);
#endif
  gint32 number = SIGKILL;
  say (setup.socket, MONITOR_SIGNAL, &number, sizeof number);
  g_assert_cmpint (WTERMSIG (wait_exited (&setup).status), ==, SIGKILL);
  setup_end (&setup);
}

/* Its container has ended and nobody takes the rest of the output: it must wait asleep, though every slave and write end is closed; and then deliver it. */
static void
test_stalled (void)
{
  for (int tty = 0; tty < 2; tty++)
    {
      Setup setup;
      setup_init (&setup, init_fill);
      setup.tty = tty;
      setup_start (&setup);
      g_autofree char *path = g_build_filename (setup.dir, MONITOR_EXIT_FILE, NULL);
      for (int i = 0; i < 2000 && !g_file_test (path, G_FILE_TEST_EXISTS); i++)
        usleep (10000);
      rests (setup.monitor, 300);
      gsize size = 0;
      static char data[65536];
      if (!tty)
        {
          for (ssize_t n; (n = read (setup.out, data, sizeof data)) > 0;)
            size += (gsize) n;
          g_assert_cmpint (read (setup.err, data, sizeof data - 1), >, 0);
          g_assert_cmpuint (size, ==, g_ascii_strtoull (data, NULL, 10));
          g_assert_cmpuint (size, >, 65536);
        }
      g_assert_cmpint (WEXITSTATUS (wait_exited (&setup).status), ==, 4);
      setup_end (&setup);
    }
}

/* An hour of output does not grow it, and a client that never reads its terminal's output costs no CPU. */
static void
test_endless (void)
{
  Setup setup;
  setup_init (&setup, init_endless);
  setup_start (&setup);
  static char data[1 << 20];
  gsize size = 0;
  (void) fcntl (setup.out, F_SETPIPE_SZ, 1 << 20);
  gint64 begin = g_get_monotonic_time ();
  while (size < (gsize) 1 << 30 && g_get_monotonic_time () - begin < 3 * G_USEC_PER_SEC)
    {
      ssize_t n = read (setup.out, data, sizeof data);
      g_assert_cmpint (n, >, 0);
      size += (gsize) n;
    }
  g_test_message ("%.2f GB/s", (double) size / (double) (g_get_monotonic_time () - begin) / 1000);
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpint (status_number (setup.monitor, "VmRSS:"), <=, 1024);
#endif
  gint32 number = SIGKILL;
  say (setup.socket, MONITOR_SIGNAL, &number, sizeof number);
  while (read (setup.out, data, sizeof data) > 0)
    continue;
  g_assert_cmpint (WTERMSIG (wait_exited (&setup).status), ==, SIGKILL);
  setup_end (&setup);
}

/* ---- the client */

typedef struct {
  pid_t pid;
  int in, out;      /* its terminal's master (both), or pipes */
  int status;
} ClientProcess;

/* run_client: a process that is the foreground command of @setup; its exit status is what the command's would be, 99 for an error. */
static ClientProcess
run_client (Setup *setup, gboolean terminal, gboolean forward)
{
  ClientProcess process = { .in = -1, .out = -1 };
  int in = -1, out = -1;
  if (terminal)
    {
      process.in = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
      g_assert_cmpint (grantpt (process.in), ==, 0);
      g_assert_cmpint (unlockpt (process.in), ==, 0);
      struct winsize window = { .ws_row = 33, .ws_col = 99 };
      g_assert_cmpint (ioctl (process.in, TIOCSWINSZ, &window), ==, 0);
      process.out = dup (process.in);
    }
  else
    {
      make_pipe (&in, &process.in);
      make_pipe (&process.out, &out);
    }
  process.pid = fork ();
  if (process.pid == 0)
    {
      if (terminal)
        {
          (void) setsid ();
          in = out = open (ptsname (process.in), O_RDWR);
        }
      /* copies of what the test reads */
      fd_close (setup->out);
      fd_close (setup->err);
      int signal_fd = monitor_client_block_signals ();
      (void) dup2 (in, 0);
      (void) dup2 (out, 1);
      fd_close (in);
      fd_close (out);
      fd_close (process.in);
      fd_close (process.out);
      MonitorClient client = { .socket = setup->socket, .init_pidfd = -1, .tty = setup->tty, .interactive = TRUE, .forward_signals = forward };
      MonitorResult result = { 0 };
      int status = monitor_client_run (&client, signal_fd, &result, NULL) ? monitor_exit_status (&result.exit) : 99;
      monitor_client_cleaned (setup->socket);
      _exit (status);
    }
  fd_close (fd_steal (&setup->socket));
  fd_close (in);
  fd_close (out);
  return process;
}

static void
read_until (int fd, GString *text, const char *wanted)
{
  while (strstr (text->str, wanted) == NULL)
    {
      char data[4096];
      struct pollfd wait = { .fd = fd, .events = POLLIN };
      g_assert_cmpint (poll (&wait, 1, 60000), ==, 1);
      ssize_t n = read (fd, data, sizeof data);
      g_assert_cmpint (n, >, 0);
      g_string_append_len (text, data, n);
    }
}

static void
init_term (void)
{
  /* answers SIGTERM, and says which keys it was typed */
  char byte;
  struct termios modes;
  (void) tcgetattr (0, &modes);
  cfmakeraw (&modes);
  (void) tcsetattr (0, TCSANOW, &modes);
  struct winsize window = { 0 };
  for (int i = 0; i < 6000 && window.ws_row != 33; i++)
    {
      (void) ioctl (0, TIOCGWINSZ, &window);
      usleep (10000);
    }
  (void) dprintf (1, "ready %d %d;", window.ws_row, window.ws_col);
  while (read (0, &byte, 1) == 1)
    (void) dprintf (1, "key %d;", byte);
  _exit (0);
}

static void
test_client_terminal (void)
{
  Setup setup;
  g_autoptr (GString) text = g_string_new (NULL);
  setup_init (&setup, init_term);
  setup.tty = TRUE;
  setup_start (&setup);
  ClientProcess client = run_client (&setup, TRUE, TRUE);
  read_until (client.out, text, "ready 33 99;");
  /* the size may be sent before the terminal is taken */
  settle (client.pid, NULL);
  struct termios modes;
  g_assert_cmpint (tcgetattr (client.in, &modes), ==, 0);
  g_assert_cmpint (modes.c_lflag & (ICANON | ECHO | ISIG), ==, 0);
  g_assert_cmpint (fd_write_all (client.in, "\003", 1), ==, 0);
  read_until (client.out, text, "key 3;");
  g_assert_cmpint (kill (client.pid, SIGTERM), ==, 0);
  g_assert_cmpint (proc_wait (client.pid, &client.status), ==, 0);
  g_assert_cmpint (WEXITSTATUS (client.status), ==, 128 + SIGTERM);
  g_assert_cmpint (tcgetattr (client.in, &modes), ==, 0);
  g_assert_cmpint (modes.c_lflag & (ICANON | ECHO | ISIG), ==, ICANON | ECHO | ISIG);
  fd_close (client.in);
  fd_close (client.out);
  setup_end (&setup);
}

/* Without forwarding a signal ends the command, its terminal is restored, and the container goes on. */
static void
test_client_no_proxy (void)
{
  Setup setup;
  g_autoptr (GString) text = g_string_new (NULL);
  setup_init (&setup, init_term);
  setup.tty = TRUE;
  setup_start (&setup);
  ClientProcess client = run_client (&setup, TRUE, FALSE);
  read_until (client.out, text, "ready 33 99;");
  settle (client.pid, NULL);
  g_assert_cmpint (kill (client.pid, SIGTERM), ==, 0);
  g_assert_cmpint (proc_wait (client.pid, &client.status), ==, 0);
  g_assert_true (WIFSIGNALED (client.status));
  g_assert_cmpint (WTERMSIG (client.status), ==, SIGTERM);
  struct termios modes;
  g_assert_cmpint (tcgetattr (client.in, &modes), ==, 0);
  g_assert_cmpint (modes.c_lflag & (ICANON | ECHO | ISIG), ==, ICANON | ECHO | ISIG);
  g_autofree char *path = g_build_filename (setup.dir, MONITOR_EXIT_FILE, NULL);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_cmpint (kill (init_of (&setup), SIGKILL), ==, 0);
  fd_close (client.in);
  fd_close (client.out);
  setup_end (&setup);
}

static void
test_client_pipes (void)
{
  Setup setup;
  setup_init (&setup, init_cat);
  setup_start (&setup);
  ClientProcess client = run_client (&setup, FALSE, TRUE);
  static char data[1 << 20];
  memset (data, 'y', sizeof data);
  pid_t writer = fork ();
  if (writer == 0)
    {
      int r = fd_write_all (client.in, data, sizeof data);
      _exit (r == 0 ? 0 : 1);
    }
  fd_close (client.in);
  gsize size = 0;
  for (ssize_t n; (n = read (setup.out, data, sizeof data)) > 0;)
    size += (gsize) n;
  g_assert_cmpuint (size, ==, sizeof data);
  g_assert_cmpint (proc_wait (client.pid, &client.status), ==, 0);
  g_assert_cmpint (WEXITSTATUS (client.status), ==, 5);
  g_assert_cmpint (proc_wait (writer, &client.status), ==, 0);
  fd_close (client.out);
  setup_end (&setup);
}

/* Nobody reads the output: SIGPIPE ends the command, unless it is ignored; the container goes on to its end. */
static void
test_client_broken_pipe (void)
{
  for (int ignored = 0; ignored < 2; ignored++)
    {
      Setup setup;
      char byte;
      setup_init (&setup, init_bulk);
      setup_start (&setup);
      void (*before) (int) = signal (SIGPIPE, ignored ? SIG_IGN : SIG_DFL);
      ClientProcess client = run_client (&setup, FALSE, TRUE);
      (void) signal (SIGPIPE, before);
      g_assert_cmpint (read (setup.out, &byte, 1), ==, 1);
      fd_close (fd_steal (&setup.out));
      g_assert_cmpint (proc_wait (client.pid, &client.status), ==, 0);
      if (ignored)
        g_assert_cmpint (WEXITSTATUS (client.status), ==, 7);
      else
        g_assert_cmpint (WIFSIGNALED (client.status) ? WTERMSIG (client.status) : 0, ==, SIGPIPE);
      int status;
      g_assert_cmpint (proc_wait (setup.monitor, &status), ==, 0);
      g_assert_cmpint (WEXITSTATUS (read_exit_file (&setup).status), ==, 7);
      fd_close (setup.err);
      fd_close (client.in);
      fd_close (client.out);
      g_assert_cmpint (path_remove_tree (AT_FDCWD, setup.dir), ==, 0);
      g_free (setup.dir);
    }
}

/* The monitor is killed: an error, not an exit status. */
static void
test_client_lost (void)
{
  int sockets[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), ==, 0);
  fd_close (sockets[1]);
  cleanup_fd int signal_fd = monitor_client_block_signals ();
  g_assert_cmpint (signal_fd, >=, 0);
  g_assert_cmpint (sigismember (monitor_client_signal_mask (), SIGTERM), ==, 0);
  MonitorClient client = { .socket = sockets[0], .init_pidfd = -1 };
  MonitorResult result;
  g_autoptr (GError) error = NULL;
  g_assert_false (monitor_client_run (&client, signal_fd, &result, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_SYSTEM);
  g_assert_nonnull (strstr (error->message, "lost its monitor"));
  (void) sigprocmask (SIG_SETMASK, monitor_client_signal_mask (), NULL);
  fd_close (sockets[0]);
}

static void
test_exit_parse (void)
{
  static const char *const bad[] = { "", "1", "1 2 3", "1 2 3 4", "1 0 0 x\n", "1 0 0 5\nmore", "a 0 0 5\n" };
  MonitorExit how;
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (monitor_exit_parse (bad[i], &how, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
    }
  g_assert_true (monitor_exit_parse ("256 0 1 1700000000000000\n", &how, NULL));
  g_assert_cmpint (monitor_exit_status (&how), ==, 1);
  g_assert_cmpint (how.oom, ==, 1);
  g_assert_cmpint (how.finished_us, ==, G_GINT64_CONSTANT (1700000000000000));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  find_monitor (argv[0]);
  g_test_add_func ("/monitor/output", test_output);
  g_test_add_func ("/monitor/slow-reader", test_slow_reader);
  g_test_add_func ("/monitor/output-kinds", test_output_kinds);
  g_test_add_func ("/monitor/broken-pipe", test_broken_pipe);
  g_test_add_func ("/monitor/client-death", test_client_death);
  g_test_add_func ("/monitor/cleaned", test_cleaned);
  g_test_add_func ("/monitor/no-client", test_no_client);
  g_test_add_func ("/monitor/stdin", test_stdin);
  g_test_add_func ("/monitor/timeout", test_timeout);
  g_test_add_func ("/monitor/signal", test_signal);
  g_test_add_func ("/monitor/orphan", test_orphan);
  g_test_add_func ("/monitor/tty", test_tty);
  g_test_add_func ("/monitor/tty-complete", test_tty_complete);
  g_test_add_func ("/monitor/idle", test_idle);
  g_test_add_func ("/monitor/stalled", test_stalled);
  g_test_add_func ("/monitor/endless", test_endless);
  g_test_add_func ("/client/terminal", test_client_terminal);
  g_test_add_func ("/client/no-proxy", test_client_no_proxy);
  g_test_add_func ("/client/pipes", test_client_pipes);
  g_test_add_func ("/client/broken-pipe", test_client_broken_pipe);
  g_test_add_func ("/client/lost", test_client_lost);
  g_test_add_func ("/client/exit-parse", test_exit_parse);
  int status = g_test_run ();
  g_free (monitor_program);
  return status;
}
