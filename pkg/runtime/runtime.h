/* runtime: executes an OCI runtime-spec config.json.
 *
 * The parent (runtime.c, plan.c) turns the JSON into a const RuntimePlan: paths, masks, formatted strings, the seccomp program. Two children perform it without
 * allocating (helper_child.c, init_child.c):
 *
 *   the command     user namespace and mount namespace of its own (idmap_enter), host pid, net, ipc, uts
 *    └─ helper      + pid 1 of a new pid namespace; starts coracle-slirp; clones init; execs coracle-monitor
 *        └─ init    + nested pid, mount, net, ipc, uts, cgroup namespaces; walks the stages; execs the container's command
 *
 * A stage that fails writes {stage, errno} to the status pipe; end of file there means init and monitor have both exec'd: "running". */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/idmap/idmap.h"
#include "pkg/monitor/protocol.h"
#include "pkg/seccomp/seccomp.h"

typedef struct RuntimePlan RuntimePlan;
