/* child: what the monitor performs of a plan. Everything here is libc and raw system calls; nothing allocates. */
#pragma once

#include "pkg/runtime/plan.h"

typedef struct NestedTrees NestedTrees;

/* What stands outside of the runtime and is called by it: the network, which belongs to a floor above. coracle-monitor fills it in. */
typedef struct {
  /* @network: the plan's bytes of that name, whose form is that floor's */
  int (*spawn) (const char *program, char *const *envp, const void *network, uint32_t pause_ms, int *ret_socket, pid_t *ret_pid);   /* in the helper: start its server */
  int (*attach) (int socket, const void *network);                                          /* in init: connect the network namespace to it */
  int (*attach_again) (int socket, const void *network);                                    /* in a child of the monitor's that joined it: to another server */
  int (*loopback) (void);                                                                   /* in init: only lo */
  int (*supervise) (const void *network, int *ret_socket, pid_t *ret_pid);                  /* in the helper: who is asked about each connect(2) */
  int (*ask) (int socket);                                                                  /* in init, with CAP_SYS_ADMIN: from here on */
  int (*keep_ports) (const char *program, int table, int *ret_socket, pid_t *ret_pid);      /* in the helper: published ports, for all starts */
  int (*attach_ports) (int socket, int table);                                              /* in init: lead them into its network namespace */
} RuntimeNetwork;

/* helper_child_start: as pid 1 of the monitor's pid namespace: start slirp and the overlay's server, clone init, run the runtime hooks.
 * Host: mount namespace of the command (a slave of the host's), network, ipc, uts. Own: user namespace (shared by all containers), pid. All capabilities over the user namespace.
 * @ret_start: the plan's MonitorStart with what was learnt. Returns 0; on failure it has been reported on the status socket and -1 is returned: exit, or, at a later start,
 * end the init that may be in @ret_start. Either way the descriptors that only init needs are closed. */
int helper_child_start (const RuntimePlan *plan, const RuntimeNetwork *network, MonitorStart *ret_start);
/* helper_child_close: the descriptors of @plan that only init needs. */
void helper_child_close (const RuntimePlan *plan);
/* helper_child_proc_pid: the number that the process behind @pidfd has in /proc, the host's, and so for whoever is outside; ours is of a pid namespace of our own. 0: unknown.
 * Source: pidfd_open(2), fdinfo's "Pid:". */
int helper_child_proc_pid (int pidfd);

/* helper_child_report: tell the command which process it is about: @pid: helper_child_proc_pid, where /proc is the command's own; 0: it learns the pid from the pidfd's fdinfo, if the process lives by then. 0 or -errno. */
int helper_child_report (int status_fd, int pidfd, int pid, int detail);

/* exec_child_start: "coracle-monitor exec": enter the user and pid namespaces of a running container, and clone a process that goes on as init_child_exec. Stays in the
 * host's mount namespace itself. @plan_fd: the plan's memfd. Returns as helper_child_start. See exec_child.c for who may see what. */
int exec_child_start (const RuntimePlan *plan, int plan_fd, MonitorStart *ret_start);
/* exec_child_terminal: a new pty of the container's devpts, by its path in the container, of which nothing is believed; the master goes over @socket. Returns the slave or -errno. */
int exec_child_terminal (const RuntimePlan *plan, int socket);

/* init_child_exec: the process of an exec session, from clone to exec. @wait: for the command's word, first. @joined: it is in all
 * of the container's namespaces. Never returns. */
_Noreturn void init_child_exec (const RuntimePlan *plan, int terminal_fd, int wait, int joined);

/* init_child_run: the container's init, from clone to exec. Never returns. @sync_fd: a byte is written to it when the mounts are made, and one read before going on (the runtime hooks are done); -1 = none.
 * @terminal_fd: socket on which the terminal's master is sent; -1 = none. @slirp_socket: where the tap goes; -1 = none.
 * @port_socket: where the network namespace goes; -1 = none. @accel_socket: of who is asked about each connect(2); -1 = nobody.
 * @nested: it was cloned in a user namespace of its own, with these; NULL = it was not. */
_Noreturn void init_child_run (const RuntimePlan *plan, const RuntimeNetwork *network, int sync_fd, int terminal_fd, int slirp_socket, int port_socket, int accel_socket, NestedTrees *nested);

/* ---- between_child.c: namespaces that only children are to be in */
/* between_child_run: @body in a process of its own, which shares our memory and descriptors; we wait for its end. What it joins is joined for what it clones (with CLONE_PARENT: our children),
 * not for us. Returns what @body returns, or -errno; in what it cloned @body does not return. */
long between_child_run (long (*body) (void *data), void *data);

/* ---- nested_child.c: a container in a user namespace of its own */
/* What the helper clones for init; descriptors of detached mounts. */
struct NestedTrees {
  int root;
  int *binds;    /* one for each of the plan's mounts; -1: it is no bind */
};
/* nested_child_join: which of the plan's joins it is; NULL: there is none, init stays in the shared one. */
const PlanJoin *nested_child_join (const RuntimePlan *plan);
/* nested_child_trees: in the helper. @trees: root -1, binds all -1; to be closed in any case. */
int nested_child_trees (const RuntimePlan *plan, NestedTrees *trees, int *ret_detail);
void nested_child_trees_close (const RuntimePlan *plan, NestedTrees *trees);
/* nested_child_clone: @clone_init, called in the process in between, clones init with CLONE_PARENT and returns its pid or -errno; in init it does not return.
 * Returns the pid, that of a child of ours, or -errno and what failed. */
long nested_child_clone (const RuntimePlan *plan, long (*clone_init) (void *data), void *data, RuntimeStatus *ret_failure);
/* nested_child_become: in init: be root there. */
int nested_child_become (void);

/* ---- stages in files of their own; each returns 0 or -errno and sets *ret_detail where the plan has a list */
/* mount_child_all: @nested: see init_child_run. */
int mount_child_all (const RuntimePlan *plan, const NestedTrees *nested, int root_fd, int terminal_fd, int *ret_slave, int *ret_proc_fd, int *ret_detail);
/* @proc_fd: the container's proc filesystem: what is below /proc is looked for in it and nowhere else; -1 = the root's. */
int mount_child_mask (const RuntimePlan *plan, int proc_fd, int null_tree, int *ret_detail);
int mount_child_readonly (const RuntimePlan *plan, int proc_fd, int *ret_detail);
/* mount_child_copyup: @flags: PLAN_KEEP_MODE, PLAN_KEEP_OWNER */
int mount_child_copyup (int from_fd, int to_fd, int flags);
int device_child_all (const RuntimePlan *plan, int root_fd, int *ret_detail);
/* process_child_oom: the plan's oom_score_adj into @fd, the file of that name in /proc/self. */
int process_child_oom (const RuntimePlan *plan, int fd);
int process_child_caps_bounding (const RuntimePlan *plan);
int process_child_user (const RuntimePlan *plan);
/* hook_child_run: one after the other; the first that fails ends it. -ECHILD: it ended badly; *@ret_detail is its number, and above 16 bits its wait status. */
int hook_child_run (const RuntimePlan *plan, PlanList hooks, int pid, const char *status, int *ret_detail);
/* hook_child_one: one hook, with vectors ready-made: also for the command, which has poststart and poststop hooks to run. @state: see runtime_hook_state. 0, -ECHILD and
 * *@ret_wait_status, or -errno. */
int hook_child_one (const char *path, char *const *argv, char *const *envp, unsigned timeout_seconds, const char *state, int pid, const char *status, int *ret_wait_status);
