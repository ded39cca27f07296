/* turns: time commands in turn (A B C A B C …), so that what the machine does meanwhile falls on all alike.
 *
 *   turns ROUNDS PAUSE_MS -- LABEL COMMAND [ARG…] -- LABEL COMMAND [ARG…] …
 *
 * Three runs before do not count, or $WARM_UPS.
 * PAUSE_MS is slept before each run, so that what one leaves to be torn down does not fall on the next.
 * Prints a line for each: LABEL <tab> median ms <tab> fastest ms <tab> 90th percentile ms <tab> peak RSS KiB <tab> runs that failed.
 * Peak RSS is that of the command and of the children it waited for (getrusage(2)). Commands get no input and no output; their
 * errors are seen. Links nothing but libc and is small: the RSS of a vforked child starts with its parent's. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { COMMANDS_MAX = 64 };

typedef struct {
  const char *label;
  char **argv;
  double *ms;
  long rss_kib;
  int failures;
} Command;

static double
now_ms (void)
{
  struct timespec t;
  (void) clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static void
pause_ms (long ms)
{
  struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
  (void) nanosleep (&t, NULL);
}

/* command_run: once; milliseconds from before the spawn to after the wait */
static double
command_run (Command *command, const posix_spawn_file_actions_t *actions)
{
  pid_t pid;
  int status;
  struct rusage usage;
  double start = now_ms ();
  int r = posix_spawnp (&pid, command->argv[0], actions, NULL, command->argv, environ);
  if (r != 0)
    {
      fprintf (stderr, "turns: %s: %s\n", command->argv[0], strerror (r));
      exit (1);
    }
  while (wait4 (pid, &status, 0, &usage) < 0 && errno == EINTR)
    ;
  double took = now_ms () - start;
  if (status != 0)
    command->failures++;
  if (usage.ru_maxrss > command->rss_kib)
    command->rss_kib = usage.ru_maxrss;
  return took;
}

static int
compare_ms (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* parse: the commands in @argv between "--"; returns how many */
static int
parse (char **argv, Command *commands)
{
  int n = 0;
  while (*argv != NULL)
    {
      if (strcmp (*argv, "--") != 0 || argv[1] == NULL || argv[2] == NULL || n == COMMANDS_MAX)
        return 0;
      *argv = NULL; /* ends the command before */
      commands[n].label = argv[1];
      commands[n++].argv = argv + 2;
      for (argv += 3; *argv != NULL && strcmp (*argv, "--") != 0;)
        argv++;
    }
  return n;
}

int
main (int argc, char **argv)
{
  static Command commands[COMMANDS_MAX];
  int rounds = argc > 1 ? atoi (argv[1]) : 0;
  long pause = argc > 2 ? atol (argv[2]) : 0;
  int n = argc > 3 ? parse (argv + 3, commands) : 0;
  if (rounds <= 0 || n == 0)
    {
      fprintf (stderr, "turns ROUNDS PAUSE_MS -- LABEL COMMAND [ARG...] -- ...\n");
      return 2;
    }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  for (int i = 0; i < n; i++)
    commands[i].ms = calloc ((size_t) rounds, sizeof (double));
  const char *asked = getenv ("WARM_UPS");
  int warm_ups = asked != NULL ? atoi (asked) : 3;   /* runs that do not count */
  for (int round = -warm_ups; round < rounds; round++)
    for (int i = 0; i < n; i++)
      {
        pause_ms (pause);
        double ms = command_run (&commands[i], &actions);
        if (round >= 0)
          commands[i].ms[round] = ms;
      }
  int failed = 0;
  for (int i = 0; i < n; i++)
    {
      Command *c = &commands[i];
      qsort (c->ms, (size_t) rounds, sizeof (double), compare_ms);
      printf ("%s\t%.3f\t%.3f\t%.3f\t%ld\t%d\n", c->label, c->ms[rounds / 2], c->ms[0], c->ms[rounds * 9 / 10], c->rss_kib, c->failures);
      failed |= c->failures != 0;
      free (c->ms);
    }
  return failed;
}
