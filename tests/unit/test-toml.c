#include <stdlib.h>

#include "pkg/base/error.h"
#include "pkg/toml/toml.h"

static void
test_values (void)
{
  const struct { const char *toml, *json; } rows[] = {
    { "", "{}" },
    { "# nothing\n\n", "{}" },
    { "a = 1\r\nb = \"x\" # c\r\n", "{\"a\":1,\"b\":\"x\"}" },
    { "a = 0x1F\nb = -1_000\nc = 1.5e3\nd = +7\ne = 0o17\nf = 0b11", "{\"a\":31,\"b\":-1000,\"c\":1500.0,\"d\":7,\"e\":15,\"f\":3}" },
    { "a = [1, 2, # two\n 3,\n]\nb = []", "{\"a\":[1,2,3],\"b\":[]}" },
    { "[s]\nx = true\n[s.o]\ny = false\n", "{\"s\":{\"x\":true,\"o\":{\"y\":false}}}" },
    { "[[r]]\na = 1\n[[r]]\na = 2\n[r.t]\nb = 3", "{\"r\":[{\"a\":1},{\"a\":2,\"t\":{\"b\":3}}]}" },
    { "a.\"b.c\".d = 'x\\n'", "{\"a\":{\"b.c\":{\"d\":\"x\\\\n\"}}}" },
    { "t = { x = 1, y.z = [ { } ] }", "{\"t\":{\"x\":1,\"y\":{\"z\":[{}]}}}" },
    { "s = \"a\\t\\u00e9\\\"\"", "{\"s\":\"a\\t\xc3\xa9\\\"\"}" },
    { "s = \"\"\"\none \\\n   two\nthree\"\"\"\nx = 1", "{\"s\":\"one two\\nthree\",\"x\":1}" },
    { "s = '''\na'b'''", "{\"s\":\"a'b\"}" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      json_t *value = toml_parse (rows[i].toml, &error);
      g_assert_no_error (error);
      char *text = json_dumps (value, JSON_COMPACT);
      g_assert_cmpstr (text, ==, rows[i].json);
      free (text);
      json_decref (value);
    }
}

static void
test_broken (void)
{
  g_autofree char *deep = g_strnfill (1000, '['), *deep_value = g_strconcat ("a = ", deep, NULL);
  const struct { const char *toml, *problem; } rows[] = {
    { "a", "line 1: expected '=' after a key" },
    { "\n= 1", "line 2: expected a key" },
    { "a = ", "line 1: a value that is neither string, number, boolean, array nor table" },
    { "a = \"x\n", "line 1: a string without end" },
    { "a = \"\"\"x\n\n", "line 3: a string without end" },
    { "a = 1 2", "line 1: something after the value" },
    { "a = 1\na = 2", "line 2: a key that was set before" },
    { "a = 1\n[a]", "line 2: a key that is a value and a table" },
    { "a = 1\n[[a]]", "line 2: a key that is a value and an array of tables" },
    { "[a\n", "line 1: expected ']' after a table's name" },
    { "a = [1 2]", "line 1: expected ',' or ']' in an array" },
    { "a = { b = 1", "line 1: expected ',' or '}' in a table" },
    { "a = \"\"\"x\\", "line 1: a string without end" },
    { "a = \"\\q\"", "line 1: a broken escape in a string" },
    { "a = \"\\ud800\"", "line 1: a broken escape in a string" },
    { "a = \"\xff\"", "not UTF-8" },
    { deep_value, "line 1: nested too deeply" },
    { "a = inf", "line 1: a value that is neither string, number, boolean, array nor table" },
    { "a = 0x", "line 1: a value that is neither string, number, boolean, array nor table" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (toml_parse (rows[i].toml, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, rows[i].problem);
    }
}

static void
test_read (void)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (toml_read ("/nonexistent/file.conf", &error));
  g_assert_no_error (error);
  g_assert_null (toml_read ("/", &error));
  g_assert_nonnull (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/toml/values", test_values);
  g_test_add_func ("/toml/broken", test_broken);
  g_test_add_func ("/toml/read", test_read);
  return g_test_run ();
}
