#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/events/event.h"
#include "storage/storage.h"

#define ID_A "aaaa000000000000000000000000000000000000000000000000000000000000"
#define ID_B "aaab000000000000000000000000000000000000000000000000000000000000"
#define ID_C "cccc000000000000000000000000000000000000000000000000000000000000"

typedef struct {
  char *base;
  ConfigPaths *paths;
  Storage *storage;
} Fixture;

static void
setup (Fixture *f, const void *data)
{
  f->base = g_dir_make_tmp ("coracle-test-XXXXXX", NULL);
  g_autofree char *root = g_strconcat (f->base, "/root", NULL), *run = g_strconcat (f->base, "/run", NULL);
  g_autoptr (GError) error = NULL;
  f->paths = config_paths_new (root, run, &error);
  g_assert_no_error (error);
  f->storage = storage_open (f->paths, &error);
  g_assert_no_error (error);
  g_assert_true (storage_sweep_needed (f->storage));   /* no boot noted yet */
  g_assert_true (storage_sweep (f->storage, &error));
  g_assert_no_error (error);
  g_assert_false (storage_sweep_needed (f->storage));
}

static void
teardown (Fixture *f, const void *data)
{
  storage_free (f->storage);
  config_paths_free (f->paths);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, f->base), ==, 0);
  g_free (f->base);
}

static gboolean
there (Fixture *f, const char *format, const char *id)
{
  g_autofree char *path = g_strconcat (f->base, "/", format, id, NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static unsigned
count (Fixture *f, const char *folder)
{
  g_autofree char *path = g_strconcat (f->base, "/", folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  unsigned n = 0;
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
insert (Fixture *f, const char *id, const char *status, gboolean auto_remove, const char *boot)
{
  StateContainer c = { .id = (char *) id, .name = (char *) id, .status = (char *) status, .auto_remove = auto_remove, .boot_id = (char *) boot };
  g_autoptr (GError) error = NULL;
  state_container_insert (f->storage->state, &c, &error);
  g_assert_no_error (error);
}

/* make: as a maker would that is killed: the folders stay, the lock goes. */
static void
make_dead (Fixture *f, const char *id, const char *exit_line)
{
  g_autoptr (GError) error = NULL;
  cleanup_fd int run = storage_run_begin (f->storage, id, &error);
  g_assert_no_error (error);
  cleanup_fd int folder = storage_container_make (f->storage, id, &error);
  g_assert_no_error (error);
  g_assert_cmpint (mkdirat (folder, "upper", 0500), ==, 0);
  if (exit_line != NULL)
    g_assert_cmpint (path_write_file (run, "exit", exit_line, strlen (exit_line), 0600, FALSE), ==, 0);
}

static void
sweep (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (storage_sweep_needed (f->storage));
  g_assert_true (storage_sweep (f->storage, &error));
  g_assert_no_error (error);
  g_assert_false (storage_sweep_needed (f->storage));
}

static void
test_work (Fixture *f, const void *data)
{
  StorageWork mine = STORAGE_WORK_INIT, dead = STORAGE_WORK_INIT;
  g_assert_true (storage_work_begin (f->storage, &mine, NULL));
  g_assert_false (storage_sweep_needed (f->storage));
  g_assert_true (storage_work_begin (f->storage, &dead, NULL));
  g_assert_cmpint (mkdirat (dead.fd, "half", 0), ==, 0);
  storage_work_abandon (&dead);
  sweep (f);
  g_assert_cmpuint (count (f, "root/tmp"), ==, 1);   /* mine: it is being worked in */
  storage_work_end (f->storage, &mine);
  g_assert_cmpuint (count (f, "root/tmp"), ==, 0);
  storage_work_end (f->storage, &mine);              /* again is fine */
  g_autofree char *litter = g_strconcat (f->base, "/root/tmp/file", NULL);
  g_assert_true (g_file_set_contents (litter, "", 0, NULL));
  sweep (f);
  g_assert_cmpuint (count (f, "root/tmp"), ==, 0);
}

static void
test_run_lock (Fixture *f, const void *data)
{
  g_autoptr (GError) error = NULL;
  int run = storage_run_begin (f->storage, ID_A, &error);
  g_assert_no_error (error);
  g_assert_true (storage_run_alive (f->storage, ID_A));
  g_assert_false (storage_run_alive (f->storage, ID_B));
  g_assert_cmpint (storage_run_begin (f->storage, ID_A, &error), ==, -1);
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_IN_USE);
  g_clear_error (&error);
  /* the lock belongs to the open file description: a child that inherits it keeps it */
  pid_t child = fork ();
  if (child == 0)
    {
      pause ();
      _exit (0);
    }
  fd_close (run);
  g_assert_true (storage_run_alive (f->storage, ID_A));
  g_assert_false (storage_sweep_needed (f->storage));
  g_assert_true (storage_sweep (f->storage, NULL));
  g_assert_true (there (f, "run/", ID_A));
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  g_assert_false (storage_run_alive (f->storage, ID_A));
  sweep (f);
  g_assert_false (there (f, "run/", ID_A));
}

static void
test_without_row (Fixture *f, const void *data)
{
  make_dead (f, ID_A, NULL);
  sweep (f);
  g_assert_cmpuint (count (f, "root/containers") + count (f, "run"), ==, 0);
}

static void
test_auto_remove (Fixture *f, const void *data)
{
  make_dead (f, ID_A, "0 0 0 5\n");
  insert (f, ID_A, "running", TRUE, NULL);
  sweep (f);
  g_assert_cmpuint (count (f, "root/containers") + count (f, "run"), ==, 0);
  g_autoptr (StateContainer) row = state_container_find (f->storage->state, ID_A, NULL);
  g_assert_null (row);
}

static void
test_exit_recorded (Fixture *f, const void *data)
{
  const struct { const char *line, *status, *want; int code; gint64 finished; } rows[] = {
    { "768 0 0 55\n", "running", "exited", 3, 55 },
    { "9 0 0 56\n", "running", "exited", 137, 56 },
    { NULL, "running", "exited", 137, -1 },
    { NULL, "created", "created", 0, 0 },
    { "garbage", "running", "exited", 137, -1 },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      make_dead (f, ID_A, rows[i].line);
      insert (f, ID_A, rows[i].status, FALSE, NULL);
      sweep (f);
      g_autoptr (StateContainer) row = state_container_find (f->storage->state, ID_A, NULL);
      g_assert_cmpstr (row->status, ==, rows[i].want);
      g_assert_cmpint (row->exit_code, ==, rows[i].code);
      if (rows[i].finished >= 0)
        g_assert_cmpint (row->finished, ==, rows[i].finished);
      else
        g_assert_cmpint (row->finished, >, 1000000);
      g_assert_true (there (f, "root/containers/", ID_A));
      g_assert_false (there (f, "run/", ID_A));
      g_assert_true (storage_container_remove (f->storage, ID_A, FALSE, NULL));
    }
}

static void
test_reboot (Fixture *f, const void *data)
{
  g_autofree char *boot = storage_boot_id ();
  static const char *const ids[] = { ID_A, ID_B, ID_C };
  for (size_t i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      make_dead (f, ids[i], NULL);
      g_autofree char *run = g_strconcat ("run/", ids[i], NULL);
      cleanup_fd int base = open (f->base, O_PATH | O_DIRECTORY | O_CLOEXEC);
      g_assert_cmpint (path_remove_tree (base, run), ==, 0);
    }
  insert (f, ID_A, "running", FALSE, "another boot");
  insert (f, ID_B, "running", TRUE, "another boot");
  insert (f, "dddd000000000000000000000000000000000000000000000000000000000000", "exited", FALSE, boot);   /* its folder is lost */
  g_assert_true (state_meta_set (f->storage->state, "boot_id", "another boot", NULL));
  sweep (f);
  g_autoptr (GPtrArray) rows = NULL;
  g_assert_true (state_container_list (f->storage->state, &rows, NULL));
  g_assert_cmpuint (rows->len, ==, 1);
  StateContainer *kept = rows->pdata[0];
  g_assert_cmpstr (kept->id, ==, ID_A);
  g_assert_cmpstr (kept->status, ==, "exited");
  g_assert_cmpuint (count (f, "root/containers"), ==, 1);
  g_assert_cmpuint (count (f, "run"), ==, 0);
}

/* a layer in an image, one in none, one without a row */
static void
put_layers (Fixture *f)
{
  StateLayer used = { .diff_id = "sha256:used" }, unused = { .diff_id = "sha256:unused" };
  char *layers[] = { "sha256:used", NULL };
  StateImage image = { .id = ID_A, .layers = layers, .config = "{}" };
  g_assert_true (state_layer_put (f->storage->state, &used, NULL));
  g_assert_true (state_layer_put (f->storage->state, &unused, NULL));
  g_assert_true (state_image_put (f->storage->state, &image, NULL));
  static const char *const names[] = { "layers/used", "layers/unused", "layers/orphan" };
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpint (mkdirat (f->storage->root_fd, names[i], 0700), ==, 0);
}

static void
test_layers (Fixture *f, const void *data)
{
  put_layers (f);
  g_assert_false (storage_sweep_needed (f->storage));
  StorageWork work = STORAGE_WORK_INIT;
  g_assert_true (storage_work_begin (f->storage, &work, NULL));
  storage_work_abandon (&work);
  /* while somebody makes images, the dead folder stays as a sign, and no layer goes */
  int lock = storage_lock_shared (f->storage, NULL);
  g_assert_cmpint (lock, >=, 0);
  g_assert_true (storage_sweep (f->storage, NULL));
  g_assert_true (storage_sweep_needed (f->storage));
  g_assert_cmpuint (count (f, "root/layers"), ==, 3);
  fd_close (lock);
  sweep (f);
  g_assert_cmpuint (count (f, "root/layers"), ==, 1);
  g_assert_true (there (f, "root/layers/", "used"));
  g_assert_cmpuint (count (f, "root/tmp"), ==, 0);
  g_autoptr (GPtrArray) rows = NULL;
  g_assert_true (state_layer_list (f->storage->state, &rows, NULL));
  g_assert_cmpuint (rows->len, ==, 1);
}

static void
test_run_root_checked (Fixture *f, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (chmod (f->paths->run_root, 0777), ==, 0);
  g_autoptr (Storage) other = storage_open (f->paths, &error);
  g_assert_null (other);
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_DENIED);
  g_assert_cmpint (chmod (f->paths->run_root, 0700), ==, 0);
}

/* one_maker: make a container and a work folder; remove them, or die over them. */
static gboolean
one_maker (Storage *storage, const char *id, gboolean die, GError **error)
{
  StorageWork work = STORAGE_WORK_INIT;
  int run = storage_run_begin (storage, id, error), folder = run < 0 ? -1 : storage_container_make (storage, id, error);
  if (folder < 0 || !storage_work_begin (storage, &work, error))
    return FALSE;
  g_assert_cmpint (mkdirat (work.fd, "x", 0700), ==, 0);
  g_assert_cmpint (mkdirat (folder, "upper", 0700), ==, 0);
  g_assert_cmpint (mkdirat (run, "x", 0700), ==, 0);
  fd_close (folder);
  gboolean ok = die || storage_container_remove (storage, id, FALSE, error);
  if (die)
    {
      fd_close (run);
      storage_work_abandon (&work);
    }
  else
    {
      storage_run_end (storage, id, run);
      storage_work_end (storage, &work);
    }
  return ok;
}

/* Makers and sweepers at once: a maker's folder is never taken away under it. */
static void
test_race (Fixture *f, const void *data)
{
  pid_t pids[6];
  for (int i = 0; i < 6; i++)
    if ((pids[i] = fork ()) == 0)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (Storage) storage = storage_open (f->paths, &error);
        for (int n = 0; n < 60 && error == NULL; n++)
          {
            g_autofree char *id = g_strdup_printf ("%064x", i * 1000 + n);
            if (i >= 3 || one_maker (storage, id, n % 2 == 0, &error))
              (void) storage_sweep (storage, &error);
          }
        if (error != NULL)
          g_printerr ("%s\n", error->message);
        _exit (error != NULL);
      }
  for (int i = 0; i < 6; i++)
    {
      int status = -1;
      g_assert_cmpint (waitpid (pids[i], &status, 0), ==, pids[i]);
      g_assert_cmpint (status, ==, 0);
    }
  (void) storage_sweep (f->storage, NULL);
  g_assert_cmpuint (count (f, "root/containers") + count (f, "run") + count (f, "root/tmp"), ==, 0);
}

#define ADD(name) g_test_add ("/storage/" #name, Fixture, NULL, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_true (events_choose ("none", NULL));   /* they would lie in the run folder */
  ADD (work);
  ADD (run_lock);
  ADD (without_row);
  ADD (auto_remove);
  ADD (exit_recorded);
  ADD (reboot);
  ADD (layers);
  ADD (run_root_checked);
  ADD (race);
  return g_test_run ();
}
