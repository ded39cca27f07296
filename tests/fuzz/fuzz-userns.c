/* The words of --userns (the first line), --uidmap and --gidmap (the others) over three parents, chosen by the first byte: they are refused with an error, or what is chosen is a table that the
 * kernel takes: no id twice on either side, none that the parent has not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/idmap/choose.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const IdRange parents[][3] = {
  { { 0, 1000, 1 }, { 1, 100000, 65536 } },
  { { 0, 1000, 1 }, { 1, 200000, 10 }, { 11, 300000, UINT32_MAX - 300001 } },
  { { 0, 1000, 1 } },
};
static const size_t lengths[] = { 2, 3, 1 };

static void
require (gboolean truth)
{
  if (!truth)
    abort ();
}

static gboolean
meet (uint64_t one, uint64_t n_one, uint64_t other, uint64_t n_other)
{
  return one < other + n_other && other < one + n_one;
}

/* check: what was chosen is a table that can be. Takes @ranges. */
static void
check (GArray *ranges, const IdRange *parent, size_t n)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const IdRange *range = &g_array_index (ranges, IdRange, i);
      guint64 found = 0;
      require (range->count > 0 && (uint64_t) range->inside + range->count <= UINT32_MAX && (uint64_t) range->outside + range->count <= UINT32_MAX);
      for (guint k = 0; k < i; k++)
        {
          const IdRange *other = &g_array_index (ranges, IdRange, k);
          require (!meet (range->inside, range->count, other->inside, other->count) && !meet (range->outside, range->count, other->outside, other->count));
        }
      for (size_t k = 0; k < n; k++)
        {
          uint64_t start = parent[k].inside, end = start + parent[k].count, from = range->outside, to = from + range->count;
          found += CLAMP (to, start, end) - CLAMP (from, start, end);
        }
      require (found == range->count);
    }
  g_array_unref (ranges);
}

/* check_mode: --userns, and the tables of keep-id, nomap and auto. */
static void
check_mode (const char *text, const IdRange *parent, size_t n)
{
  g_auto (UsernsMode) mode = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean done = userns_mode_parse (text, &mode, &error);
  require (done == (error == NULL));
  if (!done)
    return;
  require ((mode.kind == USERNS_CONTAINER || mode.kind == USERNS_PATH) == (mode.other != NULL && mode.other[0] != '\0'));
  require (mode.uid >= -1 && mode.uid < G_MAXUINT32 && mode.gid >= -1 && mode.gid < G_MAXUINT32 && mode.size >= -1 && mode.size < G_MAXUINT32);
  if (mode.kind == USERNS_KEEP_ID)
    check (choose_keep_id (parent, n, mode.uid >= 0 ? (guint32) mode.uid : 1000, mode.size), parent, n);
  if (mode.kind == USERNS_NOMAP && n > 1)
    check (choose_all_but_own (parent, n), parent, n);
  if (mode.kind != USERNS_AUTO)
    return;
  const IdRange taken = { 0, 2, 100 };
  g_autoptr (GArray) used = g_array_new (FALSE, FALSE, sizeof (IdRange));
  g_array_append_val (used, taken);
  g_ptr_array_add (mode.uidmapping, NULL);
  GArray *ranges = NULL;
  if (choose_auto (mode.size > 0 ? (guint32) mode.size : 1024, (const char *const *) mode.uidmapping->pdata, 'u', used, parent, n, &ranges, NULL))
    check (ranges, parent, n);
}

static void
check_words (const char *const *words, char kind, const IdRange *parent, size_t n)
{
  g_autoptr (GError) error = NULL;
  GArray *ranges = NULL, *form = NULL;
  gboolean readable = choose_words (words, kind, NULL, 0, &form, NULL), done = choose_words (words, kind, parent, n, &ranges, &error);
  require (done == (error == NULL) && done == (ranges != NULL) && (readable || !done));
  g_clear_pointer (&form, g_array_unref);
  if (done)
    check (ranges, parent, n);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size == 0 || size > 4096)
    return 0;
  const IdRange *parent = parents[data[0] % G_N_ELEMENTS (parents)];
  size_t n = lengths[data[0] % G_N_ELEMENTS (parents)];
  g_autofree char *text = g_strndup ((const char *) data + 1, size - 1);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 32);
  check_mode (lines[0], parent, n);
  const char *const *words = (const char *const *) (lines[0] != NULL ? lines + 1 : lines);
  check_words (words, 'u', parent, n);
  check_words (words, 'g', parent, n);
  return 0;
}
