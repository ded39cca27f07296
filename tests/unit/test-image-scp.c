/* The ends of an image scp. */
#include <glib.h>

#include "pkg/base/error.h"
#include "pkg/engine/image_scp.h"

static void
test_ends (void)
{
  static const struct { const char *from, *to, *from_host, *from_user, *from_image, *to_host, *to_port, *to_user; } good[] = {
    { "box", "host::", NULL, NULL, "box", "host", NULL, NULL },
    { "host::box", NULL, "host", NULL, "box", NULL, NULL, NULL },
    { "me@a::quay.io/x/y:1", "you@b:22/run/user/1/podman.sock::", "me@a", NULL, "quay.io/x/y:1", "you@b", "22", NULL },
    { "root@localhost::box", NULL, NULL, "root", "box", NULL, NULL, NULL },
    { "box", "me@localhost::", NULL, NULL, "box", NULL, NULL, "me" },
    { "box", "localhost::", NULL, NULL, "box", "localhost", NULL, NULL },
    { "box", "me@[::1]::", NULL, NULL, NULL, NULL, NULL, NULL },   /* the first "::" parts host from image */
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_auto (ScpEnds) ends = { 0 };
      g_autoptr (GError) error = NULL;
      gboolean ok = scp_parse (good[i].from, good[i].to, &ends, &error);
      if (good[i].from_image == NULL)
        {
          g_assert_false (ok);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (ends.from.host, ==, good[i].from_host);
      g_assert_cmpstr (ends.from.user, ==, good[i].from_user);
      g_assert_cmpstr (ends.from.image, ==, good[i].from_image);
      g_assert_cmpstr (ends.to.host, ==, good[i].to_host);
      g_assert_cmpstr (ends.to.port, ==, good[i].to_port);
      g_assert_cmpstr (ends.to.user, ==, good[i].to_user);
    }
}

static void
test_refused (void)
{
  static const struct { const char *from, *to; } bad[] = {
    { "box", NULL }, { "::", NULL }, { "a::", "b::" }, { "box", "b::x" }, { "box", "b" }, { "-o::box", NULL }, { "me@-o::box", NULL }, { "a:p::box", NULL }, { "a:::box", NULL }, { "a::b c", NULL },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_auto (ScpEnds) ends = { 0 };
      g_autoptr (GError) error = NULL;
      g_assert_false (scp_parse (bad[i].from, bad[i].to, &ends, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image-scp/ends", test_ends);
  g_test_add_func ("/image-scp/refused", test_refused);
  return g_test_run ();
}
