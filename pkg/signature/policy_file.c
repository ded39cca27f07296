#include "pkg/signature/policy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/json/json.h"

#define SYSTEM_FILE "/etc/containers/policy.json"

char *
policy_file_path (void)
{
  g_autofree char *own = g_build_filename (g_get_user_config_dir (), "containers/policy.json", NULL);
  return g_file_test (own, G_FILE_TEST_EXISTS) ? g_steal_pointer (&own) : g_strdup (SYSTEM_FILE);
}

char *
policy_file_text (const char *path, GError **error)
{
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  int errsv = errno;
  char *text = NULL;
  gsize size;
  if (fd < 0)
    coracle_throw_errno (error, errsv, "open %s", path);
  else if (!fd_read_file (fd, POLICY_LIMIT, &text, &size, error))
    coracle_prefix (error, "%s", path);
  return text;
}

json_t *
policy_file_read (const char *path, GError **error)
{
  g_autofree char *text = policy_file_text (path, error);
  json_auto_t *policy = NULL;
  if (text == NULL)
    return NULL;
  policy = json_parse_bounded (text, strlen (text), POLICY_LIMIT, JSON_PARSE_UNIQUE_KEYS, error);
  if (policy != NULL && !json_is_object (policy))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: no JSON object", path), NULL;
  if (policy == NULL)
    coracle_prefix (error, "%s", path);
  return g_steal_pointer (&policy);
}
