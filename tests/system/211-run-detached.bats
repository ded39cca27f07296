#!/usr/bin/env bats
# 211-run-detached: run -d and how it ends.
# root: yes

load helpers

setup() {
  fixture_image box
}

state_of() { coracle inspect -f '{{.State.Status}}' "$1" 2>/dev/null; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
is_gone() { ! coracle container exists "$1"; }

@test "run -d prints the id, and a caller's pipe sees its end at once" {
  id=$(coracle run -d --name d1 box sleep 300)
  like "$id" '^[0-9a-f]{64}$'
  is "$(state_of d1)" running
  run_coracle ps --format '{{.Names}}'
  is "$output" d1
  run_coracle rm -f -t 0 d1
  no_leaks
}

@test "a detached container's end is recorded without any command" {
  run_coracle run -d --name d2 box sh -c 'exit 7'
  wait_for 5 is_state d2 exited
  run_coracle inspect -f '{{.State.ExitCode}}' d2
  is "$output" 7
  run_coracle rm d2
  no_leaks
}

@test "run -d --rm goes when it has ended" {
  run_coracle run -d --rm --name d3 box true
  wait_for 5 is_gone d3
  no_leaks
}

@test "run -d of what cannot be executed leaves nothing" {
  run_coracle 127 run -d --name d4 box nosuch
  run_coracle 126 run -d --name d4 box /etc
  run_coracle ps -aq
  is "$output" ""
  no_leaks
}

@test "run -d: the command gets no input, or with -i one that stays open" {
  run_coracle run -d --name d5 box cat
  wait_for 5 is_state d5 exited
  run_coracle run -d -i --name d6 box cat
  sleep 0.3
  is "$(state_of d6)" running
  run_coracle rm -f -t 0 d5 d6
  no_leaks
}

@test "a detached container with a terminal" {
  run_coracle run -d -t --name d7 box sh -c 'tty; exit 3'
  wait_for 5 is_state d7 exited
  run_coracle inspect -f '{{.State.ExitCode}}' d7
  is "$output" 3
  run_coracle rm d7
  no_leaks
}

@test "the monitor killed: ps tells at once, start makes it anew" {
  run_coracle run -d --name d8 box sleep 300
  pid=$(coracle inspect -f '{{.State.ConmonPid}}' d8)
  kill -9 "$pid"
  wait_for 5 is_state d8 exited
  run_coracle inspect -f '{{.State.ExitCode}}' d8
  is "$output" 137
  run_coracle start d8
  is "$output" d8
  is "$(state_of d8)" running
  run_coracle rm -f -t 0 d8
  no_leaks
}
