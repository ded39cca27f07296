#include "pkg/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/state/internal.h"
#include "pkg/state/wal_index.h"

#define BUSY_MS 30000
/* Frames of the log before a writer folds them into the database. The first to open it after all have left reads the log once through, so a long log makes
 * every lone command slower; a short one makes commits sync more often. With pages of 1 KiB this is at most a quarter of a MiB. */
#define CHECKPOINT_FRAMES "256"

/* What is done to a database of version I to make it one of version I + 1. Never edit an entry that was released: add one. */
static const char *const migrations[] = {
  "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
  "CREATE TABLE image (id TEXT PRIMARY KEY, manifest_digest TEXT, architecture TEXT, os TEXT, variant TEXT, created INTEGER NOT NULL, size INTEGER NOT NULL,"
  " layers TEXT NOT NULL, config TEXT NOT NULL);"
  "CREATE TABLE image_name (seq INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, image_id TEXT NOT NULL);"
  "CREATE INDEX image_name_image ON image_name (image_id);"
  "CREATE TABLE image_digest (seq INTEGER PRIMARY KEY, name TEXT NOT NULL, image_id TEXT NOT NULL, UNIQUE (name, image_id));"
  "CREATE INDEX image_digest_image ON image_digest (image_id);"
  "CREATE TABLE image_layer (image_id TEXT NOT NULL, diff_id TEXT NOT NULL, PRIMARY KEY (image_id, diff_id)) WITHOUT ROWID;"
  "CREATE TABLE layer (diff_id TEXT PRIMARY KEY, blob_digest TEXT, media_type TEXT, blob_size INTEGER NOT NULL, size INTEGER NOT NULL, single INTEGER NOT NULL)"
  " WITHOUT ROWID;"
  "CREATE TABLE container (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, image_id TEXT, image_name TEXT, created INTEGER NOT NULL,"
  " started INTEGER NOT NULL, finished INTEGER NOT NULL, status TEXT NOT NULL, exit_code INTEGER NOT NULL, auto_remove INTEGER NOT NULL, boot_id TEXT,"
  " config TEXT NOT NULL);",
  "ALTER TABLE image ADD COLUMN list INTEGER NOT NULL DEFAULT 0;"
  "CREATE TABLE blob_place (seq INTEGER PRIMARY KEY, diff_id TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, compression TEXT NOT NULL, registry TEXT NOT NULL,"
  " repository TEXT NOT NULL, UNIQUE (diff_id, digest, registry, repository));",
  "CREATE TABLE image_former (seq INTEGER PRIMARY KEY, image_id TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (image_id, name));",
};
#define SCHEMA_VERSION ((int) G_N_ELEMENTS (migrations))

gboolean
state_fail (State *state, const char *doing, GError **error)
{
  int code = sqlite3_errcode (state->db);
  const char *text = sqlite3_errmsg (state->db);
  switch (code & 0xff)
    {
    case SQLITE_FULL:
      return coracle_throw (error, CORACLE_ERROR_NO_SPACE, "%s in the state database: no space left on device", doing);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s in the state database: %s", doing, text);
    case SQLITE_CONSTRAINT:
      return coracle_throw (error, CORACLE_ERROR_EXISTS, "%s in the state database: that name or id is taken (%s)", doing, text);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return coracle_throw (error, CORACLE_ERROR_DENIED, "%s in the state database: %s", doing, text);
    default:
      {
        int errsv = sqlite3_system_errno (state->db);
        gboolean io = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
        if (io && (errsv == ENOSPC || errsv == EDQUOT))
          return coracle_throw (error, CORACLE_ERROR_NO_SPACE, "%s in the state database: %s", doing, g_strerror (errsv));
        return coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s in the state database: %s%s%s", doing, text, io && errsv != 0 ? ": " : "",
                              io && errsv != 0 ? g_strerror (errsv) : "");
      }
    }
}

void
state_done (sqlite3_stmt **statement)
{
  if (*statement == NULL)
    return;
  (void) sqlite3_reset (*statement);
  (void) sqlite3_clear_bindings (*statement);
  *statement = NULL;
}

static sqlite3_stmt *
query_va (State *state, const char *sql, GError **error, const char *format, va_list args)
{
  sqlite3_stmt *statement = g_hash_table_lookup (state->statements, sql);
  if (statement == NULL)
    {
      if (sqlite3_prepare_v2 (state->db, sql, -1, &statement, NULL) != SQLITE_OK)
        {
          state_fail (state, "preparing", error);
          return NULL;
        }
      g_hash_table_insert (state->statements, (void *) sql, statement);
    }
  for (int i = 0; format[i] != '\0'; i++)
    {
      int r = format[i] == 'i' ? sqlite3_bind_int64 (statement, i + 1, va_arg (args, gint64))
                               : sqlite3_bind_text (statement, i + 1, va_arg (args, const char *), -1, SQLITE_TRANSIENT);
      if (r != SQLITE_OK)
        {
          state_fail (state, "binding", error);
          state_done (&statement);
          return NULL;
        }
    }
  return statement;
}

sqlite3_stmt *
state_query (State *state, const char *sql, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  sqlite3_stmt *statement = query_va (state, sql, error, format, args);
  va_end (args);
  return statement;
}

gboolean
state_step (State *state, sqlite3_stmt *statement, gboolean *ret_row, GError **error)
{
  int r = sqlite3_step (statement);
  if (r != SQLITE_ROW && r != SQLITE_DONE)
    return state_fail (state, sqlite3_stmt_readonly (statement) ? "reading" : "writing", error);
  *ret_row = r == SQLITE_ROW;
  return TRUE;
}

gboolean
state_run (State *state, const char *sql, int *ret_changed, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  cleanup_query sqlite3_stmt *statement = query_va (state, sql, error, format, args);
  va_end (args);
  gboolean row;
  if (statement == NULL || !state_step (state, statement, &row, error))
    return FALSE;
  if (ret_changed != NULL)
    *ret_changed = sqlite3_changes (state->db);
  return TRUE;
}

gboolean
state_begin (State *state, StateDurability durability, GError **error)
{
  if (state->depth > 0)
    {
      state->depth++;
      return TRUE;
    }
  gboolean durable = durability == STATE_DURABLE;
  if (durable != state->durable)
    {
      if (sqlite3_exec (state->db, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", NULL, NULL, NULL) != SQLITE_OK)
        return state_fail (state, "preparing to write", error);
      state->durable = durable;
    }
  if (!state_run (state, "BEGIN IMMEDIATE", NULL, error, ""))
    return FALSE;
  state->depth = 1;
  return TRUE;
}

gboolean
state_end (State *state, gboolean ok, GError **error)
{
  if (--state->depth > 0)
    return ok;
  if (ok && state_run (state, "COMMIT", NULL, error, ""))
    return TRUE;
  (void) sqlite3_exec (state->db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

char *
state_text (sqlite3_stmt *statement, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (statement, column));
}

char *
state_prefix_end (const char *prefix)
{
  size_t n = strlen (prefix);
  char *end = g_strdup (prefix);
  if (n > 0)
    end[n - 1]++;
  return end;
}

gboolean
state_is_hex (const char *text, size_t max)
{
  size_t n = strspn (text, "0123456789abcdef");
  return n > 0 && n <= max && text[n] == '\0';
}

static gboolean
read_version (State *state, int *ret_version, GError **error)
{
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2 (state->db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK || sqlite3_step (statement) != SQLITE_ROW)
    {
      state_fail (state, "reading the version", error);
      (void) sqlite3_finalize (statement);
      return FALSE;
    }
  *ret_version = sqlite3_column_int (statement, 0);
  (void) sqlite3_finalize (statement);
  return TRUE;
}

static gboolean
migrate (State *state, int version, GError **error)
{
  if (!state_begin (state, STATE_DURABLE, error))
    return FALSE;
  gboolean ok = TRUE;
  for (int v = version; ok && v < SCHEMA_VERSION; v++)
    ok = sqlite3_exec (state->db, migrations[v], NULL, NULL, NULL) == SQLITE_OK || state_fail (state, "bringing the tables up to date", error);
  g_autofree char *pragma = g_strdup_printf ("PRAGMA user_version=%d", SCHEMA_VERSION);
  if (ok)
    ok = sqlite3_exec (state->db, pragma, NULL, NULL, NULL) == SQLITE_OK || state_fail (state, "bringing the tables up to date", error);
  return state_end (state, ok, error);
}

/* bring_up_to_date: only when the version differs, under a lock of its own: two processes must not both turn on the log, which the busy timeout does not cover. */
static gboolean
bring_up_to_date (State *state, const char *root, GError **error)
{
  cleanup_fd int lock = open (root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0 || flock (lock, LOCK_EX) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "locking %s", root);
    }
  int version;
  if (!read_version (state, &version, error))
    return FALSE;
  if (version == 0 && sqlite3_exec (state->db, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL", NULL, NULL, NULL) != SQLITE_OK)
    return state_fail (state, "creating the log", error);
  return version >= SCHEMA_VERSION || migrate (state, version, error);
}

static gboolean
check_version (State *state, const char *root, gboolean read_only, GError **error)
{
  int version;
  if (!read_version (state, &version, error))
    return FALSE;
  if (version == SCHEMA_VERSION)
    return TRUE;
  if (version > SCHEMA_VERSION)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "the store was written by a newer version (schema %d, this program knows %d)", version, SCHEMA_VERSION);
  if (root == NULL)
    return migrate (state, 0, error);
  if (read_only)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "the store was written by an older version and cannot be brought up to date read-only");
  return bring_up_to_date (state, root, error);
}

/* of the databases in files that this process has open: what wal_index.h says of closing holds for the process as a whole */
static int n_open;

/* open_database: @root NULL: one in memory, empty. */
static gboolean
open_database (State *state, const char *root, gboolean read_only, GError **error)
{
  g_autofree char *path = root != NULL ? g_strconcat (root, "/state.db", NULL) : g_strdup (":memory:");
  gboolean alone = root != NULL && n_open == 0;
  state->index = alone ? wal_index_vouch (root) : -1;
  n_open += root != NULL;
  state->in_file = root != NULL;
  int flags = read_only && root != NULL ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  int r = sqlite3_open_v2 (path, &state->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
  if (state->db == NULL)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "no memory for the state database");
  if (r != SQLITE_OK)
    return state_fail (state, "opening", error);
  (void) sqlite3_busy_timeout (state->db, BUSY_MS);
  /* leaving must be quick: whoever writes folds the log in, nobody does at the end */
  (void) sqlite3_db_config (state->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  if (sqlite3_exec (state->db, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=" CHECKPOINT_FRAMES, NULL, NULL, NULL) != SQLITE_OK)
    return state_fail (state, "opening", error);
  if (!check_version (state, root, read_only, error))
    return FALSE;
  if (alone && !read_only && state->index < 0)
    state->index = wal_index_mark (root);
  return TRUE;
}

static void
finalize (void *statement)
{
  (void) sqlite3_finalize (statement);
}

/* open_immutable: on a file system that cannot be written, where not even the log's index can be made. */
static gboolean
open_immutable (State *state, const char *root, GError **error)
{
  g_autofree char *escaped = g_uri_escape_string (root, "/", TRUE);
  g_autofree char *uri = g_strdup_printf ("file:%s/state.db?immutable=1", escaped);
  (void) sqlite3_close (g_steal_pointer (&state->db));
  if (sqlite3_open_v2 (uri, &state->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    return state_fail (state, "opening", error);
  return check_version (state, root, TRUE, error);
}

State *
state_open (const char *root, gboolean read_only, GError **error)
{
  g_autoptr (State) state = g_new0 (State, 1);
  state->index = -1;
  state->statements = g_hash_table_new_full (NULL, NULL, NULL, finalize);
  if (read_only)
    {
      g_autofree char *path = g_strconcat (root, "/state.db", NULL);
      if (access (path, F_OK) < 0 && errno == ENOENT)
        return open_database (state, NULL, FALSE, error) ? g_steal_pointer (&state) : NULL;
      g_autoptr (GError) first = NULL;
      if (open_database (state, root, TRUE, &first))
        return g_steal_pointer (&state);
      if (access (root, W_OK) == 0 || (errno != EROFS && errno != EACCES) || !open_immutable (state, root, NULL))
        {
          g_propagate_error (error, g_steal_pointer (&first));
          return coracle_prefix (error, "%s", root), NULL;
        }
      return g_steal_pointer (&state);
    }
  if (!open_database (state, root, FALSE, error))
    return coracle_prefix (error, "%s", root), NULL;
  return g_steal_pointer (&state);
}

void
state_free (State *state)
{
  if (state == NULL)
    return;
  g_clear_pointer (&state->stores, g_ptr_array_unref);
  g_hash_table_destroy (state->statements);
  (void) sqlite3_close (state->db);
  n_open -= state->in_file;
  /* with another one open it stays: else that one's locks would go */
  if (n_open == 0)
    fd_close (state->index);
  g_free (state);
}

static void
store_free (gpointer data)
{
  StateStore *store = data;
  state_free (store->state);
  g_free (store->root);
  g_free (store);
}

gboolean
state_add_store (State *state, const char *root, GError **error)
{
  g_autofree char *path = g_strconcat (root, "/state.db", NULL);
  if (access (path, R_OK) < 0)
    return TRUE;
  State *other = state_open (root, TRUE, error);
  if (other == NULL)
    return coracle_prefix (error, "additional image store");
  StateStore *store = g_new0 (StateStore, 1);
  *store = (StateStore){ other, g_strdup (root) };
  if (state->stores == NULL)
    state->stores = g_ptr_array_new_with_free_func (store_free);
  g_ptr_array_add (state->stores, store);
  return TRUE;
}

const char *
state_store_root (const State *state, guint n)
{
  return state->stores != NULL && n < state->stores->len ? ((const StateStore *) state->stores->pdata[n])->root : NULL;
}

char *
state_meta_get (State *state, const char *key)
{
  cleanup_query sqlite3_stmt *statement = state_query (state, "SELECT value FROM meta WHERE key=?", NULL, "s", key);
  gboolean row = FALSE;
  if (statement == NULL || !state_step (state, statement, &row, NULL) || !row)
    return NULL;
  return state_text (statement, 0);
}

gboolean
state_meta_set (State *state, const char *key, const char *value, GError **error)
{
  if (!state_begin (state, STATE_FAST, error))
    return FALSE;
  gboolean ok = state_run (state, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", NULL, error, "ss", key, value);
  return state_end (state, ok, error);
}
