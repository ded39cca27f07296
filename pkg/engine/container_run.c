#include "pkg/base/proc.h"
#include "pkg/engine/container_process.h"
#include "pkg/monitor/client.h"

static void
begin (Run *run, const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data)
{
  process_init (run, paths, options);
  run->notice = notice;
  run->notice_data = notice_data;
  run->detach_keys = options->detach_keys;
}

struct ContainerRest {
  Run run;
};

void
container_rest_free (ContainerRest *rest)
{
  process_rest (&rest->run);
  process_clear (&rest->run);
  g_free (rest);
}

static void
take_down (void *data)
{
  ContainerRest *rest = data;
  process_rest (&rest->run);
}

void
container_rest_leave (ContainerRest *rest, int status)
{
#ifndef __SANITIZE_ADDRESS__ /* which looks for leaks at the end of a process, and knows no two that share their memory */
  if (!rest->run.rest)
    return;
  monitor_client_leaving (rest->run.client[0]);
  (void) proc_leave (status, take_down, rest);
#else
  (void) rest, (void) status, (void) take_down;
#endif
}

gboolean
container_run (const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data, char **ret_id, int *ret_status, ContainerRest **ret_rest,
               GError **error)
{
  g_autoptr (ContainerRest) rest = g_new0 (ContainerRest, 1);
  Run *run = &rest->run;
  begin (run, paths, options, notice, notice_data);
  run->attached = TRUE;
  run->interactive = options->interactive;
  run->sig_proxy = options->sig_proxy;
  if (!process_prepare (run, error) || !process_share (run, -1, error) || !make_folders (&run->make, error) || !make_config (&run->make, error) || !process_cidfile (run, error)
      || !process_start (run, error))
    {
      process_fail (run, error != NULL ? *error : NULL);
      return FALSE;
    }
  *ret_id = g_strdup (run->make.id);
  if (!process_stay (run, ret_status, error))
    return FALSE;
  *ret_rest = run->rest ? g_steal_pointer (&rest) : NULL;
  return TRUE;
}

gboolean
container_run_detached (const ConfigPaths *paths, const ContainerOptions *options, ContainerNotice notice, void *notice_data, char **ret_id, GError **error)
{
  g_auto (Run) run;
  begin (&run, paths, options, notice, notice_data);
  if (!process_prepare (&run, error) || !process_share (&run, -1, error) || !make_folders (&run.make, error) || !make_config (&run.make, error) || !process_cidfile (&run, error) || !process_start (&run, error))
    {
      process_fail (&run, error != NULL ? *error : NULL);
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
      process_fail (&run, error != NULL ? *error : NULL);
      return FALSE;
    }
  *ret_id = g_strdup (run.make.id);
  return TRUE;
}
