#include <stdio.h>

#include "cmd/common/session.h"
#include "pkg/engine/volume.h"

static const CliOption options[] = {
  { "driver", 'd', CLI_STRING, .help = "Who keeps it; there is local alone", .value = "local" },
  { "gid", 0, CLI_UINT, .help = "The group that it belongs to" },
  { "ignore", 0, CLI_BOOL, .help = "Do not mind a volume of that name that is there already" },
  { "label", 'l', CLI_LIST, .help = "Remember a label with the volume (KEY[=VALUE])" },
  { "opt", 'o', CLI_LIST, .help = "An option of the driver (NAME=VALUE)",
    .man = "type=TYPE, device=WHAT and o=WORD[,WORD...], as for mount(8): something is mounted in the volume's place wherever it is used. type=bind (or o=bind) with a folder's path: that folder; type=tmpfs "
           "(with o=size=64m, mode=700 and the like): memory, which all containers that run with it share, and which is empty again when none does. Other filesystems only root may mount, as a rule; the "
           "kernel's word about it comes when a container uses the volume. Of o's words uid=ID and gid=ID are as --uid and --gid; nocopy: its first container does not fill it with what the image has in "
           "its place. copy and nocopy may be given by themselves as well." },
  { "uid", 0, CLI_UINT, .help = "The user that it belongs to" },
  CLI_END
};

static int
volume_create_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const VolumeCreate request = {
    .name = cli_args_arg (args, 0), .driver = cli_args_string (args, "driver"), .labels = cli_args_list (args, "label"), .options = cli_args_list (args, "opt"),
    .uid = cli_args_is_set (args, "uid") ? cli_args_int (args, "uid") : -1, .gid = cli_args_is_set (args, "gid") ? cli_args_int (args, "gid") : -1, .ignore = cli_args_bool (args, "ignore"),
  };
  g_auto (Session) session = { 0 };
  g_autofree char *name = NULL;
  if (!session_open (&session, context, TRUE, error) || !volume_create (session.storage, &request, &name, error))
    return CLI_FAILED;
  puts (name);
  return 0;
}

const CliCommand cmd_volume_create = {
  .names = "volume create",
  .usage = "[NAME]",
  .summary = "Make a volume",
  .description = "Make an empty volume, and print its name, which is made up if none is given. Its first container fills it with what the image has in its place.",
  .examples = "volume create data\nvolume create --label app=web --uid 33 --gid 33 www\nvolume create -o type=tmpfs -o o=size=64m,mode=1777 scratch\nvolume create -o type=bind -o device=/srv/data shared\n",
  .options = { options },
  .max_args = 1,
  .run = volume_create_run,
};
