/* hook: OCI hooks that the command runs itself, and the state that all of them read (runtime-spec: config.md "POSIX-platform Hooks", runtime.md "State"). */
#pragma once

#include <glib.h>
#include <jansson.h>

/* runtime_hook_state: the state of the container that @config describes, as JSON text in which @PID@ and @STATUS@ are still to be filled in. Free with g_free. */
char *runtime_hook_state (json_t *config, const char *id, const char *bundle);

/* runtime_hooks_run: run @hooks (an array of OCI hook objects; NULL = none) one after the other; a failure does not keep the next from running.
 * @state: of runtime_hook_state. @pid: as /proc here shows it; 0 when the container has ended. @status: "running", "stopped" …
 * Errors: SYSTEM the first that failed, with its path and how it ended.   Runs in: one thread. */
gboolean runtime_hooks_run (json_t *hooks, const char *state, int pid, const char *status, GError **error);
