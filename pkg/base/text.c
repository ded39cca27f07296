#include "pkg/base/text.h"

#include <string.h>

#include "pkg/base/error.h"

static char *
size_print (double size, double base, int digits, const char *space, const char *const *units)
{
  size_t unit = 0;
  for (; size >= base && units[unit + 1] != NULL; unit++)
    size /= base;
  char number[64];
  g_snprintf (number, sizeof number, "%.*g", digits, size);
  return g_strconcat (number, space, units[unit], NULL);
}

static const char *const decimal_units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB", NULL };
static const char *const binary_units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL };

char *
text_size (guint64 bytes, int digits)
{
  return size_print (bytes, 1000, digits, "", decimal_units);
}

char *
text_size_spaced (guint64 bytes)
{
  return size_print (bytes, 1000, 3, " ", decimal_units);
}

char *
text_size_binary (guint64 bytes)
{
  return size_print (bytes, 1024, 4, "", binary_units);
}

/* The multiplier of a suffix, 0 if it is none: "", b, or a letter with "", "b" or "ib" after it. */
static double
suffix_factor (const char *suffix, double step)
{
  if (*suffix == 0 || g_ascii_strcasecmp (suffix, "b") == 0)
    return 1;
  static const char letters[] = "kmgtp";
  const char *letter = strchr (letters, g_ascii_tolower (*suffix));
  if (letter == NULL)
    return 0;
  const char *rest = suffix + 1;
  if (*rest != 0 && g_ascii_strcasecmp (rest, "b") != 0 && g_ascii_strcasecmp (rest, "ib") != 0)
    return 0;
  double factor = step;
  for (const char *smaller = letters; smaller < letter; smaller++)
    factor *= step;
  return factor;
}

static gboolean
size_parse (const char *text, double step, gint64 *ret_bytes, GError **error)
{
  size_t digits = strspn (text, "0123456789.");
  g_autofree char *number = g_strndup (text, digits);
  const char *suffix = text + digits;
  char *end;
  double size = g_ascii_strtod (number, &end);
  if (digits == 0 || *end != 0 || end == number)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid size: '%s'", text);
  if (*suffix == ' ' && suffix[1] != 0)
    suffix++;
  double factor = suffix_factor (suffix, step);
  if (factor == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid suffix: '%s'", suffix);
  if (size * factor >= 9223372036854775808.0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid size: '%s': too large", text);
  *ret_bytes = (gint64) (size * factor);
  return TRUE;
}

gboolean
text_size_parse (const char *text, gint64 *ret_bytes, GError **error)
{
  return size_parse (text, 1024, ret_bytes, error);
}

gboolean
text_size_parse_decimal (const char *text, gint64 *ret_bytes, GError **error)
{
  return size_parse (text, 1000, ret_bytes, error);
}

char *
text_truncate (const char *text, size_t max, const char *ellipsis)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  if ((size_t) g_utf8_strlen (valid, -1) <= max)
    return g_strdup (text);
  size_t tail = g_utf8_strlen (ellipsis, -1);
  if (tail > max)
    return g_utf8_substring (ellipsis, 0, max);
  g_autofree char *head = g_utf8_substring (valid, 0, max - tail);
  return g_strconcat (head, ellipsis, NULL);
}

static gboolean
word_is_plain (const char *word)
{
  if (*word == 0)
    return FALSE;
  for (const char *c = word; *c != 0; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_-./:=@%+,", *c) == NULL && (guchar) *c < 0x80)
      return FALSE;
  return TRUE;
}

char *
text_quote (const char *const *argv)
{
  GString *out = g_string_new (NULL);
  for (size_t i = 0; argv != NULL && argv[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (out, ' ');
      g_autofree char *quoted = word_is_plain (argv[i]) ? g_strdup (argv[i]) : g_shell_quote (argv[i]);
      g_string_append (out, quoted);
    }
  return g_string_free (out, FALSE);
}

/* ---- columns */

typedef struct {
  const char *start;
  size_t bytes, width;   /* of the text */
  size_t padded;         /* of the column */
} Cell;

typedef struct {
  size_t first, count;   /* its cells; the last of them is no column's */
} Line;

static size_t
count_characters (const char *text, size_t bytes)
{
  size_t width = 0;
  for (size_t i = 0; i < bytes; i++)
    width += ((guchar) text[i] & 0xc0) != 0x80;
  return width;
}

static void
cells_split (const char *text, GArray *cells, GArray *lines)
{
  Line line = { 0, 0 };
  for (const char *at = text;;)
    {
      size_t bytes = strcspn (at, "\t\n");
      Cell cell = { at, bytes, count_characters (at, bytes), 0 };
      g_array_append_val (cells, cell);
      line.count++;
      if (at[bytes] != '\t')
        {
          g_array_append_val (lines, line);
          line = (Line) { cells->len, 0 };
        }
      if (at[bytes] == 0)
        return;
      at += bytes + 1;
    }
}

/* A column that the lines read so far have not ended yet. */
typedef struct {
  size_t first;   /* the line it began at */
  size_t width;
} Column;

/* End the columns from @keep on: @end is the first line that lacks them. All the cells of each get its width. */
static void
columns_close (GArray *cells, GArray *lines, GArray *columns, size_t keep, size_t end)
{
  for (size_t c = keep; c < columns->len; c++)
    {
      Column column = g_array_index (columns, Column, c);
      for (size_t i = column.first; i < end; i++)
        g_array_index (cells, Cell, g_array_index (lines, Line, i).first + c).padded = column.width;
    }
  if (keep < columns->len)
    g_array_set_size (columns, keep);
}

/* One pass, every cell visited twice, however the columns lie. */
static void
columns_measure (GArray *cells, GArray *lines, size_t min_width, size_t padding)
{
  g_autoptr (GArray) columns = g_array_new (FALSE, FALSE, sizeof (Column));
  for (size_t i = 0; i < lines->len; i++)
    {
      Line line = g_array_index (lines, Line, i);
      columns_close (cells, lines, columns, line.count - 1, i);
      while (columns->len < line.count - 1)
        {
          Column column = { i, min_width };
          g_array_append_val (columns, column);
        }
      for (size_t c = 0; c + 1 < line.count; c++)
        {
          Column *column = &g_array_index (columns, Column, c);
          column->width = MAX (column->width, g_array_index (cells, Cell, line.first + c).width + padding);
        }
    }
  columns_close (cells, lines, columns, 0, lines->len);
}

void
text_columns (const char *text, size_t min_width, size_t padding, GString *out)
{
  g_autoptr (GArray) cells = g_array_new (FALSE, FALSE, sizeof (Cell));
  g_autoptr (GArray) lines = g_array_new (FALSE, FALSE, sizeof (Line));
  cells_split (text, cells, lines);
  columns_measure (cells, lines, min_width, padding);
  for (size_t i = 0; i < lines->len; i++)
    {
      Line line = g_array_index (lines, Line, i);
      for (size_t j = 0; j < line.count; j++)
        {
          const Cell *cell = &g_array_index (cells, Cell, line.first + j);
          g_string_append_len (out, cell->start, cell->bytes);
          for (size_t k = cell->width; k < cell->padded; k++)
            g_string_append_c (out, ' ');
        }
      if (i + 1 < lines->len)
        g_string_append_c (out, '\n');
    }
}
