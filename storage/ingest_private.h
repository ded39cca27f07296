/* What the files of ingest.h share. */
#pragma once

#include "storage/ingest.h"

#define INGEST_LAYERS_LIMIT 500   /* as many as overlayfs stacks */

typedef struct {
  Storage *storage;
  IngestOptions *options;
  StorageWork work;
  int lock;
  GPtrArray *layers;      /* of StateLayer, lowest first */
  gint64 size;
} Ingest;

/* The frame: lock and work folder around it all. Layers that were put in place for an image that failed are in no image: ingest_end lets the collector take them, now, or when it sees
 * the work folder. */
gboolean ingest_begin (Ingest *ingest, Storage *storage, IngestOptions *options, GError **error);
void ingest_end (Ingest *ingest, gboolean done);

/* ingest_add_layer: the next one; takes @layer. */
void ingest_add_layer (Ingest *ingest, StateLayer *layer);
/* ingest_find_layer: the layer, if folder and blob are there as the archive would give them. */
StateLayer *ingest_find_layer (Ingest *ingest, const ArchiveLayer *layer);
/* ingest_finish: the documents, the row, the index. @manifest: NULL to make one. */
gboolean ingest_finish (Ingest *ingest, const ImageConfig *config, const char *config_data, size_t config_size, const char *manifest, size_t manifest_size, StateImage **ret_image,
                        GError **error);
