#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include "pkg/base/path.h"
#include "pkg/events/event.h"

static Event
sample (json_t *labels)
{
  return (Event){ .type = "container", .status = "died", .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", .name = "web", .image = "localhost/box:latest",
                  .has_exit_code = TRUE, .exit_code = 3, .time = G_GINT64_CONSTANT (1700000000123456789), .attributes = labels };
}

static void
test_line (void)
{
  json_auto_t *labels = json_pack ("{s:s, s:s}", "b", "2\n", "a", "1");
  const Event event = sample (labels);
  g_autoptr (GString) line = event_line (&event);
  g_assert_cmpstr (line->str, ==, "{\"ContainerExitCode\":3,\"ID\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"Image\":\"localhost/box:latest\",\"Name\":\"web\",\"Status\":\"died\","
                                  "\"Time\":\"2023-11-14T22:13:20.123456789Z\",\"Type\":\"container\",\"Attributes\":{\"b\":\"2\\n\",\"a\":\"1\"}}\n");
  g_auto (Event) back = { 0 };
  g_assert_true (event_parse (line->str, line->len - 1, &back));
  g_assert_cmpint (back.time, ==, event.time);
  g_assert_cmpstr (back.status, ==, "died");
  g_assert_cmpint (back.exit_code, ==, 3);
  g_assert_cmpstr (json_string_value (json_object_get (back.attributes, "b")), ==, "2\n");
  g_assert_null (back.health_status);
}

static void
test_bad_lines (void)
{
  static const char *const lines[] = { "", "{", "[]", "{}", "{\"Type\":\"x\",\"Status\":\"y\"}", "{\"Type\":\"x\",\"Status\":\"y\",\"Time\":\"z\"}", "{\"Type\":7,\"Status\":\"y\",\"Time\":\"2023-11-14T22:13:20Z\"}" };
  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      Event event;
      g_assert_false (event_parse (lines[i], strlen (lines[i]), &event));
    }
  static const char odd[] = "{\"Type\":\"x\",\"Status\":\"y\",\"Time\":\"2023-11-14T22:13:20Z\",\"Attributes\":{\"a\":1},\"ContainerExitCode\":\"3\"}";
  g_auto (Event) event = { 0 };
  g_assert_true (event_parse (odd, strlen (odd), &event));
  g_assert_null (event.attributes);
  g_assert_false (event.has_exit_code);
}

static void
test_text (void)
{
  json_auto_t *labels = json_pack ("{s:s, s:s}", "b", "2", "a", "1");
  const Event event = sample (labels), image = { .type = "image", .status = "tag", .id = event.id, .name = "x:1", .time = 1 }, volume = { .type = "volume", .status = "create", .name = "v", .time = 1 },
              refresh = { .type = "system", .status = "refresh", .time = 1 };
  g_autofree char *one = event_text (&event, FALSE), *two = event_text (&image, TRUE), *three = event_text (&volume, TRUE), *four = event_text (&refresh, TRUE);
  g_assert_true (g_str_has_suffix (one, " container died 0123456789ab (image=localhost/box:latest, name=web, a=1, b=2)"));
  g_assert_true (g_str_has_suffix (two, " image tag 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef x:1"));
  g_assert_true (g_str_has_suffix (three, " volume create v"));
  g_assert_true (g_str_has_suffix (four, " system refresh"));
}

static void
test_journal (void)
{
  json_auto_t *labels = json_pack ("{s:s}", "a", "1");
  Event event = sample (labels);
  event.name = "two\nlines";
  g_autoptr (GString) text = event_datagram ("/store", &event);
  static const char name[] = "PODMAN_NAME\n\x09\0\0\0\0\0\0\0two\nlines\n";
  g_assert_nonnull (memmem (text->str, text->len, name, sizeof name - 1));
  g_assert_nonnull (memmem (text->str, text->len, "PODMAN_EXIT_CODE=3\n", 19));
  g_assert_nonnull (memmem (text->str, text->len, "CORACLE_ROOT=/store\n", 20));
  static const char line[] = "{\"PODMAN_TYPE\":\"container\",\"PODMAN_EVENT\":\"died\",\"PODMAN_TIME\":\"2023-11-14T22:13:20.5Z\",\"PODMAN_EXIT_CODE\":\"3\",\"PODMAN_LABELS\":\"{\\\"a\\\":\\\"1\\\"}\"}";
  g_auto (Event) back = { 0 };
  g_assert_true (event_parse_journal (line, strlen (line), &back));
  g_assert_cmpint (back.exit_code, ==, 3);
  g_assert_cmpint (back.time % 1000000000, ==, 500000000);
  g_assert_cmpstr (json_string_value (json_object_get (back.attributes, "a")), ==, "1");
}

static void
test_filters (void)
{
  static const struct { const char *words[4]; gboolean fits; } rows[] = {
    { { NULL }, TRUE },
    { { "event=die", NULL }, TRUE },
    { { "event=start", "event=died", NULL }, TRUE },
    { { "event=start", NULL }, FALSE },
    { { "container=web", "type=container", NULL }, TRUE },
    { { "container=0123", NULL }, TRUE },
    { { "container=123", NULL }, FALSE },
    { { "container=web", "type=image", NULL }, FALSE },
    { { "label=a", NULL }, TRUE },
    { { "label=a=1", NULL }, TRUE },
    { { "label=a=2", NULL }, FALSE },
    { { "image=localhost/box:latest", NULL }, FALSE },
    { { "volume=web", NULL }, FALSE },
  };
  json_auto_t *labels = json_pack ("{s:s}", "a", "1");
  const Event event = sample (labels);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GPtrArray) filters = events_filters_parse (rows[i].words, NULL);
      g_assert_nonnull (filters);
      g_assert_cmpint (events_filters_fit (filters, &event), ==, rows[i].fits);
    }
  /* a volume: a part of its name, from the beginning */
  const struct {
    const char *words[2];
    gboolean fits;
  } volumes[] = { { { "volume=data", NULL }, TRUE }, { { "volume=da", NULL }, TRUE }, { { "volume=ata", NULL }, FALSE }, { { "volume=data1", NULL }, FALSE }, { { "container=data", NULL }, FALSE } };
  const Event volume = { .type = "volume", .status = "create", .name = "data", .time = 1 };
  for (size_t i = 0; i < G_N_ELEMENTS (volumes); i++)
    {
      g_autoptr (GPtrArray) filters = events_filters_parse (volumes[i].words, NULL);
      g_assert_cmpint (events_filters_fit (filters, &volume), ==, volumes[i].fits);
    }
  const char *const wrong[] = { "foo=bar", NULL };
  g_autoptr (GError) error = NULL;
  g_assert_null (events_filters_parse (wrong, &error));
  g_assert_cmpstr (error->message, ==, "foo is an invalid filter");
}

static gboolean
count (const Event *event, void *data, GError **error)
{
  ++*(int *) data;
  return TRUE;
}

/* Of several processes that write and rotate at once, no line mixes with another's; the newer half is kept. */
static void
test_writers (void)
{
  g_autofree char *folder = g_dir_make_tmp ("events.XXXXXX", NULL);
  json_auto_t *conf = json_pack ("{s:{s:s}}", "engine", "events_logfile_max_size", "100k");
  events_use_conf (conf);
  for (int i = 0; i < 4; i++)
    if (fork () == 0)
      {
        for (int n = 0; n < 200; n++)
          {
            const Event event = sample (NULL);
            event_write ("/store", folder, &event);
          }
        _exit (0);
      }
  while (wait (NULL) > 0)
    ;
  const EventsRequest request = { .root = "/store", .run_root = folder, .from_start = TRUE };
  int n = 0;
  g_assert_true (events_read (&request, count, &n, NULL));
  g_assert_cmpint (n, >=, 50 * 1024 / 512);
  g_assert_cmpint (n, <=, 800);
  (void) path_remove_tree (-100, folder);
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/events/line", test_line);
  g_test_add_func ("/events/bad-lines", test_bad_lines);
  g_test_add_func ("/events/text", test_text);
  g_test_add_func ("/events/journal", test_journal);
  g_test_add_func ("/events/filters", test_filters);
  g_test_add_func ("/events/writers", test_writers);
  return g_test_run ();
}
