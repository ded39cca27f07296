/* simple: "simple signing": OpenPGP messages, checked by the program gpg in a home of its own, which holds the policy's keys and nothing else. gpg rather than libgpgme, which would start it,
 * too: nothing more is linked, and what parses foreign OpenPGP is another process. It runs in the user's own namespaces (outside.h). */
#pragma once

#include <glib.h>

typedef struct SimpleKeys SimpleKeys;
/* simple_keys_new: an empty ring in a temporary folder. simple_keys_add: all keys of @path. simple_keys_add_data: the same from memory.
 * Errors: INVALID no keys in it; NOT_FOUND no gpg. */
SimpleKeys *simple_keys_new (GError **error);
void simple_keys_free (SimpleKeys *keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SimpleKeys, simple_keys_free)
gboolean simple_keys_add (SimpleKeys *keys, const char *path, GError **error);
gboolean simple_keys_add_data (SimpleKeys *keys, const void *data, gsize size, GError **error);

/* simple_verify: exactly one good signature, not expired, by one of @keys. @ret_payload: what was signed; free with g_free. Errors: DENIED. */
gboolean simple_verify (const SimpleKeys *keys, const void *message, gsize size, char **ret_payload, gsize *ret_size, GError **error);

/* simple_status_good: what gpg's --status-file must say for that. Exposed for tests. */
gboolean simple_status_good (const char *status);

/* simple_key_names: whose keys are in @data: of each user id what is in <>, else all of it; added to @names (char *, owned). Errors: INVALID no keys in it; NOT_FOUND no gpg. */
gboolean simple_key_names (const SimpleKeys *keys, const void *data, gsize size, GPtrArray *names, GError **error);
/* simple_names_read: what `gpg --with-colons` prints, for that. Exposed for tests. */
void simple_names_read (const char *output, GPtrArray *names);
