#include "cmd/coracle-image/push_args.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/config/containers_conf.h"
#include "pkg/json/json.h"

static gboolean
read_compression (const CliArgs *args, json_t *conf, ImagePush *request, GError **error)
{
  const char *given = cli_args_is_set (args, "compression-format") ? cli_args_string (args, "compression-format") : NULL, *format = given;
  gint64 level = -1;
  if (!(given != NULL || json_get_string (conf, "engine.compression_format", &format, error)) || !json_get_int (conf, "engine.compression_level", 0, 20, &level, error))
    return coracle_prefix (error, "containers.conf");
  if (format != NULL && *format == '\0')
    format = NULL;
  request->chunked = g_strcmp0 (format, "zstd:chunked") == 0;
  request->compression = request->chunked || g_strcmp0 (format, "zstd") == 0 ? COMPRESSION_ZSTD : COMPRESSION_GZIP;
  if (format != NULL && strcmp (format, "gzip") != 0 && request->compression != COMPRESSION_ZSTD)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot find compressor for \"%s\"", format);
  request->force = cli_args_is_set (args, "force-compression") ? cli_args_bool (args, "force-compression") : given != NULL;
  if (cli_args_is_set (args, "compression-level"))
    level = cli_args_int (args, "compression-level");
  gint64 most = request->compression == COMPRESSION_ZSTD ? 20 : 9;
  if (level < -1 || level > most)
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

gboolean
push_write_digest (const char *path, const char *digest, GError **error)
{
  cleanup_fd int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  int r = fd < 0 ? -errno : fd_write_all (fd, digest, strlen (digest));
  return r == 0 || coracle_throw_errno (error, -r, "failed to write digest to file \"%s\"", path);
}

gboolean
push_args_read (const CliArgs *args, ImagePush *ret_request, GError **error)
{
  json_auto_t *conf = containers_conf_read (error);
  return conf != NULL && read_form (args, ret_request, error) && read_compression (args, conf, ret_request, error);
}
