/* dir: of sink.h: "version", "manifest.json", and blobs under their hex digits. Source: containers-transports(5). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/archive/sink_private.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/image/digest.h"

static const char version[] = "Directory Transport Version: 1.1\n";

typedef struct {
  ArchiveSink base;
  int fd;
  GHashTable *kept;       /* what belongs to the image that was put */
  char *manifest;
  size_t manifest_size;
} DirSink;

static gboolean
put_layer (DirSink *self, const SinkLayer *layer, GError **error)
{
  const char *name = image_digest_hex (layer->digest);
  g_hash_table_add (self->kept, g_strdup (name));
  return folder_put (self->fd, name, layer->fd, layer->size, error);
}

static gboolean
dir_put (ArchiveSink *sink, const SinkImage *image, GError **error)
{
  DirSink *self = (DirSink *) sink;
  for (guint i = 0; i < image->n_layers; i++)
    {
      if (!put_layer (self, &image->layers[i], error))
        return coracle_prefix (error, "layer %u", i + 1);
      if (sink->progress != NULL)
        sink->progress (image->layers[i].source, image->layers[i].size, image->layers[i].size, sink->progress_data);
    }
  const char *config = image->config != NULL ? image_digest_hex (image->config_digest) : NULL;
  if (config != NULL)
    g_hash_table_add (self->kept, g_strdup (config));
  if (config != NULL && !folder_put_data (self->fd, config, image->config, image->config_size, error))
    return FALSE;
  if (image->instance)
    {
      char *name = g_strconcat (image_digest_hex (image->manifest_digest), ".manifest.json", NULL);
      g_hash_table_add (self->kept, name);
      return folder_put_data (self->fd, name, image->manifest, image->manifest_size, error);
    }
  g_free (self->manifest);
  self->manifest = g_memdup2 (image->manifest, image->manifest_size);
  self->manifest_size = image->manifest_size;
  return TRUE;
}

/* is_ours: a name that such a folder's writers give. */
static gboolean
is_ours (const char *name)
{
  g_autofree char *digest = g_strdup_printf ("sha256:%.64s", name);
  const char *rest = name + MIN (strlen (name), 64);
  return g_str_has_prefix (name, "signature-") || (image_digest_is_sha256 (digest) && (*rest == '\0' || strcmp (rest, ".manifest.json") == 0));
}

/* remove_old: what the image that was there had. */
static void
remove_old (DirSink *self)
{
  int fd = openat (self->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    {
      fd_close (fd);
      return;
    }
  for (struct dirent *entry = readdir (dir); entry != NULL; entry = readdir (dir))
    if (is_ours (entry->d_name) && !g_hash_table_contains (self->kept, entry->d_name))
      (void) unlinkat (self->fd, entry->d_name, 0);
  closedir (dir);
}

static gboolean
dir_end (ArchiveSink *sink, GError **error)
{
  DirSink *self = (DirSink *) sink;
  if (!folder_put_data (self->fd, "manifest.json", self->manifest, self->manifest_size, error))
    return FALSE;
  remove_old (self);
  return TRUE;
}

static void
dir_free (ArchiveSink *sink)
{
  DirSink *self = (DirSink *) sink;
  fd_close (self->fd);
  g_hash_table_unref (self->kept);
  g_free (self->manifest);
  g_free (self);
}

/* is_empty: nothing in it. */
static gboolean
is_empty (int folder_fd)
{
  int fd = openat (folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  gboolean empty = dir != NULL;
  for (struct dirent *entry = dir != NULL ? readdir (dir) : NULL; entry != NULL; entry = readdir (dir))
    empty = empty && (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0);
  if (dir != NULL)
    closedir (dir);
  else
    fd_close (fd);
  return empty;
}

ArchiveSink *
sink_dir_open (const char *path, GError **error)
{
  cleanup_fd int fd = folder_open (path, error);
  if (fd < 0)
    return NULL;
  /* "version" is the first thing in such a folder: a folder without it, and with something else, is not for us to write over */
  if (faccessat (fd, "version", F_OK, 0) < 0 && !is_empty (fd))
    {
      coracle_throw (error, CORACLE_ERROR_EXISTS, "not a containers image directory, don't want to overwrite important data");
      return NULL;
    }
  if (!folder_put_data (fd, "version", version, strlen (version), error))
    return NULL;
  DirSink *self = g_new0 (DirSink, 1);
  self->base = (ArchiveSink){ .put = dir_put, .end = dir_end, .free = dir_free };
  self->fd = fd_steal (&fd);
  self->kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return &self->base;
}
