#include "pkg/image/change.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/proc.h"

typedef gboolean (*Change) (json_t *config, const char *key, const char *value, GError **error);

/* object_of: the object @key of @config, made if need be; borrowed. */
static json_t *
object_of (json_t *config, const char *key)
{
  json_t *object = json_object_get (config, key);
  if (!json_is_object (object))
    {
      (void) json_object_set_new (config, key, json_object ());
      object = json_object_get (config, key);
    }
  return object;
}

static json_t *
array_of (json_t *config, const char *key)
{
  json_t *array = json_object_get (config, key);
  if (!json_is_array (array))
    {
      (void) json_object_set_new (config, key, json_array ());
      array = json_object_get (config, key);
    }
  return array;
}

/* parse_strings: a JSON array of strings, or NULL. */
static json_t *
parse_strings (const char *value)
{
  json_t *array = *value == '[' ? json_loads (value, 0, NULL) : NULL;
  for (size_t i = 0; array != NULL && i < json_array_size (array); i++)
    if (!json_is_string (json_array_get (array, i)))
      {
        json_decref (array);
        return NULL;
      }
  return array;
}

static gboolean
change_command (json_t *config, const char *key, const char *value, GError **error)
{
  json_t *words = parse_strings (value);
  if (words == NULL)
    words = json_pack ("[s, s, s]", "/bin/sh", "-c", value);
  return json_object_set_new (config, key, words) == 0 || coracle_throw (error, CORACLE_ERROR_INVALID, "not UTF-8");
}

/* split_words: as a shell would; NULL with @error. */
static char **
split_words (const char *value, GError **error)
{
  g_autoptr (GError) failure = NULL;
  char **words = NULL;
  if (g_shell_parse_argv (value, NULL, &words, &failure))
    return words;
  return coracle_throw (error, CORACLE_ERROR_INVALID, "%s", failure->message), NULL;
}

typedef void (*TakePair) (json_t *config, const char *key, const char *name, const char *value);

/* take_pairs: "a=b c=d", or the old "a everything else". */
static gboolean
take_pairs (json_t *config, const char *key, const char *value, TakePair take, GError **error)
{
  const char *equals = strchr (value, '='), *space = strpbrk (value, " \t");
  if (space != NULL && (equals == NULL || space < equals))
    {
      g_autofree char *name = g_strndup (value, (size_t) (space - value));
      take (config, key, name, space + strspn (space, " \t"));
      return TRUE;
    }
  g_auto (GStrv) words = split_words (value, error);
  if (words == NULL)
    return FALSE;
  for (char **word = words; *word != NULL; word++)
    {
      char *split = strchr (*word, '=');
      if (split == *word)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "a value without name: %s", *word);
      g_autofree char *name = split != NULL ? g_strndup (*word, (size_t) (split - *word)) : g_strdup (*word);
      take (config, key, name, split != NULL ? split + 1 : "");
    }
  return TRUE;
}

static void
take_env (json_t *config, const char *key, const char *name, const char *value)
{
  json_t *env = array_of (config, key);
  g_autofree char *pair = g_strconcat (name, "=", value, NULL), *prefix = g_strconcat (name, "=", NULL);
  for (size_t i = 0; i < json_array_size (env); i++)
    if (g_str_has_prefix (json_string_value (json_array_get (env, i)), prefix))
      {
        (void) json_array_set_new (env, i, json_string (pair));
        return;
      }
  (void) json_array_append_new (env, json_string (pair));
}

static void
take_label (json_t *config, const char *key, const char *name, const char *value)
{
  (void) json_object_set_new (object_of (config, key), name, json_string (value));
}

static gboolean
change_env (json_t *config, const char *key, const char *value, GError **error)
{
  return take_pairs (config, key, value, take_env, error);
}

static gboolean
change_label (json_t *config, const char *key, const char *value, GError **error)
{
  return take_pairs (config, key, value, take_label, error);
}

static gboolean
check_port (const char *word, GError **error)
{
  char *end = NULL;
  gint64 port = g_ascii_strtoll (word, &end, 10);
  gboolean ok = end != word && port > 0 && port < 65536;
  if (ok && *end == '-')
    {
      const char *second = end + 1;
      gint64 last = g_ascii_strtoll (second, &end, 10);
      ok = end != second && last >= port && last < 65536;
    }
  ok = ok && (*end == '\0' || strcmp (end, "/tcp") == 0 || strcmp (end, "/udp") == 0 || strcmp (end, "/sctp") == 0);
  return ok || coracle_throw (error, CORACLE_ERROR_INVALID, "%s is no port", word);
}

static gboolean
change_expose (json_t *config, const char *key, const char *value, GError **error)
{
  g_auto (GStrv) words = split_words (value, error);
  if (words == NULL)
    return FALSE;
  for (char **word = words; *word != NULL; word++)
    {
      if (!check_port (*word, error))
        return FALSE;
      g_autofree char *port = strchr (*word, '/') != NULL ? g_strdup (*word) : g_strconcat (*word, "/tcp", NULL);
      (void) json_object_set_new (object_of (config, key), port, json_object ());
    }
  return TRUE;
}

static gboolean
change_volume (json_t *config, const char *key, const char *value, GError **error)
{
  json_t *array = parse_strings (value);
  for (size_t i = 0; i < json_array_size (array); i++)
    (void) json_object_set_new (object_of (config, key), json_string_value (json_array_get (array, i)), json_object ());
  if (array != NULL)
    {
      json_decref (array);
      return TRUE;
    }
  g_auto (GStrv) words = split_words (value, error);
  for (char **word = words; word != NULL && *word != NULL; word++)
    (void) json_object_set_new (object_of (config, key), *word, json_object ());
  return words != NULL;
}

static gboolean
change_text (json_t *config, const char *key, const char *value, GError **error)
{
  return json_object_set_new (config, key, json_string (value)) == 0 || coracle_throw (error, CORACLE_ERROR_INVALID, "not UTF-8");
}

static gboolean
change_folder (json_t *config, const char *key, const char *value, GError **error)
{
  return *value == '/' ? change_text (config, key, value, error) : coracle_throw (error, CORACLE_ERROR_INVALID, "%s is not an absolute path", value);
}

static gboolean
change_signal (json_t *config, const char *key, const char *value, GError **error)
{
  return proc_signal_parse (value) > 0 ? change_text (config, key, value, error) : coracle_throw (error, CORACLE_ERROR_INVALID, "%s is no signal", value);
}

static gboolean
change_onbuild (json_t *config, const char *key, const char *value, GError **error)
{
  (void) json_array_append_new (array_of (config, key), json_string (value));
  return TRUE;
}

static const struct { const char *instruction, *key; Change change; } changes[] = {
  { "CMD", "Cmd", change_command },      { "ENTRYPOINT", "Entrypoint", change_command }, { "ENV", "Env", change_env },
  { "EXPOSE", "ExposedPorts", change_expose }, { "LABEL", "Labels", change_label },      { "ONBUILD", "OnBuild", change_onbuild },
  { "STOPSIGNAL", "StopSignal", change_signal }, { "USER", "User", change_text },        { "VOLUME", "Volumes", change_volume },
  { "WORKDIR", "WorkingDir", change_folder },
};

gboolean
image_change_apply (json_t *config, const char *text, GError **error)
{
  if (!g_utf8_validate (text, -1, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid change: not UTF-8");
  size_t length = strcspn (text, " \t=");
  g_autofree char *word = g_strndup (text, length), *value = g_strdup (text + length + (text[length] != '\0'));
  g_strstrip (value);
  for (size_t i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      if (g_ascii_strcasecmp (word, changes[i].instruction) != 0)
        continue;
      if (*value == '\0')
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid change \"%s\": %s needs a value", text, changes[i].instruction);
      return changes[i].change (config, changes[i].key, value, error) || coracle_prefix (error, "invalid change \"%s\"", text);
    }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid change \"%s\": must be one of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR", text);
}
