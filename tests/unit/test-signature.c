/* What signatures say, where they are, as whom an image may be signed. */
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/image_policy.h"
#include "pkg/signature/payload.h"
#include "pkg/signature/registries_d.h"
#include "pkg/signature/signing_params.h"
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
                                          "    \"a.test/team\":\n        lookaside: 'file:///x'\n        lookaside-staging: file:///y\n    a.test/old:\n        sigstore: file:///z\n"
                                          "    a.test/team/more:\n        use-sigstore-attachments: true\n    localhost:5000/no:\n        use-sigstore-attachments: false\n        lookaside-staging: file:///s\n",
                                          &error);
  g_assert_no_error (error);
  static const struct { const char *registry, *path, *lookaside, *staging; gboolean attachments; } cases[] = {
    { "b.test", "x", "https://sigs.test", "https://sigs.test", FALSE }, { "localhost:5000", "x/y", "https://sigs.test", "https://sigs.test", TRUE },
    { "a.test", "team/app", "file:///x", "file:///y", FALSE },          { "a.test", "old", "file:///z", "file:///z", FALSE },
    { "a.test", "teams", "https://sigs.test", "https://sigs.test", FALSE }, { "a.test", "team/more/x", "file:///x", "file:///y", TRUE },
    { "localhost:5000", "no/x", "https://sigs.test", "file:///s", FALSE },
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

static void
test_key_names (void)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  simple_names_read ("pub:-:255:22:1:1:::-:::scESC:\nuid:-::::1::H::Good One <good@test>::::::::::0:\nuid:-::::1::H::plain\\x3aname::::::::::0:\nuid:short\nsub:-:255\nuid:-::::1::H::odd <x:", names);
  g_assert_cmpuint (names->len, ==, 3);
  g_assert_cmpstr (names->pdata[0], ==, "good@test");
  g_assert_cmpstr (names->pdata[1], ==, "plain:name");
  g_assert_cmpstr (names->pdata[2], ==, "odd <x");
}

static void
test_signing_params (void)
{
  static const struct { const char *text, *key, *passphrase; CoracleErrorCode code; } cases[] = {
    { "privateKeyFile: /a\n", "/a", NULL, 0 },
    { "---\nprivateKeyPassphraseFile: '/p q'\nprivateKeyFile: \"/a\" # x\n", "/a", "/p q", 0 },
    { "", NULL, NULL, CORACLE_ERROR_INVALID },
    { "privateKeyFile:\n  a: b\n", NULL, NULL, CORACLE_ERROR_CORRUPT },
    { "fulcio:\n  fulcioURL: x\n", NULL, NULL, CORACLE_ERROR_UNSUPPORTED },
    { "privateKeyFile: /a\nrekorURL: x\n", NULL, NULL, CORACLE_ERROR_UNSUPPORTED },
    { "privatekeyfile: /a\n", NULL, NULL, CORACLE_ERROR_INVALID },
    { "[]", NULL, NULL, CORACLE_ERROR_INVALID },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (SigningParams) params = { NULL, NULL };
      g_autoptr (GError) error = NULL;
      gboolean good = signing_params_parse (cases[i].text, &params, &error);
      g_assert_cmpint (good, ==, cases[i].key != NULL);
      g_assert_cmpstr (params.key_file, ==, cases[i].key);
      g_assert_cmpstr (params.passphrase_file, ==, cases[i].passphrase);
      if (!good && !g_error_matches (error, CORACLE_ERROR, (gint) cases[i].code))
        g_error ("case %zu: %s", i, error->message);
    }
}

/* what is made is what is taken */
static void
test_make (void)
{
  for (int kind = SIGNATURE_SIMPLE; kind <= SIGNATURE_SIGSTORE; kind++)
    {
      g_auto (SignaturePayload) says = { NULL };
      g_autofree char *text = signature_payload_make ((SignatureKind) kind, "a.test/b:1", DIGEST);
      g_assert_true (signature_payload_parse (text, strlen (text), (SignatureKind) kind, &says, NULL));
      g_assert_cmpstr (says.reference, ==, "a.test/b:1");
      g_assert_cmpstr (says.digest, ==, DIGEST);
    }
}

static void
test_scopes (void)
{
  json_auto_t *root = registries_d_parse ("default-docker:\n  lookaside: file:///d\ndocker:\n  a.test:\n    lookaside: file:///a\n  a.test/x/app:\n    lookaside: file:///x\n"
                                          "  l:5000:\n    lookaside: file:///l\n", NULL);
  static const struct { const char *scope, *lookaside; } cases[] = { { "", "file:///d" }, { "a.test", "file:///a" }, { "a.test/x", "file:///a" }, { "a.test/x/app", "file:///x" },
    { "a.test/x/app:1", "file:///x" }, { "a.test/x/app@" DIGEST, "file:///x" }, { "l:5000", "file:///l" }, { "l:5000/y:1", "file:///l" }, { "b.test", "file:///d" } };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (SignaturePlace) place = { NULL };
      g_assert_true (registries_d_find_scope (root, cases[i].scope, &place, NULL));
      g_assert_cmpstr (place.lookaside, ==, cases[i].lookaside);
    }
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
  g_test_add_func ("/signature/key-names", test_key_names);
  g_test_add_func ("/signature/signing-params", test_signing_params);
  g_test_add_func ("/signature/make", test_make);
  g_test_add_func ("/signature/scopes", test_scopes);
  return g_test_run ();
}
