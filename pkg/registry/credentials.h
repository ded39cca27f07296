/* credentials: who the user is at a registry: auth.json, Docker's config.json, and credential helpers.
 * Source: containers-auth.json(5); Docker's documentation of `docker login` for credential helpers. */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef struct {
  char *username, *password;
  char *identity_token;   /* instead of a password; or NULL */
} Credentials;
void credentials_clear (Credentials *credentials);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Credentials, credentials_clear)

/* credentials_parse: "USER[:PASSWORD]", as --creds has it. Errors: INVALID. */
gboolean credentials_parse (const char *text, Credentials *ret_credentials, GError **error);

/* credentials_path: the file that login writes: @given (--authfile), $REGISTRY_AUTH_FILE, else $XDG_RUNTIME_DIR/containers/auth.json, else that below ~/.config. Free with g_free. */
char *credentials_path (const char *given);

/* credentials_in: what the document @root of such a file has for @key ("HOST[:PORT]/PATH"): the longest part of it that is there. FALSE: nothing. Errors: CORRUPT.
 * @ret_helper: the name of the helper to ask instead; free with g_free. */
gboolean credentials_in (json_t *root, const char *key, Credentials *ret_credentials, char **ret_helper, GError **error);

/* Of the credential-helpers of registries.conf, the one that stands for the files. */
#define CREDENTIALS_FILES "containers-auth.json"

/* credentials_any: is anybody named? */
gboolean credentials_any (const Credentials *credentials);

/* credentials_find: what the first of @helpers (registries.conf; NULL: the files alone) knows for @key. The files: @given, or $REGISTRY_AUTH_FILE, alone; else the first of
 * credentials_path's, ~/.config/containers/auth.json and ~/.docker/config.json that knows it. Helpers run in the user's own namespaces (outside.h).
 * Nothing found: TRUE, and an empty *ret. Errors, where none knows it: NOT_FOUND a file that was asked for; CORRUPT; SYSTEM a helper that fails. */
gboolean credentials_find (const char *given, const char *key, char *const *helpers, Credentials *ret_credentials, GError **error);

/* credentials_store: with the first of @helpers that takes it. credentials_remove: from all of them; @key NULL: all there is. The file @path is changed under a lock, whole or not at
 * all; it may name a helper itself. Errors: NOT_FOUND nobody has @key. */
gboolean credentials_store (const char *path, const char *key, char *const *helpers, const Credentials *credentials, GError **error);
gboolean credentials_remove (const char *path, const char *key, char *const *helpers, GError **error);
