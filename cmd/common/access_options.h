/* access_options: how registries are talked to: the options that pull, login and others share. */
#pragma once

#include "pkg/cli/cli.h"

#define ACCESS_OPTION_AUTHFILE                                                                       \
  {                                                                                                  \
    "authfile", 0, CLI_STRING, .complete = CLI_COMPLETE_FILE, .help = "File of credentials to use",  \
                               .man = "Take the credentials from this file alone, instead of $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json, ~/.config/containers/auth.json and ~/.docker/config.json." \
  }
#define ACCESS_OPTION_CERT_DIR                                                                       \
  {                                                                                                  \
    "cert-dir", 0, CLI_STRING, .complete = CLI_COMPLETE_DIR, .help = "Folder of certificates for the registry", \
                               .man = "Folder of authorities (*.crt) to trust as well, and of a certificate and key (*.cert, *.key) to show. Without it: certs.d/HOST:PORT of ~/.config/containers, /etc/containers or /etc/docker." \
  }
#define ACCESS_OPTION_TLS_VERIFY { "tls-verify", 0, CLI_BOOL, .help = "Insist on TLS with a valid certificate", .value = "true" }
#define ACCESS_OPTION_CREDS { "creds", 0, CLI_STRING, .arg = "USERNAME:PASSWORD", .help = "Who to be at the registry" }
#define ACCESS_OPTION_RETRY { "retry", 0, CLI_UINT, .help = "How many more tries a failed transfer gets", .value = "3" }
#define ACCESS_OPTION_RETRY_DELAY { "retry-delay", 0, CLI_STRING, .help = "Time between two tries (default: one second, then twice as long each time)" }
#define ACCESS_OPTION_DECRYPTION_KEY { "decryption-key", 0, CLI_LIST, .hidden = TRUE, .help = "Key for an encrypted image (not supported)" }
/* Docker's, for its Notary, which nobody asks here: it may only be said that it need not be */
#define ACCESS_OPTION_CONTENT_TRUST                                                                                                                                  \
  {                                                                                                                                                                  \
    "disable-content-trust", 0, CLI_BOOL, .value = "true", .help = "Do not ask Docker's content trust (nobody does here)",                                           \
                                          .man = "Docker's word for not asking its Notary, which is never asked here: policy.json(5) says which signatures count. =false is refused." \
  }
