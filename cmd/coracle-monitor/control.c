#include "monitor.h"

#include <errno.h>
#include <string.h>

static int
set_clock (Control *control, const void *data, size_t size)
{
  MonitorHealth clock;
  if (size != sizeof clock)
    return EINVAL;
  memcpy (&clock, data, sizeof clock);
  control->clock = clock;
  control->clock_set = true;
  return 0;
}

static int
let_go (Control *control)
{
  if (*control->held < 0)
    return EALREADY;
  int failure = again_go (control->starting, control->held);
  control->went = failure == 0;
  return failure;
}

int
control_message (Control *control, uint32_t type, const void *data, size_t size)
{
  switch (type)
    {
    case MONITOR_STOPPING:
      control->stopping = true;
      control->again = false;
      return 0;
    case MONITOR_RESTART:
      /* without a plan nothing can be performed */
      if (!control->can_again)
        return ENOTSUP;
      control->again = control->again || size == 0;
      return 0;
    case MONITOR_GO:
      return let_go (control);
    case MONITOR_HEALTH:
      return set_clock (control, data, size);
    default:
      return ENOSYS;
    }
}
