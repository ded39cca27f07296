/* hooks: which OCI hooks a container gets, from the definitions in hooks.d folders. Source: oci-hooks(5), schemas 1.0.0 and 0.1.0. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* What the conditions of a definition ask about. Borrowed. */
typedef struct {
  const char *command;        /* process.args[0] */
  json_t *annotations;        /* object of strings; NULL = none */
  gboolean has_bind_mounts;   /* the user asked for one with --volume */
} SpecHookFacts;

/* spec_hooks_read: the hooks that apply, as config.json's "hooks" object: { stage: [ { path, args, env, timeout } … ] }; in the order of the lower-cased file names.
 * @folders: NULL-terminated; a later one's file hides an earlier one's of the same name; one that is missing is empty.
 * *@ret_hooks: a new reference, NULL when there is none. Errors: INVALID a definition that cannot be used, with its path; UNSUPPORTED the stage precreate; SYSTEM. */
gboolean spec_hooks_read (const char *const *folders, const SpecHookFacts *facts, json_t **ret_hooks, GError **error);
