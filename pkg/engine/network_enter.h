/* network_enter: a command of the user's inside the network namespace that all named networks share. */
#pragma once

#include <glib.h>

#include "pkg/config/paths.h"

/* network_enter: this process goes there, and sees at /etc/resolv.conf the name servers that are reached from there. @ret_keeper: a descriptor: while anybody has it the namespace stays;
 * it is not closed on exec. Runs in: the user namespace and a mount namespace of its own. Errors: SYSTEM what coracle-netd says, or the kernel. */
gboolean network_enter (const ConfigPaths *paths, gboolean single, int *ret_keeper, GError **error);
