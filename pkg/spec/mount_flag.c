/* mount_flag: --mount type=TYPE,KEY=VALUE,… */
#include "pkg/base/error.h"
#include "pkg/spec/mount_options.h"

#include <string.h>

/* What one --mount has said so far. */
typedef struct {
  SpecMount *mount;
  MountOptions options;
  const char *cwd;
  char *source;
} MountFlag;

#define ON(type) (1u << (type))
#define ON_HOST (ON (SPEC_MOUNT_BIND) | ON (SPEC_MOUNT_VOLUME))
#define ON_MEMORY (ON (SPEC_MOUNT_TMPFS) | ON (SPEC_MOUNT_RAMFS))
#define ON_ANY (ON_ALL | ON (SPEC_MOUNT_ARTIFACT))
#define ON_ALL (ON_HOST | ON_MEMORY | ON (SPEC_MOUNT_DEVPTS) | ON (SPEC_MOUNT_IMAGE))

static gboolean
bool_parse (const char *key, const char *value, gboolean *ret, GError **error)
{
  static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True", NULL }, *const no[] = { "0", "f", "F", "FALSE", "false", "False", NULL };
  if (value == NULL || g_strv_contains (yes, value))
    *ret = TRUE;
  else if (g_strv_contains (no, value))
    *ret = FALSE;
  else
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: \"%s\" must be \"true\" or \"false\"", key, value);
  return TRUE;
}

static gboolean
word_add (MountFlag *flag, const char *word, GError **error)
{
  gboolean known;
  return mount_options_add (&flag->options, word, &known, error);
}

static gboolean
set_source (MountFlag *flag, const char *key, const char *value, GError **error)
{
  g_free (flag->source);
  flag->source = g_strdup (value);
  return TRUE;
}

static gboolean
set_destination (MountFlag *flag, const char *key, const char *value, GError **error)
{
  g_free (flag->mount->destination);
  return (flag->mount->destination = mount_destination (value, error)) != NULL;
}

/* ro, readonly, rw, readwrite, each with or without a truth value. */
static gboolean
set_access (MountFlag *flag, const char *key, const char *value, GError **error)
{
  gboolean on = FALSE;
  if (!bool_parse (key, value, &on, error))
    return FALSE;
  if (flag->options.access != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot pass 'readonly', 'ro', or 'rw' options more than once");
  const gboolean writes = (strcmp (key, "rw") == 0 || strcmp (key, "readwrite") == 0);
  return word_add (flag, writes == on ? "rw" : "ro", error);
}

/* exec, suid, dev and their opposites, with or without a truth value. */
static gboolean
set_switch (MountFlag *flag, const char *key, const char *value, GError **error)
{
  gboolean on = FALSE;
  if (!bool_parse (key, value, &on, error))
    return FALSE;
  const gboolean negative = g_str_has_prefix (key, "no");
  const char *plain = negative ? key + 2 : key;
  g_autofree char *word = on != negative ? g_strdup (plain) : g_strconcat ("no", plain, NULL);
  return word_add (flag, word, error);
}

static gboolean
set_word (MountFlag *flag, const char *key, const char *value, GError **error)
{
  if (value != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: takes no value", key);
  return word_add (flag, key, error);
}

static gboolean
set_chown (MountFlag *flag, const char *key, const char *value, GError **error)
{
  return bool_parse (key, value, &flag->options.chown, error);
}

static gboolean
set_propagation (MountFlag *flag, const char *key, const char *value, GError **error)
{
  static const char *const values[] = { "shared", "rshared", "private", "rprivate", "slave", "rslave", "unbindable", "runbindable", NULL };
  if (!g_strv_contains (values, value))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: invalid propagation \"%s\"", key, value);
  return word_add (flag, value, error);
}

static gboolean
set_nonrecursive (MountFlag *flag, const char *key, const char *value, GError **error)
{
  gboolean on = FALSE;
  return bool_parse (key, value, &on, error) && word_add (flag, on ? "bind" : "rbind", error);
}

static gboolean
set_relabel (MountFlag *flag, const char *key, const char *value, GError **error)
{
  if (strcmp (value, "shared") != 0 && strcmp (value, "private") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "relabel: \"%s\" must be \"private\" or \"shared\"", value);
  return word_add (flag, *value == 's' ? "z" : "Z", error);
}

/* tmpfs-size → size, tmpfs-mode → mode; uid, gid, mode, max as they are. */
static gboolean
set_data (MountFlag *flag, const char *key, const char *value, GError **error)
{
  gboolean known;
  const char *name = g_str_has_prefix (key, "tmpfs-") ? key + strlen ("tmpfs-") : key;
  g_autofree char *word = value != NULL ? g_strdup_printf ("%s=%s", name, value) : g_strdup (name);
  if (!mount_options_add_data (&flag->options, word, &known, error))
    return FALSE;
  return known || coracle_throw (error, CORACLE_ERROR_INVALID, "%s: invalid mount option", key);
}

static gboolean
set_subpath (MountFlag *flag, const char *key, const char *value, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (value, "/", -1);
  if (g_strv_contains ((const char *const *) parts, ".."))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: \"%s\" must stay inside the mount", key, value);
  g_free (flag->mount->subpath);
  flag->mount->subpath = *value != '\0' ? g_strdup (value) : NULL;
  return TRUE;
}

/* set_blob: digest, title, name. */
static gboolean
set_blob (MountFlag *flag, const char *key, const char *value, GError **error)
{
  char **field = *key == 'd' ? &flag->mount->digest : *key == 't' ? &flag->mount->title : &flag->mount->name;
  if (field == &flag->mount->name && (strchr (value, '/') != NULL || strcmp (value, ".") == 0 || strcmp (value, "..") == 0))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: \"%s\" cannot be a file in a folder", key, value);
  g_free (*field);
  *field = g_strdup (value);
  return TRUE;
}

static gboolean
refuse_idmap (MountFlag *flag, const char *key, const char *value, GError **error)
{
  gboolean on = TRUE;
  if (value != NULL && !g_str_has_prefix (value, "uids=") && !g_str_has_prefix (value, "gids=") && !bool_parse (key, value, &on, error))
    return FALSE;
  return !on || word_add (flag, "idmap", error);
}

static const struct {
  const char *key;
  unsigned types;
  enum { NONE, MAYBE, MUST } value;
  gboolean (*set) (MountFlag *flag, const char *key, const char *value, GError **error);
} keys[] = {
  { "src", ON_ANY, MUST, set_source },
  { "source", ON_ANY, MUST, set_source },
  { "dst", ON_ANY, MUST, set_destination },
  { "dest", ON_ANY, MUST, set_destination },
  { "destination", ON_ANY, MUST, set_destination },
  { "target", ON_ANY, MUST, set_destination },
  { "ro", ON_HOST | ON_MEMORY | ON (SPEC_MOUNT_IMAGE), MAYBE, set_access },
  { "readonly", ON_HOST | ON_MEMORY | ON (SPEC_MOUNT_IMAGE), MAYBE, set_access },
  { "rw", ON_ALL, MAYBE, set_access },
  { "readwrite", ON (SPEC_MOUNT_IMAGE), MAYBE, set_access },
  { "exec", ON_HOST | ON_MEMORY, MAYBE, set_switch },
  { "noexec", ON_HOST | ON_MEMORY, MAYBE, set_switch },
  { "suid", ON_HOST | ON_MEMORY, MAYBE, set_switch },
  { "nosuid", ON_HOST | ON_MEMORY, MAYBE, set_switch },
  { "dev", ON_HOST | ON_MEMORY, MAYBE, set_switch },
  { "nodev", ON_HOST | ON_MEMORY, MAYBE, set_switch },
  { "noatime", ON_MEMORY, NONE, set_word },
  { "relatime", ON_MEMORY, NONE, set_word },
  { "strictatime", ON_MEMORY, NONE, set_word },
  { "tmpcopyup", ON_MEMORY, NONE, set_word },
  { "notmpcopyup", ON_MEMORY, NONE, set_word },
  { "copy", ON (SPEC_MOUNT_VOLUME), NONE, set_word },
  { "nocopy", ON (SPEC_MOUNT_VOLUME), NONE, set_word },
  { "nocreate", ON (SPEC_MOUNT_VOLUME), NONE, set_word },
  { "bind", ON_HOST, NONE, set_word },
  { "rbind", ON_HOST, NONE, set_word },
  { "z", ON_HOST, NONE, set_word },
  { "Z", ON_HOST, NONE, set_word },
  { "U", ON_HOST | ON_MEMORY, MAYBE, set_chown },
  { "chown", ON_HOST | ON_MEMORY, MAYBE, set_chown },
  { "bind-propagation", ON (SPEC_MOUNT_BIND), MUST, set_propagation },
  { "bind-nonrecursive", ON (SPEC_MOUNT_BIND), MAYBE, set_nonrecursive },
  { "relabel", ON (SPEC_MOUNT_BIND), MUST, set_relabel },
  { "idmap", ON_HOST, MAYBE, refuse_idmap },
  { "subpath", ON (SPEC_MOUNT_VOLUME) | ON (SPEC_MOUNT_IMAGE), MUST, set_subpath },
  { "volume-subpath", ON (SPEC_MOUNT_VOLUME), MUST, set_subpath },
  { "digest", ON (SPEC_MOUNT_ARTIFACT), MUST, set_blob },
  { "title", ON (SPEC_MOUNT_ARTIFACT), MUST, set_blob },
  { "name", ON (SPEC_MOUNT_ARTIFACT), MUST, set_blob },
  { "tmpfs-size", ON_MEMORY, MUST, set_data },
  { "tmpfs-mode", ON_MEMORY, MUST, set_data },
  { "size", ON_MEMORY, MUST, set_data },
  { "noswap", ON (SPEC_MOUNT_TMPFS), NONE, set_data },
  { "nr_inodes", ON (SPEC_MOUNT_TMPFS), MUST, set_data },
  { "uid", ON (SPEC_MOUNT_DEVPTS), MUST, set_data },
  { "gid", ON (SPEC_MOUNT_DEVPTS), MUST, set_data },
  { "mode", ON (SPEC_MOUNT_DEVPTS), MUST, set_data },
  { "max", ON (SPEC_MOUNT_DEVPTS), MUST, set_data },
};

/* One record of comma-separated values (RFC 4180): a field in double quotes may hold commas and doubled quotes. */
static char **
fields_split (const char *text, GError **error)
{
  g_autoptr (GPtrArray) fields = g_ptr_array_new_with_free_func (g_free);
  for (const char *p = text;; p++)
    {
      g_autoptr (GString) field = g_string_new (NULL);
      const gboolean quoted = *p == '"';
      for (p += quoted; *p != '\0' && (quoted || *p != ','); p++)
        {
          if (quoted && *p == '"' && *++p != '"')
            break;
          g_string_append_c (field, *p);
        }
      if ((quoted && (p[-1] != '"' || (*p != '\0' && *p != ','))) || (!quoted && strchr (field->str, '"') != NULL))
        {
          coracle_throw (error, CORACLE_ERROR_INVALID, "a quote out of place");
          return NULL;
        }
      g_ptr_array_add (fields, g_strdup (field->str));
      if (*p == '\0')
        break;
    }
  g_ptr_array_add (fields, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&fields), FALSE);
}

static gboolean
type_find (char **fields, SpecMountType *ret_type, gboolean *ret_glob, GError **error)
{
  *ret_type = SPEC_MOUNT_VOLUME;
  *ret_glob = FALSE;
  for (; *fields != NULL; fields++)
    if (g_str_has_prefix (*fields, "type="))
      {
        const char *name = *fields + strlen ("type=");
        *ret_glob = strcmp (name, "glob") == 0;
        if (*ret_glob)
          name = "bind";
        for (SpecMountType type = SPEC_MOUNT_BIND;; type++)
          if (strcmp (name, spec_mount_type_name (type)) == 0)
            {
              *ret_type = type;
              break;
            }
          else if (type == SPEC_MOUNT_ARTIFACT)
            return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid filesystem type \"%s\"", name);
      }
  return TRUE;
}

static gboolean
field_set (MountFlag *flag, char *field, GError **error)
{
  char *value = strchr (field, '=');
  if (value != NULL)
    *value++ = '\0';
  if (strcmp (field, "type") == 0)
    return value != NULL || coracle_throw (error, CORACLE_ERROR_INVALID, "type: must provide an argument for option");
  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    if (strcmp (keys[i].key, field) == 0 && (keys[i].types & ON (flag->mount->type)) != 0)
      {
        if (keys[i].value == MUST && (value == NULL || *value == '\0'))
          return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: must provide an argument for option", field);
        if (keys[i].value == NONE && value != NULL)
          return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: takes no value", field);
        return keys[i].set (flag, field, value, error);
      }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: invalid mount option", field);
}

static gboolean
source_finish (MountFlag *flag, GError **error)
{
  SpecMount *mount = flag->mount;
  const char *source = flag->source;
  switch (mount->type)
    {
    case SPEC_MOUNT_BIND:
      if (source == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "must set source for a %s mount", mount->glob ? "glob" : "bind");
      return (mount->source = mount_source_path (source, flag->cwd, error)) != NULL;
    case SPEC_MOUNT_VOLUME:
      mount->source = g_strdup (source);
      return source == NULL || spec_volume_name_check (source, error);
    case SPEC_MOUNT_IMAGE:
    case SPEC_MOUNT_ARTIFACT:
      mount->source = g_strdup (source);
      return source != NULL || coracle_throw (error, CORACLE_ERROR_INVALID, "must set source %s", spec_mount_type_name (mount->type));
    default:
      /* fstab's habit of a source "tmpfs" or "none" for what has none */
      return TRUE;
    }
}

static gboolean
flag_fill (MountFlag *flag, const char *text, GError **error)
{
  g_auto (GStrv) fields = fields_split (text, error);
  if (fields == NULL || !type_find (fields, &flag->mount->type, &flag->mount->glob, error))
    return FALSE;
  for (char **field = fields; *field != NULL; field++)
    if (!field_set (flag, *field, error))
      return FALSE;
  if (flag->mount->destination == NULL && !flag->mount->glob)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "must set volume destination");
  /* An image is read-only until it is asked to be otherwise, an artifact always. */
  if ((flag->mount->type == SPEC_MOUNT_IMAGE || flag->mount->type == SPEC_MOUNT_ARTIFACT) && flag->options.access == NULL)
    flag->options.access = "ro";
  return source_finish (flag, error) && mount_options_apply (&flag->options, flag->mount, error);
}

SpecMount *
spec_mount_parse (const char *text, const char *cwd, GError **error)
{
  g_autoptr (SpecMount) mount = g_new0 (SpecMount, 1);
  MountFlag flag = { .mount = mount, .cwd = cwd };
  gboolean ok = flag_fill (&flag, text, error);
  mount_options_clear (&flag.options);
  g_free (flag.source);
  if (ok)
    return g_steal_pointer (&mount);
  coracle_prefix (error, "mount \"%s\"", text);
  return NULL;
}
