/* parts: what the steps of `coracle run` cost, each measured alone with the project's own functions, for the budget's table.
 *
 *   parts ROUNDS CORACLE WORK
 *
 * CORACLE: the program (coracle-monitor beside it). WORK: a folder with lower (an unpacked root filesystem) and data/coracle (a store with an
 * image). Prints "NAME <tab> median ms" lines. Each measurement runs in a process of its own, forked with what it needs already there, so that one's namespaces
 * are not another's; the clock starts after the fork. In a real run several of these overlap. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "network/slirp.h"
#include "pkg/idmap/idmap.h"
#include "pkg/seccomp/seccomp.h"
#include "pkg/state/state.h"
#include "storage/overlay.h"

extern char **environ;

/* Podman's default capabilities, as a mask: which ones does not matter for the cost */
#define CAPS UINT64_C (0x800405fb)

typedef struct {
  const char *coracle, *work;
  char *monitor, *lower, *store, *cache, *run_root;
  double *ms;   /* shared with the forked child */
} Bench;

typedef struct {
  const char *name;
  gboolean (*prepare) (const Bench *bench, GError **error);   /* not timed; may be NULL */
  gboolean (*perform) (const Bench *bench, GError **error);
} Part;

static double
now_ms (void)
{
  struct timespec t;
  (void) clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static gboolean
failed (GError **error, const char *what)
{
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", what, g_strerror (errno));
  return FALSE;
}

static gboolean
spawn (const char *const *argv, GError **error)
{
  pid_t pid;
  int status;
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init (&quiet);
  for (int fd = 0; fd < 3; fd++)
    posix_spawn_file_actions_addopen (&quiet, fd, "/dev/null", O_RDWR, 0);
  errno = posix_spawn (&pid, argv[0], &quiet, NULL, (char *const *) argv, environ);
  posix_spawn_file_actions_destroy (&quiet);
  return (errno == 0 && waitpid (pid, &status, 0) == pid) || failed (error, argv[0]);
}

static gboolean
start_program (const Bench *bench, GError **error)
{
  return spawn ((const char *const[]) { bench->coracle, "--version", NULL }, error);
}

/* it finds nothing to do and ends */
static gboolean
start_monitor (const Bench *bench, GError **error)
{
  return spawn ((const char *const[]) { bench->monitor, NULL }, error);
}

static gboolean
enter (const Bench *bench, GError **error)
{
  IdmapPending *pending = NULL;
  return idmap_begin (bench->run_root, FALSE, &pending, error) && idmap_enter (pending, NULL, error);
}

static gboolean
open_state (const Bench *bench, GError **error)
{
  g_autoptr (State) state = state_open (bench->store, FALSE, error);
  g_autoptr (StateImage) image = state != NULL ? state_image_find (state, "localhost/bb:latest", error) : NULL;
  return image != NULL;
}

static gboolean
fill_cache (const Bench *bench, GError **error)
{
  g_autoptr (SeccompFilter) filter = seccomp_filter_new (NULL, CAPS, bench->cache, error);
  return filter != NULL;
}

static gboolean
load_filter (const Bench *bench, GError **error)
{
  g_autoptr (SeccompFilter) filter = seccomp_filter_new (NULL, CAPS, bench->cache, error);
  if (filter == NULL)
    return FALSE;
  (void) prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  int r = seccomp_load_child (filter->program, filter->n, filter->flags);
  errno = -r;
  return r == 0 || failed (error, "loading the filter");
}

static gboolean
mount_overlay (const Bench *bench, GError **error)
{
  const char *layers[] = { bench->lower, NULL };
  g_autofree char *upper = g_build_filename (bench->work, "floor/upper", NULL);
  g_autofree char *work = g_build_filename (bench->work, "floor/work", NULL);
  g_autofree char *target = g_build_filename (bench->work, "floor/merged", NULL);
  return overlay_mount (layers, upper, work, target, OVERLAY_AUTO, NULL, error);
}

static gboolean
unshare_rest (const Bench *bench, GError **error)
{
  return unshare (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) == 0 || failed (error, "namespaces");
}

static gboolean
enter_and_unshare (const Bench *bench, GError **error)
{
  return enter (bench, error) && unshare_rest (bench, error);
}

static gboolean
make_tap (const Bench *bench, GError **error)
{
  int sockets[2];
  SlirpNetwork network;
  slirp_network_init (&network);
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
    return failed (error, "socketpair");
  int r = slirp_attach_child (sockets[0], &network);
  errno = -r;
  return r == 0 || failed (error, "making the tap");
}

static const Part parts[] = {
  { "start and end of coracle", NULL, start_program },
  { "user namespace, newuidmap, newgidmap", NULL, enter },
  { "state: open, find the image, close", NULL, open_state },
  { "seccomp: read the cached filter, install", fill_cache, load_filter },
  { "overlay mount", enter, mount_overlay },
  { "six namespaces", enter, unshare_rest },
  { "tap, addresses, routes", enter_and_unshare, make_tap },
  { "start and end of coracle-monitor", NULL, start_monitor },
};

/* measure: in a child; FALSE when it failed, and said so */
static gboolean
measure (const Bench *bench, const Part *part)
{
  pid_t pid = fork ();
  if (pid == 0)
    {
      g_autoptr (GError) error = NULL;
      gboolean ok = part->prepare == NULL || part->prepare (bench, &error);
      double start = now_ms ();
      ok = ok && part->perform (bench, &error);
      *bench->ms = now_ms () - start;
      if (!ok)
        fprintf (stderr, "parts: %s: %s\n", part->name, error != NULL ? error->message : "failed");
      _exit (!ok);
    }
  int status;
  return waitpid (pid, &status, 0) == pid && status == 0;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

static void
bench_init (Bench *bench, char **argv)
{
  bench->coracle = argv[0];
  bench->work = argv[1];
  g_autofree char *folder = g_path_get_dirname (bench->coracle);
  bench->monitor = g_build_filename (folder, "coracle-monitor", NULL);
  bench->lower = g_build_filename (bench->work, "lower", NULL);
  bench->store = g_build_filename (bench->work, "data/coracle", NULL);
  bench->cache = g_build_filename (bench->work, "cache", NULL);
  bench->run_root = g_build_filename (bench->work, "parts-run", NULL);
  (void) mkdir (bench->run_root, 0700);
  bench->ms = mmap (NULL, sizeof *bench->ms, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int
main (int argc, char **argv)
{
  int rounds = argc == 4 ? atoi (argv[1]) : 0;
  if (rounds <= 0)
    {
      fprintf (stderr, "parts ROUNDS CORACLE WORK\n");
      return 2;
    }
  static Bench bench;
  bench_init (&bench, argv + 2);
  g_autofree double *samples = g_new (double, rounds);
  gboolean all = TRUE;
  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      gboolean ok = measure (&bench, &parts[i]);
      for (int round = 0; ok && round < rounds; round++)
        {
          ok = measure (&bench, &parts[i]);
          samples[round] = *bench.ms;
        }
      all &= ok;
      if (!ok)
        continue;
      qsort (samples, (size_t) rounds, sizeof *samples, compare);
      printf ("%s\t%.3f\n", parts[i].name, samples[rounds / 2]);
    }
  return !all;
}
