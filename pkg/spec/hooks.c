#include "pkg/spec/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"

#define FILE_MAX (1 << 20)

static const char *const stages[] = { "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop", NULL };

/* matches: is @pattern, an extended regular expression of POSIX, found in @text? */
static gboolean
matches (const char *pattern, const char *text, gboolean *ret_found, GError **error)
{
  regex_t regex;
  int r = pattern != NULL ? regcomp (&regex, pattern, REG_EXTENDED | REG_NOSUB) : REG_BADPAT;
  if (r != 0)
    {
      char why[128] = "not a string";
      if (pattern != NULL)
        (void) regerror (r, &regex, why, sizeof why);
      return coracle_throw (error, CORACLE_ERROR_INVALID, "regular expression \"%s\": %s", pattern != NULL ? pattern : "", why);
    }
  *ret_found = text != NULL && regexec (&regex, text, 0, NULL, 0) == 0;
  regfree (&regex);
  return TRUE;
}

static gboolean
match_commands (json_t *patterns, const SpecHookFacts *facts, gboolean *ret_match, GError **error)
{
  size_t i;
  json_t *item;
  *ret_match = FALSE;
  json_array_foreach (patterns, i, item)
    {
      gboolean found;
      if (!matches (json_string_value (item), facts->command, &found, error))
        return FALSE;
      *ret_match |= found;
    }
  return TRUE;
}

/* match_annotation: some annotation whose key matches @key_pattern (NULL: any) and whose value matches @value_pattern. */
static gboolean
match_annotation (const char *key_pattern, const char *value_pattern, const SpecHookFacts *facts, gboolean *ret_match, GError **error)
{
  const char *key;
  json_t *value;
  gboolean found;
  *ret_match = FALSE;
  /* a broken pattern is an error though there be nothing to match */
  if ((key_pattern != NULL && !matches (key_pattern, NULL, &found, error)) || !matches (value_pattern, NULL, &found, error))
    return FALSE;
  json_object_foreach (facts->annotations, key, value)
    {
      gboolean key_found = TRUE;
      if ((key_pattern != NULL && !matches (key_pattern, key, &key_found, error)) || !matches (value_pattern, json_string_value (value), &found, error))
        return FALSE;
      *ret_match |= key_found && found;
    }
  return TRUE;
}

/* match_when: schema 1.0.0: all conditions that are there must hold, and one must be there. */
static gboolean
match_when (json_t *when, const SpecHookFacts *facts, gboolean *ret_match, GError **error)
{
  json_t *always = NULL, *annotations = NULL, *commands = NULL, *binds = NULL, *value;
  gboolean flag = FALSE, match, all = TRUE;
  const char *key;
  if (!json_get_array (when, "commands", &commands, error) || !json_get_map (when, "annotations", &annotations, error) || !json_get_bool (when, "always", &flag, error)
      || !json_get_bool (when, "hasBindMounts", &flag, error))
    return FALSE;
  always = json_object_get (when, "always");
  binds = json_object_get (when, "hasBindMounts");
  if (always == NULL && annotations == NULL && commands == NULL && binds == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "when: no condition: one of always, annotations, commands, hasBindMounts must be there");
  if (commands != NULL && !match_commands (commands, facts, &match, error))
    return FALSE;
  all = commands == NULL || match;
  json_object_foreach (annotations, key, value)
    {
      if (!match_annotation (key, json_string_value (value), facts, &match, error))
        return FALSE;
      all = all && match;
    }
  if (always != NULL)
    all = all && json_is_true (always);
  if (binds != NULL)
    all = all && (!json_is_true (binds) || facts->has_bind_mounts);
  *ret_match = all;
  return TRUE;
}

static gboolean
check_hook (json_t *hook, GError **error)
{
  const char *path = NULL;
  g_auto (GStrv) args = NULL, env = NULL;
  gint64 timeout = 1;
  if (!json_get_string (hook, "path", &path, error) || !json_need (path, "path", error) || !json_get_strv (hook, "args", 256, &args, error)
      || !json_get_strv (hook, "env", 256, &env, error) || !json_get_int (hook, "timeout", 1, G_MAXINT / 1000, &timeout, error))
    return coracle_prefix (error, "hook");
  if (path[0] != '/')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "hook: path %s: must be absolute", path);
  return TRUE;
}

/* check_stages: known words; precreate is Podman's own. */
static gboolean
check_stages (json_t *list, GError **error)
{
  size_t i;
  json_t *item;
  if (!json_is_array (list) || json_array_size (list) == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "stages: missing");
  json_array_foreach (list, i, item)
    {
      const char *stage = json_string_value (item);
      if (g_strcmp0 (stage, "precreate") == 0)
        return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "stage precreate: unsupported in this version");
      if (stage == NULL || !g_strv_contains (stages, stage))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown stage \"%s\"", stage != NULL ? stage : "");
    }
  return TRUE;
}

typedef struct {
  json_t *hook;     /* owned */
  json_t *stages;   /* borrowed */
  gboolean match;
} Definition;

static gboolean
read_new (json_t *file, const SpecHookFacts *facts, Definition *ret, GError **error)
{
  json_t *hook = NULL, *when = NULL, *list = NULL;
  if (!json_get_object (file, "hook", &hook, error) || !json_need (hook, "hook", error) || !json_get_object (file, "when", &when, error) || !json_need (when, "when", error)
      || !json_get_array (file, "stages", &list, error) || !check_hook (hook, error) || !match_when (when, facts, &ret->match, error))
    return FALSE;
  ret->hook = json_incref (hook);
  ret->stages = list;
  return TRUE;
}

/* either: a member of schema 0.1.0 that has two spellings. */
static gboolean
either (json_t *file, const char *name, const char *other, json_t **ret, GError **error)
{
  json_t *second = NULL;
  *ret = NULL;
  if (!json_get_array (file, name, ret, error) || !json_get_array (file, other, &second, error))
    return FALSE;
  if (*ret != NULL && second != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "both %s and %s are given", name, other);
  *ret = *ret != NULL ? *ret : second;
  return TRUE;
}

/* read_old: schema 0.1.0, which has no version: any condition that holds is enough. */
static gboolean
read_old (json_t *file, const SpecHookFacts *facts, Definition *ret, GError **error)
{
  const char *path = NULL;
  json_t *commands, *annotations, *arguments = NULL, *item;
  gboolean binds = FALSE, match;
  size_t i;
  if (!json_get_string (file, "hook", &path, error) || !json_need (path, "hook", error) || !json_get_array (file, "arguments", &arguments, error)
      || !either (file, "cmds", "cmd", &commands, error) || !either (file, "annotations", "annotation", &annotations, error)
      || !either (file, "stages", "stage", &ret->stages, error) || !json_get_bool (file, "hasbindmounts", &binds, error)
      || !match_commands (commands, facts, &ret->match, error))
    return FALSE;
  json_array_foreach (annotations, i, item)
    {
      if (!match_annotation (NULL, json_string_value (item), facts, &match, error))
        return FALSE;
      ret->match |= match;
    }
  ret->match |= binds && facts->has_bind_mounts;
  json_t *args = json_pack ("[s]", path);
  json_array_extend (args, arguments);
  ret->hook = json_pack ("{s:s, s:o}", "path", path, "args", args);
  return check_hook (ret->hook, error);
}

static gboolean
add_file (const char *path, const SpecHookFacts *facts, json_t *hooks, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;
  if (!path_read_file (AT_FDCWD, path, FILE_MAX, &text, &size, error))
    return FALSE;
  json_auto_t *file = json_parse_bounded (text, size, FILE_MAX, JSON_PARSE_UNIQUE_KEYS, error);
  const char *version = NULL;
  if (file == NULL || !json_get_string (file, "version", &version, error))
    return coracle_prefix (error, "hook definition %s", path);
  Definition definition = { 0 };
  gboolean done = FALSE;
  if (version != NULL && strcmp (version, "1.0.0") != 0 && strcmp (version, "0.1.0") != 0)
    coracle_throw (error, CORACLE_ERROR_INVALID, "unknown version \"%s\"", version);
  else
    done = version != NULL && strcmp (version, "1.0.0") == 0 ? read_new (file, facts, &definition, error) : read_old (file, facts, &definition, error);
  done = done && check_stages (definition.stages, error);
  size_t i;
  json_t *stage;
  if (done && definition.match)
    json_array_foreach (definition.stages, i, stage)
      {
        const char *name = json_string_value (stage);
        if (json_object_get (hooks, name) == NULL)
          json_object_set_new (hooks, name, json_array ());
        json_array_append (json_object_get (hooks, name), definition.hook);
      }
  json_decref (definition.hook);
  return done || coracle_prefix (error, "hook definition %s", path);
}

static int
compare_names (const void *a, const void *b)
{
  g_autofree char *x = g_utf8_strdown (*(const char *const *) a, -1), *y = g_utf8_strdown (*(const char *const *) b, -1);
  int order = strcmp (x, y);
  return order != 0 ? order : strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* list_files: name → path of every definition. */
static gboolean
list_files (const char *const *folders, GHashTable *paths, GError **error)
{
  for (; *folders != NULL; folders++)
    {
      int problem;
      g_autoptr (GPtrArray) names = path_list_named (*folders, &problem);
      if (names == NULL && problem == ENOENT)
        continue;
      if (names == NULL)
        return coracle_throw (error, CORACLE_ERROR_SYSTEM, "hooks folder %s: %s", *folders, strerror (problem));
      for (guint i = 0; i < names->len; i++)
        if (g_str_has_suffix (names->pdata[i], ".json"))
          g_hash_table_replace (paths, g_strdup (names->pdata[i]), g_build_filename (*folders, names->pdata[i], NULL));
    }
  return TRUE;
}

gboolean
spec_hooks_read (const char *const *folders, const SpecHookFacts *facts, json_t **ret_hooks, GError **error)
{
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!list_files (folders, paths, error))
    return FALSE;
  guint n;
  g_autofree char **names = (char **) g_hash_table_get_keys_as_array (paths, &n);
  if (n > 1)
    qsort (names, n, sizeof *names, compare_names);
  json_auto_t *hooks = json_object ();
  for (guint i = 0; i < n; i++)
    if (!add_file (g_hash_table_lookup (paths, names[i]), facts, hooks, error))
      return FALSE;
  *ret_hooks = json_object_size (hooks) > 0 ? json_incref (hooks) : NULL;
  return TRUE;
}
