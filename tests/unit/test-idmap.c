/* The real thing, in children: each enters namespaces for good. As root they become the first named user of /etc/subuid first. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/idmap/explain.h"
#include "pkg/idmap/idmap.h"
#include "pkg/idmap/subid.h"
#include "tests/unit/user.h"

typedef struct {
  char *run_root;
  volatile struct {
    ino_t inode[64];
    int entered;
  } *shared;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->run_root = g_dir_make_tmp ("coracle-idmap-XXXXXX", NULL);
  g_assert_nonnull (fixture->run_root);
  g_assert_cmpint (chown (fixture->run_root, user_uid, user_gid), ==, 0);
  fixture->shared = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert_true (fixture->shared != MAP_FAILED);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (path_remove_tree (AT_FDCWD, fixture->run_root), ==, 0);
  munmap ((void *) fixture->shared, 4096);
  g_free (fixture->run_root);
}

static pid_t
start (void (*body) (Fixture *, int), Fixture *fixture, int number)
{
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid > 0)
    return pid;
  alarm (120);
  become_user ();
  body (fixture, number);
  _exit (0);
}

static int
finish (pid_t pid)
{
  int status;
  g_assert_cmpint (proc_wait (pid, &status), ==, 0);
  return status;
}

static ino_t
user_namespace (void)
{
  struct stat st;
  return stat ("/proc/self/ns/user", &st) == 0 ? st.st_ino : 0;
}

static IdMap *
enter (Fixture *fixture, gboolean single)
{
  g_autoptr (GError) error = NULL;
  IdmapPending *pending = NULL;
  IdMap *map = NULL;
  if (!idmap_begin (fixture->run_root, single, &pending, &error) || !idmap_enter (pending, &map, &error))
    {
      fprintf (stderr, "# child: %s\n", error->message);
      _exit (2);
    }
  return map;
}

static void
body_make (Fixture *fixture, int number)
{
  char before[4096], after[4096];
  ino_t host = user_namespace ();
  struct stat mounts_before, mounts_after;
  CHECK (stat ("/proc/self/ns/mnt", &mounts_before) == 0);
  CHECK (chdir ("/usr") == 0 && getcwd (before, sizeof before) != NULL);
  g_autoptr (IdMap) map = enter (fixture, FALSE);
  CHECK (map->mode == IDMAP_RANGE);
  CHECK (geteuid () == 0 && getuid () == 0 && getgid () == 0);
  CHECK (user_namespace () != host);
  CHECK (stat ("/proc/self/ns/mnt", &mounts_after) == 0 && mounts_after.st_ino != mounts_before.st_ino);
  CHECK (getcwd (after, sizeof after) != NULL && strcmp (before, after) == 0);
  CHECK (prctl (PR_GET_DUMPABLE) == 1);
  CHECK (waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD);

  uint32_t outside;
  CHECK (idmap_outside (map->uids, map->n_uids, 0, &outside) && outside == user_uid);
  CHECK (idmap_max_mapped (map->uids, map->n_uids) > 0 && idmap_max_mapped (map->gids, map->n_gids) > 0);
  g_autofree char *file = g_build_filename (fixture->run_root, "owned", NULL);
  CHECK (g_file_set_contents (file, "x", 1, NULL) && chown (file, 1, 1) == 0);

  g_autofree char *record = g_build_filename (fixture->run_root, "userns", NULL);
  g_autofree char *text = NULL;
  g_autofree char *expected = g_strdup_printf ("%d %lu\n", (int) getpid (), (unsigned long) user_namespace ());
  CHECK (g_file_get_contents (record, &text, NULL, NULL) && strcmp (text, expected) == 0);
  int fd = open (record, O_RDONLY);
  CHECK (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0);
}

static void
test_make (Fixture *fixture, gconstpointer data)
{
  NEEDS_RANGE;
  g_assert_cmpint (finish (start (body_make, fixture, 0)), ==, 0);
}

/* enter, say which namespace, and stay until all are in */
static void
body_crowd (Fixture *fixture, int number)
{
  g_autoptr (IdMap) map = enter (fixture, (number & 256) != 0);
  fixture->shared->inode[number & 63] = user_namespace ();
  __sync_fetch_and_add (&fixture->shared->entered, 1);
  int all = number >> 16;
  for (int i = 0; i < 50000 && fixture->shared->entered < all; i++)
    g_usleep (1000);
  CHECK (fixture->shared->entered == all);
}

static void
crowd (Fixture *fixture, int all, gboolean single)
{
  pid_t pids[64];
  for (int i = 0; i < all; i++)
    pids[i] = start (body_crowd, fixture, i | (single ? 256 : 0) | all << 16);
  for (int i = 0; i < all; i++)
    g_assert_cmpint (finish (pids[i]), ==, 0);
  for (int i = 0; i < all; i++)
    {
      g_assert_cmpuint (fixture->shared->inode[i], !=, 0);
      g_assert_cmpuint (fixture->shared->inode[i], ==, fixture->shared->inode[0]);
    }
}

static void
test_crowd (Fixture *fixture, gconstpointer data)
{
  NEEDS_RANGE;
  crowd (fixture, 50, FALSE);
}

static void
test_crowd_single (Fixture *fixture, gconstpointer data)
{
  if (user_uid == 0)
    {
      g_test_skip ("no unprivileged user to try as");
      return;
    }
  crowd (fixture, 20, TRUE);
}

/* is any process alive that holds on to the record (a holder has a copy of the descriptor)? Tried by what it would break: the lock */
static gboolean
is_locked (Fixture *fixture)
{
  g_autofree char *record = g_build_filename (fixture->run_root, "userns", NULL);
  int fd = open (record, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  gboolean locked = flock (fd, LOCK_EX | LOCK_NB) < 0;
  close (fd);
  return locked;
}

static void
body_abandon (Fixture *fixture, int number)
{
  IdmapPending *pending = NULL;
  CHECK (idmap_begin (fixture->run_root, FALSE, &pending, NULL));
  idmap_abandon (pending);
  CHECK (waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void
body_begin_and_die (Fixture *fixture, int number)
{
  IdmapPending *pending = NULL;
  CHECK (idmap_begin (fixture->run_root, FALSE, &pending, NULL));
  raise (SIGKILL);
}

static void
test_abandon (Fixture *fixture, gconstpointer data)
{
  NEEDS_RANGE;
  g_assert_cmpint (finish (start (body_abandon, fixture, 0)), ==, 0);
  g_assert_false (is_locked (fixture));
  int status = finish (start (body_begin_and_die, fixture, 0));
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  for (int i = 0; i < 20000 && is_locked (fixture); i++)
    g_usleep (1000);
  g_assert_false (is_locked (fixture));
  idmap_abandon (NULL);
  g_assert_cmpint (finish (start (body_make, fixture, 0)), ==, 0);
}

/* a process in the namespace that stays; @number: the write end of a pipe that says "in", kept open while it lives */
static void
body_stay (Fixture *fixture, int number)
{
  g_autoptr (IdMap) map = enter (fixture, FALSE);
  fixture->shared->inode[0] = user_namespace ();
  CHECK (write (number, "x", 1) == 1);
  pause ();
}

static pid_t
start_stayer (Fixture *fixture)
{
  int ends[2];
  g_assert_cmpint (pipe (ends), ==, 0);
  pid_t pid = start (body_stay, fixture, ends[1]);
  close (ends[1]);
  char byte;
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 1);
  close (ends[0]);
  return pid;
}

static void
body_join (Fixture *fixture, int number)
{
  g_autoptr (IdMap) map = enter (fixture, FALSE);
  CHECK (map->mode == IDMAP_RANGE && map->n_uids >= 2);
  fixture->shared->inode[1] = user_namespace ();
  CHECK (idmap_record (fixture->run_root, getpid (), NULL));
}

static void
write_record (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (fixture->run_root, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (chown (path, user_uid, user_gid), ==, 0);
}

static void
test_join (Fixture *fixture, gconstpointer data)
{
  NEEDS_RANGE;
  pid_t stayer = start_stayer (fixture);
  g_assert_cmpint (finish (start (body_join, fixture, 0)), ==, 0);
  g_assert_cmpuint (fixture->shared->inode[1], ==, fixture->shared->inode[0]);

  /* lost the record, or all in it are dead or other processes: a monitor's file will do */
  g_autofree char *monitor = g_strdup_printf ("%d %lu\n", (int) stayer, (unsigned long) fixture->shared->inode[0]);
  write_record (fixture, "aa/monitor.pid", "junk");
  write_record (fixture, "bb/monitor.pid", monitor);
  g_autofree char *stale = g_strdup_printf ("%d %lu\n%d %lu\nnonsense\n-1 5\n", (int) getpid (), (unsigned long) user_namespace (), (int) getpid (), 1234ul);
  const char *records[] = { "", stale };
  for (gsize i = 0; i < G_N_ELEMENTS (records); i++)
    {
      write_record (fixture, "userns", records[i]);
      g_assert_cmpint (finish (start (body_join, fixture, 0)), ==, 0);
      g_assert_cmpuint (fixture->shared->inode[1], ==, fixture->shared->inode[0]);
    }

  /* a live one behind a newer dead one: used, and the newest again */
  g_autofree char *overtaken = g_strdup_printf ("%s%d 4026531837\n", monitor, (int) getpid ());
  write_record (fixture, "userns", overtaken);
  g_assert_cmpint (finish (start (body_join, fixture, 0)), ==, 0);
  g_assert_cmpuint (fixture->shared->inode[1], ==, fixture->shared->inode[0]);

  /* a long record is made short, and keeps who lives */
  g_autoptr (GString) long_record = g_string_new (monitor);
  for (int i = 0; i < 1000; i++)
    g_string_append_printf (long_record, "%d 4026531837\n", 4194304 + i);   /* beyond what the kernel gives out */
  write_record (fixture, "userns", long_record->str);
  g_assert_cmpint (finish (start (body_join, fixture, 0)), ==, 0);
  g_assert_cmpuint (fixture->shared->inode[1], ==, fixture->shared->inode[0]);
  g_autofree char *path = g_build_filename (fixture->run_root, "userns", NULL);
  struct stat st;
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_size, <, 200);

  /* dead: a new one */
  g_assert_cmpint (kill (stayer, SIGKILL), ==, 0);
  siginfo_t info;
  g_assert_cmpint (waitid (P_PID, (id_t) stayer, &info, WEXITED | WNOWAIT), ==, 0);   /* not reaped yet: its namespace can still be opened */
  write_record (fixture, "userns", monitor);
  ino_t dead = fixture->shared->inode[0];
  g_assert_cmpint (finish (start (body_join, fixture, 0)), ==, 0);
  g_assert_cmpuint (fixture->shared->inode[1], !=, 0);
  g_assert_cmpuint (fixture->shared->inode[1], !=, dead);
  finish (stayer);
}

static void
body_overtaken (Fixture *fixture, int number)
{
  /* found a namespace whose last process then dies; another command makes the next one before we enter */
  pid_t stayer = (pid_t) fixture->shared->inode[8];
  g_autoptr (GError) error = NULL;
  IdmapPending *pending = NULL;
  CHECK (idmap_begin (fixture->run_root, FALSE, &pending, NULL));
  CHECK (kill (stayer, SIGKILL) == 0);
  fixture->shared->entered = 1;
  while (fixture->shared->entered == 1)
    g_usleep (1000);
  CHECK (idmap_enter (pending, NULL, &error));
  fixture->shared->inode[2] = user_namespace ();
}

static void
test_overtaken (Fixture *fixture, gconstpointer data)
{
  NEEDS_RANGE;
  pid_t first = start_stayer (fixture);
  fixture->shared->inode[8] = (ino_t) first;
  pid_t joiner = start (body_overtaken, fixture, 0);
  finish (first);
  while (fixture->shared->entered != 1)
    g_usleep (1000);
  pid_t second = start_stayer (fixture);
  fixture->shared->entered = 2;
  g_assert_cmpint (finish (joiner), ==, 0);
  g_assert_cmpuint (fixture->shared->inode[2], ==, fixture->shared->inode[0]);
  g_assert_cmpint (kill (second, SIGKILL), ==, 0);
  finish (second);
}

static void
body_single (Fixture *fixture, int number)
{
  g_autoptr (IdMap) map = enter (fixture, TRUE);
  CHECK (map->mode == IDMAP_SINGLE && map->n_uids == 1 && map->uids[0].count == 1 && map->uids[0].outside == user_uid);
  CHECK (geteuid () == 0 && getegid () == 0);
  g_autofree char *text = NULL;
  CHECK (g_file_get_contents ("/proc/self/setgroups", &text, NULL, NULL) && strcmp (text, "deny\n") == 0);

  /* the clean-up runs in there: nothing to enter, no second namespace, nothing recorded twice */
  ino_t inode = user_namespace ();
  g_autoptr (IdMap) again = enter (fixture, FALSE);
  CHECK (again->mode == IDMAP_SINGLE && again->n_uids == 1 && user_namespace () == inode);
}

static void
test_single (Fixture *fixture, gconstpointer data)
{
  if (user_uid == 0)
    g_test_skip ("no unprivileged user to try as");
  else
    g_assert_cmpint (finish (start (body_single, fixture, 0)), ==, 0);
}

static void
body_inside (Fixture *fixture, int number)
{
  g_autoptr (IdMap) outer = enter (fixture, FALSE);
  ino_t inode = user_namespace ();
  g_autoptr (IdMap) map = enter (fixture, FALSE);
  CHECK (map->mode == IDMAP_HOST && user_namespace () == inode && !idmap_is_initial (map) && !idmap_is_initial (outer));
  CHECK (idmap_max_mapped (map->uids, map->n_uids) == idmap_max_mapped (outer->uids, outer->n_uids));
}

static void
test_inside (Fixture *fixture, gconstpointer data)
{
  NEEDS_RANGE;
  g_assert_cmpint (finish (start (body_inside, fixture, 0)), ==, 0);
}

static void
test_root (Fixture *fixture, gconstpointer data)
{
  if (getuid () != 0)
    {
      g_test_skip ("not root");
      return;
    }
  pid_t pid = fork ();
  if (pid == 0)
    {
      ino_t inode = user_namespace ();
      g_autoptr (IdMap) map = enter (fixture, FALSE);
      CHECK (map->mode == IDMAP_HOST && map->uids[0].inside == 0 && map->uids[0].count > 0);
      g_autofree char *mapped = NULL;
      CHECK (g_file_get_contents ("/proc/self/uid_map", &mapped, NULL, NULL));
      CHECK (idmap_is_initial (map) == (strstr (mapped, " 4294967295\n") != NULL));
      CHECK (user_namespace () == inode && idmap_record (fixture->run_root, getpid (), NULL));
      g_autofree char *record = g_build_filename (fixture->run_root, "userns", NULL);
      CHECK (access (record, F_OK) < 0);
      _exit (0);
    }
  g_assert_cmpint (finish (pid), ==, 0);
}

/* ---- refusals: each an error with its remedy, and nothing left */

static void
refused (Fixture *fixture, const char *const *texts)
{
  g_autoptr (GError) error = NULL;
  IdmapPending *pending = NULL;
  gboolean entered = idmap_begin (fixture->run_root, FALSE, &pending, &error) && idmap_enter (pending, NULL, &error);
  CHECK (!entered && g_error_matches (error, CORACLE_ERROR, CORACLE_ERROR_DENIED));
  for (; *texts != NULL; texts++)
    if (strstr (error->message, *texts) == NULL)
      {
        fprintf (stderr, "# child: no \"%s\" in: %s\n", *texts, error->message);
        _exit (1);
      }
  CHECK (waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD);
  g_autofree char *record = g_build_filename (fixture->run_root, "userns", NULL);
  int fd = open (record, O_RDONLY | O_CLOEXEC);
  CHECK (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0);
  close (fd);
}

static void
body_helper_missing (Fixture *fixture, int number)
{
  CHECK (setenv ("PATH", fixture->run_root, 1) == 0);
  refused (fixture, (const char *[]){ "newuidmap", "not found in PATH", "install the package uidmap", "--userns=single", NULL });
}

static void
body_helper_plain (Fixture *fixture, int number)
{
  g_autofree char *found = g_find_program_in_path ("newuidmap");
  g_autofree char *copy = g_build_filename (fixture->run_root, "newuidmap", NULL);
  g_autofree char *bytes = NULL;
  gsize size;
  CHECK (g_file_get_contents (found, &bytes, &size, NULL) && g_file_set_contents (copy, bytes, (gssize) size, NULL) && chmod (copy, 0755) == 0);
  g_autofree char *path = g_strconcat (fixture->run_root, ":", g_getenv ("PATH"), NULL);
  CHECK (setenv ("PATH", path, 1) == 0);
  /* the helper's own words come last */
  refused (fixture, (const char *[]){ copy, "neither setuid nor", "chmod u+s", "--userns=single", "newuidmap: write to uid_map failed", NULL });
  /* setuid, but to us */
  CHECK (chmod (copy, 04755) == 0);
  refused (fixture, (const char *[]){ copy, "does not belong to root", "chown root", NULL });
}

static void
body_helper_broken (Fixture *fixture, int number)
{
  g_autofree char *copy = g_build_filename (fixture->run_root, "newuidmap", NULL);
  CHECK (g_file_set_contents (copy, "#!/no/such/interpreter\n", -1, NULL) && chmod (copy, 0755) == 0);
  g_autofree char *path = g_strconcat (fixture->run_root, ":", g_getenv ("PATH"), NULL);
  CHECK (setenv ("PATH", path, 1) == 0);
  g_autoptr (GError) error = NULL;
  IdmapPending *pending = NULL;
  CHECK (!(idmap_begin (fixture->run_root, FALSE, &pending, &error) && idmap_enter (pending, NULL, &error)));
  CHECK (strstr (error->message, copy) != NULL && waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void
body_no_new_privs (Fixture *fixture, int number)
{
  CHECK (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  refused (fixture, (const char *[]){ "no_new_privs", "NoNewPrivileges=no", NULL });
  /* which needs no helper */
  CHECK (setenv ("CORACLE_USERNS", "single", 1) == 0);
  g_autoptr (IdMap) map = enter (fixture, FALSE);
  CHECK (map->mode == IDMAP_SINGLE);
}

/* forbidden by a limit, in a namespace of our own where we may set it */
static void
body_limit (Fixture *fixture, int number)
{
  idmap_free (enter (fixture, FALSE));
  int fd = open ("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
  CHECK (fd >= 0 && write (fd, "0", 1) == 1);
  g_autofree char *record = g_build_filename (fixture->run_root, "userns", NULL);
  CHECK (unlink (record) == 0 && chmod (fixture->run_root, 0777) == 0);
  CHECK (setgid (1) == 0 && setuid (1) == 0);
  refused (fixture, (const char *[]){ "user.max_user_namespaces is 0", "sysctl user.max_user_namespaces=", NULL });
}

/* root of a container that took its capabilities away */
static void
body_powerless_root (Fixture *fixture, int number)
{
  idmap_free (enter (fixture, FALSE));
  cap_t none = cap_init ();
  CHECK (cap_set_proc (none) == 0 && cap_free (none) == 0);
  g_autoptr (GError) error = NULL;
  IdmapPending *pending = NULL;
  CHECK (!idmap_begin (fixture->run_root, TRUE, &pending, &error));
  CHECK (g_error_matches (error, CORACLE_ERROR, CORACLE_ERROR_DENIED) && strstr (error->message, "CAP_SETFCAP") != NULL);
  CHECK (waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  NEEDS_RANGE;
  void (*bodies[]) (Fixture *, int) = { body_helper_missing, body_helper_plain, body_helper_broken, body_no_new_privs, body_powerless_root };
  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    g_assert_cmpint (finish (start (bodies[i], fixture, 0)), ==, 0);
}

static void
test_limit (Fixture *fixture, gconstpointer data)
{
  NEEDS_RANGE;
  g_assert_cmpint (finish (start (body_limit, fixture, 0)), ==, 0);
}

static void
test_explain (void)
{
  g_autofree char *sys = g_dir_make_tmp ("coracle-sys-XXXXXX", NULL);
  g_autofree char *user = g_build_filename (sys, "user", NULL);
  g_autofree char *kernel = g_build_filename (sys, "kernel", NULL);
  g_assert_cmpint (g_mkdir (user, 0700) | g_mkdir (kernel, 0700), ==, 0);
  static const struct {
    const char *name, *value;
    int errsv;
    const char *expected;
  } cases[] = {
    { "user/max_user_namespaces", "0\n", ENOSPC, "making it: user.max_user_namespaces is 0: none are allowed here" },
    { "user/max_user_namespaces", "10\n", ENOSPC, "too many user namespaces (user.max_user_namespaces is 10" },
    { "kernel/unprivileged_userns_clone", "0\n", EPERM, "kernel.unprivileged_userns_clone is 0" },
    { "kernel/unprivileged_userns_clone", "1\n", EPERM, "seccomp" },
    { "kernel/apparmor_restrict_unprivileged_userns", "1\n", EACCES, "AppArmor" },
    { "kernel/apparmor_restrict_unprivileged_userns", "0\n", EPERM, "seccomp" },
    { "kernel/other", "0\n", ENOSYS, "has no user namespaces" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_build_filename (sys, cases[i].name, NULL);
      g_assert_true (g_file_set_contents (path, cases[i].value, -1, NULL));
      g_autoptr (GError) error = NULL;
      g_assert_false (explain_namespace (sys, cases[i].errsv, "making it", &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_DENIED);
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_prefix (error->message, "making it: "));
      g_assert_nonnull (strstr (error->message, cases[i].expected));
      g_assert_cmpint (unlink (path), ==, 0);
    }
  g_autoptr (GError) other = NULL;
  g_assert_false (explain_namespace (sys, ENOMEM, "making it", &other));
  g_assert_error (other, CORACLE_ERROR, CORACLE_ERROR_SYSTEM);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, sys), ==, 0);
}

/* ---- other contents of /etc, bound over the real ones: as root only */

static void
replace (Fixture *fixture, const char *path, const char *text)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *file = g_build_filename (fixture->run_root, name, NULL);
  CHECK (g_file_set_contents (file, text, -1, NULL) && chmod (file, 0644) == 0);
  CHECK (mount (file, path, NULL, MS_BIND, NULL) == 0);
}

static pid_t
start_with_etc (void (*body) (Fixture *, int), Fixture *fixture, const char *subuid, const char *subgid, const char *nsswitch)
{
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid > 0)
    return pid;
  CHECK (unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  replace (fixture, "/etc/subuid", subuid);
  replace (fixture, "/etc/subgid", subgid);
  replace (fixture, "/etc/nsswitch.conf", nsswitch);
  become_user ();
  body (fixture, 0);
  _exit (0);
}

static void
body_several (Fixture *fixture, int number)
{
  g_autoptr (IdMap) map = enter (fixture, FALSE);
  CHECK (map->mode == IDMAP_RANGE && map->n_uids == 4 && map->n_gids == 3);
  CHECK (map->uids[2].inside == 1001 && map->uids[2].outside == 3000000 && map->uids[2].count == 10);
  CHECK (map->uids[3].inside == 1011 && map->uids[3].outside == 400000 && map->uids[3].count == 7);
  CHECK (idmap_max_mapped (map->uids, map->n_uids) == 1017 && idmap_max_mapped (map->gids, map->n_gids) == 70);
  g_autofree char *file = g_build_filename (fixture->run_root, "owned", NULL);
  CHECK (g_file_set_contents (file, "x", 1, NULL) && chown (file, 1017, 70) == 0 && chown (file, 1018, 70) < 0);
}

static void
body_fell_back (Fixture *fixture, int number)
{
  g_autoptr (GError) error = NULL;
  IdmapPending *pending = NULL;
  IdMap *map = NULL;
  CHECK (idmap_begin (fixture->run_root, FALSE, &pending, &error));
  CHECK (idmap_fell_back (pending));
  CHECK (idmap_enter (pending, &map, &error) && map->mode == IDMAP_SINGLE);
}

/* asked when nsswitch.conf says so: here a script */
static void
body_getsubids (Fixture *fixture, int number)
{
  g_autofree char *missing = g_strdup (g_getenv ("PATH"));
  CHECK (setenv ("PATH", fixture->run_root, 1) == 0);
  refused (fixture, (const char *[]){ "nsswitch.conf", "getsubids", "install the package uidmap", NULL });
  g_autofree char *script = g_build_filename (fixture->run_root, "getsubids", NULL);
  CHECK (g_file_set_contents (script, "#!/bin/sh\n[ \"$1\" = -g ] && echo '0: x 300000 20' && exit\necho \"0: $1 200000 50\"\n", -1, NULL) && chmod (script, 0755) == 0);
  g_autofree char *path = g_strconcat (fixture->run_root, ":", missing, NULL);
  CHECK (setenv ("PATH", path, 1) == 0);
  g_autoptr (IdMap) map = enter (fixture, FALSE);
  CHECK (idmap_max_mapped (map->uids, map->n_uids) == 50 && idmap_max_mapped (map->gids, map->n_gids) == 20);
}

static void
test_etc (Fixture *fixture, gconstpointer data)
{
  NEEDS_RANGE;
  if (getuid () != 0)
    {
      g_test_skip ("not root: other files cannot stand in for /etc/subuid");
      return;
    }
  g_autofree char *name = g_strdup (getpwuid (user_uid)->pw_name);
  g_autofree char *uids = g_strdup_printf ("other:500000:65536\n%s:200000:1000\n%u:3000000:10\n%s:400000:7\n%s:200000:5\n", name, user_uid, name, name);
  g_autofree char *gids = g_strdup_printf ("%s:200000:50\n%s:300000:20\n", name, name);
  g_assert_cmpint (finish (start_with_etc (body_several, fixture, uids, gids, "")), ==, 0);
  g_assert_cmpint (finish (start_with_etc (body_fell_back, fixture, "other:500000:65536\n", gids, "subid: files\n")), ==, 0);
  g_assert_cmpint (finish (start_with_etc (body_fell_back, fixture, uids, "", "")), ==, 0);
  g_assert_cmpint (finish (start_with_etc (body_getsubids, fixture, uids, gids, "subid: other\n")), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  usable = find_user ();
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/idmap/make", test_make);
  ADD ("/idmap/crowd", test_crowd);
  ADD ("/idmap/crowd-single", test_crowd_single);
  ADD ("/idmap/abandon", test_abandon);
  ADD ("/idmap/join", test_join);
  ADD ("/idmap/overtaken", test_overtaken);
  ADD ("/idmap/single", test_single);
  ADD ("/idmap/inside", test_inside);
  ADD ("/idmap/root", test_root);
  ADD ("/idmap/refused", test_refused);
  ADD ("/idmap/limit", test_limit);
  ADD ("/idmap/etc", test_etc);
  g_test_add_func ("/idmap/explain", test_explain);
  return g_test_run ();
}
