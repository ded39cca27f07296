#!/usr/bin/env bats
# 223-kill-anything: kill -9 of the monitor, the command, init and the clean-up, whatever the container is doing: `ps -a` tells the truth at once, nothing leaks.
# long: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

inspect() { coracle inspect --format "$1" "$2"; }
state() { inspect '{{.State.Status}} {{.State.ExitCode}}' "$1"; }
has_state() { [ "$(state "$1")" = "$2" ]; }
counted() { [ "$(inspect '{{.RestartCount}}' "$1")" -ge "$2" ]; }
monitor() { inspect '{{.State.ConmonPid}}' "$1"; }
logged() { [ "$(coracle logs "$1" | wc -l)" -ge "$2" ]; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# kill_hard PID: and wait until it is dead
kill_hard() {
  kill -KILL "$1"
  wait_for 30 gone "$1"
}

@test "kill -9: the monitor of a container that runs" {
  run_coracle 0 run -d --name run box sleep 1000
  kill_hard "$(monitor run)"
  is "$(containers)" "" "it does not run"
  is "$(state run)" "exited 137"
  run_coracle 0 start run
  is "$(state run)" "running 0" "it starts again"
  run_coracle 0 rm -f -t 0 run
  no_leaks
}

@test "kill -9: the monitor of a container with a restart policy, in a run and in a pause" {
  run_coracle 0 run -d --name run --restart always box sleep 1000
  kill_hard "$(monitor run)"
  is "$(state run)" "exited 137" "killed with its monitor, nobody starts it"
  run_coracle 0 run -d --name pause --restart always box sh -c 'echo run; exit 3'
  # the pause after the sixth run has 3.2 seconds
  wait_for 30 logged pause 6
  wait_for 30 has_state pause "exited 3"
  kill_hard "$(cut -d ' ' -f 1 "$RUN_ROOT/$(inspect '{{.Id}}' pause)/monitor.pid")"
  is "$(state pause)" "exited 3" "the last end is what it was"
  run_coracle 0 start run pause
  run_coracle 0 rm -f -t 0 run pause
  no_leaks
}

@test "kill -9: the monitor of a --rm container: the next command removes it" {
  run_coracle 0 run -d --rm --name gone box sleep 1000
  kill_hard "$(monitor gone)"
  is "$(containers)" ""
  run_coracle 0 run --rm box true
  run_coracle 1 container exists gone
  no_leaks
}

@test "kill -9: the monitor while the container is being stopped" {
  run_coracle 0 run -d --name stubborn box sh -c 'trap "" TERM; echo ready; while :; do sleep 1; done'
  wait_for 30 logs_say stubborn ready
  coracle stop -t 100 stubborn >/dev/null 2>&1 &
  local stop=$!
  wait_for 30 has_state stubborn "stopping 0"
  kill_hard "$(monitor stubborn)"
  wait "$stop" || true
  is "$(state stubborn)" "exited 137"
  run_coracle 0 rm stubborn
  no_leaks
}

@test "kill -9: the command that stops: the container goes on, and can be stopped again" {
  run_coracle 0 run -d --name stubborn --restart always box sh -c 'trap "" TERM; echo ready; while :; do sleep 1; done'
  wait_for 30 logs_say stubborn ready
  "$CORACLE" stop -t 100 stubborn >/dev/null 2>&1 &
  local stop=$!
  wait_for 30 has_state stubborn "stopping 0"
  kill -KILL "$stop"
  wait "$stop" 2>/dev/null || true
  is "$(state stubborn)" "running 0" "it lives, and nobody waits for its end any more"
  run_coracle 0 stop -t 0 stubborn
  is "$(state stubborn)" "exited 137"
  run_coracle 0 rm stubborn
  no_leaks
}

@test "kill -9: init: an end like any other" {
  run_coracle 0 run -d --name init box sleep 1000
  coracle unshare kill -KILL "$(inspect '{{.State.Pid}}' init)"
  wait_for 30 has_state init "exited 137"
  run_coracle 0 rm init
  no_leaks
}

@test "kill -9: the command in front, of a container with a restart policy: it goes on" {
  "$CORACLE" run --name front --restart always box sleep 1000 </dev/null >/dev/null 2>&1 &
  local front=$!
  wait_for 30 some_run
  wait_for 30 has_state front "running 0"
  kill -KILL "$front"
  wait "$front" 2>/dev/null || true
  is "$(state front)" "running 0"
  coracle unshare kill -KILL "$(inspect '{{.State.Pid}}' front)"
  wait_for 30 counted front 1
  runs_again() { [ "$(inspect '{{.State.Status}}' front)" = running ]; }
  wait_for 30 runs_again
  run_coracle 0 rm -f -t 0 front
  no_leaks
}

@test "kill -9: the clean-up, at any of its system calls: the next command does it" {
  needs strace
  strace -o /dev/null true 2>/dev/null || skip "ptrace is not allowed here"
  local call monitor
  for call in openat:5 openat:40 openat:60 pwrite64:1 fdatasync:1 unlinkat:1 unlinkat:3 flock:1; do
    run_coracle 0 run -d --name cleaned box sleep 1000
    monitor=$(monitor cleaned)
    strace -f -qq -o /dev/null -p "$monitor" -e trace="${call%:*}" -e inject="${call%:*}:signal=KILL:when=${call#*:}" 2>/dev/null &
    local tracer=$!
    wait_for 30 grep -q '^TracerPid:.[1-9]' "/proc/$monitor/status"
    coracle unshare kill -KILL "$(inspect '{{.State.Pid}}' cleaned)"
    wait_for 30 gone "$monitor"
    wait "$tracer" 2>/dev/null || true
    is "$(state cleaned)" "exited 137" "after $call"
    run_coracle 0 rm cleaned
    no_leaks
  done
}

@test "kill -9: the command that removes: the next one finishes it" {
  run_coracle 0 run -d --name half box sleep 1000
  timeout -s KILL 0.02 "$CORACLE" rm -f -t 0 half >/dev/null 2>&1 || true
  run_coracle '?' rm -f -t 0 half
  run_coracle 1 container exists half
  no_leaks
}

@test "kill -9: a monitor while it checks health" {
  run_coracle 0 run -d --name checked --health-cmd 'sleep 100' box sleep 1000
  sleep 0.5
  kill_hard "$(monitor checked)"
  is "$(state checked)" "exited 137"
  run_coracle 0 rm checked
  no_leaks
}
