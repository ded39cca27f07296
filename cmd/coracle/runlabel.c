#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/access_options.h"
#include "cmd/common/authfile.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/proc.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_missing.h"
#include "pkg/engine/runlabel.h"

static const CliOption options[] = {
  ACCESS_OPTION_AUTHFILE,
  ACCESS_OPTION_CERT_DIR,
  ACCESS_OPTION_CREDS,
  { "display", 0, CLI_BOOL, .help = "Only print the command" },
  { "name", 'n', CLI_STRING, .help = "The container's name, put in the place of NAME" },
  { "quiet", 'q', CLI_BOOL, .help = "Print neither the command nor what a pull has to say" },
  { "replace", 0, CLI_BOOL, .help = "Remove a container of that name first" },
  ACCESS_OPTION_TLS_VERIFY,
  CLI_END
};

/* fetch: the image, if it is not here, by the options of registries that were given. */
static gboolean
fetch (const Session *session, const CliArgs *args, const char *image, GError **error)
{
  static const char *const texts[] = { "authfile", "cert-dir", "creds" };
  g_autoptr (GError) problem = NULL;
  g_autoptr (StateImage) there = image_find (session->storage->state, image, &problem);
  if (there != NULL || !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    return TRUE;
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    if (cli_args_is_set (args, texts[i]))
      {
        g_autofree char *word = g_strdup_printf ("--%s=%s", texts[i], cli_args_string (args, texts[i]));
        g_strv_builder_add (words, word);
      }
  if (cli_args_is_set (args, "tls-verify"))
    g_strv_builder_add (words, cli_args_bool (args, "tls-verify") ? "--tls-verify=true" : "--tls-verify=false");
  if (cli_args_bool (args, "quiet"))
    g_strv_builder_add (words, "--quiet");
  g_auto (GStrv) more = g_strv_builder_end (words);
  g_autofree char *id = NULL;
  return image_fetch (session->paths, image, "missing", NULL, more, &id, error);
}

/* own_words: this program, on the same store. */
static GPtrArray *
own_words (const CliContext *context)
{
  GPtrArray *words = g_ptr_array_new ();
  const struct { const char *flag, *value; } globals[] = { { "--root", context->root }, { "--runroot", context->run_root } };
  g_ptr_array_add (words, (char *) (guintptr) context->program);
  for (size_t i = 0; i < G_N_ELEMENTS (globals); i++)
    if (globals[i].value != NULL)
      {
        g_ptr_array_add (words, (char *) (guintptr) globals[i].flag);
        g_ptr_array_add (words, (char *) (guintptr) globals[i].value);
      }
  return words;
}

/* remove_first: as `rm --force --ignore NAME`, by a process of its own: this one stays outside of the user namespace. */
static gboolean
remove_first (const CliContext *context, const char *name, GError **error)
{
  g_autoptr (GPtrArray) words = own_words (context);
  const char *const more[] = { "rm", "--force", "--ignore", name, NULL };
  words->pdata[0] = (char *) (guintptr) "/proc/self/exe";
  for (size_t i = 0; i < G_N_ELEMENTS (more); i++)
    g_ptr_array_add (words, (char *) (guintptr) more[i]);
  int status;
  g_autofree char *said = NULL;
  if (!proc_run ((const char *const *) words->pdata, &status, &said, error))
    return FALSE;
  return status == 0 || coracle_throw (error, CORACLE_ERROR_SYSTEM, "removing container %s: %s", name, said);
}

static int
runlabel_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (Session) session = { 0 };
  g_auto (GStrv) command = NULL;
  g_autofree char *name = NULL;
  const RunlabelRequest request = { .label = cli_args_arg (args, 0), .image = cli_args_arg (args, 1), .name = cli_args_is_set (args, "name") ? cli_args_string (args, "name") : NULL,
                                    .args = cli_args_argv (args) + 2 };
  if (!authfile_check (args, error) || !session_open (&session, context, FALSE, error) || !fetch (&session, args, request.image, error) || (command = runlabel_command (session.storage, &request, &name, error)) == NULL)
    return CLI_FAILED;
  g_autofree char *text = g_strjoinv (" ", command);
  gboolean display = cli_args_bool (args, "display");
  if (display || !cli_args_bool (args, "quiet"))
    printf ("command: %s %s\n", context->program, text);
  if (display)
    return 0;
  (void) fflush (stdout);
  if (cli_args_bool (args, "replace") && !remove_first (context, name, error))
    return CLI_FAILED;
  g_autoptr (GPtrArray) words = own_words (context);
  for (char **word = command; *word != NULL; word++)
    g_ptr_array_add (words, *word);
  g_ptr_array_add (words, NULL);
  execv ("/proc/self/exe", (char **) words->pdata);
  int errsv = errno;
  coracle_throw_errno (error, errsv, "running %s", context->program);
  return CLI_FAILED;
}

const CliCommand cmd_runlabel = {
  .names = "container runlabel",
  .usage = "LABEL IMAGE [ARG...]",
  .summary = "Run the command that an image's label holds",
  .description = "Runs the command in a label of an image, which is pulled if it is not here. Its first word stands for this program. In its words NAME becomes the container's name, IMAGE the image's; and so do $NAME, $IMAGE and "
                 "the variables of the environment. Further arguments are put behind it.",
  .examples = "container runlabel install fedora/tools\ncontainer runlabel --display run fedora/tools\n",
  .options = { options },
  .min_args = 2,
  .max_args = CLI_ANY,
  .stop_at_args = TRUE,
  .run = runlabel_run,
};
