/* env: lists of "KEY=VALUE" in the order they were first set, and the flags that fill them.
 * A list is a NULL-terminated array, or NULL for empty; functions taking char *** replace it. The caller applies sources in Podman's order: image,
 * http-proxy, env-host, env-file, env. */
#pragma once

#include <glib.h>

/* spec_env_set: @key to @value, over an earlier value. */
void spec_env_set (char ***env, const char *key, const char *value);
void spec_env_unset (char ***env, const char *key);
/* spec_env_get: borrowed, or NULL. */
const char *spec_env_get (const char *const *env, const char *key);

/* spec_env_add: one --env. "KEY=VALUE" sets; "KEY" takes the value @host has, if any (and else leaves @env alone); "PRE*" takes all that begin so.
 * @host: "KEY=VALUE" list, usually environ. Errors: INVALID `invalid variable: "=x"`. */
gboolean spec_env_add (char ***env, const char *text, const char *const *host, GError **error);

/* spec_env_add_file: one --env-file: a line each as for --env; white space before a line, empty lines, and lines beginning with # do not count; quotes
 * and what is behind a value do. At most 1 MiB. Errors: as spec_env_add, with the line's number; NOT_FOUND "open PATH: no such file or directory". */
gboolean spec_env_add_file (char ***env, const char *path, const char *const *host, GError **error);

/* spec_env_add_all: --env-host: every variable of @host. */
void spec_env_add_all (char ***env, const char *const *host);
