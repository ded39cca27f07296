#include "pkg/engine/registry_search.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/image/name.h"
#include "pkg/registry/search.h"

static void
row_free (gpointer data)
{
  ImageSearchRow *row = data;
  g_free (row->registry);
  g_free (row->name);
  g_free (row->description);
  g_free (row->tag);
  g_free (row);
}

/* ---- filters */

typedef struct {
  gint64 stars;
  int official, automated;   /* -1: it does not matter */
} Filter;

static gboolean
read_filter (const char *text, Filter *filter, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, "=", 2);
  const char *value = parts[0] != NULL ? parts[1] : NULL;
  if (g_strcmp0 (parts[0], "stars") == 0)
    return (value != NULL && g_ascii_string_to_signed (value, 10, 0, G_MAXINT32, &filter->stars, NULL))
           || coracle_throw (error, CORACLE_ERROR_INVALID, "incorrect value type for stars filter: strconv.Atoi: parsing \"%s\": invalid syntax", value != NULL ? value : "");
  /* anything but "false" wants it, as in Podman */
  if (g_strcmp0 (parts[0], "is-official") == 0)
    filter->official = g_strcmp0 (value, "false") != 0;
  else if (g_strcmp0 (parts[0], "is-automated") == 0)
    filter->automated = g_strcmp0 (value, "false") != 0;
  else
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid filter type \"%s\"", text);
  return TRUE;
}

static gboolean
fits (const Filter *filter, const RegistryFound *found)
{
  return found->stars >= filter->stars && (filter->official < 0 || filter->official == found->official) && (filter->automated < 0 || filter->automated == found->automated);
}

/* ---- one registry */

static Registry *
open_registry (const RegistriesConf *conf, const ImageSearchRequest *request, const char *host, GError **error)
{
  g_autoptr (RegistriesPlace) place = registries_destination (conf, host, "x", error);
  if (place == NULL)
    return NULL;
  g_free (place->repository);
  place->repository = g_strdup ("");
  if (!request->tags && strcmp (place->registry, "docker.io") == 0)
    {
      /* its search is not where its images are */
      g_free (place->registry);
      place->registry = g_strdup ("index.docker.io");
    }
  return registry_place_open (conf, &request->access, place, error);
}

/* plain: on one line. */
static char *
plain (const char *text)
{
  char *copy = g_utf8_make_valid (text, -1);
  for (char *at = copy; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at))
      *at = ' ';
  return copy;
}

static ImageSearchRow *
row_new (const char *host, const char *name)
{
  ImageSearchRow *row = g_new0 (ImageSearchRow, 1);
  gboolean short_name = strcmp (host, "docker.io") == 0 && strchr (name, '/') == NULL;
  g_autofree char *full = g_strconcat (host, "/", short_name ? "library/" : "", name, NULL);
  row->registry = g_strdup (host);
  row->name = plain (full);
  row->description = g_strdup ("");
  return row;
}

static gboolean
search_names (const RegistriesConf *conf, const ImageSearchRequest *request, const char *host, const char *term, const Filter *filter, GPtrArray *rows, GError **error)
{
  gboolean docker = strcmp (host, "docker.io") == 0;
  if (docker && g_str_has_prefix (term, "library/"))
    term += strlen ("library/");
  g_autoptr (Registry) registry = open_registry (conf, request, host, error);
  g_autoptr (GPtrArray) found = registry != NULL ? registry_search (registry, term, request->limit, error) : NULL;
  if (found == NULL)
    return coracle_prefix (error, "couldn't search registry \"%s\"", host);
  for (guint i = 0; i < found->len; i++)
    {
      const RegistryFound *one = found->pdata[i];
      if (!fits (filter, one))
        continue;
      ImageSearchRow *row = row_new (host, one->name);
      g_free (row->description);
      row->description = plain (one->description);
      row->stars = one->stars;
      row->official = one->official;
      row->automated = one->automated;
      g_ptr_array_add (rows, row);
    }
  return TRUE;
}

static gboolean
search_tags (const RegistriesConf *conf, const ImageSearchRequest *request, const char *host, const char *term, GPtrArray *rows, GError **error)
{
  g_autofree char *text = g_strconcat (host, "/", term, NULL);
  g_autoptr (ImageName) name = *term != '\0' ? image_name_parse (text, NULL) : NULL;
  if (name == NULL || name->registry == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "reference \"%s\" must be a docker reference", term);
  g_autofree char *path = g_strconcat (strcmp (host, "docker.io") == 0 && strchr (name->path, '/') == NULL ? "library/" : "", name->path, NULL);
  g_autoptr (RegistriesPlace) place = registries_destination (conf, host, path, error);
  g_autoptr (Registry) registry = place != NULL ? registry_place_open (conf, &request->access, place, error) : NULL;
  if (registry == NULL)
    return coracle_prefix (error, "getting repository tags");
  g_auto (GStrv) tags = registry_tags (registry, place->repository, error);
  if (tags == NULL)
    return coracle_prefix (error, "getting repository tags: fetching tags list");
  for (guint i = 0; tags[i] != NULL && i < request->limit; i++)
    {
      ImageSearchRow *row = row_new (host, path);
      row->tag = plain (tags[i]);
      g_ptr_array_add (rows, row);
    }
  return TRUE;
}

/* ---- all of them */

/* hosts: where @request's term is looked for; @ret_term: borrowed. Free with g_strfreev. */
static char **
hosts (const RegistriesConf *conf, const ImageSearchRequest *request, const char **ret_term)
{
  static char *docker[] = { (char *) "docker.io", NULL }, *none[] = { NULL };
  const char *slash = strchr (request->term, '/');
  *ret_term = slash != NULL ? slash + 1 : request->term;
  if (slash == NULL)
    return g_strdupv (conf->search != NULL ? conf->search : conf->any ? none : docker);
  char **one = g_new0 (char *, 2);
  one[0] = g_strndup (request->term, (gsize) (slash - request->term));
  return one;
}

GPtrArray *
image_search (const ImageSearchRequest *request, GError **error)
{
  Filter filter = { 0, -1, -1 };
  for (const char *const *text = request->filters; text != NULL && *text != NULL; text++)
    if (!read_filter (*text, &filter, error))
      return NULL;
  g_autoptr (RegistriesConf) conf = registries_conf_read (error);
  if (conf == NULL)
    return NULL;
  const char *term;
  g_auto (GStrv) where = hosts (conf, request, &term);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (row_free);
  g_autoptr (GString) problems = g_string_new (NULL);
  guint n = 0;
  for (char **host = where; *host != NULL; host++)
    {
      g_autoptr (GError) problem = NULL;
      if (request->tags ? search_tags (conf, request, *host, term, rows, &problem) : search_names (conf, request, *host, term, &filter, rows, &problem))
        continue;
      g_string_append_printf (problems, "\n\t* %s", problem->message);
      n++;
    }
  if (rows->len == 0 && n > 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%u error%s occurred:%s\n\n", n, n == 1 ? "" : "s", problems->str), NULL;
  return g_steal_pointer (&rows);
}
