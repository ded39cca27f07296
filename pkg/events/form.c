/* The forms of an event: a line of the file, a datagram for the journal, what users see, and back. */
#include <stdint.h>
#include <string.h>

#include "pkg/base/text.h"
#include "pkg/events/event.h"
#include "pkg/json/json.h"

#define LINE_LIMIT ((size_t) 1 << 20)
#define NS 1000000000

static struct timespec
event_time (const Event *event)
{
  return (struct timespec){ .tv_sec = event->time / NS, .tv_nsec = event->time % NS };
}

static void
set_text (json_t *object, const char *key, const char *value, gboolean always)
{
  if (value != NULL && value[0] != '\0')
    {
      json_t *text = json_string (value);
      json_object_set_new (object, key, text != NULL ? text : json_string_nocheck (""));
    }
  else if (always)
    json_object_set_new (object, key, json_string (""));
}

/* ---- out */

/* utc_text: RFC 3339. The C library's functions read the zone's file first, which takes longer than all the rest. Source: Howard Hinnant, "chrono-compatible low-level date
 * algorithms", civil_from_days. */
static char *
utc_text (gint64 time)
{
  gint64 seconds = time / NS, days = seconds / 86400 + 719468, rest = seconds % 86400;
  gint64 era = days / 146097, doe = days % 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  int day = (int) (doy - (153 * mp + 2) / 5 + 1), month = (int) (mp < 10 ? mp + 3 : mp - 9), year = (int) (yoe + era * 400 + (month <= 2));
  return g_strdup_printf ("%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", year, month, day, (int) (rest / 3600), (int) (rest / 60 % 60), (int) (rest % 60), (int) (time % NS));
}

static void
set_health (json_t *object, const Event *event, gboolean all)
{
  set_text (object, all ? "HealthStatus" : "health_status", event->health_status, all);
  if (event->health_streak > 0 || all)
    json_object_set_new (object, all ? "HealthFailingStreak" : "health_failing_streak", json_integer (event->health_streak));
  set_text (object, all ? "HealthLog" : "health_log", event->health_log, all);
}

/* common: the fields before the time, in the order of Podman's. */
static json_t *
common_json (const Event *event, gboolean all)
{
  json_t *object = json_object ();
  if (event->has_exit_code)
    json_object_set_new (object, "ContainerExitCode", json_integer (event->exit_code));
  else if (all)
    json_object_set_new (object, "ContainerExitCode", json_null ());
  set_text (object, "ContainerInspectData", event->inspect, all);
  set_text (object, "ID", event->id, all);
  set_text (object, "Image", event->image, all);
  set_text (object, "Name", event->name, all);
  set_text (object, all ? "Network" : "network", event->network, all);
  set_text (object, "Status", event->status, TRUE);
  set_text (object, "Error", event->error, all);
  return object;
}

GString *
event_line (const Event *event)
{
  json_auto_t *object = common_json (event, FALSE);
  g_autofree char *time = utc_text (event->time);
  set_text (object, "Time", time, TRUE);
  set_text (object, "Type", event->type, TRUE);
  set_health (object, event, FALSE);
  set_text (object, "PodID", event->pod_id, FALSE);
  if (event->attributes != NULL)
    json_object_set (object, "Attributes", event->attributes);
  GString *line = g_string_sized_new (512);
  json_write (line, object, 0, JSON_TEXT_DEFAULT);
  return g_string_append_c (line, '\n');
}

json_t *
event_json (const Event *event, gboolean all)
{
  json_t *object = common_json (event, all);
  json_object_set_new (object, "time", json_integer (event->time / NS));
  json_object_set_new (object, "timeNano", json_integer (event->time));
  set_text (object, "Type", event->type, TRUE);
  set_health (object, event, all);
  set_text (object, "PodID", event->pod_id, all);
  gboolean labelled = event->attributes != NULL || g_strcmp0 (event->type, "container") == 0;
  json_object_set_new (object, "Attributes", event->attributes != NULL ? json_incref (event->attributes) : labelled || all ? json_object () : json_null ());
  return object;
}

static int
compare_texts (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
append_details (GString *text, const Event *event)
{
  g_string_append_printf (text, " (image=%s, name=%s", event->image != NULL ? event->image : "", event->name != NULL ? event->name : "");
  if (event->pod_id != NULL)
    g_string_append_printf (text, ", pod_id=%s", event->pod_id);
  if (event->health_status != NULL)
    g_string_append_printf (text, ", health_status=%s, health_failing_streak=%lld, health_log=%s", event->health_status, (long long) event->health_streak,
                            event->health_log != NULL ? event->health_log : "");
  json_auto_t *sorted = event->attributes != NULL ? json_copy (event->attributes) : NULL;
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  const char *key;
  json_t *value;
  json_object_foreach (sorted, key, value)
    g_ptr_array_add (keys, (void *) (uintptr_t) key);
  g_ptr_array_sort (keys, compare_texts);
  for (guint i = 0; i < keys->len; i++)
    {
      const char *word = json_string_value (json_object_get (sorted, keys->pdata[i]));
      g_string_append_printf (text, ", %s=%s", (const char *) keys->pdata[i], word != NULL ? word : "");
    }
  g_string_append_c (text, ')');
}

/* network_text: of a network that is made or removed, or of a container that joins or leaves one. */
static void
network_text (GString *text, const Event *event, const char *id, int width)
{
  const char *driver = json_string_value (json_object_get (event->attributes, "driver")), *name = event->network != NULL ? event->network : "";
  if (driver != NULL)
    g_string_append_printf (text, " %.*s (name=%s, type=%s)", width, id, name, driver);
  else
    g_string_append_printf (text, " %.*s (container=%.*s, name=%s)", width, id, width, id, name);
}

char *
event_text (const Event *event, gboolean whole)
{
  g_autofree char *time = text_time_go (event_time (event), TRUE);
  GString *text = g_string_new (NULL);
  const char *id = event->id != NULL ? event->id : "", *name = event->name != NULL ? event->name : "";
  int width = whole ? G_MAXINT : 12;
  g_string_append_printf (text, "%s %s %s", time, event->type, event->status);
  if (strcmp (event->type, "container") == 0 || strcmp (event->type, "pod") == 0)
    {
      g_string_append_printf (text, " %.*s", width, id);
      append_details (text, event);
    }
  else if (strcmp (event->type, "image") == 0)
    g_string_append_printf (text, " %.*s %s", width, id, name);
  else if (strcmp (event->type, "network") == 0)
    network_text (text, event, id, width);
  else if (name[0] != '\0')
    g_string_append_printf (text, " %s", name);
  else if (id[0] != '\0')
    g_string_append_printf (text, " %.*s", width, id);
  if (event->error != NULL)
    g_string_append_printf (text, " %s", event->error);
  return g_string_free (text, FALSE);
}

/* append_field: a value with a newline is sent with its length, the others as a line: systemd's native journal protocol. */
static void
append_field (GString *out, const char *key, const char *value)
{
  if (value == NULL || value[0] == '\0')
    return;
  if (strchr (value, '\n') == NULL)
    {
      g_string_append_printf (out, "%s=%s\n", key, value);
      return;
    }
  guint64 size = GUINT64_TO_LE ((guint64) strlen (value));
  g_string_append_printf (out, "%s\n", key);
  g_string_append_len (out, (const char *) &size, sizeof size);
  g_string_append_printf (out, "%s\n", value);
}

GString *
event_datagram (const char *root, const Event *event)
{
  GString *out = g_string_sized_new (1024);
  g_autofree char *message = event_text (event, TRUE), *time = utc_text (event->time),
                  *labels = event->attributes != NULL ? json_to_text (event->attributes, 0, JSON_TEXT_DEFAULT) : NULL,
                  *code = event->has_exit_code ? g_strdup_printf ("%lld", (long long) event->exit_code) : NULL;
  const struct { const char *key, *value; } fields[] = {
    { "MESSAGE", message }, { "PRIORITY", "6" }, { "SYSLOG_IDENTIFIER", "podman" }, { "PODMAN_EVENT", event->status }, { "PODMAN_TYPE", event->type }, { "PODMAN_TIME", time },
    { "PODMAN_NAME", event->name }, { "PODMAN_ID", event->id }, { "PODMAN_IMAGE", event->image }, { "PODMAN_EXIT_CODE", code }, { "PODMAN_POD_ID", event->pod_id },
    { "PODMAN_LABELS", labels }, { "PODMAN_HEALTH_STATUS", event->health_status }, { "PODMAN_HEALTH_LOG", event->health_log }, { "PODMAN_CONTAINER_INSPECT_DATA", event->inspect },
    { "PODMAN_NETWORK_NAME", event->network }, { "ERROR", event->error }, { "CORACLE_ROOT", root },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    append_field (out, fields[i].key, fields[i].value);
  return out;
}

/* ---- in */

void
event_clear (Event *event)
{
  json_decref (event->held);
  *event = (Event){ 0 };
}

static const char *
text_at (const json_t *object, const char *key)
{
  const char *text = json_string_value (json_object_get (object, key));
  return text != NULL && text[0] != '\0' ? text : NULL;
}

static gboolean
parse_time (const char *text, gint64 *ret_time)
{
  struct timespec when, now = { 0 };
  if (text == NULL || !text_time_parse (text, now, &when, NULL))
    return FALSE;
  *ret_time = (gint64) when.tv_sec * NS + when.tv_nsec;
  return TRUE;
}

/* The names that one field has in the file and in the journal. */
static gboolean
take_fields (json_t *object, gboolean journal, Event *ret_event)
{
  const struct { const char *file, *journal; const char **at; } fields[] = {
    { "Type", "PODMAN_TYPE", &ret_event->type },           { "Status", "PODMAN_EVENT", &ret_event->status },
    { "ID", "PODMAN_ID", &ret_event->id },                 { "Name", "PODMAN_NAME", &ret_event->name },
    { "Image", "PODMAN_IMAGE", &ret_event->image },        { "Error", "ERROR", &ret_event->error },
    { "network", "PODMAN_NETWORK_NAME", &ret_event->network }, { "PodID", "PODMAN_POD_ID", &ret_event->pod_id },
    { "ContainerInspectData", "PODMAN_CONTAINER_INSPECT_DATA", &ret_event->inspect },
    { "health_status", "PODMAN_HEALTH_STATUS", &ret_event->health_status }, { "health_log", "PODMAN_HEALTH_LOG", &ret_event->health_log },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    *fields[i].at = text_at (object, journal ? fields[i].journal : fields[i].file);
  return ret_event->type != NULL && ret_event->status != NULL && parse_time (text_at (object, journal ? "PODMAN_TIME" : "Time"), &ret_event->time);
}

/* text_labels: an object of strings and nothing else, or NULL. */
static json_t *
text_labels (json_t *labels)
{
  const char *key;
  json_t *value;
  if (!json_is_object (labels))
    return NULL;
  json_object_foreach (labels, key, value)
    if (!json_is_string (value))
      return NULL;
  return labels;
}

gboolean
event_parse (const char *line, size_t size, Event *ret_event)
{
  Event event = { .held = json_parse_bounded (line, size, LINE_LIMIT, JSON_PARSE_DEFAULT, NULL) };
  if (!json_is_object (event.held) || !take_fields (event.held, FALSE, &event))
    {
      event_clear (&event);
      return FALSE;
    }
  json_t *code = json_object_get (event.held, "ContainerExitCode");
  event.has_exit_code = json_is_integer (code);
  event.exit_code = json_integer_value (code);
  event.health_streak = json_integer_value (json_object_get (event.held, "health_failing_streak"));
  event.attributes = text_labels (json_object_get (event.held, "Attributes"));
  *ret_event = event;
  return TRUE;
}

gboolean
event_parse_journal (const char *line, size_t size, Event *ret_event)
{
  Event event = { .held = json_parse_bounded (line, size, LINE_LIMIT, JSON_PARSE_DEFAULT, NULL) };
  if (!json_is_object (event.held) || !take_fields (event.held, TRUE, &event))
    {
      event_clear (&event);
      return FALSE;
    }
  const char *code = text_at (event.held, "PODMAN_EXIT_CODE"), *labels = text_at (event.held, "PODMAN_LABELS");
  event.has_exit_code = code != NULL;
  event.exit_code = code != NULL ? g_ascii_strtoll (code, NULL, 10) : 0;
  json_t *parsed = labels != NULL ? json_parse_bounded (labels, strlen (labels), LINE_LIMIT, JSON_PARSE_DEFAULT, NULL) : NULL;
  if (parsed != NULL)
    json_object_set_new (event.held, "CORACLE_LABELS", parsed);
  event.attributes = text_labels (parsed);
  *ret_event = event;
  return TRUE;
}
