#!/usr/bin/env bats
# 465-as-podman: what a script that ran with Podman 5.8 meets: each of these was seen beside it.

load helpers

teardown() {
  run_coracle '?' rm -fa -t 0
  basic_teardown
}

@test "as podman: -v and --mount of a path: its devices and set-id programs are of use; a volume's are not" {
  fixture_image box
  run_coracle_out 0 run --rm --net none -v /dev/null:/x/null box sh -c 'echo gone >/x/null && echo written'
  is "$output" "written" "one device"
  run_coracle_out 0 run --rm --net none --mount type=bind,src=/dev,dst=/dev box sh -c 'echo gone >/dev/null && echo written'
  is "$output" "written" "all devices"
  run_coracle 1 run --rm --net none -v /dev/null:/x/null:nodev box sh -c 'echo gone >/x/null'
  has "$output" "Permission denied" "nodev asked for"
  mkdir "$TEST_STORE/folder"
  run_coracle_out 0 run --rm --net none -v "$TEST_STORE/folder:/a" -v named:/b -v "$TEST_STORE/folder:/c:nosuid" box sh -c 'for at in a b c; do grep " /$at " /proc/mounts | cut -d" " -f4; done'
  not_like "${lines[0]}" 'nosuid|nodev' "a path"
  like "${lines[1]}" 'nosuid,nodev' "a volume"
  like "${lines[2]}" 'nosuid' "nosuid asked for"
  not_like "${lines[2]}" 'nodev'
  run_coracle 0 volume rm named
}

@test "as podman: programs run from --tmpfs" {
  fixture_image box
  run_coracle_out 0 run --rm --net none --tmpfs /t box sh -c 'cp /bin/busybox /t/echo && /t/echo ran'
  is "$output" "ran"
  run_coracle 126 run --rm --net none --tmpfs /t:noexec box sh -c 'cp /bin/busybox /t/echo && /t/echo ran'
  has "$output" "Permission denied"
}

@test "as podman: on the machine's network a container has the machine's name, and so has who shares it" {
  fixture_image box
  local name
  name=$(uname -n)
  run_coracle_out 0 run --rm --net host box sh -c 'hostname; echo $HOSTNAME; cat /etc/hostname'
  is "$output" "$name"$'\n'"$name"$'\n'"$name"
  run_coracle_out 0 run --rm --net host --hostname mine box hostname
  is "$output" "mine"
  run_coracle 0 run -d --name owner --net host --pid host --ipc host --uts host box sleep 100
  run_coracle_out 0 inspect owner --format '{{.Config.Hostname}}'
  is "$output" "$name"
  run_coracle_out 0 run --rm --net container:owner --ipc container:owner --uts container:owner --pid container:owner box sh -c 'hostname; for kind in net ipc uts; do readlink /proc/self/ns/$kind; done'
  is "$output" "$name"$'\n'"$(readlink /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts)" "its namespaces are the machine's"
  run_coracle 0 create --name guest --net container:owner box true
  run_coracle 0 stop -t 0 owner
  run_coracle '?' rm owner
  has "$output" "has dependent containers" "who shares needs it still"
  run_coracle 0 rm -f -t 0 guest owner
}

@test "as podman: --cgroup-manager is looked at by every command" {
  run_coracle 125 --cgroup-manager bogus ps
  is "$output" "Error: configuring runtime: cgroup manager must be one of cgroupfs and systemd: invalid argument"
  run_coracle 0 --cgroup-manager cgroupfs ps -q
}

@test "as podman: --dns-search takes domains" {
  fixture_image box
  local bad
  for bad in 'a b' a..b .a -a.b $'a\nnameserver 1.2.3.4'; do
    run_coracle 125 run --rm --dns-search "$bad" box true
    has "$output" "is not a valid domain" "$bad"
  done
  run_coracle_out 0 run --rm --dns-search a-1.example.com. --dns-search lan box grep search /etc/resolv.conf
  is "$output" "search a-1.example.com. lan"
}

@test "as podman: a health check's times are durations in a template, nanoseconds in JSON" {
  fixture_image box
  run_coracle 0 create --name checked --health-cmd true --health-interval 5m --health-timeout 3s --health-retries 2 box true
  run_coracle_out 0 inspect checked --format '{{.Config.Healthcheck.Interval}} {{.Config.Healthcheck.Timeout}} {{.Config.Healthcheck.StartPeriod}} {{.Config.Healthcheck.Retries}} {{printf "%s" .Config.Healthcheck.Timeout}} {{.Config.Timeout}}'
  is "$output" "5m0s 3s 0s 2 3s 0"
  run_coracle_out 0 inspect checked --format '{{json .Config.Healthcheck}}'
  has "$output" '"Interval":300000000000'
}

@test "as podman: logs --names of one container" {
  fixture_image box
  run_coracle 0 run --name said box echo words
  run_coracle_out 0 logs --names said
  is "$output" "words"
}
