/* internal: what the files of pkg/seccomp share; for no one else. */
#pragma once

#include "pkg/seccomp/seccomp.h"

/* profile_parse: the text of a Docker/containers profile. Returns a JSON object (json_decref) or NULL. Errors: INVALID with line and column. */
json_t *profile_parse (const char *text, size_t size, GError **error);

/* profile_resolve: choose the rules of @profile that hold for @caps, this architecture and this kernel, check everything, and write them as
 * an OCI "linux.seccomp" object (json_decref). Errors: INVALID naming the entry ("syscalls[3].args[0]: …"), UNSUPPORTED. */
json_t *profile_resolve (json_t *profile, uint64_t caps, GError **error);

/* builtin_resolve: the same from the profile built in. builtin_digest: changes when the table changes; for cache keys. */
json_t *builtin_resolve (uint64_t caps);
uint64_t builtin_digest (void);

/* compile_oci: @seccomp, an OCI object from anyone, to BPF. Fills program, n and flags of @filter. Errors as profile_resolve. */
gboolean compile_oci (json_t *seccomp, SeccompFilter *filter, GError **error);

/* ranges_shrink: @filter's program with fewer instructions and the same answer to every call; left as it is where it does what is not understood (an X register, a comparison of
 * bits of the number, …) or nothing would be gained. @filter: a program the kernel would take. */
void ranges_shrink (SeccompFilter *filter);

/* cache_load: the entry for @key, or NULL if there is none that is whole and ours. cache_save: best effort.
 * @key: any text; compared in full on reading. @cache: may be NULL. */
SeccompFilter *cache_load (const char *cache, const char *key);
void cache_save (const char *cache, const char *key, const SeccompFilter *filter);

/* digest_bytes: a fast checksum (not against malice) of @size bytes, going on from @seed. */
uint64_t digest_bytes (uint64_t seed, const void *data, size_t size);
#define DIGEST_SEED UINT64_C (0xcbf29ce484222325)

/* Words of the format: "SCMP_ACT_ERRNO" → libseccomp's value without errno; -1 if unknown. */
int64_t action_parse (const char *name);
/* "SCMP_CMP_EQ" → enum scmp_compare; -1 if unknown. */
int compare_parse (const char *name);
/* "SECCOMP_FILTER_FLAG_LOG" → its bit; 0 if unknown. */
unsigned flag_parse (const char *name);
/* "SCMP_ARCH_X86_64" → libseccomp's token; 0 if unknown. */
uint32_t arch_parse (const char *name);
/* the name of the architecture this program runs on, "SCMP_ARCH_X86_64", and as profiles' conditions have it, "amd64". */
const char *arch_native (void);
const char *arch_native_short (void);
