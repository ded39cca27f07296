/* outpost: starting the monitor from outside of the user namespace that its command has entered.
 *
 * Why: whoever has CAP_SYS_PTRACE in the shared user namespace may look into every process that he sees and whose program was exec'd there (mm->user_ns; kernel/ptrace.c,
 * __ptrace_may_access), dumpable or not. As a rule another container's processes are not seen. But with --pid=container:A the init of B is born among A's, before it has let go of the host's mounts
 * and our descriptors. So then the monitor, of whose memory init's is a copy, is exec'd out there, and enters the namespaces itself.
 *
 * How: a process that was begun before the namespace was entered, and shares memory and descriptors with the command, execs it when it is asked to. It ends with the command. One for each process. */
#pragma once

#include <sys/types.h>

/* outpost_begin: Should: be called before idmap_enter, by a command that may start a container which joins another's pid namespace. Without it that container is started from inside. Nothing is done
 * for who is privileged: there is no outside. */
void outpost_begin (void);

/* outpost_spawn: run @body with @data in a child of ours, out there, with our memory (so only system calls, and it ends by exec or _exit) and a copy of our descriptors. Returns its pid, -errno, or 0:
 * nobody is there. */
pid_t outpost_spawn (int (*body) (void *data), void *data);
