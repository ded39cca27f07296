#include <glib.h>

#include "pkg/registry/challenge.h"

static void
test_challenges (void)
{
  static const struct { const char *header; ChallengeKind kind; const char *realm, *service, *scope; } cases[] = {
    { "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\"", CHALLENGE_BEARER, "https://auth.docker.io/token", "registry.docker.io", NULL },
    { "bearer realm=x, scope=\"repository:a/b:pull,push\"", CHALLENGE_BEARER, "x", NULL, "repository:a/b:pull,push" },
    { "Basic realm=\"a \\\"word\\\"\"", CHALLENGE_BASIC, "a \"word\"", NULL, NULL },
    { "Basic realm=a, Bearer realm=b", CHALLENGE_BEARER, "b", NULL, NULL },
    { "Negotiate, Basic", CHALLENGE_BASIC, NULL, NULL, NULL },
    { "", CHALLENGE_NONE }, { "Bearer", CHALLENGE_NONE }, { "Digest realm=x", CHALLENGE_NONE }, { "Bearer realm=\"open", CHALLENGE_NONE }, { ",", CHALLENGE_NONE }, { "Basic realm=\"\n\"", CHALLENGE_NONE },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Challenge) challenge = { CHALLENGE_NONE };
      g_assert_cmpint (challenge_parse (cases[i].header, &challenge), ==, cases[i].kind != CHALLENGE_NONE);
      g_assert_cmpint (challenge.kind, ==, cases[i].kind);
      g_assert_cmpstr (challenge.realm, ==, cases[i].realm);
      g_assert_cmpstr (challenge.service, ==, cases[i].service);
      g_assert_cmpstr (challenge.scope, ==, cases[i].scope);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/challenge/parse", test_challenges);
  return g_test_run ();
}
