/* The part of content.h that computes digests. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/archive/digest.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "storage/content.h"

gboolean
content_put_data (Storage *storage, const StorageWork *work, const void *data, size_t size, char **ret_digest, GError **error)
{
  g_autofree char *digest = digest_of (data, size);
  if (!content_has (storage, digest))
    {
      const char *name = digest + strlen ("sha256:");
      cleanup_fd int fd = openat (work->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
      int r = fd < 0 ? -errno : fd_write_all (fd, data, size);
      if (r == 0 && fsync (fd) < 0)
        r = -errno;
      if (r < 0)
        return coracle_throw_errno (error, -r, "writing blob %s", digest);
      if (!content_publish (storage, work, name, digest, error))
        return FALSE;
    }
  *ret_digest = g_steal_pointer (&digest);
  return TRUE;
}
