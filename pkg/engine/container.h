/* container: what commands do with containers. Every function takes a request, works on an open Storage and returns a result; nothing prints. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/engine/container_options.h"
#include "pkg/idmap/idmap.h"
#include "pkg/monitor/protocol.h"
#include "storage/storage.h"

/* container_run: create, start and stay with a container until it ends (run without -d).
 * @paths: where; the store is opened in here, while the user namespace is being made. @notice: one line for standard error ("no subuid range …"), called at most a few times.
 * @ret_id: its id, once it runs, also when what follows fails; free with g_free. @ret_status: the exit status as the shell should see it.
 * @ret_rest: what is still to be taken down when all that can be seen of the end is done; NULL = nothing: container_rest_free does it, container_rest_leave while the caller is gone already.
 * Errors: INVALID bad words, NOT_FOUND no such image, EXISTS the name is in use, NO_COMMAND, CANNOT_INVOKE, DENIED, SYSTEM. On failure nothing of it remains. */
typedef void (*ContainerNotice) (const char *text, void *data);
/* What a notice begins with that is also for who wants no notices. */
#define CONTAINER_WARNING "WARNING: "
typedef struct ContainerRest ContainerRest;
gboolean container_run (const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data, char **ret_id, int *ret_status, ContainerRest **ret_rest,
                        GError **error);
void container_rest_free (ContainerRest *rest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ContainerRest, container_rest_free)
/* container_rest_leave: end this process with @status, and do it behind its back (proc_leave). Returns, with nothing done, when that cannot be. */
void container_rest_leave (ContainerRest *rest, int status);

/* container_run_detached: the same, and leave it to its monitor once the command has been exec'd (run -d). @ret_id: its id; free with g_free. */
gboolean container_run_detached (const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data, char **ret_id, GError **error);
/* container_create: make it and check all that can be checked before it runs; nothing is started. @ret_id: free with g_free. */
gboolean container_create (const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data, char **ret_id, GError **error);

/* container_start: a container that was created or has ended. One that runs is left as it is; with @attach we attach to it.
 * Runs in: the user namespace, with a mount namespace of this process's own; one thread.
 * Errors: NOT_FOUND, IN_USE (paused, or being removed), and those of container_run; on failure the container is as it was. */
typedef struct {
  gboolean attach, interactive, sig_proxy;
  gboolean hold;           /* init: all but the command itself, which a later start lets run */
  const char *detach_keys; /* NULL = the container's own */
  int mounts;              /* container_start_base, when this process starts more than one; -1 = none */
  ContainerNotice notice;
  void *notice_data;
} ContainerStart;
/* @ret_status: with @attach the exit status as the shell should see it; else 0. */
gboolean container_start (Storage *storage, IdMap *map, const char *name_or_id, const ContainerStart *how, int *ret_status, GError **error);
/* container_init: all of a container but its command, which container_start lets run. One that is so already is left as it is. Errors: as container_start; INVALID it runs. */
gboolean container_init (Storage *storage, IdMap *map, const char *name_or_id, const ContainerStart *how, GError **error);
/* container_restart: stop it if it runs (@timeout as for container_stop), and start it. One with --rm is not removed meanwhile. @ret_warning: it did not listen; NULL = none. */
gboolean container_restart (Storage *storage, IdMap *map, const char *name_or_id, gint64 timeout, const ContainerStart *how, char **ret_warning, GError **error);
/* container_start_base: every monitor keeps the mount namespace of the command that started it: a command that starts several gives each one of its own, made from this one.
 * Returns a descriptor, or -1 with @error. */
int container_start_base (GError **error);
/* container_start_apart: enter a mount namespace of one's own, made from @base; -1: stay. */
gboolean container_start_apart (int base, GError **error);

/* ---- looking: rows and what the live state says of them */
typedef struct {
  StateContainer *row;      /* owned */
  gboolean alive;           /* its monitor holds RUN_ROOT/ID */
  pid_t pid;                /* of init on the host; 0 = not running */
  const char *status;       /* created, running, stopping, exited: derived */
  char *health;             /* "healthy" …: container_health_word; NULL without a check */
} ContainerView;
void container_view_free (ContainerView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ContainerView, container_view_free)

/* container_is_held: initialized: all of it is there but its command. */
gboolean container_is_held (const ContainerView *view);
ContainerView *container_view_new (Storage *storage, StateContainer *row);   /* takes the row */
gboolean container_list (Storage *storage, GPtrArray **ret_views, GError **error);   /* of ContainerView, oldest first */
ContainerView *container_find (Storage *storage, const char *name_or_id, GError **error);   /* NOT_FOUND "no container with name or ID … found: no such container"; INVALID "name or ID cannot be empty" */

ContainerView *container_find_latest (Storage *storage, GError **error);   /* the one made last; NOT_FOUND "no such container" */

/* container_network_mode: what --network @word is to users and scripts: "slirp4netns" for NULL and all its names, else the word. Borrowed. */
const char *container_network_mode (const char *word);

/* container_inspect: the object `inspect` shows (Podman's field names). @size: also SizeRw and SizeRootFs, in the user namespace. */
json_t *container_inspect (Storage *storage, ContainerView *view, gboolean size, GError **error);
/* container_inspect_prune: drop the fields that Podman's JSON leaves out when they are empty. */
void container_inspect_prune (json_t *inspected);
/* container_size: bytes written above the image, and those with the image's own. Runs in the user namespace. */
gboolean container_size (Storage *storage, const StateContainer *row, gint64 *ret_rw, gint64 *ret_root, GError **error);

/* container_remove: stop it if @force, as container_stop does, and remove all of it. Runs in the user namespace.
 * @volumes: also its anonymous volumes. Errors: IN_USE while it runs and @force is not given; EXISTS others need it (container_depend.h). */
gboolean container_remove (Storage *storage, const char *id, gboolean force, gint64 timeout, gboolean volumes, GError **error);
/* container_rename: whether it runs or not. Errors: NOT_FOUND; INVALID the name's form; EXISTS it is another's. */
gboolean container_rename (Storage *storage, const char *name_or_id, const char *name, GError **error);
/* container_remove_all: several: they are stopped at once, and those that need others go before them. FALSE only if nothing could be begun. */
typedef struct {
  const char *id;    /* in full; borrowed */
  gboolean tried;
  GError *error;     /* NULL: it is gone; owned by the caller */
} ContainerRemove;
gboolean container_remove_all (Storage *storage, ContainerRemove *items, gsize n, gboolean force, gint64 timeout, gboolean volumes, GError **error);
/* container_started: what goes with a start that the monitor made by itself, once its command runs: --pidfile, the hooks of poststart. @init_pidfd: of its init; borrowed.
 * Errors: SYSTEM; NOT_FOUND it is gone. */
gboolean container_started (Storage *storage, const char *id, int init_pidfd, GError **error);
/* container_cleanup: what the monitor asks for when no command waits for the container: record its end; remove it if it was --rm, and its image with --rmi.
 * @run_fd: RUN_ROOT/ID with its lock, inherited; or -1. @asked: another start is wanted whatever the policy says. @ret_again: the monitor shall start it again (MONITOR_AGAIN), and
 * the container is still its; NULL: nobody could. */
gboolean container_cleanup (Storage *storage, const char *id, int run_fd, gboolean asked, gboolean *ret_again, GError **error);
/* container_remove_image: --rmi: the image of a container that is gone, unless another one uses it. Returns why it could not be removed, or NULL; free with g_free. */
char *container_remove_image (Storage *storage, const char *image_id);
/* container_unmount: take the root filesystem off in this mount namespace, the monitor's: before the store is opened, whose descriptors would lead into it. */
void container_unmount (const ConfigPaths *paths, const char *id);
