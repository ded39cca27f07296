/* toml: the configuration files of containers-common (storage.conf, containers.conf, registries.conf) as JSON values.
 *
 * TOML 1.0 without dates: tables, arrays of tables, dotted and quoted keys, strings of all four kinds, integers (also 0x 0o 0b and _), floats, booleans, arrays,
 * inline tables, comments. Source: toml.io/en/v1.0.0. */
#pragma once

#include <glib.h>
#include <jansson.h>

#define TOML_LIMIT ((size_t) 1 << 20)

/* toml_parse: a whole document as a JSON object; new reference. Errors: INVALID "line N: what is wrong". Bounded: depth and size. */
json_t *toml_parse (const char *text, GError **error);

/* toml_read: the same from a file. A missing file is NULL without @error. Errors: as above with the path in front, SYSTEM. */
json_t *toml_read (const char *path, GError **error);
