#include "pkg/cli/docs.h"

#include <string.h>

/* What does not depend on the tables. Words are split at white space alone: bash's own list is split at = and : too. */
static const char engine[] =
  "# Walk the line: command (canonical), the count of its arguments, an option that waits for its value.\n"
  "_coracle_walk ()\n"
  "{\n"
  "  local word letter i path=''\n"
  "  for word in \"$@\"; do\n"
  "    if [[ $pending ]]; then\n"
  "      case $pending in --root | --runroot) globals+=(\"$pending\" \"$word\") ;; esac\n"
  "      pending=\n"
  "    elif [[ $ended ]]; then\n"
  "      count=$((count + 1))\n"
  "    elif [[ $word == -- ]]; then\n"
  "      ended=1\n"
  "    elif [[ $word == --*=* ]]; then\n"
  "      case $word in --root=* | --runroot=*) globals+=(\"$word\") ;; esac\n"
  "    elif [[ $word == --* ]]; then\n"
  "      _coracle_flags \"$command\"\n"
  "      [[ \" $flags \" == *\" $word= \"* ]] && pending=$word\n"
  "    elif [[ $word == -?* ]]; then\n"
  "      _coracle_flags \"$command\"\n"
  "      for ((i = 1; i < ${#word}; i++)); do\n"
  "        letter=-${word:i:1}\n"
  "        if [[ \" $flags \" == *\" $letter= \"* ]]; then\n"
  "          ((i + 1 == ${#word})) && pending=$letter\n"
  "          break\n"
  "        fi\n"
  "      done\n"
  "    else\n"
  "      _coracle_words \"$command\"\n"
  "      if [[ $members ]]; then\n"
  "        path=${path:+$path }$word\n"
  "        _coracle_canonical \"$path\" || return 1\n"
  "      else\n"
  "        count=$((count + 1))\n"
  "        _coracle_stops \"$command\" && ended=1\n"
  "      fi\n"
  "    fi\n"
  "  done\n"
  "  return 0\n"
  "}\n"
  "\n"
  "# Offer what is of kind $1 and begins with $2.\n"
  "_coracle_offer ()\n"
  "{\n"
  "  local list=\n"
  "  case $1 in\n"
  "    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$2\"); return ;;\n"
  "    dir) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$2\"); return ;;\n"
  "    values:*) list=${1#values:} ;;\n"
  "    ?*) list=$(_coracle_names \"$1\") ;;\n"
  "  esac\n"
  "  mapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$2\")\n"
  "}\n"
  "\n"
  "_coracle ()\n"
  "{\n"
  "  local IFS=$' \\t\\n' line=${COMP_LINE:0:COMP_POINT} words=() globals=()\n"
  "  local program command='' cur='' kind='' flags='' members='' pending='' ended='' count=0 prefix='' i\n"
  "  COMPREPLY=()\n"
  "  read -ra words <<< \"$line\"\n"
  "  program=${words[0]}\n"
  "  if [[ $line != *[[:space:]] ]]; then\n"
  "    cur=${words[${#words[@]} - 1]}\n"
  "    unset \"words[${#words[@]} - 1]\"\n"
  "  fi\n"
  "  _coracle_walk \"${words[@]:1}\" || return 0\n"
  "  _coracle_flags \"$command\"\n"
  "  _coracle_words \"$command\"\n"
  "  if [[ $pending ]]; then\n"
  "    _coracle_kind \"$command\" \"$pending\"\n"
  "    _coracle_offer \"$kind\" \"$cur\"\n"
  "  elif [[ ! $ended && $cur == --*=* ]]; then\n"
  "    _coracle_kind \"$command\" \"${cur%%=*}\"\n"
  "    [[ $COMP_WORDBREAKS == *=* ]] || prefix=${cur%%=*}=\n"
  "    cur=${cur#*=}\n"
  "    _coracle_offer \"$kind\" \"$cur\"\n"
  "  elif [[ ! $ended && $cur == -* ]]; then\n"
  "    mapfile -t COMPREPLY < <(compgen -W \"${flags//=/}\" -- \"$cur\")\n"
  "  elif [[ $members ]]; then\n"
  "    mapfile -t COMPREPLY < <(compgen -W \"$members\" -- \"$cur\")\n"
  "  else\n"
  "    _coracle_argument \"$command\" \"$count\"\n"
  "    _coracle_offer \"$kind\" \"$cur\"\n"
  "  fi\n"
  "  # what stands before the last colon is no part of the word that bash replaces\n"
  "  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
  "    for i in \"${!COMPREPLY[@]}\"; do COMPREPLY[i]=${COMPREPLY[i]#\"${cur%:*}:\"}; done\n"
  "  fi\n"
  "  if [[ $prefix ]]; then\n"
  "    for i in \"${!COMPREPLY[@]}\"; do COMPREPLY[i]=$prefix${COMPREPLY[i]}; done\n"
  "  fi\n"
  "}\n"
  "\n"
  "complete -F _coracle coracle\n";

static void
append_canonical (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# The command that $1 names.\n_coracle_canonical ()\n{\n  case $1 in\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      g_autofree char *name = cli_docs_main_name (path->command);
      g_string_append_printf (out, "    '%s') command='%s' ;;\n", path->path, name);
    }
  g_string_append (out, "    *) return 1 ;;\n  esac\n}\n\n");
}

static void
append_flags_of (GString *out, const CliCommand *command)
{
  g_autoptr (GPtrArray) options = cli_visible_options (command);
  for (unsigned i = 0; i < options->len; i++)
    {
      const CliOption *option = options->pdata[i];
      const char *mark = option->type == CLI_BOOL || option->bare != NULL ? "" : "=";
      g_string_append_printf (out, " --%s%s", option->name, mark);
      if (option->short_name != 0)
        g_string_append_printf (out, " -%c%s", option->short_name, mark);
    }
}

static void
append_flags (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# The options of command $1; those that need a value end in =.\n_coracle_flags ()\n{\n  case $1 in\n    '') flags='");
  append_flags_of (out, docs->root);
  g_string_append (out, "' ;;\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (!path->main)
        continue;
      g_string_append_printf (out, "    '%s') flags='--help", path->path);
      append_flags_of (out, path->command);
      for (const CliOption *option = docs->globals; option->name != NULL; option++)
        g_string_append_printf (out, " --%s=", option->name);
      g_string_append (out, "' ;;\n");
    }
  g_string_append (out, "  esac\n}\n\n");
}

static void
append_words_of (GString *out, const CliDocs *docs, const char *group)
{
  g_autoptr (GPtrArray) entries = cli_list (docs->commands, group);
  g_string_append_printf (out, "    '%s') members='", group);
  for (unsigned i = 0; i < entries->len; i++)
    {
      const CliEntry *entry = entries->pdata[i];
      g_autofree char *aliases = g_strjoinv (" ", entry->aliases);
      g_string_append_printf (out, "%s%s%s%s", i > 0 ? " " : "", entry->word, *aliases != '\0' ? " " : "", aliases);
    }
  g_string_append (out, "' ;;\n");
}

static void
append_words (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# The commands in group $1.\n_coracle_words ()\n{\n  case $1 in\n");
  append_words_of (out, docs, "");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (path->main && cli_command_is_group (path->command))
        append_words_of (out, docs, path->path);
    }
  g_string_append (out, "    *) members= ;;\n  esac\n}\n\n");
}

static void
append_stops (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# Do the options of command $1 end at its first argument?\n_coracle_stops ()\n{\n  case $1 in\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (path->main && path->command->stop_at_args)
        g_string_append_printf (out, "    '%s') return 0 ;;\n", path->path);
    }
  g_string_append (out, "    *) return 1 ;;\n  esac\n}\n\n");
}

/* append_kind: @open: the pattern's beginning, up to the option: "'run " or "*' ". */
static void
append_kind (GString *out, const char *open, const CliOption *option)
{
  const char *kind = cli_docs_kind (option);
  if (*kind == '\0')
    return;
  g_string_append_printf (out, "    %s--%s'", open, option->name);
  if (option->short_name != 0)
    g_string_append_printf (out, " | %s-%c'", open, option->short_name);
  if (strcmp (kind, "values") == 0)
    {
      g_autofree char *values = g_strjoinv (" ", (char **) option->values);
      g_string_append_printf (out, ") kind='values:%s' ;;\n", values);
    }
  else
    g_string_append_printf (out, ") kind='%s' ;;\n", kind);
}

static void
append_kinds (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# What the value of option $2 of command $1 is.\n_coracle_kind ()\n{\n  kind=\n  case \"$1 $2\" in\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (!path->main)
        continue;
      g_autofree char *open = g_strconcat ("'", path->path, " ", NULL);
      g_autoptr (GPtrArray) options = cli_visible_options (path->command);
      for (unsigned j = 0; j < options->len; j++)
        append_kind (out, open, options->pdata[j]);
    }
  /* the globals, of whatever command */
  for (const CliOption *option = docs->globals; option->name != NULL; option++)
    append_kind (out, "*' ", option);
  g_string_append (out, "  esac\n}\n\n");
}

static void
append_arguments (GString *out, const CliDocs *docs)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_string_append (out, "# What argument number $2 (from 0) of command $1 is.\n_coracle_argument ()\n{\n  kind=\n  case \"$1 $2\" in\n");
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      if (!path->main || cli_command_is_group (path->command))
        continue;
      const char *first = cli_docs_complete (path->command->complete), *rest = cli_docs_complete (path->command->complete_rest);
      if (*first != '\0')
        g_string_append_printf (out, "    '%s 0') kind='%s' ;;\n", path->path, first);
      if (*rest != '\0')
        g_string_append_printf (out, "    '%s '[1-9]*) kind='%s' ;;\n", path->path, rest);
    }
  g_string_append (out, "  esac\n}\n\n");
}

static void
append_names (GString *out, const CliDocs *docs)
{
  static const char *const fixed[] = { "signal", "capability" };
  g_string_append (out, "# The names of kind $1.\n_coracle_names ()\n{\n  case $1 in\n    command) _coracle_words ''; echo \"$members\" ;;\n");
  for (unsigned i = 0; i < G_N_ELEMENTS (fixed); i++)
    {
      g_autofree char *words = cli_docs_words (docs, fixed[i]);
      g_string_append_printf (out, "    %s) echo '%s' ;;\n", fixed[i], words);
    }
  for (const CliLister *lister = cli_docs_listers; lister->kind != NULL; lister++)
    g_string_append_printf (out, "    %s) \"$program\" \"${globals[@]}\" %s 2>/dev/null ;;\n", lister->kind, lister->arguments);
  g_string_append (out, "  esac\n}\n\n");
}

void
cli_docs_bash (GString *out, const CliDocs *docs)
{
  g_string_append_printf (out, "# bash completion for %s %s, made from its command tables.\n\n", docs->program, docs->version);
  append_canonical (out, docs);
  append_words (out, docs);
  append_flags (out, docs);
  append_stops (out, docs);
  append_kinds (out, docs);
  append_arguments (out, docs);
  append_names (out, docs);
  g_string_append (out, engine);
}
