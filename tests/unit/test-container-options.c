#include <glib.h>

#include "pkg/engine/container_options.h"

/* what differs from the defaults is kept, flags that are off by choice too; what does not takes no room */
static void
test_round_trip (void)
{
  g_autoptr (ContainerOptions) options = container_options_new ();
  options->name = g_strdup ("web");
  options->entrypoint = g_strdup ("");
  options->command = g_strdupv ((char *[]){ "echo", "", "grün", NULL });
  options->label = g_new0 (char *, 1);
  options->shm_size = 1;
  options->rm = TRUE;
  options->passwd = FALSE;
  json_auto_t *json = container_options_to_json (options);
  g_assert_cmpuint (json_object_size (json), ==, 7);
  g_autoptr (ContainerOptions) back = container_options_from_json (json);
  g_assert_cmpstr (back->name, ==, "web");
  g_assert_cmpstr (back->entrypoint, ==, "");
  g_assert_cmpstrv (back->command, options->command);
  g_assert_nonnull (back->label);
  g_assert_null (back->env);
  g_assert_cmpint (back->shm_size, ==, 1);
  g_assert_true (back->rm);
  g_assert_false (back->passwd);
  g_assert_cmpint (back->stop_timeout, ==, options->stop_timeout);
  g_assert_true (back->http_proxy);
  json_auto_t *again = container_options_to_json (back);
  g_assert_true (json_equal (json, again));
}

static void
test_defaults (void)
{
  g_autoptr (ContainerOptions) options = container_options_new ();
  json_auto_t *json = container_options_to_json (options);
  g_assert_cmpuint (json_object_size (json), ==, 0);
  g_autoptr (ContainerOptions) back = container_options_from_json (json);
  g_assert_cmpint (back->shm_size, ==, options->shm_size);
  g_assert_cmpint (back->shm_size, >, 0);
  g_assert_true (back->sig_proxy);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/container-options/round-trip", test_round_trip);
  g_test_add_func ("/container-options/defaults", test_defaults);
  return g_test_run ();
}
