/* The second half of registry.h: what is put into a registry. Source: OCI distribution-spec 1.1, "Push". */
#include <stdio.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/registry/registry_private.h"

#define PIECE ((gint64) 32 << 20)         /* where a registry wants pieces; it may want larger ones */
#define PIECE_LIMIT ((gint64) 1 << 30)
#define PIECE_LEAST ((gint64) 256 << 10)

typedef struct {
  Registry *registry;
  const char *repository, *digest;
  const HttpBody *body;
  char *scope;
  char *location;      /* where the next part goes; NULL: not begun */
  gint64 at;           /* how much the registry has */
  gint64 piece;        /* 0: all at once */
  gint64 base;         /* of the part that is being sent: for the progress */
} Upload;

static void
upload_clear (Upload *upload)
{
  g_free (upload->scope);
  g_free (upload->location);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Upload, upload_clear)

static char *
push_scope (const char *repository)
{
  return g_strconcat ("repository:", repository, ":pull,push", NULL);
}

gboolean
registry_has_blob (Registry *registry, const char *repository, const char *digest, gboolean *ret_there, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/v2/%s/blobs/%s", repository, digest), *scope = push_scope (repository);
  HttpRequest request = { .url = path, .method = "HEAD" };
  g_autoptr (HttpAnswer) answer = registry_send (registry, &request, scope, registry_retries (registry), error);
  if (answer == NULL)
    return FALSE;
  long status = http_status (answer);
  *ret_there = status == 200;
  /* what may be written need not be readable: then it is sent */
  return status == 200 || status == 404 || status == 403 || registry_throw_status (answer, error);
}

gboolean
registry_mount_blob (Registry *registry, const char *repository, const char *digest, const char *from, gboolean *ret_done, GError **error)
{
  g_autofree char *escaped = g_uri_escape_string (from, NULL, FALSE);
  g_autofree char *path = g_strdup_printf ("/v2/%s/blobs/uploads/?mount=%s&from=%s", repository, digest, escaped);
  g_autofree char *scope = g_strconcat ("repository:", repository, ":pull,push repository:", from, ":pull", NULL);
  HttpRequest request = { .url = path, .method = "POST" };
  g_autoptr (HttpAnswer) answer = registry_send (registry, &request, scope, registry_retries (registry), error);
  if (answer == NULL)
    return FALSE;
  *ret_done = http_status (answer) == 201;
  g_autofree char *location = http_status (answer) == 202 ? http_location (answer) : NULL;
  if (location != NULL)
    {
      /* an upload was begun instead; the blob is put, if at all, by another */
      HttpRequest cancel = { .url = location, .method = "DELETE" };
      g_autoptr (HttpAnswer) ignored = registry_send (registry, &cancel, scope, 0, NULL);
    }
  return TRUE;
}

/* ---- blobs */

/* take_location: where the upload goes on. */
static gboolean
take_location (Upload *upload, HttpAnswer *answer, GError **error)
{
  char *location = http_location (answer);
  if (location == NULL)
    return upload->location != NULL || coracle_throw (error, CORACLE_ERROR_CORRUPT, "the registry does not say where the upload goes on");
  g_free (upload->location);
  upload->location = location;
  return TRUE;
}

/* has_until: of "Range: 0-N" the bytes that are there; -1 without one. */
static gint64
has_until (const HttpAnswer *answer)
{
  const char *range = http_header (answer, "range");
  gint64 last;
  if (range != NULL && g_str_has_prefix (range, "bytes="))
    range += strlen ("bytes=");
  return range != NULL && sscanf (range, "0-%" G_GINT64_FORMAT, &last) == 1 && last >= 0 ? last + 1 : -1;
}

static gboolean
begin (Upload *upload, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/v2/%s/blobs/uploads/", upload->repository);
  HttpRequest request = { .url = path, .method = "POST" };
  g_autoptr (HttpAnswer) answer = registry_send (upload->registry, &request, upload->scope, 0, error);
  gboolean ok = answer != NULL && http_status (answer) == 202 ? take_location (upload, answer, error) : answer != NULL && registry_throw_status (answer, error);
  if (!ok)
    return coracle_prefix (error, "initiating layer upload to %s in %s", path, registry_host (upload->registry));
  const char *least = http_header (answer, "oci-chunk-min-length");
  if (least != NULL && upload->piece > 0)
    upload->piece = CLAMP (g_ascii_strtoll (least, NULL, 10), upload->piece, PIECE_LIMIT);
  upload->at = 0;
  return TRUE;
}

static void
part_sent (gint64 bytes, void *user)
{
  const Upload *upload = user;
  upload->body->sent (upload->base + bytes, upload->body->user);
}

/* send: @size bytes from where it is. */
static HttpAnswer *
send (Upload *upload, const char *method, const char *url, gint64 size, GError **error)
{
  HttpBody part = *upload->body;
  part.offset += upload->at;
  part.size = size;
  part.sent = upload->body->sent != NULL ? part_sent : NULL;
  part.user = upload;
  upload->base = upload->at;
  g_autofree char *range = g_strdup_printf ("Content-Range: %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, upload->at, upload->at + size - 1);
  const char *headers[] = { "Content-Type: application/octet-stream", strcmp (method, "PATCH") == 0 ? range : NULL, NULL };
  HttpRequest request = { .url = url, .method = method, .headers = headers, .body = &part };
  return registry_send (upload->registry, &request, upload->scope, 0, error);
}

/* check_part: @done, @also: what the registry says when it has taken it. One that is too large for it is sent in smaller ones, from the beginning. */
static gboolean
check_part (Upload *upload, HttpAnswer *answer, long done, long also, GError **error)
{
  long status = http_status (answer);
  if (status == done || status == also)
    return TRUE;
  if (status == 413 && (upload->piece == 0 || upload->piece / 4 >= PIECE_LEAST))
    {
      upload->piece = upload->piece == 0 ? PIECE : upload->piece / 4;
      g_clear_pointer (&upload->location, g_free);
      return coracle_throw (error, CORACLE_ERROR_SYSTEM, "too large");
    }
  /* it has more, or less, than we know of */
  if (status == 416)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "the registry waits for another part");
  return registry_throw_status (answer, error);
}

/* finish: PUT what is left, and the digest. */
static gboolean
finish (Upload *upload, GError **error)
{
  g_autofree char *url = g_strconcat (upload->location, strchr (upload->location, '?') != NULL ? "&" : "?", "digest=", upload->digest, NULL);
  g_autoptr (HttpAnswer) answer = send (upload, "PUT", url, upload->body->size - upload->at, error);
  return answer != NULL && check_part (upload, answer, 201, 204, error);
}

/* put_piece: one that is not the last. */
static gboolean
put_piece (Upload *upload, GError **error)
{
  gint64 size = upload->piece;
  g_autoptr (HttpAnswer) answer = send (upload, "PATCH", upload->location, size, error);
  if (answer == NULL || !check_part (upload, answer, 202, 204, error))
    return FALSE;
  gint64 there = has_until (answer);
  if (there > upload->at + size || (there >= 0 && there <= upload->at))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the registry says that it has %" G_GINT64_FORMAT " bytes", there);
  upload->at = there >= 0 ? there : upload->at + size;
  return take_location (upload, answer, error);
}

static gboolean
try_once (Upload *upload, GError **error)
{
  if (upload->location == NULL && !begin (upload, error))
    return FALSE;
  while (upload->piece > 0 && upload->body->size - upload->at > upload->piece)
    if (!put_piece (upload, error))
      return FALSE;
  return finish (upload, error);
}

/* ask_state: after something broke: how far did it come? From the beginning again where the registry cannot say. */
static void
ask_state (Upload *upload)
{
  HttpRequest request = { .url = upload->location };
  g_autoptr (HttpAnswer) answer = upload->location != NULL ? registry_send (upload->registry, &request, upload->scope, 0, NULL) : NULL;
  gint64 there = answer != NULL && http_status (answer) == 204 ? has_until (answer) : -1;
  if (there <= 1 || there > upload->body->size || !take_location (upload, answer, NULL))
    {
      g_clear_pointer (&upload->location, g_free);
      upload->at = 0;
      return;
    }
  upload->at = there;
}

/* goes_on: is another try worth it? Bytes that arrived make up for failures. */
static gboolean
goes_on (Upload *upload, const GError *problem, gboolean new_way, guint *tries)
{
  if (!g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_SYSTEM) || (*tries >= registry_retries (upload->registry) && !new_way))
    return FALSE;
  if (!new_way)
    registry_wait (upload->registry, (*tries)++, 0);
  gint64 before = upload->at;
  ask_state (upload);
  if (upload->at - before >= PIECE / 4)
    *tries = 0;
  return TRUE;
}

gboolean
registry_put_blob (Registry *registry, const char *repository, const char *digest, const HttpBody *body, GError **error)
{
  g_auto (Upload) upload = { .registry = registry, .repository = repository, .digest = digest, .body = body, .scope = push_scope (repository) };
  for (guint tries = 0;;)
    {
      g_autoptr (GError) problem = NULL;
      gint64 piece = upload.piece;
      if (try_once (&upload, &problem))
        return TRUE;
      if (goes_on (&upload, problem, piece != upload.piece, &tries))
        continue;
      g_propagate_error (error, g_steal_pointer (&problem));
      return coracle_prefix (error, "writing blob");
    }
}

/* ---- manifests */

gboolean
registry_put_manifest (Registry *registry, const char *repository, const char *reference, const char *media_type, const void *data, size_t size, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/v2/%s/manifests/%s", repository, reference), *scope = push_scope (repository), *type = g_strconcat ("Content-Type: ", media_type, NULL);
  const char *headers[] = { type, NULL };
  HttpBody body = { .data = data, .size = (gint64) size };
  HttpRequest request = { .url = path, .method = "PUT", .headers = headers, .body = &body };
  g_autoptr (HttpAnswer) answer = registry_send (registry, &request, scope, registry_retries (registry), error);
  if (answer != NULL && (http_status (answer) == 201 || http_status (answer) == 202 || http_status (answer) == 200))
    return TRUE;
  if (answer != NULL)
    registry_throw_refused (answer, error);
  return coracle_prefix (error, "writing manifest: uploading manifest %s to %s/%s", reference, registry_host (registry), repository);
}
