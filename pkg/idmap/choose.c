#include "pkg/idmap/choose.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/idmap/subid.h"

/* ---- --userns */

void
userns_mode_clear (UsernsMode *mode)
{
  g_clear_pointer (&mode->uidmapping, g_ptr_array_unref);
  g_clear_pointer (&mode->gidmapping, g_ptr_array_unref);
  g_clear_pointer (&mode->other, g_free);
}

static const struct {
  const char *name;
  UsernsKind kind;
  const char *options;   /* those it knows */
} modes[] = {
  { "host", USERNS_HOST, NULL },  { "", USERNS_HOST, NULL },       { "single", USERNS_SINGLE, NULL },          { "keep-id", USERNS_KEEP_ID, "uid gid size" },
  { "nomap", USERNS_NOMAP, NULL }, { "private", USERNS_PRIVATE, NULL }, { "auto", USERNS_AUTO, "size uidmapping gidmapping" },
};

static gboolean
read_option (UsernsMode *mode, const char *known, const char *option, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (option, "=", 2), names = g_strsplit (known, " ", -1);
  if (parts[0] == NULL || parts[1] == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid option specified: \"%s\"", option);
  if (!g_strv_contains ((const char *const *) names, parts[0]))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown option specified: \"%s\"", parts[0]);
  if (strcmp (parts[0], "uidmapping") == 0 || strcmp (parts[0], "gidmapping") == 0)
    {
      g_ptr_array_add (parts[0][0] == 'u' ? mode->uidmapping : mode->gidmapping, g_strdup (parts[1]));
      return TRUE;
    }
  guint64 number;
  if (!g_ascii_string_to_unsigned (parts[1], 10, 0, G_MAXUINT32 - 1, &number, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "userns: %s: \"%s\": invalid number", parts[0], parts[1]);
  *(strcmp (parts[0], "uid") == 0 ? &mode->uid : strcmp (parts[0], "gid") == 0 ? &mode->gid : &mode->size) = (gint64) number;
  return TRUE;
}

gboolean
userns_mode_parse (const char *text, UsernsMode *ret_mode, GError **error)
{
  static const struct {
    const char *prefix;
    UsernsKind kind;
  } others[] = { { "container:", USERNS_CONTAINER }, { "ns:", USERNS_PATH } };
  g_auto (UsernsMode) mode = { .uid = -1, .gid = -1, .size = -1, .uidmapping = g_ptr_array_new_with_free_func (g_free), .gidmapping = g_ptr_array_new_with_free_func (g_free) };
  text = text != NULL ? text : "";
  size_t length = strcspn (text, ":");
  gboolean found = FALSE;
  for (size_t i = 0; i < G_N_ELEMENTS (others) && !found; i++)
    if (g_str_has_prefix (text, others[i].prefix) && text[strlen (others[i].prefix)] != '\0')
      {
        mode.kind = others[i].kind;
        mode.other = g_strdup (text + strlen (others[i].prefix));
        found = TRUE;
      }
  for (size_t i = 0; i < G_N_ELEMENTS (modes) && !found; i++)
    {
      if (strlen (modes[i].name) != length || strncmp (text, modes[i].name, length) != 0 || (text[length] == ':' && modes[i].options == NULL))
        continue;
      g_auto (GStrv) options = g_strsplit (text[length] == ':' ? text + length + 1 : "", ",", -1);
      mode.kind = modes[i].kind;
      for (char **option = options; *option != NULL; option++)
        if (!read_option (&mode, modes[i].options, *option, error))
          return FALSE;
      found = TRUE;
    }
  if (!found)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unrecognized namespace mode %s passed", text);
  *ret_mode = mode;
  mode = (UsernsMode){ 0 };
  return TRUE;
}

/* ---- tables */

static GArray *
ranges_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (IdRange));
}

static void
add (GArray *ranges, guint64 inside, guint64 outside, guint64 count)
{
  IdRange *last = ranges->len > 0 ? &g_array_index (ranges, IdRange, ranges->len - 1) : NULL;
  if (count == 0)
    return;
  if (last != NULL && (guint64) last->inside + last->count == inside && (guint64) last->outside + last->count == outside)
    {
      last->count += (guint32) count;
      return;
    }
  IdRange range = { (guint32) inside, (guint32) outside, (guint32) count };
  g_array_append_val (ranges, range);
}

static gint
by_inside (gconstpointer one, gconstpointer other)
{
  const IdRange *a = one, *b = other;
  return a->inside < b->inside ? -1 : a->inside > b->inside;
}

static guint64
total (const IdRange *parent, size_t n)
{
  guint64 count = 0;
  for (size_t i = 0; i < n; i++)
    count += parent[i].count;
  return count;
}

GArray *
choose_keep_id (const IdRange *parent, size_t n_parent, guint32 own, gint64 size)
{
  GArray *ranges = ranges_new ();
  guint64 all = total (parent, n_parent);
  if (size > 0 && (guint64) size < all)
    all = (guint64) size;
  add (ranges, 0, 1, MIN ((guint64) own, all - 1));
  add (ranges, own, 0, 1);
  if (all > (guint64) own + 1)
    add (ranges, (guint64) own + 1, (guint64) own + 1, all - own - 1);
  return ranges;
}

GArray *
choose_all_but_own (const IdRange *parent, size_t n_parent)
{
  GArray *ranges = ranges_new ();
  add (ranges, 0, 1, total (parent, n_parent) - 1);
  return ranges;
}

GArray *
choose_all (const IdRange *parent, size_t n_parent)
{
  GArray *ranges = ranges_new ();
  for (size_t i = 0; i < n_parent; i++)
    add (ranges, parent[i].inside, parent[i].inside, parent[i].count);
  return ranges;
}

/* ---- --uidmap, --gidmap */

typedef struct {
  gboolean extend, only_uid, only_gid, host;
  guint32 inside, from, count;
} Word;

static gboolean
throw_form (const char *word, char kind, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_INVALID, "initializing ID mappings: %cID setting is malformed expected [\"[+ug]uint32:[@]uint32[:uint32]\"] : [\"%s\"]", g_ascii_toupper (kind), word);
}

static gboolean
read_word (const char *text, char kind, Word *ret_word, GError **error)
{
  const char *at = text;
  Word word = { 0 };
  for (; *at == '+' || *at == 'u' || *at == 'g'; at++)
    *(*at == '+' ? &word.extend : *at == 'u' ? &word.only_uid : &word.only_gid) = TRUE;
  g_auto (GStrv) parts = g_strsplit (at, ":", 4);
  guint n = g_strv_length (parts);
  if (n < 2 || n > 3)
    return throw_form (text, kind, error);
  word.host = parts[1][0] == '@';
  const char *numbers[] = { parts[0], parts[1] + word.host, n == 3 ? parts[2] : "1" };
  guint32 *to[] = { &word.inside, &word.from, &word.count };
  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      guint64 number;
      if (!g_ascii_string_to_unsigned (numbers[i], 10, 0, G_MAXUINT32 - 1, &number, NULL))
        return throw_form (text, kind, error);
      *to[i] = (guint32) number;
    }
  if ((guint64) word.inside + word.count > G_MAXUINT32 || (guint64) word.from + word.count > G_MAXUINT32)
    return throw_form (text, kind, error);
  if (word.count == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "must provide at least one UID or GID mapping to configure a user namespace");
  *ret_word = word;
  return TRUE;
}

/* cut: take the ids from @from on out of @ranges, as seen @inside or outside. */
static void
cut (GArray *ranges, gboolean inside, guint64 from, guint64 count)
{
  g_autoptr (GArray) rest = ranges_new ();
  for (guint i = 0; i < ranges->len; i++)
    {
      IdRange range = g_array_index (ranges, IdRange, i);
      guint64 start = inside ? range.inside : range.outside, end = start + range.count;
      guint64 first = CLAMP (from, start, end), last = CLAMP (from + count, start, end);
      if (first >= last)
        {
          add (rest, range.inside, range.outside, range.count);
          continue;
        }
      add (rest, range.inside, range.outside, first - start);
      add (rest, range.inside + (last - start), range.outside + (last - start), end - last);
    }
  g_array_set_size (ranges, 0);
  if (rest->len > 0)
    g_array_append_vals (ranges, rest->data, rest->len);
}

static gboolean
overlaps (const GArray *ranges, const IdRange *range)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const IdRange *other = &g_array_index (ranges, IdRange, i);
      if (((guint64) range->inside < (guint64) other->inside + other->count && (guint64) other->inside < (guint64) range->inside + range->count)
          || ((guint64) range->outside < (guint64) other->outside + other->count && (guint64) other->outside < (guint64) range->outside + range->count))
        return TRUE;
    }
  return FALSE;
}

/* piece: of the host's ids from @host on those that are one range in the parent. FALSE: the first is not there. */
static gboolean
piece (const IdRange *parent, size_t n_parent, guint32 host, guint32 wanted, guint32 *ret_from, guint32 *ret_count)
{
  for (size_t i = 0; i < n_parent; i++)
    if (host >= parent[i].outside && host - parent[i].outside < parent[i].count)
      {
        *ret_from = parent[i].inside + (host - parent[i].outside);
        *ret_count = MIN (wanted, parent[i].count - (host - parent[i].outside));
        return TRUE;
      }
  return FALSE;
}

/* has_all: are the parent's ids from @from on all there? */
static gboolean
has_all (const IdRange *parent, size_t n_parent, guint64 from, guint64 count)
{
  guint64 found = 0;
  for (size_t i = 0; i < n_parent; i++)
    {
      guint64 start = parent[i].inside, end = start + parent[i].count;
      found += CLAMP (from + count, start, end) - CLAMP (from, start, end);
    }
  return found == count;
}

static gboolean
put_range (GArray *ranges, const IdRange *range, gboolean extend, GError **error)
{
  if (extend)
    {
      cut (ranges, TRUE, range->inside, range->count);
      cut (ranges, FALSE, range->outside, range->count);
    }
  else if (overlaps (ranges, range))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "creating container storage: the specified UID and/or GID mapping %u:%u:%u conflicts with other mappings: invalid mappings specified",
                          range->inside, range->outside, range->count);
  g_array_append_val (ranges, *range);
  return TRUE;
}

static gboolean
put_word (GArray *ranges, const Word *word, char kind, const IdRange *parent, size_t n_parent, GError **error)
{
  if (!word->host)
    {
      if (!has_all (parent, n_parent, word->from, word->count))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%cID mapping %u:%u:%u: there are only %" G_GUINT64_FORMAT " ids to be mapped: Operation not permitted", g_ascii_toupper (kind), word->inside,
                              word->from, word->count, total (parent, n_parent));
      IdRange range = { word->inside, word->from, word->count };
      return put_range (ranges, &range, word->extend, error);
    }
  for (guint32 done = 0; done < word->count;)
    {
      IdRange range = { .inside = word->inside + done };
      if (!piece (parent, n_parent, word->from + done, word->count - done, &range.outside, &range.count))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "parent ID %cID %u is not mapped/delegated", g_ascii_toupper (kind), word->from + done);
      if (!put_range (ranges, &range, word->extend, error))
        return FALSE;
      done += range.count;
    }
  return TRUE;
}

/* fill: the parent's ids that are not used become the container's lowest that are free. */
static void
fill (GArray *ranges, const IdRange *parent, size_t n_parent)
{
  g_autoptr (GArray) rest = choose_all (parent, n_parent), more = ranges_new ();
  for (guint i = 0; i < ranges->len; i++)
    cut (rest, FALSE, g_array_index (ranges, IdRange, i).outside, g_array_index (ranges, IdRange, i).count);
  g_array_sort (ranges, by_inside);
  guint64 next = 0;
  guint taken = 0;
  for (guint i = 0; i < rest->len; i++)
    {
      IdRange range = g_array_index (rest, IdRange, i);
      for (guint32 done = 0; done < range.count;)
        {
          guint64 end = taken < ranges->len ? g_array_index (ranges, IdRange, taken).inside : G_MAXUINT32;
          guint64 room = MIN (end - next, (guint64) (range.count - done));
          add (more, next, range.outside + done, room);
          next += room;
          done += (guint32) room;
          if (next == end)
            {
              if (taken >= ranges->len)
                break;
              next += g_array_index (ranges, IdRange, taken++).count;
            }
        }
    }
  if (more->len > 0)
    g_array_append_vals (ranges, more->data, more->len);
}

gboolean
choose_words (const char *const *words, char kind, const IdRange *parent, size_t n_parent, GArray **ret_ranges, GError **error)
{
  g_autoptr (GArray) ranges = ranges_new ();
  gboolean all_extend = TRUE, any = FALSE;
  for (; words != NULL && *words != NULL; words++)
    {
      Word word;
      if (!read_word (*words, kind, &word, error))
        return FALSE;
      if (word.only_uid != word.only_gid && (kind == 'u') != word.only_uid)
        continue;
      any = TRUE;
      all_extend = all_extend && word.extend;
      if (parent != NULL && !put_word (ranges, &word, kind, parent, n_parent, error))
        return FALSE;
    }
  if (any && all_extend && parent != NULL)
    fill (ranges, parent, n_parent);
  g_array_sort (ranges, by_inside);
  *ret_ranges = g_steal_pointer (&ranges);
  return TRUE;
}

/* ---- auto, subuid */

/* take_free: @count of the ids in @free, in one piece if there is one, for the container's from @inside on, but for those that @ranges has. */
static void
take_free (GArray *free_ids, GArray *ranges, guint64 count)
{
  g_autoptr (GArray) taken = ranges_new ();
  for (guint i = 0; i < free_ids->len; i++)
    if (g_array_index (free_ids, IdRange, i).count >= count)
      {
        IdRange whole = g_array_index (free_ids, IdRange, i);
        g_array_set_size (free_ids, 0);
        g_array_append_val (free_ids, whole);
      }
  for (guint i = 0; i < free_ids->len && count > 0; i++)
    {
      IdRange range = g_array_index (free_ids, IdRange, i);
      range.count = (guint32) MIN (range.count, count);
      count -= range.count;
      g_array_append_val (taken, range);
    }
  fill (ranges, (const IdRange *) (void *) taken->data, taken->len);
}

gboolean
choose_auto (guint32 size, const char *const *forced, char kind, const GArray *used, const IdRange *parent, size_t n_parent, GArray **ret_ranges, GError **error)
{
  g_autoptr (GArray) ranges = ranges_new (), free_ids = choose_all (parent, n_parent);
  guint32 within = 0;
  for (; forced != NULL && *forced != NULL; forced++)
    {
      Word word;
      if (!read_word (*forced, kind, &word, error) || !put_word (ranges, &word, kind, parent, n_parent, error))
        return FALSE;
    }
  cut (free_ids, FALSE, 0, 1);
  for (guint i = 0; i < ranges->len; i++)
    {
      const IdRange *range = &g_array_index (ranges, IdRange, i);
      cut (free_ids, FALSE, range->outside, range->count);
      if (range->inside < size)
        within += MIN (range->count, size - range->inside);
    }
  for (guint i = 0; used != NULL && i < used->len; i++)
    cut (free_ids, FALSE, g_array_index (used, IdRange, i).outside, g_array_index (used, IdRange, i).count);
  if (total ((const IdRange *) (void *) free_ids->data, free_ids->len) < size - within)
    return coracle_throw (error, CORACLE_ERROR_NO_SPACE, "creating container storage: not enough unused IDs in user namespace");
  take_free (free_ids, ranges, size - within);
  g_array_sort (ranges, by_inside);
  *ret_ranges = g_steal_pointer (&ranges);
  return TRUE;
}

gboolean
choose_subid (const GArray *ids, const char *name, const IdRange *parent, size_t n_parent, GArray **ret_ranges, GError **error)
{
  g_autoptr (GArray) ranges = ranges_new ();
  guint64 inside = 0;
  for (guint i = 0; i < ids->len; i++)
    {
      const SubidRange *range = &g_array_index (ids, SubidRange, i);
      for (guint32 done = 0; done < range->count;)
        {
          guint32 from, count;
          if (!piece (parent, n_parent, range->start + done, range->count - done, &from, &count))
            return coracle_throw (error, CORACLE_ERROR_DENIED, "the range of %s begins with %u, which is not one of this user's ids", name, range->start + done);
          add (ranges, inside, from, count);
          inside += count;
          done += count;
        }
    }
  *ret_ranges = g_steal_pointer (&ranges);
  return TRUE;
}
