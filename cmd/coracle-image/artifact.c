#include <stdio.h>
#include <string.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/access.h"
#include "cmd/coracle-image/pull_progress.h"
#include "cmd/coracle-image/push_args.h"
#include "cmd/coracle-image/sign_args.h"
#include "pkg/base/error.h"
#include "pkg/base/text.h"
#include "pkg/engine/artifact.h"
#include "pkg/image/digest.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

#define DECLARE(name) int artifact_##name##_run (const CliContext *context, const CliArgs *args, GError **error)
DECLARE (add);
DECLARE (extract);
DECLARE (inspect);
DECLARE (ls);
DECLARE (pull);
DECLARE (push);
DECLARE (rm);
#undef DECLARE

static const char *
given (const CliArgs *args, const char *name)
{
  return cli_args_is_set (args, name) ? cli_args_string (args, name) : NULL;
}

int
artifact_add_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const ArtifactAdd add = { .name = cli_args_arg (args, 0), .files = cli_args_argv (args) + 1, .annotations = cli_args_list (args, "annotation"), .type = given (args, "type"),
                            .file_type = given (args, "file-type"), .append = cli_args_bool (args, "append"), .replace = cli_args_bool (args, "replace") };
  g_auto (Session) session = { 0 };
  g_autofree char *digest = NULL;
  if (!session_open (&session, context, FALSE, error) || !artifact_add (session.storage, &add, &digest, error))
    return CLI_FAILED;
  puts (image_digest_hex (digest));
  return 0;
}

int
artifact_extract_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const ArtifactExtract what = { .title = given (args, "title"), .digest = given (args, "digest") };
  g_auto (Session) session = { 0 };
  g_autoptr (Artifact) artifact = NULL;
  return session_open (&session, context, FALSE, error) && (artifact = artifact_find (session.storage, cli_args_arg (args, 0), error)) != NULL
                 && artifact_extract (session.storage, artifact, cli_args_arg (args, 1), &what, error)
             ? 0
             : CLI_FAILED;
}

int
artifact_inspect_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_string (args, "format");
  g_auto (Session) session = { 0 };
  g_autoptr (Artifact) artifact = NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  if (!template_check (format, error) || !session_open (&session, context, FALSE, error) || (artifact = artifact_find (session.storage, cli_args_arg (args, 0), error)) == NULL)
    return CLI_FAILED;
  json_auto_t *object = artifact_inspect (artifact);
  if (template_is_json (format))
    template_write_json (format, object, 5, out);
  else
    {
      (void) json_object_set_new (object, "TotalSizeBytes", json_integer (artifact_size (artifact)));
      if (!template_render (format, object, out, error))
        return CLI_FAILED;
      g_string_append_c (out, '\n');
    }
  fputs (out->str, stdout);
  return 0;
}

static json_t *
row (const Artifact *artifact, gboolean whole)
{
  const char *at = json_string_value (json_object_get (json_object_get (artifact->manifest, "annotations"), ARTIFACT_CREATED)), *slash = strrchr (artifact->name, '/');
  const char *colon = strchr (slash != NULL ? slash : artifact->name, ':'), *hex = image_digest_hex (artifact->digest);
  struct timespec now = { 0 }, when = { 0 };
  gboolean known = at != NULL && text_time_parse (at, now, &when, NULL);
  g_autofree char *repository = colon != NULL ? g_strndup (artifact->name, (gsize) (colon - artifact->name)) : g_strdup (artifact->name);
  g_autofree char *ago = known ? text_ago (text_time_to_usec (when), g_get_real_time ()) : g_strdup (""), *go = known ? text_time_go (when, FALSE) : g_strdup ("");
  g_autofree char *size = text_size ((guint64) artifact_size (artifact), 4), *bytes = g_strdup_printf ("%" G_GINT64_FORMAT, artifact_size (artifact));
  g_autofree char *digest = whole ? g_strdup (hex) : g_strndup (hex, 12);
  return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Repository", repository, "Tag", colon != NULL ? colon + 1 : "", "Digest", digest, "Created", ago, "CreatedAt", go, "Size", size,
                    "VirtualSize", bytes);
}

int
artifact_ls_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const TemplateHeader headers[] = { { NULL } };
  const char *format = given (args, "format");
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) artifacts = NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  if ((format != NULL && !template_check (format, error)) || !session_open (&session, context, FALSE, error) || !artifact_list (session.storage, &artifacts, error))
    return CLI_FAILED;
  json_auto_t *array = json_array ();
  for (guint i = 0; i < artifacts->len; i++)
    (void) json_array_append_new (array, row (artifacts->pdata[i], cli_args_bool (args, "no-trunc")));
  if (!template_render_list (format != NULL ? format : "table {{.Repository}}\\t{{.Tag}}\\t{{.Digest}}\\t{{.Created}}\\t{{.Size}}", array, headers,
                             cli_args_bool (args, "noheading") ? TEMPLATE_NO_HEADING : TEMPLATE_DEFAULT, out, error))
    return CLI_FAILED;
  fputs (out->str, stdout);
  return 0;
}

/* transfer: pull or push. */
static int
transfer (const CliContext *context, const CliArgs *args, gboolean (*work) (Storage *, const char *, const ArtifactTransfer *, char **, GError **), const char *digest_file,
          const ImageSigners *signers, GError **error)
{
  g_auto (PullProgress) shown = { 0 };
  g_auto (AccessArgs) access = { 0 };
  g_auto (Session) session = { 0 };
  g_autofree char *digest = NULL;
  if (!access_read (args, context->command, &access, error) || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  const ArtifactTransfer how = { access.access, pull_progress_say, &shown, signers };
  pull_progress_begin (&shown, cli_args_bool (args, "quiet"));
  if (!work (session.storage, cli_args_arg (args, 0), &how, &digest, error))
    return CLI_FAILED;
  return digest_file == NULL || push_write_digest (digest_file, digest, error) ? 0 : CLI_FAILED;
}

int
artifact_pull_run (const CliContext *context, const CliArgs *args, GError **error)
{
  return transfer (context, args, artifact_pull, NULL, NULL, error);
}

int
artifact_push_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (ImageSigners) signers = { NULL };
  return sign_args_read (args, &signers, error) ? transfer (context, args, artifact_push, given (args, "digestfile"), &signers, error) : CLI_FAILED;
}

/* remove_one: prints what is gone; what is not there may not matter. */
static gboolean
remove_one (Storage *storage, const char *name, gboolean ignore, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (Artifact) artifact = artifact_find (storage, name, &problem);
  if (artifact != NULL && artifact_remove (storage, artifact, &problem))
    puts (image_digest_hex (artifact->digest));
  if (problem == NULL || (ignore && g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND)))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static int
remove_all (Storage *storage, GError **error)
{
  g_autoptr (GPtrArray) artifacts = NULL;
  if (!artifact_list (storage, &artifacts, error))
    return CLI_FAILED;
  for (guint i = 0; i < artifacts->len; i++)
    {
      const Artifact *artifact = artifacts->pdata[i];
      if (!artifact_remove (storage, artifact, error))
        return CLI_FAILED;
      puts (image_digest_hex (artifact->digest));
    }
  return 0;
}

int
artifact_rm_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean all = cli_args_bool (args, "all"), ignore = cli_args_bool (args, "ignore");
  g_auto (Session) session = { 0 };
  if (all && cli_args_count (args) > 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "when using the --all switch, you may not pass any artifact names or digests"), CLI_FAILED;
  if (!all && cli_args_count (args) == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "at least one artifact name or digest must be specified"), CLI_FAILED;
  if (!session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  if (all)
    return remove_all (session.storage, error);
  int status = 0;
  for (const char *const *name = cli_args_argv (args); *name != NULL; name++)
    {
      g_autoptr (GError) problem = NULL;
      if (remove_one (session.storage, *name, ignore, &problem))
        continue;
      dispatch_print_error (problem);
      status = 125;
    }
  return status;
}
