#include <stdio.h>

#include "cmd/common/select.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_top.h"

static const CliOption options[] = { SELECT_OPTION_LATEST, CLI_END };

static const SelectRequest request = { .none = "you must provide the name or id of a running container" };

static int
top_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, error);
  g_autoptr (Storage) storage = paths != NULL ? storage_open (paths, error) : NULL;
  if (storage == NULL)
    return CLI_FAILED;
  const char *const *words = NULL;
  g_autoptr (ContainerView) view = select_first (storage, context, args, &request, &words, error);
  if (view == NULL)
    {
      if (error != NULL && g_error_matches (*error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        coracle_prefix (error, "unable to look up requested container");
      return CLI_FAILED;
    }
  g_autofree char *text = NULL;
  gboolean table;
  if (!container_top (storage, view, words, &text, &table, error))
    return CLI_FAILED;
  g_autoptr (GString) out = g_string_new (NULL);
  if (table)
    text_columns (text, 12, 2, out);
  fputs (table ? out->str : text, stdout);
  return 0;
}

const CliCommand cmd_top = {
  .names = "top, container top",
  .usage = "CONTAINER [FORMAT-DESCRIPTORS|ARGS]",
  .summary = "Show the processes of a container",
  .description = "Show the processes of a running container. What is shown is chosen by descriptors, alone or with commas between them: args, capamb, capbnd, capeff, capinh, capprm, comm, etime, "
                 "gid, group, groups, hgid, hgroup, hgroups, hpid, huid, huser, label, nice, pcpu, pgid, pid, ppid, rgroup, ruser, seccomp, state, stime, time, tty, uid, user, vsz, and AIX's, "
                 "%C, %G, %P, %U, %a, %c, %g, %n, %p, %r, %t, %u, %x, %y, %z. Those that begin with an h show what the host sees.\n\n"
                 "With any other word all of them are arguments of ps(1): the host's, run in the container's pid namespace; or the container's own, when the container has CAP_SYS_PTRACE.",
  .examples = "top web\ntop web pid user args\ntop web -eo pid,comm\n",
  .options = { options },
  .max_args = CLI_ANY,
  .stop_at_args = TRUE,
  .complete = CLI_COMPLETE_RUNNING,
  .run = top_run,
};
