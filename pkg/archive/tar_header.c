#include "pkg/archive/tar_header.h"

#include <string.h>

#define XATTR "SCHILY.xattr."

static void
member_clear (TarMember *member)
{
  g_free (member->name);
  g_free (member->link);
  json_decref (member->xattrs);
  *member = (TarMember){ 0 };
}

/* forget: the extensions, which are of one member. */
static void
forget (TarHeader *header)
{
  g_clear_pointer (&header->long_name, g_free);
  g_clear_pointer (&header->long_link, g_free);
  g_clear_pointer (&header->records, g_hash_table_unref);
}

void
tar_header_clear (TarHeader *header)
{
  member_clear (&header->member);
  forget (header);
}

/* ---- fields */

static char *
read_text (const guint8 *field, size_t size)
{
  return g_strndup ((const char *) field, size);
}

/* read_binary: base-256, two's complement, with the first bit to say that it is so. */
static gboolean
read_binary (const guint8 *field, size_t size, gint64 *ret)
{
  gboolean negative = (field[0] & 0x40) != 0;
  guint64 value = 0;
  for (size_t i = 0; i < size; i++)
    {
      guint8 byte = negative ? (guint8) ~field[i] : field[i];
      if (i == 0)
        byte &= 0x7f;
      if (value >> 56 != 0)
        return FALSE;
      value = value << 8 | byte;
    }
  if (value > G_MAXINT64)
    return FALSE;
  *ret = negative ? (gint64) ~value : (gint64) value;
  return TRUE;
}

static gboolean
read_number (const guint8 *field, size_t size, gint64 *ret)
{
  guint64 value = 0;
  if (field[0] & 0x80)
    return read_binary (field, size, ret);
  while (size > 0 && (field[0] == ' ' || field[0] == '\0'))
    field++, size--;
  while (size > 0 && (field[size - 1] == ' ' || field[size - 1] == '\0'))
    size--;
  for (size_t i = 0; i < size; i++)
    {
      if (field[i] < '0' || field[i] > '7')
        return FALSE;
      value = value << 3 | (guint64) (field[i] - '0');
    }
  *ret = (gint64) value;
  return TRUE;
}

/* sum_is_right: of all bytes, with the sum's own field as blanks; some writers took them for signed. */
static gboolean
sum_is_right (const guint8 *block)
{
  gint64 said = 0, plain = 0, with_sign = 0;
  for (int i = 0; i < TAR_BLOCK; i++)
    {
      guint8 byte = i >= 148 && i < 156 ? ' ' : block[i];
      plain += byte;
      with_sign += (gint8) byte;
    }
  return read_number (block + 148, 8, &said) && (said == plain || said == with_sign);
}

/* ---- pax */

static gboolean
text_decimal (const char *text, size_t size, gint64 *ret)
{
  char digits[21];
  const char *first = text + (size > 0 && (text[0] == '-' || text[0] == '+'));
  if (size == 0 || size >= sizeof digits || first == text + size)
    return FALSE;
  for (const char *p = first; p < text + size; p++)
    if (!g_ascii_isdigit (*p))
      return FALSE;
  memcpy (digits, text, size);
  digits[size] = '\0';
  return g_ascii_string_to_signed (digits, 10, G_MININT64, G_MAXINT64, ret, NULL);
}

/* record: the value of @key; NULL: there is none, or an empty one, which leaves what the header says. */
static const char *
record (const TarHeader *header, const char *key, size_t *ret_size)
{
  GBytes *value = header->records != NULL ? g_hash_table_lookup (header->records, key) : NULL;
  const char *data = value != NULL ? g_bytes_get_data (value, ret_size) : NULL;
  return data != NULL && *ret_size > 0 ? data : NULL;
}

static gboolean
take_number (const TarHeader *header, const char *key, gint64 *number)
{
  size_t size;
  const char *text = record (header, key, &size);
  return text == NULL || text_decimal (text, size, number);
}

/* take_time: SECONDS or SECONDS.FRACTION. */
static gboolean
take_time (const TarHeader *header, const char *key, TarTime *time)
{
  size_t size;
  const char *text = record (header, key, &size), *dot = text != NULL ? memchr (text, '.', size) : NULL;
  gint32 nsec = 0, unit = 100000000;
  if (text == NULL)
    return TRUE;
  if (!text_decimal (text, dot != NULL ? (size_t) (dot - text) : size, &time->sec))
    return FALSE;
  for (const char *p = dot != NULL ? dot + 1 : text + size; p < text + size; p++, unit /= 10)
    {
      if (!g_ascii_isdigit (*p))
        return FALSE;
      nsec += (*p - '0') * unit;
    }
  if (text[0] == '-' && nsec > 0)
    {
      nsec = 1000000000 - nsec;
      time->sec -= time->sec > G_MININT64;
    }
  time->nsec = nsec;
  time->given = TRUE;
  return TRUE;
}

static gboolean
take_text (const TarHeader *header, const char *key, char **text)
{
  size_t size;
  const char *value = record (header, key, &size);
  if (value == NULL)
    return TRUE;
  if (memchr (value, '\0', size) != NULL)
    return FALSE;
  g_free (*text);
  *text = g_strndup (value, size);
  return TRUE;
}

static void
take_xattrs (const TarHeader *header, TarMember *member)
{
  GHashTableIter iter;
  gpointer key, value;
  g_hash_table_iter_init (&iter, header->records);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_str_has_prefix (key, XATTR))
      {
        size_t size;
        const guint8 *data = g_bytes_get_data (value, &size);
        g_autofree char *text = size > 0 ? g_base64_encode (data, size) : g_strdup ("");
        if (member->xattrs == NULL)
          member->xattrs = json_object ();
        (void) json_object_set_new (member->xattrs, (char *) key + strlen (XATTR), json_string (text));
      }
}

/* add_record: "LENGTH KEY=VALUE\n" at the beginning of what is left of the header. */
static gboolean
add_record (TarHeader *header, const char **data, size_t *left)
{
  const char *blank = memchr (*data, ' ', MIN (*left, 20));
  gint64 length = 0;
  if (blank == NULL || !text_decimal (*data, (size_t) (blank - *data), &length) || length < blank - *data + 4 || (size_t) length > *left || (*data)[length - 1] != '\n')
    return FALSE;
  const char *key = blank + 1, *end = *data + length - 1, *equals = memchr (key, '=', (size_t) (end - key));
  if (equals == NULL || equals == key || memchr (key, '\0', (size_t) (equals - key)) != NULL || !g_utf8_validate (key, equals - key, NULL))
    return FALSE;
  char *name = g_strndup (key, (size_t) (equals - key));
  gboolean known = !g_str_has_prefix (name, "GNU.sparse.");
  g_hash_table_replace (header->records, name, g_bytes_new (equals + 1, (size_t) (end - equals - 1)));
  *data += length;
  *left -= (size_t) length;
  return known;
}

gboolean
tar_header_extension (TarHeader *header, const guint8 *data, size_t size)
{
  char **text = header->extension == 'L' ? &header->long_name : &header->long_link;
  const char *at = (const char *) data;
  if (header->extension != 'x')
    {
      g_free (*text);
      *text = read_text (data, size);
      return TRUE;
    }
  header->records = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  while (size > 0)
    if (!add_record (header, &at, &size))
      return FALSE;
  return TRUE;
}

/* ---- headers */

/* Which fields a header has, by its magic. */
typedef enum { DIALECT_OLD, DIALECT_USTAR, DIALECT_GNU, DIALECT_STRANGE } Dialect;

static Dialect
dialect_of (const guint8 *block)
{
  if (memcmp (block + 257, "ustar\0" "00", 8) == 0)
    return memcmp (block + 508, "tar\0", 4) == 0 ? DIALECT_STRANGE : DIALECT_USTAR;
  if (memcmp (block + 257, "ustar  \0", 8) == 0)
    return block[345] != 0 || block[357] != 0 ? DIALECT_STRANGE : DIALECT_GNU;   /* times, where ustar has the beginning of a name */
  return memcmp (block + 257, "ustar", 5) == 0 ? DIALECT_STRANGE : DIALECT_OLD;
}

static char *
read_name (const guint8 *block, Dialect dialect)
{
  g_autofree char *name = read_text (block, 100), *prefix = dialect == DIALECT_USTAR ? read_text (block + 345, 155) : NULL;
  return prefix != NULL && *prefix != '\0' ? g_strconcat (prefix, "/", name, NULL) : g_steal_pointer (&name);
}

static gboolean
read_fields (const guint8 *block, TarMember *member)
{
  Dialect dialect = dialect_of (block);
  member->type = block[156] == '\0' ? '0' : (char) block[156];
  member->name = read_name (block, dialect);
  member->link = read_text (block + 157, 100);
  member->modified.given = TRUE;
  return dialect != DIALECT_STRANGE && read_number (block + 100, 8, &member->mode) && read_number (block + 108, 8, &member->uid) && read_number (block + 116, 8, &member->gid) &&
         read_number (block + 124, 12, &member->size) && read_number (block + 136, 12, &member->modified.sec) &&
         (dialect == DIALECT_OLD || (read_number (block + 329, 8, &member->major) && read_number (block + 337, 8, &member->minor)));
}

static gboolean
extend (TarHeader *header)
{
  TarMember *member = &header->member;
  if (header->records != NULL)
    {
      if (!take_text (header, "path", &member->name) || !take_text (header, "linkpath", &member->link) || !take_number (header, "uid", &member->uid) ||
          !take_number (header, "gid", &member->gid) || !take_number (header, "size", &member->size) || !take_time (header, "mtime", &member->modified) ||
          !take_time (header, "atime", &member->accessed) || !take_time (header, "ctime", &member->changed))
        return FALSE;
      take_xattrs (header, member);
    }
  if (header->long_name != NULL && *header->long_name != '\0')
    {
      g_free (member->name);
      member->name = g_steal_pointer (&header->long_name);
    }
  if (header->long_link != NULL && *header->long_link != '\0')
    {
      g_free (member->link);
      member->link = g_steal_pointer (&header->long_link);
    }
  return TRUE;
}

/* is_plain: one that all read alike. */
static gboolean
is_plain (const TarMember *member)
{
  if (strchr ("0123456", member->type) == NULL || member->size < 0 || (member->type != '0' && member->size > 0))
    return FALSE;
  return *member->name != '\0' && g_utf8_validate (member->name, -1, NULL) && g_utf8_validate (member->link, -1, NULL) && !(member->type == '0' && g_str_has_suffix (member->name, "/"));
}

TarHeaderKind
tar_header_block (TarHeader *header, const guint8 block[TAR_BLOCK], size_t *ret_size)
{
  static const guint8 zeros[TAR_BLOCK];
  TarMember *member = &header->member;
  member_clear (member);
  if (memcmp (block, zeros, TAR_BLOCK) == 0)
    return TAR_ZERO;
  if (!sum_is_right (block) || !read_fields (block, member))
    return TAR_STRANGE;
  if (member->type == 'x' || member->type == 'L' || member->type == 'K')
    {
      gboolean again = member->type == 'x' ? header->records != NULL : (member->type == 'L' ? header->long_name : header->long_link) != NULL;
      if (again || member->size < 0 || member->size > TAR_EXTENSION_LIMIT)
        return TAR_STRANGE;
      header->extension = member->type;
      *ret_size = (size_t) member->size;
      return TAR_EXTENSION;
    }
  gboolean ok = extend (header) && is_plain (member);
  forget (header);
  return ok ? TAR_MEMBER : TAR_STRANGE;
}
