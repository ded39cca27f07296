#include <string.h>

#include "pkg/base/error.h"
#include "pkg/json/json.h"

static json_t *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  json_t *value = json_parse_bounded (text, strlen (text), 1 << 20, JSON_PARSE_DEFAULT, &error);
  g_assert_no_error (error);
  return value;
}

static void
test_bounds (void)
{
  g_autofree char *opens = g_strnfill (JSON_MAX_DEPTH, '['), *closes = g_strnfill (JSON_MAX_DEPTH, ']');
  g_autofree char *deepest = g_strconcat (opens, closes, NULL), *deeper = g_strconcat ("[", opens, closes, "]", NULL);
  g_autofree char *quoted = g_strconcat ("\"\\\"", opens, opens, "\"", NULL);
  const struct { const char *text; size_t limit; JsonParseFlags flags; const char *problem; } rows[] = {
    { "{\"a\":1}", 7, 0, NULL },
    { "{\"a\":1}", 6, 0, "JSON of 7 bytes: more than the 6 allowed" },
    { deepest, 1000, 0, NULL },
    { deeper, 1000, 0, "JSON nested deeper than 128 levels" },
    { quoted, 1000, 0, NULL },
    { "{\"a\":1,\"a\":2}", 100, 0, NULL },
    { "{\"a\":1,\"a\":2}", 100, JSON_PARSE_UNIQUE_KEYS, "invalid JSON at line 1, column 10: duplicate object key near '\"a\"'" },
    { "[1] x", 100, 0, "invalid JSON at line 1, column 5: end of file expected near 'x'" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      json_t *value = json_parse_bounded (rows[i].text, strlen (rows[i].text), rows[i].limit, rows[i].flags, &error);
      if (rows[i].problem == NULL)
        g_assert_no_error (error);
      else
        {
          g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
          g_assert_cmpstr (error->message, ==, rows[i].problem);
        }
      g_assert_cmpint (value != NULL, ==, rows[i].problem == NULL);
      json_decref (value);
    }
}

static void
test_getters (void)
{
  json_t *root = parse ("{\"name\":\"x\",\"n\":5,\"b\":true,\"z\":null,\"config\":{\"Env\":[\"A=1\",\"B=2\"],\"Labels\":{\"a.b\":\"c\"},\"Bad\":[1],\"Mixed\":{\"k\":1}}}");
  const char *text = "default";
  gint64 number = 7;
  gboolean flag = FALSE;
  json_t *map = NULL, *array = NULL;
  g_auto (GStrv) env = NULL;
  g_autoptr (GError) error = NULL;
  g_assert_true (json_get_string (root, "missing", &text, &error));
  g_assert_true (json_get_string (root, "z", &text, &error));
  g_assert_true (json_get_string (root, "z.deeper", &text, &error));
  g_assert_cmpstr (text, ==, "default");
  g_assert_true (json_get_string (root, "name", &text, &error));
  g_assert_cmpstr (text, ==, "x");
  g_assert_true (json_get_int (root, "n", 0, 5, &number, &error));
  g_assert_cmpint (number, ==, 5);
  g_assert_true (json_get_bool (root, "b", &flag, &error));
  g_assert_true (flag);
  g_assert_true (json_get_strv (root, "config.Env", 2, &env, &error));
  g_assert_cmpuint (g_strv_length (env), ==, 2);
  g_assert_cmpstr (env[1], ==, "B=2");
  g_assert_true (json_get_map (root, "config.Labels", &map, &error));
  g_assert_cmpstr (json_string_value (json_object_get (map, "a.b")), ==, "c");
  g_assert_true (json_get_array (root, "config.Bad", &array, &error));
  g_assert_cmpuint (json_array_size (array), ==, 1);
  g_assert_true (json_lookup (root, "") == root);
  g_assert_null (json_lookup (root, "name.deeper"));
  g_assert_nonnull (json_lookup (root, "config.Env"));
  json_decref (root);
}

static void
test_getter_errors (void)
{
  json_t *root = parse ("{\"name\":\"x\",\"n\":5,\"config\":{\"Env\":\"A\",\"Bad\":[\"a\",1],\"Mixed\":{\"k\":1}}}");
  const char *text = NULL;
  gint64 number = 0;
  gboolean flag = FALSE;
  json_t *found = NULL;
  char **strv = NULL;
#define FAILS(call, problem)                                       \
  {                                                                \
    g_autoptr (GError) error = NULL;                               \
    g_assert_false (call);                                         \
    g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);  \
    g_assert_cmpstr (error->message, ==, problem);                 \
  }
  FAILS (json_get_string (root, "n", &text, &error), "n: expected a string, found a number");
  FAILS (json_get_string (root, "name.first", &text, &error), "name: expected an object, found a string");
  FAILS (json_get_string (root, "config.Env.x", &text, &error), "config.Env: expected an object, found a string");
  FAILS (json_get_int (root, "n", 6, 9, &number, &error), "n: 5 is not between 6 and 9");
  FAILS (json_get_int (root, "name", 6, 9, &number, &error), "name: expected an integer, found a string");
  FAILS (json_get_bool (root, "n", &flag, &error), "n: expected a boolean, found a number");
  FAILS (json_get_object (root, "n", &found, &error), "n: expected an object, found a number");
  FAILS (json_get_array (root, "config", &found, &error), "config: expected an array, found an object");
  FAILS (json_get_strv (root, "config.Env", 9, &strv, &error), "config.Env: expected an array, found a string");
  FAILS (json_get_strv (root, "config.Bad", 9, &strv, &error), "config.Bad[1]: expected a string, found a number");
  FAILS (json_get_strv (root, "config.Bad", 1, &strv, &error), "config.Bad: 2 items: more than the 1 allowed");
  FAILS (json_get_map (root, "config.Mixed", &found, &error), "config.Mixed[\"k\"]: expected a string, found a number");
  FAILS (json_need (text, "config.Cmd", &error), "config.Cmd: missing");
  g_assert_null (text);
  g_assert_null (strv);
  json_decref (root);
}

static void
test_write (void)
{
  static const struct { const char *json; int indent; JsonTextFlags flags; const char *text; } rows[] = {
    { "{\"b\":1,\"a\":[]}", 0, 0, "{\"b\":1,\"a\":[]}" },
    { "{\"b\":1,\"a\":{}}", 0, JSON_TEXT_SORT, "{\"a\":{},\"b\":1}" },
    { "[{\"b\":[1,null,true,false]}]", 4, 0, "[\n    {\n        \"b\": [\n            1,\n            null,\n            true,\n            false\n        ]\n    }\n]" },
    { "\"<&>\"", 0, 0, "\"<&>\"" },
    { "\"<&>\"", 0, JSON_TEXT_ESCAPE_HTML, "\"\\u003c\\u0026\\u003e\"" },
    { "\"\\u0001\\b\\f\\n\\r\\t\\\"\\\\\\/\\u2028\\u00e9\\u007f\"", 0, 0, "\"\\u0001\\b\\f\\n\\r\\t\\\"\\\\/\\u2028\xc3\xa9\x7f\"" },
    { "[0.1,1.5,100.0,1e21,1e20,1e-7,0.000001,-2.5e-9,0.0,123456789.125]", 0, 0,
      "[0.1,1.5,100,1e+21,100000000000000000000,1e-7,0.000001,-2.5e-9,0,123456789.125]" },
    { "[]", 4, 0, "[]" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      json_t *value = parse (rows[i].json);
      g_autofree char *text = json_to_text (value, rows[i].indent, rows[i].flags);
      g_assert_cmpstr (text, ==, rows[i].text);
      json_decref (value);
    }
  g_autoptr (GString) out = g_string_new (NULL);
  json_write_string (out, "a\xff" "b\0c", 5, JSON_TEXT_DEFAULT);
  g_assert_cmpstr (out->str, ==, "\"a\\ufffdb\\u0000c\"");
  json_t *array = json_strv ((const char *const[]) { "x", "y", NULL });
  g_autofree char *text = json_to_text (array, 0, 0);
  g_assert_cmpstr (text, ==, "[\"x\",\"y\"]");
  json_decref (array);
}

/* check_pick: @expected: NULL: it cannot be read. */
static void
check_pick (const char *text, const char *expected)
{
  static const char *const keys[] = { "command", "exposed", NULL };
  json_auto_t *picked = json_pick (text, keys);
  g_autofree char *found = picked != NULL ? json_to_text (picked, 0, JSON_TEXT_SORT) : NULL;
  g_assert_cmpstr (found, ==, expected);
}

static void
test_pick (void)
{
  check_pick ("{}", "{}");
  check_pick (" { } ", "{}");
  check_pick ("{\"other\":1}", "{}");
  check_pick ("{\"command\":[\"a\",\"b\"],\"other\":{\"command\":3},\"exposed\":{\"80\":{}}}", "{\"command\":[\"a\",\"b\"],\"exposed\":{\"80\":{}}}");
  check_pick ("{ \"other\" : \"a\\\"},{\\\\\" , \"command\" : null }", "{\"command\":null}");
  check_pick ("{\"other\":[[{}],\"]\"],\"command\":\"x\"}", "{\"command\":\"x\"}");
  check_pick ("{\"command\":1,\"command\":2}", "{\"command\":2}");
  static const char *const broken[] = { "", "[]", "1", "{", "{\"command\"", "{\"command\":", "{\"command\":}", "{\"command\":1", "{\"command\":1]", "{\"command\":[1}", "{\"other\":\"", "{\"other\":\"\\",
                                        "{\"command\":[1,]}", "{\"command\":1,", "{\"command\":1 2}", "{command:1}", "{\"a\":]}" };
  for (size_t i = 0; i < G_N_ELEMENTS (broken); i++)
    check_pick (broken[i], NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/pick", test_pick);
  g_test_add_func ("/json/bounds", test_bounds);
  g_test_add_func ("/json/getters", test_getters);
  g_test_add_func ("/json/getter-errors", test_getter_errors);
  g_test_add_func ("/json/write", test_write);
  return g_test_run ();
}
