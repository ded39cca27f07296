/* sandbox: what coracle-port is left with. */
#pragma once

#include <stdbool.h>

/* sandbox_enter. Should: leave no capability but those that a client's address needs in the container's network namespace (CAP_NET_RAW and CAP_NET_BIND_SERVICE;
 * @routes: and CAP_NET_ADMIN), none to be had, and only the system calls of filter.c: no file, no program, no socket but internet ones.
 * Mustn't: be left half done: false means a step that must succeed did not, and the caller exits. */
bool sandbox_enter (bool routes);

/* filter_load: the seccomp filter. */
bool filter_load (void);
