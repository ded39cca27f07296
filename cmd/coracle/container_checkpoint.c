/* container checkpoint and container restore: known, so that a script hears why there is none rather than that a word is misspelt: freezing a tree of processes into files and thawing
 * it is CRIU's work, which needs root (CAP_SYS_ADMIN and CAP_CHECKPOINT_RESTORE in the initial user namespace: criu(8)), and a runtime that drives it. */
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/cli/cli.h"

static const CliOption checkpoint_options[] = {
  { "all", 'a', CLI_BOOL, .help = "All containers that run" },
  { "compress", 'c', CLI_STRING, .help = "How the archive is compressed" },
  { "create-image", 0, CLI_STRING, .help = "Make an image of the checkpoint" },
  { "export", 'e', CLI_STRING, .help = "Write the checkpoint to this archive" },
  { "file-locks", 0, CLI_BOOL, .help = "With the locks of files" },
  { "ignore-rootfs", 0, CLI_BOOL, .help = "Leave out what was changed in the root filesystem" },
  { "ignore-volumes", 0, CLI_BOOL, .help = "Leave out the volumes" },
  { "keep", 'k', CLI_BOOL, .help = "Keep the temporary files" },
  { "latest", 'l', CLI_BOOL, .help = "The container made last" },
  { "leave-running", 'R', CLI_BOOL, .help = "Let it run on" },
  { "pre-checkpoint", 'P', CLI_BOOL, .help = "Write its memory only, while it runs" },
  { "print-stats", 0, CLI_BOOL, .help = "Tell how long it took" },
  { "tcp-established", 0, CLI_BOOL, .help = "With the open TCP connections" },
  { "with-previous", 0, CLI_BOOL, .help = "On top of an earlier pre-checkpoint" },
  CLI_END
};

static const CliOption restore_options[] = {
  { "all", 'a', CLI_BOOL, .help = "All containers that were checkpointed" },
  { "file-locks", 0, CLI_BOOL, .help = "With the locks of files" },
  { "ignore-rootfs", 0, CLI_BOOL, .help = "Leave out what was changed in the root filesystem" },
  { "ignore-static-ip", 0, CLI_BOOL, .help = "With another address" },
  { "ignore-static-mac", 0, CLI_BOOL, .help = "With another MAC address" },
  { "ignore-volumes", 0, CLI_BOOL, .help = "Leave out the volumes" },
  { "import", 'i', CLI_STRING, .help = "Restore from this archive" },
  { "import-previous", 0, CLI_STRING, .help = "And from this archive of a pre-checkpoint" },
  { "keep", 'k', CLI_BOOL, .help = "Keep the temporary files" },
  { "latest", 'l', CLI_BOOL, .help = "The container made last" },
  { "name", 'n', CLI_STRING, .help = "Call it by this name" },
  { "pod", 0, CLI_STRING, .help = "Restore it into this pod" },
  { "print-stats", 0, CLI_BOOL, .help = "Tell how long it took" },
  { "publish", 'p', CLI_LIST, .help = "Publish these ports" },
  { "tcp-close", 0, CLI_BOOL, .help = "Close the TCP connections" },
  { "tcp-established", 0, CLI_BOOL, .help = "With the open TCP connections" },
  CLI_END
};

/* refuse: Podman's words for who is not root. */
static int
refuse (const char *doing, GError **error)
{
  if (geteuid () != 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s a container requires root", doing), CLI_FAILED;
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s a container needs CRIU, and a runtime that drives it: coracle's own does not", doing), CLI_FAILED;
}

static int
container_checkpoint_run (const CliContext *context, const CliArgs *args, GError **error)
{
  (void) context;
  if (cli_args_arg (args, 0) == NULL && !cli_args_bool (args, "all") && !cli_args_bool (args, "latest"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "you must provide at least one name or id"), CLI_FAILED;
  return refuse ("checkpointing", error);
}

static int
container_restore_run (const CliContext *context, const CliArgs *args, GError **error)
{
  (void) context, (void) args;
  return refuse ("restoring", error);
}

const CliCommand cmd_container_checkpoint = {
  .names = "container checkpoint",
  .usage = "[CONTAINER...]",
  .summary = "Refused: it needs root and CRIU",
  .description = "Writing the processes of a container to files, to be restored later, is the work of CRIU. It needs root, and a runtime that drives it; coracle has neither, and says so. The flags are known "
                 "so that a script of Podman's gets that answer and no other.",
  .options = { checkpoint_options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = container_checkpoint_run,
};

const CliCommand cmd_container_restore = {
  .names = "container restore",
  .usage = "[CONTAINER...]",
  .summary = "Refused: it needs root and CRIU",
  .description = "Restoring processes that a checkpoint wrote to files is the work of CRIU: see container checkpoint. The flags are known so that a script of Podman's gets that answer and no other.",
  .options = { restore_options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = container_restore_run,
};
