#include "pkg/engine/container_exec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/engine/container_attach.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_make.h"
#include "pkg/engine/container_stop.h"
#include "pkg/engine/container_words.h"
#include "pkg/engine/event.h"
#include "pkg/engine/names.h"
#include "pkg/engine/user.h"
#include "pkg/monitor/client.h"
#include "pkg/runtime/runtime.h"
#include "pkg/seccomp/caps.h"
#include "pkg/spec/env.h"

enum { CONFIG_MAX = 16 << 20, MAP_TEXT_MAX = 65536, STATUS_REFUSED = 255 };

typedef struct {
  Storage *storage;
  const ContainerView *view;
  const ContainerExec *request;
  ContainerExecResult *result;
  ContainerOptions *options;
  int init_pidfd, root_fd, cgroup_fd, sessions_fd, session_fd;
  pid_t init;
  guint64 namespaces;       /* to be joined */
  gboolean single;
  IdRange *ids;             /* that its user namespace has */
  size_t n_ids;
  json_t *config;           /* { "process": … }, the container's, changed to what was asked for */
  SeccompFilter *seccomp, *seccomp_single;
  int client[2], input[2];
  int signals;
  DetachKeys detach_keys;
} Exec;

static void
exec_clear (Exec *exec)
{
  int *fds[] = { &exec->init_pidfd, &exec->root_fd, &exec->cgroup_fd, &exec->sessions_fd, &exec->session_fd, &exec->client[0], &exec->client[1], &exec->input[0], &exec->input[1], &exec->signals };
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    fd_close (fd_steal (fds[i]));
  container_options_free (exec->options);
  g_free (exec->ids);
  json_decref (exec->config);
  seccomp_filter_free (exec->seccomp);
  seccomp_filter_free (exec->seccomp_single);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Exec, exec_clear)

void
container_exec_result_clear (ContainerExecResult *result)
{
  g_clear_pointer (&result->id, g_free);
}

/* refuse: fail with the status that Podman has for it. */
static gboolean
refuse (Exec *exec)
{
  exec->result->status = STATUS_REFUSED;
  return FALSE;
}

/* ---- the container as it runs */

static gboolean
not_running (Exec *exec, GError **error)
{
  coracle_throw (error, CORACLE_ERROR_INVALID, "can only create exec sessions on running containers: container state improper");
  return refuse (exec);
}

static const struct {
  const char *name;
  guint64 flag;
} namespaces[] = {
  { "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS }, { "pid", CLONE_NEWPID }, { "net", CLONE_NEWNET }, { "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS }, { "cgroup", CLONE_NEWCGROUP },
};

/* find_namespaces: those of init that are not ours: to join one's own user namespace is an error, and the host's own cannot be joined without privilege over them. */
static gboolean
find_namespaces (Exec *exec, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (namespaces); i++)
    {
      char theirs[64], ours[64];
      struct stat their_stat, our_stat;
      g_snprintf (theirs, sizeof theirs, "/proc/%d/ns/%s", (int) exec->init, namespaces[i].name);
      g_snprintf (ours, sizeof ours, "/proc/self/ns/%s", namespaces[i].name);
      if (stat (theirs, &their_stat) < 0 || stat (ours, &our_stat) < 0)
        {
          int errsv = errno;
          return errsv == ENOENT || errsv == ESRCH ? not_running (exec, error) : coracle_throw_errno (error, errsv, "looking at %s", theirs);
        }
      if (their_stat.st_ino != our_stat.st_ino)
        exec->namespaces |= namespaces[i].flag;
    }
  return TRUE;
}

static gboolean
read_map (Exec *exec, GError **error)
{
  char path[64];
  g_autofree char *text = NULL;
  g_snprintf (path, sizeof path, "/proc/%d/uid_map", (int) exec->init);
  if (!path_read_file (AT_FDCWD, path, MAP_TEXT_MAX, &text, NULL, error))
    return FALSE;
  exec->n_ids = idmap_parse (text, &exec->ids);
  exec->single = exec->n_ids == 1 && exec->ids[0].count == 1;
  return TRUE;
}

/* find_init: what is read by its number is only believed when its pidfd says, afterwards, that the number was its own all the time. */
static gboolean
find_init (Exec *exec, GError **error)
{
  if (strcmp (exec->view->status, "running") != 0)
    return not_running (exec, error);
  const int *given = exec->request->init_pidfd;
  exec->init_pidfd = given != NULL ? fcntl (*given, F_DUPFD_CLOEXEC, 3) : live_open_init (exec->storage, exec->view->row->id, &exec->init);
  if (exec->init_pidfd < 0)
    return not_running (exec, error);
  if (given != NULL && (exec->init = proc_pidfd_number (exec->init_pidfd)) <= 0)
    return not_running (exec, error);
  if (!find_namespaces (exec, error) || !read_map (exec, error))
    return FALSE;
  char root[64];
  g_snprintf (root, sizeof root, "/proc/%d/root", (int) exec->init);
  exec->root_fd = open (root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (exec->root_fd < 0)
    {
      int errsv = errno;
      return errsv == ENOENT || errsv == ESRCH ? not_running (exec, error) : coracle_throw_errno (error, errsv, "opening %s", root);
    }
  exec->cgroup_fd = cgroup_open_of (exec->storage->run_fd, exec->view->row->id);
  return proc_pidfd_signal (exec->init_pidfd, 0) == 0 || not_running (exec, error);
}

/* ---- its config.json */

/* cached_filter: by the words the container was asked for by: in the cache, as a rule. NULL: not to be had. */
static SeccompFilter *
cached_filter (Exec *exec)
{
  const ContainerOptions *options = exec->options;
  uint64_t caps;
  g_autoptr (SpecSecurity) security = spec_security_parse ((const char *const *) options->security_opt, NULL);
  if (security == NULL || !words_caps (options, &caps, NULL))
    return NULL;
  const char *profile = security->seccomp != NULL ? security->seccomp : options->privileged ? "unconfined" : options->default_seccomp;
  return seccomp_filter_new (profile, caps, exec->storage->paths->cache, NULL);
}

/* cut_filter: take the text of linux.seccomp, which is most of config.json, out of it if it is what @filter was made from. */
static gboolean
cut_filter (char *text, const SeccompFilter *filter)
{
  static const char mark[] = "\"seccomp\":";
  char *at = strstr (text, mark);
  /* in a string the quotes of the mark would be escaped: what is found is a key */
  if (filter == NULL || filter->n == 0)
    return at == NULL && filter != NULL;
  size_t length = strlen (filter->oci);
  if (at == NULL || strncmp (at + strlen (mark), filter->oci, length) != 0)
    return FALSE;
  char *end = at + strlen (mark) + length;
  end += *end == ',';
  memmove (at, end, strlen (end) + 1);
  return TRUE;
}

/* read_config: the filter is the one in config.json, which the container runs under, whatever has become of its profile. */
static gboolean
read_config (Exec *exec, json_t **ret_config, GError **error)
{
  Storage *storage = exec->storage;
  g_autofree char *path = g_strdup_printf ("containers/%s/config.json", exec->view->row->id), *text = NULL;
  size_t size;
  if (!path_read_file (storage->root_fd, path, CONFIG_MAX, &text, &size, error))
    return FALSE;
  spec_fold (text);
  g_autoptr (SeccompFilter) filter = cached_filter (exec);
  if (cut_filter (text, filter))
    exec->seccomp = g_steal_pointer (&filter);
  json_error_t problem;
  json_auto_t *config = json_loads (text, JSON_REJECT_DUPLICATES, &problem);
  if (config == NULL)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: %s", path, problem.text);
  json_t *seccomp = json_object_get (json_object_get (config, "linux"), "seccomp");
  if (exec->seccomp == NULL && seccomp != NULL && (exec->seccomp = seccomp_filter_from_oci (seccomp, storage->paths->cache, error)) == NULL)
    return FALSE;
  if (exec->single && (exec->seccomp_single = seccomp_filter_single (error)) == NULL)
    return FALSE;
  *ret_config = g_steal_pointer (&config);
  return TRUE;
}

/* ---- the process */

static json_t *
cap_names (uint64_t mask)
{
  json_t *names = json_array ();
  for (int cap = 0; cap < 64; cap++)
    if (mask >> cap & 1 && caps_name (cap) != NULL)
      json_array_append_new (names, json_string (caps_name (cap)));
  return names;
}

/* set_caps: root has all of the bounding set; the container's own user what the container has; anybody else nothing. --privileged widens the bounding set. */
static void
set_caps (Exec *exec, json_t *process, gboolean is_root, gboolean same_user)
{
  json_t *caps = json_object_get (process, "capabilities");
  if (exec->request->privileged)
    {
      json_object_set_new (caps, "bounding", cap_names (exec->namespaces & CLONE_NEWUSER ? caps_all () : caps_held ()));
    }
  if (is_root)
    {
      json_object_set (caps, "effective", json_object_get (caps, "bounding"));
      json_object_set (caps, "permitted", json_object_get (caps, "bounding"));
    }
  static const char *const all[] = { "effective", "permitted", "inheritable", "ambient" };
  for (gsize i = is_root ? 2 : 0; i < G_N_ELEMENTS (all) && !(same_user && !is_root); i++)
    json_object_set_new (caps, all[i], json_array ());
}

static json_t *
group_ids (const GArray *groups)
{
  json_t *ids = json_array ();
  for (guint i = 0; i < groups->len; i++)
    json_array_append_new (ids, json_integer (g_array_index (groups, uint32_t, i)));
  return ids;
}

/* implied_home: was the container's HOME what passwd says of its user, and not somebody's word? Then another user gets his own. */
static gboolean
implied_home (Exec *exec, json_t *user, const char *home)
{
  g_auto (UserInfo) own = { 0 };
  g_autofree char *uid = g_strdup_printf ("%lld", (long long) json_integer_value (json_object_get (user, "uid")));
  return home == NULL || (user_lookup (exec->root_fd, uid, NULL, NULL, &own, NULL) && strcmp (own.home, home) == 0);
}

static gboolean
set_user (Exec *exec, json_t *process, char ***env, GError **error)
{
  json_t *user = json_object_get (process, "user");
  const char *spec = exec->request->user;
  json_int_t before = json_integer_value (json_object_get (user, "uid")), uid = before;
  if (spec != NULL && spec[0] != '\0')
    {
      g_auto (GStrv) groups = words_groups (exec->options), hosts = user_host_lines ((const char *const *) exec->options->host_users, NULL);
      g_auto (UserInfo) info = { 0 };
      if (!user_lookup (exec->root_fd, spec, (const char *const *) hosts, (const char *const *) groups, &info, error))
        return refuse (exec);
      if (!idmap_outside (exec->ids, exec->n_ids, info.uid, NULL))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "user %s: uid %u is not mapped", spec, info.uid);
      const char *home = spec_env_get ((const char *const *) *env, "HOME");
      if (implied_home (exec, user, home))
        spec_env_set (env, "HOME", info.home);
      uid = info.uid;
      json_object_set_new (user, "uid", json_integer (info.uid));
      json_object_set_new (user, "gid", json_integer (info.gid));
      json_object_set_new (user, "additionalGids", group_ids (info.groups));
    }
  set_caps (exec, process, uid == 0, uid == before);
  return TRUE;
}

static gboolean
add_env (const ContainerExec *request, char ***env, GError **error)
{
  if (request->tty && spec_env_get ((const char *const *) *env, "TERM") == NULL)
    spec_env_set (env, "TERM", "xterm");
  for (const char *const *path = request->env_file; path != NULL && *path != NULL; path++)
    if (!spec_env_add_file (env, *path, (const char *const *) environ, error))
      return FALSE;
  for (const char *const *text = request->env; text != NULL && *text != NULL; text++)
    if (!spec_env_add (env, *text, (const char *const *) environ, error))
      return FALSE;
  return TRUE;
}

static gboolean
set_cwd (Exec *exec, json_t *process, GError **error)
{
  const char *cwd = exec->request->cwd;
  if (cwd == NULL || cwd[0] == '\0')
    return TRUE;
  if (cwd[0] != '/')
    return coracle_throw (error, CORACLE_ERROR_NO_COMMAND, "runtime: chdir to `%s`: No such file or directory: OCI runtime attempted to invoke a command that was not found", cwd);
  json_object_set_new (process, "cwd", json_string (cwd));
  return TRUE;
}

static gboolean
make_process (Exec *exec, GError **error)
{
  const ContainerExec *request = exec->request;
  json_auto_t *config = NULL;
  exec->options = container_options_from_json (json_object_get (exec->view->row->config, "options"));
  if (!read_config (exec, &config, error))
    return FALSE;
  json_t *process = json_object_get (config, "process");
  if (!json_is_object (json_object_get (process, "capabilities")) || !json_is_object (json_object_get (process, "user")))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "container %s: its config.json has no process", exec->view->row->name);
  g_auto (GStrv) env = words_from_json (json_object_get (process, "env"));
  if (!env_renew (exec->options, &env, error) || !set_user (exec, process, &env, error) || !add_env (request, &env, error) || !set_cwd (exec, process, error))
    return FALSE;
  json_object_set_new (process, "args", words_to_json ((char **) (uintptr_t) request->argv));
  json_object_set_new (process, "env", words_to_json (env));
  json_object_set_new (process, "terminal", json_boolean (request->tty));
  exec->config = json_pack ("{s:O}", "process", process);
  return TRUE;
}

/* ---- the session's folder: RUN_ROOT/ID/exec/SESSION, locked while its supervisor lives */

/* make_session: what supervisors that were killed left behind goes on the way, when it is in the way of nobody: with the container's run folder. */
static gboolean
make_session (Exec *exec, GError **error)
{
  g_autofree char *folder = g_build_filename (exec->view->row->id, "exec", NULL);
  exec->result->id = container_id_new ();
  if (exec->request->hidden)
    return TRUE;
  int r = mkdirat (exec->storage->run_fd, folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
  if (r == 0)
    exec->sessions_fd = openat (exec->storage->run_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (r == 0 && (exec->sessions_fd < 0 || mkdirat (exec->sessions_fd, exec->result->id, 0700) < 0))
    r = -errno;
  if (r == 0)
    exec->session_fd = openat (exec->sessions_fd, exec->result->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (r == 0 && (exec->session_fd < 0 || flock (exec->session_fd, LOCK_EX | LOCK_NB) < 0))
    r = -errno;
  if (r == -ENOENT)
    return not_running (exec, error);
  return r == 0 || coracle_throw_errno (error, -r, "making the exec session's folder");
}

static void
drop_session (Exec *exec)
{
  if (exec->session_fd >= 0)
    (void) unlinkat (exec->sessions_fd, exec->result->id, AT_REMOVEDIR);
}

json_t *
container_exec_ids (Storage *storage, const char *id)
{
  json_t *ids = json_array ();
  g_autofree char *folder = g_build_filename (id, "exec", NULL);
  int fd = openat (storage->run_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    {
      fd_close (fd);
      return ids;
    }
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    {
      cleanup_fd int session = entry->d_name[0] != '.' ? openat (fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
      if (session >= 0 && flock (session, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        json_array_append_new (ids, json_string (entry->d_name));
    }
  (void) closedir (dir);
  return ids;
}

gboolean
container_exec_cleanup (Storage *storage, const char *id, const char *session, GError **error)
{
  g_autofree char *folder = g_build_filename (id, "exec", session, NULL), *file = g_build_filename (folder, MONITOR_EXIT_FILE, NULL), *text = NULL;
  MonitorExit ended;
  if (strlen (session) != 64 || strspn (session, "0123456789abcdef") != 64)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: not an exec session", session);
  g_autoptr (StateContainer) row = state_container_find (storage->state, id, NULL);
  if (row != NULL && path_read_file (storage->run_fd, file, 256, &text, NULL, NULL) && monitor_exit_parse (text, &ended, NULL))
    event_container_code (storage, row, "exec_died", monitor_exit_status (&ended));
  int r = path_remove_tree (storage->run_fd, folder);
  return r == 0 || coracle_throw_errno (error, -r, "removing the exec session %s", session);
}

/* ---- start and stay */

static gboolean
open_channels (Exec *exec, GError **error)
{
  const ContainerExec *request = exec->request;
  int r = request->detach ? 0 : socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, exec->client);
  if (r == 0 && request->interactive && !request->tty)
    r = pipe2 (exec->input, O_CLOEXEC);
  int errsv = errno;
  if (r < 0)
    return coracle_throw_errno (error, errsv, "making the session's socket");
  if (request->detach)
    return TRUE;
  exec->signals = monitor_client_block_signals ();
  return exec->signals >= 0 || coracle_throw_errno (error, -exec->signals, "signalfd");
}

static void
terminal_size (RuntimeOptions *runtime)
{
  struct winsize size;
  for (int fd = 0; fd < 3; fd++)
    if (ioctl (fd, TIOCGWINSZ, &size) == 0)
      {
        runtime->rows = size.ws_row;
        runtime->columns = size.ws_col;
        return;
      }
}

/* place: the process could not be cloned into the container's cgroup: where only systemd may move it there, it does now, before the command runs. */
static gboolean
place (pid_t pid, void *data, GError **error)
{
  Exec *exec = data;
  return cgroup_attach (exec->storage->run_fd, exec->view->row->id, pid, error);
}

static gboolean
start (Exec *exec, RuntimeProcess *ret_process, GError **error)
{
  const ContainerExec *request = exec->request;
  RuntimeExec session = {
    .init_pidfd = exec->init_pidfd, .flags = exec->namespaces, .cgroup = exec->cgroup_fd, .place = place, .place_data = exec, .folder = exec->sessions_fd, .kept = request->kept, .n_kept = request->n_kept,
  };
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  const ConfigPaths *paths = exec->storage->paths;
  const char *cleanup[] = { program, "--root", paths->root, "--runroot", paths->run_root, "--events-backend", events_backend_name (), "container", "cleanup", "--exec", exec->result->id,
                            exec->view->row->id, NULL };
  RuntimeOptions runtime = {
    .cleanup = program != NULL && !request->hidden ? cleanup : NULL,
    .exec = &session, .give_pipes = json_object_get (exec->view->row->config, "idmap") != NULL, .paths = exec->storage->paths, .id = exec->result->id, .seccomp = exec->seccomp, .seccomp_single = exec->seccomp_single,
    .keep_groups = exec->single || words_keep_groups (exec->options), .root_fd = -1, .run_dir = exec->session_fd,
    .out_fd = request->detach ? -1 : request->out_fd, .err_fd = request->detach ? -1 : request->err_fd,
    .client = exec->client[1], .stdin_read = exec->input[0], .stdin_write = exec->input[1], .timeout_us = request->timeout_us,
    .listener = -1, .notify = -1, .notify_host = -1, .log = { .fd = -1, .dir = -1 },
  };
  if (request->tty)
    terminal_size (&runtime);
  GError *problem = NULL;
  if (!runtime_exec (exec->config, &runtime, ret_process, &problem))
    {
      /* whatever failed, failed because of that */
      if (container_wait_pidfd (exec->init_pidfd, 0))
        {
          g_error_free (problem);
          return not_running (exec, error);
        }
      g_propagate_error (error, problem);
      return FALSE;
    }
  for (int i = 0; i < 2; i++)
    fd_close (fd_steal (&exec->input[i]));
  fd_close (fd_steal (&exec->client[1]));
  /* the lock is the supervisor's alone from here on */
  fd_close (fd_steal (&exec->session_fd));
  return TRUE;
}

static gboolean
stay (Exec *exec, const RuntimeProcess *process, GError **error)
{
  const ContainerExec *request = exec->request;
  MonitorClient client = { .socket = exec->client[0], .init_pidfd = process->init_pidfd, .tty = request->tty, .interactive = request->interactive, .detach_keys = &exec->detach_keys };
  MonitorResult ended;
  if (!monitor_client_run (&client, exec->signals, &ended, error))
    return FALSE;
  exec->result->detached = ended.detached;
  if (ended.detached)
    return TRUE;
  monitor_client_cleaned (exec->client[0]);
  exec->result->timed_out = ended.exit.timed_out;
  exec->result->status = monitor_exit_status (&ended.exit);
  event_container_code (exec->storage, exec->view->row, "exec_died", exec->result->status);
  return ended.output_error == 0 || coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "writing the command's output: %s", g_strerror (ended.output_error));
}

gboolean
container_exec (Storage *storage, const ContainerView *view, const ContainerExec *request, ContainerExecResult *ret_result, GError **error)
{
  *ret_result = (ContainerExecResult){ 0 };
  g_auto (Exec) exec = {
    .storage = storage, .view = view, .request = request, .result = ret_result, .init_pidfd = -1, .root_fd = -1, .cgroup_fd = -1, .sessions_fd = -1, .session_fd = -1,
    .client = { -1, -1 }, .input = { -1, -1 }, .signals = -1,
  };
  /* only who types can leave by keys: nobody else pays for reading containers.conf */
  const char *keys = request->detach_keys != NULL || (request->tty && request->interactive) ? request->detach_keys : DETACH_KEYS_DEFAULT;
  if (!container_detach_keys (keys, &exec.detach_keys, error))
    return refuse (&exec);
  if (!find_init (&exec, error) || !make_process (&exec, error) || !open_channels (&exec, error) || !make_session (&exec, error))
    return FALSE;
  RuntimeProcess process = { .init_pidfd = -1 };
  if (!start (&exec, &process, error))
    {
      drop_session (&exec);
      if (exec.signals >= 0)
        (void) sigprocmask (SIG_SETMASK, monitor_client_signal_mask (), NULL);
      return FALSE;
    }
  cleanup_fd int pidfd = process.init_pidfd;
  ret_result->detached = request->detach;
  event_container (storage, view->row, "exec");
  return request->detach || stay (&exec, &process, error);
}
