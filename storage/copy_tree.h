/* copy_tree: files from one folder to another, of which either may belong to somebody hostile who changes it meanwhile.
 *
 * Everything is done by descriptors of folders and single names: no link is followed on either side, what is opened is looked at after it was opened, and what is written is
 * a new file. So nothing is read or written outside of the two folders given, whatever is swapped for what. Hard links within the tree stay hard links, holes stay holes.
 * Devices, sockets and what lies on another filesystem made of the kernel's data (/proc, /sys below a copied "/") are left out. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  gboolean give;          /* to @uid and @gid; else the owners are kept */
  uid_t uid;
  gid_t gid;
  gboolean overwrite;     /* a folder may take the place of what is none, and the reverse */
  gboolean devices;       /* try to make device nodes (real root, within containers); else they are left out */
  guint64 unreadable;     /* out: files and folders that may not be read, left out */
} CopyOptions;

/* copy_entry: @name of @from_dir (of any kind) as @to_name of @to_dir; "." for the folder itself is not meant. A folder that is there is filled up and gets owner, mode and time of the
 * other, a file is replaced.
 * Errors: NOT_FOUND, EXISTS a folder where a file goes, or the reverse, without @overwrite; UNSUPPORTED a device or socket; NO_SPACE; SYSTEM; all name the path. */
gboolean copy_entry (int from_dir, const char *name, int to_dir, const char *to_name, CopyOptions *options, GError **error);

/* copy_content: what is in the folder @from_fd (readable) into the folder @to_fd, which itself stays as it is. */
gboolean copy_content (int from_fd, int to_fd, CopyOptions *options, GError **error);
