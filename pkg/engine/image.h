/* image: what commands do with images that are in the store: list, name, remove, inspect. How they get there: image_in.h. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "storage/storage.h"

/* image_find: the image a user means: a name tried as Podman does (as it stands, localhost/, docker.io/library/), an id or its unique beginning, NAME@DIGEST, and at last
 * a short name that is the end of a stored one ("app" for quay.io/team/app:latest). Errors: NOT_FOUND "TEXT: image not known"; INVALID. */
StateImage *image_find (State *state, const char *text, GError **error);

/* ---- listing: one row per name; an image without names has one row */
typedef struct {
  const StateImage *image;   /* borrowed from the list */
  const char *name;          /* NULL: none */
  char *repository, *tag;    /* "<none>" where missing */
  gint64 containers;         /* how many use it */
  gboolean intermediate;     /* it has no name, and others were made from it */
  char **history;          /* image_names_ever */
} ImageRow;

typedef struct {
  GPtrArray *images;   /* of StateImage: owns what the rows borrow */
  GPtrArray *rows;     /* of ImageRow */
} ImageList;
void image_list_free (ImageList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageList, image_list_free)

typedef struct {
  const char *name;             /* NULL: all; else a reference, its pattern, or an id */
  const char *const *filters;   /* "key=value", "label!=value"; NULL for none */
  const char *sort;             /* created (default), id, repository, size, tag */
  gboolean all;                 /* intermediate ones, too */
} ImageListRequest;

/* image_list: Errors: INVALID a filter; NOT_FOUND the image that a before or since filter names. Source: podman-images(1). */
ImageList *image_list (Storage *storage, const ImageListRequest *request, GError **error);

/* image_row_json: the object of `images --format json`. */
json_t *image_row_json (const ImageRow *row);

/* image_names_ever: the names it has, oldest first, then those that it had, the last first; free with g_strfreev. */
char **image_names_ever (State *state, const StateImage *image);

/* image_labels: the labels of its config, a new object (empty if there are none). */
json_t *image_labels (const StateImage *image);

/* image_repo_digests: "REPOSITORY@DIGEST" as it was pulled, and for the repository of each of its names; a new array of strings. */
json_t *image_repo_digests (const StateImage *image);

/* ---- names */
/* image_tag: give @source these names too, each normalised ("localhost/" and ":latest" where missing); all or none.
 * Errors: NOT_FOUND the source; INVALID a name. */
gboolean image_tag (Storage *storage, const char *source, const char *const *names, GError **error);
/* image_untag: take @names (or all that it has, when there are none) away from @source. Errors: NOT_FOUND the source, or "NAME: tag not known". */
gboolean image_untag (Storage *storage, const char *source, const char *const *names, GError **error);

/* ---- removing */
typedef struct {
  const char *const *images;   /* as the user typed them */
  const char *const *unused;   /* ids of images to be removed with all their names, unless a container uses them (prune) */
  gboolean keep_parents;       /* what has no name and was the parent of nothing but these stays */
  gboolean all, force, ignore; /* force: containers that use it go too, and all its names; ignore: what is not there is no error */
} ImageRemoveRequest;
typedef struct {
  GPtrArray *lines;    /* of char*: "Untagged: NAME", "Deleted: ID" */
  GPtrArray *errors;   /* of GError: NOT_FOUND, IN_USE … one per image that could not be removed */
} ImageRemoveResult;
void image_remove_result_free (ImageRemoveResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageRemoveResult, image_remove_result_free)

/* image_remove: goes on past failures. Runs in: the user namespace. NULL with @error only for what concerns all (the database, the collector). */
ImageRemoveResult *image_remove (Storage *storage, const ImageRemoveRequest *request, GError **error);

/* ---- looking into one */
/* image_inspect: the object of `image inspect`, every field present, for templates. Errors: CORRUPT the config kept. */
json_t *image_inspect (Storage *storage, const StateImage *image, GError **error);
/* image_inspect_prune: drop the fields that Podman's JSON leaves out when they are empty. */
void image_inspect_prune (json_t *inspected);

typedef struct {
  char *id;           /* of the image for its newest step, else "<missing>" */
  char *created;      /* RFC 3339, as the config has it; "" = unknown */
  gint64 created_usec;
  char *created_by, *comment;
  gint64 size;        /* of its layer; 0 for a step that made none */
  char **tags;        /* of the newest step: the image's names */
} ImageStep;
/* image_history: newest step first; of ImageStep. Errors: CORRUPT. */
gboolean image_history (Storage *storage, const StateImage *image, GPtrArray **ret_steps, GError **error);
