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
  wait_for 30 is_state d2 exited
  run_coracle inspect -f '{{.State.ExitCode}}' d2
  is "$output" 7
  run_coracle rm d2
  no_leaks
}

@test "run -d --rm goes when it has ended" {
  run_coracle run -d --rm --name d3 box true
  wait_for 30 is_gone d3
  no_leaks
}

@test "run -d --rm of what cannot be executed leaves nothing" {
  run_coracle 127 run -d --rm --name d4 box nosuch
  run_coracle 126 run -d --rm --name d4 box /etc
  run_coracle ps -aq
  is "$output" ""
  no_leaks
}

@test "run -d: the command gets no input, or with -i one that stays open" {
  run_coracle run -d --name d5 box cat
  wait_for 30 is_state d5 exited
  run_coracle run -d -i --name d6 box cat
  sleep 0.3
  is "$(state_of d6)" running
  run_coracle rm -f -t 0 d5 d6
  no_leaks
}

@test "a detached container with a terminal" {
  run_coracle run -d -t --name d7 box sh -c 'tty; exit 3'
  wait_for 30 is_state d7 exited
  run_coracle inspect -f '{{.State.ExitCode}}' d7
  is "$output" 3
  run_coracle rm d7
  no_leaks
}

@test "the monitor killed: ps tells at once, start makes it anew" {
  run_coracle run -d --name d8 box sleep 300
  pid=$(coracle inspect -f '{{.State.ConmonPid}}' d8)
  kill -9 "$pid"
  wait_for 30 is_state d8 exited
  run_coracle inspect -f '{{.State.ExitCode}}' d8
  is "$output" 137
  run_coracle start d8
  is "$output" d8
  is "$(state_of d8)" running
  run_coracle rm -f -t 0 d8
  no_leaks
}

restarts() { coracle inspect -f '{{.RestartCount}}' "$1"; }
has_restarts() { [ "$(restarts "$1")" -ge "$2" ]; }

@test "--restart=on-failure:2: started again twice, then it stays ended" {
  run_coracle run -d --restart=on-failure:2 --name r1 box sh -c 'echo x; exit 4'
  three_runs() { [ "$(coracle logs r1)" = $'x\nx\nx' ]; }
  wait_for 30 three_runs
  wait_for 30 is_state r1 exited
  sleep 0.7
  three_runs || fail "started again"
  run_coracle inspect -f '{{.RestartCount}} {{.State.ExitCode}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' r1
  is "$output" "2 4 exited on-failure 2"
  run_coracle start r1
  wait_for 30 has_restarts r1 2
  run_coracle rm -f -t 0 r1
  no_leaks
}

@test "--restart=on-failure: a success ends it" {
  run_coracle run -d --restart=on-failure --name r2 box sh -c 'test -e /again && exit 0; touch /again; exit 1'
  # between the two runs it is exited, with 1
  ended_well() { [ "$(coracle inspect -f '{{.RestartCount}} {{.State.ExitCode}} {{.State.Status}}' r2)" = "1 0 exited" ]; }
  wait_for 30 ended_well
  run_coracle rm r2
  no_leaks
}

@test "--restart=always: stop is for good, ps finds it by its policy" {
  run_coracle run -d --restart=always --name r3 box sh -c 'sleep 0.2'
  wait_for 30 has_restarts r3 2
  run_coracle stop -t 0 r3
  n=$(restarts r3)
  sleep 1
  is "$(restarts r3)" "$n" "no start after stop"
  is "$(state_of r3)" exited
  run_coracle ps -a --filter restart-policy=always --format '{{.Names}}'
  is "$output" r3
  run_coracle ps -a --filter should-start-on-boot=true --format '{{.Names}}'
  is "$output" r3
  run_coracle ps -a --filter restart-policy=no --format '{{.Names}}'
  is "$output" ""
  run_coracle rm r3
  no_leaks
}

@test "--restart: words that make no sense" {
  run_coracle 125 run --restart=bogus box true
  is "$output" 'Error: "bogus" is not a valid restart policy: invalid argument'
  run_coracle 125 run --restart=always:3 box true
  is "$output" "Error: restart policy retries can only be specified with on-failure restart policy"
  run_coracle 125 run --restart=on-failure:x box true
  has "$output" "parsing restart policy retry count"
  run_coracle 125 run --rm --restart=always box true
  is "$output" 'Error: the --rm option conflicts with --restart, when the restartPolicy is not "" and "no"'
  run_coracle run --rm --restart=no box true
}

@test "--rmi takes the image along, unless another container uses it" {
  run_coracle tag box other:1
  run_coracle commit "$(coracle create --name tmp box)" gone:1
  run_coracle rm tmp
  run_coracle run --rmi gone:1 true
  run_coracle 1 image exists gone:1
  run_coracle run -d --rmi --name keeps box true
  wait_for 30 is_gone keeps
  run_coracle image exists box
}

@test "the log: where, and what inspect says of it" {
  run_coracle run --name l1 box echo logged
  path=$(coracle inspect -f '{{.HostConfig.LogConfig.Path}}' l1)
  is "$path" "$STORE/containers/$(coracle inspect -f '{{.Id}}' l1)/ctr.log"
  like "$(cat "$path")" '^[0-9]{4}-.* stdout F logged$'
  run_coracle run -d --log-driver json-file --log-opt format=docker --log-opt path="$TEST_STORE/x.log" --log-opt max-size=10kb --log-opt tag='{{.Name}}' --name l2 box echo json
  wait_for 30 is_state l2 exited
  like "$(cat "$TEST_STORE/x.log")" '"log":"json\\n"'
  run_coracle inspect -f '{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Path}} {{.HostConfig.LogConfig.Size}} {{.HostConfig.LogConfig.Tag}}' l2
  is "$output" "json-file $TEST_STORE/x.log 10kB {{.Name}}"
  run_coracle run --log-driver none --name l3 box echo nothing
  is "$output" nothing
  [ ! -e "$STORE/containers/$(coracle inspect -f '{{.Id}}' l3)/ctr.log" ]
  run_coracle 125 run --log-driver bogus box true
  is "$output" "Error: running container create option: invalid log driver: invalid argument"
  run_coracle 125 run --log-opt bogus box true
  run_coracle 125 run --log-opt bogus=1 box true
  run_coracle rm l1 l2 l3
}

@test "--log-driver passthrough: the caller's own descriptors" {
  run_coracle_out run --rm --log-driver passthrough box sh -c 'echo out; echo err >&2'
  is "$output" out
  is "$stderr" err
  # what comes when the command has returned is the caller's, too
  mkdir -p "$TEST_STORE/till"
  run bash -c "{ '$CORACLE' run -d --log-driver=passthrough --name p1 -v '$TEST_STORE/till:/till' box sh -c 'until [ -e /till/go ]; do sleep 0.05; done; echo late'; : >'$TEST_STORE/till/go'; } | tail -1"
  is "$output" late
  run_coracle rm -f p1
  run_coracle 125 run -t --log-driver passthrough box true
}

@test "--pidfile and --conmon-pidfile" {
  run_coracle run -d --name pf --pidfile "$TEST_STORE/pid" --conmon-pidfile "$TEST_STORE/cpid" box sleep 300
  is "$(cat "$TEST_STORE/pid")" "$(coracle inspect -f '{{.State.Pid}}' pf)"
  is "$(cat "$TEST_STORE/cpid")" "$(coracle inspect -f '{{.State.ConmonPid}}' pf)"
  run_coracle rm -f -t 0 pf
}

@test "health checks as they are kept" {
  run_coracle create --name h1 --health-cmd 'test -e /ok' --health-interval 5s --health-retries 7 --health-on-failure kill box sleep 3
  run_coracle inspect -f '{{json .Config.Healthcheck}} {{.Config.HealthcheckOnFailureAction}}' h1
  is "$output" '{"Test":["CMD-SHELL","test -e /ok"],"Interval":5000000000,"Timeout":30000000000,"Retries":7} kill'
  run_coracle create --name h2 --health-cmd '["CMD","a","b"]' --health-interval disable box true
  run_coracle inspect -f '{{json .Config.Healthcheck}}' h2
  is "$output" '{"Test":["CMD","a","b"],"Timeout":30000000000,"Retries":3}'
  run_coracle 125 create --no-healthcheck --health-cmd x box true
  is "$output" "Error: cannot specify both --no-healthcheck and --health-cmd"
  run_coracle 125 create --health-on-failure kill box true
  is "$output" "Error: cannot set on-failure action to kill without a health check"
  run_coracle rm h1 h2
}

@test "--attach: only the streams that are named" {
  run_coracle_out run --rm -a stdout box sh -c 'echo out; echo err >&2'
  is "$output/$stderr" "out/"
  run_coracle_out run --rm --attach STDERR box sh -c 'echo out; echo err >&2'
  is "$output/$stderr" "/err"
  run_coracle 125 run --rm -a bogus box true
  has "$output" 'invalid stream "bogus" for --attach - must be one of stdin, stdout, or stderr'
}

@test "start -a attaches to one that runs" {
  local code=0
  run_coracle run -d --name sa box sh -c 'until [ -e /go ]; do echo tick; sleep 0.05; done; echo late; exit 6'
  "$CORACLE" start -a sa >"$TEST_STORE/sa" 2>&1 </dev/null 3>&- &
  wait_for 30 file_has "$TEST_STORE/sa" tick
  let_go sa
  wait "$!" || code=$?
  is "$code" 6
  is "$(sed '/^tick$/d' "$TEST_STORE/sa")" late
  run_coracle rm sa
}

# listen: a datagram socket as systemd has it; what comes goes to a file, line by line
listen() {
  python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(200)
with open(sys.argv[2], "w") as f:
    while True:
        f.write(s.recv(4096).decode() + "\n")
        f.flush()
' "$TEST_STORE/sock" "$TEST_STORE/said" 2>/dev/null 3>&- &
  LISTENER=$!
  chmod 777 "$TEST_STORE" 2>/dev/null || true
  wait_for 30 test -S "$TEST_STORE/sock"
}
stop_listening() { kill "$LISTENER"; rm -f "$TEST_STORE/sock"; }
said() { grep -q "$1" "$TEST_STORE/said"; }

@test "--sdnotify: conmon, container, ignore" {
  needs python3
  listen
  NOTIFY_SOCKET=$TEST_STORE/sock run_coracle run -d --sdnotify=conmon --name nc box sh -c 'echo "socket: $NOTIFY_SOCKET"; sleep 300'
  wait_for 30 said READY=1
  wait_for 30 said "MAINPID=$(coracle inspect -f '{{.State.ConmonPid}}' nc)"
  run_coracle rm -f -t 0 nc
  : >"$TEST_STORE/said"
  NOTIFY_SOCKET=$TEST_STORE/sock run_coracle run --rm --sdnotify=ignore box sh -c 'echo "socket: $NOTIFY_SOCKET"'
  is "$output" "socket: "
  is "$(cat "$TEST_STORE/said")" ""
  NOTIFY_SOCKET=$TEST_STORE/sock run_coracle run --rm box sh -c 'test -S $NOTIFY_SOCKET && echo "socket: $NOTIFY_SOCKET"'
  is "$output" "socket: /run/notify/notify.sock"
  run_coracle 125 run --sdnotify=bogus box true
  stop_listening
}
