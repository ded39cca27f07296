/* internal: what the files of pkg/state share: the connection, its cached statements, and one-line queries. */
#pragma once

#include <sqlite3.h>

#include "pkg/base/error.h"
#include "pkg/state/state.h"

/* How much a write must survive. In WAL mode a commit under NORMAL survives any kill but may be undone by a power cut; FULL syncs the log. */
typedef enum {
  STATE_FAST,      /* losing it to a power cut is repaired by the boot check: status hints, `--rm` containers */
  STATE_DURABLE,   /* losing it would lose, or promise, somebody's data: images, layers, names, containers that are kept */
} StateDurability;

struct State {
  sqlite3 *db;
  GHashTable *statements;   /* text (by address: literals only) → sqlite3_stmt */
  gboolean durable;         /* what synchronous is set to now */
  unsigned depth;           /* of nested state_begin */
  gboolean in_file;
  int index;                /* wal_index.h; -1 = none */
  GPtrArray *stores;        /* of StateStore: additional ones; NULL: none */
};

/* An additional store of images, read only. */
typedef struct {
  State *state;
  char *root;
} StateStore;

/* state_fail: turn SQLite's last error into @error and return FALSE. */
gboolean state_fail (State *state, const char *doing, GError **error);

/* state_query: a cached statement, reset and bound. @sql: a literal. @format: one letter per parameter: 's' const char * (NULL allowed), 'i' gint64.
 * Returns NULL with @error. Give it back with state_done (or cleanup_query). */
sqlite3_stmt *state_query (State *state, const char *sql, GError **error, const char *format, ...);
void state_done (sqlite3_stmt **statement);
#define cleanup_query __attribute__ ((cleanup (state_done)))

/* state_step: TRUE and *@ret_row whether there is a row to read; FALSE with @error. */
gboolean state_step (State *state, sqlite3_stmt *statement, gboolean *ret_row, GError **error);

/* state_run: a statement without rows. @ret_changed: may be NULL; how many rows it changed. */
gboolean state_run (State *state, const char *sql, int *ret_changed, GError **error, const char *format, ...);

/* state_begin, state_end: one write transaction, taken at once (so that it never fails half way for another writer). state_end commits if @ok and returns
 * whether all is well; otherwise it undoes everything. */
gboolean state_begin (State *state, StateDurability durability, GError **error);
gboolean state_end (State *state, gboolean ok, GError **error);

/* state_text: a copy of a column, NULL for NULL. */
char *state_text (sqlite3_stmt *statement, int column);

/* state_prefix_end: the first text after all that begin with @prefix, for range scans of an index. */
char *state_prefix_end (const char *prefix);

/* state_is_hex: one to @max lower-case hex digits. */
gboolean state_is_hex (const char *text, size_t max);
