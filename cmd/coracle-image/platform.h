/* platform: --os, --arch, --variant and --platform, put together. */
#pragma once

#include "pkg/cli/cli.h"
#include "pkg/image/manifest.h"

typedef struct {
  char **storage;
  ImagePlatform platform;
} PlatformArgs;
void platform_args_clear (PlatformArgs *args);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PlatformArgs, platform_args_clear)

/* platform_args_read: the host's where nothing was given. @with_platform: the command has --platform. Errors: INVALID a bad one, or both ways at once. */
gboolean platform_args_read (const CliArgs *args, gboolean with_platform, PlatformArgs *ret_platform, GError **error);
