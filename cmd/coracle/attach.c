#include "cmd/common/select.h"
#include "cmd/common/session.h"
#include "pkg/engine/container_attach.h"

static const CliOption options[] = {
  { "detach-keys", 0, CLI_STRING, .help = "Keys that detach from the container, leaving it running; \"\" for none", .arg = "sequence",
    .man = "The keys, with commas between them, that detach from the container and leave it running: a character, or ctrl- and one of a-z @ [ \\ ] ^ _. The default is ctrl-p,ctrl-q; the "
           "empty text turns it off." },
  SELECT_OPTION_LATEST,
  { "no-stdin", 0, CLI_BOOL, .help = "Do not attach standard input" },
  { "sig-proxy", 0, CLI_BOOL, .help = "Pass signals on to the container", .value = "true" },
  CLI_END
};

static int
attach_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autofree char *none = g_strdup_printf ("\"%s attach\" requires a name, id, or the \"--latest\" flag", context->program);
  const SelectRequest request = { .none = none };
  ContainerAttach how = { .no_stdin = cli_args_bool (args, "no-stdin"), .sig_proxy = cli_args_bool (args, "sig-proxy"),
                          .detach_keys = cli_args_is_set (args, "detach-keys") ? cli_args_string (args, "detach-keys") : NULL };
  g_auto (Session) session = { 0 };
  const char *const *rest;
  if (!select_check (context, args, &request, error) || !session_open (&session, context, FALSE, error))
    return CLI_FAILED;
  g_autoptr (ContainerView) view = select_first (session.storage, context, args, &request, &rest, error);
  int status;
  return view != NULL && container_attach (session.storage, view, &how, &status, error) ? status : CLI_FAILED;
}

const CliCommand cmd_attach = {
  .names = "attach, container attach",
  .usage = "[CONTAINER]",
  .summary = "Attach to a running container",
  .description = "Show what a running container prints from now on, and with -i or -t type to it, until it ends or the detach keys are typed. Several may be attached to one container. The exit "
                 "status is the container's; 0 after detaching.",
  .examples = "attach web\nattach --detach-keys ctrl-a,d shell\nattach --no-stdin --latest\n",
  .options = { options },
  .max_args = 1,
  .complete = CLI_COMPLETE_RUNNING,
  .run = attach_run,
};
