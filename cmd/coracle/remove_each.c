#include "cmd/coracle/remove_each.h"

#include <stdio.h>

#include "cmd/common/dispatch.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_stop.h"

enum { REMOVE_MISSING = 1, REMOVE_USED = 2 };

gboolean
remove_check (const CliArgs *args, GError **error)
{
  return !cli_args_is_set (args, "time") || cli_args_bool (args, "force") || coracle_throw (error, CORACLE_ERROR_INVALID, "--force option must be specified to use the --time option");
}

/* remove_one: the exit status. */
static int
remove_one (Session *session, const char *name, gboolean force, gint64 timeout, RemoveFunc remove)
{
  g_autoptr (GError) problem = NULL;
  if (remove (session->storage, name, force, timeout, &problem))
    {
      puts (name);
      return 0;
    }
  gboolean missing = g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  if (missing && force)
    return 0;
  (void) fflush (stdout);
  dispatch_print_error (problem);
  return missing ? REMOVE_MISSING : g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE) ? REMOVE_USED : cli_exit_status (problem);
}

int
remove_each (Session *session, const CliArgs *args, const char *const *names, RemoveFunc remove)
{
  gint64 timeout = cli_args_is_set (args, "time") ? cli_args_int (args, "time") : CONTAINER_OWN_TIMEOUT;
  int worst = 0;
  for (; *names != NULL; names++)
    {
      int status = remove_one (session, *names, cli_args_bool (args, "force"), timeout, remove);
      worst = MAX (worst, status);
    }
  return worst;
}
