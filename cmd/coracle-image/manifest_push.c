#include <stdio.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/manifest_args.h"
#include "cmd/coracle-image/pull_progress.h"
#include "cmd/coracle-image/push_args.h"
#include "cmd/coracle-image/sign_args.h"
#include "pkg/base/error.h"
#include "pkg/config/containers_conf.h"
#include "pkg/engine/image.h"
#include "pkg/json/json.h"

int manifest_push_run (const CliContext *context, const CliArgs *args, GError **error);

/* read_more: --add-compression, or as containers.conf says: *@ret_conf keeps the words. */
static gboolean
read_more (const CliArgs *args, ManifestPush *ret, char ***ret_conf, GError **error)
{
  json_auto_t *conf = containers_conf_read (error);
  ret->add_compression = cli_args_list (args, "add-compression");
  if (conf == NULL || cli_args_is_set (args, "add-compression"))
    return conf != NULL;
  if (!json_get_strv (conf, "engine.add_compression", 100, ret_conf, error))
    return coracle_prefix (error, "containers.conf");
  if (*ret_conf != NULL)
    ret->add_compression = (const char *const *) *ret_conf;
  return TRUE;
}

static gboolean
read_request (const CliArgs *args, ManifestPush *ret, char ***ret_conf, GError **error)
{
  if (!push_args_read (args, &ret->push, error) || !read_more (args, ret, ret_conf, error))
    return FALSE;
  ret->all = cli_args_bool (args, "all");
  for (const char *const *format = ret->add_compression; format != NULL && *format != NULL; format++)
    if (g_strcmp0 (*format, "gzip") != 0 && g_strcmp0 (*format, "zstd") != 0 && g_strcmp0 (*format, "zstd:chunked") != 0)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot find compressor for \"%s\"", *format);
  return TRUE;
}

/* remove_list: --rm. */
static gboolean
remove_list (Storage *storage, const char *name, GError **error)
{
  const char *names[] = { name, NULL };
  const ImageRemoveRequest request = { .images = names };
  g_autoptr (ImageRemoveResult) result = image_remove (storage, &request, error);
  if (result != NULL && result->errors->len > 0)
    g_propagate_error (error, g_error_copy (result->errors->pdata[0]));
  return result != NULL && result->errors->len == 0;
}

int
manifest_push_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (PullProgress) shown = { 0 };
  g_auto (AccessArgs) access = { 0 };
  g_auto (ImageSigners) signers = { NULL };
  g_auto (Session) session = { 0 };
  g_auto (GStrv) conf = NULL;
  ManifestPush request = { .push = { .say = pull_progress_say, .progress = pull_progress_bytes, .data = &shown } };
  const char *list = cli_args_arg (args, 0), *to = cli_args_arg (args, 1), *digest_file = cli_args_string (args, "digestfile");
  gboolean remove = cli_args_bool (args, "rm") || cli_args_bool (args, "purge");
  if (!read_request (args, &request, &conf, error) || !manifest_access_read (args, &cmd_manifest_push, &access, error) || !sign_args_read (args, &signers, error) || !session_open (&session, context, remove, error))
    return CLI_FAILED;
  request.push.access = access.access;
  request.push.signers = &signers;
  pull_progress_begin (&shown, cli_args_bool (args, "quiet"));
  g_autofree char *digest = NULL;
  if (!manifest_list_push (session.storage, list, to != NULL ? to : list, &request, &digest, error))
    return CLI_FAILED;
  if (digest_file != NULL && !push_write_digest (digest_file, digest, error))
    return CLI_FAILED;
  return !remove || remove_list (session.storage, list, error) ? 0 : CLI_FAILED;
}
