#include "cmd/common/confirm.h"

#include <stdio.h>

gboolean
confirm (const char *warning)
{
  char answer[256];
  printf ("%s\nAre you sure you want to continue? [y/N] ", warning);
  (void) fflush (stdout);
  return fgets (answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}
