/* image_find and image_list of image.h. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/image.h"
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

static void
image_row_free (ImageRow *row)
{
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

/* One filter, ready to be asked about rows. */
typedef struct {
  char *key;         /* "label!" keeps its mark */
  char *value;
  gboolean flag;     /* of a boolean filter */
  gint64 seconds;    /* of a time */
} Filter;

static void
filter_free (Filter *filter)
{
  g_free (filter->key);
  g_free (filter->value);
  g_free (filter);
}

static gboolean
parse_flag (Filter *filter, GError **error)
{
  static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", NULL }, *const no[] = { "0", "f", "F", "false", "FALSE", "False", NULL };
  filter->flag = g_strv_contains (yes, filter->value);
  return filter->flag || g_strv_contains (no, filter->value)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "non-boolean value \"%s\" for %s filter: strconv.ParseBool: parsing \"%s\": invalid syntax", filter->value, filter->key,
                           filter->value);
}

static gboolean
parse_until (Filter *filter, GError **error)
{
  struct timespec now, when;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  if (!text_time_parse (filter->value, now, &when, error))
    return coracle_prefix (error, "until filter");
  filter->seconds = when.tv_sec;
  return TRUE;
}

static gboolean
parse_image (State *state, Filter *filter, GError **error)
{
  g_autoptr (StateImage) image = image_find (state, filter->value, error);
  if (image == NULL)
    return coracle_prefix (error, "%s filter", filter->key);
  filter->seconds = image->created;
  return TRUE;
}

static gboolean
parse_containers (Filter *filter, GError **error)
{
  return strcmp (filter->value, "external") == 0 || parse_flag (filter, error);
}

typedef enum { FILTER_TEXT, FILTER_FLAG, FILTER_UNTIL, FILTER_IMAGE, FILTER_CONTAINERS } FilterKind;

static const struct { const char *key; FilterKind kind; } filter_kinds[] = {
  { "after", FILTER_IMAGE }, { "before", FILTER_IMAGE }, { "containers", FILTER_CONTAINERS }, { "dangling", FILTER_FLAG }, { "digest", FILTER_TEXT },
  { "id", FILTER_TEXT }, { "intermediate", FILTER_FLAG }, { "label", FILTER_TEXT }, { "label!", FILTER_TEXT }, { "manifest", FILTER_FLAG },
  { "readonly", FILTER_FLAG }, { "reference", FILTER_TEXT }, { "since", FILTER_IMAGE }, { "until", FILTER_UNTIL },
};

static Filter *
filter_parse (State *state, const char *text, GError **error)
{
  const char *equals = strchr (text, '=');
  if (equals == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid image filter \"%s\": must be in the format \"filter=value or filter!=value\"", text), NULL;
  Filter *filter = g_new0 (Filter, 1);
  filter->key = g_strndup (text, (size_t) (equals - text));
  filter->value = g_strdup (equals + 1);
  gboolean known = FALSE, ok = FALSE;
  for (size_t i = 0; i < G_N_ELEMENTS (filter_kinds) && !known; i++)
    if (strcmp (filter_kinds[i].key, filter->key) == 0)
      {
        known = TRUE;
        FilterKind kind = filter_kinds[i].kind;
        ok = kind == FILTER_FLAG         ? parse_flag (filter, error)
             : kind == FILTER_UNTIL      ? parse_until (filter, error)
             : kind == FILTER_IMAGE      ? parse_image (state, filter, error)
             : kind == FILTER_CONTAINERS ? parse_containers (filter, error)
                                         : TRUE;
      }
  if (!known)
    coracle_throw (error, CORACLE_ERROR_INVALID, "unsupported image filter \"%s\"", filter->key);
  if (ok)
    return filter;
  filter_free (filter);
  return NULL;
}

static gboolean
label_matches (const ImageRow *row, const char *wanted)
{
  json_t *labels = image_labels (row->image);
  const char *equals = strchr (wanted, '=');
  g_autofree char *key = equals != NULL ? g_strndup (wanted, (size_t) (equals - wanted)) : g_strdup (wanted);
  const char *value = json_string_value (json_object_get (labels, key));
  gboolean fits = value != NULL && (equals == NULL || strcmp (value, equals + 1) == 0);
  json_decref (labels);
  return fits;
}

static gboolean
id_matches (const char *wanted, const char *id)
{
  if (g_str_has_prefix (wanted, "sha256:"))
    wanted += strlen ("sha256:");
  return *wanted != '\0' && g_str_has_prefix (id, wanted);
}

static gboolean
filter_fits (const Filter *filter, const ImageRow *row)
{
  const char *key = filter->key;
  if (strcmp (key, "dangling") == 0)
    return filter->flag == (row->name == NULL);
  if (strcmp (key, "intermediate") == 0 || strcmp (key, "manifest") == 0 || strcmp (key, "readonly") == 0)
    return !filter->flag;   /* there are no such images here */
  if (strcmp (key, "containers") == 0)
    return strcmp (filter->value, "external") == 0 ? FALSE : filter->flag == (row->containers > 0);
  if (strcmp (key, "id") == 0)
    return id_matches (filter->value, row->image->id);
  if (strcmp (key, "digest") == 0)
    return row->image->manifest_digest != NULL && g_str_has_prefix (row->image->manifest_digest, filter->value);
  if (strcmp (key, "label") == 0)
    return label_matches (row, filter->value);
  if (strcmp (key, "label!") == 0)
    return !label_matches (row, filter->value);
  if (strcmp (key, "reference") == 0)
    return row->name != NULL && image_name_matches (filter->value, row->name);
  if (strcmp (key, "before") == 0)
    return row->image->created < filter->seconds;
  if (strcmp (key, "until") == 0)
    return row->image->created <= filter->seconds;
  return row->image->created > filter->seconds;   /* after, since */
}

/* filters_fit: every key must fit; of several values of one key one is enough, but labels must all. */
static gboolean
filters_fit (GPtrArray *filters, const ImageRow *row)
{
  for (guint i = 0; i < filters->len; i++)
    {
      const Filter *filter = filters->pdata[i];
      gboolean fits = filter_fits (filter, row);
      for (guint j = 0; !fits && j < filters->len && !g_str_has_prefix (filter->key, "label"); j++)
        {
          const Filter *other = filters->pdata[j];
          fits = strcmp (other->key, filter->key) == 0 && filter_fits (other, row);
        }
      if (!fits)
        return FALSE;
    }
  return TRUE;
}

static gboolean
name_fits (const char *wanted, const ImageRow *row)
{
  return wanted == NULL || (row->name != NULL && image_name_matches (wanted, row->name)) || id_matches (wanted, row->image->id);
}

static int
compare_rows (const ImageRow *a, const ImageRow *b, const char *sort)
{
  int order = 0;
  if (strcmp (sort, "id") == 0)
    order = strcmp (a->image->id, b->image->id);
  else if (strcmp (sort, "repository") == 0)
    order = strcmp (a->repository, b->repository);
  else if (strcmp (sort, "size") == 0)
    order = a->image->size < b->image->size ? -1 : a->image->size > b->image->size;
  else if (strcmp (sort, "tag") == 0)
    return strcmp (a->tag, b->tag);
  else
    return a->image->created > b->image->created ? -1 : a->image->created < b->image->created;
  return order != 0 ? order : strcmp (a->tag, b->tag);
}

static int
compare_pointers (const void *a, const void *b, void *sort)
{
  return compare_rows (*(ImageRow *const *) a, *(ImageRow *const *) b, sort);
}

static void
add_row (ImageList *list, const StateImage *image, const char *name, gint64 containers, const char *wanted, GPtrArray *filters)
{
  ImageRow *row = g_new0 (ImageRow, 1);
  row->image = image;
  row->name = name;
  row->containers = containers;
  if (name != NULL)
    image_name_split (name, &row->repository, &row->tag);
  else
    {
      row->repository = g_strdup ("<none>");
      row->tag = g_strdup ("<none>");
    }
  if (name_fits (wanted, row) && filters_fit (filters, row))
    g_ptr_array_add (list->rows, row);
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
      if (container->image_id != NULL)
        g_hash_table_insert (counts, g_strdup (container->image_id), GINT_TO_POINTER (GPOINTER_TO_INT (g_hash_table_lookup (counts, container->image_id)) + 1));
    }
  return counts;
}

ImageList *
image_list (Storage *storage, const ImageListRequest *request, GError **error)
{
  g_autoptr (GPtrArray) filters = g_ptr_array_new_with_free_func ((GDestroyNotify) filter_free);
  for (const char *const *text = request->filters; text != NULL && *text != NULL; text++)
    {
      Filter *filter = filter_parse (storage->state, *text, error);
      if (filter == NULL)
        return NULL;
      g_ptr_array_add (filters, filter);
    }
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
      for (char **name = image->names; *name != NULL; name++)
        add_row (list, image, *name, containers, request->name, filters);
      if (image->names[0] == NULL)
        add_row (list, image, NULL, containers, request->name, filters);
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
  json_t *names = json_strv ((const char *const *) image->names);
  json_t *object = json_pack ("{s:s, s:s, s:n, s:o, s:I, s:i, s:I, s:o, s:I, s:s, s:s, s:O, s:b, s:s, s:o, s:b, s:I, s:s}", "Id", image->id, "ParentId", "", "RepoTags",
                              "RepoDigests", image_repo_digests (image), "Size", (json_int_t) image->size, "SharedSize", 0, "VirtualSize",
                              (json_int_t) image->size, "Labels", image_labels (image), "Containers", (json_int_t) row->containers, "Arch",
                              image->architecture != NULL ? image->architecture : "", "Digest", image->manifest_digest != NULL ? image->manifest_digest : "", "History", names,
                              "IsManifestList", 0, "Os", image->os != NULL ? image->os : "", "Names", names, "Dangling", row->name == NULL, "Created",
                              (json_int_t) image->created, "CreatedAt", when);
  return object;
}
