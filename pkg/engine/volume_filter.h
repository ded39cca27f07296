/* volume_filter: what --filter says of volumes. Source: podman-volume-ls(1), podman-volume-prune(1). */
#pragma once

#include "storage/volume.h"

typedef struct {
  GHashTable *links;         /* of disk_volume_links; NULL when no filter needs it */
  const char *const *texts;
} VolumeFilters;
/* volume_filters_read: check them. @texts: borrowed; NULL: none. Errors: INVALID; NOT_FOUND the volume that since names. */
gboolean volume_filters_read (Storage *storage, const char *const *texts, VolumeFilters *ret_filters, GError **error);
void volume_filters_clear (VolumeFilters *filters);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VolumeFilters, volume_filters_clear)

/* volume_filters_fit: every key must fit; of several values of one key one is enough, but labels must all. */
gboolean volume_filters_fit (Storage *storage, const VolumeFilters *filters, const Volume *volume);
