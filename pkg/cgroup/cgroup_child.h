/* cgroup_child: what the monitor does with the container's group: plain C, async-signal-safe. */
#pragma once

#include <stdint.h>

/* cgroup_child_oom_kills: how many processes of the group behind @fd (O_PATH; -1 = none) were killed for want of memory: memory.events' oom_kill. 0 without the controller. */
uint64_t cgroup_child_oom_kills (int fd);
/* cgroup_child_enter: put the calling process into it. 0 or -errno. */
int cgroup_child_enter (int fd);
