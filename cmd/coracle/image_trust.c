/* image trust show, image trust set. */
#include <stdio.h>
#include <string.h>

#include "cmd/coracle/commands.h"
#include "pkg/base/error.h"
#include "pkg/engine/trust.h"
#include "pkg/json/json.h"
#include "pkg/template/template.h"

#define OPTION_POLICY                                                                                                                                              \
  {                                                                                                                                                                                                \
    "policypath", 0, CLI_STRING, .alias = "signature-policy", .complete = CLI_COMPLETE_FILE, .help = "The policy file, instead of the one that pull reads",                                        \
                                 .man = "The policy file, instead of the one that pull reads: ~/.config/containers/policy.json, else /etc/containers/policy.json. Also called --signature-policy." \
  }

/* ---- show */

static const CliOption show_options[] = {
  { "json", 'j', CLI_BOOL, .help = "Print the trust as JSON" },
  { "noheading", 'n', CLI_BOOL, .help = "Leave out the line of headings" },
  OPTION_POLICY,
  { "raw", 0, CLI_BOOL, .help = "Print the policy file as it is" },
  { "registrypath", 0, CLI_STRING, .complete = CLI_COMPLETE_DIR, .help = "Folder of registries.d, instead of the one that pull reads" },
  CLI_END
};

/* table_row: a row of the table has each field, if only empty. */
static json_t *
table_row (json_t *entry)
{
  static const struct { const char *column, *field; } cells[] = { { "Transport", "transport" }, { "Name", "repo_name" }, { "Type", "type" }, { "Id", "gpg_id" }, { "Store", "sigstore" } };
  json_t *row = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (cells); i++)
    {
      const char *text = json_string_value (json_object_get (entry, cells[i].field));
      (void) json_object_set_new (row, cells[i].column, json_string (text != NULL ? text : ""));
    }
  return row;
}

static gboolean
append_table (json_t *trust, gboolean headless, GString *out, GError **error)
{
  static const TemplateHeader headers[] = { { NULL } };
  json_auto_t *rows = json_array ();
  json_t *entry;
  size_t i;
  json_array_foreach (trust, i, entry)
    (void) json_array_append_new (rows, table_row (entry));
  return template_render_list ("table {{.Transport}}\\t{{.Name}}\\t{{.Type}}\\t{{.Id}}\\t{{.Store}}", rows, headers, headless ? TEMPLATE_NO_HEADING : TEMPLATE_DEFAULT, out, error);
}

static int
image_trust_show_run (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  const char *policy = cli_args_string (args, "policypath");
  if (cli_args_bool (args, "raw"))
    {
      g_autofree char *text = trust_raw (policy, error);
      return text != NULL ? puts (text) < 0 : CLI_FAILED;
    }
  json_auto_t *trust = trust_show (policy, cli_args_string (args, "registrypath"), cli_args_arg (args, 0), error);
  if (trust == NULL)
    return CLI_FAILED;
  if (cli_args_bool (args, "json"))
    {
      json_write (out, trust, 2, JSON_TEXT_DEFAULT);
      g_string_append_c (out, '\n');
    }
  else if (!append_table (trust, cli_args_bool (args, "noheading"), out, error))
    return CLI_FAILED;
  fputs (out->str, stdout);
  return 0;
}

const CliCommand cmd_image_trust_show = {
  .names = "image trust show", .usage = "[REGISTRY]", .summary = "Show what the policy trusts",
  .description = "Shows for each scope of policy.json(5) what it takes for an image to be pulled: accept, reject, or signatures; whose keys these are, and where signatures by GPG are kept, as "
                 "registries.d(5) says. With REGISTRY, HOST[:PORT][/PATH[:TAG]], only the scopes that it is in or that are in it, and the default.",
  .examples = "image trust show\nimage trust show registry.example/team\nimage trust show --json\nimage trust show --raw\n", .options = { show_options }, .max_args = 1, .run = image_trust_show_run,
};

/* ---- set */

static const CliOption set_options[] = {
  OPTION_POLICY,
  { "pubkeysfile", 'f', CLI_LIST, .complete = CLI_COMPLETE_FILE, .help = "A public key (for signedBy and sigstoreSigned)",
    .man = "A file of public keys, whose path is written into the policy. Given several times, a signature by each is asked for." },
  { "type", 't', CLI_STRING, .value = "signedBy", .help = "What is asked of images: accept, reject, signedBy, sigstoreSigned", .values = CLI_VALUES ("accept", "reject", "signedBy", "sigstoreSigned"),
    .man = "What is asked of images: accept: nothing; reject: they may not be pulled; signedBy: a signature by GPG (simple signing) with a key of --pubkeysfile; sigstoreSigned: one by a sigstore "
           "key." },
  CLI_END
};

static int
image_trust_set_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const TrustSet set = { .policy = cli_args_string (args, "policypath"), .scope = cli_args_arg (args, 0), .type = cli_args_string (args, "type"), .keys = cli_args_list (args, "pubkeysfile") };
  return trust_set (&set, error) ? 0 : CLI_FAILED;
}

const CliCommand cmd_image_trust_set = {
  .names = "image trust set", .usage = "REGISTRY", .summary = "Say what is trusted of a registry",
  .description = "Writes into policy.json(5) what it takes for images of a registry, or of a repository in it, to be pulled. REGISTRY is HOST[:PORT][/PATH[:TAG]], or default, for all that has no entry.\n\n"
                 "The file is replaced as a whole; where something is wrong it stays as it was.",
  .examples = "image trust set --type accept docker.io/library\nimage trust set --type reject default\nimage trust set -f /etc/pki/containers/key.gpg registry.example/team\n",
  .options = { set_options }, .min_args = 1, .max_args = 1, .run = image_trust_set_run,
};
