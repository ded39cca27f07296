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

/* rotate: only who holds the lock of a file that is still at its path renames it, so none is ever renamed over a newer one. */
static void
rotate (int fd, const char *path)
{
  struct stat mine, there;
  if (flock (fd, LOCK_EX | LOCK_NB) < 0 || fstat (fd, &mine) < 0 || lstat (path, &there) < 0 || mine.st_ino != there.st_ino || mine.st_dev != there.st_dev)
    return;
  g_autofree char *old = g_strconcat (path, ".1", NULL);
  (void) rename (path, old);
}

static void
append_line (const char *run_root, const Event *event)
{
  g_autofree char *path = events_path (run_root);
  g_autoptr (GString) line = event_line (event);
  cleanup_fd int fd = open_log (path);
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
    return;
  /* half a line, when the disk is full, must not spoil the next one */
  ssize_t n = write (fd, line->str, line->len);
  if (n >= 0 && (gsize) n < line->len)
    (void) write (fd, "\n", 1);
  guint64 limit = events_max_size ();
  if (limit > 0 && (guint64) st.st_size + line->len >= limit)
    rotate (fd, path);
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

void
event_write (const char *root, const char *run_root, const Event *event)
{
  Event stamped = *event;
  if (stamped.time == 0)
    stamped.time = now_ns ();
  switch (events_backend ())
    {
    case EVENTS_NONE:
      return;
    case EVENTS_JOURNALD:
      send_journal (root, &stamped);
      return;
    case EVENTS_FILE:
      append_line (run_root, &stamped);
      return;
    }
}

void
event_write_container (const char *root, const char *run_root, StateContainer *row, const char *status)
{
  if (events_backend () == EVENTS_NONE)
    return;
  state_container_read_config (row);
  gboolean ended = strcmp (status, "died") == 0 || (strcmp (status, "remove") == 0 && row->started > 0);
  Event event = { .type = "container", .status = status, .id = row->id, .name = row->name, .image = row->image_name,
                  .attributes = json_object_get (row->config, "labels"), .has_exit_code = ended, .exit_code = row->exit_code };
  event_write (root, run_root, &event);
}
