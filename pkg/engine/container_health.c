#include "pkg/engine/container_health.h"

#include <string.h>

#include "pkg/base/error.h"

/* Source: podman-run(1), the defaults of --health-* */
#define USUAL_TIME (30 * G_USEC_PER_SEC)
#define USUAL_RETRIES 3

/* test_words: a shell's line, or a JSON array of words, whose first may say how: podman-run(1) --health-cmd. */
static json_t *
test_words (const char *text)
{
  static const char *const forms[] = { "NONE", "CMD", "CMD-SHELL", NULL };
  json_t *array = text[0] == '[' ? json_loads (text, 0, NULL) : NULL;
  const char *first = json_string_value (json_array_get (array, 0));
  if (first == NULL)
    {
      json_decref (array);
      return g_ascii_strcasecmp (text, "none") == 0 ? json_pack ("[s]", "NONE") : json_pack ("[s, s]", "CMD-SHELL", text);
    }
  if (!g_strv_contains (forms, first))
    json_array_insert_new (array, 0, json_string ("CMD"));
  return array;
}

static gboolean
is_none (json_t *check)
{
  const char *first = json_string_value (json_array_get (json_object_get (check, "Test"), 0));
  return first == NULL || strcmp (first, "NONE") == 0;
}

/* set_number: what was given; else what the image says; else the usual. @scale: nanoseconds are written where microseconds are meant. */
static void
set_number (json_t *check, const char *name, gint64 given, gint64 scale, gint64 usual)
{
  gint64 image = json_integer_value (json_object_get (check, name));
  json_object_set_new (check, name, json_integer (given >= 0 ? given * scale : image > 0 ? image : usual * scale));
}

static json_t *
regular_check (const ContainerOptions *options, json_t *image)
{
  json_t *inherited = json_object_get (image, "Healthcheck");
  json_auto_t *check = json_is_object (inherited) ? json_copy (inherited) : json_object ();
  if (options->health_cmd != NULL && options->health_cmd[0] != '\0')
    json_object_set_new (check, "Test", test_words (options->health_cmd));
  if (options->no_healthcheck || is_none (check))
    return NULL;
  set_number (check, "Interval", options->health_interval, 1000, USUAL_TIME);
  set_number (check, "Timeout", options->health_timeout, 1000, USUAL_TIME);
  set_number (check, "StartPeriod", options->health_start_period, 1000, 0);
  set_number (check, "Retries", options->health_retries, 1, USUAL_RETRIES);
  return json_incref (check);
}

static json_t *
startup_check (const ContainerOptions *options)
{
  json_t *check = json_object ();
  json_object_set_new (check, "Test", test_words (options->health_startup_cmd));
  set_number (check, "Interval", options->health_startup_interval, 1000, USUAL_TIME);
  set_number (check, "Timeout", options->health_startup_timeout, 1000, USUAL_TIME);
  set_number (check, "Retries", options->health_startup_retries, 1, 0);
  set_number (check, "Successes", options->health_startup_success, 1, 0);
  return check;
}

const char *
health_on_failure (const ContainerOptions *options)
{
  return options->health_on_failure != NULL ? options->health_on_failure : "none";
}

gboolean
health_config (const ContainerOptions *options, json_t *image, json_t **ret_check, json_t **ret_startup, GError **error)
{
  json_auto_t *check = regular_check (options, image);
  gboolean startup = options->health_startup_cmd != NULL && options->health_startup_cmd[0] != '\0';
  gboolean startup_words = options->health_startup_interval >= 0 || options->health_startup_timeout >= 0 || options->health_startup_retries >= 0 || options->health_startup_success >= 0;
  if (check == NULL && strcmp (health_on_failure (options), "none") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set on-failure action to %s without a health check", health_on_failure (options));
  if (check == NULL && startup)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "a startup healthcheck cannot be set without a regular healthcheck");
  if (!startup && startup_words)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "no startup healthcheck command was given: --health-startup-cmd is needed by the other --health-startup flags");
  *ret_check = json_incref (check);
  *ret_startup = startup ? startup_check (options) : NULL;
  return TRUE;
}
