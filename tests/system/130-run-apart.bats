#!/usr/bin/env bats
# A container and its command coming apart: stopped, killed, unable to write a file; and callers that hand down odd things.

load helpers

basic_setup() { fixture_image box; }

# begin ARGS…: run "sleep 60" in the background; leaves $client, which has done all that belongs to the start and waits for the end.
begin() {
  "$CORACLE" run "$@" box sleep 60 </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 &
  client=$!
  wait_for 30 some_run
  wait_for 30 command_is "$(containers)" "sleep 60"
  wait_for 30 waits_now "$client"
}

monitor_pid() { cut -d' ' -f1 "$RUN_ROOT/$(containers)/monitor.pid"; }

@test "a pid file that cannot be written: nothing runs on" {
  run_coracle 125 run --rm --pidfile "$TEST_STORE/missing/pid" box sleep 60
  has "$output" "writing pid file" "the message"
  is "$(coracle ps -aq)" "" "containers"
  no_leaks
}

@test "the file with the container's id goes with the container" {
  local file=$BATS_TEST_TMPDIR/cid
  run_coracle 127 run --rm --cidfile "$file" box no-such-command
  [ ! -e "$file" ] || fail "left by a container that did not start"
  run_coracle run --rm --cidfile "$file" box true
  [ ! -e "$file" ] || fail "left by a container that is gone"
}

@test "rm -f of a container whose command is stopped" {
  begin --name stopped
  kill -STOP "$client"
  CORACLE_TEST_TIMEOUT=60 run_coracle rm -f -t 0 stopped
  kill -CONT "$client"
  local status=0
  wait "$client" || status=$?
  is "$status" 137 "the command's status: its container was killed"
  is "$(coracle ps -aq)" "" "containers"
  no_leaks
}

@test "rm -f of a container whose monitor is stopped" {
  begin --name stopped
  kill -STOP "$(monitor_pid)"
  CORACLE_TEST_TIMEOUT=60 run_coracle rm -f -t 0 stopped
  wait "$client" && fail "the command lost its monitor and ended with 0"
  is "$(coracle ps -aq)" "" "containers"
  no_leaks
}

@test "a monitor that is killed: the container dies, and its command leaves nothing" {
  begin --rm
  local id
  id=$(containers)
  kill -KILL "$(monitor_pid)"
  wait "$client" && fail "the command lost its monitor and ended with 0"
  has "$(<"$BATS_TEST_TMPDIR/out")" "lost its monitor" "the message"
  [ ! -e "$STORE/containers/$id" ] || fail "the container's folder was left"
  no_leaks
}

@test "a monitor that is killed: the container is listed as killed" {
  begin --name lost
  kill -KILL "$(monitor_pid)"
  wait "$client" && fail "the command lost its monitor and ended with 0"
  like "$(coracle ps -a --format '{{.Status}}')" '^Exited \(137\)' "its status"
  run_coracle rm lost
}

@test "a caller that ignores SIGCHLD" {
  needs python3
  run python3 -c 'import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])' "$CORACLE" run --rm box sh -c 'exit 3'
  show_run 3 "run with SIGCHLD ignored"
}

@test "the caller's umask is not for what is made in the container" {
  mkdir "$TEST_STORE/shared"
  chmod 755 "$TEST_STORE/shared"
  (
    umask 077
    run_coracle run --rm -u 1000 -v "$TEST_STORE/shared:/a/b/c" --tmpfs /q/r box sh -c 'ls -d /a/b/c /q/r; umask'
    is "$output" $'/a/b/c\n/q/r\n0022' "folders above mounts"
  )
}

# slow_start: a hook that keeps a container from running for as long as $TEST_STORE/slow exists; it is at work when this returns
slow_start() {
  mkdir -p "$TEST_STORE/hooks"
  rm -f "$TEST_STORE/hooks/begun"
  printf '#!/bin/sh\n: >"%s"\nwhile [ -e "%s" ]; do sleep 0.05; done\n' "$TEST_STORE/hooks/begun" "$TEST_STORE/slow" >"$TEST_STORE/hooks/slow"
  chmod 755 "$TEST_STORE/hooks/slow"
  printf '{"version":"1.0.0","hook":{"path":"%s"},"when":{"always":true},"stages":["createRuntime"]}' "$TEST_STORE/hooks/slow" >"$TEST_STORE/hooks/slow.json"
  : >"$TEST_STORE/slow"
  "$CORACLE" run --rm --name slow --hooks-dir "$TEST_STORE/hooks" box sleep 60 </dev/null >/dev/null 2>&1 &
  client=$!
  wait_for 30 test -e "$TEST_STORE/hooks/begun"
  wait_for 30 eval '[ -n "$(coracle ps -aq)" ]'
}

@test "SIGTERM while the container is being started ends the command, which leaves nothing" {
  slow_start
  is "$(coracle ps -a --format '{{.Status}}')" "Created" "its status"
  kill -TERM "$client"
  local status=0
  wait "$client" || status=$?
  is "$status" 143 "the command's status"
  rm "$TEST_STORE/slow"
  is "$(coracle ps -aq)" "" "containers"
  no_leaks
}

@test "rm -f while the container is being started" {
  slow_start
  CORACLE_TEST_TIMEOUT=60 run_coracle rm -f -t 0 slow
  wait "$client" && fail "the container was removed, and its command ended with 0"
  rm "$TEST_STORE/slow"
  is "$(coracle ps -aq)" "" "containers"
  no_leaks
}

@test "rm from where the run folder is another one" {
  begin --rm --name here
  mkdir -m 700 "$TEST_STORE/elsewhere"
  run_coracle 2 --runroot "$TEST_STORE/elsewhere" rm here
  has "$output" "runs with another run folder" "the message"
  run_coracle 2 --runroot "$TEST_STORE/elsewhere" rm -f here
  kill -0 "$client" || fail "the container ended"
  run_coracle rm -f -t 0 here
  wait "$client" || true
  no_leaks
}
