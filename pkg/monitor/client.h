/* client: the other side of the monitor's sockets: of a command that shows a running container (terminal, standard input, signals, waiting for the end), as its foreground
 * command or attached later; and of one that has something to tell the monitor. */
#pragma once

#include <glib.h>
#include <signal.h>

#include "pkg/monitor/detach_keys.h"
#include "pkg/monitor/protocol.h"

typedef struct {
  int socket;            /* SOCK_SEQPACKET to the monitor; borrowed */
  int init_pidfd;        /* to forward signals without a hop; -1: by MONITOR_SIGNAL */
  gboolean tty;          /* the container has a terminal: with @interactive our own is put in raw mode (if stdin is one), sizes follow */
  gboolean interactive;  /* -i: our stdin is sent; else it is never read */
  gboolean forward_signals;  /* --sig-proxy; else a signal does to the command what it does to any program, and the container goes on */
  gboolean attached;     /* @socket is of monitor_client_connect: MONITOR_ATTACH is sent first, and the end is told when the monitor is done with it, or after a while: a command
                          * that follows finds it recorded. Else it is the foreground command's, who cleans up */
  MonitorAttach streams; /* with @attached: @in is ignored, see @interactive */
  const DetachKeys *detach_keys;   /* NULL = none. Looked for where the container or our stdin is a terminal */
  gboolean said;         /* monitor_client_attach was called */
} MonitorClient;

/* monitor_client_attach: send MONITOR_ATTACH now, rather than when monitor_client_run begins: for a container that prints only when it is let go. */
gboolean monitor_client_attach (MonitorClient *client, GError **error);

typedef struct {
  gboolean detached;     /* the user typed the keys, the monitor was told; the container goes on: @exit says nothing */
  MonitorExit exit;
  int output_error;      /* 0, or the errno (ENOSPC, EDQUOT) for which a part of the container's output is lost */
  guint64 lost;          /* bytes of output that passed us by, for we took none for a while: MONITOR_LOST */
} MonitorResult;

/* monitor_listener_open: what MonitorStart.listener is to be: bound in @run_dir, RUN_ROOT/ID, in place of one from before. Returns it, close-on-exec, or -errno. */
int monitor_listener_open (int run_dir);
/* monitor_client_connect: a connection to it. Returns it, close-on-exec, or -errno: -ENOENT, -ECONNREFUSED: nobody is there; -EAGAIN: it let nobody in for two seconds. */
int monitor_client_connect (int run_dir);
/* monitor_client_control: connect, send a control message (MONITOR_STOPPING …), and wait for MONITOR_DONE, at most a few seconds. Returns 0 or -errno: what the monitor said;
 * -ENOENT, -ECONNREFUSED, -EPIPE: it is not there, or leaves; -ETIMEDOUT. */
int monitor_client_control (int run_dir, MonitorMessageType type, const void *data, gsize size);

/* monitor_client_block_signals: block and collect the signals that will be forwarded, early, before the container exists, so that none is lost.
 * Returns a signalfd, or -errno. Not collected: SIGCHLD, SIGPIPE, SIGURG, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU. SIGWINCH resizes where there is a terminal and
 * is never forwarded (nginx and httpd end on it). */
int monitor_client_block_signals (void);
/* monitor_client_signal_mask: the mask from before, for the container's init (the child restores it). */
const sigset_t *monitor_client_signal_mask (void);

/* monitor_client_run: serve until the container ends or the user detaches. The terminal is restored on every return, also when a signal that ends us arrives.
 * Where nobody reads our standard output any more, SIGPIPE does what it did before this call: by default it ends us, and the container goes on.
 * @signal_fd: from monitor_client_block_signals.
 * @ret_result: how it ended. A foreground command's monitor now waits for monitor_client_cleaned, or for the socket to close.
 * Errors: SYSTEM "lost its monitor" when the socket closes without MONITOR_EXITED: for one that attached while the container ended, the end is in its row. */
gboolean monitor_client_run (const MonitorClient *client, int signal_fd, MonitorResult *ret_result, GError **error);

/* monitor_client_recorded: the container's row is written: the monitor no longer ends with this command. */
void monitor_client_recorded (int socket);
/* monitor_client_waited_for: is the monitor still there? One that was killed does not hold RUN_ROOT/ID any more. */
gboolean monitor_client_waited_for (int socket);
/* monitor_client_cleaned: tell the monitor that what the container's end asks for (its row, --rm) is done; then close the socket. A socket that closes
 * without it makes the monitor run MonitorStart.cleanup. */
void monitor_client_cleaned (int socket);
/* monitor_client_leaving: before that: this process ends now; one that has @socket too will say monitor_client_cleaned. */
void monitor_client_leaving (int socket);
/* monitor_client_detach: leave; the container goes on, and at its end the monitor cleans up. Then close the socket. */
void monitor_client_detach (int socket);

/* monitor_exit_status: the exit status a command gives for @how: the container's own; 128 + the signal that killed it; 255 after --timeout (podman-run(1)). */
int monitor_exit_status (const MonitorExit *how);
/* monitor_exit_parse: the text of the exit file. FALSE (INVALID) if it is not one. */
gboolean monitor_exit_parse (const char *text, MonitorExit *ret_exit, GError **error);
