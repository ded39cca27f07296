#!/usr/bin/env bats
# Layers that are bombs: small blobs that inflate without end, millions of members, names and attributes of hundreds of megabytes. A clear error, in bounded time and memory,
# and nothing is left.

load helpers
load registry-helpers

MEMORY_KIB=100000

setup_file() {
  basic_setup_file
  start_hostile
  # its blobs are made when they are asked for
  export CORACLE_STALL_SECONDS=120
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

# pull_bomb NAME REGEX: pull layer-NAME: it must fail, say so, and leave nothing
pull_bomb() {
  local begun=$SECONDS seconds peak
  run with_peak "$TEST_STORE/peak" "$CORACLE" pull -q --retry 0 "$REGISTRY/layer-$1/app"
  seconds=$((SECONDS - begun)) peak=$(cat "$TEST_STORE/peak")
  printf '# %s: %s s, %s KiB\n%s\n' "$1" "$seconds" "$peak" "$output"
  is "$status" 125 "status of $1"
  is "$(grep -c '^Error: ' <<<"$output")" 1 "one error"
  like "$output" "$2" "$1"
  [ "$peak" -le "$MEMORY_KIB" ] || fail "$1 takes $peak KiB"
  [ "$seconds" -le 240 ] || fail "$1 takes $seconds seconds"
  run_coracle images -q
  is "$output" "" "images after $1"
  is "$(ls "$STORE/tmp" "$STORE/layers" 2>/dev/null | grep -v ':$' | tr -d '\n')" "" "left of $1"
}

@test "members without end" {
  pull_bomb devices 'the digest'
  pull_bomb files 'the digest'
  pull_bomb folders 'the digest'
}

@test "names, links and attributes of hundreds of megabytes" {
  pull_bomb long-name 'header too large'
  pull_bomb long-link 'header too large'
  pull_bomb xattr 'header too large'
  pull_bomb xattrs 'header too large'
  pull_bomb gnu-name 'header too large'
  pull_bomb deep 'layer 1'
}

@test "compressed streams that no tool writes" {
  pull_bomb window 'zstd: '
  pull_bomb gzip-name 'gzip: cut short'
  pull_bomb gzip-members 'the digest'
  pull_bomb padding 'too much padding'
  pull_bomb lie 'Truncated'
}

@test "a hundred gigabytes of zeros in three megabytes: the disk's end is theirs, and the space comes back" {
  local script=$BATS_TEST_TMPDIR/script enter=(unshare --user --map-root-user --map-auto --mount)
  export SMALL=$TEST_STORE/small
  mkdir -p "$SMALL"
  cat >"$script" <<'END'
set -e
mount -t tmpfs -o size=64m,mode=755 tmpfs "$SMALL" || exit 99
trap 'umount "$SMALL"' EXIT
store() { timeout 240 "$CORACLE_BIN/coracle" --root "$SMALL/data" --runroot "$XDG_RUNTIME_DIR/small" "$@" </dev/null; }
store images -q
free=$(stat -f -c %a "$SMALL")
for bomb in bomb bomb-gzip; do
  if with_peak "$TEST_STORE/peak" timeout 240 "$CORACLE_BIN/coracle" --root "$SMALL/data" --runroot "$XDG_RUNTIME_DIR/small" pull -q --retry 0 "$REGISTRY/layer-$bomb/app"; then exit 1; fi
  echo "$bomb: $(cat "$TEST_STORE/peak") KiB"
  [ "$(cat "$TEST_STORE/peak")" -le "$MEMORY_KIB" ]
  [ -z "$(store images -q)" ]
  [ "$(stat -f -c %a "$SMALL")" -ge $((free - 64)) ]
done
END
  export -f with_peak
  export MEMORY_KIB
  ! is_root || enter=(unshare --mount)
  run "${enter[@]}" bash "$script"
  [ "$status" != 99 ] || skip "a tmpfs cannot be mounted here"
  show_run 0 "two bombs"
  is "$(grep -c 'o space left on device' <<<"$output")" 2 "what is said"
}
