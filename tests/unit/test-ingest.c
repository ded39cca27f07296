/* Images from every local transport into a store, and what must not get there. */
#include <dirent.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/wait.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "storage/content.h"
#include "storage/ingest.h"
#include "storage/layer.h"
#include "tests/unit/tar-builder.h"

typedef struct {
  char *folder;
  ConfigPaths paths;
  Storage *storage;
  GByteArray *layer, *packed;   /* a layer's tar; the same by gzip */
  char *diff_id, *blob_digest;
} Fixture;

/* run: a program, fed @input; its output. */
static GByteArray *
run (const char *command, const GByteArray *input)
{
  g_autofree char *in = NULL, *out = NULL, *line = NULL;
  int fd = g_file_open_tmp ("coracle-ingest-XXXXXX", &in, NULL);
  g_assert_cmpint (fd_write_all (fd, input->data, input->len), ==, 0);
  fd_close (fd);
  out = g_strconcat (in, ".out", NULL);
  line = g_strdup_printf ("%s < %s > %s", command, in, out);
  g_assert_cmpint (system (line), ==, 0);
  char *data;
  gsize size;
  g_assert_true (g_file_get_contents (out, &data, &size, NULL));
  (void) unlink (in);
  (void) unlink (out);
  return g_byte_array_new_take ((guint8 *) data, size);
}

static void
setup (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("coracle-ingest-XXXXXX", NULL);
  f->paths.root = g_build_filename (f->folder, "root", NULL);
  f->paths.run_root = g_build_filename (f->folder, "run", NULL);
  GError *error = NULL;
  f->storage = storage_open (&f->paths, &error);
  g_assert_no_error (error);
  Tar tar = tar_new ();
  tar_dir (&tar, "etc/", 0755);
  tar_file (&tar, "etc/hostname", "boat\n");
  f->layer = tar_end (&tar);
  f->packed = run ("gzip -nc", f->layer);
  f->diff_id = digest_of (f->layer->data, f->layer->len);
  f->blob_digest = digest_of (f->packed->data, f->packed->len);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  /* whatever happened, nothing unfinished is left */
  g_autofree char *tmp = g_build_filename (f->paths.root, "tmp", NULL);
  g_autoptr (GDir) dir = g_dir_open (tmp, 0, NULL);
  g_assert_nonnull (dir);
  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
  storage_free (f->storage);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, f->folder), ==, 0);
  g_free (f->folder);
  g_free (f->paths.root);
  g_free (f->paths.run_root);
  g_byte_array_unref (f->layer);
  g_byte_array_unref (f->packed);
  g_free (f->diff_id);
  g_free (f->blob_digest);
}

static guint
count_in (Fixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->paths.root, name, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;
  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static char *
config_text (Fixture *f)
{
  return g_strdup_printf ("{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2024-01-02T03:04:05.5Z\",\"config\":{\"Cmd\":[\"sh\"],\"Env\":[\"A=b\"]},"
                          "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]},\"history\":[{\"created_by\":\"test\"}]}", f->diff_id);
}

/* put_file: FOLDER/NAME with its folders. */
static void
put_file (Fixture *f, const char *name, const void *data, size_t size)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL), *dir = g_path_get_dirname (path);
  g_assert_cmpint (g_mkdir_with_parents (dir, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
}

static void
put_blob (Fixture *f, const char *layout, const void *data, size_t size)
{
  g_autofree char *digest = digest_of (data, size), *name = g_strconcat (layout, "/blobs/sha256/", digest + 7, NULL);
  put_file (f, name, data, size);
}

static char *
manifest_text (Fixture *f)
{
  g_autofree char *config = config_text (f), *config_digest = digest_of (config, strlen (config));
  return g_strdup_printf ("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"%s\",\"size\":%zu},"
                          "\"layers\":[{\"mediaType\":\"" MEDIA_OCI_LAYER "+gzip\",\"digest\":\"%s\",\"size\":%u}]}",
                          config_digest, strlen (config), f->blob_digest, f->packed->len);
}

/* make_oci: FOLDER/oci, its one image inside a nested index with a second platform. */
static void
make_oci (Fixture *f)
{
  g_autofree char *config = config_text (f), *manifest = manifest_text (f), *digest = digest_of (manifest, strlen (manifest));
  ImagePlatform host = image_platform_host ();
  static const char entry[] = "{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}";
  g_autofree char *other = g_strdup_printf (entry, "sha256:0000000000000000000000000000000000000000000000000000000000000000", (size_t) 7, "pdp11");
  g_autofree char *ours = g_strdup_printf (entry, digest, strlen (manifest), host.architecture);
  g_autofree char *nested = g_strdup_printf ("{\"schemaVersion\":2,\"manifests\":[%s,%s]}", other, ours);
  g_autofree char *nested_digest = digest_of (nested, strlen (nested));
  g_autofree char *index = g_strdup_printf ("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_INDEX
                                            "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{\"" ANNOTATION_REF_NAME "\":\"latest\"}}]}",
                                            nested_digest, strlen (nested));
  put_file (f, "oci/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 30);
  put_file (f, "oci/index.json", index, strlen (index));
  put_blob (f, "oci", nested, strlen (nested));
  put_blob (f, "oci", manifest, strlen (manifest));
  put_blob (f, "oci", config, strlen (config));
  put_blob (f, "oci", f->packed->data, f->packed->len);
}

static StateImage *
ingest (Fixture *f, ArchiveFormat format, const char *path, GError **error)
{
  g_autofree char *full = g_path_is_absolute (path) || strcmp (path, "-") == 0 ? g_strdup (path) : g_build_filename (f->folder, path, NULL);
  g_autoptr (ArchiveSource) source = source_open (format, full, -1, error);
  const char *names[] = { "localhost/boat:latest", NULL };
  IngestOptions options = { .names = names };
  StateImage *image = NULL;
  guint index;
  if (source == NULL || !source_find (source, NULL, &index, error) || !ingest_image (f->storage, source, index, NULL, &options, &image, error))
    return NULL;
  return image;
}

static void
assert_image (Fixture *f, StateImage *image, const GError *error)
{
  g_autofree char *config = config_text (f), *id = digest_of (config, strlen (config)), *path = layer_path (f->storage, f->diff_id);
  g_autofree char *file = g_build_filename (path, "etc/hostname", NULL), *text = NULL, *skopeo = NULL;
  g_assert_no_error (error);
  g_assert_cmpstr (image->id, ==, id + 7);
  g_assert_cmpint (image->created, ==, 1704164645);
  g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "boat\n");
  g_autoptr (StateImage) found = state_image_find (f->storage->state, "localhost/boat:latest", NULL);
  g_assert_nonnull (found);
  g_assert_cmpstr (found->id, ==, image->id);
  g_assert_cmpstr (found->layers[0], ==, f->diff_id);
  /* the store is itself a layout that can be read back, by name */
  GError *again = NULL;
  g_autofree char *layout = g_build_filename (f->paths.root, "oci", NULL);
  g_autoptr (ArchiveSource) source = source_open (ARCHIVE_OCI, layout, -1, &again);
  g_assert_no_error (again);
  guint index;
  g_assert_true (source_find (source, "localhost/boat:latest", &index, NULL));
  g_autoptr (ArchiveImage) copy = source_image (source, index, NULL, &again);
  g_assert_no_error (again);
  g_assert_cmpstr (copy->config_digest, ==, id);
  g_assert_cmpstr (copy->manifest_digest, ==, image->manifest_digest);
  state_image_free (image);
}

static void
assert_nothing (Fixture *f)
{
  g_autoptr (GPtrArray) images = NULL, layers = NULL;
  g_assert_true (state_image_list (f->storage->state, &images, NULL));
  g_assert_cmpuint (images->len, ==, 0);
  g_assert_true (state_layer_list (f->storage->state, &layers, NULL));
  g_assert_cmpuint (layers->len, ==, 0);
  g_assert_cmpuint (count_in (f, "layers"), ==, 0);
  g_assert_cmpuint (count_in (f, "oci/blobs/sha256"), ==, 0);
}

static void
test_oci (Fixture *f, gconstpointer data)
{
  GError *error = NULL;
  make_oci (f);
  StateImage *image = ingest (f, ARCHIVE_OCI, "oci", &error);
  assert_image (f, image, error);
  g_autoptr (StateLayer) layer = state_layer_find (f->storage->state, f->diff_id, NULL);
  g_assert_cmpstr (layer->blob_digest, ==, f->blob_digest);
  g_assert_cmpstr (layer->media_type, ==, MEDIA_OCI_LAYER "+gzip");
  g_assert_cmpuint (count_in (f, "oci/blobs/sha256"), ==, 3);
  /* a second time: the same, and the layer's blob is not even read */
  g_autofree char *blob = g_strconcat (f->folder, "/oci/blobs/sha256/", f->blob_digest + 7, NULL);
  g_assert_cmpint (truncate (blob, 3), ==, 0);
  image = ingest (f, ARCHIVE_ANY, "oci", &error);
  assert_image (f, image, error);
}

static void
test_oci_archive (Fixture *f, gconstpointer data)
{
  static const char *const ways[] = { "cat", "gzip -c", "xz -0c", "bzip2 -1c" };
  make_oci (f);
  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      GError *error = NULL;
      g_autofree char *line = g_strdup_printf ("cd %s/oci && tar c index.json blobs oci-layout | %s > ../oci.tar", f->folder, ways[i]);
      g_assert_cmpint (system (line), ==, 0);
      StateImage *image = ingest (f, i % 2 == 0 ? ARCHIVE_OCI : ARCHIVE_ANY, "oci.tar", &error);
      assert_image (f, image, error);
    }
}

static void
test_dir (Fixture *f, gconstpointer data)
{
  GError *error = NULL;
  g_autofree char *config = config_text (f), *manifest = manifest_text (f), *digest = digest_of (config, strlen (config));
  g_autofree char *config_name = g_strconcat ("dir/", digest + 7, NULL), *blob_name = g_strconcat ("dir/", f->blob_digest + 7, NULL);
  put_file (f, "dir/version", "Directory Transport Version: 1.1\n", 33);
  put_file (f, "dir/manifest.json", manifest, strlen (manifest));
  put_file (f, config_name, config, strlen (config));
  put_file (f, blob_name, f->packed->data, f->packed->len);
  StateImage *image = ingest (f, ARCHIVE_ANY, "dir", &error);
  assert_image (f, image, error);
}

/* make_docker: docker-archive, its members in the order that needs looking ahead, the layer behind a link as old Docker wrote them. */
static GByteArray *
make_docker (Fixture *f, const GByteArray *layer)
{
  g_autofree char *config = config_text (f), *digest = digest_of (config, strlen (config)), *name = g_strconcat (digest + 7, ".json", NULL);
  g_autofree char *manifest = g_strdup_printf ("[{\"Config\":\"%s\",\"RepoTags\":[\"busybox:latest\",\"docker.io/x/y:2\"],\"Layers\":[\"b/layer.tar\"]}]", name);
  Tar tar = tar_new ();
  tar_put (&tar, tar_entry ("a/layer.tar", S_IFREG | 0644), layer->data, layer->len);
  tar_symlink (&tar, "b/layer.tar", "../a/layer.tar");
  tar_file (&tar, "manifest.json", manifest);
  tar_file (&tar, name, config);
  return tar_end (&tar);
}

static void
test_docker_archive (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) xz = run ("xz -0c", f->layer);
  const GByteArray *const layers[] = { f->layer, f->packed, xz };
  for (size_t i = 0; i < G_N_ELEMENTS (layers); i++)
    {
      GError *error = NULL;
      g_autoptr (GByteArray) bytes = make_docker (f, layers[i]);
      put_file (f, "docker.tar", bytes->data, bytes->len);
      StateImage *image = ingest (f, ARCHIVE_ANY, "docker.tar", &error);
      assert_image (f, image, error);
      /* so that the next is unpacked again */
      g_autoptr (StateImage) found = state_image_find (f->storage->state, "localhost/boat:latest", NULL);
      gboolean collected = FALSE;
      g_assert_true (state_image_remove (f->storage->state, found->id, NULL));
      g_assert_true (storage_collect (f->storage, &collected, NULL));
      g_assert_true (collected);
      assert_nothing (f);
    }
  g_autofree char *path = g_build_filename (f->folder, "docker.tar", NULL);
  g_autoptr (ArchiveSource) source = source_open (ARCHIVE_DOCKER, path, -1, NULL);
  guint index;
  g_assert_cmpstr (source_names (source, 0)[1], ==, "docker.io/x/y:2");
  g_assert_true (source_find (source, "docker.io/library/busybox:latest", &index, NULL));
  g_assert_true (source_find (source, "busybox", &index, NULL));
  g_assert_true (source_find (source, "@0", &index, NULL));
  g_assert_false (source_find (source, "@1", &index, NULL));
  g_assert_false (source_find (source, "alpine", &index, NULL));
}

/* test_pipe: standard input that cannot be sought in, in a child whose input it is. */
static void
test_pipe (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = make_docker (f, f->layer);
  int ends[2];
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      (void) close (ends[0]);
      _exit (fd_write_all (ends[1], bytes->data, bytes->len) == 0 ? 0 : 1);
    }
  int saved = dup (0);
  g_assert_cmpint (dup2 (ends[0], 0), ==, 0);
  (void) close (ends[0]);
  (void) close (ends[1]);
  GError *error = NULL;
  StateImage *image = ingest (f, ARCHIVE_ANY, "-", &error);
  (void) dup2 (saved, 0);
  (void) close (saved);
  assert_image (f, image, error);
  int status;
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

static void
test_rootfs (Fixture *f, gconstpointer data)
{
  static const char *const ways[] = { "cat", "gzip -c", "zstd -qc", "xz -0c" };
  g_autofree char *zstd = g_find_program_in_path ("zstd");
  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      if (i == 2 && zstd == NULL)
        continue;
      g_autoptr (GByteArray) bytes = run (ways[i], f->layer);
      json_auto_t *base = json_pack ("{s:{s:[s]}}", "config", "Cmd", "/bin/sh"), *history = json_pack ("{s:s}", "comment", "imported");
      const char *names[] = { "localhost/boat:latest", NULL };
      IngestOptions options = { .names = names };
      g_autoptr (StateImage) image = NULL;
      GError *error = NULL;
      g_assert_true (ingest_rootfs (f->storage, byte_stream_from_data (bytes->data, bytes->len), base, history, &options, &image, &error));
      g_assert_no_error (error);
      g_assert_cmpstr (image->layers[0], ==, f->diff_id);
      g_autoptr (ImageConfig) config = image_config_parse (image->config, strlen (image->config), NULL);
      g_assert_cmpstr (config->cmd[0], ==, "/bin/sh");
      g_assert_cmpuint (json_array_size (config->history), ==, 1);
      g_assert_cmpint (config->created, >, 1700000000);
    }
}

static void
fails (Fixture *f, const char *path, int code, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (ingest (f, ARCHIVE_ANY, path, &error));
  g_assert_error (error, CORACLE_ERROR, code);
  if (strstr (error->message, text) == NULL)
    g_error ("\"%s\" is not in: %s", text, error->message);
  assert_nothing (f);
}

/* spoil: change the last byte of a blob of FOLDER/oci, or cut it off. */
static void
spoil (Fixture *f, const char *digest, gboolean cut)
{
  g_autofree char *path = g_strconcat (f->folder, "/oci/blobs/sha256/", digest + 7, NULL), *data = NULL;
  gsize size;
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  data[size - 1] ^= 1;
  g_assert_true (g_file_set_contents (path, data, (gssize) size - cut, NULL));
}

static void
test_wrong (Fixture *f, gconstpointer data)
{
  g_autofree char *manifest = manifest_text (f), *manifest_digest = digest_of (manifest, strlen (manifest));
  g_autofree char *config = config_text (f), *config_digest = digest_of (config, strlen (config));
  make_oci (f);
  spoil (f, f->blob_digest, FALSE);
  fails (f, "oci", CORACLE_ERROR_CORRUPT, "layer 1: gzip:");
  make_oci (f);
  spoil (f, f->blob_digest, TRUE);
  fails (f, "oci", CORACLE_ERROR_CORRUPT, "gzip: cut short");
  make_oci (f);
  spoil (f, config_digest, FALSE);
  fails (f, "oci", CORACLE_ERROR_CORRUPT, "has the digest");
  make_oci (f);
  spoil (f, manifest_digest, TRUE);
  fails (f, "oci", CORACLE_ERROR_CORRUPT, "bytes instead of");
  /* another layer's sound blob under this name */
  make_oci (f);
  g_autofree char *path = g_strconcat (f->folder, "/oci/blobs/sha256/", f->blob_digest + 7, NULL);
  Tar tar = tar_new ();
  tar_file (&tar, "evil", "evil");
  g_autoptr (GByteArray) other = tar_end (&tar);
  g_assert_true (g_file_set_contents (path, (char *) other->data, other->len, NULL));
  fails (f, "oci", CORACLE_ERROR_CORRUPT, "longer than");
  g_autoptr (GByteArray) same_size = g_byte_array_new ();
  g_byte_array_append (same_size, f->packed->data, f->packed->len);
  same_size->data[4] ^= 1;   /* gzip's time: inflates to the same */
  g_assert_true (g_file_set_contents (path, (char *) same_size->data, same_size->len, NULL));
  fails (f, "oci", CORACLE_ERROR_CORRUPT, "the blob has the digest");
}

static void
test_wrong_docker (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = make_docker (f, f->layer);
  put_file (f, "cut.tar", bytes->data, bytes->len / 2);
  fails (f, "cut.tar", CORACLE_ERROR_CORRUPT, "Truncated");
  char *text = memmem (f->layer->data, f->layer->len, "boat\n", 5);
  g_assert_nonnull (text);
  text[0] = 'm';
  g_autoptr (GByteArray) changed = make_docker (f, f->layer);
  put_file (f, "changed.tar", changed->data, changed->len);
  fails (f, "changed.tar", CORACLE_ERROR_CORRUPT, "the config says");
  put_file (f, "text.tar", "this is no archive at all", 25);
  fails (f, "text.tar", CORACLE_ERROR_CORRUPT, "not a sound tar archive");
  put_file (f, "empty.tar", "", 0);
  fails (f, "empty.tar", CORACLE_ERROR_CORRUPT, "not a sound tar archive");
  fails (f, "missing.tar", CORACLE_ERROR_NOT_FOUND, "missing.tar");
  put_file (f, "odd/file", "x", 1);
  fails (f, "odd", CORACLE_ERROR_INVALID, "payload does not match");
}

/* two layers, the second broken: the first, in place already, is collected again */
static void
test_half (Fixture *f, gconstpointer data)
{
  g_autofree char *config = g_strdup_printf ("{\"rootfs\":{\"diff_ids\":[\"%s\",\"sha256:%064d\"]}}", f->diff_id, 0);
  Tar tar = tar_new ();
  tar_put (&tar, tar_entry ("1.tar", S_IFREG | 0644), f->layer->data, f->layer->len);
  tar_file (&tar, "manifest.json", "[{\"Config\":\"config.json\",\"RepoTags\":null,\"Layers\":[\"1.tar\",\"1.tar\"]}]");
  tar_file (&tar, "config.json", config);
  g_autoptr (GByteArray) bytes = tar_end (&tar);
  put_file (f, "half.tar", bytes->data, bytes->len);
  fails (f, "half.tar", CORACLE_ERROR_CORRUPT, "layer 2: the layer's tar has the digest");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/ingest/" name, Fixture, NULL, setup, function, teardown)
  ADD ("oci", test_oci);
  ADD ("oci-archive", test_oci_archive);
  ADD ("dir", test_dir);
  ADD ("docker-archive", test_docker_archive);
  ADD ("pipe", test_pipe);
  ADD ("rootfs", test_rootfs);
  ADD ("wrong", test_wrong);
  ADD ("wrong-docker", test_wrong_docker);
  ADD ("half", test_half);
  return g_test_run ();
}
