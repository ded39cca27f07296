#include "cmd/common/confirm.h"

#include <stdio.h>

#include "pkg/base/error.h"

gboolean
confirm_answer (const char *warning, gboolean *ret_yes, GError **error)
{
  char answer[256];
  printf ("%s\nAre you sure you want to continue? [y/N] ", warning);
  (void) fflush (stdout);
  if (fgets (answer, sizeof answer, stdin) == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "EOF");
  *ret_yes = answer[0] == 'y' || answer[0] == 'Y';
  return TRUE;
}
