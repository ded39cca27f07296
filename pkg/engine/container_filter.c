#include "pkg/engine/container_policy.h"
#include "pkg/engine/container_filter.h"

#include <string.h>
#include <time.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/image_lookup.h"

typedef struct FilterKind FilterKind;

/* One filter, ready to be asked about containers. */
typedef struct {
  const FilterKind *kind;
  char *value;
  GRegex *regex;       /* NULL: @value is none, and fits nothing as such */
  gint64 number;       /* an exit code, a time, or a flag */
  char *image_id;      /* of ancestor; NULL = no such image */
} Filter;

struct FilterKind {
  const char *key;
  gboolean all;        /* every value of this key must fit */
  gboolean config;     /* looks into the row's config */
  gboolean (*parse) (Storage *storage, Filter *filter, GError **error);   /* NULL: any text will do */
  gboolean (*fits) (const Filter *filter, const ContainerView *view);
};

static void
filter_free (Filter *filter)
{
  g_clear_pointer (&filter->regex, g_regex_unref);
  g_free (filter->value);
  g_free (filter->image_id);
  g_free (filter);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Filter, filter_free)

/* ---- reading */

/* parse_regex: a text that is no regular expression is no error in Podman: it fits nothing. */
static gboolean
parse_regex (Storage *storage, Filter *filter, GError **error)
{
  filter->regex = g_regex_new (filter->value, G_REGEX_OPTIMIZE, 0, NULL);
  return TRUE;
}

/* parse_name: a name may be written with a slash before it, as everywhere. */
static gboolean
parse_name (Storage *storage, Filter *filter, GError **error)
{
  const char *from = filter->value + (filter->value[0] == '^');
  if (*from == '/')
    memmove ((char *) from, from + 1, strlen (from));
  return parse_regex (storage, filter, error);
}

static gboolean
parse_id (Storage *storage, Filter *filter, GError **error)
{
  filter->number = filter->value[strspn (filter->value, "0123456789abcdefABCDEF")] == '\0';
  if (filter->number == 0)
    return parse_regex (storage, filter, error);
  for (char *at = filter->value; *at != '\0'; at++)
    *at = g_ascii_tolower (*at);
  return TRUE;
}

static gboolean
parse_ancestor (Storage *storage, Filter *filter, GError **error)
{
  g_autoptr (StateImage) image = image_lookup (storage->state, filter->value, NULL, NULL, NULL);
  filter->image_id = image != NULL ? g_strdup (image->id) : NULL;
  return parse_regex (storage, filter, error);
}

static gboolean
parse_container (Storage *storage, Filter *filter, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, filter->value, error);
  if (view == NULL)
    return FALSE;
  filter->number = view->row->created;
  return TRUE;
}

static gboolean
parse_code (Storage *storage, Filter *filter, GError **error)
{
  return g_ascii_string_to_signed (filter->value, 10, G_MININT32, G_MAXINT32, &filter->number, NULL)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "exited code out of range \"%s\": strconv.ParseInt: parsing \"%s\": invalid syntax", filter->value, filter->value);
}

static gboolean
parse_status (Storage *storage, Filter *filter, GError **error)
{
  static const char *const states[] = { "created", "exited", "initialized", "paused", "removing", "running", "stopped", "stopping", "unknown", NULL };
  return g_strv_contains (states, filter->value) || coracle_throw (error, CORACLE_ERROR_INVALID, "unknown container state: %s: invalid argument", filter->value);
}

static gboolean
parse_policy (Storage *storage, Filter *filter, GError **error)
{
  static const char *const policies[] = { "always", "no", "none", "on-failure", "unless-stopped", NULL };
  return g_strv_contains (policies, filter->value) || coracle_throw (error, CORACLE_ERROR_INVALID, "%s invalid restart policy", filter->value);
}

static gboolean
parse_flag (Storage *storage, Filter *filter, GError **error)
{
  static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", NULL }, *const no[] = { "0", "f", "F", "false", "FALSE", "False", NULL };
  filter->number = g_strv_contains (yes, filter->value);
  return filter->number != 0 || g_strv_contains (no, filter->value)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "strconv.ParseBool: parsing \"%s\": invalid syntax", filter->value);
}

static gboolean
parse_until (Storage *storage, Filter *filter, GError **error)
{
  struct timespec now, when;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  if (!text_time_parse (filter->value, now, &when, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "failed to parse value as time or duration: \"%s\"", filter->value);
  filter->number = text_time_to_usec (when);
  return TRUE;
}

/* ---- asking */

static const char *
config_text (const ContainerView *view, const char *key)
{
  return json_string_value (json_object_get (json_object_get (view->row->config, "options"), key));
}

static gboolean
regex_fits (const Filter *filter, const char *text)
{
  return filter->regex != NULL && text != NULL && g_regex_match (filter->regex, text, 0, NULL);
}

static gboolean
fits_id (const Filter *filter, const ContainerView *view)
{
  return filter->number != 0 ? g_str_has_prefix (view->row->id, filter->value) : regex_fits (filter, view->row->id);
}

static gboolean
fits_name (const Filter *filter, const ContainerView *view)
{
  return regex_fits (filter, view->row->name);
}

static gboolean
fits_label (const Filter *filter, const ContainerView *view)
{
  const char *equals = strchr (filter->value, '=');
  g_autofree char *key = equals != NULL ? g_strndup (filter->value, (gsize) (equals - filter->value)) : g_strdup (filter->value);
  const char *value = json_string_value (json_object_get (json_object_get (view->row->config, "labels"), key));
  return value != NULL && (equals == NULL || strcmp (value, equals + 1) == 0);
}

static gboolean
fits_no_label (const Filter *filter, const ContainerView *view)
{
  return !fits_label (filter, view);
}

static gboolean
fits_code (const Filter *filter, const ContainerView *view)
{
  return strcmp (view->status, "exited") == 0 && view->row->exit_code == filter->number;
}

static gboolean
fits_status (const Filter *filter, const ContainerView *view)
{
  return strcmp (view->status, strcmp (filter->value, "stopped") == 0 ? "exited" : filter->value) == 0;
}

static gboolean
fits_ancestor (const Filter *filter, const ContainerView *view)
{
  const char *id = view->row->image_id;
  if (id != NULL && filter->value[0] != '\0' && (g_strcmp0 (filter->image_id, id) == 0 || g_str_has_prefix (id, filter->value)))
    return TRUE;
  return regex_fits (filter, view->row->image_name);
}

static gboolean
fits_before (const Filter *filter, const ContainerView *view)
{
  return view->row->created < filter->number;
}

static gboolean
fits_since (const Filter *filter, const ContainerView *view)
{
  return view->row->created > filter->number;
}

/* fits_volume: a volume's name, a bind's source, or where either is mounted. */
static gboolean
fits_volume (const Filter *filter, const ContainerView *view)
{
  size_t i;
  json_t *mount;
  json_array_foreach (json_object_get (view->row->config, "mounts"), i, mount)
    {
      static const char *const keys[] = { "name", "source", "destination" };
      gboolean tmpfs = g_strcmp0 (json_string_value (json_object_get (mount, "type")), "tmpfs") == 0;
      for (size_t k = 0; k < G_N_ELEMENTS (keys) && !tmpfs; k++)
        if (g_strcmp0 (json_string_value (json_object_get (mount, keys[k])), filter->value) == 0)
          return TRUE;
    }
  return FALSE;
}

static gboolean
fits_network (const Filter *filter, const ContainerView *view)
{
  json_t *networks = json_object_get (json_object_get (view->row->config, "options"), "networks"), *network;
  size_t i;
  json_array_foreach (networks, i, network)
    if (g_strcmp0 (json_string_value (json_object_get (network, "name")), filter->value) == 0)
      return TRUE;
  return strcmp (container_network_mode (config_text (view, "network")), container_network_mode (filter->value)) == 0;
}

static gboolean
fits_policy (const Filter *filter, const ContainerView *view)
{
  Policy policy = policy_of (view->row);
  return strcmp (filter->value, policy_name (&policy)) == 0 || (policy.kind == POLICY_NO && strcmp (filter->value, "none") == 0);
}

static gboolean
fits_boot (const Filter *filter, const ContainerView *view)
{
  return (policy_of (view->row).kind == POLICY_ALWAYS) == (filter->number != 0);
}

static gboolean
fits_health (const Filter *filter, const ContainerView *view)
{
  return g_strcmp0 (view->health, filter->value) == 0;
}

/* fits_nothing: what no container has in this version: a pod. */
static gboolean
fits_nothing (const Filter *filter, const ContainerView *view)
{
  return FALSE;
}

static gboolean
fits_command (const Filter *filter, const ContainerView *view)
{
  return regex_fits (filter, json_string_value (json_array_get (json_object_get (view->row->config, "command"), 0)));
}

static const FilterKind kinds[] = {
  { "ancestor", FALSE, FALSE, parse_ancestor, fits_ancestor },
  { "before", FALSE, FALSE, parse_container, fits_before },
  { "command", FALSE, TRUE, parse_regex, fits_command },
  { "exited", FALSE, FALSE, parse_code, fits_code },
  { "health", FALSE, FALSE, NULL, fits_health },
  { "id", FALSE, FALSE, parse_id, fits_id },
  { "label", TRUE, TRUE, NULL, fits_label },
  { "label!", TRUE, TRUE, NULL, fits_no_label },
  { "name", FALSE, FALSE, parse_name, fits_name },
  { "network", FALSE, TRUE, NULL, fits_network },
  { "pod", FALSE, FALSE, NULL, fits_nothing },
  { "restart-policy", FALSE, TRUE, parse_policy, fits_policy },
  { "should-start-on-boot", FALSE, TRUE, parse_flag, fits_boot },
  { "since", FALSE, FALSE, parse_container, fits_since },
  { "status", FALSE, FALSE, parse_status, fits_status },
  { "until", FALSE, FALSE, parse_until, fits_before },
  { "volume", FALSE, TRUE, NULL, fits_volume },
};

/* ---- all of them */

static Filter *
filter_parse (Storage *storage, const char *text, GError **error)
{
  const char *equals = strchr (text, '=');
  if (equals == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid filter \"%s\"", text), NULL;
  g_autofree char *key = g_strndup (text, (gsize) (equals - text));
  g_autoptr (Filter) filter = g_new0 (Filter, 1);
  filter->value = g_strdup (equals + 1);
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].key, key) == 0)
      filter->kind = &kinds[i];
  if (filter->kind == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s is an invalid filter", key), NULL;
  if (filter->kind->parse != NULL && !filter->kind->parse (storage, filter, error))
    return NULL;
  return g_steal_pointer (&filter);
}

GPtrArray *
container_filters_parse (Storage *storage, const char *const *texts, GError **error)
{
  g_autoptr (GPtrArray) filters = g_ptr_array_new_with_free_func ((GDestroyNotify) filter_free);
  for (; texts != NULL && *texts != NULL; texts++)
    {
      Filter *filter = filter_parse (storage, *texts, error);
      if (filter == NULL)
        return NULL;
      g_ptr_array_add (filters, filter);
    }
  return g_steal_pointer (&filters);
}

gboolean
container_filters_fit (const GPtrArray *filters, const ContainerView *view)
{
  for (guint i = 0; i < filters->len; i++)
    {
      const Filter *filter = filters->pdata[i];
      gboolean fits = filter->kind->fits (filter, view);
      for (guint j = 0; !fits && !filter->kind->all && j < filters->len; j++)
        {
          const Filter *other = filters->pdata[j];
          fits = other->kind == filter->kind && other->kind->fits (other, view);
        }
      if (!fits)
        return FALSE;
    }
  return TRUE;
}

gboolean
container_filters_have (const GPtrArray *filters, const char *key)
{
  for (guint i = 0; i < filters->len; i++)
    if (strcmp (((const Filter *) filters->pdata[i])->kind->key, key) == 0)
      return TRUE;
  return FALSE;
}

gboolean
container_filters_need_config (const GPtrArray *filters)
{
  for (guint i = 0; i < filters->len; i++)
    if (((const Filter *) filters->pdata[i])->kind->config)
      return TRUE;
  return FALSE;
}
