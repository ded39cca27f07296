/* registry: one registry, by the OCI distribution protocol 1.1 and Docker's v2: who asks, what is there, and its manifests and blobs.
 *
 * All that comes is foreign: bounded in size, time, redirects and tries. Credentials go to the registry and to the token server it names, never to where a redirect leads.
 * An object may be used by several threads once registry_ping is done. Linked by coracle-image only.
 * Source: OCI distribution-spec 1.1; distribution's "Token Authentication Specification" and "OAuth2 Token Authentication". */
#pragma once

#include "pkg/archive/source.h"
#include "pkg/registry/credentials.h"
#include "pkg/registry/http.h"

typedef struct Registry Registry;

typedef struct {
  gboolean insecure;        /* any certificate will do, and so will plain HTTP where there is no TLS */
  const char *cert_dir;     /* NULL: certs.d/HOST of the user's or the system's containers folder, or Docker's */
  const Credentials *credentials;   /* NULL: nobody */
  guint retries;            /* after the first try */
  gint64 delay;             /* before the second try, in microseconds; 0: one second, doubled every time */
  guint stall_seconds;      /* 0: 30 */
} RegistryOptions;

/* registry_new: @host: "HOST[:PORT]" as in an image's name; docker.io is asked where it really is. Errors: INVALID certificates. */
Registry *registry_new (const char *host, const RegistryOptions *options, GError **error);
void registry_free (Registry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Registry, registry_free)

/* registry_ping: find out how to talk to it. Errors: "pinging container registry HOST: …". */
gboolean registry_ping (Registry *registry, GError **error);
/* registry_check_login: are the credentials good? Errors: DENIED "invalid username/password"; those of registry_ping. */
gboolean registry_check_login (Registry *registry, GError **error);

typedef struct {
  char *data;
  size_t size;
  char *media_type;   /* as the registry said; or NULL */
  char *digest;       /* of the data */
} RegistryDocument;
void registry_document_clear (RegistryDocument *document);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RegistryDocument, registry_document_clear)

/* registry_manifest: @reference: a tag, or a digest, which is compared. Errors: NOT_FOUND, DENIED, CORRUPT, SYSTEM. */
gboolean registry_manifest (Registry *registry, const char *repository, const char *reference, RegistryDocument *ret_document, GError **error);

/* registry_blob: @size bytes, taken up again where a connection breaks; asked for at the first read. That they are so many is seen to; the digest is the reader's to check.
 * @registry is borrowed. */
ByteStream *registry_blob (Registry *registry, const char *repository, const char *digest, gint64 size);

/* registry_tags: all of them, over as many pages as it has (a million names at most). Free with g_strfreev. */
char **registry_tags (Registry *registry, const char *repository, GError **error);

/* What need not be fetched: @read: a copy of the document @digest if it is here; free with g_free; NULL: it is not. */
typedef struct {
  char *(*read) (const char *digest, size_t limit, size_t *ret_size, void *data);
  void *data;
} RegistryKnown;

/* registry_image: the documents of an image, checked: from an index the one for @platform (NULL: the host's). @reference: as registry_manifest's. @known: NULL: nothing.
 * @ret_digest: of the document that @reference means (an index's, if it is one); free with g_free; may be NULL. Errors: also UNSUPPORTED. */
ArchiveImage *registry_image (Registry *registry, const char *repository, const char *reference, const ImagePlatform *platform, const RegistryKnown *known, char **ret_digest,
                              GError **error);

/* ---- putting something there */
/* registry_has_blob: is it in @repository? Errors: DENIED, SYSTEM. */
gboolean registry_has_blob (Registry *registry, const char *repository, const char *digest, gboolean *ret_there, GError **error);
/* registry_mount_blob: have the registry take it over from its repository @from. @ret_done: FALSE where it does not: it is not there, or not for the user, or mounting is unknown. */
gboolean registry_mount_blob (Registry *registry, const char *repository, const char *digest, const char *from, gboolean *ret_done, GError **error);
/* registry_put_blob: in one piece; in several where the registry finds that too large (413), and from where it broke off. Any thread.
 * Errors: DENIED; CORRUPT the registry does not find @digest, or is none; SYSTEM after all tries; with Podman's words for where. */
gboolean registry_put_blob (Registry *registry, const char *repository, const char *digest, const HttpBody *body, GError **error);
/* registry_put_manifest: @reference: a tag or a digest. Errors: UNSUPPORTED the registry does not take this kind of document;
 * INVALID it refuses it otherwise (a blob that is missing); as above. */
gboolean registry_put_manifest (Registry *registry, const char *repository, const char *reference, const char *media_type, const void *data, size_t size, GError **error);
