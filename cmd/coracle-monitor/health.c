#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

void
health_begin (Health *health, const MonitorStart *start)
{
  health->interval = start->health[0][0] != '\0' ? start->health_clock.interval_us : 0;
  health->due = health->interval > 0 ? monitor_now () : 0;
  health->ready = start->health[0][0] != '\0';
}

void
health_set (Health *health, uint64_t interval_us)
{
  health->interval = interval_us;
  if (!health->ready || interval_us == 0)
    health->due = 0;
  else if (health->child <= 0)
    health->due = monitor_now () + interval_us;
}

void
health_serve (Health *health, const MonitorStart *start)
{
  if (health->due == 0 || health->child > 0 || monitor_now () < health->due)
    return;
  const int fds[] = { start->run_dir, start->init_pidfd };
  const char *const more[] = { NULL };
  health->child = program_start (start->health, more, fds, 2);
  health->due = health->child > 0 || health->interval == 0 ? 0 : monitor_now () + health->interval;
}

bool
health_reaped (Health *health, pid_t pid)
{
  if (pid != health->child)
    return false;
  health->child = 0;
  health->due = health->ready && health->interval > 0 ? monitor_now () + health->interval : 0;
  return true;
}

void
health_end (Health *health)
{
  /* waited for here: who ends what is left in a shared pid namespace reaps it unseen, and it would count as running for ever */
  if (health->child > 0)
    {
      (void) kill (health->child, SIGKILL);
      while (waitpid (health->child, NULL, 0) < 0 && errno == EINTR)
        continue;
      health->child = 0;
    }
  health->ready = false;
  health->due = 0;
}
