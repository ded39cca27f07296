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

# A container begins with this: it prints ticks until it is let go on: who has seen one is attached.
until_go='until [ -e /go ]; do echo tick; sleep 0.05; done;'
# without_ticks: what came of these
without_ticks() { sed '/^tick$/d' "$@"; }

# attached FILE COMMAND…: in the background, its output in FILE, and standard error in FILE.err; $attached is its pid. It is attached when this returns: the container ticks.
attached() {
  local file=$1
  shift
  # the ticks of the one before it are not its own
  : >"$file"
  "$CORACLE" "$@" </dev/null >"$file" 2>"$file.err" 3>&- &
  attached=$!
  wait_for 30 file_has "$file" tick
}

# at_once ARGS…: the command waits for no answer until its patience is over: neither to a connection nor to a message.
at_once() {
  local trace=$TEST_STORE/trace
  strace -o /dev/null true 2>/dev/null || skip "strace is missing, or may not trace here"
  # not what it starts: a monitor stays
  run strace -o "$trace" -e trace=connect,poll "$CORACLE" "$@" </dev/null
  show_run 0 "coracle $*"
  is "$(grep -E 'EAGAIN|Timeout' "$trace" | grep -vE ', 0\) += 0 .Timeout.')" "" "what $1 waited for in vain"
}

# ended EXPECTED PID: of a background process.
ended() {
  local got=0
  wait "$2" || got=$?
  is "$got" "$1" "exit status of the command in the background"
}

@test "attach: what is printed from now on, and the container's exit status" {
  run_coracle run -d --name a1 box sh -c "$until_go"' echo out; echo err >&2; exit 7'
  attached "$TEST_STORE/a1" attach a1
  let_go a1
  ended 7 "$attached"
  is "$(without_ticks "$TEST_STORE/a1")" out
  is "$(cat "$TEST_STORE/a1.err")" err
  # the end is on record when attach returns
  is "$(state_of a1)" exited
  run_coracle inspect -f '{{.State.ExitCode}}' a1
  is "$output" 7
  run_coracle rm a1
  no_leaks
}

@test "start -a of a container that runs attaches to it" {
  run_coracle run -d -i --name a1 box sh -c 'while read -r line; do echo "<$line>"; done; exit 5'
  run bash -c 'printf "one\n" | timeout 100 "$CORACLE" start -a -i a1'
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
  run_coracle run -d --name a2 box sleep 1000
  run_coracle 125 attach --detach-keys ctrl-1 a2
  has "$output" "ctrl-1"
  run_coracle rm -f -t 0 a2
  "$CORACLE" run -d --log-driver passthrough --name a2 box sleep 1000 </dev/null >/dev/null 2>&1 3>&-
  run_coracle 125 attach a2
  is "$output" "Error: this container is using the 'passthrough' log driver, cannot attach: this container is not logging output"
  run_coracle rm -f -t 0 a2
  no_leaks
}

@test "attach --latest, and by a short id" {
  run_coracle run -d --name a3 box sh -c "$until_go exit 3"
  attached "$TEST_STORE/a3" attach --latest
  let_go a3
  ended 3 "$attached"
  run_coracle rm a3
  id=$(coracle run -d box sh -c "$until_go exit 4")
  attached "$TEST_STORE/a3" container attach "${id:0:12}"
  let_go "$id"
  ended 4 "$attached"
  run_coracle rm "$id"
  no_leaks
}

@test "attach: standard input is the container's, and its end too" {
  run_coracle run -d -i --name a4 box sh -c 'while read -r line; do echo "<$line>"; done; exit 5'
  run bash -c 'printf "one\ntwo\n" | timeout 100 "$CORACLE" attach a4'
  is "$status" 5
  is "$output" $'<one>\n<two>'
  run_coracle rm a4
  no_leaks
}

@test "attach --no-stdin, and a container without -i: the caller's input is left alone" {
  printf 'one\ntwo\n' >"$TEST_STORE/input"
  for flag in --no-stdin ''; do
    # the container has standard input where the flag leaves it alone
    run_coracle run -d ${flag:+-i} --name a5 box sh -c "$until_go echo done"
    : >"$TEST_STORE/a5"
    # shellcheck disable=SC2086 # no word, or one
    { "$CORACLE" attach $flag a5; cat; } <"$TEST_STORE/input" >"$TEST_STORE/a5" 2>&1 3>&- &
    attached=$!
    wait_for 30 file_has "$TEST_STORE/a5" tick
    let_go a5
    ended 0 "$attached"
    is "$(without_ticks "$TEST_STORE/a5")" $'done\none\ntwo'
    run_coracle rm a5
  done
  no_leaks
}

@test "attach: several at once, each sees all; one that is killed or stopped is no matter" {
  run_coracle run -d -i --name a6 box sh -c "$until_go"' while read -r line; do echo "<$line>"; done; exit 5'
  attached "$TEST_STORE/one" attach --no-stdin a6
  one=$attached
  attached "$TEST_STORE/two" attach --no-stdin a6
  two=$attached
  attached "$TEST_STORE/three" attach --no-stdin a6
  three=$attached
  kill -9 "$two"
  ended 137 "$two"
  kill -STOP "$three"
  let_go a6
  run bash -c 'printf "hello\n" | timeout 100 "$CORACLE" attach a6'
  is "$status" 5
  is "$(without_ticks <<<"$output")" '<hello>'
  ended 5 "$one"
  is "$(without_ticks "$TEST_STORE/one")" '<hello>'
  kill -CONT "$three"
  ended 5 "$three"
  run_coracle rm a6
  no_leaks
}

@test "attach: one that does not read does not keep the container from being stopped" {
  run_coracle run -d --name a7 box yes tick
  attached "$TEST_STORE/slow" attach a7
  kill -STOP "$attached"
  sleep 0.3
  SECONDS=0
  run_coracle stop -t 0 a7
  [ "$SECONDS" -lt 30 ] || fail "stop took $SECONDS s"
  wait_for 30 is_state a7 exited
  kill -CONT "$attached"
  ended 137 "$attached" || { tail -c 300 "$TEST_STORE/slow" "$TEST_STORE/slow.err"; false; }
  run_coracle rm a7
  no_leaks
}

@test "attach: one that never reads holds back neither the container nor its log for long, and hears what it missed" {
  run_coracle run -d --name a7 box sh -c "$until_go seq 1 200000; echo last; sleep 1000"
  attached "$TEST_STORE/quick" attach --no-stdin a7
  quick=$attached
  attached "$TEST_STORE/slow" attach a7
  kill -STOP "$attached"
  let_go a7
  wait_for 60 sh -c "'$CORACLE' logs --tail 1 a7 | grep -q last"
  wait_for 30 file_has "$TEST_STORE/quick" last
  kill -CONT "$attached"
  # it goes on with what comes from now on
  run_coracle exec a7 sh -c 'echo again >/proc/1/fd/1'
  wait_for 30 file_has "$TEST_STORE/slow" again
  run_coracle kill a7
  ended 126 "$attached"
  like "$(tail -n 1 "$TEST_STORE/slow.err")" '^Error: [0-9]+ bytes of the container.s output were not shown'
  ended 137 "$quick"
  (seq 1 200000; echo last; echo again) | cmp - <(without_ticks "$TEST_STORE/quick")
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
time.sleep(600)
PY
  python3 "$TEST_STORE/silent.py" "$RUN_ROOT/$id" >"$TEST_STORE/silent" 3>&- &
  silent=$!
  wait_for 200 test -s "$TEST_STORE/silent"
  [ "$(cat "$TEST_STORE/silent")" -ge 256 ]
  at_once stop -t 0 a7
  kill "$silent"
  run_coracle rm a7
  no_leaks
}

@test "a monitor that was stopped (SIGSTOP) is woken by who stops or restarts its container" {
  run_coracle run -d --name a7 box sleep 1000
  for word in stop restart "rm -f"; do
    [ "$word" != restart ] || run_coracle start a7
    kill -STOP "$(coracle inspect -f '{{.State.ConmonPid}}' a7)"
    # shellcheck disable=SC2086 # a command and its flag
    at_once $word -t 0 a7
  done
  no_leaks
}

@test "attach: signals are passed on, or with --sig-proxy=false end the command alone" {
  run_coracle run -d --name a8 box sh -c 'trap "echo term; exit 9" TERM; while :; do echo tick; sleep 0.05; done'
  attached "$TEST_STORE/out" attach --sig-proxy=false a8
  kill -TERM "$attached"
  ended 143 "$attached"
  is "$(state_of a8)" running
  attached "$TEST_STORE/out" attach a8
  kill -TERM "$attached"
  ended 9 "$attached"
  is "$(without_ticks "$TEST_STORE/out")" term
  run_coracle rm a8
  no_leaks
}

@test "attach: a caller that stops reading" {
  run_coracle run -d --name a9 box yes
  run bash -c 'set -o pipefail; timeout 100 "$CORACLE" attach a9 | head -n 1; exit ${PIPESTATUS[0]}'
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
send sh -c '"'"'echo "<$((1+1))>"; exec sleep 1000'"'"'\n
expect <2>
send \x03
send echo int $?\n
expect int 130
send sh -c '"'"'trap "echo going $((1+3))" CONT; echo "<$((1+2))>"; while :; do sleep 0.1; done'"'"'\n
expect <3>
send \x1a
expect Stopped
expect sh -c
send fg\n
expect fg
expect sh -c
expect going 4
send \x03
send echo "<$((5*5))>"\n
expect <25>
expect #
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
  timeout 200 python3 "$driver" 24 80 'raw
note '"$TEST_STORE/raw"'
expect <42>
send echo "<$((7*7))>"\n
expect <49>' "$(command -v "$CORACLE")" attach t6 >"$TEST_STORE/first" 3>&- &
  first=$!
  wait_for 30 test -e "$TEST_STORE/raw"
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
# it is attached when the shell in the container answers
os.write(master, b"echo $((6*7))\n")
seen = b""
while b"42" not in seen:
    seen += os.read(master, 4096)
os.close(master)
os.waitpid(pid, 0)
PY
  is "$(state_of t7)" running
  on_terminal 0 24x80 'raw
send exit 0\n' attach t7
  run_coracle rm t7
  no_leaks
}
