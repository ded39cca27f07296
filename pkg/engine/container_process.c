#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container_health.h"
#include "pkg/engine/container_join.h"
#include "pkg/engine/container_hooks.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_log.h"
#include "pkg/engine/container_notify.h"
#include "pkg/engine/container_policy.h"
#include "pkg/engine/container_ports.h"
#include "pkg/engine/container_process.h"
#include "pkg/engine/container_resources.h"
#include "pkg/engine/container_share.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/container_words.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/monitor/client.h"
#include "pkg/runtime/outpost.h"

void
process_init (Run *run, const ConfigPaths *paths, const ContainerOptions *options)
{
  *run = (Run){ .signals = -1, .client = { -1, -1 }, .input = { -1, -1 }, .process.init_pidfd = -1 };
  make_init (&run->make, paths, options);
}

void
process_clear (Run *run)
{
  int *fds[] = { &run->signals, &run->client[0], &run->client[1], &run->input[0], &run->input[1], &run->process.init_pidfd };
  for (size_t i = 0; i < G_N_ELEMENTS (fds); i++)
    fd_close (fd_steal (fds[i]));
  if (!run->existing)
    g_clear_pointer (&run->row, state_container_free);
  make_clear (&run->make);
}

/* ---- files the user asked for */

static gboolean
write_user_file (const char *path, const char *what, const char *text, GError **error)
{
  if (path == NULL)
    return TRUE;
  int r = path_write_file (AT_FDCWD, path, text, strlen (text), 0644, FALSE);
  if (r < 0)
    return coracle_throw_errno (error, -r, "writing %s file %s", what, path);
  return TRUE;
}

gboolean
process_cidfile (Run *run, GError **error)
{
  const char *path = run->make.options->cidfile;
  run->cidfile = path != NULL;
  return write_user_file (path, "container id", run->make.id, error);
}

static gboolean
write_pid (const char *path, const char *what, pid_t pid, GError **error)
{
  if (path == NULL)
    return TRUE;
  g_autofree char *text = g_strdup_printf ("%d", (int) pid);
  return write_user_file (path, what, text, error);
}

/* drop_cidfile: the file goes with the container: podman-run(1) --cidfile. */
static void
drop_cidfile (const Run *run)
{
  if (run->cidfile)
    (void) unlink (run->make.options->cidfile);
}

/* write_monitor_pid: "PID INODE" of the monitor, for whoever looks for a process to join the user namespace of (pkg/idmap). */
static gboolean
record_monitor (Run *run, pid_t monitor, GError **error)
{
  struct stat st;
  if (stat ("/proc/self/ns/user", &st) < 0)
    return TRUE;
  g_autofree char *text = g_strdup_printf ("%d %llu\n", (int) monitor, (unsigned long long) st.st_ino);
  int r = path_write_file (run->make.run_dir, "monitor.pid", text, strlen (text), 0600, FALSE);
  if (r < 0)
    return coracle_throw_errno (error, -r, "writing monitor.pid");
  return TRUE;
}

/* ---- start */

/* insert_row: of many that start at once two may have made up the same name. */
static gboolean
insert_row (Run *run, GError **error)
{
  Make *make = &run->make;
  for (int tries = 0;; tries++)
    {
      g_autoptr (GError) problem = NULL;
      if (state_container_insert (make->storage->state, run->row, &problem))
        return TRUE;
      if (make->options->name != NULL || tries >= 16 || !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_EXISTS))
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
      if (!make_rename (make, error))
        return FALSE;
      g_free (run->row->name);
      run->row->name = g_strdup (make->name);
    }
}

/* note_image: Podman tells of the look-up of an image that is here as of one that is fetched, which the program that fetched it has told. */
static void
note_image (const Run *run)
{
  const Make *make = &run->make;
  if (make->image != NULL && !make->fetched && g_strcmp0 (make->options->pull, "never") != 0)
    event_image (make->storage, "pull", make->image->id, make->image_name);
}

/* let_go_of_locks: that were for the time until the row is there. */
static void
let_go_of_locks (Run *run)
{
  fd_close (fd_steal (&run->make.store_lock));
  fd_close (fd_steal (&run->make.auto_lock));
  fd_close (fd_steal (&run->make.volume_lock));
}

gboolean
process_record (Run *run, GError **error)
{
  run->row = make_row (&run->make);
  if (!insert_row (run, error))
    return FALSE;
  run->recorded = TRUE;
  note_image (run);
  let_go_of_locks (run);
  make_rest (&run->make);
  event_container_created (run->make.storage, run->row);
  return TRUE;
}

/* note_start: in the row of a container that was there. What the last run left is of the past: podman-run(1) --restart. */
static gboolean
note_start (StateContainer *row, void *data, GError **error)
{
  const Run *run = data;
  (void) error;
  row->status = (g_free (row->status), g_strdup ("running"));
  row->started = run->hold ? 0 : g_get_real_time ();
  row->exit_code = 0;
  row->auto_remove = run->make.options->rm;   /* a restart took it away */
  row->boot_id = (g_free (row->boot_id), storage_boot_id ());
  json_object_set_new (row->config, "run_root", json_string (run->make.paths->run_root));
  json_object_del (row->config, "restart_count");
  json_object_del (row->config, "oom_killed");
  json_object_del (row->config, "stopped_by_user");
  json_object_del (row->config, "error");
  json_object_del (row->config, STORAGE_LOST);
  return TRUE;
}

/* record: while the container is being started: its row. */
static gboolean
record (pid_t monitor, void *data, GError **error)
{
  Run *run = data;
  if (!record_monitor (run, monitor, error) || !idmap_record (run->make.paths->run_root, monitor, error) || !make_save_config (&run->make, error))
    return FALSE;
  if (run->existing)
    return run->recorded = state_container_edit (run->make.storage->state, run->make.id, note_start, run, error);
  run->row = make_row (&run->make);
  run->row->status = (g_free (run->row->status), g_strdup ("running"));
  run->row->started = g_get_real_time ();
  if (!insert_row (run, error))
    return FALSE;
  run->recorded = TRUE;
  note_image (run);
  event_container_created (run->make.storage, run->row);
  let_go_of_locks (run);
  return TRUE;
}

static gboolean
open_client (Run *run, GError **error)
{
  const ContainerOptions *options = run->make.options;
  int r = socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, run->client);
  if (r == 0 && options->interactive && !options->tty && !log_passes_through (options))
    r = pipe2 (run->input, O_CLOEXEC);
  if (r < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making the monitor's socket");
    }
  return TRUE;
}

static void
terminal_size (guint *ret_rows, guint *ret_columns)
{
  struct winsize size;
  for (int fd = 0; fd < 3; fd++)
    if (ioctl (fd, TIOCGWINSZ, &size) == 0)
      {
        *ret_rows = size.ws_row;
        *ret_columns = size.ws_col;
        return;
      }
}

/* poststart: a hook that fails is told of, and that is all (runtime-spec, lifecycle). */
static void
poststart (Run *run)
{
  g_autoptr (GError) problem = NULL;
  if (!hooks_poststart (&run->make, run->process.init, &problem))
    run->notice (problem->message, run->notice_data);
}

/* is_wanted: --attach: nothing said means both. */
static gboolean
is_wanted (const Run *run, const char *stream)
{
  char **given = run->make.options->attach;
  if (run->existing || given == NULL)
    return run->attached;
  for (; *given != NULL; given++)
    if (g_ascii_strcasecmp (*given, stream) == 0)
      return run->attached;
  return FALSE;
}

/* fill_runtime: what a plan needs besides config.json. */
static void
fill_runtime (const Run *run, const char *const *cleanup, RuntimeOptions *runtime)
{
  const Make *make = &run->make;
  const ContainerOptions *options = make->options;
  Policy policy;
  gboolean passes = log_passes_through (options);
  *runtime = (RuntimeOptions){
    .paths = make->paths, .bundle = make->folder, .id = make->id, .seccomp = make->seccomp, .seccomp_single = make->seccomp_single,
    .slirp = make->network == NETWORK_SLIRP ? &make->slirp : NULL, .slirp_size = sizeof make->slirp, .accel = make->slirp.accel && make->ids == NULL, .keep_groups = make->map->mode == IDMAP_SINGLE || words_keep_groups (options),
    .make_nodes = idmap_is_initial (make->map) && make->ids == NULL, .root_fd = make->root_fd, .run_dir = make->run_dir, .cgroup = &make->cgroup,
    .out_fd = passes || is_wanted (run, "stdout") ? STDOUT_FILENO : -1, .err_fd = passes || is_wanted (run, "stderr") ? STDERR_FILENO : -1,
    .client = run->client[1], .stdin_read = passes && options->interactive ? STDIN_FILENO : run->input[0], .stdin_write = run->input[1], .preserve_fds = run->existing ? 0 : (guint) options->preserve_fds,
    .kept = options->kept_fds, .n_kept = options->n_kept_fds,
    .stop_signal = make->stop_signal, .timeout_us = (guint64) options->timeout * G_USEC_PER_SEC, /* no stop_timeout_us: --timeout kills at once, as podman-run(1) says */
    .port_table = -1, .listener = -1, .notify = -1, .notify_host = -1, .log = { .fd = -1, .dir = -1 }, .cleanup = cleanup,
    .restart = policy_parse (options->restart, &policy, NULL) && (policy.kind != POLICY_NO || g_strcmp0 (options->health_on_failure, "restart") == 0),
  };
  runtime->user_ns = make->user_ns;
  runtime->give_pipes = make->ids != NULL && userns_uid (make, make->user.uid, &runtime->pipe_uid) && userns_gid (make, make->user.gid, &runtime->pipe_gid);
  terminal_size (&runtime->rows, &runtime->columns);
}

static gboolean
perform (Run *run, GError **error)
{
  Make *make = &run->make;
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  const char *cleanup[] = { program, "--root", make->paths->root, "--runroot", make->paths->run_root, "--events-backend", events_backend_name (),
                            "container", "cleanup", "--run-fd", "3", make->id, NULL };
  RuntimeOptions runtime;
  fill_runtime (run, program != NULL ? cleanup : NULL, &runtime);
  gboolean done = log_open (make, &runtime.log, error);
  if (done)
    {
      runtime.listener = monitor_listener_open (make->run_dir);
      done = runtime.listener >= 0 || coracle_throw_errno (error, -runtime.listener, "making the socket %s/%s/attach", make->paths->run_root, make->id);
    }
  const char *check[] = { program, "--root", make->paths->root, "--runroot", make->paths->run_root, "--events-backend", events_backend_name (),
                          "healthcheck", "run", "--ignore-result", "--run-fd", "3", "--init-fd", "4", make->id, NULL };
  /* also where there is no check yet: update may bring one */
  if (program != NULL)
    runtime.health = check;
  runtime.health_clock = container_health_clock (make->health);
  runtime.restart = runtime.restart || health_restarts (make->health);
  g_auto (ContainerNotify) notify = CONTAINER_NOTIFY_NONE;
  cleanup_fd int port_table = -1;
  done = done && notify_open (make, &notify, error) && ports_table (make, &port_table, error);
  runtime.port_table = port_table;
  if (port_table >= 0)
    runtime.port_fds = port_listeners_fds (make->listeners, &runtime.n_port_fds);
  runtime.notify = notify.socket;
  runtime.notify_host = notify.host;
  run->restarts = runtime.kept_again = runtime.restart;
  runtime.tell_started = make->options->pidfile != NULL || hooks_has_poststart (make->config);
  runtime.hold = run->hold;
  /* update may give it a policy while it runs */
  runtime.restart = runtime.restart || (!run->attached && !make->options->rm);
  run->tried = done;
  done = done && runtime_start (make->config, &runtime, record, run, &run->process, error);
  fd_close (runtime.listener);
  g_clear_pointer (&make->listeners, port_listeners_free);
  log_close (&runtime.log);
  return done;
}

gboolean
process_start (Run *run, GError **error)
{
  Make *make = &run->make;
  if (!open_client (run, error) || !resources_group (make, error) || !perform (run, error))
    return FALSE;
  run->performed = TRUE;
  for (int i = 0; i < 2; i++)
    fd_close (fd_steal (&run->input[i]));
  fd_close (fd_steal (&run->client[1]));
  fd_close (fd_steal (&make->root_fd));
  if (!live_record_init (make->run_dir, run->process.init, error) || !write_pid (make->options->pidfile, "pid", run->process.init, error)
      || !write_pid (make->options->conmon_pidfile, "conmon pid", run->process.monitor, error))
    return FALSE;
  monitor_client_recorded (run->client[0]);
  /* from here on the lock is the monitor's alone: a command that is stopped at its terminal must not keep `rm -f` out */
  fd_close (fd_steal (&make->run_dir));
  network_let_go (make);
  event_container (make->storage, run->row, run->hold ? "init" : run->attached ? "init start attach" : "init start");
  if (run->hold)
    return TRUE;
  poststart (run);
  notify_started (make, run->process.monitor, !run->attached);
  return TRUE;
}

void
process_leave (Run *run)
{
  char message[256];
  monitor_client_detach (run->client[0]);
  /* until it has heard that it may, the monitor ends with us: it closes its side when it has */
  while (recv (run->client[0], message, sizeof message, 0) > 0 || errno == EINTR)
    errno = 0;
  fd_close (fd_steal (&run->client[0]));
}

/* ---- end */

static void
poststop (Run *run)
{
  g_autoptr (GError) problem = NULL;
  json_auto_t *record = hooks_poststop_record (&run->make);
  if (!hooks_poststop (record, &problem))
    run->notice (problem->message, run->notice_data);
}

/* settle_lost: the monitor is dead, which was killed: do what the next command's sweep would. Whoever has the lock now does it in our place. */
static gboolean
settle_lost (Run *run, GError **error)
{
  Make *make = &run->make;
  /* what was in its pid namespace dies within moments */
  struct pollfd init = { .fd = run->process.init_pidfd, .events = POLLIN };
  (void) poll (&init, 1, 2000);
  make->run_dir = storage_run_begin (make->storage, make->id, NULL);
  /* one that has let go of us and lives needs the root filesystem for its next start */
  if (make->run_dir < 0)
    return TRUE;
  (void) umount2 (make->rootfs, MNT_DETACH);
  return container_cleanup (make->storage, make->id, fd_steal (&make->run_dir), FALSE, NULL, error);
}

/* note_end: in the row as it is now: its name, its policy may have changed meanwhile. */
static gboolean
note_end (StateContainer *row, void *data, GError **error)
{
  const MonitorExit *ended = data;
  (void) error;
  row->status = (g_free (row->status), g_strdup ("exited"));
  row->finished = ended->finished_us;
  row->exit_code = ended->timed_out ? -1 : monitor_exit_status (ended);   /* as Podman records it */
  state_container_set_oom (row, ended->oom);
  return TRUE;
}

/* forget: the row of one that goes with its end. */
static gboolean
forget (Run *run, GError **error)
{
  Make *make = &run->make;
  if (state_container_remove (make->storage->state, make->id, NULL))
    return TRUE;
  /* it may have filled the disk: then what it wrote goes first. Our mount namespace is the monitor's too: only here would the mount point be busy */
  (void) umount2 (make->rootfs, MNT_DETACH);
  return storage_container_remove (make->storage, make->id, TRUE, error);
}

/* finish: the monitor waits, and so keeps others out, until we have done what the container's end asks for: what others can see here, what is left in process_rest. */
static gboolean
finish (Run *run, const MonitorExit *ended, GError **error)
{
  Make *make = &run->make;
  g_autoptr (GError) problem = NULL;
  if (!monitor_client_waited_for (run->client[0]))
    return settle_lost (run, error);
  if (run->restarts)
    {
      /* not told that all is done, the monitor asks the clean-up, which knows whether another start follows */
      fd_close (fd_steal (&run->client[0]));
      return TRUE;
    }
  poststop (run);
  if (make->options->rm)
    drop_cidfile (run);
  (void) note_end (run->row, (void *) ended, NULL);
  run->rest = make->options->rm ? forget (run, &problem) : state_container_edit (make->storage->state, make->id, note_end, (void *) ended, &problem);
  if (run->rest)
    {
      event_container (make->storage, run->row, make->options->rm ? "died remove" : "died cleanup");
      /* volumes others can see; what cannot be removed now, the rest tries again, or the sweep */
      if (make->options->rm)
        (void) storage_container_remove_anonymous (make->storage, make->id, NULL);
      return TRUE;
    }
  /* not told that it is done, the monitor does it after us: when it has let go of the root filesystem there may be room */
  (void) umount2 (make->rootfs, MNT_DETACH);
  fd_close (fd_steal (&run->client[0]));
  if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NO_SPACE))
    {
      run->notice (problem->message, run->notice_data);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

void
process_rest (Run *run)
{
  Make *make = &run->make;
  if (!run->rest)
    return;
  run->rest = FALSE;
  /* our mount namespace is the monitor's too: only here would the mount point be busy; the filesystem itself goes with the last namespace, unwaited for */
  (void) umount2 (make->rootfs, MNT_DETACH);
  /* what could not be removed is left to the next sweep, with its sign */
  if (!make->options->rm || storage_container_clear (make->storage, make->id, NULL))
    {
      storage_run_end (make->storage, make->id, -1);
      monitor_client_cleaned (run->client[0]);
    }
  fd_close (fd_steal (&run->client[0]));
}

typedef struct {
  const StateContainer *before;   /* NULL: it was made just now */
  const char *why;
} Failure;

/* take_back: the row is again as it was before the attempt, and tells why that failed. */
static gboolean
take_back (StateContainer *row, void *data, GError **error)
{
  const Failure *failure = data;
  const StateContainer *before = failure->before;
  (void) error;
  row->status = (g_free (row->status), g_strdup (before != NULL ? before->status : "created"));
  row->started = before != NULL ? before->started : 0;
  row->exit_code = before != NULL ? before->exit_code : 0;
  json_object_set_new (row->config, "error", json_string (failure->why));
  return TRUE;
}

/* end_attempt: no process is left of it. */
static void
end_attempt (Run *run)
{
  struct pollfd init = { .fd = run->process.init_pidfd, .events = POLLIN };
  pid_t monitor = proc_steal_pid (&run->process.monitor);
  /* it is ended with all that is in it, and waited for, so that nothing holds the folders */
  proc_cleanup_pid (&monitor);
  /* with --pid=host it is not in the monitor's namespace, and dies a moment later */
  if (init.fd >= 0)
    (void) poll (&init, 1, 2000);
  if (run->tried)
    poststop (run);
}

/* is_kept: what Podman finds out only when it starts a container leaves one that was created: podman-run(1), exit status 126 and 127. */
static gboolean
is_kept (const Run *run, const GError *why)
{
  const Make *make = &run->make;
  gboolean late = run->tried || g_error_matches (why, CORACLE_ERROR, CORACLE_ERROR_CANNOT_INVOKE) || g_error_matches (why, CORACLE_ERROR, CORACLE_ERROR_NO_COMMAND);
  return late && why != NULL && !run->existing && !run->performed && make->config != NULL && !make->options->rm;
}

/* keep: the new container is there, as `create` leaves one. */
static gboolean
keep (Run *run, const GError *why)
{
  Make *make = &run->make;
  Failure failure = { NULL, why->message };
  gboolean recorded = run->recorded;
  if (!recorded && (!make_save_config (make, NULL) || !process_record (run, NULL)))
    return FALSE;
  gboolean done = state_container_edit (make->storage->state, make->id, take_back, &failure, NULL);
  if (done && recorded)
    make_rest (make);
  return done;
}

void
process_fail (Run *run, const GError *why)
{
  Make *make = &run->make;
  Failure failure = { run->row, why != NULL ? why->message : "" };
  end_attempt (run);
  if (run->existing)
    (void) state_container_edit (make->storage->state, make->id, take_back, &failure, NULL);
  else if (is_kept (run, why) && keep (run, why))
    {
      make->folder_made = FALSE;
      (void) process_cidfile (run, NULL);
    }
  else
    {
      drop_cidfile (run);
      if (run->recorded)
        event_container (make->storage, run->row, "remove");
    }
  make_undo (make);
  /* one that came meanwhile, and that nobody else will get, ends us here, as it would any program */
  if (run->signals >= 0)
    (void) sigprocmask (SIG_SETMASK, monitor_client_signal_mask (), NULL);
}

/* collect_signals: until here nothing is made, and one that ends us leaves nothing; while we wait for a lock it must. */
static gboolean
collect_signals (Run *run, GError **error)
{
  run->signals = monitor_client_block_signals ();
  return run->signals >= 0 || coracle_throw_errno (error, -run->signals, "signalfd");
}

/* warn_platform: of an image that was here; the pull has said it of one that was fetched. */
static void
warn_platform (const Run *run)
{
  const Make *make = &run->make;
  g_autofree char *problem = make->image != NULL && !make->fetched ? image_platform_warning (make->image, make->options->platform) : NULL;
  g_autofree char *text = problem != NULL ? g_strconcat (CONTAINER_WARNING, problem, NULL) : NULL;
  if (text != NULL)
    run->notice (text, run->notice_data);
}

gboolean
process_prepare (Run *run, GError **error)
{
  Make *make = &run->make;
  const ContainerOptions *options = make->options;
  make->notice = run->notice;
  make->notice_data = run->notice_data;
  if (!words_check_fds (options, error) || !words_check (options, error) || !path_mkdirs (make->paths->run_root, 0700, error)
      || !make_fetch (make, error))
    return FALSE;
  /* what it needs may have to be started, too */
  if ((options->pid != NULL && strchr (options->pid, ':') != NULL) || (options->requires != NULL && *options->requires != NULL))
    outpost_begin ();
  IdmapPending *pending = NULL;
  if (!idmap_begin (make->paths->run_root, userns_wants_single (make->storage, options), &pending, error))
    return FALSE;
  if (idmap_fell_back (pending))
    run->notice ("no range for this user in /etc/subuid and /etc/subgid: only one id is mapped, as with --userns=single", run->notice_data);
  if (!make_begin (make, error) || (run->attached && !collect_signals (run, error)) || !make_places (make, error))
    {
      idmap_abandon (pending);
      return FALSE;
    }
  warn_platform (run);
  gboolean leftovers = storage_sweep_needed (make->storage);
  if (!idmap_enter (pending, &make->map, error))
    return FALSE;
  if (make->image_single && make->map->mode != IDMAP_SINGLE)
    run->notice ("the image was unpacked when only one id was mapped: all its files belong to root (remove it and load it again to have their owners)", run->notice_data);
  if (leftovers)
    (void) storage_sweep (make->storage, NULL);
  return TRUE;
}

gboolean
process_resume (Run *run, Storage *storage, IdMap *map, StateContainer *row, int run_dir, GError **error)
{
  run->existing = TRUE;
  run->row = row;
  run->make.notice = run->notice;
  run->make.notice_data = run->notice_data;
  return (!run->attached || collect_signals (run, error)) && make_resume (&run->make, storage, map, row, run_dir, error);
}

gboolean
process_share (Run *run, int base, GError **error)
{
  Make *make = &run->make;
  cleanup_fd int own = base < 0 && make->dependencies != NULL ? container_start_base (error) : -1;
  int from = base < 0 ? own : base;
  if (make->dependencies != NULL
      && (from < 0 || !share_start (run, make->storage, make->map, from, error) || !container_start_apart (from, error) || !share_join (make, error)))
    return FALSE;
  return make->network != NETWORK_BRIDGE || network_join (make, error);
}

gboolean
process_stay (Run *run, int *ret_status, GError **error)
{
  const ContainerOptions *options = run->make.options;
  gboolean passes = log_passes_through (options);
  MonitorClient client = { .socket = run->client[0], .init_pidfd = run->process.init_pidfd, .tty = options->tty && !passes, .interactive = run->interactive && !passes,
                           .forward_signals = run->sig_proxy };
  DetachKeys keys;
  if (!detach_keys_parse (run->detach_keys != NULL ? run->detach_keys : "ctrl-p,ctrl-q", &keys, error))
    return FALSE;
  client.detach_keys = &keys;
  MonitorResult result;
  if (!monitor_client_run (&client, run->signals, &result, error))
    {
      (void) settle_lost (run, NULL);
      return FALSE;
    }
  *ret_status = 0;
  if (result.detached)
    return TRUE;
  *ret_status = monitor_exit_status (&result.exit);
  if (!finish (run, &result.exit, error))
    return FALSE;
  if (options->rmi && run->rest && run->make.image != NULL)
    {
      process_rest (run);
      g_autofree char *kept = container_remove_image (run->make.storage, run->make.image->id);
      if (kept != NULL)
        run->notice (kept, run->notice_data);
    }
  /* a script that keeps the output must not take a part for the whole: Podman's status, 126 */
  return result.output_error == 0 || coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "writing the container's output: %s", g_strerror (result.output_error));
}
