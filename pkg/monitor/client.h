/* client: the foreground command's side of a running container: terminal, standard input, signals, and waiting for the end. */
#pragma once

#include <glib.h>
#include <signal.h>

#include "pkg/monitor/protocol.h"

typedef struct {
  int socket;            /* SOCK_SEQPACKET to the monitor; borrowed */
  int init_pidfd;        /* to forward signals without a hop; -1: by MONITOR_SIGNAL */
  gboolean tty;          /* the container has a terminal: our own is put in raw mode (if stdin is one), sizes follow */
  gboolean interactive;  /* -i: our stdin is sent; else it is never read */
  gboolean forward_signals;  /* --sig-proxy */
} MonitorClient;

/* monitor_client_block_signals: block and collect the signals that will be forwarded, early, before the container exists, so that none is lost.
 * Returns a signalfd, or -errno. Signals not forwarded: SIGCHLD, SIGPIPE, SIGURG, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU; with @tty SIGWINCH resizes. */
int monitor_client_block_signals (void);
/* monitor_client_signal_mask: the mask from before, for the container's init (the child restores it). */
const sigset_t *monitor_client_signal_mask (void);

/* monitor_client_run: serve until the container ends. The terminal is restored on every return, also when a signal that ends us arrives.
 * @ret_exit: how it ended. Errors: SYSTEM "lost its monitor" when the socket closes without MONITOR_EXITED. */
gboolean monitor_client_run (const MonitorClient *client, int signal_fd, MonitorExit *ret_exit, GError **error);
