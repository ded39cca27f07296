/* Manifest lists as documents: which kind, in which order, and what entries say. */
#include <glib.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/manifest_list.h"
#include "pkg/image/manifest.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void
put (ManifestList *list, const char *type, const char *digest, const char *arch)
{
  manifest_list_put (list, json_pack ("{s:s, s:i, s:s, s:{s:s, s:s}}", "mediaType", type, "size", 7, "digest", digest, "platform", "architecture", arch, "os", "linux"),
                     json_string ("containers-storage:x"));
}

static void
assert_text (const ManifestList *list, const char *form, const char *expected_type, const char *expected)
{
  const char *type;
  g_autofree char *text = manifest_list_text (list, form, &type);
  g_assert_cmpstr (type, ==, expected_type);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_kinds (void)
{
  g_autoptr (ManifestList) list = manifest_list_new ();
  assert_text (list, NULL, MEDIA_DOCKER_LIST, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_DOCKER_LIST "\",\"manifests\":[]}");
  put (list, MEDIA_DOCKER_MANIFEST, DIGEST_A, "amd64");
  assert_text (list, NULL, MEDIA_DOCKER_LIST,
               "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_DOCKER_LIST "\",\"manifests\":[{\"mediaType\":\"" MEDIA_DOCKER_MANIFEST "\",\"size\":7,\"digest\":\"" DIGEST_A
               "\",\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}}]}");
  put (list, MEDIA_OCI_MANIFEST, DIGEST_B, "arm64");
  manifest_list_annotate (list, (const char *const[]){ "b=2", "a=1=1", NULL });
  const char *type;
  g_autofree char *text = manifest_list_text (list, NULL, &type);
  g_assert_cmpstr (type, ==, MEDIA_OCI_INDEX);
  g_assert_true (g_str_has_suffix (text, "],\"annotations\":{\"a\":\"1=1\",\"b\":\"2\"}}"));
  g_assert_nonnull (strstr (text, "{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"" DIGEST_B "\",\"size\":7,"));
  g_autofree char *docker = manifest_list_text (list, "v2s2", &type);
  g_assert_cmpstr (type, ==, MEDIA_DOCKER_LIST);
  g_assert_null (strstr (docker, "annotations"));
}

static void
test_entries (void)
{
  g_autoptr (ManifestList) list = manifest_list_new ();
  g_autoptr (GError) error = NULL;
  put (list, MEDIA_OCI_MANIFEST, DIGEST_A, "amd64");
  put (list, MEDIA_OCI_MANIFEST, DIGEST_B, "arm64");
  put (list, MEDIA_OCI_MANIFEST, DIGEST_A, "s390x");
  g_assert_cmpuint (json_array_size (json_object_get (list->index, "manifests")), ==, 2);
  g_assert_cmpstr (json_string_value (json_object_get (json_object_get (manifest_list_entry (list, DIGEST_A), "platform"), "architecture")), ==, "s390x");
  g_assert_false (manifest_list_remove (list, "box", &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_true (manifest_list_remove (list, DIGEST_A, &error));
  g_assert_null (manifest_list_entry (list, DIGEST_A));
  g_assert_false (manifest_list_remove (list, DIGEST_A, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
  g_assert_cmpuint (json_object_size (list->from), ==, 1);
}

static void
test_notes (void)
{
  static const char *const features[] = { "f", NULL }, *const good[] = { "k=v", NULL }, *const bad[] = { "k", NULL };
  g_autoptr (ManifestList) list = manifest_list_new ();
  g_autoptr (GError) error = NULL;
  put (list, MEDIA_OCI_MANIFEST, DIGEST_A, "arm64");
  json_t *entry = manifest_list_entry (list, DIGEST_A), *platform = json_object_get (entry, "platform");
  manifest_entry_note (entry, &(ManifestNotes){ .variant = "v8", .os_version = "7", .features = features, .os_features = features, .annotations = good });
  g_assert_cmpstr (json_string_value (json_object_get (platform, "variant")), ==, "v8");
  g_assert_cmpstr (json_string_value (json_object_get (json_object_get (entry, "annotations"), "k")), ==, "v");
  g_assert_cmpuint (json_array_size (json_object_get (platform, "os.features")), ==, 1);
  /* a variant is one of its architecture, and an empty word takes away */
  manifest_entry_note (entry, &(ManifestNotes){ .arch = "s390x", .os_version = "" });
  g_assert_null (json_object_get (platform, "variant"));
  g_assert_null (json_object_get (platform, "os.version"));
  g_assert_true (manifest_notes_check (&(ManifestNotes){ .annotations = good }, &error));
  g_assert_false (manifest_notes_check (&(ManifestNotes){ .annotations = bad }, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/manifest-list/kinds", test_kinds);
  g_test_add_func ("/manifest-list/entries", test_entries);
  g_test_add_func ("/manifest-list/notes", test_notes);
  return g_test_run ();
}
