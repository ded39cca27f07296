/* change: one instruction of `--change` (import, commit), applied to the "config" object of an image config.
 * Source: podman-import(1) --change; the Dockerfile reference for the instructions' forms. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* image_change_apply: @text: "INSTRUCTION value" or "INSTRUCTION=value", with CMD ENTRYPOINT ENV EXPOSE LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR in any case.
 * CMD and ENTRYPOINT take a JSON array, or words for `/bin/sh -c`. ENV and LABEL: "a=b c='d e'", or one "a b". Errors: INVALID. */
gboolean image_change_apply (json_t *config, const char *text, GError **error);
