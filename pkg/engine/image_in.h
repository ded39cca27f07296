/* image_in: images into the store from local archives and root filesystems: load, pull and import. Linked by coracle-image only. */
#pragma once

#include <glib.h>

#include "pkg/image/manifest.h"
#include "storage/ingest.h"

/* What all three need. */
typedef struct {
  gboolean single;                  /* one id is mapped only */
  const ImagePlatform *platform;    /* NULL: the host's */
  IngestProgress progress;          /* NULL for none */
  void *progress_data;
  guint64 skipped_devices;          /* out: device nodes that could not be made */
} ImageInRequest;

/* One image that is in now. */
typedef struct {
  char *id;
  char **names;   /* what it got; may be empty */
} ImageIn;
void image_in_free (ImageIn *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageIn, image_in_free)

/* image_load: every image of the archive @path ("-": standard input; a folder is an oci layout, dir, or an unpacked archive), each all or nothing: those before a
 * broken one stay. Its names are normalised: docker.io for a Docker archive's short ones, localhost for an OCI archive's.
 * @ret_images: of ImageIn, also on failure. Runs in: the user namespace. Errors: those of source_open, ingest_image, with @path. */
gboolean image_load (Storage *storage, const char *path, ImageInRequest *request, GPtrArray **ret_images, GError **error);

/* image_pull: @reference: docker-archive:PATH[:NAME|:@INDEX], oci-archive:…, oci:…, dir:PATH. Errors: UNSUPPORTED for what lies in a registry. */
gboolean image_pull (Storage *storage, const char *reference, ImageInRequest *request, ImageIn **ret_image, GError **error);

/* image_import: a root filesystem's tar, @path ("-": standard input), as an image of one layer.
 * @reference: its name or NULL; @changes: for image_change_apply; @message: the history's comment or NULL.
 * Errors: INVALID a change, the name; UNSUPPORTED a URL; NOT_FOUND; CORRUPT. */
typedef struct {
  const char *path, *reference, *message;
  const char *const *changes;
} ImageImportRequest;
gboolean image_import (Storage *storage, const ImageImportRequest *what, ImageInRequest *request, ImageIn **ret_image, GError **error);
