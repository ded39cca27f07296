#!/usr/bin/env bats
# 273-limits: limits: in config.json, in the cgroup's files, in inspect; what is said when one cannot be had; update.

load helpers
load cgroup-helpers

setup() {
  basic_setup
  fixture_image box
}

teardown() {
  coracle rm -a -f -t 0 >/dev/null 2>&1 || true
  basic_teardown
}

value() { cat "$(group_mount)$(coracle inspect -f '{{.State.CgroupPath}}' "$1")/$2"; }

@test "limits: in the container's cgroup, and in inspect" {
  needs_group
  needs_controller memory cpu cpuset pids
  run_coracle run -d --name lim --memory 64m --memory-reservation 32m --cpus 0.5 --pids-limit 20 --cpu-shares 512 --cpuset-cpus 0 --cgroup-conf memory.high=60000000 box sleep 1000
  is "$(value lim memory.max)" 67108864
  is "$(value lim memory.low)" 33554432
  is "$(value lim memory.high)" 59998208
  is "$(value lim cpu.max)" "50000 100000"
  is "$(value lim cpu.weight)" 59
  is "$(value lim pids.max)" 20
  is "$(value lim cpuset.cpus)" 0
  is "$(coracle inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}} {{.HostConfig.CpusetCpus}}' lim)" \
    "67108864 134217728 500000000 20 512 0" "inspect"
  run_coracle update --memory 32m --memory-reservation 16m --cpus 1 lim
  like "$output" '^[0-9a-f]{64}$' "update prints the id"
  is "$(value lim memory.max)" 33554432 "update --memory"
  is "$(value lim cpu.max)" "100000 100000" "update --cpus"
  is "$(value lim pids.max)" 20 "what was not named stays"
  run_coracle stop -t 0 lim
  run_coracle update --pids-limit 30 lim
  run_coracle start lim
  is "$(value lim pids.max)" 30 "what was said while it did not run"
  is "$(value lim memory.max)" 33554432 "and before"
}

@test "limits: without any, 2048 processes, or what containers.conf says" {
  needs_group
  needs_controller pids
  run_coracle run -d --name usual box sleep 100
  is "$(value usual pids.max)" 2048
  printf '[containers]\npids_limit = 99\n' >"$CONTAINERS_CONF"
  run_coracle run -d --name conf box sleep 100
  is "$(value conf pids.max)" 99
  : >"$CONTAINERS_CONF"
  run_coracle run -d --name none --pids-limit -1 box sleep 100
  is "$(value none pids.max)" max
}

@test "limits: killed for want of memory: inspect says so, the monitor lives" {
  needs_group
  needs_controller memory
  run_coracle '?' run --name oom --memory 16m --memory-swap 16m box sh -c 'tail /dev/zero'
  isnt "$status" 0 "status"
  is "$(coracle inspect -f '{{.State.OOMKilled}}' oom)" true "OOMKilled"
  run_coracle run -d --name fine --memory 16m box true
  run_coracle wait fine
  is "$(coracle inspect -f '{{.State.OOMKilled}}' fine)" false "another"
}

@test "limits: a controller that is missing is named, with the remedy" {
  if [[ $(coracle info -f '{{.Host.CgroupControllers}}') == *memory* ]]; then skip "memory is delegated here"; fi
  run_coracle 126 run --rm --memory 10m box true
  has "$output" 'controller `memory` is not available' "memory"
  if [ "$(coracle info -f '{{.Host.CgroupManager}}')" != none ]; then has "$output" "Delegate=" "the remedy"; else has "$output" "no cgroup of its own" "why"; fi
  run_coracle 126 run --rm --cpus 0.5 box true
  has "$output" 'controller `cpu` is not available' "cpu"
  run_coracle 126 run --rm --pids-limit 5 box true
  has "$output" 'controller `pids` is not available' "pids"
  run_coracle 126 run --rm --cgroup-conf memory.high=1000000 box true
  has "$output" 'controller `memory` is not available' "--cgroup-conf"
  run_coracle run -d --name live box sleep 100
  run_coracle 126 update --memory 10m live
  has "$output" 'controller `memory` is not available' "update"
  is "$(coracle inspect -f '{{.HostConfig.Memory}}' live)" 0 "and nothing is recorded"
}

@test "limits: words that cannot be" {
  local words
  while IFS='|' read -r words text; do
    # shellcheck disable=SC2086 # several words
    run_coracle '?' run --rm $words box true
    isnt "$status" 0 "$words"
    has "$output" "$text" "$words"
  done <<'E'
--memory x|invalid size
--memory-swap x|invalid
--memory-swap 10m|cannot set swap limit without the memory limit
--memory-swappiness 50|cannot set memory swappiness with cgroupv2
--memory-swappiness 500|valid memory swappiness range is 0-100
--oom-kill-disable|cannot disable OOM killer with cgroupv2
--cpus 0.5 --cpu-quota 1000|--cpu-quota and --cpus cannot be set together
--cpus 0.5 --cpu-period 1000|--cpu-period and --cpus cannot be set together
--blkio-weight 5|must be between 10 and 1000
--blkio-weight-device /dev/null|bad format: /dev/null
--device-read-bps /dev/null|bad format: /dev/null
--device-read-bps /dev/null:1mb|/dev/null: not a block device
--device-write-bps /dev/null:x|invalid rate for device: /dev/null:x
--device-read-iops /dev/null:x|invalid rate for device: /dev/null:x. The correct format is <device-path>:<number>. Number must be a positive integer
--device-write-iops null:1|bad format for device path
--cgroup-conf foo|--cgroup-conf must be formatted KEY=VALUE
E
}

@test "limits: none that is zero" {
  run_coracle run --rm --memory 0 --cpus 0 --cpu-shares 0 --blkio-weight 0 box true
}

@test "limits: update of one that does not run is for its next start" {
  run_coracle create --name made --memory 20m box true
  run_coracle update --memory 30m --cpus 2 made
  is "$(coracle inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}' made)" "31457280 2000000000"
  run_coracle 125 update
  run_coracle 125 update nope
  has "$output" "no such container"
  run_coracle 125 update --cpu-quota 5 made
  has "$output" "cannot be set together" "with what is there"
}
