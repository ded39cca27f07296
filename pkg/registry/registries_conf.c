#include "pkg/registry/registries_conf.h"

#include <string.h>
#include <sys/stat.h>

#include "pkg/base/error.h"
#include "pkg/image/name.h"
#include "pkg/json/json.h"
#include "pkg/toml/toml.h"

#define SYSTEM_FILE "/etc/containers/registries.conf"

static void
mirror_free (gpointer data)
{
  RegistriesMirror *mirror = data;
  g_free (mirror->location);
  g_free (mirror->pull);
  g_free (mirror);
}

static void
entry_free (gpointer data)
{
  RegistriesEntry *entry = data;
  g_free (entry->prefix);
  g_free (entry->location);
  g_ptr_array_unref (entry->mirrors);
  g_free (entry);
}

void
registries_place_free (RegistriesPlace *place)
{
  if (place == NULL)
    return;
  g_free (place->registry);
  g_free (place->repository);
  g_free (place);
}

RegistriesConf *
registries_conf_new (void)
{
  RegistriesConf *conf = g_new0 (RegistriesConf, 1);
  conf->entries = g_ptr_array_new_with_free_func (entry_free);
  conf->aliases = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  conf->alias_files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  conf->path = g_strdup (SYSTEM_FILE);
  return conf;
}

void
registries_conf_free (RegistriesConf *conf)
{
  if (conf == NULL)
    return;
  g_strfreev (conf->search);
  g_ptr_array_unref (conf->entries);
  g_hash_table_unref (conf->aliases);
  g_hash_table_unref (conf->alias_files);
  g_strfreev (conf->helpers);
  g_free (conf->path);
  g_free (conf->search_path);
  g_free (conf);
}

/* ---- reading */

static char *
trim_location (const char *text)
{
  g_autofree char *copy = g_strdup (text);
  gsize length = strlen (copy);
  while (length > 0 && copy[length - 1] == '/')
    copy[--length] = '\0';
  return g_steal_pointer (&copy);
}

static gboolean
add_mirror (RegistriesEntry *entry, json_t *table, gboolean by_digest, GError **error)
{
  const char *location = NULL, *pull = by_digest ? "digest-only" : "all";
  gboolean insecure = FALSE;
  if (!json_get_string (table, "location", &location, error) || !json_get_bool (table, "insecure", &insecure, error) || !json_get_string (table, "pull-from-mirror", &pull, error))
    return FALSE;
  if (location == NULL || *location == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid condition: mirror location is unset");
  if (!g_strv_contains ((const char *const[]){ "all", "digest-only", "tag-only", NULL }, pull))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unsupported pull-from-mirror value \"%s\" for mirror \"%s\"", pull, location);
  RegistriesMirror *mirror = g_new0 (RegistriesMirror, 1);
  *mirror = (RegistriesMirror){ trim_location (location), insecure, g_strdup (pull) };
  g_ptr_array_add (entry->mirrors, mirror);
  return TRUE;
}

static void
put_entry (RegistriesConf *conf, RegistriesEntry *entry)
{
  for (guint i = 0; i < conf->entries->len; i++)
    if (strcmp (((RegistriesEntry *) conf->entries->pdata[i])->prefix, entry->prefix) == 0)
      {
        g_ptr_array_remove_index (conf->entries, i);
        break;
      }
  g_ptr_array_add (conf->entries, entry);
}

static gboolean
add_entry (RegistriesConf *conf, json_t *table, GError **error)
{
  const char *prefix = NULL, *location = NULL;
  gboolean by_digest = FALSE;
  json_t *mirrors = NULL, *mirror;
  size_t i;
  RegistriesEntry *entry = g_new0 (RegistriesEntry, 1);
  entry->mirrors = g_ptr_array_new_with_free_func (mirror_free);
  gboolean ok = json_get_string (table, "prefix", &prefix, error) && json_get_string (table, "location", &location, error) && json_get_bool (table, "insecure", &entry->insecure, error)
                && json_get_bool (table, "blocked", &entry->blocked, error) && json_get_bool (table, "mirror-by-digest-only", &by_digest, error)
                && json_get_array (table, "mirror", &mirrors, error);
  if (prefix == NULL || *prefix == '\0')
    prefix = location;
  if (ok && (prefix == NULL || *prefix == '\0'))
    ok = coracle_throw (error, CORACLE_ERROR_INVALID, "invalid condition: both prefix and location are unset");
  else if (ok && location == NULL && !g_str_has_prefix (prefix, "*."))
    location = prefix;
  json_array_foreach (mirrors, i, mirror)
    ok = ok && add_mirror (entry, mirror, by_digest, error);
  entry->prefix = trim_location (prefix != NULL ? prefix : "");
  entry->location = location != NULL ? trim_location (location) : NULL;
  if (!ok)
    {
      entry_free (entry);
      return FALSE;
    }
  put_entry (conf, entry);
  return TRUE;
}

static gboolean
add_aliases (RegistriesConf *conf, json_t *table, const char *path, GError **error)
{
  const char *name;
  json_t *value;
  json_object_foreach (table, name, value)
    {
      const char *full = json_string_value (value);
      if (full == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "aliases: %s: not a text", name);
      if (*full == '\0')
        {
          g_hash_table_remove (conf->aliases, name);
          continue;
        }
      g_autoptr (ImageName) parsed = image_name_parse (full, error);
      if (parsed == NULL)
        return coracle_prefix (error, "aliases: %s", name);
      if (parsed->registry == NULL || parsed->tag != NULL || parsed->digest != NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "aliases: %s: \"%s\" must be a name with a registry, and no tag", name, full);
      g_hash_table_replace (conf->aliases, g_strdup (name), g_strdup (full));
      g_hash_table_replace (conf->alias_files, g_strdup (name), g_strdup (path));
    }
  return TRUE;
}

/* old_list: [registries.@kind] registries = […] of version 1. NULL: none. Free with g_strfreev. */
static gboolean
old_list (json_t *old, const char *kind, char ***ret_list, GError **error)
{
  json_t *table = NULL;
  return json_get_object (old, kind, &table, error) && (table == NULL || json_get_strv (table, "registries", 1000, ret_list, error));
}

/* old_entry: that of @location, made if it is new. */
static RegistriesEntry *
old_entry (RegistriesConf *conf, const char *location)
{
  g_autofree char *trimmed = trim_location (location);
  for (guint i = 0; i < conf->entries->len; i++)
    if (strcmp (((RegistriesEntry *) conf->entries->pdata[i])->prefix, trimmed) == 0)
      return conf->entries->pdata[i];
  RegistriesEntry *entry = g_new0 (RegistriesEntry, 1);
  entry->mirrors = g_ptr_array_new_with_free_func (mirror_free);
  entry->prefix = g_strdup (trimmed);
  entry->location = g_steal_pointer (&trimmed);
  g_ptr_array_add (conf->entries, entry);
  return entry;
}

/* add_old: a document of version 1: three lists of registries. */
static gboolean
add_old (RegistriesConf *conf, json_t *old, GError **error)
{
  g_auto (GStrv) insecure = NULL, blocked = NULL, search = NULL;
  if (!old_list (old, "search", &search, error) || !old_list (old, "insecure", &insecure, error) || !old_list (old, "block", &blocked, error))
    return FALSE;
  for (char **one = insecure; one != NULL && *one != NULL; one++)
    old_entry (conf, *one)->insecure = TRUE;
  for (char **one = blocked; one != NULL && *one != NULL; one++)
    old_entry (conf, *one)->blocked = TRUE;
  if (search != NULL)
    {
      g_strfreev (conf->search);
      conf->search = g_steal_pointer (&search);
    }
  return TRUE;
}

static gboolean
set_mode (RegistriesConf *conf, const char *mode, GError **error)
{
  static const struct { const char *word; ShortNameMode mode; } modes[] = {
    { "enforcing", SHORT_NAMES_ENFORCING }, { "permissive", SHORT_NAMES_PERMISSIVE }, { "disabled", SHORT_NAMES_DISABLED },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    if (strcmp (mode, modes[i].word) == 0)
      {
        conf->mode = modes[i].mode;
        return TRUE;
      }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid short-name-mode: \"%s\"", mode);
}

gboolean
registries_conf_add (RegistriesConf *conf, json_t *document, const char *path, GError **error)
{
  json_t *entries = NULL, *aliases = NULL, *old = NULL, *entry;
  const char *mode = NULL;
  g_auto (GStrv) search = NULL, helpers = NULL;
  size_t i;
  if (!json_get_array (document, "registry", &entries, error) || !json_get_object (document, "aliases", &aliases, error) || !json_get_string (document, "short-name-mode", &mode, error)
      || !json_get_object (document, "registries", &old, error) || !json_get_strv (document, "unqualified-search-registries", 1000, &search, error)
      || !json_get_strv (document, "credential-helpers", 100, &helpers, error))
    return FALSE;
  if (old != NULL && (entries != NULL || search != NULL || mode != NULL || helpers != NULL || aliases != NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "mixing sysregistry v1/v2 is not supported");
  if ((old != NULL && !add_old (conf, old, error)) || (mode != NULL && *mode != '\0' && !set_mode (conf, mode, error)))
    return FALSE;
  json_array_foreach (entries, i, entry)
    if (!add_entry (conf, entry, error))
      return FALSE;
  if (search != NULL)
    {
      g_strfreev (conf->search);
      conf->search = g_steal_pointer (&search);
    }
  if (helpers != NULL)
    {
      g_strfreev (conf->helpers);
      conf->helpers = g_steal_pointer (&helpers);
    }
  if (json_object_get (document, "unqualified-search-registries") != NULL || old != NULL)
    {
      g_free (conf->search_path);
      conf->search_path = g_strdup (path);
    }
  return add_aliases (conf, aliases, path, error);
}

static gboolean
add_file (RegistriesConf *conf, const char *path, GError **error)
{
  g_autoptr (GError) problem = NULL;
  json_auto_t *document = toml_read (path, &problem);
  if (problem != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  if (document == NULL)
    return TRUE;
  conf->any = TRUE;
  return registries_conf_add (conf, document, path, error) || coracle_prefix (error, "loading registries configuration \"%s\"", path);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
add_folder (RegistriesConf *conf, const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (g_str_has_suffix (name, ".conf"))
      g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    if (!add_file (conf, names->pdata[i], error))
      return FALSE;
  return TRUE;
}

static char *
remembered_file (void)
{
  return g_build_filename (g_get_user_cache_dir (), "containers/short-name-aliases.conf", NULL);
}

RegistriesConf *
registries_conf_read (GError **error)
{
  g_autoptr (RegistriesConf) conf = registries_conf_new ();
  const char *given = g_getenv ("CONTAINERS_REGISTRIES_CONF");
  g_autofree char *own = g_build_filename (g_get_user_config_dir (), "containers/registries.conf", NULL), *own_folder = g_strconcat (own, ".d", NULL), *remembered = remembered_file ();
  const char *file = given != NULL && *given != '\0' ? given : g_file_test (own, G_FILE_TEST_EXISTS) ? own : SYSTEM_FILE;
  g_free (conf->path);
  conf->path = g_strdup (file);
  if (!add_file (conf, file, error))
    return NULL;
  if (file != given && (!add_folder (conf, SYSTEM_FILE ".d", error) || !add_folder (conf, own_folder, error)))
    return NULL;
  gboolean any = conf->any;
  if (!add_file (conf, remembered, error))
    return NULL;
  conf->any = any;
  return g_steal_pointer (&conf);
}

/* ---- asking */

/* fits: does @prefix ("host", "host/path", "*.host", even "host/path:tag") begin @name, at a border? The length that fits; 0: it does not. */
static gsize
fits (const char *prefix, const char *name)
{
  gsize length = strlen (prefix);
  if (g_str_has_prefix (prefix, "*."))
    {
      gsize host = strcspn (name, ":/");
      const char *rest = prefix + 1;
      gsize wanted = strcspn (rest, ":/");
      if (host <= wanted || strncmp (name + host - wanted, rest, wanted) != 0 || strncmp (name + host, rest + wanted, strlen (rest + wanted)) != 0)
        return 0;
      length = host + strlen (rest + wanted);
    }
  else if (strncmp (prefix, name, length) != 0)
    return 0;
  char next = name[length];
  return next == '\0' || next == '/' ? length : 0;
}

static const RegistriesEntry *
find_registry (const RegistriesConf *conf, const char *name, gsize *ret_length)
{
  const RegistriesEntry *best = NULL;
  gsize best_prefix = 0;
  for (guint i = 0; i < conf->entries->len; i++)
    {
      const RegistriesEntry *entry = conf->entries->pdata[i];
      gsize length = fits (entry->prefix, name);
      if (length > 0 && strlen (entry->prefix) > best_prefix)
        {
          best = entry;
          best_prefix = strlen (entry->prefix);
          *ret_length = length;
        }
    }
  return best;
}

static gboolean
add_place (GPtrArray *places, const char *location, const char *rest, gboolean insecure, gboolean mirror, GError **error)
{
  g_autofree char *whole = g_strconcat (location, rest, NULL);
  const char *slash = strchr (whole, '/');
  g_autoptr (ImageName) check = image_name_parse (whole, error);
  if (check == NULL)
    return coracle_prefix (error, "\"%s\"", whole);
  if (slash == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" names no image", whole);
  RegistriesPlace *place = g_new0 (RegistriesPlace, 1);
  *place = (RegistriesPlace){ g_strndup (whole, (gsize) (slash - whole)), g_strdup (slash + 1), insecure, mirror };
  g_ptr_array_add (places, place);
  return TRUE;
}

GPtrArray *
registries_places (const RegistriesConf *conf, const char *registry, const char *path, gboolean digest, GError **error)
{
  g_autofree char *name = g_strconcat (registry, "/", path, NULL);
  g_autoptr (GPtrArray) places = g_ptr_array_new_with_free_func ((GDestroyNotify) registries_place_free);
  gsize length = 0;
  const RegistriesEntry *entry = find_registry (conf, name, &length);
  if (entry == NULL)
    return add_place (places, name, "", FALSE, FALSE, error) ? g_steal_pointer (&places) : NULL;
  if (entry->blocked)
    {
      coracle_throw (error, CORACLE_ERROR_DENIED, "registry %s is blocked in %s or %s.d", entry->prefix, conf->path, conf->path);
      return NULL;
    }
  for (guint i = 0; i < entry->mirrors->len; i++)
    {
      const RegistriesMirror *mirror = entry->mirrors->pdata[i];
      if (strcmp (mirror->pull, digest ? "tag-only" : "digest-only") != 0 && !add_place (places, mirror->location, name + length, mirror->insecure, TRUE, error))
        return NULL;
    }
  gboolean own = entry->location == NULL;
  return add_place (places, own ? name : entry->location, own ? "" : name + length, entry->insecure, FALSE, error) ? g_steal_pointer (&places) : NULL;
}

RegistriesPlace *
registries_destination (const RegistriesConf *conf, const char *registry, const char *path, GError **error)
{
  g_autofree char *name = g_strconcat (registry, "/", path, NULL);
  gsize length = 0;
  const RegistriesEntry *entry = find_registry (conf, name, &length);
  if (entry != NULL && entry->blocked)
    {
      coracle_throw (error, CORACLE_ERROR_DENIED, "registry %s is blocked in %s or %s.d", entry->prefix, conf->path, conf->path);
      return NULL;
    }
  RegistriesPlace *place = g_new0 (RegistriesPlace, 1);
  place->registry = g_strdup (registry);
  place->repository = g_strdup (path);
  place->insecure = entry != NULL && entry->insecure;
  return place;
}

char **
registries_short (const RegistriesConf *conf, const char *path, const char *given, gboolean *ret_alias, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *alias = conf->mode != SHORT_NAMES_DISABLED ? g_hash_table_lookup (conf->aliases, path) : NULL;
  static char *docker[] = { "docker.io", NULL };
  char **search = conf->search != NULL ? conf->search : conf->any ? NULL : docker;
  *ret_alias = alias != NULL;
  if (alias != NULL)
    g_ptr_array_add (names, g_strdup (alias));
  else if (search == NULL || search[0] == NULL)
    {
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "short-name \"%s\" did not resolve to an alias and no unqualified-search registries are defined in \"%s\"", given, conf->path);
      return NULL;
    }
  for (char **registry = alias != NULL ? NULL : search; registry != NULL && *registry != NULL; registry++)
    g_ptr_array_add (names, g_strconcat (*registry, "/", strcmp (*registry, "docker.io") == 0 && strchr (path, '/') == NULL ? "library/" : "", path, NULL));
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

gboolean
registries_remember (const char *path, const char *full, GError **error)
{
  g_autofree char *file = remembered_file (), *folder = g_path_get_dirname (file);
  json_auto_t *document = toml_read (file, NULL);
  json_t *aliases = json_object_get (document, "aliases"), *value;
  const char *name;
  g_autoptr (GString) text = g_string_new ("[aliases]\n");
  json_object_foreach (aliases, name, value)
    if (strcmp (name, path) != 0 && json_is_string (value))
      g_string_append_printf (text, "  \"%s\" = \"%s\"\n", name, json_string_value (value));
  g_string_append_printf (text, "  \"%s\" = \"%s\"\n", path, full);
  g_autoptr (GError) problem = NULL;
  if (g_mkdir_with_parents (folder, 0700) < 0 || !g_file_set_contents (file, text->str, (gssize) text->len, &problem))
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s: %s", file, problem != NULL ? problem->message : "cannot make its folder");
  return TRUE;
}
