#include "pkg/engine/container_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/engine/container_health_options.h"
#include "pkg/engine/container_hooks.h"
#include "pkg/engine/container_log.h"
#include "pkg/engine/container_share.h"
#include "pkg/engine/container_join.h"
#include "pkg/engine/container_systemd.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/container_notify.h"
#include "pkg/engine/container_ports.h"
#include "pkg/engine/container_words.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/image_missing.h"
#include "pkg/engine/names.h"
#include "pkg/seccomp/caps.h"
#include "storage/mapped.h"
#include "storage/overlay.h"
#include "storage/unpack.h"

void
make_init (Make *make, const ConfigPaths *paths, const ContainerOptions *options)
{
  *make = (Make){ .paths = paths, .options = options, .store_lock = -1, .user_ns = -1, .auto_lock = -1, .run_dir = -1, .network_lock = -1, .volume_lock = -1, .netd = -1, .network_fd = -1, .cgroup = CGROUP_INIT, .root_fd = -1, .mounts = json_array (), .volumes = json_array () };
}

void
make_clear (Make *make)
{
  fd_close (fd_steal (&make->store_lock));
  fd_close (fd_steal (&make->run_dir));
  fd_close (fd_steal (&make->root_fd));
  network_let_go (make);
  json_decref (make->joined);
  fd_close (fd_steal (&make->user_ns));
  fd_close (fd_steal (&make->auto_lock));
  fd_close (fd_steal (&make->volume_lock));
  g_clear_pointer (&make->ids, idmap_free);
  if (make->existing == NULL)
    {
      g_clear_pointer (&make->storage, storage_free);
      g_clear_pointer (&make->map, idmap_free);
    }
  g_clear_pointer (&make->image, state_image_free);
  json_decref (make->image_config);
  json_decref (make->mounts);
  json_decref (make->staged);
  json_decref (make->config);
  json_decref (make->volumes);
  json_decref (make->dependencies);
  g_clear_pointer (&make->own_options, container_options_free);
  for (size_t i = 0; i < SHARE_END; i++)
    g_free (make->shared[i]);
  g_clear_pointer (&make->ports, g_ptr_array_unref);
  g_clear_pointer (&make->listeners, port_listeners_free);
  g_clear_error (&make->late);
  json_decref (make->exposed);
  g_clear_pointer (&make->security, spec_security_free);
  json_decref (make->labels);
  json_decref (make->health);
  g_clear_pointer (&make->seccomp, seccomp_filter_free);
  g_clear_pointer (&make->seccomp_single, seccomp_filter_free);
  user_info_clear (&make->user);
  g_strfreev (make->addresses);
  g_strfreev (make->name_servers);
  g_strfreev (make->host_users);
  g_strfreev (make->args);
  g_strfreev (make->env);
  char *texts[] = { make->fetched_id, make->id, make->name, make->image_name, make->network_path, make->folder, make->rootfs, make->hostname, make->cwd, make->replaced, make->upper_like, make->own_address, make->own_passwd, make->own_group, make->shm };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  cgroup_clear (&make->cgroup);
  memset (make, 0, sizeof *make);
  make->cgroup.fd = -1;
  make->store_lock = make->run_dir = make->root_fd = make->network_lock = make->netd = make->network_fd = make->user_ns = make->auto_lock = make->volume_lock = -1;
}

void
make_own_options (Make *make)
{
  if (make->own_options != NULL)
    return;
  json_auto_t *copy = container_options_to_json (make->options);
  make->own_options = container_options_from_json (copy);
  make->options = make->own_options;
}

/* ---- begin: what only reads */

/* is_archive: an image that is not in the store but in a file: --pull says nothing of it. */
static gboolean
is_archive (const char *image)
{
  static const char *const transports[] = { "docker-archive:", "oci-archive:", "oci:", "dir:" };
  for (size_t i = 0; i < G_N_ELEMENTS (transports); i++)
    if (g_str_has_prefix (image, transports[i]))
      return TRUE;
  return FALSE;
}

gboolean
make_fetch (Make *make, GError **error)
{
  const ContainerOptions *options = make->options;
  make->storage = storage_open (make->paths, error);
  if (make->storage == NULL)
    return FALSE;
  if (options->rootfs != NULL)
    return TRUE;
  if (is_archive (options->image))
    return make->fetched = image_fetch (make->paths, options->image, "always", options->platform, options->fetch, &make->fetched_id, error);
  const char *policy = options->pull != NULL ? options->pull : "missing";
  if (strcmp (policy, "never") == 0)
    return TRUE;
  if (strcmp (policy, "missing") == 0)
    {
      g_autoptr (GError) problem = NULL;
      g_autoptr (StateImage) there = image_lookup_instance (make->storage->state, options->image, options->platform, NULL, &problem);
      if (there != NULL || !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        return TRUE;
    }
  g_autofree char *id = NULL;
  return make->fetched = image_fetch (make->paths, options->image, policy, options->platform, options->fetch, &id, error);
}

static gboolean
read_image_config (Make *make, GError **error)
{
  make->image_single = state_image_is_single (make->storage->state, make->image->id);
  json_error_t problem;
  json_auto_t *whole = json_loads (make->image->config, JSON_REJECT_DUPLICATES, &problem);
  if (whole == NULL)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "image %s: its config: %s", make->options->image, problem.text);
  json_t *config = json_object_get (whole, "config");
  make->image_config = json_is_object (config) ? json_incref (config) : json_object ();
  return TRUE;
}

static gboolean
find_image (Make *make, GError **error)
{
  const ContainerOptions *options = make->options;
  if (options->rootfs != NULL)
    {
      struct stat st;
      if (stat (options->rootfs, &st) < 0)
        {
          int errsv = errno;
          return coracle_throw_errno (error, errsv, "root filesystem %s", options->rootfs);
        }
      if (!S_ISDIR (st.st_mode))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "root filesystem %s: not a directory", options->rootfs);
      make->image_config = json_object ();
      return TRUE;
    }
  make->store_lock = storage_lock_shared (make->storage, error);
  if (make->store_lock < 0)
    return FALSE;
  const char *image = make->fetched_id != NULL ? make->fetched_id : options->image;
  make->image = image_lookup_instance (make->storage->state, image, options->platform, &make->image_name, error);
  if (make->image == NULL)
    return FALSE;
  return read_image_config (make, error);
}

static gboolean
choose_name (Make *make, GError **error)
{
  const ContainerOptions *options = make->options;
  make->id = container_id_new ();
  if (options->name == NULL)
    {
      make->name = container_name_new (make->storage->state);
      return TRUE;
    }
  if (!container_name_check (options->name, error))
    return FALSE;
  make->name = g_strdup (options->name);
  g_autoptr (StateContainer) taken = state_container_find (make->storage->state, options->name, NULL);
  if (taken == NULL || strcmp (taken->name, options->name) != 0)
    return TRUE;
  if (!options->replace)
    return coracle_throw (error, CORACLE_ERROR_EXISTS,
                          "creating container storage: the container name \"%s\" is already in use by %s. You have to remove that container to be able to reuse that name: that name is already in use, "
                          "or use --replace to instruct coracle to do so.",
                          options->name, taken->id);
  make->replaced = g_strdup (taken->id);
  return TRUE;
}

/* choose_args: podman-run(1) --entrypoint: the image's unless given, then its command is the image's only when neither is given. */
static gboolean
choose_args (Make *make, GError **error)
{
  const ContainerOptions *options = make->options;
  g_autoptr (GStrvBuilder) args = g_strv_builder_new ();
  g_auto (GStrv) entrypoint = words_entrypoint (options->entrypoint, json_object_get (make->image_config, "Entrypoint"), error);
  if (entrypoint == NULL)
    return FALSE;
  if (options->init)
    g_strv_builder_add_many (args, "/run/podman-init", "--", NULL);
  g_strv_builder_addv (args, (const char **) entrypoint);
  make->n_before_command = (options->init ? 2 : 0) + g_strv_length (entrypoint);
  gboolean given = options->command != NULL && options->command[0] != NULL;
  if (given)
    g_strv_builder_addv (args, (const char **) options->command);
  else if (options->entrypoint == NULL)
    {
      g_auto (GStrv) command = words_from_json (json_object_get (make->image_config, "Cmd"));
      g_strv_builder_addv (args, (const char **) command);
    }
  make->args = g_strv_builder_end (args);
  if (make->args[0] == NULL || (options->init && make->args[2] == NULL))
    return options->rootfs != NULL
               ? coracle_throw (error, CORACLE_ERROR_NO_COMMAND, "executable file `` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found")
               : coracle_throw (error, CORACLE_ERROR_INVALID, "no command or entrypoint provided, and no CMD or ENTRYPOINT from image");
  return TRUE;
}

static gboolean
choose_stop_signal (Make *make, GError **error)
{
  const char *text = make->options->stop_signal;
  make->systemd = systemd_wanted (make->options, make->args);
  if (text == NULL)
    text = json_string_value (json_object_get (make->image_config, "StopSignal"));
  make->stop_signal = text == NULL || text[0] == '\0' ? (make->systemd ? SYSTEMD_STOP_SIGNAL : SIGTERM) : proc_signal_parse (text);
  if (make->stop_signal < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid signal: %s", text);
  return TRUE;
}

static gboolean
load_seccomp (Make *make, GError **error)
{
  const ContainerOptions *options = make->options;
  make->security = spec_security_parse ((const char *const *) options->security_opt, error);
  if (make->security == NULL || !words_caps (options, &make->caps, error))
    return FALSE;
  const char *profile = make->security->seccomp != NULL ? make->security->seccomp : options->privileged ? "unconfined" : options->default_seccomp;
  make->seccomp = seccomp_filter_new (profile, make->caps, make->paths->cache, error);
  return make->seccomp != NULL;
}

/* choose_health: a container that is not checked, and says nothing unusual of it, keeps nothing of it. */
static gboolean
choose_health (Make *make, GError **error)
{
  json_auto_t *health = health_resolve (make->options, json_object_get (make->image_config, "Healthcheck"), error);
  if (health == NULL)
    return FALSE;
  if (g_strcmp0 (make->options->sdnotify, "healthy") == 0 && health_check_of (health, FALSE) == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid argument: sdnotify policy \"healthy\" requires a healthcheck to be set");
  if (!health_is_usual (health))
    make->health = json_incref (health);
  return TRUE;
}

static gboolean
choose_network (Make *make, GError **error)
{
  if (!words_network (make->options, &make->network, &make->network_path, error))
    return FALSE;
  /* named networks have the usual one for their way out */
  slirp_network_init (&make->slirp);
  if (make->network != NETWORK_SLIRP)
    return TRUE;
  if (!words_slirp (make->options, &make->slirp, error))
    return FALSE;
  make->own_address = slirp_network_address (&make->slirp);
  return TRUE;
}

/* is_late: of the image's contents, which may be others at the next start, or of a port that somebody has now: no reason not to create the container. */
static gboolean
is_late (const GError *problem)
{
  return g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_CANNOT_INVOKE);
}

/* open_ports: a new container stays when a port of it cannot be had: what Podman finds out only when it starts one. Not with --rm, of which nothing would stay. */
static gboolean
open_ports (Make *make, GError **error)
{
  g_autoptr (GError) problem = NULL;
  if (make->late != NULL || ports_open (make, &problem))
    return TRUE;
  if (is_late (problem) && !make->only_made && !make->options->rm)
    {
      make->late = g_steal_pointer (&problem);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

gboolean
make_begin (Make *make, GError **error)
{
  if (!share_prepare (make, error) || !choose_network (make, error))
    return FALSE;
  if (make->network == NETWORK_BRIDGE && !network_prepare (make, error))
    return FALSE;
  return find_image (make, error) && choose_name (make, error) && choose_args (make, error) && choose_stop_signal (make, error)
         && choose_health (make, error) && load_seccomp (make, error) && ports_prepare (make, error) && (make->replaced != NULL || open_ports (make, error));
}

/* ---- folders: in the user namespace */

/* add_places: the mount points that the image may not have. Not where a file of them is to be the image's or none, nor where it would be one layer too many. */
static void
add_places (const Make *make, GPtrArray *layers)
{
  const ContainerOptions *options = make->options;
  gboolean none = options->no_hosts || options->no_hostname || (options->dns != NULL && g_strv_contains ((const char *const *) options->dns, "none"));
  if (none || layers->len > OVERLAY_LAYERS_MAX || faccessat (make->storage->root_fd, STORAGE_PLACES "/run/.containerenv", F_OK, 0) < 0)
    return;
  g_ptr_array_insert (layers, (int) layers->len - 1, g_build_filename (make->paths->root, STORAGE_PLACES, NULL));
}

/* make_upper: overlay shows the upper folder's owner and mode as those of "/": they are what the topmost layer that has a "/" says. Only root of the user
 * namespace can give it an owner that is not ourselves (give_upper). */
static gboolean
make_upper (Make *make, int folder, GError **error)
{
  struct stat st = { .st_mode = 0555, .st_uid = geteuid (), .st_gid = getegid () }; /* the mode that Podman gives to a "/" that no layer describes */
  g_autoptr (GPtrArray) layers = make->image != NULL ? image_layer_folders (make->paths, make->image) : NULL;
  struct stat own;
  if (make->options->rootfs_overlay && stat (make->options->rootfs, &own) == 0)
    st.st_mode = own.st_mode;
  for (guint i = 0; layers != NULL && layers->pdata[i] != NULL; i++)
    if (getxattr (layers->pdata[i], UNPACK_ROOT_XATTR, NULL, 0) >= 0 && stat (layers->pdata[i], &st) == 0)
      {
        if (st.st_uid != geteuid () || st.st_gid != getegid ())
          make->upper_like = g_strdup (layers->pdata[i]);
        break;
      }
  if (mkdirat (folder, "upper", 0755) < 0 || fchmodat (folder, "upper", st.st_mode & 07777, 0) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making %s/upper", make->folder);
    }
  return TRUE;
}

/* holds_store: the store lies in @folder. */
static gboolean
holds_store (const Make *make, const char *folder)
{
  g_autofree char *real = realpath (folder, NULL), *root = realpath (make->paths->root, NULL);
  size_t length = real != NULL ? strlen (real) : 0;
  return real != NULL && root != NULL && (length == 1 || (strncmp (root, real, length) == 0 && (root[length] == '/' || root[length] == '\0')));
}

/* root_layers: of the image; or the folder that --rootfs PATH:O names. Below them the places: not below a folder that has them in it, for no layer may lie in another: overlay refuses (ELOOP). */
static GPtrArray *
root_layers (const Make *make)
{
  const char *rootfs = make->options->rootfs;
  GPtrArray *layers = rootfs == NULL ? image_layer_folders (make->paths, make->image) : g_ptr_array_new_with_free_func (g_free);
  if (rootfs != NULL)
    {
      g_ptr_array_add (layers, g_strdup (rootfs));
      g_ptr_array_add (layers, NULL);
    }
  if (rootfs == NULL || !holds_store (make, rootfs))
    add_places (make, layers);
  return layers;
}

/* renew_upper: what an earlier start has written over a folder of the user's is gone: podman-run(1) --rootfs. */
static gboolean
renew_upper (Make *make, GError **error)
{
  cleanup_fd int folder = open (make->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int r = folder < 0 ? -errno : path_remove_tree (folder, "upper");
  if (r == 0)
    r = path_remove_tree (folder, "work");
  if (r == 0 && mkdirat (folder, "work", 0700) < 0)
    r = -errno;
  return r < 0 ? coracle_throw_errno (error, -r, "renewing %s", make->folder) : make_upper (make, folder, error);
}

static gboolean
mount_rootfs (Make *make, GError **error)
{
  const ContainerOptions *options = make->options;
  make->rootfs = g_build_filename (make->folder, "merged", NULL);
  if (options->rootfs != NULL && !options->rootfs_overlay)
    {
      if (mount (options->rootfs, make->rootfs, NULL, MS_BIND | MS_REC, NULL) < 0)
        {
          int errsv = errno;
          return coracle_throw_errno (error, errsv, "mounting the root filesystem %s", options->rootfs);
        }
      return TRUE;
    }
  g_autofree char *upper = g_build_filename (make->folder, "upper", NULL), *work = g_build_filename (make->folder, "work", NULL);
  if (options->rootfs != NULL && make->existing != NULL && !renew_upper (make, error))
    return FALSE;
  g_autoptr (GPtrArray) layers = root_layers (make);
  OverlayKind kind;
  const char *program = make->paths->mount_program;
  if (!overlay_kind_from_environment (program != NULL ? OVERLAY_FUSE : OVERLAY_AUTO, &kind, error))
    return FALSE;
  if (make->ids != NULL && options->rootfs == NULL)
    return mapped_overlay (make->storage, (const char *const *) layers->pdata, make->ids, upper, work, make->rootfs, kind, program, make->notice, make->notice_data, error);
  if (kind == OVERLAY_FUSE)
    return overlay_mount_fuse ((const char *const *) layers->pdata, upper, work, make->rootfs, program, NULL, error);
  return overlay_mount ((const char *const *) layers->pdata, upper, work, make->rootfs, kind, NULL, error);
}

static gboolean
give_upper (Make *make, GError **error)
{
  struct stat st = { .st_uid = 0 };
  uint32_t uid, gid;
  /* with one id there is nobody else to give it to */
  if (make->existing != NULL || (make->upper_like == NULL && make->ids == NULL) || make->map->mode == IDMAP_SINGLE)
    return TRUE;
  g_autofree char *upper = g_build_filename (make->folder, "upper", NULL);
  if (make->upper_like != NULL ? stat (make->upper_like, &st) < 0 : stat (upper, &st) < 0)
    st.st_mode = 0;
  if (!userns_uid (make, st.st_uid, &uid) || !userns_gid (make, st.st_gid, &gid))
    return TRUE;
  if (st.st_mode == 0 || lchown (upper, uid, gid) < 0 || chmod (upper, st.st_mode & 07777) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "giving %s the owner of %s", upper, make->upper_like);
    }
  return TRUE;
}

/* make_mtab: programs look for /etc/mtab; where the image has none it leads to the kernel's own table. */
static void
make_mtab (const Make *make)
{
  cleanup_fd int etc = make->options->rootfs == NULL ? path_open_in_root (make->root_fd, "/etc", O_PATH | O_DIRECTORY, 0) : -1;
  struct stat st;
  if (etc >= 0 && fstatat (etc, "mtab", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT && symlinkat ("/proc/mounts", etc, "mtab") == 0)
    userns_give (make, etc, "mtab", 0, 0);
}

/* choose_oom: who is not real root cannot go below what the caller has. */
static int
choose_oom (const Make *make)
{
  int wanted = (int) make->options->oom_score_adj;
  g_autofree char *text = NULL;
  if (!make->options->has_oom_score_adj || make->map->mode == IDMAP_HOST || !path_read_file (AT_FDCWD, "/proc/self/oom_score_adj", 32, &text, NULL, NULL) || wanted >= atoi (text))
    return wanted;
  g_warning ("Requested oom_score_adj=%d is lower than the current one, changing to %d", wanted, atoi (text));
  return atoi (text);
}

static void
etc_files (const Make *make, const char *folder, const char *const *hosts, EtcFiles *ret_files)
{
  gboolean slirp = make->network == NETWORK_SLIRP, bridge = make->network == NETWORK_BRIDGE;
  *ret_files = (EtcFiles){
    .options = make->options, .folder = folder, .id = make->id, .name = make->name, .image_name = make->image_name,
    .image_id = make->image != NULL ? make->image->id : NULL, .hostname = make->hostname, .hosts = hosts,
    .address = slirp ? make->own_address : make->network == NETWORK_NONE ? "127.0.0.1" : NULL,
    .addresses = (const char *const *) make->addresses, .name_servers = (const char *const *) make->name_servers,
    .slirp = slirp || bridge ? &make->slirp : NULL, .host_network = make->network == NETWORK_HOST, .no_network = make->network == NETWORK_NONE,
    .single = make->map != NULL && make->map->mode == IDMAP_SINGLE, .root_fd = make->root_fd, .user = &make->user,
    .host_users = (const char *const *) make->host_users, .own_passwd = make->own_passwd, .own_group = make->own_group, .own_gid = make->own_gid,
  };
}

static gboolean
write_etc (Make *make, json_t *mounts, GError **error)
{
  g_auto (GStrv) hosts = NULL;
  if (!words_hosts (make->options, make->network == NETWORK_SLIRP || make->network == NETWORK_BRIDGE ? &make->slirp : NULL, &hosts, error))
    return FALSE;
  g_autofree char *run_folder = g_build_filename (make->paths->run_root, make->id, NULL);
  EtcFiles files;
  etc_files (make, run_folder, (const char *const *) hosts, &files);
  return etc_files_write (&files, mounts, error);
}

gboolean
make_places (Make *make, GError **error)
{
  make->run_dir = storage_run_begin (make->storage, make->id, error);
  if (make->run_dir < 0)
    return FALSE;
  make->folder = g_build_filename (make->paths->root, "containers", make->id, NULL);
  make->folder_made = TRUE;
  cleanup_fd int folder = storage_container_make (make->storage, make->id, error);
  if (folder < 0 || !make_upper (make, folder, error))
    return FALSE;
  if (mkdirat (folder, "work", 0700) < 0 || mkdirat (folder, "merged", 0700) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making folders in %s", make->folder);
    }
  make->hostname = words_hostname (make);
  return write_etc (make, make->mounts, error) && notify_places (make, error);
}

/* find_same_image: the one that the container was made from, whatever its name means by now. */
static gboolean
find_same_image (Make *make, GError **error)
{
  const StateContainer *row = make->existing;
  make->image_name = g_strdup (row->image_name);
  if (row->image_id == NULL)
    return find_image (make, error);
  make->image = state_image_find (make->storage->state, row->image_id, error);
  return make->image != NULL && read_image_config (make, error);
}

gboolean
make_resume (Make *make, Storage *storage, IdMap *map, const StateContainer *row, int run_dir, GError **error)
{
  make->existing = row;
  make->storage = storage;
  make->map = map;
  make->run_dir = run_dir;
  make->id = g_strdup (row->id);
  make->name = g_strdup (row->name);
  make->folder = g_build_filename (make->paths->root, "containers", make->id, NULL);
  make->health = json_incref (json_object_get (row->config, "health"));
  make->dependencies = json_incref (json_object_get (row->config, "dependencies"));
  if (!choose_network (make, error) || !find_same_image (make, error) || !choose_args (make, error) || !choose_stop_signal (make, error)
      || !load_seccomp (make, error) || !ports_prepare (make, error) || !ports_open (make, error))
    return FALSE;
  make->hostname = words_hostname (make);
  return write_etc (make, make->mounts, error) && notify_places (make, error);
}

void
make_rest (Make *make)
{
  fd_close (fd_steal (&make->root_fd));
  (void) umount2 (make->rootfs, MNT_DETACH);
  storage_run_end (make->storage, make->id, fd_steal (&make->run_dir));
}

gboolean
make_names (Make *make, GError **error)
{
  /* the files are written over where they are: the container may have them mounted already */
  json_auto_t *same = json_array ();
  return write_etc (make, same, error);
}

gboolean
make_rename (Make *make, GError **error)
{
  g_free (make->name);
  make->name = container_name_new (make->storage->state);
  return make_names (make, error);
}

gboolean
make_folders (Make *make, GError **error)
{
  if (make->map->mode == IDMAP_SINGLE)
    {
      make->seccomp_single = seccomp_filter_single (error);
      if (make->seccomp_single == NULL)
        return FALSE;
    }
  GError *problem = NULL;
  if (make->replaced != NULL && !container_remove (make->storage, make->replaced, TRUE, 10, FALSE, &problem))
    {
      /* somebody else removed it meanwhile */
      if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, problem);
          return coracle_prefix (error, "replacing container %s", make->name);
        }
      g_clear_error (&problem);
    }
  if ((make->existing == NULL && !open_ports (make, error)) || !userns_resolve (make, error) || !give_upper (make, error) || !mount_rootfs (make, error))
    return FALSE;
  make->root_fd = open (make->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (make->root_fd < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening %s", make->rootfs);
    }
  return TRUE;
}

void
make_undo (Make *make)
{
  if (make->existing != NULL && make->rootfs != NULL)
    (void) umount2 (make->rootfs, MNT_DETACH);
  if (make->folder_made)
    {
      if (make->rootfs != NULL)
        (void) umount2 (make->rootfs, MNT_DETACH);
      /* what cannot be removed now (a full disk) is left to the next sweep, with the run folder as the sign */
      if (!storage_container_remove (make->storage, make->id, FALSE, NULL))
        fd_close (fd_steal (&make->run_dir));
    }
  if (make->run_dir >= 0)
    storage_run_end (make->storage, make->id, fd_steal (&make->run_dir));
}

/* ---- config */

/* choose_cwd: -w, else the image's, else "/"; made when the image asks for it and it is missing, an error when -w does: as podman does. */
static gboolean
choose_cwd (Make *make, GError **error)
{
  const char *image = json_string_value (json_object_get (make->image_config, "WorkingDir"));
  const char *given = make->options->workdir;
  make->cwd = g_strdup (given != NULL && given[0] != '\0' ? given : image != NULL && image[0] != '\0' ? image : "/");
  if (make->cwd[0] != '/')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "working directory %s: must be an absolute path", make->cwd);
  /* below a volume only the container sees what is there */
  size_t i;
  json_t *item;
  json_array_foreach (make->mounts, i, item)
    {
      const char *destination = json_string_value (json_object_get (item, "destination"));
      size_t length = strlen (destination);
      if (strncmp (make->cwd, destination, length) == 0 && (make->cwd[length] == '/' || make->cwd[length] == '\0'))
        return TRUE;
      /* above a volume it is made with the volume's place */
      size_t own = strlen (make->cwd);
      if (strncmp (destination, make->cwd, own) == 0 && destination[own] == '/')
        return TRUE;
    }
  cleanup_fd int fd = path_open_in_root (make->root_fd, make->cwd, O_PATH | O_DIRECTORY, 0);
  if (fd == -ENOENT && (given == NULL || g_strcmp0 (given, image) == 0))
    {
      mode_t before = umask (022);   /* the container's user must get there whatever the caller's is */
      fd = path_mkdirs_in_root (make->root_fd, make->cwd, 0755);
      (void) umask (before);
      uint32_t uid, gid;
      if (fd >= 0 && (make->user.uid != 0 || make->ids != NULL) && userns_uid (make, make->user.uid, &uid) && userns_gid (make, make->user.gid, &gid))
        {
          cleanup_fd int folder = path_open_in_root (make->root_fd, make->cwd, O_RDONLY | O_DIRECTORY, 0);
          (void) fchown (folder, uid, gid);
        }
    }
  if (fd == -ENOENT)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "workdir \"%s\" does not exist on container %s", make->cwd, make->id);
  if (fd == -ENOTDIR)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "workdir \"%s\" on container %s: Not a directory", make->cwd, make->id);
  if (fd < 0)
    return coracle_throw_errno (error, -fd, "workdir %s", make->cwd);
  return TRUE;
}

gboolean
make_save_config (Make *make, GError **error)
{
  if (make->config_saved)
    return TRUE;
  /* the filter's text is long, the same for most containers, and cached ready-made */
  g_autofree char *text = spec_text (make->config, make->seccomp->n > 0 ? make->seccomp->oci : NULL);
  g_autofree char *path = g_build_filename (make->folder, "config.json", NULL);
  int r = path_write_file (AT_FDCWD, path, text, strlen (text), 0600, FALSE);
  if (r < 0)
    return coracle_throw_errno (error, -r, "writing %s", path);
  make->config_saved = TRUE;
  return TRUE;
}

static gboolean
write_accounts (Make *make, GError **error)
{
  g_autofree char *folder = g_build_filename (make->paths->run_root, make->id, NULL);
  EtcFiles files;
  etc_files (make, folder, NULL, &files);
  return etc_files_write_accounts (&files, make->mounts, error);
}

/* caps_for_user: root has all that the container may have; another user only what was added by name, as ambient (podman-run(1) --cap-add). Real root, in no
 * user namespace of ours, may itself have less than all, in a container for one: "ALL" and --privileged are then what it has. */
static void
caps_for_user (const Make *make, SpecInput *input)
{
  uint64_t added = 0;
  for (char **name = make->options->cap_add; name != NULL && *name != NULL; name++)
    if (caps_parse (*name) >= 0)
      added |= G_GUINT64_CONSTANT (1) << caps_parse (*name);
  input->caps_bounding = make->map->mode == IDMAP_HOST && make->ids == NULL ? make->caps & (caps_held () | added) : make->caps;
  input->caps_effective = input->caps_bounding;
  if (make->user.uid == 0)
    return;
  input->caps_effective = added & make->caps;
  input->caps_ambient = added & make->caps;
}

/* drop_sysctl: containers.conf's usual one names the group 0; a container that has none does without, and one that joins a network may have no right to set it there. */
static void
drop_sysctl (const Make *make, json_t *sysctl)
{
  static const char name[] = "net.ipv4.ping_group_range";
  uint32_t gid;
  if (userns_gid (make, 0, &gid) && !(make->ids != NULL && make->network_path != NULL && make->network != NETWORK_BRIDGE))
    return;
  for (char **given = make->options->sysctl; given != NULL && *given != NULL; given++)
    if (g_str_has_prefix (*given, name))
      return;
  json_object_del (sysctl, name);
}

static gboolean
build_config (Make *make, GError **error)
{
  const ContainerOptions *options = make->options;
  g_auto (SpecWords) words = { 0 };
  if (!words_spec (make, &words, error))
    return FALSE;
  int oom = choose_oom (make);
  drop_sysctl (make, words.sysctl);
  if (make->systemd)
    systemd_hide_consoles (words.devices);
  SpecInput input = {
    .rootfs = make->rootfs, .read_only = options->read_only, .args = (const char *const *) make->args, .env = (const char *const *) make->env, .cwd = make->cwd != NULL ? make->cwd : "/",
    .terminal = options->tty && !log_passes_through (options), .uid = make->user.uid, .gid = make->user.gid, .groups = make->user.groups, .umask = words.umask,
    .rlimits = words.rlimits, .oom_score_adj = options->has_oom_score_adj ? &oom : NULL,
    .pid = words.pid, .ipc = words.ipc, .uts = words.uts, .cgroup = words.cgroup,
    .network = { make->network == NETWORK_HOST ? SPEC_HOST : make->network_path != NULL ? SPEC_PATH : SPEC_PRIVATE, make->network_path },
    .own_network_namespace = make->network == NETWORK_BRIDGE,
    .hostname = words.uts.kind == SPEC_PRIVATE ? make->hostname : NULL, .shm_size = (guint64) options->shm_size, .no_shm = words.no_shm, .shm = make->shm, .systemd = make->systemd, .personality = options->personality,
    .read_only_dev = options->read_only && !options->read_only_tmpfs, .privileged = options->privileged,
    .own_user_namespace = make->map->mode != IDMAP_HOST || make->ids != NULL, .ids = make->ids, .security = make->security,
    .mounts = make->mounts, .sysctl = words.sysctl, .annotations = words.annotations, .devices = words.devices, .hooks = words.hooks,
    .root_propagation = words.root_propagation, .resources = words.resources,
  };
  caps_for_user (make, &input);
  make->config = spec_build (&input);
  return TRUE;
}

/* check_mapped: the container must have the ids it is to run with. */
static gboolean
check_mapped (const Make *make, const char *user, GError **error)
{
  const IdMap *map = make->ids != NULL ? make->ids : make->map;
  if ((make->ids == NULL && make->map->mode == IDMAP_HOST) || idmap_outside (map->uids, map->n_uids, make->user.uid, NULL))
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_INVALID, "user %s: uid %u is not mapped: %s", user != NULL ? user : "root", make->user.uid,
                        make->map->mode == IDMAP_SINGLE ? "with a single id only root can be had (give this user a range in /etc/subuid and /etc/subgid)"
                        : make->ids != NULL             ? "the container's user namespace has no such id"
                                                        : "the user's range in /etc/subuid is too short");
}

/* own_home: of the caller, with keep-id: the one of the host when that is mounted here, else where the container begins. */
static const char *
own_home (const Make *make, const char *host)
{
  const char *given = make->options->workdir, *image = json_string_value (json_object_get (make->image_config, "WorkingDir"));
  if (host != NULL && mounts_given (make->options, host))
    return host;
  return given != NULL && given[0] != '\0' ? given : image != NULL && image[0] != '\0' ? image : "/";
}

/* known_users: lines of passwd besides the image's: --hostuser's, and with keep-id the caller's, where the image has none of that id. */
static char **
known_users (Make *make, uint32_t *ret_gid, gboolean *ret_keeps)
{
  g_autofree char *name = NULL, *home = NULL, *group = NULL;
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  uint32_t uid, gid;
  g_strv_builder_addv (lines, (const char **) make->host_users);
  *ret_keeps = userns_own_user (make, &uid, &gid, &name, &home, &group);
  if (*ret_keeps && name != NULL)
    {
      g_autofree char *known = user_name (make->root_fd, uid), *known_group = user_group_name (make->root_fd, gid);
      if (known == NULL)
        {
          make->own_passwd = g_strdup_printf ("%s:*:%u:%u::%s:/bin/sh", name, uid, gid, own_home (make, home));
          g_strv_builder_add (lines, make->own_passwd);
        }
      if (known_group == NULL && group != NULL)
        {
          make->own_group = g_strdup_printf ("%s:x:%u:%s", group, gid, name);
          make->own_gid = gid;
        }
    }
  *ret_gid = *ret_keeps ? gid : 0;
  return g_strv_builder_end (lines);
}

/* find_user: who the container's process is; *@ret_late: the user, or a group, is not there: root stands in until it is. The caller, with keep-id, is known by the host's name, and its group is
 * kept whoever it is: podman-run(1) --userns. */
static gboolean
find_user (Make *make, const char *user, GError **ret_late, GError **error)
{
  uint32_t gid;
  gboolean keeps;
  GError *problem = NULL;
  make->host_users = user_host_lines ((const char *const *) make->options->host_users, error);
  if (make->host_users == NULL)
    return FALSE;
  g_auto (GStrv) groups = words_groups (make->options), all = known_users (make, &gid, &keeps);
  const char *const *lines = (const char *const *) all;
  if (!user_lookup (make->root_fd, user, lines, (const char *const *) groups, &make->user, &problem))
    {
      if (!is_late (problem))
        {
          g_propagate_error (error, problem);
          return FALSE;
        }
      g_propagate_error (ret_late, problem);
      user_info_clear (&make->user);
      if (!user_lookup (make->root_fd, "0", lines, NULL, &make->user, error))
        return FALSE;
    }
  if (keeps && idmap_outside (make->ids->gids, make->ids->n_gids, gid, NULL))
    user_add_group (&make->user, gid);
  return check_mapped (make, user, error);
}

/* give_etc: the files in the run folder, which the user has written, are the container's root's. */
static void
give_etc (const Make *make)
{
  g_autofree char *folder = g_build_filename (make->paths->run_root, make->id, "etc", NULL);
  int errsv;
  cleanup_fd int dir = make->ids != NULL ? open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  g_autoptr (GPtrArray) names = dir >= 0 ? path_list (dir, &errsv) : NULL;
  for (guint i = 0; names != NULL && i < names->len; i++)
    userns_give (make, dir, names->pdata[i], 0, 0);
}

/* find_cwd: the same of the working directory. */
static gboolean
find_cwd (Make *make, GError **ret_late, GError **error)
{
  GError *problem = NULL;
  if (choose_cwd (make, &problem))
    return TRUE;
  if (!is_late (problem))
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  g_propagate_error (ret_late, problem);
  return TRUE;
}

gboolean
make_config (Make *make, GError **error)
{
  const ContainerOptions *options = make->options;
  const char *user = options->user != NULL ? options->user : json_string_value (json_object_get (make->image_config, "User"));
  g_autoptr (GError) late = NULL;
  if (!find_user (make, user, &late, error))
    return FALSE;
  make->labels = words_labels (options, json_object_get (make->image_config, "Labels"), error);
  make_mtab (make);
  if (make->labels == NULL || !env_build (make, &make->env, error) || !write_accounts (make, error) || !mounts_resolve (make, error) || (late == NULL && !find_cwd (make, &late, error))
      || !build_config (make, error) || ((make->only_made || json_object_get (make->config, "hooks") != NULL) && !make_save_config (make, error)))
    return FALSE;
  give_etc (make);
  if (late == NULL)
    late = g_steal_pointer (&make->late);
  if (late == NULL || make->only_made)
    return make->only_made || userns_open (make, error);
  g_propagate_error (error, g_steal_pointer (&late));
  return FALSE;
}

/* below: the first component of @path under @folder, or NULL when it is not there. */
static char *
below (const char *folder, const char *path)
{
  size_t length = strlen (folder);
  if (strncmp (path, folder, length) != 0 || path[length] != '/')
    return NULL;
  const char *rest = path + length + 1;
  return g_strndup (rest, strcspn (rest, "/"));
}

/* record_mounts: what was mounted at the user's or the image's wish, for `ps` and `inspect`: without the files that every container gets. */
static json_t *
record_mounts (const Make *make)
{
  json_t *array = json_array (), *item;
  g_autofree char *volumes = g_build_filename (make->paths->root, "volumes", NULL), *run_folder = g_build_filename (make->paths->run_root, make->id, NULL);
  size_t i;
  json_array_foreach (make->mounts, i, item)
    {
      const char *source = json_string_value (json_object_get (item, "source")), *destination = json_string_value (json_object_get (item, "destination"));
      json_t *staged = json_object_get (make->staged, destination);
      if (staged != NULL)
        {
          json_array_append (array, staged);
          continue;
        }
      g_autofree char *own = below (make->folder, source), *own_file = below (run_folder, source), *name = below (volumes, source);
      if (own != NULL || own_file != NULL || strcmp (destination, "/run/podman-init") == 0)
        continue;
      json_t *mount = json_copy (item);
      if (name != NULL)
        {
          json_object_set_new (mount, "type", json_string ("volume"));
          json_object_set_new (mount, "name", json_string (name));
        }
      json_array_append_new (array, mount);
    }
  return array;
}

StateContainer *
make_row (const Make *make)
{
  StateContainer *row = g_new0 (StateContainer, 1);
  row->id = g_strdup (make->id);
  row->name = g_strdup (make->name);
  row->image_id = make->image != NULL ? g_strdup (make->image->id) : NULL;
  row->image_name = g_strdup (make->image_name != NULL ? make->image_name : "");
  row->created = g_get_real_time ();
  row->status = g_strdup ("created");
  row->auto_remove = make->options->rm;
  row->boot_id = storage_boot_id ();
  json_t *options = container_options_to_json (make->options);
  env_freeze (make, options);
  row->config = json_pack ("{s:o, s:o, s:o, s:O, s:O, s:s, s:i}", "options", options, "args", words_to_json (make->args),
                           "command", words_to_json (make->args + make->n_before_command), "volumes", make->volumes, "labels", make->labels, "hostname", make->hostname, "stop_signal", make->stop_signal);
  if (make->systemd)
    json_object_set_new (row->config, "systemd", json_true ());
  if (make->ids != NULL)
    json_object_set_new (row->config, "idmap", userns_ids_json (make->ids));
  if (make->dependencies != NULL)
    json_object_set (row->config, "dependencies", make->dependencies);
  json_object_set_new (row->config, "run_root", json_string (make->paths->run_root));
  json_object_set_new (row->config, "mounts", record_mounts (make));
  if (make->exposed != NULL && json_object_size (make->exposed) > 0)
    json_object_set (row->config, "exposed", make->exposed);
  if (make->ports != NULL && make->ports->len > 0)
    json_object_set_new (row->config, "ports", port_mappings_to_json (make->ports));
  json_t *poststop = hooks_poststop_record (make);
  if (poststop != NULL)
    json_object_set_new (row->config, "poststop", poststop);
  if (make->health != NULL)
    json_object_set (row->config, "health", make->health);
  return row;
}
