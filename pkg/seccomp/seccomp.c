#include "pkg/seccomp/seccomp.h"

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/seccomp/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define PROFILE_LIMIT (4 << 20)

static const char *const default_files[] = { "/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json" };

void
seccomp_filter_free (SeccompFilter *filter)
{
  if (filter == NULL)
    return;
  g_free (filter->program);
  g_free (filter->oci);
  g_free (filter);
}

/* What decides about a program besides profile and capabilities: our own code, libseccomp's tables, the kernel (minKernel) and the machine. */
static char *
key_new (const char *profile, uint64_t caps)
{
  struct utsname uts;
  if (uname (&uts) < 0)
    memset (&uts, 0, sizeof uts);
  const struct scmp_version *version = seccomp_version ();
  return g_strdup_printf ("coracle " CORACLE_VERSION " libseccomp %u.%u.%u %s %s %s caps %" G_GINT64_MODIFIER "x %s", version->major,
                          version->minor, version->micro, uts.machine, arch_native (), uts.release, caps, profile);
}

static SeccompFilter *
filter_make (json_t *oci, GError **error)
{
  g_autoptr (SeccompFilter) filter = g_new0 (SeccompFilter, 1);
  if (!compile_oci (oci, filter, error))
    return NULL;
  char *text = json_dumps (oci, JSON_COMPACT);
  filter->oci = g_strdup (text);
  free (text);
  return g_steal_pointer (&filter);
}

/* Takes @oci (NULL: @error is set already). */
static SeccompFilter *
filter_make_and_save (json_t *oci, const char *cache, const char *key, GError **error)
{
  if (oci == NULL)
    return NULL;
  SeccompFilter *filter = filter_make (oci, error);
  json_decref (oci);
  if (filter != NULL)
    cache_save (cache, key, filter);
  return filter;
}

static json_t *
text_resolve (const char *text, size_t size, uint64_t caps, GError **error)
{
  json_t *profile = profile_parse (text, size, error);
  if (profile == NULL)
    return NULL;
  json_t *oci = profile_resolve (profile, caps, error);
  json_decref (profile);
  return oci;
}

/* A profile the user names: known by its content. */
static SeccompFilter *
filter_from_file (const char *path, uint64_t caps, const char *cache, GError **error)
{
  g_autofree char *text = NULL;
  size_t size;
  if (!path_read_file (AT_FDCWD, path, PROFILE_LIMIT, &text, &size, error))
    {
      coracle_prefix (error, "opening seccomp profile failed");
      return NULL;
    }
  g_autofree char *digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) text, size);
  g_autofree char *key = key_new (digest, caps);
  SeccompFilter *filter = cache_load (cache, key);
  if (filter != NULL)
    return filter;
  filter = filter_make_and_save (text_resolve (text, size, caps, error), cache, key, error);
  if (filter == NULL)
    coracle_prefix (error, "loading seccomp profile (%s) failed", path);
  return filter;
}

/* The default profile: known by the identity of its file, which costs one stat, not a digest of 16 KB in each run. */
static SeccompFilter *
filter_default (uint64_t caps, const char *cache, GError **error)
{
  const char *file = NULL;
  struct stat st;
  for (size_t i = 0; i < G_N_ELEMENTS (default_files) && file == NULL; i++)
    if (stat (default_files[i], &st) == 0)
      file = default_files[i];
  g_autofree char *identity =
      file != NULL ? g_strdup_printf ("%s %ju:%ju %jd %jd.%09ld %jd.%09ld", file, (uintmax_t) st.st_dev, (uintmax_t) st.st_ino,
                                      (intmax_t) st.st_size, (intmax_t) st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                                      (intmax_t) st.st_ctim.tv_sec, st.st_ctim.tv_nsec)
                   : g_strdup_printf ("builtin %" G_GINT64_MODIFIER "x", builtin_digest ());
  g_autofree char *key = key_new (identity, caps);
  SeccompFilter *filter = cache_load (cache, key);
  if (filter != NULL)
    return filter;
  if (file == NULL)
    return filter_make_and_save (builtin_resolve (caps), cache, key, error);
  g_autofree char *text = NULL;
  size_t size;
  if (!path_read_file (AT_FDCWD, file, PROFILE_LIMIT, &text, &size, error))
    return NULL;
  filter = filter_make_and_save (text_resolve (text, size, caps, error), cache, key, error);
  if (filter == NULL)
    coracle_prefix (error, "loading seccomp profile (%s) failed", file);
  return filter;
}

SeccompFilter *
seccomp_filter_new (const char *profile, uint64_t caps, const char *cache, GError **error)
{
  if (profile == NULL || *profile == '\0')
    return filter_default (caps, cache, error);
  if (strcmp (profile, "unconfined") == 0)
    return g_new0 (SeccompFilter, 1);
  return filter_from_file (profile, caps, cache, error);
}

SeccompFilter *
seccomp_filter_from_oci (json_t *seccomp, const char *cache, GError **error)
{
  if (!json_is_object (seccomp))
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "linux.seccomp: must be an object");
      return NULL;
    }
  /* An OCI object is a profile without conditions; the same checks make it safe to compile. */
  json_t *oci = profile_resolve (seccomp, 0, error);
  if (oci == NULL)
    {
      coracle_prefix (error, "linux.seccomp");
      return NULL;
    }
  char *text = json_dumps (oci, JSON_COMPACT);
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  g_autofree char *key = key_new (digest, 0);
  free (text);
  SeccompFilter *filter = cache_load (cache, key);
  if (filter != NULL)
    {
      json_decref (oci);
      return filter;
    }
  return filter_make_and_save (oci, cache, key, error);
}
