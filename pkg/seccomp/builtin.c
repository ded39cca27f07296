/* builtin: the profile used when no seccomp.json is installed: what the containers tools allow by default, as a table. Who refuses what:
 * calls listed nowhere are unknown to the profile and answer ENOSYS, so that programs take their older path; those that are known and
 * dangerous answer EPERM. */
#include "pkg/seccomp/internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

static const char allowed[] =
    "_llseek _newselect accept accept4 access adjtimex alarm bind brk capget capset chdir chmod chown chown32 clock_adjtime "
    "clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 "
    "clone clone3 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl "
    "epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group "
    "faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchown fchown32 fchownat "
    "fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsconfig fsetxattr fsmount fsopen fspick fstat "
    "fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_time64 futimesat get_mempolicy "
    "get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 "
    "getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 "
    "getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr "
    "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup io_submit ioctl "
    "ioprio_get ioprio_set ipc keyctl kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 "
    "lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise mbind membarrier "
    "memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mount mount_setattr "
    "move_mount mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
    "mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at "
    "nanosleep newfstatat open open_tree openat openat2 pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 pivot_root "
    "pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease "
    "process_vm_readv process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readdir "
    "readlink readlinkat readv reboot recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr rename "
    "renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
    "rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min "
    "sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
    "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop "
    "semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto set_mempolicy set_robust_list "
    "set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer "
    "setns setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit "
    "setsid setsockopt setuid setuid32 setxattr shmat shmctl shmdt shmget shutdown sigaction sigaltstack signal signalfd "
    "signalfd4 sigpending sigprocmask sigreturn sigsuspend socketcall socketpair splice stat stat64 statfs statfs64 statx "
    "symlink symlinkat sync sync_file_range syncfs syscall sysinfo syslog tee tgkill time timer_create timer_delete "
    "timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd timerfd_create timerfd_gettime "
    "timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask umount umount2 "
    "uname unlink unlinkat unshare utime utimensat utimensat_time64 utimes vfork wait4 waitid waitpid write writev";

/* Newer than Linux 6.1; a libseccomp that does not know one leaves it to ENOSYS. */
static const char allowed_newer[] =
    "cachestat fchmodat2 futex_requeue futex_wait futex_waitv futex_wake getxattrat listmount listxattrat lsm_get_self_attr "
    "lsm_list_modules lsm_set_self_attr map_shadow_stack mseal open_tree_attr removexattrat set_mempolicy_home_node "
    "setxattrat statmount uretprobe";

static const char refused[] =
    "bdflush io_pgetevents kexec_file_load kexec_load migrate_pages move_pages nfsservctl nice oldfstat oldlstat oldolduname "
    "oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write sgetmask ssetmask swapcontext swapoff swapon sysfs "
    "uselib userfaultfd ustat vm86 vm86old vmsplice";

/* Allowed to who has the capability, else EPERM. */
static const struct {
  int cap;
  const char *names;
} by_cap[] = {
  { CAP_DAC_READ_SEARCH, "open_by_handle_at" },
  { CAP_SYS_ADMIN, "bpf fanotify_init lookup_dcookie perf_event_open quotactl quotactl_fd setdomainname sethostname setns" },
  { CAP_SYS_CHROOT, "chroot" },
  { CAP_SYS_MODULE, "delete_module finit_module init_module query_module" },
  { CAP_SYS_PACCT, "acct" },
  { CAP_SYS_PTRACE, "kcmp process_madvise" },
  { CAP_SYS_RAWIO, "ioperm iopl" },
  { CAP_SYS_TIME, "clock_settime clock_settime64 settimeofday stime" },
  { CAP_SYS_TTY_CONFIG, "vhangup" },
};

static const struct {
  const char *arches;   /* of the machine */
  const char *names;
} by_arch[] = {
  { "ppc64le", "sync_file_range2" },
  { "arm arm64", "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2" },
  { "amd64 x32", "arch_prctl" },
  { "amd64 x32 x86", "modify_ldt" },
  { "s390 s390x", "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr" },
  { "riscv64", "riscv_flush_icache riscv_hwprobe" },
};

/* Architectures whose calls a process on the first may make too. */
static const char *const with_subs[][3] = {
  { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32" },
  { "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM" },
  { "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32" },
  { "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64" },
  { "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32" },
  { "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64" },
  { "SCMP_ARCH_S390X", "SCMP_ARCH_S390" },
};

/* PER_LINUX, PER_LINUX32, both with UNAME26, and the question "which is it". */
static const uint32_t personalities[] = { 0x0, 0x8, 0x20000, 0x20008, 0xffffffff };

static gboolean
has_word (const char *words, const char *word)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);
  return g_strv_contains ((const char *const *) list, word);
}

/* @number: the errno to answer; 0 = allow. Takes @args, which may be NULL. */
static void
rule_add (json_t *rules, const char *names, int number, json_t *args)
{
  json_t *list = json_array ();
  g_auto (GStrv) words = g_strsplit (names, " ", -1);
  for (char **word = words; *word != NULL; word++)
    json_array_append_new (list, json_string (*word));
  json_t *rule = json_pack ("{soss}", "names", list, "action", number == 0 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO");
  if (number != 0)
    json_object_set_new (rule, "errnoRet", json_integer (number));
  if (args != NULL)
    json_object_set_new (rule, "args", args);
  json_array_append_new (rules, rule);
}

static json_t *
arg_new (int index, uint32_t value, const char *op)
{
  return json_pack ("{sisIss}", "index", index, "value", (json_int_t) value, "op", op);
}

/* The audit socket can be opened only by who may write there: EINVAL makes libraries go on without it. */
static void
socket_rules (json_t *rules, uint64_t caps)
{
  if (caps & (UINT64_C (1) << CAP_AUDIT_WRITE))
    {
      rule_add (rules, "socket", 0, NULL);
      return;
    }
  rule_add (rules, "socket", EINVAL, json_pack ("[oo]", arg_new (0, AF_NETLINK, "SCMP_CMP_EQ"), arg_new (2, NETLINK_AUDIT, "SCMP_CMP_EQ")));
  rule_add (rules, "socket", 0, json_pack ("[o]", arg_new (2, NETLINK_AUDIT, "SCMP_CMP_NE")));
  rule_add (rules, "socket", 0, json_pack ("[o]", arg_new (0, AF_NETLINK, "SCMP_CMP_NE")));
}

static json_t *
arches_new (void)
{
  json_t *arches = json_array ();
  for (size_t i = 0; i < G_N_ELEMENTS (with_subs); i++)
    for (size_t k = 0; strcmp (with_subs[i][0], arch_native ()) == 0 && k < 3 && with_subs[i][k] != NULL; k++)
      json_array_append_new (arches, json_string (with_subs[i][k]));
  if (json_array_size (arches) == 0)
    json_array_append_new (arches, json_string (arch_native ()));
  return arches;
}

json_t *
builtin_resolve (uint64_t caps)
{
  json_t *rules = json_array ();
  rule_add (rules, refused, EPERM, NULL);
  rule_add (rules, allowed, 0, NULL);
  rule_add (rules, allowed_newer, 0, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (personalities); i++)
    rule_add (rules, "personality", 0, json_pack ("[o]", arg_new (0, personalities[i], "SCMP_CMP_EQ")));
  for (size_t i = 0; i < G_N_ELEMENTS (by_arch); i++)
    if (has_word (by_arch[i].arches, arch_native_short ()))
      rule_add (rules, by_arch[i].names, 0, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (by_cap); i++)
    rule_add (rules, by_cap[i].names, caps & (UINT64_C (1) << by_cap[i].cap) ? 0 : EPERM, NULL);
  socket_rules (rules, caps);
  return json_pack ("{sssisoso}", "defaultAction", "SCMP_ACT_ERRNO", "defaultErrnoRet", ENOSYS, "architectures", arches_new (),
                    "syscalls", rules);
}

uint64_t
builtin_digest (void)
{
  uint64_t digest = digest_bytes (DIGEST_SEED, allowed, sizeof allowed);
  digest = digest_bytes (digest, allowed_newer, sizeof allowed_newer);
  digest = digest_bytes (digest, refused, sizeof refused);
  for (size_t i = 0; i < G_N_ELEMENTS (by_cap); i++)
    digest = digest_bytes (digest ^ (uint64_t) by_cap[i].cap, by_cap[i].names, strlen (by_cap[i].names));
  for (size_t i = 0; i < G_N_ELEMENTS (by_arch); i++)
    digest = digest_bytes (digest, by_arch[i].names, strlen (by_arch[i].names));
  return digest_bytes (digest, personalities, sizeof personalities);
}
