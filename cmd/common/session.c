#include "cmd/common/session.h"

#include "pkg/base/error.h"

void
session_close (Session *session)
{
  idmap_free (session->map);
  storage_free (session->storage);
  config_paths_free (session->paths);
  *session = (Session){ 0 };
}

static gboolean
enter_namespace (Session *session, GError **error)
{
  IdmapPending *pending = NULL;
  if (!idmap_begin (session->paths->run_root, FALSE, &pending, error))
    return FALSE;
  session->fell_back = idmap_fell_back (pending);
  return idmap_enter (pending, &session->map, error);
}

gboolean
session_open (Session *session, const CliContext *context, gboolean enter, GError **error)
{
  session->paths = config_paths_new (context->root, context->run_root, error);
  session->storage = session->paths != NULL ? storage_open (session->paths, error) : NULL;
  if (session->storage == NULL)
    return FALSE;
  if (enter && session->storage->read_only)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "the store %s cannot be written", session->paths->root);
  gboolean sweep = storage_sweep_needed (session->storage);
  if (enter && !enter_namespace (session, error))
    return FALSE;
  /* a listing that cannot enter lists all the same */
  if (sweep && (session->map != NULL || enter_namespace (session, NULL)))
    (void) storage_sweep (session->storage, NULL);
  return TRUE;
}
