/* push_options: how images leave: the options that push and manifest push share. */
#pragma once

#include "pkg/cli/cli.h"

#define PUSH_OPTION_COMPRESSION_FORMAT                                                                                                                             \
  {                                                                                                                                                                \
    "compression-format", 0, CLI_STRING, .help = "Compress layers with gzip or zstd; those of another compression too unless --force-compression=false",          \
                                         .values = CLI_VALUES ("gzip", "zstd")                                                                                     \
  }
#define PUSH_OPTION_COMPRESSION_LEVEL { "compression-level", 0, CLI_INT, .help = "Level of the compression (1 to 9 for gzip, 1 to 20 for zstd)" }
#define PUSH_OPTION_DIGESTFILE { "digestfile", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Write the digest of the manifest to this file" }
#define PUSH_OPTION_FORCE_COMPRESSION { "force-compression", 0, CLI_BOOL, .help = "Layers compressed otherwise are compressed anew" }
#define PUSH_OPTION_QUIET { "quiet", 'q', CLI_BOOL, .help = "Show no progress" }
#define PUSH_OPTION_REMOVE_SIGNATURES                                                                                                                              \
  {                                                                                                                                                                \
    "remove-signatures", 0, CLI_BOOL, .help = "Do not take the image's signatures along", .man = "Do not take signatures along. Images in the store have none, so none are ever copied." \
  }
