/* container_health: checking a container's health, and what is known of it.
 *
 * A check is a command run in the container (container_exec), by hand or by the monitor's clock, one file from then on: containers/ID/healthcheck.json, replaced by a rename under
 * a lock on healthcheck.lock. It belongs to one run of the container, known by what RUN_ROOT/ID/init.pid says: a new start begins anew without anybody's doing.
 *
 *   starting    no check has succeeded yet, and not too many have failed
 *   healthy     the last one succeeded, or too few have failed since
 *   unhealthy   Retries in a row have failed: the action on failure is taken
 * While there is a start-up check it is the one that runs, until it has succeeded often enough; its failures do not count, but Retries of them restart the container. */
#pragma once

#include "pkg/engine/container.h"
#include "pkg/engine/container_health_options.h"

/* Who asks. By the monitor's clock the check runs in the monitor's own pid namespace, where numbers of processes mean nothing: descriptors say who is who. */
typedef struct {
  int run_dir;      /* RUN_ROOT/ID; -1 = to be opened */
  int init_pidfd;   /* the container's init; -1 = to be found */
} ContainerHealthRun;

typedef struct {
  gboolean ok;           /* it succeeded */
  const char *word;      /* for people when it did not: "unhealthy", "starting" while that is forgiven, "stopped"; NULL else */
} ContainerHealthResult;

/* container_health_run: one check, recorded, with what follows from it. Waits for it, at most the check's Timeout.
 * Runs in: any user namespace of the user's; best the host's (container_exec).
 * Errors: NOT_FOUND; INVALID "container ID is not running", "container ID has no defined healthcheck"; SYSTEM, also "healthcheck command exceeded timeout of 30s", which counts as a failure. */
gboolean container_health_run (Storage *storage, const char *name_or_id, const ContainerHealthRun *how, ContainerHealthResult *ret_result, GError **error);

/* container_health_show: { "Status", "FailingStreak", "Log" } as inspect has it; NULL without a check. */
json_t *container_health_show (Storage *storage, const ContainerView *view);
/* container_health_word: the Status alone, "" before the first start; NULL without a check; free with g_free. Reads the row's config only where there may be a check. */
char *container_health_word (Storage *storage, const ContainerView *view);

/* container_health_update: what @options say of health, from now on; in the row, and to the monitor of one that runs. Errors: NOT_FOUND; INVALID, as health_update. */
gboolean container_health_update (Storage *storage, const char *id, const ContainerOptions *options, GError **error);

/* container_health_clock: when the first checks of a run are due, for the monitor. */
MonitorHealth container_health_clock (json_t *health);
