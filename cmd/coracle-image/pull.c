#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/image_commands.h"
#include "cmd/coracle-image/access.h"
#include "cmd/coracle-image/platform.h"
#include "cmd/coracle-image/progress.h"
#include "cmd/coracle-image/pull_progress.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/outside.h"
#include "pkg/engine/image_pull.h"

int pull_run (const CliContext *context, const CliArgs *args, GError **error);

/* ask: which of @names a short name means: by number; what is none is asked again. */
static char *
ask (const char *const *names, const char *what, void *data)
{
  guint n = g_strv_length ((char **) names);
  char line[32];
  fprintf (stderr, "? Please select an image:\n");
  for (guint i = 0; i < n; i++)
    fprintf (stderr, "  %u) %s\n", i + 1, names[i]);
  for (;;)
    {
      fprintf (stderr, "Number: ");
      if (fgets (line, sizeof line, stdin) == NULL)
        return NULL;
      unsigned long number = strtoul (line, NULL, 10);
      if (number >= 1 && number <= n)
        return g_strdup (names[number - 1]);
    }
}

static gboolean
read_request (const CliArgs *args, ImagePullRequest *ret_pull, AccessArgs *ret_access, GError **error)
{
  static const char *const policies[] = { "always", "missing", "never", "newer" };
  static const ImagePullPolicy meant[] = { IMAGE_PULL_ALWAYS, IMAGE_PULL_MISSING, IMAGE_PULL_NEVER, IMAGE_PULL_NEWER };
  *ret_pull = (ImagePullRequest){ .all_tags = cli_args_bool (args, "all-tags"), .choose = isatty (STDIN_FILENO) && isatty (STDERR_FILENO) ? ask : NULL };
  for (size_t i = 0; i < G_N_ELEMENTS (policies); i++)
    if (strcmp (cli_args_string (args, "policy"), policies[i]) == 0)
      ret_pull->policy = meant[i];
  return access_read (args, &cmd_pull, ret_access, error);
}

/* warn: of an image that is for another platform than the one that was asked for. Podman's two ways to say it. */
static void
warn (Storage *storage, const char *id, const ImagePlatform *wanted, gboolean quiet)
{
  g_autoptr (StateImage) image = state_image_find (storage->state, id, NULL);
  const ImagePlatform is = { image != NULL ? image->os : NULL, image != NULL ? image->architecture : NULL, image != NULL ? image->variant : NULL };
  g_autofree char *text = image != NULL && !image->list ? image_platform_mismatch (&is, wanted) : NULL;
  if (text != NULL && quiet)
    g_warning ("%s", text);
  else if (text != NULL)
    fprintf (stderr, "WARNING: %s\n", text);
}

static gboolean
pull_one (const char *reference, Storage *storage, const ImagePullRequest *pull, ImageInRequest *request, gboolean quiet, GError **error)
{
  g_autoptr (GPtrArray) images = NULL;
  gboolean ok = image_pull_from (storage, reference, pull, request, &images, error);
  for (guint i = 0; i < images->len; i++)
    {
      const char *id = ((const ImageIn *) images->pdata[i])->id;
      warn (storage, id, request->platform, quiet);
      puts (id);
    }
  fflush (stdout);
  return ok;
}

/* pull_all: what cannot be had does not keep the others back. */
static gboolean
pull_all (const CliArgs *args, Storage *storage, const ImagePullRequest *pull, ImageInRequest *request, GError **error)
{
  g_autoptr (GError) last = NULL;
  for (const char *const *reference = cli_args_argv (args); *reference != NULL; reference++)
    {
      g_autoptr (GError) problem = NULL;
      if (pull_one (*reference, storage, pull, request, cli_args_bool (args, "quiet"), &problem))
        continue;
      if (last != NULL)
        dispatch_print_error (last);
      g_clear_error (&last);
      last = g_steal_pointer (&problem);
    }
  gboolean ok = last == NULL;
  if (!ok)
    g_propagate_error (error, g_steal_pointer (&last));
  return ok;
}

static int
pull_here (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (PlatformArgs) platform = { 0 };
  g_auto (Session) session = { 0 };
  g_auto (PullProgress) shown = { 0 };
  g_auto (AccessArgs) access = { 0 };
  ImagePullRequest pull;
  if (!read_request (args, &pull, &access, error) || !platform_args_read (args, TRUE, &platform, error) || !outside_begin (error) || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  pull.access = access.access;
  pull_progress_begin (&shown, cli_args_bool (args, "quiet"));
  pull.say = pull_progress_say;
  pull.data = &shown;
  ImageInRequest request = { .single = session.map->mode == IDMAP_SINGLE, .platform = &platform.platform, .progress = pull_progress_bytes, .progress_data = &shown };
  gboolean ok = pull_all (args, session.storage, &pull, &request, error);
  Progress notices = { .quiet = shown.quiet };
  progress_notices (&notices, &session, &request);
  return ok ? 0 : CLI_FAILED;
}

int
pull_run (const CliContext *context, const CliArgs *args, GError **error)
{
  int problem_fd = (int) cli_args_int (args, "problem-fd");
  g_autoptr (GError) problem = NULL;
  int status = pull_here (context, args, &problem);
  if (problem == NULL)
    return status;
  if (problem_fd > STDERR_FILENO)
    {
      (void) fd_write_all (problem_fd, problem->message, strlen (problem->message));
      return cli_exit_status (problem);
    }
  g_propagate_error (error, g_steal_pointer (&problem));
  return status;
}
