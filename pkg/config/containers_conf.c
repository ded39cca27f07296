#include "pkg/config/containers_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/toml/toml.h"

/* ---- merging */

/* append_mark: the { append = true } or { append = false } of @array, or NULL; borrowed. */
static json_t *
append_mark (json_t *array)
{
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    if (json_is_boolean (json_object_get (item, "append")))
      return item;
  return NULL;
}

static void
merge_arrays (json_t *base, const char *key, json_t *over)
{
  json_t *old = json_object_get (base, key);
  json_t *mark = append_mark (over);
  if (mark == NULL && json_is_array (old))
    mark = append_mark (old);
  json_t *merged = json_array ();
  if (json_is_true (json_object_get (mark, "append")) && json_is_array (old))
    json_array_extend (merged, old);
  json_array_extend (merged, over);
  if (mark != NULL && append_mark (merged) != mark)
    json_array_insert (merged, 0, mark);
  json_object_set_new (base, key, merged);
}

void
containers_conf_merge (json_t *base, json_t *over)
{
  const char *key;
  json_t *value;
  json_object_foreach (over, key, value)
    {
      json_t *old = json_object_get (base, key);
      if (json_is_object (old) && json_is_object (value))
        containers_conf_merge (old, value);
      else if (json_is_array (value))
        merge_arrays (base, key, value);
      else
        json_object_set (base, key, value);
    }
}

void
containers_conf_finish (json_t *conf)
{
  const char *key;
  json_t *value;
  json_object_foreach (conf, key, value)
    {
      if (json_is_object (value))
        containers_conf_finish (value);
      for (size_t i = json_array_size (value); i > 0; i--)
        if (json_is_boolean (json_object_get (json_array_get (value, i - 1), "append")))
          json_array_remove (value, i - 1);
    }
}

/* ---- files */

static gboolean
read_file (json_t *conf, const char *path, gboolean must_be, GError **error)
{
  g_autoptr (GError) failure = NULL;
  json_auto_t *file = toml_read (path, &failure);
  if (file != NULL)
    containers_conf_merge (conf, file);
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  return file != NULL || !must_be || coracle_throw_errno (error, ENOENT, "containers.conf: %s", path);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* read_folder: PATH.d/NAME.conf in the order of their names. */
static gboolean
read_folder (json_t *conf, const char *path, GError **error)
{
  g_autofree char *folder = g_strconcat (path, ".d", NULL);
  int missing;
  g_autoptr (GPtrArray) names = path_list_named (folder, &missing);
  if (names == NULL)
    return TRUE;
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *file = g_build_filename (folder, names->pdata[i], NULL);
      if (g_str_has_suffix (file, ".conf") && !read_file (conf, file, FALSE, error))
        return FALSE;
    }
  return TRUE;
}

static char *
user_file (void)
{
  const char *config = getenv ("XDG_CONFIG_HOME"), *home = getenv ("HOME");
  if (config != NULL && *config == '/')
    return g_strconcat (config, "/containers/containers.conf", NULL);
  return home != NULL && *home == '/' ? g_strconcat (home, "/.config/containers/containers.conf", NULL) : NULL;
}

static gboolean
read_usual_files (json_t *conf, GError **error)
{
  static const char machine[] = "/etc/containers/containers.conf";
  if (!read_file (conf, "/usr/share/containers/containers.conf", FALSE, error) || !read_file (conf, machine, FALSE, error) || !read_folder (conf, machine, error))
    return FALSE;
  g_autofree char *own = geteuid () != 0 ? user_file () : NULL;
  return own == NULL || (read_file (conf, own, FALSE, error) && read_folder (conf, own, error));
}

json_t *
containers_conf_read (GError **error)
{
  const char *only = getenv ("CONTAINERS_CONF"), *over = getenv ("CONTAINERS_CONF_OVERRIDE");
  json_auto_t *conf = json_object ();
  gboolean ok = only != NULL && *only != '\0' ? read_file (conf, only, TRUE, error) : read_usual_files (conf, error);
  if (!ok || (over != NULL && *over != '\0' && !read_file (conf, over, TRUE, error)))
    return NULL;
  containers_conf_finish (conf);
  return json_incref (conf);
}
