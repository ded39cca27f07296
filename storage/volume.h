/* volume: folders that outlive containers, ROOT/volumes/NAME/_data. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <time.h>

#include "storage/storage.h"

/* What is known of a volume. One that a container's start made has no description (ROOT/volumes/NAME/volume.json): all is as usual. */
typedef struct {
  char *name;
  struct timespec created;
  json_t *labels, *options;   /* objects of strings; never NULL */
  gint64 uid, gid;            /* asked for when it was made; -1: not */
  gboolean anonymous;         /* made for a container, under a name of nobody's choice */
  gboolean copy, own;         /* its first container fills it with what the image has there, and gives it to its user */
  gboolean mounts;            /* something is mounted in its place where it is used: pkg/engine/volume_mount.h */
} Volume;
void volume_free (Volume *volume);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Volume, volume_free)

/* volume_read: what is known of @name; new. Errors: NOT_FOUND; CORRUPT. Needs no user namespace. */
Volume *volume_read (Storage *storage, const char *name, GError **error);

/* volume_make: make the volume that @volume describes (anonymous is not looked at), whole or not at all, synced. Errors: EXISTS; SYSTEM. Runs in: the user namespace. */
gboolean volume_make (Storage *storage, const Volume *volume, GError **error);

/* What is still to be done with a volume by whoever opens it first; nobody else is told. */
typedef struct {
  gboolean copy, own;
  gboolean mounts;   /* each time: see Volume */
} VolumeFirst;

/* volume_open: the absolute path of @name's data. @create: make it if it is not there (mode 0755, by a rename, so that it is there whole or not at all).
 * @ret_first: of one that was made now, or by volume_make and never opened. Errors: NOT_FOUND, SYSTEM. Runs in: the user namespace. */
char *volume_open (Storage *storage, const char *name, gboolean create, VolumeFirst *ret_first, GError **error);

/* volume_fill: copy what the image has at @destination into a volume that is empty, with its owner and mode. @root_fd: the mounted root filesystem. A path that the image
 * has not is nothing to copy. */
gboolean volume_fill (const char *data, int root_fd, const char *destination, GError **error);

/* volume_chown: give @path and all below it to @uid and @gid, following no link (the U option). */
gboolean volume_chown (const char *path, uid_t uid, gid_t gid, GError **error);

/* volume_remove: with all it holds; what is missing is success. */
gboolean volume_remove (Storage *storage, const char *name, GError **error);
