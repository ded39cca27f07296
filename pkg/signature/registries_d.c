#include "pkg/signature/registries_d.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/json/json.h"

#define DEPTH 8
#define SYSTEM_FOLDER "/etc/containers/registries.d"

void
signature_place_clear (SignaturePlace *place)
{
  g_free (place->lookaside);
  g_free (place->staging);
  *place = (SignaturePlace){ NULL, NULL, FALSE };
}

/* ---- YAML, as far as it goes */

static gboolean
throw_line (guint line, const char *what, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_INVALID, "line %u: %s", line, what);
}

/* scalar: @text without quotes; NULL: none that is read here. */
static char *
scalar (const char *text)
{
  gsize length = strlen (text);
  if (length >= 2 && (text[0] == '"' || text[0] == '\'') && text[length - 1] == text[0])
    {
      char *inner = g_strndup (text + 1, length - 2);
      if (strchr (inner, text[0]) == NULL && strchr (inner, '\\') == NULL)
        return inner;
      g_free (inner);
      return NULL;
    }
  return strchr ("\"'[]{}&*!|>%@`,", text[0]) != NULL && text[0] != '\0' ? NULL : g_strdup (text);
}

/* split: "KEY:" or "KEY: VALUE"; a colon within a word belongs to it, as in a registry's port. */
static gboolean
split (char *text, char **ret_key, char **ret_value)
{
  char quote = text[0] == '"' || text[0] == '\'' ? text[0] : '\0', *at = quote != '\0' ? strchr (text + 1, quote) : text;
  for (; at != NULL && *at != '\0'; at++)
    if (*at == ':' && (at[1] == ' ' || at[1] == '\0'))
      {
        *at = '\0';
        g_autofree char *value = g_strdup (at + 1);
        *ret_key = scalar (g_strstrip (text));
        *ret_value = scalar (g_strstrip (value));
        if (*ret_key != NULL && **ret_key != '\0' && *ret_value != NULL)
          return TRUE;
        g_clear_pointer (ret_key, g_free);
        g_clear_pointer (ret_value, g_free);
        return FALSE;
      }
  return FALSE;
}

typedef struct {
  json_t *object[DEPTH];
  gsize indent[DEPTH];
  int top;
  gboolean opened;   /* the last line was a key whose mapping is to follow */
} Blocks;

/* enter: the block that a line of @indent belongs to. */
static gboolean
enter (Blocks *blocks, gsize indent)
{
  if (blocks->opened && indent > blocks->indent[blocks->top - 1])
    {
      blocks->indent[blocks->top] = indent;
      blocks->opened = FALSE;
      return TRUE;
    }
  if (blocks->opened)
    blocks->top--;
  blocks->opened = FALSE;
  while (blocks->top > 0 && indent < blocks->indent[blocks->top])
    blocks->top--;
  return indent == blocks->indent[blocks->top];
}

static gboolean
take_line (Blocks *blocks, char *text, guint line, GError **error)
{
  g_autofree char *key = NULL, *value = NULL;
  gsize indent = strspn (text, " ");
  if (strchr (text, '\t') != NULL)
    return throw_line (line, "a tab", error);
  if (!enter (blocks, indent))
    return throw_line (line, "it is not indented as the lines above", error);
  if (!split (g_strstrip (text), &key, &value))
    return throw_line (line, "neither \"KEY: VALUE\" nor \"KEY:\"", error);
  json_t *object = blocks->object[blocks->top];
  if (json_object_get (object, key) != NULL)
    return throw_line (line, "a key for the second time", error);
  if (*value != '\0')
    return json_object_set_new (object, key, json_string (value)) == 0 || throw_line (line, "no UTF-8", error);
  if (blocks->top + 1 >= DEPTH)
    return throw_line (line, "too deep", error);
  json_t *within = json_object ();
  if (json_object_set_new (object, key, within) < 0)
    return throw_line (line, "no UTF-8", error);
  blocks->object[++blocks->top] = within;
  blocks->opened = TRUE;
  return TRUE;
}

json_t *
registries_d_parse (const char *text, GError **error)
{
  json_auto_t *root = json_object ();
  Blocks blocks = { { root }, { 0 }, 0, FALSE };
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *line = lines[i], *comment = line[strspn (line, " \t")] == '#' ? line : strstr (line, " #");
      if (comment != NULL)
        *comment = '\0';
      g_strchomp (line);
      if (line[strspn (line, " \t")] == '\0' || strcmp (line, "---") == 0)
        continue;
      if (!take_line (&blocks, line, i + 1, error))
        return NULL;
    }
  return g_steal_pointer (&root);
}

/* ---- files */

static gboolean
merge (json_t *root, json_t *file, GError **error)
{
  const char *key, *scope;
  json_t *value, *section;
  json_object_foreach (file, key, value)
    {
      if (strcmp (key, "default-docker") != 0 && strcmp (key, "docker") != 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown key \"%s\"", key);
      json_t *there = json_object_get (root, key);
      if (there == NULL)
        {
          (void) json_object_set (root, key, value);
          continue;
        }
      if (strcmp (key, "default-docker") == 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "\"default-docker\" is in another file, too");
      json_object_foreach (value, scope, section)
        if (json_object_get (there, scope) != NULL || json_object_set (there, scope, section) < 0)
          return coracle_throw (error, CORACLE_ERROR_INVALID, "\"docker\" namespace \"%s\" is in another file, too", scope);
    }
  return TRUE;
}

json_t *
registries_d_read (const char *folder, GError **error)
{
  g_autofree char *own = g_build_filename (g_get_user_config_dir (), "containers/registries.d", NULL);
  const char *name;
  if (folder == NULL)
    folder = access (own, F_OK) == 0 ? own : SYSTEM_FOLDER;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  json_auto_t *root = json_object ();
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL), *text = NULL;
      if (!g_str_has_suffix (name, ".yaml") || !g_file_get_contents (path, &text, NULL, NULL))
        continue;
      json_auto_t *file = registries_d_parse (text, error);
      if (file == NULL || !merge (root, file, error))
        return coracle_prefix (error, "%s", path), NULL;
    }
  return g_steal_pointer (&root);
}

/* ---- looking */

static void
take (char **to, const char *value, const char *other)
{
  if (*to == NULL && (value != NULL || other != NULL))
    *to = g_strdup (value != NULL ? value : other);
}

/* add_section: what a less specific section has to say. @known: use-sigstore-attachments was said. */
static gboolean
add_section (json_t *section, SignaturePlace *place, gboolean *known, GError **error)
{
  const char *lookaside = NULL, *staging = NULL, *old = NULL, *old_staging = NULL, *attachments = NULL, *key;
  static const char *const names[] = { "lookaside", "lookaside-staging", "sigstore", "sigstore-staging", "use-sigstore-attachments", NULL };
  json_t *value;
  json_object_foreach (section, key, value)
    if (!g_strv_contains (names, key))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "registries.d: unknown key \"%s\"", key);
  if (!json_get_string (section, "lookaside", &lookaside, error) || !json_get_string (section, "lookaside-staging", &staging, error) || !json_get_string (section, "sigstore", &old, error)
      || !json_get_string (section, "sigstore-staging", &old_staging, error) || !json_get_string (section, "use-sigstore-attachments", &attachments, error))
    return coracle_prefix (error, "registries.d");
  if (attachments != NULL && strcmp (attachments, "true") != 0 && strcmp (attachments, "false") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "registries.d: use-sigstore-attachments is neither true nor false");
  lookaside = lookaside != NULL ? lookaside : old;
  take (&place->lookaside, lookaside, NULL);
  take (&place->staging, staging != NULL ? staging : old_staging, lookaside);
  if (attachments != NULL && !*known)
    place->attachments = strcmp (attachments, "true") == 0;
  *known = *known || attachments != NULL;
  return TRUE;
}

/* find_place: from @name itself through the parts of it, @length bytes and less, to default-docker. */
static gboolean
find_place (json_t *root, const char *name, gsize length, SignaturePlace *ret_place, GError **error)
{
  g_autofree char *part = g_strndup (name, length);
  json_t *scopes = json_object_get (root, "docker");
  gboolean known = FALSE;
  if (name[length] != '\0' && !add_section (json_object_get (scopes, name), ret_place, &known, error))
    return FALSE;
  while (part[0] != '\0')
    {
      if (!add_section (json_object_get (scopes, part), ret_place, &known, error))
        return FALSE;
      char *slash = strrchr (part, '/');
      *(slash != NULL ? slash : part) = '\0';
    }
  return add_section (json_object_get (root, "default-docker"), ret_place, &known, error);
}

/* is_host_root: uid 0, and not within a user namespace, where every user is. */
static gboolean
is_host_root (void)
{
  g_autofree char *map = NULL;
  return geteuid () == 0 && g_file_get_contents ("/proc/self/uid_map", &map, NULL, NULL) && strstr (map, " 4294967295") != NULL;
}

gboolean
registries_d_find (json_t *root, const char *registry, const char *path, const char *reference, SignaturePlace *ret_place, GError **error)
{
  g_autofree char *name = g_strconcat (registry, "/", path, reference, NULL);
  if (!find_place (root, name, strlen (name) - strlen (reference), ret_place, error))
    return FALSE;
  g_autofree char *folder = is_host_root () ? g_strdup ("/var/lib/containers/sigstore") : g_build_filename (g_get_user_data_dir (), "containers/sigstore", NULL);
  g_autofree char *usual = g_strconcat ("file://", folder, NULL);
  take (&ret_place->lookaside, usual, NULL);
  take (&ret_place->staging, usual, NULL);
  return TRUE;
}

gboolean
registries_d_find_scope (json_t *root, const char *scope, SignaturePlace *ret_place, GError **error)
{
  const char *slash = strrchr (scope, '/'), *end = slash != NULL ? strpbrk (slash, ":@") : NULL;
  return find_place (root, scope, end != NULL ? (gsize) (end - scope) : strlen (scope), ret_place, error);
}
