/* container_stats: what is read from /proc. */
#include <glib.h>
#include <jansson.h>

#include "pkg/engine/container_stats.h"

static void
test_process (void)
{
  int parent;
  guint64 ticks, system, threads;
  g_assert_true (container_stats_process ("12 (a) b (c) S 7 12 12 0 -1 4194560 100 200 0 0 5 6 7 8 20 0 3 0 99 1000 10\n", &parent, &ticks, &system, &threads));
  g_assert_true (parent == 7 && ticks == 26 && system == 14 && threads == 3);
  static const char *const broken[] = { "", "12 (a", "12 (a) S", "12 (a) S 7 12 12 0 -1 4194560 100 200 0 0 x", NULL };
  for (size_t i = 0; i < G_N_ELEMENTS (broken); i++)
    g_assert_false (container_stats_process (broken[i], &parent, &ticks, &system, &threads));
}

static void
test_network (void)
{
  guint64 received, sent;
  json_auto_t *network = container_stats_network ("Inter-|   Receive\n face |bytes\n    lo:  50 1 0 0 0 0 0 0 50 1 0 0 0 0 0 0\n  tap0: 100 2 3 4 0 0 0 0 200 5 6 7 0 0 0 0\n  eth1:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n",
                                                  &received, &sent);
  g_assert_true (received == 101 && sent == 202);
  g_assert_cmpuint (json_object_size (network), ==, 2);
  json_t *tap = json_object_get (network, "tap0");
  const struct { const char *key; json_int_t value; } wanted[] = { { "RxBytes", 100 }, { "RxPackets", 2 }, { "RxErrors", 3 }, { "RxDropped", 4 },
                                                                   { "TxBytes", 200 }, { "TxPackets", 5 }, { "TxErrors", 6 }, { "TxDropped", 7 } };
  for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++)
    g_assert_cmpint (json_integer_value (json_object_get (tap, wanted[i].key)), ==, wanted[i].value);
  json_auto_t *none = container_stats_network (NULL, &received, &sent);
  g_assert_true (json_object_size (none) == 0 && received == 0 && sent == 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/container-stats/process", test_process);
  g_test_add_func ("/container-stats/network", test_network);
  return g_test_run ();
}
