/* containers_conf: the defaults that a machine, a distribution and a user give all containers: containers.conf.
 *
 * Files, each over the ones before it: /usr/share/containers/containers.conf, /etc/containers/containers.conf, what ends in .conf in
 * /etc/containers/containers.conf.d, and, for who is not root, $XDG_CONFIG_HOME/containers/containers.conf and the folder containers.conf.d there; or $CONTAINERS_CONF alone
 * instead of all these; then $CONTAINERS_CONF_OVERRIDE. Source: containers.conf(5). What a key means is the business of whoever asks for it (pkg/engine/container_defaults.h); keys that nobody asks for
 * are of no effect, as they are in files shared with other tools. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* containers_conf_read: all of it, merged: { "containers": { … }, "engine": { … } … }; new reference, never NULL without @error. A file that is not there is an empty one,
 * except one that a variable names. Errors: INVALID a broken file, with its name and line; NOT_FOUND; SYSTEM. */
json_t *containers_conf_read (GError **error);

/* containers_conf_merge: put @over over @base, which is changed: tables key by key, an array in place of the older one, or after it when it holds { append = true } (and from then on
 * the later ones too). Until containers_conf_finish the array keeps that mark. */
void containers_conf_merge (json_t *base, json_t *over);
/* containers_conf_finish: take the marks out of all arrays. */
void containers_conf_finish (json_t *conf);
