#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/user.h"

typedef struct {
  char *path;
  int fd;
} Root;

static void
root_clear (Root *root)
{
  (void) path_remove_tree (AT_FDCWD, root->path);
  g_free (root->path);
  fd_close (root->fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Root, root_clear)

static void
put (const Root *root, const char *name, const char *text, gssize size)
{
  g_autofree char *path = g_build_filename (root->path, "etc", name, NULL);
  g_assert_true (g_file_set_contents (path, text, size, NULL));
}

static Root
root_new (const char *passwd, const char *group)
{
  Root root = { .path = g_dir_make_tmp ("coracle-test-user.XXXXXX", NULL) };
  g_autofree char *etc = g_build_filename (root.path, "etc", NULL);
  g_assert_cmpint (mkdir (etc, 0755), ==, 0);
  root.fd = open (root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (passwd != NULL)
    put (&root, "passwd", passwd, -1);
  if (group != NULL)
    put (&root, "group", group, -1);
  return root;
}

static const char passwd[] = "\n:::::\nroot:x:0:0:root:/root:/bin/sh\nbad\nshort:x:7\nann:x:1000:1000:Ann:/home/ann:/bin/sh\nann:x:1001:1001::/second:\n12:x:77:78::/twelve:\nbig:x:4294967296:0::/:\n"
                             "neg:x:-1:0::/:\nnohome:x:1002:5\nlast:x:1003:6::/last:/bin/sh";
static const char group[] = "root:x:0:\nann:x:1000:\nstaff:x:50:bob,ann\nwheel:x:51:annette,xann\nmore:x:52:,,ann,\n55:x:66:\nbroken:x:y:ann\nshort:x:70\nann2:x:50:ann\n";

/* groups: "50 52"; error: part of the message */
static const struct {
  const char *spec;
  uint32_t uid, gid;
  const char *name, *home, *groups, *error;
  gboolean group_known;
} cases[] = {
  { NULL, 0, 0, "root", "/root", "", NULL, TRUE },
  { "", 0, 0, "root", "/root", "", NULL, TRUE },
  { "ann", 1000, 1000, "ann", "/home/ann", "50 52 1000", NULL, TRUE },
  { "1000", 1000, 1000, "ann", "/home/ann", "50 52 1000", NULL, TRUE },
  { "ann:staff", 1000, 50, "ann", "/home/ann", "50", NULL, TRUE },
  { "ann:99", 1000, 99, "ann", "/home/ann", "99", NULL, FALSE },
  { ":staff", 0, 50, "root", "/root", "50", NULL, TRUE },
  { "ann:", 1000, 1000, "ann", "/home/ann", "50 52 1000", NULL, TRUE },
  { "1001", 1001, 1001, "ann", "/second", "50 52 1001", NULL, FALSE },
  { "4711", 4711, 0, NULL, "/", "0", NULL, TRUE },
  { "4711:4712", 4711, 4712, NULL, "/", "4712", NULL, FALSE },
  { "12", 77, 78, "12", "/twelve", "78", NULL, FALSE },   /* a name before a number */
  { "0:55", 0, 66, "root", "/root", "66", NULL, TRUE },
  { "nohome", 1002, 5, "nohome", "/", "5", NULL, FALSE },
  { "last", 1003, 6, "last", "/last", "6", NULL, FALSE },
  { "nobody", 0, 0, NULL, NULL, NULL, "unable to find user nobody: no matching entries in passwd file", FALSE },
  { "short", 0, 0, NULL, NULL, NULL, "unable to find user short", FALSE },
  { "big", 0, 0, NULL, NULL, NULL, "unable to find user big", FALSE },
  { "neg", 0, 0, NULL, NULL, NULL, "unable to find user neg", FALSE },
  { "-1", 0, 0, NULL, NULL, NULL, "unable to find user -1", FALSE },
  { "4294967295", 0, 0, NULL, NULL, NULL, "unable to find user 4294967295", FALSE },
  { "../../etc/passwd", 0, 0, NULL, NULL, NULL, "unable to find user ../../etc/passwd", FALSE },
  { "ann:nogroup", 0, 0, NULL, NULL, NULL, "unable to find group nogroup: no matching entries in group file", FALSE },
  { "ann:broken", 0, 0, NULL, NULL, NULL, "unable to find group broken", FALSE },
};

static char *
groups_text (const UserInfo *user)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < user->groups->len; i++)
    g_string_append_printf (text, "%s%u", i > 0 ? " " : "", g_array_index (user->groups, uint32_t, i));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_table (void)
{
  g_auto (Root) root = root_new (passwd, group);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (UserInfo) user = { 0 };
      g_test_message ("%s", cases[i].spec);
      gboolean found = user_lookup (root.fd, cases[i].spec, NULL, NULL, &user, &error);
      g_assert_cmpint (found, ==, cases[i].error == NULL);
      if (!found)
        {
          g_assert_true (g_str_has_prefix (error->message, cases[i].error));
          continue;
        }
      g_autofree char *groups = groups_text (&user);
      g_assert_cmpuint (user.uid, ==, cases[i].uid);
      g_assert_cmpuint (user.gid, ==, cases[i].gid);
      g_assert_cmpstr (user.name, ==, cases[i].name);
      g_assert_cmpstr (user.home, ==, cases[i].home);
      g_assert_cmpstr (groups, ==, cases[i].groups);
      g_assert_cmpint (user.group_known, ==, cases[i].group_known);
    }
}

static void
test_more (void)
{
  g_auto (Root) root = root_new (passwd, group);
  g_autoptr (GError) error = NULL;
  g_auto (UserInfo) user = { 0 };
  g_assert_true (user_lookup (root.fd, "ann", NULL, (const char *const[]){ "wheel", "50", "4000", NULL }, &user, &error));
  g_autofree char *groups = groups_text (&user);
  g_assert_cmpstr (groups, ==, "50 52 51 4000 1000");
  user_info_clear (&user);
  g_assert_false (user_lookup (root.fd, "ann", NULL, (const char *const[]){ "missing", NULL }, &user, &error));
  g_assert_nonnull (strstr (error->message, "unable to find group missing"));
  g_clear_error (&error);
  /* a host's line counts when the image has none */
  const char *const host[] = { "guest:*:3000:3001:G:/home/guest:/bin/sh", "ann:*:1:1::/wrong:", NULL };
  g_assert_true (user_lookup (root.fd, "guest", host, NULL, &user, &error));
  g_assert_cmpuint (user.uid, ==, 3000);
  user_info_clear (&user);
  g_assert_true (user_lookup (root.fd, "ann", host, NULL, &user, &error));
  g_assert_cmpuint (user.uid, ==, 1000);
}

/* What an image puts in place of the files: only a regular file inside the root is read. */
static void
test_hostile (void)
{
  static const char *const links[] = { "/proc/self/environ", "../../../../../../../../etc/passwd", "/etc/passwd", "passwd", "/dev/zero" };
  for (size_t i = 0; i <= G_N_ELEMENTS (links); i++)
    {
      g_auto (Root) root = root_new (NULL, NULL);
      g_autofree char *file = g_build_filename (root.path, "etc/passwd", NULL), *other = g_build_filename (root.path, "etc/group", NULL);
      g_assert_cmpint (i < G_N_ELEMENTS (links) ? symlink (links[i], file) : mkfifo (file, 0666), ==, 0);
      g_assert_cmpint (mkdir (other, 0755), ==, 0);
      g_autoptr (GError) error = NULL;
      g_auto (UserInfo) user = { 0 };
      g_assert_true (user_lookup (root.fd, "root", NULL, NULL, &user, &error));
      g_assert_null (user.name);
      user_info_clear (&user);
      g_assert_false (user_lookup (root.fd, "daemon", NULL, NULL, &user, &error));
    }
}

static void
test_large (void)
{
  g_auto (Root) root = root_new (NULL, NULL);
  const gsize size = 8 << 20;
  g_autofree char *text = g_malloc (size + 2);
  g_autoptr (GError) error = NULL;
  g_auto (UserInfo) user = { 0 };
  memset (text, ':', size + 1);
  put (&root, "passwd", text, (gssize) size + 1);
  g_assert_false (user_lookup (root.fd, "ann", NULL, NULL, &user, &error));
  g_assert_nonnull (strstr (error->message, "/etc/passwd"));
  g_clear_error (&error);
  /* nothing but ends of lines and one user, nothing but commas and one member */
  static const char ann[] = "ann:x:5:6::/h:", members[] = "g:x:9:";
  memset (text, '\n', size);
  memcpy (text + size - 100, ann, strlen (ann));
  put (&root, "passwd", text, (gssize) size);
  memset (text, ',', size);
  memcpy (text, members, strlen (members));
  memcpy (text + size - 4, ",ann", 4);
  put (&root, "group", text, (gssize) size);
  gint64 began = g_get_monotonic_time ();
  g_assert_true (user_lookup (root.fd, "ann", NULL, NULL, &user, &error));
  g_assert_cmpuint (user.uid, ==, 5);
  g_assert_cmpuint (user.groups->len, ==, 2);
  g_assert_cmpint (g_get_monotonic_time () - began, <, 60 * G_USEC_PER_SEC);
}

static void
test_names (void)
{
  g_auto (Root) root = root_new (passwd, group);
  g_autofree char *ann = user_name (root.fd, 1000), *nobody = user_name (root.fd, 4242), *staff = user_group_name (root.fd, 50), *none = user_group_name (root.fd, 4242);
  g_assert_cmpstr (ann, ==, "ann");
  g_assert_null (nobody);
  g_assert_cmpstr (staff, ==, "staff");
  g_assert_null (none);
  g_auto (Root) empty = root_new (NULL, NULL);
  g_assert_null (user_name (empty.fd, 0));
  g_assert_null (user_group_name (empty.fd, 0));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/user/table", test_table);
  g_test_add_func ("/user/more", test_more);
  g_test_add_func ("/user/hostile", test_hostile);
  g_test_add_func ("/user/large", test_large);
  g_test_add_func ("/user/names", test_names);
  return g_test_run ();
}
