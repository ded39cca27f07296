/* The commands about artifacts. */
#include "cmd/common/access_options.h"
#include "cmd/common/image_commands.h"
#include "cmd/common/push_options.h"

static const CliOption add_options[] = {
  { "annotation", 0, CLI_LIST, .arg = "annotation", .help = "An annotation for the files (KEY=VALUE)",
    .man = "Note KEY=VALUE with each file, and with the artifact if it is new. org.opencontainers.image.title is the name that a file has in the artifact; it must be one for each file." },
  { "append", 'a', CLI_BOOL, .help = "Add the files to an artifact that is there" },
  { "file-type", 0, CLI_STRING, .help = "Media type of the files, instead of what they look like" },
  { "replace", 0, CLI_BOOL, .help = "Replace the artifact that has this name" },
  { "type", 0, CLI_STRING, .help = "Media type of the artifact" },
  CLI_END
};

const CliCommand cmd_artifact_add = {
  .names = "artifact add", .usage = "ARTIFACT PATH [...PATH]", .summary = "Make an artifact of files, or add files to one",
  .description = "Copies files into the store as an artifact, which registries take as they take images, and prints its digest. When it was made is noted in it.",
  .examples = "artifact add quay.io/me/model:1 model.gguf\nartifact add --append quay.io/me/model:1 README.md\n", .options = { add_options }, .min_args = 2, .max_args = CLI_ANY,
  .complete_rest = CLI_COMPLETE_FILE, .program = "coracle-image",
};

static const CliOption extract_options[] = {
  { "digest", 0, CLI_STRING, .help = "Only the blob with this digest" }, { "title", 0, CLI_STRING, .help = "Only the blob with this title" }, CLI_END
};

const CliCommand cmd_artifact_extract = {
  .names = "artifact extract", .usage = "ARTIFACT PATH", .summary = "Copy the files of an artifact out",
  .description = "Copies all files of an artifact into a folder, under their titles, or one of them to a file. What is there is overwritten.",
  .examples = "artifact extract quay.io/me/model:1 folder\nartifact extract --title README.md quay.io/me/model:1 readme\n", .options = { extract_options }, .min_args = 2, .max_args = 2,
  .complete_rest = CLI_COMPLETE_FILE, .program = "coracle-image",
};

static const CliOption inspect_options[] = { { "format", 'f', CLI_STRING, .help = "How to print: json or a Go template", .value = "json" }, CLI_END };

const CliCommand cmd_artifact_inspect = {
  .names = "artifact inspect", .usage = "ARTIFACT", .summary = "Show what there is to know of an artifact",
  .description = "Shows an artifact's manifest, name and digest as JSON, or through a Go template.", .examples = "artifact inspect quay.io/me/model:1\n", .options = { inspect_options },
  .min_args = 1, .max_args = 1, .program = "coracle-image",
};

static const CliOption ls_options[] = {
  { "format", 0, CLI_STRING, .help = "How to print: a Go template, or table with one",
    .man = "Prints what a Go template makes of each artifact, with the fields Repository, Tag, Digest, Created, CreatedAt, Size, VirtualSize. Beginning with \"table \" it becomes a table." },
  { "no-trunc", 0, CLI_BOOL, .help = "Print digests in full" },
  { "noheading", 'n', CLI_BOOL, .help = "Leave out the line of headings" },
  CLI_END
};

const CliCommand cmd_artifact_ls = {
  .names = "artifact ls|list", .usage = "", .summary = "List the artifacts that are here", .description = "Lists artifacts with their names, digests, ages and sizes.", .examples = "artifact ls\n",
  .options = { ls_options }, .program = "coracle-image",
};

static const CliOption pull_options[] = {
  ACCESS_OPTION_AUTHFILE, ACCESS_OPTION_CERT_DIR, ACCESS_OPTION_CREDS, ACCESS_OPTION_DECRYPTION_KEY, { "quiet", 'q', CLI_BOOL, .help = "Say nothing of how it goes" }, ACCESS_OPTION_RETRY,
  ACCESS_OPTION_RETRY_DELAY, ACCESS_OPTION_TLS_VERIFY, CLI_END
};

const CliCommand cmd_artifact_pull = {
  .names = "artifact pull", .usage = "ARTIFACT", .summary = "Fetch an artifact from a registry",
  .description = "Fetches an artifact from its registry into the store. registries.conf(5) and policy.json(5) count as for images; the name must be a full one.",
  .examples = "artifact pull quay.io/me/model:1\n", .options = { pull_options }, .min_args = 1, .max_args = 1, .program = "coracle-image",
};

static const CliOption push_options[] = {
  ACCESS_OPTION_AUTHFILE, ACCESS_OPTION_CERT_DIR, ACCESS_OPTION_CREDS,
  { "digestfile", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Write the digest of the manifest to this file" },
  { "quiet", 'q', CLI_BOOL, .help = "Say nothing of how it goes" }, ACCESS_OPTION_RETRY, ACCESS_OPTION_RETRY_DELAY, PUSH_OPTIONS_SIGN,
  ACCESS_OPTION_TLS_VERIFY, CLI_END
};

const CliCommand cmd_artifact_push = {
  .names = "artifact push", .usage = "ARTIFACT", .summary = "Bring an artifact to a registry", .description = "Brings an artifact to the registry that its name says. Files that are there are not sent again.",
  .examples = "artifact push quay.io/me/model:1\n", .options = { push_options }, .min_args = 1, .max_args = 1, .program = "coracle-image",
};

static const CliOption rm_options[] = { { "all", 'a', CLI_BOOL, .help = "All artifacts" }, { "ignore", 'i', CLI_BOOL, .help = "Do not mind artifacts that do not exist" }, CLI_END };

const CliCommand cmd_artifact_rm = {
  .names = "artifact rm|remove", .usage = "ARTIFACT [ARTIFACT...]", .summary = "Remove artifacts",
  .description = "Removes artifacts, by name or by the beginning of their digest, and prints their digests.", .examples = "artifact rm quay.io/me/model:1\nartifact rm --all\n",
  .options = { rm_options }, .max_args = CLI_ANY, .program = "coracle-image",
};
