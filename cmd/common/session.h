/* session: what most commands begin with: the paths, the store, and the user namespace where files of subuids are touched. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/idmap/idmap.h"
#include "storage/storage.h"

typedef struct {
  ConfigPaths *paths;
  Storage *storage;
  IdMap *map;       /* NULL: not entered */
  gboolean fell_back;   /* there is no range of ids: one notice */
} Session;
void session_close (Session *session);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Session, session_close)

/* session_open: @enter: also enter the user namespace and sweep what dead processes left. Without it the store is only read, unless there is something to sweep.
 * Errors: those of the steps; DENIED @enter and a store that cannot be written. */
gboolean session_open (Session *session, const CliContext *context, gboolean enter, GError **error);
