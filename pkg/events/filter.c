/* What --filter says of events. Source: podman-events(1). */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/events/event.h"

typedef struct {
  const char *key;   /* static */
  char *value;
} Filter;

static void
filter_free (Filter *filter)
{
  g_free (filter->value);
  g_free (filter);
}

/* Keys that name one object: its type, and whether an id's beginning is enough. */
static const struct { const char *key, *type; } objects[] = {
  { "artifact", "artifact" }, { "container", "container" }, { "image", "image" }, { "network", "network" }, { "pod", "pod" }, { "secret", "secret" }, { "volume", "volume" },
};

static const char *
known_key (const char *word)
{
  static const char *const others[] = { "event", "label", "type" };
  if (g_ascii_strcasecmp (word, "status") == 0)   /* another word for it */
    return "event";
  for (size_t i = 0; i < G_N_ELEMENTS (objects); i++)
    if (g_ascii_strcasecmp (word, objects[i].key) == 0)
      return objects[i].key;
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_ascii_strcasecmp (word, others[i]) == 0)
      return others[i];
  return NULL;
}

GPtrArray *
events_filters_parse (const char *const *texts, GError **error)
{
  g_autoptr (GPtrArray) filters = g_ptr_array_new_with_free_func ((GDestroyNotify) filter_free);
  for (; texts != NULL && *texts != NULL; texts++)
    {
      const char *equals = strchr (*texts, '=');
      g_autofree char *word = g_strndup (*texts, equals != NULL ? (gsize) (equals - *texts) : strlen (*texts));
      const char *key = known_key (word), *value = equals != NULL ? equals + 1 : NULL;
      if (key == NULL || value == NULL)
        {
          coracle_throw (error, CORACLE_ERROR_INVALID, "%s is an invalid filter", *word != '\0' ? word : *texts);
          return NULL;
        }
      /* Docker's word for the same */
      if (strcmp (key, "event") == 0 && strcmp (value, "die") == 0)
        value = "died";
      Filter *filter = g_new0 (Filter, 1);
      filter->key = key;
      filter->value = g_strdup (value);
      g_ptr_array_add (filters, filter);
    }
  return g_steal_pointer (&filters);
}

static gboolean
label_fits (const json_t *labels, const char *wanted)
{
  const char *equals = strchr (wanted, '=');
  g_autofree char *key = g_strndup (wanted, equals != NULL ? (gsize) (equals - wanted) : strlen (wanted));
  const char *value = json_string_value (json_object_get (labels, key));
  return value != NULL && (equals == NULL || strcmp (value, equals + 1) == 0);
}

static gboolean
image_name_fits (const char *name, const char *value)
{
  if (g_strcmp0 (name, value) == 0)
    return TRUE;
  /* a short name means the end of a whole one, with or without its tag */
  g_autofree char *tail = g_strconcat ("/", value, NULL), *tagged = g_strconcat (tail, ":latest", NULL), *whole = g_strconcat (value, ":latest", NULL);
  return name != NULL && (g_str_has_suffix (name, tail) || g_str_has_suffix (name, tagged) || strcmp (name, whole) == 0);
}

static gboolean
filter_fits (const Filter *filter, const Event *event)
{
  if (strcmp (filter->key, "event") == 0)
    return strcmp (event->status, filter->value) == 0;
  if (strcmp (filter->key, "type") == 0)
    return strcmp (event->type, filter->value) == 0;
  if (strcmp (filter->key, "label") == 0)
    return label_fits (event->attributes, filter->value);
  const char *id = event->id;
  if (strcmp (filter->key, "pod") == 0 && strcmp (event->type, "container") == 0)
    id = event->pod_id;
  else if (strcmp (filter->key, event->type) != 0)
    return FALSE;
  if (id != NULL && filter->value[0] != '\0' && g_str_has_prefix (id, filter->value))
    return TRUE;
  /* a volume has no id but its name, which may be given in part as an id may */
  if (strcmp (filter->key, "volume") == 0)
    return event->name != NULL && filter->value[0] != '\0' && g_str_has_prefix (event->name, filter->value);
  return strcmp (filter->key, "image") == 0 ? image_name_fits (event->name, filter->value) : g_strcmp0 (event->name, filter->value) == 0;
}

gboolean
events_filters_fit (const GPtrArray *filters, const Event *event)
{
  for (guint i = 0; i < filters->len; i++)
    {
      const Filter *first = filters->pdata[i];
      gboolean any = FALSE;
      for (guint j = 0; j < filters->len; j++)
        {
          const Filter *other = filters->pdata[j];
          any = any || (other->key == first->key && filter_fits (other, event));
        }
      if (!any)
        return FALSE;
    }
  return TRUE;
}
