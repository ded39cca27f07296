#include "pkg/engine/volume_filter.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/disk_usage.h"

/* What a filter looks at. */
typedef struct {
  Storage *storage;
  const VolumeFilters *filters;
  const Volume *volume;   /* NULL: only check the value */
  const char *value;
} Question;

typedef struct {
  const char *key;
  gboolean all;           /* all of several values must fit */
  gboolean (*fits) (const Question *question, gboolean *ret_fits, GError **error);
} FilterKind;

static gboolean
filter_name (const Question *question, gboolean *ret_fits, GError **error)
{
  g_autoptr (GRegex) regex = g_regex_new (question->value, 0, 0, NULL);
  if (regex == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "error parsing regexp: `%s`", question->value);
  *ret_fits = question->volume != NULL && g_regex_match (regex, question->volume->name, 0, NULL);
  return TRUE;
}

static gboolean
filter_local (const Question *question, gboolean *ret_fits, GError **error)
{
  (void) error;
  *ret_fits = strcmp (question->value, "local") == 0;
  return TRUE;
}

/* map_fits: is "KEY" or "KEY=VALUE" in it? */
static gboolean
map_fits (const json_t *map, const char *wanted)
{
  g_auto (GStrv) parts = g_strsplit (wanted, "=", 2);
  const char *have = parts[0] != NULL ? json_string_value (json_object_get (map, parts[0])) : NULL;
  return have != NULL && (parts[1] == NULL || strcmp (have, parts[1]) == 0);
}

static gboolean
filter_label (const Question *question, gboolean *ret_fits, GError **error)
{
  (void) error;
  *ret_fits = question->volume != NULL && map_fits (question->volume->labels, question->value);
  return TRUE;
}

static gboolean
filter_no_label (const Question *question, gboolean *ret_fits, GError **error)
{
  (void) filter_label (question, ret_fits, error);
  *ret_fits = !*ret_fits;
  return TRUE;
}

static gboolean
filter_opt (const Question *question, gboolean *ret_fits, GError **error)
{
  (void) error;
  *ret_fits = question->volume != NULL && map_fits (question->volume->options, question->value);
  return TRUE;
}

static int
compare_times (struct timespec a, struct timespec b)
{
  return a.tv_sec != b.tv_sec ? (a.tv_sec < b.tv_sec ? -1 : 1) : (a.tv_nsec > b.tv_nsec) - (a.tv_nsec < b.tv_nsec);
}

static gboolean
filter_until (const Question *question, gboolean *ret_fits, GError **error)
{
  struct timespec until, now = text_time_from_usec (g_get_real_time ());
  if (!text_time_parse (question->value, now, &until, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "failed to parse value as time or duration: \"%s\"", question->value);
  *ret_fits = question->volume != NULL && compare_times (question->volume->created, until) < 0;
  return TRUE;
}

static gboolean
filter_since (const Question *question, gboolean *ret_fits, GError **error)
{
  g_autoptr (Volume) other = volume_read (question->storage, question->value, error);
  if (other == NULL)
    return FALSE;
  *ret_fits = question->volume != NULL && compare_times (question->volume->created, other->created) > 0;
  return TRUE;
}

static gboolean
filter_dangling (const Question *question, gboolean *ret_fits, GError **error)
{
  static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", NULL }, *const no[] = { "0", "f", "F", "false", "FALSE", "False", NULL };
  gboolean wanted = g_strv_contains (yes, question->value);
  if (!wanted && !g_strv_contains (no, question->value))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" is not a valid value for the \"dangling\" filter - must be true or false", question->value);
  *ret_fits = question->volume != NULL && wanted == !g_hash_table_contains (question->filters->links, question->volume->name);
  return TRUE;
}

static const FilterKind kinds[] = {
  { "name", FALSE, filter_name },         { "driver", FALSE, filter_local }, { "scope", FALSE, filter_local }, { "label", TRUE, filter_label },
  { "label!", TRUE, filter_no_label },    { "opt", FALSE, filter_opt },      { "until", FALSE, filter_until }, { "since", FALSE, filter_since },
  { "after", FALSE, filter_since },       { "dangling", FALSE, filter_dangling },
};

static const FilterKind *
split (const char *text, const char **ret_value, GError **error)
{
  const char *equals = strchr (text, '=');
  if (equals == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "filter input must be in the form of filter=value: %s is invalid", text), NULL;
  g_autofree char *key = g_strndup (text, (gsize) (equals - text));
  *ret_value = equals + 1;
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].key, key) == 0)
      return &kinds[i];
  return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" is an invalid volume filter", key), NULL;
}

void
volume_filters_clear (VolumeFilters *filters)
{
  g_clear_pointer (&filters->links, g_hash_table_unref);
}

gboolean
volume_filters_read (Storage *storage, const char *const *texts, VolumeFilters *ret_filters, GError **error)
{
  *ret_filters = (VolumeFilters){ .texts = texts };
  for (; texts != NULL && *texts != NULL; texts++)
    {
      Question question = { .storage = storage, .filters = ret_filters };
      gboolean fits;
      const FilterKind *kind = split (*texts, &question.value, error);
      if (kind == NULL || !kind->fits (&question, &fits, error))
        return FALSE;
      if (kind->fits == filter_dangling && ret_filters->links == NULL && (ret_filters->links = disk_volume_links (storage, error)) == NULL)
        return FALSE;
    }
  return TRUE;
}

gboolean
volume_filters_fit (Storage *storage, const VolumeFilters *filters, const Volume *volume)
{
  gboolean asked[G_N_ELEMENTS (kinds)] = { FALSE }, met[G_N_ELEMENTS (kinds)] = { FALSE };
  for (const char *const *text = filters->texts; text != NULL && *text != NULL; text++)
    {
      Question question = { .storage = storage, .filters = filters, .volume = volume };
      gboolean one = FALSE;
      const FilterKind *kind = split (*text, &question.value, NULL);
      if (kind == NULL || !kind->fits (&question, &one, NULL) || (kind->all && !one))
        return FALSE;
      size_t i = (size_t) (kind - kinds);
      asked[i] = TRUE;
      met[i] = met[i] || one;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (asked[i] && !met[i])
      return FALSE;
  return TRUE;
}
