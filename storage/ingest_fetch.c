#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "storage/content.h"
#include "storage/ingest_private.h"
#include "storage/layer.h"

#define WAIT_USEC (G_USEC_PER_SEC / 20)   /* between two looks at a layer that another process is fetching */

/* The layers of one image, fetched by several threads. */
typedef struct {
  Ingest *ingest;
  const ArchiveImage *image;
  const IngestFetch *fetch;
  GMutex store;          /* the store's rows and folders: one thread at a time */
  GMutex told;           /* the progress */
  gint next, stop;       /* atomic */
  StateLayer **rows;     /* one for each layer, when it is there */
  GError *problem;       /* the first; under @store */
} Pool;

/* A stream that ends in an error once another layer has failed, and that tells how far it is. */
typedef struct {
  ByteStream base;
  ByteStream *below;
  Pool *pool;
  const ArchiveLayer *layer;
  gint64 done;
} Watched;

static void
tell (Pool *pool, const ArchiveLayer *layer, gint64 done)
{
  const IngestOptions *options = pool->ingest->options;
  if (options->progress == NULL)
    return;
  g_mutex_lock (&pool->told);
  options->progress (layer->digest, done, layer->size, options->progress_data);
  g_mutex_unlock (&pool->told);
}

static gssize
watched_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  Watched *watched = (Watched *) stream;
  if (g_atomic_int_get (&watched->pool->stop))
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "given up"), -1;
  gssize n = byte_stream_read (watched->below, buffer, size, error);
  if (n > 0)
    {
      watched->done += n;
      /* the end is told when the layer is in place */
      if (watched->done < watched->layer->size)
        tell (watched->pool, watched->layer, watched->done);
    }
  return n;
}

static void
watched_free (ByteStream *stream)
{
  byte_stream_free (((Watched *) stream)->below);
  g_free (stream);
}

static ByteStream *
watch (Pool *pool, const ArchiveLayer *layer, ByteStream *below)
{
  Watched *watched = g_new0 (Watched, 1);
  *watched = (Watched){ { watched_read, watched_free }, below, pool, layer, 0 };
  return &watched->base;
}

/* lock_layer: nobody else fetches this one now: a lock on one byte of ROOT/fetch.lock, at an offset that the digest gives. It goes with the process, and leaves nothing behind.
 * Whoever holds one waits for no other. Source: fcntl(2), open file description locks. */
static int
lock_layer (Pool *pool, const ArchiveLayer *layer, GError **error)
{
  g_autofree char *digits = g_strndup (strchr (layer->digest, ':') + 1, 15);
  struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t) g_ascii_strtoull (digits, NULL, 16), .l_len = 1 };
  cleanup_fd int fd = openat (pool->ingest->storage->root_fd, "fetch.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int errsv = errno;
  if (fd < 0)
    return coracle_throw_errno (error, errsv, "opening fetch.lock"), -1;
  while (fcntl (fd, F_OFD_SETLK, &range) < 0)
    {
      errsv = errno;
      if (errsv != EAGAIN && errsv != EACCES && errsv != EINTR)
        return coracle_throw_errno (error, errsv, "locking fetch.lock"), -1;
      if (g_atomic_int_get (&pool->stop))
        return coracle_throw (error, CORACLE_ERROR_SYSTEM, "given up"), -1;
      g_usleep (WAIT_USEC);
    }
  return fd_steal (&fd);
}

static StateLayer *
find_locked (Pool *pool, const ArchiveLayer *layer)
{
  g_mutex_lock (&pool->store);
  StateLayer *row = ingest_find_layer (pool->ingest, layer);
  g_mutex_unlock (&pool->store);
  return row;
}

static gboolean
commit_locked (Pool *pool, LayerUnpacked *unpacked, GError **error)
{
  g_mutex_lock (&pool->store);
  gboolean ok = layer_commit (pool->ingest->storage, &pool->ingest->work, unpacked, error);
  if (ok)
    pool->ingest->options->skipped_devices += unpacked->stats.skipped_devices;
  g_mutex_unlock (&pool->store);
  return ok;
}

/* take: one layer, unless it is there. */
static gboolean
take (Pool *pool, const ArchiveLayer *layer, StateLayer **ret_row, GError **error)
{
  cleanup_fd int lock = lock_layer (pool, layer, error);
  if (lock < 0)
    return FALSE;
  *ret_row = find_locked (pool, layer);
  if (*ret_row != NULL)
    {
      tell (pool, layer, layer->size);
      return TRUE;
    }
  LayerExpect expect = { .blob_digest = layer->digest, .blob_size = layer->size, .diff_id = layer->diff_id, .single = pool->ingest->options->single };
  ByteStream *blob = pool->fetch->open (layer, pool->fetch->data, error);
  g_autoptr (LayerUnpacked) unpacked = blob != NULL ? layer_unpack (&pool->ingest->work, watch (pool, layer, blob), &expect, error) : NULL;
  if (unpacked == NULL || !commit_locked (pool, unpacked, error))
    return FALSE;
  *ret_row = g_steal_pointer (&unpacked->row);
  tell (pool, layer, layer->size);
  return TRUE;
}

static void
fail (Pool *pool, guint index, GError *problem)
{
  coracle_prefix (&problem, "layer %u", index + 1);
  g_mutex_lock (&pool->store);
  g_atomic_int_set (&pool->stop, 1);
  if (pool->problem == NULL)
    pool->problem = g_steal_pointer (&problem);
  g_mutex_unlock (&pool->store);
  g_clear_error (&problem);
}

static gpointer
work (gpointer data)
{
  Pool *pool = data;
  for (;;)
    {
      guint index = (guint) g_atomic_int_add (&pool->next, 1);
      GError *problem = NULL;
      if (index >= pool->image->layers->len || g_atomic_int_get (&pool->stop))
        return NULL;
      if (!take (pool, pool->image->layers->pdata[index], &pool->rows[index], &problem))
        fail (pool, index, problem);
    }
}

/* run_pool: the calling thread works too. */
static void
run_pool (Pool *pool)
{
  guint n = MIN (MAX (pool->fetch->parallel, 1), pool->image->layers->len);
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();
  for (guint i = 1; i < n; i++)
    g_ptr_array_add (threads, g_thread_new ("layer", work, pool));
  work (pool);
  for (guint i = 0; i < threads->len; i++)
    g_thread_join (threads->pdata[i]);
}

static gboolean
take_layers (Ingest *ingest, const ArchiveImage *image, const IngestFetch *fetch, GError **error)
{
  guint n = image->layers->len;
  Pool pool = { .ingest = ingest, .image = image, .fetch = fetch };
  pool.rows = g_new0 (StateLayer *, n + 1);
  g_mutex_init (&pool.store);
  g_mutex_init (&pool.told);
  run_pool (&pool);
  g_mutex_clear (&pool.store);
  g_mutex_clear (&pool.told);
  for (guint i = 0; i < n; i++)
    if (pool.problem == NULL)
      ingest_add_layer (ingest, pool.rows[i]);
    else
      state_layer_free (pool.rows[i]);
  g_free (pool.rows);
  if (pool.problem == NULL)
    return TRUE;
  g_propagate_error (error, pool.problem);
  return FALSE;
}

/* check_room: what the layers that are not here take at least, before anything is fetched. */
static gboolean
check_room (Ingest *ingest, const ArchiveImage *image, GError **error)
{
  struct statvfs fs;
  guint64 wanted = 0;
  for (guint i = 0; i < image->layers->len; i++)
    {
      const ArchiveLayer *layer = image->layers->pdata[i];
      g_autoptr (StateLayer) row = ingest_find_layer (ingest, layer);
      if (row == NULL && layer->size > 0)
        wanted += MIN ((guint64) layer->size, (guint64) 1 << 50);   /* 4,000 of them do not overflow */
    }
  if (wanted == 0 || fstatvfs (ingest->work.fd, &fs) < 0 || wanted <= (guint64) fs.f_bavail * fs.f_frsize)
    return TRUE;
  g_autofree char *needed = g_format_size (wanted), *there = g_format_size ((guint64) fs.f_bavail * fs.f_frsize);
  return coracle_throw (error, CORACLE_ERROR_NO_SPACE, "No space left on device: the layers have %s, and %s has %s left", needed, ingest->storage->paths->root, there);
}

static gboolean
contains_all (char **have, const char *const *wanted)
{
  for (; wanted != NULL && *wanted != NULL; wanted++)
    if (!g_strv_contains ((const char *const *) have, *wanted))
      return FALSE;
  return TRUE;
}

/* is_to_pin: is it asked for by digest, and has no name that says so? */
static gboolean
is_to_pin (const StateImage *row, const IngestOptions *options)
{
  return row->names[0] == NULL && !row->pinned && options->digests != NULL && options->digests[0] != NULL;
}

/* find_there: the image's row, if all of it is there, under these names, as it would be put there now: then there is nothing to be written. NULL: there is. The caller holds
 * storage_lock_shared. */
static StateImage *
find_there (Ingest *ingest, const ArchiveImage *image)
{
  const IngestOptions *options = ingest->options;
  g_autoptr (StateImage) row = state_image_find (ingest->storage->state, image->config_digest, NULL);
  if (row == NULL || row->read_only || g_strcmp0 (row->manifest_digest, image->manifest_digest) != 0 || !contains_all (row->names, options->names) || !contains_all (row->digests, options->digests)
      || is_to_pin (row, options) || !content_has (ingest->storage, image->config_digest) || !content_has (ingest->storage, image->manifest_digest))
    return NULL;
  for (guint i = 0; i < image->layers->len; i++)
    {
      g_autoptr (StateLayer) layer = ingest_find_layer (ingest, image->layers->pdata[i]);
      if (layer == NULL)
        return NULL;
    }
  for (guint i = 0; options->progress != NULL && i < image->layers->len; i++)
    {
      const ArchiveLayer *layer = image->layers->pdata[i];
      options->progress (layer->digest, layer->size, layer->size, options->progress_data);
    }
  return g_steal_pointer (&row);
}

static gboolean
is_there (Storage *storage, const ArchiveImage *image, IngestOptions *options, StateImage **ret_image)
{
  cleanup_fd int lock = storage_lock_shared (storage, NULL);
  Ingest ingest = { .storage = storage, .options = options };
  g_autoptr (StateImage) row = lock >= 0 ? find_there (&ingest, image) : NULL;
  if (row == NULL)
    return FALSE;
  if (ret_image != NULL)
    *ret_image = g_steal_pointer (&row);
  return TRUE;
}

gboolean
ingest_fetched (Storage *storage, const ArchiveImage *image, const IngestFetch *fetch, IngestOptions *options, StateImage **ret_image, GError **error)
{
  Ingest ingest;
  if (image->layers->len > INGEST_LAYERS_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "the image has %u layers; the kernel stacks at most %d", image->layers->len, INGEST_LAYERS_LIMIT);
  if (is_there (storage, image, options, ret_image))
    return TRUE;
  if (!ingest_begin (&ingest, storage, options, error))
    return FALSE;
  gboolean done = check_room (&ingest, image, error) && take_layers (&ingest, image, fetch, error)
                  && ingest_finish (&ingest, image->config, image->config_data, image->config_size, image->manifest, image->manifest_size, ret_image, error);
  ingest_end (&ingest, done);
  return done;
}
