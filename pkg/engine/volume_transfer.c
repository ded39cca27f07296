#include "pkg/engine/volume_transfer.h"

#include <errno.h>
#include <fcntl.h>

#include "pkg/archive/inflate.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/engine/volume_mount.h"
#include "storage/pack.h"
#include "storage/unpack.h"

/* open_data: the folder with the files, as containers see it. -1 with @error. */
static int
open_data (Storage *storage, const char *name, GError **error)
{
  cleanup_fd int lock = -1;
  g_autoptr (Volume) volume = volume_find (storage, name, error);
  if (volume == NULL || !volume_mount (storage, volume->name, NULL, &lock, error))
    return -1;
  g_autofree char *data = volume_data (storage, volume);
  int fd = open (data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int errsv = errno;
  if (fd < 0)
    coracle_throw_errno (error, errsv, "opening %s", data);
  return fd;
}

gboolean
volume_export (Storage *storage, const char *name, int out_fd, GError **error)
{
  cleanup_fd int data = open_data (storage, name, error);
  const PackOptions options = { 0 };
  return data >= 0 && pack_tree (data, &options, out_fd, error);
}

gboolean
volume_import (Storage *storage, const char *name, int in_fd, gboolean single, guint64 *ret_devices, GError **error)
{
  cleanup_fd int data = open_data (storage, name, error);
  if (data < 0)
    return FALSE;
  const UnpackOptions options = { .single = single, .into = TRUE, .overwrite = TRUE };
  UnpackStats stats = { 0 };
  int copy = fcntl (in_fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "reading the archive");
    }
  g_autoptr (ByteStream) tar = inflate_tar (byte_stream_from_fd (copy));
  if (tar == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "volume %s: what is to be put into it is no tar archive, nor a compressed one", name);
  if (!unpack_tar (data, tar, &options, &stats, error))
    return coracle_prefix (error, "unpacking into volume %s", name);
  *ret_devices = stats.skipped_devices;
  return TRUE;
}
