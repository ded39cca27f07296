#include "cmd/coracle/commands.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* go_arch: the machine as Go and image manifests call it. */
static const char *
go_arch (const char *machine)
{
  static const struct { const char *machine, *arch; } names[] = {
    { "x86_64", "amd64" }, { "aarch64", "arm64" }, { "armv7l", "arm" }, { "armv6l", "arm" }, { "i686", "386" }, { "riscv64", "riscv64" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (machine, names[i].machine))
      return names[i].arch;
  return machine;
}

static json_t *
version_json (void)
{
  struct utsname name;
  uname (&name);
  g_autofree char *os_arch = g_strconcat ("linux/", go_arch (name.machine), NULL);
  return json_pack ("{s:{s:s, s:s, s:s, s:s, s:s}}", "Client", "Program", "Coracle", "APIVersion", CORACLE_VERSION, "Version", CORACLE_VERSION,
                    "OsArch", os_arch, "Os", "linux");
}

static int
version_run (const CliContext *context, const CliArgs *args, GError **error)
{
  json_t *version = version_json ();
  json_t *client = json_object_get (version, "Client");
  static const struct { const char *label, *key; } lines[] = {
    { "Client", "Program" }, { "Version", "Version" }, { "API Version", "APIVersion" }, { "OS/Arch", "OsArch" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (lines); i++)
    printf ("%s:%*s%s\n", lines[i].label, (int) (14 - strlen (lines[i].label)), "", json_string_value (json_object_get (client, lines[i].key)));
  json_decref (version);
  return 0;
}

const CliCommand cmd_version = {
  .names = "version", .summary = "Show the version",
  .description = "Shows the version of the program and of the interface that it speaks.",
  .examples = "version\n", .run = version_run,
};
