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
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "pkg/monitor/protocol.h"
#include "pkg/runtime/child.h"

enum { LOG_PIECE = 65536, LOG_BUFFER = 131072 };

/* ---- log.c: the container's output in its log file; log_journal.c: or in the journal */
enum { STREAM_OUT, STREAM_ERR, STREAMS };   /* STREAM_OUT: standard output, or the terminal */
typedef struct {
  MonitorLog *to;
  uint64_t size;       /* of the file */
  bool torn;           /* the disk was full in the middle of a record */
  bool blocked;        /* the journal takes no more: wait for it */
  int64_t second;      /* what @local and @utc say */
  char local[40];      /* "2026-01-02T03:04:05.000000006+00:00", its length */
  size_t local_size;
  char utc[32];        /* "2026-01-02T03:04:05.000000006Z" */
  char tail[STREAMS][80];   /* what a record of json-file ends with, its newline included; its length */
  size_t tail_size[STREAMS];
  int64_t offset_of;   /* the quarter of an hour, and one more, that @offset is of */
  long offset;         /* of local time, in seconds */
  struct {
    char bytes[4];     /* the beginning of a UTF-8 sequence whose rest has not come */
    size_t n;
  } held[STREAMS];
  struct {
    size_t size;
    char text[2048];
  } fields[STREAMS];   /* of the journal: what is the same in every message */
  struct sockaddr_un journal;
  socklen_t journal_size;
  size_t used;         /* of buffer: whole records, not yet written */
  char buffer[LOG_BUFFER];
} Log;
/* log_start: @to: used until the end; rotation changes its @fd. @id: of the container. */
void log_start (Log *log, MonitorLog *to, const char *id);
bool log_wanted (const Log *log);
/* log_write: @size bytes, at most LOG_PIECE, of what the container wrote to @which. Never blocks. Returns how many were taken: fewer when @log is blocked. What there is no
 * room for on the disk is lost. */
size_t log_write (Log *log, int which, const char *data, size_t size);
/* log_end: @which has ended. */
void log_end (Log *log, int which);
/* log_drop: nobody takes it. */
void log_drop (Log *log);

/* log_journal_start, log_journal_write: the same for MONITOR_LOG_JOURNALD. */
void log_journal_start (Log *log, const char *id);
size_t log_journal_write (Log *log, int which, const char *data, size_t size);
/* log_journal_queued: how many bytes of what was sent wait to be taken by the journal. */
int log_journal_queued (const Log *log);
/* copy_line: copy @data to @to until a newline was copied or @size bytes; up to 15 bytes after what was copied may be overwritten. Returns how many; *@ret_whole: the last is a newline. */
size_t copy_line (char *to, const char *data, size_t size, bool *ret_whole);
/* copy_plain: copy what a JSON string takes as it is: printable ASCII but " and \\. Otherwise as copy_line. */
size_t copy_plain (char *to, const char *data, size_t size);

/* ---- input.c: the container's standard input, or its terminal's keyboard and size */
typedef struct {
  int fd;          /* write end or master, ours, non-blocking; -1: none or closed */
  bool tty;
  int slave;       /* kept open, or the master would report a hangup for as long as nobody in the container has the terminal open */
  bool broken;     /* the container closed its standard input: who writes must still be told */
  size_t at, length;   /* of packet.data: not yet taken */
  struct {
    MonitorHeader header;
    char data[MONITOR_DATA_MAX];
  } packet;
} Input;
void input_start (Input *input, const MonitorStart *start);
void input_poll (const Input *input, struct pollfd *poll);
void input_serve (Input *input, const struct pollfd *poll);
/* input_give: @size bytes were received to packet.data. None: the end: a pipe is closed; a terminal has no end, so its end-of-file character is typed, as script(1) does. */
void input_give (Input *input, size_t size);
void input_resize (const Input *input, const MonitorSize *size);
/* input_close: a pipe: no more comes. */
void input_close (Input *input);
/* input_finish: every process of the container is dead. */
void input_finish (Input *input);

/* ---- control.c: messages for the monitor itself, kept for its loop */
typedef struct {
  bool can_again;    /* the plan was kept */
  int *held;         /* MonitorStart.held */
  struct Again *starting;   /* hears what becomes of an init that was held */
  bool went;         /* news: it was let go, and its command runs */
  bool recorded;     /* news: the container's command has been exec'd and is on record */
  bool heard;        /* that was said */
  bool stopping;     /* no start after this end */
  bool again;        /* one start after this end, whatever the policy says */
  bool clock_set;    /* @clock is new */
  MonitorHealth clock;
} Control;
/* control_message: @data: @size bytes, not aligned. Returns 0, an errno or a MONITOR_FAILURE, which the sender gets as MONITOR_DONE. Blocks for none but MONITOR_GO: as long as init needs
 * from there to its command, hooks of the container included. */
int control_message (Control *control, uint32_t type, const void *data, size_t size);

/* ---- clients.c: the foreground command, and whoever connects to the listener */
enum {
  CLIENT_PRIMARY = 0, CLIENTS_MAX = 256,   /* the foreground command is the first, there or not; more than these wait to be let in, but for one who has said nothing, who makes room */
  CLIENTS_PATIENCE_US = 2000000,   /* how long the container's output waits for one that is attached and takes none; the foreground command holds it for as long as it likes, as any
                                    * terminal does */
};
typedef struct {
  int socket;        /* -1: gone */
  uint8_t wants;     /* a bit for each stream: it is sent there */
  uint8_t owed;      /* a bit for each stream whose piece it has not got yet */
  uint8_t tell;      /* what else it must still be sent */
  bool in;           /* its input is the container's */
  bool attached;     /* on a connection to the listener: it said MONITOR_ATTACH */
  bool told;         /* of the container's end */
  bool held;         /* its next message is input, for which there is no room */
  bool behind;       /* it took nothing for so long that output passes it by until it does */
  uint64_t owes_since;   /* CLOCK_MONOTONIC, microseconds: when it last took output, while it owes; 0: it owes nothing */
  uint64_t lost;     /* bytes that passed it by, and that it was not told of */
  int32_t closed, done;   /* the number of MONITOR_OUTPUT_CLOSED, of MONITOR_DONE */
} Client;
typedef struct {
  int listener;
  int pidfd;         /* of the foreground command */
  bool cleaned;      /* it said MONITOR_CLEANED */
  bool left;         /* it has just gone: its output descriptors are to be dropped */
  bool full;         /* no descriptor is left for one more */
  bool progress;     /* somebody took something since this was last cleared */
  pid_t init;        /* where signals go; 0: has ended */
  Input *input;
  Control *control;
  MonitorExit exited;
  struct {
    const char *data;
    size_t size;
  } pieces[STREAMS];
  int n, polled;
  Client list[CLIENTS_MAX];
} Clients;
enum { CLIENTS_LISTENER, CLIENTS_PIDFD, CLIENTS_FIRST, CLIENTS_POLLS = CLIENTS_FIRST + CLIENTS_MAX };

void clients_start (Clients *clients, const MonitorStart *start, Input *input, Control *control);
/* clients_poll: returns how many of @polls are used. */
int clients_poll (Clients *clients, struct pollfd polls[CLIENTS_POLLS]);
void clients_serve (Clients *clients, const struct pollfd polls[CLIENTS_POLLS]);
bool clients_want (const Clients *clients, int which);
/* clients_offer: send a piece to all who want it. @data must stay until nobody owes it any more: clients_owe. */
void clients_offer (Clients *clients, int which, const char *data, size_t size);
bool clients_owe (const Clients *clients, int which);
/* clients_due: when clients_pass must be called, CLOCK_MONOTONIC in microseconds; 0: never. */
uint64_t clients_due (const Clients *clients);
/* clients_pass: output passes by those for whom it has waited long enough: the log and the others go on. They hear how much that was when they take something again. */
void clients_pass (Clients *clients);
/* clients_tell_broken: tell the foreground command what has become of its standard output. */
void clients_tell_broken (Clients *clients, int number);
/* clients_tell_input: those who write to standard input that it is closed. */
void clients_tell_input (Clients *clients);
/* clients_tell: all that the container has ended. */
void clients_tell (Clients *clients, const MonitorExit *exited);
/* clients_wait: is there one besides the foreground command that has not taken everything yet? */
bool clients_wait (const Clients *clients);
typedef enum {
  RELEASE_PRIMARY,   /* the foreground command only: who is attached waits for the end to be recorded */
  RELEASE_SERVED,    /* whoever has taken everything */
  RELEASE_ALL,
} ClientsRelease;
/* clients_release: those who were told of the end: they have no part in the next run. */
void clients_release (Clients *clients, ClientsRelease which);
/* clients_drop: those for whom was waited long enough. @all: and those who owe nothing: every one but the foreground command. */
void clients_drop (Clients *clients, bool all);

/* ---- stream.c: one pipe of the container, or its terminal, to its log, to the clients, and to one borrowed descriptor of the caller */
typedef enum {
  STREAM_SPLICE,   /* pipe, file, /dev/null: moved by splice, without blocking, while nobody else wants it */
  STREAM_SOCKET,   /* send with MSG_DONTWAIT */
  STREAM_COPY,     /* write: a file, or a pipe or terminal opened anew with O_NONBLOCK */
  STREAM_CAREFUL,  /* write in small pieces, each after poll: a pipe or terminal that could not be opened anew */
} StreamKind;
typedef struct {
  int which;       /* STREAM_OUT, STREAM_ERR */
  Log *log;
  Clients *clients;
  int from;        /* read end or master, ours, non-blocking; -1: ended */
  int to;          /* -1: nobody listens */
  StreamKind kind;
  int broken;      /* errno: @to was dropped because its reader is gone (EPIPE) or there is no room for what is written (ENOSPC, EDQUOT); 0: it was not */
  bool blocked;    /* @to takes no more: wait for it, not for @from */
  size_t length;   /* of buffer: what was read and not yet taken by all */
  size_t logged, written;   /* how much of it the log and @to have */
  char buffer[LOG_PIECE];
} Stream;

void stream_start (Stream *stream, int from, int to);
/* stream_poll: what to wait for: @from, or @to while that takes no more; -1 while it is the log or a client. */
void stream_poll (const Stream *stream, struct pollfd *poll);
/* stream_pump: move what can be moved now, a bounded amount. @last: all writers are dead: what is empty has ended. */
void stream_pump (Stream *stream, bool last);
/* stream_ready: there may be more to move at once: once all writers are dead, do not wait for them. */
bool stream_ready (const Stream *stream);
/* stream_drop: nobody listens any more; closes @to, so that the caller's pipe sees its end. */
void stream_drop (Stream *stream);

/* ---- traffic.c: all of the above: what goes between the container and those who watch it. Nothing here ends or blocks for a client but the foreground command. */
typedef struct {
  bool finished;       /* every process of the container is dead */
  uint64_t patience;   /* CLOCK_MONOTONIC, microseconds: when clients that take nothing are dropped, once it has finished; 0: not yet */
  int queued;          /* bytes of messages that the journal has not taken yet, at the end */
  uint64_t queued_until; /* how long it may take no more of them */
  Log log;
  Input input;
  Control control;
  Clients clients;
  Stream streams[STREAMS];
} Traffic;
enum { TRAFFIC_OUT, TRAFFIC_ERR, TRAFFIC_LOG, TRAFFIC_INPUT, TRAFFIC_CLIENTS, TRAFFIC_POLLS = TRAFFIC_CLIENTS + CLIENTS_POLLS };
/* traffic_start: the log and the clients: once. */
void traffic_start (Traffic *traffic, MonitorStart *start);
/* traffic_begin: a container with new pipes or a new terminal: @start's. */
void traffic_begin (Traffic *traffic, const MonitorStart *start);
/* traffic_poll: returns how many of @polls are used. */
int traffic_poll (Traffic *traffic, struct pollfd polls[TRAFFIC_POLLS]);
/* traffic_due: when traffic_serve must be called though nothing has happened, CLOCK_MONOTONIC in microseconds; 0: never; 1: now. */
uint64_t traffic_due (const Traffic *traffic);
void traffic_serve (Traffic *traffic, const struct pollfd polls[TRAFFIC_POLLS]);
/* traffic_finish: every process of the container is dead: what is left in the pipes is all there will be. */
void traffic_finish (Traffic *traffic);
/* traffic_drained: all of the output was written. */
bool traffic_drained (Traffic *traffic);
/* traffic_tell: MONITOR_EXITED to all, as soon as there is room. */
void traffic_tell (Traffic *traffic, const MonitorExit *exited);
/* traffic_waits: is there one who has not heard it, or a foreground command that has not left? */
bool traffic_waits (const Traffic *traffic);

/* ---- ending.c: what is done when the container has ended */
void ending_record (int run_dir, const MonitorExit *exited);
/* ending_kill_group: for a container in a foreign pid namespace: kill what init left behind, all of it our descendants (PR_SET_CHILD_SUBREAPER).
 * @spare, @other: slirp, and who keeps the published ports. Weaker than a pid namespace: what forks faster than this kills, or another user's set-uid process, survives. */
void ending_kill_group (pid_t init, pid_t spare, pid_t other);
/* ending_exec: an exec session leaves nothing: its folder goes before its client hears of the end. */
void ending_exec (const MonitorStart *start);
/* ending_tell_started: a start after the first has been made: the program that does what goes with it, which nobody waits for. */
void ending_tell_started (const MonitorStart *start);
/* ending_cleanup: start the clean-up program; returns its pid, or -1. @again: a start is to follow whatever the policy says. */
pid_t ending_cleanup (MonitorStart *start, bool again);

/* ---- program.c: the programs that do what is too big for us */
enum { PROGRAM_FDS = 2 };
/* program_start: fork and exec @program, an argv of MonitorStart's, with the words @more (at most three, NULL-terminated) after it, and @fds, @n of them, as 3, 4, … Returns the
 * child, or -1: there is none. It dies with us. */
pid_t program_start (const char program[16][256], const char *const *more, const int *fds, size_t n);

/* ---- health.c: when the container's health is checked. The clock runs while the container does */
typedef struct {
  bool ready;          /* the container runs, and there is something to check it with */
  uint64_t interval;   /* microseconds between the end of a check and the next; 0: none */
  uint64_t due;        /* CLOCK_MONOTONIC, microseconds: of the next; 0: none, or one is running */
  pid_t child;         /* 0: none */
} Health;
/* health_begin: the container's command has been exec'd: the first check is now. */
void health_begin (Health *health, const MonitorStart *start);
/* health_set: another interval from now on. */
void health_set (Health *health, uint64_t interval_us);
void health_serve (Health *health, const MonitorStart *start);
/* health_reaped: was @pid, which has ended, the check? */
bool health_reaped (Health *health, pid_t pid);
/* health_end: the container has ended; a check that runs is killed, for it holds a copy of our lock. */
void health_end (Health *health);

/* ---- notify.c: sd_notify(3): what the container says on @notify is passed on to @host, if it is READY=1 */
void notify_serve (int notify, int host);

/* ---- again.c: the kept plan, performed once more */
enum { AGAIN_STANDARD = 3, AGAIN_JOINS = AGAIN_STANDARD, AGAIN_KEPT = AGAIN_JOINS + 8, AGAIN_FDS = AGAIN_KEPT + PLAN_KEPT_AGAIN_MAX };   /* there are eight kinds of namespaces */
typedef struct Again {
  int plan;             /* memfd; -1: nothing is kept */
  int kept[AGAIN_FDS];  /* what it names besides pipes of ours: init's standard descriptors, its joins, what it hands on; -1 = none */
  int status;           /* our end of the status socket of a start on its way; -1: none */
  int failed;           /* how that start failed, as an exit status, as waitpid gives it; 0: it did not */
  int failure;          /* the same as a MONITOR_FAILURE */
  uint64_t pause_us;    /* before the next */
} Again;
typedef enum { AGAIN_NOTHING, AGAIN_RUNNING, AGAIN_FAILED } AgainSaid;
void again_begin (Again *again);
/* again_keep: before @plan, in the memfd @plan_fd, is performed for the first time, which closes what only init needs. Nothing is kept without a restart policy. */
void again_keep (Again *again, int plan_fd, const RuntimePlan *plan);
/* again_pause: how long to wait before the next start, after a run of @ran_us: see MONITOR_AGAIN. */
uint64_t again_pause (Again *again, uint64_t ran_us);
/* again_start: perform the plan with pipes, a terminal and a network of its own, and note who is init in RUN_ROOT/ID/init.pid. @start: what is supervised, replaced by what it is
 * now. On failure nothing of it is left, and @again->failed says how. Blocks as long as the plan's hooks do. */
bool again_start (Again *again, MonitorStart *start, const RuntimeNetwork *network);
/* again_listen: @status is readable. */
AgainSaid again_listen (Again *again);
/* again_go: let an init go on that is held before its command; @held: our end of its status socket, closed. Returns 0 when the command runs, or a MONITOR_FAILURE. */
int again_go (Again *again, int *held);

/* plan_map: of the sealed memfd @fd: a copy of ours, to be unmapped: plan->size bytes. NULL when it is none. */
RuntimePlan *plan_map (int fd);

/* ---- uplink.c: the server of the container's network, begun again when it dies before the container */
typedef struct {
  int plan;             /* memfd; -1: it has no such server */
  uint32_t pause_ms;    /* before the next */
  uint64_t began;       /* CLOCK_MONOTONIC, microseconds: the last one */
} Uplink;
/* uplink_keep: before @plan, in the memfd @plan_fd, is performed for the first time. */
void uplink_keep (Uplink *uplink, int plan_fd, const RuntimePlan *plan);
/* uplink_begin: a container was started, with the first server. */
void uplink_begin (Uplink *uplink);
/* uplink_again: it died, the container lives. Returns the pid of the next, 0 if there is none. */
pid_t uplink_again (Uplink *uplink, const MonitorStart *start, const RuntimeNetwork *network);

/* ---- small things */
void fd_drop (int *fd);                 /* close once, leave -1 */
void fd_set_nonblocking (int fd);       /* only for what is ours */
uint64_t monitor_now (void);            /* CLOCK_MONOTONIC, microseconds */
size_t text_number (char *to, uint64_t number);   /* decimal; returns the length, at most 20; no NUL */

/* ---- init.c: run --init: the program bound into the container as /run/podman-init, its pid 1: starts @argv, passes signals on to it, reaps what is orphaned, and ends
 * with its status (128 + N when a signal ended it). */
int init_main (char **argv);
