#!/usr/bin/env bats
# 107-run-ns: pid, ipc, uts and cgroup namespaces: one's own, the host's, another's by its path.
# root: yes

load helpers

setup() {
  fixture_image box
}

teardown() {
  [ -z "${holder-}" ] || coracle rm -f -t 0 holder >/dev/null 2>&1 || true
  basic_teardown
}

ns_inside() { # NAMESPACE ARGS…
  local ns=$1
  shift
  run_coracle_out 0 run --rm "$@" box readlink "/proc/self/ns/$ns"
}

hold() { # ARGS…: a container called holder that lives; sets $holder to its init's pid on this machine
  local log=$TEST_STORE/hold.log
  rm -f "$TEST_STORE/pid" "$log"
  "$CORACLE" run --rm --name holder --pidfile "$TEST_STORE/pid" "$@" box sh -c 'echo ready; exec sleep 1000' >"$log" 2>&1 3>&- </dev/null &
  wait_for 30 grep -q ready "$log"
  wait_for 30 test -s "$TEST_STORE/pid"
  holder=$(cat "$TEST_STORE/pid")
  wait_for 30 command_is holder "sleep 1000"
}

@test "ns: private by default, host on request" {
  local pair flag ns
  for pair in pid:pid ipc:ipc uts:uts cgroupns:cgroup; do
    flag=${pair%:*} ns=${pair#*:}
    ns_inside "$ns"
    isnt "$output" "$(readlink "/proc/self/ns/$ns")" "$ns by default"
    ns_inside "$ns" "--$flag=private"
    isnt "$output" "$(readlink "/proc/self/ns/$ns")" "$ns private"
    ns_inside "$ns" "--$flag=host"
    is "$output" "$(readlink "/proc/self/ns/$ns")" "$ns of the host"
    run_coracle 0 run --rm "--$flag=" box true
    run_coracle 125 run --rm "--$flag=nonsense" box true
    has "$output" "nonsense"
    run_coracle 125 run --rm "--$flag=ns:/no/such/file" box true
  done
  no_leaks
}

@test "ns: those of another container by their paths" {
  hold --hostname held
  run_coracle_out 0 run --rm --uts "ns:/proc/$holder/ns/uts" box hostname
  is "$output" "held"
  run_coracle_out 0 run --rm --ipc "ns:/proc/$holder/ns/ipc" box readlink /proc/self/ns/ipc
  is "$output" "$(readlink "/proc/$holder/ns/ipc")"
  run_coracle_out 0 run --rm --net "ns:/proc/$holder/ns/net" box readlink /proc/self/ns/net
  is "$output" "$(readlink "/proc/$holder/ns/net")"
  run_coracle_out 0 run --rm --pid "ns:/proc/$holder/ns/pid" box sh -c 'tr "\0" " " </proc/1/cmdline'
  is "$output" "sleep 1000 "
  coracle rm -f -t 0 holder
  holder=
  no_leaks
}

@test "ns: --pid host sees this machine's processes and dies with its monitor" {
  run_coracle_out 0 run --rm --pid host box sh -c 'tr "\0" " " </proc/'$$'/cmdline'
  has "$output" "bats"
  run_coracle 7 run --rm --pid host box sh -c 'exit 7'
  run_coracle 127 run --rm --pid host box no-such-program
  hold --pid host
  coracle rm -f -t 0 holder
  wait_for 30 test ! -d "/proc/$holder"
  holder=
  no_leaks
}

@test "ns: a killed monitor takes the container along, also with --pid host" {
  local mode monitor
  for mode in private host; do
    hold --pid "$mode"
    monitor=$(awk '{ print $4 }' "/proc/$holder/stat")
    is "$(cat "/proc/$monitor/comm")" "coracle-monitor" "who is killed"
    kill -KILL "$monitor"
    wait_for 30 test ! -d "/proc/$holder"
    holder=
    coracle rm -f holder >/dev/null 2>&1 || true
    run_coracle 0 run --rm --name holder box true
    no_leaks
  done
}

@test "ns: --ipc host, none, shareable" {
  run_coracle_out 0 run --rm --ipc none box sh -c 'test ! -e /dev/shm && echo none'
  is "$output" "none"
  run_coracle_out 0 run --rm --ipc shareable box stat -c %a /dev/shm
  is "$output" "1777"
  if [ -d /dev/shm ] && [ -w /dev/shm ]; then
    local mark=/dev/shm/coracle-test.$$
    echo shared >"$mark"
    run_coracle_out 0 run --rm --ipc host box cat "$mark"
    is "$output" "shared"
    run_coracle 1 run --rm box cat "$mark"
    rm "$mark"
  fi
}

@test "ns: --uts host keeps the name, --cgroupns private shows a root" {
  run_coracle_out 0 run --rm --uts host box hostname
  is "$output" "$(hostname)"
  run_coracle_out 0 run --rm box sed -n 's/^0:://p' /proc/self/cgroup
  [ -z "$output" ] || is "$output" "/"
}

@test "ns: a namespace path of the wrong kind, and one that is no namespace" {
  run_coracle '?' run --rm --uts ns:/proc/self/ns/net box true
  like "$status" '^12[56]$'
  run_coracle '?' run --rm --ipc "ns:$TEST_STORE" box true
  like "$status" '^12[56]$'
  run_coracle 125 run --rm --ipc ns: box true
  run_coracle 125 run --rm --ipc ns:relative box true
  no_leaks
}
