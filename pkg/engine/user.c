#include "pkg/engine/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/account.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

enum { FILE_MAX = 8 << 20, FIELDS_MAX = 8 };

void
user_info_clear (UserInfo *user)
{
  g_clear_pointer (&user->name, g_free);
  g_clear_pointer (&user->home, g_free);
  g_clear_pointer (&user->groups, g_array_unref);
}

/* split_lines: those that have a field: an image may have millions of others. */
static char **
split_lines (const char *text)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new ();
  while (*text != '\0')
    {
      size_t length = strcspn (text, "\n");
      if (memchr (text, ':', length) != NULL)
        g_ptr_array_add (lines, g_strndup (text, length));
      text += length + (text[length] == '\n');
    }
  g_ptr_array_add (lines, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&lines), FALSE);
}

/* read_lines: the lines of a file of the image; a missing one has none. What is not a regular file is as good as missing. */
static gboolean
read_lines (int root_fd, const char *path, char ***ret_lines, GError **error)
{
  *ret_lines = NULL;
  cleanup_fd int fd = path_open_in_root (root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
    {
      *ret_lines = g_new0 (char *, 1);
      return TRUE;
    }
  g_autofree char *text = NULL;
  if (!fd_read_file (fd, FILE_MAX, &text, NULL, error))
    return coracle_prefix (error, "the image's %s", path);
  *ret_lines = split_lines (text);
  return TRUE;
}

static gboolean
parse_id (const char *text, uint32_t *ret_id)
{
  guint64 value;
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &value, NULL))
    return FALSE;
  *ret_id = (uint32_t) value;
  return TRUE;
}

/* find_line: the first line of passwd or group whose first field is @name or whose third is @id; its fields, NULL if none. */
static char **
find_line (char **lines, const char *name, const uint32_t *id, guint fields)
{
  for (char **line = lines; line != NULL && *line != NULL; line++)
    {
      g_auto (GStrv) parts = g_strsplit (*line, ":", FIELDS_MAX);
      uint32_t number;
      if (g_strv_length (parts) < fields || !parse_id (parts[2], &number))
        continue;
      if ((name != NULL && strcmp (parts[0], name) == 0) || (id != NULL && number == *id))
        return g_steal_pointer (&parts);
    }
  return NULL;
}

static void
add_group (GArray *groups, uint32_t gid)
{
  for (guint i = 0; i < groups->len; i++)
    if (g_array_index (groups, uint32_t, i) == gid)
      return;
  g_array_append_val (groups, gid);
}

/* is_member: is @name one of the names in @list, between commas? */
static gboolean
is_member (const char *list, const char *name)
{
  size_t length = strlen (name);
  for (; *list != '\0'; list += strcspn (list, ",") + 1)
    {
      size_t n = strcspn (list, ",");
      if (n == length && strncmp (list, name, n) == 0)
        return TRUE;
      if (list[n] == '\0')
        break;
    }
  return FALSE;
}

static void
add_memberships (GArray *groups, char **lines, const char *name)
{
  for (char **line = lines; line != NULL && *line != NULL; line++)
    {
      g_auto (GStrv) parts = g_strsplit (*line, ":", FIELDS_MAX);
      uint32_t gid;
      if (g_strv_length (parts) < 4 || !parse_id (parts[2], &gid))
        continue;
      if (is_member (parts[3], name))
        add_group (groups, gid);
    }
}

static gboolean
find_group (char **lines, const char *text, uint32_t *ret_gid, GError **error)
{
  g_auto (GStrv) found = find_line (lines, text, NULL, 3);
  if (found != NULL)
    return parse_id (found[2], ret_gid);
  if (parse_id (text, ret_gid))
    return TRUE;
  return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "unable to find group %s: no matching entries in group file", text);
}

static gboolean
find_user (char **lines, const char *text, UserInfo *user, GError **error)
{
  uint32_t id;
  gboolean numeric = parse_id (text, &id);
  g_auto (GStrv) found = find_line (lines, text, NULL, 4);
  /* root needs no line */
  if (found == NULL && strcmp (text, "root") == 0)
    {
      id = 0;
      numeric = TRUE;
    }
  if (found == NULL && numeric)
    found = find_line (lines, NULL, &id, 4);
  if (found == NULL && !numeric)
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "unable to find user %s: no matching entries in passwd file", text);
  if (found == NULL)
    {
      user->uid = id;
      user->gid = 0;
      return TRUE;
    }
  if (!parse_id (found[2], &user->uid) || !parse_id (found[3], &user->gid))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "user %s: the image's passwd file has no numbers for it", text);
  user->name = g_strdup (found[0]);
  if (g_strv_length (found) > 5 && found[5][0] != '\0')
    user->home = g_strdup (found[5]);
  return TRUE;
}

static void
append_lines (char ***lines, const char *const *more)
{
  g_autoptr (GStrvBuilder) all = g_strv_builder_new ();
  if (more == NULL || *more == NULL)
    return;
  g_strv_builder_addv (all, (const char **) *lines);
  g_strv_builder_addv (all, (const char **) (uintptr_t) more);
  g_strfreev (*lines);
  *lines = g_strv_builder_end (all);
}

void
user_add_group (UserInfo *user, uint32_t gid)
{
  add_group (user->groups, gid);
}

char **
user_host_lines (const char *const *names, GError **error)
{
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  for (; names != NULL && *names != NULL; names++)
    {
      uint32_t uid;
      g_autoptr (Account) entry = account_of_name (*names);
      if (entry == NULL && parse_id (*names, &uid))
        entry = account_of_uid (uid);
      if (entry == NULL)
        return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "unable to find user %s: no matching entries in passwd file", *names), NULL;
      g_autofree char *line = g_strdup_printf ("%s:*:%u:%u:%s:%s:%s", entry->name, (unsigned) entry->uid, (unsigned) entry->gid, entry->gecos, entry->home, entry->shell);
      g_strv_builder_add (lines, line);
    }
  return g_strv_builder_end (lines);
}

gboolean
user_lookup (int root_fd, const char *spec, const char *const *host_users, const char *const *group_add, UserInfo *ret_user, GError **error)
{
  g_auto (GStrv) passwd = NULL, group = NULL;
  if (!read_lines (root_fd, "/etc/passwd", &passwd, error) || !read_lines (root_fd, "/etc/group", &group, error))
    return FALSE;
  append_lines (&passwd, host_users);
  g_auto (GStrv) parts = g_strsplit (spec != NULL ? spec : "", ":", 2);
  const char *who = parts[0] != NULL && parts[0][0] != '\0' ? parts[0] : "0";
  const char *which = parts[0] != NULL && parts[1] != NULL && parts[1][0] != '\0' ? parts[1] : NULL;
  g_auto (UserInfo) user = { .groups = g_array_new (FALSE, FALSE, sizeof (uint32_t)) };
  if (!find_user (passwd, who, &user, error) || (which != NULL && !find_group (group, which, &user.gid, error)))
    return FALSE;
  /* with a group of its own choice the user gets no others: podman-run(1) */
  if (user.name != NULL && which == NULL)
    add_memberships (user.groups, group, user.name);
  for (; group_add != NULL && *group_add != NULL; group_add++)
    {
      uint32_t gid;
      if (!find_group (group, *group_add, &gid, error))
        return FALSE;
      add_group (user.groups, gid);
    }
  /* as login does: without its own group among them, a process could escape, by setgid, what a file denies to that group (CVE-2022-2989) */
  if (spec != NULL && *spec != '\0')
    add_group (user.groups, user.gid);
  g_auto (GStrv) own_group = find_line (group, NULL, &user.gid, 3);
  user.group_known = own_group != NULL;
  if (user.home == NULL)
    user.home = g_strdup ("/");
  *ret_user = user;
  user = (UserInfo){ 0 };
  return TRUE;
}

static char *
name_of (int root_fd, const char *path, uint32_t id, guint fields)
{
  g_auto (GStrv) lines = NULL, found = NULL;
  if (read_lines (root_fd, path, &lines, NULL))
    found = find_line (lines, NULL, &id, fields);
  return found != NULL ? g_strdup (found[0]) : NULL;
}

char *
user_name (int root_fd, uint32_t uid)
{
  return name_of (root_fd, "/etc/passwd", uid, 4);
}

char *
user_group_name (int root_fd, uint32_t gid)
{
  return name_of (root_fd, "/etc/group", gid, 3);
}
