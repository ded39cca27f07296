/* child: what the monitor performs of a plan. Everything here is libc and raw system calls; nothing allocates. */
#pragma once

#include "pkg/runtime/plan.h"

/* What stands outside of the runtime and is called by it: the network, which belongs to a floor above. coracle-monitor fills it in. */
typedef struct {
  int (*spawn) (const char *program, char *const *envp, int *ret_socket, pid_t *ret_pid);   /* in the helper: start the network's server */
  int (*attach) (int socket);                                                               /* in init: connect the network namespace to it */
  int (*loopback) (void);                                                                   /* in init: only lo */
} RuntimeNetwork;

/* helper_child_start: as pid 1 of the monitor's pid namespace: start slirp and the overlay's server, clone init, run the runtime hooks.
 * Host: mount namespace of the command (a slave of the host's), network, ipc, uts. Own: user namespace (shared by all containers), pid. All capabilities over the user namespace.
 * @ret_start: the plan's MonitorStart with what was learnt. Returns 0; on failure it has been reported on the status socket and -1 is returned: exit. */
int helper_child_start (const RuntimePlan *plan, const RuntimeNetwork *network, MonitorStart *ret_start);

/* init_child_run: the container's init, from clone to exec. Never returns. @sync_fd: read one byte from it before the mounts' last stages (the runtime hooks are done); -1 = none.
 * @terminal_fd: socket on which the terminal's master is sent; -1 = none. @slirp_socket: where the tap goes; -1 = none. */
_Noreturn void init_child_run (const RuntimePlan *plan, const RuntimeNetwork *network, int sync_fd, int terminal_fd, int slirp_socket);

/* ---- stages in files of their own; each returns 0 or -errno and sets *ret_detail where the plan has a list */
int mount_child_all (const RuntimePlan *plan, int root_fd, int terminal_fd, int *ret_slave, int *ret_proc_fd, int *ret_detail);
int mount_child_mask (const RuntimePlan *plan, int null_tree, int *ret_detail);
int mount_child_readonly (const RuntimePlan *plan, int *ret_detail);
int mount_child_copyup (int from_fd, int to_fd);
int device_child_all (const RuntimePlan *plan, int root_fd, int *ret_detail);
int process_child_caps_bounding (const RuntimePlan *plan);
int process_child_user (const RuntimePlan *plan);
int hook_child_run (const RuntimePlan *plan, PlanList hooks, int pid, const char *status, int *ret_detail, int *ret_wait_status);
