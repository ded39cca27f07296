/* generate: write the man pages and completions when the project is built, from the tables that the programs parse with.
 *   generate man DIR     one page per command, and one line pages for its other names
 *   generate bash|zsh|fish   the completion on standard output */
#include "cmd/common/dispatch.h"
#include "cmd/coracle/commands.h"
#include "pkg/base/path.h"
#include "pkg/cli/docs.h"
#include "pkg/seccomp/caps.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int
write_page (const char *folder, const char *name, GString *text)
{
  g_autofree char *dashed = g_strdelimit (g_strdup (name), " ", '-');
  g_autofree char *path = g_strdup_printf ("%s/coracle%s%s.1", folder, *name != '\0' ? "-" : "", dashed);
  int failure = path_write_file (AT_FDCWD, path, text->str, text->len, 0644, FALSE);
  if (failure < 0)
    fprintf (stderr, "generate: %s: %s\n", path, g_strerror (-failure));
  return failure < 0;
}

static int
write_pages (const CliDocs *docs, const char *folder)
{
  g_autoptr (GPtrArray) paths = cli_docs_paths (docs->commands);
  g_autoptr (GString) text = g_string_new (NULL);
  cli_docs_man (text, docs, docs->root);
  int failures = write_page (folder, "", text);
  for (unsigned i = 0; i < paths->len; i++)
    {
      const CliPath *path = paths->pdata[i];
      g_string_truncate (text, 0);
      if (path->main)
        cli_docs_man (text, docs, path->command);
      else
        {
          g_autofree char *target = g_strdelimit (cli_docs_main_name (path->command), " ", '-');
          g_string_printf (text, ".so man1/coracle-%s.1\n", target);
        }
      failures += write_page (folder, path->path, text);
    }
  return failures > 0;
}

int
main (int argc, char **argv)
{
  static const struct { const char *shell; void (*write) (GString *out, const CliDocs *docs); } shells[] = {
    { "bash", cli_docs_bash }, { "zsh", cli_docs_zsh }, { "fish", cli_docs_fish },
  };
  const CliDocs docs = {
    .program = "coracle", .version = CORACLE_VERSION, .root = &root_command, .globals = global_options, .commands = coracle_commands,
    .capability = caps_name,
  };
  if (argc == 3 && strcmp (argv[1], "man") == 0)
    return write_pages (&docs, argv[2]);
  for (unsigned i = 0; argc == 2 && i < G_N_ELEMENTS (shells); i++)
    if (strcmp (argv[1], shells[i].shell) == 0)
      {
        g_autoptr (GString) out = g_string_new (NULL);
        shells[i].write (out, &docs);
        return fputs (out->str, stdout) < 0 || fflush (stdout) != 0;
      }
  fprintf (stderr, "usage: generate man DIR | bash | zsh | fish\n");
  return 2;
}
