/* template-rows: templates and what they print, for tests of pkg/template. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/template/template.h"

typedef struct {
  const char *format, *expected;   /* what is printed, or the error's words */
} Row;

/* check_rows: each, of the JSON text @sample. */
static inline void
check_rows (const char *sample, const Row *rows, size_t count)
{
  json_t *value = json_loads (sample, 0, NULL);
  g_assert_nonnull (value);
  for (size_t i = 0; i < count; i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", rows[i].format);
      gboolean ok = template_render (rows[i].format, value, out, &error);
      g_assert_cmpint (ok, ==, error == NULL);
      g_assert_cmpstr (ok ? out->str : error->message, ==, rows[i].expected);
      g_assert_true (!ok || template_check (rows[i].format, NULL));
    }
  json_decref (value);
}
