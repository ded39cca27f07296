#include <glib.h>

#include "pkg/idmap/subid.h"

static void
check_ranges (const GArray *ranges, guint n, const SubidRange *expected)
{
  g_assert_cmpuint (ranges->len, ==, n);
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpuint (g_array_index (ranges, SubidRange, i).start, ==, expected[i].start);
      g_assert_cmpuint (g_array_index (ranges, SubidRange, i).count, ==, expected[i].count);
    }
}

static void
test_parse (void)
{
  const char *text = "# comment: not:1:2\n\nalice:100000:65536\nbob:200000:65536\n1000:300000:10\nalice:400000:5 \r\nalicea:1:1\n1000x:2:2\nalice:7:7";
  g_autoptr (GArray) both = subid_parse (text, "alice", 1000);
  check_ranges (both, 4, (SubidRange[]){ { 100000, 65536 }, { 300000, 10 }, { 400000, 5 }, { 7, 7 } });
  g_autoptr (GArray) by_uid = subid_parse (text, NULL, 1000);
  check_ranges (by_uid, 1, (SubidRange[]){ { 300000, 10 } });
  g_autoptr (GArray) none = subid_parse (text, "carol", 1001);
  check_ranges (none, 0, NULL);
  g_autoptr (GArray) empty = subid_parse ("", "alice", 1000);
  check_ranges (empty, 0, NULL);
}

static void
test_malformed (void)
{
  const char *bad[] = { "alice", "alice:", "alice:1", "alice:1:", "alice::5", "alice:x:5", "alice:1:5:9", "alice:-1:5", "alice:+1:5", "alice:1:-5", "alice:0x10:5", "alice:1:0",
                        "alice:4294967295:1", "alice:4294967296:1", "alice:1:4294967296", "alice:18446744073709551617:1", "alice :1:5", ":1:5", "::", "alice:1 2:5" };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GArray) ranges = subid_parse (bad[i], "alice", 1000);
      g_test_message ("%s", bad[i]);
      g_assert_cmpuint (ranges->len, ==, 0);
    }
  /* the last id is no id: what reaches it is cut */
  g_autoptr (GArray) cut = subid_parse ("alice:4294967290:100\nalice:0:4294967295\n", "alice", 1000);
  check_ranges (cut, 2, (SubidRange[]){ { 4294967290u, 5 }, { 0, 4294967295u } });
  /* a line beyond reason does not hide the next one */
  g_autofree char *name = g_strnfill (10000, 'a');
  g_autofree char *text = g_strdup_printf ("%s:1:2\nalice:3:4\n", name);
  g_autoptr (GArray) after = subid_parse (text, "alice", 1000);
  check_ranges (after, 1, (SubidRange[]){ { 3, 4 } });
}

static void
test_getsubids (void)
{
  g_autoptr (GArray) ranges = subid_parse_getsubids ("0: alice 100000 65536\n1: alice 300000 7\njunk\n2: alice x 7\n");
  check_ranges (ranges, 2, (SubidRange[]){ { 100000, 65536 }, { 300000, 7 } });
  g_assert_false (subid_nsswitch_other ("passwd: files sss\ngroup: files\n"));
  g_assert_false (subid_nsswitch_other ("#subid: sss\nsubid: files # sss\n"));
  g_assert_true (subid_nsswitch_other ("passwd: files\nsubid:\tsss\n"));
  g_assert_true (subid_nsswitch_other ("subid: files sss"));
}

static void
check_map (const char *text, guint32 own, gsize most, gsize n, const IdRange *expected)
{
  g_autoptr (GArray) ranges = subid_parse (text, "a", 1);
  g_autofree IdRange *map = NULL;
  g_assert_cmpuint (subid_map (ranges, own, most, &map), ==, n);
  for (gsize i = 0; i < n; i++)
    {
      g_assert_cmpuint (map[i].inside, ==, expected[i].inside);
      g_assert_cmpuint (map[i].outside, ==, expected[i].outside);
      g_assert_cmpuint (map[i].count, ==, expected[i].count);
    }
}

static void
test_map (void)
{
  check_map ("", 1000, 340, 1, (IdRange[]){ { 0, 1000, 1 } });
  check_map ("a:100000:65536", 1000, 340, 2, (IdRange[]){ { 0, 1000, 1 }, { 1, 100000, 65536 } });
  check_map ("a:5:2\na:10:3", 1000, 340, 3, (IdRange[]){ { 0, 1000, 1 }, { 1, 5, 2 }, { 3, 10, 3 } });
  /* the own id lies in the range; a range twice; a range inside, around and across another */
  check_map ("a:999:3", 1000, 340, 3, (IdRange[]){ { 0, 1000, 1 }, { 1, 999, 1 }, { 2, 1001, 1 } });
  check_map ("a:10:5\na:10:5", 1000, 340, 2, (IdRange[]){ { 0, 1000, 1 }, { 1, 10, 5 } });
  check_map ("a:10:5\na:11:2", 1000, 340, 2, (IdRange[]){ { 0, 1000, 1 }, { 1, 10, 5 } });
  check_map ("a:10:5\na:8:10", 1000, 340, 4, (IdRange[]){ { 0, 1000, 1 }, { 1, 10, 5 }, { 6, 8, 2 }, { 8, 15, 3 } });
  check_map ("a:10:5\na:13:5", 1000, 340, 3, (IdRange[]){ { 0, 1000, 1 }, { 1, 10, 5 }, { 6, 15, 3 } });
  check_map ("a:10:1\na:20:1\na:30:1", 1000, 3, 3, (IdRange[]){ { 0, 1000, 1 }, { 1, 10, 1 }, { 2, 20, 1 } });
  check_map ("a:0:4294967295", 1000, 340, 3, (IdRange[]){ { 0, 1000, 1 }, { 1, 0, 1000 }, { 1001, 1001, 4294966294u } });
}

static void
test_ids (void)
{
  IdRange *table = NULL;
  gsize n = idmap_parse ("         0       1000          1\n         1     100000      65536\n", &table);
  g_assert_cmpuint (n, ==, 2);
  guint32 id;
  g_assert_true (idmap_outside (table, n, 0, &id));
  g_assert_cmpuint (id, ==, 1000);
  g_assert_true (idmap_outside (table, n, 65536, &id));
  g_assert_cmpuint (id, ==, 165535);
  g_assert_false (idmap_outside (table, n, 65537, &id));
  g_assert_true (idmap_inside (table, n, 100000, &id));
  g_assert_cmpuint (id, ==, 1);
  g_assert_false (idmap_inside (table, n, 0, NULL));
  g_assert_cmpuint (idmap_max_mapped (table, n), ==, 65536);
  g_free (table);

  n = idmap_parse ("0 0 4294967295\n", &table);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (idmap_max_mapped (table, n), ==, 4294967294u);
  g_assert_false (idmap_outside (table, n, 4294967295u, NULL));
  g_free (table);

  IdRange unsorted[] = { { 5, 50, 5 }, { 0, 10, 5 }, { 20, 90, 1 } };
  g_assert_cmpuint (idmap_max_mapped (unsorted, 3), ==, 9);
  g_assert_cmpuint (idmap_parse ("", &table), ==, 0);
  g_assert_null (table);
  g_assert_cmpuint (idmap_parse ("1 2 4294967296", &table), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/subid/parse", test_parse);
  g_test_add_func ("/subid/malformed", test_malformed);
  g_test_add_func ("/subid/getsubids", test_getsubids);
  g_test_add_func ("/subid/map", test_map);
  g_test_add_func ("/idmap/ids", test_ids);
  return g_test_run ();
}
