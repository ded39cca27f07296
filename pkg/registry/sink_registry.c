#include "pkg/registry/sink_registry.h"

#include <string.h>

#include "pkg/base/error.h"

#define MOUNTS_LIMIT 2   /* that failed: the registry does not do it, or not for the user */

/* A blob that a layer may be, and a repository that may have it. */
typedef struct {
  char *digest, *repository;
  gint64 size;
  Compression compression;
} Place;

typedef struct {
  ArchiveSink base;
  Registry *registry;
  char *repository, *reference;
  GHashTable *places;  /* diff id → GPtrArray of Place */
  GMutex lock;         /* over what follows, and the calls of progress */
  GHashTable *there;   /* digests of blobs that need not be sent, or that somebody is sending */
  GHashTable *absent;  /* digests that the registry was asked about in vain */
} RegistrySink;

/* One blob that is sent. */
typedef struct {
  RegistrySink *sink;
  const char *what;
  gint64 total;
} Sending;

static void
place_free (gpointer data)
{
  Place *place = data;
  g_free (place->digest);
  g_free (place->repository);
  g_free (place);
}

static void
report (RegistrySink *self, const char *what, gint64 done, gint64 total)
{
  if (self->base.progress == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->base.progress (what, done, total, self->base.progress_data);
  g_mutex_unlock (&self->lock);
}

static void
sent (gint64 bytes, void *user)
{
  const Sending *sending = user;
  /* the last word is for when the registry has said that it is there */
  report (sending->sink, sending->what, MIN (bytes, sending->total - 1), sending->total);
}

/* claim: TRUE for the first who comes with @digest. */
static gboolean
claim (RegistrySink *self, const char *digest)
{
  g_mutex_lock (&self->lock);
  gboolean first = g_hash_table_add (self->there, g_strdup (digest));
  g_mutex_unlock (&self->lock);
  return first;
}

/* mount: have @digest from one of the repositories that may have it. What goes wrong is no error: it is sent then. */
static gboolean
mount (RegistrySink *self, const GPtrArray *places, const char *digest)
{
  gboolean done = FALSE;
  for (guint i = 0, tried = 0; places != NULL && i < places->len && tried < MOUNTS_LIMIT && !done; i++)
    {
      const Place *place = places->pdata[i];
      if (strcmp (place->digest, digest) != 0 || strcmp (place->repository, self->repository) == 0)
        continue;
      if (!registry_mount_blob (self->registry, self->repository, digest, place->repository, &done, NULL))
        done = FALSE;
      tried++;
    }
  return done;
}

static GPtrArray *
places_of (const RegistrySink *self, const char *diff_id)
{
  return diff_id != NULL ? g_hash_table_lookup (self->places, diff_id) : NULL;
}

/* was_absent: did somebody find out already? */
static gboolean
was_absent (RegistrySink *self, const char *digest)
{
  g_mutex_lock (&self->lock);
  gboolean known = g_hash_table_contains (self->absent, digest);
  g_mutex_unlock (&self->lock);
  return known;
}

/* settle: is @digest in the repository, or can it be taken there from another? */
static gboolean
settle (RegistrySink *self, const GPtrArray *places, const char *digest, gboolean *ret_there, GError **error)
{
  *ret_there = FALSE;
  if (was_absent (self, digest))
    return TRUE;
  if (!registry_has_blob (self->registry, self->repository, digest, ret_there, error))
    return coracle_prefix (error, "trying to reuse blob %s at destination: checking whether a blob %s exists in %s", digest, digest, self->repository);
  *ret_there = *ret_there || mount (self, places, digest);
  g_mutex_lock (&self->lock);
  if (!*ret_there)
    g_hash_table_add (self->absent, g_strdup (digest));
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
registry_known (ArchiveSink *sink, Compression compression, SinkLayer *layer)
{
  RegistrySink *self = (RegistrySink *) sink;
  const GPtrArray *places = places_of (self, layer->diff_id);
  for (guint i = 0; places != NULL && i < places->len; i++)
    {
      const Place *place = places->pdata[i];
      gboolean there = FALSE;
      if (place->compression != compression || !settle (self, places, place->digest, &there, NULL) || !there)
        continue;
      (void) claim (self, place->digest);
      g_free (layer->digest);
      layer->digest = g_strdup (place->digest);
      layer->size = place->size;
      report (self, layer->source, layer->size, layer->size);
      return TRUE;
    }
  return FALSE;
}

static gboolean
registry_layer (ArchiveSink *sink, const SinkLayer *layer, GError **error)
{
  RegistrySink *self = (RegistrySink *) sink;
  gboolean there = FALSE;
  if (!claim (self, layer->digest))
    return TRUE;
  if (!settle (self, places_of (self, layer->diff_id), layer->digest, &there, error))
    return FALSE;
  Sending sending = { self, layer->source, layer->size };
  HttpBody body = { .fd = layer->fd, .size = layer->size, .sent = sent, .user = &sending };
  if (!there && !registry_put_blob (self->registry, self->repository, layer->digest, &body, error))
    return FALSE;
  report (self, layer->source, layer->size, layer->size);
  return TRUE;
}

static gboolean
put_config (RegistrySink *self, const SinkImage *image, GError **error)
{
  gboolean there = FALSE;
  if (!claim (self, image->config_digest))
    return TRUE;
  if (!settle (self, NULL, image->config_digest, &there, error))
    return FALSE;
  HttpBody body = { .data = image->config, .size = (gint64) image->config_size };
  return there || registry_put_blob (self->registry, self->repository, image->config_digest, &body, error);
}

static gboolean
registry_put (ArchiveSink *sink, const SinkImage *image, GError **error)
{
  RegistrySink *self = (RegistrySink *) sink;
  const char *reference = image->instance ? image->manifest_digest : self->reference;
  for (guint i = 0; i < image->n_layers; i++)
    if (!registry_layer (sink, &image->layers[i], error))
      return FALSE;
  return (image->config == NULL || put_config (self, image, error))
         && registry_put_manifest (self->registry, self->repository, reference, image->manifest_type, image->manifest, image->manifest_size, error);
}

/* registry_there: also by mounting, from wherever something was seen. */
static gboolean
registry_there (ArchiveSink *sink, const char *digest)
{
  RegistrySink *self = (RegistrySink *) sink;
  gboolean there = FALSE;
  if (!settle (self, NULL, digest, &there, NULL) || !there)
    return FALSE;
  (void) claim (self, digest);
  return TRUE;
}

static gboolean
registry_end (ArchiveSink *sink, GError **error)
{
  return TRUE;
}

static void
registry_sink_free (ArchiveSink *sink)
{
  RegistrySink *self = (RegistrySink *) sink;
  g_free (self->repository);
  g_free (self->reference);
  g_hash_table_unref (self->places);
  g_hash_table_unref (self->there);
  g_hash_table_unref (self->absent);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
places_unref (gpointer data)
{
  g_ptr_array_unref (data);
}

void
sink_registry_know (ArchiveSink *sink, const char *diff_id, const char *digest, gint64 size, Compression compression, const char *repository)
{
  RegistrySink *self = (RegistrySink *) sink;
  GPtrArray *places = places_of (self, diff_id);
  if (places == NULL)
    {
      places = g_ptr_array_new_with_free_func (place_free);
      g_hash_table_insert (self->places, g_strdup (diff_id), places);
    }
  Place *place = g_new0 (Place, 1);
  *place = (Place){ g_strdup (digest), g_strdup (repository), size, compression };
  g_ptr_array_add (places, place);
}

ArchiveSink *
sink_registry_new (Registry *registry, const char *repository, const char *reference)
{
  RegistrySink *self = g_new0 (RegistrySink, 1);
  self->base = (ArchiveSink){ .put = registry_put, .end = registry_end, .free = registry_sink_free, .known = registry_known, .layer = registry_layer, .there = registry_there, .compresses = TRUE };
  self->registry = registry;
  self->repository = g_strdup (repository);
  self->reference = g_strdup (reference);
  self->places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, places_unref);
  g_mutex_init (&self->lock);
  self->there = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->absent = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return &self->base;
}
