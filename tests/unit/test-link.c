#include <glib.h>

#include "pkg/registry/link.h"

static void
test_next (void)
{
  static const struct { const char *header, *path; } cases[] = {
    { "</v2/x/tags/list?n=1&last=a>; rel=\"next\"", "/v2/x/tags/list?n=1&last=a" },
    { "</v2/x>;rel=next", "/v2/x" },
    { "</v2/x>; title=\"a\"; REL = \"prev Next\"", "/v2/x" },
    { "</a>; rel=\"prev\", </b>; rel=\"next\"", "/b" },
    { "</a,b>; rel=next", "/a,b" },
    { "<https://r.test/v2/x?y>; rel=\"next\"", "/v2/x?y" },
    { "<https://r.test.evil/v2/x>; rel=\"next\"", NULL },
    { "<https://r.test@evil.test/v2/x>; rel=\"next\"", NULL },
    { "<http://r.test/v2/x>; rel=\"next\"", NULL },
    { "<//evil.test/v2/x>; rel=\"next\"", NULL },
    { "<https://r.test//evil.test/x>; rel=\"next\"", NULL },
    { "<file:///etc/passwd>; rel=\"next\"", NULL },
    { "<v2/x>; rel=\"next\"", NULL },
    { "</v2/x y>; rel=\"next\"", NULL },
    { "</v2/x\t>; rel=\"next\"", NULL },
    { "</v2/x>; rel=\"nextmost\"", NULL },
    { "</v2/x>; next", NULL },
    { "</v2/next>", NULL },
    { "</v2/x; rel=\"next\"", NULL },
    { "<>; rel=next", NULL },
    { "", NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = link_next (cases[i].header, "https://r.test");
      g_assert_cmpstr (path, ==, cases[i].path);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link/next", test_next);
  return g_test_run ();
}
