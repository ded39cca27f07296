/* startup: a program that does nothing with GLib: the limit for commands that only read (`version`, `ps`, `images`). */
#include <glib.h>

int
main (int argc, char **argv)
{
  g_autofree char *text = g_strdup (argv[argc - 1]);
  return text == NULL;
}
