/* container_hooks: OCI hooks of a container: which it gets, and those that run when nothing of the runtime is there. Internal to pkg/engine. */
#pragma once

#include "pkg/engine/container_make.h"

/* hooks_words: --hooks-dir; without it, for real root, Podman's folders. *@ret_hooks: new reference, or NULL. Errors: as spec_hooks_read. */
gboolean hooks_words (const Make *make, json_t *annotations, json_t **ret_hooks, GError **error);

/* hooks_poststart: @pid: init, as the host sees it. Errors: SYSTEM a hook failed; the container goes on (runtime-spec, lifecycle). */
gboolean hooks_poststart (const Make *make, pid_t pid, GError **error);
/* hooks_has_poststart: does config.json @config name such hooks? */
gboolean hooks_has_poststart (json_t *config);
/* hooks_poststart_of: the same of a container that was made before. @config: its config.json. @folder: containers/ID, absolute. */
gboolean hooks_poststart_of (json_t *config, const char *id, const char *folder, pid_t pid, GError **error);

/* hooks_poststop_record: what whoever cleans up must know of the poststop hooks, for the container's row; NULL = there are none. */
json_t *hooks_poststop_record (const Make *make);
/* hooks_poststop: run them. @record: of hooks_poststop_record, NULL = nothing to do. Errors: SYSTEM a hook failed; the clean-up goes on. */
gboolean hooks_poststop (json_t *record, GError **error);
