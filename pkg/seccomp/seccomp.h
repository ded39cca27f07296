/* seccomp: from a profile (the default, or Docker's JSON) and a capability set to the BPF program to load.
 * Building takes 12–21 ms, so programs are cached in CACHE/seccomp/ by digest of profile, capabilities, architecture and libseccomp's version. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <linux/filter.h>
#include <stdint.h>

typedef struct {
  struct sock_filter *program;   /* owned */
  size_t n;                      /* instructions; 0 = no filter (unconfined) */
  char *oci;                     /* the "linux.seccomp" object of the OCI runtime spec as JSON text, what the program was made from */
} SeccompFilter;
void seccomp_filter_free (SeccompFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SeccompFilter, seccomp_filter_free)

/* seccomp_filter_new: @profile: NULL or "" the default (/etc/containers/seccomp.json, /usr/share/containers/seccomp.json, else the one
 * built in), "unconfined", or a file's path. @caps: bit mask (1 << CAP_…) of the bounding set, which selects the profile's conditional rules.
 * @cache: folder, made if need be; NULL = do not cache. A damaged cache entry is made anew.
 * Errors: NOT_FOUND, INVALID (what is wrong in the file, and where), SYSTEM. Runs in: the parent, before clone. */
SeccompFilter *seccomp_filter_new (const char *profile, uint64_t caps, const char *cache, GError **error);

/* seccomp_filter_from_oci: the same from a config.json's "linux.seccomp" object, for bundles that are not ours. */
SeccompFilter *seccomp_filter_from_oci (json_t *seccomp, const char *cache, GError **error);

/* seccomp_filter_single: the filter of a user namespace with one id: chown, fchown, lchown and fchownat to an id that is not mapped (not 0)
 * answer success without being done; everything else is allowed. Loaded besides the profile's. */
SeccompFilter *seccomp_filter_single (const char *cache, GError **error);
