/* user: who "--user" and USER mean inside an image: its /etc/passwd and /etc/group, read below its root. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct {
  uint32_t uid, gid;
  char *name;       /* NULL when no line of passwd has the uid */
  char *home;       /* "/" when passwd says nothing */
  gboolean group_known;  /* a line of group has the gid */
  GArray *groups;   /* of uint32_t: the groups that list the name, and --group-add */
} UserInfo;
void user_info_clear (UserInfo *user);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (UserInfo, user_info_clear)

/* user_lookup: @spec: "", "user", "uid", "user:group", "uid:gid", NULL for root. @group_add: names or numbers, or NULL.
 * @host_users: lines of passwd besides the image's, which count when the image's have no such user; or NULL.
 * A user given by name or number gets passwd's group unless one is given; a number that passwd does not know gets group 0 and no more.
 * Errors: CANNOT_INVOKE "unable to find user NAME: no matching entries in passwd file", the same for a group; INVALID a number above what fits.
 * Source: podman-run(1) --user, --group-add. */
gboolean user_lookup (int root_fd, const char *spec, const char *const *host_users, const char *const *group_add, UserInfo *ret_user, GError **error);

/* user_add_group: one more for its groups, unless it is there. */
void user_add_group (UserInfo *user, uint32_t gid);

/* user_host_lines: the lines that the users @names (names or numbers) have in the host's passwd, for @host_users. NULL-terminated, g_strfreev.
 * Errors: CANNOT_INVOKE there is no such user. */
char **user_host_lines (const char *const *names, GError **error);

/* user_name, user_group_name: what the image's passwd or group calls the id; NULL when it has no line of it. Free with g_free. */
char *user_name (int root_fd, uint32_t uid);
char *user_group_name (int root_fd, uint32_t gid);
