#include "network/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/fd.h"
#include "pkg/base/proc.h"
#include "pkg/seccomp/handmade.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* A worker that dies at once is not begun again without a pause */
#define PAUSE_MS 200

uint64_t
accel_cookie_child (int socket)
{
  uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return getsockopt (socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

/* ---- the container's side */

int
accel_attach_child (int to)
{
  /* only the calls of this machine's own kind: a 32-bit program's socketcall is slirp's */
  struct sock_filter program[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, arch)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = { .len = sizeof program / sizeof program[0], .filter = program };
  cleanup_fd int probe4 = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  cleanup_fd int probe6 = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  char ready;
  if (probe4 < 0)
    return -errno;
  if (fd_read_all (to, &ready, 1) != 1)
    return -EPIPE;
  if (accel_cookie_child (probe4) == 0)
    return -ENOSYS;
  cleanup_fd int listener = (int) syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  if (listener < 0)
    return -errno;
  int r = fd_send (to, listener);
  if (r == 0)
    r = fd_send (to, probe4);
  /* a kernel without IPv6 has no such addresses to ask for */
  return r < 0 ? r : fd_send (to, probe6 >= 0 ? probe6 : probe4);
}

/* ---- the supervisor shuts itself in */

/* leave_files. Should: leave a mount namespace whose root is the proc of our pid namespace, and nothing else. Mustn't: go on with the host's files. */
static int
leave_files (void)
{
  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount ("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0
      || chdir ("/proc") < 0 || syscall (SYS_pivot_root, ".", ".") < 0 || umount2 (".", MNT_DETACH) < 0 || chdir ("/") < 0)
    return -errno;
  return 0;
}

/* keep_three: what looking into the container's processes, and at their files in /proc, of whatever user, takes; and what a socket filter takes where the host's network namespace is of this user namespace. */
static int
keep_three (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct kept[2];
  memset (kept, 0, sizeof kept);
  kept[0].effective = kept[0].permitted = 1u << CAP_SYS_PTRACE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_NET_ADMIN;
  (void) prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int number = 0; prctl (PR_CAPBSET_DROP, number, 0, 0, 0) == 0 || errno == EPERM; number++)
    continue;
  return syscall (SYS_capset, &header, kept) < 0 || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static const uint32_t allowed[] = {
#ifdef SYS_poll
  SYS_poll,
#endif
#ifdef SYS_fork
  SYS_fork,
#endif
  SYS_ppoll, SYS_ioctl, SYS_process_vm_readv, SYS_pidfd_open, SYS_pidfd_getfd, SYS_recvmsg, SYS_connect, SYS_bind, SYS_getsockname, SYS_getsockopt, SYS_setsockopt, SYS_fcntl, SYS_close,
  SYS_read, SYS_openat, SYS_getdents64, SYS_readlinkat, SYS_fstat, SYS_epoll_ctl, SYS_dup3, SYS_clone, SYS_wait4, SYS_clock_gettime, SYS_rt_sigprocmask, SYS_rt_sigreturn,
  SYS_gettid, SYS_set_tid_address, SYS_set_robust_list, SYS_exit, SYS_exit_group, SYS_restart_syscall,
#ifdef SYS_newfstatat
  SYS_newfstatat,
#endif
#ifdef SYS_open
  SYS_open,
#endif
#ifdef SYS_readlink
  SYS_readlink,
#endif
#ifdef SYS_dup2
  SYS_dup2,
#endif
};
enum { ALLOWED = sizeof allowed / sizeof allowed[0] };

/* load_filter: no exec, no signal, no write to any file, no socket but internet ones. */
static int
load_filter (void)
{
  struct sock_filter program[2 * ALLOWED + 12];
  size_t n = 0;
  program[n++] = (struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, arch));
  program[n++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
  program[n++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  program[n++] = (struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr));
  for (size_t i = 0; i < ALLOWED; i++)
    {
      program[n++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
      program[n++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
  program[n++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  program[n++] = (struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args));
#else
  program[n++] = (struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args) + 4);
#endif
  program[n++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0);
  program[n++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1);
  program[n++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  program[n++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  struct sock_fprog filter = { .len = (unsigned short) n, .filter = program };
  return prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0 ? -errno : 0;
}

static void
raise_limit (void)
{
  struct rlimit files, none = { 0, 0 };
  if (getrlimit (RLIMIT_NOFILE, &files) == 0)
    {
      files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536;
      (void) setrlimit (RLIMIT_NOFILE, &files);
    }
  (void) setrlimit (RLIMIT_CORE, &none);
}

/* ---- the supervisor */

/* keep_only: @socket as 3; the standard ones are /dev/null: a pipe of the caller must not be kept from its end. */
static void
keep_only (int socket)
{
  int null = open ("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; fd++)
    if (null < 0 || dup2 (null, fd) < 0)
      (void) close (fd);
  if (socket != 3)
    (void) dup3 (socket, 3, O_CLOEXEC);
  proc_close_from (4);
}

/* serve_on: a worker, and another when it dies: with nobody to ask, connect would fail. */
_Noreturn static void
serve_on (const Accel *accel)
{
  for (;;)
    {
      int status = 0;
      pid_t worker = _Fork ();
      if (worker == 0)
        _exit (accel_serve_child (accel) == 0 ? 0 : 1);
      while (worker > 0 && wait4 (worker, &status, 0, NULL) < 0 && errno == EINTR)
        continue;
      if (worker > 0 && WIFEXITED (status) && WEXITSTATUS (status) == 0)
        _exit (0);
      (void) poll (NULL, 0, PAUSE_MS);
    }
}

_Noreturn static void
supervise (int socket_fd, const SlirpNetwork *network)
{
  Accel accel = { .network = *network };
  sigset_t none;
  sigemptyset (&none);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  (void) prctl (PR_SET_NAME, "coracle-accel");
  keep_only (socket_fd);
  raise_limit ();
  cleanup_fd int own = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  accel.outside = own >= 0 ? accel_cookie_child (own) : 0;
  /* the word that init waits for: from here on nothing but memory can fail */
  if (leave_files () < 0 || keep_three () < 0 || fd_write_all (3, "r", 1) < 0 || load_filter () < 0)
    _exit (1);
  accel.listener = fd_recv (3);
  accel.probe4 = accel.listener < 0 ? -1 : fd_recv (3);
  accel.probe6 = accel.probe4 < 0 ? -1 : fd_recv (3);
  if (accel.probe6 < 0)
    _exit (1);
  accel.inside = accel_cookie_child (accel.probe4);
  (void) close (3);
  serve_on (&accel);
}

int
accel_spawn_child (const SlirpNetwork *network, int *ret_socket, pid_t *ret_pid)
{
  int sockets[2];
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
    return -errno;
  pid_t pid = _Fork ();
  if (pid == 0)
    supervise (sockets[1], network);
  int r = pid < 0 ? -errno : 0;
  fd_close (sockets[1]);
  if (r < 0)
    {
      fd_close (sockets[0]);
      return r;
    }
  *ret_socket = sockets[0];
  *ret_pid = pid;
  return 0;
}
