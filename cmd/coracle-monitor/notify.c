#include "monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* says_ready: is one of @text's lines READY=1? Source: sd_notify(3). */
static bool
says_ready (const char *text)
{
  for (const char *line = text; line != NULL; line = strchr (line, '\n'))
    {
      line += *line == '\n';
      if (strncmp (line, "READY=1", 7) == 0 && (line[7] == '\n' || line[7] == '\0'))
        return true;
    }
  return false;
}

void
notify_serve (int notify, int host)
{
  char text[4096];
  for (int round = 0; round < 16; round++)
    {
      ssize_t n = recv (notify, text, sizeof text - 1, MSG_DONTWAIT);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return;
      text[n] = '\0';
      /* nothing else that a container says is for whoever supervises us: MAINPID, FDSTORE … would be taken for our own words */
      if (host >= 0 && says_ready (text))
        (void) send (host, "READY=1", 7, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}
