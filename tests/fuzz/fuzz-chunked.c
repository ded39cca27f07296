/* fuzz-chunked: bytes as a layer that becomes zstd:chunked: whatever they are, they come out again, and a table that there is can be read. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/archive/chunked.h"
#include "pkg/archive/inflate.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static gboolean
append (const void *data, size_t size, void *user, GError **error)
{
  g_byte_array_append (user, data, (guint) size);
  return TRUE;
}

/* read_table: where the annotation says it is. */
static void
read_table (const GByteArray *blob, json_t *annotations)
{
  const char *position = json_string_value (json_object_get (annotations, CHUNKED_ANNOTATION_POSITION));
  guint64 at = g_ascii_strtoull (position, NULL, 10), packed = g_ascii_strtoull (strchr (position, ':') + 1, NULL, 10);
  g_autoptr (ByteStream) in = inflate_open (byte_stream_from_data (blob->data + at, packed), NULL, NULL);
  g_autofree char *text = NULL;
  size_t size;
  if (in == NULL || !byte_stream_read_all (in, (size_t) 64 << 20, &text, &size, NULL))
    abort ();
  json_auto_t *table = json_loadb (text, size, 0, NULL);
  if (!json_is_array (json_object_get (table, "entries")))
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (ByteStream) in = byte_stream_from_data (data, size);
  g_autoptr (GByteArray) blob = g_byte_array_new ();
  g_autofree char *back = NULL;
  json_auto_t *annotations = NULL;
  size_t n;
  if (!chunked_stream (in, 1, append, blob, &annotations, NULL))
    abort ();
  g_autoptr (ByteStream) again = inflate_open (byte_stream_from_data (blob->data, blob->len), NULL, NULL);
  if (again == NULL || !byte_stream_read_all (again, size, &back, &n, NULL) || n != size || (size > 0 && memcmp (back, data, size) != 0))
    abort ();
  if (annotations != NULL)
    read_table (blob, annotations);
  return 0;
}
