#!/usr/bin/env bats
# 448-units: a container that is a unit of the user's systemd, as quadlets and `generate systemd` write them: --cgroups=split divides the unit's own group, the unit lives and ends with the container.
# Skipped where there is no user manager.

load helpers
load cgroup-helpers

setup() {
  basic_setup
  [ -S "$XDG_RUNTIME_DIR/systemd/private" ] || skip "no systemd of this user's"
  ! is_root || skip "for an ordinary user"
  needs systemctl
  fixture_image box
  UNITS=$XDG_RUNTIME_DIR/systemd/user
  mkdir -p "$UNITS"
}

teardown() {
  systemctl --user stop coracle-split.service >/dev/null 2>&1 || true
  systemctl --user reset-failed >/dev/null 2>&1 || true
  rm -f "$UNITS/coracle-split.service"
  systemctl --user daemon-reload >/dev/null 2>&1 || true
  basic_teardown
}

# ends well when it is asked to: a unit whose main process does not has failed
obliging="sh -c 'trap \"exit 0\" TERM; sleep 1000 & wait'"

# unit RESTART WORDS…: a service with `run WORDS…`
unit() {
  local restart=$1 call
  shift
  call="/usr/bin/env HOME=$HOME XDG_DATA_HOME=$XDG_DATA_HOME XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR CONTAINERS_CONF=$CONTAINERS_CONF $CORACLE"
  cat >"$UNITS/coracle-split.service" <<U
[Service]
Type=notify
NotifyAccess=all
Delegate=yes
KillMode=mixed
TimeoutStartSec=300
Restart=$restart
ExecStart=$call run --name half --replace --rm -d --cgroups=split --sdnotify=conmon $*
ExecStop=$call rm -f -i -t 5 half
ExecStopPost=-$call rm -f -i -t 5 half
U
  systemctl --user daemon-reload
}
show() { systemctl --user show -P "$1" coracle-split; }
pid_of() { coracle inspect -f "{{.State.$1}}" half; }
is_state() { [ "$(show ActiveState)" = "$1" ]; }

@test "units: --cgroups=split: the container and its monitor are in the unit's own group, with limits" {
  unit no --memory 64m --pids-limit 77 box "$obliging"
  systemctl --user start coracle-split
  is "$(show ActiveState)" active
  local own payload session
  own=$(show ControlGroup)
  like "$own" '/coracle-split\.service$'
  payload=$own/libpod-payload-$(coracle inspect -f '{{.Id}}' half)
  is "$(group_of "$(pid_of Pid)")" "$payload" "the container"
  is "$(group_of "$(pid_of ConmonPid)")" "$own/supervisor" "the monitor"
  is "$(show MainPID)" "$(pid_of ConmonPid)" "the main process"
  is "$(cat "$(group_mount)$payload/memory.max" "$(group_mount)$payload/pids.max")" $'67108864\n77' "limits"
  run_coracle update --memory 96m half
  is "$(cat "$(group_mount)$payload/memory.max")" $((96 * 1024 * 1024)) "update"
  run_coracle exec -d half sleep 50448
  session() { session=$(pgrep -f '^sleep 50448$'); }
  wait_for 60 session
  is "$(group_of "$session")" "$payload" "a session"
  run_coracle_out stats --no-stream --format '{{.PIDs}}' half
  is "$output" 3
  systemctl --user stop coracle-split
  is "$(show ActiveState)" inactive
  run_coracle_out ps -aq
  is "$output" "" "it went with its unit"
  [ ! -e "$(group_mount)$own" ] || fail "the unit's group is left: $(find "$(group_mount)$own" -type d)"
}

@test "units: a restart makes another; a container that fails fails its unit, which starts it again where it is told to" {
  unit no box "$obliging"
  systemctl --user start coracle-split
  local first
  first=$(coracle inspect -f '{{.Id}}' half)
  systemctl --user restart coracle-split
  is "$(show ActiveState)" active
  isnt "$(coracle inspect -f '{{.Id}}' half)" "$first" "another container"
  like "$(group_of "$(pid_of Pid)")" '/coracle-split\.service/libpod-payload-[0-9a-f]{64}$'
  systemctl --user stop coracle-split

  unit no box sh -c '"exit 7"'
  systemctl --user start coracle-split || true
  wait_for 120 is_state failed
  is "$(show ExecMainStatus)" 7 "the unit's status is the container's"
  systemctl --user reset-failed coracle-split

  mkdir -m 777 "$TEST_STORE/shared"
  unit on-failure -v "$TEST_STORE/shared:/shared" box sh -c '"[ -e /shared/once ] || { : >/shared/once; sleep 1; exit 3; }; sleep 1000"'
  systemctl --user start coracle-split
  again() { [ "$(show NRestarts)" = 1 ] && is_state active; }
  wait_for 120 again
  run_coracle_out ps --format '{{.Names}}'
  is "$output" half
}
