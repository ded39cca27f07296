/* container_wait: until containers are in a state, told by the kernel: nothing is asked again and again. */
#pragma once

#include "pkg/engine/container.h"

/* What can be waited for: a set of these bits. */
typedef enum {
  WAIT_CREATED = 1 << 0,
  WAIT_EXITED = 1 << 1,       /* exited, stopped: does not run (any more); one that never ran counts, with 0 */
  WAIT_RUNNING = 1 << 2,
  WAIT_PAUSED = 1 << 3,
  WAIT_STOPPING = 1 << 4,
  WAIT_REMOVING = 1 << 5,     /* it is gone */
  WAIT_HEALTHY = 1 << 6,
  WAIT_UNHEALTHY = 1 << 7,
  WAIT_NEVER = 1 << 8,        /* states that no container is in here: initialized, unknown */
} WaitCondition;

/* container_wait_conditions: the set that @words mean; none: WAIT_EXITED. Errors: INVALID "unknown container state: x: invalid argument". Source: podman-wait(1). */
gboolean container_wait_conditions (const char *const *words, guint *ret_conditions, GError **error);

typedef struct {
  const char *id;      /* of a container that was there; NULL: leave this one alone */
  gint64 code;         /* its exit code if it has ended, or is gone and had ended; -1 for any other condition */
  gboolean done;
} ContainerWait;

/* container_wait: until each of @waits is in one of the states of @conditions, or, with @first, until one is. Of a container that ends and is started again, or removed, the first
 * end is taken that comes after this call. @interval_ms: look again that often besides; 0 = only when something has happened.
 * Runs in: any user namespace of the user's.
 * Errors: NOT_FOUND one was removed that was waited for in another state; SYSTEM. */
gboolean container_wait (Storage *storage, ContainerWait *waits, gsize n, guint conditions, gboolean first, gint64 interval_ms, GError **error);
