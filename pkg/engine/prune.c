#include "pkg/engine/prune.h"

#include <string.h>

#include "pkg/engine/container_prune.h"
#include "pkg/engine/disk_usage.h"
#include "pkg/engine/volume.h"
#include "storage/layer.h"

void
prune_result_free (PruneResult *result)
{
  if (result == NULL)
    return;
  g_ptr_array_unref (result->containers);
  g_ptr_array_unref (result->volumes);
  g_ptr_array_unref (result->images);
  g_ptr_array_unref (result->errors);
  g_free (result);
}

static PruneResult *
result_new (void)
{
  PruneResult *result = g_new0 (PruneResult, 1);
  result->containers = g_ptr_array_new_with_free_func (g_free);
  result->volumes = g_ptr_array_new_with_free_func (g_free);
  result->images = g_ptr_array_new_with_free_func (g_free);
  result->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  return result;
}

static gboolean
has_key (const char *filter, const char *key)
{
  return g_str_has_prefix (filter, key) && filter[strlen (key)] == '=';
}

/* ---- containers */

/* idle_sizes: what the containers that do not run have written: id → bytes. */
static GHashTable *
idle_sizes (Storage *storage, GError **error)
{
  g_autoptr (GPtrArray) views = NULL;
  if (!container_list (storage, &views, error))
    return NULL;
  GHashTable *sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; i < views->len; i++)
    {
      const ContainerView *view = views->pdata[i];
      gint64 size, root;
      if (!view->alive && container_size (storage, view->row, &size, &root, NULL))
        g_hash_table_insert (sizes, g_strdup (view->row->id), g_memdup2 (&size, sizeof size));
    }
  return sizes;
}

static gboolean
prune_containers (Storage *storage, const PruneRequest *request, PruneResult *result, GError **error)
{
  g_autoptr (GHashTable) sizes = idle_sizes (storage, error);
  g_autoptr (GPtrArray) pruned = NULL;
  static const char *const none[] = { NULL };
  if (sizes == NULL || !container_prune (storage, request->filters != NULL ? request->filters : none, &pruned, error))
    return FALSE;
  for (guint i = 0; i < pruned->len; i++)
    {
      const ContainerPruned *one = pruned->pdata[i];
      const gint64 *size = g_hash_table_lookup (sizes, one->id);
      if (one->error != NULL)
        {
          g_ptr_array_add (result->errors, g_error_copy (one->error));
          continue;
        }
      g_ptr_array_add (result->containers, g_strdup (one->id));
      result->freed += size != NULL ? *size : 0;
    }
  return TRUE;
}

/* ---- volumes */

/* prune_volumes: of the filters those about labels; the others are about something else. */
static gboolean
prune_volumes (Storage *storage, const PruneRequest *request, PruneResult *result, GError **error)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new (), chosen = NULL, names = NULL, errors = NULL;
  g_autoptr (GHashTable) sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (const char *const *filter = request->filters; filter != NULL && *filter != NULL; filter++)
    if (has_key (*filter, "label") || has_key (*filter, "label!"))
      g_ptr_array_add (labels, (char *) (guintptr) *filter);
  g_ptr_array_add (labels, NULL);
  if (!volume_prunable (storage, (const char *const *) labels->pdata, &chosen, error))
    return FALSE;
  for (guint i = 0; i < chosen->len; i++)
    {
      const char *name = ((const Volume *) chosen->pdata[i])->name;
      g_autofree char *path = g_build_filename (storage->paths->root, "volumes", name, NULL);
      gint64 size = 0;
      (void) disk_tree_size (path, &size, NULL);
      g_hash_table_insert (sizes, g_strdup (name), g_memdup2 (&size, sizeof size));
    }
  if (!volume_prune (storage, (const char *const *) labels->pdata, &names, &errors, error))
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    {
      const gint64 *size = g_hash_table_lookup (sizes, names->pdata[i]);
      g_ptr_array_add (result->volumes, g_strdup (names->pdata[i]));
      result->freed += size != NULL ? *size : 0;
    }
  for (guint i = 0; i < errors->len; i++)
    g_ptr_array_add (result->errors, g_error_copy (errors->pdata[i]));
  return TRUE;
}

/* ---- images */

/* layers_size: of all images together. */
static gint64
layers_size (Storage *storage)
{
  g_autoptr (GPtrArray) images = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  gint64 size = 0;
  if (!state_image_list (storage->state, &images, NULL))
    return 0;
  for (guint i = 0; i < images->len; i++)
    for (char **id = ((StateImage *) images->pdata[i])->layers; *id != NULL; id++)
      {
        g_autoptr (StateLayer) layer = g_hash_table_add (seen, *id) ? layer_find (storage, *id) : NULL;
        size += layer != NULL ? layer->size : 0;
      }
  return size;
}

/* take_result: of its lines those that name what is gone. */
static void
take_result (ImageRemoveResult *removed, PruneResult *result)
{
  static const char deleted[] = "Deleted: ";
  for (guint i = 0; i < removed->lines->len; i++)
    if (g_str_has_prefix (removed->lines->pdata[i], deleted))
      g_ptr_array_add (result->images, g_strdup ((const char *) removed->lines->pdata[i] + strlen (deleted)));
  for (guint i = 0; i < removed->errors->len; i++)
    g_ptr_array_add (result->errors, g_error_copy (removed->errors->pdata[i]));
}

/* prune_pass: those that are unused now; *@ret_any: there were some. */
static gboolean
prune_pass (Storage *storage, const PruneRequest *request, PruneResult *result, gboolean *ret_any, GError **error)
{
  const ImageListRequest listing = { .filters = request->filters, .all = request->all_images };
  g_autoptr (ImageList) list = image_list (storage, &listing, error);
  if (list == NULL)
    return FALSE;
  /* who asks for images that have a name gets them */
  gboolean any_name = request->filters != NULL && g_strv_contains (request->filters, "dangling=false");
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  for (guint i = 0; i < list->rows->len; i++)
    {
      const ImageRow *row = list->rows->pdata[i];
      gboolean dangling = row->image->names[0] == NULL && !row->image->pinned;
      if (row->containers == 0 && !row->image->read_only && (dangling || request->all_images || any_name) && !g_ptr_array_find_with_equal_func (ids, row->image->id, g_str_equal, NULL))
        g_ptr_array_add (ids, row->image->id);
    }
  *ret_any = ids->len > 0;
  if (ids->len == 0)
    return TRUE;
  g_ptr_array_add (ids, NULL);
  const ImageRemoveRequest removing = { .unused = (const char *const *) ids->pdata };
  g_autoptr (ImageRemoveResult) removed = image_remove (storage, &removing, error);
  if (removed == NULL)
    return FALSE;
  take_result (removed, result);
  *ret_any = removed->errors->len == 0;
  return TRUE;
}

/* prune_images: with the last child of an image without name that itself becomes one that nothing needs. */
static gboolean
prune_images (Storage *storage, const PruneRequest *request, PruneResult *result, GError **error)
{
  gint64 before = layers_size (storage);
  gboolean any = TRUE;
  while (any)
    if (!prune_pass (storage, request, result, &any, error))
      return FALSE;
  result->freed += before - layers_size (storage);
  return TRUE;
}

PruneResult *
prune (Storage *storage, const PruneRequest *request, GError **error)
{
  g_autoptr (PruneResult) result = result_new ();
  if ((request->containers && !prune_containers (storage, request, result, error))
      || (request->volumes && !prune_volumes (storage, request, result, error)) || (request->images && !prune_images (storage, request, result, error)))
    return NULL;
  return g_steal_pointer (&result);
}
