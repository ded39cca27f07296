/* policy_file: where policy.json is. Source: containers-policy.json(5). */
#pragma once

#include <glib.h>
#include <jansson.h>

#define POLICY_LIMIT ((gsize) 4 << 20)

/* policy_file_path: the user's own, ~/.config/containers/policy.json, if there is one, else the system's. Free with g_free. */
char *policy_file_path (void);
/* policy_file_text: what is in it; free with g_free. policy_file_read: the same as JSON. Errors: NOT_FOUND; SYSTEM; CORRUPT no JSON object. */
char *policy_file_text (const char *path, GError **error);
json_t *policy_file_read (const char *path, GError **error);
