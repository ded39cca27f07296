/* scope: a systemd scope unit for this process, asked of the user's manager (real root: the system's) on its own socket, RUNTIME_DIR/systemd/private, which speaks D-Bus without a bus: no library, no Hello,
 * one round trip. Source: D-Bus specification; org.freedesktop.systemd1(5) StartTransientUnit, AttachProcessesToUnit, JobRemoved. Internal to pkg/cgroup. */
#pragma once

#include <glib.h>

/* scope_possible: is there a manager that could be asked? */
gboolean scope_possible (void);

/* scope_slice: where a scope goes when nobody says: "user.slice", of real root "machine.slice". */
const char *scope_slice (void);

typedef struct ScopeRequest ScopeRequest;
/* scope_begin: send the request for @unit ("libpod-ID.scope") in @slice with this process in it, delegated. NULL with @error: nobody there. */
ScopeRequest *scope_begin (const char *unit, const char *slice, GError **error);
/* scope_wait: until the unit is started; at most a few seconds. Errors: DENIED, SYSTEM with systemd's own words. */
gboolean scope_wait (ScopeRequest *request, GError **error);
void scope_request_free (ScopeRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScopeRequest, scope_request_free)

/* scope_attach: move @pid into the group @below ("/container") of @unit, a scope or service that is delegated. */
gboolean scope_attach (const char *unit, const char *below, pid_t pid, GError **error);

/* ---- for the tests: what is sent and understood */
GByteArray *scope_message_start (const char *unit, const char *slice, guint32 pid);
GByteArray *scope_message_attach (const char *unit, const char *below, guint32 pid);
/* scope_message_size: bytes of the message that begins at @data, of which @n are there; 0 = more are needed, -1 = not a message (or one that is too large). */
gssize scope_message_size (const guint8 *data, gsize n);
typedef struct {
  guint8 type; /* 2 a reply, 3 an error, 4 a signal */
  guint32 reply_serial;
  char *member, *error_name, *signature;
  char *texts[4]; /* strings and object paths of the body, in order, as far as they are its types; a leading number is left out */
} ScopeMessage;
void scope_message_clear (ScopeMessage *message);
/* scope_message_read: a whole message. FALSE: it breaks the format. */
gboolean scope_message_read (const guint8 *data, gsize n, ScopeMessage *ret_message);
