#include "pkg/engine/image_policy.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/json/json.h"

#define POLICY_LIMIT ((size_t) 4 << 20)

/* find_scope: the most specific entry for a name: itself, its repository, shorter and shorter parts of it, its host, wildcards of the host, and "". */
static json_t *
find_scope (json_t *scopes, const char *registry, const char *path, const char *reference)
{
  g_autofree char *name = g_strconcat (registry, "/", path, reference, NULL), *part = g_strconcat (registry, "/", path, NULL);
  json_t *found = json_object_get (scopes, name);
  while (found == NULL && part[0] != '\0')
    {
      found = json_object_get (scopes, part);
      char *slash = strrchr (part, '/');
      *(slash != NULL ? slash : part) = '\0';
    }
  for (const char *dot = strchr (registry, '.'); found == NULL && dot != NULL; dot = strchr (dot + 1, '.'))
    {
      g_autofree char *wildcard = g_strdup_printf ("*%.*s", (int) strcspn (dot, ":"), dot);
      found = json_object_get (scopes, wildcard);
    }
  return found != NULL ? found : json_object_get (scopes, "");
}

gboolean
image_policy_allows (json_t *policy, const char *transport, const char *registry, const char *path, const char *reference, GError **error)
{
  json_t *requirements = find_scope (json_object_get (json_object_get (policy, "transports"), transport), registry, path, reference), *one;
  size_t i;
  if (requirements == NULL)
    requirements = json_object_get (policy, "default");
  if (json_array_size (requirements) == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "policy.json: List of verification policy requirements must not be empty");
  json_array_foreach (requirements, i, one)
    {
      const char *type = json_string_value (json_object_get (one, "type"));
      if (g_strcmp0 (type, "reject") == 0)
        return coracle_throw (error, CORACLE_ERROR_DENIED, "Source image rejected: Running image %s://%s/%s%s is rejected by policy.", transport, registry, path, reference);
      if (g_strcmp0 (type, "insecureAcceptAnything") != 0)
        return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "policy.json asks for %s for %s/%s: signatures are not checked in this version, so the image is refused", type != NULL ? type : "nothing known",
                              registry, path);
    }
  return TRUE;
}

gboolean
image_policy_check (const char *transport, const char *registry, const char *path, const char *reference, GError **error)
{
  g_autofree char *own = g_build_filename (g_get_user_config_dir (), "containers/policy.json", NULL), *text = NULL;
  const char *file = g_file_test (own, G_FILE_TEST_EXISTS) ? own : "/etc/containers/policy.json";
  g_autoptr (GError) problem = NULL;
  gsize size;
  if (!g_file_get_contents (file, &text, &size, &problem))
    return g_error_matches (problem, G_FILE_ERROR, G_FILE_ERROR_NOENT) || coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s", problem->message);
  json_auto_t *policy = json_parse_bounded (text, size, POLICY_LIMIT, JSON_PARSE_UNIQUE_KEYS, error);
  return policy != NULL ? image_policy_allows (policy, transport, registry, path, reference, error) : coracle_prefix (error, "%s", file);
}
