/* registry_place: a registry of registries.conf, opened as the user is known there. Linked by coracle-image only. */
#pragma once

#include "pkg/registry/registries_conf.h"
#include "pkg/registry/registry.h"

/* How registries are talked to; what --authfile, --creds and so on say. */
typedef struct {
  const char *authfile, *creds, *cert_dir;   /* NULL where not given */
  gboolean tls_given, tls_verify;            /* --tls-verify; else registries.conf says */
  guint retries;
  gint64 delay;                              /* microseconds; 0: grows */
} RegistryAccess;

/* registry_place_open: the registry of @place, greeted, as whoever the user is there. @conf: for its credential helpers.
 * Errors: those of credentials_find, registry_new and registry_ping. */
Registry *registry_place_open (const RegistriesConf *conf, const RegistryAccess *access, const RegistriesPlace *place, GError **error);
