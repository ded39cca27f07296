#!/usr/bin/env bats
# 271-pause: pause and unpause, and what others do with a paused container.

load helpers
load cgroup-helpers

setup() {
  basic_setup
  fixture_image box
}

teardown() {
  coracle rm -a -f -t 0 >/dev/null 2>&1 || true
  basic_teardown
}

# counting NAME: a container that counts on its standard output
counting() { run_coracle run -d --name "$1" box sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.02; done'; }

@test "pause: it stands still, unpause: it goes on" {
  needs_group
  counting c
  run_coracle pause c
  is "$output" "c" "the name as given"
  is "$(coracle inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' c)" "paused true false" "inspect"
  is "$(coracle ps -a --format '{{.Status}} {{.State}}')" "Paused paused" "ps -a"
  is "$(coracle ps -q)" "" "ps lists what runs"
  is "$(coracle ps -q -f status=paused | wc -l)" 1 "the filter"
  is "$(coracle info -f '{{.Store.ContainerStore.Paused}} {{.Store.ContainerStore.Running}}')" "1 0" "info"
  local group
  group=$(group_mount)$(coracle inspect -f '{{.State.CgroupPath}}' c)
  like "$(cat "$group/cgroup.events")" "frozen 1" "the kernel's word"
  run_coracle unpause c
  is "$output" "c" "the name as given"
  is "$(coracle inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' c)" "running false true" "inspect"
  like "$(cat "$group/cgroup.events")" "frozen 0" "the kernel's word"
}

@test "pause: --all, --latest, --filter, --cidfile and short ids" {
  needs_group
  run_coracle run -d --name a --label x=1 box sleep 100
  run_coracle run -d --name b --cidfile "$BATS_TEST_TMPDIR/cid" box sleep 100
  run_coracle pause --latest
  is "$(coracle inspect -f '{{.State.Status}}' a b | tr '\n' ' ')" "running paused " "the latest"
  run_coracle unpause -l
  run_coracle create --name not-running box true
  run_coracle pause --all
  is "${#lines[@]}" 2 "both that run"
  run_coracle unpause --all
  is "${#lines[@]}" 2 "both that are paused"
  run_coracle pause --filter label=x=1
  is "$(coracle inspect -f '{{.State.Status}}' a b | tr '\n' ' ')" "paused running " "by its label"
  run_coracle pause --cidfile "$BATS_TEST_TMPDIR/cid"
  run_coracle unpause "$(head -c 8 "$BATS_TEST_TMPDIR/cid")"
  is "$output" "$(head -c 8 "$BATS_TEST_TMPDIR/cid")" "as given"
}

@test "pause: what does not go" {
  run_coracle 125 pause
  is "$output" "Error: you must provide at least one name or id"
  run_coracle 125 unpause
  is "$output" "Error: you must provide at least one name or id"
  run_coracle 125 pause nope
  is "$output" 'Error: no container with name or ID "nope" found: no such container'
  run_coracle 125 pause -a x
  is "$output" "Error: no arguments are needed with --all"
  run_coracle create --name c box true
  run_coracle 125 pause c
  is "$output" "Error: \"created\" is not running, can't pause: container state improper"
  run_coracle 125 unpause c
  like "$output" "^Error: \"[0-9a-f]{64}\" is not paused, can't unpause: container state improper$"
}

@test "pause: of several the rest goes on; twice is an error" {
  needs_group
  run_coracle create --name c box true
  run_coracle run -d --name r box sleep 100
  run_coracle 125 pause c r
  has "$output" "can't pause" "the one that does not run"
  is "$(coracle inspect -f '{{.State.Status}}' r)" "paused" "the other"
  run_coracle 125 pause r
  like "$output" "^Error: \"[0-9a-f]{64}\" is already paused: container state improper$"
}

@test "pause: without a cgroup it says what is missing" {
  run_coracle run -d --name none --cgroups disabled box sleep 100
  run_coracle 125 pause none
  has "$output" "it has no cgroup of its own" "the reason"
  has "$output" "cgroupManager" "and where to look"
  is "$(coracle inspect -f '{{.State.Status}}' none)" "running" "and it runs on"
}

@test "pause: exec and rm refuse, kill, stop and rm --force end it" {
  needs_group
  run_coracle run -d --name p box sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'
  wait_for 20 logs_say p ready
  run_coracle pause p
  run_coracle 255 exec p true
  has "$output" "can only create exec sessions on running containers: container state improper"
  run_coracle 2 rm p
  has "$output" "as it is paused - running or paused containers cannot be removed without force"
  run_coracle stop -t 10 p
  is "$(coracle inspect -f '{{.State.Status}} {{.State.ExitCode}}' p)" "exited 3" "its own answer to the stop signal"
  run_coracle start p
  run_coracle pause p
  run_coracle kill p
  is "$(coracle inspect -f '{{.State.Status}} {{.State.ExitCode}}' p)" "exited 137" "killed"
  run_coracle start p
  is "$(coracle inspect -f '{{.State.Status}}' p)" "running" "a new run is not paused"
  run_coracle pause p
  run_coracle rm -f -t 0 p
  none_left
}

@test "pause: kill -9 of the monitor of a paused one leaves nothing" {
  needs_group
  run_coracle run -d --name k box sleep 100
  run_coracle pause k
  kill -9 "$(coracle inspect -f '{{.State.ConmonPid}}' k)"
  wait_for 20 ended k
  coracle ps >/dev/null
  none_left
}

ended() { [ "$(coracle inspect -f '{{.State.Status}}' "$1")" = exited ]; }
