#!/usr/bin/env bats
# 241-exec-tty: exec on a terminal: its size, what is typed, detach keys, and the caller's terminal afterwards; large input and output; readers that go away.
# root: yes

load helpers
load terminal

setup_file() {
  basic_setup_file
  fixture_image box
}
# a failed test takes its containers along
setup() {
  terminal_setup
  coracle container exists c || run_coracle 0 run -d --name c box sleep 1000
}
sessions() { coracle inspect --format '{{len .ExecIDs}}' c; }
no_session() { [ "$(sessions)" = 0 ]; }
# all of what ps says is read: a reader that goes early would leave its session behind for a moment
runs_there() { [[ $(coracle exec c ps) == *"$1"* ]]; }
# end_there WORDS: SIGKILL to what runs them
end_there() {
  local pid
  for pid in $(coracle top c pid args | awk -v words="$1" 'index ($0, words) { print $1 }'); do coracle exec c kill -9 "$pid" || true; done
}

@test "exec tty: a terminal of its own, in the container's /dev/pts" {
  run_coracle_out 0 exec -t c tty
  like "$output" '^/dev/pts/[0-9]+'
  run_coracle 1 exec c tty
  run_coracle_out 0 exec -t c sh -c 'echo one; echo two >&2; test -t 0 && test -t 1 && test -t 2 && echo fine >/dev/tty'
  is "$(tr -d '\r' <<<"$output")" $'one\ntwo\nfine'
  run_coracle 5 exec -t c sh -c 'exit 5'
  run_coracle_out 0 exec -t -u user c sh -c 'stat -c %U $(tty); echo x >/dev/tty'
  is "$(tr -d '\r' <<<"$output" | head -1)" "user" "its owner"
  no_session
}

@test "exec tty: TERM" {
  run_coracle_out 0 exec -t c sh -c 'echo -n $TERM'
  is "$output" "xterm"
  run_coracle_out 0 exec -t -e TERM=other c sh -c 'echo -n $TERM'
  is "$output" "other"
  run_coracle_out 0 exec c sh -c 'echo -n $TERM'
  is "$output" ""
}

@test "exec tty: size, raw mode, what is typed, the status, the terminal as before" {
  on_terminal 3 33x99 'expect 33 99
raw
send exit 3\n' exec -it c sh -c 'stty size; exec sh'
  on_terminal 0 24x80 'expect ready
send hello\n
expect hello
expect got hello' exec -it c sh -c 'echo ready; read line; echo got $line'
  on_terminal 0 24x80 'expect 24 80
raw
resize 40 120
expect 40 120' exec -it c sh -c 'trap "stty size; exit 0" WINCH; stty size; while :; do sleep 0.05; done'
  on_terminal 127 24x80 '' exec -it c no-such-program
  on_terminal 255 24x80 '' exec -it -u nosuch c sh
}

@test "exec tty: Ctrl-C and Ctrl-Z are the command's, Ctrl-D ends a shell" {
  on_terminal 7 24x80 'expect ready
raw
send \x03
expect caught' exec -it c sh -c 'trap "echo caught; exit 7" INT; echo ready; while :; do sleep 0.05; done'
  on_terminal 8 24x80 'expect ready
raw
send \x1a
expect asked' exec -it c sh -c 'trap "echo asked; exit 8" TSTP; echo ready; while :; do sleep 0.05; done'
  on_terminal 0 24x80 'expect #
raw
send \x04' exec -it c sh
  no_session
}

@test "exec tty: the detach keys leave it running" {
  on_terminal 0 24x80 'expect ready
raw
send \x10\x11' exec -it c sh -c 'echo ready; sleep 333; :'
  runs_there 'sleep 333'
  is "$(sessions)" 1
  end_there 'sleep 333'
  wait_for 30 no_session
  on_terminal 0 24x80 'expect ready
raw
send \x10\x11x
send a
' exec -it --detach-keys x,a c sh -c 'echo ready; sleep 334; :'
  end_there 'sleep 334'
  wait_for 30 no_session
  on_terminal 0 24x80 'expect ready
raw
send \x10\x11\n
expect got' exec -it --detach-keys "" c sh -c 'echo ready; read line; echo got'
  printf '[engine]\ndetach_keys = "ctrl-b"\n' >"$CONTAINERS_CONF"
  on_terminal 0 24x80 'expect ready
raw
send \x02' exec -it c sh -c 'echo ready; sleep 335; :'
  : >"$CONTAINERS_CONF"
  end_there 'sleep 335'
  wait_for 30 no_session
  run_coracle 255 exec --detach-keys bogus-keys -it c true
  like "$output" "detach keys"
}

@test "exec tty: killed by a signal, the terminal is restored and the command goes on" {
  on_terminal 143 24x80 'expect ready
raw
signal 15' exec -it c sh -c 'echo ready; sleep 335; :'
  not_like "$output" "#. driver: the terminal"
  runs_there 'sleep 335'
  end_there 'sleep 335'
  wait_for 30 no_session
}

@test "exec: a signal that ends the client leaves the command" {
  local status=0
  "$CORACLE" exec c sleep 336 3>&- &
  local client=$!
  wait_for 30 runs_there 'sleep 336'
  kill -TERM "$client"
  wait "$client" || status=$?
  is "$status" 143
  runs_there 'sleep 336'
  is "$(sessions)" 1
  end_there 'sleep 336'
  wait_for 30 no_session
}

@test "exec: large output is whole, in order, on both streams and a terminal" {
  run_coracle_out 0 exec c seq 1 300000
  is "$(md5sum <<<"$output")" "$(seq 1 300000 | md5sum)"
  coracle exec c sh -c 'seq 1 100000 & seq 1 100000 >&2; wait' >"$TEST_STORE/out" 2>"$TEST_STORE/err"
  is "$(md5sum <"$TEST_STORE/out")" "$(seq 1 100000 | md5sum)"
  is "$(md5sum <"$TEST_STORE/err")" "$(seq 1 100000 | md5sum)"
  run_coracle_out 0 exec -t c seq 1 20000
  is "$(tr -d '\r' <<<"$output" | md5sum)" "$(seq 1 20000 | md5sum)"
}

@test "exec: the reader goes away: SIGPIPE, and it does not hang" {
  local began=$SECONDS
  is "$(coracle exec c sh -c 'trap "" PIPE; yes; sleep 337' | head -1)" "y"
  [ $((SECONDS - began)) -lt 60 ] || fail "it took too long"
  end_there yes
  end_there 'sleep 337'
  wait_for 30 no_session
}

@test "exec: what it leaves in the background does not hold the command up" {
  local began=$SECONDS
  is "$(coracle exec c sh -c 'sleep 300 & echo quick')" "quick"
  is "$(coracle exec -t c sh -c 'trap "" HUP; sleep 300 & echo quick' | tr -d '\r')" "quick"
  [ $((SECONDS - began)) -lt 60 ] || fail "it waited"
  end_there 'sleep 300'
}

@test "exec: a full disk for its output is 126, as with run" {
  [ -w /dev/full ] || skip "no /dev/full"
  local status=0
  coracle exec c seq 1 1000 >/dev/full 2>"$TEST_STORE/err" || status=$?
  is "$status" 126
}

@test "exec: the end of the container ends it: 137" {
  run_coracle 0 run -d --name ending box sleep 1000
  coracle exec ending sleep 500 &
  local first=$! status=0
  # its session is there a moment before it runs
  wait_for 30 eval '[[ $(coracle top ending args) == *"sleep 500"* ]]'
  run_coracle 0 exec -d ending sleep 501
  run_coracle 0 rm -f -t 0 ending
  wait $first || status=$?
  is "$status" 137
}
