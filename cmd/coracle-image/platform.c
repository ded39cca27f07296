#include "cmd/coracle-image/platform.h"

#include "pkg/base/error.h"

void
platform_args_clear (PlatformArgs *args)
{
  g_clear_pointer (&args->storage, g_strfreev);
}

gboolean
platform_args_read (const CliArgs *args, gboolean with_platform, PlatformArgs *ret_platform, GError **error)
{
  ret_platform->platform = image_platform_host ();
  const char *os = cli_args_string (args, "os"), *arch = cli_args_string (args, "arch"), *variant = cli_args_string (args, "variant");
  gboolean parts = os != NULL || arch != NULL || variant != NULL;
  if (with_platform && cli_args_string (args, "platform") != NULL)
    {
      if (parts)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "--platform option can not be specified with --arch or --os");
      return image_platform_parse (cli_args_string (args, "platform"), &ret_platform->storage, &ret_platform->platform, error);
    }
  if (os != NULL)
    ret_platform->platform.os = os;
  if (arch != NULL)
    ret_platform->platform = (ImagePlatform){ ret_platform->platform.os, arch, NULL };
  if (variant != NULL)
    ret_platform->platform.variant = variant;
  return TRUE;
}
