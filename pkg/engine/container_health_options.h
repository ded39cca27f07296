/* container_health_options: how a container's health is checked: worked out once from the words of run, create and update and from the image, and kept in its row as "health":
 *
 *   { "Healthcheck": { "Test": ["CMD-SHELL", "…"], "StartPeriod", "Interval", "Timeout": nanoseconds, "Retries" },    absent: there is no check
 *     "StartupHealthCheck": { the same, and "Successes" },                                                            absent: none
 *     "OnFailure": "none" | "kill" | "restart" | "stop", "Destination": "local" | "events_logger" | a folder, "MaxLogCount", "MaxLogSize": 0 = no limit }
 *
 * The two checks are as inspect shows them: what is zero is left out. Source: podman-run(1) --health-*; the image config's Healthcheck. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/engine/container_options.h"

/* health_resolve: for a new container. @image: the image config's Healthcheck, or NULL. Returns a new object. Errors: INVALID, in Podman's words. */
json_t *health_resolve (const ContainerOptions *options, json_t *image, GError **error);
/* health_update: @health, a row's, with what @options say instead: update --health-*. A new object. Errors: as health_resolve. */
json_t *health_update (const ContainerOptions *options, json_t *health, GError **error);

/* health_is_usual: as it is where nobody said a word of health. */
gboolean health_is_usual (json_t *health);
/* health_check_of: the check, or the start-up check if @startup; borrowed; NULL = there is none. @health: may be NULL. */
json_t *health_check_of (json_t *health, gboolean startup);
/* health_number: one of its numbers, 0 where it has none. */
gint64 health_number (json_t *check, const char *key);
/* health_restarts: may a check's result ask for another start? Then the monitor must keep the plan. */
gboolean health_restarts (json_t *health);
