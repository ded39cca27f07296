/* image_sign: simple signing of what was pushed, by the user's own gpg, into the lookaside folder that registries.d names. Source: containers-registries.d(5), containers-signature(5). */
#pragma once

#include <glib.h>

#include "pkg/engine/registry_place.h"
#include "storage/storage.h"

typedef struct {
  const char *registry, *path, *tag, *digest;   /* what it is called there: a tag or a digest */
} SignName;

/* image_sign_ready: is there a folder for signatures? To be asked before anything is pushed. Errors: INVALID registries.d names none that can be written. */
gboolean image_sign_ready (const SignName *name, GError **error);
/* image_sign: @manifest: the digest that the manifest has there. @key: as gpg --local-user takes it. @passphrase_file: NULL: gpg asks. @folder: of all signatures; NULL: what registries.d says.
 * Errors: DENIED gpg does not sign; SYSTEM. */
gboolean image_sign (const SignName *name, const char *manifest, const char *key, const char *passphrase_file, const char *folder, GError **error);

/* ---- image sign (image_sign_source.c) */
typedef struct {
  const char *key, *folder; /* as for image_sign */
  gboolean all;             /* of a list every image instead of the list itself */
  RegistryAccess access;
} ImageSignRequest;
/* image_sign_source: an image where it is: "docker://NAME" in its registry, "containers-storage:NAME" in the store. Errors: INVALID another place, or --all of what is no list; NOT_FOUND. */
gboolean image_sign_source (Storage *storage, const char *source, const ImageSignRequest *request, GError **error);
