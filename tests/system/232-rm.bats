#!/usr/bin/env bats
# 232-rm: which containers a command is about, as rm shows it; and removing them.
# root: yes

load helpers

setup() {
  fixture_image box
}

# ended NAME [OPTIONS…]: a container that has ended.
ended() {
  local name=$1
  shift
  run_coracle run --name "$name" --net none "$@" box true
}

# live NAME [COMMAND…]: a container that runs.
live() {
  local name=$1
  shift
  [ $# -gt 0 ] || set -- sleep 1000
  "$CORACLE" run --name "$name" --net none box "$@" </dev/null >/dev/null 2>&1 3>&- &
  wait_for 30 is_up "$name"
}

is_up() { [ "$(coracle ps --filter "name=^$1\$" --format '{{.State}}' 2>/dev/null)" = running ]; }

names() { coracle ps -a --format '{{.Names}}' | sort | tr '\n' ' '; }

@test "rm: words that do not go together" {
  run_coracle 125 rm
  is "$output" "Error: you must provide at least one name or id"
  run_coracle 125 rm -a one
  is "$output" "Error: no arguments are needed with --all"
  run_coracle 125 rm -a -l
  is "$output" "Error: --all and --latest cannot be used together"
  run_coracle 125 rm -l one
  is "$output" "Error: --latest and containers cannot be used together"
  run_coracle 125 rm --cidfile /nope one
  is "$output" "Error: no arguments are needed with --latest or --cidfile"
  for flag in -a -l; do
    run_coracle 125 rm --cidfile /nope $flag
    is "$output" "Error: --all, --latest, and --cidfile cannot be used together"
  done
  run_coracle 125 rm --filter name=x one
  is "$output" "Error: --filter takes no arguments"
  run_coracle 125 rm --filter nix
  is "$output" 'Error: invalid filter "nix"'
  run_coracle 125 rm --filter nix=1
  is "$output" "Error: nix is an invalid filter"
  run_coracle 125 rm -t 3 one
  is "$output" "Error: --force option must be specified to use the --time option"
  run_coracle 1 rm -l
  is "$output" "Error: no such container"
  run_coracle 0 rm -a
  is "$output" ""
}

@test "rm: by name, several, by id, the name as it was given" {
  ended one; ended two; ended three
  local id
  id=$(coracle container inspect --format '{{.Id}}' three)
  run_coracle 0 rm two one "${id:0:12}"
  is "$output" "two"$'\n'"one"$'\n'"${id:0:12}"
  is "$(names)" ""
  ended one
  run_coracle 0 container rm /one
  is "$output" "/one"
  no_leaks
}

@test "rm: a name that does not exist ends it all, before anything is done" {
  ended one
  run_coracle 1 rm one nope
  is "$output" 'Error: no container with ID or name "nope" found: no such container'
  is "$(names)" "one "
  run_coracle 0 rm --ignore nope one
  is "$output" "one"
  ended one
  run_coracle 0 rm -f nope one
  is "$output" "one"
  run_coracle 0 rm -i nope
  is "$output" ""
}

@test "rm: --cidfile, several; missing ones" {
  ended one --cidfile "$TEST_STORE/cid1"
  ended two --cidfile "$TEST_STORE/cid2"
  cp "$TEST_STORE/cid1" "$TEST_STORE/copy1"
  cp "$TEST_STORE/cid2" "$TEST_STORE/copy2"
  run_coracle 125 rm --cidfile "$TEST_STORE/nope"
  is "$output" "Error: reading CIDFile: open $TEST_STORE/nope: no such file or directory"
  run_coracle 0 rm --cidfile "$TEST_STORE/nope" --ignore
  is "$output" ""
  run_coracle 0 rm --cidfile "$TEST_STORE/copy1" --cidfile "$TEST_STORE/copy2"
  is "$output" "$(cat "$TEST_STORE/copy1")"$'\n'"$(cat "$TEST_STORE/copy2")"
  run_coracle 1 rm --cidfile "$TEST_STORE/copy1"
  like "$output" "^Error: no container with ID or name \"[0-9a-f]{64}\" found: no such container$"
  run_coracle 0 rm --ignore --cidfile "$TEST_STORE/copy1"
}

@test "rm: --latest, --all, --filter print ids" {
  ended one; ended two --label keep; ended three
  local one two three
  one=$(coracle container inspect --format '{{.Id}}' one)
  two=$(coracle container inspect --format '{{.Id}}' two)
  three=$(coracle container inspect --format '{{.Id}}' three)
  run_coracle 0 rm --latest
  is "$output" "$three"
  run_coracle 0 rm --filter status=running
  is "$output" ""
  run_coracle 0 rm --filter 'label!=keep'
  is "$output" "$one"
  run_coracle 0 rm --all
  is "$output" "$two"
  no_leaks
}

@test "rm: one that runs is refused, with status 2; the others are removed" {
  live up
  ended one
  local id
  id=$(coracle container inspect --format '{{.Id}}' up)
  run_coracle 2 rm up one
  is "$output" "Error: cannot remove container $id as it is running - running or paused containers cannot be removed without force: container state improper"$'\n'"one"
  is "$(names)" "up "
  run_coracle 0 rm -f -t 0 up
  is "$output" "up"
  no_leaks
}

@test "rm: --force ends all at once" {
  local i
  for i in 1 2 3 4; do
    run_coracle 0 run -d --name "deaf$i" --net none --stop-timeout 3 box sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
  done
  for i in 1 2 3 4; do wait_for 30 logs_say "deaf$i" ready; done
  local before=$EPOCHREALTIME
  run_coracle 0 rm -f deaf1 deaf2 deaf3 deaf4
  is "${output//$'\n'/ }" "deaf1 deaf2 deaf3 deaf4"
  [ $((${EPOCHREALTIME/./} - ${before/./})) -lt 11000000 ] || fail "one after the other"
  no_leaks
}

@test "rm: -fa of many" {
  local i
  for i in $(seq 30); do
    run_coracle 0 run -d --net none box sleep 1000
  done
  is "$(coracle ps -q | wc -l)" 30
  local before=$EPOCHREALTIME
  run_coracle 0 rm -fa -t 0
  is "${#lines[@]}" 30
  [ $((${EPOCHREALTIME/./} - ${before/./})) -lt 30000000 ] || fail "it took too long"
  is "$(names)" ""
  no_leaks
}

@test "rm: -f racing with --rm's own end" {
  local i
  for i in $(seq 20); do
    run_coracle 0 run -d --rm --name racer --net none box sleep "0.0$((i % 10))"
    run_coracle 0 rm -f -t 0 racer
    is "$(names)" ""
  done
  no_leaks
}

@test "rm: the same twice, -v" {
  ended twice -v /data
  run_coracle 0 rm -v twice twice
  is "$output" "twice"
}

@test "rm: after its monitor was killed" {
  run_coracle 0 run -d --name lost --net none box sleep 1000
  kill -9 "$(cut -d ' ' -f 1 "$RUN_ROOT/$output/monitor.pid")"
  run_coracle 0 rm -f -t 0 lost
  is "$output" "lost"
  no_leaks
}
