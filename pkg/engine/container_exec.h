/* container_exec: a process more in a container that runs. */
#pragma once

#include "pkg/engine/container.h"

typedef struct {
  const char *const *argv;          /* the command; at least one word */
  const char *const *env, *const *env_file;   /* as --env and --env-file give them; NULL = none */
  const char *user;                 /* as --user; NULL = the container's */
  const char *cwd;                  /* NULL = the container's */
  gboolean tty;                     /* a terminal of its own; our own one, if standard input is one, drives it */
  gboolean interactive;             /* our standard input is sent; else it is empty. With @detach: open, and nothing comes */
  gboolean privileged;              /* all capabilities; the container's filter and no_new_privs stay, as Podman has it */
  gboolean detach;                  /* return when it runs; it goes on */
  gboolean hidden;                  /* no session in the run folder: `inspect` does not list it (--no-session) */
  int out_fd, err_fd;               /* where its output goes without a terminal; -1 = nowhere. May be the same */
  const int *kept;                  /* descriptors from 3 up, ascending, that it gets under the same numbers; they must be open and not close-on-exec */
  guint n_kept;
  guint64 timeout_us;               /* SIGKILL then; 0 = never */
  const int *init_pidfd;            /* the container's init, for who is in a pid namespace of the monitor's and cannot find it; NULL = to be found */
  const char *detach_keys;          /* NULL = the usual ones, "" = none */
} ContainerExec;

typedef struct {
  char *id;                         /* of the session: 64 hex digits */
  int status;                       /* as a shell has it. After a failure: 0, or the exit status that Podman gives where the error's code says another */
  gboolean detached;                /* it goes on: asked for, or by the detach keys */
  gboolean timed_out;
} ContainerExecResult;
void container_exec_result_clear (ContainerExecResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ContainerExecResult, container_exec_result_clear)

/* container_exec: start it, and without @detach stay with it until it ends. Signals that end us leave it running, as in Podman. Needs neither the user namespace nor a store that can
 * be written; best called outside of the user namespace (runtime_exec says why). One thread. Its supervisor is a child of this process, which ends by itself and is not waited for.
 * @ret_result: also filled in on failure.
 * Errors: INVALID the container does not run ("can only create exec sessions on running containers: container state improper"), bad words; NO_COMMAND, CANNOT_INVOKE, NOT_FOUND of an env
 * file; CANNOT_INVOKE no such user, its output could not be written; SYSTEM. */
gboolean container_exec (Storage *storage, const ContainerView *view, const ContainerExec *request, ContainerExecResult *ret_result, GError **error);

/* container_exec_cleanup: what a session's supervisor asks for when nobody waited for its end: tell of it, and remove its folder. @id: in full. */
gboolean container_exec_cleanup (Storage *storage, const char *id, const char *session, GError **error);

/* container_exec_ids: of the sessions that are alive, as inspect's ExecIDs: an array of strings. */
json_t *container_exec_ids (Storage *storage, const char *id);
