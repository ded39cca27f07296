/* program: the monitor's file as it is exec'd for a container. There it is the /proc/PID/exe of a process that the container's command may see, and stays so when that command leads back to
 * /proc/self/exe: nobody who gets it from there may write to it (CVE-2019-5736). */
#pragma once

/* program_open: @path on a read-only mount of its own, whose pages are shared with everybody's; where none can be made (its mount is locked by an outer container; no privilege), program_copy. Runs in: the
 * namespaces that the monitor is to be started in. Returns a descriptor to execveat, or -errno. */
int program_open (const char *path);

/* program_copy: a sealed copy of @path in memory: for an exec session. A mount would need the user namespace to be entered before it is exec'd, and with that the exec'd program would be within reach
 * of the container's CAP_SYS_PTRACE (see exec_child.c). Returns a descriptor to execveat, or -errno: -EACCES where vm.memfd_noexec forbids it. */
int program_copy (const char *path);
