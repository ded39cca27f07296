/* tar-builder: tars made in memory for tests, by libarchive, and a folder to unpack them in. Included by tests only. */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  struct archive *archive;
  GByteArray *bytes;
} Tar;

static la_ssize_t
tar_take (struct archive *archive, void *data, const void *block, size_t size)
{
  g_byte_array_append (data, block, (guint) size);
  return (la_ssize_t) size;
}

static inline Tar
tar_new (void)
{
  Tar tar = { archive_write_new (), g_byte_array_new () };
  archive_write_set_format_pax (tar.archive);
  archive_write_set_options (tar.archive, "hdrcharset=BINARY");
  archive_write_set_bytes_per_block (tar.archive, 0);
  archive_write_open (tar.archive, tar.bytes, NULL, tar_take, NULL);
  return tar;
}

/* tar_entry: a member of the caller's own ids; change it, then tar_put. */
static inline struct archive_entry *
tar_entry (const char *name, mode_t mode)
{
  struct archive_entry *entry = archive_entry_new ();
  archive_entry_set_pathname (entry, name);
  archive_entry_set_mode (entry, mode);
  archive_entry_set_uid (entry, geteuid ());
  archive_entry_set_gid (entry, getegid ());
  archive_entry_set_mtime (entry, 1000000000, 123456789);
  return entry;
}

static inline void
tar_put (Tar *tar, struct archive_entry *entry, const void *data, size_t size)
{
  if (archive_entry_filetype (entry) == AE_IFREG && archive_entry_hardlink (entry) == NULL && !archive_entry_size_is_set (entry))
    archive_entry_set_size (entry, (la_int64_t) size);
  g_assert_cmpint (archive_write_header (tar->archive, entry), >=, ARCHIVE_WARN);
  if (size > 0)
    g_assert_cmpint (archive_write_data (tar->archive, data, size), ==, (la_ssize_t) size);
  archive_entry_free (entry);
}

static inline void
tar_file (Tar *tar, const char *name, const char *text)
{
  tar_put (tar, tar_entry (name, S_IFREG | 0644), text, strlen (text));
}

static inline void
tar_dir (Tar *tar, const char *name, mode_t mode)
{
  tar_put (tar, tar_entry (name, S_IFDIR | mode), NULL, 0);
}

static inline void
tar_symlink (Tar *tar, const char *name, const char *target)
{
  struct archive_entry *entry = tar_entry (name, S_IFLNK | 0777);
  archive_entry_set_symlink (entry, target);
  tar_put (tar, entry, NULL, 0);
}

static inline void
tar_hardlink (Tar *tar, const char *name, const char *target)
{
  struct archive_entry *entry = tar_entry (name, S_IFREG | 0644);
  archive_entry_set_hardlink (entry, target);
  archive_entry_set_size (entry, 0);
  tar_put (tar, entry, NULL, 0);
}

/* tar_end: the bytes; free with g_byte_array_unref. */
static inline GByteArray *
tar_end (Tar *tar)
{
  g_assert_cmpint (archive_write_close (tar->archive), ==, ARCHIVE_OK);
  archive_write_free (tar->archive);
  return g_steal_pointer (&tar->bytes);
}
