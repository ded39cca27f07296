#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "pkg/base/fd.h"
#include "pkg/runtime/program.h"

static const char *const program = "/bin/true";

/* run: its exit status. */
static int
run (int fd)
{
  pid_t child = fork ();
  if (child == 0)
    {
      char *const argv[] = { (char *) "true", NULL };
      (void) syscall (SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
      _exit (99);
    }
  int status = 0;
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

/* open_for_writing: by way of /proc, as a container would. Returns an errno; 0: it could be. */
static int
open_for_writing (int fd)
{
  char path[40];
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  cleanup_fd int other = open (path, O_WRONLY | O_CLOEXEC);
  return other < 0 ? errno : pwrite (other, "x", 1, 0) < 0 ? errno : 0;
}

static void
test_copy (void)
{
  cleanup_fd int fd = program_copy (program);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fcntl (fd, F_GET_SEALS), ==, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  g_assert_cmpint (open_for_writing (fd), !=, 0);
  g_assert_cmpint (run (fd), ==, 0);
  g_assert_cmpint (program_copy ("/nonexistent/program"), ==, -ENOENT);
}

/* Who may not make a mount gets a copy, never the file itself. */
static void
test_open_unprivileged (void)
{
  uid_t user = geteuid ();
  g_assert_cmpint (user == 0 ? seteuid (65534) : 0, ==, 0);
  cleanup_fd int fd = program_open (program);
  g_assert_cmpint (user == 0 ? seteuid (0) : 0, ==, 0);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fcntl (fd, F_GET_SEALS) & F_SEAL_WRITE, ==, F_SEAL_WRITE);
  g_assert_cmpint (run (fd), ==, 0);
}

static void
test_open (void)
{
  cleanup_fd int fd = program_open (program);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (open_for_writing (fd), !=, 0);
  g_assert_cmpint (run (fd), ==, 0);
  g_assert_cmpint (program_open ("/nonexistent/program"), ==, -ENOENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/program/copy", test_copy);
  g_test_add_func ("/program/open-unprivileged", test_open_unprivileged);
  g_test_add_func ("/program/open", test_open);
  return g_test_run ();
}
