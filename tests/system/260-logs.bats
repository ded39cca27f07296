#!/usr/bin/env bats
# 260-logs: what containers have printed: which lines, from whom, in which order; following; logs that others wrote.

load helpers

setup() {
  fixture_image box
}

# log_of NAME: its file
log_of() { printf '%s/containers/%s/ctr.log' "$STORE" "$(coracle inspect --format '{{.Id}}' "$1")"; }

# stopped NAME: a container with an empty log of its own
stopped() {
  run_coracle 0 create --name "$1" box true
  : >"$(log_of "$1")"
}

# at SECOND STREAM TAG TEXT: a record
at() { printf '2026-01-02T03:04:%02d.000000001+00:00 %s %s %s\n' "$@"; }

@test "logs: standard output and standard error, each to ours, parts joined" {
  run_coracle 0 run -d --name streams box sh -c 'echo out; echo err >&2; printf par; sleep 0.1; echo tial; printf end'
  run_coracle 0 wait streams
  run_coracle_out 0 logs streams
  is "$output" $'out\npartial\nend' "standard output"
  # shellcheck disable=SC2154 # bats' run sets stderr
  is "$stderr" "err" "standard error"
  run_coracle_out 0 container logs -l
  is "$output" $'out\npartial\nend' "--latest"
  run_coracle 0 rm streams
}

@test "logs: what is wrong with the words" {
  stopped words
  run_coracle 125 logs
  is "$output" "Error: specify at least one container name or ID to log"
  run_coracle 125 logs nosuch
  is "$output" 'Error: no container with name or ID "nosuch" found: no such container'
  run_coracle 125 logs words nosuch
  is "$output" 'Error: no container with name or ID "nosuch" found: no such container' "and nothing is printed of the other"
  run_coracle 125 logs --since xx words
  is "$output" 'Error: parsing --since "xx": unable to interpret time value'
  run_coracle 125 logs --tail abc words
  like "$output" '^Error: invalid argument "abc" for "--tail" flag: strconv.ParseInt: parsing "abc": invalid syntax'
  run_coracle 0 logs words
  is "$output" "" "an empty log"
  rm "$(log_of words)"
  run_coracle 0 logs -f words
  is "$output" "" "no log at all, and following what does not run"
  run_coracle 0 rm words
}

@test "logs: a driver that keeps nothing" {
  run_coracle 0 run -d --log-driver none --name silent box echo hi
  run_coracle 0 wait silent
  run_coracle 125 logs silent
  is "$output" "Error: this container is using the 'none' log driver, cannot read logs: this container is not logging output"
  run_coracle 0 rm silent
}

@test "logs: --tail, --since, --until" {
  stopped cut
  for i in 1 2 3 4 5; do at $i stdout F "line $i"; done >"$(log_of cut)"
  run_coracle 0 logs --tail 2 cut
  is "$output" $'line 4\nline 5'
  run_coracle 0 logs --tail 0 cut
  is "$output" ""
  run_coracle 0 logs --tail -1 cut
  is "${#lines[@]}" 5
  run_coracle 0 logs --since 2026-01-02T03:04:03Z cut
  is "$output" $'line 3\nline 4\nline 5'
  run_coracle 0 logs --until 2026-01-02T03:04:03Z cut
  is "$output" $'line 1\nline 2'
  run_coracle 0 logs --since 2026-01-02T03:04:02Z --until 2026-01-02T03:04:04Z cut
  is "$output" $'line 2\nline 3'
  run_coracle 0 logs --since 1767323044 cut
  is "$output" $'line 4\nline 5' "unix seconds"
  run_coracle 0 logs --since 5m cut
  is "$output" "" "a duration"
  run_coracle 0 rm cut
}

@test "logs: -t, -n, --color, and the ID where there are several" {
  stopped one
  stopped two
  at 1 stdout F first >"$(log_of one)"
  at 3 stdout F third >>"$(log_of one)"
  { at 2 stdout P sec; at 2 stdout F ond; } >"$(log_of two)"
  TZ=UTC run_coracle 0 logs -t one
  is "$output" $'2026-01-02T03:04:01.000000001Z first\n2026-01-02T03:04:03.000000001Z third'
  TZ=UTC-2 run_coracle 0 logs -t --tail 1 one
  is "$output" "2026-01-02T05:04:03.000000001+02:00 third" "in the local zone"
  run_coracle 0 logs -n one two
  is "$output" $'one first\ntwo second\none third' "several, by time"
  run_coracle 0 logs one two
  like "$output" '^[0-9a-f]{12} first' "their IDs"
  run_coracle 0 logs --color -n two one
  is "$output" $'\e[31mone first\e[0m\n\e[37mtwo second\e[0m\n\e[31mone third\e[0m'
  TZ=UTC run_coracle 0 logs --color -n -t two
  is "$output" $'\e[37m2026-01-02T03:04:02.000000001Z second\e[0m' "one alone needs no name, as with Podman"
  run_coracle 0 rm one two
}

@test "logs: files that were rotated" {
  stopped turned
  local log
  log=$(log_of turned)
  at 1 stdout F one >"$log.2"
  at 2 stdout F two >"$log.1"
  at 3 stdout F three >"$log"
  run_coracle 0 logs turned
  is "$output" $'one\ntwo\nthree'
  run_coracle 0 logs --tail 2 turned
  is "$output" $'two\nthree'
  run_coracle 0 rm turned
}

@test "logs: Docker's json-file" {
  stopped json
  printf '%s\n' '{"log":"plain\n","stream":"stdout","time":"2026-01-02T03:04:05.000000006Z"}' \
    '{"log":"a \"quote\", \u00e9 and a tab\t.\n","stream":"stderr","time":"2026-01-02T03:04:06Z"}' >"$(log_of json)"
  run_coracle_out 0 logs json
  is "$output" "plain"
  is "$stderr" $'a "quote", \u00e9 and a tab\t.'
  run_coracle 0 rm json
}

@test "logs: what strangers wrote" {
  stopped odd
  local log
  log=$(log_of odd)
  { printf 'rubbish\n\n\0\0\n2026 stdout F\n{"log":3}\n'; at 1 stdout F good; head -c 20000000 /dev/zero; printf '\n'; at 2 stdout F fine; } >"$log"
  run_coracle 0 logs odd
  is "$output" $'good\nfine'
  run_coracle 0 logs --tail 1 odd
  is "$output" "fine"
  printf '2026-01-02T03:04:05+00:00 stdout F torn' >>"$log"
  run_coracle 0 logs --tail 1 odd
  is "$output" "torn" "a record whose writer was killed"
  run_coracle 0 rm odd
}

@test "logs -f: from the beginning to the container's end, nothing missing" {
  run_coracle 0 run -d --name counting box sh -c 'i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done; sleep 0.3; echo last'
  run_coracle 0 logs -f counting
  is "$(md5sum <<<"$output")" "$({ seq 0 2999; echo last; } | md5sum)"
  run_coracle 0 logs -f --tail 2 counting
  is "$output" $'2999\nlast' "and again when it has ended"
  run_coracle 0 rm counting
}

@test "logs -f: --until ends it, and so does its reader's leaving" {
  run_coracle 0 run -d --name lasting box sh -c 'echo begun; sleep 1000'
  wait_for 20 grep -q begun "$(log_of lasting)"
  SECONDS=0
  run_coracle 0 logs -f --until 1s lasting
  is "$output" "begun"
  [ "$SECONDS" -lt 40 ] || fail "took $SECONDS seconds"
  run_coracle 0 rm -f -t 0 lasting
}

@test "logs -f: sleeps while nothing is printed, and follows through rotation without loss" {
  local out=$TEST_STORE/followed i log
  run_coracle 0 run -d --log-driver none --name turning box sleep 1000
  run_coracle 0 rm -f -t 0 turning
  run_coracle 0 run -d --log-opt max-size=20k --log-opt max-file=50 --name turning box sh -c 'i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); if [ $((i%100)) = 0 ]; then sleep 0.01; fi; done; sleep 1'
  coracle logs -f turning >"$out"
  is "$(md5sum <"$out")" "$(seq 0 4999 | md5sum)"
  log=$(log_of turning)
  [ -e "$log.1" ] || fail "was not rotated"
  run_coracle 0 rm turning
}

@test "logs: of a container with --log-opt path" {
  run_coracle 0 run -d --log-opt "path=$TEST_STORE/own.log" --name placed box echo here
  run_coracle 0 wait placed
  run_coracle 0 logs placed
  is "$output" "here"
  has "$(cat "$TEST_STORE/own.log")" " stdout F here"
  run_coracle 0 rm placed
}

@test "logs: the journal is read by journalctl" {
  mkdir -p "$TEST_STORE/fake"
  cat >"$TEST_STORE/fake/journalctl" <<'X'
#!/bin/sh
echo "$@" >"$TEST_STORE/fake/args"
printf '__CURSOR=a\n__REALTIME_TIMESTAMP=1767323045000001\nMESSAGE=text\nPRIORITY=6\n\n'
printf '__CURSOR=b\n__REALTIME_TIMESTAMP=1767323046000000\nMESSAGE\n\003\000\000\000\000\000\000\000hi\377\nPRIORITY=3\n\n'
X
  chmod +x "$TEST_STORE/fake/journalctl"
  run_coracle 0 create --log-driver journald --name journal box true
  TZ=UTC PATH=$TEST_STORE/fake:$PATH run_coracle_out 0 logs -t --tail 7 journal
  is "$output" "2026-01-02T03:04:05.000001000Z text"
  is "$stderr" $'2026-01-02T03:04:06.000000000Z hi\xff' "bytes that are no text"
  has "$(cat "$TEST_STORE/fake/args")" "CONTAINER_ID_FULL=$(coracle inspect --format '{{.Id}}' journal) --lines=7"
  run_coracle 0 rm journal
}
