#include "pkg/idmap/idmap.h"

#include <stdlib.h>

void
idmap_free (IdMap *map)
{
  if (map == NULL)
    return;
  g_free (map->uids);
  g_free (map->gids);
  g_free (map);
}

gboolean
idmap_is_initial (const IdMap *map)
{
  return map->mode == IDMAP_HOST && map->n_uids == 1 && map->uids[0].inside == 0 && map->uids[0].outside == 0 && map->uids[0].count == UINT32_MAX;
}

gboolean
idmap_outside (const IdRange *ranges, size_t n, uint32_t inside, uint32_t *ret)
{
  for (size_t i = 0; i < n; i++)
    if (inside >= ranges[i].inside && inside - ranges[i].inside < ranges[i].count)
      {
        if (ret != NULL)
          *ret = ranges[i].outside + (inside - ranges[i].inside);
        return TRUE;
      }
  return FALSE;
}

gboolean
idmap_inside (const IdRange *ranges, size_t n, uint32_t outside, uint32_t *ret)
{
  for (size_t i = 0; i < n; i++)
    if (outside >= ranges[i].outside && outside - ranges[i].outside < ranges[i].count)
      {
        if (ret != NULL)
          *ret = ranges[i].inside + (outside - ranges[i].outside);
        return TRUE;
      }
  return FALSE;
}

uint32_t
idmap_max_mapped (const IdRange *ranges, size_t n)
{
  /* the table need not be sorted (somebody else's namespace): go on from the end of a range to the one that starts there */
  uint64_t next = 0;
  for (gboolean found = TRUE; found;)
    {
      found = FALSE;
      for (size_t i = 0; i < n; i++)
        if (ranges[i].inside == next && ranges[i].count > 0)
          {
            next += ranges[i].count;
            found = TRUE;
          }
    }
  return next == 0 ? 0 : (uint32_t) (next - 1);
}

/* one number of the table, and the blanks before it; FALSE: none there, or beyond 32 bits */
static gboolean
number_parse (const char **at, uint32_t *ret)
{
  while (**at == ' ' || **at == '\t')
    (*at)++;
  if (!g_ascii_isdigit (**at))
    return FALSE;
  char *end;
  guint64 value = g_ascii_strtoull (*at, &end, 10);
  if (value > UINT32_MAX)
    return FALSE;
  *at = end;
  *ret = (uint32_t) value;
  return TRUE;
}

size_t
idmap_parse (const char *text, IdRange **ret_ranges)
{
  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (IdRange));
  while (*text != '\0')
    {
      IdRange range;
      if (!number_parse (&text, &range.inside) || !number_parse (&text, &range.outside) || !number_parse (&text, &range.count))
        break;
      g_array_append_val (ranges, range);
      while (*text == ' ' || *text == '\n')
        text++;
    }
  size_t n = ranges->len;
  *ret_ranges = n > 0 ? (IdRange *) g_array_free (g_steal_pointer (&ranges), FALSE) : NULL;
  return n;
}
