/* cache: one file per filter: header, key, program, OCI text. Written by rename; believed only when whole, unchanged and ours. */
#include "pkg/seccomp/internal.h"

#include "pkg/base/fd.h"
#include "pkg/base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CACHE_MAGIC UINT64_C (0x32504d4353524f43)   /* "CORSCMP2", and the byte order with it */
#define CACHE_LIMIT (4 << 20)
#define CACHE_DAYS 30

typedef struct {
  uint64_t magic;
  uint64_t checksum;   /* of all that follows this field */
  uint32_t key_size;
  uint32_t n;
  uint32_t oci_size;
  uint32_t flags;
} Header;

uint64_t
digest_bytes (uint64_t seed, const void *data, size_t size)
{
  /* FNV-1a's scheme on words of eight bytes: 20 KB in a few microseconds */
  const unsigned char *p = data;
  uint64_t digest = seed ^ size;
  for (; size >= 8; p += 8, size -= 8)
    {
      uint64_t word;
      memcpy (&word, p, 8);
      digest = (digest ^ word) * UINT64_C (0x9e3779b97f4a7c15);
      digest ^= digest >> 29;
    }
  for (; size > 0; p++, size--)
    digest = (digest ^ *p) * UINT64_C (0x100000001b3);
  return digest ^ digest >> 32;
}

static char *
entry_path (const char *cache, const char *key)
{
  return g_strdup_printf ("%s/seccomp/%016" G_GINT64_MODIFIER "x", cache, digest_bytes (DIGEST_SEED, key, strlen (key)));
}

/* The entry's bytes, if they are ours to believe: another user's file, or one others may write, could hold any filter. */
static char *
entry_read (const char *path, size_t *ret_size)
{
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode) || st.st_uid != geteuid () || (st.st_mode & 022) != 0
      || st.st_size < (off_t) sizeof (Header) || st.st_size > CACHE_LIMIT)
    return NULL;
  g_autofree char *data = g_malloc ((size_t) st.st_size);
  if (fd_read_all (fd, data, (size_t) st.st_size) != st.st_size)
    return NULL;
  *ret_size = (size_t) st.st_size;
  return g_steal_pointer (&data);
}

SeccompFilter *
cache_load (const char *cache, const char *key)
{
  if (cache == NULL)
    return NULL;
  size_t size = 0;
  g_autofree char *path = entry_path (cache, key);
  g_autofree char *data = entry_read (path, &size);
  if (data == NULL)
    return NULL;
  Header header;
  memcpy (&header, data, sizeof header);
  const size_t checked = offsetof (Header, key_size);
  const uint64_t program_size = (uint64_t) header.n * sizeof (struct sock_filter);
  if (header.magic != CACHE_MAGIC || sizeof header + (uint64_t) header.key_size + program_size + header.oci_size != size
      || header.n > BPF_MAXINSNS || header.checksum != digest_bytes (DIGEST_SEED, data + checked, size - checked)
      || header.key_size != strlen (key) || memcmp (data + sizeof header, key, header.key_size) != 0)
    return NULL;
  const char *program = data + sizeof header + header.key_size;
  SeccompFilter *filter = g_new0 (SeccompFilter, 1);
  filter->program = g_memdup2 (program, program_size);
  filter->n = header.n;
  filter->flags = header.flags;
  filter->oci = g_strndup (program + program_size, header.oci_size);
  return filter;
}

/* What an older kernel, profile or libseccomp left. A filter still in use and this old is merely made once more. */
static void
sweep (const char *folder)
{
  DIR *dir = opendir (folder);
  if (dir == NULL)
    return;
  const time_t oldest = time (NULL) - CACHE_DAYS * 24 * 3600;
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    {
      struct stat st;
      if (fstatat (dirfd (dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (st.st_mode) && st.st_mtime < oldest)
        (void) unlinkat (dirfd (dir), entry->d_name, 0);
    }
  closedir (dir);
}

void
cache_save (const char *cache, const char *key, const SeccompFilter *filter)
{
  if (cache == NULL)
    return;
  g_autofree char *path = entry_path (cache, key);
  g_autofree char *folder = g_path_get_dirname (path);
  if (!path_mkdirs (folder, 0700, NULL))
    return;
  Header header = { .magic = CACHE_MAGIC, .key_size = (uint32_t) strlen (key), .n = (uint32_t) filter->n,
                    .oci_size = (uint32_t) strlen (filter->oci), .flags = filter->flags };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_byte_array_append (bytes, (const guint8 *) &header, sizeof header);
  g_byte_array_append (bytes, (const guint8 *) key, header.key_size);
  g_byte_array_append (bytes, (const guint8 *) filter->program, (guint) (filter->n * sizeof (struct sock_filter)));
  g_byte_array_append (bytes, (const guint8 *) filter->oci, header.oci_size);
  const size_t checked = offsetof (Header, key_size);
  header.checksum = digest_bytes (DIGEST_SEED, bytes->data + checked, bytes->len - checked);
  memcpy (bytes->data, &header, sizeof header);
  /* A damaged or foreign entry is replaced by the rename; where it cannot be, the next run builds again. */
  (void) path_write_file (AT_FDCWD, path, bytes->data, bytes->len, 0600, FALSE);
  sweep (folder);
}
