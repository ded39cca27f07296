/* container_list: rows for `ps`: which containers, in which order, and what is shown of each. */
#pragma once

#include "pkg/engine/container.h"

typedef struct {
  ContainerView *view;     /* owned */
  gint64 size_rw, size_root;   /* -1 unless the request asked for sizes */
} ContainerRow;

typedef struct {
  gboolean all;                 /* not only running ones; a status filter and @last imply it */
  gint64 last;                  /* only the newest that many; 0 = no limit */
  gboolean usual;               /* of the rows' config only the command and the ports will be looked at */
  gboolean brief;               /* only ids, names and states will be looked at: the rows' config may be missing */
  gboolean size;                /* Runs in: the user namespace, then */
  const char *const *filters;   /* see container_filter.h; NULL for none */
  const char *sort;             /* command, created (default), id, image, names, runningfor, size (needs @size), status */
} ContainerListRequest;

/* container_rows: Errors: what container_filters_parse says. @ret_rows: of ContainerRow; free with g_ptr_array_unref. */
gboolean container_rows (Storage *storage, const ContainerListRequest *request, GPtrArray **ret_rows, GError **error);

/* container_status_text: "Up 3 seconds", "Exited (0) 2 minutes ago", "Created"; where health is checked " (healthy)" follows. @now: microseconds since the epoch. */
char *container_status_text (const ContainerView *view, gint64 now);

/* container_command_text: the words it runs, joined by blanks. */
char *container_command_text (const StateContainer *row);

/* container_ports_text: "0.0.0.0:8080->80/tcp, 443/tcp": what is published, and what is exposed alone. */
char *container_ports_text (const StateContainer *row);

/* container_mount_destinations: a new array of the paths where volumes, folders and tmpfs of the user's are mounted. */
json_t *container_mount_destinations (const StateContainer *row);

/* container_namespaces: the inodes of a running container's namespaces by Podman's keys (Mnt, Cgroup, Ipc, Net, Pidns, Uts, User), as strings; empty if it does not run. */
json_t *container_namespaces (const ContainerView *view);

/* container_row_json: the object of `ps --format json`. @namespaces: with those of --ns. */
json_t *container_row_json (const ContainerRow *row, gboolean namespaces, gint64 now);
