/* Any bytes are an entry of the journal's export format or are passed over: what is taken was there, and a second reading in small pieces says the same. */
#include <stdint.h>
#include <string.h>

#include "pkg/log/export.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* read_all: the texts, @step bytes at a time. */
static GString *
read_all (const char *data, size_t size, size_t step)
{
  g_autoptr (LogExport) export = log_export_new ();
  GString *texts = g_string_new (NULL);
  size_t at = 0, end = 0, scanned = 0;
  for (;;)
    {
      gboolean ended;
      size_t n = log_export_take (export, data + at, end - at, &scanned, &ended);
      if (n > end - at || scanned > end - at - n)
        g_error ("more than there is");
      at += n;
      if (ended && export->has_text)
        g_string_append_len (texts, export->text->str, (gssize) export->text->len);
      if (n == 0 && end == size)
        return texts;
      if (n == 0)
        end = end + step < size ? end + step : size;
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  g_autofree char *text = g_memdup2 (data, size);
  g_autoptr (GString) whole = read_all (text, size, size + 1), pieces = read_all (text, size, 3);
  if (!g_string_equal (whole, pieces))
    g_error ("read otherwise in pieces");
  return 0;
}
