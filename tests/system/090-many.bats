#!/usr/bin/env bats
# 090-many: fifty containers at once and three hundred one after the other: all succeed and nothing stays or grows.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

# footprint: what must not grow: files of the store and of the run folder (not what is inside layers), mounts and processes that know this store (other files' come and go)
footprint() {
  echo "store $(find "$STORE" -path "$STORE/layers/*/*" -prune -o -print 2>/dev/null | wc -l)"
  echo "run $(find "$RUN_ROOT" 2>/dev/null | wc -l)"
  echo "mounts $(left_mounts | wc -l)"
  echo "ours $(left_processes | wc -l)"
}

@test "many: fifty at once all exit 0, nothing is left" {
  local i failed=0 pids=()
  for i in $(seq 50); do
    "$CORACLE" run --rm box sh -c "echo $i" </dev/null >"$TEST_STORE/out.$i" 2>"$TEST_STORE/err.$i" &
    pids+=($!)
  done
  for i in $(seq 50); do
    if ! wait "${pids[i - 1]}"; then
      failed=$((failed + 1))
      echo "container $i: status $?: $(cat "$TEST_STORE/err.$i")"
    fi
    is "$(cat "$TEST_STORE/out.$i")" "$i" "what container $i printed"
    is "$(cat "$TEST_STORE/err.$i")" "" "container $i has no complaint"
  done
  rm -f "$TEST_STORE"/{out,err}.*
  is "$failed" 0 "how many failed"
  is "$(containers -a)" "" "no container is listed"
  no_leaks
}

@test "many: at once with other commands beside them" {
  local i pids=()
  for i in $(seq 10); do
    coracle run --rm --name "n$i" box true </dev/null >/dev/null 2>"$TEST_STORE/err.$i" &
    pids+=($!)
    coracle ps -a >/dev/null 2>>"$TEST_STORE/err.$i" &
    pids+=($!)
    coracle images >/dev/null 2>>"$TEST_STORE/err.$i" &
    pids+=($!)
  done
  for i in "${pids[@]}"; do wait "$i" || fail "one failed: $(cat "$TEST_STORE"/err.*)"; done
  is "$(cat "$TEST_STORE"/err.*)" "" "no complaint"
  rm -f "$TEST_STORE"/err.*
  no_leaks
}

@test "many: three hundred one after the other: no growth" {
  local i before after
  for i in 1 2 3; do coracle run --rm box true </dev/null; done
  no_leaks
  before=$(footprint)
  for i in $(seq 300); do
    "$CORACLE" run --rm box true </dev/null || fail "run $i: status $?"
  done
  no_leaks
  after=$(footprint)
  is "$after" "$before" "the footprint after and before"
}

@test "many: the state database does not grow without bound" {
  local i before after
  [ "$(id -u)" != 0 ] || skip "one user is enough"
  before=$(stat -c %s "$STORE/state.db")
  for i in $(seq 50); do "$CORACLE" run --rm --label "a=$(printf '%2000s' x)" box true </dev/null; done
  after=$(stat -c %s "$STORE/state.db")
  [ "$after" -le $((before + 131072)) ] || fail "state.db went from $before to $after bytes"
  [ "$(stat -c %s "$STORE/state.db-wal" 2>/dev/null || echo 0)" -le 8388608 ] || fail "the write-ahead log is larger than 8 MiB"
}
