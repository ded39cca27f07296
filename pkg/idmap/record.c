#include "pkg/idmap/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/fd.h"

#define RECORD_LIMIT 65536   /* read no more of it */
#define RECORD_LONG 4096     /* shorten it from here on: each command that enters adds a line of some 20 bytes */

void
record_live_clear (RecordLive *live)
{
  fd_close (fd_steal (&live->fd));
  idmap_free (g_steal_pointer (&live->map));
}

int
record_lock (int fd)
{
  int r;
  do
    r = flock (fd, LOCK_EX);
  while (r < 0 && errno == EINTR);
  return r < 0 ? -errno : 0;
}

void
record_unlock (int fd)
{
  (void) flock (fd, LOCK_UN);
}

int
record_open (const char *run_root, gboolean single, gboolean create)
{
  g_autofree char *path = g_build_filename (run_root, single ? "userns.single" : "userns", NULL);
  cleanup_fd int fd = open (path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
  if (fd < 0)
    return -errno;
  int r = record_lock (fd);
  return r < 0 ? r : fd_steal (&fd);
}

/* the text of a small file; NULL if it cannot be read */
static char *
text_read (const char *path)
{
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  char buffer[16384];
  ssize_t n = fd < 0 ? -1 : fd_read_all (fd, buffer, sizeof buffer - 1);
  return n < 0 ? NULL : g_strndup (buffer, (size_t) n);
}

static gboolean
map_read (pid_t pid, IdMap *ret_map)
{
  char path[64];
  g_snprintf (path, sizeof path, "/proc/%d/uid_map", (int) pid);
  g_autofree char *uids = text_read (path);
  g_snprintf (path, sizeof path, "/proc/%d/gid_map", (int) pid);
  g_autofree char *gids = text_read (path);
  if (uids == NULL || gids == NULL)
    return FALSE;
  ret_map->n_uids = idmap_parse (uids, &ret_map->uids);
  ret_map->n_gids = idmap_parse (gids, &ret_map->gids);
  return ret_map->n_uids > 0 && ret_map->n_gids > 0;
}

/* Is @pid still in the namespace @inode, and is that one that we may share: ours, of the wanted kind? */
static gboolean
pid_try (pid_t pid, ino_t inode, gboolean single, RecordLive *ret_live)
{
  char path[64];
  g_snprintf (path, sizeof path, "/proc/%d/ns/user", (int) pid);
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  uid_t owner;
  if (fd < 0 || fstat (fd, &st) < 0 || st.st_ino != inode || ioctl (fd, NS_GET_OWNER_UID, &owner) < 0 || owner != geteuid ())
    return FALSE;
  /* the dead that nobody has reaped still show their user namespace, but no other */
  g_snprintf (path, sizeof path, "/proc/%d/ns/mnt", (int) pid);
  if (access (path, F_OK) < 0)
    return FALSE;
  g_autoptr (IdMap) map = g_new0 (IdMap, 1);
  uint32_t outside;
  /* the descriptor keeps the namespace, but the pid may be a stranger by now: a wrong map shows in its first line */
  if (!map_read (pid, map) || !idmap_outside (map->uids, map->n_uids, 0, &outside) || outside != geteuid ())
    return FALSE;
  gboolean is_single = idmap_max_mapped (map->uids, map->n_uids) == 0;
  if (is_single != single)
    return FALSE;
  map->mode = single ? IDMAP_SINGLE : IDMAP_RANGE;
  *ret_live = (RecordLive){ .fd = fd_steal (&fd), .inode = inode, .map = g_steal_pointer (&map) };
  return TRUE;
}

static gboolean
line_parse (const char *text, pid_t *ret_pid, ino_t *ret_inode)
{
  int pid;
  unsigned long long inode;
  if (sscanf (text, "%d %llu", &pid, &inode) != 2 || pid <= 0 || inode == 0)
    return FALSE;
  *ret_pid = pid;
  *ret_inode = (ino_t) inode;
  return TRUE;
}

static char *
record_read (int fd)
{
  char *text = g_malloc (RECORD_LIMIT + 1);
  ssize_t n = pread (fd, text, RECORD_LIMIT, 0);
  text[n < 0 ? 0 : n] = '\0';
  return text;
}

/* cut the last line off @text and return it; NULL when nothing is left */
static char *
line_pop (char *text)
{
  size_t length = strlen (text);
  while (length > 0 && text[length - 1] == '\n')
    text[--length] = '\0';
  if (length == 0)
    return NULL;
  char *before = strrchr (text, '\n');
  if (before == NULL)
    {
      char *line = g_strdup (text);
      text[0] = '\0';
      return line;
    }
  char *line = g_strdup (before + 1);
  before[1] = '\0';
  return line;
}

/* keep only the lines of live processes. The shorter text is written over the longer one before the rest is cut off: killed between the two, the
 * tail is old lines that are checked like any */
static void
record_shorten (int fd, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) kept = g_string_new (NULL);
  for (char **line = lines; *line != NULL; line++)
    {
      pid_t pid;
      ino_t inode;
      char path[64];
      struct stat st;
      if (!line_parse (*line, &pid, &inode))
        continue;
      g_snprintf (path, sizeof path, "/proc/%d/ns/user", (int) pid);
      if (stat (path, &st) == 0 && st.st_ino == inode)
        g_string_append_printf (kept, "%s\n", *line);
    }
  /* on a descriptor with O_APPEND pwrite appends, whatever its offset: pwrite(2), BUGS */
  char path[64];
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  cleanup_fd int plain = open (path, O_WRONLY | O_CLOEXEC);
  if (plain >= 0 && fd_write_all (plain, kept->str, kept->len) == 0)
    (void) ftruncate (plain, (off_t) kept->len);
}

static gboolean
find_monitor (int fd, const char *run_root, gboolean single, RecordLive *ret_live)
{
  DIR *dir = opendir (run_root);
  if (dir == NULL)
    return FALSE;
  gboolean found = FALSE;
  struct dirent *entry;
  while (!found && (entry = readdir (dir)) != NULL)
    {
      if (entry->d_name[0] == '.' || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
        continue;
      g_autofree char *path = g_build_filename (run_root, entry->d_name, "monitor.pid", NULL);
      g_autofree char *text = text_read (path);
      pid_t pid;
      ino_t inode;
      found = text != NULL && line_parse (text, &pid, &inode) && pid_try (pid, inode, single, ret_live);
      if (found)
        (void) record_add (fd, pid, inode);
    }
  closedir (dir);
  return found;
}

gboolean
record_find (int fd, const char *run_root, gboolean single, RecordLive *ret_live)
{
  g_autofree char *text = record_read (fd);
  if (strlen (text) >= RECORD_LONG)
    {
      record_shorten (fd, text);
      g_free (text);
      text = record_read (fd);
    }
  ino_t newest = record_newest (fd);
  size_t whole = strlen (text);
  for (;;)
    {
      g_autofree char *line = line_pop (text);
      if (line == NULL)
        break;
      pid_t pid;
      ino_t inode;
      if (!line_parse (line, &pid, &inode) || !pid_try (pid, inode, single, ret_live))
        continue;
      /* what stands behind it is dead: the next command need not ask again. This one is now the last line, which tells the namespace (record_newest) */
      size_t living = strlen (text) + strlen (line) + 1;
      if (living < whole)
        (void) ftruncate (fd, (off_t) living);
      return TRUE;
    }
  /* all of them are dead: the next command need not ask again */
  if (newest != 0)
    (void) ftruncate (fd, 0);
  return find_monitor (fd, run_root, single, ret_live);
}

ino_t
record_newest (int fd)
{
  g_autofree char *text = record_read (fd);
  g_autofree char *line = line_pop (text);
  pid_t pid;
  ino_t inode;
  return line != NULL && line_parse (line, &pid, &inode) ? inode : 0;
}

int
record_add (int fd, pid_t pid, ino_t inode)
{
  char line[48];
  int n = g_snprintf (line, sizeof line, "%d %llu\n", (int) pid, (unsigned long long) inode);
  return fd_write_all (fd, line, (size_t) n);
}
