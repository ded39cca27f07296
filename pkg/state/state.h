/* state: what the store knows, in SQLite (ROOT/state.db, WAL): images, names, layers, containers.
 *
 * Rows name folders that are already whole; see storage/. Every function is one transaction and short; nothing waits in one. A writer waits at
 * most 30 s for another's. Opening costs 0.3 ms, so a command opens it once; it is closed by leaving (no checkpoint on the way out).
 *
 * A commit always survives a kill. A power cut may undo the last ones that were not synced, so what is synced (synchronous=FULL, some ms on a disk) are the
 * writes whose loss would lose data or break a promise: images, names and layers both ways (a removed image that came back would lack its layers), and new
 * containers that are kept. `--rm` containers, status updates and removals of containers are not: the check after a reboot repairs them. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdint.h>

typedef struct State State;

/* state_open: open or create @root/state.db and bring its schema up to date. @read_only: a missing database reads as an empty one.
 * Errors: UNSUPPORTED a schema newer than this program; CORRUPT; SYSTEM. */
State *state_open (const char *root, gboolean read_only, GError **error);
void state_free (State *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (State, state_free)

/* ---- images: an image is its config blob; its id is that blob's digest (64 hex digits, no "sha256:") */
typedef struct {
  char *id;
  char *manifest_digest;   /* "sha256:…" of the manifest we hold */
  char *architecture, *os, *variant;
  gint64 created;          /* seconds since the epoch; 0 when the config says nothing */
  gint64 size;             /* bytes of its layers, unpacked (as `images` shows) */
  char **names;            /* normalised "registry/path:tag", oldest first; may be empty */
  char **digests;          /* "registry/path@sha256:…" it was pulled by; may be empty */
  gboolean pinned;         /* it was pulled by digest and never had another name: its digests are its names */
  char **layers;           /* diff ids "sha256:…", lowest first */
  char *config;            /* the config blob, as text */
  gboolean list;           /* a manifest list that was made here: its id is random, manifest_digest is the index's, and config is what pkg/engine/manifest_list keeps there */
  gboolean read_only;      /* of an additional store: state_add_store */
  const char *root;        /* that store's folder, borrowed from the State; NULL: the store's own */
} StateImage;
void state_image_free (StateImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StateImage, state_image_free)

/* state_add_store: @root is another store, whose images are found and listed after our own, read only; layers likewise. Nothing else of it is looked at. One that is not there is
 * passed over. Errors: as state_open. */
gboolean state_add_store (State *state, const char *root, GError **error);
/* state_store_root: the folder of additional store number @n; NULL: there are no more. */
const char *state_store_root (const State *state, guint n);

gboolean state_image_put (State *state, const StateImage *image, GError **error);            /* insert, or keep the one there and add names */
/* state_image_find: by id or unique prefix of one (with or without "sha256:"), or normalised name, or name@digest. NOT_FOUND otherwise; INVALID for an ambiguous prefix */
StateImage *state_image_find (State *state, const char *name_or_id, GError **error);
gboolean state_image_list (State *state, GPtrArray **ret_images, GError **error);            /* of StateImage, newest first */
/* state_image_change: the manifest, size and config of one that is a list. NOT_FOUND when it is gone */
gboolean state_image_change (State *state, const StateImage *image, GError **error);
gboolean state_image_list_own (State *state, GPtrArray **ret_images, GError **error);        /* the same without additional stores */
gboolean state_image_name_set (State *state, const char *name, const char *image_id, GError **error);   /* moves the name here */
gboolean state_image_name_remove (State *state, const char *name, GError **error);
/* state_image_former: the names that an image of our own had before and has no more, the last first; free with g_strfreev. */
char **state_image_former (State *state, const char *image_id);
gboolean state_image_digest_remove (State *state, const char *name, GError **error);         /* "registry/path@sha256:…"; NOT_FOUND */
gboolean state_image_remove (State *state, const char *image_id, GError **error);            /* IN_USE while a container row names it */

/* ---- layers: unpacked folders, ROOT/layers/HEX */
typedef struct {
  char *diff_id;      /* "sha256:…" of the uncompressed tar */
  char *blob_digest;  /* "sha256:…" of the blob kept for it */
  char *media_type;
  gint64 blob_size, size;
  gboolean single;    /* unpacked where only one id was mapped: owners are not the image's */
} StateLayer;
void state_layer_free (StateLayer *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StateLayer, state_layer_free)
gboolean state_layer_put (State *state, const StateLayer *layer, GError **error);
StateLayer *state_layer_find (State *state, const char *diff_id, GError **error);
gboolean state_layer_list (State *state, GPtrArray **ret_diff_ids, GError **error);          /* of char* */
gboolean state_layer_unused (State *state, GPtrArray **ret_diff_ids, GError **error);        /* of char*: in no image; an image stays while a container row names it */
/* state_image_is_single: was any of its layers unpacked where only one id was mapped? */
gboolean state_image_is_single (State *state, const char *image_id);
gboolean state_layer_remove (State *state, const char *diff_id, GError **error);

/* ---- where blobs were seen: hints, which the registry is asked about before they are believed */
typedef struct {
  char *digest, *compression, *repository;   /* compression: "", "gzip", "zstd" */
  gint64 size;
} StateBlobPlace;
/* state_blob_place_add: the layer @diff_id is the blob @place at @registry. */
gboolean state_blob_place_add (State *state, const char *diff_id, const char *registry, const StateBlobPlace *place, GError **error);
/* state_blob_places: of StateBlobPlace: blobs of @diff_id that were pushed to @registry or pulled from there, the last first, at most 8. Free with g_ptr_array_unref. */
GPtrArray *state_blob_places (State *state, const char *diff_id, const char *registry);

/* ---- containers */
typedef struct {
  char *id;           /* 64 hex digits */
  char *name;         /* unique */
  char *image_id;     /* NULL with --rootfs */
  char *image_name;   /* as the user would read it in ps */
  gint64 created;     /* all times: microseconds since the epoch, 0 = never */
  gint64 started, finished;
  char *status;       /* "created", "running", "exited": a hint; the truth is the lock on RUN_ROOT/ID */
  int exit_code;
  gboolean auto_remove;
  char *boot_id;      /* of the boot in which it was last started */
  json_t *config;     /* everything else: the create request and what inspect shows; owned */
  char *config_text;  /* of state_container_list_lean: @config, not read yet */
} StateContainer;
void state_container_free (StateContainer *container);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StateContainer, state_container_free)

/* state_container_insert: EXISTS when name or id is taken; NOT_FOUND when the image was removed meanwhile */
gboolean state_container_insert (State *state, const StateContainer *container, GError **error);
gboolean state_container_update (State *state, const StateContainer *container, GError **error);   /* NOT_FOUND when it is gone */
/* state_container_edit: one transaction: the row as it is now is given to @edit, and written back. For whoever changes a part of a row that others change too (a name, a
 * restart count, health). @edit returns FALSE with @error to leave it as it was. NOT_FOUND when it is gone. */
gboolean state_container_edit (State *state, const char *id, gboolean (*edit) (StateContainer *row, void *data, GError **error), void *data, GError **error);
StateContainer *state_container_find (State *state, const char *name_or_id, GError **error);       /* by name, id or unique prefix of an id; INVALID if ambiguous */
StateContainer *state_container_find_latest (State *state, GError **error);                        /* the one made last; NOT_FOUND "no such container" */
gboolean state_container_list (State *state, GPtrArray **ret_containers, GError **error);          /* of StateContainer, oldest first */
/* state_container_list_lean: the same without reading config, which is most of the time that a long list takes: NULL until state_container_read_config. */
gboolean state_container_list_lean (State *state, GPtrArray **ret_containers, GError **error);
/* state_container_list_mentioning: of state_container_list_lean those whose config has @text somewhere, as JSON text. */
gboolean state_container_list_mentioning (State *state, const char *text, GPtrArray **ret_containers, GError **error);
/* state_container_read_config: so that all of @container->config is there; nothing to do if it is. */
void state_container_read_config (StateContainer *container);
/* state_container_set_oom: config.oom_killed: something in it was killed for want of memory in its last run. */
void state_container_set_oom (StateContainer *container, gboolean oom);
/* state_container_read_keys: so that these members of it are there; the row is to be looked at only, never written. */
void state_container_read_keys (StateContainer *container, const char *const *keys);
gboolean state_container_remove (State *state, const char *id, GError **error);

/* ---- small facts */
char *state_meta_get (State *state, const char *key);                                        /* NULL if never set; free with g_free */
gboolean state_meta_set (State *state, const char *key, const char *value, GError **error);
