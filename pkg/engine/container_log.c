#include "pkg/engine/container_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/text.h"
#include "pkg/template/template.h"

static const struct {
  const char *name;
  MonitorLogKind kind;
  gboolean tty;
} drivers[] = {
  { "k8s-file", MONITOR_LOG_K8S, FALSE },          { "json-file", MONITOR_LOG_K8S, FALSE }, { "journald", MONITOR_LOG_JOURNALD, FALSE },
  { "none", MONITOR_LOG_NONE, FALSE },             { "passthrough", MONITOR_LOG_PASSTHROUGH, FALSE },
  { "passthrough-tty", MONITOR_LOG_PASSTHROUGH, TRUE },
};

/* ---- words */

void
log_settings_clear (LogSettings *settings)
{
  g_clear_pointer (&settings->path, g_free);
  g_clear_pointer (&settings->tag, g_free);
  g_clear_pointer (&settings->labels, g_ptr_array_unref);
}

static gboolean
find_driver (const char *name, LogSettings *settings, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (drivers); i++)
    if (name == NULL || name[0] == '\0' || strcmp (name, drivers[i].name) == 0)
      {
        settings->kind = drivers[i].kind;
        settings->tty = drivers[i].tty;
        settings->driver = drivers[i].name;
        return TRUE;
      }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "running container create option: invalid log driver: invalid argument");
}

static gboolean
parse_size (const char *text, gint64 *ret_size, GError **error)
{
  g_autoptr (GError) problem = NULL;
  return text_size_parse_decimal (text, ret_size, &problem) || coracle_throw (error, CORACLE_ERROR_INVALID, "--log-opt max-size=%s: %s", text, problem->message);
}

/* check_label: NAME=TEMPLATE. What the journal takes as a name: systemd, docs/JOURNAL_NATIVE_PROTOCOL.md; those beginning with "_" are its own. */
static gboolean
check_label (const char *value, GError **error)
{
  gsize length = strspn (value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  if (length == 0 || length > 64 || value[length] != '=' || !g_ascii_isupper (value[0]))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid log option \"label=%s\": must be label=NAME=TEMPLATE, with a NAME of capital letters, digits and underscores, as in label=CONTAINER_IMAGE={{.ImageName}}",
                          value);
  return template_check (value, error);
}

/* parse_format: json-file is another word for k8s-file, as podman-run(1) --log-driver has it, and its file the same; Docker's own format is to be had by this. */
static gboolean
parse_format (const char *value, LogSettings *settings, GError **error)
{
  if (strcmp (settings->driver, "json-file") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--log-opt format=%s: only the log driver json-file has two formats", value);
  settings->kind = strcmp (value, "docker") == 0 ? MONITOR_LOG_JSON : MONITOR_LOG_K8S;
  return strcmp (value, "docker") == 0 || strcmp (value, "k8s") == 0 || coracle_throw (error, CORACLE_ERROR_INVALID, "--log-opt format=%s: must be k8s or docker", value);
}

static gboolean
parse_option (const ContainerOptions *options, const char *text, LogSettings *settings, GError **error)
{
  const char *equals = strchr (text, '=');
  if (equals == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid log option \"%s\": must be KEY=VALUE", text);
  const char *value = equals + 1;
  g_autofree char *key = g_strndup (text, (gsize) (equals - text));
  if (strcmp (key, "path") == 0)
    {
      g_free (settings->path);
      settings->path = g_canonicalize_filename (value, options->cwd);
      return TRUE;
    }
  if (strcmp (key, "tag") == 0)
    {
      g_free (settings->tag);
      settings->tag = g_strdup (value);
      return template_check (value, error);
    }
  if (strcmp (key, "label") == 0)
    {
      g_ptr_array_add (settings->labels, g_strdup (value));
      return check_label (value, error);
    }
  if (strcmp (key, "format") == 0)
    return parse_format (value, settings, error);
  if (strcmp (key, "max-size") == 0)
    return parse_size (value, &settings->max_size, error);
  guint64 number;
  if (strcmp (key, "max-file") == 0 && g_ascii_string_to_unsigned (value, 10, 1, 1000, &number, NULL))
    {
      settings->max_files = (guint) number;
      return TRUE;
    }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid log option \"%s\": path=, max-size=, max-file= (1 to 1000), format=, tag= and label= are known", text);
}

gboolean
log_settings_parse (const ContainerOptions *options, LogSettings *ret_settings, GError **error)
{
  g_auto (LogSettings) settings = { .max_files = 1, .max_size = options->default_log_size, .labels = g_ptr_array_new_with_free_func (g_free) };
  if (!find_driver (options->log_driver, &settings, error))
    return FALSE;
  for (char **text = options->log_opt; text != NULL && *text != NULL; text++)
    if (!parse_option (options, *text, &settings, error))
      return FALSE;
  *ret_settings = settings;
  settings = (LogSettings){ 0 };
  return TRUE;
}

gboolean
log_check (const ContainerOptions *options, GError **error)
{
  g_auto (LogSettings) settings = { 0 };
  if (options->log_driver == NULL && options->log_opt == NULL)
    return TRUE;
  if (!log_settings_parse (options, &settings, error))
    return FALSE;
  if (settings.kind != MONITOR_LOG_PASSTHROUGH)
    return TRUE;
  if (!settings.tty && options->tty)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the passthrough log driver cannot be used with --tty: passthrough-tty can");
  if (!settings.tty && isatty (STDIN_FILENO))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the '--log-driver passthrough' option cannot be used on a TTY");
  return TRUE;
}

gboolean
log_passes_through (const ContainerOptions *options)
{
  return options->log_driver != NULL && g_str_has_prefix (options->log_driver, "passthrough");
}

char *
log_path (const LogSettings *settings, const ConfigPaths *paths, const char *id)
{
  if (settings->kind != MONITOR_LOG_K8S && settings->kind != MONITOR_LOG_JSON)
    return NULL;
  return settings->path != NULL ? g_strdup (settings->path) : g_build_filename (paths->root, "containers", id, CONTAINER_LOG_FILE, NULL);
}

/* ---- opening */

static gboolean
expand (const Make *make, const char *format, const char *what, GString *to, GError **error)
{
  const char *image_id = make->image != NULL ? make->image->id : "";
  json_auto_t *words = json_pack ("{s:s%, s:s, s:s, s:s, s:s%, s:s, s:s}", "ID", make->id, (size_t) 12, "FullID", make->id, "Name", make->name, "ImageName",
                                  make->image_name != NULL ? make->image_name : "", "ImageID", image_id, strlen (image_id) < 12 ? strlen (image_id) : (size_t) 12, "ImageFullID", image_id,
                                  "DaemonName", "coracle");
  gsize before = to->len;
  if (!template_render (format, words, to, error))
    return coracle_prefix (error, "--log-opt %s", what);
  if (strchr (to->str + before, '\n') != NULL) /* in the journal the next line would be a field of its own */
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--log-opt %s: more than one line", what);
  return TRUE;
}

static gboolean
expand_tag (const Make *make, const char *format, MonitorLog *log, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  if (!expand (make, format, "tag", text, error))
    return FALSE;
  if (g_strlcpy (log->tag, text->str, sizeof log->tag) >= sizeof log->tag)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--log-opt tag: longer than %zu characters", sizeof log->tag - 1);
  return TRUE;
}

static gboolean
expand_labels (const Make *make, const GPtrArray *labels, MonitorLog *log, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < labels->len; i++)
    {
      if (!expand (make, labels->pdata[i], "label", text, error))
        return FALSE;
      g_string_append_c (text, '\n');
    }
  if (g_strlcpy (log->labels, text->str, sizeof log->labels) >= sizeof log->labels)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--log-opt label: more than %zu characters in all", sizeof log->labels - 1);
  return TRUE;
}

/* open_journal: where there is none now the container runs all the same, as with Podman; the monitor looks for it again at each line. */
static gboolean
open_journal (MonitorLog *log, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = MONITOR_JOURNAL };
  log->fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (log->fd >= 0 && connect (log->fd, (const struct sockaddr *) &address, sizeof address) == 0)
    return TRUE;
  int errsv = errno;
  if (log->fd < 0 || (errsv != ENOENT && errsv != ECONNREFUSED))
    return coracle_throw_errno (error, errsv, "--log-driver journald: connecting to " MONITOR_JOURNAL);
  g_info ("--log-driver journald: no journal listens at " MONITOR_JOURNAL ": until one does, the container's output is not logged");
  return TRUE;
}

/* open_file: a pipe that nobody reads is an error, not waited for. Only a file is ever rotated: /dev/null is not to be renamed. */
static gboolean
open_file (const LogSettings *settings, const char *path, MonitorLog *log, GError **error)
{
  struct stat st;
  log->fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
  gboolean rotated = log->fd >= 0 && settings->max_size > 0 && fstat (log->fd, &st) == 0 && S_ISREG (st.st_mode);
  if (rotated)
    {
      g_autofree char *folder = g_path_get_dirname (path), *name = g_path_get_basename (path);
      log->dir = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (g_strlcpy (log->name, name, sizeof log->name) >= sizeof log->name)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "--log-opt path=%s: a file name of %zu characters or more cannot be rotated", path, sizeof log->name);
    }
  if (log->fd < 0 || (rotated && log->dir < 0))
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "opening the log %s", path);
    }
  return TRUE;
}

gboolean
log_open (const Make *make, MonitorLog *ret_log, GError **error)
{
  g_auto (LogSettings) settings = { 0 };
  if (!log_settings_parse (make->options, &settings, error))
    return FALSE;
  MonitorLog *log = ret_log;
  *log = (MonitorLog){ .kind = settings.kind, .fd = -1, .dir = -1, .max_size = (uint64_t) settings.max_size, .max_files = settings.max_files };
  g_strlcpy (log->container_name, make->name, sizeof log->container_name);
  g_autofree char *path = log_path (&settings, make->paths, make->id);
  return (settings.tag == NULL || expand_tag (make, settings.tag, log, error)) && expand_labels (make, settings.labels, log, error) && (path == NULL || open_file (&settings, path, log, error))
         && (settings.kind != MONITOR_LOG_JOURNALD || open_journal (log, error));
}

void
log_close (MonitorLog *log)
{
  fd_close (fd_steal (&log->fd));
  fd_close (fd_steal (&log->dir));
}
