/* fd: owning and moving file descriptors. Everything made here is close-on-exec. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

/* cleanup_fd: a local variable that closes its descriptor when it leaves scope. Initialise it, to -1 if need be. */
void fd_cleanup (int *fd);
#define cleanup_fd __attribute__ ((cleanup (fd_cleanup)))

/* fd_close: close @fd if it is not negative, once, whatever close says: on Linux the descriptor is gone even after EINTR, and a
 * second try may close a stranger's. Leaves errno alone. */
void fd_close (int fd);

/* fd_steal: hand over ownership: returns *@fd and leaves -1 there. */
int fd_steal (int *fd);

/* fd_write_all: write all of @data, through short writes and EINTR. Returns 0 or -errno. Async-signal-safe. */
int fd_write_all (int fd, const void *data, size_t size);

/* fd_read_all: read until @size bytes or end of file. Returns the number of bytes read or -errno. Async-signal-safe. */
ssize_t fd_read_all (int fd, void *data, size_t size);

/* fd_read_file: the whole of a regular file or pipe behind @fd, at most @limit bytes (more is an error, INVALID), with a NUL
 * added that @ret_size does not count. @ret_data: free with g_free. */
gboolean fd_read_file (int fd, size_t limit, char **ret_data, size_t *ret_size, GError **error);

/* fd_send, fd_recv: pass one descriptor over a unix socket, with one byte of data. Return 0 (fd_recv: the descriptor) or -errno;
 * fd_recv gives -ENODATA at end of file and -EBADMSG when a message carries no descriptor. Async-signal-safe. Source: unix(7) SCM_RIGHTS. */
int fd_send (int socket, int fd);
int fd_recv (int socket);
/* fd_send_with, fd_recv_with: the same with @size bytes of data of the caller's, one message on a SEQPACKET or DGRAM socket. */
int fd_send_with (int socket, int fd, const void *bytes, size_t size);
int fd_recv_with (int socket, void *bytes, size_t size);

/* fd_memfd: an anonymous file holding @data, sealed against change, at offset 0. Returns the descriptor or -errno. */
int fd_memfd (const char *name, const void *data, size_t size);
