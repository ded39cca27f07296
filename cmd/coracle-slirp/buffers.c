#include "buffers.h"

#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
  LARGE = 32768,            /* what is smaller is the C library's */
  SLOT = 192 * 1024,        /* 128 KiB, and up to a largest segment more: tcp_mss of libslirp */
  STEP = 64,                /* slots made usable at a time */
  PER_CONNECTION = 3,       /* both buffers, and the packet that began it */
  SPARE = 256,
  DESCRIPTORS = 65536,
};

static struct {
  uint8_t *base;            /* NULL: there is none */
  uint32_t most, usable, fresh, used;
  uint32_t free;            /* number of the first + 1; 0 = none */
  uint32_t *next;           /* of each that is free */
  uint32_t newest[2];       /* numbers of the last two + 1 */
} pool;
/* of a connection by its socket's number: to be sent to the guest, and come from it; + 1 */
static uint32_t (*of_socket)[2];

void
buffers_init (size_t connections)
{
  const size_t most = connections * PER_CONNECTION + SPARE;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *tables = mmap (NULL, most * sizeof *pool.next + DESCRIPTORS * sizeof *of_socket, PROT_READ | PROT_WRITE, flags, -1, 0);
  void *base = sizeof (void *) >= 8 && tables != MAP_FAILED ? mmap (NULL, most * SLOT, PROT_NONE, flags, -1, 0) : MAP_FAILED;
  if (base == MAP_FAILED)
    return;
  /* one byte written must not take two megabytes */
  (void) madvise (base, most * SLOT, MADV_NOHUGEPAGE);
  pool.most = (uint32_t) most;
  of_socket = tables;
  pool.next = (uint32_t *) (of_socket + DESCRIPTORS);
  pool.base = base;
}

static uint8_t *
slot (uint32_t number)
{
  return pool.base + (size_t) number * SLOT;
}

static gboolean
is_ours (const void *at)
{
  return pool.base != NULL && (const uint8_t *) at >= pool.base && (const uint8_t *) at < pool.base + (size_t) pool.most * SLOT;
}

static gboolean
more (void)
{
  const uint32_t step = MIN (STEP, pool.most - pool.usable);
  if (step == 0 || mprotect (slot (pool.usable), (size_t) step * SLOT, PROT_READ | PROT_WRITE) < 0)
    return FALSE;
  pool.usable += step;
  return TRUE;
}

/* take: NULL: all are in use, or the kernel has no more. */
static void *
take (void)
{
  uint32_t number = pool.free;
  if (number > 0)
    pool.free = pool.next[number - 1];
  else if (pool.fresh < pool.usable || more ())
    number = ++pool.fresh;
  else
    {
      /* whose comes from elsewhere is not known by its number */
      memset (pool.newest, 0, sizeof pool.newest);
      return NULL;
    }
  pool.used++;
  pool.newest[0] = pool.newest[1];
  pool.newest[1] = number;
  return slot (number - 1);
}

static void
give_back (void *at)
{
  const uint32_t number = (uint32_t) ((size_t) ((uint8_t *) at - pool.base) / SLOT);
  (void) madvise (at, SLOT, MADV_DONTNEED);
  pool.next[number] = pool.free;
  pool.free = number + 1;
  pool.used--;
}

/* ---- what libslirp calls */

static void *
allocate (size_t size)
{
  void *at = pool.base != NULL && size >= LARGE && size <= SLOT ? take () : NULL;
  if (at == NULL)
    at = malloc (size);
  if (at == NULL)
    abort ();
  return at;
}

#undef g_free

gpointer
g_malloc (gsize size)
{
  return size > 0 ? allocate (size) : NULL;
}

void
g_free (gpointer at)
{
  if (is_ours (at))
    give_back (at);
  else
    free (at);
}

gpointer
g_realloc (gpointer at, gsize size)
{
  if (at == NULL)
    return g_malloc (size);
  if (!is_ours (at))
    {
      void *new = realloc (at, MAX (size, 1));
      if (new == NULL)
        abort ();
      return new;
    }
  if (size <= SLOT)
    return at;
  void *new = malloc (size);
  if (new == NULL)
    abort ();
  memcpy (new, at, SLOT);
  give_back (at);
  return new;
}

/* ---- what they hold */

void
buffers_opened (int fd)
{
  if (pool.base != NULL && fd >= 0 && fd < DESCRIPTORS)
    memcpy (of_socket[fd], pool.newest, sizeof pool.newest);
}

size_t
buffers_held (size_t least)
{
  static unsigned char resident[STEP * SLOT / 4096];
  const size_t page = (size_t) getpagesize ();
  size_t n = 0;
  if (pool.base == NULL || (size_t) pool.used * SLOT <= least)
    return 0;
  for (uint32_t i = 0; i < pool.usable; i += STEP)
    {
      const size_t size = MIN (STEP, pool.usable - i) * (size_t) SLOT;
      if (mincore (slot (i), size, resident) == 0)
        for (size_t k = 0; k < size / page; k++)
          n += resident[k] & 1;
    }
  return n * page;
}

void
buffers_release (Slirp *slirp)
{
  /* a line for each, with the socket's number, and how much waits for either side: libslirp's own words, the only way to hear of it */
  g_autofree char *told = pool.base != NULL ? slirp_connection_info (slirp) : NULL;
  for (const char *line = told; line != NULL && *line != '\0'; line = strchr (line, '\n'), line = line != NULL ? line + 1 : NULL)
    {
      int fd, from_guest, to_guest;
      if (strncmp (line, "  TCP[", 6) != 0 || sscanf (line, "%*s %d %*s %*d %*s %*d %d %d", &fd, &from_guest, &to_guest) != 3)
        continue;
      for (size_t i = 0; i < 2 && fd >= 0 && fd < DESCRIPTORS && from_guest == 0 && to_guest == 0; i++)
        if (of_socket[fd][i] > 0)
          (void) madvise (slot (of_socket[fd][i] - 1), SLOT, MADV_DONTNEED);
    }
}
