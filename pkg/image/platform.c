/* Platforms, and the choice from an index by them (manifest.h). */
#include <string.h>
#include <sys/utsname.h>

#include "pkg/base/error.h"
#include "pkg/image/manifest.h"

/* machines as uname(2) and as Go name them. Source: Go's internal/platform list; containerd's platforms package documentation for variants */
static const struct { const char *machine, *architecture, *variant; } machines[] = {
  { "x86_64", "amd64", NULL },     { "aarch64", "arm64", "v8" },     { "armv7l", "arm", "v7" },    { "armv6l", "arm", "v6" },      { "armv8l", "arm", "v7" },
  { "i686", "386", NULL },         { "i386", "386", NULL },          { "ppc64le", "ppc64le", NULL }, { "s390x", "s390x", NULL },   { "riscv64", "riscv64", NULL },
  { "loongarch64", "loong64", NULL }, { "mips64", "mips64le", NULL },
};

ImagePlatform
image_platform_host (void)
{
  struct utsname name;
  ImagePlatform platform = { "linux", "unknown", NULL };
  if (uname (&name) == 0)
    for (size_t i = 0; i < G_N_ELEMENTS (machines); i++)
      if (strcmp (machines[i].machine, name.machine) == 0)
        {
          platform.architecture = machines[i].architecture;
          platform.variant = machines[i].variant;
        }
  return platform;
}

static const char *
go_architecture (const char *text)
{
  for (size_t i = 0; i < G_N_ELEMENTS (machines); i++)
    if (strcmp (machines[i].machine, text) == 0)
      return machines[i].architecture;
  return text;
}

gboolean
image_platform_parse (const char *text, char ***ret_storage, ImagePlatform *ret_platform, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", -1);
  guint n = g_strv_length (parts);
  gboolean valid = n >= 1 && n <= 3;
  for (guint i = 0; i < n; i++)
    valid = valid && parts[i][0] != '\0';
  if (!valid)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid platform syntax for %s (use OS/ARCH[/VARIANT][,...])", text);
  *ret_platform = (ImagePlatform){ n == 1 ? "linux" : parts[0], go_architecture (parts[n == 1 ? 0 : 1]), n == 3 ? parts[2] : NULL };
  *ret_storage = g_steal_pointer (&parts);
  return TRUE;
}

/* platform_text: without what goes without saying. Source: containerd's platforms package documentation, "Normalization". */
static char *
platform_text (const ImagePlatform *platform)
{
  const char *os = platform->os != NULL ? platform->os : "", *architecture = platform->architecture != NULL ? go_architecture (platform->architecture) : "", *variant = platform->variant;
  if (strcmp (architecture, "arm") == 0 && (variant == NULL || *variant == '\0' || strcmp (variant, "7") == 0))
    variant = "v7";
  if (variant == NULL || *variant == '\0' || (strcmp (architecture, "arm64") == 0 && (strcmp (variant, "v8") == 0 || strcmp (variant, "8") == 0)) ||
      (strcmp (architecture, "amd64") == 0 && strcmp (variant, "v1") == 0))
    return g_strdup_printf ("%s/%s", os, architecture);
  return g_strdup_printf ("%s/%s/%s", os, architecture, variant);
}

char *
image_platform_mismatch (const ImagePlatform *is, const ImagePlatform *wanted)
{
  g_autofree char *there = platform_text (is), *expected = platform_text (wanted);
  return strcmp (there, expected) != 0 ? g_strdup_printf ("image platform (%s) does not match the expected platform (%s)", there, expected) : NULL;
}

/* platform_rank: 0 does not run here; the higher the better. An older ARM variant runs on a newer processor. */
static int
platform_rank (const ImageDescriptor *entry, const ImagePlatform *platform)
{
  if (g_strcmp0 (entry->os, platform->os) != 0 || g_strcmp0 (entry->architecture, platform->architecture) != 0)
    return 0;
  if (g_strcmp0 (entry->variant, platform->variant) == 0)
    return 1000;
  if (entry->variant == NULL)
    return 500;
  gboolean arm64 = strcmp (platform->architecture, "arm64") == 0;
  int offered = entry->variant[0] == 'v' ? (int) g_ascii_strtoll (entry->variant + 1, NULL, 10) : 1000;
  int wanted = platform->variant != NULL && platform->variant[0] == 'v' ? (int) g_ascii_strtoll (platform->variant + 1, NULL, 10) : arm64 ? 8 : 1;
  return offered >= 0 && offered <= MIN (wanted, 400) ? 1 + offered : 0;
}

const ImageDescriptor *
image_index_choose (const ImageManifest *index, const ImagePlatform *platform, GError **error)
{
  const ImageDescriptor *best = NULL;
  int best_rank = 0;
  g_autoptr (GString) there = g_string_new (NULL);
  for (guint i = 0; i < index->parts->len; i++)
    {
      const ImageDescriptor *entry = index->parts->pdata[i];
      int rank = platform_rank (entry, platform);
      if (rank > best_rank)
        {
          best = entry;
          best_rank = rank;
        }
      if (entry->architecture != NULL && there->len < 300)
        {
          g_autofree char *shown = g_strescape (entry->architecture, NULL);
          g_string_append_printf (there, "%s%.40s", there->len > 0 ? ", " : "", shown);
        }
    }
  if (best == NULL && index->parts->len == 1 && ((ImageDescriptor *) index->parts->pdata[0])->architecture == NULL)
    best = index->parts->pdata[0];
  if (best == NULL)
    coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "no image found in image index for architecture \"%s\", variant \"%s\", OS \"%s\"; there are: %s", platform->architecture,
                   platform->variant != NULL ? platform->variant : "", platform->os, there->len > 0 ? there->str : "none");
  return best;
}
