#include "pkg/registry/registry.h"

#include <string.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/image/digest.h"
#include "pkg/image/name.h"
#include "pkg/json/json.h"
#include "pkg/registry/challenge.h"
#include "pkg/registry/http.h"
#include "pkg/registry/link.h"
#include "pkg/registry/registry_private.h"

#define REDIRECTS_LIMIT 10
#define ANSWER_LIMIT ((size_t) 1 << 20)   /* of tokens, errors */
#define DELAY_LIMIT 60                    /* seconds that a registry may ask us to wait; who asks for more is not asked again */
#define ACCEPT "Accept: " MEDIA_OCI_MANIFEST ", " MEDIA_OCI_INDEX ", " MEDIA_DOCKER_MANIFEST ", " MEDIA_DOCKER_LIST

struct Registry {
  char *host, *base;   /* base: "https://HOST" */
  Http *http;
  gboolean insecure;
  char *basic;         /* "USER:PASSWORD" or NULL */
  char *identity_token;
  guint retries;
  gint64 delay;
  GMutex lock;         /* over what follows */
  Challenge challenge;
  GHashTable *tokens;  /* by scope */
};

/* find_certificates: Source: containers-certs.d(5). */
static char *
find_certificates (const char *host)
{
  g_autofree char *own = g_build_filename (g_get_user_config_dir (), "containers/certs.d", NULL);
  const char *const folders[] = { own, "/etc/containers/certs.d", "/etc/docker/certs.d" };
  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (folders[i], host, NULL);
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        return g_steal_pointer (&path);
    }
  return NULL;
}

Registry *
registry_new (const char *host, const RegistryOptions *options, GError **error)
{
  g_autofree char *found = options->cert_dir == NULL ? find_certificates (host) : NULL;
  HttpOptions http = { options->insecure, options->cert_dir != NULL ? options->cert_dir : found, options->stall_seconds != 0 ? options->stall_seconds : 30 };
  g_autoptr (Registry) registry = g_new0 (Registry, 1);
  g_mutex_init (&registry->lock);
  registry->tokens = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  registry->host = g_strdup (host);
  registry->base = g_strconcat ("https://", strcmp (host, "docker.io") == 0 ? "registry-1.docker.io" : host, NULL);
  registry->insecure = options->insecure;
  registry->retries = options->retries;
  registry->delay = options->delay;
  const Credentials *who = options->credentials;
  if (who != NULL && who->identity_token != NULL)
    registry->identity_token = g_strdup (who->identity_token);
  else if (who != NULL && who->username != NULL)
    registry->basic = g_strdup_printf ("%s:%s", who->username, who->password != NULL ? who->password : "");
  registry->http = http_new (&http, error);
  return registry->http != NULL ? g_steal_pointer (&registry) : NULL;
}

void
registry_free (Registry *registry)
{
  if (registry == NULL)
    return;
  http_free (registry->http);
  challenge_clear (&registry->challenge);
  g_hash_table_unref (registry->tokens);
  g_mutex_clear (&registry->lock);
  g_free (registry->host);
  g_free (registry->base);
  g_free (registry->basic);
  g_free (registry->identity_token);
  g_free (registry);
}

void
registry_document_clear (RegistryDocument *document)
{
  g_free (document->data);
  g_free (document->media_type);
  g_free (document->digest);
  *document = (RegistryDocument){ 0 };
}

/* ---- errors */

/* said: what the answer's body tells: {"errors": [{"code", "message"}]}; else the status. @ret_code: a copy of the code, NULL where there is none; or NULL. */
static char *
said (HttpAnswer *answer, char **ret_code)
{
  g_autofree char *text = NULL;
  size_t size;
  if (http_read_all (answer, ANSWER_LIMIT, &text, &size, NULL))
    {
      json_auto_t *root = json_parse_bounded (text, size, ANSWER_LIMIT, JSON_PARSE_DEFAULT, NULL);
      json_t *first = json_array_get (json_object_get (root, "errors"), 0);
      const char *message = json_string_value (json_object_get (first, "message")), *code = json_string_value (json_object_get (first, "code"));
      if (ret_code != NULL)
        *ret_code = g_strdup (code);
      const char *shown = message != NULL && *message != '\0' ? message : code;
      if (shown != NULL)
        {
          g_autofree char *line = g_strndup (shown, 300);
          g_autofree char *valid = g_utf8_make_valid (line, -1);
          for (char *at = valid; *at != '\0'; at++)
            if (g_ascii_iscntrl (*at))
              *at = ' ';
          return http_status (answer) == 401 ? g_strconcat ("unauthorized: ", valid, NULL) : g_steal_pointer (&valid);
        }
    }
  return http_status (answer) == 401 ? g_strdup ("unauthorized: authentication required") : g_strdup_printf ("unexpected status %ld", http_status (answer));
}

gboolean
registry_throw_status (HttpAnswer *answer, GError **error)
{
  long status = http_status (answer);
  g_autofree char *text = said (answer, NULL);
  CoracleErrorCode code = status == 401 || status == 403 ? CORACLE_ERROR_DENIED : status == 404 ? CORACLE_ERROR_NOT_FOUND : status == 429 || status >= 500 ? CORACLE_ERROR_SYSTEM : CORACLE_ERROR_CORRUPT;
  gint64 later = http_retry_after (answer);
  if (status == 429 && later > 0)
    return coracle_throw (error, later > DELAY_LIMIT ? CORACLE_ERROR_DENIED : code, "toomanyrequests: %s (to be asked again in %" G_GINT64_FORMAT " seconds)", text, later);
  if (status == 429)
    return coracle_throw (error, code, "toomanyrequests: %s", text);
  return coracle_throw (error, code, "%s", text);
}

gboolean
registry_throw_refused (HttpAnswer *answer, GError **error)
{
  /* MANIFEST_INVALID: OpenShift, Nexus, Artifactory; TAG_INVALID: registries that know version 1 only; UNSUPPORTED: ECR. All with a message that says little */
  static const char *const kinds[] = { "MANIFEST_INVALID", "TAG_INVALID", "UNSUPPORTED", NULL };
  long status = http_status (answer);
  if (status != 400 && status != 404 && status != 405 && status != 415)
    return registry_throw_status (answer, error);
  g_autofree char *code = NULL, *text = said (answer, &code);
  gboolean kind = status == 415 || (code != NULL && g_strv_contains (kinds, code));
  return coracle_throw (error, kind ? CORACLE_ERROR_UNSUPPORTED : CORACLE_ERROR_INVALID, "%s", text);
}

/* ---- one exchange: redirects */

/* repeats: does a redirect of this status leave the method and the body as they are? Others turn into GET. Source: RFC 9110 15.4. */
static gboolean
repeats (const HttpRequest *request, long status)
{
  return request->method == NULL || strcmp (request->method, "HEAD") == 0 || status == 307 || status == 308;
}

/* follow: send @request and go wherever it leads; @authorization goes to where the registry itself is only. */
static HttpAnswer *
follow (Registry *registry, const HttpRequest *request, const char *authorization, GError **error)
{
  const char *url = registry->base;
  g_autofree char *at = g_strdup (request->url);
  for (int hop = 0; hop <= REDIRECTS_LIMIT; hop++)
    {
      g_autoptr (GPtrArray) all = g_ptr_array_new ();
      for (const char *const *header = request->headers; header != NULL && *header != NULL; header++)
        g_ptr_array_add (all, (char *) *header);
      if (authorization != NULL && http_same_origin (url, at))
        g_ptr_array_add (all, (char *) authorization);
      g_ptr_array_add (all, NULL);
      HttpRequest hop_request = { .url = at, .method = request->method, .headers = (const char *const *) all->pdata, .body = request->body };
      g_autoptr (HttpAnswer) answer = http_open (registry->http, &hop_request, error);
      if (answer == NULL)
        return NULL;
      long status = http_status (answer);
      g_autofree char *next = status >= 300 && status < 400 && repeats (request, status) ? http_location (answer) : NULL;
      if (next == NULL)
        return g_steal_pointer (&answer);
      if (g_str_has_prefix (at, "https://") && !g_str_has_prefix (next, "https://") && !registry->insecure)
        return coracle_throw (error, CORACLE_ERROR_DENIED, "a redirect leads from https to %.200s", next), NULL;
      g_free (at);
      at = g_steal_pointer (&next);
    }
  return coracle_throw (error, CORACLE_ERROR_CORRUPT, "stopped after %d redirects", REDIRECTS_LIMIT), NULL;
}

/* ---- tokens */

static gboolean
take_token (HttpAnswer *answer, char **ret_token, GError **error)
{
  g_autofree char *text = NULL;
  size_t size;
  if (http_status (answer) != 200)
    return registry_throw_status (answer, error);
  if (!http_read_all (answer, ANSWER_LIMIT, &text, &size, error))
    return FALSE;
  json_auto_t *root = json_parse_bounded (text, size, ANSWER_LIMIT, JSON_PARSE_DEFAULT, error);
  if (root == NULL)
    return FALSE;
  const char *token = json_string_value (json_object_get (root, "token"));
  if (token == NULL || *token == '\0')
    token = json_string_value (json_object_get (root, "access_token"));
  if (token == NULL || strpbrk (token, "\r\n") != NULL)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "no token in the answer");
  *ret_token = g_strdup (token);
  return TRUE;
}

static void
add_field (GString *text, const char *name, const char *value)
{
  if (value == NULL)
    return;
  g_autofree char *escaped = g_uri_escape_string (value, NULL, FALSE);
  g_string_append_printf (text, "%s%s=%s", text->len > 0 ? "&" : "", name, escaped);
}

static gboolean
ask_token (Registry *registry, const Challenge *challenge, const char *scope, char **ret_token, GError **error)
{
  g_autoptr (GString) fields = g_string_new (NULL);
  add_field (fields, "service", challenge->service);
  g_auto (GStrv) scopes = g_strsplit (scope != NULL ? scope : "", " ", -1);
  for (char **one = scopes; *one != NULL; one++)
    add_field (fields, "scope", *one);
  gboolean secret = registry->basic != NULL || registry->identity_token != NULL;
  if (!g_str_has_prefix (challenge->realm, "https://") && (!g_str_has_prefix (challenge->realm, "http://") || (secret && !registry->insecure)))
    return coracle_throw (error, CORACLE_ERROR_DENIED, "the token server %.200s is not asked: no TLS", challenge->realm);
  HttpRequest request = { .basic = registry->basic };
  g_autofree char *url = NULL;
  if (registry->identity_token != NULL)
    {
      add_field (fields, "grant_type", "refresh_token");
      add_field (fields, "client_id", "coracle");
      add_field (fields, "refresh_token", registry->identity_token);
      url = g_strdup (challenge->realm);
      request.post = fields->str;
    }
  else
    {
      g_autofree char *user = registry->basic != NULL ? g_strndup (registry->basic, strcspn (registry->basic, ":")) : NULL;
      add_field (fields, "account", user);
      url = g_strconcat (challenge->realm, strchr (challenge->realm, '?') != NULL ? "&" : "?", fields->str, NULL);
    }
  request.url = url;
  g_autoptr (HttpAnswer) answer = http_open (registry->http, &request, error);
  return answer != NULL && take_token (answer, ret_token, error);
}

/* authorization: the header for @scope; NULL without error: none. A token is asked for once for all threads. @stale: one that was refused. */
static gboolean
authorization (Registry *registry, const char *scope, const char *stale, char **ret_header, GError **error)
{
  g_autoptr (GMutexLocker) locked = g_mutex_locker_new (&registry->lock);
  const Challenge *challenge = &registry->challenge;
  *ret_header = NULL;
  if (challenge->kind == CHALLENGE_BASIC && registry->basic != NULL)
    {
      g_autofree char *encoded = g_base64_encode ((const guchar *) registry->basic, strlen (registry->basic));
      *ret_header = g_strconcat ("Authorization: Basic ", encoded, NULL);
    }
  if (challenge->kind != CHALLENGE_BEARER)
    return TRUE;
  const char *key = scope != NULL ? scope : "";
  const char *token = g_hash_table_lookup (registry->tokens, key);
  g_autofree char *header = token != NULL ? g_strconcat ("Authorization: Bearer ", token, NULL) : NULL;
  if (header == NULL || g_strcmp0 (header, stale) == 0)
    {
      g_autofree char *fresh = NULL;
      if (!ask_token (registry, challenge, scope, &fresh, error))
        return coracle_prefix (error, "requesting a token");
      g_free (header);
      header = g_strconcat ("Authorization: Bearer ", fresh, NULL);
      g_hash_table_replace (registry->tokens, g_strdup (key), g_steal_pointer (&fresh));
    }
  *ret_header = g_steal_pointer (&header);
  return TRUE;
}

/* note_challenge: what a 401 says; FALSE when it says nothing that can be met. */
static gboolean
note_challenge (Registry *registry, const HttpAnswer *answer)
{
  g_auto (Challenge) challenge = { CHALLENGE_NONE };
  const char *header = http_header (answer, "www-authenticate");
  if (header == NULL || !challenge_parse (header, &challenge))
    return FALSE;
  g_mutex_lock (&registry->lock);
  Challenge old = registry->challenge;
  registry->challenge = challenge;
  challenge = old;
  g_mutex_unlock (&registry->lock);
  return TRUE;
}

/* exchange: one try: with authorization, and once more where it has run out. */
static HttpAnswer *
exchange (Registry *registry, const HttpRequest *request, const char *scope, GError **error)
{
  g_autofree char *header = NULL, *second = NULL;
  if (!authorization (registry, scope, NULL, &header, error))
    return NULL;
  g_autoptr (HttpAnswer) answer = follow (registry, request, header, error);
  if (answer == NULL || http_status (answer) != 401 || !note_challenge (registry, answer))
    return g_steal_pointer (&answer);
  if (!authorization (registry, scope, header, &second, error))
    return NULL;
  if (second == NULL || g_strcmp0 (header, second) == 0)
    return g_steal_pointer (&answer);
  g_clear_pointer (&answer, http_close);
  return follow (registry, request, second, error);
}

/* ---- tries */

static gboolean
worth_again (HttpAnswer *answer)
{
  long status = http_status (answer);
  if (http_retry_after (answer) > DELAY_LIMIT)
    return FALSE;
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

void
registry_wait (const Registry *registry, guint tries, gint64 asked)
{
  gint64 delay = registry->delay > 0 ? registry->delay : (gint64) G_USEC_PER_SEC << MIN (tries, 5);
  g_usleep ((gulong) MIN (MAX (delay, asked * G_USEC_PER_SEC), (gint64) DELAY_LIMIT * G_USEC_PER_SEC));
}

guint
registry_retries (const Registry *registry)
{
  return registry->retries;
}

const char *
registry_host (const Registry *registry)
{
  return registry->host;
}

HttpAnswer *
registry_send (Registry *registry, const HttpRequest *wanted, const char *scope, guint retries, GError **error)
{
  g_autofree char *url = g_str_has_prefix (wanted->url, "/") ? g_strconcat (registry->base, wanted->url, NULL) : g_strdup (wanted->url);
  HttpRequest request = *wanted;
  request.url = url;
  for (guint tries = 0;; tries++)
    {
      g_autoptr (GError) problem = NULL;
      g_autoptr (HttpAnswer) answer = exchange (registry, &request, scope, &problem);
      gboolean again = answer != NULL ? worth_again (answer) : g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_SYSTEM);
      if (answer != NULL && (!again || tries >= retries))
        return g_steal_pointer (&answer);
      if (!again || tries >= retries)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return NULL;
        }
      gint64 asked = answer != NULL ? http_retry_after (answer) : 0;
      g_clear_pointer (&answer, http_close);
      registry_wait (registry, tries, asked);
    }
}

HttpAnswer *
registry_get (Registry *registry, const char *path, const char *scope, const char *const *headers, GError **error)
{
  HttpRequest request = { .url = path, .headers = headers };
  return registry_send (registry, &request, scope, registry->retries, error);
}

/* ---- what is asked for */

static HttpAnswer *
ping (Registry *registry, GError **error)
{
  g_autofree char *url = g_strconcat (registry->base, "/v2/", NULL);
  g_autoptr (GError) problem = NULL;
  for (guint tries = 0;; tries++)
    {
      g_clear_error (&problem);
      HttpRequest request = { .url = url };
      g_autoptr (HttpAnswer) answer = follow (registry, &request, NULL, &problem);
      if (answer != NULL && (!worth_again (answer) || tries >= registry->retries))
        return g_steal_pointer (&answer);
      if ((answer == NULL && !g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_SYSTEM)) || tries >= registry->retries)
        break;
      gint64 asked = answer != NULL ? http_retry_after (answer) : 0;
      g_clear_pointer (&answer, http_close);
      registry_wait (registry, tries, asked);
    }
  g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}

gboolean
registry_ping (Registry *registry, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (HttpAnswer) answer = ping (registry, &problem);
  if (answer == NULL && registry->insecure)
    {
      g_autofree char *plain = g_strconcat ("http", registry->base + strlen ("https"), NULL);
      g_free (registry->base);
      registry->base = g_steal_pointer (&plain);
      answer = ping (registry, NULL);
    }
  if (answer == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return coracle_prefix (error, "pinging container registry %s", registry->host);
    }
  if (http_status (answer) == 401 && note_challenge (registry, answer))
    return TRUE;
  if (http_status (answer) == 200)
    return TRUE;
  registry_throw_status (answer, error);
  return coracle_prefix (error, "pinging container registry %s", registry->host);
}

gboolean
registry_check_login (Registry *registry, GError **error)
{
  if (!registry_ping (registry, error))
    return FALSE;
  g_autoptr (GError) problem = NULL;
  g_autoptr (HttpAnswer) answer = registry_get (registry, "/v2/", NULL, NULL, &problem);
  if ((answer != NULL && http_status (answer) == 401) || g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_DENIED))
    return coracle_throw (error, CORACLE_ERROR_DENIED, "invalid username/password");
  if (answer != NULL)
    return http_status (answer) == 200 || registry_throw_status (answer, error);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static char *
pull_scope (const char *repository)
{
  return g_strconcat ("repository:", repository, ":pull", NULL);
}

gboolean
registry_manifest (Registry *registry, const char *repository, const char *reference, RegistryDocument *ret_document, GError **error)
{
  static const char *const headers[] = { ACCEPT, NULL };
  g_autofree char *path = g_strdup_printf ("/v2/%s/manifests/%s", repository, reference), *scope = pull_scope (repository);
  g_auto (RegistryDocument) document = { 0 };
  g_autoptr (HttpAnswer) answer = registry_get (registry, path, scope, headers, error);
  if (answer == NULL)
    return FALSE;
  if (http_status (answer) != 200)
    return registry_throw_status (answer, error);
  if (!http_read_all (answer, IMAGE_MANIFEST_LIMIT, &document.data, &document.size, error))
    return FALSE;
  const char *type = http_header (answer, "content-type");
  document.media_type = type != NULL ? g_strndup (type, strcspn (type, "; \t")) : NULL;
  document.digest = digest_of (document.data, document.size);
  if (strchr (reference, ':') != NULL && strcmp (reference, document.digest) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the manifest has the digest %s instead of %s", document.digest, reference);
  *ret_document = document;
  document = (RegistryDocument){ 0 };
  return TRUE;
}

/* take_tags: one page. */
static gboolean
take_tags (HttpAnswer *answer, GPtrArray *tags, GError **error)
{
  g_autofree char *text = NULL;
  size_t size;
  if (http_status (answer) != 200)
    return registry_throw_status (answer, error);
  if (!http_read_all (answer, IMAGE_MANIFEST_LIMIT, &text, &size, error))
    return FALSE;
  g_auto (GStrv) page = NULL;
  json_auto_t *root = json_parse_bounded (text, size, IMAGE_MANIFEST_LIMIT, JSON_PARSE_DEFAULT, error);
  if (root == NULL || !json_get_strv (root, "tags", 1000000, &page, error))
    return FALSE;
  for (char **tag = page; tag != NULL && *tag != NULL; tag++)
    g_ptr_array_add (tags, g_strdup (*tag));
  return tags->len <= 1000000 || coracle_throw (error, CORACLE_ERROR_CORRUPT, "more than a million tags");
}

char *
registry_next_page (const Registry *registry, const HttpAnswer *answer)
{
  const char *link = http_header (answer, "link");
  return link != NULL ? link_next (link, registry->base) : NULL;
}

char **
registry_tags (Registry *registry, const char *repository, GError **error)
{
  g_autoptr (GPtrArray) tags = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = g_strdup_printf ("/v2/%s/tags/list", repository), *scope = pull_scope (repository);
  for (int pages = 0; path != NULL; pages++)
    {
      /* a page has a hundred, as a rule */
      gboolean endless = (guint) pages > 100 + tags->len / 10;
      g_autoptr (HttpAnswer) answer = endless ? NULL : registry_get (registry, path, scope, NULL, error);
      if (endless)
        coracle_throw (error, CORACLE_ERROR_CORRUPT, "too many pages of tags");
      if (answer == NULL || !take_tags (answer, tags, error))
        return NULL;
      g_autofree char *next = registry_next_page (registry, answer);
      if (g_strcmp0 (next, path) == 0)
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "a page of tags is said to be followed by itself"), NULL;
      g_free (path);
      path = g_steal_pointer (&next);
    }
  g_ptr_array_add (tags, NULL);
  g_ptr_array_set_free_func (tags, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&tags), FALSE);
}
