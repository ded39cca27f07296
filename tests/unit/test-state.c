#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/state/state.h"

#define ID_A "aaaa000000000000000000000000000000000000000000000000000000000000"
#define ID_B "aaab000000000000000000000000000000000000000000000000000000000000"
#define ID_C "cccc000000000000000000000000000000000000000000000000000000000000"

typedef struct {
  char *root;
  State *state;
} Fixture;

static void
setup (Fixture *f, const void *data)
{
  f->root = g_dir_make_tmp ("coracle-test-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  f->state = state_open (f->root, FALSE, &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture *f, const void *data)
{
  state_free (f->state);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, f->root), ==, 0);
  g_free (f->root);
}

static void
put (State *state, const char *id, gint64 created, const char *name, const char *digest, const char *layer)
{
  char *names[] = { (char *) name, NULL }, *digests[] = { (char *) digest, NULL }, *layers[] = { "sha256:base", (char *) layer, NULL };
  StateImage image = { .id = (char *) id, .manifest_digest = "sha256:m", .architecture = "amd64", .os = "linux", .created = created, .size = 7,
                       .names = names, .digests = digests, .layers = layers, .config = "{\"a\":1}" };
  g_autoptr (GError) error = NULL;
  state_image_put (state, &image, &error);
  g_assert_no_error (error);
}

static void
check_find (State *state, const char *what, const char *id, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StateImage) image = state_image_find (state, what, &error);
  if (id != NULL)
    {
      g_assert_no_error (error);
      g_assert_cmpstr (image->id, ==, id);
    }
  else
    g_assert_error (error, CORACLE_ERROR, code);
}

static void
test_images (Fixture *f, const void *data)
{
  put (f->state, ID_A, 10, "localhost/a:latest", "localhost/a@sha256:m", "sha256:l1");
  put (f->state, ID_B, 30, "localhost/b:latest", NULL, "sha256:l2");
  put (f->state, ID_C, 20, NULL, NULL, NULL);
  const struct { const char *what, *id; int code; } rows[] = {
    { "localhost/a:latest", ID_A }, { "localhost/a@sha256:m", ID_A }, { "localhost/b@sha256:m", ID_B }, { ID_B, ID_B }, { "sha256:" ID_B, ID_B }, { "aaaa", ID_A }, { "sha256:c", ID_C },
    { "aaa", NULL, CORACLE_ERROR_INVALID }, { "b", NULL, CORACLE_ERROR_NOT_FOUND }, { "localhost/b", NULL, CORACLE_ERROR_NOT_FOUND },
    { "localhost/a@sha256:x", NULL, CORACLE_ERROR_NOT_FOUND }, { "localhost/z@sha256:m", NULL, CORACLE_ERROR_NOT_FOUND }, { "", NULL, CORACLE_ERROR_NOT_FOUND }, { ID_A "0", NULL, CORACLE_ERROR_NOT_FOUND },
    { "sha256:localhost/a:latest", NULL, CORACLE_ERROR_NOT_FOUND },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    check_find (f->state, rows[i].what, rows[i].id, rows[i].code);
  g_autoptr (GPtrArray) images = NULL;
  g_assert_true (state_image_list (f->state, &images, NULL));
  g_assert_cmpuint (images->len, ==, 3);
  g_assert_cmpstr (((StateImage *) images->pdata[0])->id, ==, ID_B);
  g_assert_cmpstr (((StateImage *) images->pdata[2])->id, ==, ID_A);
  StateImage *a = images->pdata[2], *c = images->pdata[1];
  g_assert_cmpstr (a->layers[1], ==, "sha256:l1");
  g_assert_cmpstr (a->config, ==, "{\"a\":1}");
  g_assert_null (a->variant);
  g_assert_cmpint (a->size, ==, 7);
  g_assert_cmpuint (g_strv_length (c->names) + g_strv_length (c->digests), ==, 0);
  g_assert_cmpuint (g_strv_length (c->layers), ==, 1);
}

static void
test_names (Fixture *f, const void *data)
{
  g_autoptr (GError) error = NULL;
  put (f->state, ID_A, 10, "n1", NULL, NULL);
  put (f->state, ID_B, 20, "n2", NULL, NULL);
  g_assert_true (state_image_name_set (f->state, "n3", ID_A, NULL));
  g_assert_true (state_image_name_set (f->state, "n1", ID_A, NULL));   /* no move: stays the oldest */
  g_autoptr (StateImage) a = state_image_find (f->state, ID_A, NULL);
  g_autofree char *names = g_strjoinv (",", a->names);
  g_assert_cmpstr (names, ==, "n1,n3");
  g_assert_true (state_image_name_set (f->state, "n1", ID_B, NULL));
  check_find (f->state, "n1", ID_B, 0);
  put (f->state, ID_A, 99, "n4", NULL, NULL);   /* there already: only gains the name */
  g_autoptr (StateImage) again = state_image_find (f->state, "n4", NULL);
  g_assert_cmpint (again->created, ==, 10);
  g_assert_false (state_image_name_set (f->state, "n9", ID_C, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (state_image_name_remove (f->state, "n1", NULL));
  g_assert_false (state_image_name_remove (f->state, "n1", &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
}

static void
assert_former (State *state, const char *id, const char *expected)
{
  g_auto (GStrv) former = state_image_former (state, id);
  g_autofree char *text = g_strjoinv (",", former);
  g_assert_cmpstr (text, ==, expected);
}

/* names that an image had: removed, or taken by another; not those that it has again */
static void
test_former_names (Fixture *f, const void *data)
{
  put (f->state, ID_A, 10, "n1", NULL, NULL);
  put (f->state, ID_B, 20, "n2", NULL, NULL);
  assert_former (f->state, ID_A, "");
  g_assert_true (state_image_name_set (f->state, "n1", ID_B, NULL));
  assert_former (f->state, ID_A, "n1");
  assert_former (f->state, ID_B, "");
  g_assert_true (state_image_name_set (f->state, "n3", ID_A, NULL));
  g_assert_true (state_image_name_remove (f->state, "n3", NULL));
  assert_former (f->state, ID_A, "n3,n1");
  g_assert_true (state_image_name_set (f->state, "n1", ID_A, NULL));
  assert_former (f->state, ID_A, "n3");
  assert_former (f->state, ID_B, "n1");
  g_assert_true (state_image_remove (f->state, ID_A, NULL));
  assert_former (f->state, ID_A, "");
}

static StateContainer *
container (const char *id, const char *name, const char *image)
{
  StateContainer *c = g_new0 (StateContainer, 1);
  c->id = g_strdup (id);
  c->name = g_strdup (name);
  c->image_id = g_strdup (image);
  c->created = 5;
  c->status = g_strdup ("created");
  c->config = json_pack ("{s:{s:s}}", "Config", "Tty", "yes");
  return c;
}

static gboolean
count_restart (StateContainer *row, void *data, GError **error)
{
  int *edits = data;
  row->exit_code++;
  return (*edits)++ == 0 || coracle_throw (error, CORACLE_ERROR_INVALID, "enough");
}

static void
test_containers (Fixture *f, const void *data)
{
  g_autoptr (GError) error = NULL;
  put (f->state, ID_A, 10, "n1", NULL, NULL);
  g_autoptr (StateContainer) one = container (ID_B, "one", ID_A), taken = container (ID_C, "one", NULL), orphan = container (ID_C, "x", ID_C);
  g_autoptr (StateContainer) named = container (ID_C, "aaab", NULL);
  g_assert_true (state_container_insert (f->state, one, NULL));
  g_assert_false (state_container_insert (f->state, taken, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (state_container_insert (f->state, orphan, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (state_container_insert (f->state, named, NULL));
  g_autoptr (StateContainer) by_name = state_container_find (f->state, "aaab", NULL), by_prefix = state_container_find (f->state, "aaa", NULL);
  g_assert_cmpstr (by_name->id, ==, ID_C);      /* a name wins over the beginning of an id */
  g_assert_cmpstr (by_prefix->id, ==, ID_B);
  g_assert_cmpstr (json_string_value (json_object_get (json_object_get (by_prefix->config, "Config"), "Tty")), ==, "yes");
  g_assert_false (state_image_remove (f->state, ID_A, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_IN_USE);
  g_clear_error (&error);
  by_prefix->exit_code = 3;
  by_prefix->finished = 9;
  g_assert_true (state_container_update (f->state, by_prefix, NULL));
  g_autoptr (StateContainer) updated = state_container_find (f->state, "one", NULL);
  g_assert_cmpint (updated->exit_code, ==, 3);
  int edits = 0;
  g_assert_true (state_container_edit (f->state, ID_B, count_restart, &edits, NULL));
  g_assert_false (state_container_edit (f->state, ID_B, count_restart, &edits, &error));   /* the second is refused: nothing changes */
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
  g_clear_error (&error);
  g_autoptr (StateContainer) edited = state_container_find (f->state, "one", NULL);
  g_assert_cmpint (edited->exit_code, ==, 4);
  g_assert_true (state_container_remove (f->state, ID_B, NULL));
  g_assert_false (state_container_update (f->state, updated, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  g_assert_true (state_image_remove (f->state, ID_A, NULL));
  check_find (f->state, "n1", NULL, CORACLE_ERROR_NOT_FOUND);
}

static void
test_lean_list (Fixture *f, const void *data)
{
  g_autoptr (StateContainer) one = container (ID_B, "one", NULL);
  g_assert_true (state_container_insert (f->state, one, NULL));
  g_autoptr (GPtrArray) list = NULL;
  g_assert_true (state_container_list_lean (f->state, &list, NULL));
  g_assert_cmpuint (list->len, ==, 1);
  StateContainer *lean = list->pdata[0];
  g_assert_cmpstr (lean->name, ==, "one");
  g_assert_null (lean->config);
  /* an update of a row whose config was never read keeps it */
  lean->exit_code = 4;
  g_assert_true (state_container_update (f->state, lean, NULL));
  g_autoptr (StateContainer) whole = state_container_find (f->state, "one", NULL);
  g_assert_cmpint (whole->exit_code, ==, 4);
  g_assert_cmpstr (json_string_value (json_object_get (json_object_get (whole->config, "Config"), "Tty")), ==, "yes");
  state_container_read_config (lean);
  g_assert_true (json_equal (lean->config, whole->config));
  state_container_read_config (lean);
  g_assert_true (json_equal (lean->config, whole->config));
}

static void
test_layers (Fixture *f, const void *data)
{
  StateLayer used = { .diff_id = "sha256:base", .blob_digest = "sha256:b", .media_type = "t", .blob_size = 1, .size = 2, .single = TRUE };
  StateLayer unused = { .diff_id = "sha256:l9", .size = 3 };
  put (f->state, ID_A, 10, "n1", NULL, NULL);
  g_assert_true (state_layer_put (f->state, &used, NULL));
  g_assert_true (state_layer_put (f->state, &unused, NULL));
  g_autoptr (GPtrArray) list = NULL;
  g_assert_true (state_layer_unused (f->state, &list, NULL));
  g_assert_cmpuint (list->len, ==, 1);
  g_assert_cmpstr (list->pdata[0], ==, "sha256:l9");
  g_autoptr (StateLayer) found = state_layer_find (f->state, "sha256:base", NULL);
  g_assert_true (found->single);
  g_assert_cmpstr (found->blob_digest, ==, "sha256:b");
  g_assert_true (state_layer_remove (f->state, "sha256:l9", NULL));
  g_autoptr (GError) error = NULL;
  g_assert_null (state_layer_find (f->state, "sha256:l9", &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
}

static void
test_open (Fixture *f, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *nowhere = g_strconcat (f->root, "/nowhere", NULL), *file = g_strconcat (f->root, "/state.db", NULL);
  g_autoptr (State) empty = state_open (nowhere, TRUE, &error);
  g_assert_no_error (error);
  check_find (empty, "x", NULL, CORACLE_ERROR_NOT_FOUND);
  g_assert_false (g_file_test (nowhere, G_FILE_TEST_EXISTS));
  put (f->state, ID_A, 1, "n1", NULL, NULL);
  g_autoptr (State) reader = state_open (f->root, TRUE, &error);
  g_assert_no_error (error);
  check_find (reader, "n1", ID_A, 0);
  g_assert_false (state_image_name_set (reader, "n2", ID_A, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_DENIED);
  g_clear_error (&error);
  sqlite3 *db = NULL;
  g_assert_cmpint (sqlite3_open (file, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "PRAGMA user_version=1000", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
  g_autoptr (State) newer = state_open (f->root, FALSE, &error);
  g_assert_null (newer);
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_assert_cmpint (mkdir (nowhere, 0700), ==, 0);
  g_autofree char *broken = g_strconcat (nowhere, "/state.db", NULL);
  g_assert_true (g_file_set_contents (broken, "this is no database, but long enough to be taken for one, if nobody looks at its first bytes............", -1, NULL));
  g_autoptr (State) corrupt = state_open (nowhere, FALSE, &error);
  g_assert_null (corrupt);
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
}

static void
test_meta (Fixture *f, const void *data)
{
  g_assert_null (state_meta_get (f->state, "k"));
  g_assert_true (state_meta_set (f->state, "k", "1", NULL));
  g_assert_true (state_meta_set (f->state, "k", "2", NULL));
  g_autofree char *value = state_meta_get (f->state, "k");
  g_assert_cmpstr (value, ==, "2");
}

/* Twenty processes create one store and write to it: none fails, nothing is lost. */
static void
test_concurrent (void)
{
  g_autofree char *root = g_dir_make_tmp ("coracle-test-XXXXXX", NULL);
  pid_t pids[20];
  for (int i = 0; i < 20; i++)
    if ((pids[i] = fork ()) == 0)
      {
        g_autoptr (State) state = state_open (root, FALSE, NULL);
        g_autofree char *id = g_strdup_printf ("%064x", i), *name = g_strdup_printf ("c%d", i);
        g_autoptr (StateContainer) c = container (id, name, NULL);
        c->auto_remove = TRUE;
        _exit (state != NULL && state_container_insert (state, c, NULL) ? 0 : 1);
      }
  for (int i = 0; i < 20; i++)
    {
      int status = -1;
      g_assert_cmpint (waitpid (pids[i], &status, 0), ==, pids[i]);
      g_assert_cmpint (status, ==, 0);
    }
  g_autoptr (State) state = state_open (root, FALSE, NULL);
  g_autoptr (GPtrArray) list = NULL;
  g_assert_true (state_container_list (state, &list, NULL));
  g_assert_cmpuint (list->len, ==, 20);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, root), ==, 0);
}

#define ADD(name) g_test_add ("/state/" #name, Fixture, NULL, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (images);
  ADD (names);
  ADD (former_names);
  ADD (containers);
  ADD (lean_list);
  ADD (layers);
  ADD (open);
  ADD (meta);
  g_test_add_func ("/state/concurrent", test_concurrent);
  return g_test_run ();
}
