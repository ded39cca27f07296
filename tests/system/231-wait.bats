#!/usr/bin/env bats
# 231-wait: waiting for containers to end, or to be in another state.
# root: yes

load helpers

setup() {
  fixture_image box
}

# live NAME [OPTIONS… --] COMMAND…: a container that runs.
live() {
  local name=$1 options=()
  shift
  if [[ " $* " == *" -- "* ]]; then
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
  fi
  [ $# -gt 0 ] || set -- sleep 1000
  "$CORACLE" run --name "$name" --net none -v "$TEST_STORE/shared:/shared" "${options[@]}" box "$@" </dev/null >/dev/null 2>&1 3>&- &
  wait_for 30 is_up "$name"
}

is_up() { [ "$(coracle ps --filter "name=^$1\$" --format '{{.Names}}' 2>/dev/null)" = "$1" ]; }
show() { coracle container inspect --format "$2" "$1"; }

told_to_end() { : >"$TEST_STORE/shared/$1"; }

setup_file() {
  basic_setup_file
  mkdir -m 777 "$TEST_STORE/shared"
}

# waits ARGS…: `wait ARGS…` in the background; its output is in wait.out; $! its process.
waits() {
  "$CORACLE" wait "$@" >"$TEST_STORE/wait.out" 2>&1 </dev/null 3>&- &
}

# begun PID: it waits by now.
begun() { wait_for 30 waits_now "$1" || fail "it did not wait: $(cat "$TEST_STORE/wait.out")"; }

# has_waited PID STATUS OUTPUT
has_waited() {
  local status=0
  wait "$1" || status=$?
  is "$status" "$2" "status of wait: $(cat "$TEST_STORE/wait.out")"
  is "$(cat "$TEST_STORE/wait.out")" "$3"
}

still_waits() { kill -0 "$1" || fail "it did not wait: $(cat "$TEST_STORE/wait.out")"; }

@test "wait: one that has ended, one that never ran" {
  run_coracle 3 run --name over --net none box sh -c 'exit 3'
  run_coracle 0 wait over
  is "$output" 3
  run_coracle 0 container wait over over
  is "$output" "3"$'\n'"3"
  run_coracle 0 wait --latest
  is "$output" 3
  run_coracle 0 wait --condition exited over
  is "$output" 3
  run_coracle 0 rm over
}

@test "wait: until it ends" {
  live later sh -c 'while [ ! -e /shared/later ]; do sleep 0.02; done; exit 9'
  waits later
  local waiter=$!
  begun $waiter
  still_waits $waiter
  told_to_end later
  has_waited $waiter 0 9
  run_coracle 0 rm later
}

@test "wait: the code of one that is removed at its end" {
  local i
  for i in 1 2 3 4 5; do
    live "fleeting$i" --rm -- sh -c "while [ ! -e /shared/fleeting$i ]; do sleep 0.02; done; exit 4"
    waits "fleeting$i"
    begun $!
    told_to_end "fleeting$i"
    has_waited $! 0 4
  done
  live gone --rm -- sh -c 'while [ ! -e /shared/gone ]; do sleep 0.02; done; exit 5'
  waits --condition=removing gone
  local waiter=$!
  begun $waiter
  told_to_end gone
  has_waited $waiter 0 5
  is "$(coracle ps -aq)" "" "it is gone on return"
  no_leaks
}

@test "wait: with a restart policy the next end is what counts" {
  run_coracle 0 run -d --restart always --name again --net none box sh -c 'sleep 0.3; exit 4'
  run_coracle 0 wait again
  is "$output" 4
  run_coracle 0 rm -f -t 0 again
}

@test "wait: several, in the order given" {
  live w1 sh -c 'while [ ! -e /shared/w1 ]; do sleep 0.02; done; exit 1'
  live w2 sh -c 'while [ ! -e /shared/w2 ]; do sleep 0.02; done; exit 2'
  waits w1 w2
  local waiter=$!
  begun $waiter
  told_to_end w2
  sleep 0.2
  still_waits $waiter
  told_to_end w1
  has_waited $waiter 0 "1"$'\n'"2"
  run_coracle 0 rm w1 w2
}

@test "wait: --exit-first-match" {
  live slow
  live quick sh -c 'while [ ! -e /shared/quick ]; do sleep 0.02; done; exit 6'
  waits --exit-first-match slow quick
  local waiter=$!
  begun $waiter
  told_to_end quick
  has_waited $waiter 0 6
  run_coracle 0 rm -f -t 0 slow quick
}

@test "wait: missing ones, --ignore" {
  run_coracle 3 run --name over --net none box sh -c 'exit 3'
  run_coracle 125 wait nope over
  is "$output" 'Error: no container with name or ID "nope" found: no such container'
  run_coracle 0 wait --ignore nope over
  is "$output" "-1"$'\n'"3"
  run_coracle 0 wait --ignore nope
  is "$output" "-1"
  run_coracle 0 rm over
  run_coracle 125 wait --latest
  is "$output" "Error: no such container"
}

@test "wait: words that are wrong" {
  run_coracle 125 wait
  is "$output" 'Error: "coracle wait" requires a name, id, or the "--latest" flag'
  run_coracle 125 wait -l one
  is "$output" "Error: --latest and containers cannot be used together"
  run_coracle 125 wait --condition foo one
  is "$output" "Error: unknown container state: foo: invalid argument"
  run_coracle 125 wait -i foo one
  is "$output" 'Error: time: invalid duration "foo"'
}

@test "wait: --condition, several; the interval" {
  live up
  run_coracle 0 wait --condition running up
  is "$output" -1
  run_coracle 0 wait --condition stopped,running up
  is "$output" -1
  run_coracle 0 wait --condition paused --condition running up
  is "$output" -1
  waits --condition stopping -i 100 up
  local waiter=$! stop
  sleep 0.2
  still_waits $waiter
  "$CORACLE" stop -t 100 up >/dev/null 2>&1 3>&- &
  stop=$!
  has_waited $waiter 0 -1
  run_coracle 0 kill up
  wait $stop
  run_coracle 0 wait --interval 1s up
  is "$output" 137
  run_coracle 0 wait -i -5 up
  is "$output" 137
  run_coracle 0 rm up
}

@test "wait: one that is removed before it was in the state" {
  run_coracle 0 run --name fresh --net none box true
  local id
  id=$(show fresh '{{.Id}}')
  waits --condition running fresh
  local waiter=$!
  begun $waiter
  still_waits $waiter
  run_coracle 0 rm fresh
  has_waited $waiter 125 "Error: no container with ID $id found in database: no such container"
}

@test "wait: a container whose monitor is killed" {
  live orphan
  waits orphan
  local waiter=$!
  begun $waiter
  kill -9 "$(cut -d ' ' -f 1 "$RUN_ROOT/$(show orphan '{{.Id}}')/monitor.pid")"
  has_waited $waiter 0 137
  run_coracle 0 rm orphan
}

@test "wait: sleeps until something happens" {
  needs strace
  live idle
  strace -f -qq -o "$TEST_STORE/trace" "$CORACLE" wait idle >/dev/null 2>&1 3>&- &
  local waiter=$!
  # system calls while nothing happens: what it does at first is done some time
  sleeps() {
    local before
    before=$(wc -l <"$TEST_STORE/trace")
    [ "$before" -gt 0 ] || return 1
    sleep 1
    [ "$(wc -l <"$TEST_STORE/trace")" = "$before" ]
  }
  wait_for 30 sleeps
  kill -0 $waiter || fail "it did not wait"
  run_coracle 0 kill idle
  wait $waiter
  run_coracle 0 rm idle
}

@test "wait: for health" {
  run_coracle 0 run -d --name well --net none --health-cmd 'test -e /shared/well' --health-interval 200ms --health-retries 1 -v "$TEST_STORE/shared:/shared" box sleep 1000
  waits --condition healthy well
  local waiter=$!
  sleep 0.3
  still_waits $waiter
  told_to_end well
  has_waited $waiter 0 -1
  waits --condition unhealthy well
  waiter=$!
  rm "$TEST_STORE/shared/well"
  has_waited $waiter 0 -1
  run_coracle 0 rm -f -t 0 well
  run_coracle 0 create --name unknown box true
  run_coracle 125 wait --condition healthy unknown
  is "$output" "Error: cannot use condition \"healthy\": container $(show unknown '{{.Id}}') has no healthcheck"
  run_coracle 0 rm unknown
}

@test "wait: until it runs, paused or not" {
  run_coracle 0 create --name runs --net none box sleep 1000
  waits --condition running runs
  local waiter=$!
  sleep 0.2
  still_waits $waiter
  run_coracle 0 start runs
  has_waited $waiter 0 -1
  run coracle pause runs
  if [ "$status" = 0 ]; then
    run_coracle 0 wait --condition paused runs
    is "$output" -1
    waits --condition running runs
    waiter=$!
    sleep 0.2
    still_waits $waiter
    run_coracle 0 unpause runs
    has_waited $waiter 0 -1
    waits --condition paused runs
    waiter=$!
    sleep 0.2
    still_waits $waiter
    run_coracle 0 pause runs
    has_waited $waiter 0 -1
  fi
  run_coracle 0 rm -f -t 0 runs
}
