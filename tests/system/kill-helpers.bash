# kill-helpers: SIGKILL, and the loss of power, at chosen system calls of a command, and what must hold of the store afterwards.
#
#   note_sizes                          with all layers in place: how many files each has
#   each_kill SAMPLES COMMAND…          kill it at up to SAMPLES places of every kind of call that changes something; before_kill (the test's) comes before each
#
# KILL_POWER=1: what was not synced when the command died is lost too (power-cut.py); the store's files are the user's or its subuids'.
# KILL_THREADS=1 traces threads and children too. Whoever sets it keeps a container alive: newuidmap, which is setuid, cannot be traced.

kill_flags() {
  [ -z "${KILL_THREADS-}" ] || echo -f
  [ -z "${KILL_POWER-}" ] || echo -ttt -y -s 0
}

# lose_power: to be called where nothing of the command lives any more
lose_power() {
  local enter=()
  is_root || enter=(unshare --user --map-root-user --map-auto)
  "${enter[@]}" python3 "$TESTS_DIR/system/power-cut.py" "$TEST_STORE/trace" "$STORE" || fail "the power cannot be cut"
}

# kill_at SYSCALL N COMMAND…: SIGKILL when the command (or one of its threads) enters that call for the Nth time.
kill_at() {
  # shellcheck disable=SC2086,SC2046 # CORACLE_GLOBAL is words
  strace $(kill_flags) -o "$TEST_STORE/trace" -e trace="$1$([ -z "${KILL_POWER-}" ] || echo ,syncfs,fsync,fdatasync,pwrite64)" -e inject="$1":signal=KILL:when="$2" "$CORACLE" $CORACLE_GLOBAL "${@:3}" >"$TEST_STORE/out" 2>&1 </dev/null
}

# calls_of COMMAND…: "COUNT SYSCALL" for each that it makes and that changes something; the count of the thread that makes most.
calls_of() {
  # shellcheck disable=SC2086
  strace ${KILL_THREADS:+-f} -o "$TEST_STORE/trace" "$CORACLE" $CORACLE_GLOBAL "$@" >/dev/null </dev/null
  sed -nE 's/^([0-9]+ +)?([a-z0-9_]+)\(.*/\1 \2/p' "$TEST_STORE/trace" |
    awk '$NF ~ /^(openat|openat2|mkdir|mkdirat|renameat|renameat2|rename|write|pwrite64|ftruncate|fsync|fdatasync|syncfs|flock|fcntl|unlink|unlinkat|symlinkat|linkat|fchmod|fchmodat|fchownat|utimensat|setns|mount|clone|clone3|close|execve|copy_file_range|connect|sendto|recvfrom|recvmsg|futex|poll|fsetxattr|mknodat)$/ { n = ++seen[$0]; if (n > most[$NF]) most[$NF] = n }
      END { for (call in most) print most[call], call }' | sort -k 2
}

# whole WHAT: what is listed can be used, and there is nothing else. The listing is the "next command".
whole() {
  local what=$1 layers blobs listed named manifest
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
  # no space leaks: every blob is an image's
  named=$(for id in $output; do
    manifest=$(coracle image inspect --format '{{.Digest}}' "$id")
    printf '%s\n' "$id" "$manifest"
    jq -r '.config.digest, .layers[].digest' "$STORE/oci/blobs/sha256/${manifest#sha256:}"
  done | sed 's/^sha256://' | sort -u)
  is "$(find "$STORE/oci/blobs/sha256" -type f -printf "%f\n" 2>/dev/null | sort)" "$named" "blobs after $what"
}

# note_sizes: how many files each layer has when nobody is killed.
note_sizes() {
  for layer in "$STORE"/layers/*; do echo "${layer##*/} $(find "$layer" | wc -l)"; done >"$TEST_STORE/sizes"
}

# each_kill SAMPLES COMMAND…; after_kill, if there is one, comes after each kill when the store was looked at.
each_kill() {
  local samples=$1 count call n at killed=0
  shift
  while read -r count call; do
    for ((n = 0; n < samples && n < count; n++)); do
      at=$((1 + n * (count - 1) / (samples > 1 ? samples - 1 : 1)))
      ((at <= count)) || continue
      before_kill
      if ! kill_at "$call" "$at" "$@"; then killed=$((killed + 1)); fi
      [ -z "${KILL_POWER-}" ] || lose_power
      whole "$* killed at $call number $at"
      ! declare -F after_kill >/dev/null || after_kill
    done
  done < <(before_kill && calls_of "$@")
  echo "# killed $killed times" >&2
  [ "$killed" -ge 20 ] || fail "only $killed kills: is strace injecting?"
}
