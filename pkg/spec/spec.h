/* spec: the OCI runtime-spec config.json of a container, with Podman's defaults.
 * Source: runtime-spec v1.1 config.md and config-linux.md; podman-run(1) for the defaults. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdint.h>

#include "pkg/idmap/idmap.h"
#include "pkg/spec/security.h"

/* prefix of the annotation that names the host's node for a device of another name; the container's path follows */
#define SPEC_DEVICE_SOURCE "io.coracle.device."

typedef enum {
  SPEC_PRIVATE,   /* a new namespace */
  SPEC_HOST,      /* the host's */
  SPEC_PATH,      /* the one at path */
} SpecNamespaceKind;

typedef struct {
  SpecNamespaceKind kind;
  const char *path;
} SpecNamespace;

/* Everything resolved: no name is looked up and no file read in here. Borrowed. */
typedef struct {
  const char *rootfs;              /* absolute, a mount point */
  gboolean read_only;
  const char *const *args, *const *env;
  const char *cwd;
  gboolean terminal;
  uint32_t uid, gid;
  GArray *groups;                  /* of uint32_t; NULL = none */
  uint32_t umask;
  uint64_t caps_bounding, caps_effective;   /* effective and permitted; a user who is not root has effective ones only as ambient */
  uint64_t caps_ambient;
  json_t *rlimits;                 /* OCI form; borrowed; NULL = none */
  const int *oom_score_adj;        /* NULL = leave */
  SpecNamespace pid, network, ipc, uts, cgroup;
  const char *hostname;            /* NULL = leave */
  guint64 shm_size;                /* bytes; 0 = no limit */
  gboolean no_shm;                 /* no /dev/shm (--ipc=none) */
  gboolean read_only_dev;          /* /dev too, once it is filled (--read-only without its tmpfs) */
  gboolean privileged;             /* nothing masked or read-only, /sys writable */
  gboolean own_network_namespace;  /* although network.kind is SPEC_PATH: it was made for this container */
  gboolean own_user_namespace;     /* not real root: no device nodes, no sysfs of a foreign network namespace */
  const char *shm;                 /* a folder to be bound on /dev/shm, another container's; NULL = its own */
  gboolean systemd;                /* the cgroup filesystem is writable */
  const char *personality;         /* "LINUX32"; NULL = the kernel's own */
  const IdMap *ids;                /* of a user namespace for it alone; NULL = it stays in the current one */
  const SpecSecurity *security;    /* what is masked besides the defaults, what of them is not; NULL = nothing asked */
  json_t *mounts;                  /* the user's and the engine's, OCI form, parents before children; borrowed */
  json_t *sysctl, *annotations, *devices;    /* OCI form; borrowed; NULL = none */
  json_t *hooks;
  json_t *resources;               /* linux.resources; NULL or empty = none */
  const char *root_propagation;    /* "rslave" …; NULL = private */
} SpecInput;

/* spec_text: config.json as it is written: @config, as spec_build made it, with @seccomp (linux.seccomp, as JSON; NULL = none) put in, and resource limits as the unsigned numbers they
 * are: jansson has none, so in @config "unlimited" is -1. Free with g_free. */
char *spec_text (json_t *config, const char *seccomp);
/* spec_fold: make @text, a config.json, fit to be read by jansson: the resource limits that are too large for it become what they are in spec_build's @config, in place. */
void spec_fold (char *text);

/* spec_build: a new object; the caller's. linux.seccomp is added as text where config.json is written (it is long, and our runtime takes the compiled filter). */
json_t *spec_build (const SpecInput *input);
