#include "pkg/json/json.h"

#include <string.h>

#include "pkg/base/error.h"

/* jansson's own limit is 2048 levels, and everything that walks a value recurses: count brackets before it parses. */
static gboolean
depth_check (const char *data, size_t size)
{
  size_t depth = 0;
  gboolean in_string = FALSE;
  for (size_t i = 0; i < size; i++)
    if (in_string)
      {
        if (data[i] == '\\')
          i++;
        else if (data[i] == '"')
          in_string = FALSE;
      }
    else if (data[i] == '"')
      in_string = TRUE;
    else if (data[i] == '[' || data[i] == '{')
      {
        if (++depth > JSON_MAX_DEPTH)
          return FALSE;
      }
    else if ((data[i] == ']' || data[i] == '}') && depth > 0)
      depth--;
  return TRUE;
}

json_t *
json_parse_bounded (const char *data, size_t size, size_t limit, JsonParseFlags flags, GError **error)
{
  if (size > limit)
    {
      coracle_throw (error, CORACLE_ERROR_CORRUPT, "JSON of %zu bytes: more than the %zu allowed", size, limit);
      return NULL;
    }
  if (!depth_check (data, size))
    {
      coracle_throw (error, CORACLE_ERROR_CORRUPT, "JSON nested deeper than %d levels", JSON_MAX_DEPTH);
      return NULL;
    }
  json_error_t problem;
  json_t *value = json_loadb (data, size, JSON_DECODE_ANY | (flags & JSON_PARSE_UNIQUE_KEYS ? JSON_REJECT_DUPLICATES : 0), &problem);
  if (value == NULL)
    coracle_throw (error, CORACLE_ERROR_CORRUPT, "invalid JSON at line %d, column %d: %s", problem.line, problem.column, problem.text);
  return value;
}

static const char *
type_name (const json_t *value)
{
  switch (json_typeof (value))
    {
    case JSON_OBJECT:
      return "an object";
    case JSON_ARRAY:
      return "an array";
    case JSON_STRING:
      return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
      return "a number";
    case JSON_NULL:
      return "null";
    default:
      return "a boolean";
    }
}

/* Walk @path. Returns FALSE with an error only when a parent exists and is no object. */
static gboolean
walk (json_t *root, const char *path, json_t **ret, GError **error)
{
  json_t *at = root;
  const char *key = path;
  while (*key != 0 && at != NULL && !json_is_null (at))
    {
      if (!json_is_object (at))
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%.*s: expected an object, found %s", (int) MAX (key - path - 1, 0), path, type_name (at));
      size_t length = strcspn (key, ".");
      g_autofree char *name = g_strndup (key, length);
      at = json_object_get (at, name);
      key += length + (key[length] == '.');
    }
  *ret = at == NULL || json_is_null (at) ? NULL : at;
  return TRUE;
}

json_t *
json_lookup (json_t *root, const char *path)
{
  json_t *found = NULL;
  return walk (root, path, &found, NULL) ? found : NULL;
}

static gboolean
wrong_type (const char *path, const char *expected, const json_t *found, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: expected %s, found %s", path, expected, type_name (found));
}

gboolean
json_get_string (json_t *root, const char *path, const char **ret, GError **error)
{
  json_t *found;
  if (!walk (root, path, &found, error))
    return FALSE;
  if (found != NULL && !json_is_string (found))
    return wrong_type (path, "a string", found, error);
  if (found != NULL)
    *ret = json_string_value (found);
  return TRUE;
}

gboolean
json_get_int (json_t *root, const char *path, gint64 min, gint64 max, gint64 *ret, GError **error)
{
  json_t *found;
  if (!walk (root, path, &found, error))
    return FALSE;
  if (found == NULL)
    return TRUE;
  if (!json_is_integer (found))
    return wrong_type (path, "an integer", found, error);
  json_int_t value = json_integer_value (found);
  if (value < min || value > max)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: %" G_GINT64_FORMAT " is not between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT,
                          path, (gint64) value, min, max);
  *ret = value;
  return TRUE;
}

gboolean
json_get_bool (json_t *root, const char *path, gboolean *ret, GError **error)
{
  json_t *found;
  if (!walk (root, path, &found, error))
    return FALSE;
  if (found != NULL && !json_is_boolean (found))
    return wrong_type (path, "a boolean", found, error);
  if (found != NULL)
    *ret = json_is_true (found);
  return TRUE;
}

gboolean
json_get_array (json_t *root, const char *path, json_t **ret, GError **error)
{
  json_t *found;
  if (!walk (root, path, &found, error))
    return FALSE;
  if (found != NULL && !json_is_array (found))
    return wrong_type (path, "an array", found, error);
  if (found != NULL)
    *ret = found;
  return TRUE;
}

gboolean
json_get_object (json_t *root, const char *path, json_t **ret, GError **error)
{
  json_t *found;
  if (!walk (root, path, &found, error))
    return FALSE;
  if (found != NULL && !json_is_object (found))
    return wrong_type (path, "an object", found, error);
  if (found != NULL)
    *ret = found;
  return TRUE;
}

gboolean
json_get_strv (json_t *root, const char *path, size_t max_items, char ***ret, GError **error)
{
  json_t *array = NULL;
  if (!json_get_array (root, path, &array, error))
    return FALSE;
  if (array == NULL)
    return TRUE;
  size_t count = json_array_size (array);
  if (count > max_items)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: %zu items: more than the %zu allowed", path, count, max_items);
  for (size_t i = 0; i < count; i++)
    if (!json_is_string (json_array_get (array, i)))
      {
        g_autofree char *place = g_strdup_printf ("%s[%zu]", path, i);
        return wrong_type (place, "a string", json_array_get (array, i), error);
      }
  char **copy = g_new0 (char *, count + 1);
  for (size_t i = 0; i < count; i++)
    copy[i] = g_strdup (json_string_value (json_array_get (array, i)));
  g_strfreev (*ret);
  *ret = copy;
  return TRUE;
}

gboolean
json_get_map (json_t *root, const char *path, json_t **ret, GError **error)
{
  json_t *object = NULL;
  if (!json_get_object (root, path, &object, error))
    return FALSE;
  const char *key;
  json_t *value;
  json_object_foreach (object, key, value)
    if (!json_is_string (value))
      {
        g_autofree char *place = g_strdup_printf ("%s[\"%s\"]", path, key);
        return wrong_type (place, "a string", value, error);
      }
  if (object != NULL)
    *ret = object;
  return TRUE;
}

gboolean
json_need (const void *value, const char *path, GError **error)
{
  return value != NULL || coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: missing", path);
}

json_t *
json_strv (const char *const *strv)
{
  json_t *array = json_array ();
  for (size_t i = 0; strv != NULL && strv[i] != NULL; i++)
    json_array_append_new (array, json_string (strv[i]));
  return array;
}
