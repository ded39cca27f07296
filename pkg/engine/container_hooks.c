#include "pkg/engine/container_hooks.h"

#include <string.h>

#include "pkg/runtime/hook.h"
#include "pkg/spec/hooks.h"

/* Source: podman(1) --hooks-dir: for root only, in order of increasing precedence. */
static const char *const root_folders[] = { "/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d", NULL };
static const char *const no_folders[] = { NULL };

/* has_bind: podman(1) --hooks-dir: only what --volume asked for counts. */
static gboolean
has_bind (const ContainerOptions *options)
{
  for (char **volume = options->volumes; volume != NULL && *volume != NULL; volume++)
    if ((*volume)[0] == '.' || ((*volume)[0] == '/' && strchr (*volume, ':') != NULL))
      return TRUE;
  return FALSE;
}

gboolean
hooks_words (const Make *make, json_t *annotations, json_t **ret_hooks, GError **error)
{
  const ContainerOptions *options = make->options;
  const char *const *folders = make->map->mode == IDMAP_HOST ? root_folders : no_folders;
  if (options->hooks_dir != NULL)
    folders = (const char *const *) options->hooks_dir;
  SpecHookFacts facts = { .command = make->args[0], .annotations = annotations, .has_bind_mounts = has_bind (options) };
  return spec_hooks_read (folders, &facts, ret_hooks, error);
}

gboolean
hooks_has_poststart (json_t *config)
{
  return json_object_get (json_object_get (config, "hooks"), "poststart") != NULL;
}

gboolean
hooks_poststart_of (json_t *config, const char *id, const char *folder, pid_t pid, GError **error)
{
  json_t *hooks = json_object_get (json_object_get (config, "hooks"), "poststart");
  if (hooks == NULL)
    return TRUE;
  g_autofree char *state = runtime_hook_state (config, id, folder);
  return runtime_hooks_run (hooks, state, pid, "running", error);
}

gboolean
hooks_poststart (const Make *make, pid_t pid, GError **error)
{
  return hooks_poststart_of (make->config, make->id, make->folder, pid, error);
}

json_t *
hooks_poststop_record (const Make *make)
{
  json_t *hooks = json_object_get (json_object_get (make->config, "hooks"), "poststop");
  if (hooks == NULL)
    return NULL;
  g_autofree char *state = runtime_hook_state (make->config, make->id, make->folder);
  return json_pack ("{s:O, s:s}", "hooks", hooks, "state", state);
}

gboolean
hooks_poststop (json_t *record, GError **error)
{
  const char *state = json_string_value (json_object_get (record, "state"));
  return state == NULL || runtime_hooks_run (json_object_get (record, "hooks"), state, 0, "stopped", error);
}
