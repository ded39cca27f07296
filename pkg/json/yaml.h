/* yaml: a JSON value as YAML, as Podman prints what it shows as YAML: keys sorted, lists not indented below their key. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* yaml_write: append @value to @out, with a final newline. Objects and arrays as blocks, empty ones as {} and []; strings plain where that reads back as the same string, else
 * in single quotes; in double quotes what looks like a number or a word of YAML's, or cannot be shown; several lines as a literal block. Reads back as @value in YAML 1.1 and 1.2. */
void yaml_write (GString *out, const json_t *value);
