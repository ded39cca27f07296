#include "pkg/cli/cli.h"

#include "pkg/base/error.h"

#include <string.h>

/* One of a command's paths: "image list|ls" is group "image", words "list|ls"; "image trust show" is group "image trust". */
typedef struct {
  const char *group, *words;
  gsize group_length, words_length;
} Name;

/* name_next: take the next path off @cursor; FALSE at the end. */
static gboolean
name_next (const char **cursor, Name *name)
{
  const char *start = *cursor + strspn (*cursor, " ,");
  if (*start == '\0')
    return FALSE;
  gsize length = strcspn (start, ",");
  const char *space = memrchr (start, ' ', length);
  name->group = start;
  name->group_length = space != NULL ? (gsize) (space - start) : 0;
  name->words = space != NULL ? space + 1 : start;
  name->words_length = length - (gsize) (name->words - start);
  *cursor = start + length;
  return TRUE;
}

static gsize
first_word_length (const Name *name)
{
  const char *bar = memchr (name->words, '|', name->words_length);
  return bar != NULL ? (gsize) (bar - name->words) : name->words_length;
}

static gboolean
name_has_word (const Name *name, const char *word, gsize length)
{
  const char *end = name->words + name->words_length;
  for (const char *p = name->words; p < end;)
    {
      const char *bar = memchr (p, '|', (gsize) (end - p));
      gsize n = (gsize) ((bar != NULL ? bar : end) - p);
      if (n == length && memcmp (p, word, n) == 0)
        return TRUE;
      p += n + 1;
    }
  return FALSE;
}

static gboolean
name_in_group (const Name *name, const char *group, gsize length)
{
  return name->group_length == length && memcmp (name->group, group, length) == 0;
}

gboolean
cli_command_is_group (const CliCommand *command)
{
  return command->run == NULL && command->program == NULL;
}

const CliCommand *
cli_find (const CliCommand *const *commands, const char *path, char **ret_name)
{
  const char *space = strrchr (path, ' ');
  gsize group_length = space != NULL ? (gsize) (space - path) : 0;
  const char *word = space != NULL ? space + 1 : path;
  gsize word_length = strlen (word);
  for (; word_length > 0 && *commands != NULL; commands++)
    {
      const char *cursor = (*commands)->names;
      Name name;
      while (name_next (&cursor, &name))
        if (name_in_group (&name, path, group_length) && name_has_word (&name, word, word_length))
          {
            if (ret_name != NULL)
              *ret_name = g_strndup (name.group, (gsize) (name.words - name.group) + first_word_length (&name));
            return *commands;
          }
    }
  return NULL;
}

static const CliOption *
find_in_array (const CliOption *options, const char *name)
{
  for (; options->name != NULL; options++)
    if (options->name[0] == name[0] && strcmp (options->name, name) == 0)
      return options;
    else if (options->alias != NULL && strcmp (options->alias, name) == 0)
      return options;
  return NULL;
}

const CliOption *
cli_option_find (const CliCommand *command, const char *name)
{
  for (unsigned i = 0; i < CLI_MAX_OPTION_ARRAYS && command->options[i] != NULL; i++)
    {
      const CliOption *option = find_in_array (command->options[i], name);
      if (option != NULL)
        return option;
    }
  return NULL;
}

static int
compare_options (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const CliOption *const *) a)->name, (*(const CliOption *const *) b)->name);
}

GPtrArray *
cli_visible_options (const CliCommand *command)
{
  GPtrArray *result = g_ptr_array_new ();
  for (unsigned i = 0; i < CLI_MAX_OPTION_ARRAYS && command->options[i] != NULL; i++)
    for (const CliOption *option = command->options[i]; option->name != NULL; option++)
      if (!option->hidden)
        g_ptr_array_add (result, (gpointer) option);
  g_ptr_array_sort (result, compare_options);
  return result;
}

static void
entry_free (gpointer data)
{
  CliEntry *entry = data;
  g_free (entry->word);
  g_strfreev (entry->aliases);
  g_free (entry);
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const CliEntry *const *) a)->word, (*(const CliEntry *const *) b)->word);
}

/* group_is_empty: does @word of @group hold no command? Then there is nothing to show of it. */
static gboolean
group_is_empty (const CliCommand *const *commands, const char *group, const char *word)
{
  g_autofree char *path = g_strconcat (group, *group != '\0' ? " " : "", word, NULL);
  g_autoptr (GPtrArray) entries = cli_list (commands, path);
  return entries->len == 0;
}

static CliEntry *
entry_new (const CliCommand *command, const Name *name)
{
  g_autofree char *words = g_strndup (name->words, name->words_length);
  char **split = g_strsplit (words, "|", -1);
  CliEntry *entry = g_new0 (CliEntry, 1);
  entry->command = command;
  entry->word = split[0];
  entry->aliases = g_new0 (char *, g_strv_length (split));
  for (unsigned i = 1; split[i] != NULL; i++)
    entry->aliases[i - 1] = split[i];
  g_free (split);
  return entry;
}

GPtrArray *
cli_list (const CliCommand *const *commands, const char *group)
{
  GPtrArray *result = g_ptr_array_new_with_free_func (entry_free);
  for (const CliCommand *const *c = commands; *c != NULL; c++)
    {
      const char *cursor = (*c)->names;
      Name name;
      while (!(*c)->hidden && name_next (&cursor, &name))
        if (name_in_group (&name, group, strlen (group)))
          {
            CliEntry *entry = entry_new (*c, &name);
            if (cli_command_is_group (*c) && group_is_empty (commands, group, entry->word))
              entry_free (entry);
            else
              g_ptr_array_add (result, entry);
          }
    }
  g_ptr_array_sort (result, compare_entries);
  return result;
}

/* edit_distance: Levenshtein's, letters' case aside; words over 32 letters count as far away. */
static unsigned
edit_distance (const char *a, const char *b)
{
  enum { MAX = 32 };
  gsize n = strlen (a), m = strlen (b);
  if (n > MAX || m > MAX)
    return MAX;
  unsigned row[MAX + 1];
  for (unsigned j = 0; j <= m; j++)
    row[j] = j;
  for (unsigned i = 1; i <= n; i++)
    {
      unsigned diagonal = row[0];
      row[0] = i;
      for (unsigned j = 1; j <= m; j++)
        {
          unsigned change = diagonal + (g_ascii_tolower (a[i - 1]) != g_ascii_tolower (b[j - 1]));
          diagonal = row[j];
          row[j] = MIN (change, MIN (row[j], row[j - 1]) + 1);
        }
    }
  return row[m];
}

char **
cli_suggest (const CliCommand *const *commands, const char *group, const char *word)
{
  g_autoptr (GPtrArray) entries = cli_list (commands, group);
  GPtrArray *result = g_ptr_array_new ();
  for (unsigned i = 0; *word != '\0' && i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      if (g_ascii_strncasecmp (entry->word, word, strlen (word)) == 0 || edit_distance (word, entry->word) <= 2)
        g_ptr_array_add (result, g_strdup (entry->word));
    }
  g_ptr_array_add (result, NULL);
  return (char **) g_ptr_array_free (result, FALSE);
}

int
cli_exit_status (const GError *error)
{
  static const struct { CoracleErrorCode code; int status; } map[] = {
    { CORACLE_ERROR_CANNOT_INVOKE, 126 },
    { CORACLE_ERROR_NO_COMMAND, 127 },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (map); i++)
    if (g_error_matches (error, CORACLE_ERROR, map[i].code))
      return map[i].status;
  return 125;
}
