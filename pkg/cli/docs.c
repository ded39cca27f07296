#include "pkg/cli/docs.h"

#include <string.h>

static void
path_free (gpointer data)
{
  CliPath *path = data;
  g_free (path->path);
  g_free (path->name);
  g_free (path);
}

char *
cli_docs_main_name (const CliCommand *command)
{
  return g_strndup (command->names, strcspn (command->names, ",|"));
}

static void
add_path (GPtrArray *paths, const char *group, const char *word, const CliEntry *entry)
{
  const char *space = *group != '\0' ? " " : "";
  g_autofree char *main_name = cli_docs_main_name (entry->command);
  CliPath *path = g_new0 (CliPath, 1);
  path->path = g_strconcat (group, space, word, NULL);
  path->name = g_strconcat (group, space, entry->word, NULL);
  path->command = entry->command;
  path->main = strcmp (path->path, main_name) == 0;
  g_ptr_array_add (paths, path);
}

static void
add_group (GPtrArray *paths, const CliCommand *const *commands, const char *group)
{
  g_autoptr (GPtrArray) entries = cli_list (commands, group);
  for (unsigned i = 0; i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      add_path (paths, group, entry->word, entry);
      for (unsigned j = 0; entry->aliases[j] != NULL; j++)
        add_path (paths, group, entry->aliases[j], entry);
      if (cli_command_is_group (entry->command))
        {
          g_autofree char *within = g_strconcat (group, *group != '\0' ? " " : "", entry->word, NULL);
          add_group (paths, commands, within);
        }
    }
}

GPtrArray *
cli_docs_paths (const CliCommand *const *commands)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (path_free);
  add_group (paths, commands, "");
  return paths;
}

const CliLister cli_docs_listers[] = {
  /* the short form too, which is what people type: box for localhost/box, debian for docker.io/library/debian */
  { "image", "images --filter dangling=false --format '{{$n := split .Repository \"/\"}}{{if and (eq (len $n) 2) (eq (index $n 0) \"localhost\")}}{{index $n 1}}:{{.Tag}}{{println}}"
             "{{else if and (eq (len $n) 3) (eq (index $n 1) \"library\")}}{{index $n 2}}:{{.Tag}}{{println}}{{end}}{{.Repository}}:{{.Tag}}'" },
  { "container", "ps -a --format '{{.Names}}'" },
  { "running", "ps --format '{{.Names}}'" },
  { "network", "network ls --format '{{.Name}}'" },
  { "volume", "volume ls --format '{{.Name}}'" },
  { "pod", "pod ps --format '{{.Name}}'" },
  { "secret", "secret ls --format '{{.Name}}'" },
  { NULL, NULL },
};

const char *
cli_docs_complete (uint8_t complete)
{
  static const char *const kinds[] = {
    [CLI_COMPLETE_DEFAULT] = "", [CLI_COMPLETE_FILE] = "file", [CLI_COMPLETE_DIR] = "dir", [CLI_COMPLETE_IMAGE] = "image",
    [CLI_COMPLETE_CONTAINER] = "container", [CLI_COMPLETE_RUNNING] = "running", [CLI_COMPLETE_NETWORK] = "network",
    [CLI_COMPLETE_VOLUME] = "volume", [CLI_COMPLETE_POD] = "pod", [CLI_COMPLETE_SECRET] = "secret", [CLI_COMPLETE_SIGNAL] = "signal",
    [CLI_COMPLETE_CAPABILITY] = "capability", [CLI_COMPLETE_COMMAND] = "command",
  };
  return kinds[complete];
}

const char *
cli_docs_kind (const CliOption *option)
{
  if (option->complete == CLI_COMPLETE_DEFAULT && option->values != NULL)
    return "values";
  return cli_docs_complete (option->complete);
}

char *
cli_docs_words (const CliDocs *docs, const char *kind)
{
  if (strcmp (kind, "signal") == 0)
    return g_strdup ("ABRT ALRM CHLD CONT HUP INT KILL PIPE QUIT STOP TERM TSTP TTIN TTOU USR1 USR2 WINCH");
  if (strcmp (kind, "capability") != 0)
    return NULL;
  GString *words = g_string_new ("all");
  for (int i = 0; docs->capability (i) != NULL; i++)
    g_string_append_printf (words, " %s", docs->capability (i));
  return g_string_free (words, FALSE);
}
