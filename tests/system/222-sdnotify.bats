#!/usr/bin/env bats
# 222-sdnotify: what the service manager is told of a container, by way of NOTIFY_SOCKET.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

setup() {
  needs python3
  export NOTIFY_SOCKET=$TEST_STORE/notify.sock
  SAID=$TEST_STORE/said
  rm -f "$NOTIFY_SOCKET" "$SAID"
  : >"$SAID"
  python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    data = s.recv(4096)
    with open(sys.argv[2], "ab") as f: f.write(data + b"\n")
' "$NOTIFY_SOCKET" "$SAID" 3>&- &
  LISTENER=$!
  wait_for 60 test -S "$NOTIFY_SOCKET"
}

teardown() {
  kill "$LISTENER" 2>/dev/null || true
  unset NOTIFY_SOCKET
  basic_teardown
}

said() { [ "$(cat "$SAID")" = "$1" ]; }
monitor() { coracle inspect --format '{{.State.ConmonPid}}' "$1"; }

@test "sdnotify: ignore" {
  run_coracle 0 run --rm --sdnotify ignore box sh -c 'echo "[$NOTIFY_SOCKET]"'
  is "$output" "[]" "the container knows nothing of it"
  is "$(cat "$SAID")" "" "nothing was said"
  no_leaks
}

@test "sdnotify: conmon: ready when it runs; the container knows nothing of it" {
  run_coracle 0 run -d --name conmon --sdnotify conmon box sh -c 'echo "[$NOTIFY_SOCKET]"; sleep 1000'
  wait_for 60 said "MAINPID=$(monitor conmon)
READY=1"
  wait_for 30 logs_say conmon ']'
  run_coracle_out 0 logs conmon
  is "$output" "[]"
  run_coracle 0 rm -f -t 0 conmon
  no_leaks
}

@test "sdnotify: container: ready when the container says so, and nothing else is passed on" {
  run_coracle 0 run -d --name inside box sh -c 'echo "$NOTIFY_SOCKET"; test -S "$NOTIFY_SOCKET" && echo socket; sleep 1000'
  wait_for 60 said "MAINPID=$(monitor inside)"
  wait_for 60 logs_say inside $'\nsocket'
  run_coracle_out 0 logs inside
  is "$output" $'/run/notify/notify.sock\nsocket'
  # as a process of the container would: through its own root
  python3 - "$RUN_ROOT"/*/notify/notify.sock <<'PY'
import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))   # an address is no longer than 108 bytes
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("notify.sock")
s.send(b"STATUS=hello\nMAINPID=1")
s.send(b"READY=1\nMAINPID=1")
PY
  wait_for 60 said "MAINPID=$(monitor inside)
READY=1"
  run_coracle 0 rm -f -t 0 inside
  no_leaks
}

@test "sdnotify: healthy: ready when a check succeeds, and start waits for it" {
  run_coracle 125 create --sdnotify healthy box
  is "$output" 'Error: invalid argument: sdnotify policy "healthy" requires a healthcheck to be set'
  run_coracle 0 create --name well --health-cmd true --health-interval disable --sdnotify healthy box sleep 1000
  coracle start well >/dev/null &
  local start=$!
  wait_for 60 some_run
  wait_for 60 said "MAINPID=$(monitor well)"
  sleep 0.2
  kill -0 "$start" || fail "start did not wait"
  run_coracle 0 healthcheck run well
  wait "$start"
  wait_for 60 said "MAINPID=$(monitor well)
READY=1"
  run_coracle 0 healthcheck run well
  run_coracle 0 rm -f -t 0 well
  run_coracle 0 run -d --rm --name clock --health-cmd true --health-interval 1h --sdnotify healthy box sleep 1000
  # run returned when it was healthy: it has been said, if not read
  said_ready() { [[ $(tail -n 1 "$SAID") == *READY=1* ]]; }
  is "$(coracle inspect --format '{{.State.Health.Status}}' clock)" "healthy"
  wait_for 30 said_ready
  run_coracle 0 rm -f -t 0 clock
  no_leaks
}
