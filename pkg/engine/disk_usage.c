#include "pkg/engine/disk_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "storage/layer.h"

static void
disk_container_free (DiskContainer *container)
{
  container_view_free (container->view);
  g_free (container);
}

static void
disk_volume_free (DiskVolume *volume)
{
  g_free (volume->name);
  g_free (volume);
}

void
disk_usage_free (DiskUsage *usage)
{
  if (usage == NULL)
    return;
  g_clear_pointer (&usage->image_rows, g_ptr_array_unref);
  g_clear_pointer (&usage->container_rows, g_ptr_array_unref);
  g_clear_pointer (&usage->volume_rows, g_ptr_array_unref);
  image_list_free (usage->list);
  g_free (usage);
}

/* ---- images */

/* What is known of one layer. */
typedef struct {
  gint64 size;
  gint64 images;      /* how many have it */
  gboolean active;    /* one of them has a container */
} Layer;

static gboolean
seen (GHashTable *set, const StateImage *image)
{
  return !g_hash_table_add (set, image->id);
}

static void
note_layers (Storage *storage, GHashTable *layers, const ImageRow *row)
{
  for (char **id = row->image->layers; *id != NULL; id++)
    {
      Layer *layer = g_hash_table_lookup (layers, *id);
      if (layer == NULL)
        {
          g_autoptr (StateLayer) found = layer_find (storage, *id);
          layer = g_new0 (Layer, 1);
          layer->size = found != NULL ? found->size : 0;
          g_hash_table_insert (layers, *id, layer);
        }
      layer->images++;
      layer->active = layer->active || row->containers > 0;
    }
}

static void
add_image (DiskUsage *usage, GHashTable *layers, const ImageRow *row)
{
  DiskImage *image = g_new0 (DiskImage, 1);
  image->row = row;
  image->size = row->image->size;
  for (char **id = row->image->layers; *id != NULL; id++)
    {
      const Layer *layer = g_hash_table_lookup (layers, *id);
      image->shared += layer->images > 1 ? layer->size : 0;
      image->unique += layer->images > 1 ? 0 : layer->size;
    }
  g_ptr_array_add (usage->image_rows, image);
}

static gboolean
count_images (Storage *storage, DiskUsage *usage, GError **error)
{
  const ImageListRequest request = { .sort = "created" };
  usage->list = image_list (storage, &request, error);
  if (usage->list == NULL)
    return FALSE;
  g_autoptr (GHashTable) layers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free), images = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < usage->list->rows->len; i++)
    {
      const ImageRow *row = usage->list->rows->pdata[i];
      if (seen (images, row->image))
        continue;
      note_layers (storage, layers, row);
      usage->images.total++;
      usage->images.active += row->containers > 0;
    }
  for (guint i = 0; i < usage->list->rows->len; i++)
    add_image (usage, layers, usage->list->rows->pdata[i]);
  GHashTableIter iter;
  void *value;
  g_hash_table_iter_init (&iter, layers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Layer *layer = value;
      usage->images.size += layer->size;
      usage->images.reclaimable += layer->active ? 0 : layer->size;
    }
  return TRUE;
}

/* ---- containers and their volumes */

/* note_volumes: count every volume that @row mounts, anonymous or not, in @links, which may be NULL. Returns how many. */
static gint64
note_volumes (const StateContainer *row, GHashTable *links)
{
  json_t *mounts = json_object_get (row->config, "mounts"), *anonymous = json_object_get (row->config, "volumes"), *item;
  g_autoptr (GHashTable) own = g_hash_table_new (g_str_hash, g_str_equal);
  size_t i;
  json_array_foreach (mounts, i, item)
    {
      const char *name = json_string_value (json_object_get (item, "name"));
      if (name != NULL)   /* of no other kind, and of one under an overlay too */
        g_hash_table_add (own, (char *) (guintptr) name);
    }
  json_array_foreach (anonymous, i, item)
    if (json_is_string (item))
      g_hash_table_add (own, (char *) (guintptr) json_string_value (item));
  GHashTableIter iter;
  void *name;
  g_hash_table_iter_init (&iter, own);
  while (links != NULL && g_hash_table_iter_next (&iter, &name, NULL))
    g_hash_table_insert (links, g_strdup (name), GINT_TO_POINTER (GPOINTER_TO_INT (g_hash_table_lookup (links, name)) + 1));
  return g_hash_table_size (own);
}

gboolean
disk_container_has_volume (const StateContainer *row, const char *name)
{
  g_autoptr (GHashTable) links = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return note_volumes (row, links) > 0 && g_hash_table_contains (links, name);
}

GHashTable *
disk_volume_links (Storage *storage, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list (storage->state, &rows, error))
    return NULL;
  GHashTable *links = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < rows->len; i++)
    (void) note_volumes (rows->pdata[i], links);
  return links;
}

static gboolean
is_active (const ContainerView *view)
{
  return strcmp (view->status, "running") == 0 || strcmp (view->status, "paused") == 0;
}

static gboolean
count_containers (Storage *storage, DiskUsage *usage, GError **error)
{
  g_autoptr (GPtrArray) views = NULL;
  if (!container_list (storage, &views, error))
    return FALSE;
  g_ptr_array_set_free_func (views, NULL);
  gboolean ok = TRUE;
  for (guint i = 0; i < views->len; i++)
    {
      ContainerView *view = views->pdata[i];
      DiskContainer *container = g_new0 (DiskContainer, 1);
      gint64 root;
      container->view = view;
      g_ptr_array_add (usage->container_rows, container);
      ok = ok && container_size (storage, view->row, &container->size, &root, error);
      container->volumes = note_volumes (view->row, NULL);
      usage->containers.total++;
      usage->containers.active += is_active (view);
      usage->containers.size += container->size;
      usage->containers.reclaimable += is_active (view) ? 0 : container->size;
    }
  return ok;
}

/* ---- volumes */

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
disk_volume_names (Storage *storage)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  int fd = openat (storage->root_fd, "volumes", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    {
      fd_close (fd);
      return names;
    }
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    if (entry->d_name[0] != '.')   /* ".", ".." and what is unfinished */
      g_ptr_array_add (names, g_strdup (entry->d_name));
  (void) closedir (dir);
  g_ptr_array_sort (names, compare_names);
  return names;
}

static gboolean
count_volumes (Storage *storage, DiskUsage *usage, GError **error)
{
  g_autoptr (GHashTable) links = disk_volume_links (storage, error);
  if (links == NULL)
    return FALSE;
  g_autoptr (GPtrArray) names = disk_volume_names (storage);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (storage->paths->root, "volumes", names->pdata[i], NULL);
      gint64 size, used = GPOINTER_TO_INT (g_hash_table_lookup (links, names->pdata[i]));
      /* one that went away meanwhile is none */
      if (!disk_tree_size (path, &size, NULL))
        continue;
      DiskVolume *volume = g_new0 (DiskVolume, 1);
      *volume = (DiskVolume){ .name = g_strdup (names->pdata[i]), .size = size, .links = used };
      g_ptr_array_add (usage->volume_rows, volume);
      usage->volumes.total++;
      usage->volumes.active += used > 0;
      usage->volumes.size += size;
      usage->volumes.reclaimable += used > 0 ? 0 : size;
    }
  return TRUE;
}

DiskUsage *
disk_usage (Storage *storage, GError **error)
{
  g_autoptr (DiskUsage) usage = g_new0 (DiskUsage, 1);
  usage->image_rows = g_ptr_array_new_with_free_func (g_free);
  usage->container_rows = g_ptr_array_new_with_free_func ((GDestroyNotify) disk_container_free);
  usage->volume_rows = g_ptr_array_new_with_free_func ((GDestroyNotify) disk_volume_free);
  if (!count_images (storage, usage, error) || !count_containers (storage, usage, error) || !count_volumes (storage, usage, error))
    return NULL;
  return g_steal_pointer (&usage);
}
