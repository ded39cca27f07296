/* sink: the other side of source.h: where images go: docker-archive, oci-archive, oci: and dir: folders. A registry is one more of them: pkg/registry/sink_registry.h.
 *
 * Nothing in a sink is there before all of it is: a file gets its name, a folder its index or manifest, at the end of sink_end. What was in a folder before stays as long.
 * Source: OCI image-spec image-layout.md; "Combined Image JSON + Filesystem Changeset Format" of Docker's image spec 1.2, and 1.0 for the folders with layer.tar;
 * containers-transports(5). */
#pragma once

#include <glib.h>

#include "pkg/archive/inflate.h"

/* One layer, as it will lie there, except where the sink wants it inflated. */
typedef struct {
  int fd;              /* the blob, readable at any place; borrowed until sink_put returns */
  char *digest;        /* of the blob, "sha256:HEX" */
  gint64 size;         /* of the blob */
  char *diff_id;
  char *source;        /* the digest that it has in the store: what progress calls it */
} SinkLayer;

typedef struct {
  const char *const *names;   /* docker-archive: RepoTags, full; oci: the reference (one or none); dir: not used. NULL: none */
  const char *config;         /* NULL, without layers: the manifest is a list */
  size_t config_size;
  const char *config_digest;
  const char *manifest;       /* not for docker-archive, which has none of its own */
  size_t manifest_size;
  const char *manifest_digest, *manifest_type;
  const SinkLayer *layers;    /* lowest first; an fd of -1: the sink said that it is there */
  guint n_layers;
  gboolean instance;          /* one of a list that comes after it: it gets no name of its own */
} SinkImage;

typedef void (*SinkProgress) (const char *what, gint64 done, gint64 total, void *data);

typedef struct ArchiveSink ArchiveSink;
struct ArchiveSink {
  gboolean (*put) (ArchiveSink *sink, const SinkImage *image, GError **error);
  /* known: is the layer @layer there in @compression? Then its digest and size become those of that blob. layer: one that is ready, before put. Both: in any thread; NULL: none. */
  gboolean (*known) (ArchiveSink *sink, Compression compression, SinkLayer *layer);
  gboolean (*layer) (ArchiveSink *sink, const SinkLayer *layer, GError **error);
  gboolean (*there) (ArchiveSink *sink, const char *digest);   /* need this blob not be put? NULL: it must */
  gboolean (*end) (ArchiveSink *sink, GError **error);
  void (*free) (ArchiveSink *sink);
  char *digest;               /* of the manifest that the last image would have there, where that is not the one that it came with; NULL: it is. Free with the sink */
  gboolean inflates;          /* layers are stored as tars, whatever they were */
  gboolean compresses;        /* those that are not compressed should be */
  SinkProgress progress;      /* set by the caller; or NULL */
  void *progress_data;
};

/* sink_docker_open, sink_oci_archive_open: @path: as output_open; NULL: standard output. Errors: those of output_open.
 * sink_oci_open: an OCI layout, made if need be; the images there stay, but give up the names that new ones bring.
 * sink_dir_open: one image; one that is there is replaced. Errors: EXISTS a folder with something else in it.
 * Folders: errors: INVALID not a folder; NOT_FOUND the folder above is not there. */
ArchiveSink *sink_docker_open (const char *path, GError **error);
ArchiveSink *sink_oci_archive_open (const char *path, GError **error);
ArchiveSink *sink_oci_open (const char *path, GError **error);
ArchiveSink *sink_dir_open (const char *path, GError **error);

/* sink_put: one image more; layers and documents that the sink has are shared. sink_end: make it all be there; nothing may be put after it. */
gboolean sink_put (ArchiveSink *sink, const SinkImage *image, GError **error);
gboolean sink_end (ArchiveSink *sink, GError **error);
/* sink_free: without sink_end nothing of a file stays. */
void sink_free (ArchiveSink *sink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArchiveSink, sink_free)
