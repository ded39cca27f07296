/* values: the small flags whose value has a form of its own. All errors are INVALID. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* --user USER[:GROUP], each a name or a number. What a name means is looked up in the container (pkg/runtime). */
typedef struct {
  char *user;              /* NULL = not said: 0 */
  char *group;             /* NULL = not said: the user's own */
  gboolean user_is_id, group_is_id;
  guint32 uid, gid;        /* when …_is_id */
} SpecUser;
void spec_user_free (SpecUser *user);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SpecUser, spec_user_free)
/* spec_user_parse: "", "root", "1000", "1000:100", ":100", "www-data:adm". Ids go up to 2147483647, runc's limit. */
SpecUser *spec_user_parse (const char *text, GError **error);

/* spec_umask_parse: one to four octal digits. */
gboolean spec_umask_parse (const char *text, mode_t *ret_umask, GError **error);

/* spec_timezone_file: --tz: the host's file for /etc/localtime: "local" → /etc/localtime with its links followed; "Europe/Berlin" →
 * below $TZDIR or /usr/share/zoneinfo. *@ret_file is NULL for "" (leave the image's). The file was there when this returned. */
gboolean spec_timezone_file (const char *text, char **ret_file, GError **error);

/* spec_shm_size_parse: bytes, or with b, k, m, g; 0 = no limit. */
gboolean spec_shm_size_parse (const char *text, guint64 *ret_bytes, GError **error);
