/* image_commands: the commands of coracle-image. Their tables (cmd/common/NAME.c: const CliCommand cmd_NAME, .program "coracle-image", .run
 * NULL) are linked into coracle too, for its help and the completions; cmd/coracle-image/NAME.c has int NAME_run, a CliRunFunc.
 * One line here makes a command known to both programs. */
#pragma once

#include "pkg/cli/cli.h"

#define IMAGE_COMMANDS(X) \
  X (artifact_add)           \
  X (artifact_extract)       \
  X (artifact_inspect)       \
  X (artifact_ls)            \
  X (artifact_pull)          \
  X (artifact_push)          \
  X (artifact_rm)            \
  X (commit)               \
  X (cp)                   \
  X (export)               \
  X (image_sign)           \
  X (import)               \
  X (load)                 \
  X (login)                \
  X (logout)               \
  X (manifest_add)         \
  X (manifest_annotate)    \
  X (manifest_create)      \
  X (manifest_inspect)     \
  X (manifest_push)        \
  X (manifest_remove)      \
  X (pull)                 \
  X (push)                 \
  X (save)                 \
  X (search)               \
  X (system_check)         \
  X (volume_export)        \
  X (volume_import)

#define IMAGE_DECLARE(name) extern const CliCommand cmd_##name;
IMAGE_COMMANDS (IMAGE_DECLARE)
#undef IMAGE_DECLARE

/* The groups that the paths of both programs' commands lead through: cmd/common/groups.c. */
extern const CliCommand cmd_artifact, cmd_container, cmd_generate, cmd_healthcheck_group, cmd_image, cmd_image_trust, cmd_manifest, cmd_network, cmd_system, cmd_volume;
