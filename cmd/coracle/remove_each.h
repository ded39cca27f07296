/* remove_each: the shape of "volume rm" and "network rm": names printed as they go, and Podman's exit statuses for what is missing or used. */
#pragma once

#include "cmd/common/session.h"

typedef gboolean (*RemoveFunc) (Storage *storage, const char *name, gboolean force, gint64 timeout, GError **error);

/* remove_check: --time goes only with --force. Errors: INVALID. */
gboolean remove_check (const CliArgs *args, GError **error);

/* remove_each: @remove each of @names, NULL at the end, with what --force and --time of @args say; what fails is told of, and the rest goes on. With --force a missing one is
 * none of a failure. Returns the exit status: the highest of 0, 1 (one does not exist), 2 (one is used), others. Source: podman-volume-rm(1), podman-network-rm(1). */
int remove_each (Session *session, const CliArgs *args, const char *const *names, RemoveFunc remove);
