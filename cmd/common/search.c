#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"

static const CliOption options[] = {
  ACCESS_OPTION_AUTHFILE,
  ACCESS_OPTION_CERT_DIR,
  { "compatible", 0, CLI_BOOL, .help = "Also show the stars, official and automated columns" },
  ACCESS_OPTION_CREDS,
  { "filter", 'f', CLI_LIST, .help = "Show only what fits (KEY=VALUE)", .values = CLI_VALUES ("stars=", "is-automated=", "is-official="),
    .man = "Show only images that fit: *stars*=NUMBER, at least so many; *is-automated*=true|false; *is-official*=true|false." },
  { "format", 0, CLI_STRING, .help = "How to print: json, a Go template, or table with one",
    .man = "Prints \"json\", or what a Go template makes of each line, with the fields Index, Name, Description, Stars, Official, Automated, Tag. Beginning with \"table \" it becomes a table." },
  { "limit", 0, CLI_INT, .help = "At most so many from each registry (default 25)", .value = "0" },
  { "list-tags", 0, CLI_BOOL, .help = "List the tags of the repository that is named" },
  { "no-trunc", 0, CLI_BOOL, .help = "Print descriptions in full" },
  ACCESS_OPTION_TLS_VERIFY,
  CLI_END
};

const CliCommand cmd_search = {
  .names = "search, image search", .usage = "TERM", .summary = "Look for images at a registry",
  .description = "Asks a registry (REGISTRY/WORD), or each of the unqualified-search-registries of registries.conf(5), for repositories with this word in their names. REGISTRY/ lists all that it "
                 "has. Registries answer as they like, and some not at all: that something is not found does not mean that it cannot be pulled.",
  .examples = "search alpine\nsearch --limit 3 quay.io/fedora\nsearch --list-tags registry.example/team/app\n", .options = { options }, .min_args = 1, .max_args = 1, .program = "coracle-image",
};
