#include "pkg/spec/volume.h"

#include "pkg/base/error.h"
#include "pkg/spec/mount_options.h"

#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

void
spec_mount_free (SpecMount *mount)
{
  if (mount == NULL)
    return;
  g_free (mount->source);
  g_free (mount->destination);
  g_free (mount->subpath);
  g_free (mount->upper);
  g_free (mount->digest);
  g_free (mount->title);
  g_free (mount->name);
  g_free (mount->work);
  g_strfreev (mount->options);
  g_free (mount);
}

const char *
spec_mount_type_name (SpecMountType type)
{
  static const char *const names[] = { "bind", "volume", "tmpfs", "ramfs", "devpts", "image", "artifact" };
  return names[type];
}

gboolean
spec_volume_name_check (const char *name, GError **error)
{
  size_t n = strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.-");
  if (n == 0 || name[n] != '\0' || n > 255 || strchr ("_.-", name[0]) != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument", name);
  return TRUE;
}

/* Comma-separated words; @data: a tmpfs's own options are welcome too. */
static gboolean
words_parse (const char *text, gboolean data, MountOptions *options, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  for (char **word = words; *word != NULL; word++)
    {
      gboolean known;
      if (!mount_options_add (options, *word, &known, error) || (!known && data && !mount_options_add_data (options, *word, &known, error)))
        return FALSE;
      if (!known)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid mount option \"%s\"", *word);
    }
  return TRUE;
}

static gboolean
source_fill (SpecMount *mount, const char *source, const char *cwd, GError **error)
{
  if (source == NULL)
    return TRUE;
  if (*source != '\0' && *source != '/' && *source != '.')
    {
      mount->source = g_strdup (source);
      return spec_volume_name_check (source, error);
    }
  mount->type = SPEC_MOUNT_BIND;
  mount->source = mount_source_path (source, cwd, error);
  return mount->source != NULL;
}

SpecMount *
spec_volume_parse (const char *text, const char *cwd, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 5);
  const guint n = g_strv_length (parts);
  if (n == 0 || n > 3)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "incorrect volume format \"%s\", should be [host-dir|volume:]ctr-dir[:option]", text);
      return NULL;
    }
  g_autoptr (SpecMount) mount = g_new0 (SpecMount, 1);
  g_auto (MountOptions) options = { 0 };
  mount->type = SPEC_MOUNT_VOLUME;
  mount->destination = NULL;
  if (source_fill (mount, n > 1 ? parts[0] : NULL, cwd, error)
      && (mount->destination = mount_destination (parts[n > 1 ? 1 : 0], error)) != NULL
      && (n < 3 || *parts[2] == '\0' || words_parse (parts[2], FALSE, &options, error)))
    {
      /* On a path these two mean nothing, and Podman takes them all the same. */
      if (mount->type == SPEC_MOUNT_BIND)
        options.copy = NULL;
      if (mount_options_apply (&options, mount, error))
        return g_steal_pointer (&mount);
    }
  coracle_prefix (error, "volume \"%s\"", text);
  return NULL;
}

SpecMount *
spec_tmpfs_parse (const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 2);
  g_autoptr (SpecMount) mount = g_new0 (SpecMount, 1);
  g_auto (MountOptions) options = { 0 };
  mount->type = SPEC_MOUNT_TMPFS;
  const char *words = parts[0] != NULL && parts[1] != NULL ? parts[1] : "";
  if ((mount->destination = mount_destination (parts[0] != NULL ? parts[0] : "", error)) != NULL
      && words_parse (words, TRUE, &options, error) && mount_options_apply (&options, mount, error))
    return g_steal_pointer (&mount);
  coracle_prefix (error, "tmpfs \"%s\"", text);
  return NULL;
}

SpecMount *
spec_image_volume (const char *path, gboolean tmpfs, GError **error)
{
  g_autoptr (SpecMount) mount = g_new0 (SpecMount, 1);
  g_auto (MountOptions) options = { 0 };
  mount->type = tmpfs ? SPEC_MOUNT_TMPFS : SPEC_MOUNT_VOLUME;
  if ((mount->destination = mount_destination (path, error)) != NULL && (!tmpfs || words_parse ("rw", TRUE, &options, error))
      && mount_options_apply (&options, mount, error))
    return g_steal_pointer (&mount);
  coracle_prefix (error, "the image's volume \"%s\"", path);
  return NULL;
}

static gboolean
mounts_equal (const SpecMount *a, const SpecMount *b)
{
  return a->type == b->type && g_strcmp0 (a->source, b->source) == 0 && g_strcmp0 (a->subpath, b->subpath) == 0
         && a->relabel == b->relabel && a->chown == b->chown && a->copy == b->copy && a->create == b->create && a->glob == b->glob
         && g_strcmp0 (a->digest, b->digest) == 0 && g_strcmp0 (a->title, b->title) == 0 && g_strcmp0 (a->name, b->name) == 0
         && a->overlay == b->overlay && g_strcmp0 (a->upper, b->upper) == 0 && g_strcmp0 (a->work, b->work) == 0
         && g_strv_equal ((const char *const *) a->options, (const char *const *) b->options)
         && (a->source != NULL || a->type != SPEC_MOUNT_VOLUME);
}

/* Takes @mount (NULL: @error is set). */
static gboolean
mounts_add (GPtrArray *mounts, SpecMount *mount, GError **error)
{
  g_autoptr (SpecMount) owned = mount;
  if (owned == NULL)
    return FALSE;
  for (guint i = 0; i < mounts->len; i++)
    {
      SpecMount *other = mounts->pdata[i];
      /* the folder for what a pattern finds may have more in it */
      if (!other->glob && !owned->glob && strcmp (other->destination, owned->destination) == 0)
        return mounts_equal (other, owned)
               || coracle_throw (error, CORACLE_ERROR_INVALID, "%s: duplicate mount destination", owned->destination);
    }
  g_ptr_array_add (mounts, g_steal_pointer (&owned));
  return TRUE;
}

GPtrArray *
spec_mounts_parse (const char *const *volumes, const char *const *mounts, const char *const *tmpfs, const char *cwd, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) spec_mount_free);
  for (; mounts != NULL && *mounts != NULL; mounts++)
    if (!mounts_add (list, spec_mount_parse (*mounts, cwd, error), error))
      return NULL;
  for (; volumes != NULL && *volumes != NULL; volumes++)
    if (!mounts_add (list, spec_volume_parse (*volumes, cwd, error), error))
      return NULL;
  for (; tmpfs != NULL && *tmpfs != NULL; tmpfs++)
    if (!mounts_add (list, spec_tmpfs_parse (*tmpfs, error), error))
      return NULL;
  return g_steal_pointer (&list);
}

/* found_by: the mount of @path, which @pattern has found. */
static SpecMount *
found_by (const SpecMount *pattern, const char *path)
{
  SpecMount *mount = g_new0 (SpecMount, 1);
  g_autofree char *name = g_path_get_basename (path);
  *mount = *pattern;
  mount->glob = FALSE;
  mount->source = g_strdup (path);
  mount->destination = pattern->destination != NULL ? g_build_filename (pattern->destination, name, NULL) : g_strdup (path);
  mount->options = g_strdupv (pattern->options);
  mount->subpath = g_strdup (pattern->subpath);
  mount->upper = g_strdup (pattern->upper);
  mount->work = g_strdup (pattern->work);
  return mount;
}

static gboolean
expand_one (GPtrArray *list, const SpecMount *pattern, GError **error)
{
  glob_t found = { 0 };
  gboolean ok = glob (pattern->source, 0, NULL, &found) == 0
                || coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no file paths matching glob \"%s\"", pattern->source);
  for (size_t i = 0; ok && i < found.gl_pathc; i++)
    ok = (found.gl_pathv[i][1] != '\0' || coracle_throw (error, CORACLE_ERROR_INVALID, "glob \"%s\" finds the root folder, which cannot be mounted", pattern->source))
         && mounts_add (list, found_by (pattern, found.gl_pathv[i]), error);
  globfree (&found);
  return ok;
}

gboolean
spec_mounts_expand (GPtrArray *mounts, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) spec_mount_free);
  gboolean ok = TRUE;
  for (guint i = 0; ok && i < mounts->len; i++)
    if (((SpecMount *) mounts->pdata[i])->glob)
      ok = expand_one (list, mounts->pdata[i], error);
    else
      ok = mounts_add (list, g_steal_pointer (&mounts->pdata[i]), error);
  g_ptr_array_set_size (mounts, 0);
  for (guint i = 0; i < list->len; i++)
    g_ptr_array_add (mounts, g_steal_pointer (&list->pdata[i]));
  return ok;
}

gboolean
spec_path_check (const char *path, struct stat *ret_st, GError **error)
{
  if (stat (path, ret_st) == 0)
    return TRUE;
  int errsv = errno;
  if (errsv == ENOENT)   /* in Go's words, which scripts match */
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "statfs %s: no such file or directory", path);
  return coracle_throw_errno (error, errsv, "statfs %s", path);
}

gboolean
spec_mount_source_check (const SpecMount *mount, GError **error)
{
  struct stat st;
  return mount->type != SPEC_MOUNT_BIND || spec_path_check (mount->source, &st, error);
}
