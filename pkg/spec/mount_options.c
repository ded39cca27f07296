#include "pkg/spec/mount_options.h"

#include "pkg/base/error.h"
#include "pkg/base/text.h"

#include <string.h>

void
mount_options_clear (MountOptions *options)
{
  g_clear_pointer (&options->data, g_ptr_array_unref);
  g_clear_pointer (&options->upper, g_free);
  g_clear_pointer (&options->work, g_free);
}

/* Words of one group contradict each other, so at most one may be given. */
static const struct {
  size_t field;
  const char *title;
  const char *words[9];
} groups[] = {
  { G_STRUCT_OFFSET (MountOptions, access), "'rw' or 'ro'", { "rw", "ro" } },
  { G_STRUCT_OFFSET (MountOptions, exec), "'exec' or 'noexec'", { "exec", "noexec" } },
  { G_STRUCT_OFFSET (MountOptions, suid), "'suid' or 'nosuid'", { "suid", "nosuid" } },
  { G_STRUCT_OFFSET (MountOptions, dev), "'dev' or 'nodev'", { "dev", "nodev" } },
  { G_STRUCT_OFFSET (MountOptions, bind), "'bind' or 'rbind'", { "bind", "rbind" } },
  { G_STRUCT_OFFSET (MountOptions, copy), "'copy' or 'nocopy'", { "copy", "nocopy", "tmpcopyup", "notmpcopyup" } },
  { G_STRUCT_OFFSET (MountOptions, atime), "'noatime', 'relatime' or 'strictatime'", { "noatime", "relatime", "strictatime", "atime" } },
  { G_STRUCT_OFFSET (MountOptions, propagation), "'[r]shared', '[r]private', '[r]slave' or '[r]unbindable'",
    { "shared", "rshared", "private", "rprivate", "slave", "rslave", "unbindable", "runbindable" } },
};

static gboolean
relabel_add (MountOptions *options, SpecRelabel relabel, GError **error)
{
  if (options->relabel != SPEC_RELABEL_NONE)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "can only specify 1 'z' or 'Z' option");
  options->relabel = relabel;
  return TRUE;
}

/* overlay_add: O, and the folders that it may be given. */
static gboolean
overlay_add (MountOptions *options, const char *word, GError **error)
{
  const char *value = strchr (word, '=');
  if (value == NULL)
    return options->overlay = TRUE;
  char **field = *word == 'u' ? &options->upper : &options->work;
  if (value[1] != '/')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: must be an absolute path", word);
  if (*field != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid option \"%s\", can only specify 1 '%.*s' per overlay mount", word, (int) (value - word), word);
  *field = g_canonicalize_filename (value + 1, "/");
  return TRUE;
}

gboolean
mount_options_add (MountOptions *options, const char *word, gboolean *ret_known, GError **error)
{
  *ret_known = TRUE;
  if (strcmp (word, "z") == 0 || strcmp (word, "Z") == 0)
    return relabel_add (options, *word == 'z' ? SPEC_RELABEL_SHARED : SPEC_RELABEL_PRIVATE, error);
  if (strcmp (word, "U") == 0)
    return options->chown = TRUE;
  if (strcmp (word, "nocreate") == 0)
    return options->no_create = TRUE;
  if (strcmp (word, "O") == 0 || g_str_has_prefix (word, "upperdir=") || g_str_has_prefix (word, "workdir="))
    return overlay_add (options, word, error);
  if (strcmp (word, "idmap") == 0 || g_str_has_prefix (word, "idmap="))
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "idmapped mounts (option idmap) are not supported");
  for (size_t g = 0; g < G_N_ELEMENTS (groups); g++)
    for (const char *const *known = groups[g].words; *known != NULL; known++)
      if (strcmp (*known, word) == 0)
        {
          const char **field = G_STRUCT_MEMBER_P (options, groups[g].field);
          if (*field != NULL)
            return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid options \"%s,%s\", can only specify 1 %s option", *field, word,
                                  groups[g].title);
          *field = *known;
          return TRUE;
        }
  *ret_known = FALSE;
  return TRUE;
}

/* The value as the kernel takes it; percents stay percents. */
static gboolean
size_add (GPtrArray *data, const char *key, const char *value, GError **error)
{
  gint64 bytes;
  size_t digits = strspn (value, "0123456789");
  if (digits > 0 && strcmp (value + digits, "%") == 0)
    g_ptr_array_add (data, g_strdup_printf ("%s=%s", key, value));
  else if (text_size_parse (value, &bytes, error) && bytes >= 0)
    g_ptr_array_add (data, g_strdup_printf ("%s=%" G_GINT64_FORMAT, key, bytes));
  else if (error != NULL && *error == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: \"%s\" is negative", key, value);
  else
    return coracle_prefix (error, "%s", key);
  return TRUE;
}

gboolean
mount_options_add_data (MountOptions *options, const char *word, gboolean *ret_known, GError **error)
{
  static const struct {
    const char *key, *digits;   /* NULL: any value */
  } keys[] = { { "mode", "01234567" },      { "uid", "0123456789" },      { "gid", "0123456789" }, { "max", "0123456789" },
               { "nr_inodes", NULL },       { "nr_blocks", NULL },        { "huge", NULL },        { "mpol", NULL } };
  if (options->data == NULL)
    options->data = g_ptr_array_new_with_free_func (g_free);
  *ret_known = TRUE;
  const char *value = strchr (word, '=');
  const size_t length = value != NULL ? (size_t) (value - word) : strlen (word);
  if (value != NULL && length == 4 && strncmp (word, "size", 4) == 0)
    return size_add (options->data, "size", value + 1, error);
  if (strcmp (word, "noswap") == 0)
    {
      g_ptr_array_add (options->data, g_strdup (word));
      return TRUE;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (keys) && value != NULL; i++)
    if (strlen (keys[i].key) == length && strncmp (keys[i].key, word, length) == 0)
      {
        const size_t n = strlen (value + 1);
        if (n == 0 || n > 20 || (keys[i].digits != NULL && strspn (value + 1, keys[i].digits) != n))
          return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: invalid value \"%s\"", keys[i].key, value + 1);
        g_ptr_array_add (options->data, g_strdup (word));
        return TRUE;
      }
  *ret_known = FALSE;
  return TRUE;
}

static gboolean
fit_check (const MountOptions *options, const SpecMount *mount, GError **error)
{
  const gboolean host = mount->type == SPEC_MOUNT_BIND || mount->type == SPEC_MOUNT_VOLUME;
  const char *wrong = NULL;
  if (!host && options->bind != NULL)
    wrong = options->bind;
  else if (!host && options->propagation != NULL)
    wrong = options->propagation;
  else if (!host && options->relabel != SPEC_RELABEL_NONE)
    wrong = "relabel";
  else if (mount->type != SPEC_MOUNT_VOLUME && options->no_create)
    wrong = "nocreate";
  else if (host && options->copy != NULL && strstr (options->copy, "tmp") != NULL)
    wrong = options->copy;
  else if (!host && options->overlay)
    wrong = "O";
  if (wrong == NULL && !options->overlay && (options->upper != NULL || options->work != NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "upperdir and workdir are of overlay mounts: option O is missing");
  if (wrong == NULL && (options->upper == NULL) != (options->work == NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "must specify both upperdir and workdir, or neither");
  if (wrong != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: invalid mount option for a mount of type %s", wrong,
                          spec_mount_type_name (mount->type));
  return TRUE;
}

gboolean
mount_options_apply (const MountOptions *options, SpecMount *mount, GError **error)
{
  if (!fit_check (options, mount, error))
    return FALSE;
  const gboolean host = mount->type == SPEC_MOUNT_BIND || mount->type == SPEC_MOUNT_VOLUME;
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  mount->recursive = host && (options->bind == NULL || strcmp (options->bind, "rbind") == 0);
  mount->propagation = !host ? NULL : options->propagation != NULL ? options->propagation : "rprivate";
  mount->read_only = options->access != NULL && strcmp (options->access, "ro") == 0;
  mount->relabel = options->relabel;
  mount->chown = options->chown;
  mount->create = !options->no_create;
  mount->overlay = options->overlay;
  mount->upper = g_strdup (options->upper);
  mount->work = g_strdup (options->work);
  mount->copy = mount->type != SPEC_MOUNT_BIND && mount->type != SPEC_MOUNT_DEVPTS && mount->type < SPEC_MOUNT_IMAGE
                && (options->copy == NULL || !g_str_has_prefix (options->copy, "no"));
  if (host)
    g_ptr_array_add (list, (char *) (mount->recursive ? "rbind" : "bind"));
  if (host)
    g_ptr_array_add (list, (char *) mount->propagation);
  g_ptr_array_add (list, (char *) (mount->read_only ? "ro" : "rw"));
  /* a path of the host keeps its set-id programs and devices, as with Podman, whatever podman-run(1) says of nodev: -v /dev/snd:/dev/snd is to be of use */
  const gboolean own = mount->type != SPEC_MOUNT_BIND;
  if (options->suid != NULL || own)
    g_ptr_array_add (list, (char *) (options->suid != NULL ? options->suid : "nosuid"));
  if (mount->type != SPEC_MOUNT_DEVPTS && (options->dev != NULL || own))
    g_ptr_array_add (list, (char *) (options->dev != NULL ? options->dev : "nodev"));
  if (options->exec != NULL || mount->type == SPEC_MOUNT_DEVPTS)
    g_ptr_array_add (list, (char *) (options->exec != NULL ? options->exec : "noexec"));
  if (options->atime != NULL)
    g_ptr_array_add (list, (char *) options->atime);
  for (guint i = 0; options->data != NULL && i < options->data->len; i++)
    g_ptr_array_add (list, options->data->pdata[i]);
  g_ptr_array_add (list, NULL);
  mount->options = g_strdupv ((char **) list->pdata);
  return TRUE;
}

char *
mount_destination (const char *text, GError **error)
{
  if (*text == '\0')
    coracle_throw (error, CORACLE_ERROR_INVALID, "container directory cannot be empty");
  else if (*text != '/')
    coracle_throw (error, CORACLE_ERROR_INVALID, "invalid container path \"%s\", must be an absolute path", text);
  else
    {
      g_autofree char *clean = g_canonicalize_filename (text, "/");
      if (strcmp (clean, "/") != 0)
        return g_steal_pointer (&clean);
      coracle_throw (error, CORACLE_ERROR_INVALID, "invalid container path \"%s\": destination can't be '/'", text);
    }
  return NULL;
}

char *
mount_source_path (const char *text, const char *cwd, GError **error)
{
  if (*text != '\0')
    return g_canonicalize_filename (text, cwd);
  coracle_throw (error, CORACLE_ERROR_INVALID, "host directory cannot be empty");
  return NULL;
}
