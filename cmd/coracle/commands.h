/* commands: every command that coracle knows. A command of its own is one file here, cmd/coracle/NAME.c, with const CliCommand cmd_NAME
 * (see pkg/cli/cli.h), and one line below; the commands of coracle-image are in cmd/common/image_commands.h. */
#pragma once

#include "cmd/common/image_commands.h"

#define CORACLE_COMMANDS(X) \
  X (attach)                \
  X (container_cleanup)     \
  X (container_checkpoint)  \
  X (container_clone)       \
  X (container_diff)        \
  X (container_exists)      \
  X (container_inspect)     \
  X (container_prune)       \
  X (container_restore)     \
  X (create)                \
  X (diff)                  \
  X (events)                \
  X (exec)                  \
  X (generate_spec)         \
  X (healthcheck)           \
  X (help)                  \
  X (history)               \
  X (image_diff)            \
  X (image_exists)          \
  X (image_inspect)         \
  X (image_mount)           \
  X (image_prune)           \
  X (image_scp)             \
  X (image_tree)            \
  X (image_trust_set)       \
  X (image_trust_show)      \
  X (image_unmount)         \
  X (images)                \
  X (info)                  \
  X (init)                  \
  X (inspect)               \
  X (kill)                  \
  X (logs)                  \
  X (manifest_exists)       \
  X (manifest_rm)           \
  X (mount)                 \
  X (port)                  \
  X (network_connect)       \
  X (network_create)        \
  X (network_disconnect)    \
  X (network_exists)        \
  X (network_inspect)       \
  X (network_ls)            \
  X (network_prune)         \
  X (network_reload)        \
  X (network_rm)            \
  X (network_update)        \
  X (pause)                 \
  X (ps)                    \
  X (rename)                \
  X (restart)               \
  X (rm)                    \
  X (rmi)                   \
  X (run)                   \
  X (runlabel)              \
  X (start)                 \
  X (stats)                 \
  X (stop)                  \
  X (system_df)             \
  X (system_migrate)        \
  X (system_prune)          \
  X (system_renumber)       \
  X (system_reset)          \
  X (tag)                   \
  X (top)                   \
  X (unmount)               \
  X (unpause)               \
  X (unshare)               \
  X (untag)                 \
  X (update)                \
  X (version)               \
  X (volume_create)         \
  X (volume_exists)         \
  X (volume_inspect)        \
  X (volume_ls)             \
  X (volume_mount)          \
  X (volume_prune)          \
  X (volume_reload)         \
  X (volume_rm)             \
  X (volume_unmount)        \
  X (wait)

#define CORACLE_DECLARE(name) extern const CliCommand cmd_##name;
CORACLE_COMMANDS (CORACLE_DECLARE)
#undef CORACLE_DECLARE

/* All of both and the groups, NULL-terminated. */
extern const CliCommand *const coracle_commands[];
