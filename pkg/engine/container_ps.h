/* container_ps: ps(1) on a container's processes. Internal to pkg/engine; see container_top.h. */
#pragma once

#include "pkg/engine/container.h"

/* container_ps: @pidfd, @init: the container's init. @words: of the arguments, each split at blanks. @ret_text: what it printed, without its own line. */
gboolean container_ps (Storage *storage, const ContainerView *view, int pidfd, pid_t init, const char *const *words, char **ret_text, GError **error);

/* ---- ps_child.c: the host's ps between fork and exec */
typedef struct {
  int pidfd;                  /* the container's init */
  guint64 flags;              /* CLONE_NEWUSER, CLONE_NEWPID: those that are not ours already */
  int output, error_output;
  int tell;                   /* pipe: the pid of ps as the container numbers it, then, if it cannot begin, its errno */
  const char *program;
  char *const *argv, *const *envp;
} PsChild;
/* ps_child: in a child of ours: enter the container's user and pid namespaces, and a copy of our mount namespace in which /proc shows the container's processes, and run ps there as one
 * of them. Exit status: that of ps; 127: it could not begin. Never returns. */
_Noreturn void ps_child (const PsChild *child);
