#!/usr/bin/env bats
# 290-storm: several callers do anything to the same three containers at once, in any order, while commands, monitors and clean-ups are killed -9 at random. Nothing hangs, and
# afterwards the store is whole, every container can be removed, and nothing is left. STORM_SEED=… repeats a storm's orders (not its moments), STORM_SECONDS=… lasts longer.

load helpers

: "${STORM_SEED:=$RANDOM}" "${STORM_SECONDS:=12}"
names=(one two three)

setup_file() {
  basic_setup_file
  fixture_image box
}

# choose: the words of a command, in $words
choose() {
  local name=${names[RANDOM % 3]}
  case $((RANDOM % 18)) in
    0 | 1 | 2) words=(run -d --name "$name" box sleep 100) ;;
    3) words=(run -d --name "$name" --restart always box sh -c "sleep 0.$((RANDOM % 5))") ;;
    4) words=(run -d --rm --name "$name" --health-cmd true --health-interval 1s box sleep 1) ;;
    5) words=(start "$name") ;;
    6) words=(restart -t 0 "$name") ;;
    7) words=(stop -t 0 "$name") ;;
    8 | 9) words=(rm -f -t 0 "$name") ;;
    10) words=(exec "$name" true) ;;
    11) words=(cp /etc/passwd "$name:/file") ;;
    12) words=(cp "$name:/bin" "$scratch/out") ;;
    13) words=(commit -q "$name" "image$((RANDOM % 2))") ;;
    14) words=(rename "$name" "${names[RANDOM % 3]}") ;;
    15) words=(export -o "$scratch/tar" "$name") ;;
    16) words=(kill "$name") ;;
    17) words=(pause "$name") ;;
  esac
}

# caller NUMBER: some commands get their time, some are killed after a moment
caller() {
  local scratch=$TEST_STORE/scratch.$1 words status
  RANDOM=$((STORM_SEED + $1))
  while [ "$SECONDS" -lt "$until" ]; do
    mkdir -p "$scratch"
    choose
    status=0
    if [ $((RANDOM % 3)) = 0 ]; then
      timeout -s KILL "0.$(printf %03d $((RANDOM % 100)))" "$CORACLE" "${words[@]}" || true
    else
      timeout -k 5 60 "$CORACLE" "${words[@]}" || status=$?
      [ "$status" != 124 ] || printf 'hung: %s\n' "${words[*]}" >>"$TEST_STORE/hung"
      # a signal that is none of ours: it crashed
      [ "$status" -lt 132 ] || [ "$status" -gt 139 ] || [ "$status" = 137 ] || printf 'status %s: %s\n' "$status" "${words[*]}" >>"$TEST_STORE/hung"
    fi
    remove_tree "$scratch"
  done >>"$TEST_STORE/said.$1" 2>&1
}

# killer: monitors by their files, and clean-ups and health checks by their command lines
killer() {
  local pid file found
  RANDOM=$((STORM_SEED + 100))
  while [ "$SECONDS" -lt "$until" ]; do
    sleep "0.$((RANDOM % 5))"
    found=()
    for file in "$RUN_ROOT"/*/monitor.pid; do
      # the file outlives its monitor: the number may be another's by then
      { read -r pid _ <"$file" && grep -q '^coracle' "/proc/$pid/comm"; } 2>/dev/null && found+=("$pid")
    done
    for file in /proc/[0-9]*/cmdline; do
      tr '\0' ' ' <"$file" 2>/dev/null | grep -qF -- "--runroot $RUN_ROOT --" || continue
      file=${file%/cmdline}
      found+=("${file##*/}")
    done
    [ "${#found[@]}" = 0 ] || kill -KILL "${found[RANDOM % ${#found[@]}]}" 2>/dev/null || true
  done
}

@test "storm: anything at once, and kill -9 at random: nothing hangs, the store is whole" {
  local until=$((SECONDS + STORM_SECONDS)) i said
  echo "STORM_SEED=$STORM_SEED"
  for i in 1 2 3 4; do caller "$i" & done
  killer &
  wait
  [ ! -e "$TEST_STORE/hung" ] || fail "a command hung or crashed" "$(cat "$TEST_STORE/hung")"
  said=$(cat "$TEST_STORE"/said.*)
  not_like "$said" 'CRITICAL|database|constraint|corrupt|Assertion|joining a namespace' "what the commands said"
  run_coracle 0 ps -a
  # what commands and monitors that were killed have left is taken up by the next that writes
  run_coracle 0 run --rm box true
  run_coracle 0 system check
  # a name that was free once is free again
  run_coracle 0 rm -f -a -t 0
  for i in "${names[@]}"; do
    run_coracle 0 run -d --name "$i" box sleep 100
    run_coracle 0 exec "$i" true
  done
  run_coracle 0 rm -f -a -t 0
  run_coracle 0 system check
  no_leaks
}
