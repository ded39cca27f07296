#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "network/port_table.h"
#include "network/accel.h"
#include "network/slirp.h"
#include "pkg/cgroup/cgroup_child.h"
#include "pkg/runtime/child.h"

typedef struct {
  MonitorStart start;
  int signals;        /* signalfd of SIGCHLD */
  pid_t init;         /* 0: has ended */
  uint64_t deadline;  /* CLOCK_MONOTONIC, microseconds; 0: none */
  bool stopping;      /* the stop signal was sent, the kill is next */
  uint64_t began;     /* CLOCK_MONOTONIC, microseconds: when this run was started */
  uint64_t pause;     /* until when a start waits; 0: none does */
  pid_t cleaner;      /* the clean-up program; 0: none runs */
  int cleaned;        /* how it ended */
  MonitorExit exited;
  int mounts;         /* its mount namespace: hold_mounts */
  Again again;
  Uplink uplink;
  Health health;
  Traffic traffic;
} Monitor;

/* Not on the stack: the buffers are large and only what is touched may become resident */
static Monitor the_monitor;

static uint64_t
now_us (clockid_t clock)
{
  struct timespec t;
  (void) clock_gettime (clock, &t);
  return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

uint64_t
monitor_now (void)
{
  return now_us (CLOCK_MONOTONIC);
}

/* close_others: keep what MonitorStart names, close-on-exec, and nothing else; standard descriptors become /dev/null. A leaked copy of the
 * caller's pipe would keep it from ever seeing its end. */
static void
close_others (MonitorStart *start, Again *again, Uplink *uplink)
{
  int *named[] = { &start->init_pidfd, &start->client, &start->client_pidfd, &start->run_dir, &start->root_fd, &start->program_fd, &start->pty, &start->stdin_fd,
                   &start->stdout_fd, &start->stderr_fd, &start->out_fd, &start->err_fd, &start->listener, &start->notify, &start->notify_host, &start->log.fd, &start->log.dir, &start->held, &start->exec_dir, &start->cgroup, &start->port_socket, &start->port_table, &again->plan, &uplink->plan };
  enum { NAMED = sizeof named / sizeof named[0] };
  int *kept[NAMED + AGAIN_FDS], moved[NAMED + AGAIN_FDS];
  const size_t n = NAMED + AGAIN_FDS;
  memcpy (kept, named, sizeof named);
  for (size_t i = 0; i < AGAIN_FDS; i++)
    kept[NAMED + i] = &again->kept[i];
  /* one descriptor each, out of the way of 0, 1 and 2: two names may share a number */
  for (size_t i = 0; i < n; i++)
    moved[i] = *kept[i] < 0 ? -1 : fcntl (*kept[i], F_DUPFD_CLOEXEC, MONITOR_START_FD + 1);
  for (unsigned from = 0;;)
    {
      int next = -1;
      for (size_t i = 0; i < n; i++)
        if (moved[i] >= (int) from && (next < 0 || moved[i] < next))
          next = moved[i];
      if (next != (int) from)
        (void) syscall (SYS_close_range, from, next < 0 ? ~0u : (unsigned) next - 1, 0);
      if (next < 0)
        break;
      from = (unsigned) next + 1;
    }
  for (size_t i = 0; i < n; i++)
    *kept[i] = moved[i];
  int null = open ("/dev/null", O_RDWR);
  if (null == 0)
    {
      (void) dup2 (null, 1);
      (void) dup2 (null, 2);
    }
}

/* take_signals: nothing sent to the monitor ends it but SIGKILL: a terminal's or a session's signals are for the container. */
static void
take_signals (Monitor *monitor)
{
  sigset_t all, child;
  sigfillset (&all);
  sigemptyset (&child);
  sigaddset (&child, SIGCHLD);
  (void) signal (SIGPIPE, SIG_IGN);
  (void) signal (SIGCHLD, SIG_DFL);
  (void) sigprocmask (SIG_SETMASK, &all, NULL);
  monitor->signals = signalfd (-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
spawn_slirp (const char *program, char *const *envp, const void *network, uint32_t pause_ms, int *ret_socket, pid_t *ret_pid)
{
  SlirpProcess slirp;
  int r = slirp_spawn_child (program, envp, network, pause_ms, &slirp);
  if (r < 0)
    return r;
  *ret_socket = slirp.socket;
  *ret_pid = slirp.pid;
  return 0;
}

static int
attach_slirp (int socket, const void *network)
{
  return slirp_attach_child (socket, network);
}

static int
attach_slirp_again (int socket, const void *network)
{
  return slirp_attach_again_child (socket, network);
}

static int
supervise_connects (const void *network, int *ret_socket, pid_t *ret_pid)
{
  return accel_spawn_child (network, ret_socket, ret_pid);
}

static const RuntimeNetwork network = { .spawn = spawn_slirp, .attach = attach_slirp, .attach_again = attach_slirp_again, .loopback = slirp_loopback_child,
                                        .supervise = supervise_connects, .ask = accel_attach_child,
                                        .keep_ports = port_spawn_child, .attach_ports = port_attach_child };

/* end_ports: when the end is known to others the ports are free: the keeper ends with our end of its socket. */
static void
end_ports (MonitorStart *start)
{
  fd_drop (&start->port_socket);
  while (start->port_pid > 0 && waitpid (start->port_pid, NULL, 0) < 0 && errno == EINTR)
    continue;
  start->port_pid = 0;
}

static void
init_ended (Monitor *monitor, int status)
{
  MonitorStart *start = &monitor->start;
  /* an init that could not become the command says why before it dies */
  if (monitor->again.status >= 0 && again_listen (&monitor->again) == AGAIN_NOTHING)
    fd_drop (&monitor->again.status);
  health_end (&monitor->health);
  fd_drop (&monitor->start.held);
  monitor->exited.status = monitor->again.failed != 0 ? monitor->again.failed : status;
  monitor->exited.oom = cgroup_child_oom_kills (start->cgroup) > start->oom_kills;
  monitor->exited.finished_us = (int64_t) now_us (CLOCK_REALTIME);
  monitor->deadline = 0;
  monitor->init = 0;
  if (start->kill_group)
    ending_kill_group (start->init_pid, start->slirp_pid, start->port_pid);
  if (!start->restart)
    end_ports (start);
  traffic_finish (&monitor->traffic);
  /* who knows of the end may read the log: what was printed is there, but for what a caller or a client that does not read holds back */
  (void) traffic_drained (&monitor->traffic);
  ending_record (start->run_dir, &monitor->exited);
}

static void
reap (Monitor *monitor)
{
  int status;
  pid_t pid;
  while ((pid = waitpid (-1, &status, WNOHANG)) > 0)
    if (pid == monitor->init)
      init_ended (monitor, status);
    else if (pid == monitor->cleaner)
      {
        monitor->cleaner = 0;
        monitor->cleaned = status;
      }
    else if (pid == monitor->start.slirp_pid)
      monitor->start.slirp_pid = monitor->init > 0 ? uplink_again (&monitor->uplink, &monitor->start, &network) : 0;
    else if (pid == monitor->start.port_pid)
      monitor->start.port_pid = 0;
    else
      (void) health_reaped (&monitor->health, pid);
  /* never our child, so its status cannot be known */
  if (pid < 0 && errno == ECHILD && monitor->init > 0)
    init_ended (monitor, 255 << 8);
}

static void
serve_deadline (Monitor *monitor)
{
  const MonitorStart *start = &monitor->start;
  if (monitor->deadline == 0 || monitor_now () < monitor->deadline)
    return;
  monitor->exited.timed_out = 1;
  if (monitor->stopping || start->stop_signal <= 0 || start->stop_timeout_us == 0)
    {
      (void) kill (monitor->init, SIGKILL);
      monitor->deadline = 0;
      return;
    }
  (void) kill (monitor->init, start->stop_signal);
  monitor->stopping = true;
  monitor->deadline += start->stop_timeout_us;
}

static uint64_t
sooner (uint64_t a, uint64_t b)
{
  return a == 0 || (b != 0 && b < a) ? b : a;
}

static void
wait_for_event (const Monitor *monitor, struct pollfd *polls, size_t n)
{
  struct timespec pause = { 0, 0 }, *timeout = NULL;
  uint64_t due = sooner (sooner (monitor->deadline, traffic_due (&monitor->traffic)), sooner (monitor->health.due, monitor->pause));
  if (due > 0)
    {
      uint64_t now = monitor_now ();
      uint64_t left = due > now ? due - now : 0;
      pause.tv_sec = (time_t) (left / 1000000);
      pause.tv_nsec = (long) (left % 1000000) * 1000;
      timeout = &pause;
    }
  if (ppoll (polls, n, timeout, NULL) < 0)
    for (size_t i = 0; i < n; i++)
      polls[i].revents = 0;
}

/* start_clocks: its command runs from now on. */
static void
start_clocks (Monitor *monitor)
{
  uint64_t timeout = monitor->start.timeout_us;
  monitor->began = monitor_now ();
  monitor->deadline = timeout > 0 && timeout < UINT64_MAX - monitor->began ? monitor->began + timeout : 0;
}

/* serve_control: what was asked of us. */
static void
serve_control (Monitor *monitor)
{
  Control *control = &monitor->traffic.control;
  if (control->recorded)
    {
      control->recorded = false;
      if (monitor->init > 0 && monitor->start.held < 0)
        health_begin (&monitor->health, &monitor->start);
    }
  if (control->went)
    {
      control->went = false;
      start_clocks (monitor);
      health_begin (&monitor->health, &monitor->start);
    }
  if (control->clock_set)
    {
      control->clock_set = false;
      monitor->start.health_clock = control->clock;
      health_set (&monitor->health, control->clock.interval_us);
    }
}

/* serve: one turn of the loop. */
static void
serve (Monitor *monitor)
{
  enum { SIGNALS, STATUS, NOTIFY, POLLS };
  struct pollfd polls[TRAFFIC_POLLS + POLLS];
  int n = traffic_poll (&monitor->traffic, polls);
  struct pollfd *own = polls + n;
  own[SIGNALS] = (struct pollfd) { .fd = monitor->signals, .events = POLLIN };
  own[STATUS] = (struct pollfd) { .fd = monitor->again.status, .events = POLLIN };
  own[NOTIFY] = (struct pollfd) { .fd = monitor->start.notify, .events = POLLIN };
  wait_for_event (monitor, polls, (size_t) n + POLLS);
  bool signalled = own[SIGNALS].revents != 0;
  if (own[NOTIFY].revents != 0)
    notify_serve (monitor->start.notify, monitor->start.notify_host);
  if (own[STATUS].revents != 0 && again_listen (&monitor->again) == AGAIN_RUNNING)
    {
      health_begin (&monitor->health, &monitor->start);
      ending_tell_started (&monitor->start);
    }
  traffic_serve (&monitor->traffic, polls);
  if (signalled)
    {
      struct signalfd_siginfo info;
      while (read (monitor->signals, &info, sizeof info) > 0)
        continue;
      reap (monitor);
    }
  serve_deadline (monitor);
  serve_control (monitor);
  health_serve (&monitor->health, &monitor->start);
}

/* enter: "start FD USER MOUNTS": our program was exec'd outside of the user namespace, so that nobody in it can look at the memory of what is not dumpable (pkg/runtime/outpost.h). We ourselves
 * are: other commands join our namespaces; init is not, until it is the container's command. */
static bool
enter (int user, int mounts)
{
  if (setns (user, CLONE_NEWUSER) < 0 || setns (mounts, CLONE_NEWNS) < 0)
    return false;
  (void) close (user);
  (void) close (mounts);
  return prctl (PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

/* start_plan: "start FD", "exec FD": perform the plan in the memfd FD, up to the clone of the container's init or of an exec session's process, and learn from it what is to be
 * supervised. */
static bool
start_plan (int fd, bool exec, Monitor *monitor)
{
  struct stat st;
  if (fstat (fd, &st) < 0 || (size_t) st.st_size < sizeof (RuntimePlan))
    return false;
  /* everything before the stage that blocks them: init resets its own */
  sigset_t all;
  sigfillset (&all);
  (void) sigprocmask (SIG_SETMASK, &all, NULL);
  const RuntimePlan *plan = mmap (NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (plan == MAP_FAILED || plan->magic != PLAN_MAGIC || plan->size != (uint64_t) st.st_size)
    return false;
  if (!exec)
    {
      again_keep (&monitor->again, fd, plan);
      uplink_keep (&monitor->uplink, fd, plan);
    }
  bool started = (exec ? exec_child_start (plan, fd, &monitor->start) : helper_child_start (plan, &network, &monitor->start)) == 0;
  (void) munmap ((void *) plan, (size_t) st.st_size);
  return started;
}

/* watch_start: no arguments: a MonitorStart of a container that somebody else made is in the memfd MONITOR_START_FD. */
static bool
watch_start (MonitorStart *ret_start)
{
  return pread (MONITOR_START_FD, ret_start, sizeof *ret_start, 0) == (ssize_t) sizeof *ret_start;
}

/* wait_command: until the command has ended, but not for long. We share its mount namespace, and the last to leave takes it apart, which waits for the kernel's grace
 * periods: that is our part, not that of the user's command. */
static void
wait_command (const Clients *clients)
{
  struct pollfd command = { .fd = clients->pidfd, .events = POLLIN };
  const struct timespec longest = { .tv_nsec = 500000000 };
  if (command.fd >= 0)
    (void) ppoll (&command, 1, &longest, NULL);
}

/* hold_mounts: the last process of a mount namespace takes its mounts down before its death is told of, which takes the kernel 0.2 ms; held by us, it is told first. Older kernels than
 * 6.11 cannot say it: then it is as it is. Source: ioctl_pidfd(2), PIDFD_GET_MNT_NAMESPACE. */
static void
hold_mounts (Monitor *monitor)
{
  enum { GET_MNT_NAMESPACE = _IO (0xff, 3) };
  const MonitorStart *start = &monitor->start;
  monitor->mounts = start->exec_dir < 0 && start->init_pidfd >= 0 ? ioctl (start->init_pidfd, GET_MNT_NAMESPACE, 0) : -1;
}

/* begin: a container has just been started. */
static void
begin (Monitor *monitor)
{
  const MonitorStart *start = &monitor->start;
  monitor->init = start->init_pid;
  uplink_begin (&monitor->uplink);
  hold_mounts (monitor);
  monitor->exited = (MonitorExit) { 0 };
  monitor->stopping = false;
  start_clocks (monitor);
  if (start->held >= 0)
    monitor->deadline = 0;
}

/* run_to_end: until it has ended and its output is written. */
static void
run_to_end (Monitor *monitor)
{
  while (monitor->init > 0)
    serve (monitor);
  while (!traffic_drained (&monitor->traffic))
    serve (monitor);
  if (monitor->traffic.clients.list[CLIENT_PRIMARY].socket >= 0)
    ending_exec (&monitor->start);
  traffic_tell (&monitor->traffic, &monitor->exited);
  fd_drop (&monitor->mounts);
}

/* clean_up: the clean-up program's exit status; sockets are served meanwhile. The foreground command, told of the end, leaves us. */
static int
clean_up (Monitor *monitor)
{
  Control *control = &monitor->traffic.control;
  monitor->cleaned = 127 << 8;
  /* its row was written before it ran: the command that is about to leave takes nothing along */
  (void) prctl (PR_SET_PDEATHSIG, 0, 0, 0, 0);
  monitor->cleaner = ending_cleanup (&monitor->start, control->again);
  if (monitor->cleaner < 0)
    monitor->cleaner = 0;
  while (monitor->cleaner > 0)
    {
      clients_release (&monitor->traffic.clients, RELEASE_PRIMARY);
      serve (monitor);
    }
  return WIFEXITED (monitor->cleaned) ? WEXITSTATUS (monitor->cleaned) : 127;
}

/* wait_pause: false: it was called off. */
static bool
wait_pause (Monitor *monitor)
{
  Control *control = &monitor->traffic.control;
  monitor->pause = monitor_now () + again_pause (&monitor->again, monitor_now () - monitor->began);
  while (!control->stopping && monitor_now () < monitor->pause)
    {
      clients_release (&monitor->traffic.clients, RELEASE_SERVED);
      serve (monitor);
    }
  monitor->pause = 0;
  bool wanted = !control->stopping;
  control->stopping = false;
  return wanted;
}

/* start_again: false: it failed, which counts as a run that has ended. */
static bool
start_again (Monitor *monitor)
{
  MonitorStart *start = &monitor->start;
  clients_release (&monitor->traffic.clients, RELEASE_ALL);
  if (start->slirp_pid > 0)
    (void) kill (start->slirp_pid, SIGKILL);
  fd_drop (&start->init_pidfd);
  /* the first command's own went with it */
  start->out_fd = start->err_fd = -1;
  bool started = again_start (&monitor->again, start, &network);
  begin (monitor);
  if (started)
    {
      traffic_begin (&monitor->traffic, start);
      return true;
    }
  monitor->init = 0;
  monitor->deadline = 0;
  monitor->exited.status = monitor->again.failed;
  monitor->exited.finished_us = (int64_t) now_us (CLOCK_REALTIME);
  ending_record (start->run_dir, &monitor->exited);
  return false;
}

/* go_on: after an end: is there another run? The clean-up program decides by what is on record. */
static bool
go_on (Monitor *monitor)
{
  /* the command that started us may still be writing its part of the record */
  while (!monitor->traffic.control.heard && monitor->traffic.clients.list[CLIENT_PRIMARY].socket >= 0)
    serve (monitor);
  while (clean_up (monitor) == MONITOR_AGAIN)
    {
      if (!wait_pause (monitor))
        continue;
      monitor->traffic.control.again = false;
      if (start_again (monitor))
        return true;
    }
  end_ports (&monitor->start);
  return false;
}

/* leave: the last end. @exec: of a session, which leaves nothing to clean up. */
static void
leave (Monitor *monitor, bool exec)
{
  while (traffic_waits (&monitor->traffic))
    serve (monitor);
  /* what became of a session that nobody waited for is told, by the program, from the exit file in its folder, which then goes */
  if (exec && (monitor->traffic.clients.cleaned || clean_up (monitor) == 0))
    return;
  if (exec)
    {
      ending_exec (&monitor->start);
      return;
    }
  if (monitor->traffic.clients.cleaned)
    wait_command (&monitor->traffic.clients);
  else
    (void) clean_up (monitor);
}

/* last_status: as its last run ended: a service manager whose unit we are the main process of goes by it (Restart=on-failure), as with conmon. */
static int
last_status (const Monitor *monitor)
{
  const MonitorExit *exited = &monitor->exited;
  if (exited->timed_out)
    return 255;
  return WIFSIGNALED (exited->status) ? 128 + WTERMSIG (exited->status) : WEXITSTATUS (exited->status);
}

int
main (int argc, char **argv)
{
  Monitor *monitor = &the_monitor;
  MonitorStart *start = &monitor->start;
  if (argc > 2 && strcmp (argv[1], "--") == 0)
    return init_main (argv + 2);
  bool exec = argc == 3 && strcmp (argv[1], "exec") == 0;
  again_begin (&monitor->again);
  monitor->uplink.plan = -1;
  if (argc == 5 && !enter (atoi (argv[3]), atoi (argv[4])))
    return 70;
  bool given = exec || ((argc == 3 || argc == 5) && strcmp (argv[1], "start") == 0) ? start_plan (atoi (argv[2]), exec, monitor) : watch_start (start);
  if (!given || start->magic != MONITOR_START_MAGIC)
    return 70;
  close_others (start, &monitor->again, &monitor->uplink);
  take_signals (monitor);
  if (start->kill_group)
    (void) prctl (PR_SET_CHILD_SUBREAPER, 1);
  start->restart = monitor->again.plan >= 0;
  monitor->traffic.control.can_again = start->restart;
  monitor->traffic.control.held = &start->held;
  monitor->traffic.control.starting = &monitor->again;
  traffic_start (&monitor->traffic, start);
  begin (monitor);
  /* it may have ended before SIGCHLD was blocked */
  reap (monitor);

  for (run_to_end (monitor); start->restart; run_to_end (monitor))
    if (!go_on (monitor))
      return last_status (monitor);
  leave (monitor, exec);
  return exec ? 0 : last_status (monitor);
}
