/* container_process: a container from its making to its first instruction, and to its end where a command stays with it: what run, start and init share. Internal to pkg/engine.
 *
 *   Run of a new container:   process_prepare → make_folders → make_config → process_cidfile → process_start
 *   of one that is there:     process_resume → make_folders → make_config → process_start
 *   then, staying with it:    process_stay, process_rest; or leaving it to its monitor: process_leave
 * Whatever fails before process_start has returned TRUE ends in process_fail. */
#pragma once

#include "pkg/engine/container_make.h"
#include "pkg/runtime/runtime.h"

typedef struct {
  Make make;
  StateContainer *row;       /* of a container that was there: as it was before; then borrowed */
  int signals;
  int client[2];             /* ours, the monitor's */
  int input[2];              /* the container's standard input: its end, the monitor's */
  RuntimeProcess process;
  gboolean existing;         /* it has a row already */
  gboolean attached;         /* its output goes to our own standard output and error */
  gboolean interactive;      /* our standard input goes to it */
  gboolean sig_proxy;
  const char *detach_keys;   /* NULL = the usual ones; borrowed */
  gboolean hold;             /* all but its command: container init */
  gboolean restarts;         /* the monitor may start it again */
  gboolean recorded;
  gboolean cidfile;          /* was written */
  gboolean rest;             /* process_rest has something to do */
  gboolean tried;            /* the runtime was at work: hooks may have run */
  gboolean performed;        /* its command has been exec'd */
  ContainerNotice notice;
  void *notice_data;
} Run;

void process_init (Run *run, const ConfigPaths *paths, const ContainerOptions *options);
void process_clear (Run *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, process_clear)

/* process_prepare: of a new container: check all words, enter the user namespace, make its places. */
gboolean process_prepare (Run *run, GError **error);
/* process_resume: of one that has a row, in the user namespace. @row: borrowed. @run_dir: RUN_ROOT/ID with its lock; taken. */
gboolean process_resume (Run *run, Storage *storage, IdMap *map, StateContainer *row, int run_dir, GError **error);
/* process_share: start the containers it depends on, and find what it joins. Before make_folders. @base: container_start_base, -1 = none: this process starts no other. */
gboolean process_share (Run *run, int base, GError **error);
/* process_cidfile: write --cidfile. */
gboolean process_cidfile (Run *run, GError **error);
/* process_record: the row of a container that is not started; its mount and run folder go. */
gboolean process_record (Run *run, GError **error);
/* process_start: perform the plan: on return the command has been exec'd, and the container is in the state database and outlives us. */
gboolean process_start (Run *run, GError **error);
/* process_leave: go; the container is its monitor's alone. */
void process_leave (Run *run);
/* process_stay: be its terminal, or its standard streams, until it ends. @ret_status: as the shell should see it. */
gboolean process_stay (Run *run, int *ret_status, GError **error);
/* process_rest: after process_stay: take down what nobody sees any more: the mount, the folders. Does not touch the state database; async only in that it may run after the command has
 * ended (proc_leave). Once; process_clear does not do it. */
void process_rest (Run *run);
/* process_fail: the container could not be started, or what goes with it failed: all that is left of the attempt goes; a new container wholly, unless it is only its start that
 * failed (exit status 126 or 127): then it stays as one that was created, if not with --rm. Its row keeps @why for inspect's State.Error. */
void process_fail (Run *run, const GError *why);
