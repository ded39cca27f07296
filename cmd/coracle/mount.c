#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/dispatch.h"
#include "cmd/common/select.h"
#include "pkg/base/error.h"
#include "pkg/engine/container_mount.h"
#include "pkg/json/json.h"

static const CliOption mount_options[] = {
  SELECT_OPTION_ALL ("All containers"), { "format", 0, CLI_STRING, .help = "How to print: json" }, SELECT_OPTION_LATEST, { "no-trunc", 0, CLI_BOOL, .help = "Print IDs in full" }, CLI_END
};

static const CliOption unmount_options[] = {
  SELECT_OPTION_ALL ("All that are mounted"), { "force", 'f', CLI_BOOL, .help = "Although something uses it" }, SELECT_OPTION_LATEST, CLI_END
};

/* Here: this mount namespace, which must stay the one that the user has: so the store is opened without entering another, or sweeping, which does. */
typedef struct {
  ConfigPaths *paths;
  Storage *storage;
} Here;

static void
here_clear (Here *here)
{
  storage_free (here->storage);
  config_paths_free (here->paths);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Here, here_clear)

static gboolean
here_open (Here *here, const CliContext *context, GError **error)
{
  here->paths = config_paths_new (context->root, context->run_root, error);
  here->storage = here->paths != NULL ? storage_open (here->paths, error) : NULL;
  return here->storage != NULL;
}

/* ---- the list */

typedef struct {
  char *id, *name, *path;
} Mounted;

static void
mounted_free (Mounted *mounted)
{
  g_free (mounted->id);
  g_free (mounted->name);
  g_free (mounted->path);
  g_free (mounted);
}

/* add_mounted: takes @path. */
static void
add_mounted (GPtrArray *list, const StateContainer *row, char *path)
{
  Mounted *mounted = g_new (Mounted, 1);
  *mounted = (Mounted){ g_strdup (row->id), g_strdup (row->name), path };
  g_ptr_array_add (list, mounted);
}

static gboolean
list_mounted (Storage *storage, GPtrArray *list, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;
  if (!state_container_list (storage->state, &rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    {
      char *path = container_mount_path (storage, ((const StateContainer *) rows->pdata[i])->id);
      if (path != NULL)
        add_mounted (list, rows->pdata[i], path);
    }
  return TRUE;
}

static void
print_json (const GPtrArray *list)
{
  json_t *array = json_array ();
  for (guint i = 0; i < list->len; i++)
    {
      const Mounted *mounted = list->pdata[i];
      (void) json_array_append_new (array, json_pack ("{s:s, s:[s], s:s}", "id", mounted->id, "Names", mounted->name, "mountpoint", mounted->path));
    }
  g_autoptr (GString) out = g_string_new (NULL);
  json_write (out, array, 1, JSON_TEXT_DEFAULT);
  puts (out->str);
  json_decref (array);
}

static void
print_list (const GPtrArray *list, gboolean whole)
{
  for (guint i = 0; i < list->len; i++)
    {
      const Mounted *mounted = list->pdata[i];
      printf ("%.*s  %s\n", whole ? 64 : 12, mounted->id, mounted->path);
    }
}

/* ---- mount */

/* mount_chosen: what cannot be mounted is told of, and the rest goes on. */
static int
mount_chosen (Storage *storage, const GPtrArray *chosen, gboolean json, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) mounted_free);
  int status = 0;
  for (guint i = 0; i < chosen->len; i++)
    {
      const Selected *selected = chosen->pdata[i];
      g_autoptr (GError) problem = NULL;
      g_autofree char *path = NULL;
      g_autoptr (StateContainer) row = state_container_find (storage->state, selected->id, &problem);
      if (row != NULL && container_mount (storage, row->id, &path, &problem))
        {
          if (!json)
            puts (path);
          add_mounted (list, row, g_steal_pointer (&path));
          continue;
        }
      dispatch_print_error (problem);
      status = 125;
    }
  if (json)
    print_json (list);
  return status;
}

static int
mount_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { 0 };
  const char *format = cli_args_string (args, "format");
  gboolean json = g_strcmp0 (format, "json") == 0, list_only = select_none (context, args);
  if (geteuid () != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot run command \"%s\" in rootless mode, must execute `%s unshare` first", context->path, context->program), CLI_FAILED;
  if (format != NULL && *format != '\0' && !json)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown --format argument: \"%s\"", format), CLI_FAILED;
  g_auto (Here) here = { NULL };
  g_autoptr (GPtrArray) chosen = NULL, list = g_ptr_array_new_with_free_func ((GDestroyNotify) mounted_free);
  if ((!list_only && !select_check (context, args, &request, error)) || !here_open (&here, context, error))
    return CLI_FAILED;
  if (!list_only)
    return select_containers (here.storage, context, args, &request, &chosen, error) ? mount_chosen (here.storage, chosen, json, error) : CLI_FAILED;
  if (!list_mounted (here.storage, list, error))
    return CLI_FAILED;
  if (json)
    print_json (list);
  else
    print_list (list, cli_args_bool (args, "no-trunc"));
  return 0;
}

/* ---- unmount */

static int
unmount_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { 0 };
  gboolean all = cli_args_bool (args, "all"), force = cli_args_bool (args, "force");
  g_auto (Here) here = { NULL };
  g_autoptr (GPtrArray) chosen = NULL;
  if (!select_check (context, args, &request, error) || !here_open (&here, context, error) || !select_containers (here.storage, context, args, &request, &chosen, error))
    return CLI_FAILED;
  int status = 0;
  for (guint i = 0; i < chosen->len; i++)
    {
      const Selected *selected = chosen->pdata[i];
      g_autoptr (GError) problem = NULL;
      g_autofree char *path = container_mount_path (here.storage, selected->id);
      if (all && path == NULL)
        continue;
      if (container_mount_end (here.storage, selected->id, force, &problem))
        {
          puts (selected->given);
          continue;
        }
      dispatch_print_error (problem);
      status = 125;
    }
  return status;
}

const CliCommand cmd_mount = {
  .names = "mount, container mount", .usage = "[CONTAINER...]", .summary = "Mount containers' root filesystems and print where, or list those that are mounted",
  .description = "Mounts the root filesystems of containers and prints where they are, one per line; without a name it lists those that are mounted: id and path.\n\n"
                 "As an ordinary user this works within `unshare`, for as long as its shell or command lives. A running container's is what the container itself sees, without its volumes. One that "
                 "does not run should not be started before it is unmounted.",
  .examples = "mount web\nmount --format json\n", .options = { mount_options }, .max_args = CLI_ANY, .complete = CLI_COMPLETE_CONTAINER, .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = mount_run,
};

const CliCommand cmd_unmount = {
  .names = "unmount|umount, container unmount|umount", .usage = "CONTAINER [CONTAINER...]", .summary = "Unmount containers' root filesystems",
  .description = "Takes off what `mount` has mounted. A container that is not mounted is no error.", .examples = "unmount web\nunmount --all\n", .options = { unmount_options },
  .max_args = CLI_ANY, .complete = CLI_COMPLETE_CONTAINER, .complete_rest = CLI_COMPLETE_CONTAINER, .run = unmount_run,
};
