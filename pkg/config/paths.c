#include "pkg/config/paths.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"

static gboolean
check_absolute (const char *what, const char *path, GError **error)
{
  return g_path_is_absolute (path) || coracle_throw (error, CORACLE_ERROR_INVALID, "%s: \"%s\" is not an absolute path", what, path);
}

/* home_folder: $HOME; the password file is asked only where it is not set. */
static char *
home_folder (GError **error)
{
  const char *home = getenv ("HOME");
  if (home != NULL && *home != '\0')
    return check_absolute ("HOME", home, error) ? g_strdup (home) : NULL;
  struct passwd *entry = getpwuid (getuid ());
  if (entry == NULL || entry->pw_dir == NULL || entry->pw_dir[0] != '/')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "HOME is not set and uid %u has no home folder", (unsigned) getuid ()), NULL;
  return g_strdup (entry->pw_dir);
}

/* xdg_folder: $@variable/coracle, else HOME/@fallback/coracle. */
static char *
xdg_folder (const char *variable, const char *fallback, GError **error)
{
  const char *value = getenv (variable);
  if (value != NULL && *value != '\0')
    return check_absolute (variable, value, error) ? g_strconcat (value, "/coracle", NULL) : NULL;
  g_autofree char *home = home_folder (error);
  return home != NULL ? g_strconcat (home, "/", fallback, "/coracle", NULL) : NULL;
}

static char *
default_run_root (GError **error)
{
  const char *value = getenv ("XDG_RUNTIME_DIR");
  if (value != NULL && *value != '\0')
    return check_absolute ("XDG_RUNTIME_DIR", value, error) ? g_strconcat (value, "/coracle", NULL) : NULL;
  return g_strdup_printf ("/tmp/coracle-run-%u", (unsigned) geteuid ());
}

/* from_command_line: relative paths are allowed there, as anywhere in a shell. */
static char *
from_command_line (const char *path)
{
  return g_canonicalize_filename (path, NULL);
}

/* libexec_folder: that of the running program if its helpers lie beside it. */
static char *
libexec_folder (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  if (self != NULL)
    {
      g_autofree char *folder = g_path_get_dirname (self);
      g_autofree char *helper = g_strconcat (folder, "/coracle-monitor", NULL);
      if (access (helper, X_OK) == 0)
        return g_steal_pointer (&folder);
    }
  return g_strdup (CORACLE_LIBEXECDIR);
}

ConfigPaths *
config_paths_new (const char *root, const char *run_root, GError **error)
{
  g_autoptr (ConfigPaths) paths = g_new0 (ConfigPaths, 1);
  gboolean real_root = geteuid () == 0;
  paths->root = root != NULL ? from_command_line (root) : real_root ? g_strdup ("/var/lib/coracle") : xdg_folder ("XDG_DATA_HOME", ".local/share", error);
  if (paths->root == NULL)
    return NULL;
  paths->run_root = run_root != NULL ? from_command_line (run_root) : real_root ? g_strdup ("/run/coracle") : default_run_root (error);
  if (paths->run_root == NULL)
    return NULL;
  paths->cache = real_root ? g_strdup ("/var/cache/coracle") : xdg_folder ("XDG_CACHE_HOME", ".cache", error);
  if (paths->cache == NULL)
    return NULL;
  paths->libexec = libexec_folder ();
  return g_steal_pointer (&paths);
}

void
config_paths_free (ConfigPaths *paths)
{
  if (paths == NULL)
    return;
  g_free (paths->root);
  g_free (paths->run_root);
  g_free (paths->cache);
  g_free (paths->libexec);
  g_free (paths);
}
