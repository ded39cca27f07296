#include <stdio.h>
#include <unistd.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/volume.h"

/* each: print what is said of every volume that is named. A volume is a folder and always there: nothing is mounted, nor can be unmounted. */
static int
each (const CliContext *context, const CliArgs *args, gboolean paths, GError **error)
{
  if (geteuid () != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot run command \"%s\" in rootless mode, must execute `%s unshare` first", context->path, context->program), CLI_FAILED;
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  int status = 0;
  for (const char *const *name = cli_args_argv (args); *name != NULL; name++)
    {
      g_autoptr (GError) problem = NULL;
      g_autoptr (Volume) volume = volume_find (session.storage, *name, &problem);
      g_autofree char *path = volume != NULL && paths ? volume_data (session.storage, volume) : NULL;
      if (volume != NULL)
        puts (path != NULL ? path : volume->name);
      else
        {
          (void) fflush (stdout);
          dispatch_print_error (problem);
          status = cli_exit_status (problem);
        }
    }
  return status;
}

static int
volume_mount_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return each (context, args, TRUE, error);
}

static int
volume_unmount_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return each (context, args, FALSE, error);
}

const CliCommand cmd_volume_mount = {
  .names = "volume mount",
  .usage = "VOLUME [VOLUME...]",
  .summary = "Print where the files of volumes are",
  .description = "Print the path of the folder that holds a volume's files. Without being root it is of use within `unshare`, where the files' owners can be dealt with.",
  .examples = "volume mount data\n",
  .min_args = 1,
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_VOLUME,
  .complete_rest = CLI_COMPLETE_VOLUME,
  .run = volume_mount_run,
};

const CliCommand cmd_volume_unmount = {
  .names = "volume unmount|umount",
  .usage = "VOLUME [VOLUME...]",
  .summary = "The counterpart of mount, which volumes do not need",
  .description = "Print the names of the volumes. Their files stay where they are: nothing had to be mounted.",
  .min_args = 1,
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_VOLUME,
  .complete_rest = CLI_COMPLETE_VOLUME,
  .run = volume_unmount_run,
};
