/* /etc/subuid, getsubids' output, nsswitch.conf and the kernel's map, and the map made of the first */
#include <stdlib.h>
#include <string.h>

#include "pkg/idmap/subid.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GArray) ranges = subid_parse (text, "u", 1000);
  g_autoptr (GArray) asked = subid_parse_getsubids (text);
  (void) subid_nsswitch_other (text);
  g_autofree IdRange *table = NULL;
  size_t n_table = idmap_parse (text, &table);
  (void) idmap_max_mapped (table, n_table);

  /* no id twice, on neither side, none beyond the last */
  g_autofree IdRange *map = NULL;
  size_t n = subid_map (ranges, 1000, 340, &map);
  uint64_t inside = 0;
  for (size_t i = 0; i < n; i++)
    {
      if (map[i].inside != inside || map[i].count == 0 || (uint64_t) map[i].outside + map[i].count > UINT32_MAX)
        abort ();
      inside += map[i].count;
      for (size_t k = 0; k < i; k++)
        if (map[i].outside < (uint64_t) map[k].outside + map[k].count && map[k].outside < (uint64_t) map[i].outside + map[i].count)
          abort ();
    }
  return 0;
}
