#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_depend.h"
#include "pkg/events/event.h"

#define ID_A "aaaa000000000000000000000000000000000000000000000000000000000000"
#define ID_B "aaab000000000000000000000000000000000000000000000000000000000000"
#define ID_C "cccc000000000000000000000000000000000000000000000000000000000000"
#define ID_D "dddd000000000000000000000000000000000000000000000000000000000000"

typedef struct {
  char *base;
  ConfigPaths *paths;
  Storage *storage;
} Fixture;

static void
insert (Fixture *f, const char *id, gint64 created, const char *needs)
{
  g_autoptr (GError) error = NULL;
  json_auto_t *config = json_object ();
  if (needs != NULL)
    json_object_set_new (config, "dependencies", json_pack ("[s]", needs));
  StateContainer row = { .id = (char *) id, .name = (char *) id, .image_name = "box", .status = "exited", .created = created, .boot_id = "x", .config = config };
  cleanup_fd int run = storage_run_begin (f->storage, id, &error);
  cleanup_fd int folder = storage_container_make (f->storage, id, &error);
  g_assert_true (state_container_insert (f->storage->state, &row, &error));
  g_assert_no_error (error);
  storage_run_end (f->storage, id, fd_steal (&run));
}

/* A is needed by B, B by C; D stands alone. */
static void
setup (Fixture *f, const void *data)
{
  g_autoptr (GError) error = NULL;
  f->base = g_dir_make_tmp ("coracle-test-XXXXXX", NULL);
  g_autofree char *root = g_strconcat (f->base, "/root", NULL), *run = g_strconcat (f->base, "/run", NULL);
  f->paths = config_paths_new (root, run, &error);
  g_assert_no_error (error);
  f->storage = storage_open (f->paths, &error);
  g_assert_no_error (error);
  g_assert_true (events_choose ("none", &error));
  insert (f, ID_A, 1, NULL);
  insert (f, ID_B, 2, ID_A);
  insert (f, ID_C, 3, ID_B);
  insert (f, ID_D, 4, NULL);
}

static void
teardown (Fixture *f, const void *data)
{
  storage_free (f->storage);
  config_paths_free (f->paths);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, f->base), ==, 0);
  g_free (f->base);
}

static guint
left (Fixture *f)
{
  g_autoptr (GPtrArray) rows = NULL;
  g_assert_true (state_container_list_lean (f->storage->state, &rows, NULL));
  return rows->len;
}

static void
test_map (Fixture *f, const void *data)
{
  g_autoptr (GHashTable) map = container_dependents (f->storage, NULL);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *of_a = container_dependents_text (map, ID_A), *of_c = container_dependents_text (map, ID_C), *of_d = container_dependents_text (map, ID_D);
  g_assert_cmpstr (of_a, ==, ID_B);
  g_assert_null (of_c);
  g_assert_null (of_d);
  container_dependents_add (map, ID_A, ids);
  container_dependents_add (map, ID_B, ids);
  g_assert_cmpuint (ids->len, ==, 2);
  g_assert_cmpstr (ids->pdata[0], ==, ID_C);
  g_assert_cmpstr (ids->pdata[1], ==, ID_B);
  container_dependents_drop (map, ID_B);
  g_autofree char *now = container_dependents_text (map, ID_A);
  g_assert_null (now);
}

static void
test_refused (Fixture *f, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_assert_false (container_remove (f->storage, ID_A, TRUE, 0, FALSE, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_EXISTS);
  g_assert_cmpstr (error->message, ==, "container " ID_A " has dependent containers which must be removed before it: " ID_B ": container already exists");
  g_assert_cmpuint (left (f), ==, 4);
}

static void
test_order (Fixture *f, const void *data)
{
  g_autoptr (GError) error = NULL;
  ContainerRemove two[] = { { .id = ID_A }, { .id = ID_C } };
  g_assert_true (container_remove_all (f->storage, two, 2, FALSE, 0, FALSE, &error));
  g_assert_error (two[0].error, CORACLE_ERROR, CORACLE_ERROR_EXISTS);   /* B is there */
  g_assert_no_error (two[1].error);
  g_clear_error (&two[0].error);
  g_assert_cmpuint (left (f), ==, 3);
  ContainerRemove all[] = { { .id = ID_A }, { .id = ID_B }, { .id = ID_D } };
  g_assert_true (container_remove_all (f->storage, all, 3, FALSE, 0, FALSE, &error));
  for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
    g_assert_no_error (all[i].error);
  g_assert_cmpuint (left (f), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/container-depend/map", Fixture, NULL, setup, test_map, teardown);
  g_test_add ("/container-depend/refused", Fixture, NULL, setup, test_refused, teardown);
  g_test_add ("/container-depend/order", Fixture, NULL, setup, test_order, teardown);
  return g_test_run ();
}
