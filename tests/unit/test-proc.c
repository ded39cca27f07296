/* Processes: the one that goes on where another ends. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/proc.h"

typedef struct {
  int go, done; /* ends of two pipes: it waits at the one, and writes to the other */
  const char *text;
} Work;

static void
work (void *data)
{
  const Work *given = data;
  char byte;
  (void) !read (given->go, &byte, 1);
  gboolean closed = fcntl (STDIN_FILENO, F_GETFD) < 0 && fcntl (STDOUT_FILENO, F_GETFD) < 0 && fcntl (STDERR_FILENO, F_GETFD) < 0;
  const char *text = closed ? given->text : "standard streams are open";
  (void) !write (given->done, text, strlen (text));
}

/* leaver: what it does. */
static void
leaver (int go, int done)
{
  g_autofree char *text = g_strdup ("in its memory");
  Work given = { go, done, text };
  (void) proc_leave (7, work, &given);
  _exit (99);
}

static void
test_leave (void)
{
#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("the sanitizer knows no two processes that share their memory");
  return;
#endif
  int go[2], done[2], status;
  char text[64] = "";
  g_assert_cmpint (pipe2 (go, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (done, O_CLOEXEC), ==, 0);
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    leaver (go[0], done[1]);
  fd_close (done[1]);
  /* it has ended, and the rest not yet */
  g_assert_cmpint (proc_wait (pid, &status), ==, 0);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 7);
  g_assert_cmpint (write (go[1], "g", 1), ==, 1);
  g_assert_cmpint (fd_read_all (done[0], text, sizeof text - 1), ==, (int) strlen ("in its memory"));
  g_assert_cmpstr (text, ==, "in its memory");
  fd_close (done[0]);
  fd_close (go[0]);
  fd_close (go[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/proc/leave", test_leave);
  return g_test_run ();
}
