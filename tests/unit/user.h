/* user: for tests that enter namespaces for good: in children, as an unprivileged user with a range in /etc/subuid: the one who runs the test or, when that
 * is root, the first named one there. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pkg/idmap/subid.h"

static uid_t user_uid;
static gid_t user_gid;

/* who makes the namespaces; FALSE: nobody here has a range, or namespaces are forbidden */
static gboolean
find_user (void)
{
  user_uid = getuid ();
  user_gid = getgid ();
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/etc/subuid", &text, NULL, NULL))
    return FALSE;
  if (user_uid == 0)
    {
      g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
      for (char **line = lines; *line != NULL && user_uid == 0; line++)
        {
          *strchrnul (*line, ':') = '\0';
          struct passwd *entry = getpwnam (*line);
          if (entry != NULL && entry->pw_uid != 0)
            {
              user_uid = entry->pw_uid;
              user_gid = entry->pw_gid;
            }
        }
    }
  if (user_uid == 0)
    return FALSE;
  g_autoptr (GArray) uids = NULL;
  g_autoptr (GArray) gids = NULL;
  g_autofree char *helper = g_find_program_in_path ("newuidmap");
  return subid_find (user_uid, &uids, &gids, NULL) && uids->len > 0 && gids->len > 0 && helper != NULL;
}

static gboolean usable;

/* Child side of a test: no g_assert there (its abort would be reported as the wrong test): a failed check ends it with its line number */
#define CHECK(condition) \
  do \
    if (!(condition)) \
      { \
        fprintf (stderr, "# child: line %d: %s\n", __LINE__, #condition); \
        _exit (1); \
      } \
  while (0)

static void
become_user (void)
{
  if (getuid () == user_uid)
    return;
  CHECK (setgid (user_gid) == 0 && setuid (user_uid) == 0);
  CHECK (prctl (PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
}

#define NEEDS_RANGE \
  if (!usable) \
    { \
      g_test_skip ("no user here has a range in /etc/subuid, or newuidmap is missing"); \
      return; \
    }
