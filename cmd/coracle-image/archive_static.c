/* For libarchive.a, of versions 3.6 to 3.8: its writer of pax archives takes one function from the file that has the table of all formats, and through that table come xar, and with it
 * libxml2, ICU and libstdc++. With a function of that name here the table stays out. With the shared library nobody asks for it. Another version of the archive that wants more
 * of that file fails to link, with two of these: STATIC= does without archives. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

// NOLINTNEXTLINE(bugprone-reserved-identifier): libarchive's own name
void __archive_write_entry_filetype_unsupported (struct archive *archive, struct archive_entry *entry, const char *format);

// NOLINTNEXTLINE(bugprone-reserved-identifier)
void
__archive_write_entry_filetype_unsupported (struct archive *archive, struct archive_entry *entry, const char *format)
{
  archive_set_error (archive, EILSEQ, "%s: the %s format has no files of this kind", archive_entry_pathname (entry), format);
}
