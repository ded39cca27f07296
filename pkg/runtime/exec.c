/* exec: the parent's side of an exec session. */
#include <errno.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/runtime/plan_build.h"
#include "pkg/runtime/program.h"
#include "pkg/runtime/runtime_private.h"

gboolean
runtime_exec (json_t *config, const RuntimeOptions *options, RuntimeProcess *ret_process, GError **error)
{
  g_autoptr (GArray) join_fds = NULL;
  g_autoptr (GByteArray) bytes = runtime_plan_build (config, options, &join_fds, error);
  if (bytes == NULL)
    return FALSE;
  g_autofree char *path = g_build_filename (options->paths->libexec, "coracle-monitor", NULL);
  cleanup_fd int program = program_copy (path);
  if (program < 0)
    return coracle_throw_errno (error, -program, "runtime: copying %s to memory%s", path, program == -EACCES ? " (does vm.memfd_noexec forbid it?)" : "");
  return runtime_perform (config, bytes, options, program, NULL, NULL, ret_process, error);
}
