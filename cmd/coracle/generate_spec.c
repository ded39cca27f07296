#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_specgen.h"

static const CliOption options[] = {
  { "compact", 'c', CLI_BOOL, .help = "Print it in one line" },
  { "filename", 'f', CLI_STRING, .help = "Write it to this file, and print the file's name", .complete = CLI_COMPLETE_FILE },
  { "name", 'n', CLI_BOOL, .help = "Give it a name that is still free", .value = "true",
    .man = "Call it as the container with -clone behind, so that a container can be made from it while the first is still there. --name=false keeps the name." },
  CLI_END
};

static json_t *
find (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *name = cli_args_arg (args, 0);
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, FALSE, error))
    return NULL;
  g_autoptr (GError) problem = NULL;
  json_t *spec = container_specgen (session.storage, name, cli_args_bool (args, "name"), &problem);
  if (spec == NULL && g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "could not find a pod or container with the id %s", name);
  else if (spec == NULL)
    g_propagate_error (error, g_steal_pointer (&problem));
  return spec;
}

static int
generate_spec_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *file = cli_args_string (args, "filename");
  json_auto_t *spec = find (context, args, error);
  if (spec == NULL)
    return CLI_FAILED;
  g_autofree char *text = json_dumps (spec, cli_args_bool (args, "compact") ? JSON_COMPACT : JSON_INDENT (1));
  if (file == NULL || *file == '\0')
    {
      printf ("%s\n", text);
      return 0;
    }
  int r = path_write_file (AT_FDCWD, file, text, strlen (text), 0644, FALSE);
  if (r < 0)
    return coracle_throw_errno (error, -r, "writing %s", file), CLI_FAILED;
  printf ("%s\n", file);
  return 0;
}

const CliCommand cmd_generate_spec = {
  .names = "generate spec",
  .usage = "CONTAINER",
  .summary = "Print what a container was made with, as Podman's API takes it",
  .description = "Print the words that a container was made with as JSON: a SpecGenerator, which Podman's API takes to create one.",
  .examples = "generate spec web\ngenerate spec --compact --filename web.json web\n",
  .options = { options },
  .min_args = 1,
  .max_args = 1,
  .complete = CLI_COMPLETE_CONTAINER,
  .run = generate_spec_run,
};
