/* Users and groups: the lines of their files, and what is in none of them. */
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/account.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "# a comment: of no use\n"
                             "short:x:5\n"
                             ":x:6:6:nobody's name:/:/bin/sh\n"
                             "words:x:six:6::/:/bin/sh\n"
                             "wide:x:4294967295:6::/:/bin/sh\n"
                             "+::::::\n"
                             "user:x:1000:1001:A User,,,:/home/user:/bin/sh\n"
                             "username:x:1002:1002::/home/username:\n"
                             "again:x:1000:7:second:/home/again:/bin/zsh\n"
                             "last:x:1003:1003:no newline:/last:/bin/sh";

static void
test_find (void)
{
  g_autoptr (Account) user = account_find (passwd, NULL, 1000);
  g_assert_cmpstr (user->name, ==, "user");
  g_assert_cmpstr (user->gecos, ==, "A User,,,");
  g_assert_cmpstr (user->home, ==, "/home/user");
  g_assert_cmpstr (user->shell, ==, "/bin/sh");
  g_assert_cmpuint (user->uid, ==, 1000);
  g_assert_cmpuint (user->gid, ==, 1001);
  g_autoptr (Account) longer = account_find (passwd, "username", 0);
  g_assert_cmpuint (longer->uid, ==, 1002);
  g_assert_cmpstr (longer->shell, ==, "");
  g_autoptr (Account) last = account_find (passwd, "last", 0);
  g_assert_cmpstr (last->shell, ==, "/bin/sh");
  const char *const none[] = { "usernam", "short", "words", "wide", "", "nobody" };
  for (gsize i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_null (account_find (passwd, none[i], 0));
  g_assert_null (account_find (passwd, NULL, 6));
  g_assert_null (account_find (passwd, NULL, (uid_t) -1));
  g_assert_null (account_find ("", NULL, 0));
}

static void
test_find_group (void)
{
  const char group[] = "root:x:0:\nwheel:x:10:root,user\nbroken\nx:y:z:\nlast:x:11:";
  g_autofree char *wheel = account_find_group (group, 10), *last = account_find_group (group, 11);
  g_assert_cmpstr (wheel, ==, "wheel");
  g_assert_cmpstr (last, ==, "last");
  g_assert_null (account_find_group (group, 12));
  g_assert_null (account_find_group ("", 0));
}

static void
test_machine (void)
{
  g_autoptr (Account) root = account_of_uid (0), named = account_of_name ("root");
  g_autofree char *group = account_group_name (0);
  g_assert_cmpstr (root->name, ==, "root");
  g_assert_cmpuint (named->uid, ==, 0);
  g_assert_cmpstr (group, ==, "root");
  /* getent is asked, and does not know them either */
  g_assert_null (account_of_uid (3999999999u));
  g_assert_null (account_of_name ("no-such-user"));
  g_assert_null (account_of_name ("--help"));
  g_assert_null (account_of_name (""));
  g_assert_null (account_group_name (3999999999u));
}

/* Who is in no file is asked for. */
static void
test_asked (void)
{
  g_autofree char *folder = g_dir_make_tmp ("test-account-XXXXXX", NULL), *program = g_build_filename (folder, "getent", NULL);
  g_assert_true (g_file_set_contents (program, "#!/bin/sh\n[ \"$1 $2\" = 'passwd 3999999998' ] && echo 'far:*:3999999998:5:Far Away:/net/far:/bin/sh'\n", -1, NULL));
  g_assert_cmpint (chmod (program, 0700), ==, 0);
  g_autofree char *before = g_strdup (g_getenv ("PATH")), *path = g_strconcat (folder, ":", before, NULL);
  g_setenv ("PATH", path, TRUE);
  g_autoptr (Account) far = account_of_uid (3999999998u);
  g_setenv ("PATH", before, TRUE);
  g_assert_cmpstr (far->name, ==, "far");
  g_assert_cmpstr (far->home, ==, "/net/far");
  (void) unlink (program);
  (void) rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/account/find", test_find);
  g_test_add_func ("/account/find-group", test_find_group);
  g_test_add_func ("/account/machine", test_machine);
  g_test_add_func ("/account/asked", test_asked);
  return g_test_run ();
}
