/* copy_data: the bytes of one file into another. */
#pragma once

#include <sys/types.h>

/* copy_data: from @from to @to, which is empty: shared with it where the filesystem can (FICLONE), else moved in the kernel; holes stay holes. @size: what stat says; a file that
 * says 0 and has data all the same (/proc) is read to its end. Returns 0 or -errno.
 * Source: ioctl_ficlone(2), copy_file_range(2), lseek(2) SEEK_HOLE. */
int copy_data (int from, int to, off_t size);
