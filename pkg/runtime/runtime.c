#include "pkg/runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/runtime/outpost.h"
#include "pkg/runtime/plan_build.h"
#include "pkg/runtime/program.h"
#include "pkg/runtime/runtime_private.h"

/* What each stage was doing, for people. */
static const char *const stage_names[] = {
  [STAGE_HELPER_START] = "starting the monitor",
  [STAGE_SLIRP] = "starting coracle-slirp",
  [STAGE_ACCEL] = "making connections outside (accel=on)",
  [STAGE_PORTS] = "keeping the published ports",
  [STAGE_JOIN] = "joining a namespace",
  [STAGE_CLONE] = "making the container's namespaces",
  [STAGE_TERMINAL] = "receiving the terminal",
  [STAGE_HOOK] = "running a prestart or createRuntime hook",
  [STAGE_MONITOR] = "starting the monitor",
  [STAGE_SESSION] = "starting a session",
  [STAGE_NETWORK] = "setting up the network",
  [STAGE_PROPAGATION] = "making mounts private",
  [STAGE_ROOT] = "opening the root filesystem",
  [STAGE_MOUNT] = "mounting",
  [STAGE_DEVICE] = "making device",
  [STAGE_CONSOLE] = "opening the terminal",
  [STAGE_PIVOT] = "changing the root",
  [STAGE_SYSCTL] = "setting sysctl",
  [STAGE_MASK] = "masking",
  [STAGE_READONLY] = "making read-only",
  [STAGE_HOSTNAME] = "setting the hostname",
  [STAGE_LIMIT] = "setting resource limit",
  [STAGE_OOM] = "setting oom_score_adj",
  [STAGE_GO] = "waiting for the container's record",
  [STAGE_STDIO] = "arranging standard input and output",
  [STAGE_CAPS] = "dropping capabilities",
  [STAGE_SECCOMP] = "loading the seccomp filter",
  [STAGE_USER] = "changing to the user",
  [STAGE_CWD] = "changing to the working directory",
  [STAGE_EXEC] = "executing",
  [STAGE_HOOK_CONTAINER] = "running a createContainer hook",
  [STAGE_HOOK_START] = "running a startContainer hook",
  [STAGE_CGROUP] = "entering the cgroup",
  [STAGE_USERNS] = "entering the container's user namespace",
};
G_STATIC_ASSERT (G_N_ELEMENTS (stage_names) == STAGE_END);

const char *
runtime_stage_name (RuntimeStage stage)
{
  return stage > STAGE_NONE && stage < STAGE_END ? stage_names[stage] : NULL;
}

/* ---- starting the monitor */

typedef struct {
  int program, plan_fd;
  const char *verb;  /* what the monitor is asked to do with the plan */
  int user, mounts;  /* from outside: the namespaces to be entered first; -1 = it is in them */
  const int *keep;   /* descriptors the monitor gets, -1 ends */
} Spawn;

static void
number_text (char *out, size_t size, int number)
{
  char *at = out + size - 1;
  *at = '\0';
  do
    *--at = (char) ('0' + number % 10);
  while ((number /= 10) != 0);
  memmove (out, at, (size_t) (out + size - at));
}

/* exec_monitor: in the child, which shares our memory and has a stack of its own (CLONE_VM): only system calls, no return. What it reads stays as it is until the
 * status socket has told that it has exec'd or died. */
static int
exec_monitor (void *data)
{
  const Spawn *spawn = data;
  for (const int *fd = spawn->keep; *fd >= 0; fd++)
    if (fcntl (*fd, F_SETFD, 0) < 0)
      _exit (127);
  if (fcntl (spawn->plan_fd, F_SETFD, 0) < 0)
    _exit (127);
  char number[16], user[16], mounts[16];
  number_text (number, sizeof number, spawn->plan_fd);
  gboolean outside = spawn->user >= 0;
  if (outside)
    {
      number_text (user, sizeof user, spawn->user);
      number_text (mounts, sizeof mounts, spawn->mounts);
    }
  char *const argv[] = { (char *) "coracle-monitor", (char *) (uintptr_t) spawn->verb, number, outside ? user : NULL, mounts, NULL };
  /* the monitor itself reads no variable: they are for the clean-up command it may start */
  (void) syscall (SYS_execveat, spawn->program, "", argv, environ, AT_EMPTY_PATH);
  _exit (127);
}

/* spawn_monitor: clone and exec it, without waiting for the exec; copying our page tables for it would cost more than the exec. Returns its pid or -errno.
 * Should: run with all signals that have handlers blocked; there are none.   Mustn't: run with a second thread alive. */
static pid_t
spawn_monitor (const Spawn *spawn, gboolean own_pid_namespace)
{
  static char stack[16384] __attribute__ ((aligned (16)));
  pid_t pid = clone (exec_monitor, stack + sizeof stack, CLONE_VM | SIGCHLD | (own_pid_namespace ? CLONE_NEWPID : 0), (void *) spawn);
  return pid < 0 ? -errno : pid;
}

/* spawn_outside: the same, of a container that joins another's pid namespace (see outpost.h); 0: it must be done from here. What is held before its command (it can be looked at from outside meanwhile,
 * by us as well) and what has hooks that look at its namespaces is. */
static pid_t
spawn_outside (Spawn *spawn, const RuntimePlan *plan)
{
  const PlanJoin *joins = plan_bytes (plan, plan->joins.at);
  gboolean joined = FALSE;
  for (guint i = 0; i < plan->joins.n; i++)
    joined = joined || joins[i].flag == CLONE_NEWPID;
  if (!joined || plan->held || plan->hooks_runtime.n > 0)
    return 0;
  cleanup_fd int user = open ("/proc/self/ns/user", O_RDONLY), mounts = open ("/proc/self/ns/mnt", O_RDONLY);
  if (user < 0 || mounts < 0)
    return 0;
  spawn->user = user;
  spawn->mounts = mounts;
  /* it has copies of the two by the time that this returns; their numbers it reads later */
  pid_t pid = outpost_spawn (exec_monitor, spawn);
  if (pid == 0)
    spawn->user = spawn->mounts = -1;
  return pid;
}

/* ---- the status socket */

static gboolean
throw_exec (json_t *config, const RuntimeStatus *status, GError **error)
{
  const char *command = json_string_value (json_array_get (json_object_get (json_object_get (config, "process"), "args"), 0));
  if (status->error == ENOENT || status->error == ENOTDIR)
    {
      if (strchr (command, '/') == NULL)
        return coracle_throw (error, CORACLE_ERROR_NO_COMMAND,
                              "runtime: executable file `%s` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found", command);
      return coracle_throw (error, CORACLE_ERROR_NO_COMMAND,
                            "runtime: open executable: `%s`: %s: OCI runtime attempted to invoke a command that was not found", command, g_strerror (status->error));
    }
  const char *hint = status->error == EACCES || status->error == EPERM ? ": OCI permission denied" : "";
  return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "runtime: open executable: `%s`: %s%s", command, g_strerror (status->error), hint);
}

/* detail_text: the noun of a stage that walks a list. */
static char *
detail_text (json_t *config, const RuntimeStatus *status)
{
  json_t *linux_section = json_object_get (config, "linux");
  const char *key;
  json_t *value;
  int i = 0;
  switch (status->stage)
    {
    case STAGE_MOUNT:
      {
        json_t *mount = json_array_get (json_object_get (config, "mounts"), status->detail < 0 ? 0 : (size_t) status->detail);
        if (status->detail < 0)
          return g_strdup (" the devices of /dev");
        const char *source = json_string_value (json_object_get (mount, "source"));
        return g_strdup_printf (" %s on %s", source != NULL ? source : "filesystem", json_string_value (json_object_get (mount, "destination")));
      }
    case STAGE_MASK:
      return g_strdup_printf (" %s", json_string_value (json_array_get (json_object_get (linux_section, "maskedPaths"), (size_t) status->detail)));
    case STAGE_READONLY:
      return g_strdup_printf (" %s", json_string_value (json_array_get (json_object_get (linux_section, "readonlyPaths"), (size_t) status->detail)));
    case STAGE_LIMIT:
      {
        json_t *limit = json_array_get (json_object_get (json_object_get (config, "process"), "rlimits"), (size_t) status->detail);
        return g_strdup_printf (" %s", json_string_value (json_object_get (limit, "type")));
      }
    case STAGE_SYSCTL:
      json_object_foreach (json_object_get (linux_section, "sysctl"), key, value)
        if (i++ == status->detail)
          return g_strdup_printf (" %s=%s", key, json_string_value (value));
      return g_strdup ("");
    default:
      return g_strdup ("");
    }
}

/* hook_path: of the hook number @i of the stage. */
static const char *
hook_path (json_t *config, int stage, size_t i)
{
  json_t *hooks = json_object_get (config, "hooks");
  const char *first = stage == STAGE_HOOK ? "prestart" : stage == STAGE_HOOK_CONTAINER ? "createContainer" : "startContainer";
  json_t *list = json_object_get (hooks, first);
  if (stage == STAGE_HOOK && i >= json_array_size (list))
    {
      i -= json_array_size (list);
      list = json_object_get (hooks, "createRuntime");
    }
  const char *path = json_string_value (json_object_get (json_array_get (list, i), "path"));
  return path != NULL ? path : "(unknown)";
}

static gboolean
throw_hook (json_t *config, const RuntimeStatus *status, GError **error)
{
  const char *path = hook_path (config, status->stage, (size_t) status->detail & 0xffff);
  int wait_status = (int) ((unsigned) status->detail >> 16);
  if (status->error != ECHILD)
    return coracle_throw_errno (error, status->error, "runtime: %s: %s", stage_names[status->stage], path);
  if (WIFSIGNALED (wait_status))
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "runtime: %s: %s: killed by signal %d", stage_names[status->stage], path, WTERMSIG (wait_status));
  const char *hint = WEXITSTATUS (wait_status) == 127 ? " (is it there and executable?)" : "";
  return coracle_throw (error, CORACLE_ERROR_SYSTEM, "runtime: %s: %s: exit status %d%s", stage_names[status->stage], path, WEXITSTATUS (wait_status), hint);
}

static const char *
remedy (const RuntimeStatus *status)
{
  if (status->stage == STAGE_MOUNT && status->error == ELOOP)
    return " (the image has a link on the way to it)";
  if (status->stage == STAGE_MOUNT && status->error == ENOTDIR)
    return " (a folder goes on a folder and a file on a file: which is there in the image?)";
  if (status->stage == STAGE_SYSCTL && status->error == EXDEV)
    return " (something else is mounted on the container's /proc)";
  if (status->stage == STAGE_STDIO && (status->error == EBADF || status->error == EINVAL || status->error == EMFILE))
    return " (does --ulimit nofile leave it enough open files?)";
  if (status->stage == STAGE_NETWORK && (status->error == ENOENT || status->error == EACCES || status->error == EPERM))
    return " (is /dev/net/tun there and writable to you? --net host or --net none do without)";
  if (status->stage == STAGE_LIMIT && status->error == EPERM)
    return " (more than your own hard limit)";
  return "";
}

/* throw_cwd: podman gives 126 for a working directory one may not enter and 127 for one that is missing. */
static gboolean
throw_cwd (json_t *config, int number, GError **error)
{
  const char *folder = json_string_value (json_object_get (json_object_get (config, "process"), "cwd"));
  const char *hint = number == ENOENT ? ": OCI runtime attempted to invoke a command that was not found" : number == EACCES || number == EPERM ? ": OCI permission denied" : "";
  return coracle_throw (error, number == ENOENT ? CORACLE_ERROR_NO_COMMAND : CORACLE_ERROR_CANNOT_INVOKE, "runtime: chdir to `%s`: %s%s", folder, g_strerror (number), hint);
}

static gboolean
throw_status (json_t *config, const RuntimeStatus *status, GError **error)
{
  if (status->stage == STAGE_EXEC)
    return throw_exec (config, status, error);
  const char *name = runtime_stage_name ((RuntimeStage) status->stage);
  if (status->stage == STAGE_HOOK || status->stage == STAGE_HOOK_CONTAINER || status->stage == STAGE_HOOK_START)
    return throw_hook (config, status, error);
  if (status->stage == STAGE_CWD)
    return throw_cwd (config, status->error, error);
  g_autofree char *detail = detail_text (config, status);
  return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "runtime: %s%s: %s%s", name != NULL ? name : "starting", detail, g_strerror (status->error), remedy (status));
}

gboolean
runtime_throw_failure (json_t *config, int failure, GError **error)
{
  const RuntimeStatus status = { .stage = MONITOR_FAILURE_STAGE (failure), .error = MONITOR_FAILURE_ERRNO (failure) };
  if (status.stage < 0)
    return coracle_throw_errno (error, status.error, "runtime: letting the command run");
  return throw_status (config, &status, error);
}

/* receive_status: one message; returns 1, 0 at end of file, or -errno. A pidfd that comes with it goes to *@ret_fd. */
static int
receive_status (int socket, RuntimeStatus *ret_status, int *ret_fd)
{
  union {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control;
  struct iovec data = { .iov_base = ret_status, .iov_len = sizeof *ret_status };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
  ssize_t n;
  /* the peer that ends without having read our word (say_go) leaves ECONNRESET, once, before what it had sent: unix(7) */
  do
    n = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  if (n < 0)
    return -errno;
  if (n == 0)
    return 0;
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  *ret_fd = -1;
  if (header != NULL && header->cmsg_type == SCM_RIGHTS)
    memcpy (ret_fd, CMSG_DATA (header), sizeof (int));
  return n == sizeof *ret_status ? 1 : -EBADMSG;
}

/* open_interrupt: a descriptor that is readable while a signal is pending that asks this process to end: one that it keeps blocked, to forward it once there is a container.
 * One that is ignored asks nothing. */
static int
open_interrupt (void)
{
  static const int asking[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
  sigset_t set;
  sigemptyset (&set);
  for (gsize i = 0; i < G_N_ELEMENTS (asking); i++)
    {
      struct sigaction action;
      if (sigaction (asking[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset (&set, asking[i]);
    }
  return signalfd (-1, &set, SFD_CLOEXEC);
}

static gboolean
is_interrupted (int socket, int interrupt)
{
  struct pollfd polls[] = { { .fd = socket, .events = POLLIN }, { .fd = interrupt, .events = POLLIN } };
  int n;
  do
    n = poll (polls, G_N_ELEMENTS (polls), -1);
  while (n < 0 && errno == EINTR);
  return polls[1].revents != 0;
}

/* say_go: what must be known of the container is recorded: its command may run. */
static gboolean
say_go (int socket, GError **error)
{
  /* nobody may be there any more: then the status says why */
  if (send (socket, "g", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET && errno != ENOTCONN)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "runtime: telling init to go on");
    }
  return TRUE;
}

static gboolean
wait_running (json_t *config, const RuntimeExec *exec, int socket, RuntimeProcess *process, GError **error)
{
  cleanup_fd int interrupt = open_interrupt ();
  gboolean ready = FALSE;
  for (;;)
    {
      RuntimeStatus status;
      int fd = -1;
      /* pid 1 of a container that has not come to its handlers would not see it, and what it waits for may never come */
      if (is_interrupted (socket, interrupt))
        return coracle_throw (error, CORACLE_ERROR_SYSTEM, "runtime: interrupted by a signal");
      int r = receive_status (socket, &status, &fd);
      if (r < 0)
        return coracle_throw_errno (error, -r, "runtime: reading its status");
      if (r == 0)
        {
          if (process->init_pidfd < 0)
            return coracle_throw (error, CORACLE_ERROR_SYSTEM, "runtime: coracle-monitor ended before it made the container");
          return TRUE;
        }
      if (exec == NULL && status.stage == STAGE_NONE && status.detail == STATUS_READY)
        {
          /* it is held there; it may be quicker than the helper, who says which process it is */
          if (process->init_pidfd >= 0)
            return TRUE;
          ready = TRUE;
          continue;
        }
      if (status.stage != STAGE_NONE)
        {
          fd_close (fd);
          return throw_status (config, &status, error);
        }
      process->init_pidfd = fd;
      process->init = status.pid > 0 ? status.pid : proc_pidfd_number (fd);
      if (exec != NULL && status.detail != 0 && (!exec->place (process->init, exec->place_data, error) || !say_go (socket, error)))
        return FALSE;
      if (ready)
        return TRUE;
    }
}

/* ---- all together */

typedef struct {
  int status[2];      /* ours, the monitor's */
  int command_pidfd;
  int null;
  int out[2], err[2]; /* pipes: read end the monitor's, write end init's */
} Channels;

static void
channels_close (Channels *channels)
{
  int *all[] = { &channels->status[0], &channels->status[1], &channels->command_pidfd, &channels->null,
                 &channels->out[0], &channels->out[1], &channels->err[0], &channels->err[1] };
  for (size_t i = 0; i < G_N_ELEMENTS (all); i++)
    fd_close (fd_steal (all[i]));
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Channels, channels_close)

/* passes_through: the container's output goes where the command's does, and the monitor sees none of it: podman-run(1) --log-driver. */
static gboolean
passes_through (const RuntimeOptions *options)
{
  return options->log.kind == MONITOR_LOG_PASSTHROUGH;
}

static gboolean
channels_open (Channels *channels, const RuntimePlan *plan, const RuntimeOptions *options, GError **error)
{
  *channels = (Channels){ { -1, -1 }, -1, -1, { -1, -1 }, { -1, -1 } };
  int r = socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channels->status);
  if (r == 0 && !plan->terminal && !passes_through (options))
    r = pipe2 (channels->out, O_CLOEXEC) < 0 || pipe2 (channels->err, O_CLOEXEC) < 0 ? -1 : 0;
  if (r == 0 && !plan->terminal && options->stdin_read < 0)
    r = (channels->null = open ("/dev/null", O_RDONLY | O_CLOEXEC)) < 0 ? -1 : 0;
  int errsv = errno;
  if (r < 0)
    return coracle_throw_errno (error, errsv, "runtime: making pipes");
  channels->command_pidfd = proc_pidfd_open (getpid ());
  if (channels->command_pidfd < 0)
    return coracle_throw_errno (error, -channels->command_pidfd, "runtime: pidfd_open");
  return TRUE;
}

/* open_pipes: of an exec session in a container with a user namespace of its own: nobody there can be given a pipe of ours, to open it again by /dev/stdout; but it may let everybody in:
 * who has no access to the process finds no name of it. */
static void
open_pipes (const RuntimePlan *plan, const RuntimeOptions *options)
{
  const int pipes[] = { plan->init_stdin, plan->init_stdout, plan->init_stderr };
  struct stat st;
  for (gsize i = 0; i < G_N_ELEMENTS (pipes) && options->exec != NULL && options->give_pipes; i++)
    if (pipes[i] >= 0 && fstat (pipes[i], &st) == 0 && S_ISFIFO (st.st_mode))
      (void) fchmod (pipes[i], 0666);
}

static void
fill_channels (RuntimePlan *plan, const Channels *channels, const RuntimeOptions *options)
{
  plan->status_fd = channels->status[1];
  plan->monitor.held = options->hold ? channels->status[0] : -1;
  plan->command_pidfd = channels->command_pidfd;
  /* a session that nobody stays with does not end with its command */
  plan->monitor.client_pidfd = options->exec != NULL && options->client < 0 ? -1 : channels->command_pidfd;
  plan->init_stdin = plan->terminal ? -1 : options->stdin_read >= 0 ? options->stdin_read : channels->null;
  plan->init_stdout = channels->out[1];
  plan->init_stderr = channels->err[1];
  plan->monitor.stdout_fd = channels->out[0];
  plan->monitor.stderr_fd = channels->err[0];
  if (!plan->terminal && passes_through (options))
    {
      plan->init_stdout = options->out_fd;
      plan->init_stderr = options->err_fd;
    }
  open_pipes (plan, options);
  if (plan->terminal || passes_through (options))
    plan->monitor.out_fd = plan->monitor.err_fd = -1;
}

/* kept_fds: what the monitor inherits: everything the plan names. */
static GArray *
kept_fds (const RuntimePlan *plan, const RuntimeOptions *options)
{
  const MonitorStart *monitor = &plan->monitor;
  const int named[] = { monitor->held, monitor->client, monitor->client_pidfd, monitor->run_dir, monitor->root_fd, monitor->program_fd, monitor->stdin_fd, monitor->stdout_fd, monitor->stderr_fd, monitor->out_fd,
                        monitor->err_fd, monitor->listener, monitor->notify, monitor->notify_host, monitor->log.fd, monitor->log.dir, monitor->exec_dir, monitor->cgroup, monitor->port_table, plan->exec_pidfd, plan->exec_cgroup, plan->status_fd, plan->init_stdin, plan->init_stdout, plan->init_stderr };
  GArray *keep = g_array_new (FALSE, FALSE, sizeof (int));
  for (size_t i = 0; i < G_N_ELEMENTS (named); i++)
    if (named[i] >= 0)
      g_array_append_val (keep, named[i]);
  const PlanJoin *joins = plan_bytes (plan, plan->joins.at);
  for (guint i = 0; i < plan->joins.n; i++)
    g_array_append_val (keep, joins[i].fd);
  if (monitor->port_table >= 0)
    g_array_append_vals (keep, options->port_fds, options->n_port_fds);
  int end = -1;
  g_array_append_val (keep, end);
  return keep;
}

gboolean
runtime_perform (json_t *config, GByteArray *bytes, const RuntimeOptions *options, int program, gboolean (*while_starting) (pid_t monitor, void *data, GError **error), void *data,
                 RuntimeProcess *ret_process, GError **error)
{
  RuntimePlan *plan = (RuntimePlan *) (void *) bytes->data;
  g_auto (Channels) channels;
  if (!channels_open (&channels, plan, options, error))
    return FALSE;
  fill_channels (plan, &channels, options);
  plan->monitor.program_fd = program;
  cleanup_fd int plan_fd = fd_memfd ("coracle-plan", bytes->data, bytes->len);
  if (plan_fd < 0)
    return coracle_throw_errno (error, -plan_fd, "runtime: writing the plan");
  g_autoptr (GArray) keep = kept_fds (plan, options);
  Spawn spawn = { .program = program, .plan_fd = plan_fd, .verb = options->exec != NULL ? "exec" : "start", .user = -1, .mounts = -1, .keep = (const int *) (void *) keep->data };
  cleanup_pid pid_t monitor = options->exec == NULL ? spawn_outside (&spawn, plan) : 0;
  if (monitor == 0)
    monitor = spawn_monitor (&spawn, options->exec == NULL && !plan->pdeathsig);
  if (monitor < 0)
    return coracle_throw_errno (error, -monitor, "runtime: starting coracle-monitor");
  /* the monitor's ends must be its alone: its death is what we see as end of file */
  fd_close (fd_steal (&channels.status[1]));

  RuntimeProcess process = { .monitor = monitor, .init_pidfd = -1 };
  if ((while_starting != NULL && !while_starting (monitor, data, error)) || (options->exec == NULL && !options->hold && !say_go (channels.status[0], error))
      || !wait_running (config, options->exec, channels.status[0], &process, error))
    {
      fd_close (process.init_pidfd);
      return FALSE;
    }
  (void) proc_steal_pid (&monitor);
  *ret_process = process;
  return TRUE;
}

gboolean
runtime_start (json_t *config, const RuntimeOptions *options, gboolean (*while_starting) (pid_t monitor, void *data, GError **error), void *data,
               RuntimeProcess *ret_process, GError **error)
{
  g_autoptr (GArray) join_fds = NULL;
  g_autoptr (GByteArray) bytes = runtime_plan_build (config, options, &join_fds, error);
  if (bytes == NULL)
    return FALSE;
  g_autofree char *path = g_build_filename (options->paths->libexec, "coracle-monitor", NULL);
  cleanup_fd int program = program_open (path);
  gboolean done = program >= 0 ? runtime_perform (config, bytes, options, program, while_starting, data, ret_process, error) : coracle_throw_errno (error, -program, "runtime: opening %s", path);
  for (guint i = 0; i < join_fds->len; i++)
    fd_close (g_array_index (join_fds, int, i));
  return done;
}
