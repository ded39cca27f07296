/* floor: the least work a rootless container start needs, as the limit that `coracle run` is measured against: a user namespace with a
 * range mapped by newuidmap and newgidmap at the same time, the other namespaces, overlay, /proc, /dev, /sys, pivot_root, exec.
 *
 *   floor [--parts] [--single] LOWER WORK COMMAND [ARG…]
 *
 * LOWER: an unpacked root filesystem. WORK: a folder of ours with upper, work and merged. --parts prints what each stage took (ms) to
 * standard error; --single maps one id and needs no helpers. No checks that a tool would make, no clean-up, no network but the empty namespace.
 *
 * Processes: this one keeps its namespaces, the `holder` unshares, the `init` (pid 1 of the new pid namespace) mounts and execs. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { START, USER_NAMESPACE, MAPS, NAMESPACES, OVERLAY, PROC_DEV_SYS, PIVOT, EXIT, STAMPS };
static const char *const stamp_names[STAMPS] = {
  [USER_NAMESPACE] = "fork, user namespace",
  [MAPS] = "newuidmap, newgidmap",
  [NAMESPACES] = "mount, pid, net, ipc, uts, cgroup namespaces",
  [OVERLAY] = "fork, overlay mount",
  [PROC_DEV_SYS] = "/proc, /dev, /sys",
  [PIVOT] = "pivot_root",
  [EXIT] = "exec of the command, exit, wait",
};
/* shared by the three processes */
static struct timespec *stamps;

typedef struct {
  const char *lower, *work;
  char **command;
  bool single;
} Floor;

static void
stamp (int which)
{
  (void) clock_gettime (CLOCK_MONOTONIC, &stamps[which]);
}

static void __attribute__ ((noreturn))
fail (const char *what)
{
  fprintf (stderr, "floor: %s: %s\n", what, strerror (errno));
  _exit (99);
}

static void
check (long result, const char *what)
{
  if (result < 0)
    fail (what);
}

static void
mount_dev (void)
{
  static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };
  check (mount ("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755"), "/dev");
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    {
      char from[32], to[32];
      snprintf (from, sizeof from, "/dev/%s", nodes[i]);
      snprintf (to, sizeof to, "dev/%s", nodes[i]);
      int fd = open (to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
      check (fd, to);
      close (fd);
      check (mount (from, to, NULL, MS_BIND, NULL), from);
    }
  check (mkdir ("dev/pts", 0755), "dev/pts");
  check (mount ("devpts", "dev/pts", "devpts", 0, "newinstance,ptmxmode=0666"), "/dev/pts");
  check (mkdir ("dev/shm", 0755), "dev/shm");
  check (mount ("shm", "dev/shm", "tmpfs", 0, NULL), "/dev/shm");
  check (mkdir ("dev/mqueue", 0755), "dev/mqueue");
  check (mount ("mqueue", "dev/mqueue", "mqueue", 0, NULL), "/dev/mqueue");
}

static void __attribute__ ((noreturn))
init_run (const Floor *floor)
{
  char merged[4096], options[3 * 4096];
  snprintf (merged, sizeof merged, "%s/merged", floor->work);
  snprintf (options, sizeof options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,userxattr", floor->lower, floor->work, floor->work);
  check (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "making mounts private");
  check (mount ("overlay", merged, "overlay", 0, options), "overlay");
  check (chdir (merged), merged);
  stamp (OVERLAY);

  check (mount ("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "/proc");
  mount_dev ();
  check (mount ("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "/sys");
  stamp (PROC_DEV_SYS);

  check (syscall (SYS_pivot_root, ".", "."), "pivot_root");
  check (umount2 (".", MNT_DETACH), "leaving the old root");
  check (chdir ("/"), "/");
  stamp (PIVOT);
  execv (floor->command[0], floor->command);
  fail (floor->command[0]);
}

static int
wait_for (pid_t pid)
{
  int status;
  check (waitpid (pid, &status, 0), "wait");
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

/* holder_run: unshares, says so on @made, waits for its maps on @mapped */
static void __attribute__ ((noreturn))
holder_run (const Floor *floor, int made, int mapped)
{
  char byte = 0;
  check (unshare (CLONE_NEWUSER), "user namespace");
  check (write (made, &byte, 1), "pipe");
  check (read (mapped, &byte, 1), "pipe");
  check (setresgid (0, 0, 0), "setresgid");
  check (setresuid (0, 0, 0), "setresuid");
  check (unshare (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP), "namespaces");
  stamp (NAMESPACES);
  pid_t init = fork ();
  check (init, "fork");
  if (init == 0)
    init_run (floor);
  _exit (wait_for (init));
}

/* map_start: newuidmap or newgidmap with the first range that @file (/etc/subuid, /etc/subgid) gives this user */
static pid_t
map_start (const char *program, const char *file, const char *target, unsigned own)
{
  char start[32] = "100000", count[32] = "65536", id[16], line[256];
  snprintf (id, sizeof id, "%u", own);
  const char *user = getenv ("USER") != NULL ? getenv ("USER") : "";
  FILE *ranges = fopen (file, "re");
  while (ranges != NULL && fgets (line, sizeof line, ranges) != NULL)
    {
      char name[64];
      if (sscanf (line, "%63[^:]:%31[0-9]:%31[0-9]", name, start, count) == 3 && (strcmp (name, user) == 0 || strcmp (name, id) == 0))
        break;
    }
  if (ranges != NULL)
    fclose (ranges);
  const char *argv[] = { program, target, "0", id, "1", "1", start, count, NULL };
  pid_t pid;
  if ((errno = posix_spawnp (&pid, program, NULL, NULL, (char *const *) argv, environ)) != 0)
    fail (program);
  return pid;
}

static void
map_write (pid_t pid, const char *file, const char *text)
{
  char path[64];
  snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, file);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  check (fd, path);
  check (write (fd, text, strlen (text)), path);
  close (fd);
}

static void
map_ids (const Floor *floor, pid_t holder)
{
  char target[16], map[64];
  if (floor->single)
    {
      map_write (holder, "setgroups", "deny");
      snprintf (map, sizeof map, "0 %u 1", getuid ());
      map_write (holder, "uid_map", map);
      snprintf (map, sizeof map, "0 %u 1", getgid ());
      map_write (holder, "gid_map", map);
      return;
    }
  snprintf (target, sizeof target, "%d", (int) holder);
  pid_t uids = map_start ("newuidmap", "/etc/subuid", target, getuid ());
  pid_t gids = map_start ("newgidmap", "/etc/subgid", target, getgid ());
  if (wait_for (uids) != 0 || wait_for (gids) != 0)
    _exit (98);
}

static int
floor_run (const Floor *floor)
{
  int made[2], mapped[2];
  char byte = 0;
  check (pipe2 (made, O_CLOEXEC), "pipe");
  check (pipe2 (mapped, O_CLOEXEC), "pipe");
  stamp (START);
  pid_t holder = fork ();
  check (holder, "fork");
  if (holder == 0)
    holder_run (floor, made[1], mapped[0]);
  check (read (made[0], &byte, 1), "pipe");
  stamp (USER_NAMESPACE);
  map_ids (floor, holder);
  stamp (MAPS);
  check (write (mapped[1], &byte, 1), "pipe");
  int status = wait_for (holder);
  stamp (EXIT);
  return status;
}

int
main (int argc, char **argv)
{
  Floor floor = { 0 };
  bool parts = false;
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; at++)
    {
      parts |= strcmp (argv[at], "--parts") == 0;
      floor.single |= strcmp (argv[at], "--single") == 0;
    }
  if (argc - at < 3)
    {
      fprintf (stderr, "floor [--parts] [--single] LOWER WORK COMMAND [ARG...]\n");
      return 2;
    }
  floor.lower = argv[at];
  floor.work = argv[at + 1];
  floor.command = argv + at + 2;
  stamps = mmap (NULL, STAMPS * sizeof *stamps, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (stamps == MAP_FAILED)
    fail ("mmap");
  int status = floor_run (&floor);
  for (int i = USER_NAMESPACE; parts && i < STAMPS; i++)
    fprintf (stderr, "%s\t%.3f\n", stamp_names[i], (double) (stamps[i].tv_sec - stamps[i - 1].tv_sec) * 1e3 + (double) (stamps[i].tv_nsec - stamps[i - 1].tv_nsec) / 1e6);
  return status;
}
