#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_make.h"
#include "pkg/engine/container_share.h"
#include "pkg/engine/container_staged.h"
#include "pkg/engine/container_systemd.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/container_words.h"
#include "pkg/engine/names.h"
#include "pkg/engine/volume_mount.h"
#include "pkg/spec/device.h"
#include "pkg/spec/volume.h"
#include "storage/artifact.h"
#include "storage/volume.h"

static json_t *
options_array (char **options)
{
  json_t *array = json_array ();
  for (; options != NULL && *options != NULL; options++)
    json_array_append_new (array, json_string (*options));
  return array;
}

/* keep_flags: what is mounted read-only by the volume's own options stays so. */
static void
keep_flags (json_t *options)
{
  for (size_t i = json_array_size (options); i-- > 0;)
    if (g_strcmp0 (json_string_value (json_array_get (options, i)), "rw") == 0)
      json_array_remove (options, i);
}

static void
append (Make *make, const char *type, const char *source, const char *destination, json_t *options)
{
  json_array_append_new (make->mounts, json_pack ("{s:s, s:s, s:s, s:o}", "destination", destination, "type", type, "source", source, "options", options));
}

static gboolean
has_destination (GPtrArray *mounts, const char *destination)
{
  for (guint i = 0; i < mounts->len; i++)
    if (strcmp (((SpecMount *) mounts->pdata[i])->destination, destination) == 0)
      return TRUE;
  return FALSE;
}

/* made_before: the name of the anonymous volume that a container has had on @destination since it was made; NULL: none. */
static const char *
made_before (const Make *make, const char *destination)
{
  json_t *mount, *volume, *row = make->existing != NULL ? make->existing->config : NULL;
  size_t i, k;
  json_array_foreach (json_object_get (row, "mounts"), i, mount)
    {
      const char *name = json_string_value (json_object_get (mount, "name"));
      if (name == NULL || g_strcmp0 (json_string_value (json_object_get (mount, "destination")), destination) != 0)
        continue;
      json_array_foreach (json_object_get (row, "volumes"), k, volume)
        if (strcmp (json_string_value (volume), name) == 0)
          return name;
    }
  return NULL;
}

/* give_tree: the option U. */
static gboolean
give_tree (const Make *make, const char *path, GError **error)
{
  uint32_t uid, gid;
  if (!userns_uid (make, make->user.uid, &uid) || !userns_gid (make, make->user.gid, &gid))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: the container's user %u:%u has no id to give it to", path, make->user.uid, make->user.gid);
  return volume_chown (path, uid, gid, error);
}

/* give_volume: a new one is the container's user's, unless the image has something in its place. */
static void
give_volume (const Make *make, const char *data)
{
  uint32_t uid, gid;
  if ((make->ids != NULL || (make->user.uid != 0 && make->map->mode != IDMAP_SINGLE)) && userns_uid (make, make->user.uid, &uid) && userns_gid (make, make->user.gid, &gid))
    (void) lchown (data, uid, gid);
}

/* append_staged: the folder @data of the volume @name (NULL: a path of the host's), of which @mount may want a part, or an overlay on it. */
static gboolean
append_staged (Make *make, const SpecMount *mount, const char *name, const char *data, json_t *options, GError **error)
{
  g_autofree char *part = mount->subpath != NULL ? staged_part (make, data, mount->subpath, error) : NULL;
  const char *lower = part != NULL ? part : data;
  if (mount->subpath != NULL && part == NULL)
    return FALSE;
  g_autofree char *overlay = mount->overlay ? staged_overlay (make, lower, mount, error) : NULL;
  if (mount->overlay && (overlay == NULL || (mount->chown && !give_tree (make, overlay, error))))
    return FALSE;
  append (make, "bind", overlay != NULL ? overlay : lower, mount->destination, json_incref (options));
  if (part == NULL && overlay == NULL)
    return TRUE;
  json_t *item = json_pack ("{s:s, s:s, s:s, s:O}", "destination", mount->destination, "type", overlay != NULL ? "overlay" : "volume", "source", data, "options", options);
  if (name != NULL)
    json_object_set_new (item, "name", json_string (name));
  if (mount->subpath != NULL)
    json_object_set_new (item, "subpath", json_string (mount->subpath));
  staged_record (make, mount->destination, item);
  return TRUE;
}

/* resolve_image: --mount type=image. */
static gboolean
resolve_image (Make *make, const SpecMount *mount, GError **error)
{
  g_autofree char *id = NULL, *root = staged_image (make, mount, &id, error);
  g_autofree char *part = root != NULL && mount->subpath != NULL ? staged_part (make, root, mount->subpath, error) : NULL;
  if (root == NULL || (mount->subpath != NULL && part == NULL))
    return FALSE;
  json_t *options = options_array (mount->options);
  json_array_append_new (options, json_string ("rbind"));
  append (make, "bind", part != NULL ? part : root, mount->destination, options);
  json_t *item = json_pack ("{s:s, s:s, s:s, s:O, s:s}", "destination", mount->destination, "type", "image", "source", mount->source, "options", options, "image", id);
  if (mount->subpath != NULL)
    json_object_set_new (item, "subpath", json_string (mount->subpath));
  staged_record (make, mount->destination, item);
  return TRUE;
}

/* append_blob: @layer of the artifact that @mount names, on @destination. */
static void
append_blob (Make *make, const SpecMount *mount, json_t *layer, const char *destination)
{
  g_autofree char *blob = artifact_blob_path (make->storage, layer);
  json_t *options = options_array (mount->options);
  json_array_append_new (options, json_string ("bind"));
  append (make, "bind", blob, destination, options);
  staged_record (make, destination, json_pack ("{s:s, s:s, s:s, s:O, s:O}", "destination", destination, "type", "artifact", "source", mount->source, "options", options,
                                                    "digest", json_object_get (layer, "digest")));
}

/* resolve_artifact: --mount type=artifact: into a folder of the image's each blob as a file; else one blob as the file itself. */
static gboolean
resolve_artifact (Make *make, const SpecMount *mount, GError **error)
{
  g_autoptr (Artifact) artifact = artifact_find (make->storage, mount->source, error);
  g_autoptr (GPtrArray) layers = artifact != NULL ? artifact_choose (artifact, mount->title, mount->digest, error) : NULL;
  cleanup_fd int place = path_open_in_root (make->root_fd, mount->destination, O_PATH, 0);
  struct stat st;
  gboolean there = place >= 0 && fstat (place, &st) == 0;
  if (layers == NULL)
    return FALSE;
  if (there && !S_ISDIR (st.st_mode) && layers->len > 1)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "artifact \"%s\" contains more than one blob and container path \"%s\" is a file", mount->source, mount->destination);
  if (there ? !S_ISDIR (st.st_mode) : layers->len == 1)
    {
      append_blob (make, mount, layers->pdata[0], mount->destination);
      return TRUE;
    }
  for (guint i = 0; i < layers->len; i++)
    {
      g_autofree char *name = mount->name == NULL   ? artifact_file_name (layers->pdata[i], mount->digest != NULL, error)
                              : layers->len == 1    ? g_strdup (mount->name)
                                                  : g_strdup_printf ("%s-%u", mount->name, i);
      if (name == NULL)
        return FALSE;
      g_autofree char *destination = g_build_filename (mount->destination, name, NULL);
      append_blob (make, mount, layers->pdata[i], destination);
    }
  return TRUE;
}

/* resolve_volume: its folder; an anonymous one is noted, to be removed with the container. */
static gboolean
resolve_volume (Make *make, const SpecMount *mount, GError **error)
{
  const char *before = mount->source == NULL ? made_before (make, mount->destination) : NULL;
  g_autofree char *made_up = mount->source == NULL && before == NULL ? container_id_new () : NULL;
  const char *name = made_up != NULL ? made_up : before != NULL ? before : mount->source;
  if (made_up != NULL && !storage_container_note_volume (make->storage, make->id, name, error))
    return FALSE;
  if (made_up != NULL)
    json_array_append_new (make->volumes, json_string (name));
  VolumeFirst first;
  g_autofree char *data = volume_open (make->storage, name, mount->create, &first, error);
  if (data == NULL)
    return FALSE;
  if (first.mounts && !volume_mount (make->storage, name, make->id, &make->volume_lock, error))
    return FALSE;
  if (first.own)
    give_volume (make, data);
  if ((first.copy && mount->copy && !volume_fill (data, make->root_fd, mount->destination, error)) || (mount->chown && !mount->overlay && !give_tree (make, data, error)))
    return FALSE;
  json_t *options = options_array (mount->options);
  if (first.mounts)
    keep_flags (options);
  gboolean ok = append_staged (make, mount, name, data, options, error);
  json_decref (options);
  return ok;
}

static gboolean
resolve_bind (Make *make, const SpecMount *mount, GError **error)
{
  if (!spec_mount_source_check (mount, error) || (mount->chown && !mount->overlay && !give_tree (make, mount->source, error)))
    return FALSE;
  json_t *options = options_array (mount->options);
  gboolean ok = append_staged (make, mount, NULL, mount->source, options, error);
  json_decref (options);
  return ok;
}

static void
resolve_filesystem (Make *make, const SpecMount *mount)
{
  const char *type = spec_mount_type_name (mount->type);
  json_t *options = options_array (mount->options);
  if (mount->copy)
    json_array_append_new (options, json_string ("tmpcopyup"));
  if (mount->chown)
    {
      json_array_append_new (options, json_sprintf ("uid=%u", make->user.uid));
      json_array_append_new (options, json_sprintf ("gid=%u", make->user.gid));
    }
  append (make, type, type, mount->destination, options);
}

static gboolean
resolve_one (Make *make, const SpecMount *mount, GError **error)
{
  switch (mount->type)
    {
    case SPEC_MOUNT_BIND:
      return resolve_bind (make, mount, error);
    case SPEC_MOUNT_VOLUME:
      return resolve_volume (make, mount, error);
    case SPEC_MOUNT_IMAGE:
      return resolve_image (make, mount, error);
    case SPEC_MOUNT_ARTIFACT:
      return resolve_artifact (make, mount, error);
    default:
      resolve_filesystem (make, mount);
      return TRUE;
    }
}

/* image_volumes: the folders that the image declares, unless the user mounted something there: podman-run(1) --image-volume. */
static gboolean
image_volumes (Make *make, GPtrArray *given, GError **error)
{
  const char *kind = make->options->image_volume;
  if (g_strcmp0 (kind, "ignore") == 0)
    return TRUE;
  const char *destination;
  json_t *value;
  json_object_foreach (json_object_get (make->image_config, "Volumes"), destination, value)
    {
      if (destination[0] != '/' || has_destination (given, destination))
        continue;
      g_autoptr (SpecMount) mount = spec_image_volume (destination, g_strcmp0 (kind, "tmpfs") == 0, error);
      if (mount == NULL || !resolve_one (make, mount, error))
        return FALSE;
    }
  return TRUE;
}

/* writable_tmpfs: what --read-only leaves writable: podman-run(1) --read-only-tmpfs. */
static void
writable_tmpfs (Make *make, GPtrArray *given)
{
  static const char *const folders[] = { "/run", "/tmp", "/var/tmp" };
  if (!make->options->read_only || !make->options->read_only_tmpfs)
    return;
  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    if (!has_destination (given, folders[i]))
      append (make, "tmpfs", "tmpfs", folders[i], json_pack ("[s, s, s, s, s]", "rprivate", "nosuid", "nodev", "tmpcopyup", i == 0 ? "mode=0755" : "mode=1777"));
}

static void
init_program (Make *make)
{
  if (!make->options->init)
    return;
  g_autofree char *own = g_build_filename (make->paths->libexec, "coracle-monitor", NULL);
  append (make, "bind", make->options->init_path != NULL ? make->options->init_path : own, "/run/podman-init", json_pack ("[s, s, s]", "bind", "rprivate", "ro"));
}

/* devices_elsewhere: a --device whose place is not below /dev is a bind mount like any other. */
static gboolean
devices_elsewhere (Make *make, GError **error)
{
  g_autoptr (GPtrArray) devices = words_devices (make->options, make->map->mode != IDMAP_HOST || make->ids != NULL, error);
  if (devices == NULL)
    return FALSE;
  for (guint i = 0; i < devices->len; i++)
    {
      const SpecDevice *device = devices->pdata[i];
      if (!g_str_has_prefix (device->destination, "/dev/"))
        append (make, "bind", device->source, device->destination, json_pack ("[s, s, s, s]", "bind", "rprivate", "nosuid", "noexec"));
    }
  return TRUE;
}

/* drop_containerenv: a folder of the user's on /run stays as it is: nothing of ours is made in it. */
static void
drop_containerenv (Make *make)
{
  gboolean taken = FALSE;
  size_t i, own = SIZE_MAX;
  json_t *item;
  json_array_foreach (make->mounts, i, item)
    {
      const char *destination = json_string_value (json_object_get (item, "destination")), *type = json_string_value (json_object_get (item, "type"));
      taken = taken || (strcmp (destination, "/run") == 0 && strcmp (type, "bind") == 0);
      if (strcmp (destination, "/run/.containerenv") == 0)
        own = i;
    }
  if (taken && own != SIZE_MAX)
    json_array_remove (make->mounts, own);
}

static guint
depth (const char *path)
{
  guint n = 0;
  for (; *path != '\0'; path++)
    n += *path == '/' && path[1] != '\0' && path[1] != '/';
  return n;
}

/* sort_mounts: parents before what is mounted below them; of two on the same path the later given wins. */
static void
sort_mounts (Make *make)
{
  json_t *sorted = json_array ();
  guint deepest = 0;
  size_t i;
  json_t *item;
  json_array_foreach (make->mounts, i, item)
    deepest = MAX (deepest, depth (json_string_value (json_object_get (item, "destination"))));
  for (guint level = 0; level <= deepest; level++)
    json_array_foreach (make->mounts, i, item)
      {
        const char *destination = json_string_value (json_object_get (item, "destination"));
        gboolean last = TRUE;
        for (size_t k = i + 1; k < json_array_size (make->mounts) && last; k++)
          last = strcmp (destination, json_string_value (json_object_get (json_array_get (make->mounts, k), "destination"))) != 0;
        if (depth (destination) == level && last)
          json_array_append (sorted, item);
      }
  json_decref (make->mounts);
  make->mounts = sorted;
}

/* parse_mounts: what the user asked for, and what containers.conf says besides; of two on one path the user's. */
static GPtrArray *
parse_mounts (const ContainerOptions *options, GError **error)
{
  g_autofree char *cwd = options->cwd != NULL ? g_strdup (options->cwd) : g_get_current_dir ();
  g_autoptr (GPtrArray) mounts
    = spec_mounts_parse ((const char *const *) options->volumes, (const char *const *) options->mounts, (const char *const *) options->tmpfs, cwd, error);
  if (mounts == NULL || !spec_mounts_expand (mounts, error))
    return NULL;
  if (options->default_volumes == NULL && options->default_mounts == NULL)
    return g_steal_pointer (&mounts);
  g_autoptr (GPtrArray) defaults = spec_mounts_parse ((const char *const *) options->default_volumes, (const char *const *) options->default_mounts, NULL, "/", error);
  if (defaults == NULL || !spec_mounts_expand (defaults, error))
    return coracle_prefix (error, "containers.conf"), NULL;
  for (guint i = 0; i < defaults->len; i++)
    if (!has_destination (mounts, ((SpecMount *) defaults->pdata[i])->destination))
      g_ptr_array_add (mounts, g_steal_pointer (&defaults->pdata[i]));
  return g_steal_pointer (&mounts);
}

gboolean
mounts_check (const ContainerOptions *options, GError **error)
{
  g_autoptr (GPtrArray) mounts = parse_mounts (options, error);
  if (mounts == NULL)
    return FALSE;
  for (guint i = 0; i < mounts->len; i++)
    {
      const SpecMount *mount = mounts->pdata[i];
      if (!spec_mount_source_check (mount, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
mounts_given (const ContainerOptions *options, const char *destination)
{
  g_autoptr (GPtrArray) mounts = parse_mounts (options, NULL);
  return mounts != NULL && has_destination (mounts, destination);
}

static gboolean
is_given (const char *destination, void *data)
{
  return has_destination (data, destination);
}

typedef struct {
  const Make *make;
  GPtrArray *given;
} Taken;

/* is_taken: by a mount of the user's, or one of ours. */
static gboolean
is_taken (const char *destination, void *data)
{
  const Taken *taken = data;
  size_t i;
  json_t *item;
  json_array_foreach (taken->make->mounts, i, item)
    if (strcmp (json_string_value (json_object_get (item, "destination")), destination) == 0)
      return TRUE;
  return has_destination (taken->given, destination);
}

/* chroot_files: podman-run(1) --chrootdirs: the files that the engine writes, for those who change their root to a folder of the container. */
static void
chroot_files (Make *make)
{
  static const char *const files[] = { "/etc/hosts", "/etc/resolv.conf" };
  size_t n = json_array_size (make->mounts);
  for (char **folder = make->options->chrootdirs; folder != NULL && *folder != NULL; folder++)
    for (size_t i = 0; i < n; i++)
      for (size_t k = 0; k < G_N_ELEMENTS (files); k++)
        {
          json_t *mount = json_array_get (make->mounts, i);
          if (strcmp (json_string_value (json_object_get (mount, "destination")), files[k]) != 0)
            continue;
          json_t *copy = json_copy (mount);
          g_autofree char *place = g_build_filename ("/", *folder, files[k], NULL);
          json_object_set_new (copy, "destination", json_string (place));
          json_array_append_new (make->mounts, copy);
        }
}

gboolean
mounts_resolve (Make *make, GError **error)
{
  g_autoptr (GPtrArray) given = parse_mounts (make->options, error);
  if (given == NULL)
    return FALSE;
  init_program (make);
  writable_tmpfs (make, given);
  systemd_mounts (make, is_taken, &(Taken){ make, given });
  chroot_files (make);
  if (!devices_elsewhere (make, error) || !image_volumes (make, given, error))
    return FALSE;
  for (guint i = 0; i < given->len; i++)
    if (!resolve_one (make, given->pdata[i], error))
      return FALSE;
  if (!share_mounts (make, is_given, given, error))
    return FALSE;
  drop_containerenv (make);
  sort_mounts (make);
  return TRUE;
}
