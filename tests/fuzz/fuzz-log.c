/* Any bytes are a log's line or are refused; what is found lies within the line or the scratch, and its time prints. */
#include <stdint.h>
#include <string.h>

#include "pkg/log/record.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GString) scratch = g_string_new (NULL);
  g_autofree char *line = g_memdup2 (data, size);
  LogRecord record;
  char text[64];
  if (size == 0 || !log_record_parse (line, size, scratch, &record))
    return 0;
  gboolean inside = (record.text >= line && record.text + record.size <= line + size) || (record.text >= scratch->str && record.text + record.size <= scratch->str + scratch->len);
  if (!inside || record.stamp < line || record.stamp + record.stamp_size > line + size)
    g_error ("outside of the line");
  if (log_time_text (log_record_time (&record), text) != strlen (text))
    g_error ("a time that does not print");
  return 0;
}
