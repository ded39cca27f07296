#include "pkg/image/name.h"

#include <string.h>

#include "pkg/base/error.h"

#define NAME_MAX_LENGTH 255   /* registry and path together */
#define TAG_MAX_LENGTH 128
#define TEXT_MAX_LENGTH 1024  /* no valid reference is longer; keeps hostile input cheap */

void
image_name_free (ImageName *name)
{
  if (name == NULL)
    return;
  g_free (name->registry);
  g_free (name->path);
  g_free (name->tag);
  g_free (name->digest);
  g_free (name);
}

static gboolean
is_hex (const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (!g_ascii_isdigit (text[i]) && !(text[i] >= 'a' && text[i] <= 'f'))
      return FALSE;
  return TRUE;
}

gboolean
image_name_is_digest (const char *text)
{
  static const struct { const char *prefix; size_t digits; } kinds[] = { { "sha256:", 64 }, { "sha384:", 96 }, { "sha512:", 128 } };
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_prefix (text, kinds[i].prefix))
      {
        const char *digits = text + strlen (kinds[i].prefix);
        return strlen (digits) == kinds[i].digits && is_hex (digits, kinds[i].digits);
      }
  return FALSE;
}

static gboolean
is_lower_alnum (char c)
{
  return g_ascii_islower (c) || g_ascii_isdigit (c);
}

/* One component: runs of [a-z0-9] joined by '.', '_', "__" or any number of '-'. */
static gboolean
component_is_valid (const char *text, size_t length)
{
  size_t i = 0;
  for (;;)
    {
      size_t start = i;
      while (i < length && is_lower_alnum (text[i]))
        i++;
      if (i == start)
        return FALSE;
      if (i == length)
        return TRUE;
      if (text[i] == '.')
        i++;
      else if (text[i] == '_')
        i += i + 1 < length && text[i + 1] == '_' ? 2 : 1;
      else if (text[i] == '-')
        while (i < length && text[i] == '-')
          i++;
      else
        return FALSE;
    }
}

static gboolean
path_is_valid (const char *path)
{
  for (;;)
    {
      size_t length = strcspn (path, "/");
      if (!component_is_valid (path, length))
        return FALSE;
      if (path[length] == 0)
        return TRUE;
      path += length + 1;
    }
}

/* Labels of letters, digits and inner '-', joined by '.'; or an IPv6 address in brackets; then an optional port. */
static gboolean
registry_is_valid (const char *text)
{
  const char *end;
  if (text[0] == '[')
    {
      end = strchr (text, ']');
      if (end == NULL || end == text + 1 || strspn (text + 1, "0123456789abcdefABCDEF:") != (size_t) (end - text - 1))
        return FALSE;
      end++;
    }
  else
    {
      end = text + strcspn (text, ":");
      char before = '.';
      for (const char *c = text; c < end; before = *c++)
        if (*c == '.' || *c == '-' ? (*c == '-' ? before == '.' : before == '.' || before == '-') : !g_ascii_isalnum (*c))
          return FALSE;
      if (before == '.' || before == '-')
        return FALSE;
    }
  if (*end == 0)
    return TRUE;
  return *end == ':' && end[1] != 0 && end[1 + strspn (end + 1, "0123456789")] == 0;
}

static gboolean
tag_is_valid (const char *tag)
{
  if (!g_ascii_isalnum (tag[0]) && tag[0] != '_')
    return FALSE;
  size_t length = strlen (tag);
  for (size_t i = 1; i < length; i++)
    if (!g_ascii_isalnum (tag[i]) && strchr ("_.-", tag[i]) == NULL)
      return FALSE;
  return length <= TAG_MAX_LENGTH;
}

static gboolean
has_upper (const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (g_ascii_isupper (text[i]))
      return TRUE;
  return FALSE;
}

/* Does the part before the first '/' name a registry? */
static gboolean
is_registry (const char *text, size_t length)
{
  if (memchr (text, '.', length) != NULL || memchr (text, ':', length) != NULL)
    return TRUE;
  return has_upper (text, length) || (length == 9 && memcmp (text, "localhost", 9) == 0);
}

/* Cut the tag off @rest, in place: what follows the last ':' when no '/' follows that. */
static char *
cut_tag (char *rest)
{
  char *colon = strrchr (rest, ':');
  if (colon == NULL || strchr (colon, '/') != NULL)
    return NULL;
  *colon = 0;
  return g_strdup (colon + 1);
}

static gboolean
name_check (const ImageName *name, GError **error)
{
  static const char bad[] = "invalid reference format";
  if (name->registry != NULL && !registry_is_valid (name->registry))
    return coracle_throw (error, CORACLE_ERROR_INVALID, bad);
  if (!path_is_valid (name->path))
    {
      g_autofree char *lower = g_ascii_strdown (name->path, -1);
      if (path_is_valid (lower))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: repository name must be lowercase", bad);
      return coracle_throw (error, CORACLE_ERROR_INVALID, bad);
    }
  if (name->tag != NULL && !tag_is_valid (name->tag))
    return coracle_throw (error, CORACLE_ERROR_INVALID, bad);
  if (name->digest != NULL && !image_name_is_digest (name->digest))
    return coracle_throw (error, CORACLE_ERROR_INVALID, strchr (name->digest, ':') != NULL ? "%s: invalid checksum digest" : "%s", bad);
  if ((name->registry != NULL ? strlen (name->registry) + 1 : 0) + strlen (name->path) > NAME_MAX_LENGTH)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: repository name must not be more than %d characters", bad, NAME_MAX_LENGTH);
  /* such a name could never be told from an id */
  if (name->registry == NULL && strlen (name->path) == 64 && is_hex (name->path, 64))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid repository name (%s), cannot specify 64-byte hexadecimal strings", name->path);
  return TRUE;
}

ImageName *
image_name_parse (const char *text, GError **error)
{
  if (g_str_has_prefix (text, "docker://"))
    text += strlen ("docker://");
  if (strlen (text) > TEXT_MAX_LENGTH)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "invalid reference format: repository name must not be more than %d characters", NAME_MAX_LENGTH);
      return NULL;
    }
  g_autoptr (ImageName) name = g_new0 (ImageName, 1);
  g_autofree char *copy = g_strdup (text);
  char *at = strchr (copy, '@');
  if (at != NULL)
    {
      *at = 0;
      name->digest = g_strdup (at + 1);
    }
  char *rest = copy;
  size_t first = strcspn (copy, "/");
  if (copy[first] == '/' && is_registry (copy, first))
    {
      name->registry = g_strndup (copy, first);
      rest += first + 1;
    }
  name->tag = cut_tag (rest);
  name->path = g_strdup (rest);
  if (!name_check (name, error))
    return NULL;
  return g_steal_pointer (&name);
}

char *
image_name_to_string (const ImageName *name)
{
  return g_strconcat (name->registry != NULL ? name->registry : "", name->registry != NULL ? "/" : "", name->path,
                      name->tag != NULL ? ":" : "", name->tag != NULL ? name->tag : "",
                      name->digest != NULL ? "@" : "", name->digest != NULL ? name->digest : "", NULL);
}

/* Fill in what a stored name must have. */
static void
name_complete (ImageName *name, const char *registry)
{
  if (name->registry == NULL)
    name->registry = g_strdup (registry);
  if (strcmp (name->registry, "index.docker.io") == 0)
    {
      g_free (name->registry);
      name->registry = g_strdup ("docker.io");
    }
  if (strcmp (name->registry, "docker.io") == 0 && strchr (name->path, '/') == NULL)
    {
      char *path = g_strconcat ("library/", name->path, NULL);
      g_free (name->path);
      name->path = path;
    }
  if (name->digest != NULL)
    g_clear_pointer (&name->tag, g_free);
  else if (name->tag == NULL)
    name->tag = g_strdup ("latest");
}

char *
image_name_normalize (const char *text, const char *registry, GError **error)
{
  g_autoptr (ImageName) name = image_name_parse (text, error);
  if (name == NULL)
    return NULL;
  name_complete (name, registry);
  /* the additions may have made it too long */
  if (!name_check (name, error))
    return NULL;
  return image_name_to_string (name);
}

char **
image_name_candidates (const char *text, GError **error)
{
  g_autoptr (ImageName) name = image_name_parse (text, error);
  if (name == NULL)
    return NULL;
  GPtrArray *found = g_ptr_array_new ();
  if (name->registry != NULL)
    {
      name_complete (name, NULL);
      g_ptr_array_add (found, image_name_to_string (name));
    }
  else
    {
      static const char *const registries[] = { "localhost", "docker.io" };
      for (size_t i = 0; i < G_N_ELEMENTS (registries); i++)
        {
          g_clear_pointer (&name->registry, g_free);
          name_complete (name, registries[i]);
          g_ptr_array_add (found, image_name_to_string (name));
        }
    }
  g_ptr_array_add (found, NULL);
  return (char **) g_ptr_array_free (found, FALSE);
}

char *
image_name_familiar (const char *full)
{
  if (!g_str_has_prefix (full, "docker.io/"))
    return g_strdup (full);
  full += strlen ("docker.io/");
  if (g_str_has_prefix (full, "library/") && strchr (full + strlen ("library/"), '/') == NULL)
    full += strlen ("library/");
  return g_strdup (full);
}

void
image_name_split (const char *full, char **ret_repository, char **ret_tag)
{
  char *repository = g_strndup (full, strcspn (full, "@"));
  char *tag = cut_tag (repository);
  if (repository[0] == 0)
    {
      g_free (repository);
      repository = g_strdup ("<none>");
    }
  *ret_repository = repository;
  *ret_tag = tag != NULL ? tag : g_strdup ("<none>");
}

/* One "[…]" of a pattern, @*pattern just after the '['. Advances past the ']'. -1: broken. */
static int
class_match (const char **pattern, char c)
{
  const char *p = *pattern;
  gboolean negated = *p == '^';
  if (negated)
    p++;
  gboolean found = FALSE;
  for (gboolean any = FALSE; *p != ']' || !any; any = TRUE)
    {
      if (*p == '\\')
        p++;
      if (*p == 0)
        return -1;
      char low = *p++, high = low;
      if (*p == '-')
        {
          p++;
          if (*p == '\\')
            p++;
          if (*p == 0 || *p == ']')
            return -1;
          high = *p++;
        }
      if ((unsigned char) low <= (unsigned char) c && (unsigned char) c <= (unsigned char) high)
        found = TRUE;
    }
  *pattern = p + 1;
  return found != negated;
}

/* Does the one-character element at @*pattern fit @c? Advances past the element. */
static gboolean
element_match (const char **pattern, char c)
{
  const char *p = *pattern;
  gboolean fits;
  if (*p == '[')
    {
      p++;
      if (class_match (&p, c) != 1)
        return FALSE;
      fits = c != '/';
    }
  else if (*p == '?')
    {
      p++;
      fits = c != '/';
    }
  else
    {
      if (*p == '\\')
        p++;
      if (*p == 0)
        return FALSE;
      fits = *p++ == c;
    }
  *pattern = p;
  return fits;
}

/* A failure only ever has to retry the last '*': the ones before it are pinned by what already fitted. So the cost is at most the product of the lengths. */
static gboolean
glob_match (const char *pattern, const char *text)
{
  const char *star = NULL, *retry = NULL;
  for (;;)
    {
      if (*pattern == '*')
        {
          star = ++pattern;
          retry = text;
          continue;
        }
      if (*text == 0 && *pattern == 0)
        return TRUE;
      if (*text != 0 && *pattern != 0 && element_match (&pattern, *text))
        {
          text++;
          continue;
        }
      if (star == NULL || *retry == 0 || *retry == '/')
        return FALSE;
      text = ++retry;
      pattern = star;
    }
}

gboolean
image_name_matches (const char *pattern, const char *full)
{
  g_autofree char *repository = NULL, *tag = NULL;
  image_name_split (full, &repository, &tag);
  const char *suffix = g_str_has_prefix (full, repository) ? full + strlen (repository) : "";
  size_t first = strcspn (repository, "/");
  const char *path = repository[first] == '/' && is_registry (repository, first) ? repository + first + 1 : repository;
  const char *slash = strrchr (repository, '/');
  const char *forms[] = { repository, path, slash != NULL ? slash + 1 : repository };
  for (size_t i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autofree char *with_suffix = g_strconcat (forms[i], suffix, NULL);
      if (glob_match (pattern, forms[i]) || glob_match (pattern, with_suffix))
        return TRUE;
    }
  return FALSE;
}
