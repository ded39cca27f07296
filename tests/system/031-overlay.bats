#!/usr/bin/env bats
# 031-overlay: the root filesystem by the kernel's overlay and by fuse-overlayfs: the same to the container, and nothing stays.
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

box=(run --rm --net none)
# shellcheck disable=SC2016 # for the container's shell
WORK='
  touch /new && chown 5:6 /new && stat -c "%u:%g" /new
  rm /etc/passwd; [ ! -e /etc/passwd ] && echo gone
  rm -r /bin/../home 2>/dev/null; mkdir /home && echo a >/home/a && ls /home
  awk "\$2 == \"/\" { print \$3 }" /proc/mounts'

needs_fuse() {
  needs fuse-overlayfs
  [ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "/dev/fuse is not for everybody here"
}

# servers: fuse-overlayfs processes of this store, for other files have their own; an unreaped one has neither words nor mounts
servers() {
  local comm n=0
  for comm in $(grep -ls '^fuse-overlayfs' /proc/[0-9]*/comm); do
    ! grep -qsaF -- "$TEST_STORE" "${comm%comm}"{cmdline,environ,mountinfo} || n=$((n + 1))
  done
  echo "$n"
}
no_server() { [ "$(servers)" = 0 ]; }

@test "overlay: by the kernel" {
  CORACLE_OVERLAY=native run_coracle_out 0 "${box[@]}" box sh -c "$WORK"
  is "$output" $'5:6\ngone\na\noverlay' "what the container did"
  no_leaks
}

@test "overlay: forced to fuse-overlayfs" {
  needs_fuse
  CORACLE_OVERLAY=fuse run_coracle_out 0 "${box[@]}" box sh -c "$WORK"
  is "$output" $'5:6\ngone\na\nfuse.fuse-overlayfs' "what the container did"
  wait_for 30 no_server
  no_leaks
}

@test "overlay: mount_program of storage.conf" {
  needs_fuse
  ! is_root || skip "these tests name --root and --runroot for root, and then storage.conf is not read"
  mkdir "$TEST_STORE/conf"
  printf '#!/bin/sh\necho "$0" >%s/used\nexec fuse-overlayfs "$@"\n' "$TEST_STORE" >"$TEST_STORE/my overlay"
  chmod +x "$TEST_STORE/my overlay"
  printf '[storage.options.overlay]\nmount_program = "%s"\n' "$TEST_STORE/my overlay" >"$TEST_STORE/conf/storage.conf"
  export CONTAINERS_STORAGE_CONF=$TEST_STORE/conf/storage.conf
  run_coracle_out 0 "${box[@]}" box awk '$2 == "/" { print $3 }' /proc/mounts
  is "$output" "fuse.fuse-overlayfs"
  is "$(cat "$TEST_STORE/used")" "$TEST_STORE/my overlay" "the program that was started"
  # the environment has the last word
  CORACLE_OVERLAY=native run_coracle_out 0 "${box[@]}" box awk '$2 == "/" { print $3 }' /proc/mounts
  is "$output" "overlay"
  printf '[storage.options.overlay]\nmount_program = "/no/such/program"\n' >"$TEST_STORE/conf/storage.conf"
  run_coracle 125 "${box[@]}" box true
  has "$output" "/no/such/program"
  no_leaks
}

@test "overlay: the fuse server ends with a container that is killed" {
  needs_fuse
  local client
  CORACLE_OVERLAY=fuse coracle "${box[@]}" --name victim box sleep 100 3>&- &
  client=$!
  wait_for 30 some_run
  is "$(servers)" 1 "servers while it runs"
  kill -KILL "$(cut -d' ' -f1 "$RUN_ROOT"/*/monitor.pid)"
  wait "$client" || true
  wait_for 30 no_server
  run_coracle 0 rm -f -a
  no_leaks
}

@test "overlay: a wrong setting, and fuse-overlayfs missing" {
  CORACLE_OVERLAY=best run_coracle 125 "${box[@]}" box true
  has "$output" "CORACLE_OVERLAY=best"
  mkdir "$TEST_STORE/path"
  ln -s "$(command -v newuidmap)" "$(command -v newgidmap)" "$TEST_STORE/path/"
  # shellcheck disable=SC2086 # CORACLE_GLOBAL is words
  run env PATH="$TEST_STORE/path" CORACLE_OVERLAY=fuse "$CORACLE" $CORACLE_GLOBAL "${box[@]}" box true
  printf '%s\n' "$output"
  is "$status" 125 "status"
  has "$output" "fuse-overlayfs"
  no_leaks
}
