#!/usr/bin/env bats
# 254-mount: containers' root filesystems in the mount namespace of `unshare`.

load helpers

setup() {
  fixture_image box
}

# inside SCRIPT: in `unshare`, with $C the program
inside() {
  C=$CORACLE run timeout 120 "$CORACLE" unshare sh -euc "$1"
  printf '%s\n' "$output"
}

@test "mount: only within unshare" {
  run_coracle 125 mount
  is "$output" 'Error: cannot run command "coracle mount" in rootless mode, must execute `coracle unshare` first'
  run_coracle 125 container mount --all
  is "$output" 'Error: cannot run command "coracle container mount" in rootless mode, must execute `coracle unshare` first'
}

@test "mount: one that does not run: read, write, list, unmount" {
  run_coracle 0 run --name one box sh -c 'echo 1 >/file'
  local id
  id=$(coracle ps -aq --no-trunc)
  inside 'm=$($C mount one); echo "$m"; cat "$m/file"; echo 2 >"$m/new"; $C mount; $C mount --no-trunc; $C mount --format json; $C mount one; $C unmount one; $C mount; ls "$m"; $C unmount one'
  is "$status" 0
  local m=$STORE/containers/$id/merged
  is "${lines[0]}" "$m"
  is "${lines[1]}" "1"
  is "${lines[2]}" "${id:0:12}  $m"
  is "${lines[3]}" "$id  $m"
  is "$(printf '%s\n' "${lines[@]:4:9}" | jq -c .)" "[{\"id\":\"$id\",\"Names\":[\"one\"],\"mountpoint\":\"$m\"}]"
  is "$(printf '%s ' "${lines[@]:13}")" "$m one one "
  coracle cp one:/new - | tar -xOf - | grep -cx 2
  run_coracle 0 rm one
  no_leaks
}

@test "mount: what a shell left mounted is gone with it" {
  run_coracle 0 run --name one box true
  inside '$C mount -l >/dev/null; $C mount'
  like "$output" "^[0-9a-f]{12}  /"
  inside '$C mount'
  is "$output" ""
  run_coracle 0 rm one
  no_leaks
}

@test "mount: a running one is what it sees itself" {
  coracle run --name live -v vol:/vol box sh -c ': >/ready; while [ ! -e /stop ]; do sleep 0.05; done; cat /from' >"$TEST_STORE/out" &
  wait_for 20 diff_says live ready
  inside 'cd /tmp; m=$($C mount live); test -e "$m/ready"; echo outside >"$m/from"; ls "$m/proc" "$m/vol"; pwd; : >"$m/stop"'
  is "$status" 0
  like "$output" $'\n/tmp$' "the working folder is still that"
  wait
  is "$(cat "$TEST_STORE/out")" "outside"
  run_coracle 0 rm live
  no_leaks
}

@test "mount: several, all, latest; names that are not there" {
  run_coracle 0 run --name a box true
  run_coracle 0 run --name b box true
  inside '$C mount a b | wc -l; $C unmount -a | wc -l; $C mount -a | wc -l; $C mount | wc -l; $C umount -l; $C mount | wc -l; $C unmount a b'
  is "$(printf '%s ' "${lines[@]}" | sed 's/[0-9a-f]\{64\}/ID/')" "2 2 2 2 ID 1 a b "
  inside '$C mount nosuch'
  is "$status" 125
  is "$output" 'Error: no container with name or ID "nosuch" found: no such container'
  inside '$C mount -a b'
  is "$output" 'Error: no arguments are needed with --all'
  inside '$C mount --format xx'
  is "$output" 'Error: unknown --format argument: "xx"'
  run_coracle 125 unmount
  is "${lines[0]}" 'Error: you must provide at least one name or id'
  run_coracle 125 umount nosuch
  is "${lines[0]}" 'Error: no container with name or ID "nosuch" found: no such container'
  run_coracle 0 container unmount a
  is "$output" "a" "what is not mounted is no error"
  inside 'm=$($C mount a); cd "$m"; $C unmount a || echo "$?"; $C umount --force a'
  like "$output" 'Error: unmounting container .*: it is in use'
  has "$output" $'125\na'
  inside '$C mount a >/dev/null; $C rm a'
  is "$output" "a" "removed although it is mounted"
  run_coracle 0 rm b
  no_leaks
}
