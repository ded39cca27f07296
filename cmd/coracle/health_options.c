#include "cmd/coracle/health_options.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/text.h"

const CliOption health_options[] = {
  { "health-cmd", 0, CLI_STRING, .help = "Check the container's health by this command; none for no check",
    .man = "Check the container's health by running this command in it: a line for /bin/sh, or a JSON array of words. none switches off the check that the image has." },
  { "health-interval", 0, CLI_STRING, .help = "Time between two checks; disable for none by the clock", .value = "30s" },
  { "health-log-destination", 0, CLI_STRING, .help = "Where results are kept: local, events_logger or a folder", .value = "local", .complete = CLI_COMPLETE_DIR,
    .man = "local keeps results with the container. A folder gets a file ID-healthcheck.log besides. events_logger puts what checks print into events." },
  { "health-max-log-count", 0, CLI_UINT, .help = "How many results are kept; 0 for all", .value = "5" },
  { "health-max-log-size", 0, CLI_UINT, .help = "How many characters of a check's output are kept; 0 for all", .value = "500" },
  { "health-on-failure", 0, CLI_STRING, .help = "What to do when the container turns unhealthy: none, kill, restart or stop", .value = "none",
    .values = CLI_VALUES ("none", "kill", "restart", "stop") },
  { "health-retries", 0, CLI_UINT, .help = "So many failures in a row make it unhealthy", .value = "3" },
  { "health-start-period", 0, CLI_STRING, .help = "Failures do not count for so long after the start", .value = "0s" },
  { "health-startup-cmd", 0, CLI_STRING, .help = "Check by this command until it has succeeded, and only then by the usual one" },
  { "health-startup-interval", 0, CLI_STRING, .help = "Time between two start-up checks; disable for none by the clock", .value = "30s" },
  { "health-startup-retries", 0, CLI_UINT, .help = "Restart the container after so many start-up checks that failed; 0 for never", .value = "0" },
  { "health-startup-success", 0, CLI_UINT, .help = "So many start-up checks must succeed; 0 is as good as 1", .value = "0" },
  { "health-startup-timeout", 0, CLI_STRING, .help = "A start-up check that takes longer has failed", .value = "30s" },
  { "health-timeout", 0, CLI_STRING, .help = "A check that takes longer has failed, and is killed", .value = "30s" },
  { "no-healthcheck", 0, CLI_BOOL, .help = "Do not check, whatever the image says" },
  CLI_END
};

/* read_time: @what: as an error names it. @least: below that it is none. */
static gboolean
read_time (gint64 *to, const CliArgs *args, const char *name, const char *what, gboolean interval, GError **error)
{
  gint64 nsec;
  if (!cli_args_is_set (args, name))
    return TRUE;
  const char *text = cli_args_string (args, name);
  if (interval && strcmp (text, "disable") == 0)
    text = "0";
  if (!text_duration_parse (text, &nsec, error))
    return coracle_prefix (error, "invalid %s", what);
  if (nsec < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s must be 0 seconds or greater", what);
  *to = nsec / 1000;
  return TRUE;
}

gboolean
health_options_read (ContainerOptions *options, const CliArgs *args, GError **error)
{
  const struct { const char *name; char **to; } texts[] = {
    { "health-cmd", &options->health_cmd }, { "health-startup-cmd", &options->health_startup_cmd }, { "health-on-failure", &options->health_on_failure },
    { "health-log-destination", &options->health_log_destination },
  };
  const struct { const char *name; gint64 *to; } numbers[] = {
    { "health-max-log-count", &options->health_max_log_count }, { "health-max-log-size", &options->health_max_log_size }, { "health-retries", &options->health_retries },
    { "health-startup-retries", &options->health_startup_retries }, { "health-startup-success", &options->health_startup_success },
  };
  const struct { const char *name, *what; gboolean interval; gint64 *to; } times[] = {
    { "health-interval", "healthcheck-interval", TRUE, &options->health_interval }, { "health-timeout", "healthcheck-timeout", FALSE, &options->health_timeout },
    { "health-start-period", "healthcheck-start-period", FALSE, &options->health_start_period },
    { "health-startup-interval", "healthcheck-interval", TRUE, &options->health_startup_interval },
    { "health-startup-timeout", "healthcheck-timeout", FALSE, &options->health_startup_timeout },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    if (cli_args_is_set (args, texts[i].name))
      {
        g_free (*texts[i].to);
        *texts[i].to = g_strdup (cli_args_string (args, texts[i].name));
      }
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (cli_args_is_set (args, numbers[i].name))
      *numbers[i].to = cli_args_int (args, numbers[i].name);
  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    if (!read_time (times[i].to, args, times[i].name, times[i].what, times[i].interval, error))
      return FALSE;
  if (cli_args_is_set (args, "no-healthcheck"))
    options->no_healthcheck = cli_args_bool (args, "no-healthcheck");
  if (options->no_healthcheck && cli_args_is_set (args, "health-cmd"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot specify both --no-healthcheck and --health-cmd");
  return TRUE;
}
