/* container_join: a container on named networks. Internal to pkg/engine. */
#pragma once

#include "pkg/engine/container_make.h"

/* network_prepare: of a new container: are its networks there? Their names, as the row keeps them, in place of ids; they stay until make_clear. Errors: NOT_FOUND; INVALID. */
gboolean network_prepare (Make *make, GError **error);
/* container_network_show: fill @settings, inspect's NetworkSettings, in: the Networks of a container that is on named ones, with what each gave it while it runs. */
void container_network_show (Storage *storage, const ContainerView *view, const ContainerOptions *options, json_t *settings);
