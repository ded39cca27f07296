/* sysctl: --sysctl NAME=VALUE. */
#pragma once

#include <glib.h>

typedef enum { SPEC_SYSCTL_NET, SPEC_SYSCTL_IPC } SpecSysctlNamespace;   /* whose it is: only a namespace's own may be set */

/* spec_sysctl_parse: @ret_name: with dots or slashes as given ("net.ipv4.ip_forward"). Only names that belong to a network or IPC namespace are allowed;
 * refuse those of a namespace that is the host's with spec_sysctl_check. Errors: INVALID. */
gboolean spec_sysctl_parse (const char *text, char **ret_name, char **ret_value, SpecSysctlNamespace *ret_namespace, GError **error);

/* spec_sysctl_check: @own_net, @own_ipc: does the container have a namespace of its own? Errors: INVALID. */
gboolean spec_sysctl_check (const char *name, const char *value, SpecSysctlNamespace ns, gboolean own_net, gboolean own_ipc, GError **error);

/* spec_sysctl_path: the file below /proc/sys: "net/ipv4/ip_forward". Whichever of "." and "/" comes first separates; the other is part of a
 * name (an interface "eth0.100"), as in sysctl(8). */
char *spec_sysctl_path (const char *name);
