#include "pkg/state/wal_index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/proc.h"

#define MARK "user.coracle.index"
/* the byte that every connection has a read lock on */
#define CONNECTED 128
enum { MARK_MAX = 128, LOG_HEADER = 32, LOG_SALTS = 16, FRAME_HEADER = 24, FRAME_SUM = 16 };

/* The index's header: in the machine's own byte order but for the salts, which are as they are in the log. */
typedef struct {
  guint32 version, unused, change;
  guint8 ready, big_endian_sums;
  guint16 page_size;   /* 1 = 65536 */
  guint32 frames, pages;
  guint32 sum[2];
  guint8 salts[8];
  guint32 own_sum[2];
} Header;
G_STATIC_ASSERT (sizeof (Header) == 48);

static int
open_file (const char *root, const char *name)
{
  g_autofree char *path = g_strconcat (root, "/state.db", name, NULL);
  return open (path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
}

/* write_mark: what the index is marked with now: the boot, and which three files it is about. Returns its length, 0 if that cannot be known. */
static size_t
write_mark (const char *root, int index, char mark[MARK_MAX])
{
  struct stat st, log, database;
  g_autofree char *boot = proc_boot_id (), *of_log = g_strconcat (root, "/state.db-wal", NULL), *of_database = g_strconcat (root, "/state.db", NULL);
  if (boot == NULL || fstat (index, &st) < 0 || lstat (of_log, &log) < 0 || lstat (of_database, &database) < 0)
    return 0;
  int n = g_snprintf (mark, MARK_MAX, "%s %llx %llx %llx %llx", boot, (unsigned long long) st.st_dev, (unsigned long long) st.st_ino, (unsigned long long) log.st_ino,
                      (unsigned long long) database.st_ino);
  return n > 0 && n < MARK_MAX ? (size_t) n : 0;
}

static gboolean
has_mark (const char *root, int index)
{
  char wanted[MARK_MAX], there[MARK_MAX];
  size_t n = write_mark (root, index, wanted);
  return n > 0 && fgetxattr (index, MARK, there, sizeof there) == (ssize_t) n && memcmp (wanted, there, n) == 0;
}

/* fits: is this the index of that log? */
static gboolean
fits (int index, int log, off_t log_size)
{
  Header header;
  guint8 salts[8], frame[FRAME_HEADER];
  if (pread (index, &header, sizeof header, 0) != sizeof header || !header.ready)
    return FALSE;
  /* begun anew: nothing in the log says that it belongs to it */
  if (header.frames == 0)
    return FALSE;
  gint64 size = (header.page_size & 0xfe00) + ((header.page_size & 1) << 16), at = LOG_HEADER + (header.frames - 1) * (size + FRAME_HEADER);
  if (log_size < at + FRAME_HEADER + size || pread (log, salts, sizeof salts, LOG_SALTS) != sizeof salts || memcmp (salts, header.salts, sizeof salts) != 0)
    return FALSE;
  if (pread (log, frame, sizeof frame, at) != sizeof frame)
    return FALSE;
  guint32 sums[2];
  memcpy (sums, frame + FRAME_SUM, sizeof sums);
  return GUINT32_FROM_BE (sums[0]) == header.sum[0] && GUINT32_FROM_BE (sums[1]) == header.sum[1];
}

int
wal_index_vouch (const char *root)
{
  struct stat st;
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = CONNECTED, .l_len = 1 };
  cleanup_fd int index = open_file (root, "-shm");
  cleanup_fd int log = index >= 0 ? open_file (root, "-wal") : -1;
  if (log < 0 || fstat (log, &st) < 0 || !has_mark (root, index) || !fits (index, log, st.st_size) || fcntl (index, F_OFD_SETLK, &lock) < 0)
    return -1;
  return fd_steal (&index);
}

int
wal_index_mark (const char *root)
{
  char mark[MARK_MAX];
  cleanup_fd int index = open_file (root, "-shm");
  size_t n = index >= 0 ? write_mark (root, index, mark) : 0;
  if (n > 0)
    (void) fsetxattr (index, MARK, mark, n, 0);
  return fd_steal (&index);
}
