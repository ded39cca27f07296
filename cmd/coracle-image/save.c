#include <string.h>
#include <unistd.h>

#include "cmd/common/image_commands.h"
#include "cmd/coracle-image/progress.h"
#include "pkg/base/error.h"
#include "pkg/config/containers_conf.h"
#include "pkg/engine/image_out.h"

int save_run (const CliContext *context, const CliArgs *args, GError **error);

static gboolean
check (const CliArgs *args, const ImageSave *request, GError **error)
{
  if (!image_save_format (request->format))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "format value must be one of oci-dir oci-archive docker-dir docker-archive");
  if (cli_args_is_set (args, "compress") && strcmp (request->format, "docker-dir") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--compress can only be set when --format is 'docker-dir'");
  if (request->output == NULL && isatty (STDOUT_FILENO))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "refusing to save to terminal. Use -o flag or redirect");
  if (request->output != NULL && strchr (request->output, ':') != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid filename (should not contain ':') \"%s\"", request->output);
  return TRUE;
}

/* is_multi: as it is said, else as containers.conf says. */
static gboolean
is_multi (const CliArgs *args, const json_t *conf)
{
  return cli_args_is_set (args, "multi-image-archive") ? cli_args_bool (args, "multi-image-archive") : json_is_true (json_object_get (json_object_get (conf, "engine"), "multi_image_archive"));
}

int
save_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *output = cli_args_string (args, "output");
  json_auto_t *conf = containers_conf_read (error);
  Progress progress;
  ImageSave request = {
    .format = cli_args_string (args, "format"), .output = output != NULL && *output != '\0' ? output : NULL, .compress = cli_args_bool (args, "compress"),
    .uncompressed = cli_args_bool (args, "uncompressed"), .multi = is_multi (args, conf), .progress = progress_callback, .progress_data = &progress,
  };
  g_auto (Session) session = { 0 };
  if (conf == NULL || !check (args, &request, error) || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  progress_begin (&progress, cli_args_bool (args, "quiet") || request.output == NULL);
  gboolean ok = image_save (session.storage, cli_args_argv (args), &request, error);
  progress_end (&progress);
  return ok ? 0 : CLI_FAILED;
}
