/* Any text as the value of the flags that end up in config.json: it is refused with an error, or what it became keeps the headers' promises. The first
 * byte chooses the flag. */
#include "pkg/spec/addhost.h"
#include "pkg/spec/env.h"
#include "pkg/spec/security.h"
#include "pkg/spec/sysctl.h"
#include "pkg/spec/ulimit.h"
#include "pkg/spec/values.h"
#include "pkg/spec/volume.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
require (gboolean truth)
{
  if (!truth)
    abort ();
}

static gboolean
mount_keeps_promises (SpecMount *mount)
{
  if (mount == NULL)
    return FALSE;
  if (mount->glob && mount->destination == NULL)
    mount->destination = g_strdup ("/where/it/is");
  require (*mount->destination == '/' && strstr (mount->destination, "/../") == NULL && strlen (mount->destination) > 1);
  require (mount->type != SPEC_MOUNT_BIND || *mount->source == '/');
  require ((mount->upper == NULL) == (mount->work == NULL) && (mount->upper == NULL || (mount->overlay && *mount->upper == '/' && *mount->work == '/')));
  require (mount->options != NULL && (mount->subpath == NULL || strstr (mount->subpath, "../") == NULL));
  spec_mount_free (mount);
  return TRUE;
}

static gboolean
sysctl_keeps_promises (const char *text, GError **error)
{
  g_autofree char *name = NULL, *value = NULL;
  SpecSysctlNamespace ns;
  if (!spec_sysctl_parse (text, &name, &value, &ns, error))
    return FALSE;
  g_autofree char *path = spec_sysctl_path (name);
  require (*path != '/' && strstr (path, "/../") == NULL && strstr (path, "//") == NULL);
  return TRUE;
}

static gboolean
parse (int flag, const char *text, GError **error)
{
  const char *const one[] = { text, NULL }, *const host[] = { "HOME=/h", "A=b", NULL };
  g_auto (GStrv) env = NULL;
  g_autoptr (GArray) ulimits = NULL;
  g_autoptr (SpecSecurity) security = NULL;
  g_autoptr (SpecAddHost) add_host = NULL;
  g_autoptr (SpecUser) user = NULL;
  switch (flag % 8)
    {
    case 0:
      return mount_keeps_promises (spec_volume_parse (text, "/cwd", error));
    case 1:
      return mount_keeps_promises (spec_mount_parse (text, "/cwd", error));
    case 2:
      return mount_keeps_promises (spec_tmpfs_parse (text, error));
    case 3:
      return sysctl_keeps_promises (text, error);
    case 4:
      return (security = spec_security_parse (one, error)) != NULL;
    case 5:
      return (add_host = spec_add_host_parse (text, error)) != NULL;
    case 6:
      return (user = spec_user_parse (text, error)) != NULL;
    default:
      return spec_env_add (&env, text, host, error) && (ulimits = spec_ulimits_parse (one, error)) != NULL;
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strndup ((const char *) data + 1, size - 1);
  gboolean ok = parse (data[0], text, &error);
  require (ok == (error == NULL));
  return 0;
}
