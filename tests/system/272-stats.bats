#!/usr/bin/env bats
# 272-stats: what containers use: from their cgroups, or summed up from /proc.

load helpers
load cgroup-helpers

setup() {
  basic_setup
  fixture_image box
}

teardown() {
  coracle rm -a -f -t 0 >/dev/null 2>&1 || true
  basic_teardown
}

@test "stats: the table, of those that run, of all, and of those named" {
  run_coracle run -d --name one box sleep 100
  run_coracle create --name two box true
  run_coracle_out stats --no-stream
  is "${lines[0]}" "ID            NAME        CPU %       MEM USAGE / LIMIT  MEM %       NET IO       BLOCK IO    PIDS        CPU TIME    AVG CPU %" "headings" ||
    like "${lines[0]}" "^ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET IO +BLOCK IO +PIDS +CPU TIME +AVG CPU %$" "headings"
  is "${#lines[@]}" 2 "one line for one that runs"
  like "${lines[1]}" "^[0-9a-f]{12} +one +[0-9.]+% +[0-9.]+[kM]?B / [0-9.]+GB +[0-9.]+% +[0-9.]+k?B / [0-9.]+k?B +[0-9.]+[kM]?B / [0-9.]+[kM]?B +1 " "its line"
  run_coracle_out stats --no-stream -a
  is "${#lines[@]}" 3 "all"
  like "${lines[2]}" "^[0-9a-f]{12} +two +0.00% +0B / 0B +0.00% +0B / 0B +0B / 0B +0 +0s +0.00%$" "one that does not run"
  run_coracle_out stats --no-stream --no-trunc two
  like "${lines[1]}" "^[0-9a-f]{64} +two" "the whole id"
  run_coracle_out stats --no-stream -l --format '{{.Name}}'
  is "$output" "two" "the latest"
}

@test "stats: json has Podman's keys, templates its fields" {
  run_coracle run -d --name one box sleep 100
  run_coracle_out stats --no-stream --format json one
  is "$(jq -r '.[0] | keys_unsorted | join(" ")' <<<"$output")" "id name cpu_time cpu_percent avg_cpu mem_usage mem_percent net_io block_io pids" "keys"
  is "$(jq -r '.[0].name' <<<"$output")" "one" "a value"
  run_coracle_out stats --no-stream --format '{{.ContainerID}} {{.PIDS}} {{.PIDs}} {{.MemLimit}} {{.CPUPerc}} {{.UpTime}}' one
  like "$output" "^[0-9a-f]{64} 1 1 [0-9]+ [0-9.]+% [0-9.a-zµ]+s$" "fields"
  run_coracle_out stats --no-stream --format 'table {{.ID}} {{.AVGCPU}} {{.CPU}} {{.MemUsageBytes}}' one
  like "${lines[0]}" "^ID +AVG CPU % +CPU +MEM USAGE / LIMIT$" "headings"
  run_coracle 125 stats --no-stream --format '{{.Nothing}}' one
  run_coracle 125 stats --no-stream --format '{{.ID' one
}

@test "stats: one that is busy shows it, with its memory, its threads and its network" {
  run_coracle run -d --name busy box sh -c 'x=$(head -c 8000000 /dev/zero | od -v -An -tx1); sleep 100 & while :; do :; done'
  used() { [ "$(coracle stats --no-stream --format '{{.PIDS}} {{.MemUsageBytes}}' busy 2>/dev/null | sed -n 's/^2 \([0-9]*\).*MiB \/.*/\1/p')" -ge 8 ] 2>/dev/null; }
  wait_for "$((CORACLE_TEST_TIMEOUT / 2))" used
  run_coracle_out stats --no-stream --format '{{.CPUNano}}' busy
  [ "$output" -gt 100000000 ] || fail "CPU time: $output"
}

@test "stats: again and again, until it is ended; the percentage is of the time between" {
  run_coracle run -d --name busy box sh -c 'while :; do :; done'
  "$CORACLE" stats -i 1 --format '{{.CPUPerc}}' busy >"$TEST_STORE/told" 2>&1 3>&- &
  local pid=$!
  told() { [ "$(grep -c % "$TEST_STORE/told")" -ge 3 ]; }
  wait_for 30 told
  kill "$pid" || fail "it did not go on"
  wait "$pid" || true
  not_like "$(cat "$TEST_STORE/told")" $'\033' "the screen is left alone where there is none"
}

@test "stats: what does not go" {
  run_coracle 125 stats --no-stream nope
  has "$output" 'Error: unable to get list of containers: unable to look up container nope: no container with name or ID "nope" found: no such container'
  for words in "-a x" "-l x" "-l -a"; do
    # shellcheck disable=SC2086 # two words
    run_coracle 125 stats $words
    is "$output" "Error: --all, --latest and containers cannot be used together" "$words"
  done
  run_coracle 125 stats -i 0
  is "$output" "Error: invalid interval, must be a positive number greater zero"
}

@test "stats: where no controllers count it says so, once" {
  run_coracle run -d --name one --cgroups disabled box sleep 100
  run_coracle run -d --name two --cgroups disabled box sleep 100
  run_coracle_out stats --no-stream
  # shellcheck disable=SC2154 # bats' run sets stderr
  is "$(grep -c "summed up from /proc" <<<"$stderr")" 1 "standard error"
  is "${#lines[@]}" 3 "standard output"
}
