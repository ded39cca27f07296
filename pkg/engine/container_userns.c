#include "pkg/engine/container_userns.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/account.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/idmap/choose.h"
#include "pkg/idmap/nested.h"
#include "pkg/idmap/subid.h"

#define AUTO_SIZE 1024      /* storage.conf(5) auto-userns-min-size */
#define AUTO_SIZE_MAX 65536 /* and -max-size */
#define NOBODY 65534

/* ---- the words */

static gboolean
has_words (char **list)
{
  return list != NULL && *list != NULL;
}

/* has_maps: --uidmap and its like. */
static gboolean
has_maps (const ContainerOptions *options)
{
  return has_words (options->uidmap) || has_words (options->gidmap) || options->subuidname != NULL || options->subgidname != NULL;
}

gboolean
userns_check (const ContainerOptions *options, GError **error)
{
  g_auto (UsernsMode) mode = { 0 };
  g_autoptr (GArray) uids = NULL, gids = NULL;
  if (!userns_mode_parse (options->userns, &mode, error))
    return FALSE;
  if (mode.kind == USERNS_PRIVATE && !has_maps (options))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "must provide at least one UID or GID mapping to configure a user namespace");
  if ((has_words (options->uidmap) && options->subuidname != NULL) || (has_words (options->gidmap) && options->subgidname != NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--uidmap and --subuidname, --gidmap and --subgidname, are mutually exclusive");
  return choose_words ((const char *const *) options->uidmap, 'u', NULL, 0, &uids, error) && choose_words ((const char *const *) options->gidmap, 'g', NULL, 0, &gids, error);
}

gboolean
userns_wants_single (Storage *storage, const ContainerOptions *options)
{
  g_auto (UsernsMode) mode = { 0 };
  if (options->userns == NULL || !userns_mode_parse (options->userns, &mode, NULL))
    return FALSE;
  g_autoptr (StateContainer) other = mode.kind == USERNS_CONTAINER ? state_container_find (storage->state, mode.other, NULL) : NULL;
  const char *word = other != NULL ? json_string_value (json_object_get (json_object_get (other->config, "options"), "userns")) : options->userns;
  return g_strcmp0 (word, "single") == 0;
}

/* ---- the row */

static json_t *
ranges_json (const IdRange *ranges, size_t n)
{
  json_t *array = json_array ();
  for (size_t i = 0; i < n; i++)
    json_array_append_new (array, json_pack ("[I, I, I]", (json_int_t) ranges[i].inside, (json_int_t) ranges[i].outside, (json_int_t) ranges[i].count));
  return array;
}

json_t *
userns_ids_json (const IdMap *ids)
{
  return json_pack ("{s:o, s:o, s:b}", "uids", ranges_json (ids->uids, ids->n_uids), "gids", ranges_json (ids->gids, ids->n_gids), "single", ids->mode == IDMAP_SINGLE);
}

static IdRange *
ranges_of (json_t *array, size_t *ret_n)
{
  size_t i, n = json_array_size (array);
  json_t *item;
  IdRange *ranges = g_new0 (IdRange, n + 1);
  json_array_foreach (array, i, item)
    ranges[i] = (IdRange){ (uint32_t) json_integer_value (json_array_get (item, 0)), (uint32_t) json_integer_value (json_array_get (item, 1)), (uint32_t) json_integer_value (json_array_get (item, 2)) };
  *ret_n = n;
  return ranges;
}

IdMap *
userns_ids_of (json_t *row_config)
{
  json_t *object = json_object_get (row_config, "idmap");
  if (object == NULL)
    return NULL;
  IdMap *ids = g_new0 (IdMap, 1);
  ids->mode = json_is_true (json_object_get (object, "single")) ? IDMAP_SINGLE : IDMAP_RANGE;
  ids->uids = ranges_of (json_object_get (object, "uids"), &ids->n_uids);
  ids->gids = ranges_of (json_object_get (object, "gids"), &ids->n_gids);
  return ids;
}

/* ---- choosing */

static IdMap *
ids_new (GArray *uids, GArray *gids)
{
  IdMap *ids = g_new0 (IdMap, 1);
  ids->mode = IDMAP_RANGE;
  ids->n_uids = uids->len;
  ids->n_gids = gids->len;
  ids->uids = (IdRange *) (void *) g_array_free (uids, FALSE);
  ids->gids = (IdRange *) (void *) g_array_free (gids, FALSE);
  return ids;
}

/* own_id: the caller's id on the host. Real root is no user of a range: its ids are what they are. */
static uint32_t
own_id (const IdRange *ranges, size_t n)
{
  uint32_t id = 0;
  (void) idmap_outside (ranges, n, 0, &id);
  return id;
}

static gboolean
choose_keep (Make *make, const UsernsMode *mode, GError **error)
{
  const IdMap *parent = make->map;
  if (parent->mode == IDMAP_HOST)
    {
      if (mode->size >= 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set max size for user namespace when not running rootless");
      make->ids = ids_new (choose_all (parent->uids, parent->n_uids), choose_all (parent->gids, parent->n_gids));
      return TRUE;
    }
  uint32_t uid = mode->uid >= 0 ? (uint32_t) mode->uid : own_id (parent->uids, parent->n_uids), gid = mode->gid >= 0 ? (uint32_t) mode->gid : own_id (parent->gids, parent->n_gids);
  make->ids = ids_new (choose_keep_id (parent->uids, parent->n_uids, uid, mode->size), choose_keep_id (parent->gids, parent->n_gids, gid, mode->size));
  return TRUE;
}

static gboolean
choose_nomap (Make *make, GError **error)
{
  const IdMap *parent = make->map;
  if (parent->mode == IDMAP_HOST)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "nomap is only supported in rootless mode");
  if (parent->mode == IDMAP_SINGLE)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--userns=nomap: this user has no other id than its own: give it a range in /etc/subuid and /etc/subgid");
  make->ids = ids_new (choose_all_but_own (parent->uids, parent->n_uids), choose_all_but_own (parent->gids, parent->n_gids));
  return TRUE;
}

/* choose_given: --uidmap and --gidmap, either standing for both; --subuidname and --subgidname likewise. */
static gboolean
choose_given (Make *make, char kind, GArray **ret_ranges, GError **error)
{
  const ContainerOptions *options = make->options;
  gboolean user = kind == 'u';
  const IdRange *parent = user ? make->map->uids : make->map->gids;
  size_t n = user ? make->map->n_uids : make->map->n_gids;
  char **own = user ? options->uidmap : options->gidmap, **other = user ? options->gidmap : options->uidmap;
  const char *name = user ? options->subuidname : options->subgidname, *other_name = user ? options->subgidname : options->subuidname;
  g_autoptr (GArray) ranges = NULL;
  if (!has_words (own) && (name != NULL || (other_name != NULL && !has_words (other))))
    {
      const char *wanted = name != NULL ? name : other_name, *file = user ? "/etc/subuid" : "/etc/subgid";
      g_autofree char *text = NULL;
      (void) path_read_file (AT_FDCWD, file, 8 << 20, &text, NULL, NULL);
      g_autoptr (GArray) found = subid_parse (text != NULL ? text : "", wanted, G_MAXUINT32);
      if (found->len == 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "no sub%cid ranges found for user \"%s\" in %s", kind, wanted, file);
      return choose_subid (found, wanted, parent, n, ret_ranges, error);
    }
  if (!choose_words ((const char *const *) (has_words (own) ? own : other), kind, parent, n, &ranges, error))
    return FALSE;
  *ret_ranges = ranges->len > 0 ? g_steal_pointer (&ranges) : choose_all (parent, n);
  return TRUE;
}

static gboolean
choose_private (Make *make, GError **error)
{
  g_autoptr (GArray) uids = NULL;
  GArray *gids;
  if (!choose_given (make, 'u', &uids, error) || !choose_given (make, 'g', &gids, error))
    return FALSE;
  make->ids = ids_new (g_steal_pointer (&uids), gids);
  return TRUE;
}

/* ---- auto */

static void
add_used (GArray *used, const IdRange *ranges, size_t n)
{
  if (n > 0)
    g_array_append_vals (used, ranges, (guint) n);
}

/* find_used: the ids that other containers have for themselves. */
static gboolean
find_used (const Make *make, GArray *uids, GArray *gids, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list (make->storage->state, &rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    {
      g_autoptr (IdMap) ids = userns_ids_of (((StateContainer *) rows->pdata[i])->config);
      if (ids == NULL)
        continue;
      add_used (uids, ids->uids, ids->n_uids);
      add_used (gids, ids->gids, ids->n_gids);
    }
  return TRUE;
}

/* highest_id: in the third fields of an account file of the image, as the topmost layer has it; "nobody" does not count. */
static uint32_t
highest_id (const Make *make, const char *path)
{
  g_autoptr (GPtrArray) layers = make->image != NULL ? image_layer_folders (make->paths, make->image) : NULL;
  g_autofree char *text = NULL;
  uint32_t highest = 0;
  for (guint i = 0; layers != NULL && layers->pdata[i] != NULL && text == NULL; i++)
    {
      cleanup_fd int layer = open (layers->pdata[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
      cleanup_fd int fd = layer < 0 ? -1 : path_open_in_root (layer, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
      struct stat st;
      if (fd >= 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode))
        (void) fd_read_file (fd, 8 << 20, &text, NULL, NULL);
    }
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, ":", 4);
      guint64 id;
      if (g_strv_length (fields) >= 3 && g_ascii_string_to_unsigned (fields[2], 10, 0, AUTO_SIZE_MAX - 1, &id, NULL) && id != NOBODY)
        highest = MAX (highest, (uint32_t) id);
    }
  return highest;
}

static uint32_t
auto_size (const Make *make, const UsernsMode *mode)
{
  guint64 user = 0;
  if (mode->size > 0)
    return (uint32_t) mode->size;
  g_auto (GStrv) parts = g_strsplit (make->options->user != NULL ? make->options->user : "", ":", 2);
  if (parts[0] != NULL)
    (void) g_ascii_string_to_unsigned (parts[0], 10, 0, AUTO_SIZE_MAX - 1, &user, NULL);
  uint32_t size = MAX (highest_id (make, "/etc/passwd"), highest_id (make, "/etc/group"));
  return MAX (MAX (size, (uint32_t) user) + 1, AUTO_SIZE);
}

/* auto_parent: who may be divided: of a user all ids; of real root those of the user "containers": podman-run(1) --userns. */
static gboolean
auto_parent (const Make *make, IdMap **ret_parent, GError **error)
{
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (IdRange));
  *ret_parent = idmap_copy (make->map);
  if (make->map->mode != IDMAP_HOST)
    return TRUE;
  for (int i = 0; i < 2; i++)
    {
      const char *file = i == 0 ? "/etc/subuid" : "/etc/subgid";
      g_autofree char *text = NULL;
      (void) path_read_file (AT_FDCWD, file, 8 << 20, &text, NULL, NULL);
      g_autoptr (GArray) found = subid_parse (text != NULL ? text : "", "containers", G_MAXUINT32);
      IdRange **ranges = i == 0 ? &(*ret_parent)->uids : &(*ret_parent)->gids;
      size_t *n = i == 0 ? &(*ret_parent)->n_uids : &(*ret_parent)->n_gids;
      g_free (*ranges);
      *ranges = g_new0 (IdRange, found->len + 1);
      *n = found->len;
      for (guint k = 0; k < found->len; k++)
        {
          const SubidRange *range = &g_array_index (found, SubidRange, k);
          (*ranges)[k] = (IdRange){ range->start, range->start, range->count };
        }
      if (found->len == 0)
        {
          g_clear_pointer (ret_parent, idmap_free);
          return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot find mappings for user \"containers\": no range of it in %s: --userns=auto takes its ids from there", file);
        }
    }
  return TRUE;
}

static gboolean
choose_automatic (Make *make, const UsernsMode *mode, GError **error)
{
  g_autoptr (GArray) uids = g_array_new (FALSE, FALSE, sizeof (IdRange)), gids = g_array_new (FALSE, FALSE, sizeof (IdRange)), chosen_uids = NULL;
  g_autoptr (IdMap) parent = NULL;
  GArray *chosen_gids;
  /* two that choose at once must not choose the same */
  make->auto_lock = openat (make->storage->root_fd, "auto.lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (make->auto_lock < 0 || flock (make->auto_lock, LOCK_EX) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "locking %s/auto.lock", make->paths->root);
    }
  g_ptr_array_add (mode->uidmapping, NULL);
  g_ptr_array_add (mode->gidmapping, NULL);
  uint32_t size = auto_size (make, mode);
  if (!auto_parent (make, &parent, error) || !find_used (make, uids, gids, error)
      || !choose_auto (size, (const char *const *) mode->uidmapping->pdata, 'u', uids, parent->uids, parent->n_uids, &chosen_uids, error)
      || !choose_auto (size, (const char *const *) mode->gidmapping->pdata, 'g', gids, parent->gids, parent->n_gids, &chosen_gids, error))
    return FALSE;
  make->ids = ids_new (g_steal_pointer (&chosen_uids), chosen_gids);
  return TRUE;
}

/* ---- somebody else's */

static gboolean
take_others (Make *make, const char *name, GError **error)
{
  g_autoptr (StateContainer) other = state_container_find (make->storage->state, name, error);
  if (other == NULL)
    return FALSE;
  make->ids = userns_ids_of (other->config);
  return TRUE;
}

static gboolean
take_path (Make *make, const char *path, GError **error)
{
  struct stat st, own;
  make->user_ns = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (make->user_ns < 0 || fstat (make->user_ns, &st) < 0 || stat ("/proc/self/ns/user", &own) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening user namespace %s", path);
    }
  if (st.st_ino == own.st_ino && st.st_dev == own.st_dev)
    {
      fd_close (fd_steal (&make->user_ns));
      return TRUE;
    }
  make->ids = idmap_nested_read (make->user_ns, error);
  return make->ids != NULL || coracle_prefix (error, "user namespace %s", path);
}

/* ---- all together */

/* become_own: keep-id: the user that the container's process is unless another one is asked for; it stays so for all starts. */
static void
become_own (Make *make)
{
  uint32_t uid, gid;
  g_autofree char *name = NULL, *home = NULL, *group = NULL;
  if ((make->options->user != NULL && make->options->user[0] != '\0') || !userns_own_user (make, &uid, &gid, &name, &home, &group))
    return;
  if (make->own_options == NULL)
    {
      json_auto_t *copy = container_options_to_json (make->options);
      make->own_options = container_options_from_json (copy);
      make->options = make->own_options;
    }
  g_free (make->own_options->user);
  make->own_options->user = g_strdup_printf ("%u:%u", uid, gid);
}

/* check_root: what makes the container's mounts must be able to write to its files. With one id only, all of them are that id's. */
static gboolean
check_root (const Make *make, GError **error)
{
  const IdMap *ids = make->ids;
  if (ids == NULL || ids->mode == IDMAP_SINGLE)
    return TRUE;
  const char *missing = !idmap_outside (ids->uids, ids->n_uids, 0, NULL) ? "UID" : !idmap_outside (ids->gids, ids->n_gids, 0, NULL) ? "GID" : NULL;
  return missing == NULL || coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "container uses ID mappings, but doesn't map %s 0", missing);
}

gboolean
userns_resolve (Make *make, GError **error)
{
  g_auto (UsernsMode) mode = { 0 };
  if (make->ids != NULL)
    return TRUE;
  if (!userns_mode_parse (make->options->userns, &mode, error))
    return FALSE;
  if (mode.kind == USERNS_PATH)
    return take_path (make, mode.other, error);
  if (make->existing != NULL)
    {
      make->ids = userns_ids_of (make->existing->config);
      return TRUE;
    }
  gboolean done = TRUE;
  if (has_maps (make->options))
    done = choose_private (make, error);
  else if (mode.kind == USERNS_KEEP_ID)
    done = choose_keep (make, &mode, error);
  else if (mode.kind == USERNS_NOMAP)
    done = choose_nomap (make, error);
  else if (mode.kind == USERNS_AUTO)
    done = choose_automatic (make, &mode, error);
  else if (mode.kind == USERNS_CONTAINER)
    done = take_others (make, mode.other, error);
  if (done && make->ids != NULL && make->map->mode == IDMAP_SINGLE)
    make->ids->mode = IDMAP_SINGLE;
  if (done)
    become_own (make);
  return done && check_root (make, error);
}

gboolean
userns_open (Make *make, GError **error)
{
  g_auto (UsernsMode) mode = { 0 };
  if (make->ids == NULL || make->user_ns > 0)
    return TRUE;
  if (!userns_mode_parse (make->options->userns, &mode, error))
    return FALSE;
  if (mode.kind != USERNS_CONTAINER)
    make->user_ns = idmap_nested_open (make->ids, error);
  else if (make->shared[SHARE_USER] != NULL)
    {
      make->user_ns = open (make->shared[SHARE_USER], O_RDONLY | O_CLOEXEC);
      int errsv = errno;
      if (make->user_ns < 0)
        return coracle_throw_errno (error, errsv, "opening user namespace %s", make->shared[SHARE_USER]);
    }
  else
    return TRUE;   /* it is not started now */
  return make->user_ns > 0;
}

gboolean
userns_uid (const Make *make, uint32_t inside, uint32_t *ret_outside)
{
  const IdMap *ids = make->ids;
  *ret_outside = inside;
  return ids == NULL || idmap_outside (ids->uids, ids->n_uids, inside, ret_outside);
}

gboolean
userns_gid (const Make *make, uint32_t inside, uint32_t *ret_outside)
{
  const IdMap *ids = make->ids;
  *ret_outside = inside;
  return ids == NULL || idmap_outside (ids->gids, ids->n_gids, inside, ret_outside);
}

void
userns_give (const Make *make, int dir_fd, const char *path, uint32_t uid, uint32_t gid)
{
  uint32_t outside_uid, outside_gid;
  if (make->ids != NULL && userns_uid (make, uid, &outside_uid) && userns_gid (make, gid, &outside_gid))
    (void) fchownat (dir_fd, path, outside_uid, outside_gid, AT_SYMLINK_NOFOLLOW);
}

gboolean
userns_own_user (const Make *make, uint32_t *ret_uid, uint32_t *ret_gid, char **ret_name, char **ret_home, char **ret_group)
{
  g_auto (UsernsMode) mode = { 0 };
  if (make->ids == NULL || !userns_mode_parse (make->options->userns, &mode, NULL) || mode.kind != USERNS_KEEP_ID)
    return FALSE;
  gboolean host = make->map->mode == IDMAP_HOST;
  uint32_t uid = host ? 0 : own_id (make->map->uids, make->map->n_uids), gid = host ? 0 : own_id (make->map->gids, make->map->n_gids);
  gboolean own = mode.uid < 0 && mode.gid < 0 && !host;
  g_autoptr (Account) user = own ? account_of_uid (uid) : NULL;
  *ret_home = user != NULL && user->home[0] == '/' ? g_steal_pointer (&user->home) : NULL;
  *ret_name = user != NULL ? g_steal_pointer (&user->name) : NULL;
  *ret_group = own ? account_group_name (gid) : NULL;
  *ret_uid = mode.uid >= 0 && !host ? (uint32_t) mode.uid : uid;
  *ret_gid = mode.gid >= 0 && !host ? (uint32_t) mode.gid : gid;
  return TRUE;
}
