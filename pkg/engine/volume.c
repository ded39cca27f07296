#include "pkg/engine/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_stop.h"
#include "pkg/engine/disk_usage.h"
#include "pkg/engine/event.h"
#include "pkg/engine/names.h"
#include "pkg/engine/volume_filter.h"
#include "pkg/engine/volume_mount.h"
#include "pkg/spec/volume.h"

#define LOCK_TRIES 1000   /* of 10 ms */

/* ---- making */

static gboolean
read_labels (Volume *volume, const char *const *labels, GError **error)
{
  for (; labels != NULL && *labels != NULL; labels++)
    {
      g_auto (GStrv) parts = g_strsplit (*labels, "=", 2);
      if (parts[0] == NULL || parts[0][0] == '\0' || json_object_set_new (volume->labels, parts[0], json_string (parts[1] != NULL ? parts[1] : "")) < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "unable to process labels: invalid label format: \"%s\"", *labels);
    }
  return TRUE;
}

/* read_id: "uid=5" of the option o, also under @key as Podman shows it. */
static gboolean
read_id (Volume *volume, const char *key, const char *text, gint64 *ret_id, GError **error)
{
  guint64 id;
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32 - 1, &id, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot convert %s %s to integer: invalid argument", key, text);
  *ret_id = (gint64) id;
  json_object_set_new (volume->options, key, json_string (text));
  return TRUE;
}

/* read_words: the option o: the owner, and whether the image's files are wanted. Anything else is of what is mounted (volume_mount.h). */
static gboolean
read_words (Volume *volume, const char *text, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  for (char **word = words; *word != NULL; word++)
    if (g_str_has_prefix (*word, "uid="))
      {
        if (!read_id (volume, "UID", *word + 4, &volume->uid, error))
          return FALSE;
      }
    else if (g_str_has_prefix (*word, "gid="))
      {
        if (!read_id (volume, "GID", *word + 4, &volume->gid, error))
          return FALSE;
      }
    else if (strcmp (*word, "nocopy") == 0)
      volume->copy = FALSE;
  return TRUE;
}

static gboolean
read_options (Volume *volume, const char *const *options, GError **error)
{
  for (; options != NULL && *options != NULL; options++)
    {
      g_auto (GStrv) parts = g_strsplit (*options, "=", 2);
      const char *key = parts[0] != NULL ? parts[0] : "", *value = parts[0] != NULL && parts[1] != NULL ? parts[1] : "";
      gboolean mount = strcmp (key, "type") == 0 || strcmp (key, "device") == 0;
      if (strcmp (key, "copy") == 0 || strcmp (key, "nocopy") == 0)
        volume->copy = key[0] == 'c';
      else if (!mount && strcmp (key, "o") != 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid mount option %s for driver 'local': invalid argument", key);
      else if (!mount && value[0] != '\0' && !read_words (volume, value, error))
        return FALSE;
      if (json_object_set_new (volume->options, key, json_string (value)) < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid volume option \"%s\"", *options);
    }
  volume->mounts = volume_mount_wanted (volume->options);
  return volume_mount_check (volume->options, error);
}

gboolean
volume_create (Storage *storage, const VolumeCreate *request, char **ret_name, GError **error)
{
  g_autoptr (Volume) volume = g_new0 (Volume, 1);
  *volume = (Volume){ .name = request->name != NULL ? g_strdup (request->name) : container_id_new (), .created = text_time_from_usec (g_get_real_time ()), .labels = json_object (),
                      .options = json_object (), .uid = request->uid, .gid = request->gid, .copy = TRUE };
  if (strcmp (request->driver, "local") != 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "volume %s uses volume plugin %s but it could not be retrieved: no volume plugin with name %s available: required plugin missing",
                          volume->name, request->driver, request->driver);
  if (!spec_volume_name_check (volume->name, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "running volume create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
  if (!read_labels (volume, request->labels, error) || !read_options (volume, request->options, error))
    return FALSE;
  volume->own = volume->uid < 0 && volume->gid < 0;
  g_autoptr (GError) problem = NULL;
  if (!volume_make (storage, volume, &problem) && !(request->ignore && g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_EXISTS)))
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  *ret_name = g_strdup (volume->name);
  return TRUE;
}

/* ---- looking */

gboolean
volume_list (Storage *storage, const char *const *filters, GPtrArray **ret_volumes, GError **error)
{
  g_auto (VolumeFilters) read = { 0 };
  g_autoptr (GPtrArray) names = NULL, volumes = g_ptr_array_new_with_free_func ((GDestroyNotify) volume_free);
  if (!volume_filters_read (storage, filters, &read, error))
    return FALSE;
  names = disk_volume_names (storage);
  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GError) problem = NULL;
      g_autoptr (Volume) volume = volume_read (storage, names->pdata[i], &problem);
      if (volume == NULL && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))   /* gone meanwhile */
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
      if (volume != NULL && volume_filters_fit (storage, &read, volume))
        g_ptr_array_add (volumes, g_steal_pointer (&volume));
    }
  *ret_volumes = g_steal_pointer (&volumes);
  return TRUE;
}

Volume *
volume_find (Storage *storage, const char *name, GError **error)
{
  g_autoptr (GError) problem = NULL;
  Volume *volume = volume_read (storage, name, &problem);
  if (volume != NULL || !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      if (volume == NULL)
        g_propagate_error (error, g_steal_pointer (&problem));
      return volume;
    }
  g_autoptr (GPtrArray) names = disk_volume_names (storage);
  const char *found = NULL;
  for (guint i = 0; i < names->len; i++)
    {
      if (name[0] == '\0' || !g_str_has_prefix (names->pdata[i], name))
        continue;
      if (found != NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "more than one result for volume name \"%s\": volume already exists", name), NULL;
      found = names->pdata[i];
    }
  if (found == NULL)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no volume with name \"%s\" found: no such volume", name), NULL;
  return volume_read (storage, found, error);
}

char *
volume_data (Storage *storage, const Volume *volume)
{
  return g_build_filename (storage->paths->root, "volumes", volume->name, "_data", NULL);
}

json_t *
volume_json (Storage *storage, const Volume *volume, gboolean whole)
{
  g_autofree char *data = volume_data (storage, volume), *created = text_time_rfc3339 (volume->created, TRUE);
  json_t *object = json_pack ("{s:s, s:s, s:s, s:s, s:O, s:s, s:O}", "Name", volume->name, "Driver", "local", "Mountpoint", data, "CreatedAt", created, "Labels", volume->labels, "Scope", "local",
                              "Options", volume->options);
  if (whole)
    json_object_set_new (object, "Status", json_object ());
  if (whole || volume->uid > 0)
    json_object_set_new (object, "UID", json_integer (MAX (volume->uid, 0)));
  if (whole || volume->gid > 0)
    json_object_set_new (object, "GID", json_integer (MAX (volume->gid, 0)));
  if (whole || volume->anonymous)
    json_object_set_new (object, "Anonymous", json_boolean (volume->anonymous));
  json_object_set_new (object, "MountCount", json_integer (0));
  if (whole || volume->copy)
    json_object_set_new (object, "NeedsCopyUp", json_boolean (volume->copy));
  if (whole || volume->own)
    json_object_set_new (object, "NeedsChown", json_boolean (volume->own));
  return object;
}

/* ---- removing */

int
volume_lock (Storage *storage, GError **error)
{
  cleanup_fd int lock = openat (storage->root_fd, "store.lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int errsv = errno;
  for (int tries = 0; lock >= 0; tries++)
    {
      if (flock (lock, LOCK_EX | LOCK_NB) == 0)
        return fd_steal (&lock);
      errsv = errno;
      if (errsv != EWOULDBLOCK || tries == LOCK_TRIES)
        break;
      g_usleep (10000);
    }
  if (errsv == EWOULDBLOCK)
    coracle_throw (error, CORACLE_ERROR_IN_USE, "removing volumes: images are being made or containers started; try again when that is done");
  else
    coracle_throw_errno (error, errsv, "locking the store");
  return -1;
}


/* users: the ids of the containers that have it: of char*. */
static GPtrArray *
users (Storage *storage, const char *name, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list (storage->state, &rows, error))
    return NULL;
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < rows->len; i++)
    if (disk_container_has_volume (rows->pdata[i], name))
      g_ptr_array_add (ids, g_strdup (((const StateContainer *) rows->pdata[i])->id));
  return ids;
}

/* remove_users: the containers that have it, running or not. */
static gboolean
remove_users (Storage *storage, const char *name, gint64 timeout, GError **error)
{
  g_autoptr (GPtrArray) ids = users (storage, name, error);
  if (ids == NULL)
    return FALSE;
  g_autofree ContainerRemove *items = g_new0 (ContainerRemove, ids->len + 1);
  for (guint i = 0; i < ids->len; i++)
    items[i].id = ids->pdata[i];
  if (ids->len > 0 && !container_remove_all (storage, items, ids->len, TRUE, timeout, FALSE, error))
    return FALSE;
  gboolean ok = TRUE;
  for (guint i = 0; i < ids->len; i++)
    {
      GError *problem = items[i].error;
      if (problem == NULL || !ok || g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        {
          g_clear_error (&problem);
          continue;
        }
      ok = FALSE;
      g_propagate_prefixed_error (error, problem, "removing container %s: ", (const char *) ids->pdata[i]);
    }
  return ok;
}

gboolean
volume_delete (Storage *storage, const char *name, gboolean force, gint64 timeout, GError **error)
{
  g_autoptr (Volume) volume = volume_find (storage, name, error);
  if (volume == NULL || (force && !remove_users (storage, volume->name, timeout, error)))
    return FALSE;
  cleanup_fd int lock = volume_lock (storage, error);
  g_autoptr (GPtrArray) ids = lock >= 0 ? users (storage, volume->name, error) : NULL;
  if (ids == NULL)
    return FALSE;
  if (ids->len > 0)
    {
      g_ptr_array_add (ids, NULL);
      g_autofree char *list = g_strjoinv (", ", (char **) ids->pdata);
      return coracle_throw (error, CORACLE_ERROR_IN_USE, "volume %s is being used by the following container(s): %s: volume is being used", volume->name, list);
    }
  return volume_remove (storage, volume->name, error);
}

gboolean
volume_prunable (Storage *storage, const char *const *filters, GPtrArray **ret_volumes, GError **error)
{
  g_autoptr (GPtrArray) volumes = NULL;
  g_autoptr (GHashTable) links = volume_list (storage, filters, &volumes, error) ? disk_volume_links (storage, error) : NULL;
  if (links == NULL)
    return FALSE;
  for (guint i = volumes->len; i-- > 0;)
    if (g_hash_table_contains (links, ((const Volume *) volumes->pdata[i])->name))
      g_ptr_array_remove_index (volumes, i);
  *ret_volumes = g_steal_pointer (&volumes);
  return TRUE;
}

gboolean
volume_prune (Storage *storage, const char *const *filters, GPtrArray **ret_names, GPtrArray **ret_errors, GError **error)
{
  cleanup_fd int lock = volume_lock (storage, error);
  g_autoptr (GPtrArray) volumes = NULL, names = g_ptr_array_new_with_free_func (g_free), errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  if (lock < 0 || !volume_prunable (storage, filters, &volumes, error))
    return FALSE;
  for (guint i = 0; i < volumes->len; i++)
    {
      const char *name = ((const Volume *) volumes->pdata[i])->name;
      GError *problem = NULL;
      if (!volume_remove (storage, name, &problem))
        {
          g_ptr_array_add (errors, problem);
          continue;
        }
      event_volume (storage, "prune", name);
      g_ptr_array_add (names, g_strdup (name));
    }
  *ret_names = g_steal_pointer (&names);
  *ret_errors = g_steal_pointer (&errors);
  return TRUE;
}
