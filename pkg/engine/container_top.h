/* container_top: the processes of a container, as `top` shows them. */
#pragma once

#include "pkg/engine/container.h"

/* container_top: @words: descriptors, each alone or several with commas between them: AIX's (%C %G …) or names (pid, user …); none = the usual columns. When one of them is unknown,
 * all are arguments of ps(1): the host's, run in the container's pid namespace; or the container's own when it has CAP_SYS_PTRACE, and so could take over the host's, or where the host has none.
 * @ret_text: a table with tabs between its columns and a newline after each row for descriptors, as ps printed it otherwise; free with g_free. @ret_table: which of both.
 * Needs neither the user namespace nor a store that can be written. One thread.
 * Errors: INVALID the container does not run; SYSTEM "ps(1) failed with exit code …"; what container_exec says.
 * Source: podman-top(1), ps(1) AIX FORMAT DESCRIPTORS; the headers and forms are those Podman 5.8 prints. */
gboolean container_top (Storage *storage, const ContainerView *view, const char *const *words, char **ret_text, gboolean *ret_table, GError **error);

/* top_descriptors: for completion and help: the names, sorted, NULL-terminated. Static. */
const char *const *container_top_descriptors (void);
