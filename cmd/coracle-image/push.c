#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/access.h"
#include "cmd/coracle-image/pull_progress.h"
#include "cmd/coracle-image/push_args.h"
#include "cmd/coracle-image/sign_args.h"
#include "pkg/base/error.h"
#include "pkg/engine/image_out.h"

int push_run (const CliContext *context, const CliArgs *args, GError **error);

static gboolean
check (const CliArgs *args, GError **error)
{
  static const char *const encryption[] = { "encryption-key", "encrypt-layer" };
  for (gsize i = 0; i < G_N_ELEMENTS (encryption); i++)
    if (cli_args_is_set (args, encryption[i]))
      return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--%s is not supported: images are not encrypted here", encryption[i]);
  return TRUE;
}

int
push_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_auto (PullProgress) shown = { 0 };
  ImagePush request = { .compress = cli_args_bool (args, "compress"), .say = pull_progress_say, .progress = pull_progress_bytes, .data = &shown };
  const char *digest_file = cli_args_string (args, "digestfile");
  g_auto (ImageSigners) signers = { NULL };
  g_auto (Session) session = { 0 };
  g_auto (AccessArgs) access = { 0 };
  if (!check (args, error) || !push_args_read (args, &request, error) || !access_read (args, &cmd_push, &access, error)
      || !sign_args_read (args, &signers, error) || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  request.signers = &signers;
  request.access = access.access;
  pull_progress_begin (&shown, cli_args_bool (args, "quiet"));
  g_autofree char *digest = NULL;
  return image_push (session.storage, cli_args_arg (args, 0), cli_args_arg (args, 1), &request, &digest, error) && (digest_file == NULL || push_write_digest (digest_file, digest, error))
             ? 0
             : CLI_FAILED;
}
