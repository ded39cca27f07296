/* sandbox: what a process gives up before bytes of a container reach it. Plain C. Runs in: one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* sandbox_leave_files: a mount namespace of our own whose root is an empty tmpfs; @resolver: with /etc/resolv.conf in it, which follows the host's where that is a link. Needs CAP_SYS_ADMIN.
 * FALSE: it could not be done, and nothing has changed. */
bool sandbox_leave_files (bool resolver);

/* sandbox_keep_capabilities: these alone of those that are held, a bit for each, now and for whatever is run later; and no_new_privs. FALSE: errno. */
bool sandbox_keep_capabilities (uint64_t kept);

/* sandbox_no_core: no core file with what went through it. */
void sandbox_no_core (void);
