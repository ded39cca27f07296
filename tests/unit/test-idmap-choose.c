#include "pkg/idmap/choose.h"

#include <string.h>

#include "pkg/idmap/subid.h"

static const IdRange parent[] = { { 0, 1500, 1 }, { 1, 100000, 65536 } };

static char *
text_of (GArray *ranges)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < ranges->len; i++)
    {
      const IdRange *range = &g_array_index (ranges, IdRange, i);
      g_string_append_printf (text, "%s%u:%u:%u", i > 0 ? " " : "", range->inside, range->outside, range->count);
    }
  g_array_unref (ranges);
  return g_string_free (text, FALSE);
}

static void
is (GArray *ranges, const char *expected)
{
  g_autofree char *text = text_of (ranges);
  g_assert_cmpstr (text, ==, expected);
}

/* the figures are Podman's, of a user with uid 1500 and 65536 subordinate ids */
static void
test_keep_id (void)
{
  is (choose_keep_id (parent, 2, 1500, -1), "0:1:1500 1500:0:1 1501:1501:64036");
  is (choose_keep_id (parent, 2, 200, 1000), "0:1:200 200:0:1 201:201:799");
  is (choose_keep_id (parent, 2, 1500, 100), "0:1:99 1500:0:1");
  is (choose_keep_id (parent, 1, 1500, -1), "1500:0:1");
  is (choose_keep_id (parent, 2, 0, -1), "0:0:65537");
  is (choose_all_but_own (parent, 2), "0:1:65536");
  is (choose_all_but_own (parent, 1), "");
  is (choose_all (parent, 2), "0:0:65537");
}

static void
check_words (const char *words, char kind, const char *expected)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);
  g_autoptr (GError) error = NULL;
  GArray *ranges;
  if (choose_words ((const char *const *) list, kind, parent, 2, &ranges, &error))
    is (ranges, expected);
  else if (strstr (error->message, expected) == NULL)
    g_error ("%s: %s, expected %s", words, error->message, expected);
}

static void
test_words (void)
{
  check_words ("0:100:5000", 'u', "0:100:5000");
  check_words ("+1000:0", 'u', "0:1:1000 1000:0:1 1001:1001:64536");
  check_words ("+g100000:5", 'g', "0:0:5 5:6:65531 100000:5:1");
  check_words ("+g100000:5", 'u', "");
  check_words ("0:@100004:10", 'u', "0:5:10");
  check_words ("0:@1500:1 1:@100000:2", 'u', "0:0:1 1:1:2");
  check_words ("0:0:65000 +2000:1:1", 'u', "0:0:1 2:2:1998 2000:1:1 2001:2001:62999");
  check_words ("u0:0:100 g0:5:100", 'u', "0:0:100");
  check_words ("u0:0:100 g0:5:100", 'g', "0:5:100");
  check_words ("0:@99:10", 'u', "parent ID UID 99 is not mapped/delegated");
  check_words ("0:0:70000", 'g', "Operation not permitted");
  check_words ("x", 'u', "UID setting is malformed expected [\"[+ug]uint32:[@]uint32[:uint32]\"] : [\"x\"]");
  check_words ("0:0:0", 'u', "must provide at least one UID or GID mapping");
  check_words ("0:0:10 5:20:10", 'u', "mapping 5:20:10 conflicts with other mappings");
  check_words ("0:0:10 20:5:10", 'u', "mapping 20:5:10 conflicts with other mappings");
  check_words ("4294967294:0:3", 'u', "malformed");
  check_words ("0:0:4294967295", 'u', "malformed");
  check_words ("0:-1:1", 'u', "malformed");
  check_words ("0:1:1:1", 'u', "malformed");
}

static void
check_auto (guint32 size, const char *forced, const GArray *used, const char *expected)
{
  g_auto (GStrv) list = g_strsplit (forced, " ", -1);
  g_autoptr (GError) error = NULL;
  GArray *ranges;
  if (choose_auto (size, (const char *const *) list, 'u', used, parent, 2, &ranges, &error))
    is (ranges, expected);
  else if (strstr (error->message, expected) == NULL)
    g_error ("%s, expected %s", error->message, expected);
}

static void
test_auto (void)
{
  g_autoptr (GArray) used = g_array_new (FALSE, FALSE, sizeof (IdRange));
  check_auto (1024, "", NULL, "0:1:1024");
  check_auto (1024, "5000:0:1", NULL, "0:1:1024 5000:0:1");
  check_auto (1024, "7:@1500:1", NULL, "0:1:7 7:0:1 8:8:1016");
  check_auto (70000, "", NULL, "not enough unused IDs in user namespace");
  IdRange one = { 0, 1, 1024 }, two = { 0, 2000, 100 };
  g_array_append_val (used, one);
  check_auto (1024, "", used, "0:1025:1024");
  g_array_append_val (used, two);
  /* one piece if there is one */
  check_auto (1024, "", used, "0:2100:1024");
  check_auto (64412, "", used, "0:1025:975 975:2100:63437");
  check_auto (64413, "", used, "not enough unused");
}

static void
test_subid (void)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (SubidRange));
  g_autoptr (GError) error = NULL;
  SubidRange one = { 100010, 5 }, other = { 165536, 10 };
  GArray *ranges;
  g_array_append_val (ids, one);
  g_assert_true (choose_subid (ids, "u", parent, 2, &ranges, &error));
  is (ranges, "0:11:5");
  g_array_append_val (ids, other);
  g_assert_false (choose_subid (ids, "u", parent, 2, &ranges, &error));
}

static void
test_mode (void)
{
  static const struct {
    const char *text;
    int kind;      /* -1: refused */
    gint64 uid, gid, size;
  } cases[] = {
    { NULL, USERNS_HOST, -1, -1, -1 }, { "", USERNS_HOST, -1, -1, -1 }, { "host", USERNS_HOST, -1, -1, -1 }, { "single", USERNS_SINGLE, -1, -1, -1 },
    { "keep-id", USERNS_KEEP_ID, -1, -1, -1 }, { "keep-id:uid=200,gid=210,size=9", USERNS_KEEP_ID, 200, 210, 9 }, { "nomap", USERNS_NOMAP, -1, -1, -1 },
    { "auto", USERNS_AUTO, -1, -1, -1 }, { "auto:size=3000", USERNS_AUTO, -1, -1, 3000 }, { "auto:uidmapping=0:1:2,gidmapping=5:6", USERNS_AUTO, -1, -1, -1 },
    { "private", USERNS_PRIVATE, -1, -1, -1 }, { "container:x", USERNS_CONTAINER, -1, -1, -1 }, { "ns:/x", USERNS_PATH, -1, -1, -1 },
    { "keep-id:foo=1", -1, 0, 0, 0 }, { "keep-id:uid", -1, 0, 0, 0 }, { "keep-id:size=abc", -1, 0, 0, 0 }, { "auto:uid=1", -1, 0, 0, 0 }, { "host:x", -1, 0, 0, 0 }, { "nonsense", -1, 0, 0, 0 },
    { "container:", -1, 0, 0, 0 }, { "ns:", -1, 0, 0, 0 }, { "keep", -1, 0, 0, 0 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (UsernsMode) mode = { 0 };
      gboolean done = userns_mode_parse (cases[i].text, &mode, &error);
      g_assert_cmpint (done ? (int) mode.kind : -1, ==, cases[i].kind);
      if (!done)
        continue;
      g_assert_cmpint (mode.uid, ==, cases[i].uid);
      g_assert_cmpint (mode.gid, ==, cases[i].gid);
      g_assert_cmpint (mode.size, ==, cases[i].size);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/idmap-choose/keep-id", test_keep_id);
  g_test_add_func ("/idmap-choose/words", test_words);
  g_test_add_func ("/idmap-choose/auto", test_auto);
  g_test_add_func ("/idmap-choose/subid", test_subid);
  g_test_add_func ("/idmap-choose/mode", test_mode);
  return g_test_run ();
}
