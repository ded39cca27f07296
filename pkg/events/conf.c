/* Where events go: the process's one decision, from --events-backend and containers.conf. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/config/containers_conf.h"
#include "pkg/events/event.h"

#define DEFAULT_SIZE (1 << 20)   /* containers.conf(5), events_logfile_max_size */

static const char *const names[] = { [EVENTS_FILE] = "file", [EVENTS_JOURNALD] = "journald", [EVENTS_NONE] = "none" };

/* Decided once and for the whole process, since events are written from everywhere. */
static struct {
  gboolean is_read, is_chosen, inspect;
  EventsBackend backend, chosen;
  char *path;
  guint64 max_size;
} settings = { .max_size = DEFAULT_SIZE };

static gboolean
find_backend (const char *word, EventsBackend *ret_backend)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (word, names[i]) == 0)
      {
        *ret_backend = (EventsBackend) i;
        return TRUE;
      }
  return FALSE;
}

gboolean
events_choose (const char *word, GError **error)
{
  if (!find_backend (word, &settings.chosen))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" is not a valid events backend: invalid argument", word);
  settings.is_chosen = TRUE;
  return TRUE;
}

void
events_use_conf (const json_t *conf)
{
  const json_t *engine = json_object_get (conf, "engine"), *size = json_object_get (engine, "events_logfile_max_size");
  const char *path = json_string_value (json_object_get (engine, "events_logfile_path"));
  gint64 bytes = json_is_integer (size) ? json_integer_value (size) : DEFAULT_SIZE;
  settings.is_read = TRUE;
  /* one that we do not know is Podman's of another version: the usual one does */
  if (!find_backend (json_string_value (json_object_get (engine, "events_logger")), &settings.backend))
    settings.backend = EVENTS_FILE;
  if (json_is_string (size) && !text_size_parse (json_string_value (size), &bytes, NULL))
    bytes = DEFAULT_SIZE;
  settings.max_size = (guint64) MAX (bytes, 0);
  settings.inspect = json_is_true (json_object_get (engine, "events_container_create_inspect_data"));
  g_free (settings.path);
  settings.path = path != NULL && path[0] == '/' ? g_strdup (path) : NULL;
}

static void
read_once (void)
{
  if (settings.is_read)
    return;
  json_auto_t *conf = containers_conf_read (NULL);
  events_use_conf (conf);
}

EventsBackend
events_backend (void)
{
  if (settings.is_chosen)
    return settings.chosen;
  read_once ();
  return settings.backend;
}

const char *
events_backend_name (void)
{
  return names[events_backend ()];
}

const char *
events_chosen (void)
{
  return settings.is_chosen ? names[settings.chosen] : NULL;
}

char *
events_path (const char *run_root)
{
  read_once ();
  return settings.path != NULL ? g_strdup (settings.path) : g_build_filename (run_root, "events", "events.log", NULL);
}

guint64
events_max_size (void)
{
  read_once ();
  return settings.max_size;
}

gboolean
events_want_inspect (void)
{
  read_once ();
  return settings.inspect;
}
