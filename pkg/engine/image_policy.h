/* image_policy: what policy.json allows to be pulled. Source: containers-policy.json(5).
 * Without any policy.json everything is allowed; what asks for signatures, which are not checked yet, refuses. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* image_policy_check: @transport: "docker"; @registry, @path, @reference (":tag" or "@digest"): the image. Errors: DENIED; UNSUPPORTED signatures; INVALID a broken file. */
gboolean image_policy_check (const char *transport, const char *registry, const char *path, const char *reference, GError **error);
/* image_policy_allows: the same with the document at hand. */
gboolean image_policy_allows (json_t *policy, const char *transport, const char *registry, const char *path, const char *reference, GError **error);
