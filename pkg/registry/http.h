/* http: one request and its answer over libcurl, read as it comes. Connections are kept and used again, by one thread at a time; threads share an Http.
 * Redirects, authentication and retries are the caller's. Linked by coracle-image only.
 * Source: libcurl-multi(3); proxies by http_proxy, https_proxy, all_proxy, no_proxy, in small or capital letters: libcurl-env(3); loopback has none. */
#pragma once

#include <glib.h>

typedef struct Http Http;
typedef struct HttpAnswer HttpAnswer;

typedef struct {
  gboolean insecure;       /* take any certificate */
  const char *cert_dir;    /* *.crt: more authorities; *.cert with *.key: ours. Need not exist; NULL for none */
  guint stall_seconds;     /* a connection that brings less than 100 bytes a second for so long is given up */
} HttpOptions;

/* http_new: Errors: INVALID a *.cert without its *.key; SYSTEM. */
Http *http_new (const HttpOptions *options, GError **error);
void http_free (Http *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Http, http_free)

/* What is sent: bytes in memory, or a part of a file. */
typedef struct {
  const void *data;                            /* NULL: of @fd */
  int fd;                                      /* readable at any place */
  gint64 offset, size;
  void (*sent) (gint64 bytes, void *user);     /* so many have gone out, over and over; by the thread that waits for the answer. NULL: nobody asks */
  void *user;
} HttpBody;

typedef struct {
  const char *url;
  const char *method;           /* NULL: GET, or POST with @post */
  const char *const *headers;   /* "Name: value"; NULL for none */
  const char *basic;            /* "USER:PASSWORD" or NULL */
  const char *post;             /* a form to POST; or NULL */
  const HttpBody *body;         /* for PUT, PATCH and POST; NULL: none. Borrowed until the answer is closed */
} HttpRequest;

/* http_open: send it and wait for the answer's header. Any status is an answer, also one that comes before all was sent.
 * Errors: SYSTEM what may be better next time (a broken or stalled connection); NOT_FOUND no such host, or nothing listens; DENIED TLS; INVALID the URL. */
HttpAnswer *http_open (Http *http, const HttpRequest *request, GError **error);
void http_close (HttpAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HttpAnswer, http_close)

long http_status (const HttpAnswer *answer);
/* http_header: by its name in lower case; NULL if there is none. Borrowed. */
const char *http_header (const HttpAnswer *answer, const char *name);
/* http_length: Content-Length, or -1. */
gint64 http_length (const HttpAnswer *answer);
/* http_location: where a redirect, or what was made, is, as a whole URL; NULL: it says nothing. Free with g_free. */
char *http_location (HttpAnswer *answer);
/* http_retry_after: seconds that the server asks for; 0: none. */
gint64 http_retry_after (HttpAnswer *answer);

/* http_read: as ByteStream's read. Errors: as http_open's. */
gssize http_read (HttpAnswer *answer, void *buffer, size_t size, GError **error);
/* http_read_all: all of it, NUL added, at most @limit bytes: more is CORRUPT, and not read. Free with g_free. */
gboolean http_read_all (HttpAnswer *answer, size_t limit, char **ret_data, size_t *ret_size, GError **error);

/* http_same_origin: the same scheme, host and port. */
gboolean http_same_origin (const char *url, const char *other);
