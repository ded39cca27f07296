#include "pkg/cgroup/scope.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"

enum { WAIT_MS = 10000 };

struct ScopeRequest {
  int socket;
  gboolean begun; /* the handshake's answer has been read */
  GByteArray *in;
  char *job; /* object path, once the reply is there */
  char *unit;
};

void
scope_request_free (ScopeRequest *request)
{
  if (request == NULL)
    return;
  fd_close (request->socket);
  g_byte_array_unref (request->in);
  g_free (request->job);
  g_free (request->unit);
  g_free (request);
}

/* host_uid: what the manager knows us by: in a user namespace of ours the number is another one. Source: user_namespaces(7), uid_map's second field. */
static unsigned
host_uid (void)
{
  g_autofree char *text = NULL;
  unsigned inside, outside;
  unsigned own = (unsigned) geteuid ();
  if (path_read_file (-100, "/proc/self/uid_map", 1 << 16, &text, NULL, NULL) && sscanf (text, "%u %u", &inside, &outside) == 2 && inside == own)
    return outside;
  return own;
}

static char *
manager_socket (void)
{
  if (host_uid () == 0)
    return g_strdup ("/run/systemd/private");
  const char *folder = g_getenv ("XDG_RUNTIME_DIR");
  if (folder != NULL && folder[0] == '/')
    return g_build_filename (folder, "systemd/private", NULL);
  return g_strdup_printf ("/run/user/%u/systemd/private", host_uid ());
}

gboolean
scope_possible (void)
{
  g_autofree char *path = manager_socket ();
  return access (path, W_OK) == 0;
}

const char *
scope_slice (void)
{
  return host_uid () == 0 ? "machine.slice" : "user.slice";
}

/* connect_manager: connected, with the handshake and @message on the way: D-Bus lets a client go on without waiting for the server's OK. */
static int
connect_manager (const GByteArray *message, GError **error)
{
  g_autofree char *path = manager_socket ();
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  if (strlen (path) >= sizeof address.sun_path)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: too long for a socket's path", path), -1;
  memcpy (address.sun_path, path, strlen (path));
  cleanup_fd int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "connecting to systemd at %s", path), -1;
    }
  g_autofree char *number = g_strdup_printf ("%u", host_uid ());
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_byte_array_append (out, (const guint8 *) "\0AUTH EXTERNAL ", 15);
  for (const char *digit = number; *digit != '\0'; digit++)
    {
      char hex[3];
      g_snprintf (hex, sizeof hex, "%02x", (unsigned) *digit);
      g_byte_array_append (out, (const guint8 *) hex, 2);
    }
  g_byte_array_append (out, (const guint8 *) "\r\nBEGIN\r\n", 9);
  g_byte_array_append (out, message->data, message->len);
  if (send (fd, out->data, out->len, MSG_NOSIGNAL) != (ssize_t) out->len)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "writing to systemd at %s", path), -1;
    }
  return fd_steal (&fd);
}

static ScopeRequest *
request_new (const GByteArray *message, const char *unit, GError **error)
{
  int fd = connect_manager (message, error);
  if (fd < 0)
    return NULL;
  ScopeRequest *request = g_new0 (ScopeRequest, 1);
  *request = (ScopeRequest) { .socket = fd, .in = g_byte_array_new (), .unit = g_strdup (unit) };
  return request;
}

ScopeRequest *
scope_begin (const char *unit, const char *slice, GError **error)
{
  g_autoptr (GByteArray) message = scope_message_start (unit, slice, (guint32) getpid ());
  return request_new (message, unit, error);
}

/* skip_handshake: the line "OK GUID\r\n" stands before the first message. */
static gboolean
skip_handshake (ScopeRequest *request, GError **error)
{
  if (request->begun)
    return TRUE;
  const guint8 *end = memchr (request->in->data, '\n', request->in->len);
  if (end == NULL)
    return TRUE;
  if (request->in->len < 3 || memcmp (request->in->data, "OK ", 3) != 0)
    return coracle_throw (error, CORACLE_ERROR_DENIED, "systemd's manager refuses this user");
  g_byte_array_remove_range (request->in, 0, (guint) (end + 1 - request->in->data));
  request->begun = TRUE;
  return TRUE;
}

static gboolean
receive (ScopeRequest *request, gint64 deadline, GError **error)
{
  struct pollfd polled = { .fd = request->socket, .events = POLLIN };
  gint64 left = (deadline - g_get_monotonic_time ()) / 1000;
  int n = left > 0 ? poll (&polled, 1, (int) left) : 0;
  if (n < 0 && errno == EINTR)
    return TRUE;
  if (n <= 0)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "systemd did not answer in time");
  guint8 buffer[4096];
  ssize_t got = recv (request->socket, buffer, sizeof buffer, 0);
  if (got <= 0)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "systemd closed the connection");
  g_byte_array_append (request->in, buffer, (guint) got);
  return skip_handshake (request, error);
}

/* next_message: waits for one. The caller clears it. */
static gboolean
next_message (ScopeRequest *request, gint64 deadline, ScopeMessage *ret_message, GError **error)
{
  for (;;)
    {
      gssize size = request->begun ? scope_message_size (request->in->data, request->in->len) : 0;
      if (size < 0)
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "systemd's answer is not D-Bus");
      if (size > 0)
        {
          gboolean whole = scope_message_read (request->in->data, (gsize) size, ret_message);
          g_byte_array_remove_range (request->in, 0, (guint) size);
          return whole || coracle_throw (error, CORACLE_ERROR_CORRUPT, "systemd's answer is not D-Bus");
        }
      if (!receive (request, deadline, error))
        return FALSE;
    }
}

static gboolean
throw_answer (const ScopeRequest *request, const ScopeMessage *message, GError **error)
{
  const char *text = message->texts[0] != NULL ? message->texts[0] : message->error_name != NULL ? message->error_name
                                                                                                 : "failed";
  return coracle_throw (error, CORACLE_ERROR_SYSTEM, "systemd: unit %s: %s", request->unit, text);
}

/* take: @ret_done when the message ends the waiting: the reply to a call without a job, or the job's end. */
static gboolean
take (ScopeRequest *request, const ScopeMessage *message, gboolean *ret_done, GError **error)
{
  if (message->type == 3 && message->reply_serial == 1)
    return throw_answer (request, message, error);
  if (message->type == 2 && message->reply_serial == 1)
    {
      request->job = g_strdup (message->texts[0]);
      *ret_done = request->job == NULL;
    }
  /* JobRemoved (u id, o job, s unit, s result) */
  if (message->type == 4 && g_strcmp0 (message->member, "JobRemoved") == 0 && g_strcmp0 (message->texts[1], request->unit) == 0)
    {
      *ret_done = TRUE;
      if (g_strcmp0 (message->texts[2], "done") != 0)
        return coracle_throw (error, CORACLE_ERROR_SYSTEM, "systemd: starting unit %s: %s", request->unit, message->texts[2]);
    }
  return TRUE;
}

gboolean
scope_wait (ScopeRequest *request, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + WAIT_MS * 1000;
  for (gboolean done = FALSE; !done;)
    {
      ScopeMessage message = { 0 };
      if (!next_message (request, deadline, &message, error))
        return FALSE;
      gboolean good = take (request, &message, &done, error);
      scope_message_clear (&message);
      if (!good)
        return FALSE;
    }
  return TRUE;
}

gboolean
scope_attach (const char *unit, const char *below, pid_t pid, GError **error)
{
  g_autoptr (GByteArray) message = scope_message_attach (unit, below, (guint32) pid);
  g_autoptr (ScopeRequest) request = request_new (message, unit, error);
  return request != NULL && scope_wait (request, error);
}
