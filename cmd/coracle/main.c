#include <stdlib.h>
#include <unistd.h>

#include "cmd/common/dispatch.h"
#include "cmd/coracle/commands.h"
#include "pkg/base/account.h"

/* home: where HOME does not say it, GLib asks the C library's name services, which a program linked statically should not load. */
static void
home (void)
{
  const char *said = getenv ("HOME");
  if (said != NULL && *said != '\0')
    return;
  g_autoptr (Account) account = account_of_uid (getuid ());
  if (account != NULL && account->home[0] == '/')
    (void) setenv ("HOME", account->home, TRUE);
}

int
main (int argc, char **argv)
{
  home ();
  const DispatchProgram program = { .name = "coracle", .commands = coracle_commands };
  return dispatch (&program, argv);
}
