/* fuzz-tar: bytes as a layer: inflated and unpacked below FOLDER/in; whatever they say, FOLDER holds nothing else afterwards. */
#include <fcntl.h>
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/inflate.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "storage/unpack.h"

#define INFLATED_LIMIT (8 << 20)

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char *made;

/* remove_outer: what is found there goes on being of use after a crash, and is gone after a run without one. */
static void
remove_outer (void)
{
  (void) rmdir (made);
}

/* outer_folder: made once, in memory where there is such a folder. */
static int
outer_folder (void)
{
  static int fd = -1;
  if (fd < 0)
    {
      static char name[] = "/dev/shm/coracle-fuzz-XXXXXX", other[] = "/tmp/coracle-fuzz-XXXXXX";
      made = mkdtemp (name);
      if (made == NULL)
        made = mkdtemp (other);
      if (made == NULL || atexit (remove_outer) != 0)
        abort ();
      fd = open (made, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
  return fd;
}

static void
check_outer (int outer)
{
  struct stat st;
  /* the folder itself and "in", no more: so two links and ".." of "in" */
  if (fstat (outer, &st) < 0 || st.st_nlink != 3 || (st.st_mode & 07777) != 0700)
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  int outer = outer_folder ();
  if (mkdirat (outer, "in", 0755) < 0)
    abort ();
  cleanup_fd int in = openat (outer, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (GError) error = NULL;
  g_autoptr (ByteStream) stream = inflate_open (byte_stream_from_data (data, size), NULL, &error);
  UnpackOptions options = { .single = size % 2 == 0, .layer = size % 3 != 0 };
  UnpackStats stats;
  if (stream != NULL)
    {
      stream = byte_stream_tee (g_steal_pointer (&stream), NULL, -1, NULL, INFLATED_LIMIT);
      if (!unpack_tar (in, stream, &options, &stats, &error) && error == NULL)
        abort ();
    }
  else if (error == NULL)
    abort ();
  check_outer (outer);
  if (path_remove_tree (outer, "in") < 0)
    abort ();
  return 0;
}
