#include "cmd/coracle/create_options.h"

#include "pkg/base/error.h"

static const char *const privacy[] = { "private", "host", NULL };

const CliOption create_options[] = {
  { "add-host", 0, CLI_LIST, .help = "Add a custom host-to-IP mapping (host:ip)", .arg = "strings",
    .man = "Add a line to /etc/hosts of the container: HOST[;HOST...]:IP, where IP may be host-gateway, the address by which the container reaches the host." },
  { "annotation", 0, CLI_LIST, .help = "Add annotations to container (key=value)", .arg = "strings" },
  { "cap-add", 0, CLI_CSV, .help = "Add capabilities to the container", .complete = CLI_COMPLETE_CAPABILITY },
  { "cap-drop", 0, CLI_CSV, .help = "Drop capabilities from the container", .complete = CLI_COMPLETE_CAPABILITY },
  { "cgroupns", 0, CLI_STRING, .help = "Cgroup namespace to use", .values = privacy },
  { "cidfile", 0, CLI_STRING, .help = "Write the container ID to the file", .complete = CLI_COMPLETE_FILE },
  { "device", 0, CLI_LIST, .help = "Add a host device to the container", .complete = CLI_COMPLETE_FILE },
  { "dns", 0, CLI_CSV, .help = "Set custom DNS servers" },
  { "dns-option", 0, CLI_CSV, .help = "Set custom DNS options" },
  { "dns-search", 0, CLI_CSV, .help = "Set custom DNS search domains" },
  { "entrypoint", 0, CLI_STRING, .help = "Overwrite the default ENTRYPOINT of the image" },
  { "env", 'e', CLI_LIST, .help = "Set environment variables in container", .arg = "strings" },
  { "env-file", 0, CLI_LIST, .help = "Read in a file of environment variables", .arg = "strings", .complete = CLI_COMPLETE_FILE },
  { "env-host", 0, CLI_BOOL, .help = "Use all current host environment variables in container" },
  { "group-add", 0, CLI_CSV, .help = "Add additional groups to the primary container process. 'keep-groups' allows container processes to use supplementary groups" },
  { "group-entry", 0, CLI_STRING, .help = "Entry to write to /etc/group" },
  { "hostname", 'h', CLI_STRING, .help = "Set container hostname" },
  { "http-proxy", 0, CLI_BOOL, .help = "Set proxy environment variables in the container based on the host proxy vars", .value = "true" },
  { "image-volume", 0, CLI_CHOICE, .help = "Tells coracle how to handle the builtin image volumes", .values = CLI_VALUES ("anonymous", "tmpfs", "ignore") },
  { "init", 0, CLI_BOOL, .help = "Run an init binary inside the container that forwards signals and reaps processes" },
  { "init-path", 0, CLI_STRING, .help = "Path to the container-init binary", .complete = CLI_COMPLETE_FILE },
  { "interactive", 'i', CLI_BOOL, .help = "Make STDIN available to the contained process" },
  { "ipc", 0, CLI_STRING, .help = "IPC namespace to use", .values = CLI_VALUES ("private", "host", "none", "shareable") },
  { "label", 'l', CLI_LIST, .help = "Set metadata on container", .arg = "strings" },
  { "label-file", 0, CLI_LIST, .help = "Read in a line delimited file of labels", .arg = "strings", .complete = CLI_COMPLETE_FILE },
  { "mount", 0, CLI_LIST, .help = "Attach a filesystem mount to the container", .arg = "strings" },
  { "name", 0, CLI_STRING, .help = "Assign a name to the container" },
  { "network", 0, CLI_STRING, .help = "Connect a container to a network", .alias = "net", .values = CLI_VALUES ("slirp", "none", "host") },
  { "no-hosts", 0, CLI_BOOL, .help = "Do not create /etc/hosts within the container, instead use the version from the image" },
  { "oom-score-adj", 0, CLI_INT, .help = "Tune the host's OOM preferences (-1000 to 1000)" },
  { "passwd", 0, CLI_BOOL, .help = "Add entries to /etc/passwd and /etc/group", .value = "true" },
  { "passwd-entry", 0, CLI_STRING, .help = "Entry to write to /etc/passwd" },
  { "pid", 0, CLI_STRING, .help = "PID namespace to use", .values = privacy },
  { "pidfile", 0, CLI_STRING, .help = "Write the container process ID to the file", .complete = CLI_COMPLETE_FILE },
  { "platform", 0, CLI_STRING, .help = "Specify the platform for selecting the image" },
  { "privileged", 0, CLI_BOOL, .help = "Give extended privileges to container" },
  { "read-only", 0, CLI_BOOL, .help = "Make containers root filesystem read-only" },
  { "read-only-tmpfs", 0, CLI_BOOL, .help = "When running --read-only containers mount read-write tmpfs on /dev, /dev/shm, /run, /tmp and /var/tmp", .value = "true" },
  { "replace", 0, CLI_BOOL, .help = "If a container with the same name exists, replace it" },
  { "rm", 0, CLI_BOOL, .help = "Remove container and any anonymous unnamed volume associated with the container after exit" },
  { "rootfs", 0, CLI_BOOL, .help = "The first argument is not an image but the rootfs to the exploded container" },
  { "security-opt", 0, CLI_LIST, .help = "Security Options", .arg = "stringArray" },
  { "shm-size", 0, CLI_SIZE, .help = "Size of /dev/shm (<number>[<unit>], unit: b, k, m or g)", .arg = "<number>[<unit>]", .value = "65536000b" },
  { "stop-signal", 0, CLI_STRING, .help = "Signal to stop a container. Default is SIGTERM", .complete = CLI_COMPLETE_SIGNAL },
  { "stop-timeout", 0, CLI_UINT, .help = "Timeout (in seconds) that containers stopped by user have to exit. If exceeded, the container will be forcibly stopped via SIGKILL", .value = "10" },
  { "sysctl", 0, CLI_CSV, .help = "Sysctl options" },
  { "timeout", 0, CLI_UINT, .help = "Maximum time (in seconds) a container is allowed to run before it is killed" },
  { "tmpfs", 0, CLI_LIST, .help = "Mount a temporary filesystem (tmpfs) into a container", .arg = "tmpfs" },
  { "tty", 't', CLI_BOOL, .help = "Allocate a pseudo-TTY for container" },
  { "tz", 0, CLI_STRING, .help = "Set timezone in container" },
  { "ulimit", 0, CLI_CSV, .help = "Ulimit options" },
  { "umask", 0, CLI_STRING, .help = "Set umask in container", .value = "0022" },
  { "unsetenv", 0, CLI_LIST, .help = "Unset environment default variables in container" },
  { "unsetenv-all", 0, CLI_BOOL, .help = "Unset all default environment variables in container" },
  { "user", 'u', CLI_STRING, .help = "Username or UID (format: <name|uid>[:<group|gid>])" },
  { "userns", 0, CLI_STRING, .help = "User namespace to use", .values = CLI_VALUES ("host", "single") },
  { "uts", 0, CLI_STRING, .help = "UTS namespace to use", .values = privacy },
  { "volume", 'v', CLI_LIST, .help = "Bind mount a volume into the container", .arg = "stringArray", .complete = CLI_COMPLETE_FILE },
  { "workdir", 'w', CLI_STRING, .help = "Working directory inside the container" },
  CLI_END
};

/* text, list: what was given, owned anew; NULL if it was not. */
static char *
text (const CliArgs *args, const char *name)
{
  return cli_args_is_set (args, name) ? g_strdup (cli_args_string (args, name)) : NULL;
}

static char **
list (const CliArgs *args, const char *name)
{
  return cli_args_is_set (args, name) ? g_strdupv ((char **) cli_args_list (args, name)) : NULL;
}

static void
read_texts (ContainerOptions *options, const CliArgs *args)
{
  const struct {
    const char *name;
    char **at;
  } texts[] = {
    { "cgroupns", &options->cgroupns },         { "cidfile", &options->cidfile },   { "entrypoint", &options->entrypoint }, { "hostname", &options->hostname },
    { "image-volume", &options->image_volume }, { "init-path", &options->init_path }, { "ipc", &options->ipc },             { "name", &options->name },
    { "network", &options->network },           { "passwd-entry", &options->passwd_entry }, { "group-entry", &options->group_entry }, { "pid", &options->pid },
    { "pidfile", &options->pidfile },           { "platform", &options->platform }, { "stop-signal", &options->stop_signal }, { "tz", &options->tz },
    { "umask", &options->umask },               { "user", &options->user },         { "userns", &options->userns },         { "uts", &options->uts },
    { "workdir", &options->workdir },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    *texts[i].at = text (args, texts[i].name);
}

static void
read_lists (ContainerOptions *options, const CliArgs *args)
{
  const struct {
    const char *name;
    char ***at;
  } lists[] = {
    { "add-host", &options->add_hosts }, { "annotation", &options->annotation }, { "cap-add", &options->cap_add },     { "cap-drop", &options->cap_drop },
    { "device", &options->device },      { "dns", &options->dns },               { "dns-option", &options->dns_option }, { "dns-search", &options->dns_search },
    { "env", &options->env },            { "env-file", &options->env_file },     { "group-add", &options->group_add }, { "label", &options->label },
    { "label-file", &options->label_file }, { "mount", &options->mounts },       { "security-opt", &options->security_opt }, { "sysctl", &options->sysctl },
    { "tmpfs", &options->tmpfs },        { "ulimit", &options->ulimit },         { "unsetenv", &options->unsetenv },   { "volume", &options->volumes },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (lists); i++)
    *lists[i].at = list (args, lists[i].name);
}

static void
read_flags (ContainerOptions *options, const CliArgs *args)
{
  const struct {
    const char *name;
    gboolean *at;
  } flags[] = {
    { "env-host", &options->env_host },     { "http-proxy", &options->http_proxy }, { "init", &options->init },           { "interactive", &options->interactive },
    { "no-hosts", &options->no_hosts },     { "passwd", &options->passwd },         { "privileged", &options->privileged }, { "read-only", &options->read_only },
    { "read-only-tmpfs", &options->read_only_tmpfs }, { "replace", &options->replace }, { "rm", &options->rm },           { "tty", &options->tty },
    { "unsetenv-all", &options->unsetenv_all },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (flags); i++)
    *flags[i].at = cli_args_bool (args, flags[i].name);
}

ContainerOptions *
create_options_read (const CliArgs *args, GError **error)
{
  g_autoptr (ContainerOptions) options = container_options_new ();
  read_texts (options, args);
  read_lists (options, args);
  read_flags (options, args);
  options->shm_size = cli_args_int (args, "shm-size");
  options->stop_timeout = cli_args_int (args, "stop-timeout");
  options->timeout = cli_args_int (args, "timeout");
  options->has_oom_score_adj = cli_args_is_set (args, "oom-score-adj");
  options->oom_score_adj = cli_args_int (args, "oom-score-adj");

  if (cli_args_count (args) == 0)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "an image name must be specified");
      return NULL;
    }
  char **at = cli_args_bool (args, "rootfs") ? &options->rootfs : &options->image;
  *at = g_strdup (cli_args_arg (args, 0));
  options->command = g_strdupv ((char **) cli_args_argv (args) + 1);
  if (options->replace && options->name == NULL)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "cannot replace container without --name being set");
      return NULL;
    }
  return g_steal_pointer (&options);
}
