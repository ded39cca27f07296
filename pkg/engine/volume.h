/* volume: named volumes: what the volume commands do. Every function takes a request and returns a result; nothing prints. */
#pragma once

#include "storage/volume.h"

/* volume_create: Runs in: the user namespace. @ret_name: free with g_free. Errors: INVALID; UNSUPPORTED a driver, or a quota; EXISTS. Source: podman-volume-create(1). */
typedef struct {
  const char *name, *driver;                /* @name NULL: one is made up */
  const char *const *labels, *const *options;   /* "KEY=VALUE"; NULL = none */
  gint64 uid, gid;                          /* -1: not given */
  gboolean ignore;                          /* one that is there already is as good */
} VolumeCreate;
gboolean volume_create (Storage *storage, const VolumeCreate *request, char **ret_name, GError **error);

/* volume_list: of Volume, by name, those that fit @filters ("KEY=VALUE", NULL-terminated; NULL = all); free with g_ptr_array_unref. Errors: INVALID. Source: podman-volume-ls(1). */
gboolean volume_list (Storage *storage, const char *const *filters, GPtrArray **ret_volumes, GError **error);
/* volume_find: by name, or what only one name begins with; new. Errors: NOT_FOUND; INVALID several. */
Volume *volume_find (Storage *storage, const char *name, GError **error);
/* volume_data: the path of its files; free with g_free. */
char *volume_data (Storage *storage, const Volume *volume);
/* volume_json: the object that `volume inspect` shows. @whole: with what is left out where it is 0, for templates. */
json_t *volume_json (Storage *storage, const Volume *volume, gboolean whole);

/* volume_lock: until the descriptor is closed nobody makes a container, which might mount what is to be removed. Returns -1: IN_USE it does not come to that; SYSTEM. */
int volume_lock (Storage *storage, GError **error);
/* volume_delete: @force: and the containers that have it, ended first after @timeout seconds at most (CONTAINER_OWN_TIMEOUT: their own).
 * Runs in: the user namespace. Errors: NOT_FOUND; IN_USE. */
gboolean volume_delete (Storage *storage, const char *name, gboolean force, gint64 timeout, GError **error);
/* volume_prunable: of Volume: those that no container has and that fit. Errors: as volume_list. */
gboolean volume_prunable (Storage *storage, const char *const *filters, GPtrArray **ret_volumes, GError **error);
/* volume_prune: remove them. @ret_names: of char*: what is gone. @ret_errors: of GError: what could not be removed. Runs in: the user namespace. */
gboolean volume_prune (Storage *storage, const char *const *filters, GPtrArray **ret_names, GPtrArray **ret_errors, GError **error);
