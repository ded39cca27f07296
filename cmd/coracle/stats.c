#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_stats.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

static const CliOption options[] = {
  SELECT_OPTION_ALL ("Also those that do not run"),
  { "format", 0, CLI_STRING, .help = "Print by a Go template, or json",
    .man = "json, or a Go template. Fields: ID, ContainerID (in full), Name, CPUPerc, CPU (a number), AVGCPU, AvgCPU (a number), MemUsage, MemUsageBytes (powers of 1024), MemPerc, MemLimit, NetIO, Network, "
           "BlockIO, BlockInput, BlockOutput, PIDS, Up, UpTime, Duration, CPUNano, CPUSystemNano, SystemNano, PerCPU. Beginning with \"table \" it becomes a table with headings." },
  { "interval", 'i', CLI_INT, .help = "Seconds between two looks", .value = "5" },
  SELECT_OPTION_LATEST,
  { "no-reset", 0, CLI_BOOL, .help = "Do not clear the screen before each look" },
  { "no-stream", 0, CLI_BOOL, .help = "Look once" },
  { "no-trunc", 0, CLI_BOOL, .help = "Do not shorten ids" },
  CLI_END
};

#define USUAL "table {{.ID}}\\t{{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}\\t{{.MemPerc}}\\t{{.NetIO}}\\t{{.BlockIO}}\\t{{.PIDS}}\\t{{.UpTime}}\\t{{.AVGCPU}}"

typedef struct {
  const char *format;
  gboolean all, latest, whole, named, told;
  const char *const *names;
  GPtrArray *before; /* ContainerStats of the last look; NULL = none */
} Stats;

static char *
percent_text (double value)
{
  return g_strdup_printf ("%.2f%%", value);
}

static char *
pair_text (guint64 one, guint64 two, gboolean binary)
{
  g_autofree char *first = binary ? text_size_binary (one) : text_size (one, 4), *second = binary ? text_size_binary (two) : text_size (two, 4);
  return g_strdup_printf ("%s / %s", first, second);
}

/* fields: what a template may name. */
static json_t *
fields (const ContainerStats *stats, gboolean whole)
{
  g_autofree char *id = g_strndup (stats->id, whole ? strlen (stats->id) : 12), *cpu = percent_text (stats->cpu), *average = percent_text (stats->average_cpu),
                  *usage = pair_text (stats->memory, stats->memory_limit, FALSE), *binary = pair_text (stats->memory, stats->memory_limit, TRUE),
                  *memory = percent_text (stats->memory_percent), *net = pair_text (stats->received, stats->sent, FALSE),
                  *block = pair_text (stats->block_read, stats->block_written, FALSE), *pids = g_strdup_printf ("%" G_GUINT64_FORMAT, stats->pids),
                  *time = text_duration_go ((gint64) stats->cpu_nsec);
  const struct {
    const char *name, *value;
  } texts[] = {
    { "ID", id },
    { "ContainerID", stats->id },
    { "Name", stats->name },
    { "CPUPerc", cpu },
    { "AVGCPU", average },
    { "MemUsage", usage },
    { "MemUsageBytes", binary },
    { "MemPerc", memory },
    { "NetIO", net },
    { "BlockIO", block },
    { "PIDS", pids },
    { "UpTime", time },
    { "Up", time },
  };
  const struct {
    const char *name;
    guint64 value;
  } numbers[] = {
    { "CPUNano", stats->cpu_nsec },
    { "CPUSystemNano", stats->system_nsec },
    { "SystemNano", (guint64) stats->now_nsec },
    { "MemLimit", stats->memory_limit },
    { "BlockInput", stats->block_read },
    { "BlockOutput", stats->block_written },
    { "Duration", stats->cpu_nsec },
    { "PIDs", stats->pids },
  };
  json_t *object = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    json_object_set_new (object, texts[i].name, json_string (texts[i].value));
  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    json_object_set_new (object, numbers[i].name, json_integer ((json_int_t) numbers[i].value));
  json_object_set_new (object, "CPU", json_real (stats->cpu));
  json_object_set_new (object, "AvgCPU", json_real (stats->average_cpu));
  json_object_set_new (object, "PerCPU", json_null ());
  json_object_set (object, "Network", stats->network);
  return object;
}

/* brief: the object of --format json: Podman's keys. */
static json_t *
brief (const ContainerStats *stats)
{
  static const struct {
    const char *key, *field;
  } keys[] = {
    { "id", "ID" },
    { "name", "Name" },
    { "cpu_time", "UpTime" },
    { "cpu_percent", "CPUPerc" },
    { "avg_cpu", "AVGCPU" },
    { "mem_usage", "MemUsage" },
    { "mem_percent", "MemPerc" },
    { "net_io", "NetIO" },
    { "block_io", "BlockIO" },
    { "pids", "PIDS" },
  };
  json_auto_t *all = fields (stats, FALSE);
  json_t *object = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    json_object_set (object, keys[i].key, json_object_get (all, keys[i].field));
  return object;
}

static gboolean
print (const Stats *stats, GPtrArray *list, GError **error)
{
  static const TemplateHeader headers[] = { { "ID", "ID" }, { "CPUPerc", "CPU %" }, { "MemUsage", "MEM USAGE / LIMIT" }, { "MemUsageBytes", "MEM USAGE / LIMIT" }, { "MemPerc", "MEM %" }, { "NetIO", "NET IO" }, { "BlockIO", "BLOCK IO" }, { "PIDS", "PIDS" }, { "UpTime", "CPU TIME" }, { "Up", "CPU TIME" }, { "AVGCPU", "AVG CPU %" }, { "CPU", "CPU" }, { NULL } };
  gboolean json = stats->format != NULL && strcmp (stats->format, "json") == 0;
  json_auto_t *array = json_array ();
  for (guint i = 0; i < list->len; i++)
    json_array_append_new (array, json ? brief (list->pdata[i]) : fields (list->pdata[i], stats->whole));
  g_autoptr (GString) out = g_string_new (NULL);
  if (json)
    {
      json_write (out, array, 1, JSON_TEXT_DEFAULT); /* Podman indents this list by 1 */
      g_string_append_c (out, '\n');
    }
  else if (!template_render_list (stats->format != NULL ? stats->format : USUAL, array, headers, TEMPLATE_DEFAULT, out, error))
    return FALSE;
  fputs (out->str, stdout);
  return TRUE;
}

/* chosen: those named, else all that run, or all. */
static GPtrArray *
chosen (Session *session, const Stats *stats, GError **error)
{
  g_autoptr (GPtrArray) views = NULL;
  if (!stats->named)
    {
      if (!container_list (session->storage, &views, error))
        return NULL;
      /* "--latest": the last in the list, which is by age */
      for (guint i = views->len; i-- > 0;)
        if (stats->latest ? i + 1 < views->len : !stats->all && ((ContainerView *) views->pdata[i])->pid <= 0)
          g_ptr_array_remove_index (views, i);
      return g_steal_pointer (&views);
    }
  views = g_ptr_array_new_with_free_func ((GDestroyNotify) container_view_free);
  for (const char *const *name = stats->names; *name != NULL; name++)
    {
      GError *problem = NULL;
      ContainerView *view = container_find (session->storage, *name, &problem);
      if (view != NULL)
        {
          g_ptr_array_add (views, view);
          continue;
        }
      if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        coracle_throw (error, CORACLE_ERROR_NOT_FOUND,
                       "unable to get list of containers: unable to look up container %s: no container with name or ID \"%s\" found: no such container", *name, *name);
      else
        g_propagate_error (error, g_steal_pointer (&problem));
      g_clear_error (&problem);
      return NULL;
    }
  return g_steal_pointer (&views);
}

static const ContainerStats *
last_of (const Stats *stats, const char *id)
{
  for (guint i = 0; stats->before != NULL && i < stats->before->len; i++)
    if (strcmp (((ContainerStats *) stats->before->pdata[i])->id, id) == 0)
      return stats->before->pdata[i];
  return NULL;
}

static gboolean
look (Session *session, Stats *stats, GError **error)
{
  g_autoptr (GPtrArray) views = chosen (session, stats, error);
  if (views == NULL)
    return FALSE;
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) container_stats_free);
  for (guint i = 0; i < views->len; i++)
    {
      const ContainerView *view = views->pdata[i];
      gboolean summed = FALSE;
      ContainerStats *one = container_stats (session->storage, view, last_of (stats, view->row->id), &summed, error);
      if (one == NULL)
        return FALSE;
      g_ptr_array_add (list, one);
      if (summed && !stats->told)
        fputs ("no cgroup controllers count for this user: what they would is summed up from /proc, where what has ended does not count\n", stderr);
      stats->told = stats->told || summed;
    }
  if (!print (stats, list, error))
    return FALSE;
  g_clear_pointer (&stats->before, g_ptr_array_unref);
  stats->before = g_steal_pointer (&list);
  return TRUE;
}

static gboolean
read_words (const CliArgs *args, Stats *stats, GError **error)
{
  *stats = (Stats) { .format = cli_args_is_set (args, "format") ? cli_args_string (args, "format") : NULL, .all = cli_args_bool (args, "all"), .latest = cli_args_bool (args, "latest"), .whole = cli_args_bool (args, "no-trunc"), .named = cli_args_count (args) > 0, .names = cli_args_argv (args) };
  if (stats->all + stats->latest + stats->named > 1)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--all, --latest and containers cannot be used together");
  if (cli_args_int (args, "interval") < 1)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid interval, must be a positive number greater zero");
  return stats->format == NULL || template_check (stats->format, error);
}

static int
stats_run (const CliContext *context, const CliArgs *args, GError **error)
{
  Stats stats;
  g_auto (Session) session = { 0 };
  if (!read_words (args, &stats, error) || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  gboolean stream = !cli_args_bool (args, "no-stream"), done;
  gboolean clear = stream && !cli_args_bool (args, "no-reset") && isatty (STDOUT_FILENO);
  for (;;)
    {
      if (clear)
        fputs ("\033[H\033[2J", stdout);
      done = look (&session, &stats, error);
      if (!done || !stream)
        break;
      if (fflush (stdout) != 0)
        break;
      g_usleep ((gulong) cli_args_int (args, "interval") * G_USEC_PER_SEC);
    }
  g_clear_pointer (&stats.before, g_ptr_array_unref);
  return done ? 0 : CLI_FAILED;
}

const CliCommand cmd_stats = {
  .names = "stats, container stats",
  .usage = "[CONTAINER...]",
  .summary = "Show what containers use",
  .description = "Show what running containers use, of processors, memory, network and block devices, again and again. It is read from their cgroups; where no controllers are delegated to this user, "
                 "their processes are summed up from /proc, and a line says so.",
  .examples = "stats\nstats --no-stream web\nstats --no-stream --format json\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_RUNNING,
  .complete_rest = CLI_COMPLETE_RUNNING,
  .run = stats_run,
};
