/* What signatures say, where they are, as whom an image may be signed. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/image_policy.h"
#include "pkg/signature/payload.h"
#include "pkg/signature/registries_d.h"
#include "pkg/signature/simple.h"

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PAYLOAD(critical, rest) "{\"critical\":{" critical "}" rest "}"
#define GOOD "\"identity\":{\"docker-reference\":\"a/b:1\"},\"image\":{\"docker-manifest-digest\":\"" DIGEST "\"},\"type\":\"atomic container signature\""

static void
test_payload (void)
{
  static const struct { const char *text; gboolean good; } cases[] = {
    { PAYLOAD (GOOD, ",\"optional\":{}"), TRUE },
    { PAYLOAD (GOOD, ",\"optional\":{\"creator\":\"x\",\"timestamp\":1,\"more\":[]}"), TRUE },
    { PAYLOAD (GOOD, ",\"optional\":null"), FALSE },
    { PAYLOAD (GOOD, ",\"optional\":{\"creator\":7}"), FALSE },
    { PAYLOAD (GOOD, ""), FALSE },
    { PAYLOAD (GOOD, ",\"optional\":{},\"more\":1"), FALSE },
    { PAYLOAD (GOOD ",\"more\":1", ",\"optional\":{}"), FALSE },
    { PAYLOAD (GOOD ",\"type\":\"atomic container signature\"", ",\"optional\":{}"), FALSE },
    { "[]", FALSE },
    { "", FALSE },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (SignaturePayload) payload = { NULL };
      g_autoptr (GError) error = NULL;
      gboolean good = signature_payload_parse (cases[i].text, strlen (cases[i].text), SIGNATURE_SIMPLE, &payload, &error);
      g_assert_cmpint (good, ==, cases[i].good);
      g_assert_cmpstr (payload.reference, ==, good ? "a/b:1" : NULL);
      g_assert_false (signature_payload_parse (cases[i].text, strlen (cases[i].text), SIGNATURE_SIGSTORE, &payload, NULL));
    }
}

static void
test_registries_d (void)
{
  g_autoptr (GError) error = NULL;
  json_auto_t *root = registries_d_parse ("# where\n---\ndefault-docker:\n  lookaside: https://sigs.test  # all\ndocker:\n    localhost:5000:\n        use-sigstore-attachments: true\n"
                                          "    \"a.test/team\":\n        lookaside: 'file:///x'\n        lookaside-staging: file:///y\n    a.test/old:\n        sigstore: file:///z\n",
                                          &error);
  g_assert_no_error (error);
  static const struct { const char *registry, *path, *lookaside, *staging; gboolean attachments; } cases[] = {
    { "b.test", "x", "https://sigs.test", NULL, FALSE }, { "localhost:5000", "x/y", NULL, NULL, TRUE },     { "a.test", "team/app", "file:///x", "file:///y", FALSE },
    { "a.test", "old", "file:///z", NULL, FALSE },       { "a.test", "teams", "https://sigs.test", NULL, FALSE },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (SignaturePlace) place = { NULL };
      g_assert_true (registries_d_find (root, cases[i].registry, cases[i].path, ":1", &place, &error));
      g_assert_cmpstr (place.lookaside, ==, cases[i].lookaside);
      g_assert_cmpstr (place.staging, ==, cases[i].staging);
      g_assert_cmpint (place.attachments, ==, cases[i].attachments);
    }
}

static void
test_broken_yaml (void)
{
  static const char *const texts[] = { "docker:\n  a: [1]\n", "docker\n", "docker:\n  a:\n b:\n", "a: b\n  c: d\n", "a: {}\n", "a: 'x\n", "\ta: b\n", "a: b\na: c\n", "- a\n", "a: |\n  b\n", "a: \"\\n\"\n" };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      json_auto_t *root = registries_d_parse (texts[i], &error);
      if (root != NULL)
        g_error ("taken: %s", texts[i]);
      g_assert_true (g_str_has_prefix (error->message, "line "));
    }
}

static void
test_identity (void)
{
  static const struct { const char *identity, *tag, *digest, *signed_as; gboolean fits; } cases[] = {
    { NULL, "1", NULL, "a.test/x/app:1", TRUE },
    { NULL, "1", NULL, "a.test/x/app:2", FALSE },
    { NULL, "1", NULL, "a.test/x/app", FALSE },
    { NULL, NULL, DIGEST, "a.test/x/app:2", TRUE },
    { NULL, NULL, DIGEST, "a.test/x/other:2", FALSE },
    { "{\"type\":\"matchExact\"}", NULL, DIGEST, "a.test/x/app:1", FALSE },
    { "{\"type\":\"matchRepository\"}", "1", NULL, "a.test/x/app", TRUE },
    { "{\"type\":\"exactReference\",\"dockerReference\":\"busybox:1\"}", "1", NULL, "docker.io/library/busybox:1", TRUE },
    { "{\"type\":\"exactRepository\",\"dockerRepository\":\"b.test/y\"}", "1", NULL, "b.test/y:9", TRUE },
    { "{\"type\":\"remapIdentity\",\"prefix\":\"a.test/x\",\"signedPrefix\":\"b.test\"}", "1", NULL, "b.test/app:1", TRUE },
    { "{\"type\":\"remapIdentity\",\"prefix\":\"a.test/x/a\",\"signedPrefix\":\"b.test\"}", "1", NULL, "b.test/pp:1", FALSE },
    { NULL, "1", NULL, "a.test/X:1", FALSE },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      json_auto_t *identity = cases[i].identity != NULL ? json_loads (cases[i].identity, 0, NULL) : NULL;
      const PolicyImage image = { .transport = "docker", .registry = "a.test", .path = "x/app", .tag = cases[i].tag, .digest = cases[i].digest };
      if (image_policy_identity (identity, &image, cases[i].signed_as, NULL) != cases[i].fits)
        g_error ("case %zu", i);
    }
}

static void
test_status (void)
{
  static const char good[] = "[GNUPG:] NEWSIG x\n[GNUPG:] PLAINTEXT 62 0 \n[GNUPG:] GOODSIG 1234 x\n[GNUPG:] VALIDSIG ABCD\n";
  static const char *const bad[] = { "", "[GNUPG:] GOODSIG 1 x\n", "[GNUPG:] PLAINTEXT 62 0\n[GNUPG:] EXPSIG 1 x\n[GNUPG:] VALIDSIG A\n",
                                     "[GNUPG:] PLAINTEXT 62 0\n[GNUPG:] GOODSIG 1 x\n[GNUPG:] VALIDSIG A\n[GNUPG:] ERRSIG 2\n",
                                     "[GNUPG:] PLAINTEXT 62 0\n[GNUPG:] GOODSIG 1 x\n[GNUPG:] VALIDSIG A\n[GNUPG:] GOODSIG 2 x\n[GNUPG:] VALIDSIG B\n",
                                     "[GNUPG:] GOODSIG 1 x\n[GNUPG:] VALIDSIG A\n", "GOODSIG 1 x\nVALIDSIG A\nPLAINTEXT\n" };
  g_assert_true (simple_status_good (good));
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (simple_status_good (bad[i]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signature/payload", test_payload);
  g_test_add_func ("/signature/registries-d", test_registries_d);
  g_test_add_func ("/signature/registries-d/broken", test_broken_yaml);
  g_test_add_func ("/signature/identity", test_identity);
  g_test_add_func ("/signature/gpg-status", test_status);
  return g_test_run ();
}
