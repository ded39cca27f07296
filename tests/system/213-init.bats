#!/usr/bin/env bats
# 213-init: a container of which all is there but its command, and which start lets run.
# root: yes

load helpers

setup() { fixture_image box; }

state_of() { coracle inspect -f '{{.State.Status}}' "$1" 2>/dev/null; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }

@test "init: all is set up, nothing runs; start lets it run" {
  run_coracle create --name i1 --hostname here --health-cmd true --health-interval 1s box sh -c 'hostname; touch /ran; exec sleep 1000'
  run_coracle init i1
  is "$output" i1
  is "$(state_of i1)" initialized
  run_coracle ps -a --format '{{.Names}} {{.Status}}'
  is "$output" "i1 Initialized"
  run_coracle ps -q
  is "$output" ""
  # the namespaces, the root filesystem are there
  run_coracle inspect -f '{{.State.Pid}} {{.State.Running}}' i1
  like "$output" '^[1-9][0-9]* false$'
  local pid=${output%% *}
  run_coracle logs i1
  is "$output" ""
  run_coracle 255 exec i1 true
  has "$output" "container state improper"
  run_coracle 125 kill i1
  has "$output" "is in state initialized: container state improper"
  # once more changes nothing
  run_coracle container init i1
  run_coracle start i1
  is "$output" i1
  is "$(state_of i1)" running
  run_coracle inspect -f '{{.State.Pid}}' i1
  is "$output" "$pid" "the process that was set up"
  wait_for 30 coracle exec i1 test -e /ran
  wait_for 30 logs_say i1 here
  run_coracle logs i1
  is "$output" here
  run_coracle 125 init i1
  has "$output" "has already been created in runtime: container state improper"
  run_coracle events --stream=false --since 1h --filter container=i1 --filter event=init --filter event=start --format '{{.Status}}'
  is "$output" "init
start"
  run_coracle rm -f -t 0 i1
  no_leaks
}

@test "init: start --attach loses nothing of what it prints; its end is as any" {
  run_coracle create --name i2 box sh -c 'echo first; echo second >&2; exit 4'
  run_coracle init i2
  run_coracle_out 4 start -a i2
  is "$output" first
  is "$stderr" second
  is "$(state_of i2)" exited
  # and again, after it has ended
  run_coracle init --latest
  is "$(state_of i2)" initialized
  run_coracle start i2
  run_coracle wait i2
  is "$output" 4
  run_coracle rm i2
  no_leaks
}

@test "init: a command that is not there is found out by start; what cannot be set up by init" {
  run_coracle create --name i3 box no-such-program
  run_coracle init i3
  run_coracle 125 start i3
  has "$output" 'unable to start container'
  has "$output" 'no-such-program'
  has "$output" 'not found'
  wait_for 30 is_state i3 exited
  run_coracle inspect -f '{{.State.ExitCode}}' i3
  is "$output" 127
  run_coracle rm i3
  mkdir "$TEST_STORE/gone"
  run_coracle create --name i4 -v "$TEST_STORE/gone:/gone" box true
  rm -rf "$TEST_STORE/gone"
  run_coracle 125 init i4
  has "$output" "no such file or directory"
  is "$(state_of i4)" created
  run_coracle rm -f -t 0 i4
  run_coracle 125 init nosuch
  has "$output" 'no container with name or ID "nosuch" found: no such container'
  run_coracle 125 init
  no_leaks
}

@test "init: stop, rm and a policy" {
  run_coracle create --name i5 --restart on-failure:1 box sh -c 'exit 3'
  run_coracle init i5
  run_coracle start i5
  started_again() { [ "$(coracle inspect -f '{{.RestartCount}} {{.State.Status}}' i5)" = "1 exited" ]; }
  wait_for 30 started_again
  run_coracle rm -f i5
  run_coracle create --name i6 box sleep 1000
  run_coracle create --name i7 box sleep 1000
  run_coracle init -a
  is "${#lines[@]}" 2
  run_coracle stop -t 0 i6
  is "$(state_of i6)" exited
  run_coracle rm i6
  # nothing of it has run: it need not be forced
  run_coracle rm i7
  is "$output" i7
  no_leaks
}
