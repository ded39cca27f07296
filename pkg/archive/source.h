/* source: images in local archives: docker-archive, oci-archive, oci: and dir: folders. One for all commands: load, pull of a local transport, copy.
 *
 * Source: OCI image-spec image-layout.md; "Combined Image JSON + Filesystem Changeset Format" of Docker's image spec 1.2; containers-transports(5). */
#pragma once

#include "pkg/archive/stream.h"
#include "pkg/image/config.h"
#include "pkg/image/manifest.h"

typedef enum {
  ARCHIVE_ANY,        /* what the content shows: load */
  ARCHIVE_DOCKER,     /* docker-archive:PATH[:NAME|:@INDEX]; also such an archive, unpacked */
  ARCHIVE_OCI,        /* oci-archive:PATH[:NAME|:@INDEX] and oci:PATH[:NAME|:@INDEX]: tar and folder are read alike */
  ARCHIVE_DIR,        /* dir:PATH */
} ArchiveFormat;

/* source_format_parse: "docker-archive", "oci-archive", "oci", "dir" (without colon). FALSE: none of these. */
gboolean source_format_parse (const char *transport, ArchiveFormat *ret_format);

typedef struct ArchiveSource ArchiveSource;

/* source_open: @path: a file, a folder, or "-" for standard input; tars may be compressed (gzip, zstd, xz, bzip2). @spool_fd: see members_open.
 * Errors: NOT_FOUND; CORRUPT; INVALID none of the formats; UNSUPPORTED. */
ArchiveSource *source_open (ArchiveFormat format, const char *path, int spool_fd, GError **error);
void source_close (ArchiveSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArchiveSource, source_close)

/* source_count, source_names: the images of the archive's top level. Names are as they stand in it ("busybox:latest", "latest"): not normalised, not
 * checked, maybe none. Borrowed. */
guint source_count (ArchiveSource *source);
const char *const *source_names (ArchiveSource *source, guint image);
ArchiveFormat source_format (ArchiveSource *source);

/* source_find: the image that @reference (what follows the second colon of a transport; NULL or "": the only one there is) means: a name as it stands in the
 * archive, for docker-archive also its full form, or "@INDEX". Errors: NOT_FOUND; INVALID more than one and no reference. */
gboolean source_find (ArchiveSource *source, const char *reference, guint *ret_image, GError **error);

typedef struct {
  char *digest;        /* of the blob as it lies there; NULL: known only after reading (docker-archive) */
  char *media_type;    /* NULL likewise */
  gint64 size;         /* of the blob */
  char *diff_id;       /* what it must have, inflated */
  char *member;        /* private to the source */
} ArchiveLayer;

typedef struct {
  char *manifest;          /* the document, byte for byte; NULL: docker-archive has none, one is to be made (image_manifest_text) */
  size_t manifest_size;
  char *manifest_digest, *manifest_type;
  char *config_data;       /* byte for byte; the image's id is its digest */
  size_t config_size;
  char *config_digest, *config_type;
  ImageConfig *config;
  GPtrArray *layers;       /* of ArchiveLayer, lowest first; as many as the config has diff ids */
} ArchiveImage;
void source_image_free (ArchiveImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArchiveImage, source_image_free)

/* source_image: read and check the documents of image @index. From an index of several platforms, nested or not, the one for @platform (NULL: the host's).
 * Errors: CORRUPT, with digests compared; NOT_FOUND a missing member or no such platform; UNSUPPORTED. */
ArchiveImage *source_image (ArchiveSource *source, guint index, const ImagePlatform *platform, GError **error);

/* source_layer_stream: the blob of a layer as it lies there. Digest and size are the reader's to check. Valid as long as @source. Several may be read at once. */
ByteStream *source_layer_stream (ArchiveSource *source, const ArchiveLayer *layer, GError **error);

/* ---- images whose documents come from elsewhere: a registry */
ArchiveImage *source_image_new (void);
/* source_image_add_layers: those that @manifest names. @blob_name: the member of a digest; NULL: there are no members. */
typedef char *(*ArchiveBlobName) (const char *digest);
void source_image_add_layers (ArchiveImage *image, const ImageManifest *manifest, ArchiveBlobName blob_name);
/* source_image_finish: read config_data and compare it with the layers; fill in the digests and diff ids. Errors: CORRUPT. */
gboolean source_image_finish (ArchiveImage *image, GError **error);
