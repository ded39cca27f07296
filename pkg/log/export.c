#include "pkg/log/export.h"

#include <string.h>

#define SIZE_BYTES sizeof (guint64)

LogExport *
log_export_new (void)
{
  LogExport *export = g_new0 (LogExport, 1);
  export->text = g_string_new (NULL);
  export->cursor = g_string_new (NULL);
  export->next = g_string_new (NULL);
  return export;
}

void
log_export_free (LogExport *export)
{
  if (export == NULL)
    return;
  g_string_free (export->text, TRUE);
  g_string_free (export->cursor, TRUE);
  g_string_free (export->next, TRUE);
  g_free (export);
}

static gboolean
is_name (const char *name, gsize size, const char *wanted)
{
  return size == strlen (wanted) && memcmp (name, wanted, size) == 0;
}

static gint64
read_number (const char *text, gsize size)
{
  gint64 number = 0;
  for (gsize i = 0; i < size && g_ascii_isdigit (text[i]) && number < G_MAXINT64 / 100; i++)
    number = number * 10 + (text[i] - '0');
  return number;
}

static void
assign (GString *string, const char *value, gsize size)
{
  g_string_truncate (string, 0);
  g_string_append_len (string, value, (gssize) size);
}

static void
begin_entry (LogExport *export)
{
  export->whole = export->has_text = export->is_err = export->partial = FALSE;
  export->time = export->received = 0;
  g_string_truncate (export->next, 0);
}

static void
take_field (LogExport *export, const char *name, gsize name_size, const char *value, gsize size)
{
  if (export->whole)
    begin_entry (export);
  if (is_name (name, name_size, "MESSAGE") && !export->has_text)
    {
      assign (export->text, value, size);
      export->has_text = TRUE;
    }
  else if (is_name (name, name_size, "PRIORITY"))
    export->is_err = is_name (value, size, "3");
  else if (is_name (name, name_size, "CONTAINER_PARTIAL_MESSAGE"))
    export->partial = TRUE;
  else if (is_name (name, name_size, "_SOURCE_REALTIME_TIMESTAMP"))
    export->time = read_number (value, size);
  else if (is_name (name, name_size, "__REALTIME_TIMESTAMP"))
    export->received = read_number (value, size);
  else if (is_name (name, name_size, "__CURSOR"))
    assign (export->next, value, size);
}

/* end_entry: an empty line that ends none means nothing. */
static gboolean
end_entry (LogExport *export)
{
  if (export->whole)
    return FALSE;
  export->whole = TRUE;
  export->time = export->time != 0 ? export->time : export->received;
  if (export->next->len > 0)
    assign (export->cursor, export->next->str, export->next->len);
  return TRUE;
}

/* take_binary: @line: the length of the name. */
static gsize
take_binary (LogExport *export, const char *data, gsize size, gsize line)
{
  guint64 length;
  gsize head = line + 1 + SIZE_BYTES;
  if (size < head)
    return 0;
  memcpy (&length, data + line + 1, SIZE_BYTES);
  length = GUINT64_FROM_LE (length);
  if (length > LOG_EXPORT_FIELD_MAX)
    {
      export->drop = length < G_MAXSIZE ? length + 1 : G_MAXSIZE;
      return head;
    }
  if (size - head < length + 1)
    return 0;
  take_field (export, data, line, data + head, length);
  return head + length + 1;
}

gsize
log_export_take (LogExport *export, const char *data, gsize size, gsize *scanned, gboolean *ret_ended)
{
  *ret_ended = FALSE;
  if (export->drop > 0)
    {
      gsize n = MIN (export->drop, size);
      export->drop -= n;
      return n;
    }
  const char *end = memchr (data + *scanned, '\n', size - *scanned);
  *scanned = 0;
  if (end == NULL)
    {
      export->skipping = export->skipping || size > LOG_EXPORT_FIELD_MAX;
      *scanned = export->skipping ? 0 : size;
      return export->skipping ? size : 0;
    }
  gsize line = (gsize) (end - data);
  if (export->skipping || line > LOG_EXPORT_FIELD_MAX)
    {
      export->skipping = FALSE;
      return line + 1;
    }
  if (line == 0)
    {
      *ret_ended = end_entry (export);
      return 1;
    }
  const char *equals = memchr (data, '=', line);
  if (equals == NULL)
    return take_binary (export, data, size, line);
  take_field (export, data, (gsize) (equals - data), equals + 1, (gsize) (end - equals - 1));
  return line + 1;
}
