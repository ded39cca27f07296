#include <glib.h>

#include "pkg/json/yaml.h"

static void
check (const char *json, const char *expected)
{
  json_auto_t *value = json_loads (json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  g_assert_nonnull (value);
  g_autoptr (GString) out = g_string_new (NULL);
  yaml_write (out, value);
  g_assert_cmpstr (out->str, ==, expected);
}

static void
test_blocks (void)
{
  check ("{}", "{}\n");
  check ("[]", "[]\n");
  check ("null", "null\n");
  check ("{\"b\":1,\"a\":{\"y\":true,\"x\":[]},\"c\":null}", "a:\n  x: []\n  \"y\": true\nb: 1\nc: null\n");
  /* lists begin where their key does */
  check ("{\"m\":{\"l\":[{\"id\":0,\"size\":1},{\"id\":1,\"size\":2}],\"w\":[\"a\",\"b\"]}}",
         "m:\n  l:\n  - id: 0\n    size: 1\n  - id: 1\n    size: 2\n  w:\n  - a\n  - b\n");
  check ("[[1,2],[3],{}]", "-\n  - 1\n  - 2\n-\n  - 3\n- {}\n");
  check ("{\"a\":[[{\"b\":1}]]}", "a:\n-\n  - b: 1\n");
  check ("{\"f\":76.99,\"n\":-62135596800}", "f: 76.99\n\"n\": -62135596800\n");
}

static void
test_strings (void)
{
  static const struct { const char *json, *yaml; } cases[] = {
    { "\"plain words\"", "plain words" }, { "\"/a/path\"", "/a/path" }, { "\"5.8.6\"", "5.8.6" }, { "\"1h 9m 34.00s (Approximately 0.04 days)\"", "1h 9m 34.00s (Approximately 0.04 days)" },
    { "\"CAP_A,CAP_B\"", "CAP_A,CAP_B" }, { "\"a:b\"", "a:b" }, { "\"a#b\"", "a#b" }, { "\"it's\"", "it's" }, { "\"-x\"", "-x" }, { "\"gr\\u00fcn\"", "grün" },
    /* what would be read as something else */
    { "\"\"", "\"\"" }, { "\"true\"", "\"true\"" }, { "\"No\"", "\"No\"" }, { "\"null\"", "\"null\"" }, { "\"~\"", "\"~\"" }, { "\"12\"", "\"12\"" }, { "\"1.5\"", "\"1.5\"" },
    { "\"-7\"", "\"-7\"" }, { "\"0x1f\"", "\"0x1f\"" }, { "\"1e3\"", "\"1e3\"" }, { "\"1_000\"", "\"1_000\"" }, { "\"1:30\"", "\"1:30\"" }, { "\".5\"", "\".5\"" },
    { "\"2024-05-01\"", "\"2024-05-01\"" }, { "\"2024-05-01T10:00:00Z\"", "\"2024-05-01T10:00:00Z\"" }, { "\".inf\"", "\".inf\"" },
    /* what plain style cannot hold */
    { "\"a: b\"", "'a: b'" }, { "\"a #b\"", "'a #b'" }, { "\"end:\"", "'end:'" }, { "\"- x\"", "'- x'" }, { "\"-\"", "'-'" }, { "\"{x}\"", "'{x}'" }, { "\"[x\"", "'[x'" },
    { "\"*x\"", "'*x'" }, { "\"&x\"", "'&x'" }, { "\"!x\"", "'!x'" }, { "\"'q': it's\"", "'''q'': it''s'" }, { "\" x\"", "' x'" }, { "\"x \"", "'x '" }, { "\"@x\"", "'@x'" },
    /* what must be escaped */
    { "\"a\\u0007b\"", "\"a\\u0007b\"" }, { "\"a\\u0000b\"", "\"a\\u0000b\"" }, { "\"a\\tb\"", "\"a\\tb\"" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line = g_strconcat (cases[i].yaml, "\n", NULL);
      check (cases[i].json, line);
      g_autofree char *object = g_strdup_printf ("{\"k\":%s}", cases[i].json), *expected = g_strdup_printf ("k: %s\n", cases[i].yaml);
      check (object, expected);
    }
}

static void
test_lines (void)
{
  check ("{\"k\":{\"v\":\"one\\ntwo\"}}", "k:\n  v: |-\n    one\n    two\n");
  check ("{\"k\":\"one\\ntwo\\n\"}", "k: |\n  one\n  two\n");
  check ("{\"k\":\"one\\n\\ntwo\\n\\n\"}", "k: |+\n  one\n\n  two\n\n");
  check ("{\"k\":\"one: #x\\n  two\"}", "k: |-\n  one: #x\n    two\n");
  check ("{\"k\":\" one\\ntwo\"}", "k: \" one\\ntwo\"\n");
  check ("{\"k\":\"\\n\"}", "k: \"\\n\"\n");
  check ("{\"a\\nb\":1}", "\"a\\nb\": 1\n");
  check ("[\"one\\ntwo\"]", "- |-\n  one\n  two\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/yaml/blocks", test_blocks);
  g_test_add_func ("/yaml/strings", test_strings);
  g_test_add_func ("/yaml/lines", test_lines);
  return g_test_run ();
}
