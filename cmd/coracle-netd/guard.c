#include "netd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "network/sandbox.h"
#include "pkg/base/fd.h"
#include "pkg/seccomp/handmade.h"

/* ---- files of the first process: what programs are made of, to begin coracle-slirp again; the run folder; the resolver's file; processes. Not the user's home. */

/* Any folder that is on every system: a tmpfs over it, seen by nobody else, becomes the root */
#define BASE "/tmp"

/* make_parents: of a path below BASE. */
static void
make_parents (char *path)
{
  for (char *slash = strchr (path + strlen (BASE) + 1, '/'); slash != NULL; slash = strchr (slash + 1, '/'))
    {
      *slash = '\0';
      (void) mkdir (path, 0755);
      *slash = '/';
    }
}

/* show: what @fd is, at @path, where it was before. */
static gboolean
show (int fd, const char *path, gboolean writable)
{
  struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
  g_autofree char *source = g_strdup_printf ("/proc/self/fd/%d", fd), *target = g_strconcat (BASE, path, NULL);
  struct stat st;
  if (fstat (fd, &st) < 0)
    return FALSE;
  make_parents (target);
  if (S_ISDIR (st.st_mode) ? mkdir (target, 0755) < 0 && errno != EEXIST : mknod (target, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
    return FALSE;
  if (mount (source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
    return FALSE;
  return writable || syscall (SYS_mount_setattr, AT_FDCWD, target, AT_RECURSIVE, &attributes, sizeof attributes) == 0;
}

static const struct {
  const char *path;
  gboolean writable;
} shown[] = { { "/usr", FALSE }, { "/lib", FALSE }, { "/lib32", FALSE }, { "/lib64", FALSE }, { "/libx32", FALSE }, { "/bin", FALSE }, { "/nix", FALSE }, { "/gnu", FALSE },
              { "/etc", FALSE }, { "/proc", FALSE }, { "/dev/null", TRUE }, { "/dev/urandom", TRUE }, { "/dev/net/tun", TRUE } };

/* A path that is to be shown, opened while it can still be seen */
typedef struct {
  const char *path;
  int fd;
  gboolean writable;
} Source;

static void
add_source (GArray *sources, const char *path, int flags, gboolean writable)
{
  const Source source = { path, open (path, O_PATH | O_CLOEXEC | flags), writable };
  if (source.fd >= 0)
    g_array_append_val (sources, source);
}

static gboolean
show_all (const GArray *sources)
{
  for (guint i = 0; i < sources->len; i++)
    {
      const Source *source = &g_array_index (sources, Source, i);
      g_autofree char *target = g_strconcat (BASE, source->path, NULL);
      char link[4096];
      ssize_t n = readlinkat (source->fd, "", link, sizeof link - 1);
      link[n > 0 ? n : 0] = '\0';
      if (n > 0 ? symlink (link, target) < 0 : !show (source->fd, source->path, source->writable))
        return FALSE;
    }
  return TRUE;
}

/* leave_files: whatever cannot be done leaves all the host's files where they are, as does a user whose libraries are elsewhere: ld.so(8). */
static void
leave_files (const Netd *netd)
{
  g_autoptr (GArray) sources = g_array_new (FALSE, FALSE, sizeof (Source));
  g_autofree char *resolver = realpath ("/etc/resolv.conf", NULL), *folder = resolver != NULL ? g_path_get_dirname (resolver) : NULL;
  if (g_getenv ("LD_LIBRARY_PATH") != NULL)
    return;
  for (size_t i = 0; i < G_N_ELEMENTS (shown); i++)
    add_source (sources, shown[i].path, O_NOFOLLOW, shown[i].writable);
  add_source (sources, netd->libexec, 0, FALSE);
  add_source (sources, netd->run_root, 0, TRUE);
  if (folder != NULL && strcmp (folder, "/") != 0 && !g_str_has_prefix (folder, "/etc") && !g_str_has_prefix (folder, "/usr"))
    add_source (sources, folder, 0, FALSE);
  if (mount ("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,nr_inodes=256,mode=755") == 0)
    {
      struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
      /* where coracle-slirp puts its own */
      gboolean done = mkdir (BASE BASE, 0755) == 0 && show_all (sources) && chdir (BASE) == 0 && syscall (SYS_pivot_root, ".", ".") == 0;
      if (done)
        (void) (umount2 (".", MNT_DETACH) == 0 && chdir ("/") == 0 && syscall (SYS_mount_setattr, AT_FDCWD, "/", 0, &attributes, sizeof attributes) == 0);
      else
        (void) (chdir ("/") == 0 && umount2 (BASE, MNT_DETACH) == 0);
    }
  for (guint i = 0; i < sources->len; i++)
    fd_close (g_array_index (sources, Source, i).fd);
}

/* ---- calls */

#define REFUSE(name) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), ANSWER (REFUSED)

/* What nothing here asks for: other processes' memory, programs in the kernel, keys, handles of files, machines, clocks; and any program by its name: coracle-slirp is run by descriptor. It holds
 * for coracle-slirp and the children that work in namespaces too, so what they need stays. */
static const struct sock_filter first[] = {
  BEGIN,
#if defined __x86_64__
  /* x32's numbers */
  BPF_JUMP (BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), ANSWER (REFUSED),
#endif
  REFUSE (execve),
  REFUSE (ptrace),
  REFUSE (process_vm_readv),
  REFUSE (process_vm_writev),
  REFUSE (kcmp),
  REFUSE (bpf),
  REFUSE (perf_event_open),
  REFUSE (userfaultfd),
  REFUSE (io_uring_setup),
  REFUSE (io_uring_enter),
  REFUSE (io_uring_register),
  REFUSE (add_key),
  REFUSE (request_key),
  REFUSE (keyctl),
  REFUSE (name_to_handle_at),
  REFUSE (open_by_handle_at),
  REFUSE (fanotify_init),
  REFUSE (init_module),
  REFUSE (finit_module),
  REFUSE (delete_module),
  REFUSE (kexec_load),
  REFUSE (reboot),
  REFUSE (swapon),
  REFUSE (swapoff),
  REFUSE (acct),
  REFUSE (quotactl),
  REFUSE (syslog),
  REFUSE (personality),
  REFUSE (chroot),
  REFUSE (settimeofday),
  REFUSE (clock_settime),
  REFUSE (adjtimex),
  REFUSE (clock_adjtime),
  REFUSE (sethostname),
  REFUSE (setdomainname),
  REFUSE (vhangup),
  ANSWER (SECCOMP_RET_ALLOW),
};

/* Questions and answers: sockets of the internet, and what was told. No file, no process, no program, no other socket. */
static const struct sock_filter names[] = {
  BEGIN,
#ifdef SYS_epoll_wait
  ALLOW (epoll_wait),
#endif
  ALLOW (epoll_pwait),
  ALLOW (epoll_ctl),
  ALLOW (epoll_create1),
#ifdef SYS_poll
  ALLOW (poll),
#endif
  ALLOW (ppoll),
#ifdef SYS_recvfrom
  ALLOW (recvfrom),
  ALLOW (sendto),
#endif
  ALLOW (recvmsg),
  ALLOW (sendmsg),
  ALLOW (read),
  ALLOW (write),
  ALLOW_EITHER (socket, 0, AF_INET, AF_INET6),
  ALLOW (connect),
  ALLOW (accept4),
  ALLOW (getsockopt),
  ALLOW (setsockopt),
  ALLOW (dup),
  ALLOW (close),
  ALLOW (getrandom),
  ALLOW (clock_gettime),
  ALLOW (gettimeofday),
  ALLOW_MEMORY,
  ALLOW (futex),
  ALLOW (restart_syscall),
  ALLOW (rt_sigreturn),
  ALLOW (rt_sigprocmask),
  ALLOW (exit),
  ALLOW (exit_group),
  ANSWER (REFUSED),
};

static bool
load (const struct sock_filter *program, size_t n)
{
  struct sock_fprog filter = { .len = (unsigned short) n, .filter = (struct sock_filter *) (uintptr_t) program };
  return prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

bool
filter_names (void)
{
  return load (names, G_N_ELEMENTS (names));
}

gboolean
guard_first (const Netd *netd)
{
  /* namespaces are entered, made and opened from their processes; links, rules, port 53; coracle-slirp leaves its files and bounds itself */
  static const guint8 kept[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_SYS_PTRACE, CAP_SETPCAP };
  uint64_t bits = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (kept); i++)
    bits |= UINT64_C (1) << kept[i];
  sandbox_no_core ();
  leave_files (netd);
  return sandbox_keep_capabilities (bits) && load (first, G_N_ELEMENTS (first));
}
