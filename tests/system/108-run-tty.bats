#!/usr/bin/env bats
# 108-run-tty: -t and -it on a real terminal (made by python3's pty): raw mode, sizes, Ctrl-C, and the terminal as it was afterwards.
# root: yes

load helpers
load terminal

setup() {
  fixture_image box
  terminal_setup
}

@test "tty: -t gives a terminal, without it there is none" {
  run_coracle_out 0 run --rm -t box tty
  like "$output" '^/dev/(pts/0|console)'
  run_coracle 1 run --rm box tty
  run_coracle_out 0 run --rm -t box sh -c 'echo one; echo two >&2'
  is "$(tr -d '\r' <<<"$output")" $'one\ntwo' "both streams are one"
  run_coracle 5 run --rm -t box sh -c 'exit 5'
}

@test "tty: -it on a terminal: its size, raw mode, the status" {
  on_terminal 3 33x99 'expect 33 99
raw
send exit 3\n' run --rm -it box sh -c 'stty size; exec sh'
}

@test "tty: what is typed arrives, and is echoed by the container's terminal alone" {
  on_terminal 0 24x80 'expect ready
send hello\n
expect hello
expect got hello' run --rm -it box sh -c 'echo ready; read line; echo got $line'
  is "$(grep -c '^hello$' <<<"$output")" "1" "echoed once"
}

@test "tty: resizing" {
  on_terminal 0 24x80 'expect 24 80
raw
resize 40 120
expect 40 120' run --rm -it box sh -c 'trap "stty size; exit 0" WINCH; stty size; while :; do sleep 0.05; done'
}

@test "tty: Ctrl-C is the container's" {
  on_terminal 7 24x80 'expect ready
raw
send \x03
expect caught' run --rm -it box sh -c 'trap "echo caught; exit 7" INT; echo ready; while :; do sleep 0.05; done'
}

@test "tty: Ctrl-D ends a shell" {
  on_terminal 0 24x80 'expect #
raw
send \x04' run --rm -it box sh
}

@test "tty: the terminal is as before after an error, and after the container is killed" {
  on_terminal 127 24x80 '' run --rm -it box no-such-program
  has "$output" "no-such-program"
  on_terminal 125 24x80 '' run --rm -it --no-such-flag box sh
  on_terminal 255 24x80 'expect ready' run --rm -it --timeout 3 box sh -c 'echo ready; exec sleep 1000'
  on_terminal 137 24x80 'expect ready
raw
note '"$TEST_STORE/raw" run --rm -it --init -v "$TEST_STORE:/t:ro" box sh -c 'echo ready; until [ -e /t/raw ]; do sleep 0.1; done; kill -KILL $$'
}

@test "tty: Ctrl-C before and without -i ends the command" {
  on_terminal '?' 24x80 'expect ready
send \x03' run --rm box sh -c 'trap "exit 9" INT; echo ready; while :; do sleep 0.05; done'
  like "$status" '^(9|130)$'
}

@test "tty: big output through a terminal is whole" {
  run_coracle_out 0 run --rm -t box seq 1 20000
  is "$(tr -d '\r' <<<"$output" | md5sum)" "$(seq 1 20000 | md5sum)"
}

@test "tty: the standard streams are the terminal; TERM is set; a user may open it" {
  on_terminal 0 24x80 'expect xterm
expect fine' run --rm -it -u user box sh -c 'echo $TERM; echo x >/dev/tty && test -t 0 && test -t 1 && test -t 2 && echo fine'
}

@test "tty: -i with a terminal but without -t passes bytes on" {
  on_terminal 0 24x80 'expect ready
send one\n
expect got one' run --rm -i box sh -c 'echo ready; read line; echo got $line'
}
