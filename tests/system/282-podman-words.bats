#!/usr/bin/env bats
# 282-podman-words: what Podman's own tests ask of a command besides its main work.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

inspect() { coracle inspect --format "$1" "$2"; }

@test "log sizes are powers of 1000, and containers.conf may set one" {
  run_coracle_out 0 create --name l1 --log-opt max-size=3.057m box true
  is "$(inspect '{{.HostConfig.LogConfig.Size}}' l1)" "3.057MB"
  printf '[containers]\nlog_size_max = 400000000\n' >"$TEST_STORE/size.conf"
  CONTAINERS_CONF=$TEST_STORE/size.conf run_coracle 0 create --name l2 box true
  CONTAINERS_CONF=$TEST_STORE/size.conf run_coracle 0 create --name l3 --log-opt max-size=8000 box true
  run_coracle_out 0 create --name l4 box true
  is "$(inspect '{{.HostConfig.LogConfig.Size}}' l2)" "400MB"
  is "$(inspect '{{.HostConfig.LogConfig.Size}}' l3)" "8kB"
  is "$(inspect '{{.HostConfig.LogConfig.Size}}' l4)" "-1B"
  run_coracle 125 create --log-opt max-size=x box true
  run_coracle 0 rm l1 l2 l3 l4
}

@test "limits: no limit at all is readable again; files and processes as Podman has them, from the first start on" {
  run_coracle 0 run -d --name u1 --ulimit core=-1:-1 box sleep 1000
  if [ "$(ulimit -Hc)" = unlimited ]; then
    has "$(inspect '{{.HostConfig.Ulimits}}' u1)" "RLIMIT_CORE -1 -1"
  fi
  run_coracle 0 exec u1 sh -c 'ulimit -c'
  is "$output" "$(ulimit -Hc)"
  run_coracle 0 commit -q u1 unlimited
  run_coracle 0 cp u1:/etc/passwd "$TEST_STORE/passwd"
  run_coracle 0 rm -f -t 0 u1
  run_coracle 0 rmi unlimited

  run_coracle 0 create --name u2 box sh -c 'ulimit -Hn'
  is "$(inspect '{{json .HostConfig.Ulimits}}' u2)" "[]" "not started yet"
  local before
  before=$(($(ulimit -Hn) > 1048576 ? 1048576 : $(ulimit -Hn)))
  run_coracle 0 start -a u2
  is "$output" "$before"
  is "$(inspect '{{range .HostConfig.Ulimits}}{{if eq .Name "RLIMIT_NOFILE"}}{{.Soft}}:{{.Hard}}{{end}}{{end}}' u2)" "$before:$before"
  ulimit -n $((before - 1))
  run_coracle 0 start -a u2
  is "$output" "$((before - 1))" "each start looks again"
  run_coracle 0 rm u2
}

@test "ps --filter: ids in capitals, names with a slash" {
  local id
  run_coracle_out 0 create --name named box true
  id=$output
  run_coracle 0 ps -aq --no-trunc --filter "id=${id:0:12}"
  is "$output" "$id"
  run_coracle 0 ps -aq --no-trunc --filter "id=$(tr a-f A-F <<<"${id:0:12}")"
  is "$output" "$id"
  run_coracle 0 ps -aq --no-trunc --filter "id=^[^${id:0:1}]"
  is "$output" ""
  run_coracle 0 ps -a --filter 'name=^/named$' --format '{{.Names}}'
  is "$output" "named"
  run_coracle 0 ps -a --filter 'name=/named' --format '{{.Names}}'
  is "$output" "named"
  run_coracle 0 rm named
}

@test "start --filter: of those named" {
  run_coracle 0 create --name f1 --restart on-failure box true
  run_coracle 0 create --name f2 box true
  run_coracle 0 start --filter restart-policy=on-failure f1 f2
  is "$output" "f1"
  run_coracle 0 start --filter restart-policy=always f1 f2
  is "$output" ""
  run_coracle 125 start --filter restart-policy=fake f1
  is "$output" "Error: fake invalid restart policy"
  run_coracle 125 stop --filter restart-policy=always f1
  is "$output" "Error: --filter takes no arguments"
  run_coracle 0 rm -f f1 f2
}

@test "start: one that waits to be started again is left to its monitor" {
  run_coracle 0 run -d --name again --restart always box sleep 0.05
  wait_for 20 restarted_often
  run_coracle 0 start again
  is "$output" "again"
  run_coracle 0 rm -f -t 0 again
}
restarted_often() { [ "$(inspect '{{.RestartCount}}' again)" -ge 4 ]; }

@test "run --attach stdin: nothing is shown but the ID" {
  run_coracle 3 run --name quiet --attach stdin box sh -c 'echo hello; exit 3'
  is "$output" "$(inspect '{{.Id}}' quiet)"
  run_coracle 0 run --rm --attach stdin --attach stdout box echo hello
  is "$output" "hello"
  run_coracle 0 rm quiet
}

@test "run --privileged: no virtual terminals of the machine" {
  [ "$(id -u)" != 0 ] || skip "real root sees them"
  run_coracle 0 run --rm --privileged box sh -c 'ls /dev'
  not_like "$output" '(^|[[:space:]])tty[0-9]'
}

@test "--cidfile: written anew, gone with its container" {
  echo "something long that was there before" >"$TEST_STORE/cid"
  run_coracle_out 0 create --cidfile "$TEST_STORE/cid" --name c1 box true
  is "$(cat "$TEST_STORE/cid")" "$output"
  run_coracle_out 0 create --cidfile "$TEST_STORE/cid" --name c2 box true
  run_coracle 0 rm c1
  [ -e "$TEST_STORE/cid" ] || fail "it was another's by then"
  run_coracle 0 rm c2
  [ ! -e "$TEST_STORE/cid" ] || fail "the file is there"
}

@test "inspect: what is not there after what is; who stopped it" {
  run_coracle 125 inspect nothing
  is "$output" $'[]\nError: no such object: "nothing"'
  run_coracle 0 run -d --name s1 --restart always box sleep 1000
  is "$(inspect '{{.State.StoppedByUser}}' s1)" "false"
  is "$(coracle inspect s1 | jq '.[0].State | has("StoppedByUser")')" "false"
  run_coracle 0 stop -t 0 s1
  is "$(inspect '{{.State.StoppedByUser}}' s1)" "true"
  is "$(coracle inspect s1 | jq '.[0].State.StoppedByUser')" "true"
  run_coracle 0 rm s1
}

@test "start: 125 for a command that is not there" {
  run_coracle 0 create -q --name n1 box /no/such/command
  run_coracle 0 wait n1
  is "$output" "0"
  run_coracle 125 start n1
  run_coracle 125 start -a n1
  run_coracle 0 rm n1
}

@test "stop: tells once that a monitor was killed" {
  run_coracle 0 run -d --name lost box sleep 1000
  local pid
  pid=$(inspect '{{.State.ConmonPid}}' lost)
  kill -KILL "$pid"
  wait_for 20 is_dead "$pid"
  run_coracle 125 stop -t 0 lost
  like "$output" 'Error: container [0-9a-f]+ conmon exited prematurely, exit code could not be retrieved: conmon process killed'
  is "$(inspect '{{.State.Status}}' lost)" "exited"
  run_coracle 0 stop lost
  run_coracle 0 rm lost
}
is_dead() { ! kill -0 "$1" 2>/dev/null; }

@test "logs --until: a comma before the fraction" {
  run_coracle 0 run --name late box echo hello
  run_coracle 0 logs --until "$(date -d '+1 hour' --iso-8601=ns)" late
  is "$output" "hello"
  run_coracle 0 logs --until "$(date -d '-1 hour' --iso-8601=ns)" late
  is "$output" ""
  run_coracle 0 rm late
}

@test "events: the filter status, the image that is looked up, logs that are shortened" {
  local conf=$TEST_STORE/events.conf log=$TEST_STORE/events.txt i
  printf '[engine]\nevents_logger = "file"\nevents_logfile_path = "%s"\nevents_logfile_max_size = 11000\n' "$log" >"$conf"
  for i in {0..99}; do
    printf '{"Name":"busybox","Status":"pull","Time":"2022-04-06T11:26:42.7236679%02d+02:00","Type":"image","Attributes":null}\n' "$i"
  done >"$log"
  CONTAINERS_CONF=$conf "$CORACLE" events --since 2022-01-01 --format json >"$TEST_STORE/followed" 3>&- &
  local pid=$!
  wait_for 20 follows 100
  CONTAINERS_CONF=$conf run_coracle 0 create --label a=b --name rotated box true
  is "$(wc -l <"$log")" 53 "two marks, half of the old, two new"
  like "$(head -n 1 "$log")" "\"Name\":\"$log\",\"Status\":\"log-rotation\",.*\"Attributes\":\{\"io.podman.event.rotate\":\"begin\"\}"
  like "$(sed -n 51p "$log")" '"io.podman.event.rotate":"end"'
  wait_for 20 follows 103
  kill "$pid"
  like "$(sed -n 101p "$TEST_STORE/followed")" '"io.podman.event.rotate":"end"'
  CONTAINERS_CONF=$conf run_coracle 0 events --stream=false --filter container=rotated --filter status=create --format '{{.Attributes.a}}'
  is "$output" "b"
  CONTAINERS_CONF=$conf run_coracle 0 events --stream=false --filter image=box --filter status=pull --format '{{.Name}}'
  is "$output" "localhost/box:latest"
  run_coracle 0 rm rotated
}
follows() { [ "$(wc -l <"$TEST_STORE/followed")" -ge "$1" ]; }
