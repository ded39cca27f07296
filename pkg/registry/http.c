#include "pkg/registry/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"

#define HEADERS_LIMIT ((size_t) 256 << 10)   /* of all headers together */
#define BUFFER_LIMIT ((guint) 1 << 20)       /* what waits to be read; then the server waits */
#define PATIENCE 10                          /* times the stall limit, for a server that makes a file of what it was sent */
#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define SYSTEM_FOLDER "/etc/ssl/certs"

/* A connection's handles, kept between requests. */
typedef struct {
  CURLM *multi;
  CURL *easy;
} Channel;

struct Http {
  GMutex lock;
  GPtrArray *idle;   /* of Channel */
  gboolean insecure;
  guint stall_seconds;
  GString *authorities;   /* PEM, beside the system's; or NULL */
  gboolean by_name;       /* the system's by their names' hashes in SYSTEM_FOLDER */
  gint bundle;            /* atomic: all of the system's in one file were asked for: some are nowhere else */
  char *cert, *key;
};

struct HttpAnswer {
  Http *http;
  Channel *channel;
  struct curl_slist *headers_out;
  GHashTable *headers;
  size_t header_bytes;
  GByteArray *body;
  guint at;
  const HttpBody *out;
  gint64 out_at;          /* how much of it was taken by curl */
  gboolean patient;       /* all was sent: the server may take its time */
  gboolean paused, done, begun, too_much;
  CURLcode result;
  char problem[CURL_ERROR_SIZE];
};

static void
channel_free (gpointer data)
{
  Channel *channel = data;
  curl_easy_cleanup (channel->easy);
  curl_multi_cleanup (channel->multi);
  g_free (channel);
}

/* ---- certificates */

static gboolean
add_authority (Http *http, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: cannot be read", path);
  if (http->authorities == NULL)
    http->authorities = g_string_new (NULL);
  g_string_append_printf (http->authorities, "\n%s\n", text);
  return TRUE;
}

/* has_hashes: does the system's folder have its certificates under their names' hashes ("ca6e4ad9.0")? Reading the few that are asked for takes no time, reading all of them 15 ms. */
static gboolean
has_hashes (void)
{
  g_autoptr (GDir) folder = g_dir_open (SYSTEM_FOLDER, 0, NULL);
  const char *name;
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (strlen (name) == 10 && strspn (name, "0123456789abcdef") == 8 && strcmp (name + 8, ".0") == 0)
      return TRUE;
  return FALSE;
}

/* set_authorities: those that were added, and the system's: one by one, or, once somebody was not among them, the file of them all. */
static void
set_authorities (Http *http, CURL *easy)
{
  if (http->insecure)
    return;
  if (http->by_name && g_atomic_int_get (&http->bundle) == 0)
    {
      curl_easy_setopt (easy, CURLOPT_CAPATH, SYSTEM_FOLDER);
      curl_easy_setopt (easy, CURLOPT_CAINFO, NULL);
      if (http->authorities == NULL)
        return;
      struct curl_blob blob = { http->authorities->str, http->authorities->len, CURL_BLOB_NOCOPY };
      curl_easy_setopt (easy, CURLOPT_CAINFO_BLOB, &blob);
      return;
    }
  if (http->authorities == NULL)
    return;
  g_autofree char *system = NULL;
  (void) g_file_get_contents (SYSTEM_BUNDLE, &system, NULL, NULL);
  g_autofree char *all = g_strconcat (system != NULL ? system : "", "\n", http->authorities->str, NULL);
  struct curl_blob blob = { all, strlen (all), CURL_BLOB_COPY };
  curl_easy_setopt (easy, CURLOPT_CAINFO_BLOB, &blob);
}

/* add_certificates: Source: containers-certs.d(5). */
static gboolean
add_certificates (Http *http, const char *dir, GError **error)
{
  g_autoptr (GDir) folder = g_dir_open (dir, 0, NULL);
  const char *name;
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (dir, name, NULL);
      if (g_str_has_suffix (name, ".crt") && !add_authority (http, path, error))
        return FALSE;
      if (!g_str_has_suffix (name, ".cert") || http->cert != NULL)
        continue;
      g_autofree char *stem = g_strndup (path, strlen (path) - strlen (".cert")), *key = g_strconcat (stem, ".key", NULL);
      if (!g_file_test (key, G_FILE_TEST_EXISTS))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "missing key %s for client certificate %s. Note that CA certificates should use the extension .crt", key, name);
      http->cert = g_steal_pointer (&path);
      http->key = g_steal_pointer (&key);
    }
  return TRUE;
}

Http *
http_new (const HttpOptions *options, GError **error)
{
  static gsize ready = 0;
  if (g_once_init_enter (&ready))
    g_once_init_leave (&ready, curl_global_init (CURL_GLOBAL_DEFAULT) == CURLE_OK ? 1 : 2);
  g_autoptr (Http) http = g_new0 (Http, 1);
  g_mutex_init (&http->lock);
  http->idle = g_ptr_array_new_with_free_func (channel_free);
  http->insecure = options->insecure;
  http->stall_seconds = MAX (options->stall_seconds, 1);
  http->by_name = !http->insecure && has_hashes ();
  if (ready != 1)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "libcurl cannot start"), NULL;
  if (options->cert_dir != NULL && !add_certificates (http, options->cert_dir, error))
    return NULL;
  return g_steal_pointer (&http);
}

void
http_free (Http *http)
{
  if (http == NULL)
    return;
  g_ptr_array_unref (http->idle);
  if (http->authorities != NULL)
    g_string_free (http->authorities, TRUE);
  g_free (http->cert);
  g_free (http->key);
  g_mutex_clear (&http->lock);
  g_free (http);
}

/* ---- what curl calls */

static size_t
take_header (char *data, size_t size, size_t count, void *user)
{
  HttpAnswer *answer = user;
  size *= count;
  answer->header_bytes += size;
  if (answer->header_bytes > HEADERS_LIMIT)
    {
      answer->too_much = TRUE;
      return 0;
    }
  if (size > 5 && memcmp (data, "HTTP/", 5) == 0)
    g_hash_table_remove_all (answer->headers);
  const char *colon = memchr (data, ':', size);
  if (colon != NULL)
    {
      g_autofree char *name = g_ascii_strdown (data, colon - data), *value = g_strndup (colon + 1, size - (size_t) (colon + 1 - data));
      g_strstrip (value);
      const char *before = g_hash_table_lookup (answer->headers, name);
      char *joined = before != NULL && strcmp (name, "www-authenticate") == 0 ? g_strconcat (before, ", ", value, NULL) : g_strdup (value);
      g_hash_table_insert (answer->headers, g_steal_pointer (&name), joined);
    }
  return size;
}

static size_t
take_body (char *data, size_t size, size_t count, void *user)
{
  HttpAnswer *answer = user;
  answer->begun = TRUE;
  if (answer->body->len - answer->at > BUFFER_LIMIT)
    {
      answer->paused = TRUE;
      return CURL_WRITEFUNC_PAUSE;
    }
  g_byte_array_append (answer->body, (const guint8 *) data, (guint) (size * count));
  return size * count;
}

static size_t
give_body (char *buffer, size_t size, size_t count, void *user)
{
  HttpAnswer *answer = user;
  const HttpBody *body = answer->out;
  size_t n = (size_t) MIN ((gint64) (size * count), body->size - answer->out_at);
  if (body->data != NULL)
    memcpy (buffer, (const char *) body->data + body->offset + answer->out_at, n);
  else
    {
      ssize_t r;
      do
        r = n > 0 ? pread (body->fd, buffer, n, body->offset + answer->out_at) : 0;
      while (r < 0 && errno == EINTR);
      if (r < 0 || (r == 0 && n > 0))
        return CURL_READFUNC_ABORT;
      n = (size_t) r;
    }
  answer->out_at += (gint64) n;
  if (body->sent != NULL)
    body->sent (answer->out_at, body->user);
  return n;
}

/* seek_body: from the beginning again: a kept connection had been closed by the server. Not for files: some of it may have arrived, which the caller can find out. */
static int
seek_body (void *user, curl_off_t offset, int from)
{
  HttpAnswer *answer = user;
  if (from != SEEK_SET || offset < 0 || offset > answer->out->size || (answer->out->data == NULL && answer->out_at > 0))
    return CURL_SEEKFUNC_FAIL;
  answer->out_at = offset;
  return CURL_SEEKFUNC_OK;
}

/* ---- requests */

static Channel *
channel_get (Http *http)
{
  g_mutex_lock (&http->lock);
  Channel *channel = http->idle->len > 0 ? g_ptr_array_steal_index_fast (http->idle, http->idle->len - 1) : NULL;
  g_mutex_unlock (&http->lock);
  if (channel != NULL)
    {
      curl_easy_reset (channel->easy);
      return channel;
    }
  channel = g_new0 (Channel, 1);
  channel->multi = curl_multi_init ();
  channel->easy = curl_easy_init ();
  return channel;
}

/* is_loopback: a proxy has no way to this machine's own; Go's clients never ask one for it, and scripts rely on that. Source: Go's net/http, ProxyFromEnvironment. */
static gboolean
is_loopback (const char *url)
{
  CURLU *parts = curl_url ();
  char *host = NULL;
  gboolean loopback = curl_url_set (parts, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get (parts, CURLUPART_HOST, &host, 0) == CURLUE_OK
                      && (g_ascii_strcasecmp (host, "localhost") == 0 || g_str_has_prefix (host, "127.") || strcmp (host, "[::1]") == 0);
  curl_free (host);
  curl_url_cleanup (parts);
  return loopback;
}

/* set_proxy: libcurl reads the variables itself, but not HTTP_PROXY in capitals. */
static void
set_proxy (CURL *easy, const char *url)
{
  const char *small = g_getenv ("http_proxy"), *capital = g_getenv ("HTTP_PROXY");
  if (is_loopback (url))
    curl_easy_setopt (easy, CURLOPT_PROXY, "");
  else if (g_ascii_strncasecmp (url, "http://", 7) == 0 && small == NULL && capital != NULL)
    curl_easy_setopt (easy, CURLOPT_PROXY, capital);
}

/* set_body: no "Expect: 100-continue": who is allowed to send is known by then, and some servers do not answer it. */
static void
set_body (HttpAnswer *answer, const HttpRequest *request)
{
  CURL *easy = answer->channel->easy;
  answer->out = request->body;
  curl_easy_setopt (easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt (easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) request->body->size);
  curl_easy_setopt (easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
  curl_easy_setopt (easy, CURLOPT_READFUNCTION, give_body);
  curl_easy_setopt (easy, CURLOPT_READDATA, answer);
  curl_easy_setopt (easy, CURLOPT_SEEKFUNCTION, seek_body);
  curl_easy_setopt (easy, CURLOPT_SEEKDATA, answer);
  answer->headers_out = curl_slist_append (answer->headers_out, "Expect:");
}

static void
set_method (HttpAnswer *answer, const HttpRequest *request)
{
  CURL *easy = answer->channel->easy;
  if (request->post != NULL)
    curl_easy_setopt (easy, CURLOPT_COPYPOSTFIELDS, request->post);
  else if (request->body != NULL)
    set_body (answer, request);
  else if (g_strcmp0 (request->method, "HEAD") == 0)
    curl_easy_setopt (easy, CURLOPT_NOBODY, 1L);
  else if (request->method != NULL && strcmp (request->method, "GET") != 0)
    {
      curl_easy_setopt (easy, CURLOPT_POSTFIELDS, "");
      curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE, 0L);
      answer->headers_out = curl_slist_append (answer->headers_out, "Content-Type:");
    }
  if (request->method != NULL && strcmp (request->method, "HEAD") != 0)
    curl_easy_setopt (easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void
set_up (HttpAnswer *answer, const HttpRequest *request)
{
  const Http *http = answer->http;
  CURL *easy = answer->channel->easy;
  curl_easy_setopt (easy, CURLOPT_URL, request->url);
  set_proxy (easy, request->url);
  curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (easy, CURLOPT_USERAGENT, "coracle/" CORACLE_VERSION);
  curl_easy_setopt (easy, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT, (long) http->stall_seconds);
  curl_easy_setopt (easy, CURLOPT_LOW_SPEED_LIMIT, 100L);
  curl_easy_setopt (easy, CURLOPT_LOW_SPEED_TIME, (long) http->stall_seconds);
  curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, answer->problem);
  curl_easy_setopt (easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt (easy, CURLOPT_HEADERDATA, answer);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt (easy, CURLOPT_WRITEDATA, answer);
  curl_easy_setopt (easy, CURLOPT_SSL_VERIFYPEER, http->insecure ? 0L : 1L);
  curl_easy_setopt (easy, CURLOPT_SSL_VERIFYHOST, http->insecure ? 0L : 2L);
  set_authorities (answer->http, easy);
  if (http->cert != NULL)
    {
      curl_easy_setopt (easy, CURLOPT_SSLCERT, http->cert);
      curl_easy_setopt (easy, CURLOPT_SSLKEY, http->key);
    }
  for (const char *const *header = request->headers; header != NULL && *header != NULL; header++)
    answer->headers_out = curl_slist_append (answer->headers_out, *header);
  set_method (answer, request);
  curl_easy_setopt (easy, CURLOPT_HTTPHEADER, answer->headers_out);
  if (request->basic != NULL)
    {
      curl_easy_setopt (easy, CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
      curl_easy_setopt (easy, CURLOPT_USERPWD, request->basic);
    }
}

/* step: let curl work once; waits for the network, for at most a second. */
static void
step (HttpAnswer *answer)
{
  int running = 0, left = 0;
  if (answer->out != NULL && answer->out_at == answer->out->size && !answer->patient)
    {
      answer->patient = TRUE;
      curl_easy_setopt (answer->channel->easy, CURLOPT_LOW_SPEED_TIME, (long) answer->http->stall_seconds * PATIENCE);
    }
  CURLMcode code = curl_multi_perform (answer->channel->multi, &running);
  CURLMsg *message;
  while ((message = curl_multi_info_read (answer->channel->multi, &left)) != NULL)
    if (message->msg == CURLMSG_DONE)
      {
        answer->done = TRUE;
        answer->result = message->data.result;
      }
  if (code != CURLM_OK && !answer->done)
    {
      answer->done = TRUE;
      answer->result = CURLE_FAILED_INIT;
    }
  if (!answer->done && answer->body->len == answer->at)
    (void) curl_multi_poll (answer->channel->multi, NULL, 0, 1000, NULL);
}

/* throw_tls: in Go's words for what is most often wrong, as scripts know them, and with what to do. */
static gboolean
throw_tls (const char *text, GError **error)
{
  static const struct { const char *curl, *shown; } known[] = {
    { "local issuer", "certificate signed by unknown authority (put the authority's certificate into certs.d, or give --tls-verify=false)" },
    { "self-signed", "certificate signed by unknown authority (it is self-signed: put it into certs.d, or give --tls-verify=false)" },
    { "self signed", "certificate signed by unknown authority (it is self-signed: put it into certs.d, or give --tls-verify=false)" },
    { "has expired", "certificate has expired or is not yet valid" },
    { "not yet valid", "certificate has expired or is not yet valid" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (known); i++)
    if (strstr (text, known[i].curl) != NULL)
      return coracle_throw (error, CORACLE_ERROR_DENIED, "tls: failed to verify certificate: x509: %s", known[i].shown);
  /* OpenSSL 3's and 1.1's words for an answer that is no TLS */
  if (strstr (text, "wrong version number") != NULL || strstr (text, "packet length too long") != NULL)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "http: server gave HTTP response to HTTPS client (no TLS there: give --tls-verify=false, or call it insecure in registries.conf)");
  return coracle_throw (error, CORACLE_ERROR_DENIED, "tls: %s", text);
}

/* throw_unreached: curl tells of the time it took where Go, and so scripts, tell of the reason: "connect: connection refused". */
static gboolean
throw_unreached (const HttpAnswer *answer, const char *text, GError **error)
{
  long number = 0;
  const char *after = strstr (text, " after ");
  if (answer->result != CURLE_COULDNT_CONNECT || after == NULL || curl_easy_getinfo (answer->channel->easy, CURLINFO_OS_ERRNO, &number) != CURLE_OK || number == 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s", text);
  g_autofree char *why = g_ascii_strdown (g_strerror ((int) number), -1);
  return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%.*s: connect: %s", (int) (after - text), text, why);
}

static gboolean
throw_result (HttpAnswer *answer, GError **error)
{
  const char *text = answer->problem[0] != '\0' ? answer->problem : curl_easy_strerror (answer->result);
  if (answer->too_much)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the answer's header is larger than %zu bytes", HEADERS_LIMIT);
  switch (answer->result)
    {
    case CURLE_COULDNT_RESOLVE_HOST: case CURLE_COULDNT_RESOLVE_PROXY: case CURLE_COULDNT_CONNECT:
      return throw_unreached (answer, text, error);
    case CURLE_SSL_CONNECT_ERROR: case CURLE_PEER_FAILED_VERIFICATION: case CURLE_SSL_CERTPROBLEM: case CURLE_SSL_CACERT_BADFILE: case CURLE_SSL_ISSUER_ERROR:
      return throw_tls (text, error);
    case CURLE_URL_MALFORMAT: case CURLE_UNSUPPORTED_PROTOCOL:
      return coracle_throw (error, CORACLE_ERROR_INVALID, "%s", text);
    case CURLE_WEIRD_SERVER_REPLY:
      return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s", text);
    default:
      return coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s", text);
    }
}

/* header_complete: a status below 200 or a proxy's answer to CONNECT is not the one. */
static gboolean
header_complete (HttpAnswer *answer)
{
  return answer->done || answer->begun;
}

static HttpAnswer *
open_once (Http *http, const HttpRequest *request, gboolean *ret_unknown, GError **error)
{
  g_autoptr (HttpAnswer) answer = g_new0 (HttpAnswer, 1);
  answer->http = http;
  answer->channel = channel_get (http);
  answer->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  answer->body = g_byte_array_new ();
  set_up (answer, request);
  curl_multi_add_handle (answer->channel->multi, answer->channel->easy);
  while (!header_complete (answer))
    step (answer);
  *ret_unknown = !answer->begun && answer->result == CURLE_PEER_FAILED_VERIFICATION;
  if (!answer->begun && answer->result != CURLE_OK)
    return throw_result (answer, error), NULL;
  return g_steal_pointer (&answer);
}

HttpAnswer *
http_open (Http *http, const HttpRequest *request, GError **error)
{
  gboolean unknown = FALSE, by_name = http->by_name && g_atomic_int_get (&http->bundle) == 0;
  g_autoptr (GError) problem = NULL;
  HttpAnswer *answer = open_once (http, request, &unknown, &problem);
  /* nothing of the request was sent yet */
  if (answer == NULL && unknown && by_name)
    {
      g_atomic_int_set (&http->bundle, 1);
      g_clear_error (&problem);
      answer = open_once (http, request, &unknown, &problem);
    }
  if (problem != NULL)
    g_propagate_error (error, g_steal_pointer (&problem));
  return answer;
}

void
http_close (HttpAnswer *answer)
{
  if (answer == NULL)
    return;
  Http *http = answer->http;
  curl_multi_remove_handle (answer->channel->multi, answer->channel->easy);
  curl_slist_free_all (answer->headers_out);
  g_mutex_lock (&http->lock);
  g_ptr_array_add (http->idle, answer->channel);
  g_mutex_unlock (&http->lock);
  g_hash_table_unref (answer->headers);
  g_byte_array_unref (answer->body);
  g_free (answer);
}

long
http_status (const HttpAnswer *answer)
{
  long status = 0;
  curl_easy_getinfo (answer->channel->easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

const char *
http_header (const HttpAnswer *answer, const char *name)
{
  return g_hash_table_lookup (answer->headers, name);
}

gint64
http_length (const HttpAnswer *answer)
{
  curl_off_t length = -1;
  curl_easy_getinfo (answer->channel->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return (gint64) length;
}

char *
http_location (HttpAnswer *answer)
{
  const char *url = NULL, *header = http_header (answer, "location");
  curl_easy_getinfo (answer->channel->easy, CURLINFO_REDIRECT_URL, &url);
  if (url != NULL || header == NULL)
    return g_strdup (url);
  curl_easy_getinfo (answer->channel->easy, CURLINFO_EFFECTIVE_URL, &url);
  CURLU *parts = curl_url ();
  char *whole = NULL;
  if (curl_url_set (parts, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_set (parts, CURLUPART_URL, header, 0) == CURLUE_OK)
    (void) curl_url_get (parts, CURLUPART_URL, &whole, 0);
  char *location = g_strdup (whole);
  curl_free (whole);
  curl_url_cleanup (parts);
  return location;
}

gint64
http_retry_after (HttpAnswer *answer)
{
  curl_off_t seconds = 0;
  curl_easy_getinfo (answer->channel->easy, CURLINFO_RETRY_AFTER, &seconds);
  return (gint64) seconds;
}

gssize
http_read (HttpAnswer *answer, void *buffer, size_t size, GError **error)
{
  while (answer->at == answer->body->len && !answer->done)
    {
      g_byte_array_set_size (answer->body, 0);
      answer->at = 0;
      if (answer->paused)
        {
          answer->paused = FALSE;
          curl_easy_pause (answer->channel->easy, CURLPAUSE_CONT);
        }
      if (answer->body->len == 0)
        step (answer);
    }
  size_t there = MIN (size, answer->body->len - answer->at);
  if (there == 0)
    return answer->result == CURLE_OK ? 0 : (throw_result (answer, error), -1);
  memcpy (buffer, answer->body->data + answer->at, there);
  answer->at += (guint) there;
  return (gssize) there;
}

gboolean
http_read_all (HttpAnswer *answer, size_t limit, char **ret_data, size_t *ret_size, GError **error)
{
  if (http_length (answer) > (gint64) limit)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the answer has %" G_GINT64_FORMAT " bytes; at most %zu are taken", http_length (answer), limit);
  g_autoptr (GByteArray) all = g_byte_array_new ();
  guint8 buffer[16384];
  gssize n;
  while ((n = http_read (answer, buffer, sizeof buffer, error)) > 0)
    {
      g_byte_array_append (all, buffer, (guint) n);
      if (all->len > limit)
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the answer has more than %zu bytes", limit);
    }
  if (n < 0)
    return FALSE;
  *ret_size = all->len;
  g_byte_array_append (all, (const guint8 *) "", 1);
  *ret_data = (char *) g_byte_array_free (g_steal_pointer (&all), FALSE);
  return TRUE;
}

static char *
origin (const char *url)
{
  CURLU *parts = curl_url ();
  char *scheme = NULL, *host = NULL, *port = NULL, *text = NULL;
  if (curl_url_set (parts, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get (parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
      && curl_url_get (parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && curl_url_get (parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
    {
      g_autofree char *lower = g_ascii_strdown (host, -1);
      text = g_strdup_printf ("%s://%s:%s", scheme, lower, port);
    }
  curl_free (scheme);
  curl_free (host);
  curl_free (port);
  curl_url_cleanup (parts);
  return text;
}

gboolean
http_same_origin (const char *url, const char *other)
{
  g_autofree char *a = origin (url), *b = origin (other);
  return a != NULL && b != NULL && strcmp (a, b) == 0;
}
