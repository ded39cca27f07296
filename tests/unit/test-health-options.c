/* What the words of --health-* and an image's HEALTHCHECK come to; as Podman 5.8 shows it. */
#include <glib.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/container_health_options.h"

static json_t *
read_json (const char *text)
{
  json_t *json = json_loads (text, JSON_DECODE_ANY, NULL);
  g_assert_nonnull (json);
  return json;
}

static void
check_is (json_t *health, const char *key, const char *expected)
{
  json_auto_t *wanted = read_json (expected);
  json_t *got = json_object_get (health, key);
  char *text = json_dumps (got != NULL ? got : json_null (), JSON_ENCODE_ANY | JSON_COMPACT);
  if (!json_equal (got != NULL ? got : json_null (), wanted))
    g_error ("%s: expected %s, got %s", key, expected, text);
  free (text);
}

static void
test_words (void)
{
  static const struct { const char *word, *test; } cases[] = {
    { "none", "[\"NONE\"]" }, { "NONE", "[\"NONE\"]" }, { "[\"NONE\"]", "[\"NONE\"]" },
    { "echo hi there", "[\"CMD-SHELL\", \"echo hi there\"]" }, { "CMD-SHELL echo hi", "[\"CMD-SHELL\", \"echo hi\"]" }, { "CMD echo  hi", "[\"CMD\", \"echo\", \"hi\"]" },
    { "[\"echo\", \"hi\"]", "[\"CMD\", \"echo\", \"hi\"]" }, { "[\"echo\"]", "[\"CMD-SHELL\", \"echo\"]" }, { "[\"CMD\", \"echo\"]", "[\"CMD\", \"echo\"]" },
    { "[\"CMD-SHELL\", \"echo hi\"]", "[\"CMD-SHELL\", \"echo hi\"]" }, { "[bad", "[\"CMD-SHELL\", \"[bad\"]" }, { "[1]", "[\"CMD-SHELL\", \"[1]\"]" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ContainerOptions) options = container_options_new ();
      options->health_cmd = g_strdup (cases[i].word);
      json_auto_t *health = health_resolve (options, NULL, NULL);
      check_is (json_object_get (health, "Healthcheck"), "Test", cases[i].test);
      g_assert_true ((health_check_of (health, FALSE) == NULL) == (strstr (cases[i].test, "NONE") != NULL));
    }
}

static void
test_image (void)
{
  json_auto_t *image = read_json ("{\"Test\": [\"CMD\", \"a\"], \"Interval\": 5000000000, \"Retries\": 7}");
  g_autoptr (ContainerOptions) options = container_options_new ();
  json_auto_t *plain = health_resolve (options, NULL, NULL);
  g_assert_true (health_is_usual (plain));
  json_auto_t *health = health_resolve (options, image, NULL);
  g_assert_false (health_is_usual (health));
  check_is (health, "Healthcheck", "{\"Test\": [\"CMD\", \"a\"], \"Interval\": 5000000000, \"Timeout\": 30000000000, \"Retries\": 7}");
  options->health_interval = 0;
  options->health_start_period = 2 * G_USEC_PER_SEC;
  json_auto_t *changed = health_resolve (options, image, NULL);
  check_is (changed, "Healthcheck", "{\"Test\": [\"CMD\", \"a\"], \"StartPeriod\": 2000000000, \"Timeout\": 30000000000, \"Retries\": 7}");
  options->health_cmd = g_strdup ("b");
  json_auto_t *own = health_resolve (options, image, NULL);
  check_is (own, "Healthcheck", "{\"Test\": [\"CMD-SHELL\", \"b\"], \"StartPeriod\": 2000000000, \"Timeout\": 30000000000, \"Retries\": 3}");
  options->no_healthcheck = TRUE;
  json_auto_t *none = health_resolve (options, image, NULL);
  check_is (none, "Healthcheck", "{\"Test\": [\"NONE\"]}");
}

static void
test_rest (void)
{
  g_autoptr (ContainerOptions) options = container_options_new ();
  options->health_cmd = g_strdup ("b");
  options->health_startup_cmd = g_strdup ("c d");
  options->health_startup_success = 2;
  options->health_on_failure = g_strdup ("kill");
  options->health_max_log_count = 0;
  json_auto_t *health = health_resolve (options, NULL, NULL);
  check_is (health, "StartupHealthCheck", "{\"Test\": [\"CMD-SHELL\", \"c d\"], \"Interval\": 30000000000, \"Timeout\": 30000000000, \"Successes\": 2}");
  check_is (health, "OnFailure", "\"kill\"");
  check_is (health, "MaxLogCount", "0");
  check_is (health, "MaxLogSize", "500");
  g_assert_false (health_restarts (health));
  g_autoptr (ContainerOptions) later = container_options_new ();
  later->health_startup_retries = 3;
  later->health_cmd = g_strdup ("e");
  json_auto_t *updated = health_update (later, health, NULL);
  check_is (updated, "Healthcheck", "{\"Test\": [\"CMD-SHELL\", \"e\"], \"Interval\": 30000000000, \"Timeout\": 30000000000, \"Retries\": 3}");
  check_is (updated, "OnFailure", "\"kill\"");
  g_assert_true (health_restarts (updated));
}

static void
refused (const ContainerOptions *options, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (health_resolve (options, NULL, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
  g_assert_cmpstr (error->message, ==, text);
}

static void
test_errors (void)
{
  g_autoptr (ContainerOptions) options = container_options_new ();
  options->health_on_failure = g_strdup ("kill");
  refused (options, "cannot set on-failure action to kill without a health check");
  options->health_cmd = g_strdup ("true");
  options->health_retries = 0;
  refused (options, "healthcheck-retries must be greater than 0");
  options->health_retries = -1;
  options->health_log_destination = g_strdup ("/nonexistent");
  refused (options, "running container create option: HealthCheck Log '/nonexistent' destination error: stat /nonexistent: no such file or directory");
  g_autoptr (ContainerOptions) alone = container_options_new ();
  alone->health_startup_cmd = g_strdup ("true");
  refused (alone, "cannot set a startup healthcheck when there is no regular healthcheck: invalid argument");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/health-options/words", test_words);
  g_test_add_func ("/health-options/image", test_image);
  g_test_add_func ("/health-options/rest", test_rest);
  g_test_add_func ("/health-options/errors", test_errors);
  return g_test_run ();
}
