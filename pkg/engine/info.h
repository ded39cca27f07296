/* info: what `info` and `version` show: this machine, this store, this program. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/idmap/idmap.h"
#include "storage/storage.h"

/* engine_version: the object "Client" of `version`, and "version" of `info`. */
json_t *engine_version (void);

typedef struct {
  Storage *storage;
  const IdMap *map;      /* of the user namespace that the caller has entered; NULL: it could not be, and what needs it is left out */
  const char *cgroup_manager;   /* the one asked for; NULL = none */
  const char *runtime;   /* --runtime; NULL = not given */
  gboolean rootless;     /* what the caller was before */
} InfoRequest;

/* engine_info: the object of `info --format json`. Errors: those of reading the state. */
json_t *engine_info (const InfoRequest *request, GError **error);
/* engine_info_add_go_names: the fields whose names in Podman's Go differ from those in its JSON, for templates: Host.CgroupsVersion, Host.Security.DefaultCapabilities. */
void engine_info_add_go_names (json_t *info);
