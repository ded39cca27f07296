/* What the formats of source.h share. */
#pragma once

#include "pkg/archive/members.h"
#include "pkg/archive/source.h"

typedef struct {
  char **names;
  ImageDescriptor *descriptor;   /* OCI; borrowed from @index */
  DockerArchiveImage *docker;    /* docker-archive; borrowed from @docker_images */
} ArchiveEntry;

struct ArchiveSource {
  ArchiveFormat format;
  Members *members;
  GArray *entries;               /* of ArchiveEntry */
  ImageManifest *index;
  GPtrArray *docker_images;
};

/* source_entries_add: takes @entry's names. */
void source_entries_add (ArchiveSource *source, ArchiveEntry entry);

/* source_read_blob: the member @name; with @digest (or NULL) and @size (or -1) compared. */
gboolean source_read_blob (ArchiveSource *source, const char *name, const char *digest, gint64 size, size_t limit, char **ret_data, size_t *ret_size, GError **error);

/* source_take_manifest: fill in @image from @manifest and its config, whose blobs are the members that @blob_name tells. */
gboolean source_take_manifest (ArchiveSource *source, ArchiveImage *image, const ImageManifest *manifest, ArchiveBlobName blob_name, GError **error);

gboolean source_docker_open (ArchiveSource *source, GError **error);
gboolean source_docker_image (ArchiveSource *source, const ArchiveEntry *entry, ArchiveImage *image, GError **error);
gboolean source_oci_open (ArchiveSource *source, GError **error);
gboolean source_oci_image (ArchiveSource *source, const ArchiveEntry *entry, const ImagePlatform *platform, ArchiveImage *image, GError **error);
gboolean source_dir_open (ArchiveSource *source, GError **error);
gboolean source_dir_image (ArchiveSource *source, const ImagePlatform *platform, ArchiveImage *image, GError **error);
