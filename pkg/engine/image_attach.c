#include "pkg/engine/image_attach.h"

#include <string.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"

#define SIGNATURES_LIMIT 128
#define CONFIG_LIMIT ((gsize) 4 << 20)

/* The image of the signatures, as it is read, added to, and written. */
typedef struct {
  Registry *registry;
  const char *repository;
  char *tag;
  json_t *manifest, *config;
} Attachment;

static void
attachment_clear (Attachment *attachment)
{
  g_free (attachment->tag);
  json_decref (attachment->manifest);
  json_decref (attachment->config);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Attachment, attachment_clear)

/* ---- what is there */

static gboolean
begin_empty (Attachment *self)
{
  self->manifest = json_pack ("{s:i, s:s, s:{s:s}, s:[]}", "schemaVersion", 2, "mediaType", MEDIA_OCI_MANIFEST, "config", "mediaType", MEDIA_OCI_CONFIG, "layers");
  self->config = json_pack ("{s:s, s:s, s:{}, s:{s:s, s:[]}}", "architecture", "", "os", "", "config", "rootfs", "type", "layers", "diff_ids");
  return TRUE;
}

static gboolean
read_config (Attachment *self, GError **error)
{
  const char *digest = NULL;
  gint64 size = -1;
  json_t *ids = NULL;
  if (!json_get_string (self->manifest, "config.digest", &digest, error) || !json_get_int (self->manifest, "config.size", 0, (gint64) CONFIG_LIMIT, &size, error))
    return FALSE;
  if (digest == NULL || size < 0 || !image_digest_is_sha256 (digest))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "no config");
  g_autoptr (ByteStream) stream = registry_blob (self->registry, self->repository, digest, size);
  g_autofree char *data = NULL;
  gsize length;
  if (!byte_stream_read_all (stream, CONFIG_LIMIT, &data, &length, error))
    return FALSE;
  g_autofree char *is = digest_of (data, length);
  if (strcmp (is, digest) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "its config has the digest %s instead of %s", is, digest);
  self->config = json_parse_bounded (data, length, CONFIG_LIMIT, JSON_PARSE_UNIQUE_KEYS, error);
  if (self->config == NULL || !json_get_array (self->config, "rootfs.diff_ids", &ids, error))
    return FALSE;
  if (!json_is_object (self->config))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "its config is no object");
  if (ids == NULL)
    (void) json_object_set_new (self->config, "rootfs", json_pack ("{s:s, s:[]}", "type", "layers", "diff_ids"));
  return TRUE;
}

static gboolean
read_there (Attachment *self, GError **error)
{
  g_auto (RegistryDocument) document = { 0 };
  g_autoptr (GError) problem = NULL;
  const char *type = NULL;
  json_t *layers = NULL;
  if (!registry_manifest (self->registry, self->repository, self->tag, &document, &problem))
    {
      if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        return begin_empty (self);
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  self->manifest = json_parse_bounded (document.data, document.size, IMAGE_MANIFEST_LIMIT, JSON_PARSE_UNIQUE_KEYS, error);
  if (self->manifest == NULL || !json_get_string (self->manifest, "mediaType", &type, error) || !json_get_array (self->manifest, "layers", &layers, error))
    return FALSE;
  if (layers == NULL || g_strcmp0 (type != NULL ? type : document.media_type, MEDIA_OCI_MANIFEST) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "it is no OCI image");
  if (json_array_size (layers) > SIGNATURES_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "more than %d signatures", SIGNATURES_LIMIT);
  return read_config (self, error);
}

/* ---- what is added */

static gboolean
put_bytes (const Attachment *self, const void *data, gsize size, const char *digest, GError **error)
{
  const HttpBody body = { .data = data, .fd = -1, .size = (gint64) size };
  gboolean there = FALSE;
  return registry_has_blob (self->registry, self->repository, digest, &there, error) && (there || registry_put_blob (self->registry, self->repository, digest, &body, error));
}

/* add: TRUE also where it is there already. */
static gboolean
add (const Attachment *self, const ImageSignature *signature, gboolean *any, GError **error)
{
  gsize size;
  const void *data = g_bytes_get_data (signature->data, &size);
  g_autofree char *digest = digest_of (data, size);
  json_auto_t *layer = json_pack ("{s:s, s:s, s:I, s:{s:s}}", "mediaType", SIGSTORE_MEDIA_TYPE, "digest", digest, "size", (json_int_t) size, "annotations", SIGSTORE_ANNOTATION, signature->signature);
  json_t *layers = json_object_get (self->manifest, "layers"), *ids = json_lookup (self->config, "rootfs.diff_ids"), *there;
  size_t i;
  json_array_foreach (layers, i, there)
    if (json_equal (there, layer))
      return TRUE;
  if (!put_bytes (self, data, size, digest, error))
    return FALSE;
  (void) json_array_append (layers, layer);
  (void) json_array_append_new (ids, json_string (digest));
  *any = TRUE;
  return TRUE;
}

static gboolean
put_documents (const Attachment *self, GError **error)
{
  g_autofree char *config = json_to_text (self->config, 0, JSON_TEXT_DEFAULT), *digest = digest_of (config, strlen (config));
  json_t *descriptor = json_object_get (self->manifest, "config");
  if (!put_bytes (self, config, strlen (config), digest, error))
    return FALSE;
  (void) json_object_set_new (descriptor, "digest", json_string (digest));
  (void) json_object_set_new (descriptor, "size", json_integer ((json_int_t) strlen (config)));
  g_autofree char *manifest = json_to_text (self->manifest, 0, JSON_TEXT_DEFAULT);
  return registry_put_manifest (self->registry, self->repository, self->tag, MEDIA_OCI_MANIFEST, manifest, strlen (manifest), error);
}

gboolean
image_attach (Registry *registry, const char *repository, const char *digest, const GPtrArray *signatures, GError **error)
{
  g_auto (Attachment) self = { registry, repository, g_strdup_printf ("sha256-%s.sig", image_digest_hex (digest)), NULL, NULL };
  gboolean any = FALSE;
  if (!read_there (&self, error))
    return coracle_prefix (error, "reading %s:%s", repository, self.tag);
  for (guint i = 0; i < signatures->len; i++)
    if (!add (&self, signatures->pdata[i], &any, error))
      return FALSE;
  return !any || put_documents (&self, error);
}
