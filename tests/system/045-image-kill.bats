#!/usr/bin/env bats
# SIGKILL at the system calls of import, load and rmi: the next command works, every listed image is whole, and nothing is left over.
load helpers

setup_file() {
  basic_setup_file
  TAR=$(fixture busybox.tar)
  LAYERS=$(archives)/layers.tar
  export TAR LAYERS
}

# kill_at SYSCALL N COMMAND…: SIGKILL when the command enters that call for the Nth time. Children are not traced: newuidmap is setuid.
kill_at() {
  # shellcheck disable=SC2086 # CORACLE_GLOBAL is words
  strace -o "$TEST_STORE/trace" -e trace="$1" -e inject="$1":signal=KILL:when="$2" "$CORACLE" $CORACLE_GLOBAL "${@:3}" >"$TEST_STORE/out" 2>&1 </dev/null
}

# calls_of COMMAND…: "COUNT SYSCALL" for each that it makes and that changes something.
calls_of() {
  # shellcheck disable=SC2086
  strace -o "$TEST_STORE/trace" "$CORACLE" $CORACLE_GLOBAL "$@" >/dev/null </dev/null
  sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' "$TEST_STORE/trace" |
    grep -xE 'openat|openat2|mkdir|mkdirat|renameat|renameat2|rename|write|pwrite64|ftruncate|fsync|fdatasync|syncfs|flock|fcntl|unlink|unlinkat|symlinkat|linkat|fchmod|fchmodat|fchownat|utimensat|setns|mount|clone|clone3|close|execve|copy_file_range' |
    sort | uniq -c
}

# whole: what is listed can be used, and there is nothing else. The listing is the "next command".
whole() {
  local what=$1 layers blobs listed
  run_coracle images -q --no-trunc
  is "$(ls -A "$STORE/tmp")" "" "tmp after $what"
  layers=$(for id in $output; do coracle image inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' "$id"; done | sed -n 's/^sha256://p' | sort -u)
  listed=$(ls "$STORE/layers")
  is "$listed" "$layers" "layers after $what"
  for layer in $listed; do
    is "$(find "$STORE/layers/$layer" | wc -l)" "$(grep "^$layer " "$TEST_STORE/sizes" | cut -d ' ' -f 2)" "files in layer $layer after $what"
  done
  blobs=$(cd "$STORE/oci/blobs/sha256" 2>/dev/null && for blob in *; do [ ! -e "$blob" ] || sha256sum "$blob"; done | awk '$1 != $2')
  is "$blobs" "" "broken blobs after $what"
}

# note_sizes: how many files each layer has when nobody is killed.
note_sizes() {
  for layer in "$STORE"/layers/*; do echo "${layer##*/} $(find "$layer" | wc -l)"; done >"$TEST_STORE/sizes"
}

# each_kill SAMPLES WANTED_AFTER COMMAND…: kill it at up to SAMPLES places of every kind of call.
each_kill() {
  local samples=$1 count call n at killed=0
  shift
  while read -r count call; do
    for ((n = 0; n < samples && n < count; n++)); do
      at=$((1 + n * (count - 1) / (samples > 1 ? samples - 1 : 1)))
      ((at <= count)) || continue
      before_kill
      if ! kill_at "$call" "$at" "$@"; then killed=$((killed + 1)); fi
      whole "$* killed at $call number $at"
    done
  done < <(before_kill && calls_of "$@")
  echo "# killed $killed times" >&2
  [ "$killed" -ge 20 ] || fail "only $killed kills: is strace injecting?"
}

@test "import, killed" {
  needs strace
  run_coracle import -q "$TAR" box
  note_sizes
  before_kill() { coracle rmi -a -f >/dev/null; }
  each_kill 3 import -q "$TAR" box
  run_coracle import -q "$TAR" box
  whole "import"
}

@test "load of three layers, killed" {
  needs strace
  coracle rmi -a -f >/dev/null
  run_coracle load -q -i "$LAYERS"
  note_sizes
  before_kill() { coracle rmi -a -f >/dev/null; }
  each_kill 2 load -q -i "$LAYERS"
  run_coracle load -q -i "$LAYERS"
  is "$output" "Loaded image: localhost/layers:1"
  whole "load"
}

@test "rmi, killed" {
  needs strace
  coracle rmi -a -f >/dev/null
  run_coracle load -q -i "$LAYERS"
  run_coracle import -q "$TAR" box
  note_sizes
  before_kill() { coracle load -q -i "$LAYERS" >/dev/null; }
  each_kill 2 rmi layers:1
  run_coracle image exists box
}

@test "a sweep, killed, is finished by the next" {
  needs strace
  coracle rmi -a -f >/dev/null
  run_coracle import -q "$TAR" box
  note_sizes
  before_kill() {
    mkdir -p "$STORE/tmp/dead/folder" "$STORE/layers/$(printf '%064d' 1)/x" "$RUN_ROOT/$(printf '%064d' 2)" "$STORE/containers/$(printf '%064d' 2)/upper"
  }
  each_kill 2 images
  is "$(ls -A "$STORE/containers")" "" "containers"
  run_coracle image exists box
}
