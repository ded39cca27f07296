/* registries.conf and auth.json, from documents at hand. */
#include <jansson.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/outside.h"
#include "pkg/registry/credentials.h"
#include "pkg/registry/registries_conf.h"
#include "pkg/toml/toml.h"

static RegistriesConf *
read_conf (const char *text, GError **error)
{
  g_autoptr (RegistriesConf) conf = registries_conf_new ();
  json_auto_t *document = toml_parse (text, error);
  g_assert_nonnull (document);
  return registries_conf_add (conf, document, "test.conf", error) ? g_steal_pointer (&conf) : NULL;
}

/* check_place: the first place of REGISTRY/PATH is @wanted. */
static void
check_place (const RegistriesConf *conf, const char *name, gboolean digest, guint n, const char *wanted, gboolean insecure)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *registry = g_strndup (name, strcspn (name, "/"));
  g_autoptr (GPtrArray) places = registries_places (conf, registry, name + strlen (registry) + 1, digest, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (places->len, ==, n);
  const RegistriesPlace *place = places->pdata[0];
  g_autofree char *got = g_strconcat (place->registry, "/", place->repository, NULL);
  g_assert_cmpstr (got, ==, wanted);
  g_assert_cmpint (place->insecure, ==, insecure);
}

static void
test_places (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RegistriesConf) conf = read_conf ("unqualified-search-registries = ['a.test', 'docker.io']\n"
                                               "credential-helpers = ['one', 'containers-auth.json']\n"
                                               "[[registry]]\nlocation = 'a.test'\ninsecure = true\n"
                                               "[[registry.mirror]]\nlocation = 'm.test/x'\npull-from-mirror = 'digest-only'\n"
                                               "[[registry]]\nprefix = 'a.test/deep'\nlocation = 'b.test/other'\n"
                                               "[[registry]]\nprefix = '*.wild.test'\nblocked = true\n",
                                               &error);
  g_assert_no_error (error);
  check_place (conf, "a.test/app", FALSE, 1, "a.test/app", TRUE);
  check_place (conf, "a.test/app", TRUE, 2, "m.test/x/app", FALSE);
  check_place (conf, "a.test/deep/app", FALSE, 1, "b.test/other/app", FALSE);
  check_place (conf, "a.test/deeper/app", FALSE, 1, "a.test/deeper/app", TRUE);
  check_place (conf, "a.test:99/app", FALSE, 1, "a.test:99/app", FALSE);
  check_place (conf, "wild.test/app", FALSE, 1, "wild.test/app", FALSE);
  g_assert_null (registries_places (conf, "x.wild.test", "app", FALSE, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_DENIED);
  g_assert_cmpuint (g_strv_length (conf->helpers), ==, 2);
  gboolean alias;
  g_auto (GStrv) names = registries_short (conf, "app", "app", &alias, NULL);
  g_assert_cmpstr (names[0], ==, "a.test/app");
  g_assert_cmpstr (names[1], ==, "docker.io/library/app");
}

static void
test_old (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RegistriesConf) conf = read_conf ("[registries.search]\nregistries = ['a.test']\n[registries.insecure]\nregistries = ['b.test', 'c.test/']\n"
                                               "[registries.block]\nregistries = ['c.test']\n",
                                               &error);
  g_assert_no_error (error);
  g_assert_cmpstr (conf->search[0], ==, "a.test");
  check_place (conf, "b.test/app", FALSE, 1, "b.test/app", TRUE);
  g_assert_null (registries_places (conf, "c.test", "app", FALSE, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_DENIED);
}

static void
test_wrong (void)
{
  static const char *const texts[] = {
    "unqualified-search-registries = 'a.test'", "[[registry]]\ninsecure = true", "[[registry]]\nlocation = 7", "short-name-mode = 'often'", "[aliases]\n'a' = 'b'", "[aliases]\n'a' = 'b.test/c:1'",
    "[[registry]]\nlocation = 'a.test'\n[[registry.mirror]]\ninsecure = true", "[[registry]]\nlocation = 'a.test'\n[[registry.mirror]]\nlocation = 'b.test'\npull-from-mirror = 'never'",
    "credential-helpers = 'x'", "[registries.search]\nregistries = 'x'", "short-name-mode = 'disabled'\n[registries.search]\nregistries = ['x']",
  };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (RegistriesConf) conf = read_conf (texts[i], &error);
      if (conf != NULL || error == NULL)
        g_error ("taken: %s", texts[i]);
    }
}

static void
test_credentials (void)
{
  static const struct { const char *text, *key, *user, *password, *helper; } cases[] = {
    { "{\"auths\": {\"a.test\": {\"auth\": \"dTpw\"}}}", "a.test/x/y", "u", "p", NULL },
    { "{\"auths\": {\"a.test/x\": {\"auth\": \"dTpw\"}, \"a.test\": {\"auth\": \"djpx\"}}}", "a.test/x/y", "u", "p", NULL },
    { "{\"auths\": {\"a.test/x\": {\"auth\": \"dTpw\"}, \"a.test\": {\"auth\": \"djpx\"}}}", "a.test/xy", "v", "q", NULL },
    { "{\"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"dTpw\"}}}", "docker.io/library/x", "u", "p", NULL },
    { "{\"auths\": {}, \"credsStore\": \"s\"}", "a.test/x", NULL, NULL, "s" },
    { "{\"credHelpers\": {\"a.test\": \"h\"}, \"credsStore\": \"s\"}", "a.test/x", NULL, NULL, "h" },
    { "{\"auths\": 7}", "a.test/x", NULL, NULL, NULL },
    { "[]", "a.test/x", NULL, NULL, NULL },
    { "{\"auths\": {\"a.test\": {\"auth\": \"dTpw\"}}}", "/a.test", NULL, NULL, NULL },
    { "{}", "", NULL, NULL, NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Credentials) who = { 0 };
      g_autofree char *helper = NULL;
      g_autoptr (GError) error = NULL;
      json_auto_t *root = json_loads (cases[i].text, 0, NULL);
      g_assert_true (credentials_in (root, cases[i].key, &who, &helper, &error));
      g_assert_cmpstr (who.username, ==, cases[i].user);
      g_assert_cmpstr (who.password, ==, cases[i].password);
      g_assert_cmpstr (helper, ==, cases[i].helper);
    }
}

static void
test_broken_credentials (void)
{
  static const char *const texts[] = { "{\"auths\": {\"a.test\": {\"auth\": \"dQ==\"}}}", "{\"auths\": {\"a.test\": {\"auth\": \"dQA6cA==\"}}}" };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_auto (Credentials) who = { 0 };
      g_autofree char *helper = NULL;
      g_autoptr (GError) error = NULL;
      json_auto_t *root = json_loads (texts[i], 0, NULL);
      g_assert_false (credentials_in (root, "a.test", &who, &helper, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
    }
}

static void
check_outside (void)
{
  static const char *const cat[] = { "cat", NULL }, *const fails[] = { "sh", "-c", "exit 3", NULL }, *const missing[] = { "/nowhere/at-all", NULL };
  g_autofree char *output = NULL, *none = NULL, *nothing = NULL, *large = g_malloc (300000);
  gsize size;
  int status;
  g_autoptr (GError) error = NULL;
  memset (large, 'x', 300000);
  g_assert_true (outside_run (cat, large, 300000, 400000, &output, &size, &status, &error));
  g_assert_cmpuint (size, ==, 300000);
  g_assert_cmpmem (output, size, large, 300000);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (outside_run (fails, "", 0, 10, &none, &size, &status, &error));
  g_assert_cmpint (status >> 8, ==, 3);
  g_assert_false (outside_run (missing, "", 0, 10, &nothing, &size, &status, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (outside_run (cat, large, 300000, 1000, &nothing, &size, &status, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
}

static void
test_outside (void)
{
  check_outside ();
  g_assert_true (outside_begin (NULL));
  check_outside ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/registries-conf/places", test_places);
  g_test_add_func ("/registries-conf/version-1", test_old);
  g_test_add_func ("/registries-conf/wrong", test_wrong);
  g_test_add_func ("/credentials/found", test_credentials);
  g_test_add_func ("/credentials/broken", test_broken_credentials);
  g_test_add_func ("/outside", test_outside);
  return g_test_run ();
}
