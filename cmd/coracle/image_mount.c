#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/dispatch.h"
#include "pkg/base/error.h"
#include "pkg/engine/image_lookup.h"
#include "pkg/engine/image_mount.h"
#include "pkg/json/json.h"

static const CliOption mount_options[] = {
  { "all", 'a', CLI_BOOL, .help = "All images" }, { "format", 0, CLI_STRING, .help = "How to print: json", .values = CLI_VALUES ("json") }, CLI_END
};

static const CliOption unmount_options[] = {
  { "all", 'a', CLI_BOOL, .help = "All that are mounted" }, { "force", 'f', CLI_BOOL, .help = "Although something uses it" }, CLI_END
};

/* Here: this mount namespace, which must stay the one that the user has: so the store is opened without entering another, or sweeping, which does. */
typedef struct {
  ConfigPaths *paths;
  Storage *storage;
  GPtrArray *images;   /* of StateImage: those that are meant */
} Here;

static void
here_clear (Here *here)
{
  g_clear_pointer (&here->images, g_ptr_array_unref);
  storage_free (here->storage);
  config_paths_free (here->paths);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Here, here_clear)

static gboolean
here_open (Here *here, const CliContext *context, GError **error)
{
  if (geteuid () != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot run command \"%s\" in rootless mode, must execute `%s unshare` first", context->path, context->program);
  here->paths = config_paths_new (context->root, context->run_root, error);
  here->storage = here->paths != NULL ? storage_open (here->paths, error) : NULL;
  return here->storage != NULL;
}

/* choose: the images that are named, or all. */
static gboolean
choose (Here *here, const CliArgs *args, gboolean all, GError **error)
{
  if (all)
    return state_image_list (here->storage->state, &here->images, error);
  here->images = g_ptr_array_new_with_free_func ((GDestroyNotify) state_image_free);
  for (const char *const *name = cli_args_argv (args); *name != NULL; name++)
    {
      StateImage *image = image_find (here->storage->state, *name, error);
      if (image == NULL)
        return FALSE;
      g_ptr_array_add (here->images, image);
    }
  return TRUE;
}

static const char *
shown_name (const StateImage *image)
{
  return image_newest_name (image) != NULL ? image_newest_name (image) : image->id;
}

/* print_mounted: @paths: in step with the images; NULL: not mounted, not shown. */
static void
print_mounted (const Here *here, const GPtrArray *paths, gboolean json)
{
  json_auto_t *array = json_array ();
  for (guint i = 0; i < paths->len; i++)
    {
      const StateImage *image = here->images->pdata[i];
      if (paths->pdata[i] == NULL)
        continue;
      if (!json)
        printf ("%s  %s\n", shown_name (image), (const char *) paths->pdata[i]);
      json_t *digests = image->manifest_digest != NULL ? json_pack ("[s]", image->manifest_digest) : json_array ();
      (void) json_array_append_new (array, json_pack ("{s:s, s:o, s:o, s:s}", "id", image->id, "Names", digests, "Repositories", image_names_json (image), "mountpoint",
                                                      (const char *) paths->pdata[i]));
    }
  if (!json)
    return;
  g_autofree char *text = json_to_text (array, 1, JSON_TEXT_DEFAULT);
  puts (text);
}

static int
image_mount_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const char *format = cli_args_string (args, "format");
  gboolean json = g_strcmp0 (format, "json") == 0, all = cli_args_bool (args, "all"), list = !all && cli_args_count (args) == 0;
  g_auto (Here) here = { NULL };
  if (all && cli_args_count (args) > 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "when using the --all switch, you may not pass any image names or IDs"), CLI_FAILED;
  if (format != NULL && *format != '\0' && !json)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown --format argument: \"%s\"", format), CLI_FAILED;
  if (!here_open (&here, context, error) || !choose (&here, args, all || list, error))
    return CLI_FAILED;
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < here.images->len; i++)
    {
      const StateImage *image = here.images->pdata[i];
      char *path = list ? image_mount_path (here.storage, image->id) : NULL;
      if (!list && !image_mount (here.storage, image, &path, error))
        return CLI_FAILED;
      g_ptr_array_add (paths, path);
    }
  if (cli_args_count (args) == 1 && !json)
    puts (paths->pdata[0]);
  else
    print_mounted (&here, paths, json);
  return 0;
}

static int
image_unmount_run (const CliContext *context, const CliArgs *args, GError **error)
{
  gboolean all = cli_args_bool (args, "all");
  g_auto (Here) here = { NULL };
  if (!all && cli_args_count (args) == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "image name or ID must be specified"), CLI_FAILED;
  if (all && cli_args_count (args) > 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "when using the --all switch, you may not pass any image names or IDs"), CLI_FAILED;
  if (!here_open (&here, context, error) || !choose (&here, args, all, error))
    return CLI_FAILED;
  int status = 0;
  for (guint i = 0; i < here.images->len; i++)
    {
      const StateImage *image = here.images->pdata[i];
      g_autoptr (GError) problem = NULL;
      gboolean was;
      if (!image_mount_end (here.storage, image->id, cli_args_bool (args, "force"), &was, &problem))
        {
          dispatch_print_error (problem);
          status = 125;
        }
      else if (was)
        puts (image->id);
    }
  return status;
}

const CliCommand cmd_image_mount = {
  .names = "image mount", .usage = "[IMAGE...]", .summary = "Mount images' root filesystems and print where, or list those that are mounted",
  .description = "Mounts the root filesystems of images, for reading only, and prints where they are; without a name it lists those that are mounted: name and path.\n\n"
                 "As an ordinary user this works within `unshare`, for as long as its shell or command lives.",
  .examples = "image mount debian\nimage mount --format json\n", .options = { mount_options }, .max_args = CLI_ANY, .complete = CLI_COMPLETE_IMAGE,
  .complete_rest = CLI_COMPLETE_IMAGE, .run = image_mount_run,
};

const CliCommand cmd_image_unmount = {
  .names = "image unmount|umount", .usage = "[IMAGE...]", .summary = "Unmount images' root filesystems",
  .description = "Takes off what `image mount` has mounted, and prints the IDs. An image that is not mounted is no error.", .examples = "image unmount debian\nimage unmount --all\n",
  .options = { unmount_options }, .max_args = CLI_ANY, .complete = CLI_COMPLETE_IMAGE, .complete_rest = CLI_COMPLETE_IMAGE, .run = image_unmount_run,
};
