#include "pkg/engine/image_signatures.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"
#include "pkg/registry/http.h"
#include "pkg/signature/registries_d.h"

#define SIGNATURES_LIMIT 128
#define STALL_SECONDS 30

/* ---- lookaside */

/* read_file: *@ret_there: there is one. */
static gboolean
read_file (const char *path, gboolean *ret_there, char **ret_data, gsize *ret_size, GError **error)
{
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  int errsv = errno;
  *ret_there = fd >= 0;
  if (fd < 0)
    return errsv == ENOENT || errsv == ENOTDIR || coracle_throw_errno (error, errsv, "reading signature %s", path);
  return fd_read_file (fd, SIGNATURE_LIMIT, ret_data, ret_size, error) || coracle_prefix (error, "signature %s", path);
}

static gboolean
read_url (const char *url, gboolean *ret_there, char **ret_data, gsize *ret_size, GError **error)
{
  static const HttpOptions options = { .stall_seconds = STALL_SECONDS };
  const HttpRequest request = { .url = url };
  g_autoptr (Http) http = http_new (&options, error);
  g_autoptr (HttpAnswer) answer = http != NULL ? http_open (http, &request, error) : NULL;
  if (answer == NULL)
    return coracle_prefix (error, "reading signature %s", url);
  *ret_there = http_status (answer) == 200;
  if (http_status (answer) == 404)
    return TRUE;
  if (http_status (answer) != 200)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "reading signature from %s: status %ld", url, http_status (answer));
  return http_read_all (answer, SIGNATURE_LIMIT, ret_data, ret_size, error) || coracle_prefix (error, "reading signature %s", url);
}

static gboolean
get_lookaside (const char *base, const char *path, const char *digest, GPtrArray *signatures, GError **error)
{
  gboolean file = g_str_has_prefix (base, "file://");
  if (!file && !g_str_has_prefix (base, "https://") && !g_str_has_prefix (base, "http://"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "registries.d: lookaside \"%s\": unsupported scheme when reading signatures", base);
  for (guint i = 1; i <= SIGNATURES_LIMIT; i++)
    {
      g_autofree char *url = g_strdup_printf ("%s/%s@sha256=%s/signature-%u", base, path, image_digest_hex (digest), i), *data = NULL;
      gboolean there = FALSE;
      gsize size = 0;
      if (!(file ? read_file (url + strlen ("file://"), &there, &data, &size, error) : read_url (url, &there, &data, &size, error)))
        return FALSE;
      if (!there)
        return TRUE;
      g_ptr_array_add (signatures, image_signature_new (SIGNATURE_SIMPLE, g_bytes_new (data, size), NULL));
    }
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "more than %d signatures", SIGNATURES_LIMIT);
}

/* ---- attachments */

static gboolean
get_attachment (Registry *registry, const char *repository, json_t *layer, GPtrArray *signatures, GError **error)
{
  const char *type = NULL, *digest = NULL, *signature = json_string_value (json_object_get (json_object_get (layer, "annotations"), SIGSTORE_ANNOTATION));
  gint64 size = -1;
  if (!json_get_string (layer, "mediaType", &type, error) || !json_get_string (layer, "digest", &digest, error) || !json_get_int (layer, "size", 0, (gint64) SIGNATURE_LIMIT, &size, error))
    return FALSE;
  if (g_strcmp0 (type, SIGSTORE_MEDIA_TYPE) != 0 || signature == NULL)
    return TRUE;
  if (digest == NULL || size < 0 || !image_digest_is_sha256 (digest))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "a signature without digest or size");
  g_autoptr (ByteStream) stream = registry_blob (registry, repository, digest, size);
  g_autofree char *data = NULL;
  gsize length;
  if (!byte_stream_read_all (stream, SIGNATURE_LIMIT, &data, &length, error))
    return FALSE;
  g_autofree char *got = digest_of (data, length);
  if (strcmp (got, digest) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "a signature has the digest %s instead of %s", got, digest);
  g_ptr_array_add (signatures, image_signature_new (SIGNATURE_SIGSTORE, g_bytes_new (data, length), signature));
  return TRUE;
}

static gboolean
get_attachments (Registry *registry, const char *repository, const char *digest, GPtrArray *signatures, GError **error)
{
  g_autofree char *tag = g_strdup_printf ("sha256-%s.sig", image_digest_hex (digest));
  g_auto (RegistryDocument) document = { 0 };
  g_autoptr (GError) problem = NULL;
  if (!registry_manifest (registry, repository, tag, &document, &problem))
    {
      if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  json_auto_t *manifest = json_parse_bounded (document.data, document.size, IMAGE_MANIFEST_LIMIT, JSON_PARSE_UNIQUE_KEYS, error);
  json_t *layers = NULL, *layer;
  size_t i;
  if (manifest == NULL || !json_get_array (manifest, "layers", &layers, error))
    return FALSE;
  if (json_array_size (layers) > SIGNATURES_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "more than %d signatures", SIGNATURES_LIMIT);
  json_array_foreach (layers, i, layer)
    if (!get_attachment (registry, repository, layer, signatures, error))
      return FALSE;
  return TRUE;
}

GPtrArray *
image_signatures_get (Registry *registry_open, const char *repository, const char *registry, const char *path, const char *reference, const char *digest, gboolean simple, gboolean sigstore,
                      GError **error)
{
  g_autoptr (GPtrArray) signatures = g_ptr_array_new_with_free_func ((GDestroyNotify) image_signature_free);
  g_auto (SignaturePlace) place = { NULL };
  json_auto_t *conf = registries_d_read (NULL, error);
  if (conf == NULL || !registries_d_find (conf, registry, path, reference, &place, error))
    return NULL;
  if (simple && place.lookaside != NULL && !get_lookaside (place.lookaside, path, digest, signatures, error))
    return coracle_prefix (error, "reading signatures"), NULL;
  if (sigstore && place.attachments && !get_attachments (registry_open, repository, digest, signatures, error))
    return coracle_prefix (error, "reading signatures"), NULL;
  return g_steal_pointer (&signatures);
}
