#include <stdio.h>

#include "cmd/common/image_commands.h"
#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/store_check.h"

int system_check_run (const CliContext *context, const CliArgs *args, GError **error);

static void
print_damage (const char *title, const GPtrArray *damages)
{
  if (damages->len > 0)
    printf ("Damaged %s:\n", title);
  for (guint i = 0; i < damages->len; i++)
    {
      const StoreDamage *damage = damages->pdata[i];
      printf ("%s: %s\n", damage->id, damage->problem);
    }
}

static void
print_ids (const char *title, const GPtrArray *ids)
{
  if (ids->len > 0)
    puts (title);
  for (guint i = 0; i < ids->len; i++)
    puts (ids->pdata[i]);
}

int
system_check_run (const CliContext *context, const CliArgs *args, GError **error)
{
  StoreCheckRequest request = { .quick = cli_args_bool (args, "quick"), .deep = cli_args_bool (args, "deep"), .repair = cli_args_bool (args, "repair"), .force = cli_args_bool (args, "force"), .max_age = cli_args_int (args, "max") };
  g_auto (Session) session = { 0 };
  g_autoptr (StoreCheck) found = NULL;
  if (request.quick && request.deep)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--quick and --deep cannot be given together"), CLI_FAILED;
  if (!session_open (&session, context, TRUE, error) || (found = store_check (session.storage, &request, error)) == NULL)
    return CLI_FAILED;
  print_damage ("layers", found->layers);
  print_damage ("images", found->images);
  print_damage ("containers", found->containers);
  print_ids ("Repaired layers:", found->mended_layers);
  print_ids ("Deleted images:", found->removed_images);
  print_ids ("Deleted containers:", found->removed_containers);
  if (store_check_is_clean (found))
    return 0;
  if (!request.repair)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "damage detected in local storage"), CLI_FAILED;
  request.repair = FALSE;
  g_autoptr (StoreCheck) again = store_check (session.storage, &request, error);
  if (again == NULL)
    return CLI_FAILED;
  return store_check_is_clean (again) || coracle_throw (error, CORACLE_ERROR_CORRUPT, "damage in local storage could not be repaired") ? 0 : CLI_FAILED;
}
