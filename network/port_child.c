/* The keeper of published ports, and what init tells it.
 *
 * Host's:  network, ipc, uts, and the command's mount namespace; it never opens a file.
 * Shared:  the user namespace of all of the user's containers, with all capabilities over it: it enters the container's network namespace for coracle-port, which drops them.
 * Dies:    with the monitor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "network/port_table.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894c
#endif

/* How long, in milliseconds, a server that died waits for the next: nothing may spin */
#define PAUSE 100

/* ---- one message: the network namespace, and what it can do */

int
port_attach_child (int to, int table_fd)
{
  const PortTable *table = port_table_map (table_fd);
  if (table == NULL)
    return -EBADF;
  uint32_t flags = (uint32_t) port_rules_child (table);
  (void) munmap ((void *) table, sizeof *table + table->n * sizeof (PortEntry));
  cleanup_fd int any = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  cleanup_fd int network = any < 0 ? -1 : ioctl (any, SIOCGSKNS);
  return network < 0 ? -errno : fd_send_with (to, network, &flags, sizeof flags);
}

/* ---- the keeper */

typedef struct {
  const PortTable *table;
  int socket, program, table_fd;
  int listeners;      /* epoll of all of them */
  int network;        /* of the container; -1: it is not there yet */
  uint32_t flags;
  pid_t server;       /* 0: none */
  int server_pidfd;
  bool pausing;
} Keeper;

static void
close_between (int from, int to)
{
  if (from < to)
    (void) syscall (SYS_close_range, (unsigned) from, (unsigned) to - 1, 0);
}

/* keep_only: the listeners where they are, what else is ours right above them; standard descriptors become /dev/null: a pipe of the caller must not be kept from its end. */
static bool
keep_only (Keeper *keeper)
{
  const PortTable *table = keeper->table;
  int *own[] = { &keeper->socket, &keeper->program, &keeper->table_fd };
  int last = table->n > 0 ? table->entries[table->n - 1].fd : 2, null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
    if ((*own[i] = fcntl (*own[i], F_DUPFD_CLOEXEC, last + 1)) < 0)
      return false;
  for (int fd = 0; fd <= 2; fd++)
    if (null < 0 || dup2 (null, fd) < 0)
      (void) close (fd);
  int next = 3;
  for (uint32_t i = 0; i < table->n; i++)
    {
      close_between (next, table->entries[i].fd);
      next = table->entries[i].fd + 1;
    }
  int highest = 0;
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
    highest = *own[i] > highest ? *own[i] : highest;
  for (int fd = next; fd < highest; fd++)
    if (fd != keeper->socket && fd != keeper->program && fd != keeper->table_fd)
      (void) close (fd);
  proc_close_from ((unsigned) highest + 1);
  return true;
}

static bool
watch_listeners (Keeper *keeper)
{
  keeper->listeners = epoll_create1 (EPOLL_CLOEXEC);
  struct epoll_event event = { .events = EPOLLIN };
  for (uint32_t i = 0; i < keeper->table->n; i++)
    if (epoll_ctl (keeper->listeners, EPOLL_CTL_ADD, keeper->table->entries[i].fd, &event) < 0)
      return false;
  return keeper->listeners >= 0;
}

/* put_number: at the end of @text of @size; returns its beginning. */
static char *
put_number (char *text, size_t size, unsigned number)
{
  char *at = text + size - 1;
  *at = '\0';
  do
    *--at = (char) ('0' + number % 10);
  while ((number /= 10) != 0);
  return at;
}

/* exec_server: in its process. Joining is done here, so that coracle-port needs no capability for it. */
_Noreturn static void
exec_server (Keeper *keeper)
{
  char table[16], flags[16];
  char *const argv[] = { (char *) "coracle-port", put_number (table, sizeof table, (unsigned) keeper->table_fd), put_number (flags, sizeof flags, keeper->flags), NULL };
  char *const envp[] = { NULL };
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  for (uint32_t i = 0; i < keeper->table->n; i++)
    (void) fcntl (keeper->table->entries[i].fd, F_SETFD, 0);
  (void) fcntl (keeper->table_fd, F_SETFD, 0);
  if (setns (keeper->network, CLONE_NEWNET) == 0)
    (void) syscall (SYS_execveat, keeper->program, "", argv, envp, AT_EMPTY_PATH);
  _exit (127);
}

static void
start_server (Keeper *keeper)
{
  keeper->pausing = true;
  pid_t pid = _Fork ();
  if (pid == 0)
    exec_server (keeper);
  if (pid < 0)
    return;
  keeper->server = pid;
  keeper->server_pidfd = proc_pidfd_open (pid);
}

static void
end_server (Keeper *keeper)
{
  if (keeper->server == 0)
    return;
  (void) kill (keeper->server, SIGKILL);
  while (waitpid (keeper->server, NULL, 0) < 0 && errno == EINTR)
    continue;
  fd_close (fd_steal (&keeper->server_pidfd));
  keeper->server = 0;
}

/* take_network: of the container's first, or next, start. */
static void
take_network (Keeper *keeper)
{
  uint32_t flags = 0;
  int network = fd_recv_with (keeper->socket, &flags, sizeof flags);
  if (network < 0)
    _exit (0);
  end_server (keeper);
  fd_close (keeper->network);
  keeper->network = network;
  keeper->flags = flags;
  keeper->pausing = false;
}

_Noreturn static void
keep (Keeper *keeper)
{
  enum { NETWORK, SERVER, LISTENERS, POLLS };
  for (;;)
    {
      bool idle = keeper->network >= 0 && keeper->server == 0;
      struct pollfd polls[POLLS] = { [NETWORK] = { .fd = keeper->socket, .events = POLLIN },
                                     [SERVER] = { .fd = keeper->server_pidfd, .events = POLLIN },
                                     [LISTENERS] = { .fd = idle && !keeper->pausing ? keeper->listeners : -1, .events = POLLIN } };
      int n = poll (polls, POLLS, idle && keeper->pausing ? PAUSE : -1);
      if (n < 0 && errno != EINTR)
        _exit (1);
      if (n <= 0)
        {
          keeper->pausing = keeper->pausing && n < 0;
          continue;
        }
      if (polls[SERVER].revents != 0)
        end_server (keeper);
      if (polls[NETWORK].revents != 0)
        take_network (keeper);
      else if (polls[LISTENERS].revents != 0)
        start_server (keeper);
    }
}

_Noreturn static void
become_keeper (Keeper *keeper)
{
  sigset_t none;
  sigemptyset (&none);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  (void) prctl (PR_SET_NAME, "coracle-port");
  if (!keep_only (keeper) || !watch_listeners (keeper))
    _exit (1);
  keep (keeper);
}

int
port_spawn_child (const char *program, int table_fd, int *ret_socket, pid_t *ret_pid)
{
  int sockets[2];
  const PortTable *table = port_table_map (table_fd);
  cleanup_fd int program_fd = open (program, O_PATH | O_CLOEXEC);
  if (table == NULL)
    return -EBADF;
  if (program_fd < 0 || access (program, X_OK) < 0)
    return -errno;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
    return -errno;
  Keeper keeper = { .table = table, .socket = sockets[1], .program = program_fd, .table_fd = table_fd, .network = -1, .server_pidfd = -1 };
  pid_t pid = _Fork ();
  if (pid == 0)
    become_keeper (&keeper);
  int r = pid < 0 ? -errno : 0;
  fd_close (sockets[1]);
  for (uint32_t i = 0; i < table->n; i++)
    fd_close (table->entries[i].fd);
  (void) munmap ((void *) table, sizeof *table + table->n * sizeof (PortEntry));
  if (r < 0)
    {
      fd_close (sockets[0]);
      return r;
    }
  *ret_socket = sockets[0];
  *ret_pid = pid;
  return 0;
}
