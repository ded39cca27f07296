#include "pkg/monitor/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

/* What a pipe or terminal that poll calls writable takes at once: PIPE_BUF (pipe(7)) */
#define WRITE_SIZE 4096

#define CONNECTIONS_WAITING 128
#define CONTROL_MS 2000
/* How long one waits to be let in: the monitor lets all in at once, unless it stands still (SIGSTOP) or has all the clients it takes */
#define CONNECT_SECONDS 2
/* How long an attached command waits for the container's end to be recorded */
#define RECORD_MS 10000

/* The mask from before the forwarded signals were blocked: a property of the process, as the mask is */
static sigset_t mask_before;

typedef struct {
  const MonitorClient *client;
  int signal_fd;
  int terminal;           /* of whose size the container's follows; -1: none */
  gboolean raw;
  struct termios modes;   /* from before raw mode */
  gboolean input_open;
  gboolean output_gone[3];   /* nobody reads our standard output (or error) any more, and SIGPIPE did not end us */
  DetachKeys keys;
  struct sigaction pipe_before;
  gboolean ended;
  MonitorResult result;
  gsize send_size;        /* of @input, waiting for room in the socket; 0 = nothing */
  int write_fd;           /* our standard output or error */
  gsize write_at, write_size;   /* of output.data, waiting for room there */
  struct {
    MonitorHeader header;
    char data[32768];
  } input;
  struct {
    MonitorHeader header;
    char data[MONITOR_DATA_MAX];
  } output;
} Session;

/* ---- signals */

int
monitor_client_block_signals (void)
{
  static const int left_alone[] = { SIGCHLD, SIGPIPE, SIGURG, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
  sigset_t set;
  sigfillset (&set);
  for (gsize i = 0; i < G_N_ELEMENTS (left_alone); i++)
    sigdelset (&set, left_alone[i]);
  if (sigprocmask (SIG_BLOCK, &set, &mask_before) < 0)
    return -errno;
  int fd = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

const sigset_t *
monitor_client_signal_mask (void)
{
  return &mask_before;
}

static gboolean
send_message (int socket, guint32 type, const void *data, gsize size)
{
  MonitorHeader header = { .type = type };
  struct iovec parts[2] = { { &header, sizeof header }, { (void *) data, size } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1 };
  ssize_t n;
  do
    n = sendmsg (socket, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n >= 0;
}

static void
set_raw (Session *session)
{
  struct termios raw = session->modes;
  cfmakeraw (&raw);
  /* TCSADRAIN: what was typed already is for the container, not to be thrown away */
  while (tcsetattr (STDIN_FILENO, TCSADRAIN, &raw) < 0 && errno == EINTR)
    continue;
}

static void
restore_terminal (Session *session)
{
  if (session->raw)
    (void) tcsetattr (STDIN_FILENO, TCSADRAIN, &session->modes);
  session->raw = FALSE;
}

static void
send_size (const Session *session)
{
  struct winsize window;
  if (session->terminal < 0 || ioctl (session->terminal, TIOCGWINSZ, &window) < 0 || (window.ws_row == 0 && window.ws_col == 0))
    return;
  MonitorSize size = { .rows = window.ws_row, .columns = window.ws_col };
  (void) send_message (session->client->socket, MONITOR_RESIZE, &size, sizeof size);
}

/* suffer: let @number do to this process what it would have done, had it not been blocked. */
static void
suffer (Session *session, int number)
{
  gboolean raw = session->raw;
  sigset_t one, saved;
  sigemptyset (&one);
  sigaddset (&one, number);
  restore_terminal (session);
  (void) raise (number);
  (void) sigprocmask (SIG_UNBLOCK, &one, &saved);
  (void) sigprocmask (SIG_SETMASK, &saved, NULL);
  if (raw)
    set_raw (session);
  session->raw = raw;
}

/* break_pipe: end as any program does whose output nobody reads: `run IMAGE yes | head -1` must return. A caller that ignores SIGPIPE wants us to go on. */
static void
break_pipe (Session *session, int fd)
{
  struct sigaction ignore;
  session->output_gone[fd] = TRUE;
  (void) sigaction (SIGPIPE, &session->pipe_before, &ignore);
  suffer (session, SIGPIPE);
  (void) sigaction (SIGPIPE, &ignore, NULL);
}

static void
forward_signal (Session *session, int number)
{
  const MonitorClient *client = session->client;
  if (number == SIGWINCH)
    {
      send_size (session);
      return;
    }
  /* after fg: the shell has put its own modes back */
  if (number == SIGCONT && session->raw)
    {
      set_raw (session);
      send_size (session);
    }
  if (!client->forward_signals)
    {
      suffer (session, number);
      return;
    }
  if (client->init_pidfd >= 0 && (syscall (SYS_pidfd_send_signal, client->init_pidfd, number, NULL, 0) == 0 || errno == ESRCH))
    return;
  gint32 wanted = number;
  (void) send_message (client->socket, MONITOR_SIGNAL, &wanted, sizeof wanted);
}

static void
serve_signals (Session *session)
{
  struct signalfd_siginfo info;
  while (read (session->signal_fd, &info, sizeof info) == (ssize_t) sizeof info)
    forward_signal (session, (int) info.ssi_signo);
}

/* ---- input */

static void
send_input (Session *session)
{
  ssize_t n = send (session->client->socket, &session->input, session->send_size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  /* a socket that is gone is noticed when receiving */
  session->send_size = 0;
}

/* put_input: @n bytes, 0 = the end, -1 = an error of reading, are at data + DETACH_KEYS_MAX: what of them is to be sent goes to the front. Returns its size; 0: not the end, but nothing
 * to send when @session->input_open still. */
static gsize
put_input (Session *session, ssize_t n)
{
  char *data = session->input.data;
  gboolean found = FALSE;
  if (n > 0)
    {
      gsize size = detach_keys_filter (&session->keys, data + DETACH_KEYS_MAX, (gsize) n, data, &found);
      session->result.detached = found;
      return size;
    }
  /* the end is met again */
  gsize size = detach_keys_flush (&session->keys, data);
  session->input_open = size > 0;
  return size;
}

/* read_input: one packet of what the user types or pipes in. A background process that reads its terminal is stopped by the kernel, as any program is; where it cannot
 * be (EIO), the input has ended. A terminal in raw mode has no end, it can only hang up: the window was closed, which is no Ctrl-D for the shell in the container. */
static void
read_input (Session *session)
{
  ssize_t n = read (STDIN_FILENO, session->input.data + DETACH_KEYS_MAX, sizeof session->input.data - DETACH_KEYS_MAX);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n <= 0 && session->raw)
    {
      session->input_open = FALSE;
      return;
    }
  gsize size = put_input (session, n);
  if (size == 0 && session->input_open)
    return;
  session->input.header.type = MONITOR_STDIN;
  session->send_size = sizeof session->input.header + size;
  send_input (session);
}

/* ---- output */

static void
write_output (Session *session)
{
  gsize size = MIN (session->write_size, WRITE_SIZE);
  int fd = session->write_fd;
  ssize_t n = session->output_gone[fd] ? (ssize_t) session->write_size : write (fd, session->output.data + session->write_at, size);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n < 0)
    {
      int errsv = errno;
      if (errsv == EPIPE)
        break_pipe (session, fd);
      else if (errsv == ENOSPC || errsv == EDQUOT)
        session->result.output_error = errsv;
      session->output_gone[fd] = TRUE;
      n = (ssize_t) session->write_size;
    }
  session->write_at += (gsize) n;
  session->write_size -= (gsize) n;
}

/* lose_output: what the monitor says has become of the container's output. */
static void
lose_output (Session *session, gsize size)
{
  gint32 number = EPIPE;
  if (size == sizeof number)
    memcpy (&number, session->output.data, sizeof number);
  if (number == EPIPE)
    break_pipe (session, STDOUT_FILENO);
  else
    session->result.output_error = number;
}

static void
handle (Session *session, gsize size)
{
  guint64 lost = 0;
  switch (session->output.header.type)
    {
    case MONITOR_OUTPUT:
    case MONITOR_OUTPUT_ERR:
      session->write_fd = session->output.header.type == MONITOR_OUTPUT ? STDOUT_FILENO : STDERR_FILENO;
      session->write_at = 0;
      session->write_size = size;
      break;
    case MONITOR_OUTPUT_CLOSED:
      lose_output (session, size);
      break;
    case MONITOR_LOST:
      if (size == sizeof lost)
        memcpy (&lost, session->output.data, sizeof lost);
      session->result.lost += lost;
      break;
    case MONITOR_STDIN_CLOSED:
      session->input_open = FALSE;
      session->send_size = 0;
      break;
    case MONITOR_EXITED:
      if (size == sizeof session->result.exit)
        {
          memcpy (&session->result.exit, session->output.data, sizeof session->result.exit);
          session->ended = TRUE;
        }
      break;
    default:
      break;
    }
}

static gboolean
receive (Session *session, GError **error)
{
  ssize_t n = recv (session->client->socket, &session->output, sizeof session->output, MSG_DONTWAIT);
  /* ECONNRESET is told once, when the monitor left input unread; its last messages come after */
  if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ECONNRESET))
    return TRUE;
  if (n < (ssize_t) sizeof session->output.header)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "container lost its monitor");
  handle (session, (gsize) n - sizeof session->output.header);
  return TRUE;
}

/* ---- the whole */

static gboolean
serve (Session *session, GError **error)
{
  gboolean writing = session->write_size > 0, sending = session->send_size > 0;
  struct pollfd polls[4] = {
    { .fd = session->signal_fd, .events = POLLIN },
    /* not while output waits: a hangup would be reported again and again */
    { .fd = writing && !sending ? -1 : session->client->socket, .events = (short) ((writing ? 0 : POLLIN) | (sending ? POLLOUT : 0)) },
    { .fd = session->input_open && !sending ? STDIN_FILENO : -1, .events = POLLIN },
    { .fd = writing ? session->write_fd : -1, .events = POLLOUT },
  };
  if (poll (polls, G_N_ELEMENTS (polls), -1) < 0)
    {
      int errsv = errno;
      return errsv == EINTR || coracle_throw_errno (error, errsv, "waiting for the container");
    }
  if (polls[0].revents != 0)
    serve_signals (session);
  if (polls[3].revents != 0)
    write_output (session);
  if (sending && polls[1].revents & (POLLOUT | POLLHUP | POLLERR))
    send_input (session);
  if (polls[2].revents != 0)
    read_input (session);
  if (session->result.detached)
    return TRUE;
  if (!writing && polls[1].revents & (POLLIN | POLLHUP | POLLERR))
    return receive (session, error);
  return TRUE;
}

static void
open_terminal (Session *session)
{
  const MonitorClient *client = session->client;
  session->terminal = -1;
  if (!client->tty)
    return;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && session->terminal < 0; fd++)
    if (isatty (fd))
      session->terminal = fd;
  /* without -i nothing is read, and Ctrl-C must stay a signal */
  if (client->interactive && tcgetattr (STDIN_FILENO, &session->modes) == 0)
    {
      session->raw = TRUE;
      set_raw (session);
    }
  send_size (session);
}

gboolean
monitor_client_attach (MonitorClient *client, GError **error)
{
  MonitorAttach streams = client->streams;
  streams.in = client->interactive != FALSE;
  client->said = TRUE;
  return send_message (client->socket, MONITOR_ATTACH, &streams, sizeof streams) || coracle_throw (error, CORACLE_ERROR_SYSTEM, "the container lost its monitor");
}

static void
attach (const MonitorClient *client)
{
  MonitorClient attaching = *client;
  if (client->attached && !client->said)
    (void) monitor_client_attach (&attaching, NULL);
}

/* wait_recorded: until the monitor leaves. */
static void
wait_recorded (Session *session)
{
  gint64 until = g_get_monotonic_time () + RECORD_MS * 1000;
  struct pollfd monitor = { .fd = session->client->socket, .events = POLLIN };
  for (gint64 left; (left = until - g_get_monotonic_time ()) > 0;)
    if (poll (&monitor, 1, (int) (left / 1000) + 1) > 0 && recv (monitor.fd, &session->output, sizeof session->output, MSG_DONTWAIT) == 0)
      break;
}

/* leave: the input before the keys goes first. */
static void
leave (Session *session)
{
  if (session->send_size > 0)
    (void) send (session->client->socket, &session->input, session->send_size, MSG_DONTWAIT | MSG_NOSIGNAL);
  monitor_client_detach (session->client->socket);
}

gboolean
monitor_client_run (const MonitorClient *client, int signal_fd, MonitorResult *ret_result, GError **error)
{
  g_autofree Session *session = g_new (Session, 1);
  memset (session, 0, offsetof (Session, input));
  session->client = client;
  session->signal_fd = signal_fd;
  session->input_open = client->interactive;
  if (client->detach_keys != NULL && (client->tty || isatty (STDIN_FILENO)))
    session->keys = *client->detach_keys;
  /* the terminal must be restored, so a closed standard output is an error, not an end */
  struct sigaction ignore = { .sa_handler = SIG_IGN };
  (void) sigaction (SIGPIPE, &ignore, &session->pipe_before);
  attach (client);
  open_terminal (session);
  gboolean ok = TRUE;
  while (ok && !session->result.detached && !(session->ended && session->write_size == 0))
    ok = serve (session, error);
  if (session->result.detached)
    leave (session);
  restore_terminal (session);
  if (ok && client->attached && !session->result.detached)
    wait_recorded (session);
  (void) sigaction (SIGPIPE, &session->pipe_before, NULL);
  if (ok)
    *ret_result = session->result;
  return ok;
}

/* ---- sockets */

static int
open_socket (int run_dir, struct sockaddr_un *ret_address)
{
  /* a folder's own path may be too long for an address: unix(7) */
  *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
  (void) snprintf (ret_address->sun_path, sizeof ret_address->sun_path, "/proc/self/fd/%d/" MONITOR_LISTENER_FILE, run_dir);
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

int
monitor_listener_open (int run_dir)
{
  struct sockaddr_un address;
  cleanup_fd int fd = open_socket (run_dir, &address);
  if (fd < 0)
    return fd;
  (void) unlinkat (run_dir, MONITOR_LISTENER_FILE, 0);
  if (bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, CONNECTIONS_WAITING) < 0)
    return -errno;
  return fd_steal (&fd);
}

int
monitor_client_connect (int run_dir)
{
  struct sockaddr_un address;
  cleanup_fd int fd = open_socket (run_dir, &address);
  if (fd < 0)
    return fd;
  const struct timeval limit = { .tv_sec = CONNECT_SECONDS }, none = { 0 };
  if (setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0
      || setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none) < 0)
    return -errno;
  return fd_steal (&fd);
}

int
monitor_client_control (int run_dir, MonitorMessageType type, const void *data, gsize size)
{
  cleanup_fd int fd = monitor_client_connect (run_dir);
  if (fd < 0)
    return fd;
  if (!send_message (fd, type, data, size))
    return -EPIPE;
  struct {
    MonitorHeader header;
    gint32 number;
  } answer;
  struct pollfd wait = { .fd = fd, .events = POLLIN };
  int r;
  while ((r = poll (&wait, 1, CONTROL_MS)) < 0 && errno == EINTR)
    continue;
  if (r == 0)
    return -ETIMEDOUT;
  if (recv (fd, &answer, sizeof answer, MSG_DONTWAIT) != (ssize_t) sizeof answer || answer.header.type != MONITOR_DONE)
    return -EPIPE;
  return -answer.number;
}

/* ---- words to the monitor */

gboolean
monitor_client_waited_for (int socket)
{
  struct pollfd monitor = { .fd = socket, .events = 0 };
  return poll (&monitor, 1, 0) == 0;
}

void
monitor_client_recorded (int socket)
{
  (void) send_message (socket, MONITOR_RECORDED, NULL, 0);
}

void
monitor_client_leaving (int socket)
{
  (void) send_message (socket, MONITOR_LEAVING, NULL, 0);
}

void
monitor_client_cleaned (int socket)
{
  (void) send_message (socket, MONITOR_CLEANED, NULL, 0);
}

void
monitor_client_detach (int socket)
{
  (void) send_message (socket, MONITOR_DETACH, NULL, 0);
}

int
monitor_exit_status (const MonitorExit *how)
{
  if (how->timed_out)
    return 255;
  if (WIFSIGNALED (how->status))
    return 128 + WTERMSIG (how->status);
  return WEXITSTATUS (how->status);
}

gboolean
monitor_exit_parse (const char *text, MonitorExit *ret_exit, GError **error)
{
  int status, timed_out, oom, end = 0;
  gint64 finished;
  if (sscanf (text, "%d %d %d %" G_GINT64_FORMAT "%n", &status, &timed_out, &oom, &finished, &end) != 4 || end == 0 || strcmp (text + end, "\n") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "exit file: not \"STATUS TIMED_OUT OOM FINISHED_US\"");
  *ret_exit = (MonitorExit) { .status = status, .timed_out = timed_out != 0, .oom = oom != 0, .finished_us = finished };
  return TRUE;
}
