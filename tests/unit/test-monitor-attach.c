/* Clients of the monitor's listener: they come, leave, die and are slow; the monitor does what it must. */
#include "pkg/monitor/client.h"
#include "tests/unit/monitor-setup.h"

/* ---- what stands for the container */

/* says what it reads, until it reads "end" or its input ends */
static void
init_echo (void)
{
  char line[256];
  ssize_t n;
  (void) fd_write_all (1, "ready\n", 6);
  while ((n = read (0, line, sizeof line - 1)) > 0)
    {
      line[n] = '\0';
      if (strncmp (line, "end", 3) == 0)
        _exit (4);
      if (strncmp (line, "err", 3) == 0)
        (void) fd_write_all (2, line, (gsize) n);
      else
        (void) dprintf (1, "<%s>", line);
    }
  _exit (5);
}

static void
init_sizes (void)
{
  struct termios modes;
  char byte;
  (void) tcgetattr (0, &modes);
  cfmakeraw (&modes);
  (void) tcsetattr (0, TCSANOW, &modes);
  while (read (0, &byte, 1) == 1 && byte != 'x')
    {
      struct winsize window = { 0 };
      (void) ioctl (0, TIOCGWINSZ, &window);
      (void) dprintf (1, "%d %d;", window.ws_row, window.ws_col);
    }
  _exit (6);
}

/* when it is told to, prints as fast as it can */
static void
init_flood (void)
{
  static char data[65536];
  (void) read (0, data, 1);
  memset (data, 'z', sizeof data);
  for (int i = 0; i < 400; i++)
    (void) fd_write_all (1, data, sizeof data);
  _exit (3);
}

/* the same, without end */
static void
init_flood_on (void)
{
  static char data[65536];
  (void) read (0, data, 1);
  for (;;)
    (void) fd_write_all (1, data, sizeof data);
}

static void
init_deaf (void)
{
  (void) fd_write_all (1, "ready\n", 6);
  for (;;)
    pause ();
}

/* ---- clients */

static int
attach (const Setup *setup, gboolean in, gboolean out, gboolean err)
{
  MonitorAttach streams = { .in = in != FALSE, .out = out != FALSE, .err = err != FALSE };
  int fd = setup_connect (setup);
  say (fd, MONITOR_ATTACH, &streams, sizeof streams);
  return fd;
}

/* expect: messages of @type until their text has @wanted. */
static void
expect (int fd, guint32 type, const char *wanted)
{
  static char data[MONITOR_DATA_MAX + 1];
  g_autoptr (GString) text = g_string_new (NULL);
  while (strstr (text->str, wanted) == NULL)
    {
      gsize size;
      g_assert_cmpuint (next_message (fd, data, sizeof data, &size), ==, type);
      g_string_append_len (text, data, (gssize) size);
    }
}

static int
expect_end (int fd)
{
  static char data[MONITOR_DATA_MAX];
  guint32 type;
  while ((type = next_message (fd, data, sizeof data, NULL)) != MONITOR_EXITED)
    g_assert_cmpuint (type, !=, 0);
  MonitorExit how;
  memcpy (&how, data, sizeof how);
  g_assert_cmpuint (next_message (fd, data, sizeof data, NULL), ==, 0);
  fd_close (fd);
  return monitor_exit_status (&how);
}

static void
begin (Setup *setup, InitFunction init, gboolean tty)
{
  setup_init (setup, init);
  setup->no_client = setup->no_output = setup->listen = TRUE;
  setup->tty = tty;
  setup_start (setup);
}

/* ---- tests */

static void
test_several (void)
{
  Setup setup;
  begin (&setup, init_echo, FALSE);
  int all = attach (&setup, TRUE, TRUE, TRUE), out = attach (&setup, FALSE, TRUE, FALSE), err = attach (&setup, FALSE, FALSE, TRUE);
  settle_monitor (&setup);
  /* one without input cannot type */
  say (out, MONITOR_STDIN, "no\n", 3);
  say (all, MONITOR_STDIN, "one", 3);
  expect (all, MONITOR_OUTPUT, "<one>");
  expect (out, MONITOR_OUTPUT, "<one>");
  say (all, MONITOR_STDIN, "error", 3);
  expect (all, MONITOR_OUTPUT_ERR, "err");
  expect (err, MONITOR_OUTPUT_ERR, "err");
  say (out, MONITOR_DETACH, NULL, 0);
  char byte;
  g_assert_cmpuint (next_message (out, &byte, 1, NULL), ==, 0);
  fd_close (out);
  int late = attach (&setup, TRUE, TRUE, TRUE);
  say (late, MONITOR_STDIN, "two", 3);
  expect (late, MONITOR_OUTPUT, "<two>");
  expect (all, MONITOR_OUTPUT, "<two>");
  say (late, MONITOR_STDIN, "end", 3);
  g_assert_cmpint (expect_end (all), ==, 4);
  g_assert_cmpint (expect_end (late), ==, 4);
  g_assert_cmpint (expect_end (err), ==, 4);
  setup_end (&setup);
}

/* Standard input stays open when its writer detaches; not when it says that it has ended, nor when it dies and nobody else is there. */
static void
test_input (void)
{
  for (int how = 0; how < 3; how++)
    {
      Setup setup;
      begin (&setup, init_echo, FALSE);
      int fd = attach (&setup, TRUE, TRUE, TRUE), other = how == 2 ? attach (&setup, TRUE, TRUE, FALSE) : -1;
      say (fd, MONITOR_STDIN, "one", 3);
      expect (fd, MONITOR_OUTPUT, "<one>");
      say (fd, MONITOR_DETACH, NULL, 0);
      fd_close (fd);
      settle_monitor (&setup);
      fd = attach (&setup, TRUE, TRUE, TRUE);
      say (fd, MONITOR_STDIN, "two", 3);
      expect (fd, MONITOR_OUTPUT, "<two>");
      if (how == 0)
        say (fd, MONITOR_STDIN, NULL, 0);
      else
        fd_close (fd);
      if (how == 2)
        {
          settle_monitor (&setup);
          say (other, MONITOR_STDIN, "three", 5);
          expect (other, MONITOR_OUTPUT, "<three>");
          fd_close (other);
        }
      int status;
      if (how == 0)
        g_assert_cmpint (expect_end (fd), ==, 5);
      g_assert_cmpint (proc_wait (setup.monitor, &status), ==, 0);
      g_assert_cmpint (WEXITSTATUS (read_exit_file (&setup).status), ==, 5);
      g_assert_cmpint (path_remove_tree (AT_FDCWD, setup.dir), ==, 0);
      g_free (setup.dir);
    }
}

/* Each client's size is applied when it comes. */
static void
test_sizes (void)
{
  Setup setup;
  begin (&setup, init_sizes, TRUE);
  MonitorSize small = { .rows = 24, .columns = 80 }, large = { .rows = 50, .columns = 200 };
  int first = attach (&setup, TRUE, TRUE, TRUE);
  settle (init_of (&setup), NULL);
  say (first, MONITOR_RESIZE, &small, sizeof small);
  say (first, MONITOR_STDIN, "a", 1);
  expect (first, MONITOR_OUTPUT, "24 80;");
  int second = attach (&setup, TRUE, TRUE, TRUE);
  say (second, MONITOR_RESIZE, &large, sizeof large);
  say (second, MONITOR_STDIN, "b", 1);
  expect (second, MONITOR_OUTPUT, "50 200;");
  expect (first, MONITOR_OUTPUT, "50 200;");
  say (second, MONITOR_DETACH, NULL, 0);
  fd_close (second);
  say (first, MONITOR_STDIN, "x", 1);
  g_assert_cmpint (expect_end (first), ==, 6);
  setup_end (&setup);
}

/* A client that does not read holds the container back, in bounded memory, and nothing else: signals come through. Once it is dead the container goes on. */
static void
test_slow (void)
{
  Setup setup;
  begin (&setup, init_flood, FALSE);
  int slow = attach (&setup, TRUE, TRUE, TRUE), quick = attach (&setup, TRUE, TRUE, TRUE);
  settle_monitor (&setup);
  gint64 begun = g_get_monotonic_time ();
  say (quick, MONITOR_STDIN, "go", 2);
  rests (setup.monitor, 300);
  g_autofree char *path = g_build_filename (setup.dir, MONITOR_EXIT_FILE, NULL);
  gboolean ended = g_file_test (path, G_FILE_TEST_EXISTS);
  /* those who take nothing are waited for two seconds: who looks later than that may find it at its end */
  g_assert_true (!ended || g_get_monotonic_time () - begun >= 2 * G_USEC_PER_SEC);
#ifndef __SANITIZE_ADDRESS__
  if (!ended)
    g_assert_cmpint (status_number (setup.monitor, "VmRSS:"), <=, 1024);
#endif
  fd_close (slow);
  g_assert_cmpint (expect_end (quick), ==, 3);
  setup_end (&setup);
}

/* One that reads nothing does not keep the container's end from being recorded and cleaned up, nor the others from hearing of it. */
static void
test_deaf (void)
{
  Setup setup;
  setup_init (&setup, init_flood_on);
  setup.no_client = setup.no_output = setup.listen = TRUE;
  g_strlcpy (setup.start.cleanup[0], "/bin/mkdir", sizeof setup.start.cleanup[0]);
  g_autofree char *mark = g_build_filename (setup.dir, "cleaned", NULL);
  g_strlcpy (setup.start.cleanup[1], mark, sizeof setup.start.cleanup[1]);
  setup_start (&setup);
  int deaf = attach (&setup, FALSE, TRUE, TRUE), other = attach (&setup, TRUE, FALSE, FALSE);
  settle_monitor (&setup);
  say (other, MONITOR_STDIN, "go", 2);
  /* soon it waits for the deaf one, for two seconds; whoever looks later finds the same end */
  usleep (100000);
  gint32 number = SIGKILL;
  say (other, MONITOR_SIGNAL, &number, sizeof number);
  gint64 begun = g_get_monotonic_time ();
  g_assert_cmpint (expect_end (other), ==, 128 + SIGKILL);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 60 * G_USEC_PER_SEC);
  g_assert_true (g_file_test (mark, G_FILE_TEST_EXISTS));
  fd_close (deaf);
  setup_end (&setup);
}

/* Input that nobody in the container reads waits; the client that sent it can still say other things, and others too. */
static void
test_deaf_container (void)
{
  Setup setup;
  begin (&setup, init_deaf, FALSE);
  int fd = attach (&setup, TRUE, TRUE, TRUE), other = attach (&setup, TRUE, TRUE, TRUE);
  static char data[4096];
  settle_monitor (&setup);
  for (int i = 0; i < 24; i++)
    say (fd, MONITOR_STDIN, data, sizeof data);
  settle_monitor (&setup);
  say (other, MONITOR_STDIN, data, sizeof data);
  rests (setup.monitor, 200);
  say (fd, MONITOR_DETACH, NULL, 0);
  fd_close (fd);
  int third = attach (&setup, FALSE, TRUE, TRUE);
  gint32 number = SIGTERM;
  say (third, MONITOR_SIGNAL, &number, sizeof number);
  g_assert_cmpint (expect_end (third), ==, 128 + SIGTERM);
  g_assert_cmpint (expect_end (other), ==, 128 + SIGTERM);
  setup_end (&setup);
}

/* More than are let in at once. */
static void
test_many (void)
{
  enum { MANY = 300 };
  Setup setup;
  static int fds[MANY];
  begin (&setup, init_echo, FALSE);
  settle_monitor (&setup);
  for (int i = 0; i < MANY; i++)
    fds[i] = attach (&setup, i == 0, TRUE, TRUE);
  settle_monitor (&setup);
  say (fds[0], MONITOR_STDIN, "one", 3);
  for (int i = 0; i < 200; i++)
    expect (fds[i], MONITOR_OUTPUT, "<one>");
  for (int i = 1; i < 200; i++)
    fd_close (fds[i]);
  settle_monitor (&setup);
  say (fds[0], MONITOR_STDIN, "two", 3);
  for (int i = 200; i < MANY; i++)
    expect (fds[i], MONITOR_OUTPUT, "<two>");
  say (fds[0], MONITOR_STDIN, "end", 3);
  for (int i = 200; i < MANY; i++)
    g_assert_cmpint (expect_end (fds[i]), ==, 4);
  fd_close (fds[0]);
  setup_end (&setup);
}

/* Next to a foreground command whose output would be spliced. */
static void
test_beside (void)
{
  Setup setup;
  setup_init (&setup, init_echo);
  setup.listen = TRUE;
  setup_start (&setup);
  char text[16] = "";
  g_assert_cmpint (read (setup.out, text, 6), ==, 6);
  int fd = attach (&setup, TRUE, TRUE, TRUE);
  settle_monitor (&setup);
  say (fd, MONITOR_STDIN, "one", 3);
  expect (fd, MONITOR_OUTPUT, "<one>");
  g_assert_cmpint (read (setup.out, text, 5), ==, 5);
  g_assert_cmpmem (text, 5, "<one>", 5);
  say (setup.socket, MONITOR_STDIN, "end", 3);
  g_assert_cmpint (WEXITSTATUS (wait_exited (&setup).status), ==, 4);
  monitor_client_cleaned (setup.socket);
  fd_close (fd_steal (&setup.socket));
  g_assert_cmpint (expect_end (fd), ==, 4);
  setup_end (&setup);
}

static void
test_nonsense (void)
{
  Setup setup;
  begin (&setup, init_echo, FALSE);
  cleanup_fd int dir = open (setup.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (monitor_client_control (dir, 4711, "abc", 3), <, 0);
  int fd = setup_connect (&setup);
  g_assert_cmpint (send (fd, "a", 1, 0), ==, 1);
  char byte;
  g_assert_cmpuint (next_message (fd, &byte, 1, NULL), ==, 0);
  fd_close (fd);
  fd = attach (&setup, TRUE, TRUE, TRUE);
  say (fd, MONITOR_RESIZE, "x", 1);
  say (fd, MONITOR_SIGNAL, "x", 1);
  say (fd, MONITOR_CLEANED, NULL, 0);
  say (fd, 4711, "x", 1);
  say (fd, MONITOR_STDIN, "end", 3);
  g_assert_cmpint (expect_end (fd), ==, 4);
  setup_end (&setup);
}

/* ---- the client's side */

typedef struct {
  pid_t pid;
  int master;
} Terminal;

/* run_attached: a process that is `attach` on a terminal of its own. Its status: the container's, 77 when detached, 99 for an error. */
static Terminal
run_attached (const Setup *setup, const char *keys_text)
{
  Terminal terminal;
  DetachKeys keys;
  g_assert_true (detach_keys_parse (keys_text, &keys, NULL));
  terminal.master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (grantpt (terminal.master), ==, 0);
  g_assert_cmpint (unlockpt (terminal.master), ==, 0);
  struct winsize window = { .ws_row = 33, .ws_col = 99 };
  g_assert_cmpint (ioctl (terminal.master, TIOCSWINSZ, &window), ==, 0);
  terminal.pid = fork ();
  if (terminal.pid != 0)
    return terminal;
  (void) setsid ();
  int slave = open (ptsname (terminal.master), O_RDWR);
  fd_close (terminal.master);
  int signal_fd = monitor_client_block_signals ();
  (void) dup2 (slave, 0);
  (void) dup2 (slave, 1);
  (void) dup2 (slave, 2);
  MonitorClient client = { .socket = setup_connect (setup), .init_pidfd = -1, .tty = setup->tty, .interactive = TRUE, .forward_signals = TRUE, .attached = TRUE,
                           .streams = { .out = 1, .err = 1 }, .detach_keys = &keys };
  MonitorResult result = { 0 };
  gboolean ok = monitor_client_run (&client, signal_fd, &result, NULL);
  _exit (!ok ? 99 : result.detached ? 77 : monitor_exit_status (&result.exit));
}

static void
type_keys (const Terminal *terminal, const char *keys)
{
  g_assert_cmpint (fd_write_all (terminal->master, keys, strlen (keys)), ==, 0);
}

static void
see (const Terminal *terminal, const char *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  while (strstr (text->str, wanted) == NULL)
    {
      char data[4096];
      struct pollfd wait = { .fd = terminal->master, .events = POLLIN };
      g_assert_cmpint (poll (&wait, 1, 60000), ==, 1);
      ssize_t n = read (terminal->master, data, sizeof data);
      g_assert_cmpint (n, >, 0);
      g_string_append_len (text, data, n);
    }
}

static int
terminal_end (Terminal *terminal)
{
  int status;
  struct termios modes;
  g_assert_cmpint (proc_wait (terminal->pid, &status), ==, 0);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (tcgetattr (terminal->master, &modes), ==, 0);
  g_assert_cmpint (modes.c_lflag & (ICANON | ECHO | ISIG), ==, ICANON | ECHO | ISIG);
  fd_close (terminal->master);
  return WEXITSTATUS (status);
}

/* attached: it has taken its terminal, and the monitor has let it in. */
static void
attached (const Setup *setup, const Terminal *terminal)
{
  struct termios modes = { .c_lflag = ICANON };
  for (int i = 0; (modes.c_lflag & ICANON) != 0; i++, usleep (2000))
    {
      g_assert_cmpint (i, <, 20000);
      g_assert_cmpint (tcgetattr (terminal->master, &modes), ==, 0);
    }
  settle (terminal->pid, NULL);
  settle_monitor (setup);
}

static void
test_client (void)
{
  Setup setup;
  begin (&setup, init_sizes, TRUE);
  settle (init_of (&setup), NULL);
  Terminal first = run_attached (&setup, DETACH_KEYS_DEFAULT), second = run_attached (&setup, "ctrl-a,q");
  attached (&setup, &first);
  attached (&setup, &second);
  type_keys (&first, "a");
  see (&first, "33 99;");
  type_keys (&second, "\020\021b");
  see (&second, "33 99;33 99;33 99;33 99;");
  type_keys (&first, "\020");
  type_keys (&first, "\021");
  g_assert_cmpint (terminal_end (&first), ==, 77);
  type_keys (&second, "\001q");
  g_assert_cmpint (terminal_end (&second), ==, 77);
  Terminal third = run_attached (&setup, "");
  attached (&setup, &third);
  type_keys (&third, "\020\021x");
  g_assert_cmpint (terminal_end (&third), ==, 6);
  setup_end (&setup);
}

static void
test_client_nobody (void)
{
  g_autofree char *path = g_dir_make_tmp ("coracle-monitor-XXXXXX", NULL);
  int dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (monitor_client_connect (dir), ==, -ENOENT);
  int listener = monitor_listener_open (dir);
  g_assert_cmpint (listener, >=, 0);
  fd_close (listener);
  g_assert_cmpint (monitor_client_connect (dir), ==, -ECONNREFUSED);
  g_assert_cmpint (monitor_client_control (dir, MONITOR_STOPPING, NULL, 0), ==, -ECONNREFUSED);
  listener = monitor_listener_open (dir);
  g_assert_cmpint (listener, >=, 0);
  fd_close (listener);
  fd_close (dir);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, path), ==, 0);
}

/* a monitor that stands still (SIGSTOP), or has all the clients it takes, while more come than its socket holds: nobody waits for it for ever */
static void
test_client_crowd (void)
{
  enum { CROWD = 400 };
  g_autofree char *path = g_dir_make_tmp ("coracle-crowd-XXXXXX", NULL);
  int dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), waiting[CROWD], n = 0, r = 0;
  int listener = monitor_listener_open (dir);
  g_assert_cmpint (listener, >=, 0);
  while (n < CROWD && (r = monitor_client_connect (dir)) >= 0)
    waiting[n++] = r;
  g_assert_cmpint (r, ==, -EAGAIN);
  g_assert_cmpint (n, >=, 128);
  g_assert_cmpint (monitor_client_control (dir, MONITOR_STOPPING, NULL, 0), ==, -EAGAIN);
  /* sends still wait for room as long as it takes */
  struct timeval limit;
  socklen_t size = sizeof limit;
  g_assert_cmpint (getsockopt (waiting[0], SOL_SOCKET, SO_SNDTIMEO, &limit, &size), ==, 0);
  g_assert_cmpint (limit.tv_sec + limit.tv_usec, ==, 0);
  while (n > 0)
    fd_close (waiting[--n]);
  fd_close (listener);
  fd_close (dir);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, path), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  find_monitor (argv[0]);
  g_test_add_func ("/monitor-attach/several", test_several);
  g_test_add_func ("/monitor-attach/input", test_input);
  g_test_add_func ("/monitor-attach/sizes", test_sizes);
  g_test_add_func ("/monitor-attach/slow", test_slow);
  g_test_add_func ("/monitor-attach/deaf", test_deaf);
  g_test_add_func ("/monitor-attach/deaf-container", test_deaf_container);
  g_test_add_func ("/monitor-attach/many", test_many);
  g_test_add_func ("/monitor-attach/beside", test_beside);
  g_test_add_func ("/monitor-attach/nonsense", test_nonsense);
  g_test_add_func ("/monitor-attach/client", test_client);
  g_test_add_func ("/monitor-attach/nobody", test_client_nobody);
  g_test_add_func ("/monitor-attach/crowd", test_client_crowd);
  int status = g_test_run ();
  g_free (monitor_program);
  return status;
}
