/* config: an image's config blob: what it runs, and the diff ids of its layers. Its digest is the image's id.
 *
 * Foreign bytes: bounded and checked; what the runtime reads has the right type.
 * Source: OCI image-spec config.md; Docker's image spec v1.2 for Healthcheck, OnBuild and Shell. */
#pragma once

#include <glib.h>
#include <jansson.h>

#define IMAGE_CONFIG_LIMIT ((size_t) 4 << 20)

typedef struct {
  char *architecture, *os, *variant;   /* variant may be NULL; the others default to the host's when the blob is silent */
  char *author;                        /* or NULL */
  gint64 created;                      /* seconds since the epoch; 0 when it says nothing */
  char **diff_ids;                     /* "sha256:HEX", lowest layer first */
  char *user, *working_dir, *stop_signal;   /* NULL where it says nothing */
  char **env;                          /* "NAME=VALUE"; never NULL */
  char **entrypoint, **cmd;            /* NULL: not set */
  char **volumes, **exposed_ports;     /* never NULL: the keys of the objects */
  json_t *labels;                      /* an object of strings, borrowed from @json; NULL without labels */
  json_t *healthcheck;                 /* an object, borrowed; or NULL */
  json_t *history;                     /* an array of objects, borrowed; or NULL */
  json_t *json;                        /* the whole blob; owned */
} ImageConfig;
void image_config_free (ImageConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageConfig, image_config_free)

/* image_config_parse: Errors: CORRUPT. */
ImageConfig *image_config_parse (const char *data, size_t size, GError **error);

/* image_config_make: the text of a config blob for an image made here. @base: a config object to start from ("config", "author", "architecture" … are
 * kept, "rootfs" and "created" are replaced), or NULL; borrowed. @diff_ids: lowest first. @history: an entry to add, or NULL; borrowed ("created" is added to it).
 * @created: seconds since the epoch. Free with g_free. */
char *image_config_make (const json_t *base, const char *const *diff_ids, const json_t *history, gint64 created);
