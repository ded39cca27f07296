/* buffers: where libslirp's large pieces of memory come from: two buffers of 128 KiB for each TCP connection and one of a packet's size for each that is being made. They lie apart from all
 * else, each from a page's beginning, so that one that nobody has written to takes no memory, and one that is empty again can give back what it took. What a guest makes libslirp hold can
 * so be told, and bounded: libslirp itself knows no end.
 *
 * They are had by being g_malloc, g_realloc and g_free for libslirp, whose calls the dynamic linker binds to the program first. Where it does not, or the address space is limited, they come
 * from the C library, buffers_held is 0, and nothing else changes.
 *
 * One thread. */
#pragma once

#include <libslirp.h>
#include <stddef.h>

/* buffers_init: before libslirp allocates. @connections: how many it may have at a time. */
void buffers_init (size_t connections);

/* buffers_opened: the connection begun last has the socket @fd: SlirpCb.register_poll_fd. */
void buffers_opened (int fd);

/* buffers_held: bytes that the buffers take. It asks the kernel, a page table's walk; 0, at once, while they could not be more than @least. */
size_t buffers_held (size_t least);

/* buffers_release: those of connections that have nothing on its way, in either direction, give back what they took. */
void buffers_release (Slirp *slirp);
