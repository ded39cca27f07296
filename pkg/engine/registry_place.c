#include "pkg/engine/registry_place.h"

#include <stdlib.h>

Registry *
registry_place_open (const RegistriesConf *conf, const RegistryAccess *access, const RegistriesPlace *place, GError **error)
{
  g_auto (Credentials) who = { 0 };
  g_autofree char *key = g_strconcat (place->registry, "/", place->repository, NULL);
  gboolean known = access->creds != NULL ? credentials_parse (access->creds, &who, error) : credentials_find (access->authfile, key, conf->helpers, &who, error);
  if (!known)
    return NULL;
  const char *stall = g_getenv ("CORACLE_STALL_SECONDS");
  RegistryOptions options = { .insecure = access->tls_given ? !access->tls_verify : place->insecure, .cert_dir = access->cert_dir, .credentials = &who, .retries = access->retries,
                              .delay = access->delay, .stall_seconds = stall != NULL ? (guint) strtoul (stall, NULL, 10) : 0 };
  g_autoptr (Registry) registry = registry_new (place->registry, &options, error);
  return registry != NULL && registry_ping (registry, error) ? g_steal_pointer (&registry) : NULL;
}
