#include <stdio.h>
#include <unistd.h>

#include "cmd/common/image_commands.h"
#include "cmd/coracle-image/progress.h"
#include "pkg/base/error.h"

int load_run (const CliContext *context, const CliArgs *args, GError **error);

static void
print_images (const GPtrArray *images)
{
  for (guint i = 0; i < images->len; i++)
    {
      const ImageIn *image = images->pdata[i];
      for (char **name = image->names; *name != NULL; name++)
        printf ("Loaded image: %s\n", *name);
      if (image->names[0] == NULL)
        printf ("Loaded image: sha256:%s\n", image->id);
    }
}

int
load_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *path = cli_args_is_set (args, "input") ? cli_args_string (args, "input") : "-";
  if (g_str_equal (path, "-") && isatty (STDIN_FILENO))
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "cannot read from terminal, use command-line redirection or the --input flag");
      return CLI_FAILED;
    }
  g_auto (Session) session = { 0 };
  if (!session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  Progress progress;
  progress_begin (&progress, cli_args_bool (args, "quiet"));
  ImageInRequest request = { .single = session.map->mode == IDMAP_SINGLE, .progress = progress_callback, .progress_data = &progress };
  g_autoptr (GPtrArray) images = NULL;
  gboolean ok = image_load (session.storage, path, &request, &images, error);
  progress_end (&progress);
  print_images (images);
  progress_notices (&progress, &session, &request);
  return ok ? 0 : CLI_FAILED;
}
