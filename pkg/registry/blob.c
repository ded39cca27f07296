#include <stdio.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/registry/registry_private.h"

/* A blob that is being received. */
typedef struct {
  ByteStream base;
  Registry *registry;
  char *repository, *digest;
  gint64 size, at;        /* how much there must be, how much has come */
  gint64 at_last_try;
  guint tries;            /* without any bytes in between */
  HttpAnswer *answer;     /* NULL: to be asked for */
} Blob;

/* skip: a server that knows no ranges begins anew. */
static gboolean
skip (HttpAnswer *answer, gint64 bytes, GError **error)
{
  char buffer[16384];
  while (bytes > 0)
    {
      gssize n = http_read (answer, buffer, (size_t) MIN (bytes, (gint64) sizeof buffer), error);
      if (n <= 0)
        return n == 0 ? coracle_throw (error, CORACLE_ERROR_SYSTEM, "the answer ends too early") : FALSE;
      bytes -= n;
    }
  return TRUE;
}

static gboolean
check_answer (Blob *blob, GError **error)
{
  long status = http_status (blob->answer);
  if (status != 200 && (status != 206 || blob->at == 0))
    return registry_throw_status (blob->answer, error);
  gint64 length = http_length (blob->answer), expected = status == 206 ? blob->size - blob->at : blob->size;
  if (length >= 0 && length != expected)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the registry has %" G_GINT64_FORMAT " bytes for it instead of %" G_GINT64_FORMAT, length, expected);
  if (status == 200)
    return skip (blob->answer, blob->at, error);
  const char *range = http_header (blob->answer, "content-range");
  gint64 start = -1;
  if (range == NULL || sscanf (range, "bytes %" G_GINT64_FORMAT "-", &start) != 1 || start != blob->at)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the registry sends another part than the one asked for");
  return TRUE;
}

static gboolean
ask (Blob *blob, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/v2/%s/blobs/%s", blob->repository, blob->digest), *scope = g_strconcat ("repository:", blob->repository, ":pull", NULL);
  g_autofree char *range = g_strdup_printf ("Range: bytes=%" G_GINT64_FORMAT "-", blob->at);
  const char *headers[] = { blob->at > 0 ? range : NULL, NULL };
  blob->answer = registry_get (blob->registry, path, scope, headers, error);
  return blob->answer != NULL && check_answer (blob, error);
}

static gssize
read_once (Blob *blob, void *buffer, size_t size, GError **error)
{
  if (blob->answer == NULL && !ask (blob, error))
    return -1;
  gssize n = http_read (blob->answer, buffer, size, error);
  if (n == 0 && blob->at < blob->size)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "it ends after %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes", blob->at, blob->size), -1;
  if (n > blob->size - blob->at)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "it has more than the %" G_GINT64_FORMAT " bytes that it should", blob->size), -1;
  return n;
}

static gssize
blob_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  Blob *blob = (Blob *) stream;
  for (;;)
    {
      g_autoptr (GError) problem = NULL;
      gssize n = read_once (blob, buffer, size, &problem);
      if (n >= 0)
        {
          blob->at += n;
          return n;
        }
      /* a registry that gives a byte a try would last for ever */
      if (blob->at - blob->at_last_try >= 1 << 16)
        blob->tries = 0;
      blob->at_last_try = blob->at;
      if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_SYSTEM) || blob->tries >= registry_retries (blob->registry))
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          coracle_prefix (error, "reading blob %s", blob->digest);
          return -1;
        }
      g_clear_pointer (&blob->answer, http_close);
      registry_wait (blob->registry, blob->tries++, 0);
    }
}

static void
blob_free (ByteStream *stream)
{
  Blob *blob = (Blob *) stream;
  http_close (blob->answer);
  g_free (blob->repository);
  g_free (blob->digest);
  g_free (blob);
}

ByteStream *
registry_blob (Registry *registry, const char *repository, const char *digest, gint64 size)
{
  Blob *blob = g_new0 (Blob, 1);
  blob->base = (ByteStream){ blob_read, blob_free };
  blob->registry = registry;
  blob->repository = g_strdup (repository);
  blob->digest = g_strdup (digest);
  blob->size = size;
  return &blob->base;
}
