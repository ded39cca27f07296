/* Any format, run over a value and over a list, ends with text or a clean error. */
#include <stdint.h>
#include <string.h>

#include "pkg/template/template.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char sample[] = "{\"ID\":\"0123456789ab\",\"Names\":[\"a\",\"b\"],\"Labels\":{\"x\":\"y\",\"z\":\"\"},\"N\":-7,\"F\":1.5,\"B\":true,\"Z\":null,"
                             "\"Created\":\"2024-05-01T10:00:05.12045Z\",\"State\":{\"StartedAt\":\"2024-05-01T12:00:06+05:30\",\"FinishedAt\":\"0001-01-01T00:00:00Z\"},"
                             "\"Healthcheck\":{\"Interval\":90000000000},"
                             "\"Config\":{\"Env\":[\"A=1\"],\"Deep\":[[1,2],[{\"k\":\"\\u00e9\"}]]}}";

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *format = g_strndup ((const char *) data, size);
  json_t *value = json_loads (sample, 0, NULL), *list = json_array ();
  json_array_append (list, value);
  json_array_append (list, value);
  g_autoptr (GError) check = NULL, first = NULL, second = NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean parses = template_check (format, &check);
  gboolean ok = template_render (format, value, out, &first);
  if (parses != (check == NULL) || ok != (first == NULL))
    g_error ("result and error disagree");
  if (ok && !parses && strcmp (format, "json") != 0 && !g_str_has_prefix (format, "table"))
    g_error ("refused by check, run by render");
  ok = template_render_list (format, list, NULL, TEMPLATE_DEFAULT, out, &second);
  if (ok != (second == NULL))
    g_error ("result and error disagree for a list");
  json_decref (list);
  json_decref (value);
  return 0;
}
