/* What the files of registry.h share. */
#pragma once

#include "pkg/registry/http.h"
#include "pkg/registry/registry.h"

/* registry_get: GET @path ("/v2/…") with the authorization for @scope, through redirects and tries. Any status may come back. */
HttpAnswer *registry_get (Registry *registry, const char *path, const char *scope, const char *const *headers, GError **error);
/* registry_send: any request; @request's url may be a path. @scope: one or several, parted by spaces. @retries: after the first try, of what may be better next time. */
HttpAnswer *registry_send (Registry *registry, const HttpRequest *request, const char *scope, guint retries, GError **error);
/* registry_throw_status: an answer that is not what was hoped for, as an error; returns FALSE. */
gboolean registry_throw_status (HttpAnswer *answer, GError **error);
/* registry_throw_refused: the same of a document that was put: UNSUPPORTED: the registry does not take this kind, or says what may mean that; INVALID: it refuses it otherwise. */
gboolean registry_throw_refused (HttpAnswer *answer, GError **error);
/* registry_next_page: what link.h finds in the Link header of a page of a list; NULL: it is the last one. Free with g_free. */
char *registry_next_page (const Registry *registry, const HttpAnswer *answer);
/* registry_wait: before try number @tries + 2; at least @asked seconds (Retry-After). */
void registry_wait (const Registry *registry, guint tries, gint64 asked);
guint registry_retries (const Registry *registry);
const char *registry_host (const Registry *registry);
