/* image_scp: an image from one machine, or user, to another: `save` here into `load` there, over ssh. Nothing is kept in between.
 * Source: podman-image-scp(1). */
#pragma once

#include <glib.h>

#include "pkg/config/paths.h"

/* One end: "[[USER@]HOST[:PORT][/PATH]::][IMAGE]". */
typedef struct {
  char *host;      /* as ssh takes it, "USER@HOST"; NULL: this machine */
  char *port;      /* NULL: ssh's own choice */
  char *user;      /* on this machine: "USER@localhost::"; NULL: the caller */
  char *image;     /* "": none */
} ScpEnd;
void scp_end_clear (ScpEnd *end);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScpEnd, scp_end_clear)

typedef struct {
  ScpEnd from, to;
} ScpEnds;
void scp_ends_clear (ScpEnds *ends);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScpEnds, scp_ends_clear)

/* scp_parse: @to: NULL: one argument, of which "IMAGE HOST::" or "HOST::IMAGE" is a half. Errors: INVALID, in Podman's words. */
gboolean scp_parse (const char *from, const char *to, ScpEnds *ret_ends, GError **error);

typedef struct {
  const char *format;   /* docker-archive or oci-archive */
  gboolean quiet;
} ScpRequest;
/* image_scp: run both ends, which print for themselves: what was loaded on standard output. Whatever of coracle, podman and docker is there is used on another machine.
 * Runs in: the caller's own namespaces. Errors: NOT_FOUND no ssh, sudo or runuser; SYSTEM an end that failed. */
gboolean image_scp (const ConfigPaths *paths, const ScpEnds *ends, const ScpRequest *request, GError **error);
