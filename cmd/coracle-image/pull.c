#include <stdio.h>

#include "cmd/common/image_commands.h"
#include "cmd/coracle-image/platform.h"
#include "cmd/coracle-image/progress.h"
#include "pkg/base/error.h"
#include "pkg/engine/image.h"

int pull_run (const CliContext *context, const CliArgs *args, GError **error);

/* pull_one: under --policy missing and never what is there is enough. @ret_id: free with g_free. */
static gboolean
pull_one (Session *session, const char *policy, const char *reference, ImageInRequest *request, char **ret_id, GError **error)
{
  if (g_str_equal (policy, "missing") || g_str_equal (policy, "never"))
    {
      g_autoptr (StateImage) there = image_find (session->storage->state, reference, NULL);
      if (there != NULL)
        {
          *ret_id = g_strdup (there->id);
          return TRUE;
        }
      if (g_str_equal (policy, "never"))
        return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image not known", reference);
    }
  g_autoptr (ImageIn) image = NULL;
  if (!image_pull (session->storage, reference, request, &image, error))
    return FALSE;
  *ret_id = g_strdup (image->id);
  return TRUE;
}

int
pull_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (PlatformArgs) platform = { 0 };
  g_auto (Session) session = { 0 };
  if (!platform_args_read (args, TRUE, &platform, error) || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  Progress progress;
  progress_begin (&progress, cli_args_bool (args, "quiet"));
  ImageInRequest request = { .single = session.map->mode == IDMAP_SINGLE, .platform = &platform.platform, .progress = progress_callback, .progress_data = &progress };
  gboolean ok = TRUE;
  for (const char *const *reference = cli_args_argv (args); ok && *reference != NULL; reference++)
    {
      g_autofree char *id = NULL;
      ok = pull_one (&session, cli_args_string (args, "policy"), *reference, &request, &id, error);
      progress_end (&progress);
      if (ok)
        puts (id);
    }
  progress_notices (&progress, &session, &request);
  return ok ? 0 : CLI_FAILED;
}
