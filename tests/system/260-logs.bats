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
  is "$output" $'\e[37mtwo 2026-01-02T03:04:02.000000001Z second\e[0m'
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

