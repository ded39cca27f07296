#include "pkg/engine/oci_runtime.h"

#include "pkg/base/error.h"
#include "pkg/config/containers_conf.h"

#include <string.h>
#include <sys/stat.h>

void
oci_runtime_clear (OciRuntime *runtime)
{
  g_free (runtime->name);
  g_free (runtime->path);
  *runtime = (OciRuntime){ 0 };
}

char *
oci_runtime_own (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *base = program != NULL ? g_path_get_basename (program) : NULL;
  if (base == NULL || !g_str_has_prefix (base, OCI_RUNTIME "-"))
    return g_steal_pointer (&program);
  g_autofree char *folder = g_path_get_dirname (program), *beside = g_build_filename (folder, OCI_RUNTIME, NULL);
  return g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE) ? g_steal_pointer (&beside) : g_find_program_in_path (OCI_RUNTIME);
}

/* is_ours: the program @own itself, or a copy of it. */
static gboolean
is_ours (const char *path, const char *own)
{
  struct stat a, b;
  if (own == NULL || stat (path, &a) < 0 || stat (own, &b) < 0)
    return FALSE;
  if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
    return TRUE;
  if (a.st_size != b.st_size || !S_ISREG (a.st_mode))
    return FALSE;
  g_autoptr (GMappedFile) one = g_mapped_file_new (path, FALSE, NULL), other = g_mapped_file_new (own, FALSE, NULL);
  return one != NULL && other != NULL && g_mapped_file_get_length (one) == g_mapped_file_get_length (other)
         && memcmp (g_mapped_file_get_contents (one), g_mapped_file_get_contents (other), g_mapped_file_get_length (one)) == 0;
}

/* is_known: a name that containers.conf(5) knows without being told of a path. */
static gboolean
is_known (const char *name)
{
  static const char *const known[] = { "crun", "crun-vm", "crun-wasm", "kata", "krun", "ocijail", "runc", "runj", "runsc", "youki", NULL };
  return g_strv_contains (known, name);
}

/* find: the program called @name: of the paths that [engine.runtimes] has for it the first that is there, else the one in $PATH, if anything knows the name. */
static char *
find (const json_t *conf, const char *name, const char *own)
{
  const json_t *paths = json_object_get (json_object_get (json_object_get (conf, "engine"), "runtimes"), name);
  for (size_t i = 0; i < json_array_size (paths); i++)
    {
      const char *path = json_string_value (json_array_get (paths, i));
      if (path != NULL && g_path_is_absolute (path) && g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_strdup (path);
    }
  if (paths == NULL && strcmp (name, OCI_RUNTIME) == 0)
    return g_strdup (own != NULL ? own : "");
  return paths != NULL || is_known (name) ? g_find_program_in_path (name) : NULL;
}

/* resolve: the program that @name, a name or a path, stands for; NULL with @error. */
static char *
resolve (const json_t *conf, const char *name, const char *own, GError **error)
{
  if (name[0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "configuring runtime: must provide a valid path: invalid argument"), NULL;
  if (strchr (name, '/') != NULL)
    {
      if (g_path_is_absolute (name) && g_file_test (name, G_FILE_TEST_IS_REGULAR))
        return g_strdup (name);
      return coracle_throw (error, CORACLE_ERROR_INVALID, "no valid executable found for OCI runtime %s: invalid argument", name), NULL;
    }
  char *path = find (conf, name, own);
  if (path == NULL)
    coracle_throw (error, CORACLE_ERROR_INVALID, "default OCI runtime \"%s\" not found: invalid argument", name);
  return path;
}

gboolean
oci_runtime_refuse_flag (const char *flag, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "OCI runtime error: " OCI_RUNTIME ": unrecognized option '--%s': coracle runs containers by itself, and that takes no flags", flag);
}

/* check_flags: those that containers.conf has for the runtime @name, which is ours. */
static gboolean
check_flags (const json_t *conf, const char *name, GError **error)
{
  const json_t *flags = json_object_get (json_object_get (json_object_get (conf, "engine"), "runtimes_flags"), name);
  const char *flag = json_string_value (json_array_get (flags, 0));
  return flag == NULL || oci_runtime_refuse_flag (flag, error);
}

gboolean
oci_runtime_choose (const json_t *conf, const char *asked, const char *own, OciRuntime *ret_runtime, GError **error)
{
  const char *said = json_string_value (json_object_get (json_object_get (conf, "engine"), "runtime"));
  const char *name = asked != NULL ? asked : said != NULL && said[0] != '\0' ? said
                                                                             : OCI_RUNTIME;
  gboolean shared = asked == NULL && said != NULL;
  g_autoptr (GError) problem = NULL;
  g_autofree char *path = resolve (conf, name, own, &problem);
  if (path == NULL && !(shared && is_known (name)))
    return g_propagate_error (error, g_steal_pointer (&problem)), FALSE;
  gboolean ours = path != NULL && (is_ours (path, own) || strcmp (path, own != NULL ? own : "") == 0);
  if (!ours && !shared)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "OCI runtime \"%s\" (%s) cannot be used: coracle runs containers by itself, without another runtime", name, path);
  if (!ours)
    g_info ("containers.conf: engine.runtime: %s is not used: coracle runs containers by itself", name);
  const char *called = ours ? name : OCI_RUNTIME;
  if (!check_flags (conf, called, error))
    return FALSE;
  *ret_runtime = (OciRuntime){ g_strdup (called), g_strdup (ours ? path : own) };
  return TRUE;
}

gboolean
oci_runtime_ask (const char *asked, GError **error)
{
  json_auto_t *conf = containers_conf_read (error);
  g_autofree char *own = oci_runtime_own ();
  g_auto (OciRuntime) runtime = { 0 };
  return conf != NULL && oci_runtime_choose (conf, asked, own, &runtime, error);
}
