#include "pkg/engine/image_scp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/image/name.h"

#define SEPARATOR "::"

void
scp_end_clear (ScpEnd *end)
{
  g_free (end->host);
  g_free (end->port);
  g_free (end->user);
  g_free (end->image);
}

void
scp_ends_clear (ScpEnds *ends)
{
  scp_end_clear (&ends->from);
  scp_end_clear (&ends->to);
}

/* ---- words */

/* split_host: "[ssh://][USER@]HOST[:PORT][/PATH]"; a socket's path, which Podman has there, means nothing to us. */
static gboolean
split_host (const char *text, ScpEnd *end, GError **error)
{
  if (g_str_has_prefix (text, "ssh://"))
    text += strlen ("ssh://");
  g_autofree char *host = g_strndup (text, strcspn (text, "/"));
  char *at = strrchr (host, '@'), *bracket = strrchr (host, ']'), *colon = strrchr (bracket != NULL ? bracket : at != NULL ? at : host, ':');
  if (colon != NULL)
    {
      end->port = g_strdup (colon + 1);
      *colon = '\0';
    }
  const char *name = at != NULL ? at + 1 : host;
  /* what begins with a dash would be an option of ssh */
  if (*name == '\0' || host[0] == '-' || *name == '-' || (end->port != NULL && (*end->port == '\0' || strspn (end->port, "0123456789") != strlen (end->port))))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid host \"%s\"", text);
  if (at != NULL && strcmp (name, "localhost") == 0 && end->port == NULL)
    end->user = g_strndup (host, (gsize) (at - host));
  else
    end->host = g_steal_pointer (&host);
  return TRUE;
}

/* parse_end: without "::" it is an image of the caller's. */
static gboolean
parse_end (const char *text, ScpEnd *ret, GError **error)
{
  const char *separator = strstr (text, SEPARATOR);
  if (separator == NULL)
    {
      ret->image = g_strdup (text);
      return TRUE;
    }
  ret->image = g_strdup (separator + strlen (SEPARATOR));
  g_autofree char *host = g_strndup (text, (gsize) (separator - text));
  return *host == '\0' || split_host (host, ret, error);
}

static gboolean
is_here (const ScpEnd *end)
{
  return end->host == NULL && end->user == NULL;
}

gboolean
scp_parse (const char *from, const char *to, ScpEnds *ret, GError **error)
{
  if (!parse_end (from, &ret->from, error) || !parse_end (to != NULL ? to : "", &ret->to, error))
    return FALSE;
  if (*ret->from.image == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "a source image must be specified: invalid argument");
  if (to != NULL && strstr (to, SEPARATOR) == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: a destination is HOST:: or USER@localhost::: invalid argument", to);
  if (*ret->to.image != '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot specify an image rename: invalid argument");
  if (is_here (&ret->from) && is_here (&ret->to))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "must specify a destination: invalid argument");
  g_autoptr (ImageName) name = image_name_parse (ret->from.image, error);
  return name != NULL || coracle_prefix (error, "%s", ret->from.image);
}

/* ---- commands */

/* command_words: what an end runs, after the program: `image save … IMAGE`, `image load`. */
static void
command_words (GPtrArray *argv, const ScpEnd *end, gboolean save, const ScpRequest *request)
{
  static const char *const saving[] = { "image", "save", "--quiet", "--format" };
  for (gsize i = 0; save && i < G_N_ELEMENTS (saving); i++)
    g_ptr_array_add (argv, g_strdup (saving[i]));
  if (save)
    {
      g_ptr_array_add (argv, g_strdup (request->format));
      g_ptr_array_add (argv, g_strdup (end->image));
      return;
    }
  g_ptr_array_add (argv, g_strdup ("image"));
  g_ptr_array_add (argv, g_strdup ("load"));
  if (request->quiet)
    g_ptr_array_add (argv, g_strdup ("--quiet"));
}

static void
add_words (GPtrArray *argv, const char *const *words)
{
  for (; *words != NULL; words++)
    g_ptr_array_add (argv, g_strdup (*words));
}

/* shell_text: the same for a shell that we know nothing of: the first tool that is there. docker knows but one format, and no option for it. */
static char *
shell_text (const ScpEnd *end, gboolean save, const ScpRequest *request)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) text = g_string_new (NULL), arguments = g_string_new (NULL);
  command_words (words, end, save, request);
  for (guint i = 0; i < words->len; i++)
    {
      g_autofree char *quoted = g_shell_quote (words->pdata[i]);
      g_string_append_printf (arguments, " %s", quoted);
    }
  g_autofree char *image = g_shell_quote (end->image);
  g_string_printf (text, "for tool in coracle podman; do if command -v $tool >/dev/null 2>&1; then exec $tool%s; fi; done; ", arguments->str);
  if (strcmp (request->format, "docker-archive") == 0)
    g_string_append_printf (text, "if command -v docker >/dev/null 2>&1; then exec docker image %s %s; fi; ", save ? "save" : "load", save ? image : "");
  g_string_append (text, "echo 'neither coracle nor podman is installed' >&2; exit 127");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* end_argv: the whole command of one end. */
static char **
end_argv (const ConfigPaths *paths, const ScpEnd *end, gboolean save, const ScpRequest *request)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *shell = shell_text (end, save, request);
  if (end->host != NULL)
    {
      add_words (argv, (const char *const[]){ "ssh", "-T", NULL });
      if (end->port != NULL)
        add_words (argv, (const char *const[]){ "-p", end->port, NULL });
      add_words (argv, (const char *const[]){ "--", end->host, shell, NULL });
    }
  else if (end->user != NULL && geteuid () == 0)
    add_words (argv, (const char *const[]){ "runuser", "-l", end->user, "-c", shell, NULL });
  else if (end->user != NULL)
    add_words (argv, (const char *const[]){ "sudo", "-H", "-u", end->user, "--", "sh", "-c", shell, NULL });
  else
    {
      add_words (argv, (const char *const[]){ "/proc/self/exe", "--root", paths->root, "--runroot", paths->run_root, NULL });
      command_words (argv, end, save, request);
    }
  g_ptr_array_add (argv, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&argv), FALSE);
}

/* where: of an end, for messages. */
static const char *
where (const ScpEnd *end)
{
  return end->host != NULL ? end->host : end->user != NULL ? end->user : "this machine";
}

/* ---- both ends */

/* start: with @in or @out as its standard input or output, -1: ours. 0 with @error. */
static pid_t
start (char **argv, int in, int out, GError **error)
{
  GPid pid = 0;
  g_autoptr (GError) problem = NULL;
  if (g_spawn_async_with_fds (NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | (in < 0 ? G_SPAWN_CHILD_INHERITS_STDIN : 0), NULL, NULL, &pid, in, out, -1, &problem))
    return pid;
  gboolean missing = g_error_matches (problem, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
  if (missing)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "exec: \"%s\": executable file not found in $PATH", argv[0]);
  else
    coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s", problem->message);
  return 0;
}

static gboolean
check_end (int status, const char *what, const ScpEnd *end, GError **error)
{
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return TRUE;
  if (WIFSIGNALED (status))
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s on %s was ended by signal %d", what, where (end), WTERMSIG (status));
  return coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s on %s failed: exit status %d", what, where (end), WEXITSTATUS (status));
}

gboolean
image_scp (const ConfigPaths *paths, const ScpEnds *ends, const ScpRequest *request, GError **error)
{
  int pipe_fds[2], saved = 0, loaded = 0;
  if (pipe2 (pipe_fds, O_CLOEXEC) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "pipe");
    }
  cleanup_fd int read_fd = pipe_fds[0], write_fd = pipe_fds[1];
  g_auto (GStrv) save = end_argv (paths, &ends->from, TRUE, request), load = end_argv (paths, &ends->to, FALSE, request);
  cleanup_pid pid_t saver = start (save, -1, write_fd, error), loader = saver > 0 ? start (load, read_fd, -1, error) : 0;
  if (loader == 0)
    return FALSE;
  fd_close (fd_steal (&read_fd));
  fd_close (fd_steal (&write_fd));
  (void) proc_wait (proc_steal_pid (&loader), &loaded);
  (void) proc_wait (proc_steal_pid (&saver), &saved);
  /* who cannot save is the cause of a load that fails, unless the load ended first and the pipe broke */
  if (WIFEXITED (saved) && WEXITSTATUS (saved) != 0 && !check_end (saved, "save", &ends->from, error))
    return FALSE;
  return check_end (loaded, "load", &ends->to, error) && check_end (saved, "save", &ends->from, error);
}
