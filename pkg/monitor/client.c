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
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

/* What a pipe or terminal that poll calls writable takes at once: PIPE_BUF (pipe(7)) */
#define WRITE_SIZE 4096

/* The mask from before the forwarded signals were blocked: a property of the process, as the mask is */
static sigset_t mask_before;

typedef struct {
  const MonitorClient *client;
  int signal_fd;
  int terminal;           /* of whose size the container's follows; -1: none */
  gboolean raw;
  struct termios modes;   /* from before raw mode */
  gboolean input_open;
  gboolean output_gone;   /* nobody reads our standard output any more, and SIGPIPE did not end us */
  struct sigaction pipe_before;
  gboolean ended;
  int output_error;       /* errno: a part of the container's output could not be written */
  MonitorExit *ret_exit;
  gsize send_size;        /* of @input, waiting for room in the socket; 0 = nothing */
  gsize write_at, write_size;   /* of output.data, waiting for room in our standard output */
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
break_pipe (Session *session)
{
  struct sigaction ignore;
  session->output_gone = TRUE;
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

/* read_input: one packet of what the user types or pipes in; detach keys would be looked for here. A background process that reads its terminal is
 * stopped by the kernel, as any program is; where it cannot be (EIO), the input has ended. */
static void
read_input (Session *session)
{
  ssize_t n = read (STDIN_FILENO, session->input.data, sizeof session->input.data);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n <= 0)
    {
      session->input_open = FALSE;
      n = 0;
    }
  session->input.header.type = MONITOR_STDIN;
  session->send_size = sizeof session->input.header + (gsize) n;
  send_input (session);
}

/* ---- output */

static void
write_output (Session *session)
{
  gsize size = MIN (session->write_size, WRITE_SIZE);
  ssize_t n = session->output_gone ? (ssize_t) session->write_size : write (STDOUT_FILENO, session->output.data + session->write_at, size);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n < 0)
    {
      int errsv = errno;
      if (errsv == EPIPE)
        break_pipe (session);
      else if (errsv == ENOSPC || errsv == EDQUOT)
        session->output_error = errsv;
      session->output_gone = TRUE;
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
    break_pipe (session);
  else
    session->output_error = number;
}

static void
handle (Session *session, gsize size)
{
  switch (session->output.header.type)
    {
    case MONITOR_OUTPUT:
      session->write_at = 0;
      session->write_size = size;
      break;
    case MONITOR_OUTPUT_CLOSED:
      lose_output (session, size);
      break;
    case MONITOR_STDIN_CLOSED:
      session->input_open = FALSE;
      session->send_size = 0;
      break;
    case MONITOR_EXITED:
      if (size == sizeof *session->ret_exit)
        {
          memcpy (session->ret_exit, session->output.data, sizeof *session->ret_exit);
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
    { .fd = writing ? STDOUT_FILENO : -1, .events = POLLOUT },
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
monitor_client_run (const MonitorClient *client, int signal_fd, MonitorExit *ret_exit, int *ret_output_error, GError **error)
{
  g_autofree Session *session = g_new (Session, 1);
  memset (session, 0, offsetof (Session, input));
  session->client = client;
  session->signal_fd = signal_fd;
  session->ret_exit = ret_exit;
  session->input_open = client->interactive;
  /* the terminal must be restored, so a closed standard output is an error, not an end */
  struct sigaction ignore = { .sa_handler = SIG_IGN };
  (void) sigaction (SIGPIPE, &ignore, &session->pipe_before);
  open_terminal (session);
  gboolean ok = TRUE;
  while (ok && !(session->ended && session->write_size == 0))
    ok = serve (session, error);
  restore_terminal (session);
  (void) sigaction (SIGPIPE, &session->pipe_before, NULL);
  if (ok)
    *ret_output_error = session->output_error;
  return ok;
}

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
