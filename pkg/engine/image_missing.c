#include "pkg/engine/image_missing.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

#define PROBLEM_FD 3
#define PROBLEM_LIMIT ((size_t) 1 << 20)

static int
spawn (const char *const *argv, int problem_fd, int output, pid_t *ret_pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2 (&actions, problem_fd, PROBLEM_FD);
  int result = posix_spawn (ret_pid, argv[0], &actions, NULL, (char *const *) argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  return result;
}

static char **
words (const ConfigPaths *paths, const char *reference, const char *policy, const char *platform, char *const *more)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *program = g_build_filename (paths->libexec, "coracle-image", NULL), *number = g_strdup_printf ("--problem-fd=%d", PROBLEM_FD);
  g_strv_builder_add_many (builder, program, "--root", paths->root, "--runroot", paths->run_root, "pull", "--policy", policy, number, NULL);
  if (more != NULL)
    g_strv_builder_addv (builder, (const char **) more);
  if (platform != NULL && *platform != '\0')
    g_strv_builder_add_many (builder, "--platform", platform, NULL);
  g_strv_builder_add_many (builder, "--", reference, NULL);
  return g_strv_builder_end (builder);
}

/* take_id: the first line of what it has printed. */
static gboolean
take_id (int output, char **ret_id, GError **error)
{
  g_autofree char *text = NULL;
  if (lseek (output, 0, SEEK_SET) < 0 || !fd_read_file (output, PROBLEM_LIMIT, &text, NULL, error))
    return FALSE;
  text[strcspn (text, "\n")] = '\0';
  *ret_id = g_steal_pointer (&text);
  return TRUE;
}

gboolean
image_fetch (const ConfigPaths *paths, const char *reference, const char *policy, const char *platform, char *const *more, char **ret_id, GError **error)
{
  int ends[2], status;
  pid_t pid;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "pipe");
    }
  cleanup_fd int in = ends[0], out = ends[1];
  /* a pipe that has the very number would keep its close-on-exec mark through dup2 */
  cleanup_fd int moved = fcntl (out, F_DUPFD_CLOEXEC, PROBLEM_FD + 1);
  g_auto (GStrv) argv = words (paths, reference, policy, platform, more);
  /* memory: what it prints, the id, is read when it has ended */
  cleanup_fd int output = memfd_create ("pulled", MFD_CLOEXEC);
  int result = output < 0 ? errno : spawn ((const char *const *) argv, moved, output, &pid);
  if (result != 0)
    return coracle_throw_errno (error, result, "%s", argv[0]);
  fd_close (fd_steal (&out));
  fd_close (fd_steal (&moved));
  g_autofree char *text = NULL;
  size_t size = 0;
  gboolean heard = fd_read_file (in, PROBLEM_LIMIT, &text, &size, NULL);
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    continue;
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return take_id (output, ret_id, error);
  if (heard && size > 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s", text);
  return coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s: the pull has failed", reference);
}
