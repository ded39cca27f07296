/* detach_keys: the keys by which a user leaves a container that goes on. */
#pragma once

#include <glib.h>

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"
#define DETACH_KEYS_MAX 32

typedef struct {
  guint8 n;              /* 0 = none */
  guint8 matched;        /* how many of them were typed last, and are held back */
  guint8 keys[DETACH_KEYS_MAX];
} DetachKeys;

/* detach_keys_parse: "ctrl-a,x,@": keys with commas between them, each one character or ctrl- and one of a-z @ [ \ ] ^ _. "" = none.
 * Errors: INVALID. Source: podman-attach(1) --detach-keys. */
gboolean detach_keys_parse (const char *text, DetachKeys *ret_keys, GError **error);

/* detach_keys_filter: look for them in what was typed, across calls. A beginning is held back until it is known to be none.
 * @to: room for @size + DETACH_KEYS_MAX bytes; may be that much before @from in the same buffer. Returns how many bytes were put there.
 * @ret_found: they were typed; what came after them is thrown away. */
gsize detach_keys_filter (DetachKeys *keys, const char *from, gsize size, char *to, gboolean *ret_found);

/* detach_keys_flush: no more comes: what is held back to @to, at most DETACH_KEYS_MAX bytes. Returns how many. */
gsize detach_keys_flush (DetachKeys *keys, char *to);
