/* seccomp: from a profile (the default, or Docker's JSON) and a capability set to the BPF program to load.
 * Building takes 12–21 ms, so programs are cached in CACHE/seccomp/ by identity of profile, capabilities, kernel and libseccomp's version;
 * a cached one costs less than 0.1 ms.
 *
 * The modules behind it: profile (Docker's JSON → the OCI object), builtin (our own table → the OCI object), compile (the OCI object → BPF),
 * single (the chown filter), cache, and load_child. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <linux/filter.h>
#include <stdint.h>

typedef struct {
  struct sock_filter *program;   /* owned */
  size_t n;                      /* instructions; 0 = no filter (unconfined) */
  unsigned flags;                /* SECCOMP_FILTER_FLAG_*, as the profile asks; for seccomp_load_child */
  char *oci;                     /* the "linux.seccomp" object of the OCI runtime spec as JSON text, what the program was made from; NULL when
                                    unconfined and for seccomp_filter_single, which that format cannot express */
} SeccompFilter;
void seccomp_filter_free (SeccompFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SeccompFilter, seccomp_filter_free)

/* seccomp_filter_new: @profile: NULL or "" the default (/etc/containers/seccomp.json, /usr/share/containers/seccomp.json, else the one
 * built in), "unconfined", or a file's path. @caps: bit mask (1 << CAP_…) of the bounding set, which selects the profile's conditional rules.
 * @cache: ConfigPaths' cache; "seccomp" below it is made if need be; NULL = do not cache. A damaged, truncated or foreign-owned entry is
 * made anew; a cache that cannot be written is no error.
 * Errors: NOT_FOUND, INVALID (what is wrong in the file, and where), UNSUPPORTED (a listener), SYSTEM. Runs in: the parent, before clone. */
SeccompFilter *seccomp_filter_new (const char *profile, uint64_t caps, const char *cache, GError **error);

/* seccomp_filter_from_oci: the same from a config.json's "linux.seccomp" object, for bundles that are not ours. @seccomp: borrowed. */
SeccompFilter *seccomp_filter_from_oci (json_t *seccomp, const char *cache, GError **error);

/* seccomp_filter_single: the filter of a user namespace with one id: chown, fchown, lchown and fchownat to an id that is not mapped (neither
 * 0 nor -1, "leave it") answer success without being done; everything else is allowed. To be loaded besides the profile's: where that one
 * allows, this one's answer wins. Costs microseconds: not cached. */
SeccompFilter *seccomp_filter_single (GError **error);

/* seccomp_load_child: put the calling thread under @program; needs no_new_privs or CAP_SYS_ADMIN in its user namespace.
 * @flags: SeccompFilter.flags. n = 0: nothing is done. Returns 0 or -errno. Async-signal-safe. Source: seccomp(2). */
int seccomp_load_child (const struct sock_filter *program, size_t n, unsigned flags);
