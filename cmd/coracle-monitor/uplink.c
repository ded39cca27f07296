#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/fd.h"

/* One that dies at once, which a hostile container can bring about, is begun again ever more slowly: at once, after a tenth of a second, … a minute */
#define PAUSE_FIRST 100
#define PAUSE_LAST 60000
#define LIFE_LONG 10000000

void
uplink_keep (Uplink *uplink, int plan_fd, const RuntimePlan *plan)
{
  uplink->plan = plan->slirp_program != 0 ? fcntl (plan_fd, F_DUPFD_CLOEXEC, MONITOR_START_FD + 1) : -1;
}

/* attach: a process of its own: the monitor never leaves its network namespace. */
static void
attach (const MonitorStart *start, const RuntimeNetwork *network, const void *settings, int socket)
{
  if (_Fork () == 0)
    {
      if (setns (start->init_pidfd, CLONE_NEWNET) < 0)
        _exit (1);
      _exit (-network->attach_again (socket, settings));
    }
}

void
uplink_begin (Uplink *uplink)
{
  uplink->began = monitor_now ();
}

/* next_pause: before the next: what the last one's life says. */
static uint32_t
next_pause (Uplink *uplink)
{
  uint64_t now = monitor_now ();
  uint32_t pause = now - uplink->began >= LIFE_LONG ? 0 : uplink->pause_ms;
  uplink->began = now + (uint64_t) pause * 1000;
  uplink->pause_ms = pause == 0 ? PAUSE_FIRST : pause * 2 < PAUSE_LAST ? pause * 2 : PAUSE_LAST;
  return pause;
}

pid_t
uplink_again (Uplink *uplink, const MonitorStart *start, const RuntimeNetwork *network)
{
  char *const envp[] = { NULL };
  pid_t pid = 0;
  int socket = -1;
  RuntimePlan *plan = plan_map (uplink->plan);
  if (plan == NULL)
    return 0;
  const void *settings = plan_bytes (plan, plan->network);
  if (network->spawn (plan_text (plan, plan->slirp_program), envp, settings, next_pause (uplink), &socket, &pid) == 0)
    attach (start, network, settings, socket);
  else
    pid = 0;
  fd_close (socket);
  (void) munmap (plan, (size_t) plan->size);
  return pid;
}
