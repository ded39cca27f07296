#include "pkg/engine/container_ps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container_exec.h"

enum { OUTPUT_MAX = 64 << 20 };

/* may_trace: has anybody in the container, or can he get, CAP_SYS_PTRACE? */
static gboolean
may_trace (pid_t init)
{
  char path[64];
  g_autofree char *text = NULL;
  g_snprintf (path, sizeof path, "/proc/%d/status", (int) init);
  const char *line = path_read_file (AT_FDCWD, path, 65536, &text, NULL, NULL) ? strstr (text, "\nCapBnd:") : NULL;
  return line == NULL || (g_ascii_strtoull (line + strlen ("\nCapBnd:\t"), NULL, 16) >> CAP_SYS_PTRACE & 1) != 0;
}

static gboolean
same_namespace (pid_t init, const char *kind)
{
  char theirs[64], ours[64];
  struct stat their_stat, our_stat;
  g_snprintf (theirs, sizeof theirs, "/proc/%d/ns/%s", (int) init, kind);
  g_snprintf (ours, sizeof ours, "/proc/self/ns/%s", kind);
  return stat (theirs, &their_stat) == 0 && stat (ours, &our_stat) == 0 && their_stat.st_ino == our_stat.st_ino;
}

/* read_all: what was written to a memory file. */
static char *
read_all (int fd)
{
  char *text = NULL;
  if (lseek (fd, 0, SEEK_SET) < 0 || !fd_read_file (fd, OUTPUT_MAX, &text, NULL, NULL))
    return g_strdup ("");
  return text;
}

/* without_itself: the lines but that of ps: the one that has its pid as a word and its name, or, where no pids are shown, its command line. */
static char *
without_itself (const char *text, int pid, char *const *argv)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *number = g_strdup_printf ("%d", pid), *command = g_strjoinv (" ", (char **) (uintptr_t) argv);
  gboolean dropped = FALSE;
  GString *out = g_string_new (NULL);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit_set (*line, " \t", -1);
      gboolean itself = !dropped && line > lines && ((g_strv_contains ((const char *const *) words, number) && strstr (*line, "ps") != NULL) || strstr (*line, command) != NULL);
      dropped |= itself;
      if (!itself && (line[1] != NULL || **line != '\0'))
        g_string_append_printf (out, "%s\n", *line);
    }
  return g_string_free (out, FALSE);
}

static gboolean
failed (int status, const char *said, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_SYSTEM, "ps(1) failed with exit code %d: %s", status, said);
}

/* ---- the host's */

/* run_host: @ret_begun: FALSE: it cannot be run here, for its /proc cannot be mounted or the like. */
static gboolean
run_host (const PsChild *child, int tell, gboolean *ret_begun, int *ret_pid, int *ret_status, GError **error)
{
  pid_t pid = fork ();
  if (pid < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "starting ps(1)");
    }
  if (pid == 0)
    ps_child (child);
  fd_close (child->tell);
  int numbers[2] = { 0, -ECHILD }, status;
  if (fd_read_all (tell, numbers, sizeof numbers) != sizeof numbers)
    numbers[1] = -ECHILD;
  int r = proc_wait (pid, &status);
  if (r < 0)
    return coracle_throw_errno (error, -r, "waiting for ps(1)");
  *ret_begun = numbers[1] == 0;
  *ret_pid = numbers[0];
  *ret_status = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
  return TRUE;
}

static gboolean
host_ps (int pidfd, pid_t init, const char *program, char *const *argv, gboolean *ret_begun, char **ret_text, GError **error)
{
  static char *environment[] = { (char *) "PATH=/usr/local/bin:/usr/bin:/bin", (char *) "LANG=C", NULL };
  cleanup_fd int out = memfd_create ("ps", MFD_CLOEXEC), said = memfd_create ("ps", MFD_CLOEXEC);
  int tell[2];
  if (out < 0 || said < 0 || pipe2 (tell, O_CLOEXEC) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "starting ps(1)");
    }
  cleanup_fd int from = tell[0];
  PsChild child = {
    .pidfd = pidfd, .flags = (same_namespace (init, "user") ? 0 : CLONE_NEWUSER) | (same_namespace (init, "pid") ? 0 : CLONE_NEWPID), .output = out, .error_output = said, .tell = tell[1],
    .program = program, .argv = argv, .envp = environment,
  };
  int pid, status;
  if (!run_host (&child, from, ret_begun, &pid, &status, error))
    return FALSE;
  g_autofree char *text = read_all (out), *problem = read_all (said);
  if (*ret_begun && status != 0)
    return failed (status, problem, error);
  if (*ret_begun)
    *ret_text = without_itself (text, pid, argv);
  return TRUE;
}

/* ---- the container's */

static gboolean
container_own_ps (Storage *storage, const ContainerView *view, char *const *argv, char **ret_text, GError **error)
{
  cleanup_fd int out = memfd_create ("ps", MFD_CLOEXEC), said = memfd_create ("ps", MFD_CLOEXEC);
  ContainerExec request = { .argv = (const char *const *) argv, .user = "0", .hidden = TRUE, .out_fd = out, .err_fd = said };
  g_auto (ContainerExecResult) result = { 0 };
  if (!container_exec (storage, view, &request, &result, error))
    return FALSE;
  g_autofree char *text = read_all (out), *problem = read_all (said);
  if (result.status != 0)
    return failed (result.status, problem, error);
  *ret_text = without_itself (text, -1, argv);
  return TRUE;
}

gboolean
container_ps (Storage *storage, const ContainerView *view, int pidfd, pid_t init, const char *const *words, char **ret_text, GError **error)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (argv, g_strdup ("ps"));
  for (; *words != NULL; words++)
    {
      g_auto (GStrv) parts = g_strsplit (*words, " ", -1);
      for (char **part = parts; *part != NULL; part++)
        if (**part != '\0')
          g_ptr_array_add (argv, g_strdup (*part));
    }
  g_ptr_array_add (argv, NULL);
  g_autofree char *program = may_trace (init) ? NULL : g_find_program_in_path ("ps");
  gboolean begun = FALSE;
  if (program != NULL && !host_ps (pidfd, init, program, (char *const *) argv->pdata, &begun, ret_text, error))
    return FALSE;
  return begun || container_own_ps (storage, view, (char *const *) argv->pdata, ret_text, error);
}
