#!/usr/bin/env bats
# 297-systemd: with a user's own systemd, journald and the cgroups that are delegated to him: what can be tested nowhere else. Skipped where there is no user manager.

load helpers
load cgroup-helpers

setup() {
  basic_setup
  [ -S "$XDG_RUNTIME_DIR/systemd/private" ] || skip "no systemd of this user's"
  ! is_root || skip "for an ordinary user"
  needs systemctl systemd-run
  fixture_image box
}

teardown() {
  systemctl --user stop coracle-test.service coracle-restart.service >/dev/null 2>&1 || true
  systemctl --user reset-failed >/dev/null 2>&1 || true
  basic_teardown
}

# unit PROPERTY CONTAINER: what systemd says of the container's scope
unit() { systemctl --user show -P "$1" "libpod-$(coracle inspect -f '{{.Id}}' "$2").scope"; }
state() { coracle inspect -f '{{.State.Status}}' "$1"; }

@test "systemd: a container is a scope of the user's manager, with its limits, and the scope ends with it" {
  run_coracle run -d --name one --memory 64m --pids-limit 77 --cpus 0.5 box sleep 1000
  is "$(unit ActiveState one)" active
  is "$(unit Delegate one)" yes
  local group id
  id=$(coracle inspect -f '{{.Id}}' one)
  group=$(group_mount)$(group_of "$(coracle inspect -f '{{.State.Pid}}' one)")
  is "$(cat "$group/memory.max" "$group/pids.max" "$group/cpu.max")" $'67108864\n77\n50000 100000' "the kernel's"
  run_coracle update --memory 96m one
  is "$(cat "$group/memory.max")" $((96 * 1024 * 1024)) "update"
  run_coracle stop -t 0 one
  scope_ended() { [ "$(systemctl --user is-active "libpod-$id.scope")" = inactive ]; }
  wait_for 20 scope_ended
  run_coracle start one
  is "$(unit ActiveState one)" active "started again"
  run_coracle rm -f -t 0 one
  none_left
}

@test "systemd: too much memory ends it, and is told" {
  needs_controller memory
  run_coracle '?' run --name big --memory 16m --memory-swap 16m box sh -c 'x=$(head -c 200000000 /dev/zero | tr "\0" x); echo ${#x}'
  isnt "$status" 0
  is "$(coracle inspect -f '{{.State.OOMKilled}}' big)" true
  run_coracle rm big
}

@test "systemd: keep-id with a delegated cgroup: the container's own root may divide it" {
  local ns
  for ns in keep-id host; do
    run_coracle_out run --rm --userns "$ns" --user 0 --systemd always box sh -c 'mkdir /sys/fs/cgroup/below && echo $$ >/sys/fs/cgroup/below/cgroup.procs && cat /proc/self/cgroup; stat -c %u /sys/fs/cgroup/cgroup.procs'
    is "$output" $'0::/below\n0' "--userns $ns"
  done
  run_coracle run -d --name kept --userns keep-id --pids-limit 50 --memory 64m box sleep 1000
  group=$(group_mount)$(group_of "$(coracle inspect -f '{{.State.Pid}}' kept)")
  is "$(cat "$group/pids.max")" 50
  run_coracle exec kept sh -c 'cat /proc/self/cgroup; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max'
  is "$output" $'0::/\n50\n67108864' "from within"
  run_coracle 1 exec --user 0 kept sh -c 'echo 5 >/sys/fs/cgroup/pids.max'
  run_coracle pause kept
  is "$(state kept)" paused
  run_coracle unpause kept
  run_coracle_out stats --no-stream --format '{{.PIDs}}' kept
  is "$output" 1
  run_coracle rm -f -t 0 kept
  none_left
}

@test "systemd: sdnotify: a service of Type=notify is active when the container runs" {
  run systemd-run --user --quiet --unit=coracle-test -p Type=notify -p NotifyAccess=all -p TimeoutStartSec=300 --setenv=XDG_DATA_HOME="$XDG_DATA_HOME" --setenv=XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" \
    --setenv=HOME="$HOME" --setenv=CONTAINERS_CONF="$CONTAINERS_CONF" "$CORACLE" run --rm --name noted --sdnotify conmon --init box sleep 1000
  is "$status" 0 "systemd-run waits until it is ready: $output"
  is "$(systemctl --user is-active coracle-test)" active
  is "$(systemctl --user show -P MainPID coracle-test)" "$(coracle inspect -f '{{.State.ConmonPid}}' noted)" "the monitor is the main process"
  systemctl --user stop coracle-test
  wait_for 60 none_run
}

@test "systemd: the user unit brings back what always restarts, after everything was killed" {
  local folder=$XDG_RUNTIME_DIR/systemd/user
  [ -d "$folder" ] || mkdir -p "$folder"
  run_coracle run -d --name always --restart always box sleep 1000
  run_coracle run -d --name plain box sleep 1000
  sed "s|@bindir@/coracle|/usr/bin/env HOME=$HOME XDG_DATA_HOME=$XDG_DATA_HOME XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR CONTAINERS_CONF=$CONTAINERS_CONF $CORACLE|" "$TESTS_DIR/../cmd/coracle/coracle-restart.service.in" >"$folder/coracle-restart.service"
  systemctl --user daemon-reload
  # as the machine's end: all at once, nothing recorded
  kill -9 "$(coracle inspect -f '{{.State.ConmonPid}}' always)" "$(coracle inspect -f '{{.State.ConmonPid}}' plain)"
  ended() { [ "$(state always) $(state plain)" = "exited exited" ]; }
  wait_for 60 ended
  systemctl --user start coracle-restart
  is "$(systemctl --user is-active coracle-restart)" active
  is "$(state always) $(state plain)" "running exited"
  # its containers are not ended with the unit's processes, but by its word
  systemctl --user stop coracle-restart
  is "$(state always)" exited "stopped with the unit"
  rm -f "$folder/coracle-restart.service"
  systemctl --user daemon-reload
  run_coracle rm -f -t 0 always plain
}

@test "systemd: events in the journal" {
  needs journalctl
  journalctl -q -n 1 >/dev/null 2>&1 || skip "this user may not read the journal"
  [ -n "$(journalctl -q -n 1 2>/dev/null)" ] || skip "this user may not read the journal"
  local name=journal$$
  run_coracle 3 --events-backend journald run --name "$name" box sh -c "exit 3"
  run_coracle --events-backend journald rm "$name"
  told() { run_coracle --events-backend journald events --stream=false --since 1h --filter container="$name" --format '{{.Status}} {{.ContainerExitCode}}'; [[ $output == *remove* ]]; }
  wait_for 60 told
  has "$output" "died 3"
  has "$output" "create"
}
