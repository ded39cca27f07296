#include "pkg/registry/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/outside.h"
#include "pkg/json/json.h"

#define FILE_LIMIT ((size_t) 4 << 20)
#define HELPER_LIMIT ((gsize) 64 << 10)

void
credentials_clear (Credentials *credentials)
{
  g_free (credentials->username);
  g_free (credentials->password);
  g_free (credentials->identity_token);
  *credentials = (Credentials){ 0 };
}

gboolean
credentials_parse (const char *text, Credentials *ret_credentials, GError **error)
{
  const char *colon = strchr (text, ':');
  if (*text == '\0' || colon == text)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "credentials can't be empty");
  ret_credentials->username = colon != NULL ? g_strndup (text, (gsize) (colon - text)) : g_strdup (text);
  ret_credentials->password = g_strdup (colon != NULL ? colon + 1 : "");
  return TRUE;
}

gboolean
credentials_any (const Credentials *credentials)
{
  return credentials->username != NULL || credentials->identity_token != NULL;
}

/* ---- where */

static char *
runtime_file (void)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
  return runtime != NULL && *runtime != '\0' ? g_build_filename (runtime, "containers/auth.json", NULL) : NULL;
}

static char *
docker_file (void)
{
  const char *folder = g_getenv ("DOCKER_CONFIG");
  return folder != NULL && *folder != '\0' ? g_build_filename (folder, "config.json", NULL) : g_build_filename (g_get_home_dir (), ".docker/config.json", NULL);
}

static const char *
chosen_file (const char *given)
{
  if (given == NULL || *given == '\0')
    given = g_getenv ("REGISTRY_AUTH_FILE");
  return given != NULL && *given != '\0' ? given : NULL;
}

char *
credentials_path (const char *given)
{
  const char *chosen = chosen_file (given);
  if (chosen != NULL)
    return g_strdup (chosen);
  char *runtime = runtime_file ();
  return runtime != NULL ? runtime : g_build_filename (g_get_user_config_dir (), "containers/auth.json", NULL);
}

/* ---- what a file says */

/* host_of: the keys of old files of Docker's are URLs: "https://index.docker.io/v1/". */
static char *
host_of (const char *key)
{
  gsize scheme = g_str_has_prefix (key, "https://") ? 8 : g_str_has_prefix (key, "http://") ? 7 : 0;
  if (scheme == 0)
    return g_strdup (key);
  key += scheme;
  g_autofree char *host = g_strndup (key, strcspn (key, "/"));
  return g_strdup (strcmp (host, "index.docker.io") == 0 || strcmp (host, "registry-1.docker.io") == 0 ? "docker.io" : host);
}

static gboolean
decode (json_t *entry, const char *key, Credentials *ret_credentials, GError **error)
{
  const char *auth = json_string_value (json_object_get (entry, "auth")), *token = json_string_value (json_object_get (entry, "identitytoken"));
  if (token != NULL && *token != '\0')
    ret_credentials->identity_token = g_strdup (token);
  if (auth == NULL || *auth == '\0')
    return TRUE;
  gsize size;
  g_autofree guchar *raw = g_base64_decode (auth, &size);
  g_autofree char *text = g_strndup ((const char *) raw, size);
  const char *colon = strchr (text, ':');
  if (colon == NULL || strlen (text) != size)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the entry of %s is no name and password", key);
  g_free (ret_credentials->username);
  g_free (ret_credentials->password);
  ret_credentials->username = g_strndup (text, (gsize) (colon - text));
  ret_credentials->password = g_strdup (colon + 1);
  return TRUE;
}

/* find_entry: @key, or an old key that means it. */
static json_t *
find_entry (json_t *auths, const char *key)
{
  json_t *entry = json_object_get (auths, key), *value;
  const char *name;
  if (entry != NULL)
    return entry;
  json_object_foreach (auths, name, value)
    {
      g_autofree char *host = host_of (name);
      if (host != NULL && strcmp (host, key) == 0)
        return value;
    }
  return NULL;
}

static const char *
helper_for (json_t *root, const char *host)
{
  const char *helper = json_string_value (json_object_get (json_object_get (root, "credHelpers"), host));
  return helper != NULL ? helper : json_string_value (json_object_get (root, "credsStore"));
}

gboolean
credentials_in (json_t *root, const char *key, Credentials *ret_credentials, char **ret_helper, GError **error)
{
  g_autofree char *part = g_strdup (key), *host = g_strndup (key, strcspn (key, "/"));
  const char *helper = helper_for (root, host);
  json_t *auths = json_object_get (root, "auths");
  *ret_helper = NULL;
  if (helper != NULL && json_object_get (json_object_get (root, "credHelpers"), host) != NULL)
    {
      *ret_helper = g_strdup (helper);
      return TRUE;
    }
  for (char *end = part + strlen (part); end != NULL; end = strrchr (part, '/'))
    {
      *end = '\0';
      json_t *entry = find_entry (auths, part);
      if (json_object_size (entry) > 0)
        return decode (entry, part, ret_credentials, error);
    }
  *ret_helper = g_strdup (helper);
  return TRUE;
}

/* ---- helpers */

/* run_helper: `docker-credential-NAME VERB`, with @input, in the user's own namespaces. @ret_output: at most 64 KiB; free with g_free. FALSE without @error: it says that it knows nothing. */
static gboolean
run_helper (const char *name, const char *verb, const char *input, char **ret_output, GError **error)
{
  g_autofree char *program = g_strconcat ("docker-credential-", name, NULL), *text = NULL;
  const char *const argv[] = { program, verb, NULL };
  int status;
  gsize size;
  if (strchr (name, '/') != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s is no name of a credential helper", name);
  if (!outside_run (argv, input, strlen (input), HELPER_LIMIT, &text, &size, &status, error))
    return coracle_prefix (error, "credential helper");
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    {
      *ret_output = g_steal_pointer (&text);
      return TRUE;
    }
  g_strstrip (text);
  return strstr (text, "credentials not found") == NULL ? coracle_throw (error, CORACLE_ERROR_SYSTEM, "credential helper %s: %s", program, text) : FALSE;
}

static gboolean
ask_helper (const char *helper, const char *host, Credentials *ret_credentials, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) problem = NULL;
  if (!run_helper (helper, "get", strcmp (host, "docker.io") == 0 ? "https://index.docker.io/v1/" : host, &text, &problem))
    {
      gboolean silent = problem == NULL;
      if (!silent)
        g_propagate_error (error, g_steal_pointer (&problem));
      return silent;
    }
  json_auto_t *root = json_parse_bounded (text, strlen (text), FILE_LIMIT, JSON_PARSE_DEFAULT, error);
  const char *user = json_string_value (json_object_get (root, "Username")), *secret = json_string_value (json_object_get (root, "Secret"));
  if (root == NULL)
    return FALSE;
  if (user == NULL || secret == NULL)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "credential helper %s: no name or no password in its answer", helper);
  if (strcmp (user, "<token>") == 0)
    ret_credentials->identity_token = g_strdup (secret);
  else
    {
      ret_credentials->username = g_strdup (user);
      ret_credentials->password = g_strdup (secret);
    }
  return TRUE;
}

/* ---- files */

/* read_file: NULL without @error: there is none. */
static json_t *
read_file (const char *path, GError **error)
{
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  int errsv = errno;
  g_autofree char *text = NULL;
  size_t size;
  if (fd < 0 && (errsv == ENOENT || errsv == ENOTDIR))
    return NULL;
  if (fd < 0)
    return coracle_throw_errno (error, errsv, "opening %s", path), NULL;
  if (!fd_read_file (fd, FILE_LIMIT, &text, &size, error))
    return coracle_prefix (error, "%s", path), NULL;
  if (size == 0)
    return json_object ();
  json_t *root = json_parse_bounded (text, size, FILE_LIMIT, JSON_PARSE_DEFAULT, error);
  if (root == NULL)
    return coracle_prefix (error, "%s", path), NULL;
  if (json_is_object (root))
    return root;
  json_decref (root);
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: not an object", path), NULL;
}

static gboolean
find_in_file (const char *path, const char *key, Credentials *ret_credentials, gboolean *ret_there, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autofree char *helper = NULL, *host = g_strndup (key, strcspn (key, "/"));
  json_auto_t *root = read_file (path, &problem);
  *ret_there = root != NULL;
  if (root == NULL)
    {
      gboolean absent = problem == NULL;
      if (!absent)
        g_propagate_error (error, g_steal_pointer (&problem));
      return absent;
    }
  if (!credentials_in (root, key, ret_credentials, &helper, error))
    return coracle_prefix (error, "%s", path);
  return helper == NULL || ask_helper (helper, host, ret_credentials, error);
}

static gboolean
find_in_files (const char *given, const char *key, Credentials *ret_credentials, GError **error)
{
  const char *chosen = chosen_file (given);
  gboolean there;
  if (chosen != NULL)
    {
      if (!find_in_file (chosen, key, ret_credentials, &there, error))
        return FALSE;
      return there || given == NULL || coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "credential file is not accessible: faccessat %s: no such file or directory", chosen);
    }
  g_autofree char *runtime = runtime_file (), *config = g_build_filename (g_get_user_config_dir (), "containers/auth.json", NULL), *docker = docker_file ();
  const char *const files[] = { runtime, config, docker };
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    {
      if (files[i] != NULL && !find_in_file (files[i], key, ret_credentials, &there, error))
        return FALSE;
      if (credentials_any (ret_credentials))
        return TRUE;
    }
  return TRUE;
}

/* helpers_or: those of registries.conf; where it names none, the files alone. */
static char *const *
helpers_or (char *const *helpers)
{
  static char usual_name[] = CREDENTIALS_FILES, *const usual[] = { usual_name, NULL };
  return helpers != NULL && helpers[0] != NULL ? helpers : usual;
}

gboolean
credentials_find (const char *given, const char *key, char *const *helpers, Credentials *ret_credentials, GError **error)
{
  g_autofree char *host = g_strndup (key, strcspn (key, "/"));
  g_autoptr (GError) first = NULL;
  for (char *const *helper = helpers_or (helpers); *helper != NULL && !credentials_any (ret_credentials); helper++)
    {
      g_autoptr (GError) problem = NULL;
      gboolean ok = strcmp (*helper, CREDENTIALS_FILES) == 0 ? find_in_files (given, key, ret_credentials, &problem) : ask_helper (*helper, host, ret_credentials, &problem);
      if (!ok && first == NULL)
        first = g_steal_pointer (&problem);
    }
  if (credentials_any (ret_credentials) || first == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&first));
  return FALSE;
}

/* lock_file: others who change @path wait; the lock is a file of its own, for the file itself is replaced. */
static int
lock_file (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path), *name = g_strconcat (path, ".lock", NULL);
  if (g_mkdir_with_parents (folder, 0700) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making %s", folder), -1;
    }
  cleanup_fd int fd = open (name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 || flock (fd, LOCK_EX) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "locking %s", name), -1;
    }
  return fd_steal (&fd);
}

static gboolean
write_file (const char *path, const json_t *root, GError **error)
{
  g_autofree char *text = json_to_text (root, 8, JSON_TEXT_DEFAULT);
  g_autoptr (GError) problem = NULL;
  if (!g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &problem))
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s", problem->message);
  return TRUE;
}

static json_t *
read_to_change (const char *path, GError **error)
{
  g_autoptr (GError) problem = NULL;
  json_t *root = read_file (path, &problem);
  if (problem != NULL)
    g_propagate_error (error, g_steal_pointer (&problem));
  else if (root == NULL)
    root = json_object ();
  if (root != NULL && !json_is_object (json_object_get (root, "auths")))
    (void) json_object_set_new (root, "auths", json_object ());
  return root;
}

static gboolean
helper_store (const char *helper, const char *host, const Credentials *credentials, GError **error)
{
  json_auto_t *input = json_pack ("{s:s, s:s, s:s}", "ServerURL", host, "Username", credentials->username, "Secret", credentials->password);
  g_autofree char *text = json_to_text (input, 0, JSON_TEXT_DEFAULT), *output = NULL;
  return run_helper (helper, "store", text, &output, error);
}

static gboolean
store_in_file (const char *path, const char *key, const Credentials *credentials, GError **error)
{
  cleanup_fd int lock = lock_file (path, error);
  json_auto_t *root = lock >= 0 ? read_to_change (path, error) : NULL;
  if (root == NULL)
    return FALSE;
  g_autofree char *host = g_strndup (key, strcspn (key, "/"));
  const char *helper = helper_for (root, host);
  if (helper != NULL)
    return helper_store (helper, host, credentials, error);
  g_autofree char *both = g_strdup_printf ("%s:%s", credentials->username, credentials->password), *auth = g_base64_encode ((const guchar *) both, strlen (both));
  json_object_set_new (json_object_get (root, "auths"), key, json_pack ("{s:s}", "auth", auth));
  return write_file (path, root, error);
}

gboolean
credentials_store (const char *path, const char *key, char *const *helpers, const Credentials *credentials, GError **error)
{
  g_autofree char *host = g_strndup (key, strcspn (key, "/"));
  g_autoptr (GError) problem = NULL;
  for (char *const *helper = helpers_or (helpers); *helper != NULL; helper++)
    {
      g_clear_error (&problem);
      if (strcmp (*helper, CREDENTIALS_FILES) == 0 ? store_in_file (path, key, credentials, &problem) : helper_store (*helper, host, credentials, &problem))
        return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* remove_from_file: *@ret_removed: it was there. */
static gboolean
remove_from_file (const char *path, const char *key, gboolean *ret_removed, GError **error)
{
  cleanup_fd int lock = lock_file (path, error);
  json_auto_t *root = lock >= 0 ? read_to_change (path, error) : NULL;
  if (root == NULL)
    return FALSE;
  json_t *auths = json_object_get (root, "auths");
  if (key == NULL)
    {
      json_object_clear (auths);
      json_object_del (root, "credHelpers");
      *ret_removed = TRUE;
      return write_file (path, root, error);
    }
  g_autofree char *host = g_strndup (key, strcspn (key, "/")), *output = NULL;
  const char *helper = helper_for (root, host);
  if (helper != NULL)
    {
      g_autoptr (GError) problem = NULL;
      *ret_removed = run_helper (helper, "erase", host, &output, &problem);
      if (problem == NULL)
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  if (json_object_del (auths, key) < 0)
    return TRUE;
  *ret_removed = TRUE;
  return write_file (path, root, error);
}

/* remove_from_helper: @key, or all that it lists. @error: not NULL. */
static gboolean
remove_from_helper (const char *helper, const char *key, gboolean *ret_removed, GError **error)
{
  g_autofree char *host = key != NULL ? g_strndup (key, strcspn (key, "/")) : NULL, *list = NULL, *output = NULL;
  if (host != NULL)
    {
      *ret_removed = run_helper (helper, "erase", host, &output, error) || *ret_removed;
      return *error == NULL;
    }
  if (!run_helper (helper, "list", "", &list, error))
    return *error == NULL;
  json_auto_t *all = json_parse_bounded (list, strlen (list), HELPER_LIMIT, JSON_PARSE_DEFAULT, error);
  const char *server;
  json_t *user;
  json_object_foreach (all, server, user)
    {
      g_autofree char *said = NULL;
      if (!run_helper (helper, "erase", server, &said, error))
        return FALSE;
    }
  return all != NULL;
}

gboolean
credentials_remove (const char *path, const char *key, char *const *helpers, GError **error)
{
  gboolean removed = FALSE;
  for (char *const *helper = helpers_or (helpers); *helper != NULL; helper++)
    {
      g_autoptr (GError) problem = NULL;
      if (strcmp (*helper, CREDENTIALS_FILES) == 0 ? remove_from_file (path, key, &removed, &problem) : remove_from_helper (*helper, key, &removed, &problem))
        continue;
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  return removed || key == NULL || coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "not logged into %s", key);
}
