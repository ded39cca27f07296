/* protocol: what the monitor is told when it starts, and what it says on its sockets. Shared by coracle (glib) and coracle-monitor (static, libc only):
 * plain C, no glib. Both ends are of one build and machine. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#define MONITOR_START_MAGIC 0x36434f52u /* "ROC6"; changed whenever the struct is */
#define MONITOR_START_FD 3              /* coracle-monitor finds a memfd with one MonitorStart here */

/* Where the container's output goes besides whoever is attached. Source: podman-run(1) --log-driver. */
typedef enum {
  MONITOR_LOG_NONE,
  MONITOR_LOG_K8S,       /* "2026-01-02T03:04:05.000000006+00:00 stdout F line\n"; P for a part of a line that was too long, or that had no end */
  MONITOR_LOG_JSON,      /* json-file in Docker's format: {"log":"line\n","stream":"stdout","time":"…Z"} */
  MONITOR_LOG_JOURNALD,  /* fd is a datagram socket for MONITOR_JOURNAL, connected to it if it is there: journald's native protocol */
  MONITOR_LOG_PASSTHROUGH,   /* no pipes: init has the command's own stdout and stderr */
} MonitorLogKind;
#define MONITOR_JOURNAL "/run/systemd/journal/socket"
typedef struct {
  uint32_t kind;         /* MonitorLogKind */
  int fd;                /* the log file, O_APPEND, or the socket; -1 = none */
  int dir;               /* the folder that file is in, for rotation by rename to NAME.1; -1 = never rotated */
  uint64_t max_size;     /* bytes after which a line begins a new file; 0 = no limit */
  uint32_t max_files;    /* how many old ones are kept besides, at least 1 */
  char name[64];         /* of the file in dir */
  char tag[256];         /* "" = none; already expanded */
  char container_name[256];
  char labels[1024];     /* more fields of every message in the journal, "NAME=text\n" each */
} MonitorLog;

/* A health check's clock. The check itself is MonitorStart.health, a program; the monitor starts one when the interval since the end of the last has passed, never two at once. */
typedef struct {
  uint64_t interval_us;  /* 0 = no checks */
} MonitorHealth;

/* The monitor is pid 1 of a pid namespace of its own, in the user namespace and the command's mount namespace, host network. It has performed a RuntimePlan
 * (pkg/runtime/plan.h), which holds this struct, and cloned the container's init. Descriptors are numbers open in it; -1 = none. */
typedef struct {
  uint32_t magic;
  pid_t init_pid;      /* the container's init, as seen from the monitor's pid namespace */
  int init_pidfd;
  pid_t slirp_pid;     /* 0 = none; another child, to be reaped */
  pid_t port_pid;      /* the keeper of published ports (network/port_table.h), another child; it stays for all starts; 0 = none */
  int port_socket;     /* on which each start of the container hands it the network namespace; closed, it ends with all connections */
  int port_table;      /* what is published */
  int client;          /* SOCK_SEQPACKET to the foreground command; EOF: it died or left */
  int client_pidfd;    /* of that command: when it dies, drop out_fd and err_fd, or its caller's pipe never sees EOF */
  int run_dir;         /* RUN_ROOT/ID, holding the flock that says "alive"; keep it open to the end; the file "exit" goes here */
  int root_fd, program_fd;   /* the root filesystem and the mount that our own program lies on: held, so that their end falls to us and not to the command */
  int cgroup;          /* O_PATH of the container's cgroup, into which init is cloned; -1 = none */
  uint64_t oom_kills;  /* its processes killed for want of memory before init was cloned */
  int pty;             /* master of the container's terminal */
  int stdin_fd;        /* write end of the container's standard input, when not a terminal and kept open for -i */
  int stdout_fd, stderr_fd;   /* read ends */
  int out_fd, err_fd;  /* the caller's own stdout and stderr: borrowed, never made non-blocking, written directly (no terminal) */
  int stop_signal;     /* sent first when timeout_us runs out; SIGKILL follows after stop_timeout_us */
  uint64_t timeout_us; /* 0 = none (run --timeout) */
  uint64_t stop_timeout_us;
  int held;            /* the command's end of the status socket of an init that is held before its command, until MONITOR_GO; -1: it was let go */
  int listener;        /* listening SOCK_SEQPACKET, bound to RUN_ROOT/ID/attach: any number of clients come and go; the same messages as on @client, first MONITOR_ATTACH
                        * or a control message */
  int notify;          /* datagram socket bound where the container finds NOTIFY_SOCKET; -1 = none */
  int notify_host;     /* datagram socket connected to the command's own NOTIFY_SOCKET; READY=1 of the container goes there, with MAINPID=@monitor_pid; -1 = none */
  MonitorLog log;
  MonitorHealth health_clock;
  uint8_t restart;     /* a restart policy: the plan is kept, and performed again when the clean-up program asks for it by its status MONITOR_AGAIN */
  uint8_t tell_started; /* after each start but the first the clean-up program is run with the word --started and, as descriptor 3, a pidfd of the container's init: a pid file, hooks */
  uint8_t kill_group;  /* --pid=host: the init's death does not kill its children */
  int exec_dir;        /* an exec session: RUN_ROOT/ID/exec: its folder in there, named @id, goes when it ends; -1 = a container, or a session without a folder */
  char id[65];
  char cleanup[16][256];   /* argv ("" ends it) of the program to run at the container's end when no client is there to clean up; cleanup[0] = "" for none. It is
                            * told the folder and its lock as descriptor 3. With @restart it gets the word --mounted: the root filesystem may be needed again; and --again
                            * after MONITOR_RESTART */
  char health[16][256];    /* argv of the program that checks the container's health, in the same way; descriptor 4 is a pidfd of the container's init: numbers in /proc and
                            * ours are of different pid namespaces */
} MonitorStart;

/* Exit statuses of the clean-up program. Anything else but these: it failed, the folder stays for the next sweep. */
enum {
  MONITOR_ENDED = 0,     /* the end is recorded: the monitor leaves */
  MONITOR_AGAIN = 10,    /* the end is recorded, and the restart policy wants another start: after a pause of 100 ms, doubled each time up to a minute, and begun anew after a
                          * run of 10 s or more. MONITOR_STOPPING calls it off: then the clean-up runs again, which finds the row's "stopped_by_user" */
};

/* Every message on the client socket is one packet: this header, then data. At most MONITOR_DATA_MAX bytes of data. */
typedef enum {
  /* to the monitor */
  MONITOR_STDIN = 1,   /* data for the terminal or standard input; empty = end of input */
  MONITOR_RESIZE,      /* MonitorSize */
  MONITOR_SIGNAL,      /* int32_t: send it to init */
  MONITOR_DETACH,      /* the client leaves; the container goes on, its standard input stays open (a client that just dies has it closed) */
  MONITOR_CLEANED,     /* after MONITOR_EXITED: the client has done all that the container's end asks for. A socket closed without it makes the monitor run MonitorStart.cleanup */
  MONITOR_LEAVING,     /* after MONITOR_EXITED: the client's process is about to end; another one, which has this socket too, does the rest and then says MONITOR_CLEANED */
  MONITOR_RECORDED,    /* the container is in the state database: from now on it outlives its command (until then the monitor has PR_SET_PDEATHSIG) */
  MONITOR_ATTACH,      /* MonitorAttach: on a connection to the listener: from now on the container's output is sent here. Output from before is in the log */
  MONITOR_STOPPING,    /* control: whoever stops the container has said so in its row, and no restart follows; answered by MONITOR_DONE */
  MONITOR_RESTART,     /* control: restart at the next end whatever the policy says (a health check's on-failure=restart); MONITOR_DONE. With a byte of data: only, could you? */
  MONITOR_GO,          /* control: an initialized container's command is to run; answered by MONITOR_DONE when it does, or has failed: then with MONITOR_FAILURE of the RuntimeStatus */
  MONITOR_HEALTH,      /* control: MonitorHealth, a new clock (update, the start-up check has passed); MONITOR_DONE */
  /* from the monitor */
  MONITOR_OUTPUT = 64, /* data from the terminal */
  MONITOR_OUTPUT_ERR,  /* data from standard error, to who is attached without a terminal */
  MONITOR_DONE,        /* int32_t: 0 or errno: the answer to a control message */
  MONITOR_OUTPUT_CLOSED,  /* int32_t errno: EPIPE: nobody reads out_fd or err_fd any more: the client ends as any program in a pipeline does, by SIGPIPE; the container goes
                           * on. ENOSPC, EDQUOT: there is no room for what it prints: the rest is lost, and the client says so in the end */
  MONITOR_STDIN_CLOSED,  /* the container closed its standard input: what is sent there is thrown away */
  MONITOR_LOST,        /* uint64_t: so many bytes of output were not sent, since for two seconds none was taken here: the log has them. Not to the foreground command */
  MONITOR_EXITED,      /* MonitorExit: the container has ended and all its output was written; the monitor waits for the client to close, then ends */
} MonitorMessageType;
typedef struct {
  uint32_t type;
} MonitorHeader;
typedef struct {
  uint16_t rows, columns;
} MonitorSize;
typedef struct {
  uint8_t in, out, err;  /* streams wanted; with a terminal @out is all of it */
} MonitorAttach;
typedef struct {
  int32_t status;      /* as waitpid gives it */
  uint8_t timed_out;   /* the timeout ended it */
  uint8_t oom;
  int64_t finished_us; /* CLOCK_REALTIME */
} MonitorExit;
/* A RuntimeStatus' stage and errno in the one number of MONITOR_DONE; an errno is less than 4096 (MAX_ERRNO in the kernel) */
#define MONITOR_FAILURE(stage, number) (((stage) + 1) << 12 | (number))
#define MONITOR_FAILURE_STAGE(failure) (((failure) >> 12) - 1)   /* -1: no stage failed, the number is an errno alone */
#define MONITOR_FAILURE_ERRNO(failure) ((failure) & 4095)
#define MONITOR_DATA_MAX 65536

#define MONITOR_LISTENER_FILE "attach"   /* in RUN_ROOT/ID */

/* RUN_ROOT/ID/exit, written by rename before MONITOR_EXITED is sent: one line "STATUS TIMED_OUT OOM FINISHED_US\n", the fields of MonitorExit in decimal. */
#define MONITOR_EXIT_FILE "exit"
