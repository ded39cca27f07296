#include "pkg/engine/container_clone.h"

#include "pkg/base/error.h"

char *
container_clone_name (Storage *storage, const char *of)
{
  for (unsigned i = 0;; i++)
    {
      g_autofree char *name = i == 0 ? g_strconcat (of, "-clone", NULL) : g_strdup_printf ("%s-clone%u", of, i);
      g_autoptr (StateContainer) taken = state_container_find (storage->state, name, NULL);
      if (taken == NULL)
        return g_steal_pointer (&name);
    }
}

ContainerOptions *
container_clone_options (Storage *storage, const char *name_or_id, const char *name, const char *image, GError **error)
{
  g_autoptr (ContainerView) view = container_find (storage, name_or_id, error);
  if (view == NULL)
    return NULL;
  state_container_read_config (view->row);
  g_autoptr (ContainerOptions) options = container_options_from_json (json_object_get (view->row->config, "options"));
  if (image != NULL && options->rootfs != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "container %s has a root filesystem of its own (--rootfs), not an image", view->row->name), NULL;
  g_free (options->name);
  options->name = name != NULL ? g_strdup (name) : container_clone_name (storage, view->row->name);
  if (options->rootfs == NULL)
    {
      /* the image itself, whatever its name means by now */
      g_free (options->image);
      options->image = g_strdup (image != NULL ? image : view->row->image_id);
    }
  char **own[] = { &options->cidfile, &options->pidfile, &options->conmon_pidfile };
  for (size_t i = 0; i < G_N_ELEMENTS (own); i++)
    g_clear_pointer (own[i], g_free);
  options->replace = FALSE;
  options->preserve_fds = 0;
  return g_steal_pointer (&options);
}
