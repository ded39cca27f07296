/* container_attach: a command as one more terminal, or reader, of a container that runs. */
#pragma once

#include "pkg/engine/container.h"
#include "pkg/monitor/detach_keys.h"

/* container_detach_keys: the keys that leave a container or a session of it: @given, or, when that is NULL, what containers.conf says, or the usual ones. Errors: INVALID. */
gboolean container_detach_keys (const char *given, DetachKeys *ret_keys, GError **error);

typedef struct {
  gboolean no_stdin, sig_proxy;
  const char *detach_keys;   /* NULL = what containers.conf says, or the usual ones; "" = none */
  gboolean (*begin) (void *data, GError **error);   /* called once we are attached, before anything is waited for: it is to print only now; its failure is ours. NULL = it runs already */
  void *begin_data;
} ContainerAttach;

/* container_attach: stay with the container of @view until it ends or the user detaches. Output from before is not shown, it is in the log.
 * @ret_status: the container's exit status; 0 when detached.
 * Errors: INVALID detach keys, a container that does not run or has no monitor between it and its output (passthrough); SYSTEM it lost its monitor; CANNOT_INVOKE output was lost.
 * Runs in: any namespace. Signals are collected from here on. */
gboolean container_attach (Storage *storage, const ContainerView *view, const ContainerAttach *how, int *ret_status, GError **error);
