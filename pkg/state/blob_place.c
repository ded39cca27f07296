/* The places of blobs of state.h. */
#include <string.h>

#include "pkg/state/internal.h"

#define PLACES_LIMIT 8

static void
place_free (gpointer data)
{
  StateBlobPlace *place = data;
  g_free (place->digest);
  g_free (place->compression);
  g_free (place->repository);
  g_free (place);
}

gboolean
state_blob_place_add (State *state, const char *diff_id, const char *registry, const StateBlobPlace *place, GError **error)
{
  if (!state_begin (state, STATE_FAST, error))
    return FALSE;
  gboolean ok = state_run (state, "INSERT OR REPLACE INTO blob_place (diff_id, digest, size, compression, registry, repository) VALUES (?,?,?,?,?,?)", NULL, error, "ssisss",
                           diff_id, place->digest, place->size, place->compression, registry, place->repository);
  return state_end (state, ok, error);
}

/* repository_of: the middle of "REGISTRY/REPOSITORY@DIGEST"; of a plain repository itself. */
static char *
repository_of (const char *text, const char *registry)
{
  size_t n = strlen (registry);
  if (strncmp (text, registry, n) == 0 && text[n] == '/' && strchr (text, '@') != NULL)
    return g_strndup (text + n + 1, strcspn (text + n + 1, "@"));
  return g_strdup (text);
}

static void
take_places (State *state, sqlite3_stmt *statement, const char *registry, GPtrArray *places)
{
  gboolean row;
  while (statement != NULL && places->len < PLACES_LIMIT && state_step (state, statement, &row, NULL) && row)
    {
      StateBlobPlace *place = g_new0 (StateBlobPlace, 1);
      g_autofree char *where = state_text (statement, 3);
      place->digest = state_text (statement, 0);
      place->size = sqlite3_column_int64 (statement, 1);
      place->compression = state_text (statement, 2);
      place->repository = repository_of (where, registry);
      g_ptr_array_add (places, place);
    }
}

GPtrArray *
state_blob_places (State *state, const char *diff_id, const char *registry)
{
  GPtrArray *places = g_ptr_array_new_with_free_func (place_free);
  g_autofree char *from = g_strconcat (registry, "/", NULL), *to = state_prefix_end (from);
  cleanup_query sqlite3_stmt *pushed
    = state_query (state, "SELECT digest, size, compression, repository FROM blob_place WHERE diff_id=? AND registry=? ORDER BY seq DESC", NULL, "ss", diff_id, registry);
  take_places (state, pushed, registry, places);
  cleanup_query sqlite3_stmt *pulled = state_query (
      state,
      "SELECT l.blob_digest, l.blob_size, CASE WHEN l.media_type LIKE '%gzip' THEN 'gzip' WHEN l.media_type LIKE '%zstd' THEN 'zstd' ELSE '' END, d.name"
      " FROM layer l JOIN image_layer i ON i.diff_id=l.diff_id JOIN image_digest d ON d.image_id=i.image_id WHERE l.diff_id=? AND d.name>=? AND d.name<? ORDER BY d.seq DESC",
      NULL, "sss", diff_id, from, to);
  take_places (state, pulled, registry, places);
  return places;
}
