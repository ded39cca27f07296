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

/* archive_entry_add: takes @entry's names. */
void archive_entries_add (ArchiveSource *source, ArchiveEntry entry);

/* archive_read_blob: the member @name; with @digest (or NULL) and @size (or -1) compared. */
gboolean archive_read_blob (ArchiveSource *source, const char *name, const char *digest, gint64 size, size_t limit, char **ret_data, size_t *ret_size, GError **error);

/* archive_take_manifest: fill in @image from @manifest and its config, whose blobs are the members that @blob_name tells. */
typedef char *(*ArchiveBlobName) (const char *digest);
gboolean archive_take_manifest (ArchiveSource *source, ArchiveImage *image, const ImageManifest *manifest, ArchiveBlobName blob_name, GError **error);

gboolean archive_docker_open (ArchiveSource *source, GError **error);
gboolean archive_docker_image (ArchiveSource *source, const ArchiveEntry *entry, ArchiveImage *image, GError **error);
gboolean archive_oci_open (ArchiveSource *source, GError **error);
gboolean archive_oci_image (ArchiveSource *source, const ArchiveEntry *entry, const ImagePlatform *platform, ArchiveImage *image, GError **error);
gboolean archive_dir_open (ArchiveSource *source, GError **error);
gboolean archive_dir_image (ArchiveSource *source, const ImagePlatform *platform, ArchiveImage *image, GError **error);
