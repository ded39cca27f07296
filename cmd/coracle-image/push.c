#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "cmd/coracle-image/access.h"
#include "cmd/coracle-image/pull_progress.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/image_out.h"

int push_run (const CliContext *context, const CliArgs *args, GError **error);

static gboolean
read_compression (const CliArgs *args, ImagePush *request, GError **error)
{
  const char *format = cli_args_string (args, "compression-format");
  request->compression = g_strcmp0 (format, "zstd") == 0 ? COMPRESSION_ZSTD : COMPRESSION_GZIP;
  if (format != NULL && strcmp (format, "zstd:chunked") == 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--compression-format zstd:chunked is not supported: use zstd");
  if (format != NULL && strcmp (format, "gzip") != 0 && strcmp (format, "zstd") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot find compressor for \"%s\"", format);
  request->force = cli_args_is_set (args, "force-compression") ? cli_args_bool (args, "force-compression") : format != NULL;
  request->level = -1;
  if (!cli_args_is_set (args, "compression-level"))
    return TRUE;
  gint64 level = cli_args_int (args, "compression-level"), most = request->compression == COMPRESSION_ZSTD ? 20 : 9;
  if (level < 0 || level > most)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid compression level %" G_GINT64_FORMAT ": %s has 1 to %" G_GINT64_FORMAT, level,
                          request->compression == COMPRESSION_ZSTD ? "zstd" : "gzip", most);
  request->level = (int) level;
  return TRUE;
}

static gboolean
read_form (const CliArgs *args, ImagePush *request, GError **error)
{
  request->form = cli_args_string (args, "format");
  if (g_strcmp0 (request->form, "v2s1") == 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--format v2s1 is not supported: that format was given up in 2016; use oci or v2s2");
  if (request->form != NULL && strcmp (request->form, "oci") != 0 && strcmp (request->form, "v2s2") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown format \"%s\". Choose on of the supported formats: 'oci', 'v2s1', or 'v2s2'", request->form);
  return TRUE;
}

static gboolean
write_digest (const char *path, const char *digest, GError **error)
{
  cleanup_fd int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  int r = fd < 0 ? -errno : fd_write_all (fd, digest, strlen (digest));
  return r == 0 || coracle_throw_errno (error, -r, "failed to write digest to file \"%s\"", path);
}

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
  g_auto (Session) session = { 0 };
  g_auto (AccessArgs) access = { 0 };
  if (!check (args, error) || !read_form (args, &request, error) || !read_compression (args, &request, error) || !access_read (args, &cmd_push, &access, error)
      || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  request.access = access.access;
  pull_progress_begin (&shown, cli_args_bool (args, "quiet"));
  g_autofree char *digest = NULL;
  return image_push (session.storage, cli_args_arg (args, 0), cli_args_arg (args, 1), &request, &digest, error) && (digest_file == NULL || write_digest (digest_file, digest, error))
             ? 0
             : CLI_FAILED;
}
