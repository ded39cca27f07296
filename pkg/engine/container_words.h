/* container_words: what the words of ContainerOptions mean, each group by itself. They read; nothing is made. */
#pragma once

#include "pkg/engine/container_make.h"
#include "pkg/spec/security.h"

/* words_entrypoint: @given: "--entrypoint" or NULL; "" = none; a JSON array or one word. @image: the image's array. */
char **words_entrypoint (const char *given, json_t *image, GError **error);
char **words_from_json (json_t *array);
json_t *words_to_json (char **words);

/* words_network: what kind of network, as container_network.h has read it. @ret_path: of ns:PATH; NULL for all others. Errors: UNSUPPORTED. */
gboolean words_network (const ContainerOptions *options, NetworkKind *ret_kind, char **ret_path, GError **error);
/* words_slirp: the options of the networks that slirp serves. */
gboolean words_slirp (const ContainerOptions *options, SlirpNetwork *ret_network, GError **error);

/* words_caps: the bounding set. */
gboolean words_caps (const ContainerOptions *options, uint64_t *ret_caps, GError **error);

typedef struct {
  SpecNamespace pid, ipc, uts, cgroup;
  uint32_t umask;
  gboolean limits_bounded;   /* set before: not even the container's root can go above our own hard limits */
  gboolean starts;           /* set before: as Make.only_made is not */
  json_t *rlimits, *sysctl, *annotations, *devices, *hooks, *resources;   /* owned, may be NULL */
  const char *root_propagation;
  gboolean no_shm;
} SpecWords;
void spec_words_clear (SpecWords *words);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SpecWords, spec_words_clear)
gboolean words_spec (const Make *make, SpecWords *ret_words, GError **error);

/* words_devices: --device, and with --privileged all of the host's, for the @rootless without its virtual terminals: of SpecDevice. */
GPtrArray *words_devices (const ContainerOptions *options, gboolean rootless, GError **error);
/* words_host_address: what host-gateway and host.containers.internal are: containers.conf(5) host_containers_internal_ip, else slirp_host_address. NULL = there is none. Free with g_free. */
char *words_host_address (const ContainerOptions *options, const SlirpNetwork *slirp);
/* words_hosts: --add-host as lines of /etc/hosts. @slirp: the network, which decides what host-gateway is; NULL = another kind. */
gboolean words_hosts (const ContainerOptions *options, const SlirpNetwork *slirp, char ***ret_lines, GError **error);
/* words_labels: --label-file and --label, over the image's: a JSON object. */
json_t *words_labels (const ContainerOptions *options, json_t *image, GError **error);
/* words_groups: --group-add without keep-groups. */
char **words_groups (const ContainerOptions *options);
gboolean words_keep_groups (const ContainerOptions *options);
/* words_hostname: --hostname, the host's with --uts host, else the short id. */
char *words_hostname (const Make *make);

/* words_check_fds: are those of --preserve-fds open? To be asked before a file of our own could take their places. */
gboolean words_check_fds (const ContainerOptions *options, GError **error);
/* words_check: everything above read once, before anything is made: a bad value never changes state. */
gboolean words_check (const ContainerOptions *options, GError **error);
