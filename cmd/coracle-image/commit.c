#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container_commit.h"

#define CONFIG_LIMIT ((size_t) 4 << 20)

int commit_run (const CliContext *context, const CliArgs *args, GError **error);

static const char *
spoken (int errsv)
{
  return errsv == ENOENT ? "no such file or directory" : g_strerror (errsv);
}

static gboolean
read_config (const char *path, char **ret_text, GError **error)
{
  if (path == NULL)
    return TRUE;
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  int errsv = errno;
  if (fd < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--config: open %s: %s", path, spoken (errsv));
  return fd_read_file (fd, CONFIG_LIMIT, ret_text, NULL, error) || coracle_prefix (error, "--config: %s", path);
}

static gboolean
write_id (const char *path, const char *id, GError **error)
{
  if (path == NULL)
    return TRUE;
  cleanup_fd int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  int r = fd < 0 ? -errno : fd_write_all (fd, id, strlen (id));
  return r == 0 || coracle_throw (error, CORACLE_ERROR_SYSTEM, "failed to write image ID: open %s: %s", path, spoken (-r));
}

static gboolean
read_request (const CliArgs *args, ContainerCommit *request, GError **error)
{
  const char *format = cli_args_string (args, "format");
  *request = (ContainerCommit){
    .reference = cli_args_arg (args, 1), .author = cli_args_string (args, "author"), .message = cli_args_string (args, "message"), .changes = cli_args_list (args, "change"),
    .docker = strcmp (format, "docker") == 0, .squash = cli_args_bool (args, "squash"), .include_volumes = cli_args_bool (args, "include-volumes"), .pause = cli_args_bool (args, "pause"),
  };
  if (!request->docker && strcmp (format, "oci") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unrecognized image format \"%s\"", format);
  if (!request->docker && request->message != NULL && *request->message != '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "messages are only compatible with the docker image format (-f docker)");
  return TRUE;
}

int
commit_run (const CliContext *context, const CliArgs *args, GError **error)
{
  ContainerCommit request;
  g_autofree char *config = NULL, *id = NULL;
  g_auto (Session) session = { 0 };
  if (!read_request (args, &request, error) || !read_config (cli_args_string (args, "config"), &config, error) || !session_open (&session, context, TRUE, error))
    return CLI_FAILED;
  request.config = config;
  request.single = session.map->mode == IDMAP_SINGLE;
  if (!container_commit (session.storage, cli_args_arg (args, 0), &request, &id, error) || !write_id (cli_args_string (args, "iidfile"), id, error))
    return CLI_FAILED;
  if (request.skipped_devices > 0 && !cli_args_bool (args, "quiet"))
    fprintf (stderr, "Notice: %" G_GUINT64_FORMAT " device nodes are not in the image\n", request.skipped_devices);
  if (!cli_args_bool (args, "quiet"))
    fprintf (stderr, "Getting image source signatures\nCopying config %s\nWriting manifest to image destination\n", id);
  printf ("%s\n", id);
  return 0;
}
