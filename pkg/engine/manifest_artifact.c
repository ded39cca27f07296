/* Artifacts in lists: files with a manifest of their own: manifest_list.h. Source: OCI image-spec manifest.md, "Guidelines for Artifact Usage". */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/manifest_list.h"
#include "pkg/image/config.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"
#include "storage/content.h"

#define EMPTY_TYPE "application/vnd.oci.empty.v1+json"
#define UNKNOWN_TYPE "application/vnd.unknown.artifact.v1"
#define SNIFF 512

/* read_file: the digest and size of @path, and its first bytes. */
static gboolean
read_file (const char *path, char **ret_digest, gint64 *ret_size, char *head, size_t *ret_head, GError **error)
{
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  int errsv = errno;
  if (fd < 0 || fstat (fd, &st) < 0)
    return coracle_throw (error, errsv == ENOENT ? CORACLE_ERROR_NOT_FOUND : CORACLE_ERROR_SYSTEM, "open %s: %s", path, errsv == ENOENT ? "no such file or directory" : g_strerror (errsv));
  if (!S_ISREG (st.st_mode))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: not a regular file", path);
  g_autoptr (Digest) digest = digest_new ();
  g_autofree char *piece = g_malloc (1 << 18);
  ssize_t n;
  *ret_size = 0;
  *ret_head = 0;
  while ((n = read (fd, piece, 1 << 18)) > 0)
    {
      if (*ret_size == 0)
        memcpy (head, piece, *ret_head = MIN ((size_t) n, SNIFF));
      digest_update (digest, piece, (size_t) n);
      *ret_size += n;
    }
  errsv = errno;
  if (n < 0)
    return coracle_throw_errno (error, errsv, "reading %s", path);
  *ret_digest = digest_end (g_steal_pointer (&digest));
  return TRUE;
}

/* guess_type: by the name's end, else by what is in it. */
static const char *
guess_type (const char *path, const char *head, size_t size)
{
  static const struct { const char *end, *type; } ends[] = {
    { ".txt", "text/plain" }, { ".html", "text/html" }, { ".css", "text/css" }, { ".js", "text/javascript" }, { ".json", "application/json" }, { ".xml", "text/xml" },
    { ".pdf", "application/pdf" }, { ".png", "image/png" }, { ".jpg", "image/jpeg" }, { ".jpeg", "image/jpeg" }, { ".gif", "image/gif" }, { ".svg", "image/svg+xml" },
    { ".wasm", "application/wasm" }, { ".gz", "application/gzip" }, { ".zip", "application/zip" }, { ".tar", "application/x-tar" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    if (g_str_has_suffix (path, ends[i].end))
      return ends[i].type;
  if (size >= 2 && memcmp (head, "\x1f\x8b", 2) == 0)
    return "application/x-gzip";
  for (size_t i = 0; i < size; i++)
    if ((guchar) head[i] < 0x20 && strchr ("\t\n\f\r\033", head[i]) == NULL)
      return "application/octet-stream";
  return size > 0 && memchr (head, '\0', size) == NULL ? "text/plain" : size == 0 ? "text/plain" : "application/octet-stream";
}

/* config_json: the config's descriptor: what is given, else the empty one, which has its two bytes in itself. */
static json_t *
config_json (const ManifestArtifact *artifact, json_t *files, GError **error)
{
  g_autofree char *digest = NULL, *path = NULL;
  char head[SNIFF];
  gint64 size = 0;
  size_t n;
  const char *type = artifact->config_type != NULL && *artifact->config_type != '\0' ? artifact->config_type : NULL;
  if (artifact->config != NULL && *artifact->config != '\0')
    {
      path = g_canonicalize_filename (artifact->config, NULL);
      if (!read_file (path, &digest, &size, head, &n, error))
        return NULL;
    }
  if (size > (gint64) IMAGE_CONFIG_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: larger than a config may be", path), NULL;
  if (size > 0)
    {
      (void) json_array_append_new (files, json_pack ("{s:s}", "config", path));
      return json_pack ("{s:s, s:s, s:I}", "mediaType", type != NULL ? type : MEDIA_OCI_CONFIG, "digest", digest, "size", (json_int_t) size);
    }
  digest = (g_free (digest), digest_of ("{}", 2));
  return json_pack ("{s:s, s:s, s:i, s:s}", "mediaType", type != NULL ? type : EMPTY_TYPE, "digest", digest, "size", 2, "data", "e30=");
}

static json_t *
layer_json (const char *file, const ManifestArtifact *artifact, json_t *files, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (file, NULL), *digest = NULL, *base = g_path_get_basename (path);
  char head[SNIFF];
  gint64 size;
  size_t n;
  if (!read_file (path, &digest, &size, head, &n, error))
    return NULL;
  const char *type = artifact->layer_type != NULL && *artifact->layer_type != '\0' ? artifact->layer_type : guess_type (path, head, n);
  json_t *layer = json_pack ("{s:s, s:s, s:I}", "mediaType", type, "digest", digest, "size", (json_int_t) size);
  if (!artifact->exclude_titles)
    (void) json_object_set_new (layer, "annotations", json_pack ("{s:s}", "org.opencontainers.image.title", base));
  (void) json_array_append_new (files, json_string (path));
  return layer;
}

/* keep_document: the artifact's manifest, in the store. */
static gboolean
keep_document (Storage *storage, const char *text, char **ret_digest, GError **error)
{
  StorageWork work = STORAGE_WORK_INIT;
  gboolean ok = storage_work_begin (storage, &work, error) && content_put_data (storage, &work, text, strlen (text), ret_digest, error);
  storage_work_end (storage, &work);
  return ok;
}

gboolean
manifest_list_add_artifact (Storage *storage, ManifestList *list, const char *const *paths, const ManifestArtifact *artifact, const ManifestAdd *add, GError **error)
{
  json_auto_t *files = json_array (), *layers = json_array ();
  json_auto_t *subject = artifact->subject != NULL ? manifest_subject (storage, artifact->subject, &add->access, error) : NULL;
  json_auto_t *config = artifact->subject == NULL || subject != NULL ? config_json (artifact, files, error) : NULL;
  if (config == NULL)
    return FALSE;
  for (const char *const *path = paths; *path != NULL; path++)
    {
      json_t *layer = layer_json (*path, artifact, files, error);
      if (layer == NULL)
        return FALSE;
      (void) json_array_append_new (layers, layer);
    }
  const char *type = artifact->type != NULL ? artifact->type : UNKNOWN_TYPE;
  json_auto_t *root = json_pack ("{s:i, s:s}", "schemaVersion", 2, "mediaType", MEDIA_OCI_MANIFEST);
  if (*type != '\0')
    (void) json_object_set_new (root, "artifactType", json_string (type));
  (void) json_object_set (root, "config", config);
  (void) json_object_set (root, "layers", layers);
  if (subject != NULL)
    (void) json_object_set (root, "subject", subject);
  g_autofree char *text = json_to_text (root, 0, JSON_TEXT_DEFAULT), *digest = NULL;
  if (!keep_document (storage, text, &digest, error))
    return FALSE;
  json_t *entry = json_pack ("{s:s, s:I, s:s}", "mediaType", MEDIA_OCI_MANIFEST, "size", (json_int_t) strlen (text), "digest", digest);
  if (*type != '\0')
    (void) json_object_set_new (entry, "artifactType", json_string (type));
  manifest_entry_note (entry, &add->notes);
  manifest_list_put (list, entry, json_incref (files));
  return TRUE;
}
