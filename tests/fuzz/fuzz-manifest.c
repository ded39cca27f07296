/* fuzz-manifest: the first byte chooses the document: manifest or index, config, docker-archive's list, platform. What is accepted must be usable. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "pkg/image/config.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
need (gboolean condition)
{
  if (!condition)
    abort ();
}

static void
try_manifest (const char *text, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ImageManifest) manifest = image_manifest_parse (text, size, NULL, &error);
  need ((manifest != NULL) == (error == NULL));
  if (manifest == NULL)
    return;
  for (guint i = 0; i < manifest->parts->len; i++)
    need (image_digest_is_sha256 (((ImageDescriptor *) manifest->parts->pdata[i])->digest));
  ImagePlatform platform = image_platform_host ();
  if (manifest->is_index)
    need ((image_index_choose (manifest, &platform, &error) != NULL) == (error == NULL));
  else
    g_free (image_manifest_text (manifest->config, manifest->parts));
}

static void
try_config (const char *text, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ImageConfig) config = image_config_parse (text, size, &error);
  need ((config != NULL) == (error == NULL));
  if (config == NULL)
    return;
  need (config->env != NULL && config->volumes != NULL && config->created >= 0);
  g_autofree char *again = image_config_make (config->json, (const char *const *) config->diff_ids, NULL, config->created);
  g_autoptr (ImageConfig) second = image_config_parse (again, strlen (again), NULL);
  need (second != NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  g_autofree char *text = g_strndup ((const char *) data + 1, size - 1);
  g_autoptr (GPtrArray) images = NULL;
  g_auto (GStrv) storage = NULL;
  ImagePlatform platform;
  switch (data[0] % 4)
    {
    case 0: try_manifest ((const char *) data + 1, size - 1); break;
    case 1: try_config ((const char *) data + 1, size - 1); break;
    case 2: (void) docker_archive_parse ((const char *) data + 1, size - 1, &images, NULL); break;
    default: (void) image_platform_parse (text, &storage, &platform, NULL);
    }
  return 0;
}
