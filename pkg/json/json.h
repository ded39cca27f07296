/* json: jansson for foreign bytes: bounded parsing, typed getters whose errors name the place, and output as Go prints it. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 128

typedef enum {
  JSON_PARSE_DEFAULT = 0,
  JSON_PARSE_UNIQUE_KEYS = 1 << 0,   /* an object naming a key twice is an error; otherwise the last one counts, as in Go */
} JsonParseFlags;

/* json_parse_bounded: one JSON value, nothing after it but white space; at most @limit bytes and JSON_MAX_DEPTH levels. NUL in a string is refused.
 * Returns a new reference, or NULL. Errors: CORRUPT, with line and column. */
json_t *json_parse_bounded (const char *data, size_t size, size_t limit, JsonParseFlags flags, GError **error);

/* json_lookup: follow @path, keys joined by '.' ("config.Env"), from @root; "" is @root itself. Missing, null, or through something that is no object: NULL.
 * Borrowed. For keys that contain a '.', use json_object_get. */
json_t *json_lookup (json_t *root, const char *path);

/* json_get_…: the value at @path. Missing or null: TRUE and *ret left as it was, so give it its default first. The wrong type, a number out of range, or a parent
 * that is no object: FALSE, CORRUPT, "config.Env: expected an array, found a string". What is returned is borrowed from @root unless said otherwise. */
gboolean json_get_string (json_t *root, const char *path, const char **ret, GError **error);
gboolean json_get_int (json_t *root, const char *path, gint64 min, gint64 max, gint64 *ret, GError **error);
gboolean json_get_bool (json_t *root, const char *path, gboolean *ret, GError **error);
gboolean json_get_array (json_t *root, const char *path, json_t **ret, GError **error);
gboolean json_get_object (json_t *root, const char *path, json_t **ret, GError **error);
/* json_get_strv: an array of strings, copied: *ret is freed (g_strfreev) and replaced, at most @max_items. */
gboolean json_get_strv (json_t *root, const char *path, size_t max_items, char ***ret, GError **error);
/* json_get_map: an object that must hold nothing but strings (labels, annotations). */
gboolean json_get_map (json_t *root, const char *path, json_t **ret, GError **error);

/* json_need: after a getter: "PATH: missing" (CORRUPT) when @value is NULL. */
gboolean json_need (const void *value, const char *path, GError **error);

/* json_strv: a new array of the strings of @strv (NULL: empty). */
json_t *json_strv (const char *const *strv);

/* json_pick: of an object those members whose keys are in @keys, read without building the rest: a row's config, of which a listing shows little. Keys with escapes are not found.
 * For text of our own: what is not asked for may be malformed. Returns a new object, or NULL when @text is no object or what is asked for cannot be read. */
json_t *json_pick (const char *text, const char *const *keys);

typedef enum {
  JSON_TEXT_DEFAULT = 0,
  JSON_TEXT_SORT = 1 << 0,          /* keys in byte order, as Go prints maps; otherwise in order of insertion, as Go prints structs */
  JSON_TEXT_ESCAPE_HTML = 1 << 1,   /* <, > and & as \u003c …: Go's json.Marshal; Podman's encoders switch it off */
} JsonTextFlags;

/* json_write: append @value to @out as Go's encoding/json writes it. @indent: spaces per level; 0: all on one line, no spaces. No final newline.
 * Podman indents lists (`ps --format json`) by 4, and `inspect` by 5. */
void json_write (GString *out, const json_t *value, int indent, JsonTextFlags flags);
/* json_write_string: @text as one JSON string; bytes that are no UTF-8 become U+FFFD. */
void json_write_string (GString *out, const char *text, size_t length, JsonTextFlags flags);
/* json_write_real: a float in Go's shortest form: 0.1, 1e+21, 1e-7; null when it is no number. */
void json_write_real (GString *out, double value);
/* json_to_text: json_write into a new string; free with g_free. */
char *json_to_text (const json_t *value, int indent, JsonTextFlags flags);
