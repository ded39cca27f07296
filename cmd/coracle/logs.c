#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_logs.h"

#define BUFFER ((size_t) 256 * 1024)

static const CliOption options[] = {
  { "color", 0, CLI_BOOL, .help = "Print each container's lines in a colour of its own" },
  { "follow", 'f', CLI_BOOL, .help = "Go on with what it prints, until it ends" },
  SELECT_OPTION_LATEST,
  { "names", 'n', CLI_BOOL, .help = "Of several containers, begin each line with the name instead of the ID" },
  { "since", 0, CLI_STRING, .help = "Only what was printed since then: a time, or a duration before now" },
  { "tail", 0, CLI_INT, .help = "Only the last so many lines; -1 is all", .value = "-1" },
  { "timestamps", 't', CLI_BOOL, .help = "Begin each line with its time" },
  { "until", 0, CLI_STRING, .help = "Only what is printed until then: a time, or a duration from now" },
  CLI_END
};

typedef struct {
  gboolean names, ids, times, colour;
  FILE *last;              /* where the last record went: the other stream is flushed when it changes */
  const void *open[2];     /* the container whose line on standard output, on standard error, has not ended */
} Printer;

/* begin_line: what stands before it. */
static void
begin_line (const Printer *printer, FILE *to, guint index, const StateContainer *row, const LogRecord *record)
{
  /* as Podman, in the order that containers were named */
  static const char *const colours[] = { "\033[37m", "\033[31m", "\033[33m", "\033[34m", "\033[35m", "\033[36m", "\033[32m" };
  char time[64];
  if (printer->colour)
    fputs_unlocked (colours[index % G_N_ELEMENTS (colours)], to);
  if (printer->names)
    fprintf (to, "%s ", row->name);
  else if (printer->ids)
    fprintf (to, "%.12s ", row->id);
  if (!printer->times)
    return;
  gsize size = log_time_text (log_record_time (record), time);
  time[size] = ' ';
  fwrite_unlocked (time, 1, size + 1, to);
}

static gboolean
print_record (guint index, const StateContainer *row, const LogRecord *record, void *data, GError **error)
{
  Printer *printer = data;
  FILE *to = record->is_err ? stderr : stdout;
  gboolean plain = !printer->colour && !printer->names && !printer->ids && !printer->times;
  if (printer->last != to && printer->last != NULL && fflush (printer->last) != 0)
    return FALSE;
  printer->last = to;
  if (!plain && printer->open[record->is_err] != row)
    begin_line (printer, to, index, row, record);
  fwrite_unlocked (record->text, 1, record->size, to);
  printer->open[record->is_err] = record->partial ? row : NULL;
  if (printer->colour && !record->partial)
    fputs_unlocked ("\033[0m", to);
  if (!record->partial)
    putc_unlocked ('\n', to);
  /* whoever reads has left */
  return !ferror_unlocked (to);
}

/* show: what is buffered, before waiting. */
static void
show (void *data)
{
  (void) fflush (stdout);
  (void) fflush (stderr);
}

/* end_lines: a coloured line that has not ended leaves no colour behind. */
static void
end_lines (const Printer *printer)
{
  for (int i = 0; i < 2; i++)
    if (printer->colour && printer->open[i] != NULL)
      fputs ("\033[0m", i == 0 ? stdout : stderr);
}

static gboolean
read_time (const char *flag, const char *word, gboolean ahead, gint64 *ret_time, GError **error)
{
  struct timespec now, when;
  gint64 duration;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  if (word == NULL || word[0] == '\0')
    return TRUE;
  /* as Podman has it, --until's durations lie ahead */
  if (ahead && text_duration_parse (word, &duration, NULL))
    {
      *ret_time = (gint64) now.tv_sec * 1000000000 + now.tv_nsec + duration;
      return TRUE;
    }
  if (!text_time_parse (word, now, &when, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "parsing --%s \"%s\": unable to interpret time value", flag, word);
  *ret_time = (gint64) when.tv_sec * 1000000000 + when.tv_nsec;
  return TRUE;
}

static int
logs_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest select = { .none = "specify at least one container name or ID to log" };
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL, ids = g_ptr_array_new ();
  Printer printer = { .names = cli_args_bool (args, "names"), .times = cli_args_bool (args, "timestamps"), .colour = cli_args_bool (args, "color") };
  ContainerLogsRequest request = { .follow = cli_args_bool (args, "follow"), .tail = cli_args_int (args, "tail"), .visit = print_record, .idle = show, .data = &printer };
  if (!select_check (context, args, &select, error) || !read_time ("since", cli_args_string (args, "since"), FALSE, &request.since, error)
      || !read_time ("until", cli_args_string (args, "until"), TRUE, &request.until, error) || !session_open (&session, context, FALSE, error)
      || !select_containers (session.storage, context, args, &select, &chosen, error))
    return CLI_FAILED;
  for (guint i = 0; i < chosen->len; i++)
    g_ptr_array_add (ids, ((const Selected *) chosen->pdata[i])->id);
  g_ptr_array_add (ids, NULL);
  request.ids = (const char *const *) ids->pdata;
  printer.ids = chosen->len > 1;
  printer.names = printer.names && printer.ids;
  (void) setvbuf (stdout, NULL, _IOFBF, BUFFER);
  (void) setvbuf (stderr, NULL, _IOFBF, BUFFER);
  if (!container_logs (session.storage, &request, error))
    return CLI_FAILED;
  end_lines (&printer);
  (void) fflush (stderr);
  return 0;
}

const CliCommand cmd_logs = {
  .names = "logs, container logs",
  .usage = "CONTAINER [CONTAINER...]",
  .summary = "Show what containers have printed",
  .description = "Prints what containers have written to their standard output and standard error, each to ours. Of several containers the lines are in the order of their times, "
                 "and begin with the container's ID.",
  .examples = "logs web\nlogs -f --tail 10 web\nlogs --since 10m -t web db\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = logs_run,
};
