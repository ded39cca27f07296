#!/usr/bin/env bats
# 230-stop-kill: ending containers politely, with a limit, and by signals.
# root: yes

load helpers

setup() {
  fixture_image box
}

# live NAME [OPTIONS… --] COMMAND…: a container that runs.
live() {
  local name=$1 options=()
  shift
  if [[ " $* " == *" -- "* ]]; then
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
  fi
  [ $# -gt 0 ] || set -- sleep 1000
  "$CORACLE" run --name "$name" --net none "${options[@]}" box "$@" </dev/null >"$TEST_STORE/$name.out" 2>&1 3>&- &
  wait_for 30 is_up "$name"
}

is_stopping() { [ "$(state "$1")" = stopping ]; }
is_up() { [ "$(state "$1")" = running ]; }
state() { coracle ps -a --filter "name=^$1\$" --format '{{.State}}' 2>/dev/null; }
show() { coracle container inspect --format "$2" "$1"; }

# polite NAME: ends with 7 when it is sent SIGTERM.
polite() {
  live "$1" sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done'
  wait_for 30 grep -q ready "$TEST_STORE/$1.out"
}

# stubborn NAME [OPTIONS… --]: does not mind signals.
stubborn() {
  live "$@" sh -c 'trap "" TERM INT HUP; echo ready; while :; do sleep 0.05; done'
  wait_for 30 grep -q ready "$TEST_STORE/$1.out"
}

took() { # took BEFORE MAX: seconds since $EPOCHREALTIME BEFORE, in hundredths at most MAX
  local hundredths=$(((${EPOCHREALTIME/./} - ${1/./}) / 10000))
  [ "$hundredths" -le "$2" ] || fail "took $hundredths hundredths of a second, at most $2 expected"
}

@test "stop: the stop signal, the container's own status, its end recorded on return" {
  polite nice
  local before=$EPOCHREALTIME
  run_coracle_out 0 stop nice
  is "$output" "nice"
  is "$stderr" ""
  took "$before" 900
  is "$(show nice '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}}')" "exited 7 false"
  run_coracle 0 rm nice
  no_leaks
}

@test "stop: SIGKILL after the time, with a warning" {
  stubborn deaf
  local before=$EPOCHREALTIME
  run_coracle_out 0 stop -t 1 deaf
  is "$output" "deaf"
  like "$stderr" 'level=warning msg="StopSignal SIGTERM failed to stop container deaf in 1 seconds, resorting to SIGKILL"$'
  took "$before" 900
  [ $((${EPOCHREALTIME/./} - ${before/./})) -ge 1000000 ] || fail "it was not given its second"
  is "$(show deaf '{{.State.Status}} {{.State.ExitCode}}')" "exited 137"
  run_coracle 0 rm deaf
}

@test "stop: the time that run --stop-timeout gave; --time=0 kills at once; --timeout" {
  stubborn one --stop-timeout 1 --
  local before=$EPOCHREALTIME
  run_coracle 0 stop one
  has "$output" "failed to stop container one in 1 seconds"
  took "$before" 900
  polite two
  run_coracle 0 stop --time 0 two
  is "$output" "two" "nothing to warn of"
  is "$(show two '{{.State.ExitCode}}')" 137 "it was not asked"
  polite three
  run_coracle 0 container stop --timeout=5 three
  is "$output" "three"
  is "$(show three '{{.State.ExitCode}}')" 7
  polite four
  run_coracle 0 stop -t -1 four
  is "$output" "four"
  run_coracle 0 rm one two three four
}

@test "stop: another stop signal" {
  live usr --stop-signal USR1 -- sh -c 'trap "exit 5" USR1; trap "" TERM; echo ready; while :; do sleep 0.05; done'
  wait_for 30 grep -q ready "$TEST_STORE/usr.out"
  run_coracle 0 stop usr
  is "$output" "usr"
  is "$(show usr '{{.State.ExitCode}}')" 5
  stubborn rt --stop-signal RTMIN+2 --
  run_coracle 0 stop -t 1 rt
  has "$output" "StopSignal SIGRTMIN+2 failed to stop container rt in 1 seconds"
  run_coracle 0 rm usr rt
}

@test "stop: several at once, in the time of one; those that do not run count as stopped" {
  stubborn s1; stubborn s2; stubborn s3
  run_coracle run --name over --net none box true
  local before=$EPOCHREALTIME
  run_coracle_out 0 stop -t 3 s1 over s2 s3 s1
  is "${output//$'\n'/ }" "s1 over s2 s3 s1"
  took "$before" 850
  is "$(coracle ps -q)" ""
  is "$(show over '{{.State.ExitCode}}')" 0
  run_coracle 0 rm s1 s2 s3 over
}

@test "stop: a name that does not exist, --ignore, --cidfile" {
  live up --cidfile "$TEST_STORE/cid" --
  run_coracle 125 stop up nope
  is "$output" 'Error: no container with name or ID "nope" found: no such container'
  is "$(state up)" running "nothing was done"
  run_coracle 125 stop --cidfile "$TEST_STORE/nope"
  is "$output" "Error: reading CIDFile: open $TEST_STORE/nope: no such file or directory"
  run_coracle 0 stop --ignore --cidfile "$TEST_STORE/nope"
  is "$output" ""
  is "$(state up)" running
  run_coracle 0 stop -i -t 0 nope
  is "$output" ""
  run_coracle 0 stop -t 0 --cidfile "$TEST_STORE/cid"
  is "$output" "$(cat "$TEST_STORE/cid")"
  run_coracle 0 rm up
}

@test "stop: --all, --latest, --filter print ids" {
  live a --label kind=x --; live b
  run_coracle run --name over --net none box true
  local a b
  a=$(show a '{{.Id}}'); b=$(show b '{{.Id}}')
  run_coracle 0 stop -t 0 --filter label=kind=x
  is "$output" "$a"
  run_coracle 0 stop -t 0 -a
  is "$output" "$b" "only what ran"
  run_coracle 0 stop -a
  is "$output" ""
  run_coracle 0 stop -l
  is "$output" "$(show over '{{.Id}}')"
  run_coracle 0 rm -a
  run_coracle 125 stop -l
  is "$output" "Error: no such container"
}

@test "stop: while it waits the state is stopping, and others may look and kill" {
  stubborn deaf
  local id
  id=$(show deaf '{{.Id}}')
  "$CORACLE" stop -t 100 deaf >"$TEST_STORE/stop.out" 2>&1 3>&- &
  wait_for 30 is_stopping deaf
  is "$(coracle ps -a --format '{{.Status}}')" "Stopping"
  is "$(coracle ps -q)" "" "not among the running"
  is "$(show deaf '{{.State.Status}} {{.State.Running}}')" "stopping false"
  run_coracle 2 rm deaf
  is "$output" "Error: cannot remove container $id as it is stopping - running or paused containers cannot be removed without force: container state improper"
  run_coracle 0 kill -s USR2 deaf
  run_coracle 0 kill deaf
  is "$output" "deaf"
  wait $!
  is "$(cat "$TEST_STORE/stop.out")" "deaf" "no warning: it had ended in time"
  is "$(show deaf '{{.State.Status}} {{.State.ExitCode}}')" "exited 137"
  run_coracle 0 rm deaf
  no_leaks
}

@test "stop: two at once" {
  stubborn deaf
  "$CORACLE" stop -t 100 deaf >"$TEST_STORE/stop.out" 2>&1 3>&- &
  run_coracle_out 0 stop -t 1 deaf
  is "$output" "deaf"
  wait $!
  is "$(cat "$TEST_STORE/stop.out")" "deaf"
  is "$(show deaf '{{.State.ExitCode}}')" 137
  run_coracle 0 rm deaf
}

@test "stop: a hundred children go with it" {
  live many sh -c 'i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done'
  wait_for 30 grep -q ready "$TEST_STORE/many.out"
  run_coracle 0 stop many
  is "$output" "many"
  run_coracle 0 rm many
  no_leaks
}

@test "stop: one full of zombies" {
  # children of sleep: nobody reaps them
  live dead sh -c 'i=0; while [ $i -lt 200 ]; do true & i=$((i+1)); done; echo ready; exec sleep 1000'
  wait_for 30 grep -q ready "$TEST_STORE/dead.out"
  local before=$EPOCHREALTIME
  run_coracle 0 stop -t 1 dead
  took "$before" 900
  is "$(show dead '{{.State.ExitCode}}')" 137
  run_coracle 0 rm dead
  no_leaks
}

@test "stop: a --rm container is gone on return" {
  live gone --rm --
  run_coracle 0 stop -t 0 gone
  is "$output" "gone"
  is "$(coracle ps -aq)" ""
  no_leaks
}

@test "kill: SIGKILL; names as given; its foreground command has the status" {
  live victim
  local id=$!
  run_coracle 0 kill victim
  is "$output" "victim"
  wait "$id" && fail "the status is lost" || is $? 137
  is "$(show victim '{{.State.Status}} {{.State.ExitCode}}')" "exited 137"
  run_coracle 0 rm victim
}

@test "kill: after SIGKILL its end is recorded on return: what removes it needs no force; a --rm one is gone" {
  local i
  for i in 1 2 3 4 5; do
    run_coracle 0 run -d --name victim --net none box sleep 1000
    run_coracle 0 kill victim
    is "$(ls -d "$RUN_ROOT/$(show victim '{{.Id}}')" 2>/dev/null)" "" "its monitor has left"
    is "$(show victim '{{.State.Status}} {{.State.ExitCode}}')" "exited 137"
    run_coracle 0 rm victim
    run_coracle 0 run -d --rm --name fleeting --net none box sleep 1000
    run_coracle 0 kill fleeting
    is "$(coracle ps -aq)" ""
    live gone --rm --
    run_coracle 0 kill gone
    is "$(coracle ps -aq)" ""
  done
  no_leaks
}

@test "kill: signals by name and number, with dashes" {
  live traps sh -c 'for i in 1 2 3 8 10 12 15 36 64; do trap "echo got: $i" $i; done; echo ready; while :; do sleep 0.05; done'
  wait_for 30 grep -q ready "$TEST_STORE/traps.out"
  local word number
  for word in 1:1 HUP:1 -1:1 -INT:2 sigquit:3 FPE:8 -SIGUSR1:10 SIGUSR2:12 TERM:15 RTMIN+2:36 64:64; do
    number=${word#*:}
    : >"$TEST_STORE/traps.out"
    run_coracle 0 kill -s "${word%:*}" traps
    is "$output" "traps"
    wait_for 30 grep -qx "got: $number" "$TEST_STORE/traps.out"
  done
  is "$(state traps)" running
  run_coracle 0 rm -f -t 0 traps
}

@test "kill: wrong signals are refused before any container is looked for" {
  local word
  for word in 0 SIGBADSIG SIG BADSIG %% ! "''" ' ' '' -0 -SIGBADSIG -; do
    run_coracle 125 kill -s "$word" nope
    is "$output" "Error: invalid signal: ${word#-}"
  done
  for word in 65 -65 96 999 99999999; do
    run_coracle 125 kill -s $word nope
    is "$output" "Error: valid signals are 1 through 64"
  done
  run_coracle 125 run --stop-signal 99 box true
  is "$output" "Error: valid signals are 1 through 64"
}

@test "kill: what does not run cannot be killed; the others are" {
  run_coracle 3 run --name over --net none box sh -c 'exit 3'
  live up
  run_coracle 125 kill over up
  has "$output" "Error: can only kill running containers. $(show over '{{.Id}}') is in state exited: container state improper"
  has "$output" "up"
  is "$(state up)" exited
  run_coracle 125 kill nope
  is "$output" 'Error: no container with name or ID "nope" found: no such container'
  run_coracle 0 rm over up
}

@test "kill: --all, --latest, --cidfile" {
  live a --cidfile "$TEST_STORE/cid2" --
  live b
  local b
  b=$(show b '{{.Id}}')
  run_coracle 0 kill --cidfile "$TEST_STORE/cid2"
  is "$output" "$(cat "$TEST_STORE/cid2")"
  run_coracle 0 kill -a
  is "$output" "$b"
  run_coracle 0 kill -a
  is "$output" ""
  run_coracle 125 kill -l
  is "$output" "Error: can only kill running containers. $b is in state exited: container state improper"
  run_coracle 125 kill
  is "$output" "Error: you must provide at least one name or id"
  run_coracle 125 kill -a a
  is "$output" "Error: no arguments are needed with --all"
  run_coracle 0 rm a b
}

@test "stop, kill: no restart policy starts it again" {
  run_coracle 0 run -d --name always --net none --restart always box sh -c 'sleep 0.1; exit 3'
  wait_for 30 restarted always
  run_coracle 0 stop -t 0 always
  local count
  count=$(show always '{{.RestartCount}}')
  sleep 0.5
  is "$(show always '{{.RestartCount}} {{.State.Status}}')" "$count exited"
  run_coracle 0 rm always
  no_leaks
  run_coracle 0 run -d --name always --net none --restart always box sh -c 'trap "exit 42" TERM; echo ready; while :; do sleep 0.05; done'
  wait_for 30 sh -c '"$CORACLE" logs always | grep -q ready'
  run_coracle 0 kill -s TERM always
  run_coracle 0 wait always
  is "$output" 42
  sleep 0.3
  is "$(show always '{{.RestartCount}} {{.State.Status}}')" "0 exited"
  run_coracle 0 rm always
  run_coracle 0 run -d --name always --net none --restart always box sh -c 'trap "exit 1" HUP; echo ready; while :; do sleep 0.05; done'
  wait_for 30 sh -c '"$CORACLE" logs always | grep -q ready'
  run_coracle 0 kill -s HUP always
  wait_for 30 restarted always
  run_coracle 0 rm -f -t 0 always
  no_leaks
}

restarted() { [ "$(show "$1" '{{.RestartCount}}' 2>/dev/null)" -gt 0 ]; }

@test "stop: while it waits to be started again" {
  # the pause after the seventh run has 6.4 seconds
  run_coracle 0 run -d --name again --net none --restart always box false
  wait_for 30 sh -c '[ "$("$CORACLE" container inspect --format "{{.RestartCount}}" again)" -ge 7 ]'
  wait_for 30 sh -c '[ "$("$CORACLE" ps -a --format "{{.State}}")" = exited ]'
  local before=$EPOCHREALTIME
  run_coracle 0 stop again
  is "$output" "again"
  took "$before" 550
  is "$(show again '{{.State.Status}}')" exited
  is "$(ls "$RUN_ROOT/$(show again '{{.Id}}')" 2>/dev/null)" "" "its monitor has left"
  run_coracle 0 start again
  wait_for 30 sh -c '[ "$("$CORACLE" container inspect --format "{{.RestartCount}}" again)" -ge 5 ]'
  wait_for 30 sh -c '[ "$("$CORACLE" ps -a --format "{{.State}}")" = exited ]'
  run_coracle 0 rm again
  no_leaks
}

# can_pause NAME: pause it, or skip where there is no cgroup to do it with.
can_pause() {
  run coracle pause "$1"
  [ "$status" = 0 ] || { coracle rm -f -t 0 "$1"; skip "$output"; }
}

@test "stop, kill, rm: a paused one" {
  polite still
  can_pause still
  is "$(state still)" paused
  run_coracle 0 stop -a
  is "$output" "" "--all leaves out paused ones"
  local id
  id=$(show still '{{.Id}}')
  run_coracle 2 rm still
  is "$output" "Error: cannot remove container $id as it is paused - running or paused containers cannot be removed without force: container state improper"
  run_coracle 0 stop still
  is "$output" "still" "it is let go on, so that it can listen"
  is "$(show still '{{.State.ExitCode}}')" 7
  run_coracle 0 rm still
  polite still
  run_coracle 0 pause still
  run_coracle 0 kill -a
  is "$output" "$(show still '{{.Id}}')"
  wait_for 30 none_run
  is "$(show still '{{.State.Status}} {{.State.ExitCode}}')" "exited 137"
  run_coracle 0 rm still
  polite still
  run_coracle 0 pause still
  run_coracle 0 rm -f -t 0 still
  is "$output" "still"
  no_leaks
}
