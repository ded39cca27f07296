/* container_health: what a container's health check is: the words of --health-* over the image's HEALTHCHECK. In the row's config:
 *
 *   "healthcheck"          {"Test": ["CMD-SHELL", "…"], "Interval", "Timeout", "StartPeriod": nanoseconds, "Retries"}: as images and `inspect` have it; missing = none
 *   "startup_healthcheck"  the same with "Successes"
 * How a check is performed is another matter. Source: podman-run(1) --health-cmd; the Docker image specification, "Healthcheck". */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/engine/container_options.h"

/* health_config: new reference, NULL without @error: there is none. @image: the image's "config". Errors: INVALID. */
gboolean health_config (const ContainerOptions *options, json_t *image, json_t **ret_check, json_t **ret_startup, GError **error);
/* health_on_failure: "none", "kill", "restart", "stop". Borrowed. */
const char *health_on_failure (const ContainerOptions *options);
