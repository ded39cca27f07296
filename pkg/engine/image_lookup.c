#include "pkg/engine/image_lookup.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/image/name.h"

const char *
image_newest_name (const StateImage *image)
{
  guint n = image->names != NULL ? g_strv_length (image->names) : 0;
  return n > 0 ? image->names[n - 1] : NULL;
}

json_t *
image_names_json (const StateImage *image)
{
  json_t *array = json_array ();
  for (guint n = image->names != NULL ? g_strv_length (image->names) : 0; n-- > 0;)
    (void) json_array_append_new (array, json_string (image->names[n]));
  return array;
}

static gboolean
fits_platform (const StateImage *image, const char *platform)
{
  if (platform == NULL || platform[0] == '\0')
    return TRUE;
  g_auto (GStrv) parts = g_strsplit (platform, "/", 3);
  guint n = g_strv_length (parts);
  const char *architecture = n > 1 ? parts[1] : NULL;
  if (architecture != NULL && strcmp (architecture, "x86_64") == 0)
    architecture = "amd64";
  else if (architecture != NULL && strcmp (architecture, "aarch64") == 0)
    architecture = "arm64";
  return g_strcmp0 (image->os, parts[0]) == 0 && (architecture == NULL || g_strcmp0 (image->architecture, architecture) == 0)
         && (n < 3 || image->variant == NULL || g_strcmp0 (image->variant, parts[2]) == 0);
}

/* find_by_end: a short name that exactly one stored name, or several of one image, end in. */
static StateImage *
find_by_end (State *state, const char *text, char **ret_name)
{
  g_autoptr (ImageName) name = image_name_parse (text, NULL);
  g_autoptr (GPtrArray) images = NULL;
  if (name == NULL || name->registry != NULL || name->digest != NULL || !state_image_list (state, &images, NULL))
    return NULL;
  g_autofree char *end = g_strdup_printf ("/%s:%s", name->path, name->tag != NULL ? name->tag : "latest");
  for (guint i = 0; i < images->len; i++)
    {
      StateImage *image = images->pdata[i];
      for (char **at = image->names; *at != NULL; at++)
        if (g_str_has_suffix (*at, end))
          {
            *ret_name = g_strdup (*at);
            return state_image_find (state, image->id, NULL);
          }
    }
  return NULL;
}

static StateImage *
find (State *state, const char *text, char **ret_name, GError **error)
{
  g_auto (GStrv) names = image_name_candidates (text, NULL);
  for (char **name = names; name != NULL && *name != NULL; name++)
    {
      StateImage *image = state_image_find (state, *name, NULL);
      if (image != NULL)
        {
          *ret_name = g_strdup (*name);
          return image;
        }
    }
  g_autoptr (GError) problem = NULL;
  StateImage *image = state_image_find (state, text, &problem);
  if (image != NULL)
    {
      const char *name = image_newest_name (image);
      *ret_name = g_strdup (name != NULL ? name : image->id);
      return image;
    }
  if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    image = find_by_end (state, text, ret_name);
  if (image != NULL)
    return image;
  if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    g_propagate_error (error, g_steal_pointer (&problem));
  else if (names == NULL)
    (void) image_name_candidates (text, error);
  else
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image not known", text);
  return NULL;
}

StateImage *
image_lookup (State *state, const char *text, const char *platform, char **ret_name, GError **error)
{
  g_autofree char *name = NULL;
  g_autoptr (StateImage) image = find (state, text, &name, error);
  if (image == NULL)
    return NULL;
  if (!fits_platform (image, platform))
    {
      coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image not known for platform %s: the one here is for %s/%s", text, platform, image->os, image->architecture);
      return NULL;
    }
  if (ret_name != NULL)
    *ret_name = g_steal_pointer (&name);
  return g_steal_pointer (&image);
}

/* layer_folder: of the store, or of the additional one that has it. */
static char *
layer_folder (const ConfigPaths *paths, const StateImage *image, const char *name)
{
  g_autofree char *own = g_build_filename (image->root != NULL ? image->root : paths->root, "layers", name, NULL);
  if (paths->image_stores == NULL || access (own, F_OK) == 0)
    return g_steal_pointer (&own);
  for (char **store = paths->image_stores; *store != NULL; store++)
    {
      g_autofree char *there = g_build_filename (*store, "layers", name, NULL), *within = g_build_filename (*store, "coracle/layers", name, NULL);
      if (access (there, F_OK) == 0)
        return g_steal_pointer (&there);
      if (access (within, F_OK) == 0)
        return g_steal_pointer (&within);
    }
  return g_steal_pointer (&own);
}

GPtrArray *
image_layer_folders (const ConfigPaths *paths, const StateImage *image)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (g_free);
  for (guint i = g_strv_length (image->layers); i > 0; i--)
    {
      const char *colon = strchr (image->layers[i - 1], ':');
      g_ptr_array_add (folders, layer_folder (paths, image, colon != NULL ? colon + 1 : image->layers[i - 1]));
    }
  g_ptr_array_add (folders, NULL);
  return folders;
}
