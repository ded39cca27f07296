#include "cmd/coracle-image/prompt.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_LIMIT 4096

char *
prompt_line (void)
{
  char line[LINE_LIMIT];
  if (fgets (line, sizeof line, stdin) == NULL)
    return NULL;
  line[strcspn (line, "\r\n")] = '\0';
  return g_strdup (line);
}

char *
prompt (const char *text, gboolean hidden)
{
  struct termios before, silent;
  hidden = hidden && tcgetattr (STDIN_FILENO, &before) == 0;
  /* silent before the question: whoever answers quickly is neither shown nor lost */
  if (hidden)
    {
      silent = before;
      silent.c_lflag &= ~(tcflag_t) ECHO;
      tcsetattr (STDIN_FILENO, TCSAFLUSH, &silent);
    }
  fputs (text, stdout);
  fflush (stdout);
  char *line = prompt_line ();
  if (hidden)
    {
      tcsetattr (STDIN_FILENO, TCSAFLUSH, &before);
      putchar ('\n');
    }
  return line;
}
