#include <string.h>

#include "pkg/base/error.h"
#include "pkg/image/name.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64

static void
test_parse (void)
{
  static const struct { const char *text, *registry, *path, *tag, *digest; } rows[] = {
    { "alpine", NULL, "alpine", NULL, NULL },
    { "alpine:3.20", NULL, "alpine", "3.20", NULL },
    { "docker://alpine", NULL, "alpine", NULL, NULL },
    { "user/app", NULL, "user/app", NULL, NULL },
    { "localhost/app:V1", "localhost", "app", "V1", NULL },
    { "localhost:5000/app", "localhost:5000", "app", NULL, NULL },
    { "localhost:5000", NULL, "localhost", "5000", NULL },
    { "quay.io/a/b/c:t@" DIGEST, "quay.io", "a/b/c", "t", DIGEST },
    { "[::1]:5000/app:t", "[::1]:5000", "app", "t", NULL },
    { "[fd00::1]/app", "[fd00::1]", "app", NULL, NULL },
    { "REG/app", "REG", "app", NULL, NULL },
    { "a.b-c__d--e/x_y", "a.b-c__d--e", NULL, NULL, NULL },
    { "a__b/c-.d", NULL, NULL, NULL, NULL },
    { "a__b/c---d", NULL, "a__b/c---d", NULL, NULL },
    { "foo@" DIGEST, NULL, "foo", NULL, DIGEST },
    { "foo:_x", NULL, "foo", "_x", NULL },
    { "123.dkr.example.com/x", "123.dkr.example.com", "x", NULL, NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].text);
      g_autoptr (GError) error = NULL;
      g_autoptr (ImageName) name = image_name_parse (rows[i].text, &error);
      if (rows[i].path == NULL)
        {
          g_assert_null (name);
          g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (name->registry, ==, rows[i].registry);
      g_assert_cmpstr (name->path, ==, rows[i].path);
      g_assert_cmpstr (name->tag, ==, rows[i].tag);
      g_assert_cmpstr (name->digest, ==, rows[i].digest);
      if (!g_str_has_prefix (rows[i].text, "docker://"))
        {
          g_autofree char *again = image_name_to_string (name);
          g_assert_cmpstr (again, ==, rows[i].text);
        }
    }
}

static void
test_parse_errors (void)
{
  static const char bad[] = "invalid reference format", lower[] = "invalid reference format: repository name must be lowercase",
                    digest[] = "invalid reference format: invalid checksum digest";
  static const struct { const char *text, *message; } rows[] = {
    { "", bad }, { ":", bad }, { ":tag", bad }, { "/", bad }, { "a/", bad }, { "/a", bad }, { "a//b", bad }, { "a:", bad }, { "a:b:c", bad },
    { "a@", bad }, { "a@sha256", bad }, { "a@sha256:abc", digest }, { "a@md5:0123456789abcdef0123456789abcdef", digest },
    { "a@" DIGEST "0", digest }, { "a@" DIGEST "@" DIGEST, digest }, { "@" DIGEST, bad }, { "a b", bad }, { "a\n", bad },
    { "Alpine", lower }, { "localhost/Foo", lower }, { "a/B:t", lower }, { "a.b:x/c", bad }, { "a.b:/c", bad }, { "-a.b/c", bad }, { "a-.b/c", bad }, { "a..b/c", bad },
    { "[::1/c", bad }, { "[]:1/c", bad }, { "[::1]x/c", bad }, { "[::g]/c", bad },
    { "a:-t", bad }, { "a:.t", bad }, { "a:t/", bad }, { "_a", bad }, { "a_", bad }, { "a___b", bad }, { "a..b", bad }, { "caf\xc3\xa9", bad },
    { HEX64, "invalid repository name (" HEX64 "), cannot specify 64-byte hexadecimal strings" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].text);
      g_autoptr (GError) error = NULL;
      g_autoptr (ImageName) name = image_name_parse (rows[i].text, &error);
      g_assert_null (name);
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, rows[i].message);
    }
}

static void
test_lengths (void)
{
  static const struct { size_t path, tag; gboolean ok; } rows[] = { { 255, 1, TRUE }, { 256, 1, FALSE }, { 1, 128, TRUE }, { 1, 129, FALSE }, { 5000, 1, FALSE } };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strnfill (rows[i].path, 'a'), *tag = g_strnfill (rows[i].tag, 'T');
      g_autofree char *text = g_strconcat (path, ":", tag, NULL);
      g_autoptr (ImageName) name = image_name_parse (text, NULL);
      g_assert_cmpint (name != NULL, ==, rows[i].ok);
    }
  /* what normalising adds counts */
  g_autofree char *path = g_strnfill (250, 'a');
  g_autofree char *full = image_name_normalize (path, "localhost", NULL);
  g_assert_null (full);
}

static void
test_normalize (void)
{
  static const struct { const char *text, *registry, *full; } rows[] = {
    { "foo", "localhost", "localhost/foo:latest" },
    { "foo:1", "localhost", "localhost/foo:1" },
    { "a/b", "localhost", "localhost/a/b:latest" },
    { "foo", "docker.io", "docker.io/library/foo:latest" },
    { "a/b", "docker.io", "docker.io/a/b:latest" },
    { "docker.io/foo", "localhost", "docker.io/library/foo:latest" },
    { "index.docker.io/foo", "localhost", "docker.io/library/foo:latest" },
    { "quay.io/x", "localhost", "quay.io/x:latest" },
    { "foo@" DIGEST, "localhost", "localhost/foo@" DIGEST },
    { "foo:1@" DIGEST, "localhost", "localhost/foo@" DIGEST },
    { "Foo", "localhost", NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *full = image_name_normalize (rows[i].text, rows[i].registry, NULL);
      g_assert_cmpstr (full, ==, rows[i].full);
    }
}

static void
test_candidates (void)
{
  static const struct { const char *text, *expected; } rows[] = {
    { "foo", "localhost/foo:latest docker.io/library/foo:latest" },
    { "foo:1", "localhost/foo:1 docker.io/library/foo:1" },
    { "a/b", "localhost/a/b:latest docker.io/a/b:latest" },
    { "localhost/foo", "localhost/foo:latest" },
    { "docker.io/foo", "docker.io/library/foo:latest" },
    { "foo@" DIGEST, "localhost/foo@" DIGEST " docker.io/library/foo@" DIGEST },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (GStrv) found = image_name_candidates (rows[i].text, NULL);
      g_autofree char *joined = g_strjoinv (" ", found);
      g_assert_cmpstr (joined, ==, rows[i].expected);
    }
  g_assert_null (image_name_candidates ("a b", NULL));
}

static void
test_display (void)
{
  static const struct { const char *full, *familiar, *repository, *tag; } rows[] = {
    { "docker.io/library/alpine:3", "alpine:3", "docker.io/library/alpine", "3" },
    { "docker.io/a/b:t", "a/b:t", "docker.io/a/b", "t" },
    { "docker.io/library/a/b:t", "library/a/b:t", "docker.io/library/a/b", "t" },
    { "localhost:5000/x", "localhost:5000/x", "localhost:5000/x", "<none>" },
    { "localhost/x@" DIGEST, "localhost/x@" DIGEST, "localhost/x", "<none>" },
    { "", "", "<none>", "<none>" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *familiar = image_name_familiar (rows[i].full), *repository = NULL, *tag = NULL;
      image_name_split (rows[i].full, &repository, &tag);
      g_assert_cmpstr (familiar, ==, rows[i].familiar);
      g_assert_cmpstr (repository, ==, rows[i].repository);
      g_assert_cmpstr (tag, ==, rows[i].tag);
    }
}

static void
test_matches (void)
{
  static const char full[] = "quay.io/team/app:v1.2";
  static const struct { const char *pattern; gboolean fits; } rows[] = {
    { "app", TRUE }, { "app:v1.2", TRUE }, { "app:*", TRUE }, { "*", TRUE }, { "a?p", TRUE }, { "[a-c]pp", TRUE }, { "[^a]pp", FALSE }, { "[]pp", FALSE }, { "[a-", FALSE }, { "[a", FALSE },
    { "team/app", TRUE }, { "team/*", TRUE }, { "*/app", TRUE }, { "*/*/app", TRUE }, { "*/*/*/app", FALSE }, { "quay.io/team/app", TRUE }, { "quay.io/*", FALSE },
    { "quay.io/*/*:v*", TRUE }, { "app:v2", FALSE }, { "ap", FALSE }, { "", FALSE }, { "a\\pp", TRUE }, { "app\\", FALSE }, { "*p*p*", TRUE }, { "*q", FALSE }, { "io/team/app", FALSE },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].pattern);
      g_assert_cmpint (image_name_matches (rows[i].pattern, full), ==, rows[i].fits);
    }
  /* no exponential pattern */
  g_autofree char *text = g_strnfill (250, 'a');
  g_assert_false (image_name_matches ("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/name/parse", test_parse);
  g_test_add_func ("/name/parse-errors", test_parse_errors);
  g_test_add_func ("/name/lengths", test_lengths);
  g_test_add_func ("/name/normalize", test_normalize);
  g_test_add_func ("/name/candidates", test_candidates);
  g_test_add_func ("/name/display", test_display);
  g_test_add_func ("/name/matches", test_matches);
  return g_test_run ();
}
