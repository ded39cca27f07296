#!/usr/bin/env bats
# 200-attach: attach, detach, several at once; a terminal as a person uses it.
# root: yes

load helpers
load terminal

setup() {
  fixture_image box
  terminal_setup
}

state_of() { coracle inspect -f '{{.State.Status}}' "$1" 2>/dev/null; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
file_has() { grep -qF -- "$2" "$1"; }

# attached FILE ARGS…: attach in the background, its output in FILE; $attached is its pid.
attached() {
  local file=$1
  shift
  "$CORACLE" attach "$@" </dev/null >"$file" 2>&1 3>&- &
  attached=$!
}

# ended EXPECTED PID: of a background process.
ended() {
  local got=0
  wait "$2" || got=$?
  is "$got" "$1" "exit status of the command in the background"
}

@test "attach: what is printed from now on, and the container's exit status" {
  run_coracle run -d --name a1 box sh -c 'sleep 0.5; echo out; echo err >&2; exit 7'
  run_coracle_out 7 attach a1
  is "$output" out
  is "$stderr" err
  # the end is on record when attach returns
  is "$(state_of a1)" exited
  run_coracle inspect -f '{{.State.ExitCode}}' a1
  is "$output" 7
  run_coracle rm a1
  no_leaks
}

@test "start -a of a container that runs attaches to it" {
  run_coracle run -d -i --name a1 box sh -c 'while read -r line; do echo "<$line>"; done; exit 5'
  run bash -c 'printf "one\n" | timeout 30 "$CORACLE" start -a -i a1'
  is "$status" 5
  is "$output" '<one>'
  run_coracle rm a1
  no_leaks
}

@test "attach: what cannot be attached to" {
  run_coracle 125 attach nosuch
  is "$output" 'Error: no container with name or ID "nosuch" found: no such container'
  run_coracle 125 attach
  is "$output" 'Error: "coracle attach" requires a name, id, or the "--latest" flag'
  run_coracle create --name a2 box true
  run_coracle 125 attach a2
  is "$output" 'Error: you can only attach to running containers: container state improper'
  run_coracle 125 attach --latest a2
  is "$output" 'Error: --latest and containers cannot be used together'
  run_coracle 125 attach a2 a2
  run_coracle rm a2
  run_coracle run -d --name a2 box sleep 100
  run_coracle 125 attach --detach-keys ctrl-1 a2
  has "$output" "ctrl-1"
  run_coracle rm -f -t 0 a2
  "$CORACLE" run -d --log-driver passthrough --name a2 box sleep 100 </dev/null >/dev/null 2>&1 3>&-
  run_coracle 125 attach a2
  is "$output" "Error: this container is using the 'passthrough' log driver, cannot attach: this container is not logging output"
  run_coracle rm -f -t 0 a2
  no_leaks
}

@test "attach --latest, and by a short id" {
  run_coracle run -d --name a3 box sh -c 'sleep 0.5; exit 3'
  run_coracle 3 attach --latest
  run_coracle rm a3
  id=$(coracle run -d box sh -c 'sleep 0.5; exit 4')
  run_coracle 4 container attach "${id:0:12}"
  run_coracle rm "$id"
  no_leaks
}

@test "attach: standard input is the container's, and its end too" {
  run_coracle run -d -i --name a4 box sh -c 'while read -r line; do echo "<$line>"; done; exit 5'
  run bash -c 'printf "one\ntwo\n" | timeout 30 "$CORACLE" attach a4'
  is "$status" 5
  is "$output" $'<one>\n<two>'
  run_coracle rm a4
  no_leaks
}

@test "attach --no-stdin, and a container without -i: the caller's input is left alone" {
  run_coracle run -d -i --name a5 box sh -c 'sleep 0.5; echo done'
  run bash -c 'printf "one\ntwo\n" | { timeout 30 "$CORACLE" attach --no-stdin a5; cat; }'
  is "$output" $'done\none\ntwo'
  run_coracle rm a5
  run_coracle run -d --name a5 box sh -c 'sleep 0.5; echo done'
  run bash -c 'printf "one\ntwo\n" | { timeout 30 "$CORACLE" attach a5; cat; }'
  is "$output" $'done\none\ntwo'
  run_coracle rm a5
  no_leaks
}

@test "attach: several at once, each sees all; one that is killed or stopped is no matter" {
  run_coracle run -d -i --name a6 box sh -c 'while read -r line; do echo "<$line>"; done; exit 5'
  attached "$TEST_STORE/one" --no-stdin a6
  one=$attached
  attached "$TEST_STORE/two" --no-stdin a6
  two=$attached
  attached "$TEST_STORE/three" --no-stdin a6
  three=$attached
  sleep 0.3
  kill -9 "$two"
  ended 137 "$two"
  kill -STOP "$three"
  run bash -c 'printf "hello\n" | timeout 30 "$CORACLE" attach a6'
  is "$status" 5
  is "$output" '<hello>'
  ended 5 "$one"
  is "$(cat "$TEST_STORE/one")" '<hello>'
  kill -CONT "$three"
  ended 5 "$three"
  run_coracle rm a6
  no_leaks
}

@test "attach: one that does not read does not keep the container from being stopped" {
  run_coracle run -d --name a7 box sh -c 'yes'
  attached "$TEST_STORE/slow" a7
  sleep 0.3
  kill -STOP "$attached"
  sleep 0.3
  SECONDS=0
  run_coracle stop -t 0 a7
  [ "$SECONDS" -lt 8 ] || fail "stop took $SECONDS s"
  wait_for 10 is_state a7 exited
  kill -CONT "$attached"
  ended 137 "$attached" || { tail -c 300 "$TEST_STORE/slow"; false; }
  run_coracle rm a7
  no_leaks
}

@test "attach: one that never reads holds back neither the container nor its log for long, and hears what it missed" {
  run_coracle run -d --name a7 box sh -c 'sleep 1; seq 1 200000; echo last; sleep 100'
  attached "$TEST_STORE/slow" a7
  "$CORACLE" attach --no-stdin a7 </dev/null >"$TEST_STORE/quick" 2>&1 3>&- &
  quick=$!
  sleep 0.3
  kill -STOP "$attached"
  wait_for 15 sh -c "'$CORACLE' logs --tail 1 a7 | grep -q last"
  wait_for 5 file_has "$TEST_STORE/quick" last
  kill -CONT "$attached"
  # it goes on with what comes from now on
  run_coracle exec a7 sh -c 'echo again >/proc/1/fd/1'
  wait_for 5 file_has "$TEST_STORE/slow" again
  run_coracle kill a7
  ended 126 "$attached"
  like "$(tail -n 1 "$TEST_STORE/slow")" '^Error: [0-9]+ bytes of the container.s output were not shown'
  ended 137 "$quick"
  (seq 1 200000; echo last; echo again) | cmp - "$TEST_STORE/quick"
  run_coracle rm a7
  no_leaks
}

@test "attach: many who connect and say nothing keep nobody out" {
  needs python3
  run_coracle run -d --name a7 box sh -c 'while :; do sleep 0.1; done'
  id=$(coracle inspect -f '{{.Id}}' a7)
  cat >"$TEST_STORE/silent.py" <<'PY'
import os, socket, sys, time
os.chdir(sys.argv[1])
held = []
for _ in range(600):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(0.2)
    try:
        s.connect("attach")
        held.append(s)
    except OSError:
        time.sleep(0.02)  # the queue is full for the moment
print(len(held), flush=True)
time.sleep(60)
PY
  python3 "$TEST_STORE/silent.py" "$RUN_ROOT/$id" >"$TEST_STORE/silent" 3>&- &
  silent=$!
  wait_for 20 test -s "$TEST_STORE/silent"
  [ "$(cat "$TEST_STORE/silent")" -ge 256 ]
  begun=$(date +%s%N)
  run_coracle stop -t 0 a7
  took=$((($(date +%s%N) - begun) / 1000000))
  [ "$took" -lt 1500 ] || fail "stop took $took ms"
  kill "$silent"
  run_coracle rm a7
  no_leaks
}

@test "a monitor that was stopped (SIGSTOP) is woken by who stops or restarts its container" {
  run_coracle run -d --name a7 box sleep 1000
  for word in stop restart "rm -f"; do
    [ "$word" != restart ] || run_coracle start a7
    kill -STOP "$(coracle inspect -f '{{.State.ConmonPid}}' a7)"
    begun=$(date +%s%N)
    # shellcheck disable=SC2086 # a command and its flag
    run_coracle $word -t 0 a7
    took=$((($(date +%s%N) - begun) / 1000000))
    [ "$took" -lt 1500 ] || fail "$word took $took ms"
  done
  no_leaks
}

@test "attach: signals are passed on, or with --sig-proxy=false end the command alone" {
  run_coracle run -d --name a8 box sh -c 'trap "echo term; exit 9" TERM; echo ready; while :; do sleep 0.05; done'
  "$CORACLE" attach --sig-proxy=false a8 >/dev/null 3>&- &
  pid=$!
  sleep 0.3
  kill -TERM $pid
  ended 143 $pid
  is "$(state_of a8)" running
  "$CORACLE" attach a8 >"$TEST_STORE/out" 3>&- &
  pid=$!
  sleep 0.3
  kill -TERM $pid
  ended 9 $pid
  is "$(cat "$TEST_STORE/out")" term
  run_coracle rm a8
  no_leaks
}

@test "attach: a caller that stops reading" {
  run_coracle run -d --name a9 box yes
  run bash -c 'set -o pipefail; timeout 30 "$CORACLE" attach a9 | head -n 1; exit ${PIPESTATUS[0]}'
  is "$output" y
  is "$status" 141
  is "$(state_of a9)" running
  run_coracle rm -f -t 0 a9
  no_leaks
}

@test "attach: a terminal: detach and attach again; its settings are as before" {
  run_coracle run -dit --name t1 box sh
  on_terminal 0 24x80 'raw
send echo $((6*7))\n
expect 42
send \x10\x11
cooked' attach t1
  is "$(state_of t1)" running
  # one key of two is the container's
  on_terminal 0 24x80 'raw
send echo $((7*7))\n
expect 49
send \x10
send \x11' attach t1
  on_terminal 3 24x80 'raw
send exit 3\n' attach t1
  is "$(state_of t1)" exited
  run_coracle rm t1
  no_leaks
}

@test "attach --detach-keys: other keys, and none" {
  run_coracle run -dit --name t2 box sh
  on_terminal 0 24x80 'raw
send echo $((6*7))\n
expect 42
send \x10\x11\x03echo $((8*8))\n
expect 64
send \x01d' attach --detach-keys ctrl-a,d t2
  on_terminal 4 24x80 'raw
send \x10\x11\x03exit 4\n' attach --detach-keys '' t2
  run_coracle rm t2
  no_leaks
}

@test "attach: the detach keys of containers.conf" {
  printf '[engine]\ndetach_keys = "ctrl-b"\n' >"$CONTAINERS_CONF"
  run_coracle run -dit --name t3 box sh
  on_terminal 0 24x80 'raw
send \x02' attach t3
  run_coracle rm -f -t 0 t3
  on_terminal 0 24x80 'raw
send echo $((6*7))\n
expect 42
send \x02' run -it --name t3 box sh
  is "$(state_of t3)" running
  : >"$CONTAINERS_CONF"
  run_coracle rm -f -t 0 t3
  no_leaks
}

@test "attach: a person's keys: editing a line, Ctrl-C, Ctrl-Z, Ctrl-D" {
  run_coracle run -dit --name t4 box sh
  on_terminal 6 24x80 'raw
send echo "<wrong\x7f\x7f\x7f\x7f\x7fright>"\n
expect <right>
send sleep 100\n
wait 0.5
send \x03
send echo int $?\n
expect int 130
send sleep 100\n
wait 0.5
send \x1a
expect Stopped
send fg\n
wait 0.5
send \x03
send echo "<$((5*5))>"\n
expect <25>
send cat\n
send abc\n
expect abc
send \x04
send exit 6\n' attach t4
  run_coracle rm t4
  no_leaks
}

@test "attach: the size is that of the terminal that came last, and follows it" {
  run_coracle run -dit --name t5 box sh
  on_terminal 0 33x99 'raw
send stty size\n
expect 33 99
resize 40 120
send stty size\n
expect 40 120
send \x10\x11' attach t5
  on_terminal 0 25x70 'raw
send stty size\n
expect 25 70
send \x10\x11' attach t5
  run_coracle rm -f -t 0 t5
  no_leaks
}

@test "attach: two terminals at once" {
  run_coracle run -dit --name t6 box sh
  timeout 60 python3 "$driver" 24 80 'raw
expect <42>
send echo "<$((7*7))>"\n
expect <49>' "$(command -v "$CORACLE")" attach t6 >"$TEST_STORE/first" 3>&- &
  first=$!
  sleep 0.5
  on_terminal 8 24x80 'raw
send echo "<$((6*7))>"\n
expect <42>
expect <49>
send exit 8\n' attach t6
  ended 8 $first
  run_coracle rm t6
  no_leaks
}

@test "attach: a terminal that hangs up" {
  run_coracle run -dit --name t7 box sh
  python3 - "$(command -v "$CORACLE")" <<'PY'
import os, pty, sys, time
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "attach", "--sig-proxy=false", "t7"])
time.sleep(0.5)
os.close(master)
os.waitpid(pid, 0)
PY
  is "$(state_of t7)" running
  on_terminal 0 24x80 'raw
send exit 0\n' attach t7
  run_coracle rm t7
  no_leaks
}
