#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  { "archive", 'a', CLI_BOOL, .help = "Give what is copied into a container to its user; =false: keep the owners", .value = "true" },
  { "overwrite", 0, CLI_BOOL, .help = "Let a folder take the place of a file, and the reverse" },
  CLI_END
};

const CliCommand cmd_cp = {
  .names = "cp, container cp", .usage = "[CONTAINER:]SRC_PATH [CONTAINER:]DEST_PATH", .summary = "Copy files into a container, out of it, or from one to another",
  .description = "Copies a file, or a folder with all that is in it, between a container and the host, or between two containers, which may be running or not. A container's path that does not "
                 "begin with a slash is taken from its working folder. As source `-` is a tar archive on standard input, compressed or not, to be unpacked in a folder; as target it is one on "
                 "standard output. A path of the host with a colon in it is written with `/` or `./` before it.\n\n"
                 "A file goes to the path given, or into the folder of that path. A folder goes into the folder that is there, under its own name, or becomes what is not there yet; a source that "
                 "ends in `/.` means what is in it. The folder that the target is in must exist. Links within a folder are copied as links; one that is named itself is followed, but never out of "
                 "the container.\n\n"
                 "What comes to the host belongs to you.",
  .examples = "cp app.conf web:/etc/app.conf\ncp web:/var/log/app ./logs\ncp web:/data/. backup:/data\ncp - web:/srv < files.tar.gz\n", .options = { options }, .min_args = 2, .max_args = 2,
  .complete = CLI_COMPLETE_FILE, .complete_rest = CLI_COMPLETE_FILE, .program = "coracle-image",
};
