/* Published ports: words, lists, listeners. */
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/port.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"

static void
test_words (void)
{
  static const struct {
    const char *word, *host;
    unsigned host_port, container_port, range;
    gboolean udp;
  } good[] = {
    { "80", "", 0, 80, 1, FALSE },
    { ":80", "", 0, 80, 1, FALSE },
    { "8080:80", "", 8080, 80, 1, FALSE },
    { "8080:80/udp", "", 8080, 80, 1, TRUE },
    { "8080:80/TCP", "", 8080, 80, 1, FALSE },
    { "0.0.0.0:8080:80", "", 8080, 80, 1, FALSE },
    { "127.0.0.1:8080:80", "127.0.0.1", 8080, 80, 1, FALSE },
    { "127.0.0.1::80", "127.0.0.1", 0, 80, 1, FALSE },
    { "[::1]:8080:80/udp", "::1", 8080, 80, 1, TRUE },
    { "[::1]::80", "::1", 0, 80, 1, FALSE },
    { "[0:0::1]:1:2", "::1", 1, 2, 1, FALSE },
    { "8000-8005:9000-9005", "", 8000, 9000, 6, FALSE },
    { "9000-9005/udp", "", 0, 9000, 6, TRUE },
    { "1:65535", "", 1, 65535, 1, FALSE },
    { "1-65535:1-65535", "", 1, 1, 65535, FALSE },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (PortMapping) mapping = port_mapping_parse (good[i].word, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (mapping->host_ip, ==, good[i].host);
      g_assert_cmpuint (mapping->host_port, ==, good[i].host_port);
      g_assert_cmpuint (mapping->container_port, ==, good[i].container_port);
      g_assert_cmpuint (mapping->range, ==, good[i].range);
      g_assert_cmpint (mapping->udp, ==, good[i].udp);
    }
  /* the texts of errors are the system tests' matter (400-port.bats) */
  static const char *const bad[] = { "", ":", "::", "80:", "-80", "80-", "80-79", "80-80", "0", "65536", "x", "80/", "80/x", "80/tcp/udp", "1-2-3", "1-2:3", "1:2-3", "1:2:3:4", "[::1]:80", "::1:80:80", "[::1:80:80",
                                     "[::1]x:80", "[1.2.3.4]]:1:2", "1.2.3:1:2", "[]:1:2", ":1:2", "80:80/sctp", "+", "-", " 80", "8 0", "80\n" };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (PortMapping) mapping = port_mapping_parse (bad[i], &error);
      g_assert_null (mapping);
      g_assert_true (g_error_matches (error, CORACLE_ERROR, CORACLE_ERROR_INVALID) || g_error_matches (error, CORACLE_ERROR, CORACLE_ERROR_UNSUPPORTED));
    }
}

static GPtrArray *
mappings_of (const char *words, GError **error)
{
  g_autoptr (GPtrArray) mappings = port_mappings_new ();
  g_auto (GStrv) list = g_strsplit (words, " ", -1);
  for (char **word = list; *word != NULL; word++)
    {
      PortMapping *mapping = port_mapping_parse (*word, error);
      g_assert_nonnull (mapping);
      g_ptr_array_add (mappings, mapping);
    }
  return port_mappings_settle (mappings, error) ? g_steal_pointer (&mappings) : NULL;
}

static void
test_lists (void)
{
  static const struct {
    const char *words, *wanted;   /* NULL: a conflict */
  } cases[] = {
    { "8080:80", "0.0.0.0:8080->80/tcp" },
    { "8080:80 8080:80", "0.0.0.0:8080->80/tcp" },
    { "8081:81 8080:80", "0.0.0.0:8080-8081->80-81/tcp" },
    { "8080-8083:80-83 8081:81", "0.0.0.0:8080-8083->80-83/tcp" },
    { "8080:80 8080:81", NULL },
    { "8080-8083:80-83 8082:80", NULL },
    { "8080:80 8080:81/udp", "0.0.0.0:8080->80/tcp, 0.0.0.0:8080->81/udp" },
    { "127.0.0.1:8080:80 [::1]:8080:81", "127.0.0.1:8080->80/tcp, ::1:8080->81/tcp" },
    { "8080:80 8081:80", "0.0.0.0:8080->80/tcp, 0.0.0.0:8081->80/tcp" },
    { "65535:80 65534:79", "0.0.0.0:65534-65535->79-80/tcp" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) mappings = mappings_of (cases[i].words, &error);
      g_autoptr (GString) text = g_string_new (NULL);
      if (cases[i].wanted == NULL)
        {
          g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
          continue;
        }
      g_assert_no_error (error);
      json_t *array = port_mappings_to_json (mappings);
      g_autoptr (GPtrArray) again = port_mappings_from_json (array);
      json_decref (array);
      port_mappings_text (again, text);
      g_assert_cmpstr (text->str, ==, cases[i].wanted);
    }
}

static void
test_expose (void)
{
  g_autoptr (GPtrArray) mappings = mappings_of ("8080:81", NULL);
  json_t *exposed = json_object ();
  g_assert_true (port_expose_parse ("80-82", exposed, NULL));
  g_assert_true (port_expose_parse ("53/udp", exposed, NULL));
  g_assert_cmpuint (json_object_size (exposed), ==, 4);
  g_assert_true (port_mappings_publish_all (mappings, exposed, NULL));
  g_assert_cmpuint (mappings->len, ==, 4);
  json_decref (exposed);
}

static void
test_listen (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) mappings = mappings_of ("127.0.0.1::80 90-93 70/udp", &error);
  PortRefusal refusal;
  guint n;
  g_autoptr (PortListeners) listeners = port_listen (mappings, &refusal, &error);
  g_assert_no_error (error);
  const int *fds = port_listeners_fds (listeners, &n);
  g_assert_cmpuint (n, ==, 6);
  for (guint i = 1; i < n; i++)
    g_assert_cmpint (fds[i - 1], <, fds[i]);
  for (guint i = 0; i < mappings->len; i++)
    g_assert_cmpuint (((PortMapping *) mappings->pdata[i])->host_port, !=, 0);
  /* the same again is refused, and says which */
  PortListeners *again = port_listen (mappings, &refusal, &error);
  g_assert_null (again);
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_IN_USE);
  g_assert_cmpint (refusal.error, ==, EADDRINUSE);
  g_assert_nonnull (strstr (error->message, "ddress already in use"));
  g_autofree char *holder = port_holder (&refusal), *own = g_strdup_printf ("process %d ", (int) getpid ());
  g_assert_nonnull (holder);
  g_assert_true (g_str_has_prefix (holder, own));
  /* what the processes are told */
  PortTarget target = { .plain = 1 };
  cleanup_fd int table_fd = port_listeners_table (listeners, &target);
  const PortTable *table = port_table_map (table_fd);
  g_assert_nonnull (table);
  g_assert_cmpuint (table->n, ==, 6);
  g_assert_cmpuint (table->target.plain, ==, 1);
  g_assert_null (port_table_map (fds[0]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/port/words", test_words);
  g_test_add_func ("/port/lists", test_lists);
  g_test_add_func ("/port/expose", test_expose);
  g_test_add_func ("/port/listen", test_listen);
  return g_test_run ();
}
