/* oci_runtime: by which name and path containers' runtime was asked for. There is one, this program itself, "coracle"; --runtime and containers.conf's engine.runtime and
 * [engine.runtimes] may give it other names, and a copy of the program is it, too. Another one is never run. Source: podman(1) --runtime, containers.conf(5). */
#pragma once

#include <glib.h>
#include <jansson.h>

#define OCI_RUNTIME "coracle"

typedef struct {
  char *name;   /* as it was asked for: a name or a path */
  char *path;   /* the program */
} OciRuntime;
void oci_runtime_clear (OciRuntime *runtime);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OciRuntime, oci_runtime_clear)

/* oci_runtime_own: the path of the program that `coracle` is, seen from it or from one of its helpers. */
char *oci_runtime_own (void);

/* oci_runtime_choose: what --runtime (@asked, NULL = not given), else engine.runtime of @conf (merged; NULL = none) names. @own: our program.
 * A runtime of another kind in containers.conf, a file shared with other tools, is passed over, with a line of log at the level info; asked for by --runtime it is an error.
 * Errors: INVALID, in Podman's words, what is nowhere; UNSUPPORTED another runtime; CANNOT_INVOKE flags for ours in [engine.runtimes_flags]: it has none. */
gboolean oci_runtime_choose (const json_t *conf, const char *asked, const char *own, OciRuntime *ret_runtime, GError **error);

/* oci_runtime_ask: the same of --runtime alone, for commands that start nothing: does it name ours? Reads containers.conf. */
gboolean oci_runtime_ask (const char *asked, GError **error);

/* oci_runtime_refuse_flag: the error of --runtime-flag: ours has no flags. Always FALSE, CANNOT_INVOKE. */
gboolean oci_runtime_refuse_flag (const char *flag, GError **error);
