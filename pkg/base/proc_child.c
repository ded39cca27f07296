/* The part of proc.h that children between clone and exec use. */
#include "pkg/base/proc.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void
proc_close_from (unsigned first)
{
  if (syscall (SYS_close_range, first, ~0U, 0) == 0)
    return;
  /* before 5.9: every number there can be */
  struct rlimit limit = { .rlim_cur = 65536 };
  (void) getrlimit (RLIMIT_NOFILE, &limit);
  for (rlim_t fd = first; fd < limit.rlim_cur && fd < 1048576; fd++)
    (void) close ((int) fd);
}
