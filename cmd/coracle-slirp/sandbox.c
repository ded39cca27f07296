#include "coracle-slirp.h"

#include <sys/resource.h>

#include "network/sandbox.h"

/* set_limits: a descriptor for each connection of the container, and so a bound on what they hold; no core file with its traffic. */
static void
set_limits (void)
{
  struct rlimit files;
  if (getrlimit (RLIMIT_NOFILE, &files) == 0)
    {
      files.rlim_cur = files.rlim_max < CONNECTIONS ? files.rlim_max : CONNECTIONS;
      (void) setrlimit (RLIMIT_NOFILE, &files);
    }
  sandbox_no_core ();
}

bool
sandbox_enter (void)
{
  set_limits ();
  (void) sandbox_leave_files (true);
  return sandbox_keep_capabilities (0) && filter_load ();
}
