#!/usr/bin/env bats
# 270-cgroup: where a container's cgroup is made, that it is gone with it, and what is said where there is none.
# root: yes
#
# Most machines that test give an ordinary user no cgroup. So the first test, as root, runs this file and its neighbours (pause, stats, limits) as an ordinary user who has one (tests/cgroup-space).

load helpers
load cgroup-helpers

setup() {
  basic_setup
  fixture_image box
}

@test "cgroup: all of this again, as a user to whom a group was given" {
  is_root || skip "for root, who can give a group away"
  run "$TESTS_DIR/cgroup-space" true
  [ "$status" != 3 ] || skip "no cgroup v2 can be mounted here"
  export AS_USER_KEEP='CORACLE_BIN CORACLE_TEST_CACHE' CORACLE_TEST_CACHE=/var/tmp/coracle-test-cache-space
  mkdir -p "$CORACLE_TEST_CACHE" && chmod 1777 "$CORACLE_TEST_CACHE"
  cd "$TESTS_DIR/system"
  run env -u BATS_RUN_TMPDIR -u BATS_TMPDIR -u BATS_ROOT "$TESTS_DIR/cgroup-space" env -u TMPDIR bats --tap 270-cgroup.bats 271-pause.bats 272-stats.bats 273-limits.bats
  printf '%s\n' "$output"
  is "$status" 0 "status of the tests within"
  not_like "$output" '# skip no cgroup can be had' "in a group of one's own nothing is left out for want of one"
}

@test "cgroup: the container is in a group of its own, its monitor is not, and both are gone at the end" {
  needs_group
  run_coracle_out run -d --name one box sleep 100
  local id=$output init monitor
  init=$(coracle inspect -f '{{.State.Pid}}' one)
  monitor=$(coracle inspect -f '{{.State.ConmonPid}}' one)
  local group
  group=$(group_of "$init")
  like "$group" "/libpod-$id(\.scope/container)?$" "by its id"
  isnt "$(group_of "$monitor")" "$group" "the monitor's"
  is "$(coracle inspect -f '{{.State.CgroupPath}}' one)" "$group" "inspect"
  is "$(coracle inspect -f '{{.HostConfig.CgroupManager}} {{.HostConfig.Cgroups}}' one)" "$(coracle info -f '{{.Host.CgroupManager}}') default" "inspect's words"
  is "$(coracle exec one sed -n 's/^0:://p' /proc/self/cgroup)" "/" "from within it is the root, also for exec"
  [ -d "$(group_mount)$group" ]
  run_coracle rm -f -t 0 one
  [ ! -e "$(group_mount)$group" ]
}

@test "cgroup: a foreground container's, and that of one started again, are gone, too" {
  needs_group
  run_coracle run --name two box true
  none_left
  run_coracle start -a two
  none_left
  run_coracle rm two
}

@test "cgroup: kill -9 of the monitor leaves a group, the next command takes it away" {
  needs_group
  run_coracle run -d --name three box sleep 100
  kill -9 "$(coracle inspect -f '{{.State.ConmonPid}}' three)"
  wait_for 20 gone three
  coracle ps >/dev/null
  none_left
  run_coracle rm three
}

gone() { [ "$(coracle inspect -f '{{.State.Running}}' "$1")" = false ]; }

@test "cgroup: a kernel that cannot clone into a group: moved before anything else, with the same view" {
  needs_group
  needs strace
  # with one alive the user namespace is joined: newuidmap would not work under strace
  run_coracle run -d --name keep box sleep 100
  run strace -f -qq -o /dev/null -e trace=clone3 -e inject=clone3:error=E2BIG:when=1 "$CORACLE" run --rm --network none box sed -n 's/^0:://p' /proc/self/cgroup
  is "$status" 0 "status"
  is "${lines[0]}" "/" "the group's root"
  run_coracle rm -f -t 0 keep
  none_left
}

@test "cgroup: --cgroups=disabled makes none" {
  needs_group
  run_coracle run -d --name none --cgroups disabled box sleep 100
  is "$(group_of "$(coracle inspect -f '{{.State.Pid}}' none)")" "$(group_of self)" "the command's own"
  is "$(coracle inspect -f '{{.HostConfig.Cgroups}}' none)" "disabled" "inspect"
  run_coracle rm -f -t 0 none
}

@test "cgroup: --cgroup-parent is made, below what is delegated or from the top" {
  needs_group
  [ "$(coracle info -f '{{.Host.CgroupManager}}')" = cgroupfs ] || skip "systemd makes the groups here: its slices are another test's"
  run_coracle run -d --name below --cgroup-parent one/two box sleep 100
  local group
  group=$(group_of "$(coracle inspect -f '{{.State.Pid}}' below)")
  like "$group" "/one/two/libpod-" "a relative one"
  is "$(coracle inspect -f '{{.HostConfig.CgroupParent}}' below)" "one/two" "inspect"
  run_coracle rm -f -t 0 below
  # made for good, as Podman does
  rmdir "$(group_mount)${group%/libpod-*}" "$(group_mount)${group%/two/libpod-*}"
  if ! is_root; then
    run_coracle 125 run --rm --cgroup-parent /not-mine box true
    has "$output" "making the cgroup" "where one may not"
  fi
}

@test "cgroup: --cgroups=split divides the command's own" {
  needs_group
  ! is_root || skip "root's own is the tree's root"
  [ "$(coracle info -f '{{.Host.CgroupManager}}')" = cgroupfs ] || skip "this shell's group is not delegated: it is no unit of the user's systemd"
  run bash -c '"$0" run -d --name half --cgroups split box sleep 100 && "$0" inspect -f "{{.State.Pid}} {{.State.ConmonPid}}" half' "$CORACLE"
  is "$status" 0 "status: $output"
  local pids
  read -ra pids <<<"${lines[1]}"
  like "$(group_of "${pids[0]}")" "/libpod-payload-[0-9a-f]{64}$" "the container"
  like "$(group_of "${pids[1]}")" "/supervisor$" "the monitor"
  run_coracle rm -f -t 0 half
}

@test "cgroup: words that do not go together" {
  run_coracle 125 run --rm --cgroups foo box true
  has "$output" 'invalid cgroup mode "foo": invalid argument'
  run_coracle 125 run --rm --cgroups split --cgroup-parent /x box true
  has "$output" 'cannot specify --cgroup-mode=split with a cgroup-parent: invalid argument'
  run_coracle 125 run --rm --cgroups disabled --cgroup-parent /x box true
  has "$output" 'cannot set cgroup parent if not creating cgroups: invalid argument'
  run_coracle 125 --cgroup-manager foo run --rm box true
  has "$output" 'cgroup manager must be one of cgroupfs and systemd: invalid argument'
  run_coracle 125 --cgroup-manager cgroupfs run --rm --cgroup-parent x.slice box true
  has "$output" 'systemd slice received as cgroup parent when using cgroupfs: invalid argument'
  run_coracle 125 --cgroup-manager systemd run --rm --cgroup-parent /x box true
  has "$output" 'did not receive systemd slice as cgroup parent when using systemd to manage cgroups: invalid argument'
}

@test "cgroup: containers.conf says who makes them, and which" {
  printf '[engine]\ncgroup_manager = "nobody"\n' >"$CONTAINERS_CONF"
  run_coracle 125 run --rm box true
  has "$output" 'cgroup manager must be one of cgroupfs and systemd'
  printf '[containers]\ncgroups = "disabled"\n' >"$CONTAINERS_CONF"
  run_coracle run -d --name conf box sleep 100
  is "$(coracle inspect -f '{{.HostConfig.Cgroups}}' conf)" "disabled" "inspect"
  run_coracle rm -f -t 0 conf
  : >"$CONTAINERS_CONF"
}

@test "cgroup: systemd that is not there: a warning, and the other way" {
  [ ! -S "$XDG_RUNTIME_DIR/systemd/private" ] || skip "there is one"
  ! is_root || skip "root's is the machine's"
  run_coracle_out --cgroup-manager systemd run --rm box echo yes
  is "$output" "yes"
  # shellcheck disable=SC2154 # bats' run sets stderr
  [ "$(group_mount)" != /sys/fs/cgroup ] || has "$stderr" "no systemd user session available"
}
