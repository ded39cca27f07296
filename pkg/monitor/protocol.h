/* protocol: what the monitor is told when it starts, and what it says on its sockets. Shared by coracle (glib) and coracle-monitor (static, libc only):
 * plain C, no glib. Both ends are of one build and machine. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#define MONITOR_START_MAGIC 0x32434f52u /* "ROC2"; changed whenever the struct is */
#define MONITOR_START_FD 3              /* coracle-monitor finds a memfd with one MonitorStart here */

/* The monitor is pid 1 of a pid namespace of its own, in the user namespace and the command's mount namespace, host network. It has performed a RuntimePlan
 * (pkg/runtime/plan.h), which holds this struct, and cloned the container's init. Descriptors are numbers open in it; -1 = none. */
typedef struct {
  uint32_t magic;
  pid_t init_pid;      /* the container's init, as seen from the monitor's pid namespace */
  int init_pidfd;
  pid_t slirp_pid;     /* 0 = none; another child, to be reaped */
  int client;          /* SOCK_SEQPACKET to the foreground command; EOF: it died or left */
  int client_pidfd;    /* of that command: when it dies, drop out_fd and err_fd, or its caller's pipe never sees EOF */
  int run_dir;         /* RUN_ROOT/ID, holding the flock that says "alive"; keep it open to the end; the file "exit" goes here */
  int root_fd, program_fd;   /* the root filesystem and the mount that our own program lies on: held, so that their end falls to us and not to the command */
  int pty;             /* master of the container's terminal */
  int stdin_fd;        /* write end of the container's standard input, when not a terminal and kept open for -i */
  int stdout_fd, stderr_fd;   /* read ends */
  int out_fd, err_fd;  /* the caller's own stdout and stderr: borrowed, never made non-blocking, written directly (no terminal) */
  int stop_signal;     /* sent first when timeout_us runs out; SIGKILL follows after stop_timeout_us */
  uint64_t timeout_us; /* 0 = none (run --timeout) */
  uint64_t stop_timeout_us;
  uint8_t kill_group;  /* --pid=host: the init's death does not kill its children */
  char id[65];
  char cleanup[16][256];   /* argv ("" ends it) of the program to run at the container's end when no client is there to clean up; cleanup[0] = "" for none */
} MonitorStart;

/* Every message on the client socket is one packet: this header, then data. At most MONITOR_DATA_MAX bytes of data. */
typedef enum {
  /* to the monitor */
  MONITOR_STDIN = 1,   /* data for the terminal or standard input; empty = end of input */
  MONITOR_RESIZE,      /* MonitorSize */
  MONITOR_SIGNAL,      /* int32_t: send it to init */
  MONITOR_DETACH,      /* the client leaves; the container goes on, its standard input stays open (a client that just dies has it closed) */
  MONITOR_CLEANED,     /* after MONITOR_EXITED: the client has done all that the container's end asks for. A socket closed without it makes the monitor run MonitorStart.cleanup */
  MONITOR_RECORDED,    /* the container is in the state database: from now on it outlives its command (until then the monitor has PR_SET_PDEATHSIG) */
  /* from the monitor */
  MONITOR_OUTPUT = 64, /* data from the terminal */
  MONITOR_OUTPUT_CLOSED,  /* int32_t errno: EPIPE: nobody reads out_fd or err_fd any more: the client ends as any program in a pipeline does, by SIGPIPE; the container goes
                           * on. ENOSPC, EDQUOT: there is no room for what it prints: the rest is lost, and the client says so in the end */
  MONITOR_STDIN_CLOSED,  /* the container closed its standard input: what is sent there is thrown away */
  MONITOR_EXITED,      /* MonitorExit: the container has ended and all its output was written; the monitor waits for the client to close, then ends */
} MonitorMessageType;
typedef struct {
  uint32_t type;
} MonitorHeader;
typedef struct {
  uint16_t rows, columns;
} MonitorSize;
typedef struct {
  int32_t status;      /* as waitpid gives it */
  uint8_t timed_out;   /* the timeout ended it */
  uint8_t oom;
  int64_t finished_us; /* CLOCK_REALTIME */
} MonitorExit;
#define MONITOR_DATA_MAX 65536

/* RUN_ROOT/ID/exit, written by rename before MONITOR_EXITED is sent: one line "STATUS TIMED_OUT OOM FINISHED_US\n", the fields of MonitorExit in decimal. */
#define MONITOR_EXIT_FILE "exit"
