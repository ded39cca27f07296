/* image_find and image_list of image.h. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_staged.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_filter.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/image/name.h"
#include "pkg/json/json.h"

StateImage *
image_find (State *state, const char *text, GError **error)
{
  return image_lookup (state, text, NULL, NULL, error);
}

json_t *
image_labels (const StateImage *image)
{
  json_t *config = image->config != NULL ? json_loads (image->config, 0, NULL) : NULL;
  json_t *labels = json_lookup (config, "config.Labels");
  json_t *copy = json_is_object (labels) ? json_copy (labels) : json_object ();
  json_decref (config);
  return copy;
}

json_t *
image_repo_digests (const StateImage *image)
{
  json_t *digests = json_strv ((const char *const *) image->digests);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (char **digest = image->digests; *digest != NULL; digest++)
    g_hash_table_add (seen, g_strdup (*digest));
  for (char **name = image->names; *name != NULL && image->manifest_digest != NULL; name++)
    {
      g_autofree char *repository = NULL, *tag = NULL;
      image_name_split (*name, &repository, &tag);
      char *digest = g_strconcat (repository, "@", image->manifest_digest, NULL);
      if (g_hash_table_add (seen, digest))
        (void) json_array_append_new (digests, json_string (digest));
    }
  return digests;
}

char **
image_names_ever (State *state, const StateImage *image)
{
  g_auto (GStrv) former = image->read_only ? NULL : state_image_former (state, image->id);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_strv_builder_addv (builder, (const char **) (image->pinned ? image->digests : image->names));
  if (former != NULL)
    g_strv_builder_addv (builder, (const char **) former);
  return g_strv_builder_end (builder);
}

static void
image_row_free (ImageRow *row)
{
  g_strfreev (row->history);
  g_free (row->repository);
  g_free (row->tag);
  g_free (row);
}

void
image_list_free (ImageList *list)
{
  if (list == NULL)
    return;
  if (list->rows != NULL)
    g_ptr_array_unref (list->rows);
  if (list->images != NULL)
    g_ptr_array_unref (list->images);
  g_free (list);
}

static gboolean
name_fits (const char *wanted, const ImageRow *row)
{
  return wanted == NULL || image_filter_reference (wanted, row->image) || image_filter_id (wanted, row->image->id);
}

static int
compare_rows (const ImageRow *a, const ImageRow *b, const char *sort)
{
  if (strcmp (sort, "id") == 0)
    return strcmp (a->image->id, b->image->id);
  if (strcmp (sort, "repository") == 0)
    return strcmp (a->repository, b->repository) != 0 ? strcmp (a->repository, b->repository) : strcmp (a->tag, b->tag);
  if (strcmp (sort, "size") == 0)
    return a->image->size < b->image->size ? -1 : a->image->size > b->image->size;
  if (strcmp (sort, "tag") == 0)
    return strcmp (a->tag, b->tag);
  return a->image->created > b->image->created ? -1 : a->image->created < b->image->created;
}

static int
compare_pointers (const void *a, const void *b, void *sort)
{
  return compare_rows (*(ImageRow *const *) a, *(ImageRow *const *) b, sort);
}

static void
add_row (ImageList *list, State *state, const StateImage *image, const char *name, gint64 containers, const ImageListRequest *request, const GPtrArray *filters)
{
  ImageRow *row = g_new0 (ImageRow, 1);
  row->image = image;
  row->name = name;
  row->containers = containers;
  row->intermediate = name == NULL && image_has_children (image, list->images);
  if (name != NULL)
    image_name_split (name, &row->repository, &row->tag);
  else
    {
      row->repository = g_strdup ("<none>");
      row->tag = g_strdup ("<none>");
    }
  gboolean hidden = row->intermediate && !request->all && !image_filters_have (filters, "intermediate");
  if (!hidden && name_fits (request->name, row) && image_filters_fit (filters, row))
    {
      row->history = image_names_ever (state, image);
      g_ptr_array_add (list->rows, row);
    }
  else
    image_row_free (row);
}

/* count_containers: image id → number of rows, as pointer. */
static GHashTable *
count_containers (State *state, GError **error)
{
  g_autoptr (GPtrArray) containers = NULL;
  if (!state_container_list (state, &containers, error))
    return NULL;
  GHashTable *counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < containers->len; i++)
    {
      const StateContainer *container = containers->pdata[i];
      g_autoptr (GPtrArray) used = container_images (container);
      for (guint k = 0; k < used->len; k++)
        g_hash_table_insert (counts, g_strdup (used->pdata[k]), GINT_TO_POINTER (GPOINTER_TO_INT (g_hash_table_lookup (counts, used->pdata[k])) + 1));
    }
  return counts;
}

ImageList *
image_list (Storage *storage, const ImageListRequest *request, GError **error)
{
  g_autoptr (GPtrArray) filters = image_filters_parse (storage->state, request->filters, error);
  if (filters == NULL)
    return NULL;
  g_autoptr (ImageList) list = g_new0 (ImageList, 1);
  list->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) image_row_free);
  if (!state_image_list (storage->state, &list->images, error))
    return NULL;
  g_autoptr (GHashTable) counts = count_containers (storage->state, error);
  if (counts == NULL)
    return NULL;
  for (guint i = 0; i < list->images->len; i++)
    {
      const StateImage *image = list->images->pdata[i];
      gint64 containers = GPOINTER_TO_INT (g_hash_table_lookup (counts, image->id));
      for (guint n = g_strv_length (image->names); n-- > 0;)
        add_row (list, storage->state, image, image->names[n], containers, request, filters);
      for (guint n = image->pinned ? g_strv_length (image->digests) : 0; n-- > 0;)
        add_row (list, storage->state, image, image->digests[n], containers, request, filters);
      if (image->names[0] == NULL && !image->pinned)
        add_row (list, storage->state, image, NULL, containers, request, filters);
    }
  /* stable: what is equal stays newest first */
  g_ptr_array_sort_with_data (list->rows, compare_pointers, (void *) (request->sort != NULL ? request->sort : "created"));
  return g_steal_pointer (&list);
}

json_t *
image_row_json (const ImageRow *row)
{
  const StateImage *image = row->image;
  struct timespec created = { .tv_sec = image->created };
  g_autofree char *when = text_time_rfc3339 (created, FALSE);
  json_t *names = image->pinned ? json_strv ((const char *const *) image->digests) : image_names_json (image);
  json_t *labels = image_labels (image);
  json_t *object = json_pack ("{s:s, s:s, s:n, s:o, s:I, s:i, s:I, s:o, s:I}", "Id", image->id, "ParentId", "", "RepoTags", "RepoDigests", image_repo_digests (image), "Size",
                              (json_int_t) image->size, "SharedSize", 0, "VirtualSize", (json_int_t) image->size, "Labels", json_object_size (labels) > 0 ? json_incref (labels) : json_null (), "Containers", (json_int_t) row->containers);
  json_decref (labels);
  if (image->list)
    (void) json_object_set_new (object, "IsManifestList", json_true ());
  if (image->read_only)
    (void) json_object_set_new (object, "ReadOnly", json_true ());
  if (row->name == NULL && !row->intermediate)
    (void) json_object_set_new (object, "Dangling", json_true ());
  (void) json_object_set_new (object, "Digest", json_string (image->manifest_digest != NULL ? image->manifest_digest : ""));
  (void) json_object_set_new (object, "History", json_strv ((const char *const *) row->history));
  (void) json_object_set_new (object, "Names", names);
  (void) json_object_set_new (object, "Created", json_integer (image->created));
  (void) json_object_set_new (object, "CreatedAt", json_string (when));
  return object;
}
