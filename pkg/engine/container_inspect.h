/* container_inspect: the parts that make up what `inspect` shows of a container. Internal to pkg/engine. */
#pragma once

#include "pkg/engine/container.h"

/* All that is known of one container. */
typedef struct {
  Storage *storage;
  const ContainerView *view;
  const StateContainer *row;
  ContainerOptions *options;
  StateImage *image;         /* NULL with --rootfs */
  json_t *image_config;      /* the "config" object of the image's; empty without one */
  json_t *spec;              /* containers/ID/config.json */
} Inspected;
/* inspected_read: of @view, which is borrowed. Errors: CORRUPT, SYSTEM its config.json. */
gboolean inspected_read (Inspected *inspected, Storage *storage, const ContainerView *view, GError **error);
void inspected_clear (Inspected *inspected);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Inspected, inspected_clear)

/* A field of an object in Podman's order, with what it holds where nothing is said of it. */
typedef struct {
  const char *name;
  char kind;                 /* 's' "", '0' 0, 'f' false, 'n' null, 'a' [], 'o' {}; 0 ends a table */
} InspectField;
json_t *inspect_shape (const InspectField *fields);

/* inspect_text: NULL as "". inspect_list: NULL as []. Both replace @name's value in @object, which has it. */
void inspect_text (json_t *object, const char *name, const char *value);
void inspect_list (json_t *object, const char *name, char *const *list);

/* inspect_caps: an OCI set of process.capabilities, sorted by name as Podman shows it. */
json_t *inspect_caps (const Inspected *inspected, const char *set);

/* ---- container_inspect_config.c */
json_t *inspect_config (const Inspected *inspected);
json_t *inspect_host_config (const Inspected *inspected);
