/* caps: capability names and sets. */
#pragma once

#include <glib.h>
#include <stdint.h>

/* caps_default: Podman's default set: CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT. */
uint64_t caps_default (void);
/* caps_all: every capability this kernel has and caps_name can name. */
uint64_t caps_all (void);
/* caps_held: those in this process's bounding set: what it can give at most, unless a user namespace gives all anew. */
uint64_t caps_held (void);
/* caps_parse: "net_admin", "CAP_NET_ADMIN" → its number; -1 if none. */
int caps_parse (const char *name);
/* caps_name: number → "CAP_NET_ADMIN"; NULL if unknown. */
const char *caps_name (int number);
/* caps_merge: Podman's rule for --cap-add and --cap-drop over @base. "all", in any case, may be in either list, not in both; with drop=all
 * the result is what is added, with add=all everything but what is dropped; else a capability in both lists is an error.
 * @add, @drop: NULL-terminated or NULL. Errors: INVALID. */
gboolean caps_merge (uint64_t base, const char *const *add, const char *const *drop, uint64_t *ret_caps, GError **error);
