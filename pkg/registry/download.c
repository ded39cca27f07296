#include "pkg/registry/download.h"

#include "pkg/base/error.h"
#include "pkg/registry/http.h"

#define REDIRECTS_LIMIT 10
#define STALL_SECONDS 30

typedef struct {
  ByteStream base;
  Http *http;
  HttpAnswer *answer;
} Download;

static gssize
download_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  return http_read (((Download *) stream)->answer, buffer, size, error);
}

static void
download_free (ByteStream *stream)
{
  Download *download = (Download *) stream;
  http_close (download->answer);
  http_free (download->http);
  g_free (download);
}

gboolean
download_is_url (const char *text)
{
  return g_str_has_prefix (text, "http://") || g_str_has_prefix (text, "https://");
}

/* follow: the answer at the end of the redirects. */
static HttpAnswer *
follow (Http *http, const char *url, GError **error)
{
  g_autofree char *at = g_strdup (url);
  for (int hop = 0; hop <= REDIRECTS_LIMIT; hop++)
    {
      HttpRequest request = { .url = at };
      g_autoptr (HttpAnswer) answer = http_open (http, &request, error);
      g_autofree char *next = answer != NULL && http_status (answer) / 100 == 3 ? http_location (answer) : NULL;
      if (answer == NULL)
        return NULL;
      if (next == NULL && http_status (answer) == 200)
        return g_steal_pointer (&answer);
      if (next == NULL)
        return coracle_throw (error, CORACLE_ERROR_SYSTEM, "status %ld", http_status (answer)), NULL;
      if (g_str_has_prefix (at, "https://") && !g_str_has_prefix (next, "https://"))
        return coracle_throw (error, CORACLE_ERROR_DENIED, "a redirect leads from https to %.200s", next), NULL;
      g_free (at);
      at = g_steal_pointer (&next);
    }
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "stopped after %d redirects", REDIRECTS_LIMIT), NULL;
}

ByteStream *
download_open (const char *url, GError **error)
{
  HttpOptions options = { .stall_seconds = STALL_SECONDS };
  g_autoptr (Http) http = http_new (&options, error);
  HttpAnswer *answer = http != NULL ? follow (http, url, error) : NULL;
  if (answer == NULL)
    return coracle_prefix (error, "downloading %s", url), NULL;
  Download *download = g_new0 (Download, 1);
  *download = (Download){ { download_read, download_free }, g_steal_pointer (&http), answer };
  return &download->base;
}
