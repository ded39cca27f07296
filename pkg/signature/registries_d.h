/* registries_d: where the signatures of an image are. Source: containers-registries.d(5); signature-layout: LOOKASIDE/PATH@sha256=HEX/signature-N. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* Each setting is that of the most specific scope that has it. */
typedef struct {
  char *lookaside;        /* URL that signatures are read from */
  char *staging;          /* URL that they are written to: lookaside-staging, or lookaside */
  gboolean attachments;   /* use-sigstore-attachments */
} SignaturePlace;
void signature_place_clear (SignaturePlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SignaturePlace, signature_place_clear)

/* registries_d_parse: one file: mappings of mappings of texts, which is all that these files have of YAML. A new object. Errors: INVALID, with the line. */
json_t *registries_d_parse (const char *text, GError **error);
/* registries_d_read: all files of @folder, merged; NULL: of ~/.config/containers/registries.d, or where that is missing of /etc/containers/registries.d. Errors: INVALID, with the file. */
json_t *registries_d_read (const char *folder, GError **error);
/* registries_d_find: what @root (of registries_d_read) says of an image; where it says no lookaside, the usual folder. @reference: ":TAG" or "@DIGEST". Errors: INVALID. */
gboolean registries_d_find (json_t *root, const char *registry, const char *path, const char *reference, SignaturePlace *ret_place, GError **error);
/* registries_d_find_scope: the same for a scope of policy.json, "HOST[/PATH[:TAG]]"; "": default-docker. What @root does not say is NULL. */
gboolean registries_d_find_scope (json_t *root, const char *scope, SignaturePlace *ret_place, GError **error);
