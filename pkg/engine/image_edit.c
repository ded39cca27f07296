/* The names and the removal of images: image_tag, image_untag and image_remove of image.h. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_staged.h"
#include "pkg/engine/event.h"
#include "pkg/engine/image.h"
#include "pkg/engine/image_filter.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/image_mount.h"
#include "pkg/image/name.h"
#include "storage/content.h"

static gboolean
check_writable (const StateImage *image, GError **error)
{
  return !image->read_only || coracle_throw (error, CORACLE_ERROR_DENIED, "image %.12s is read-only: it belongs to the additional store %s", image->id, image->root);
}

gboolean
image_tag (Storage *storage, const char *source, const char *const *names, GError **error)
{
  g_autoptr (GPtrArray) full = g_ptr_array_new_with_free_func (g_free);
  for (const char *const *given = names; *given != NULL; given++)
    {
      char *name = image_name_normalize (*given, "localhost", error);
      if (name == NULL)
        return coracle_prefix (error, "parsing reference \"%s\"", *given);
      g_ptr_array_add (full, name);
      if (strchr (name, '@') != NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: a name to tag with cannot have a digest", *given);
    }
  cleanup_fd int lock = storage_lock_shared (storage, error);
  g_autoptr (StateImage) image = lock >= 0 ? image_find (storage->state, source, error) : NULL;
  if (image == NULL || !check_writable (image, error))
    return FALSE;
  StateImage named = *image;
  g_ptr_array_add (full, NULL);
  named.names = (char **) full->pdata;   /* one transaction for all */
  named.digests = NULL;
  if (!state_image_put (storage->state, &named, error) || !content_index_update (storage, error))
    return FALSE;
  /* told as it was said, as Podman does */
  for (; *names != NULL; names++)
    event_image (storage, "tag", image->id, *names);
  return TRUE;
}

/* has_name: is @full, NAME:TAG or NAME@DIGEST, one of its names? */
static gboolean
has_name (const StateImage *image, const char *full)
{
  return g_strv_contains ((const char *const *) (strchr (full, '@') != NULL ? image->digests : image->names), full);
}

static gboolean
remove_name (Storage *storage, const char *full, GError **error)
{
  return strchr (full, '@') != NULL ? state_image_digest_remove (storage->state, full, error) : state_image_name_remove (storage->state, full, error);
}

gboolean
image_untag (Storage *storage, const char *source, const char *const *names, GError **error)
{
  cleanup_fd int lock = storage_lock_shared (storage, error);
  g_autoptr (StateImage) image = lock >= 0 ? image_find (storage->state, source, error) : NULL;
  if (image == NULL || !check_writable (image, error))
    return FALSE;
  g_autoptr (GPtrArray) full = g_ptr_array_new_with_free_func (g_free);
  for (const char *const *name = names[0] != NULL ? names : (const char *const *) image->names; *name != NULL; name++)
    {
      if (g_str_has_prefix (*name, "sha256:"))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: untag by digest not supported", *name);
      char *text = image_name_normalize (*name, "localhost", error);
      if (text == NULL)
        return coracle_prefix (error, "parsing reference \"%s\"", *name);
      g_ptr_array_add (full, text);
      if (!has_name (image, text))
        return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: tag not known", text);
    }
  for (guint i = 0; i < full->len; i++)
    {
      if (!remove_name (storage, full->pdata[i], error))
        return FALSE;
      event_image (storage, "untag", image->id, full->pdata[i]);
    }
  return content_index_update (storage, error);
}

void
image_remove_result_free (ImageRemoveResult *result)
{
  if (result == NULL)
    return;
  g_ptr_array_unref (result->lines);
  g_ptr_array_unref (result->errors);
  g_free (result);
}

/* remove_containers: those that use @image; without @force the first is the reason to refuse. */
static gboolean
remove_containers (Storage *storage, const StateImage *image, gboolean force, GError **error)
{
  g_autoptr (GPtrArray) containers = NULL;
  if (!state_container_list (storage->state, &containers, error))
    return FALSE;
  for (guint i = 0; i < containers->len; i++)
    {
      const StateContainer *container = containers->pdata[i];
      if (!container_uses_image (container, image->id))
        continue;
      if (!force)
        return coracle_throw (error, CORACLE_ERROR_IN_USE,
                              "image used by %s: image is in use by a container: consider listing external containers and force-removing image", container->id);
      if (!container_remove (storage, container->id, TRUE, 0, FALSE, error))
        return coracle_prefix (error, "removing container %.12s of the image", container->id);
    }
  return TRUE;
}

/* check_mount: `image mount` has it here. What other mount namespaces have is not known. */
static gboolean
check_mount (Storage *storage, const StateImage *image, gboolean force, GError **error)
{
  g_autofree char *path = image_mount_path (storage, image->id);
  gboolean was;
  if (path == NULL)
    return TRUE;
  if (force)
    return image_mount_end (storage, image->id, TRUE, &was, error);
  return coracle_throw (error, CORACLE_ERROR_IN_USE, "image %.12s is mounted on %s: unmount it first", image->id, path);
}

/* remove_whole: @meant: the word it is removed by, for the event; NULL: none names it. */
static gboolean
remove_whole (Storage *storage, const StateImage *image, const char *meant, gboolean force, ImageRemoveResult *result, GError **error)
{
  if (!check_writable (image, error) || !check_mount (storage, image, force, error))
    return FALSE;
  if (!remove_containers (storage, image, force, error) || !state_image_remove (storage->state, image->id, error))
    return FALSE;
  /* the last given first, as Podman does */
  for (guint i = g_strv_length (image->names); i-- > 0;)
    {
      g_ptr_array_add (result->lines, g_strconcat ("Untagged: ", image->names[i], NULL));
      event_image (storage, "untag", image->id, image->names[i]);
    }
  for (char **digest = image->digests; image->pinned && *digest != NULL; digest++)
    {
      g_ptr_array_add (result->lines, g_strconcat ("Untagged: ", *digest, NULL));
      event_image (storage, "untag", image->id, *digest);
    }
  g_ptr_array_add (result->lines, g_strconcat ("Deleted: ", image->id, NULL));
  event_image (storage, "remove", image->id, meant != NULL ? meant : image_newest_name (image));
  return TRUE;
}

/* lone_parent: one of @images that @image was made from, that has no name and nothing else made of it; NULL: none. Borrowed. */
static const StateImage *
lone_parent (const StateImage *image, const GPtrArray *images)
{
  for (guint i = 0; i < images->len; i++)
    {
      const StateImage *parent = images->pdata[i];
      if (parent->names[0] == NULL && !parent->pinned && !parent->read_only && image_is_parent (parent, image) && !image_has_children (parent, images))
        return parent;
    }
  return NULL;
}

/* prune_parents: of @image, which is gone. What a container uses stays. */
static gboolean
prune_parents (Storage *storage, const StateImage *image, ImageRemoveResult *result, GError **error)
{
  for (;;)
    {
      g_autoptr (GPtrArray) images = NULL;
      g_autoptr (GError) problem = NULL;
      if (!state_image_list (storage->state, &images, error))
        return FALSE;
      const StateImage *parent = lone_parent (image, images);
      if (parent == NULL || !remove_whole (storage, parent, NULL, FALSE, result, &problem))
        return TRUE;
    }
}

/* name_meant: which of the image's names the user's words are; NULL if they are its id. */
static const char *
name_meant (const StateImage *image, const char *text)
{
  g_auto (GStrv) candidates = image_name_candidates (text, NULL);
  for (char **candidate = candidates; candidate != NULL && *candidate != NULL; candidate++)
    for (char **name = image->names; *name != NULL; name++)
      if (strcmp (*name, *candidate) == 0)
        return *name;
  if (g_str_has_prefix (image->id, g_str_has_prefix (text, "sha256:") ? text + strlen ("sha256:") : text))
    return NULL;
  for (char **name = image->names; *name != NULL; name++)
    if (image_name_matches (text, *name))
      return *name;
  return NULL;
}

/* is_other_name: NAME@DIGEST of an image that has other names is one of them, and no word for all. */
static gboolean
is_other_name (const StateImage *image, const char *text)
{
  guint n_names = g_strv_length (image->names), n_digests = g_strv_length (image->digests);
  g_autofree char *full = strchr (text, '@') != NULL ? image_name_normalize (text, "localhost", NULL) : NULL;
  return full != NULL && (n_names > 1 || (n_names + n_digests > 1 && g_strv_contains ((const char *const *) image->digests, full)));
}

static gboolean
untag_digest (Storage *storage, const StateImage *image, const char *text, ImageRemoveResult *result, GError **error)
{
  g_autofree char *full = image_name_normalize (text, "localhost", error);
  if (full == NULL || !state_image_digest_remove (storage->state, full, error))
    return FALSE;
  g_ptr_array_add (result->lines, g_strconcat ("Untagged: ", full, NULL));
  event_image (storage, "untag", image->id, full);
  return TRUE;
}

static gboolean
remove_one (Storage *storage, const char *text, const ImageRemoveRequest *request, ImageRemoveResult *result, GError **error)
{
  g_autoptr (StateImage) image = image_find (storage->state, text, error);
  if (image == NULL || !check_writable (image, error))
    return FALSE;
  const char *name = name_meant (image, text);
  guint n_names = g_strv_length (image->names);
  if (name != NULL && n_names > 1)
    {
      if (!state_image_name_remove (storage->state, name, error))
        return FALSE;
      g_ptr_array_add (result->lines, g_strconcat ("Untagged: ", name, NULL));
      event_image (storage, "untag", image->id, name);
      return TRUE;
    }
  if (name == NULL && !request->force && is_other_name (image, text))
    return untag_digest (storage, image, text, result, error);
  if (name == NULL && n_names > 1 && !request->force)
    {
      g_autoptr (GString) names = g_string_new (NULL);
      for (guint n = n_names; n-- > 0;)
        g_string_append_printf (names, "%s%s", names->len > 0 ? " " : "", image->names[n]);
      return coracle_throw (error, CORACLE_ERROR_EXISTS, "unable to delete image \"%s\" by ID with more than one tag ([%s]): please force removal", image->id, names->str);
    }
  return remove_whole (storage, image, name != NULL ? name : text, request->force, result, error) && (request->keep_parents || prune_parents (storage, image, result, error));
}

static void
take_error (const ImageRemoveRequest *request, ImageRemoveResult *result, GError *failure)
{
  /* --force means: it shall be gone, so one that never was is no failure (podman-rmi(1)) */
  if ((request->ignore || request->force) && g_error_matches (failure, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    g_error_free (failure);
  else
    g_ptr_array_add (result->errors, failure);
}

static gboolean
remove_all (Storage *storage, const ImageRemoveRequest *request, ImageRemoveResult *result, GError **error)
{
  g_autoptr (GPtrArray) images = NULL;
  if (!state_image_list_own (storage->state, &images, error))
    return FALSE;
  for (guint i = 0; i < images->len; i++)
    {
      GError *failure = NULL;
      if (!remove_whole (storage, images->pdata[i], NULL, request->force, result, &failure))
        take_error (request, result, failure);
    }
  return TRUE;
}

/* remove_unused: one that is gone, or in use by now, stays out of it. */
static void
remove_unused (Storage *storage, const ImageRemoveRequest *request, ImageRemoveResult *result)
{
  for (const char *const *id = request->unused; id != NULL && *id != NULL; id++)
    {
      g_autoptr (GError) problem = NULL;
      g_autoptr (StateImage) image = state_image_find (storage->state, *id, &problem);
      if ((image == NULL || !remove_whole (storage, image, NULL, FALSE, result, &problem)) && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND)
          && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_IN_USE))
        g_ptr_array_add (result->errors, g_steal_pointer (&problem));
    }
}

ImageRemoveResult *
image_remove (Storage *storage, const ImageRemoveRequest *request, GError **error)
{
  g_autoptr (ImageRemoveResult) result = g_new0 (ImageRemoveResult, 1);
  result->lines = g_ptr_array_new_with_free_func (g_free);
  result->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  /* the sign that a killed rmi leaves: see storage.h */
  StorageWork work = STORAGE_WORK_INIT;
  if (!storage_work_begin (storage, &work, error))
    return NULL;
  gboolean ok = TRUE, done = TRUE;
  if (request->all)
    ok = remove_all (storage, request, result, error);
  remove_unused (storage, request, result);
  for (const char *const *text = request->images; ok && text != NULL && *text != NULL; text++)
    {
      GError *failure = NULL;
      if (!remove_one (storage, *text, request, result, &failure))
        take_error (request, result, failure);
    }
  if (ok && result->lines->len > 0)
    {
      int lock = storage_lock_shared (storage, error);
      ok = lock >= 0 && content_index_update (storage, error);
      fd_close (lock);
      ok = storage_collect (storage, &done, ok ? error : NULL) && ok;
    }
  if (ok && done)
    storage_work_end (storage, &work);
  else
    storage_work_abandon (&work);
  return ok ? g_steal_pointer (&result) : NULL;
}
