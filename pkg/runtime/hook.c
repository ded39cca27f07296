#include "pkg/runtime/hook.h"

#include <string.h>
#include <sys/wait.h>

#include "pkg/base/error.h"
#include "pkg/runtime/child.h"

char *
runtime_hook_state (json_t *config, const char *id, const char *bundle)
{
  json_auto_t *state = json_pack ("{s:s, s:s, s:s}", "ociVersion", "1.0.2", "id", id, "bundle", bundle);
  json_t *root = json_object_get (json_object_get (config, "root"), "path"), *annotations = json_object_get (config, "annotations");
  if (root != NULL)
    json_object_set (state, "root", root);
  if (annotations != NULL)
    json_object_set (state, "annotations", annotations);
  g_autofree char *text = json_dumps (state, JSON_COMPACT);
  /* the marks are ours alone: what the user wrote has no other "@" than as an escape */
  g_autoptr (GString) out = g_string_new (text);
  g_string_replace (out, "@", "\\u0040", 0);
  g_string_truncate (out, out->len - 1);
  g_string_append (out, ",\"status\":\"@STATUS@\",\"pid\":@PID@}");
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static char **
text_vector (json_t *array)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    if (json_is_string (item))
      g_ptr_array_add (texts, g_strdup (json_string_value (item)));
  g_ptr_array_add (texts, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&texts), FALSE);
}

static gboolean
run_one (json_t *hook, const char *state, int pid, const char *status, GError **error)
{
  const char *path = json_string_value (json_object_get (hook, "path"));
  g_auto (GStrv) argv = text_vector (json_object_get (hook, "args")), envp = text_vector (json_object_get (hook, "env"));
  json_int_t timeout = json_integer_value (json_object_get (hook, "timeout"));
  if (path == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "OCI hook without a path");
  int wait_status = 0;
  int r = hook_child_one (path, argv, envp, timeout > 0 ? (unsigned) MIN (timeout, G_MAXINT) : 0, state, pid, status, &wait_status);
  if (r == -ECHILD && WIFSIGNALED (wait_status))
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "OCI hook %s: killed by signal %d", path, WTERMSIG (wait_status));
  if (r == -ECHILD)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "OCI hook %s: exit status %d", path, WEXITSTATUS (wait_status));
  return r == 0 || coracle_throw_errno (error, -r, "OCI hook %s", path);
}

gboolean
runtime_hooks_run (json_t *hooks, const char *state, int pid, const char *status, GError **error)
{
  gboolean all = TRUE;
  size_t i;
  json_t *hook;
  json_array_foreach (hooks, i, hook)
    if (!run_one (hook, state, pid, status, all ? error : NULL))
      all = FALSE;
  return all;
}
