/* mapped: layers as a container in a user namespace of its own must have them: the same files, owned by the ids that its 0, 1, … are.
 *
 *   ROOT/mapped/HEX-SUM.m  one layer in place of all: what the image's layers show together: folders, links, small files and files of several names, as they are but for the owner. A larger
 *                          file is empty, with the attributes user.overlay.metacopy and user.overlay.redirect: overlayfs takes its data from the layers themselves, which lie below as
 *                          "data-only" ones. So little is written, and the page cache is shared by all containers of an image. HEX: the topmost layer, SUM: digest of table and layers.
 *   ROOT/mapped/HEX-SUM.c  of layers/HEX alone, all data copied: where the kernel has no data-only layers with userxattr (before 6.16), and for fuse-overlayfs. SUM: digest of the table.
 * Made once for a table, in a work folder, synced and renamed into place; kept as long as the layer HEX (storage_collect); shared by all containers that have the same table.
 * Which layer has the data of a file: the first, from the top, that has its path, as it is with what they show together. Not so for a file of several names, of which one may be hidden: so
 * these are copied. Why one layer: the kernel follows a reference only from the lowest of the layers above the data-only ones.
 * Why not otherwise: the kernel idmaps no mount of a filesystem that our user namespace does not own, nor an overlay (6.18); fuse-overlayfs's uidmapping makes every access slower.
 * Source: Documentation/filesystems/overlayfs.rst, "Data-only lower layers" and "Metadata only copy up". */
#pragma once

#include <glib.h>

#include "pkg/idmap/idmap.h"
#include "storage/overlay.h"
#include "storage/storage.h"

typedef struct {
  GPtrArray *folders;   /* in place of the layers, topmost first, NULL-terminated */
  GPtrArray *data;      /* the layers that have the data, NULL-terminated; NULL = none is needed */
} MappedLayers;
void mapped_layers_clear (MappedLayers *mapped);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MappedLayers, mapped_layers_clear)

/* called once, when it takes longer than a second */
typedef void (*MappedNotice) (const char *text, void *data);

/* mapped_layers: find them, or make those that are missing. @layers: folders ROOT/layers/HEX, topmost first. @ids: inside: as in the layers; outside: as in this user namespace.
 * @whole: only with all data. @notice: may be NULL.
 * Runs in:  the user namespace, a mount namespace of the caller's own; an image's or container's row keeps the layers, or storage_lock_shared.
 * What belongs to an id that @ids has not belongs to nobody there. With mode SINGLE there is nothing to be mapped: mapped_overlay takes the layers as they are.
 * Errors:   NO_SPACE; SYSTEM. */
gboolean mapped_layers (Storage *storage, const char *const *layers, const IdMap *ids, gboolean whole, MappedNotice notice, void *data, MappedLayers *ret_mapped, GError **error);

/* mapped_overlay: overlay_mount of @layers as mapped_layers has them. @upper without @work: read-only, with @upper as the topmost layer. @program: as overlay_mount_fuse's. */
gboolean mapped_overlay (Storage *storage, const char *const *layers, const IdMap *ids, const char *upper, const char *work, const char *target, OverlayKind kind, const char *program,
                         MappedNotice notice, void *data, GError **error);

/* mapped_is_known: is the folder ROOT/mapped/@name of a layer whose HEX is in @layers? For storage_collect. */
gboolean mapped_is_known (const char *name, GHashTable *layers);
