/* Manifests, indexes, configs, docker-archive lists: what is taken, and what is refused, with which words. */
#include <glib.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/image/config.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX
#define CONFIG "{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" DIGEST "\",\"size\":2}"
#define LAYER "{\"mediaType\":\"" MEDIA_OCI_LAYER "+gzip\",\"digest\":\"" DIGEST "\",\"size\":3}"

static void
assert_says (GError *error, int code, const char *text)
{
  g_assert_error (error, CORACLE_ERROR, code);
  if (strstr (error->message, text) == NULL)
    g_error ("\"%s\" is not in: %s", text, error->message);
  g_error_free (error);
}

static void
test_digest (void)
{
  g_assert_true (image_digest_is_sha256 (DIGEST));
  g_assert_cmpstr (image_digest_hex (DIGEST), ==, HEX);
  static const char *const bad[] = { NULL, "", "sha256:", HEX, "sha256:" HEX "0", "sha256:../../../../../../../../../../../../../../../../../../../../../etc/passwd",
                                     "sha512:" HEX, "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef" };
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (image_digest_is_sha256 (bad[i]));
}

static void
test_manifest (void)
{
  static const char text[] = "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" LAYER "," LAYER "]}";
  GError *error = NULL;
  g_autoptr (ImageManifest) manifest = image_manifest_parse (text, strlen (text), NULL, &error);
  g_assert_no_error (error);
  g_assert_false (manifest->is_index);
  g_assert_cmpstr (manifest->media_type, ==, MEDIA_OCI_MANIFEST);
  g_assert_cmpstr (manifest->config->digest, ==, DIGEST);
  g_assert_cmpuint (manifest->parts->len, ==, 2);
  g_assert_cmpint (((ImageDescriptor *) manifest->parts->pdata[1])->size, ==, 3);
  g_autofree char *made = image_manifest_text (manifest->config, manifest->parts);
  g_autoptr (ImageManifest) again = image_manifest_parse (made, strlen (made), MEDIA_OCI_MANIFEST, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->parts->len, ==, 2);
}

static void
test_refused (void)
{
  static const struct { const char *text, *type; int code; const char *says; } cases[] = {
    { "", NULL, CORACLE_ERROR_CORRUPT, "manifest" },
    { "[]", NULL, CORACLE_ERROR_CORRUPT, "manifest: not an object" },
    { "{\"schemaVersion\":1}", NULL, CORACLE_ERROR_UNSUPPORTED, "schema 1" },
    { "{\"schemaVersion\":3}", NULL, CORACLE_ERROR_CORRUPT, "schemaVersion" },
    { "{\"schemaVersion\":\"2\"}", NULL, CORACLE_ERROR_CORRUPT, "schemaVersion" },
    { "{\"schemaVersion\":2}", NULL, CORACLE_ERROR_CORRUPT, "config: a descriptor is missing" },
    { "{\"schemaVersion\":2,\"config\":" CONFIG "}", NULL, CORACLE_ERROR_CORRUPT, "layers: missing" },
    { "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":{}}", NULL, CORACLE_ERROR_CORRUPT, "layers: expected an array" },
    { "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" LAYER ",7]}", NULL, CORACLE_ERROR_CORRUPT, "layers[1]" },
    { "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, CORACLE_ERROR_CORRUPT, "both a manifest and an index" },
    { "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"config\":" CONFIG ",\"layers\":[]}", NULL, CORACLE_ERROR_CORRUPT, "disagree" },
    { "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_DOCKER_MANIFEST "\",\"config\":" CONFIG ",\"layers\":[]}", MEDIA_OCI_MANIFEST, CORACLE_ERROR_CORRUPT, "announced" },
    { "{\"schemaVersion\":2,\"mediaType\":\"text/html\",\"layers\":[]}", NULL, CORACLE_ERROR_UNSUPPORTED, "text/html" },
    { "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.cncf.helm.config.v1+json\",\"digest\":\"" DIGEST "\",\"size\":2},\"layers\":[]}", NULL,
      CORACLE_ERROR_UNSUPPORTED, "an artifact of the type application/vnd.cncf.helm" },
    { "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[{\"mediaType\":\"" MEDIA_OCI_LAYER "+gzip+encrypted\",\"digest\":\"" DIGEST "\",\"size\":3}]}", NULL,
      CORACLE_ERROR_UNSUPPORTED, "+encrypted" },
    { "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"sha256:../../x\",\"size\":2},\"layers\":[]}", NULL, CORACLE_ERROR_CORRUPT,
      "not a valid sha256 digest" },
    { "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" DIGEST "\",\"size\":-2},\"layers\":[]}", NULL, CORACLE_ERROR_CORRUPT, "size" },
    { "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" DIGEST "\"},\"layers\":[]}", NULL, CORACLE_ERROR_CORRUPT, "size: missing" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GError *error = NULL;
      g_assert_null (image_manifest_parse (cases[i].text, strlen (cases[i].text), cases[i].type, &error));
      assert_says (error, cases[i].code, cases[i].says);
    }
}

static void
test_too_large (void)
{
  g_autofree char *big = g_strnfill (IMAGE_MANIFEST_LIMIT + 1, ' ');
  GError *error = NULL;
  big[0] = '{';
  big[1] = '}';
  g_assert_null (image_manifest_parse (big, IMAGE_MANIFEST_LIMIT + 1, NULL, &error));
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_CORRUPT);
  g_error_free (error);
  g_autoptr (GString) many = g_string_new ("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" LAYER);
  for (int i = 0; i < IMAGE_LAYERS_LIMIT; i++)
    g_string_append (many, ",{}");
  g_string_append (many, "]}");
  error = NULL;
  g_assert_null (image_manifest_parse (many->str, many->len, NULL, &error));
  assert_says (error, CORACLE_ERROR_CORRUPT, "layers: more than");
}

#define ENTRY(os, arch, extra) "{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"" DIGEST "\",\"size\":1,\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"" extra "}}"

static void
test_index (void)
{
  static const char text[] = "{\"schemaVersion\":2,\"manifests\":[" ENTRY ("windows", "amd64", "") "," ENTRY ("linux", "amd64", "") "," ENTRY ("linux", "arm", ",\"variant\":\"v6\"") ","
    ENTRY ("linux", "arm", ",\"variant\":\"v7\"") "," ENTRY ("linux", "arm64", ",\"variant\":\"v8\"") "," ENTRY ("unknown", "unknown", "") "]}";
  static const struct { ImagePlatform platform; int chosen; } cases[] = {
    { { "linux", "amd64", NULL }, 1 },  { { "windows", "amd64", NULL }, 0 }, { { "linux", "arm", "v7" }, 3 }, { { "linux", "arm", "v6" }, 2 },
    { { "linux", "arm64", NULL }, 4 },  { { "linux", "arm64", "v8" }, 4 },   { { "linux", "s390x", NULL }, -1 }, { { "linux", "arm", "v5" }, -1 },
  };
  GError *error = NULL;
  g_autoptr (ImageManifest) index = image_manifest_parse (text, strlen (text), MEDIA_OCI_INDEX, &error);
  g_assert_no_error (error);
  g_assert_true (index->is_index);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const ImageDescriptor *chosen = image_index_choose (index, &cases[i].platform, &error);
      if (cases[i].chosen < 0)
        {
          g_assert_null (chosen);
          assert_says (g_steal_pointer (&error), CORACLE_ERROR_NOT_FOUND, "there are: amd64, amd64, arm");
        }
      else
        g_assert_true (chosen == index->parts->pdata[cases[i].chosen]);
    }
}

static void
test_platform (void)
{
  static const struct { const char *text, *os, *architecture, *variant; } cases[] = {
    { "linux/amd64", "linux", "amd64", NULL }, { "linux/arm/v7", "linux", "arm", "v7" }, { "aarch64", "linux", "arm64", NULL }, { "linux/x86_64", "linux", "amd64", NULL },
    { "", NULL, NULL, NULL }, { "linux/", NULL, NULL, NULL }, { "a/b/c/d", NULL, NULL, NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) storage = NULL;
      ImagePlatform platform = { NULL, NULL, NULL };
      g_autoptr (GError) error = NULL;
      g_assert_cmpint (image_platform_parse (cases[i].text, &storage, &platform, &error), ==, cases[i].os != NULL);
      g_assert_cmpstr (platform.os, ==, cases[i].os);
      g_assert_cmpstr (platform.architecture, ==, cases[i].architecture);
      g_assert_cmpstr (platform.variant, ==, cases[i].variant);
    }
}

static void
test_docker_archive (void)
{
  static const char text[] = "[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[\"l.tar\"]},{\"Config\":\"d.json\",\"RepoTags\":null,\"Layers\":null}]";
  g_autoptr (GPtrArray) images = NULL;
  GError *error = NULL;
  g_assert_true (docker_archive_parse (text, strlen (text), &images, &error));
  g_assert_cmpuint (images->len, ==, 2);
  DockerArchiveImage *first = images->pdata[0], *second = images->pdata[1];
  g_assert_cmpstr (first->names[0], ==, "a:1");
  g_assert_cmpstr (first->layers[0], ==, "l.tar");
  g_assert_null (second->names[0]);
  static const char *const bad[] = { "{}", "[]", "[7]", "[{}]", "[{\"Config\":7}]", "[{\"Config\":\"c\",\"RepoTags\":\"x\"}]", "[{\"Config\":\"c\",\"Layers\":[7]}]", "[" };
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GPtrArray) none = NULL;
      g_assert_false (docker_archive_parse (bad[i], strlen (bad[i]), &none, &error));
      assert_says (g_steal_pointer (&error), CORACLE_ERROR_CORRUPT, "manifest.json");
    }
}

static void
test_config (void)
{
  static const char text[] =
      "{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\",\"created\":\"2024-01-02T03:04:05.123456789Z\",\"config\":{\"User\":\"1:2\",\"Env\":[\"A=b\"],"
      "\"Entrypoint\":[\"/init\"],\"Cmd\":null,\"WorkingDir\":\"/srv\",\"Labels\":{\"a.b\":\"c\"},\"Volumes\":{\"/data\":{}},\"ExposedPorts\":{\"80/tcp\":{}},\"StopSignal\":\"SIGINT\","
      "\"Healthcheck\":{\"Test\":[\"NONE\"]}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST "\"]},\"history\":[{\"created_by\":\"x\"}]}";
  GError *error = NULL;
  g_autoptr (ImageConfig) config = image_config_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (config->architecture, ==, "arm64");
  g_assert_cmpint (config->created, ==, 1704164645);
  g_assert_cmpstr (config->user, ==, "1:2");
  g_assert_cmpstr (config->entrypoint[0], ==, "/init");
  g_assert_null (config->cmd);
  g_assert_cmpstr (config->volumes[0], ==, "/data");
  g_assert_cmpstr (config->exposed_ports[0], ==, "80/tcp");
  g_assert_cmpstr (config->stop_signal, ==, "SIGINT");
  g_assert_cmpstr (json_string_value (json_object_get (config->labels, "a.b")), ==, "c");
  g_assert_nonnull (config->healthcheck);
  g_autoptr (ImageConfig) bare = image_config_parse ("{\"created\":\"0001-01-01T00:00:00Z\"}", 34, &error);
  g_assert_no_error (error);
  g_assert_cmpint (bare->created, ==, 0);
  g_assert_cmpstr (bare->os, ==, "linux");
  g_assert_null (bare->diff_ids[0]);
  g_assert_null (bare->env[0]);
}

static void
test_config_refused (void)
{
  static const char *const bad[] = {
    "", "[]", "{\"config\":7}", "{\"config\":{\"Env\":\"A=b\"}}", "{\"config\":{\"Env\":[7]}}", "{\"config\":{\"Cmd\":{}}}", "{\"config\":{\"User\":0}}", "{\"config\":{\"Labels\":{\"a\":1}}}",
    "{\"config\":{\"Volumes\":[]}}", "{\"rootfs\":{\"diff_ids\":[\"../../etc\"]}}", "{\"rootfs\":{\"diff_ids\":\"x\"}}", "{\"history\":[1]}", "{\"architecture\":[]}", "{\"config\":{\"Env\":[\"A\\u0000B\"]}}",
  };
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GError *error = NULL;
      g_assert_null (image_config_parse (bad[i], strlen (bad[i]), &error));
      assert_says (error, CORACLE_ERROR_CORRUPT, "image config");
    }
}

static void
test_config_make (void)
{
  const char *const diff_ids[] = { DIGEST, NULL };
  json_auto_t *base = json_pack ("{s:s, s:s, s:{s:[s]}, s:[{s:s}]}", "author", "me", "architecture", "arm64", "config", "Cmd", "sh", "history", "created_by", "before");
  json_auto_t *history = json_pack ("{s:s}", "comment", "now");
  g_autofree char *text = image_config_make (base, diff_ids, history, 1704164645);
  GError *error = NULL;
  g_autoptr (ImageConfig) config = image_config_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (config->author, ==, "me");
  g_assert_cmpstr (config->architecture, ==, "arm64");
  g_assert_cmpint (config->created, ==, 1704164645);
  g_assert_cmpstr (config->diff_ids[0], ==, DIGEST);
  g_assert_cmpuint (json_array_size (config->history), ==, 2);
  g_assert_cmpstr (json_string_value (json_object_get (json_array_get (config->history, 1), "created")), ==, "2024-01-02T03:04:05Z");
  g_assert_cmpuint (json_array_size (json_object_get (base, "history")), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/manifest/digest", test_digest);
  g_test_add_func ("/manifest/image", test_manifest);
  g_test_add_func ("/manifest/refused", test_refused);
  g_test_add_func ("/manifest/too-large", test_too_large);
  g_test_add_func ("/manifest/index", test_index);
  g_test_add_func ("/manifest/platform", test_platform);
  g_test_add_func ("/manifest/docker-archive", test_docker_archive);
  g_test_add_func ("/config/parse", test_config);
  g_test_add_func ("/config/refused", test_config_refused);
  g_test_add_func ("/config/make", test_config_make);
  return g_test_run ();
}
