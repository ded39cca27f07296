#include "pkg/engine/container_export.h"

#include "pkg/engine/container_root.h"
#include "pkg/engine/container_userns.h"
#include "pkg/engine/event.h"
#include "storage/pack.h"

gboolean
container_export (Storage *storage, const char *name, int out_fd, GError **error)
{
  g_autoptr (ContainerView) view = container_wanted (storage, name, error);
  g_auto (ContainerRoot) root = CONTAINER_ROOT_INIT;
  g_autoptr (IdMap) ids = view != NULL ? userns_ids_of (view->row->config) : NULL;
  const PackOptions options = { .ids = ids };
  if (view == NULL || !container_root_open (storage, view, ROOT_FILES, &root, error) || !pack_tree (root.fd, &options, out_fd, error))
    return FALSE;
  event_container (storage, view->row, "export");
  return TRUE;
}
