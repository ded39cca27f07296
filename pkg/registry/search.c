#include "pkg/registry/search.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/json/json.h"
#include "pkg/registry/registry_private.h"

#define PAGE_LIMIT ((size_t) 8 << 20)
#define PAGES_LIMIT 1000
#define NAMES_LIMIT 100000   /* of one page */

static void
found_free (gpointer data)
{
  RegistryFound *found = data;
  g_free (found->name);
  g_free (found->description);
  g_free (found);
}

GPtrArray *
registry_found_new (void)
{
  return g_ptr_array_new_with_free_func (found_free);
}

static void
add (GPtrArray *found, const char *name, const char *description, gint64 stars, gboolean official, gboolean automated)
{
  RegistryFound *one = g_new0 (RegistryFound, 1);
  *one = (RegistryFound){ g_strdup (name), g_strdup (description), stars, official, automated };
  g_ptr_array_add (found, one);
}

/* take_results: of the old search: {"results": [{"name", "description", "star_count", "is_official", "is_automated"}]}. */
static gboolean
take_results (json_t *results, guint limit, GPtrArray *found, GError **error)
{
  size_t i;
  json_t *item;
  json_array_foreach (results, i, item)
    {
      const char *name = NULL, *description = "";
      gint64 stars = 0;
      gboolean official = FALSE, automated = FALSE;
      if (!json_get_string (item, "name", &name, error) || !json_get_string (item, "description", &description, error) || !json_get_int (item, "star_count", 0, G_MAXINT64, &stars, error)
          || !json_get_bool (item, "is_official", &official, error) || !json_get_bool (item, "is_automated", &automated, error))
        return FALSE;
      if (found->len >= limit)
        break;
      if (name != NULL && *name != '\0')
        add (found, name, description, stars, official, automated);
    }
  return TRUE;
}

gboolean
registry_found_read (const char *text, gsize size, const char *term, guint limit, GPtrArray *found, GError **error)
{
  json_t *results = NULL;
  g_auto (GStrv) names = NULL;
  json_auto_t *root = json_parse_bounded (text, size, PAGE_LIMIT, JSON_PARSE_DEFAULT, error);
  if (root == NULL || !json_get_array (root, "results", &results, error) || !json_get_strv (root, "repositories", NAMES_LIMIT, &names, error))
    return FALSE;
  if (results == NULL && names == NULL && json_object_get (root, "repositories") == NULL)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "neither results nor repositories in the answer");
  for (char **name = names; name != NULL && *name != NULL && found->len < limit; name++)
    if (**name != '\0' && strstr (*name, term) != NULL)
      add (found, *name, "", 0, FALSE, FALSE);
  return results == NULL || take_results (results, limit, found, error);
}

static gboolean
take_page (HttpAnswer *answer, const char *term, guint limit, GPtrArray *found, GError **error)
{
  g_autofree char *text = NULL;
  size_t size;
  if (http_status (answer) != 200)
    return registry_throw_status (answer, error);
  return http_read_all (answer, PAGE_LIMIT, &text, &size, error) && registry_found_read (text, size, term, limit, found, error);
}

/* old_search: FALSE where the registry has none. */
static gboolean
old_search (Registry *registry, const char *term, guint limit, GPtrArray *found)
{
  g_autofree char *escaped = g_uri_escape_string (term, NULL, FALSE), *path = g_strdup_printf ("/v1/search?q=%s&n=%u", escaped, limit);
  g_autoptr (HttpAnswer) answer = registry_get (registry, path, NULL, NULL, NULL);
  return answer != NULL && take_page (answer, term, limit, found, NULL);
}

GPtrArray *
registry_search (Registry *registry, const char *term, guint limit, GError **error)
{
  g_autoptr (GPtrArray) found = registry_found_new ();
  if (*term != '\0' && old_search (registry, term, limit, found))
    return g_steal_pointer (&found);
  g_ptr_array_set_size (found, 0);
  g_autofree char *path = g_strdup ("/v2/_catalog");
  for (int pages = 0; path != NULL && found->len < limit; pages++)
    {
      g_autoptr (HttpAnswer) answer = pages < PAGES_LIMIT ? registry_get (registry, path, "registry:catalog:*", NULL, error) : NULL;
      if (pages == PAGES_LIMIT)
        coracle_throw (error, CORACLE_ERROR_CORRUPT, "too many pages of repositories");
      if (answer == NULL || !take_page (answer, term, limit, found, error))
        return NULL;
      g_free (path);
      path = registry_next_page (registry, answer);
    }
  return g_steal_pointer (&found);
}
