/* push_options: how images leave: the options that push and manifest push share. */
#pragma once

#include "pkg/cli/cli.h"

#define PUSH_OPTION_COMPRESSION_FORMAT                                                                                                                             \
  {                                                                                                                                                                \
    "compression-format", 0, CLI_STRING, .help = "Compress layers with gzip, zstd or zstd:chunked; those of another compression too unless --force-compression=false", \
                                         .values = CLI_VALUES ("gzip", "zstd", "zstd:chunked"),                                                                    \
                                         .man = "Compress layers with gzip, zstd or zstd:chunked; those of another compression too unless --force-compression=false. zstd:chunked is zstd with a " \
                                                "table of the files behind it, by which Podman and others fetch only the files that they have not. A layer that such a table cannot be of (one " \
                                                "path twice, sparse files) becomes zstd without one." \
  }
#define PUSH_OPTION_COMPRESSION_LEVEL { "compression-level", 0, CLI_INT, .help = "Level of the compression (1 to 9 for gzip, 1 to 20 for zstd)" }
#define PUSH_OPTION_DIGESTFILE { "digestfile", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "Write the digest of the manifest to this file" }
#define PUSH_OPTION_FORCE_COMPRESSION { "force-compression", 0, CLI_BOOL, .help = "Layers compressed otherwise are compressed anew" }
#define PUSH_OPTION_QUIET { "quiet", 'q', CLI_BOOL, .help = "Show no progress" }
#define PUSH_OPTIONS_SIGN                                                                                                                                          \
  { "sign-by", 0, CLI_STRING, .help = "Sign with this GPG key, where registries.d keeps signatures",                                                                \
    .man = "Sign what goes to a registry as it is called there, with the user's gpg and this key (simple signing), and write the signature to the folder that registries.d(5) names for " \
           "the registry (lookaside-staging or lookaside, a file:// URL)." },                                                                                      \
      { "sign-by-sigstore", 0, CLI_STRING, .arg = "PATH", .complete = CLI_COMPLETE_FILE, .help = "Sign with a sigstore key, as this file says",                                                      \
        .man = "Sign as --sign-by-sigstore-private-key does, by a file of parameters (YAML): privateKeyFile, and perhaps privateKeyPassphraseFile. Signing without a key (fulcio) and transparency " \
               "logs (rekorURL) are not supported." },                                                                                                                                               \
      { "sign-by-sigstore-private-key", 0, CLI_STRING, .arg = "PATH", .complete = CLI_COMPLETE_FILE, .help = "Sign with the sigstore private key in this file",                                      \
        .man = "Sign what goes to a registry as it is called there, with a private key as `cosign generate-key-pair` and `skopeo generate-sigstore-key` write them, and put the signature beside "   \
               "it in the registry (the tag sha256-DIGEST.sig). registries.d(5) must say use-sigstore-attachments: true for it." },                                                                  \
      { "sign-by-sq-fingerprint", 0, CLI_STRING, .hidden = TRUE, .help = "Not supported" },                                                                                                          \
  {                                                                                                                                                                                                  \
    "sign-passphrase-file", 0, CLI_STRING, .arg = "PATH", .complete = CLI_COMPLETE_FILE, .help = "The passphrase of the key that signs is in this file"                                              \
  }
#define PUSH_OPTION_REMOVE_SIGNATURES                                                                                                                              \
  {                                                                                                                                                                \
    "remove-signatures", 0, CLI_BOOL, .help = "Do not take the image's signatures along", .man = "Do not take signatures along. Images in the store have none, so none are ever copied." \
  }
