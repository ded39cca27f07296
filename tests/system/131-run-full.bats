#!/usr/bin/env bats
# Disks that are full: before a container is made, while it is, and by its own doing.

load helpers

# on_small_disk SCRIPT: run it where $SMALL is a tmpfs of 12 MB with a store in it that has the image "box"; `store ARGS…` is coracle with that store.
on_small_disk() {
  local script=$BATS_TEST_TMPDIR/script
  export SMALL=$TEST_STORE/small SMALL_TAR
  SMALL_TAR=$(fixture busybox.tar)
  mkdir -p "$SMALL"
  cat >"$script" <<'END'
set -e
mount -t tmpfs -o size=12m,mode=755 tmpfs "$SMALL" || exit 99
# what the last command left to be taken down behind it holds the filesystem for some milliseconds more
trap 's=$?; for i in $(seq 400); do umount "$SMALL" 2>/dev/null && exit $s; sleep 0.05; done; umount "$SMALL"' EXIT
store() { timeout 120 "$CORACLE_BIN/coracle" --root "$SMALL/data" --runroot "$XDG_RUNTIME_DIR/small" "$@" </dev/null; }
soon() { for i in $(seq 400); do ! "$@" || return 0; sleep 0.05; done; echo "not soon: $*"; return 1; }
empty() { [ -z "$(ls "$SMALL/data/containers")" ]; }
nothing_left() { [ -z "$(ls "$SMALL/data/containers" "$SMALL/data/tmp" | grep -v :)" ]; }
# nobody is behind the last command any more, who would give back room later
alone() { ! grep -qsa -- "${SMALL%small}[s]mall/data" /proc/[0-9]*/mountinfo /proc/[0-9]*/cmdline; }
roomy() { [ "$(stat -f -c %a "$SMALL")" -gt 1000 ]; }
fill() { dd if=/dev/zero of="$SMALL/fill" bs=4k 2>/dev/null || true; }
# leave KILOBYTES: that much room
leave() { rm -f "$SMALL/fill"; fill; truncate -s "-${1}k" "$SMALL/fill"; }
store import -q --change 'CMD ["sh"]' "$SMALL_TAR" box >/dev/null
END
  printf '%s\n' "$1" >>"$script"
  if is_root; then
    run unshare --mount bash "$script"
  else
    run unshare --user --map-root-user --map-auto --mount bash "$script"
  fi
  [ "$status" != 99 ] || skip "a tmpfs cannot be mounted here"
  show_run 0 "$1"
}

@test "run on a full disk: says so, leaves nothing" {
  on_small_disk '
    for room in 0 4 8 16 24 32; do
      soon alone
      leave "$room"
      if store run --rm box true; then continue; fi
      soon nothing_left || { echo "left with $room kB of room"; exit 1; }
    done
    soon alone
    leave 0
    store run --rm box true && exit 1 || [ $? = 125 ]
    rm "$SMALL/fill"
    store run --rm box true
    [ -z "$(store ps -aq)" ]'
  has "$output" "o space left on device" "the message"
}

@test "a container that fills the disk goes, and its space comes back" {
  on_small_disk '
    store run --rm box sh -c "dd if=/dev/zero of=/big bs=4k 2>/dev/null; exit 3" && exit 1 || [ $? = 3 ]
    soon empty
    soon roomy
    [ -z "$(store ps -aq)" ]'
}

@test "a container that filled the disk can be removed" {
  on_small_disk '
    store run --name big box sh -c "dd if=/dev/zero of=/big bs=4k 2>/dev/null; exit 3" && exit 1 || [ $? = 3 ]
    store rm big
    soon roomy
    store run --rm box true'
}

@test "a container that filled the disk through an overlay on a folder goes, and can be removed" {
  on_small_disk '
    mkdir "$SMALL/src"
    store run --rm -v "$SMALL/src:/in:O" box sh -c "dd if=/dev/zero of=/in/big bs=4k 2>/dev/null; exit 3" && exit 1 || [ $? = 3 ]
    soon empty
    soon roomy
    store run --name big -v "$SMALL/src:/in:O" box sh -c "dd if=/dev/zero of=/in/big bs=4k 2>/dev/null; exit 3" && exit 1 || [ $? = 3 ]
    # to the last page: what a monitor gives back behind the command is not what the row needs
    soon alone
    fill
    store rm big
    rm "$SMALL/fill"
    soon roomy
    store run --rm box true'
}
