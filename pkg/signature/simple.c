#include "pkg/signature/simple.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/outside.h"
#include "pkg/base/path.h"
#include "pkg/signature/payload.h"

#define STATUS_LIMIT ((gsize) 1 << 20)

struct SimpleKeys {
  char *home;
};

SimpleKeys *
simple_keys_new (GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autofree char *home = g_dir_make_tmp ("coracle-gpg-XXXXXX", &problem);
  if (home == NULL)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "a folder for gpg: %s", problem->message), NULL;
  SimpleKeys *keys = g_new (SimpleKeys, 1);
  keys->home = g_steal_pointer (&home);
  return keys;
}

void
simple_keys_free (SimpleKeys *keys)
{
  if (keys == NULL)
    return;
  (void) path_remove_tree (AT_FDCWD, keys->home);
  g_free (keys->home);
  g_free (keys);
}

/* run: gpg with @more, its output in @ret_output; FALSE where it cannot be started. */
static gboolean
run (const SimpleKeys *keys, const char *const *more, const void *input, gsize size, char **ret_output, gsize *ret_size, int *ret_status, GError **error)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  static const char *const usual[] = { "gpg", "--batch", "--no-tty", "--quiet", "--no-options", "--no-autostart", "--no-auto-key-retrieve", "--trust-model", "always", "--homedir" };
  for (gsize i = 0; i < G_N_ELEMENTS (usual); i++)
    g_ptr_array_add (argv, (char *) usual[i]);
  g_ptr_array_add (argv, keys->home);
  g_autofree char *log = g_build_filename (keys->home, "log", NULL);
  g_ptr_array_add (argv, (char *) "--logger-file");
  g_ptr_array_add (argv, log);
  for (; *more != NULL; more++)
    g_ptr_array_add (argv, (char *) *more);
  g_ptr_array_add (argv, NULL);
  g_autoptr (GError) problem = NULL;
  if (outside_run ((const char *const *) argv->pdata, input, size, SIGNATURE_LIMIT, ret_output, ret_size, ret_status, &problem))
    return TRUE;
  if (g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND))
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "policy.json asks for GPG signatures: the program gpg is not installed");
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

gboolean
simple_keys_add_data (SimpleKeys *keys, const void *data, gsize size, GError **error)
{
  g_autofree char *status_file = g_build_filename (keys->home, "import", NULL), *output = NULL, *text = NULL;
  const char *const more[] = { "--status-file", status_file, "--import", NULL };
  int status;
  gsize n;
  if (!run (keys, more, data, size, &output, &n, &status, error))
    return FALSE;
  gboolean any = g_file_get_contents (status_file, &text, NULL, NULL) && strstr (text, "[GNUPG:] IMPORT_OK ") != NULL;
  return any || coracle_throw (error, CORACLE_ERROR_INVALID, "gpg finds no public key in it");
}

gboolean
simple_keys_add (SimpleKeys *keys, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;
  g_autoptr (GError) problem = NULL;
  if (!g_file_get_contents (path, &text, &size, &problem))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "open %s: %s", path, problem->message);
  return simple_keys_add_data (keys, text, size, error) || coracle_prefix (error, "%s", path);
}

gboolean
simple_status_good (const char *status)
{
  static const char *const never[] = { "BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "NODATA", "UNEXPECTED", "BEGIN_DECRYPTION", "DECRYPTION_FAILED", "FAILURE" };
  g_auto (GStrv) lines = g_strsplit (status, "\n", -1);
  guint good = 0, valid = 0, text = 0;
  for (char **line = lines; *line != NULL; line++)
    {
      if (!g_str_has_prefix (*line, "[GNUPG:] "))
        continue;
      g_autofree char *word = g_strndup (*line + strlen ("[GNUPG:] "), strcspn (*line + strlen ("[GNUPG:] "), " "));
      for (gsize i = 0; i < G_N_ELEMENTS (never); i++)
        if (strcmp (word, never[i]) == 0)
          return FALSE;
      good += strcmp (word, "GOODSIG") == 0;
      valid += strcmp (word, "VALIDSIG") == 0;
      text += strcmp (word, "PLAINTEXT") == 0;
    }
  return good == 1 && valid == 1 && text == 1;
}

/* is_message: OpenPGP packets, or those in armor; gpg would also take a text with its signature below, which is another format. */
static gboolean
is_message (const char *data, gsize size)
{
  static const char armor[] = "-----BEGIN PGP MESSAGE-----";
  return size > 0 && (((guchar) data[0] & 0x80) != 0 || (size >= strlen (armor) && memcmp (data, armor, strlen (armor)) == 0));
}

gboolean
simple_verify (const SimpleKeys *keys, const void *message, gsize size, char **ret_payload, gsize *ret_size, GError **error)
{
  g_autofree char *status_file = g_build_filename (keys->home, "status", NULL), *payload = NULL, *text = NULL;
  const char *const more[] = { "--status-file", status_file, "--max-output", "4194304", "--decrypt", NULL };
  int status;
  gsize payload_size, text_size;
  if (!is_message (message, size))
    return coracle_throw (error, CORACLE_ERROR_DENIED, "Invalid GPG signature: no signed message");
  (void) unlink (status_file);
  if (!run (keys, more, message, size, &payload, &payload_size, &status, error))
    return FALSE;
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0 || !g_file_get_contents (status_file, &text, &text_size, NULL) || text_size > STATUS_LIMIT || strlen (text) != text_size
      || !simple_status_good (text))
    return coracle_throw (error, CORACLE_ERROR_DENIED, "Invalid GPG signature: no good signature by a key of the policy");
  *ret_payload = g_steal_pointer (&payload);
  *ret_size = payload_size;
  return TRUE;
}

/* ---- names */

/* unescape: "\\x3a" is ':'. */
static char *
unescape (const char *text)
{
  GString *out = g_string_new (NULL);
  for (; *text != '\0'; text++)
    if (text[0] == '\\' && text[1] == 'x' && g_ascii_isxdigit (text[2]) && g_ascii_isxdigit (text[3]))
      {
        g_string_append_c (out, (char) (g_ascii_xdigit_value (text[2]) * 16 + g_ascii_xdigit_value (text[3])));
        text += 3;
      }
    else
      g_string_append_c (out, *text);
  return g_string_free (out, FALSE);
}

void
simple_names_read (const char *output, GPtrArray *names)
{
  enum { USER_ID = 9 };
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, ":", USER_ID + 2);
      if (!g_str_has_prefix (*line, "uid:") || g_strv_length (fields) <= USER_ID)
        continue;
      g_autofree char *name = unescape (fields[USER_ID]);
      const char *open = strrchr (name, '<'), *close = open != NULL ? strchr (open, '>') : NULL;
      g_ptr_array_add (names, close != NULL ? g_strndup (open + 1, (gsize) (close - open - 1)) : g_strdup (name));
    }
}

gboolean
simple_key_names (const SimpleKeys *keys, const void *data, gsize size, GPtrArray *names, GError **error)
{
  static const char *const more[] = { "--with-colons", "--show-keys", NULL };
  g_autofree char *output = NULL;
  int status;
  gsize n;
  if (!run (keys, more, data, size, &output, &n, &status, error))
    return FALSE;
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "gpg finds no public key in it");
  simple_names_read (output, names);
  return TRUE;
}
