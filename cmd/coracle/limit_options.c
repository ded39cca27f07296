#include "cmd/coracle/limit_options.h"

#include <stdio.h>

#include "pkg/base/error.h"

#define SIZE "<number>[<unit>]"

const CliOption limit_options[] = {
  { "blkio-weight", 0, CLI_UINT, .help = "Share of block input and output, from 10 to 1000", .arg = "uint16" },
  { "blkio-weight-device", 0, CLI_LIST, .help = "The same for one device (PATH:WEIGHT)", .arg = "DEVICE_NAME:WEIGHT" },
  { "cpu-period", 0, CLI_UINT, .help = "Microseconds in which the CPU quota may be used up; 100000 by default", .arg = "uint" },
  { "cpu-quota", 0, CLI_INT, .help = "Microseconds of CPU time that the container may use in each period", .arg = "int" },
  { "cpu-rt-period", 0, CLI_UINT, .help = "Microseconds in which the real-time runtime may be used up: only with cgroup v1", .arg = "uint" },
  { "cpu-rt-runtime", 0, CLI_INT, .help = "Microseconds of real-time CPU time in each period: only with cgroup v1", .arg = "int" },
  { "cpu-shares", 'c', CLI_UINT, .help = "Share of the CPUs when they are busy; others have 1024", .arg = "uint" },
  { "cpus", 0, CLI_FLOAT, .help = "How many CPUs' time the container may use; 0 for no limit", .man = "How many CPUs' time the container may use, as in 1.5. It stands for --cpu-period and --cpu-quota." },
  { "cpuset-cpus", 0, CLI_STRING, .help = "CPUs on which it may run (0-3,5)" },
  { "cpuset-mems", 0, CLI_STRING, .help = "Memory nodes that it may use (0-3,5)" },
  { "device-read-bps", 0, CLI_CSV, .help = "Limit of bytes read from a device in a second (PATH:RATE)" },
  { "device-read-iops", 0, CLI_CSV, .help = "Limit of reads from a device in a second (PATH:RATE)" },
  { "device-write-bps", 0, CLI_CSV, .help = "Limit of bytes written to a device in a second (PATH:RATE)" },
  { "device-write-iops", 0, CLI_CSV, .help = "Limit of writes to a device in a second (PATH:RATE)" },
  { "memory", 'm', CLI_SIZE, .help = "Limit of memory; 0 for none", .arg = SIZE,
    .man = "Limit of memory, in bytes or with one of the units b, k, m and g. A container that needs more has processes killed. 0 sets no limit." },
  { "memory-reservation", 0, CLI_SIZE, .help = "Memory that is left to the container when it gets scarce", .arg = SIZE },
  { "memory-swap", 0, CLI_STRING, .help = "Limit of memory and swap together; -1 for no limit of swap", .arg = SIZE,
    .man = "Limit of memory and swap together, so at least that of --memory, which must be given, too; without it twice that. -1 sets no limit of swap." },
  { "memory-swappiness", 0, CLI_INT, .help = "How readily its memory is swapped out: only with cgroup v1", .value = "-1" },
  { "oom-kill-disable", 0, CLI_BOOL, .help = "Do not kill when memory runs out: only with cgroup v1" },
  { "pids-limit", 0, CLI_INT, .help = "How many processes and threads there may be; -1 for any number",
    .man = "How many processes and threads there may be at once. -1 sets no limit. Without it the limit is that of containers.conf, 2048, where it can be set." },
  CLI_END
};

static void
take_text (char **at, const CliArgs *args, const char *name)
{
  const char *text = cli_args_string (args, name);
  if (!cli_args_is_set (args, name))
    return;
  g_free (*at);
  *at = text[0] != '\0' ? g_strdup (text) : NULL;
}

static void
take_list (char ***at, const CliArgs *args, const char *name)
{
  if (!cli_args_is_set (args, name))
    return;
  g_strfreev (*at);
  *at = g_strdupv ((char **) cli_args_list (args, name));
}

gboolean
limit_options_read (ContainerOptions *options, const CliArgs *args, GError **error)
{
  const struct {
    const char *name;
    gint64 *at;
  } numbers[] = {
    { "blkio-weight", &options->blkio_weight },
    { "cpu-period", &options->cpu_period },
    { "cpu-quota", &options->cpu_quota },
    { "cpu-rt-period", &options->cpu_rt_period },
    { "cpu-rt-runtime", &options->cpu_rt_runtime },
    { "cpu-shares", &options->cpu_shares },
    { "memory", &options->memory },
    { "memory-reservation", &options->memory_reservation },
    { "memory-swappiness", &options->memory_swappiness },
  };
  const struct {
    const char *name;
    char ***at;
  } lists[] = {
    { "blkio-weight-device", &options->blkio_weight_device },
    { "device-read-bps", &options->device_read_bps },
    { "device-read-iops", &options->device_read_iops },
    { "device-write-bps", &options->device_write_bps },
    { "device-write-iops", &options->device_write_iops },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (cli_args_is_set (args, numbers[i].name))
      *numbers[i].at = cli_args_int (args, numbers[i].name);
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    take_list (lists[i].at, args, lists[i].name);
  take_text (&options->memory_swap, args, "memory-swap");
  take_text (&options->cpuset_cpus, args, "cpuset-cpus");
  take_text (&options->cpuset_mems, args, "cpuset-mems");
  if (cli_args_is_set (args, "cpus"))
    options->nano_cpus = (gint64) (cli_args_float (args, "cpus") * 1e9);
  if (cli_args_is_set (args, "oom-kill-disable"))
    options->oom_kill_disable = cli_args_bool (args, "oom-kill-disable");
  /* none is -1 from here on: 0 is "not given" */
  if (cli_args_is_set (args, "pids-limit"))
    options->pids_limit = cli_args_int (args, "pids-limit") > 0 ? cli_args_int (args, "pids-limit") : -1;
  if (options->memory_swappiness < -1 || options->memory_swappiness > 100)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid value: %" G_GINT64_FORMAT ", valid memory swappiness range is 0-100", options->memory_swappiness);
  return TRUE;
}

void
limit_options_drop (ContainerOptions *options)
{
  if (options->cpu_rt_period > 0)
    fputs ("Realtime period not supported on cgroups V2 systems\n", stderr);
  if (options->cpu_rt_runtime > 0)
    fputs ("Realtime runtime not supported on cgroups V2 systems\n", stderr);
  options->cpu_rt_period = options->cpu_rt_runtime = 0;
}
