#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/cli/cli.h"
#include "pkg/config/paths.h"
#include "pkg/events/event.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

static const CliOption options[] = {
  { "filter", 'f', CLI_LIST, .help = "Show only what fits (KEY=VALUE)",
    .man = "Show only events that fit: *container*, *image*, *network*, *pod*, *secret* or *volume*=NAME|ID, *event*=STATUS, *label*=KEY[=VALUE], *type*=TYPE. Every key must fit; of several values of one "
           "key one is enough. The event `die` is `died`, as Docker calls it." },
  { "format", 0, CLI_STRING, .help = "How to print: json, or a Go template",
    .man = "Prints \"json\", one object a line, or what a Go template makes of each event, with the fields Attributes, ContainerExitCode, ContainerInspectData, Error, HealthStatus, ID, Image, Name, Network, "
           "PodID, Status, Time (seconds), TimeNano, Type." },
  { "no-trunc", 0, CLI_BOOL, .help = "Print IDs in full", .value = "true" },
  { "since", 0, CLI_STRING, .help = "Show what has happened since then: a time, or a duration before now" },
  { "stream", 0, CLI_BOOL, .help = "Go on with what happens; without it, end after the last that is known", .value = "true" },
  { "until", 0, CLI_STRING, .help = "Show what happens until then: a time, or a duration before now" },
  CLI_END
};

typedef struct {
  const char *format;   /* NULL: the usual line */
  gboolean whole;
  GPtrArray *filters;
} Printer;

static gboolean
render (const Printer *printer, const Event *event, GString *out, GError **error)
{
  if (printer->format == NULL)
    {
      g_autofree char *text = event_text (event, printer->whole);
      g_string_append (out, text);
      return TRUE;
    }
  gboolean json = template_is_json (printer->format);
  json_auto_t *object = event_json (event, !json);
  if (!json)
    return template_render (printer->format, object, out, error);
  json_write (out, object, 0, JSON_TEXT_DEFAULT);
  return TRUE;
}

static gboolean
print_event (const Event *event, void *data, GError **error)
{
  const Printer *printer = data;
  if (!events_filters_fit (printer->filters, event))
    return TRUE;
  g_autoptr (GString) out = g_string_new (NULL);
  if (!render (printer, event, out, error))
    return FALSE;
  /* whoever reads a stream wants each as it comes; one who has left ends it */
  return fprintf (stdout, "%s\n", out->str) >= 0 && fflush (stdout) == 0;
}

/* read_time: @word as nanoseconds since the epoch. A duration lies before now, or, if @ahead, after it, as Podman has it. */
static gboolean
read_time (const char *what, const char *word, gboolean ahead, gint64 *ret_time, GError **error)
{
  struct timespec now, when;
  g_autoptr (GError) problem = NULL;
  gint64 duration;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  if (word == NULL || word[0] == '\0')
    return TRUE;
  if (ahead && text_duration_parse (word, &duration, NULL))
    {
      *ret_time = (gint64) now.tv_sec * 1000000000 + now.tv_nsec + duration;
      return TRUE;
    }
  if (!text_time_parse (word, now, &when, &problem))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "failed to parse event filters: unable to convert %s time of %s: unable to interpret time value", what, word);
  *ret_time = (gint64) when.tv_sec * 1000000000 + when.tv_nsec;
  return TRUE;
}

static int
events_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *since = cli_args_string (args, "since"), *until = cli_args_string (args, "until");
  Printer printer = { .format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL, .whole = cli_args_bool (args, "no-trunc") };
  EventsRequest request = { .stream = cli_args_bool (args, "stream") };
  request.from_start = since != NULL || until != NULL || !request.stream;
  if (printer.format != NULL && !template_check (printer.format, error))
    return CLI_FAILED;
  g_autoptr (GPtrArray) filters = events_filters_parse (cli_args_list (args, "filter"), error);
  if (filters == NULL)
    {
      coracle_prefix (error, "failed to parse event filters");
      return CLI_FAILED;
    }
  printer.filters = filters;
  g_autoptr (ConfigPaths) paths = NULL;
  if (!read_time ("since", since, FALSE, &request.since, error) || !read_time ("until", until, TRUE, &request.until, error)
      || (paths = config_paths_new (context->root, context->run_root, error)) == NULL)
    return CLI_FAILED;
  request.root = paths->root;
  request.run_root = paths->run_root;
  return events_read (&request, print_event, &printer, error) ? 0 : CLI_FAILED;
}

const CliCommand cmd_events = {
  .names = "events, system events",
  .summary = "Show what happens to containers, images and volumes",
  .description = "Prints events as they happen, one line each: time, type, what happened, and to what. With --since, --until or --stream=false, also those that happened before.\n\n"
                 "They are kept in a file until the next boot, or in the journal, as containers.conf (events_logger) or --events-backend says.",
  .examples = "events --filter type=container --filter event=died\nevents --since 1h --stream=false --format '{{.Name}} {{.Status}}'\n",
  .options = { options },
  .run = events_run,
};
