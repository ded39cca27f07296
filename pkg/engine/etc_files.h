/* etc_files: the files that every container gets of its own: /etc/hosts, /etc/resolv.conf, /etc/hostname, /run/.containerenv, and passwd and group where a user is missing
 * in the image's. They are written anew at each start, in the container's run folder (memory, where XDG_RUNTIME_DIR is), and bound over the image's. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "network/slirp.h"
#include "pkg/engine/container_options.h"
#include "pkg/engine/user.h"

typedef struct {
  const ContainerOptions *options;
  const char *folder;        /* absolute, RUN_ROOT/ID; the files go to FOLDER/etc */
  const char *id, *name, *image_name, *image_id;
  const char *hostname;
  const char *address;       /* of the container: what hosts gives for its name; NULL = none */
  const char *const *hosts;  /* "IP\tNAME…" lines of --add-host */
  const char *const *addresses;   /* the same of named networks: all that it has there; NULL = none */
  const char *const *name_servers;   /* of named networks with DNS, instead of all others; NULL = none */
  const SlirpNetwork *slirp; /* the network that it is on, or whose way out it has; or NULL */
  gboolean host_network;
  gboolean no_network;       /* there is nobody to ask for a name: the image keeps its resolv.conf */
  gboolean single;           /* only one id is mapped */
  int root_fd;               /* the mounted root filesystem */
  const UserInfo *user;
  const char *const *host_users;   /* lines for passwd: --hostuser */
  const char *own_passwd, *own_group;   /* lines for passwd and group: the caller's, with keep-id; NULL = none */
  uint32_t own_gid;                     /* the group of own_group */
} EtcFiles;

/* etc_files_write: those that depend on nothing in the image: write them and append the binds (OCI form) to @mounts. @root_fd and @user are not read.
 * Errors: SYSTEM, NO_SPACE. */
gboolean etc_files_write (const EtcFiles *files, json_t *mounts, GError **error);
/* etc_files_resolv: the text of /etc/resolv.conf; NULL: the image's stays. Free with g_free. */
char *etc_files_resolv (const EtcFiles *files);
/* etc_files_write_accounts: passwd, group, localtime, apt's, where they are called for. */
gboolean etc_files_write_accounts (const EtcFiles *files, json_t *mounts, GError **error);
