#include "pkg/engine/container_health_options.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/error.h"

#define SECOND G_GINT64_CONSTANT (1000000000)
enum { RETRIES = 3, LOG_COUNT = 5, LOG_SIZE = 500 };

/* ---- the words of a check */

static json_t *
array_of (const char *text)
{
  json_t *array = json_loads (text, 0, NULL);
  if (!json_is_array (array) || json_array_size (array) == 0)
    {
      json_decref (array);
      return NULL;
    }
  size_t i;
  json_t *word;
  json_array_foreach (array, i, word)
    if (!json_is_string (word))
      {
        json_decref (array);
        return NULL;
      }
  return array;
}

static gboolean
is_word (const char *text, const char *word)
{
  return text != NULL && g_ascii_strcasecmp (text, word) == 0;
}

/* split: at spaces, after the word that says what the rest is. */
static json_t *
split (const char *text)
{
  json_t *words = json_array ();
  g_auto (GStrv) parts = g_strsplit_set (text, " \t\n", -1);
  for (char **part = parts; *part != NULL; part++)
    if (**part != '\0')
      json_array_append_new (words, json_string (*part));
  return words;
}

/* parse_test: Docker's forms, with CMD, CMD-SHELL or NONE in front; an array of words; or a line for the shell. */
static json_t *
parse_test (const char *text)
{
  json_t *array = array_of (text);
  const char *first = json_string_value (json_array_get (array, 0));
  if (is_word (text, "none") || is_word (first, "NONE"))
    {
      json_decref (array);
      return json_pack ("[s]", "NONE");
    }
  if (array != NULL && (is_word (first, "CMD") || is_word (first, "CMD-SHELL")))
    return array;
  if (array != NULL && json_array_size (array) > 1)
    {
      json_array_insert_new (array, 0, json_string ("CMD"));
      return array;
    }
  json_t *test;
  if (array != NULL)
    test = json_pack ("[s, s]", "CMD-SHELL", first);
  else if (g_ascii_strncasecmp (text, "CMD-SHELL ", 10) == 0)
    test = json_pack ("[s, s]", "CMD-SHELL", text + 10);
  else if (g_ascii_strncasecmp (text, "CMD ", 4) == 0)
    test = split (text);
  else
    test = json_pack ("[s, s]", "CMD-SHELL", text);
  json_decref (array);
  return test;
}

/* ---- a check */

static void
set_number (json_t *check, const char *key, gint64 number)
{
  if (number != 0)
    json_object_set_new (check, key, json_integer (number));
  else
    json_object_del (check, key);
}

/* take: one number: as given, else @usual if it is a new check. @unit: of the given one, in what is kept. */
static void
take (json_t *check, const char *key, gint64 given, gint64 unit, gboolean fresh, gint64 usual)
{
  if (given >= 0)
    set_number (check, key, given * unit);
  else if (fresh)
    set_number (check, key, usual);
}

static json_t *
new_check (const char *text, json_t *before, gboolean *ret_fresh)
{
  *ret_fresh = text != NULL && *text != '\0';
  if (!*ret_fresh)
    return before != NULL ? json_deep_copy (before) : NULL;
  json_t *check = before != NULL ? json_deep_copy (before) : json_object ();
  json_object_set_new (check, "Test", parse_test (text));
  *ret_fresh = before == NULL;
  return check;
}

/* regular: @before: the image's, or the one there was. A command of one's own takes nothing from the image's: podman-run(1) --health-cmd. */
static json_t *
regular (const ContainerOptions *options, json_t *before, GError **error)
{
  gboolean fresh;
  if (options->no_healthcheck)
    return json_pack ("{s:[s]}", "Test", "NONE");
  json_t *check = new_check (options->health_cmd, before, &fresh);
  if (check == NULL)
    return NULL;
  if (options->health_retries == 0)
    {
      json_decref (check);
      return coracle_throw (error, CORACLE_ERROR_INVALID, "healthcheck-retries must be greater than 0"), NULL;
    }
  take (check, "Interval", options->health_interval, 1000, fresh, 30 * SECOND);
  take (check, "Timeout", options->health_timeout, 1000, fresh, 30 * SECOND);
  take (check, "StartPeriod", options->health_start_period, 1000, fresh, 0);
  take (check, "Retries", options->health_retries, 1, fresh, RETRIES);
  return check;
}

static json_t *
startup (const ContainerOptions *options, json_t *before)
{
  gboolean fresh;
  json_t *check = new_check (options->health_startup_cmd, before, &fresh);
  if (check == NULL)
    return NULL;
  take (check, "Interval", options->health_startup_interval, 1000, fresh, 30 * SECOND);
  take (check, "Timeout", options->health_startup_timeout, 1000, fresh, 30 * SECOND);
  take (check, "Retries", options->health_startup_retries, 1, fresh, 0);
  take (check, "Successes", options->health_startup_success, 1, fresh, 0);
  return check;
}

static gboolean
is_check (json_t *check)
{
  const char *first = json_string_value (json_array_get (json_object_get (check, "Test"), 0));
  return first != NULL && !is_word (first, "NONE");
}

/* ---- the rest */

static gboolean
check_destination (const char *text, GError **error)
{
  struct stat st;
  if (strcmp (text, "local") == 0 || strcmp (text, "events_logger") == 0)
    return TRUE;
  if (stat (text, &st) < 0)
    {
      int errsv = errno;
      return coracle_throw (error, CORACLE_ERROR_INVALID, "running container create option: HealthCheck Log '%s' destination error: stat %s: %s", text, text,
                            errsv == ENOENT ? "no such file or directory" : g_strerror (errsv));
    }
  return S_ISDIR (st.st_mode)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "running container create option: HealthCheck Log '%s' destination must be directory", text);
}

static gboolean
take_rest (const ContainerOptions *options, json_t *health, GError **error)
{
  static const char *const actions[] = { "none", "kill", "restart", "stop", NULL };
  const char *action = options->health_on_failure, *destination = options->health_log_destination;
  if (action != NULL && !g_strv_contains (actions, action))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid on-failure action \"%s\" for health check: supported actions are none,kill,restart,stop", action);
  if (action != NULL && strcmp (action, "none") != 0 && !is_check (json_object_get (health, "Healthcheck")))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set on-failure action to %s without a health check", action);
  if (health_check_of (health, TRUE) != NULL && !is_check (json_object_get (health, "Healthcheck")))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set a startup healthcheck when there is no regular healthcheck: invalid argument");
  if (destination != NULL && !check_destination (destination, error))
    return FALSE;
  if (action != NULL)
    json_object_set_new (health, "OnFailure", json_string (action));
  if (destination != NULL)
    {
      g_autofree char *folder = strcmp (destination, "local") == 0 || strcmp (destination, "events_logger") == 0 ? g_strdup (destination) : g_canonicalize_filename (destination, NULL);
      json_object_set_new (health, "Destination", json_string (folder));
    }
  if (options->health_max_log_count >= 0)
    json_object_set_new (health, "MaxLogCount", json_integer (options->health_max_log_count));
  if (options->health_max_log_size >= 0)
    json_object_set_new (health, "MaxLogSize", json_integer (options->health_max_log_size));
  return TRUE;
}

static json_t *
put_together (const ContainerOptions *options, json_t *health, json_t *check_before, json_t *startup_before, GError **error)
{
  GError *problem = NULL;
  json_t *check = regular (options, check_before, &problem), *startup_check = problem == NULL ? startup (options, startup_before) : NULL;
  if (check != NULL)
    json_object_set_new (health, "Healthcheck", check);
  if (startup_check != NULL)
    json_object_set_new (health, "StartupHealthCheck", startup_check);
  if (problem == NULL && take_rest (options, health, &problem))
    return health;
  g_propagate_error (error, problem);
  json_decref (health);
  return NULL;
}

/* image_check: what an image leaves out is as usual: podman-build(1), HEALTHCHECK. */
static json_t *
image_check (json_t *image)
{
  static const char *const keys[] = { "Interval", "Timeout", "StartPeriod", "Retries" };
  if (!json_is_array (json_object_get (image, "Test")) || json_array_size (json_object_get (image, "Test")) == 0)
    return NULL;
  json_t *check = json_pack ("{s:O}", "Test", json_object_get (image, "Test"));
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      gint64 usual = i < 2 ? 30 * SECOND : i == 3 ? RETRIES : 0, number = json_integer_value (json_object_get (image, keys[i]));
      set_number (check, keys[i], number > 0 ? number : usual);
    }
  return check;
}

/* usual: what holds without a word: podman-run(1) --health-*. */
static json_t *
usual_health (void)
{
  return json_pack ("{s:s, s:s, s:i, s:i}", "OnFailure", "none", "Destination", "local", "MaxLogCount", LOG_COUNT, "MaxLogSize", LOG_SIZE);
}

gboolean
health_is_usual (json_t *health)
{
  json_auto_t *usual = usual_health ();
  return json_equal (health, usual);
}

json_t *
health_resolve (const ContainerOptions *options, json_t *image, GError **error)
{
  json_auto_t *before = options->health_cmd != NULL && *options->health_cmd != '\0' ? NULL : image_check (image);
  return put_together (options, usual_health (), before, NULL, error);
}

json_t *
health_update (const ContainerOptions *options, json_t *health, GError **error)
{
  json_t *result = health != NULL ? json_deep_copy (health) : usual_health ();
  return put_together (options, result, json_object_get (health, "Healthcheck"), json_object_get (health, "StartupHealthCheck"), error);
}

json_t *
health_check_of (json_t *health, gboolean is_startup)
{
  json_t *check = json_object_get (health, is_startup ? "StartupHealthCheck" : "Healthcheck");
  return is_check (check) ? check : NULL;
}

gint64
health_number (json_t *check, const char *key)
{
  return json_integer_value (json_object_get (check, key));
}

gboolean
health_restarts (json_t *health)
{
  json_t *check = health_check_of (health, TRUE);
  const char *action = json_string_value (json_object_get (health, "OnFailure"));
  return health_check_of (health, FALSE) != NULL && (g_strcmp0 (action, "restart") == 0 || (check != NULL && health_number (check, "Retries") > 0));
}
