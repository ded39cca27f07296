/* Real mounts, in children that have entered namespaces. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/idmap/idmap.h"
#include "storage/overlay.h"
#include "tests/unit/user.h"

#define FUSE_MAGIC 0x65735546
#define OVERLAY_MAGIC 0x794c7630

typedef struct {
  char *base;          /* holds the folders; also the run root. Its name needs escaping wherever somebody escapes */
  OverlayKind kind;
  int report[2];       /* pipe: the server's pid from the child */
} Fixture;

static char *
at (const Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->base, name, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->kind = (OverlayKind) GPOINTER_TO_INT (data);
  g_autofree char *plain = g_dir_make_tmp ("coracle-overlay-XXXXXX", NULL);
  g_assert_nonnull (plain);
  fixture->base = g_strconcat (plain, fixture->kind == OVERLAY_FUSE ? " a,c\\d=e" : " a:b,c\\d=e", NULL);
  g_assert_cmpint (rename (plain, fixture->base), ==, 0);
  g_assert_cmpint (chown (fixture->base, user_uid, user_gid), ==, 0);
  g_assert_cmpint (pipe (fixture->report), ==, 0);
}

static int run (void (*body) (Fixture *), Fixture *fixture);

/* files of subordinate ids can be removed only from inside */
static void
body_remove (Fixture *fixture)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->base, 0, NULL);
  const char *name;
  CHECK (dir != NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = at (fixture, name);
      CHECK (path_remove_tree (AT_FDCWD, path) == 0);
    }
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (usable || getuid () == 0)
    g_assert_cmpint (run (body_remove, fixture), ==, 0);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, fixture->base), ==, 0);
  close (fixture->report[0]);
  close (fixture->report[1]);
  g_free (fixture->base);
}

/* @body in a child, inside the namespaces (real root's own where nobody has a range) */
static int
run (void (*body) (Fixture *), Fixture *fixture)
{
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      alarm (120);
      if (usable)
        become_user ();
      g_autoptr (GError) error = NULL;
      IdmapPending *pending = NULL;
      if (!idmap_begin (fixture->base, FALSE, &pending, &error) || !idmap_enter (pending, NULL, &error))
        {
          fprintf (stderr, "# child: %s\n", error->message);
          _exit (2);
        }
      umask (022);
      body (fixture);
      _exit (0);
    }
  int status;
  g_assert_cmpint (proc_wait (pid, &status), ==, 0);
  return status;
}

#define NEEDS_NAMESPACES \
  if (!usable && getuid () != 0) \
    { \
      g_test_skip ("no user here has a range in /etc/subuid, or newuidmap is missing"); \
      return; \
    } \
  if (fixture->kind == OVERLAY_FUSE) \
    { \
      g_autofree char *program = g_find_program_in_path ("fuse-overlayfs"); \
      if (program == NULL || access ("/dev/fuse", R_OK | W_OK) < 0) \
        { \
          g_test_skip ("fuse-overlayfs or a /dev/fuse for everybody is missing"); \
          return; \
        } \
    }

/* ---- child side */

static void
put (const Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = at (fixture, name);
  g_autofree char *folder = g_path_get_dirname (path);
  CHECK (g_mkdir_with_parents (folder, 0755) == 0);
  CHECK (text == NULL ? g_mkdir_with_parents (path, 0755) == 0 : g_file_set_contents (path, text, -1, NULL));
}

static gboolean
reads (const Fixture *fixture, const char *name, const char *expected)
{
  g_autofree char *path = at (fixture, name);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return expected == NULL;
  return expected != NULL && strcmp (text, expected) == 0;
}

static long
file_system (const Fixture *fixture, const char *name)
{
  g_autofree char *path = at (fixture, name);
  struct statfs fs;
  return statfs (path, &fs) == 0 ? (long) fs.f_type : -1;
}

static pid_t
stack (const Fixture *fixture, const char *const *names, gboolean writable, const char *target_name)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new_with_free_func (g_free);
  for (; *names != NULL; names++)
    g_ptr_array_add (layers, at (fixture, *names));
  g_ptr_array_add (layers, NULL);
  g_autofree char *upper = at (fixture, "upper");
  g_autofree char *work = at (fixture, "work");
  g_autofree char *target = at (fixture, target_name);
  CHECK (g_mkdir_with_parents (upper, 0755) == 0 && g_mkdir_with_parents (work, 0755) == 0 && g_mkdir_with_parents (target, 0755) == 0);
  g_autoptr (GError) error = NULL;
  pid_t server = -1;
  if (!overlay_mount ((const char *const *) layers->pdata, writable ? upper : NULL, writable ? work : NULL, target, fixture->kind, &server, &error))
    {
      fprintf (stderr, "# child: %s\n", error->message);
      _exit (3);
    }
  return server;
}

static void
body_stack (Fixture *fixture)
{
  put (fixture, "low/both", "low");
  put (fixture, "low/gone", "low");
  put (fixture, "low/hidden/old", "low");
  put (fixture, "low/only-low", "low");
  put (fixture, "top/both", "top");
  put (fixture, "top/hidden/new", "top");
  g_autofree char *whiteout = at (fixture, "top/gone");
  g_autofree char *opaque = at (fixture, "top/hidden");
  CHECK (mknod (whiteout, S_IFCHR | 0600, makedev (0, 0)) == 0);
  CHECK (setxattr (opaque, "user.overlay.opaque", "y", 1, 0) == 0);

  char before[4096], after[4096];
  CHECK (chdir ("/usr") == 0 && getcwd (before, sizeof before) != NULL);
  pid_t server = stack (fixture, (const char *[]){ "top", "low", NULL }, TRUE, "merged");
  CHECK (getcwd (after, sizeof after) != NULL && strcmp (before, after) == 0);
  CHECK (fixture->kind == OVERLAY_FUSE ? server > 0 : server == 0);
  CHECK (file_system (fixture, "merged") == (fixture->kind == OVERLAY_FUSE ? FUSE_MAGIC : OVERLAY_MAGIC));
  CHECK (reads (fixture, "merged/both", "top"));
  CHECK (reads (fixture, "merged/only-low", "low"));
  CHECK (reads (fixture, "merged/gone", NULL));
  CHECK (reads (fixture, "merged/hidden/new", "top"));
  CHECK (reads (fixture, "merged/hidden/old", NULL));

  put (fixture, "merged/fresh", "mine");
  CHECK (reads (fixture, "upper/fresh", "mine"));
  put (fixture, "merged/only-low", "changed");
  CHECK (reads (fixture, "low/only-low", "low") && reads (fixture, "upper/only-low", "changed"));
  g_autofree char *deleted = at (fixture, "merged/both");
  CHECK (unlink (deleted) == 0);
  g_autofree char *recorded = at (fixture, "upper/both");
  struct stat st;
  CHECK (lstat (recorded, &st) == 0 && S_ISCHR (st.st_mode) && st.st_rdev == 0);
  if (usable)
    {
      g_autofree char *owned = at (fixture, "merged/fresh");
      CHECK (chown (owned, 7, 8) == 0 && stat (owned, &st) == 0 && st.st_uid == 7 && st.st_gid == 8);
    }
  CHECK (write (fixture->report[1], &server, sizeof server) == sizeof server);
}

static gboolean
is_gone (pid_t pid)
{
  for (int i = 0; i < 30000; i++)
    {
      if (kill (pid, 0) < 0 && errno == ESRCH)
        return TRUE;
      g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
      g_autofree char *text = NULL;
      if (!g_file_get_contents (path, &text, NULL, NULL) || strstr (text, ") Z ") != NULL)
        return TRUE;
      g_usleep (1000);
    }
  return FALSE;
}

static void
test_stack (Fixture *fixture, gconstpointer data)
{
  NEEDS_NAMESPACES;
  g_assert_cmpint (run (body_stack, fixture), ==, 0);
  pid_t server;
  g_assert_cmpint (read (fixture->report[0], &server, sizeof server), ==, sizeof server);
  if (server > 0)
    g_assert_true (is_gone (server));
}

static void
body_read_only (Fixture *fixture)
{
  put (fixture, "low/both", "low");
  put (fixture, "low/low", "low");
  put (fixture, "top/both", "top");
  g_autofree char *file = at (fixture, "merged/new");
  stack (fixture, (const char *[]){ "top", "low", NULL }, FALSE, "merged");
  CHECK (reads (fixture, "merged/both", "top") && reads (fixture, "merged/low", "low"));
  CHECK (open (file, O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS);

  g_autofree char *single = at (fixture, "single/new");
  CHECK (stack (fixture, (const char *[]){ "top", NULL }, FALSE, "single") == 0);
  CHECK (reads (fixture, "single/both", "top") && reads (fixture, "single/low", NULL));
  CHECK (open (single, O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS);
}

static void
test_read_only (Fixture *fixture, gconstpointer data)
{
  NEEDS_NAMESPACES;
  g_assert_cmpint (run (body_read_only, fixture), ==, 0);
}

static void
body_many (Fixture *fixture)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (int i = 0; i < OVERLAY_LAYERS_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("layers/a-rather-long-name-as-digests-have-them-0123456789abcdef-%d", i);
      g_autofree char *file = g_strdup_printf ("%s/file-%d", name, i);
      put (fixture, file, "x");
      g_ptr_array_add (names, g_steal_pointer (&name));
    }
  g_ptr_array_add (names, NULL);
  stack (fixture, (const char *const *) names->pdata, TRUE, "merged");
  g_autofree char *merged = at (fixture, "merged");
  g_autoptr (GDir) dir = g_dir_open (merged, 0, NULL);
  int n = 0;
  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  CHECK (n == OVERLAY_LAYERS_MAX);
}

static void
test_many (Fixture *fixture, gconstpointer data)
{
  NEEDS_NAMESPACES;
  g_assert_cmpint (run (body_many, fixture), ==, 0);
}

static gboolean
fails (const Fixture *fixture, const char *const *layers, const char *target, int code, const char *naming)
{
  g_autoptr (GError) error = NULL;
  pid_t server = 77;
  if (overlay_mount (layers, NULL, NULL, target, fixture->kind, &server, &error))
    return FALSE;
  return g_error_matches (error, CORACLE_ERROR, code) && strstr (error->message, naming) != NULL && server == 77;
}

static void
body_refused (Fixture *fixture)
{
  put (fixture, "target", NULL);
  g_autofree char *target = at (fixture, "target");
  CHECK (fails (fixture, (const char *[]){ "/usr", "/no/such/layer", NULL }, target, CORACLE_ERROR_NOT_FOUND, "/no/such/layer"));
  CHECK (fails (fixture, (const char *[]){ "/usr", "/etc/passwd", NULL }, target, CORACLE_ERROR_SYSTEM, "/etc/passwd"));
  CHECK (fails (fixture, (const char *[]){ "/usr", "/bin", NULL }, "/no/such/target", CORACLE_ERROR_NOT_FOUND, "/no/such/target"));
  CHECK (fails (fixture, (const char *[]){ "/usr", NULL }, "/no/such/target", CORACLE_ERROR_NOT_FOUND, "/no/such/target"));
  const char *many[OVERLAY_LAYERS_MAX + 2];
  for (int i = 0; i <= OVERLAY_LAYERS_MAX; i++)
    many[i] = "/usr";
  many[OVERLAY_LAYERS_MAX + 1] = NULL;
  CHECK (fails (fixture, many, target, CORACLE_ERROR_UNSUPPORTED, "501 layers"));
  /* nothing is left mounted, no descriptor either */
  CHECK (reads (fixture, "target/bash", NULL));
  CHECK (file_system (fixture, "target") == file_system (fixture, "."));
  if (fixture->kind == OVERLAY_FUSE)
    {
      CHECK (fails (fixture, (const char *[]){ "/usr", "/no:layer", NULL }, target, CORACLE_ERROR_UNSUPPORTED, "/no:layer"));
      CHECK (setenv ("PATH", "/no/such", 1) == 0);
      CHECK (fails (fixture, (const char *[]){ "/usr", "/etc", NULL }, target, CORACLE_ERROR_UNSUPPORTED, "fuse-overlayfs"));
    }
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  NEEDS_NAMESPACES;
  g_assert_cmpint (run (body_refused, fixture), ==, 0);
}

/* an upper inside an overlay: the kernel refuses that, fuse-overlayfs does not */
static void
body_fallback (Fixture *fixture)
{
  put (fixture, "low/a", "a");
  put (fixture, "top/b", "b");
  fixture->kind = OVERLAY_NATIVE;
  stack (fixture, (const char *[]){ "top", "low", NULL }, TRUE, "merged");
  Fixture inner = *fixture;
  inner.base = at (fixture, "merged");
  put (&inner, "low/a", "inner");
  put (&inner, "top/b", "inner");
  inner.kind = OVERLAY_AUTO;
  pid_t server = stack (&inner, (const char *[]){ "top", "low", NULL }, TRUE, "again");
  CHECK (server > 0 && reads (&inner, "again/a", "inner"));
  put (&inner, "again/c", "c");
  CHECK (reads (&inner, "upper/c", "c"));
}

static void
test_fallback (Fixture *fixture, gconstpointer data)
{
  NEEDS_NAMESPACES;
  g_assert_cmpint (run (body_fallback, fixture), ==, 0);
}

static void
test_environment (void)
{
  OverlayKind kind = OVERLAY_AUTO;
  g_unsetenv ("CORACLE_OVERLAY");
  g_assert_true (overlay_kind_from_environment (OVERLAY_FUSE, &kind, NULL));
  g_assert_cmpint (kind, ==, OVERLAY_FUSE);
  g_setenv ("CORACLE_OVERLAY", "native", TRUE);
  g_assert_true (overlay_kind_from_environment (OVERLAY_FUSE, &kind, NULL));
  g_assert_cmpint (kind, ==, OVERLAY_NATIVE);
  g_setenv ("CORACLE_OVERLAY", "kernel", TRUE);
  g_autoptr (GError) error = NULL;
  g_assert_false (overlay_kind_from_environment (OVERLAY_AUTO, &kind, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
  g_unsetenv ("CORACLE_OVERLAY");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  usable = find_user ();
#define ADD(path, kind, function) g_test_add (path, Fixture, GINT_TO_POINTER (kind), set_up, function, tear_down)
  ADD ("/overlay/native/stack", OVERLAY_NATIVE, test_stack);
  ADD ("/overlay/native/read-only", OVERLAY_NATIVE, test_read_only);
  ADD ("/overlay/native/many", OVERLAY_NATIVE, test_many);
  ADD ("/overlay/native/refused", OVERLAY_NATIVE, test_refused);
  ADD ("/overlay/fuse/stack", OVERLAY_FUSE, test_stack);
  ADD ("/overlay/fuse/read-only", OVERLAY_FUSE, test_read_only);
  ADD ("/overlay/fuse/many", OVERLAY_FUSE, test_many);
  ADD ("/overlay/fuse/refused", OVERLAY_FUSE, test_refused);
  ADD ("/overlay/fuse/fallback", OVERLAY_FUSE, test_fallback);
  g_test_add_func ("/overlay/environment", test_environment);
  return g_test_run ();
}
