#!/usr/bin/env bats
# A pull that is killed at its system calls, whose machine loses power, which many make at once, or whose disk fills up: what is listed is whole, the next one finishes,
# nothing is fetched twice, and no space is lost.
# long: yes

load helpers
load registry-helpers
load kill-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  push_fixture team/app:1
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
  # an image that shares no layer with the other
  cp "$(fixture busybox.tar)" "$TEST_STORE/other.tar"
  chmod u+w "$TEST_STORE/other.tar"
  tar -C "$TEST_STORE" -rf "$TEST_STORE/other.tar" registries.conf
  coracle import -q "$TEST_STORE/other.tar" other
  coracle pull -q "$REGISTRY/team/app:1"
  note_sizes
  export KILL_THREADS=1
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

# a container alive: the user namespace is there, and no setuid program is traced
setup() {
  coracle container exists alive || coracle run -d --name alive --net none other sleep 3600 3>&-
}

# forget: as if it had never been pulled
forget() { coracle rmi -f "$REGISTRY/team/app:1" >/dev/null 2>&1 || true; }
before_kill() { forget; }

# downloads: of each layer's blob, how many the registry's log has since from_now; what is asked for once is said once
downloads() {
  asked_since | grep -oE 'GET /v2/team/app/blobs/sha256:[0-9a-f]{64}' | grep -vF "$(config_digest)" | sort | uniq -c | awk '{ print $1 }' | sort -u
}

config_digest() { skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/team/app:1" | jq -r .config.digest; }

complete() {
  run_coracle pull -q "$REGISTRY/team/app:1"
  run_coracle system check
}

@test "killed at any system call" {
  needs strace
  each_kill 3 pull -q "$REGISTRY/team/app:1"
  complete
  run_coracle run --rm --net none "$REGISTRY/team/app:1"
  is "$output" "layer 3"
}

@test "no power any more at any system call that writes" {
  needs strace
  export KILL_POWER=1
  after_kill() { complete; }
  each_kill 2 pull -q "$REGISTRY/team/app:1"
}

# pulls N: so many at once; each prints the same id
pulls() {
  local i pids=() since
  from_now
  for ((i = 0; i < $1; i++)); do
    coracle pull -q "$REGISTRY/team/app:1" >"$TEST_STORE/pull.$i" 2>&1 3>&- &
    pids+=($!)
  done
  for i in "${pids[@]}"; do wait "$i" || fail "a pull failed: $(cat "$TEST_STORE"/pull.*)"; done
  is "$(cat "$TEST_STORE"/pull.* | sort -u | wc -l)" 1 "ids"
  is "$(downloads)" 1 "downloads of a layer"
  run_coracle system check
}

@test "two and ten pulls at once: one download" {
  forget
  pulls 2
  forget
  pulls 10
  rm -f "$TEST_STORE"/pull.*
}

receiving() { [ -n "$(find "$STORE/tmp" -name 'blob-*' -size +1 2>/dev/null)" ]; }

@test "one that waits for another goes on when that is killed" {
  local first second pid
  forget
  strace -f -o /dev/null -e trace=syncfs -e inject=syncfs:delay_enter=30000000 "$CORACLE" pull -q "$REGISTRY/team/app:1" >/dev/null 2>&1 3>&- &
  first=$!
  wait_for 20 receiving
  coracle pull -q "$REGISTRY/team/app:1" >"$TEST_STORE/second" 2>&1 3>&- &
  second=$!
  sleep 0.5
  # one that is killed takes the others with it, and strace ends when they have
  for pid in $(pgrep -P "$first"); do kill -9 "$pid" || true; done
  kill -9 "$first" || true
  wait "$second" || fail "the second: $(cat "$TEST_STORE/second")"
  run_coracle system check
  run_coracle images -q
  is "$(ls -A "$STORE/tmp")" "" tmp
}

# on_small_disk SCRIPT: where $SMALL is a tmpfs of 4 MB, and `store ARGS…` is coracle with a store in it
on_small_disk() {
  local script=$BATS_TEST_TMPDIR/script enter=(unshare --user --map-root-user --map-auto --mount)
  export SMALL=$TEST_STORE/small
  mkdir -p "$SMALL"
  cat >"$script" <<'END'
set -e
mount -t tmpfs -o size=4m,mode=755 tmpfs "$SMALL" || exit 99
trap 'umount "$SMALL"' EXIT
store() { timeout 120 "$CORACLE_BIN/coracle" --root "$SMALL/data" --runroot "$XDG_RUNTIME_DIR/small" "$@" </dev/null; }
END
  printf '%s\n' "$1" >>"$script"
  ! is_root || enter=(unshare --mount)
  run "${enter[@]}" bash "$script"
  [ "$status" != 99 ] || skip "a tmpfs cannot be mounted here"
  show_run 0 "$1"
}

@test "a disk that fills up: says so, lists nothing, gives the space back; with more room the pull finishes" {
  on_small_disk '
    store images -q
    free=$(stat -f -c %a "$SMALL")
    for size in 4m 5m 6m 8m 10m; do
      mount -o "remount,size=$size" "$SMALL"
      free=$(stat -f -c %a "$SMALL")
      if store pull -q "$REGISTRY/team/app:1" 2>"$SMALL.err"; then echo "fits in $size"; break; fi
      cat "$SMALL.err"
      grep -q "^Error: .*[Nn]o space left on device" "$SMALL.err"
      [ -z "$(store images -q)" ]
      [ -z "$(ls -A "$SMALL/data/tmp" "$SMALL/data/layers" | grep -v : )" ]
      [ -z "$(ls -A "$SMALL/data/oci/blobs/sha256" 2>/dev/null)" ]
      left=$(stat -f -c %a "$SMALL")
      # the database and folders may have grown
      [ "$left" -ge $((free - 64)) ] || { echo "$left blocks of $free"; exit 1; }
    done
    mount -o remount,size=64m "$SMALL"
    store pull -q "$REGISTRY/team/app:1"
    store system check'
  has "$output" "o space left on device"
  not_like "$output" "fits in 4m"
}
