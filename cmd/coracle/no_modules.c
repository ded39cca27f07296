/* no_modules: what would load modules into a program that is linked statically answers that there is nothing. GLib would ask the name services for a user (main sets HOME, and
 * pkg/base/account knows users), SQLite could load extensions (nobody asks it to). Modules belong to the C library they were built with, which need not be ours. */
#include <pwd.h>
#include <stddef.h>

#ifndef __SANITIZE_ADDRESS__
struct passwd *
getpwuid (uid_t uid)
{
  (void) uid;
  return NULL;
}

int
getpwuid_r (uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **ret)
{
  (void) uid, (void) entry, (void) buffer, (void) size;
  *ret = NULL;
  return 0;
}

int
getpwnam_r (const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **ret)
{
  (void) name, (void) entry, (void) buffer, (void) size;
  *ret = NULL;
  return 0;
}

/* dlopen as the linker's --wrap calls it: the C library has a dlopen of its own in any static program, and it warns of whoever names it */
void *__wrap_dlopen (const char *path, int mode);

void *
__wrap_dlopen (const char *path, int mode)
{
  (void) path, (void) mode;
  return NULL;
}
#endif
