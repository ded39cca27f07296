#!/usr/bin/env bats
# 095-run-kill: `run` is killed (SIGKILL) at system calls sampled over its whole way, in the command itself and in each process it
# starts: the next command works and nothing is left, neither file nor process nor listed container.
# CORACLE_KILLS=N tries N places for each; more is slower.
# long: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
  export KILLS=${CORACLE_KILLS:-30}
}

setup() {
  needs strace
  strace -o /dev/null true 2>/dev/null || skip "ptrace is not allowed here"
}

# places LOG: of strace's log, "SYSCALL N" lines: the Nth SYSCALL of one process; an even sample of $KILLS over them, first and last included
places() {
  awk '{
    pid = $1; call = $2; sub(/\(.*/, "", call)
    if (call !~ /^[a-z_0-9]+$/ || call ~ /^(exit|exit_group|rt_sigreturn|restart_syscall)$/) next
    n = ++count[pid, call]
    if (!seen[call, n]++) place[++total] = call " " n
  }
  END {
    step = total / '"$KILLS"'; if (step < 1) step = 1
    for (i = 1; i <= total; i += step) print place[int(i)]
    print place[total]
  }' "$1"
}

# killed CALL N STRACE-OPTIONS…: run a container, killed at the Nth CALL; fails when it was not
killed() {
  local call=$1 n=$2
  shift 2
  ! { timeout 60 strace "$@" -o /dev/null -e "inject=$call:signal=KILL:when=$n" "$CORACLE" run --rm box true </dev/null; } >/dev/null 2>&1
}

# after_kill WHAT: the next commands work and clean up; $OTHER_ID is a container that is meant to live
after_kill() {
  local found
  is "$(coracle run --rm box echo alive </dev/null 2>&1)" "alive" "the next run, after: $1"
  wait_for 30 listed_alone || fail "listed after: $1" "$(coracle ps -a)"
  is "$(coracle images --format '{{.Repository}}')" "localhost/box" "listed images, after: $1"
  found=$(leaks_but_other 20)
  [ -z "$found" ] || fail "left over after: $1" "$found"
}

# the clean-up of a container whose command was killed is the monitor's, after the command's end
listed_alone() { [ "$(containers -a)" = "${OTHER_ID-}" ]; }

# leaks_but_other SECONDS: as leaks_after, without what belongs to the container $OTHER that is meant to live
leaks_but_other() {
  local deadline=$((SECONDS + $1)) found
  while :; do
    found=$(leaks | grep -vF "${OTHER_ID:-no other}" || true)
    if [ -n "${OTHER_KNOWN-}" ]; then found=$(grep -vE "process ($OTHER_KNOWN):" <<<"$found" || true); fi
    if [ -z "$found" ] || [ "$SECONDS" -ge "$deadline" ]; then break; fi
    sleep 0.1
  done
  printf '%s' "$found"
}

@test "kill: the command itself, at every stage of a lone run" {
  # without -f: the helpers that map ids are setuid, which a traced process is not
  local call n killed=0
  strace -o "$TEST_STORE/log" "$CORACLE" run --rm box true </dev/null
  sed -i 's/^/1 /' "$TEST_STORE/log"
  places "$TEST_STORE/log" >"$TEST_STORE/places"
  while read -r call n; do
    ! killed "$call" "$n" || killed=$((killed + 1))
    after_kill "$call #$n of coracle run"
  done <"$TEST_STORE/places"
  echo "killed $killed of $(wc -l <"$TEST_STORE/places")"
  [ "$killed" -gt $((KILLS / 2)) ] || fail "too few of the runs were killed: $killed"
}

@test "kill: any of its processes, while another container lives" {
  local call n killed=0
  "$CORACLE" run --rm --name other box sleep 1000 </dev/null >/dev/null 2>&1 &
  local other=$!
  wait_for 30 some_run
  OTHER_ID=$(containers)
  OTHER_KNOWN=$(left_processes | sed 's/^process \([0-9]*\):.*/\1/' | paste -sd '|')
  timeout 120 strace -f -o "$TEST_STORE/log" "$CORACLE" run --rm box true </dev/null || {
    coracle rm -f -t 0 other; skip "a traced run does not work here"
  }
  places "$TEST_STORE/log" >"$TEST_STORE/places"
  while read -r call n; do
    ! killed "$call" "$n" -f || killed=$((killed + 1))
    after_kill "$call #$n"
  done <"$TEST_STORE/places"
  echo "killed $killed of $(wc -l <"$TEST_STORE/places")"
  run_coracle 0 rm -f -t 0 other
  wait "$other" || true
  [ "$killed" -gt $((KILLS / 4)) ] || fail "too few of the runs were killed: $killed"
  no_leaks
}

@test "kill: the monitor's death ends its container, and the next command tidies up" {
  "$CORACLE" run --name victim box sleep 1000 </dev/null >/dev/null 2>&1 &
  local client=$! monitor
  wait_for 30 some_run
  monitor=$(left_processes | sed -n 's/^process \([0-9]*\): coracle-monitor.*/\1/p')
  [ -n "$monitor" ] || fail "no monitor found" "$(left_processes)"
  # shellcheck disable=SC2086 # one or more ids
  kill -KILL $monitor
  wait "$client" && fail "the client ended with 0" || true
  wait_for 30 none_run
  run_coracle 0 rm -f -t 0 victim
  no_leaks
}

@test "kill: the client's death ends a --rm container in the foreground or leaves it whole" {
  "$CORACLE" run --rm --name orphan -v "$TEST_STORE:/t:ro" box sh -c 'until [ -e /t/end ]; do sleep 0.1; done' </dev/null >/dev/null 2>&1 &
  local client=$!
  wait_for 30 some_run
  kill -KILL "$client"
  wait "$client" 2>/dev/null || true
  : >"$TEST_STORE/end"
  wait_for 30 none_run
  run_coracle 0 run --rm box true
  wait_for 30 listed_alone || fail "--rm was not kept" "$(coracle ps -a)"
  no_leaks
}
