#!/usr/bin/env bats
# 030-userns: the shared user namespace, as a user: ranges, --userns=single, and what the system may refuse.

load helpers

setup_file() {
  basic_setup_file
  ROOTFS=$TEST_STORE/rootfs
  export ROOTFS
  mkdir "$ROOTFS"
  tar -C "$ROOTFS" --no-same-owner --exclude='./dev/*' --exclude='dev/*' -xf "$(fixture busybox.tar)"
}

# box: run in the folder, no network: what these tests are about has nothing to do with either. The folders are named because inside somebody's namespace
# we are uid 0, who has others
box=(run --rm --net none)
folders() { global=(--root "$STORE" --runroot "$RUN_ROOT"); }
setup() { folders; }

# run_as STATUS COMMAND… -- ARGS…: coracle started by a command that changes its circumstances
run_as() {
  local expected=$1 before=()
  shift
  while [ "$1" != -- ]; do
    before+=("$1")
    shift
  done
  shift
  run --separate-stderr "${before[@]}" "$CORACLE" "${global[@]}" "$@" </dev/null
  # shellcheck disable=SC2154 # bats' run sets stderr
  [ -z "$stderr" ] || printf '%s\n' "stderr: $stderr"
  show_run "$expected" "${before[*]} coracle $*"
}

# uid 0 of a new namespace that is allowed nothing in it: to coracle an ordinary user (mapping a 0 takes CAP_SETFCAP since 5.12)
powerless=(setpriv '--bounding-set=-all,+setfcap' --inh-caps=-all)

# forget: the next command has to make a namespace: nobody is left in the last one (a command does not wait for its monitor, and any monitor's may be joined)
forget() {
  wait_for 30 nobody_left
  rm -f "$RUN_ROOT/userns" "$RUN_ROOT/userns.single"
}
nobody_left() { [ -z "$(left_processes)" ]; }

@test "userns: uid 0 is the user, the rest are the ranges of subuid" {
  run_coracle_out 0 "${box[@]}" --rootfs "$ROOTFS" cat /proc/self/uid_map
  like "${lines[0]}" "^ +0 +$(id -u) +1\$" "the first line of the map"
  local range
  range=$(awk -F: -v u="$(id -un)" '$1 == u { print $2, $3; exit }' /etc/subuid)
  like "${lines[1]}" "^ +1 +${range% *} +${range#* }\$" "the second line"
  no_leaks
}

@test "userns: --userns=single maps one id and needs no helper" {
  forget
  run_as 0 env PATH=/no/such/folder -- "${box[@]}" --userns=single --rootfs "$ROOTFS" cat /proc/self/uid_map
  is "${#lines[@]}" 1 "lines of the map"
  like "$output" "^ +0 +$(id -u) +1\$" "the map"
  is "$stderr" "" "asked for, so no notice"
}

@test "userns: containers of a user share one namespace" {
  local inode i
  # shellcheck disable=SC2016 # for the container's shell
  coracle "${box[@]}" --rootfs "$ROOTFS" sh -c 'readlink /proc/self/ns/user; while [ ! -e /stop ]; do sleep 0.1; done' >"$TEST_STORE/keeper" 3>&- &
  wait_for 30 test -s "$TEST_STORE/keeper"
  inode=$(cat "$TEST_STORE/keeper")
  like "$inode" '^user:\[[0-9]+\]$'
  for i in 1 2 3 4 5 6; do
    coracle "${box[@]}" --rootfs "$ROOTFS" readlink /proc/self/ns/user >"$TEST_STORE/other.$i" 3>&- &
  done
  for i in 1 2 3 4 5 6; do wait_for 30 test -s "$TEST_STORE/other.$i"; done
  touch "$ROOTFS/stop"
  wait
  rm "$ROOTFS/stop"
  for i in 1 2 3 4 5 6; do is "$(cat "$TEST_STORE/other.$i")" "$inode" "namespace of number $i"; done
  no_leaks
}

@test "userns: no range: the one id, with one line of notice" {
  forget
  # inside a namespace where we may put another /etc/subuid in place
  # shellcheck disable=SC2016 # for the inner shell
  run_as 0 unshare --user --map-root-user --mount sh -c 'mount --bind /dev/null /etc/subuid && mount --bind /dev/null /etc/subgid && exec "$@"' sh "${powerless[@]}" -- \
    "${box[@]}" --rootfs "$ROOTFS" cat /proc/self/uid_map
  is "${#lines[@]}" 1 "lines of the map"
  # shellcheck disable=SC2154 # bats' run sets it
  is "${#stderr_lines[@]}" 1 "lines of notice"
  has "$stderr" "subuid" "the notice says what is missing"
}

@test "userns: newuidmap missing" {
  forget
  run_as 125 env PATH=/no/such/folder -- "${box[@]}" --rootfs "$ROOTFS" true
  has "$stderr" "newuidmap: not found in PATH"
  has "$stderr" "install the package uidmap"
  no_leaks
}

@test "userns: newuidmap not setuid" {
  forget
  mkdir "$TEST_STORE/plain"
  cp "$(command -v newuidmap)" "$TEST_STORE/plain/"
  run_as 125 env PATH="$TEST_STORE/plain:$PATH" -- "${box[@]}" --rootfs "$ROOTFS" true
  has "$stderr" "$TEST_STORE/plain/newuidmap is neither setuid nor"
  has "$stderr" "chmod u+s"
  no_leaks
  run_coracle 0 "${box[@]}" --rootfs "$ROOTFS" true
}

@test "userns: no_new_privs around us" {
  forget
  run_as 125 setpriv --no-new-privs -- "${box[@]}" --rootfs "$ROOTFS" true
  has "$stderr" "no_new_privs"
  forget
  run_as 0 setpriv --no-new-privs -- "${box[@]}" --userns=single --rootfs "$ROOTFS" true
}

@test "userns: CORACLE_USERNS=single is for every command" {
  forget
  local without=(env PATH=/usr/bin/no-such CORACLE_USERNS=single)
  run_as 0 "${without[@]}" -- import -q "$(fixture busybox.tar)" alone
  run_as 0 "${without[@]}" -- "${box[@]}" alone cat /proc/self/uid_map
  like "$output" "^ +0 +$(id -u) +1\$" "the map"
  run_as 0 "${without[@]}" -- run --net none --name stays alone true
  run_as 0 "${without[@]}" -- rm stays
  run_as 0 "${without[@]}" -- rmi alone
  no_leaks
}

@test "userns: user.max_user_namespaces is 0" {
  forget
  # shellcheck disable=SC2016 # for the inner shell
  run_as 125 unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' sh "${powerless[@]}" -- "${box[@]}" --rootfs "$ROOTFS" true
  has "$stderr" "user.max_user_namespaces is 0"
  has "$stderr" "sysctl user.max_user_namespaces="
  no_leaks
}

@test "userns: inside somebody's namespace, as its root" {
  run_as 0 unshare --user --map-root-user -- "${box[@]}" --rootfs "$ROOTFS" cat /proc/self/uid_map
  like "$output" "^ +0 +[0-9]+ +1\$" "the map"
  is "${#lines[@]}" 1 "lines of the map"
}

@test "userns: killed while making, joining or entering it" {
  needs strace
  strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
  local n status calls=flock,openat,clone,wait4,setns,prctl,unshare,mount,kill,write
  for n in $(seq 1 80); do
    status=0
    strace -o /dev/null -e trace=$calls -e inject=$calls:signal=SIGKILL:when=$((n * 3)) \
      "$CORACLE" "${box[@]}" --rootfs "$ROOTFS" true >/dev/null 2>&1 3>&- || status=$?
    [ "$status" != 0 ] || break
    [ $((n % 2)) = 0 ] || rm -f "$RUN_ROOT/userns" "$RUN_ROOT/userns.single"
    run_coracle 0 "${box[@]}" --rootfs "$ROOTFS" true
  done
  echo "killed $((n - 1)) times"
  [ "$n" -gt 5 ]
  # what a killed one left when the last command looked: the next takes it
  wait_for 30 nobody_left
  run_coracle 0 ps -a
  no_leaks
}
