/* The few D-Bus messages that scope.c needs. Source: D-Bus specification, "Marshaling" and "Message Format". Little endian is written; what is read may be either, and everything else
 * than little endian is refused: both ends are of one machine. */
#include <string.h>

#include "pkg/cgroup/scope.h"

enum { MESSAGE_MAX = 1 << 20 };
enum { FIELD_PATH = 1,
       FIELD_INTERFACE,
       FIELD_MEMBER,
       FIELD_ERROR_NAME,
       FIELD_REPLY_SERIAL,
       FIELD_DESTINATION,
       FIELD_SENDER,
       FIELD_SIGNATURE };

/* ---- writing */

static void
put_align (GByteArray *out, guint to)
{
  static const guint8 zeros[8] = { 0 };
  g_byte_array_append (out, zeros, (to - out->len % to) % to);
}

static void
put_byte (GByteArray *out, guint8 value)
{
  g_byte_array_append (out, &value, 1);
}

static void
put_u32 (GByteArray *out, guint32 value)
{
  put_align (out, 4);
  value = GUINT32_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &value, 4);
}

static void
set_u32 (GByteArray *out, guint at, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (out->data + at, &value, 4);
}

static void
put_string (GByteArray *out, const char *text)
{
  put_u32 (out, (guint32) strlen (text));
  g_byte_array_append (out, (const guint8 *) text, (guint) strlen (text) + 1);
}

static void
put_signature (GByteArray *out, const char *text)
{
  put_byte (out, (guint8) strlen (text));
  g_byte_array_append (out, (const guint8 *) text, (guint) strlen (text) + 1);
}

/* An array's length goes before its first element's alignment, and does not count it. */
typedef struct {
  guint length_at, from;
} Array;

static Array
array_begin (GByteArray *out, guint align)
{
  put_u32 (out, 0);
  Array array = { .length_at = out->len - 4 };
  put_align (out, align);
  array.from = out->len;
  return array;
}

static void
array_end (GByteArray *out, Array array)
{
  set_u32 (out, array.length_at, out->len - array.from);
}

static void
put_field (GByteArray *out, guint8 code, const char *type, const char *text)
{
  put_align (out, 8);
  put_byte (out, code);
  put_signature (out, type);
  if (type[0] == 'g')
    put_signature (out, text);
  else
    put_string (out, text);
}

/* message_new: a call, serial 1, of the manager's @member with @body. Takes @body. */
static GByteArray *
message_new (const char *member, const char *signature, GByteArray *body)
{
  GByteArray *out = g_byte_array_new ();
  const guint8 begin[4] = { 'l', 1, 0, 1 };
  g_byte_array_append (out, begin, 4);
  put_u32 (out, body->len);
  put_u32 (out, 1);
  Array fields = array_begin (out, 8);
  put_field (out, FIELD_PATH, "o", "/org/freedesktop/systemd1");
  put_field (out, FIELD_INTERFACE, "s", "org.freedesktop.systemd1.Manager");
  put_field (out, FIELD_MEMBER, "s", member);
  put_field (out, FIELD_DESTINATION, "s", "org.freedesktop.systemd1");
  put_field (out, FIELD_SIGNATURE, "g", signature);
  array_end (out, fields);
  put_align (out, 8);
  g_byte_array_append (out, body->data, body->len);
  g_byte_array_unref (body);
  return out;
}

static void
put_property (GByteArray *out, const char *name, const char *type)
{
  put_align (out, 8);
  put_string (out, name);
  put_signature (out, type);
}

GByteArray *
scope_message_start (const char *unit, const char *slice, guint32 pid)
{
  GByteArray *body = g_byte_array_new ();
  put_string (body, unit);
  put_string (body, "replace");
  Array properties = array_begin (body, 8);
  put_property (body, "Description", "s");
  put_string (body, unit);
  put_property (body, "Slice", "s");
  put_string (body, slice);
  put_property (body, "Delegate", "b");
  put_u32 (body, 1);
  put_property (body, "CollectMode", "s");
  put_string (body, "inactive-or-failed");
  put_property (body, "PIDs", "au");
  Array pids = array_begin (body, 4);
  put_u32 (body, pid);
  array_end (body, pids);
  array_end (body, properties);
  array_end (body, array_begin (body, 8));
  return message_new ("StartTransientUnit", "ssa(sv)a(sa(sv))", body);
}

GByteArray *
scope_message_attach (const char *unit, const char *below, guint32 pid)
{
  GByteArray *body = g_byte_array_new ();
  put_string (body, unit);
  put_string (body, below);
  Array pids = array_begin (body, 4);
  put_u32 (body, pid);
  array_end (body, pids);
  return message_new ("AttachProcessesToUnit", "ssau", body);
}

/* ---- reading */

typedef struct {
  const guint8 *data;
  gsize at, end;
} Reader;

static gboolean
read_align (Reader *reader, gsize to)
{
  reader->at = (reader->at + to - 1) / to * to;
  return reader->at <= reader->end;
}

static gboolean
read_u32 (Reader *reader, guint32 *ret_value)
{
  if (!read_align (reader, 4) || reader->end - reader->at < 4)
    return FALSE;
  guint32 value;
  memcpy (&value, reader->data + reader->at, 4);
  *ret_value = GUINT32_FROM_LE (value);
  reader->at += 4;
  return TRUE;
}

/* read_text: @short_length: a signature, whose length is one byte. New; NULL when it breaks the format. */
static char *
read_text (Reader *reader, gboolean short_length)
{
  guint32 length;
  if (short_length)
    {
      if (reader->at >= reader->end)
        return NULL;
      length = reader->data[reader->at++];
    }
  else if (!read_u32 (reader, &length))
    return NULL;
  if (reader->end - reader->at <= length || reader->data[reader->at + length] != '\0')
    return NULL;
  char *text = g_strndup ((const char *) reader->data + reader->at, length);
  reader->at += (gsize) length + 1;
  return text;
}

gssize
scope_message_size (const guint8 *data, gsize n)
{
  if (n < 16)
    return 0;
  Reader reader = { data, 4, 16 };
  guint32 body, serial, fields;
  if (data[0] != 'l' || data[3] != 1 || !read_u32 (&reader, &body) || !read_u32 (&reader, &serial) || !read_u32 (&reader, &fields) || body > MESSAGE_MAX || fields > MESSAGE_MAX)
    return -1;
  gsize size = 16 + ((gsize) fields + 7) / 8 * 8 + body;
  return n >= size ? (gssize) size : 0;
}

void
scope_message_clear (ScopeMessage *message)
{
  g_free (message->member);
  g_free (message->error_name);
  g_free (message->signature);
  for (gsize i = 0; i < G_N_ELEMENTS (message->texts); i++)
    g_free (message->texts[i]);
  *message = (ScopeMessage) { 0 };
}

/* read_field: one of the header's; values of basic types only, as the specification has them. */
static gboolean
read_field (Reader *reader, ScopeMessage *message)
{
  if (!read_align (reader, 8) || reader->at >= reader->end)
    return FALSE;
  guint8 code = reader->data[reader->at++];
  g_autofree char *type = read_text (reader, TRUE);
  if (type == NULL)
    return FALSE;
  if (strcmp (type, "u") == 0)
    {
      guint32 value;
      if (!read_u32 (reader, &value))
        return FALSE;
      if (code == FIELD_REPLY_SERIAL)
        message->reply_serial = value;
      return TRUE;
    }
  if (strcmp (type, "s") != 0 && strcmp (type, "o") != 0 && strcmp (type, "g") != 0)
    return FALSE;
  g_autofree char *text = read_text (reader, type[0] == 'g');
  if (text == NULL)
    return FALSE;
  char **to = code == FIELD_MEMBER ? &message->member : code == FIELD_ERROR_NAME ? &message->error_name
                                                    : code == FIELD_SIGNATURE    ? &message->signature
                                                                                 : NULL;
  if (to != NULL)
    {
      g_free (*to);
      *to = g_steal_pointer (&text);
    }
  return TRUE;
}

static gboolean
read_body (Reader *reader, ScopeMessage *message)
{
  gsize n = 0;
  for (const char *type = message->signature != NULL ? message->signature : ""; *type != '\0' && n < G_N_ELEMENTS (message->texts); type++)
    {
      guint32 number;
      if (*type == 'u')
        {
          if (!read_u32 (reader, &number))
            return FALSE;
        }
      else if (*type == 's' || *type == 'o')
        {
          if ((message->texts[n++] = read_text (reader, FALSE)) == NULL)
            return FALSE;
        }
      else
        break;
    }
  return TRUE;
}

gboolean
scope_message_read (const guint8 *data, gsize n, ScopeMessage *ret_message)
{
  *ret_message = (ScopeMessage) { 0 };
  if (n < 16 || scope_message_size (data, n) != (gssize) n)
    return FALSE;
  guint32 fields;
  memcpy (&fields, data + 12, 4);
  ret_message->type = data[1];
  Reader header = { data, 16, 16 + (gsize) GUINT32_FROM_LE (fields) };
  gboolean good = TRUE;
  while (good && header.at < header.end)
    good = read_field (&header, ret_message);
  /* the body begins at a multiple of 8, so that what is aligned in the message is so in it */
  gsize from = (header.end + 7) / 8 * 8;
  Reader body = { data + from, 0, n - from };
  good = good && read_body (&body, ret_message);
  if (!good)
    scope_message_clear (ret_message);
  return good;
}
