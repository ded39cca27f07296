#include "pkg/config/paths.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/account.h"
#include "pkg/base/error.h"
#include "pkg/toml/toml.h"

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
  g_autoptr (Account) account = account_of_uid (getuid ());
  if (account == NULL || account->home[0] != '/')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "HOME is not set and uid %u has no home folder", (unsigned) getuid ()), NULL;
  return g_steal_pointer (&account->home);
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
  /* cron, su and sudo -u do not set it: the same containers shall be seen from there as from the user's session */
  g_autofree char *usual = g_strdup_printf ("/run/user/%u", (unsigned) geteuid ());
  struct stat st;
  if (lstat (usual, &st) == 0 && S_ISDIR (st.st_mode) && st.st_uid == geteuid ())
    return g_strconcat (usual, "/coracle", NULL);
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

/* expand: $HOME, $USER and $UID, as containers-storage.conf(5) allows in its paths; NULL for what is not absolute then. */
static char *
expand (const char *text, const char *path, const char *key, GError **error)
{
  g_autoptr (GString) out = g_string_new (text);
  g_autofree char *uid = g_strdup_printf ("%u", (unsigned) geteuid ());
  const struct { const char *name, *value; } words[] = { { "$HOME", getenv ("HOME") }, { "$USER", getenv ("USER") }, { "$UID", uid } };
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (words[i].value != NULL)
      (void) g_string_replace (out, words[i].name, words[i].value, 0);
  if (out->str[0] != '/')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: storage.%s: \"%s\" is not an absolute path", path, key, text), NULL;
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* mount_program: storage.options.overlay.mount_program, or without "overlay" as older files have it; "" and a missing one are NULL. */
static char *
mount_program (const json_t *storage)
{
  const json_t *options = json_object_get (storage, "options");
  const char *text = json_string_value (json_object_get (json_object_get (options, "overlay"), "mount_program"));
  if (text == NULL)
    text = json_string_value (json_object_get (options, "mount_program"));
  return text != NULL && *text != '\0' ? g_strdup (text) : NULL;
}

/* image_stores: storage.options.additionalimagestores; NULL: none, or @error. */
static char **
image_stores (const json_t *storage, const char *path, GError **error)
{
  json_t *list = json_object_get (json_object_get (storage, "options"), "additionalimagestores"), *item;
  g_autoptr (GPtrArray) stores = g_ptr_array_new_with_free_func (g_free);
  size_t i;
  json_array_foreach (list, i, item)
    {
      const char *text = json_string_value (item);
      char *folder = text != NULL && *text != '\0' ? expand (text, path, "options.additionalimagestores", error) : NULL;
      if (folder == NULL && text != NULL && *text != '\0')
        return NULL;
      if (folder != NULL)
        g_ptr_array_add (stores, folder);
    }
  if (stores->len == 0)
    return NULL;
  g_ptr_array_add (stores, NULL);
  g_ptr_array_set_free_func (stores, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&stores), FALSE);
}

/* read_storage_conf: take what @path says into @paths where that is still NULL. What is Podman's own default is nobody's choice, and not taken.
 * Ours is a folder in theirs, "coracle": the two stores must not mix. */
static gboolean
read_storage_conf (const char *path, gboolean own, ConfigPaths *paths, GError **error)
{
  g_autoptr (GError) failure = NULL;
  json_t *conf = toml_read (path, &failure);
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  const struct { const char *key, *usual; char **ret; } words[] = {
    { own ? "graphroot" : "rootless_storage_path", "/var/lib/containers/storage", &paths->root },
    { own ? "runroot" : NULL, "/run/containers/storage", &paths->run_root },
  };
  const json_t *storage = json_object_get (conf, "storage");
  if (paths->mount_program == NULL)
    paths->mount_program = mount_program (storage);
  if (paths->image_stores == NULL)
    paths->image_stores = image_stores (storage, path, &failure);
  gboolean ok = failure == NULL;
  if (!ok)
    g_propagate_error (error, g_steal_pointer (&failure));
  for (size_t i = 0; ok && i < G_N_ELEMENTS (words); i++)
    {
      const char *text = words[i].key != NULL ? json_string_value (json_object_get (storage, words[i].key)) : NULL;
      if (text == NULL || *text == '\0' || strcmp (text, words[i].usual) == 0 || *words[i].ret != NULL)
        continue;
      g_autofree char *folder = expand (text, path, words[i].key, error);
      ok = folder != NULL;
      if (ok)
        *words[i].ret = g_build_filename (folder, "coracle", NULL);
    }
  json_decref (conf);
  return ok;
}

/* read_storage_confs: $CONTAINERS_STORAGE_CONF alone, or the user's own file and then the machine's, of which one who is not root takes only what is meant for him.
 * Source: containers-storage.conf(5). */
static gboolean
read_storage_confs (gboolean real_root, ConfigPaths *paths, GError **error)
{
  const char *given = getenv ("CONTAINERS_STORAGE_CONF");
  if (given != NULL && *given != '\0')
    return read_storage_conf (given, TRUE, paths, error);
  if (!real_root)
    {
      const char *config = getenv ("XDG_CONFIG_HOME"), *home = getenv ("HOME");
      g_autofree char *path = config != NULL && *config == '/' ? g_strconcat (config, "/containers/storage.conf", NULL)
                              : home != NULL                   ? g_strconcat (home, "/.config/containers/storage.conf", NULL)
                                                               : NULL;
      if (path != NULL && !read_storage_conf (path, TRUE, paths, error))
        return FALSE;
    }
  struct stat st;
  const char *machine = stat ("/etc/containers/storage.conf", &st) == 0 ? "/etc/containers/storage.conf" : "/usr/share/containers/storage.conf";
  return read_storage_conf (machine, real_root, paths, error);
}

/* unshared: the folder that `unshare` noted in its command's environment: uid 0 there is still the user. */
static const char *
unshared (const char *variable)
{
  const char *mark = getenv (CONFIG_UNSHARED), *value = getenv (variable);
  return geteuid () == 0 && mark != NULL && *mark != '\0' && value != NULL && *value == '/' ? value : NULL;
}

ConfigPaths *
config_paths_new (const char *root, const char *run_root, GError **error)
{
  g_autoptr (ConfigPaths) paths = g_new0 (ConfigPaths, 1);
  const char *noted_root = unshared ("CONTAINERS_GRAPHROOT"), *noted_run_root = unshared ("CONTAINERS_RUNROOT");
  gboolean real_root = geteuid () == 0 && (noted_root == NULL || noted_run_root == NULL);
  paths->root = root != NULL ? from_command_line (root) : g_strdup (noted_root);
  paths->run_root = run_root != NULL ? from_command_line (run_root) : g_strdup (noted_run_root);
  if ((root == NULL || run_root == NULL) && !read_storage_confs (real_root, paths, error))
    return NULL;
  if (paths->root == NULL)
    paths->root = real_root ? g_strdup ("/var/lib/coracle") : xdg_folder ("XDG_DATA_HOME", ".local/share", error);
  if (paths->root == NULL)
    return NULL;
  if (paths->run_root == NULL)
    paths->run_root = real_root ? g_strdup ("/run/coracle") : default_run_root (error);
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
  g_free (paths->mount_program);
  g_strfreev (paths->image_stores);
  g_free (paths);
}
