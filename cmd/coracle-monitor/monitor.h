/* monitor: the supervisor of one container. Plain C and libc only: it lives as long as the container, so every page counts.
 *
 * What it is: pid 1 of a pid namespace of its own; user namespace of the container's owner, mount namespace of the command, host network. Its children: the
 * container's init (in a nested pid namespace) and coracle-slirp. When it dies, the kernel kills them all.
 * Invariants: it sleeps in ppoll and nothing but an event wakes it; it allocates nothing; it never blocks on a descriptor that others can leave
 * unread, and never changes the flags of one that is borrowed. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pkg/monitor/protocol.h"

/* ---- stream.c: one pipe of the container to one borrowed descriptor of the caller */
typedef enum {
  STREAM_SPLICE,   /* pipe, file, /dev/null: moved by splice, without blocking */
  STREAM_SOCKET,   /* send with MSG_DONTWAIT */
  STREAM_COPY,     /* write: a file, or a terminal opened anew with O_NONBLOCK */
  STREAM_CAREFUL,  /* write in small pieces, each after poll: a terminal that could not be opened anew */
} StreamKind;
typedef struct {
  int from;        /* read end, ours, non-blocking; -1: ended */
  int to;          /* -1: nobody listens: read and forget */
  StreamKind kind;
  int broken;      /* errno: @to was dropped because its reader is gone (EPIPE) or there is no room for what is written (ENOSPC, EDQUOT); 0: it was not */
  bool blocked;    /* @to takes no more: wait for it, not for @from */
  size_t at, length;   /* of buffer, what was read and not yet written */
  char buffer[32768];
} Stream;

void stream_start (Stream *stream, int from, int to);
/* stream_poll: what to wait for. */
void stream_poll (const Stream *stream, struct pollfd *poll);
/* stream_pump: move what can be moved now, a bounded amount. @last: all writers are dead: what is empty has ended. */
void stream_pump (Stream *stream, bool last);
/* stream_ready: there may be more to move at once: once all writers are dead, do not wait for them. */
bool stream_ready (const Stream *stream);
/* stream_drop: nobody listens any more; closes @to, so that the caller's pipe sees its end. */
void stream_drop (Stream *stream);

/* ---- peer.c: the client at the other end of the socket, the terminal and standard input it drives */
typedef struct {
  int socket;      /* -1: gone */
  int pidfd;
  bool left;       /* it has just gone: its output descriptors are to be dropped */
  bool cleaned;    /* it said MONITOR_CLEANED */
  int pty;         /* master, ours, non-blocking; -1: no terminal, or ended */
  int slave;       /* kept open, or the master would report a hangup for as long as nobody in the container has the terminal open */
  int input;       /* write end of the container's standard input, ours, non-blocking; -1: none or closed */
  int output_closed;   /* errno: the client must still be told MONITOR_OUTPUT_CLOSED */
  bool input_closed;   /* the client must still be told MONITOR_STDIN_CLOSED */
  bool telling;    /* @exited must still be sent */
  MonitorExit exited;
  size_t in_at, in_length;     /* of in.data: input not yet taken by the terminal or pipe */
  size_t out_length;           /* of out.data: terminal output not yet sent */
  struct {
    MonitorHeader header;
    char data[MONITOR_DATA_MAX];
  } in;
  struct {
    MonitorHeader header;
    char data[16384];
  } out;
} Peer;

enum { PEER_SOCKET, PEER_PIDFD, PEER_PTY, PEER_INPUT, PEER_POLLS };
void peer_start (Peer *peer, const MonitorStart *start);
void peer_poll (const Peer *peer, struct pollfd polls[PEER_POLLS]);
/* peer_serve: after ppoll. @init: where signals go, 0 once it has ended. */
void peer_serve (Peer *peer, const struct pollfd polls[PEER_POLLS], pid_t init);
/* peer_finish: every process of the container is dead: what is left in the terminal is all there will be. */
void peer_finish (Peer *peer);
/* peer_drained: everything the terminal printed was sent (or nobody wants it). */
bool peer_drained (const Peer *peer);
/* peer_tell_broken: send MONITOR_OUTPUT_CLOSED with @number as soon as there is room. */
void peer_tell_broken (Peer *peer, int number);
/* peer_tell: send MONITOR_EXITED as soon as there is room. */
void peer_tell (Peer *peer, const MonitorExit *exited);
/* peer_leave: the client is dead or has left. @died: it did not say MONITOR_DETACH: nobody will ever write to standard input again, close it. */
void peer_leave (Peer *peer, bool died);

/* ---- ending.c: what is done when the container has ended */
void ending_record (int run_dir, const MonitorExit *exited);
/* ending_kill_group: for a container in a foreign pid namespace: kill what init left behind, all of it our descendants (PR_SET_CHILD_SUBREAPER).
 * @spare: slirp. Weaker than a pid namespace: what forks faster than this kills, or another user's set-uid process, survives. */
void ending_kill_group (pid_t init, pid_t spare);
/* ending_cleanup: run the clean-up program and wait for it. */
void ending_cleanup (MonitorStart *start);

/* ---- small things */
void fd_drop (int *fd);                 /* close once, leave -1 */
void fd_set_nonblocking (int fd);       /* only for what is ours */

/* ---- init.c: run --init: the program bound into the container as /run/podman-init, its pid 1: starts @argv, passes signals on to it, reaps what is orphaned, and ends
 * with its status (128 + N when a signal ended it). */
int init_main (char **argv);
