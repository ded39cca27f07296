#include "monitor.h"

#include <errno.h>

int
control_message (uint32_t type, const void *data, size_t size)
{
  return ENOSYS;
}
