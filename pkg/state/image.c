/* The images and layers of state.h. */
#include <string.h>

#include "pkg/state/internal.h"

#define IMAGE_COLUMNS \
  "SELECT i.id, i.manifest_digest, i.architecture, i.os, i.variant, i.created, i.size, i.layers, i.config," \
  " (SELECT group_concat(name, char(10)) FROM (SELECT name FROM image_name WHERE image_id=i.id ORDER BY seq))," \
  " (SELECT group_concat(name, char(10)) FROM (SELECT name FROM image_digest WHERE image_id=i.id ORDER BY seq)), i.list," \
  " NOT EXISTS (SELECT 1 FROM image_former WHERE image_id=i.id) FROM image i "

/* NAME@DIGEST: as it was pulled, or any image of that digest with a name NAME:TAG */
#define BY_DIGEST \
  "WHERE i.rowid=coalesce((SELECT i2.rowid FROM image_digest d JOIN image i2 ON i2.id=d.image_id WHERE d.name=? ORDER BY d.seq DESC LIMIT 1)," \
  " (SELECT i3.rowid FROM image i3 JOIN image_name n ON n.image_id=i3.id WHERE i3.manifest_digest=? AND substr(n.name,1,length(?))=? LIMIT 1))"

void
state_image_free (StateImage *image)
{
  if (image == NULL)
    return;
  g_free (image->id);
  g_free (image->manifest_digest);
  g_free (image->architecture);
  g_free (image->os);
  g_free (image->variant);
  g_strfreev (image->names);
  g_strfreev (image->digests);
  g_strfreev (image->layers);
  g_free (image->config);
  g_free (image);
}

static char **
split_lines (sqlite3_stmt *statement, int column)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);
  return g_strsplit (text != NULL ? text : "", "\n", -1);
}

static StateImage *
image_read (sqlite3_stmt *statement)
{
  StateImage *image = g_new0 (StateImage, 1);
  image->id = state_text (statement, 0);
  image->manifest_digest = state_text (statement, 1);
  image->architecture = state_text (statement, 2);
  image->os = state_text (statement, 3);
  image->variant = state_text (statement, 4);
  image->created = sqlite3_column_int64 (statement, 5);
  image->size = sqlite3_column_int64 (statement, 6);
  image->layers = split_lines (statement, 7);
  image->config = state_text (statement, 8);
  image->names = split_lines (statement, 9);
  image->digests = split_lines (statement, 10);
  image->list = sqlite3_column_int (statement, 11) != 0;
  image->pinned = image->names[0] == NULL && image->digests[0] != NULL && sqlite3_column_int (statement, 12) != 0;
  return image;
}

/* set_name: a name that moves becomes the newest of its new image; the old one remembers it. */
static gboolean
set_name (State *state, const char *name, const char *image_id, GError **error)
{
  int changed = 0;
  return state_run (state, "INSERT OR REPLACE INTO image_former (image_id, name) SELECT image_id, name FROM image_name WHERE name=? AND image_id<>?", NULL, error, "ss", name, image_id)
         && state_run (state, "INSERT OR REPLACE INTO image_name (name, image_id) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM image_name WHERE name=? AND image_id=?)", &changed, error, "ssss",
                       name, image_id, name, image_id)
         && (changed == 0 || state_run (state, "DELETE FROM image_former WHERE image_id=? AND name=?", NULL, error, "ss", image_id, name));
}

static gboolean
put_image (State *state, const StateImage *image, GError **error)
{
  char *none[] = { NULL };
  char **names = image->names != NULL ? image->names : none, **digests = image->digests != NULL ? image->digests : none;
  char **layer_list = image->layers != NULL ? image->layers : none;
  g_autofree char *layers = g_strjoinv ("\n", layer_list);
  if (!state_run (state, "INSERT OR IGNORE INTO image (id, manifest_digest, architecture, os, variant, created, size, layers, config, list) VALUES (?,?,?,?,?,?,?,?,?,?)",
                  NULL, error, "sssssiissi", image->id, image->manifest_digest, image->architecture, image->os, image->variant, image->created, image->size, layers,
                  image->config, (gint64) image->list))
    return FALSE;
  for (size_t i = 0; layer_list[i] != NULL; i++)
    if (!state_run (state, "INSERT OR IGNORE INTO image_layer (image_id, diff_id) VALUES (?,?)", NULL, error, "ss", image->id, layer_list[i]))
      return FALSE;
  for (size_t i = 0; names[i] != NULL; i++)
    if (!set_name (state, names[i], image->id, error))
      return FALSE;
  /* pulled by digest: what it was called before does not make it one without a name */
  if (digests[0] != NULL && names[0] == NULL && !state_run (state, "DELETE FROM image_former WHERE image_id=?", NULL, error, "s", image->id))
    return FALSE;
  for (size_t i = 0; digests[i] != NULL; i++)
    if (!state_run (state, "INSERT OR IGNORE INTO image_digest (name, image_id) VALUES (?,?)", NULL, error, "ss", digests[i], image->id))
      return FALSE;
  return TRUE;
}

gboolean
state_image_put (State *state, const StateImage *image, GError **error)
{
  if (!state_begin (state, STATE_DURABLE, error))
    return FALSE;
  return state_end (state, put_image (state, image, error), error);
}

gboolean
state_image_change (State *state, const StateImage *image, GError **error)
{
  int changed = 0;
  if (!state_begin (state, STATE_DURABLE, error))
    return FALSE;
  gboolean ok = state_run (state, "UPDATE image SET manifest_digest=?, size=?, config=? WHERE id=? AND list", &changed, error, "siss", image->manifest_digest, image->size,
                           image->config, image->id);
  if (ok && changed == 0)
    ok = coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image not known", image->id);
  return state_end (state, ok, error);
}

/* find_one: the single row of @statement: NULL without @error if there is none, NULL with it if something failed or there are two. */
static StateImage *
find_one (State *state, sqlite3_stmt *statement, const char *wanted, GError **error)
{
  gboolean row;
  if (statement == NULL || !state_step (state, statement, &row, error) || !row)
    return NULL;
  g_autoptr (StateImage) image = image_read (statement);
  if (!state_step (state, statement, &row, error))
    return NULL;
  if (row)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: more than one image has an id that begins so", wanted), NULL;
  return g_steal_pointer (&image);
}

static StateImage *
find_own (State *state, const char *name_or_id, GError **error)
{
  g_autoptr (GError) failure = NULL;
  StateImage *image = NULL;
  const char *hex = g_str_has_prefix (name_or_id, "sha256:") ? name_or_id + 7 : name_or_id;
  if (hex == name_or_id)
    {
      const char *at = strchr (name_or_id, '@');
      g_autofree char *tagged = at != NULL ? g_strdup_printf ("%.*s:", (int) (at - name_or_id), name_or_id) : NULL;
      cleanup_query sqlite3_stmt *by_name
          = at != NULL ? state_query (state, IMAGE_COLUMNS BY_DIGEST, &failure, "ssss", name_or_id, at + 1, tagged, tagged)
                       : state_query (state, IMAGE_COLUMNS "WHERE i.id=(SELECT image_id FROM image_name WHERE name=?)", &failure, "s", name_or_id);
      image = find_one (state, by_name, name_or_id, &failure);
    }
  if (image == NULL && failure == NULL && state_is_hex (hex, 64))
    {
      g_autofree char *end = state_prefix_end (hex);
      cleanup_query sqlite3_stmt *by_id = state_query (state, IMAGE_COLUMNS "WHERE i.id>=? AND i.id<? LIMIT 2", &failure, "ss", hex, end);
      image = find_one (state, by_id, name_or_id, &failure);
    }
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  else if (image == NULL)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image not known", name_or_id);
  return image;
}

/* of_store: @image is that one's. */
static StateImage *
of_store (StateImage *image, const StateStore *store)
{
  if (image != NULL)
    {
      image->read_only = TRUE;
      image->root = store->root;
    }
  return image;
}

StateImage *
state_image_find (State *state, const char *name_or_id, GError **error)
{
  g_autoptr (GError) problem = NULL;
  StateImage *image = find_own (state, name_or_id, &problem);
  for (guint i = 0; image == NULL && state->stores != NULL && i < state->stores->len && g_error_matches (problem, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND); i++)
    {
      const StateStore *store = state->stores->pdata[i];
      g_clear_error (&problem);
      image = of_store (find_own (store->state, name_or_id, &problem), store);
    }
  if (image == NULL)
    g_propagate_error (error, g_steal_pointer (&problem));
  return image;
}

/* add_store: also what is among @images already. */
static gboolean
add_store (const StateStore *store, GPtrArray *images, GError **error)
{
  g_autoptr (GPtrArray) theirs = NULL;
  if (!state_image_list_own (store->state, &theirs, error))
    return FALSE;
  g_ptr_array_set_free_func (theirs, NULL);
  for (guint i = 0; i < theirs->len; i++)
    g_ptr_array_add (images, of_store (theirs->pdata[i], store));
  return TRUE;
}

gboolean
state_image_list (State *state, GPtrArray **ret_images, GError **error)
{
  g_autoptr (GPtrArray) images = NULL;
  if (!state_image_list_own (state, &images, error))
    return FALSE;
  for (guint i = 0; state->stores != NULL && i < state->stores->len; i++)
    if (!add_store (state->stores->pdata[i], images, error))
      return FALSE;
  *ret_images = g_steal_pointer (&images);
  return TRUE;
}

gboolean
state_image_list_own (State *state, GPtrArray **ret_images, GError **error)
{
  cleanup_query sqlite3_stmt *statement = state_query (state, IMAGE_COLUMNS "ORDER BY i.created DESC, i.rowid DESC", error, "");
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) state_image_free);
  gboolean row;
  if (statement == NULL)
    return FALSE;
  for (;;)
    {
      if (!state_step (state, statement, &row, error))
        return FALSE;
      if (!row)
        break;
      g_ptr_array_add (images, image_read (statement));
    }
  *ret_images = g_steal_pointer (&images);
  return TRUE;
}

/* exists: does @sql, with one text parameter, give a row? -1 with @error. */
static int
exists (State *state, const char *sql, const char *value, GError **error)
{
  cleanup_query sqlite3_stmt *statement = state_query (state, sql, error, "s", value);
  gboolean row;
  if (statement == NULL || !state_step (state, statement, &row, error))
    return -1;
  return row ? 1 : 0;
}

gboolean
state_image_name_set (State *state, const char *name, const char *image_id, GError **error)
{
  if (!state_begin (state, STATE_DURABLE, error))
    return FALSE;
  int known = exists (state, "SELECT 1 FROM image WHERE id=?", image_id, error);
  gboolean ok = known > 0 && set_name (state, name, image_id, error);
  if (known == 0)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image not known", image_id);
  return state_end (state, ok, error);
}

/* remove_name: @keep: the statement that remembers it; NULL: nothing does. */
static gboolean
remove_name (State *state, const char *keep, const char *sql, const char *name, const char *missing, GError **error)
{
  int changed = 0;
  if (!state_begin (state, STATE_DURABLE, error))
    return FALSE;
  gboolean ok = (keep == NULL || state_run (state, keep, NULL, error, "s", name)) && state_run (state, sql, &changed, error, "s", name);
  if (ok && changed == 0)
    ok = coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: %s", name, missing);
  return state_end (state, ok, error);
}

gboolean
state_image_name_remove (State *state, const char *name, GError **error)
{
  return remove_name (state, "INSERT OR REPLACE INTO image_former (image_id, name) SELECT image_id, name FROM image_name WHERE name=?", "DELETE FROM image_name WHERE name=?", name,
                      "image not known", error);
}

gboolean
state_image_digest_remove (State *state, const char *name, GError **error)
{
  return remove_name (state, NULL, "DELETE FROM image_digest WHERE name=?", name, "tag not known", error);
}

static gboolean
remove_image (State *state, const char *image_id, GError **error)
{
  int used = exists (state, "SELECT 1 FROM container WHERE image_id=? LIMIT 1", image_id, error);
  if (used != 0)
    return used < 0 ? FALSE : coracle_throw (error, CORACLE_ERROR_IN_USE, "image %s is used by a container", image_id);
  int changed = 0;
  if (!state_run (state, "DELETE FROM image WHERE id=?", &changed, error, "s", image_id))
    return FALSE;
  if (changed == 0)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image not known", image_id);
  return state_run (state, "DELETE FROM image_name WHERE image_id=?", NULL, error, "s", image_id)
         && state_run (state, "DELETE FROM image_digest WHERE image_id=?", NULL, error, "s", image_id)
         && state_run (state, "DELETE FROM image_former WHERE image_id=?", NULL, error, "s", image_id)
         && state_run (state, "DELETE FROM image_layer WHERE image_id=?", NULL, error, "s", image_id);
}

gboolean
state_image_remove (State *state, const char *image_id, GError **error)
{
  if (!state_begin (state, STATE_DURABLE, error))
    return FALSE;
  return state_end (state, remove_image (state, image_id, error), error);
}

void
state_layer_free (StateLayer *layer)
{
  if (layer == NULL)
    return;
  g_free (layer->diff_id);
  g_free (layer->blob_digest);
  g_free (layer->media_type);
  g_free (layer);
}

gboolean
state_layer_put (State *state, const StateLayer *layer, GError **error)
{
  if (!state_begin (state, STATE_DURABLE, error))
    return FALSE;
  gboolean ok = state_run (state, "INSERT OR REPLACE INTO layer (diff_id, blob_digest, media_type, blob_size, size, single) VALUES (?,?,?,?,?,?)", NULL, error, "sssiii",
                           layer->diff_id, layer->blob_digest, layer->media_type, layer->blob_size, layer->size, (gint64) layer->single);
  return state_end (state, ok, error);
}

static StateLayer *
find_layer (State *state, const char *diff_id, GError **error)
{
  cleanup_query sqlite3_stmt *statement = state_query (state, "SELECT diff_id, blob_digest, media_type, blob_size, size, single FROM layer WHERE diff_id=?", error, "s",
                                                       diff_id);
  gboolean row;
  if (statement == NULL || !state_step (state, statement, &row, error))
    return NULL;
  if (!row)
    return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: layer not known", diff_id), NULL;
  StateLayer *layer = g_new0 (StateLayer, 1);
  layer->diff_id = state_text (statement, 0);
  layer->blob_digest = state_text (statement, 1);
  layer->media_type = state_text (statement, 2);
  layer->blob_size = sqlite3_column_int64 (statement, 3);
  layer->size = sqlite3_column_int64 (statement, 4);
  layer->single = sqlite3_column_int (statement, 5) != 0;
  return layer;
}

StateLayer *
state_layer_find (State *state, const char *diff_id, GError **error)
{
  g_autoptr (GError) problem = NULL;
  StateLayer *layer = find_layer (state, diff_id, &problem);
  for (guint i = 0; layer == NULL && state->stores != NULL && i < state->stores->len; i++)
    layer = find_layer (((const StateStore *) state->stores->pdata[i])->state, diff_id, NULL);
  if (layer == NULL)
    g_propagate_error (error, g_steal_pointer (&problem));
  return layer;
}

/* list_texts: the first column of all rows of @sql. */
static gboolean
list_texts (State *state, const char *sql, GPtrArray **ret_texts, GError **error)
{
  cleanup_query sqlite3_stmt *statement = state_query (state, sql, error, "");
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  gboolean row;
  if (statement == NULL)
    return FALSE;
  for (;;)
    {
      if (!state_step (state, statement, &row, error))
        return FALSE;
      if (!row)
        break;
      g_ptr_array_add (texts, state_text (statement, 0));
    }
  *ret_texts = g_steal_pointer (&texts);
  return TRUE;
}

char **
state_image_former (State *state, const char *image_id)
{
  cleanup_query sqlite3_stmt *statement = state_query (state, "SELECT name FROM image_former WHERE image_id=? ORDER BY seq DESC", NULL, "s", image_id);
  GPtrArray *names = g_ptr_array_new ();
  gboolean row;
  while (statement != NULL && state_step (state, statement, &row, NULL) && row)
    g_ptr_array_add (names, state_text (statement, 0));
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (names, FALSE);
}

gboolean
state_layer_list (State *state, GPtrArray **ret_diff_ids, GError **error)
{
  return list_texts (state, "SELECT diff_id FROM layer", ret_diff_ids, error);
}

gboolean
state_layer_unused (State *state, GPtrArray **ret_diff_ids, GError **error)
{
  return list_texts (state, "SELECT diff_id FROM layer WHERE diff_id NOT IN (SELECT diff_id FROM image_layer)", ret_diff_ids, error);
}

gboolean
state_image_is_single (State *state, const char *image_id)
{
  for (guint i = 0; state->stores != NULL && i < state->stores->len; i++)
    if (state_image_is_single (((const StateStore *) state->stores->pdata[i])->state, image_id))
      return TRUE;
  cleanup_query sqlite3_stmt *statement
    = state_query (state, "SELECT 1 FROM image_layer JOIN layer USING (diff_id) WHERE image_id=? AND single LIMIT 1", NULL, "s", image_id);
  gboolean row;
  return statement != NULL && state_step (state, statement, &row, NULL) && row;
}

gboolean
state_layer_remove (State *state, const char *diff_id, GError **error)
{
  int changed = 0;
  if (!state_begin (state, STATE_DURABLE, error))
    return FALSE;
  gboolean ok = state_run (state, "DELETE FROM layer WHERE diff_id=?", &changed, error, "s", diff_id);
  if (ok && changed == 0)
    ok = coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: layer not known", diff_id);
  return state_end (state, ok, error);
}
