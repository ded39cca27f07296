#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/events/event.h"
#include "pkg/json/json.h"

/* What of a log may be kept when it is shortened */
#define HALF_MAX ((off_t) 64 << 20)
/* How often, each time after a millisecond, a log is tried that somebody has */
#define PATIENCE 200
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static gint64
now_ns (void)
{
  struct timespec now;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- the file */

static int
open_log (const char *path)
{
  const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
  int fd = open (path, flags, 0600);
  if (fd >= 0 || errno != ENOENT)
    return fd;
  g_autofree char *folder = g_path_get_dirname (path);
  return g_mkdir_with_parents (folder, 0700) == 0 ? open (path, flags, 0600) : -1;
}

static gboolean
is_at (const char *path, const struct stat *mine)
{
  struct stat there;
  return lstat (path, &there) == 0 && mine->st_ino == there.st_ino && mine->st_dev == there.st_dev;
}

/* open_locked: the log that is at @path now, which nobody replaces while we write. Who replaces it has it for a moment;
 * one that is stopped in that moment keeps nobody for long. */
static int
open_locked (const char *path, struct stat *ret_st)
{
  for (int attempt = 0;; attempt++)
    {
      cleanup_fd int fd = open_log (path);
      if (fd < 0 || fstat (fd, ret_st) < 0 || !S_ISREG (ret_st->st_mode))
        return -1;
      gboolean busy = flock (fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
      if ((!busy && is_at (path, ret_st)) || attempt == PATIENCE)
        return fd_steal (&fd);
      if (busy)
        g_usleep (1000);
    }
}

static gboolean
write_all (int fd, const char *bytes, size_t size)
{
  while (size > 0)
    {
      ssize_t n = write (fd, bytes, size);
      if (n < 0 && errno != EINTR)
        return FALSE;
      bytes += MAX (n, 0);
      size -= (size_t) MAX (n, 0);
    }
  return TRUE;
}

static gboolean
write_mark (int fd, const char *path, const char *word)
{
  json_auto_t *attributes = json_pack ("{s:s}", EVENTS_ROTATE_KEY, word);
  const Event event = { .type = "system", .status = EVENTS_ROTATE_STATUS, .name = path, .time = now_ns (), .attributes = attributes };
  g_autoptr (GString) line = event_line (&event);
  return write_all (fd, line->str, line->len);
}

/* read_half: the second half of @path, or the end of it that we are willing to hold. */
static char *
read_half (const char *path, off_t size, size_t *ret_size)
{
  off_t from = MAX (size / 2, size - HALF_MAX);
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
  g_autofree char *half = g_malloc ((gsize) (size - from) + 1);
  size_t n = 0;
  while (fd >= 0 && n < (size_t) (size - from))
    {
      ssize_t r = pread (fd, half + n, (size_t) (size - from) - n, from + (off_t) n);
      if (r <= 0)
        return NULL;
      n += (size_t) r;
    }
  *ret_size = n;
  return fd >= 0 ? g_steal_pointer (&half) : NULL;
}

/* copy_half: the whole lines of the second half of @path, without the marks that an earlier time left there: who follows looks for the first "end". */
static gboolean
copy_half (int to, const char *path, off_t size)
{
  static const char mark[] = "\"Status\":\"" EVENTS_ROTATE_STATUS "\"";
  size_t n = 0;
  g_autofree char *half = read_half (path, size, &n);
  g_autoptr (GString) kept = g_string_sized_new (n);
  if (half == NULL)
    return FALSE;
  const char *end = half + n, *at = memchr (half, '\n', n);
  for (at = at != NULL ? at + 1 : end; at < end;)
    {
      const char *next = memchr (at, '\n', (size_t) (end - at));
      next = next != NULL ? next + 1 : end;
      if (g_strstr_len (at, next - at, mark) == NULL)
        g_string_append_len (kept, at, next - at);
      at = next;
    }
  return write_all (to, kept->str, kept->len);
}

/* rotate: as Podman: the newer half stays, between two events that say so, in a new file at the same path. Not done when somebody writes just now: the next one will. */
static void
rotate (int fd, const char *path)
{
  struct stat st;
  if (flock (fd, LOCK_EX | LOCK_NB) < 0 || fstat (fd, &st) < 0 || !is_at (path, &st))
    return;
  g_autofree char *fresh = g_strconcat (path, ".new", NULL);
  cleanup_fd int to = open (fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (to < 0 || !write_mark (to, path, "begin") || !copy_half (to, path, st.st_size) || !write_mark (to, path, "end") || rename (fresh, path) < 0)
    (void) unlink (fresh);
}

static void
append_lines (const char *run_root, const GString *lines)
{
  g_autofree char *path = events_path (run_root);
  guint64 limit = events_max_size ();
  struct stat st;
  cleanup_fd int fd = open_locked (path, &st);
  if (fd >= 0 && limit > 0 && (guint64) st.st_size >= limit)
    {
      rotate (fd, path);
      fd_close (fd_steal (&fd));
      fd = open_locked (path, &st);
    }
  if (fd < 0)
    return;
  /* half a line, when the disk is full, must not spoil the next one */
  ssize_t n = write (fd, lines->str, lines->len);
  if (n >= 0 && (gsize) n < lines->len)
    (void) write (fd, "\n", 1);
}

/* ---- the journal */

static void
send_journal (const char *root, const Event *event)
{
  static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
  g_autoptr (GString) text = event_datagram (root, event);
  cleanup_fd int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || sendto (fd, text->str, text->len, MSG_NOSIGNAL, (const struct sockaddr *) &address, sizeof address) >= 0 || (errno != EMSGSIZE && errno != ENOBUFS))
    return;
  /* what is too long for a datagram goes as a sealed file: systemd's native journal protocol */
  cleanup_fd int file = fd_memfd ("event", text->str, text->len);
  union { struct cmsghdr header; char space[CMSG_SPACE (sizeof (int))]; } control = { 0 };
  struct msghdr message = { .msg_name = (void *) (guintptr) &address, .msg_namelen = sizeof address, .msg_control = &control, .msg_controllen = sizeof control };
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  if (file < 0)
    return;
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (header), &file, sizeof file);
  (void) sendmsg (fd, &message, MSG_NOSIGNAL);
}

/* ---- */

/* write_events: @n of them at once. */
static void
write_events (const char *root, const char *run_root, Event *events, size_t n)
{
  EventsBackend backend = events_backend ();
  if (backend == EVENTS_NONE)
    return;
  g_autoptr (GString) lines = g_string_new (NULL);
  for (size_t i = 0; i < n; i++)
    {
      if (events[i].time == 0)
        events[i].time = now_ns ();
      if (backend == EVENTS_JOURNALD)
        {
          send_journal (root, &events[i]);
          continue;
        }
      g_autoptr (GString) line = event_line (&events[i]);
      g_string_append_len (lines, line->str, (gssize) line->len);
    }
  if (lines->len > 0)
    append_lines (run_root, lines);
}

void
event_write (const char *root, const char *run_root, const Event *event)
{
  Event copy = *event;
  write_events (root, run_root, &copy, 1);
}

void
event_write_container (const char *root, const char *run_root, StateContainer *row, const char *statuses)
{
  enum { MAX = 8 };
  Event events[MAX];
  size_t n = 0;
  if (events_backend () == EVENTS_NONE)
    return;
  state_container_read_config (row);
  g_auto (GStrv) words = g_strsplit (statuses, " ", MAX);
  for (; words[n] != NULL; n++)
    {
      gboolean ended = strcmp (words[n], "died") == 0 || (strcmp (words[n], "remove") == 0 && row->started > 0);
      events[n] = (Event){ .type = "container", .status = words[n], .id = row->id, .name = row->name, .image = row->image_name,
                           .attributes = json_object_get (row->config, "labels"), .has_exit_code = ended, .exit_code = row->exit_code };
    }
  write_events (root, run_root, events, n);
}
