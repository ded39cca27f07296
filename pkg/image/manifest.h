/* manifest: the documents that name an image's parts: OCI and Docker (schema 2) manifests and indexes, and docker-archive's manifest.json.
 *
 * Foreign bytes: sizes and counts are bounded, and every digest, size and media type in what is returned has been checked.
 * Source: OCI image-spec manifest.md, image-index.md, descriptor.md; distribution's "Image Manifest V 2, Schema 2". */
#pragma once

#include <glib.h>
#include <jansson.h>

#define IMAGE_MANIFEST_LIMIT ((size_t) 4 << 20)   /* bytes; as the large registries */
#define IMAGE_LAYERS_LIMIT 4096

#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"

#define ANNOTATION_REF_NAME "org.opencontainers.image.ref.name"

typedef struct {
  char *media_type;
  char *digest;                       /* "sha256:HEX" */
  gint64 size;                        /* not negative */
  char *os, *architecture, *variant;  /* of an index's entries; NULL where it says none */
  char *ref_name;                     /* its annotation ANNOTATION_REF_NAME, or io.containerd.image.name; NULL without one */
  json_t *annotations;                /* all of them, unchecked; NULL without any */
} ImageDescriptor;
void image_descriptor_free (ImageDescriptor *descriptor);

/* A manifest has a config and layers; an index has manifests. */
typedef struct {
  gboolean is_index;
  char *media_type;          /* one of the four above */
  ImageDescriptor *config;   /* NULL for an index */
  GPtrArray *parts;          /* of ImageDescriptor: layers, lowest first; or an index's manifests */
} ImageManifest;
void image_manifest_free (ImageManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageManifest, image_manifest_free)

/* image_manifest_parse: @media_type: what came with the document (a registry's Content-Type, a descriptor), or NULL; it must agree with the document.
 * Errors: CORRUPT; UNSUPPORTED schema 1, an artifact that is no image, an encrypted layer. */
ImageManifest *image_manifest_parse (const char *data, size_t size, const char *media_type, GError **error);

/* image_manifest_parse_any: also of artifacts: the types of config and layers are whatever they are. */
ImageManifest *image_manifest_parse_any (const char *data, size_t size, const char *media_type, GError **error);

/* image_manifest_text: an OCI manifest of these parts, with their annotations; free with g_free. */
char *image_manifest_text (const ImageDescriptor *config, GPtrArray *layers);
/* image_manifest_text_docker: the same parts under Docker's media types (schema 2). */
char *image_manifest_text_docker (const ImageDescriptor *config, GPtrArray *layers);

/* ---- platforms */
typedef struct {
  const char *os, *architecture, *variant;   /* variant may be NULL; as Go names them: linux, amd64 */
} ImagePlatform;
/* image_platform_host: of the machine. */
ImagePlatform image_platform_host (void);
/* image_platform_parse: "OS/ARCH", "OS/ARCH/VARIANT" or "ARCH"; the strings are in @storage, to be freed by g_strfreev. Errors: INVALID. */
gboolean image_platform_parse (const char *text, char ***ret_storage, ImagePlatform *ret_platform, GError **error);
/* image_platform_mismatch: NULL where @is, which an image says it is for, is @wanted; else the words for it, free with g_free. */
char *image_platform_mismatch (const ImagePlatform *is, const ImagePlatform *wanted);
/* image_index_choose: the best of an index's entries for @platform (its variant, else an older or no variant, else an only entry that names no platform).
 * Borrowed. Errors: NOT_FOUND, with what there is. */
const ImageDescriptor *image_index_choose (const ImageManifest *index, const ImagePlatform *platform, GError **error);

/* ---- docker-archive's manifest.json */
typedef struct {
  char *config;      /* a member's name */
  char **names;      /* RepoTags; may be empty */
  char **layers;     /* members' names, lowest first */
} DockerArchiveImage;
void docker_archive_image_free (DockerArchiveImage *image);
/* docker_archive_parse: an array of DockerArchiveImage, at least one. Errors: CORRUPT. */
gboolean docker_archive_parse (const char *data, size_t size, GPtrArray **ret_images, GError **error);
