/* image_pull: images from registries. Linked by coracle-image only. */
#pragma once

#include "pkg/engine/image_in.h"
#include "pkg/engine/registry_place.h"

typedef enum { IMAGE_PULL_ALWAYS, IMAGE_PULL_MISSING, IMAGE_PULL_NEVER, IMAGE_PULL_NEWER } ImagePullPolicy;

typedef struct {
  RegistryAccess access;
  ImagePullPolicy policy;
  gboolean all_tags;
  void (*say) (const char *line, void *data);                                /* what goes on; NULL: nobody listens */
  char *(*choose) (const char *const *names, const char *what, void *data);   /* which of these is meant; NULL without answer, or free with g_free. NULL: nobody to ask */
  void *data;
} ImagePullRequest;

/* image_pull_from: @reference: any that `pull` takes: docker://NAME, NAME, or a local transport's (image_pull). @ret_images: of ImageIn; also on failure.
 * Runs in: the user namespace; starts threads. Errors: NOT_FOUND, DENIED, CORRUPT, SYSTEM, in Podman's words. */
gboolean image_pull_from (Storage *storage, const char *reference, const ImagePullRequest *pull, ImageInRequest *request, GPtrArray **ret_images, GError **error);
