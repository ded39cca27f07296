#include "pkg/engine/container_share.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_staged.h"

#define CONTAINER_WORD "container:"

/* ---- the words */

static const struct {
  const char *name;    /* in /proc/PID/ns */
  const char *key;     /* of the word in the row's options */
  const char *looking; /* for Podman's error */
  size_t at;           /* of the word in ContainerOptions */
} spaces[] = {
  [SHARE_PID] = { "pid", "pid", "looking up container to share pid namespace with", offsetof (ContainerOptions, pid) },   [SHARE_IPC] = { "ipc", "ipc", "looking up container to share ipc namespace with", offsetof (ContainerOptions, ipc) },
  [SHARE_UTS] = { "uts", "uts", "looking up container to share uts namespace with", offsetof (ContainerOptions, uts) },   [SHARE_CGROUP] = { "cgroup", "cgroupns", "looking up container to share cgroup namespace with", offsetof (ContainerOptions, cgroupns) },
  [SHARE_NET] = { "net", "network", "looking up container to share net namespace with", offsetof (ContainerOptions, network) }, [SHARE_USER] = { "user", "userns", "looking up container to share user namespace with", offsetof (ContainerOptions, userns) },
};

static char **
word_of (const ContainerOptions *options, size_t i)
{
  return (char **) ((char *) (uintptr_t) options + spaces[i].at);
}

/* other_of: whose namespace it is to be; NULL: no container's. */
static const char *
other_of (const ContainerOptions *options, size_t i)
{
  const char *word = *word_of (options, i);
  return word != NULL && g_str_has_prefix (word, CONTAINER_WORD) ? word + strlen (CONTAINER_WORD) : NULL;
}

gboolean
share_asked (const ContainerOptions *options)
{
  for (size_t i = 0; i < G_N_ELEMENTS (spaces); i++)
    if (other_of (options, i) != NULL)
      return TRUE;
  return options->requires != NULL || options->volumes_from != NULL;
}

static void
add_dependency (Make *make, const char *id)
{
  size_t i;
  json_t *known;
  if (make->dependencies == NULL)
    make->dependencies = json_array ();
  json_array_foreach (make->dependencies, i, known)
    if (strcmp (json_string_value (known), id) == 0)
      return;
  json_array_append_new (make->dependencies, json_string (id));
}

static StateContainer *
find_other (const Make *make, const char *name, const char *what, GError **error)
{
  StateContainer *row = state_container_find (make->storage->state, name, NULL);
  if (row == NULL)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: no container with name or ID \"%s\" found: no such container", what, name);
  else if (make->id != NULL && strcmp (row->id, make->id) == 0)
    {
      g_clear_pointer (&row, state_container_free);
      coracle_throw (error, CORACLE_ERROR_INVALID, "%s: a container cannot share with itself", what);
    }
  return row;
}

/* may_join_ipc: podman-run(1) --ipc: private is not shareable. */
static gboolean
may_join_ipc (const StateContainer *other, GError **error)
{
  const char *mode = json_string_value (json_object_get (json_object_get (other->config, "options"), "ipc"));
  return g_strcmp0 (mode, "private") != 0
         || coracle_throw (error, CORACLE_ERROR_INVALID, "joining IPC of container %s is not allowed: non-shareable IPC (hint: use IpcMode:shareable for the donor container)", other->id);
}

/* shared_word: who shares with a container that is in the machine's own namespace is in that, too: it is nobody's to join. Free with g_free. */
static char *
shared_word (const StateContainer *other, size_t i)
{
  const char *theirs = json_string_value (json_object_get (json_object_get (other->config, "options"), spaces[i].key));
  return i != SHARE_USER && g_strcmp0 (theirs, "host") == 0 ? g_strdup (theirs) : g_strconcat (CONTAINER_WORD, other->id, NULL);
}

static gboolean
prepare_spaces (Make *make, ContainerOptions *options, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (spaces); i++)
    {
      const char *name = other_of (options, i);
      if (name == NULL)
        continue;
      g_autoptr (StateContainer) other = find_other (make, name, spaces[i].looking, error);
      if (other == NULL)
        return FALSE;
      if (i == SHARE_IPC && !may_join_ipc (other, error))
        return FALSE;
      add_dependency (make, other->id);
      char **word = word_of (options, i);
      g_free (*word);
      *word = shared_word (other, i);
    }
  return TRUE;
}

static gboolean
prepare_lists (Make *make, ContainerOptions *options, GError **error)
{
  for (char **name = options->requires; name != NULL && *name != NULL; name++)
    {
      g_autoptr (StateContainer) other = find_other (make, *name, "--requires", error);
      if (other == NULL)
        return FALSE;
      g_free (*name);
      *name = g_strdup (other->id);
      add_dependency (make, other->id);
    }
  for (char **word = options->volumes_from; word != NULL && *word != NULL; word++)
    {
      g_auto (GStrv) parts = g_strsplit (*word, ":", 2);
      g_autoptr (StateContainer) other = find_other (make, parts[0] != NULL ? parts[0] : "", "--volumes-from", error);
      if (other == NULL)
        return FALSE;
      g_auto (GStrv) flags = g_strsplit (parts[1] != NULL ? parts[1] : "", ",", -1);
      for (char **flag = flags; *flag != NULL; flag++)
        if (strcmp (*flag, "ro") != 0 && strcmp (*flag, "rw") != 0 && strcmp (*flag, "z") != 0)
          return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid options \"%s\", can only specify 'ro', 'rw', and 'z'", parts[1]);
      g_free (*word);
      *word = parts[1] != NULL ? g_strconcat (other->id, ":", parts[1], NULL) : g_strdup (other->id);
    }
  return TRUE;
}

gboolean
share_prepare (Make *make, GError **error)
{
  if (!share_asked (make->options))
    return TRUE;
  make_own_options (make);
  return prepare_spaces (make, make->own_options, error) && prepare_lists (make, make->own_options, error);
}

/* ---- the containers */

gboolean
share_start (const Run *run, Storage *storage, IdMap *map, int base, GError **error)
{
  ContainerStart how = { .mounts = base, .notice = run->notice, .notice_data = run->notice_data };
  size_t i;
  json_t *id;
  int status;
  json_array_foreach (run->make.dependencies, i, id)
    if (!container_start (storage, map, json_string_value (id), &how, &status, error))
      return coracle_prefix (error, "starting what it depends on");
  return TRUE;
}

/* take_names: who shares a network has the names of its owner: its /etc/hosts and /etc/resolv.conf. */
static void
take_names (Make *make, const char *id)
{
  static const char *const files[] = { "/etc/hosts", "/etc/resolv.conf" };
  size_t i;
  json_t *mount;
  json_array_foreach (make->mounts, i, mount)
    for (size_t k = 0; k < G_N_ELEMENTS (files); k++)
      {
        g_autofree char *source = g_build_filename (make->paths->run_root, id, files[k], NULL);
        if (strcmp (json_string_value (json_object_get (mount, "destination")), files[k]) == 0 && access (source, F_OK) == 0)
          json_object_set_new (mount, "source", json_string (source));
      }
}

/* clone_memory: the other's /dev/shm, detached. It is looked up in its own mount namespace, where its links lead nowhere else. -ENOENT: it has none. */
static int
clone_memory (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/ns/mnt", (int) pid);
  cleanup_fd int theirs = open (path, O_RDONLY | O_CLOEXEC), ours = open ("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), cwd = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (theirs < 0 || ours < 0 || setns (theirs, CLONE_NEWNS) < 0)
    return -errno;
  int tree = open_tree (AT_FDCWD, "/dev/shm", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
  int r = tree < 0 ? -errno : tree;
  if (setns (ours, CLONE_NEWNS) < 0 || (cwd >= 0 && fchdir (cwd) < 0))
    {
      int errsv = errno;
      fd_close (tree);
      return -errsv;
    }
  return r;
}

/* share_memory: make->shm: the other's /dev/shm, mounted in our mount namespace, which the monitor keeps. */
static gboolean
share_memory (Make *make, const char *id, pid_t pid, GError **error)
{
  cleanup_fd int tree = clone_memory (pid);
  g_autofree char *place = g_build_filename (make->paths->run_root, make->id, "shm", NULL);
  struct stat st;
  if (tree == -ENOENT)
    return TRUE;
  int r = tree < 0 ? tree : fstat (tree, &st) < 0 ? -errno : 0;
  if (r == 0 && !S_ISDIR (st.st_mode))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "/dev/shm of container %s: not a directory", id);
  if (r == 0 && ((mkdir (place, 0700) < 0 && errno != EEXIST) || move_mount (tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0))
    r = -errno;
  if (r < 0)
    return coracle_throw_errno (error, -r, "joining /dev/shm of container %s", id);
  g_free (make->shm);
  make->shm = g_steal_pointer (&place);
  return TRUE;
}

gboolean
share_join (Make *make, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (spaces); i++)
    {
      const char *id = other_of (make->options, i);
      pid_t pid;
      if (id == NULL)
        continue;
      cleanup_fd int init = live_open_init (make->storage, id, &pid);
      if (init < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot join the %s namespace of container %s: it does not run: container state improper", spaces[i].name, id);
      g_free (make->shared[i]);
      make->shared[i] = g_strdup_printf ("/proc/%d/ns/%s", (int) pid, spaces[i].name);
      if (i == SHARE_IPC && !share_memory (make, id, pid, error))
        return FALSE;
      if (i != SHARE_NET)
        continue;
      g_free (make->network_path);
      make->network_path = g_strdup (make->shared[i]);
      take_names (make, id);
    }
  return TRUE;
}

void
share_words (const Make *make, SpecNamespace *pid, SpecNamespace *ipc, SpecNamespace *uts, SpecNamespace *cgroup)
{
  SpecNamespace *all[] = { [SHARE_PID] = pid, [SHARE_IPC] = ipc, [SHARE_UTS] = uts, [SHARE_CGROUP] = cgroup };
  for (size_t i = 0; i < G_N_ELEMENTS (all); i++)
    if (other_of (make->options, i) != NULL)
      *all[i] = make->shared[i] != NULL ? (SpecNamespace){ SPEC_PATH, make->shared[i] } : (SpecNamespace){ SPEC_PRIVATE, NULL };
}

/* ---- mounts */

static gboolean
add_mount (Make *make, json_t *mount, const char *flags, GError **error)
{
  const char *source = json_string_value (json_object_get (mount, "source")), *subpath = json_string_value (json_object_get (mount, "subpath")),
             *destination = json_string_value (json_object_get (mount, "destination"));
  g_autofree char *part = subpath != NULL ? staged_part (make, source, subpath, error) : NULL;
  if (subpath != NULL && part == NULL)
    return FALSE;
  json_t *options = json_array (), *option;
  size_t i;
  g_auto (GStrv) words = g_strsplit (flags != NULL ? flags : "", ",", -1);
  gboolean ro = g_strv_contains ((const char *const *) words, "ro"), rw = g_strv_contains ((const char *const *) words, "rw");
  json_array_foreach (json_object_get (mount, "options"), i, option)
    if (!(rw && strcmp (json_string_value (option), "ro") == 0) && !(ro && strcmp (json_string_value (option), "rw") == 0))
      json_array_append (options, option);
  if (ro)
    json_array_append_new (options, json_string ("ro"));
  json_array_append_new (make->mounts, json_pack ("{s:s, s:s, s:s, s:O}", "destination", destination, "type", "bind", "source", part != NULL ? part : source, "options", options));
  if (part != NULL)
    {
      json_t *item = json_copy (mount);
      json_object_set (item, "options", options);
      staged_record (make, destination, item);
    }
  json_decref (options);
  return TRUE;
}

gboolean
share_mounts (Make *make, gboolean (*taken) (const char *destination, void *data), void *data, GError **error)
{
  for (char **word = make->options->volumes_from; word != NULL && *word != NULL; word++)
    {
      g_auto (GStrv) parts = g_strsplit (*word, ":", 2);
      g_autoptr (StateContainer) other = state_container_find (make->storage->state, parts[0], NULL);
      /* it is gone: what it had when this container was made is in the row */
      json_t *mounts = json_object_get (other != NULL ? other->config : make->existing != NULL ? make->existing->config : NULL, "mounts"), *mount;
      size_t i;
      json_array_foreach (mounts, i, mount)
        {
          const char *type = json_string_value (json_object_get (mount, "type"));
          if ((strcmp (type, "bind") == 0 || strcmp (type, "volume") == 0) && !taken (json_string_value (json_object_get (mount, "destination")), data)
              && !add_mount (make, mount, other != NULL ? parts[1] : NULL, error))
            return FALSE;
        }
    }
  return TRUE;
}
