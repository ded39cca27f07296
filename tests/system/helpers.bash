# helpers: what every system test loads: its own store, the command under test, checks that print both sides, and a leak check.
#
#   load helpers
#   @test "a command's output and status" {
#     fixture_image box
#     run_coracle 3 run --rm box sh -c 'echo hello; exit 3'
#     is "$output" "hello" "what the container printed"
#   }
#
# The runner (tests/run) sets CORACLE_BIN (folder of the programs) and CORACLE_TEST_CACHE (fixtures made once). Without it, the
# build tree is used, so that `bats tests/system/010-x.bats` works by hand.
# A file that needs its own setup or teardown defines it and calls basic_setup_file, basic_setup, basic_teardown or basic_teardown_file.

bats_require_minimum_version 1.5.0

TESTS_DIR=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
: "${CORACLE_BIN:=$(cd "$TESTS_DIR/.." && pwd)/build/bin}"
: "${CORACLE:=$CORACLE_BIN/coracle}"
: "${CORACLE_TEST_CACHE:=/var/tmp/coracle-test-cache-$(id -u)}"
: "${CORACLE_TEST_TIMEOUT:=120}"
export CORACLE_BIN CORACLE CORACLE_TEST_CACHE CORACLE_TEST_TIMEOUT

# What may stay in the run folder when no container lives: the user namespaces' records and the folders of coracle-netd, which have their locks, and the events.
RUN_ROOT_KEEPS=(userns userns.single events netd netd.single)

### a store for each file

basic_setup_file() {
  # not BATS_FILE_TMPDIR: socket paths must fit 108 bytes
  TEST_STORE=$(mktemp -d /tmp/ct.XXXXXX)
  export TEST_STORE
  chmod 755 "$TEST_STORE"
  export HOME=$TEST_STORE/home XDG_DATA_HOME=$TEST_STORE/data XDG_CACHE_HOME=$TEST_STORE/cache XDG_CONFIG_HOME=$TEST_STORE/config
  export XDG_RUNTIME_DIR=$TEST_STORE/run TMPDIR=$TEST_STORE/tmp
  mkdir -m 700 "$HOME" "$XDG_DATA_HOME" "$XDG_CACHE_HOME" "$XDG_CONFIG_HOME" "$XDG_RUNTIME_DIR" "$TMPDIR"
  # real root's folders are fixed (/var/lib/coracle …): tests give it their own
  if [ "$(id -u)" = 0 ]; then
    mkdir "$TEST_STORE/bin"
    printf '#!/bin/sh\nexec "%s" --root "%s" --runroot "%s" "$@"\n' "$CORACLE" "$XDG_DATA_HOME/coracle" "$XDG_RUNTIME_DIR/coracle" >"$TEST_STORE/bin/coracle"
    chmod 755 "$TEST_STORE/bin/coracle"
    export CORACLE=$TEST_STORE/bin/coracle
  fi
  export STORE=$XDG_DATA_HOME/coracle RUN_ROOT=$XDG_RUNTIME_DIR/coracle
  # what the caller's shell had set, or the machine's containers.conf, must not steer a test
  : >"$TEST_STORE/containers.conf"
  export CONTAINERS_CONF=$TEST_STORE/containers.conf
  unset CONTAINERS_CONF_OVERRIDE CONTAINERS_STORAGE_CONF CONTAINER_HOST http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
}

basic_setup() { :; }

# basic_teardown: a failed test's containers must not fail the next one.
basic_teardown() {
  if [ -z "${BATS_TEST_COMPLETED-}" ] && [ -e "$STORE/state.db" ]; then
    coracle rm -a -f -t 0 >/dev/null 2>&1 || true
  fi
}

basic_teardown_file() {
  local leaks
  if [ -e "$STORE/state.db" ]; then coracle rm -a -f -t 0 >/dev/null 2>&1 || true; fi
  leaks=$(leaks_after 20)
  remove_tree "$TEST_STORE"
  if [ -n "$leaks" ]; then
    printf '# left over after %s:\n' "$(basename "$BATS_TEST_FILENAME")" >&2
    printf '%s\n' "$leaks" | sed 's/^/#   /' >&2
    return 1
  fi
}

setup_file() { basic_setup_file; }
setup() { basic_setup; }
teardown() { basic_teardown; }
teardown_file() { basic_teardown_file; }

### the command under test

# coracle ARGS…: the command itself, with this file's store.
coracle() {
  timeout --foreground -k 5 "$CORACLE_TEST_TIMEOUT" "$CORACLE" "$@"
}

# run_coracle [STATUS] ARGS…: run it, expect STATUS (0 if not given; "?" for any), leave $status, $output (stdout and stderr) and
# $lines as bats' run does. On a mismatch prints everything.
run_coracle() {
  local expected=0
  case ${1-} in
    [0-9] | [0-9][0-9] | [0-9][0-9][0-9] | '?') expected=$1; shift ;;
  esac
  run coracle "$@" </dev/null
  show_run "$expected" "coracle $*"
}

# run_coracle_out [STATUS] ARGS…: the same, but $output is stdout alone and $stderr the rest.
run_coracle_out() {
  local expected=0
  case ${1-} in
    [0-9] | [0-9][0-9] | [0-9][0-9][0-9] | '?') expected=$1; shift ;;
  esac
  run --separate-stderr coracle "$@" </dev/null
  # shellcheck disable=SC2154 # bats' run sets stderr
  [ -z "$stderr" ] || printf '%s\n' "stderr: $stderr"
  show_run "$expected" "coracle $*"
}

show_run() {
  # shellcheck disable=SC2154 # bats' run sets status and output
  printf '$ %s\n%s\n' "$2" "$output"
  [ "$status" = 0 ] || printf '[status %s]\n' "$status"
  if [ "$1" != '?' ] && [ "$status" != "$1" ]; then
    fail "status is $status, expected $1, of: $2"
  fi
}

### checks: what it is, what it should be, and which of the test's facts this is

fail() {
  printf '#| FAILED: %s\n' "$@" >&2
  return 1
}

# is GOT EXPECTED [WHAT]: equal strings.
is() {
  [ "$1" = "$2" ] || fail "${3:-value}" "  expected: $2" "  got:      $1"
}

# isnt GOT UNWANTED [WHAT]
isnt() {
  [ "$1" != "$2" ] || fail "${3:-value}: must not be: $2"
}

# like GOT REGEX [WHAT]: an extended regular expression matches somewhere.
like() {
  [[ $1 =~ $2 ]] || fail "${3:-value}" "  expected to match: $2" "  got: $1"
}

# not_like GOT REGEX [WHAT]
not_like() {
  if [[ $1 =~ $2 ]]; then fail "${3:-value}" "  must not match: $2" "  got: $1"; fi
}

# has GOT PART [WHAT]: contains the plain string.
has() {
  [[ $1 == *"$2"* ]] || fail "${3:-value}" "  expected to contain: $2" "  got: $1"
}

# wait_for SECONDS COMMAND…: until the command succeeds.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    if [ "$SECONDS" -ge "$deadline" ]; then fail "not within the time: $*" || return 1; fi
    sleep 0.05
  done
}

# waits_now PID: for wait_for: a command that was started in the background has done what it does at first, and waits. It sleeps, and has not been woken for a while.
waits_now() {
  local before
  before=$(switches "$1") || return 1
  sleep 0.2
  [ "$before" = "$(switches "$1")" ] && grep -q '^State:.S' "/proc/$1/status"
}
switches() { grep ctxt_switches "/proc/$1/status"; }

# command_is NAME WORDS: for wait_for: the first process of a container has become that command; what its shell did before is done.
command_is() {
  local pid
  pid=$(coracle container inspect --format '{{.State.Pid}}' "$1" 2>/dev/null) || return 1
  [ "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")" = "$2 " ]
}

# let_go NAME [FILE]: make the file that a container waits for, /go. If its end follows at once, that may kill the command that has just made it.
let_go() {
  run_coracle '?' exec "$1" touch "${2-/go}"
  [ "$status" = 137 ] || is "$status" 0 "status of what lets $1 go"
}

# file_has FILE TEXT: for wait_for.
file_has() { grep -qsF -- "$2" "$1"; }

### fixtures

# fixture NAME [ARG…]: print the path of a fixture, made once by tests/fixtures/make-NAME ARG… PATH (busybox.tar: make-busybox-tar). Fails
# with the script's status (3: this machine cannot).
fixture() {
  local name=$1 script path
  shift
  script=$TESTS_DIR/fixtures/make-${name/./-}
  # a changed script makes it anew
  path=$CORACLE_TEST_CACHE/$(sha256sum <"$script" | cut -c 1-8)-$name
  if [ ! -e "$path" ]; then
    mkdir -p "$CORACLE_TEST_CACHE"
    (flock 9 && { [ -e "$path" ] || "$script" "$@" "$path" >&2; }) 9>"$CORACLE_TEST_CACHE/.lock-$name" || return
  fi
  echo "$path"
}

# archives: print the folder with one image in every local transport (see make-archives).
archives() {
  local tar
  tar=$(fixture busybox.tar) && fixture archives "$tar"
}

# fixture_image NAME [IMPORT OPTIONS…]: import the busybox image under NAME (a file's store starts empty).
fixture_image() {
  local name=$1 tar
  shift
  tar=$(fixture busybox.tar) || fail "cannot make the busybox fixture"
  coracle image exists "$name" 2>/dev/null || run_coracle 0 import -q --change 'CMD ["sh"]' "$@" "$tar" "$name"
}

# needs COMMAND…: skip the test where a program is missing.
needs() {
  local c
  for c in "$@"; do command -v "$c" >/dev/null || skip "no $c on this machine"; done
}

# containers [-a]: the full ids of those that run (of all); some_run, none_run: for wait_for
containers() { coracle ps -q --no-trunc "$@"; }
some_run() { [ -n "$(containers)" ]; }
none_run() { [ -z "$(containers)" ]; }

# logs_say NAME TEXT: for wait_for: what a container prints arrives in its log when it arrives
logs_say() { [[ $(coracle logs "$1" 2>&1) == *"$2"* ]]; }

# diff_says NAME TEXT: for wait_for: a container has come so far as to make a file
diff_says() { [[ $(coracle diff "$1" 2>/dev/null) == *"$2"* ]]; }

# listens NAME PORT: for wait_for: a process in that container waits for connections there. till_listens PORT: the words of a shell inside that waits for it
listens() { coracle exec "$1" timeout 5 sh -c "$(till_listens "$2")" >/dev/null 2>&1; }
till_listens() { printf "until cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ':%04X [0-9A-F]*:0000 0A '; do sleep 0.05; done" "$1"; }

is_root() { [ "$(id -u)" = 0 ]; }

### what may not be left

# leaks_after SECONDS: print what is left over of this file's store, giving teardown (which nobody waits for) that long.
leaks_after() {
  local deadline=$((SECONDS + $1)) found
  while :; do
    found=$(leaks)
    if [ -z "$found" ] || [ "$SECONDS" -ge "$deadline" ]; then break; fi
    sleep 0.1
  done
  [ -z "$found" ] || printf '%s\n' "$found"
}

# no_leaks: fail the test if anything is left over when teardown, which nobody waits for, has had its time.
no_leaks() {
  local found
  found=$(leaks_after 20)
  [ -z "$found" ] || fail "left over:" "$found"
}

leaks() {
  left_processes
  left_files
  left_mounts
}

# left_processes: programs of ours, or processes in a user namespace that is not this shell's, that know this store by command
# line, environment or mounts.
left_processes() {
  local p pid name mine theirs
  mine=$(readlink /proc/self/ns/user)
  for p in /proc/[0-9]*; do
    pid=${p#/proc/}
    read -r name 2>/dev/null <"$p/comm" || continue
    case $name in
      coracle*) ;;
      *)
        theirs=$(readlink "$p/ns/user" 2>/dev/null) || continue
        [ "$theirs" != "$mine" ] || continue
        ;;
    esac
    if grep -qsaF -- "$TEST_STORE" "$p/cmdline" "$p/environ" "$p/mountinfo"; then
      printf 'process %s: %s: %s\n' "$pid" "$name" "$(tr '\0' ' ' <"$p/cmdline" 2>/dev/null)"
    fi
  done
}

left_files() {
  local f
  if [ -d "$RUN_ROOT" ]; then
    find "$RUN_ROOT" -mindepth 1 -maxdepth 1 -printf '%f\n' | while read -r f; do
      [[ " ${RUN_ROOT_KEEPS[*]} " == *" $f "* ]] || printf 'run folder: %s\n' "$f"
    done
  fi
  for f in tmp containers; do
    [ ! -d "$STORE/$f" ] || find "$STORE/$f" -mindepth 1 -maxdepth 1 -printf "store: $f/%f\n"
  done
}

left_mounts() {
  grep -F -- "$TEST_STORE" /proc/self/mountinfo | sed 's/^/mount: /' || true
}

# remove_tree DIR: also what belongs to subordinate ids.
remove_tree() {
  rm -rf "$1" 2>/dev/null && return 0
  unshare --user --map-root-user --map-auto rm -rf "$1" 2>/dev/null && return 0
  chmod -R u+rwX "$1" 2>/dev/null
  rm -rf "$1"
}
