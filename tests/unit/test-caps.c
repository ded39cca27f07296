#include "pkg/base/error.h"
#include "pkg/seccomp/caps.h"

#include <linux/capability.h>

#define BIT(cap) (UINT64_C (1) << (cap))

static void
test_names (void)
{
  g_assert_cmpint (caps_parse ("net_admin"), ==, CAP_NET_ADMIN);
  g_assert_cmpint (caps_parse ("CAP_NET_ADMIN"), ==, CAP_NET_ADMIN);
  g_assert_cmpint (caps_parse ("cap_Chown"), ==, CAP_CHOWN);
  g_assert_cmpint (caps_parse ("NET"), ==, -1);
  g_assert_cmpint (caps_parse (""), ==, -1);
  g_assert_cmpint (caps_parse ("CAP_"), ==, -1);
  g_assert_cmpstr (caps_name (CAP_SYS_ADMIN), ==, "CAP_SYS_ADMIN");
  g_assert_cmpstr (caps_name (CAP_CHECKPOINT_RESTORE), ==, "CAP_CHECKPOINT_RESTORE");
  g_assert_null (caps_name (-1));
  g_assert_null (caps_name (41));
  for (int cap = 0; caps_name (cap) != NULL; cap++)
    g_assert_cmpint (caps_parse (caps_name (cap)), ==, cap);
}

static void
test_sets (void)
{
  g_assert_cmphex (caps_default (), ==, UINT64_C (0x800405fb));
  g_assert_cmphex (caps_default () & ~caps_all (), ==, 0);
  g_assert_cmphex (caps_held () & ~caps_all (), ==, 0);
  g_assert_cmphex (caps_all () & BIT (CAP_MAC_ADMIN), !=, 0);
}

static void
test_merge (void)
{
  static const struct {
    const char *add[3], *drop[3];
    uint64_t want;
    const char *error;
  } cases[] = {
    { { NULL }, { NULL }, BIT (0) | BIT (1), NULL },
    { { "net_admin" }, { "CAP_CHOWN" }, BIT (1) | BIT (CAP_NET_ADMIN), NULL },
    { { "net_admin", "chown" }, { "ALL" }, BIT (0) | BIT (CAP_NET_ADMIN), NULL },
    { { "chown" }, { "chown" }, 0, "capability \"CAP_CHOWN\" cannot be dropped and added" },
    { { "all" }, { "All" }, 0, "adding all caps and removing all caps not allowed" },
    { { "nonsense" }, { NULL }, 0, "\"nonsense\": unknown capability" },
    { { NULL }, { "" }, 0, "\"\": unknown capability" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      uint64_t caps = 0;
      gboolean ok = caps_merge (BIT (0) | BIT (1), cases[i].add, cases[i].drop, &caps, &error);
      g_assert_cmpstr (error != NULL ? error->message : NULL, ==, cases[i].error);
      g_assert_true (ok == (cases[i].error == NULL));
      g_assert_cmphex (caps, ==, cases[i].want);
    }
  uint64_t caps = 0;
  const char *const all[] = { "all", NULL }, *const some[] = { "mknod", NULL };
  g_assert_true (caps_merge (0, all, some, &caps, NULL));
  g_assert_cmphex (caps, ==, caps_all () & ~BIT (CAP_MKNOD));
  g_assert_true (caps_merge (5, NULL, NULL, &caps, NULL));
  g_assert_cmphex (caps, ==, 5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/caps/names", test_names);
  g_test_add_func ("/caps/sets", test_sets);
  g_test_add_func ("/caps/merge", test_merge);
  return g_test_run ();
}
