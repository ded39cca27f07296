/* manifest_options: what a list says of an image: the options that manifest add and manifest annotate share. */
#pragma once

#include "pkg/cli/cli.h"

#define MANIFEST_OPTION_ANNOTATION { "annotation", 0, CLI_LIST, .arg = "KEY=VALUE", .help = "Set an annotation of the entry" }
#define MANIFEST_OPTION_ARCH { "arch", 0, CLI_STRING, .help = "Architecture that the list names for the image" }
#define MANIFEST_OPTION_FEATURES { "features", 0, CLI_LIST, .help = "Features of the processor that the image needs" }
#define MANIFEST_OPTION_OS { "os", 0, CLI_STRING, .help = "Operating system that the list names for the image" }
#define MANIFEST_OPTION_OS_VERSION { "os-version", 0, CLI_STRING, .help = "Version of the operating system that the image needs" }
#define MANIFEST_OPTION_VARIANT { "variant", 0, CLI_STRING, .help = "Variant of the architecture that the list names for the image" }
