/* The index of SQLite's log, kept from one process to the next: when it may be trusted, and that what it leads to is right, also after processes that were killed. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/state/state.h"
#include "pkg/state/wal_index.h"

#define MARK "user.coracle.index"

typedef struct {
  char *root, *database, *log, *index;
} Fixture;

/* put: a container's row, as a process of its own, which ends without closing anything if it is to @die. */
static void
put (const Fixture *f, int number, gboolean die)
{
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      g_autofree char *id = g_strdup_printf ("%064x", number), *name = g_strdup_printf ("c%d", number);
      g_autoptr (State) state = state_open (f->root, FALSE, NULL);
      StateContainer row = { .id = id, .name = name, .status = (char *) "created", .config = json_object () };
      gboolean ok = state != NULL && state_container_insert (state, &row, NULL);
      if (die)
        (void) kill (getpid (), SIGKILL);
      json_decref (row.config);
      g_clear_pointer (&state, state_free);
      _exit (ok ? 0 : 1);
    }
  int status;
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (die ? WIFSIGNALED (status) : WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

static gboolean
is_trusted (const Fixture *f)
{
  int fd = wal_index_vouch (f->root);
  gboolean trusted = fd >= 0;
  fd_close (fd);
  return trusted;
}

/* check_rows: as a new process sees it: rows 1 to @n. */
static void
check_rows (const Fixture *f, int n)
{
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      g_autoptr (State) state = state_open (f->root, FALSE, NULL);
      for (int i = 1; i <= n; i++)
        {
          g_autofree char *id = g_strdup_printf ("%064x", i);
          g_autoptr (StateContainer) row = state != NULL ? state_container_find (state, id, NULL) : NULL;
          if (row == NULL)
            _exit (i);
        }
      _exit (0);
    }
  int status;
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

static void
setup (Fixture *f, const void *data)
{
  (void) data;
  f->root = g_dir_make_tmp ("coracle-test-XXXXXX", NULL);
  f->database = g_strconcat (f->root, "/state.db", NULL);
  f->log = g_strconcat (f->root, "/state.db-wal", NULL);
  f->index = g_strconcat (f->root, "/state.db-shm", NULL);
  put (f, 1, FALSE);
  put (f, 2, FALSE);
}

static void
teardown (Fixture *f, const void *data)
{
  (void) data;
  g_assert_cmpint (path_remove_tree (AT_FDCWD, f->root), ==, 0);
  g_free (f->root);
  g_free (f->database);
  g_free (f->log);
  g_free (f->index);
}

static void
test_trusted (Fixture *f, const void *data)
{
  (void) data;
  g_assert_true (is_trusted (f));
  /* what a killed process left is as good: SQLite goes on beside processes that die */
  put (f, 3, TRUE);
  g_assert_true (is_trusted (f));
  put (f, 4, FALSE);
  g_assert_true (is_trusted (f));
  check_rows (f, 4);
}

static void
test_other_boot (Fixture *f, const void *data)
{
  char mark[256];
  (void) data;
  ssize_t n = getxattr (f->index, MARK, mark, sizeof mark);
  g_assert_cmpint (n, >, 0);
  mark[0] = mark[0] == '0' ? '1' : '0';
  g_assert_cmpint (setxattr (f->index, MARK, mark, (size_t) n, 0), ==, 0);
  g_assert_false (is_trusted (f));
  put (f, 3, FALSE);
  g_assert_true (is_trusted (f));
  check_rows (f, 3);
}

/* replace: @path by a copy of itself, with its attributes: another inode. */
static void
replace (const char *path)
{
  g_autofree char *copy = g_strconcat (path, ".copy", NULL), *text = NULL;
  gsize size;
  char mark[256];
  g_assert_true (g_file_get_contents (path, &text, &size, NULL));
  g_assert_true (g_file_set_contents (copy, text, (gssize) size, NULL));
  ssize_t n = getxattr (path, MARK, mark, sizeof mark);
  if (n > 0)
    g_assert_cmpint (setxattr (copy, MARK, mark, (size_t) n, 0), ==, 0);
  g_assert_cmpint (rename (copy, path), ==, 0);
}

static void
test_copies (Fixture *f, const void *data)
{
  (void) data;
  const char *files[] = { f->index, f->log, f->database };
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_assert_true (is_trusted (f));
      replace (files[i]);
      g_assert_false (is_trusted (f));
      put (f, 3 + (int) i, FALSE);
    }
  check_rows (f, 5);
}

static void
overwrite (const char *path, off_t at, const void *bytes, size_t size)
{
  cleanup_fd int fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, bytes, size, at), ==, (gssize) size);
}

/* an older log put back in place: same inode, other contents */
static void
test_older_log (Fixture *f, const void *data)
{
  g_autofree char *text = NULL;
  gsize size;
  (void) data;
  g_assert_true (g_file_get_contents (f->log, &text, &size, NULL));
  put (f, 3, FALSE);
  g_assert_cmpint (truncate (f->log, (off_t) size), ==, 0);
  g_assert_false (is_trusted (f));
  check_rows (f, 2);
}

static void
test_other_log (Fixture *f, const void *data)
{
  (void) data;
  /* the salts, then the sum of the last frame */
  struct stat st;
  g_assert_true (is_trusted (f));
  overwrite (f->log, 16, "saltsalt", 8);
  g_assert_false (is_trusted (f));
  check_rows (f, 0);
  put (f, 7, FALSE);
  g_assert_true (is_trusted (f));
  g_assert_cmpint (stat (f->log, &st), ==, 0);
  guint8 header[48];
  cleanup_fd int fd = open (f->index, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (pread (fd, header, sizeof header, 0), ==, sizeof header);
  guint32 frames;
  memcpy (&frames, header + 16, sizeof frames);
  g_assert_cmpuint (frames, >, 0);
  overwrite (f->log, 32 + (off_t) (frames - 1) * (24 + 1024) + 16, "sumsum!!", 8);
  g_assert_false (is_trusted (f));
}

static void
test_torn_index (Fixture *f, const void *data)
{
  (void) data;
  g_assert_cmpint (truncate (f->index, 3), ==, 0);
  g_assert_false (is_trusted (f));
  put (f, 3, FALSE);
  check_rows (f, 3);
  g_assert_cmpint (unlink (f->log), ==, 0);
  g_assert_false (is_trusted (f));
}

/* many processes, some killed at any moment: no row that was written is lost, and the database is whole */
static void
test_storm (Fixture *f, const void *data)
{
  enum { PROCESSES = 60 };
  pid_t pids[PROCESSES];
  (void) data;
  for (int i = 0; i < PROCESSES; i++)
    {
      pids[i] = fork ();
      g_assert_cmpint (pids[i], >=, 0);
      if (pids[i] == 0)
        {
          put (f, 100 + i, i % 3 == 0);
          _exit (0);
        }
    }
  for (int i = 0; i < PROCESSES; i++)
    {
      int status;
      g_assert_cmpint (waitpid (pids[i], &status, 0), ==, pids[i]);
      g_assert_cmpint (status, ==, 0);
    }
  g_autoptr (State) state = state_open (f->root, TRUE, NULL);
  g_assert_nonnull (state);
  for (int i = 0; i < PROCESSES; i++)
    {
      g_autofree char *id = g_strdup_printf ("%064x", 100 + i);
      g_autoptr (StateContainer) row = state_container_find (state, id, NULL);
      g_assert_nonnull (row);
    }
}

static void
test_none (void)
{
  g_test_skip ("the folder for temporary files has no user attributes");
}

static gboolean
has_attributes (void)
{
  g_autofree char *probe = g_dir_make_tmp ("coracle-test-XXXXXX", NULL);
  gboolean has = setxattr (probe, MARK, "x", 1, 0) == 0;
  (void) rmdir (probe);
  return has;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!has_attributes ())
    {
      g_test_add_func ("/wal-index/none", test_none);
      return g_test_run ();
    }
#define ADD(name) g_test_add ("/wal-index/" #name, Fixture, NULL, setup, test_##name, teardown)
  ADD (trusted);
  ADD (other_boot);
  ADD (copies);
  ADD (older_log);
  ADD (other_log);
  ADD (torn_index);
  ADD (storm);
  return g_test_run ();
}
