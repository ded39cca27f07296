/* error: the project's one GError domain.
 *
 * Modules (pkg, storage, network) return gboolean or a pointer and fill a GError whose code is something a caller would
 * branch on; the text is for people and reads "doing what: what is wrong". cmd prints it once, after "Error: ", and maps
 * the code to an exit status. Nothing below cmd prints or exits. */
#pragma once

#include <glib.h>

#define CORACLE_ERROR (coracle_error_quark ())
GQuark coracle_error_quark (void);

typedef enum {
  CORACLE_ERROR_SYSTEM,         /* a system call failed; errno is in the text */
  CORACLE_ERROR_INVALID,        /* the caller's words: a flag, name or value that cannot be */
  CORACLE_ERROR_NOT_FOUND,      /* no such image, container, file */
  CORACLE_ERROR_EXISTS,         /* the name or id is taken */
  CORACLE_ERROR_IN_USE,         /* something still needs it */
  CORACLE_ERROR_UNSUPPORTED,    /* this kernel, build or version cannot do it */
  CORACLE_ERROR_CORRUPT,        /* foreign bytes that break their format or do not match their digest */
  CORACLE_ERROR_DENIED,         /* permission: no subuid range, namespaces forbidden, helper not setuid */
  CORACLE_ERROR_NO_SPACE,       /* disk or quota is full */
  CORACLE_ERROR_CANNOT_INVOKE,  /* the container's command was found but cannot be executed: exit status 126 */
  CORACLE_ERROR_NO_COMMAND,     /* the container's command was not found: exit status 127 */
} CoracleErrorCode;

/* coracle_throw: set @error and return FALSE, so that a function fails in one line:
 *   return coracle_throw (error, CORACLE_ERROR_NOT_FOUND, "%s: image not known", name); */
gboolean coracle_throw (GError **error, CoracleErrorCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* coracle_throw_errno: the same for a failed system call: appends ": " and strerror(@errsv).
 * @errsv: a positive errno, captured by the caller on the line after the call. ENOSPC and EDQUOT become NO_SPACE,
 * ENOENT becomes NOT_FOUND, EEXIST becomes EXISTS, EACCES and EPERM become DENIED, the rest SYSTEM. */
gboolean coracle_throw_errno (GError **error, int errsv, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* coracle_prefix: put "PREFIX: " before the text of @error (if it is set); returns FALSE. Whoever knows the noun (path, name,
 * id) adds it, once. */
gboolean coracle_prefix (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
