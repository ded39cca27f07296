#include "pkg/engine/container_process.h"

static void
begin (Run *run, const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data)
{
  process_init (run, paths, options);
  run->notice = notice;
  run->notice_data = notice_data;
  run->detach_keys = options->detach_keys;
}

gboolean
container_run (const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data, char **ret_id, int *ret_status, GError **error)
{
  g_auto (Run) run;
  begin (&run, paths, options, notice, notice_data);
  run.attached = TRUE;
  run.interactive = options->interactive;
  run.sig_proxy = options->sig_proxy;
  if (process_prepare (&run, error) && process_share (&run, -1, error) && make_folders (&run.make, error) && make_config (&run.make, error) && process_cidfile (&run, error) && process_start (&run, error))
    {
      *ret_id = g_strdup (run.make.id);
      return process_stay (&run, ret_status, error);
    }
  process_undo (&run);
  return FALSE;
}

gboolean
container_run_detached (const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data, char **ret_id, GError **error)
{
  g_auto (Run) run;
  begin (&run, paths, options, notice, notice_data);
  if (!process_prepare (&run, error) || !process_share (&run, -1, error) || !make_folders (&run.make, error) || !make_config (&run.make, error) || !process_cidfile (&run, error) || !process_start (&run, error))
    {
      process_undo (&run);
      return FALSE;
    }
  process_leave (&run);
  *ret_id = g_strdup (run.make.id);
  return TRUE;
}

gboolean
container_create (const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data, char **ret_id, GError **error)
{
  g_auto (Run) run;
  begin (&run, paths, options, notice, notice_data);
  run.make.only_made = TRUE;
  if (!process_prepare (&run, error) || !make_folders (&run.make, error) || !make_config (&run.make, error) || !process_cidfile (&run, error) || !process_record (&run, error))
    {
      process_undo (&run);
      return FALSE;
    }
  make_rest (&run.make);
  *ret_id = g_strdup (run.make.id);
  return TRUE;
}
