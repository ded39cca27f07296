#!/usr/bin/env bats
# 212-update-clone: what containers have from each other; update; clone.
# root: yes

load helpers

setup() {
  fixture_image box
}

is_state() { [ "$(coracle inspect -f '{{.State.Status}}' "$1" 2>/dev/null)" = "$2" ]; }

@test "namespaces of another container" {
  run_coracle run -d --name one --hostname first box sleep 300
  for kind in net:network uts:uts ipc:ipc pid:pid cgroup:cgroupns; do
    ns=${kind%:*}
    a=$(coracle exec one readlink /proc/self/ns/$ns)
    run_coracle run --rm --${kind#*:} container:one box readlink /proc/self/ns/$ns
    is "$output" "$a" "$ns is shared"
  done
  run_coracle run --rm --uts container:one box hostname
  is "$output" first
  run_coracle run --rm --pid container:one box sh -c 'ps | grep -c "sleep 300"'
  like "$output" '^[1-9]$' "its processes are seen"
  run_coracle run --rm --net container:one box cat /etc/hosts
  has "$output" first "the owner's names"
  run_coracle 125 run --rm --net container:nosuch box true
  has "$output" 'no container with name or ID "nosuch" found'
  run_coracle rm -f -t 0 one
  no_leaks
}

@test "what a container depends on is started first, and not removed before it" {
  run_coracle create --name base box sleep 300
  run_coracle create --name user --requires base --net container:base box sleep 300
  run_coracle inspect -f '{{index .Dependencies 0}}' user
  is "$output" "$(coracle inspect -f '{{.Id}}' base)"
  run_coracle start user
  is_state base running
  is_state user running
  a=$(coracle exec base readlink /proc/self/ns/net)
  is "$(coracle exec user readlink /proc/self/ns/net)" "$a"
  for c in base user; do
    pid=$(coracle inspect -f '{{.State.ConmonPid}}' $c)
    is "$(grep -c "$STORE/containers/.*/merged" /proc/$pid/mountinfo)" 1 "mounts of $c"
  done
  run_coracle '?' rm -f -t 0 base
  isnt "$status" 0
  run_coracle rm -f -t 0 user base
  no_leaks
}

@test "--volumes-from: volumes and folders of another, read-only if wanted" {
  mkdir -p "$TEST_STORE/shared"
  echo content >"$TEST_STORE/shared/file"
  run_coracle create --name giver -v "$TEST_STORE/shared:/folder" -v named:/named -v /anonymous box true
  run_coracle run --rm --volumes-from giver box sh -c 'cat /folder/file; echo kept >/named/x; echo here >/anonymous/y'
  is "$output" content
  run_coracle run --rm --volumes-from giver:ro box sh -c 'cat /named/x /anonymous/y; touch /named/z 2>&1'"; true"
  has "$output" "kept
here"
  has "$output" "Read-only"
  run_coracle run --name taker --volumes-from giver -v "$TEST_STORE/shared:/named" box sh -c 'cat /named/file /anonymous/y'
  is "$output" "content
here" "one's own mounts go before"
  run_coracle 125 run --volumes-from nosuch box true
  run_coracle 125 run --volumes-from giver:bogus box true
  has "$output" "can only specify 'ro', 'rw', and 'z'"
  run_coracle rm giver
  run_coracle start -a taker
  is "$output" "content
here" "as it was made"
  run_coracle rm -v taker
}

@test "container clone: the same words under another name" {
  run_coracle create --name orig -e A=b --hostname h box sh -c 'echo "$A $(hostname)"'
  run_coracle_out container clone orig
  like "$output" '^[0-9a-f]{64}$'
  is "$(coracle inspect -f '{{.Name}}' "$output")" orig-clone
  run_coracle start -a orig-clone
  is "$output" "b h"
  run_coracle container clone orig
  run_coracle container exists orig-clone1
  run_coracle tag box second:1
  run_coracle container clone --run orig named second:1
  wait_for 30 is_state named exited
  run_coracle container clone --name other orig
  run_coracle 125 container clone --name other orig
  has "$output" "already in use"
  run_coracle container clone --destroy orig last
  run_coracle 1 container exists orig
  run_coracle 125 container clone -f last
  is "$output" "Error: cannot set --force without --destroy"
  run_coracle 125 container clone nosuch
  run_coracle rm -a
  no_leaks
}

@test "update: a restart policy and a health check for a container that runs" {
  run_coracle_out run -d --name up box sh -c 'until [ -e /go ]; do sleep 0.05; done; exit 3'
  id=$output
  run_coracle update --restart=on-failure:1 --health-retries 9 up
  is "$output" "$id"
  run_coracle inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' up
  is "$output" "on-failure 1"
  let_go up
  restarted() { [ "$(coracle inspect -f '{{.RestartCount}}' up)" = 1 ]; }
  wait_for 30 restarted
  run_coracle update --restart=no up
  run_coracle 125 update --restart=bogus up
  is "$output" 'Error: "bogus" is not a valid restart policy: invalid argument'
  run_coracle 125 update nosuch
  run_coracle create --rm --name upr box true
  run_coracle 125 update --restart=always upr
  has "$output" "the --rm option conflicts with --restart"
  run_coracle update --health-cmd 'test -e /ok' --health-interval 7s upr
  run_coracle inspect -f '{{index .Config.Healthcheck.Test 1}} {{.Config.Healthcheck.Interval}}' upr
  is "$output" "test -e /ok 7s"
  run_coracle rm -f -t 0 up upr
  no_leaks
}

@test "update: what cannot be restarted when it ends says so, and what to do" {
  local kind
  "$CORACLE" run --name front box sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
  run_coracle run -d --rm --name fleeting box sleep 1000
  runs() { [ "$(coracle inspect -f '{{.State.Status}}' front)" = running ]; }
  wait_for 30 runs
  run_coracle 125 update --health-cmd true --health-on-failure restart front
  is "$output" "Error: container front was started in the foreground and without a restart policy, so that it cannot be restarted when it ends: stop it, update it, and start it again"
  run_coracle 125 update --restart always front
  has "$output" "started in the foreground"
  run_coracle 125 update --health-cmd true --health-on-failure restart fleeting
  has "$output" "started with --rm"
  is "$(coracle inspect -f '{{.Config.HealthcheckOnFailureAction}} {{.HostConfig.RestartPolicy.Name}}' front)" "none no" "nothing was changed"
  run_coracle update --health-cmd true --health-interval 9s --health-on-failure kill front
  run_coracle stop -t 0 front
  run_coracle update --health-on-failure restart front
  run_coracle start front
  run_coracle update --health-on-failure restart --restart always front
  run_coracle rm -f -t 0 front fleeting
  no_leaks
}

@test "update: --health-on-failure restart of one that runs in the background" {
  run_coracle run -d --name back --stop-timeout 1 box sh -c 'echo begun >>/begun; rm -f /bad; exec sleep 1000'
  run_coracle update --health-cmd 'test ! -e /bad' --health-interval 100ms --health-retries 1 --health-on-failure restart back
  run_coracle exec back touch /bad
  again() { [ "$(coracle exec back cat /begun 2>/dev/null | wc -l)" -ge 2 ]; }
  wait_for 30 again
  run_coracle rm -f -t 0 back
  no_leaks
}
