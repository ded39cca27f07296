#include "pkg/engine/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/signature/policy_file.h"
#include "pkg/signature/registries_d.h"
#include "pkg/signature/simple.h"

#define KEY_LIMIT ((gsize) 4 << 20)

/* What a requirement is called in the file, in what is shown, and by --type. */
static const struct { const char *type, *shown, *asked; } types[] = {
  { "insecureAcceptAnything", "accept", "accept" },
  { "reject", "reject", "reject" },
  { "signedBy", "signed", "signedBy" },
  { "sigstoreSigned", "sigstoreSigned", "sigstoreSigned" },
};

/* ---- show */

/* What is being shown. */
typedef struct {
  const char *registry;   /* that alone; NULL: all */
  json_t *registries;
  SimpleKeys *ring;   /* NULL: none was needed yet */
  json_t *rows;
} Show;

static void
show_clear (Show *show)
{
  json_decref (show->registries);
  json_decref (show->rows);
  simple_keys_free (show->ring);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Show, show_clear)

/* key_names: those of one key file. What cannot be read has none: the policy is what is shown. */
static void
key_names (Show *show, const char *path, const char *base64, GPtrArray *names)
{
  g_autofree char *data = NULL;
  gsize size = 0;
  cleanup_fd int fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
  if (path == NULL)
    data = (char *) g_base64_decode (base64, &size);
  else if (fd < 0 || !fd_read_file (fd, KEY_LIMIT, &data, &size, NULL))
    return;
  if (show->ring == NULL)
    show->ring = simple_keys_new (NULL);
  if (show->ring != NULL)
    (void) simple_key_names (show->ring, data, size, names, NULL);
}

/* gpg_id: whose keys a signedBy asks for: "a@x, b@x". */
static char *
gpg_id (Show *show, json_t *requirement)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  json_t *path;
  size_t i;
  if (json_object_get (requirement, "keyPath") != NULL)
    key_names (show, json_string_value (json_object_get (requirement, "keyPath")), "", names);
  json_array_foreach (json_object_get (requirement, "keyPaths"), i, path)
    key_names (show, json_string_value (path), "", names);
  if (json_is_string (json_object_get (requirement, "keyData")))
    key_names (show, NULL, json_string_value (json_object_get (requirement, "keyData")), names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (", ", (char **) names->pdata);
}

static void
set_text (json_t *row, const char *field, const char *text)
{
  if (text != NULL && *text != '\0')
    (void) json_object_set_new (row, field, json_string (text));
}

/* add_row: one requirement. @scope: of a registry; "": of something else. */
static gboolean
add_row (Show *show, const char *transport, const char *name, const char *repo_name, const char *scope, json_t *requirement, GError **error)
{
  const char *type = json_string_value (json_object_get (requirement, "type")), *shown = "";
  g_auto (SignaturePlace) place = { NULL };
  json_auto_t *row = json_object ();
  g_autofree char *id = NULL;
  if (!registries_d_find_scope (show->registries, scope, &place, error))
    return FALSE;
  set_text (row, "transport", transport);
  set_text (row, "name", name);
  set_text (row, "repo_name", repo_name);
  set_text (row, "sigstore", place.lookaside);
  for (size_t i = 0; type != NULL && i < G_N_ELEMENTS (types); i++)
    if (strcmp (type, types[i].type) == 0)
      shown = types[i].shown;
  (void) json_object_set_new (row, "type", json_string (shown));
  if (strcmp (shown, "signed") == 0)
    id = gpg_id (show, requirement);
  set_text (row, "gpg_id", strcmp (shown, "sigstoreSigned") == 0 ? "N/A" : id);
  return json_array_append (show->rows, row) == 0;
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* sorted_keys: of @object; free with g_ptr_array_unref; what is in it is borrowed. */
static GPtrArray *
sorted_keys (json_t *object)
{
  GPtrArray *keys = g_ptr_array_new ();
  const char *key;
  json_t *value;
  json_object_foreach (object, key, value)
    g_ptr_array_add (keys, (gpointer) key);
  g_ptr_array_sort (keys, compare_keys);
  return keys;
}

/* within: is @scope @outer, or in it? */
static gboolean
within (const char *scope, const char *outer)
{
  if (g_str_has_prefix (outer, "*."))
    {
      g_autofree char *host = g_strndup (scope, strcspn (scope, "/:"));
      return g_str_has_suffix (host, outer + 1) || strcmp (scope, outer) == 0;
    }
  gsize length = strlen (outer);
  return length == 0 || (strncmp (scope, outer, length) == 0 && strchr ("/:@", scope[length]) != NULL);
}

static gboolean
is_wanted (const Show *show, gboolean docker, const char *scope)
{
  return show->registry == NULL || (docker && (within (show->registry, scope) || within (scope, show->registry)));
}

static gboolean
add_transport (Show *show, const char *transport, json_t *scopes, GError **error)
{
  gboolean docker = strcmp (transport, "docker") == 0;
  g_autoptr (GPtrArray) keys = sorted_keys (scopes);
  for (guint i = 0; i < keys->len; i++)
    {
      const char *scope = keys->pdata[i];
      json_t *requirement;
      size_t j;
      json_array_foreach (json_object_get (scopes, scope), j, requirement)
        if (is_wanted (show, docker, scope) && !add_row (show, docker ? "repository" : transport, scope, scope, docker ? scope : "", requirement, error))
          return FALSE;
    }
  return TRUE;
}

char *
trust_raw (const char *policy, GError **error)
{
  g_autofree char *usual = policy == NULL ? policy_file_path () : NULL;
  return policy_file_text (policy != NULL ? policy : usual, error);
}

json_t *
trust_show (const char *policy, const char *registries, const char *registry, GError **error)
{
  g_auto (Show) show = { .registry = registry };
  g_autofree char *usual = policy == NULL ? policy_file_path () : NULL;
  json_auto_t *root = policy_file_read (policy != NULL ? policy : usual, error);
  show.registries = root != NULL ? registries_d_read (registries, error) : NULL;
  if (show.registries == NULL)
    return NULL;
  show.rows = json_array ();
  json_t *transports = json_object_get (root, "transports"), *requirement;
  size_t i;
  json_array_foreach (json_object_get (root, "default"), i, requirement)
    if (!add_row (&show, "all", "* (default)", "default", "", requirement, error))
      return NULL;
  g_autoptr (GPtrArray) keys = sorted_keys (transports);
  for (guint k = 0; k < keys->len; k++)
    if (!add_transport (&show, keys->pdata[k], json_object_get (transports, keys->pdata[k]), error))
      return NULL;
  return json_incref (show.rows);
}

/* ---- set */

static const char *
type_named (const char *asked)
{
  for (size_t i = 0; i < G_N_ELEMENTS (types); i++)
    if (strcmp (types[i].asked, asked) == 0)
      return types[i].type;
  return NULL;
}

static json_t *
requirement_new (const char *type, const char *key)
{
  json_t *one = json_pack ("{s:s}", "type", type);
  if (strcmp (type, "signedBy") == 0)
    (void) json_object_set_new (one, "keyType", json_string ("GPGKeys"));
  if (key != NULL)
    (void) json_object_set_new (one, "keyPath", json_string (key));
  return one;
}

/* requirements_new: what --type and its keys ask for: a signature by each GPG key. */
static json_t *
requirements_new (const TrustSet *set, GError **error)
{
  const char *type = type_named (set->type);
  gboolean keyed = type != NULL && g_str_has_prefix (type, "sig");
  json_auto_t *requirements = json_array ();
  if (type == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid choice: %s (choose from 'accept', 'reject', 'signedBy', 'sigstoreSigned')", set->type), NULL;
  if (keyed && set->keys[0] == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "at least one public key must be defined for type '%s'", set->type), NULL;
  if (!keyed && set->keys[0] != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%u public keys unexpectedly provided for trust type %s", g_strv_length ((char **) set->keys), set->type), NULL;
  if (!keyed)
    (void) json_array_append_new (requirements, requirement_new (type, NULL));
  for (const char *const *key = set->keys; *key != NULL; key++)
    (void) json_array_append_new (requirements, requirement_new (type, *key));
  return g_steal_pointer (&requirements);
}

/* read_or_begin: the policy as it is; where there is no file, nothing. */
static json_t *
read_or_begin (const char *path, GError **error)
{
  g_autoptr (GError) problem = NULL;
  json_t *policy = policy_file_read (path, &problem);
  if (policy == NULL && g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    return json_object ();
  if (policy == NULL)
    {
      coracle_prefix (&problem, "could not read trust policies");
      g_propagate_error (error, g_steal_pointer (&problem));
    }
  return policy;
}

/* object_at: the object @key of @object, made if there is none. */
static json_t *
object_at (json_t *object, const char *key, GError **error)
{
  json_t *within = json_object_get (object, key);
  if (within == NULL && json_object_set_new (object, key, within = json_object ()) < 0)
    within = NULL;
  if (!json_is_object (within))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "policy.json: %s is no object", key), NULL;
  return within;
}

/* check_scope: what can be the beginning of an image's name, or a wildcard of hosts. */
static gboolean
check_scope (const char *scope, GError **error)
{
  gboolean bad = *scope == '\0' || strstr (scope, "://") != NULL;
  for (const char *at = scope; *at != '\0'; at++)
    bad |= (guchar) *at <= ' ' || strchr ("\"\\<>^`{|}", *at) != NULL || (*at == '*' && (at != scope || at[1] != '.'));
  return !bad || coracle_throw (error, CORACLE_ERROR_INVALID, "invalid image uri: %s", scope);
}

/* put_scope: of a registry, in its place among the others. */
static gboolean
put_scope (json_t *policy, const char *scope, json_t *requirements, GError **error)
{
  json_t *transports = object_at (policy, "transports", error), *docker = transports != NULL ? object_at (transports, "docker", error) : NULL;
  if (docker == NULL)
    return FALSE;
  if (json_object_get (policy, "default") == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "default trust policy must be set");
  if (json_object_set (docker, scope, requirements) < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid image uri: it is no UTF-8");
  g_autoptr (GPtrArray) keys = sorted_keys (docker);
  json_auto_t *sorted = json_object ();
  for (guint i = 0; i < keys->len; i++)
    (void) json_object_set (sorted, keys->pdata[i], json_object_get (docker, keys->pdata[i]));
  return json_object_set (transports, "docker", sorted) == 0;
}

gboolean
trust_set (const TrustSet *set, GError **error)
{
  g_autofree char *usual = set->policy == NULL ? policy_file_path () : NULL;
  const char *path = set->policy != NULL ? set->policy : usual;
  json_auto_t *requirements = requirements_new (set, error);
  json_auto_t *policy = requirements != NULL && check_scope (set->scope, error) ? read_or_begin (path, error) : NULL;
  if (policy == NULL)
    return FALSE;
  if (strcmp (set->scope, "default") == 0)
    (void) json_object_set (policy, "default", requirements);
  else if (!put_scope (policy, set->scope, requirements, error))
    return FALSE;
  g_autofree char *text = json_to_text (policy, 4, JSON_TEXT_DEFAULT);
  int r = path_write_file (AT_FDCWD, path, text, strlen (text), 0644, TRUE);
  return r == 0 || coracle_throw_errno (error, -r, "writing %s", path);
}
