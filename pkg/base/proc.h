/* proc: child processes, pidfds and what /proc tells. */
#pragma once

#include <glib.h>
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

/* cleanup_pid: a child that is killed and reaped when the variable leaves scope; set it to 0 (proc_steal_pid) once it is somebody else's. */
void proc_cleanup_pid (pid_t *pid);
#define cleanup_pid __attribute__ ((cleanup (proc_cleanup_pid)))
pid_t proc_steal_pid (pid_t *pid);

/* proc_pidfd_open: pidfd_open(2), close-on-exec. Returns the descriptor or -errno. */
int proc_pidfd_open (pid_t pid);
/* proc_pidfd_signal: pidfd_send_signal(2); 0 or -errno. */
int proc_pidfd_signal (int pidfd, int signal);

/* proc_pidfd_number: the number that the process behind @pidfd has in /proc, which may be of another pid namespace than ours; -1: it has ended, or is not seen there.
 * Source: pidfd_open(2), fdinfo's "Pid:". */
pid_t proc_pidfd_number (int pidfd);

/* proc_wait: waitpid through EINTR; 0 and *@ret_status (as waitpid gives it), or -errno. */
int proc_wait (pid_t pid, int *ret_status);

/* proc_run: run @argv (searched in PATH), no input, and collect at most 64 KiB of what it prints to standard error.
 * @ret_status: as waitpid gives it. @ret_stderr: may be NULL; free with g_free. FALSE only if it could not be started. */
gboolean proc_run (const char *const *argv, int *ret_status, char **ret_stderr, GError **error);

/* proc_leave: end this process with @status at once, and do @rest (@data) in another that has the same memory, this one's descriptors but 0, 1 and 2, and its signal mask. Nobody waits
 * for it. @rest must not use record locks (fcntl(2): they went with this process) nor what other threads hold: there must be none. Returns only when the other process cannot be made:
 * -errno. Source: clone(2), CLONE_VM. */
int proc_leave (int status, void (*rest) (void *), void *data);

/* proc_boot_id: of the running kernel: another one after each boot; NULL = not known; free with g_free. Source: random(4), /proc/sys/kernel/random/boot_id. */
char *proc_boot_id (void);

/* proc_close_from: close every descriptor from @first up. Async-signal-safe. Source: close_range(2) (5.9); falls back to /proc/self/fd. */
void proc_close_from (unsigned first);

/* proc_spawn_reader: start @argv (searched in PATH), no input, its standard error ours, and give the end of a pipe that its output is read from. The caller reaps. */
gboolean proc_spawn_reader (const char *const *argv, pid_t *ret_pid, int *ret_fd, GError **error);

/* proc_signal_parse: "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3" → 15; -1 if it is none. Source: signal(7). */
int proc_signal_parse (const char *text);
/* proc_signal_read: the same for a user's word, which may begin with a dash ("-9", "-INT"). Errors: INVALID with the texts that Podman has: "invalid signal: x", "valid signals are 1
 * through 64". */
gboolean proc_signal_read (const char *text, int *ret_signal, GError **error);
/* proc_signal_name: 15 → "SIGTERM", 37 → "SIGRTMIN+3"; NULL if unknown. */
const char *proc_signal_name (int signal);
