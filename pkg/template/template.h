/* template: Go's text/template over JSON values: what `--format` takes.
 *
 * The language: fields, variables, pipelines, literals, if, range (else, break, continue), with, define, template, block, comments, trim markers; Go's functions
 * and or not eq ne lt le gt ge len index slice print printf println html js urlquery, and Podman's json join split lower upper title pad truncate.
 *
 * JSON objects stand for Go structs: an unknown field is an error, as users of Podman expect, and objects print as {a b}. The ones that are maps in Go are known by
 * the key they hang from (Labels, Annotations, Networks, Options …: template_key_is_map): there a missing key is "<no value>", and they print as map[k:v].
 * A field is found by its exact name, else regardless of case and '_' (.ID finds "Id", .NetworkInterface finds "network_interface").
 * Strings in RFC 3339 under the keys of times (Created, StartedAt, FinishedAt …) are Go's time.Time: they print as those do, stay as they are in json and have its
 * methods (.Created.Unix, .Created.Format "2006-01-02", .State.FinishedAt.Sub .State.StartedAt: method.c lists them), and so have the durations, months and weekdays these give.
 * .Label "x" on an object with Labels gives that label or "".
 *
 * Any text is safe to run: nesting, work and output are bounded.
 * Errors: INVALID, worded as Go's: `template: format:1: function "foo" not defined`, `template: format:1:2: executing "format" at <.X>: can't evaluate field X in type object`.
 * Source: the documentation of Go's packages text/template and fmt; the --format sections of podman-ps(1), podman-images(1), podman-inspect(1). */
#pragma once

#include <glib.h>
#include <jansson.h>

/* template_check: would @format parse? Lets a command refuse a bad --format before it does anything. */
gboolean template_check (const char *format, GError **error);

/* template_is_json: is @format "json", "{{json}}" or "{{json .}}"? Those show values as other programs read them, not as a template sees them. */
gboolean template_is_json (const char *format);

/* template_write_json: what such a @format makes of @value, appended to @out: "json" and "{{json}}": the whole of it, indented by @indent, and a newline; "{{json .}}": each
 * element of a list, or what is no list, on one line of its own. */
void template_write_json (const char *format, const json_t *value, int indent, GString *out);

/* template_render: @format with @value as ".", appended to @out. "\t" and "\n" written out (outside of actions) become tab and newline; no newline is added.
 * "json" alone writes the value indented by 4. On failure @out may hold the part before it. */
gboolean template_render (const char *format, json_t *value, GString *out, GError **error);

/* A column's heading where it is not the field's name split into words and in capitals ("CreatedAt" → "CREATED AT"). */
typedef struct {
  const char *field;
  const char *heading;
} TemplateHeader;

typedef enum {
  TEMPLATE_DEFAULT = 0,
  TEMPLATE_NO_HEADING = 1 << 0,   /* --noheading: a table without its first line */
  TEMPLATE_NO_TIMES = 1 << 1,     /* what is under the keys of times are strings in Podman too */
} TemplateFlags;

/* template_render_list: what a list command prints for @array under Podman's rules: "json": the whole array, indented by 4, and a newline; "{{json .}}": a line for each;
 * "table …": a line of headings and one line per element, in columns at tabs (a space between actions counts as a tab); "{{range .}}…{{end}}": once, "." the array;
 * anything else: once per element, each on a line. @headers: ended by a NULL field; may be NULL. */
gboolean template_render_list (const char *format, json_t *array, const TemplateHeader *headers, TemplateFlags flags, GString *out, GError **error);

/* template_key_is_map: does an object under @key stand for a Go map? */
gboolean template_key_is_map (const char *key);
