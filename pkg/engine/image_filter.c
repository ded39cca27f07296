#include "pkg/engine/image_filter.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/image/name.h"
#include "pkg/json/json.h"

typedef struct Filter Filter;
typedef gboolean FilterParse (State *state, Filter *filter, GError **error);
typedef gboolean FilterFits (const Filter *filter, const ImageRow *row);

typedef struct {
  const char *key;
  FilterParse *parse;   /* NULL: any text will do */
  FilterFits *fits;
} FilterKind;

/* One filter, ready to be asked about rows. */
struct Filter {
  const FilterKind *kind;
  char *value;
  gboolean excluded;   /* KEY!=VALUE */
  gboolean flag;       /* of a boolean filter */
  gint64 seconds;      /* of a time */
};

static void
filter_free (gpointer data)
{
  Filter *filter = data;
  g_free (filter->value);
  g_free (filter);
}

/* ---- values */

static gboolean
parse_flag (State *state, Filter *filter, GError **error)
{
  static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", NULL }, *const no[] = { "0", "f", "F", "false", "FALSE", "False", NULL };
  filter->flag = g_strv_contains (yes, filter->value);
  return filter->flag || g_strv_contains (no, filter->value)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "non-boolean value \"%s\" for %s filter: strconv.ParseBool: parsing \"%s\": invalid syntax", filter->value, filter->kind->key,
                           filter->value);
}

static gboolean
parse_until (State *state, Filter *filter, GError **error)
{
  struct timespec now, when;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  if (!text_time_parse (filter->value, now, &when, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "failed to parse value as time or duration: \"%s\"", filter->value);
  filter->seconds = when.tv_sec;
  return TRUE;
}

static gboolean
parse_image (State *state, Filter *filter, GError **error)
{
  g_autoptr (StateImage) image = image_find (state, filter->value, error);
  if (image == NULL)
    return coracle_prefix (error, "could not find local image for filter \"%s\"=\"%s\"", filter->kind->key, filter->value);
  filter->seconds = image->created;
  return TRUE;
}

static gboolean
parse_containers (State *state, Filter *filter, GError **error)
{
  return strcmp (filter->value, "external") == 0 || parse_flag (state, filter, NULL)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "unsupported value \"%s\" for containers filter", filter->value);
}

static gboolean
parse_digest (State *state, Filter *filter, GError **error)
{
  const char *colon = strchr (filter->value, ':');
  return (colon != NULL && colon > filter->value && colon[1] != '\0') || coracle_throw (error, CORACLE_ERROR_INVALID, "invalid value \"%s\" for digest filter", filter->value);
}

/* ---- what fits */

static gboolean
fits_label (const Filter *filter, const ImageRow *row)
{
  json_auto_t *labels = image_labels (row->image);
  const char *equals = strchr (filter->value, '=');
  g_autofree char *key = equals != NULL ? g_strndup (filter->value, (size_t) (equals - filter->value)) : g_strdup (filter->value);
  const char *value = json_string_value (json_object_get (labels, key));
  return value != NULL && (equals == NULL || strcmp (value, equals + 1) == 0);
}

gboolean
image_filter_id (const char *wanted, const char *id)
{
  if (g_str_has_prefix (wanted, "sha256:"))
    wanted += strlen ("sha256:");
  return *wanted != '\0' && g_str_has_prefix (id, wanted);
}

static gboolean
fits_id (const Filter *filter, const ImageRow *row)
{
  return image_filter_id (filter->value, row->image->id);
}

static gboolean
fits_digest (const Filter *filter, const ImageRow *row)
{
  return row->image->manifest_digest != NULL && g_str_has_prefix (row->image->manifest_digest, filter->value);
}

gboolean
image_filter_reference (const char *pattern, const StateImage *image)
{
  for (char **name = image->pinned ? image->digests : image->names; *name != NULL; name++)
    if (image_name_matches (pattern, *name))
      return TRUE;
  return FALSE;
}

/* fits_reference: an image is listed with all its names, as Podman does. */
static gboolean
fits_reference (const Filter *filter, const ImageRow *row)
{
  return image_filter_reference (filter->value, row->image);
}

static gboolean
fits_dangling (const Filter *filter, const ImageRow *row)
{
  return filter->flag == (row->name == NULL && !row->intermediate);
}

static gboolean
fits_intermediate (const Filter *filter, const ImageRow *row)
{
  return filter->flag == row->intermediate;
}

static gboolean
fits_read_only (const Filter *filter, const ImageRow *row)
{
  return filter->flag == row->image->read_only;
}

static gboolean
fits_manifest (const Filter *filter, const ImageRow *row)
{
  return filter->flag == row->image->list;
}

/* fits_containers: external ones, of other tools, are in no store of ours. */
static gboolean
fits_containers (const Filter *filter, const ImageRow *row)
{
  return strcmp (filter->value, "external") != 0 && filter->flag == (row->containers > 0);
}

static gboolean
fits_before (const Filter *filter, const ImageRow *row)
{
  return row->image->created < filter->seconds;
}

static gboolean
fits_since (const Filter *filter, const ImageRow *row)
{
  return row->image->created > filter->seconds;
}

static gboolean
fits_until (const Filter *filter, const ImageRow *row)
{
  return row->image->created <= filter->seconds;
}

static const FilterKind kinds[] = {
  { "after", parse_image, fits_since },           { "before", parse_image, fits_before },  { "containers", parse_containers, fits_containers }, { "dangling", parse_flag, fits_dangling },
  { "digest", parse_digest, fits_digest },        { "id", NULL, fits_id },                 { "intermediate", parse_flag, fits_intermediate },   { "label", NULL, fits_label },
  { "manifest", parse_flag, fits_manifest },      { "readonly", parse_flag, fits_read_only }, { "reference", NULL, fits_reference },            { "since", parse_image, fits_since },
  { "until", parse_until, fits_until },
};

static Filter *
filter_parse (State *state, const char *text, GError **error)
{
  const char *equals = strchr (text, '=');
  gboolean excluded = equals != NULL && equals > text && equals[-1] == '!';
  g_autofree char *key = equals != NULL ? g_strndup (text, (size_t) (equals - text) - (excluded ? 1 : 0)) : g_strdup (text);
  for (size_t i = 0; i < G_N_ELEMENTS (kinds) && equals != NULL; i++)
    if (strcmp (kinds[i].key, key) == 0)
      {
        Filter *filter = g_new0 (Filter, 1);
        *filter = (Filter){ .kind = &kinds[i], .value = g_strdup (equals + 1), .excluded = excluded };
        if (kinds[i].parse == NULL || kinds[i].parse (state, filter, error))
          return filter;
        filter_free (filter);
        return NULL;
      }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid image filter \"%s\": must be in the format \"filter=value or filter!=value\"", key), NULL;
}

GPtrArray *
image_filters_parse (State *state, const char *const *texts, GError **error)
{
  g_autoptr (GPtrArray) filters = g_ptr_array_new_with_free_func (filter_free);
  for (const char *const *text = texts; text != NULL && *text != NULL; text++)
    {
      Filter *filter = filter_parse (state, *text, error);
      if (filter == NULL)
        return NULL;
      g_ptr_array_add (filters, filter);
    }
  return g_steal_pointer (&filters);
}

gboolean
image_filters_have (const GPtrArray *filters, const char *key)
{
  for (guint i = 0; i < filters->len; i++)
    if (strcmp (((const Filter *) filters->pdata[i])->kind->key, key) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
fits (const Filter *filter, const ImageRow *row)
{
  return filter->excluded != filter->kind->fits (filter, row);
}

gboolean
image_filters_fit (const GPtrArray *filters, const ImageRow *row)
{
  for (guint i = 0; i < filters->len; i++)
    {
      const Filter *filter = filters->pdata[i];
      gboolean any = fits (filter, row), alone = filter->excluded || filter->kind->fits == fits_label;
      for (guint j = 0; !any && !alone && j < filters->len; j++)
        {
          const Filter *other = filters->pdata[j];
          any = other->kind == filter->kind && !other->excluded && fits (other, row);
        }
      if (!any)
        return FALSE;
    }
  return TRUE;
}

/* ---- parents */

static gboolean
layers_begin (const StateImage *image, const StateImage *other)
{
  for (gsize i = 0; image->layers[i] != NULL; i++)
    if (g_strcmp0 (image->layers[i], other->layers[i]) != 0)
      return FALSE;
  return TRUE;
}

/* history_begins: @other's history is @image's, and goes on. */
static gboolean
history_begins (const StateImage *image, const StateImage *other)
{
  json_auto_t *one = json_loads (image->config, 0, NULL), *two = json_loads (other->config, 0, NULL);
  json_t *mine = json_lookup (one, "history"), *theirs = json_lookup (two, "history");
  if (json_array_size (mine) >= json_array_size (theirs))
    return FALSE;
  for (size_t i = 0; i < json_array_size (mine); i++)
    if (!json_equal (json_array_get (mine, i), json_array_get (theirs, i)))
      return FALSE;
  return TRUE;
}

gboolean
image_is_parent (const StateImage *image, const StateImage *child)
{
  return strcmp (child->id, image->id) != 0 && !child->list && !image->list && layers_begin (image, child) && history_begins (image, child);
}

gboolean
image_has_children (const StateImage *image, const GPtrArray *images)
{
  for (guint i = 0; i < images->len; i++)
    if (image_is_parent (image, images->pdata[i]))
      return TRUE;
  return FALSE;
}
