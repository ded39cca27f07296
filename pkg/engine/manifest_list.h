/* manifest_list: lists of images for several platforms, made here: an image of the store without layers, whose manifest is the list. Linked by coracle-image only, for what they name is
 * found in registries too.
 *
 * A list whose entries are all Docker's, and that has nothing that only OCI's index can say, is written as Docker's manifest list; an empty one too, as Podman does.
 * Source: OCI image-spec image-index.md; distribution's "Manifest List"; podman-manifest(1) and the pages of its commands. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/archive/source.h"
#include "pkg/engine/image_out.h"

typedef struct {
  StateImage *image;
  json_t *index;   /* an OCI index; its entries have a platform each, with "features" as Docker's */
  json_t *from;    /* digest → where the instance is: "containers-storage:ID", "docker://NAME@DIGEST", "oci:PATH…", or a list of files, of an artifact */
} ManifestList;
void manifest_list_free (ManifestList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ManifestList, manifest_list_free)

/* manifest_list_find: Errors: NOT_FOUND "NAME: image not known"; INVALID "NAME: image is not a manifest list". */
ManifestList *manifest_list_find (Storage *storage, const char *name, GError **error);
/* manifest_list_new: an empty one, not stored yet. */
ManifestList *manifest_list_new (void);
/* manifest_list_store: the first time, or again. @name: that it gets, full; NULL: as it is. Errors: NOT_FOUND it was removed meanwhile. */
gboolean manifest_list_store (Storage *storage, ManifestList *list, const char *name, GError **error);

/* manifest_list_text: the document. @form: "oci", "v2s2", NULL: as it suits. @ret_type: static. Free with g_free. */
char *manifest_list_text (const ManifestList *list, const char *form, const char **ret_type);
/* manifest_list_show: what `manifest inspect` prints, without newline. Free with g_free. */
char *manifest_list_show (const ManifestList *list);

/* manifest_list_entry: the entry of @digest, borrowed; NULL: none. */
json_t *manifest_list_entry (const ManifestList *list, const char *digest);
/* manifest_list_put: add an entry, or replace the one of the same digest. @entry: {mediaType, size, digest, platform …}; taken. @from: taken. */
void manifest_list_put (ManifestList *list, json_t *entry, json_t *from);
/* manifest_list_remove: Errors: INVALID no digest; NOT_FOUND. */
gboolean manifest_list_remove (ManifestList *list, const char *digest, GError **error);

/* What an entry, or the whole list, is to say. NULL: as it was. */
typedef struct {
  const char *os, *arch, *variant, *os_version;
  const char *const *features, *const *os_features, *const *annotations;   /* annotations: "KEY=VALUE" */
} ManifestNotes;
/* manifest_notes_check: Errors: INVALID an annotation without '='. */
gboolean manifest_notes_check (const ManifestNotes *notes, GError **error);
void manifest_entry_note (json_t *entry, const ManifestNotes *notes);
void manifest_list_annotate (ManifestList *list, const char *const *annotations);

/* ---- adding (manifest_add.c) */
typedef struct {
  ManifestNotes notes;
  gboolean all;           /* of a list all that is in it */
  RegistryAccess access;
} ManifestAdd;
/* manifest_list_add: @name: a local image, a name in a registry, or TRANSPORT:… Errors: NOT_FOUND "locating image to add to manifest list: …". */
gboolean manifest_list_add (Storage *storage, ManifestList *list, const char *name, const ManifestAdd *add, GError **error);
/* manifest_subject: the descriptor of the image @name, for "subject"; a new object. */
json_t *manifest_subject (Storage *storage, const char *name, const RegistryAccess *access, GError **error);
/* manifest_list_digest: the digest that @text means in @list: one, or an image's name. Errors: NOT_FOUND. */
char *manifest_list_digest (Storage *storage, const ManifestList *list, const char *text, const RegistryAccess *access, GError **error);

/* manifest_of_docker_archive: the document that an image of such an archive, which has none, would have: its layers are plain tars. Free with g_free. */
char *manifest_of_docker_archive (const ArchiveImage *image);

/* manifest_remote: the document of @name in its registry, as it is there. Free with g_free. Errors: "reading image "docker://NAME": …". */
char *manifest_remote (const char *name, const RegistryAccess *access, GError **error);

/* ---- artifacts (manifest_artifact.c) */
typedef struct {
  const char *type, *config, *config_type, *layer_type;   /* NULL: not given; config: a file */
  const char *subject;
  gboolean exclude_titles;
} ManifestArtifact;
/* manifest_list_add_artifact: @files: at least one. Errors: those of reading them. */
gboolean manifest_list_add_artifact (Storage *storage, ManifestList *list, const char *const *files, const ManifestArtifact *artifact, const ManifestAdd *add, GError **error);

/* ---- pushing (manifest_push.c) */
typedef struct {
  ImagePush push;
  gboolean all;                               /* the images too */
  const char *const *add_compression;         /* "gzip", "zstd"; NULL: none */
} ManifestPush;
/* manifest_list_push: @destination: as image_push's. The images go first, those that are elsewhere come from there. @ret_digest: of the list there. */
gboolean manifest_list_push (Storage *storage, const char *name, const char *destination, const ManifestPush *request, char **ret_digest, GError **error);
