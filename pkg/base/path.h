/* path: paths relative to a folder's descriptor, with the lookup policy in the function's name. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* path_open_in_root: open @path as if @root_fd were "/": absolute links and ".." stay inside. For paths from an image or from a user about a
 * container. Adds O_CLOEXEC. Returns the descriptor or -errno; async-signal-safe.
 * Source: openat2(2) RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS. There is no fallback: a kernel without openat2 (before 5.6) gives -ENOSYS. */
int path_open_in_root (int root_fd, const char *path, int flags, mode_t mode);

/* path_open_beneath: the same, but ".." above @root_fd and absolute paths or links are errors (-EXDEV). For archives' members.
 * Source: openat2(2) RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS. */
int path_open_beneath (int root_fd, const char *path, int flags, mode_t mode);

/* path_mkdirs_in_root: make the folder @path and its missing parents (mode @mode) as path_open_in_root would look them up; links to
 * folders are followed inside the root, a dangling link's target is created inside the root. Returns an O_PATH descriptor of the last or -errno. Async-signal-safe. */
int path_mkdirs_in_root (int root_fd, const char *path, mode_t mode);

/* path_mkdirs: mkdir -p for our own absolute path; mode for what is made. Existing folders are left as they are. */
gboolean path_mkdirs (const char *path, mode_t mode, GError **error);

/* path_list: the names in the folder @dir_fd, without "." and "..", in no order; free with g_ptr_array_unref. NULL: *@ret_errno says why. */
GPtrArray *path_list (int dir_fd, int *ret_errno);
/* path_list_named: the same of the folder @path. Not g_dir_open: where there is none, GLib words an error that nobody reads, which loads the character set converters. */
GPtrArray *path_list_named (const char *path, int *ret_errno);

/* path_remove_tree: remove @name below @dir_fd with all it holds, never following a link nor crossing into another mount;
 * what is missing already is success. Makes folders writable to itself first. Returns 0 or -errno (the first error; it goes on). */
int path_remove_tree (int dir_fd, const char *name);

/* path_write_file: replace @name below @dir_fd by a rename, so that readers see the old or the new and a power cut leaves one
 * of them: writes "@name.tmp-PID", fsyncs if @sync, renames. Returns 0 or -errno. */
int path_write_file (int dir_fd, const char *name, const void *data, size_t size, mode_t mode, gboolean sync);

/* path_read_file: the whole of @path (relative to @dir_fd, AT_FDCWD allowed), at most @limit bytes, NUL-terminated; free with g_free. */
gboolean path_read_file (int dir_fd, const char *path, size_t limit, char **ret_data, size_t *ret_size, GError **error);
