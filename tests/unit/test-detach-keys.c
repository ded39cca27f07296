#include <glib.h>
#include <string.h>

#include "pkg/base/error.h"
#include "pkg/monitor/detach_keys.h"

static void
test_parse (void)
{
  static const struct {
    const char *text, *keys;
    gsize n;
  } good[] = {
    { DETACH_KEYS_DEFAULT, "\020\021", 2 }, { "", "", 0 }, { "ctrl-a,x,@", "\001x@", 3 }, { "ctrl-z", "\032", 1 }, { "ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\0\033\034\035\036\037", 6 },
    { "a", "a", 1 },
  };
  static const char *const bad[] = { "ctrl-", "ctrl-A", "ctrl-1", "ctrl-aa", "abc", "a,,b", ",", "ctrl-p,", "Ctrl-p", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,a,b,c,d,e,f,g" };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      DetachKeys keys;
      g_assert_true (detach_keys_parse (good[i].text, &keys, NULL));
      g_assert_cmpmem (keys.keys, keys.n, good[i].keys, good[i].n);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      DetachKeys keys;
      g_autoptr (GError) error = NULL;
      g_assert_false (detach_keys_parse (bad[i], &keys, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
    }
}

/* type: @typed, '|' between reads; what comes through, "!" where they were found; what is held at the end after "+". */
static void
type (const char *keys_text, const char *typed, const char *expected)
{
  DetachKeys keys;
  g_autoptr (GString) got = g_string_new (NULL);
  g_assert_true (detach_keys_parse (keys_text, &keys, NULL));
  g_auto (GStrv) reads = g_strsplit (typed, "|", -1);
  for (gsize i = 0; reads[i] != NULL; i++)
    {
      char buffer[DETACH_KEYS_MAX + 256];
      gboolean found;
      memcpy (buffer + DETACH_KEYS_MAX, reads[i], strlen (reads[i]));
      gsize n = detach_keys_filter (&keys, buffer + DETACH_KEYS_MAX, strlen (reads[i]), buffer, &found);
      g_string_append_len (got, buffer, (gssize) n);
      if (found)
        g_string_append_c (got, '!');
    }
  char rest[DETACH_KEYS_MAX];
  gsize n = detach_keys_flush (&keys, rest);
  if (n > 0)
    {
      g_string_append_c (got, '+');
      g_string_append_len (got, rest, (gssize) n);
    }
  g_assert_cmpstr (got->str, ==, expected);
}

static void
test_filter (void)
{
  type ("a,b", "xaby", "x!");
  type ("a,b", "xa|b", "x!");
  type ("a,b", "a|c", "ac");
  type ("a,b", "aab", "a!");
  type ("a,b", "a|a|b", "a!");
  type ("a,a,b", "aaab", "a!");
  type ("a,b,a,c", "ababac", "ab!");
  type ("a,b,a,c", "abab", "ab+ab");
  type ("a,b", "a", "+a");
  type ("", "ab", "ab");
  type ("x", "x", "!");
  type ("ctrl-p,ctrl-q", "ls\020\020x", "ls\020\020x");
  type ("ctrl-p,ctrl-q", "ls\020\020\021", "ls\020!");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/detach-keys/parse", test_parse);
  g_test_add_func ("/detach-keys/filter", test_filter);
  return g_test_run ();
}
