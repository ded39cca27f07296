#include "pkg/idmap/subid.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "pkg/base/account.h"
#include "pkg/base/error.h"
#include "pkg/base/path.h"

#define FILE_LIMIT (16 << 20)   /* of /etc/subuid: a site with 100,000 users has 3 MB */

/* a whole field in decimal; FALSE for anything else */
static gboolean
field_number (const char *field, guint64 *ret)
{
  return g_ascii_string_to_unsigned (field, 10, 0, UINT32_MAX, ret, NULL);
}

static void
range_add (GArray *ranges, guint64 start, guint64 count)
{
  if (start >= UINT32_MAX || count == 0)
    return;
  SubidRange range = { (uint32_t) start, (uint32_t) MIN (count, UINT32_MAX - start) };
  g_array_append_val (ranges, range);
}

/* copy the next line, without its end and blanks around it, into @line; FALSE at the end. A line that is too long comes out empty */
static gboolean
line_next (const char **text, char *line, size_t size)
{
  if (**text == '\0')
    return FALSE;
  size_t length = strcspn (*text, "\n");
  line[0] = '\0';
  if (length < size)
    {
      memcpy (line, *text, length);
      line[length] = '\0';
      g_strstrip (line);
    }
  *text += length + ((*text)[length] == '\n');
  return TRUE;
}

GArray *
subid_parse (const char *text, const char *user, uint32_t uid)
{
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (SubidRange));
  char number[16];
  g_snprintf (number, sizeof number, "%u", uid);
  char line[512];
  while (line_next (&text, line, sizeof line))
    {
      char *first = strchr (line, ':');
      char *second = first != NULL ? strchr (first + 1, ':') : NULL;
      if (second == NULL || line[0] == '#')
        continue;
      *first = *second = '\0';
      if (strcmp (line, number) != 0 && (user == NULL || strcmp (line, user) != 0))
        continue;
      guint64 start, count;
      if (field_number (first + 1, &start) && field_number (second + 1, &count))
        range_add (ranges, start, count);
    }
  return ranges;
}

GArray *
subid_parse_getsubids (const char *text)
{
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (SubidRange));
  char line[512];
  while (line_next (&text, line, sizeof line))
    {
      /* the two last words; the name before them may be anything */
      char *count_at = strrchr (line, ' ');
      if (count_at == NULL)
        continue;
      *count_at++ = '\0';
      char *start_at = strrchr (g_strchomp (line), ' ');
      guint64 start, count;
      if (start_at != NULL && field_number (start_at + 1, &start) && field_number (count_at, &count))
        range_add (ranges, start, count);
    }
  return ranges;
}

gboolean
subid_nsswitch_other (const char *text)
{
  char line[512];
  while (line_next (&text, line, sizeof line))
    {
      if (!g_str_has_prefix (line, "subid:"))
        continue;
      *strchrnul (line, '#') = '\0';
      g_auto (GStrv) words = g_strsplit_set (line + strlen ("subid:"), " \t", -1);
      for (char **word = words; *word != NULL; word++)
        if (**word != '\0' && strcmp (*word, "files") != 0)
          return TRUE;
    }
  return FALSE;
}

static gboolean
ask_getsubids (const char *const *argv, const char *user, GArray **ret_ranges, GError **error)
{
  g_autofree char *output = NULL;
  g_autoptr (GError) problem = NULL;
  int status;
  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL, &status, &problem))
    return coracle_throw (error, CORACLE_ERROR_DENIED,
                          "finding the subordinate ids of %s: /etc/nsswitch.conf names a source for \"subid\" that only getsubids can ask: %s "
                          "(install the package uidmap, on Fedora shadow-utils-subid; or do without: CORACLE_USERNS=single)", user, problem->message);
  /* it also fails when the user simply has no range */
  *ret_ranges = subid_parse_getsubids (WIFEXITED (status) && WEXITSTATUS (status) == 0 ? output : "");
  return TRUE;
}

/* a missing file is an empty one */
static gboolean
read_optional (const char *path, char **ret_text, GError **error)
{
  g_autoptr (GError) problem = NULL;
  if (path_read_file (AT_FDCWD, path, FILE_LIMIT, ret_text, NULL, &problem))
    return TRUE;
  if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    {
      *ret_text = g_strdup ("");
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
read_ranges (const char *path, const char *user, uint32_t uid, GArray **ret_ranges, GError **error)
{
  g_autofree char *text = NULL;
  if (!read_optional (path, &text, error))
    return FALSE;
  *ret_ranges = subid_parse (text, user, uid);
  return TRUE;
}

gboolean
subid_find (uint32_t uid, GArray **ret_uids, GArray **ret_gids, GError **error)
{
  g_autofree char *nsswitch = NULL;
  if (!read_optional ("/etc/nsswitch.conf", &nsswitch, error))
    return FALSE;
  g_autoptr (Account) account = account_of_uid (uid);
  const char *user = account != NULL ? account->name : NULL;
  gboolean ask = user != NULL && subid_nsswitch_other (nsswitch);
  g_autoptr (GArray) uids = NULL;
  g_autoptr (GArray) gids = NULL;
  if (ask ? !ask_getsubids ((const char *[]){ "getsubids", user, NULL }, user, &uids, error) : !read_ranges ("/etc/subuid", user, uid, &uids, error))
    return FALSE;
  if (ask ? !ask_getsubids ((const char *[]){ "getsubids", "-g", user, NULL }, user, &gids, error) : !read_ranges ("/etc/subgid", user, uid, &gids, error))
    return FALSE;
  *ret_uids = g_steal_pointer (&uids);
  *ret_gids = g_steal_pointer (&gids);
  return TRUE;
}

/* the first piece of [start, end) from *@start on that no entry of @map covers; moves *@start behind it */
static gboolean
piece_next (const GArray *map, uint64_t *start, uint64_t end, uint64_t *ret_piece)
{
  while (*start < end)
    {
      uint64_t clear_to = end;
      uint64_t covered_to = 0;
      for (guint i = 0; i < map->len; i++)
        {
          const IdRange *entry = &g_array_index (map, IdRange, i);
          uint64_t entry_end = (uint64_t) entry->outside + entry->count;
          if (entry->outside <= *start && *start < entry_end)
            covered_to = MAX (covered_to, entry_end);
          else if (entry->outside > *start)
            clear_to = MIN (clear_to, entry->outside);
        }
      if (covered_to == 0)
        {
          *ret_piece = *start;
          *start = clear_to;
          return TRUE;
        }
      *start = covered_to;
    }
  return FALSE;
}

size_t
subid_map (const GArray *ranges, uint32_t own, size_t max_ranges, IdRange **ret_map)
{
  GArray *map = g_array_new (FALSE, FALSE, sizeof (IdRange));
  IdRange self = { 0, own, 1 };
  g_array_append_val (map, self);
  uint64_t inside = 1;
  for (guint i = 0; i < ranges->len; i++)
    {
      const SubidRange *range = &g_array_index (ranges, SubidRange, i);
      uint64_t start = range->start, end = start + range->count, piece;
      while (map->len < max_ranges && inside < UINT32_MAX && piece_next (map, &start, end, &piece))
        {
          IdRange entry = { (uint32_t) inside, (uint32_t) piece, (uint32_t) MIN (start - piece, UINT32_MAX - inside) };
          g_array_append_val (map, entry);
          inside += entry.count;
        }
    }
  size_t n = map->len;
  *ret_map = (IdRange *) g_array_free (map, FALSE);
  return n;
}
