/* disk_usage: what images, containers and volumes take on the disk, and what of it removing the unused would give back. */
#pragma once

#include "pkg/engine/container.h"
#include "pkg/engine/image.h"

typedef struct {
  gint64 total, active;       /* how many there are, and are in use */
  gint64 size, reclaimable;   /* bytes; what several images share counts once */
} DiskSum;

typedef struct {
  const ImageRow *row;        /* borrowed */
  gint64 size, shared, unique;   /* shared: of layers that are another image's too */
} DiskImage;

typedef struct {
  ContainerView *view;        /* owned */
  gint64 size;                /* what it has written, without its volumes */
  gint64 volumes;             /* how many it mounts */
} DiskContainer;

typedef struct {
  char *name;
  gint64 size, links;         /* links: containers that mount it */
} DiskVolume;

typedef struct {
  DiskSum images, containers, volumes;
  ImageList *list;
  GPtrArray *image_rows;      /* of DiskImage, a row per name, newest first */
  GPtrArray *container_rows;  /* of DiskContainer, oldest first */
  GPtrArray *volume_rows;     /* of DiskVolume, by name */
} DiskUsage;
void disk_usage_free (DiskUsage *usage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiskUsage, disk_usage_free)

/* disk_usage: Runs in: the user namespace. Errors: SYSTEM. */
DiskUsage *disk_usage (Storage *storage, GError **error);

/* disk_volumes: the names in use by containers, name → how many, as pointer; free with g_hash_table_unref. */
GHashTable *disk_volume_links (Storage *storage, GError **error);
/* disk_container_has_volume: does the container mount it, whether it runs or not? */
gboolean disk_container_has_volume (const StateContainer *row, const char *name);
/* disk_volume_names: all there are, sorted; of char*. */
GPtrArray *disk_volume_names (Storage *storage);

/* disk_tree_size: bytes of the regular files below @path, on its filesystem; a file of several names counts once. What goes away meanwhile does not count. */
gboolean disk_tree_size (const char *path, gint64 *ret_bytes, GError **error);
