#include "pkg/image/manifest.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/image/digest.h"
#include "pkg/json/json.h"

void
image_descriptor_free (ImageDescriptor *descriptor)
{
  if (descriptor == NULL)
    return;
  g_free (descriptor->media_type);
  g_free (descriptor->digest);
  g_free (descriptor->os);
  g_free (descriptor->architecture);
  g_free (descriptor->variant);
  g_free (descriptor->ref_name);
  json_decref (descriptor->annotations);
  g_free (descriptor);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageDescriptor, image_descriptor_free)

static void
descriptor_unref (gpointer data)
{
  image_descriptor_free (data);
}

void
image_manifest_free (ImageManifest *manifest)
{
  if (manifest == NULL)
    return;
  g_free (manifest->media_type);
  image_descriptor_free (manifest->config);
  g_ptr_array_unref (manifest->parts);
  g_free (manifest);
}

/* ---- descriptors */

static gboolean
get_copy (json_t *object, const char *path, char **ret, GError **error)
{
  const char *text = NULL;
  if (!json_get_string (object, path, &text, error))
    return FALSE;
  if (text != NULL && text[0] != '\0')
    *ret = g_strdup (text);
  return TRUE;
}

/* get_annotations: keys with dots in them, so looked up by hand. */
static gboolean
get_annotations (ImageDescriptor *descriptor, json_t *object, GError **error)
{
  json_t *annotations = NULL;
  if (!json_get_map (object, "annotations", &annotations, error))
    return FALSE;
  const char *name = json_string_value (json_object_get (annotations, ANNOTATION_REF_NAME));
  const char *full = json_string_value (json_object_get (annotations, "io.containerd.image.name"));
  if (full != NULL || name != NULL)
    descriptor->ref_name = g_strdup (full != NULL && (name == NULL || strchr (name, '/') == NULL) ? full : name);
  descriptor->annotations = json_incref (annotations);
  return TRUE;
}

static ImageDescriptor *
descriptor_parse (json_t *object, GError **error)
{
  if (!json_is_object (object))
    {
      coracle_throw (error, CORACLE_ERROR_CORRUPT, "a descriptor is missing or no object");
      return NULL;
    }
  g_autoptr (ImageDescriptor) descriptor = g_new0 (ImageDescriptor, 1);
  descriptor->size = -1;
  if (!get_copy (object, "mediaType", &descriptor->media_type, error) || !get_copy (object, "digest", &descriptor->digest, error) ||
      !json_get_int (object, "size", 0, G_MAXINT64, &descriptor->size, error) || !get_copy (object, "platform.os", &descriptor->os, error) ||
      !get_copy (object, "platform.architecture", &descriptor->architecture, error) || !get_copy (object, "platform.variant", &descriptor->variant, error) ||
      !get_annotations (descriptor, object, error))
    return NULL;
  if (!json_need (descriptor->media_type, "mediaType", error) || !json_need (descriptor->digest, "digest", error))
    return NULL;
  if (!image_digest_is_sha256 (descriptor->digest))
    {
      g_autofree char *shown = g_strescape (descriptor->digest, NULL);
      coracle_throw (error, CORACLE_ERROR_CORRUPT, "digest %.100s: not a valid sha256 digest", shown);
      return NULL;
    }
  if (descriptor->size < 0)
    {
      coracle_throw (error, CORACLE_ERROR_CORRUPT, "size: missing");
      return NULL;
    }
  return g_steal_pointer (&descriptor);
}

static gboolean
parse_parts (ImageManifest *manifest, json_t *root, const char *key, GError **error)
{
  json_t *array = NULL, *item;
  size_t i;
  if (!json_get_array (root, key, &array, error) || !json_need (array, key, error))
    return FALSE;
  if (json_array_size (array) > IMAGE_LAYERS_LIMIT)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: more than %d entries", key, IMAGE_LAYERS_LIMIT);
  json_array_foreach (array, i, item)
    {
      ImageDescriptor *part = descriptor_parse (item, error);
      if (part == NULL)
        return coracle_prefix (error, "%s[%zu]", key, i);
      g_ptr_array_add (manifest->parts, part);
    }
  return TRUE;
}

/* ---- manifests */

static gboolean
check_layer_type (const char *type, GError **error)
{
  static const char *const bases[] = { MEDIA_OCI_LAYER, "application/vnd.oci.image.layer.nondistributable.v1.tar", MEDIA_DOCKER_LAYER,
                                       "application/vnd.docker.image.rootfs.foreign.diff.tar" };
  static const char *const suffixes[] = { "", "+gzip", "+zstd", ".gzip", ".zstd" };
  for (size_t i = 0; i < G_N_ELEMENTS (bases); i++)
    if (g_str_has_prefix (type, bases[i]))
      for (size_t j = 0; j < G_N_ELEMENTS (suffixes); j++)
        if (strcmp (type + strlen (bases[i]), suffixes[j]) == 0)
          return TRUE;
  g_autofree char *shown = g_strescape (type, NULL);
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "a layer of the type %.200s", shown);
}

/* parse_image: @any: an artifact will do, too. */
static gboolean
parse_image (ImageManifest *manifest, json_t *root, gboolean any, GError **error)
{
  manifest->config = descriptor_parse (json_object_get (root, "config"), error);
  if (manifest->config == NULL)
    return coracle_prefix (error, "config");
  if (!any && strcmp (manifest->config->media_type, MEDIA_OCI_CONFIG) != 0 && strcmp (manifest->config->media_type, MEDIA_DOCKER_CONFIG) != 0)
    {
      g_autofree char *shown = g_strescape (manifest->config->media_type, NULL);
      return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "an artifact of the type %.200s, not an image", shown);
    }
  if (!parse_parts (manifest, root, "layers", error))
    return FALSE;
  for (guint i = 0; i < manifest->parts->len && !any; i++)
    if (!check_layer_type (((ImageDescriptor *) manifest->parts->pdata[i])->media_type, error))
      return coracle_prefix (error, "layers[%u]", i);
  return TRUE;
}

/* check_kind: which of the two it is. One that could be read as both is refused: the parties would disagree on what was signed (CVE-2021-41190). */
static gboolean
check_kind (ImageManifest *manifest, json_t *root, const char *given, GError **error)
{
  gint64 version = 2;
  const char *own = NULL;
  if (!json_get_int (root, "schemaVersion", G_MININT64, G_MAXINT64, &version, error) || !json_get_string (root, "mediaType", &own, error))
    return FALSE;
  if (version == 1)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "a schema 1 manifest; the image must be pushed again by a newer tool");
  if (version != 2)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "schemaVersion: not 2");
  gboolean index = json_object_get (root, "manifests") != NULL;
  if (index && (json_object_get (root, "layers") != NULL || json_object_get (root, "config") != NULL))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "both a manifest and an index");
  manifest->is_index = index;
  gboolean registry_type = given != NULL && (strstr (given, "manifest") != NULL || strstr (given, "image.index") != NULL);
  const char *type = own != NULL && own[0] != '\0' ? own : registry_type ? given : index ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST;
  gboolean says_index = strcmp (type, MEDIA_OCI_INDEX) == 0 || strcmp (type, MEDIA_DOCKER_LIST) == 0;
  gboolean says_image = strcmp (type, MEDIA_OCI_MANIFEST) == 0 || strcmp (type, MEDIA_DOCKER_MANIFEST) == 0;
  g_autofree char *shown = g_strescape (type, NULL);
  if (!says_index && !says_image)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "a document of the type %.200s", shown);
  if (says_index != index)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "its type %.200s and its content disagree", shown);
  if (registry_type && strcmp (given, type) != 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "its type %.200s is not the one that was announced", shown);
  manifest->media_type = g_strdup (type);
  return TRUE;
}

static ImageManifest *
parse_manifest (const char *data, size_t size, const char *media_type, gboolean any, GError **error)
{
  json_auto_t *root = json_parse_bounded (data, size, IMAGE_MANIFEST_LIMIT, JSON_PARSE_DEFAULT, error);
  g_autoptr (ImageManifest) manifest = g_new0 (ImageManifest, 1);
  manifest->parts = g_ptr_array_new_with_free_func (descriptor_unref);
  if (root == NULL)
    coracle_prefix (error, "manifest");
  else if (!json_is_object (root))
    coracle_throw (error, CORACLE_ERROR_CORRUPT, "manifest: not an object");
  else if (!check_kind (manifest, root, media_type, error) || !(manifest->is_index ? parse_parts (manifest, root, "manifests", error) : parse_image (manifest, root, any, error)))
    coracle_prefix (error, "manifest");
  else
    return g_steal_pointer (&manifest);
  return NULL;
}

ImageManifest *
image_manifest_parse (const char *data, size_t size, const char *media_type, GError **error)
{
  return parse_manifest (data, size, media_type, FALSE, error);
}

ImageManifest *
image_manifest_parse_any (const char *data, size_t size, const char *media_type, GError **error)
{
  return parse_manifest (data, size, media_type, TRUE, error);
}

/* descriptor_json: in the order in which each format's first implementation wrote it, and Podman does: so equal images have equal digests. */
static json_t *
descriptor_json (const ImageDescriptor *descriptor, gboolean docker)
{
  if (docker)
    return json_pack ("{s:s, s:I, s:s}", "mediaType", descriptor->media_type, "size", (json_int_t) descriptor->size, "digest", descriptor->digest);
  return json_pack ("{s:s, s:s, s:I, s:O*}", "mediaType", descriptor->media_type, "digest", descriptor->digest, "size", (json_int_t) descriptor->size, "annotations",
                    descriptor->annotations);
}

static char *
manifest_text (const char *media_type, const ImageDescriptor *config, GPtrArray *layers)
{
  gboolean docker = strcmp (media_type, MEDIA_DOCKER_MANIFEST) == 0;
  json_auto_t *array = json_array ();
  for (guint i = 0; i < layers->len; i++)
    json_array_append_new (array, descriptor_json (layers->pdata[i], docker));
  json_auto_t *root = json_pack ("{s:i, s:s, s:o, s:O}", "schemaVersion", 2, "mediaType", media_type, "config", descriptor_json (config, docker), "layers", array);
  return json_to_text (root, 0, JSON_TEXT_DEFAULT);
}

char *
image_manifest_text (const ImageDescriptor *config, GPtrArray *layers)
{
  return manifest_text (MEDIA_OCI_MANIFEST, config, layers);
}

/* docker_layer_type: a layer's media type as Docker writes it: ".tar.gzip" where OCI has ".tar+gzip". */
static char *
docker_layer_type (const char *media_type)
{
  const char *plus = strrchr (media_type, '+'), *dot = strrchr (media_type, '.');
  const char *compression = plus != NULL ? plus + 1 : dot != NULL && strcmp (dot, ".tar") != 0 ? dot + 1 : NULL;
  return compression != NULL ? g_strconcat (MEDIA_DOCKER_LAYER, ".", compression, NULL) : g_strdup (MEDIA_DOCKER_LAYER);
}

char *
image_manifest_text_docker (const ImageDescriptor *config, GPtrArray *layers)
{
  ImageDescriptor docker_config = *config;
  docker_config.media_type = (char *) MEDIA_DOCKER_CONFIG;
  g_autoptr (GPtrArray) parts = g_ptr_array_new (), types = g_ptr_array_new_with_free_func (g_free);
  g_autofree ImageDescriptor *copies = g_new0 (ImageDescriptor, layers->len + 1);
  for (guint i = 0; i < layers->len; i++)
    {
      copies[i] = *(const ImageDescriptor *) layers->pdata[i];
      copies[i].media_type = docker_layer_type (copies[i].media_type);
      g_ptr_array_add (types, copies[i].media_type);
      g_ptr_array_add (parts, &copies[i]);
    }
  return manifest_text (MEDIA_DOCKER_MANIFEST, &docker_config, parts);
}

/* ---- docker-archive */

void
docker_archive_image_free (DockerArchiveImage *image)
{
  if (image == NULL)
    return;
  g_free (image->config);
  g_strfreev (image->names);
  g_strfreev (image->layers);
  g_free (image);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DockerArchiveImage, docker_archive_image_free)

static void
docker_image_unref (gpointer data)
{
  docker_archive_image_free (data);
}

static DockerArchiveImage *
docker_image_parse (json_t *object, GError **error)
{
  g_autoptr (DockerArchiveImage) image = g_new0 (DockerArchiveImage, 1);
  if (!json_is_object (object))
    coracle_throw (error, CORACLE_ERROR_CORRUPT, "not an object");
  else if (get_copy (object, "Config", &image->config, error) && json_need (image->config, "Config", error) &&
           json_get_strv (object, "RepoTags", 10000, &image->names, error) && json_get_strv (object, "Layers", IMAGE_LAYERS_LIMIT, &image->layers, error))
    {
      if (image->names == NULL)
        image->names = g_new0 (char *, 1);
      if (image->layers == NULL)
        image->layers = g_new0 (char *, 1);
      return g_steal_pointer (&image);
    }
  return NULL;
}

gboolean
docker_archive_parse (const char *data, size_t size, GPtrArray **ret_images, GError **error)
{
  json_auto_t *root = json_parse_bounded (data, size, IMAGE_MANIFEST_LIMIT, JSON_PARSE_DEFAULT, error);
  if (root == NULL)
    return coracle_prefix (error, "manifest.json");
  if (!json_is_array (root) || json_array_size (root) == 0)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "manifest.json: not a list of images");
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func (docker_image_unref);
  json_t *item;
  size_t i;
  json_array_foreach (root, i, item)
    {
      DockerArchiveImage *image = docker_image_parse (item, error);
      if (image == NULL)
        return coracle_prefix (error, "manifest.json: image %zu", i + 1);
      g_ptr_array_add (images, image);
    }
  *ret_images = g_steal_pointer (&images);
  return TRUE;
}
