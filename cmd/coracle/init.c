#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "cmd/coracle/create_options.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"

static const CliOption options[] = {
  { "all", 'a', CLI_BOOL, .help = "All that were created, or have ended" },
  SELECT_OPTION_LATEST,
  CLI_END
};

static gboolean
can_init (Storage *storage, const ContainerView *view)
{
  (void) storage;
  return view->pid == 0 || container_is_held (view);
}

typedef struct {
  Session *session;
  ContainerStart how;
} Init;

static gboolean
act (const char *id, void *data, GError **error)
{
  const Init *init = data;
  return container_init (init->session->storage, init->session->map, id, &init->how, error);
}

static int
init_run (const CliContext *context, const CliArgs *args, GError **error)
{
  static const SelectRequest request = { .suits = can_init };
  g_auto (Session) session = { 0 };
  g_autoptr (GPtrArray) chosen = NULL;
  if (!select_check (context, args, &request, error) || !session_open (&session, context, TRUE, error)
      || !select_containers (session.storage, context, args, &request, &chosen, error))
    return CLI_FAILED;
  cleanup_fd int base = chosen->len > 1 ? container_start_base (error) : -1;
  if (chosen->len > 1 && base < 0)
    return CLI_FAILED;
  Init init = { .session = &session, .how = { .mounts = base, .notice = create_notice } };
  return select_each (chosen, act, &init);
}

const CliCommand cmd_init = {
  .names = "init, container init",
  .usage = "[CONTAINER...]",
  .summary = "Make all of containers but run their commands",
  .description = "Mount the root filesystem, make the namespaces, the network and everything else of containers that were created or have ended, and stop there: what is set up can be looked "
                 "at, and `start` lets the commands run. Initialized containers count as not running.",
  .examples = "init web\ninit --all\n",
  .options = { options },
  .max_args = CLI_ANY,
  .complete = CLI_COMPLETE_CONTAINER,
  .complete_rest = CLI_COMPLETE_CONTAINER,
  .run = init_run,
};
