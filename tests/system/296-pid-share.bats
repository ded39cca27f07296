#!/usr/bin/env bats
# 296-pid-share: a container that shares its pid namespace with others, and may trace, sees what is started in there; but of our programs, and of an init that has the host's mounts yet, nothing.
# root: no: real root's containers have no user namespace that would keep them apart

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
  needs_cc || return 0
  export OUTSIDE=$TEST_STORE/outside LOOK=$TEST_STORE/look
  mkdir -m 755 "$OUTSIDE"
  echo host-secret >"$OUTSIDE/secret"
  # as fast as can be: each process that was not there before is looked at, again and again while it lives
  cat >"$LOOK.c" <<'C'
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long seen, looked;
static void found (const char *what, int pid)
{
  printf ("%s %d\n", what, pid);
  fflush (stdout);
}
/* ours: is its program one of ours? By its name, which the kernel changes last when it execs, a moment after its memory. */
static int ours (int pid)
{
  char path[64], text[64];
  snprintf (path, sizeof path, "/proc/%d/comm", pid);
  int fd = open (path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read (fd, text, sizeof text - 1);
  close (fd);
  return n > 0 && strncmp (text, "coracle", 7) == 0;
}
/* names: can the file @name of its be read, and does it speak of what only our programs have? */
static int names (int pid, const char *name, int is_link)
{
  static char text[65536];
  char path[300];
  snprintf (path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = is_link ? -1 : open (path, O_RDONLY);
  ssize_t n = is_link ? readlink (path, text, sizeof text - 1) : fd < 0 ? -1 : read (fd, text, sizeof text - 1);
  if (fd >= 0)
    close (fd);
  if (n <= 0)
    return 0;
  text[n] = '\0';
  return memmem (text, (size_t) n, "coracle", 7) != NULL || memmem (text, (size_t) n, "/ct.", 4) != NULL;
}
static void look (int pid, const char *secret)
{
  static const char *const ways[] = { "root", "cwd" };
  char path[4096];
  for (size_t i = 0; i < 2; i++)
    {
      snprintf (path, sizeof path, "/proc/%d/%s%s", pid, ways[i], secret);
      if (access (path, F_OK) == 0)
        found (ways[i], pid);
    }
  if (!ours (pid))
    return;
  seen++;
  if (names (pid, "maps", 0))
    found ("memory", pid);
  if (names (pid, "environ", 0))
    found ("environment", pid);
  if (names (pid, "exe", 1))
    found ("program", pid);
  snprintf (path, sizeof path, "/proc/%d/fd", pid);
  DIR *fds = opendir (path);
  for (struct dirent *e; fds != NULL && (e = readdir (fds)) != NULL;)
    {
      snprintf (path, sizeof path, "fd/%s", e->d_name);
      if (e->d_name[0] != '.' && names (pid, path, 1))
        found ("descriptor", pid);
    }
  if (fds != NULL)
    closedir (fds);
  if (ptrace (PTRACE_SEIZE, pid, 0, 0) == 0)
    {
      if (names (pid, "maps", 0))
        found ("traced", pid);
      /* not killed: of a program that ours has just become, a health check's say, nothing would be left */
      ptrace (PTRACE_INTERRUPT, pid, 0, 0);
      waitpid (pid, NULL, __WALL);
      ptrace (PTRACE_DETACH, pid, 0, 0);
    }
}
int main (int argc, char **argv)
{
  int own = getpid ();
  signal (SIGCHLD, SIG_DFL);
  puts ("looking");
  fflush (stdout);
  for (;;)
    {
      DIR *proc = opendir ("/proc");
      for (struct dirent *e; proc != NULL && (e = readdir (proc)) != NULL;)
        {
          int pid = atoi (e->d_name);
          if (pid > 1 && pid != own)
            look (pid, argv[1]);
        }
      closedir (proc);
      if (++looked % 64 == 0)
        {
          int fd = open ("/count", O_WRONLY | O_CREAT | O_TRUNC, 0644);
          dprintf (fd, "%ld\n", seen);
          close (fd);
        }
    }
}
C
  cc -D_GNU_SOURCE -O2 -static -o "$LOOK" "$LOOK.c" 2>/dev/null || rm -f "$LOOK"
}

needs_cc() { command -v cc >/dev/null; }

setup() {
  basic_setup
  [ -x "${LOOK:-/none}" ] || skip "cc makes no static program here"
}

# watcher [FLAGS]: a container that looks at every process that it sees
watcher() {
  run_coracle run -d --name a "$@" -v "$LOOK:/look:ro" box /look "$OUTSIDE/secret"
  wait_for 30 logs_say a looking
}
nothing_found() {
  run_coracle logs a
  is "$output" "looking" "what a process of the container could look into, after: $1"
  run_coracle rm -f -t 0 -a
}

@test "pid share: the init of a container that joins is looked at by nobody, before it is the container's" {
  local way i
  for way in "--cap-add SYS_PTRACE" --privileged; do
    # shellcheck disable=SC2086
    watcher $way
    for i in $(seq 60); do coracle run --rm --pid container:a --network none box true || true; done
    for i in $(seq 5); do coracle run --rm --pid container:a box true || true; done
    echo "# our programs seen: $(coracle exec a cat /count)" >&3
    nothing_found "$way, run"
  done
}

@test "pid share: neither when it is started again, nor restarted by its monitor" {
  watcher --cap-add SYS_PTRACE
  local i
  run_coracle create --name b --pid container:a box true
  for i in $(seq 20); do coracle start b || true; coracle wait b; done
  run_coracle run -d --name c --pid container:a --restart on-failure:5 box false
  ended() { [ "$(coracle inspect -f '{{.State.Status}} {{.RestartCount}}' c)" = "exited 5" ]; }
  wait_for 60 ended
  run_coracle restart -t 0 c
  nothing_found "start"
}

@test "pid share: the programs that its monitor starts are not in there: health checks, the clean-up" {
  watcher --cap-add SYS_PTRACE
  run_coracle run -d --name b --pid container:a --health-cmd true --health-interval 100ms --restart always box sleep 3
  healthy() { [ "$(coracle inspect -f '{{.State.Health.Status}}' b)" = healthy ]; }
  wait_for 60 healthy
  again() { [ "$(coracle inspect -f '{{.RestartCount}}' b)" -ge 1 ]; }
  wait_for 30 again
  # and they go on after it
  local before
  last_check() { coracle inspect -f '{{range .State.Health.Log}}{{.Start}} {{end}}' b; }
  before=$(last_check)
  checked() { [ "$(last_check)" != "$before" ]; }
  wait_for 30 checked
  run_coracle run -d --rm --name third --pid container:a box true
  gone() { ! coracle container exists third; }
  wait_for 20 gone
  nothing_found "health"
}

@test "pid share: nor what ends an exec session that nobody waits for" {
  watcher --cap-add SYS_PTRACE
  local i
  for i in $(seq 30); do coracle exec -d a true; done
  coracle exec a true
  sleep 1
  nothing_found "exec -d"
}

@test "pid share: what a joined container is told of itself stays right" {
  run_coracle run -d --name a box sleep 1000
  run_coracle run --rm --pid container:a --oom-score-adj 500 box cat /proc/self/oom_score_adj
  is "$output" 500
  run_coracle run --rm --pid container:a box sh -c 'cat /proc/1/comm; ls /proc/self/fd | wc -l; cat /proc/self/attr/current 2>/dev/null; test -r /proc/self/environ && echo own'
  is "${lines[0]}" sleep "the first process is the other's"
  has "$output" own "its /proc/self is its own"
  run_coracle run -d --name b --pid container:a box sleep 1000
  run_coracle exec b sh -c 'cat /proc/1/comm'
  is "$output" sleep

  run_coracle create --name c --pid container:a box sh -c 'echo c; sleep 1000'
  run_coracle init c
  is "$(coracle inspect -f '{{.State.Status}}' c)" initialized
  run_coracle start c
  is "$(coracle inspect -f '{{.State.Status}}' c)" running
  run_coracle stats --no-stream b
  run_coracle top b
  run_coracle rm -f -t 0 -a
  no_leaks
}
