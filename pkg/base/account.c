#include "pkg/base/account.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "pkg/base/path.h"

#define FILE_LIMIT (64 << 20)

void
account_free (Account *account)
{
  if (account == NULL)
    return;
  g_free (account->name);
  g_free (account->gecos);
  g_free (account->home);
  g_free (account->shell);
  g_free (account);
}

/* take_line: the next line of *@text, which moves on. */
static char *
take_line (const char **text)
{
  const char *line = *text;
  const gsize length = strcspn (line, "\n");
  *text = line + length + (line[length] == '\n');
  return g_strndup (line, length);
}

static gboolean
parse_id (const char *text, uint32_t *ret)
{
  guint64 value;
  if (!g_ascii_string_to_unsigned (text, 10, 0, UINT32_MAX - 1, &value, NULL))
    return FALSE;
  *ret = (uint32_t) value;
  return TRUE;
}

Account *
account_find (const char *text, const char *name, uid_t uid)
{
  while (*text != '\0')
    {
      g_autofree char *line = take_line (&text);
      /* the cheap look first: most lines are others' */
      if (name != NULL && (strncmp (line, name, strlen (name)) != 0 || line[strlen (name)] != ':'))
        continue;
      g_auto (GStrv) fields = g_strsplit (line, ":", 7);
      uint32_t found_uid, found_gid;
      if (g_strv_length (fields) < 7 || *fields[0] == '\0' || !parse_id (fields[2], &found_uid) || !parse_id (fields[3], &found_gid) || (name == NULL && found_uid != uid))
        continue;
      Account *account = g_new0 (Account, 1);
      *account = (Account){ g_strdup (fields[0]), g_strdup (fields[4]), g_strdup (fields[5]), g_strdup (fields[6]), found_uid, found_gid };
      return account;
    }
  return NULL;
}

char *
account_find_group (const char *text, gid_t gid)
{
  while (*text != '\0')
    {
      g_autofree char *line = take_line (&text);
      g_auto (GStrv) fields = g_strsplit (line, ":", 4);
      uint32_t found;
      if (g_strv_length (fields) >= 3 && *fields[0] != '\0' && parse_id (fields[2], &found) && found == gid)
        return g_strdup (fields[0]);
    }
  return NULL;
}

/* ask: what getent says of @key in @database, or "". */
static char *
ask (const char *database, const char *key)
{
  const char *const argv[] = { "getent", database, key, NULL };
  g_autofree char *output = NULL;
  int status;
  if (!g_spawn_sync (NULL, (char **) (uintptr_t) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL, &status, NULL) || !WIFEXITED (status)
      || WEXITSTATUS (status) != 0)
    return g_strdup ("");
  return g_steal_pointer (&output);
}

static char *
read_file (const char *path)
{
  char *text = NULL;
  return path_read_file (AT_FDCWD, path, FILE_LIMIT, &text, NULL, NULL) ? text : g_strdup ("");
}

static Account *
look_up (const char *name, uid_t uid)
{
  g_autofree char *text = read_file ("/etc/passwd");
  Account *account = account_find (text, name, uid);
  if (account != NULL)
    return account;
  g_autofree char *key = name != NULL ? g_strdup (name) : g_strdup_printf ("%u", (unsigned) uid), *answer = ask ("passwd", key);
  return account_find (answer, name, uid);
}

Account *
account_of_uid (uid_t uid)
{
  return look_up (NULL, uid);
}

Account *
account_of_name (const char *name)
{
  return *name != '\0' && *name != '-' && strpbrk (name, ":\n") == NULL ? look_up (name, 0) : NULL;
}

char *
account_group_name (gid_t gid)
{
  g_autofree char *text = read_file ("/etc/group"), *name = account_find_group (text, gid);
  if (name != NULL)
    return g_steal_pointer (&name);
  g_autofree char *key = g_strdup_printf ("%u", (unsigned) gid), *answer = ask ("group", key);
  return account_find_group (answer, gid);
}
