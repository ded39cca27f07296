#include "pkg/engine/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/sniff.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/text.h"
#include "pkg/image/manifest.h"
#include "pkg/image/name.h"
#include "pkg/json/json.h"

/* ---- add */

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* sorted: with its keys in order, as Go writes maps. Takes @object. */
static json_t *
sorted (json_t *object)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  json_t *copy = json_object (), *value;
  const char *key;
  json_object_foreach (object, key, value)
    g_ptr_array_add (keys, (char *) key);
  g_ptr_array_sort (keys, compare_texts);
  for (guint i = 0; i < keys->len; i++)
    (void) json_object_set (copy, keys->pdata[i], json_object_get (object, keys->pdata[i]));
  json_decref (object);
  return copy;
}

static gboolean
read_annotations (const ArtifactAdd *add, json_t **ret_annotations, GError **error)
{
  json_auto_t *all = json_object ();
  for (const char *const *text = add->annotations; text != NULL && *text != NULL; text++)
    {
      const char *equals = strchr (*text, '=');
      if (equals == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "no value given for annotation \"%s\"", *text);
      g_autofree char *key = g_strndup (*text, (gsize) (equals - *text));
      json_t *value = json_string (equals + 1);
      if (value == NULL || json_object_set_new (all, key, value) < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "annotation \"%s\": no UTF-8", *text);
    }
  *ret_annotations = g_steal_pointer (&all);
  return TRUE;
}

static gboolean
has_title (json_t *layers, const char *title)
{
  size_t i;
  json_t *layer;
  json_array_foreach (layers, i, layer)
    if (g_strcmp0 (artifact_layer_title (layer), title) == 0)
      return TRUE;
  return FALSE;
}

/* open_file: a regular one. @ret_type: what it looks like. */
static int
open_file (const char *path, const char **ret_type, GError **error)
{
  char start[SNIFF_SIZE];
  struct stat st;
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  int errsv = errno;
  if (fd < 0)
    return coracle_throw_errno (error, errsv, "open %s", path), -1;
  if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "read %s: %s", path, S_ISDIR (st.st_mode) ? "is a directory" : "is not a regular file"), -1;
  ssize_t n = pread (fd, start, sizeof start, 0);
  *ret_type = sniff_type (start, n > 0 ? (gsize) n : 0);
  return fd_steal (&fd);
}

static gboolean
add_file (ArtifactWriter *writer, const ArtifactAdd *add, const char *path, json_t *annotations, json_t *layers, GError **error)
{
  json_t *own = json_copy (annotations);
  g_autofree char *base = g_path_get_basename (path), *digest = NULL;
  if (json_object_get (own, ARTIFACT_TITLE) == NULL)
    (void) json_object_set_new (own, ARTIFACT_TITLE, json_string (base));
  json_auto_t *titled = sorted (own);
  const char *title = json_string_value (json_object_get (titled, ARTIFACT_TITLE)), *type;
  gint64 size;
  if (title == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: its name is no UTF-8", path);
  if (has_title (layers, title))
    return coracle_throw (error, CORACLE_ERROR_EXISTS, "%s: file already exists in artifact", title);
  int fd = open_file (path, &type, error);
  if (fd < 0 || !artifact_writer_add (writer, byte_stream_from_fd (fd), -1, &digest, &size, error))
    return FALSE;
  (void) json_array_append_new (layers, json_pack ("{s:s, s:s, s:I, s:O}", "mediaType", add->file_type != NULL ? add->file_type : type, "digest", digest, "size", (json_int_t) size,
                                                   "annotations", titled));
  return TRUE;
}

/* new_manifest: with no layers yet. Takes @annotations. */
static json_t *
new_manifest (const char *type, json_t *annotations)
{
  struct timespec now;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  g_autofree char *created = text_time_rfc3339 (now, FALSE);
  (void) json_object_set_new (annotations, ARTIFACT_CREATED, json_string (created));
  json_t *manifest = json_pack ("{s:i, s:s}", "schemaVersion", 2, "mediaType", MEDIA_OCI_MANIFEST);
  if (type != NULL && *type != '\0')
    (void) json_object_set_new (manifest, "artifactType", json_string (type));
  (void) json_object_set_new (manifest, "config",
                              json_pack ("{s:s, s:s, s:i, s:s}", "mediaType", "application/vnd.oci.empty.v1+json", "digest", ARTIFACT_EMPTY_DIGEST, "size", 2, "data", "e30="));
  (void) json_object_set_new (manifest, "layers", json_array ());
  (void) json_object_set_new (manifest, "annotations", sorted (annotations));
  return manifest;
}

static gboolean
commit (ArtifactWriter *writer, const char *name, const char *replaces, json_t *manifest, char **ret_digest, GError **error)
{
  g_autofree char *text = json_to_text (manifest, 0, JSON_TEXT_DEFAULT), *config = NULL;
  gint64 size;
  if (strlen (text) > IMAGE_MANIFEST_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: its manifest would be larger than %zu bytes", name, IMAGE_MANIFEST_LIMIT);
  return artifact_writer_add (writer, byte_stream_from_data ("{}", 2), 2, &config, &size, error)
         && artifact_writer_commit (writer, name, replaces, text, strlen (text), ret_digest, error);
}

gboolean
artifact_add (Storage *storage, const ArtifactAdd *add, char **ret_digest, GError **error)
{
  json_t *annotations = NULL;
  if (add->append && add->replace)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--append and --replace options cannot be used together");
  if (add->append && add->type != NULL && *add->type != '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "append option is not compatible with type option");
  g_autoptr (ImageName) name = image_name_parse (add->name, error);
  if (name == NULL)
    return coracle_prefix (error, "%s", add->name);
  if (!read_annotations (add, &annotations, error))
    return FALSE;
  json_auto_t *owned = annotations;
  g_autoptr (GError) problem = NULL;
  g_autoptr (Artifact) there = artifact_find (storage, add->name, &problem);
  if (there == NULL && (add->append || !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND)))
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  if (there != NULL && !add->append && !add->replace)
    return coracle_throw (error, CORACLE_ERROR_EXISTS, "%s: artifact already exists", add->name);
  json_auto_t *manifest = add->append ? json_incref (there->manifest) : new_manifest (add->type, json_copy (annotations));
  g_autoptr (ArtifactWriter) writer = artifact_writer_new (storage, error);
  if (writer == NULL)
    return FALSE;
  for (const char *const *file = add->files; *file != NULL; file++)
    if (!add_file (writer, add, *file, annotations, json_object_get (manifest, "layers"), error))
      return FALSE;
  return commit (writer, add->name, add->append ? there->digest : add->replace ? NULL : "", manifest, ret_digest, error);
}

/* ---- extract */

/* write_blob: to @name below @dir_fd. */
static gboolean
write_blob (Storage *storage, json_t *layer, int dir_fd, const char *name, GError **error)
{
  gint64 size;
  cleanup_fd int in = artifact_open (storage, json_string_value (json_object_get (layer, "digest")), &size, error);
  if (in < 0)
    return FALSE;
  cleanup_fd int out = openat (dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644);
  int r = out < 0 ? -errno : 0;
  g_autofree char *buffer = g_malloc ((gsize) 1 << 18);
  for (ssize_t n = 1; r == 0 && n > 0;)
    {
      n = fd_read_all (in, buffer, (gsize) 1 << 18);
      r = n < 0 ? (int) n : fd_write_all (out, buffer, (gsize) n);
    }
  return r == 0 || coracle_throw_errno (error, -r, "writing %s", name);
}

gboolean
artifact_extract (Storage *storage, const Artifact *artifact, const char *target, const ArtifactExtract *what, GError **error)
{
  cleanup_fd int folder = open (target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean chosen = what->title != NULL || what->digest != NULL;
  if (folder < 0 && !chosen && json_array_size (json_object_get (artifact->manifest, "layers")) > 1)
    return coracle_throw (error, CORACLE_ERROR_INVALID,
                          "the artifact consists of several blobs and the target \"%s\" is not a directory and neither digest or title was specified to only copy a single blob", target);
  g_autoptr (GPtrArray) layers = artifact_choose (artifact, what->title, what->digest, error);
  if (layers == NULL)
    return FALSE;
  if (folder < 0)
    return write_blob (storage, layers->pdata[0], AT_FDCWD, target, error);
  for (guint i = 0; i < layers->len; i++)
    {
      g_autofree char *name = artifact_file_name (layers->pdata[i], what->digest != NULL, error);
      if (name == NULL || !write_blob (storage, layers->pdata[i], folder, name, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- inspect */

json_t *
artifact_inspect (const Artifact *artifact)
{
  return json_pack ("{s:O, s:s, s:s}", "Manifest", artifact->manifest, "Name", artifact->name, "Digest", artifact->digest);
}
