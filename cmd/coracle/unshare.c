#include "cmd/coracle/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/engine/network_enter.h"
#include "pkg/idmap/idmap.h"

static const CliOption options[] = {
  { "rootless-netns", 0, CLI_BOOL, .alias = "rootless-cni", .help = "Also in the network namespace that all named networks share",
    .man = "Also in the network namespace that all named networks share: containers on them are reached by their addresses from there, and the machine as from a container. It stays for as long as the "
           "command runs. At /etc/resolv.conf are the name servers that are reached from there." },
  CLI_END
};

static gboolean
enter (const ConfigPaths *paths, gboolean network, GError **error)
{
  IdmapPending *pending = NULL;
  g_autoptr (IdMap) map = NULL;
  int keeper;
  return path_mkdirs (paths->run_root, 0700, error) && idmap_begin (paths->run_root, FALSE, &pending, error) && idmap_enter (pending, &map, error)
         && (!network || network_enter (paths, map->mode == IDMAP_SINGLE, &keeper, error));
}

static int
unshare_run (const CliContext *context, const CliArgs *args, GError **error)
{
  if (geteuid () == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "please use unshare with rootless"), CLI_FAILED;
  g_autoptr (ConfigPaths) paths = config_paths_new (context->root, context->run_root, error);
  if (paths == NULL || !enter (paths, cli_args_bool (args, "rootless-netns"), error))
    return CLI_FAILED;
  const char *shell = getenv ("SHELL");
  char *const usual[] = { (char *) (shell != NULL && *shell == '/' ? shell : "/bin/sh"), NULL };
  char *const *argv = cli_args_count (args) > 0 ? (char *const *) cli_args_argv (args) : usual;
  (void) setenv ("CONTAINERS_GRAPHROOT", paths->root, TRUE);
  (void) setenv ("CONTAINERS_RUNROOT", paths->run_root, TRUE);
  (void) setenv (CONFIG_UNSHARED, "1", TRUE);
  /* --out and --noout: here the command's output is ours */
  fflush (stdout);
  if (fileno (stdout) != STDOUT_FILENO)
    (void) dup2 (fileno (stdout), STDOUT_FILENO);
  execvp (argv[0], argv);
  int errsv = errno;
  coracle_throw (error, errsv == ENOENT ? CORACLE_ERROR_NO_COMMAND : CORACLE_ERROR_CANNOT_INVOKE, "%s: %s", argv[0], g_strerror (errsv));
  return CLI_FAILED;
}

const CliCommand cmd_unshare = {
  .names = "unshare",
  .usage = "[COMMAND [ARG...]]",
  .summary = "Run a command in the user namespace of the containers",
  .description = "Runs a command, or a shell, as root of the user namespace that all your containers share, in a mount namespace of its own. There your own files are root's, and those of "
                 "containers have the owners that containers see: what only a container's user may change can be looked at, changed and removed.\n\n"
                 "In its environment CONTAINERS_GRAPHROOT and CONTAINERS_RUNROOT name the store and the run folder. The exit status is the command's.",
  .examples = "unshare\nunshare cat /proc/self/uid_map\nunshare rm -rf ~/volumes/web\nunshare --rootless-netns curl http://10.88.0.2\n",
  .options = { options },
  .max_args = CLI_ANY,
  .stop_at_args = TRUE,
  .run = unshare_run,
};
