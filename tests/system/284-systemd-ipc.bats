#!/usr/bin/env bats
# 284-systemd-ipc: --systemd, shared memory between containers, --personality, --env-merge, --chrootdirs, and what cannot be had.
# root: yes

load helpers

setup() {
  fixture_image box
}

box=(run --rm --net none)

@test "systemd: what always brings" {
  run_coracle_out 0 "${box[@]}" --systemd=always box sh -c 'grep -cE "^tmpfs (/run|/run/lock|/tmp|/var/log/journal) tmpfs rw,nosuid,nodev" /proc/mounts; echo ${#container_uuid}; ls -A /run; grep -cE "^cgroup2? /sys/fs/cgroup cgroup2 rw" /proc/mounts'
  is "${lines[0]}" 4 "filesystems in memory"
  is "${lines[1]}" 32 "container_uuid"
  is "${lines[2]} ${lines[3]}" ".containerenv lock" "/run"
  run_coracle_out 0 "${box[@]}" --systemd=always --shm-size-systemd 10m --tmpfs /tmp:size=5m --read-only box sh -c 'grep -E "^tmpfs /(run/lock|tmp|var/log/journal) " /proc/mounts | grep -oE "^tmpfs [a-z/]+|size=[0-9]+k"'
  is "$output" $'tmpfs /tmp\nsize=5120k\ntmpfs /run/lock\nsize=10240k\ntmpfs /var/log/journal\nsize=10240k' "room, and what the user has mounted stays"
  run_coracle_out 0 "${box[@]}" box sh -c 'grep -c "^tmpfs /run " /proc/mounts || true; echo "[$container_uuid]"'
  is "$output" $'0\n[]' "and nobody else gets it"
  no_leaks
}

@test "systemd: which commands are an init, and the stop signal" {
  local case words expected
  for case in '--systemd=always box sh:SIGRTMIN+3 true' 'box /sbin/init:SIGRTMIN+3 true' 'box /usr/sbin/init:SIGRTMIN+3 true' 'box systemd:SIGRTMIN+3 true' 'box /usr/lib/systemd/systemd --x:SIGRTMIN+3 true' \
    '--entrypoint /sbin/init box foo:SIGRTMIN+3 true' '--systemd=false box /sbin/init:SIGTERM false' 'box init:SIGTERM false' '--stop-signal 9 box /sbin/init:SIGKILL true' 'box sh:SIGTERM false'; do
    words=${case%:*} expected=${case##*:}
    # shellcheck disable=SC2086
    run_coracle 0 create --name s $words
    run_coracle_out 0 inspect s --format '{{.Config.StopSignal}} {{.Config.SystemdMode}}'
    is "$output" "$expected" "$words"
    run_coracle 0 rm s
  done
  run_coracle 125 create --systemd=maybe box sh
  is "$output" 'Error: invalid config provided: --systemd values must be one of "true, false, always": invalid configuration'
  # it is that signal that is sent
  run_coracle 0 run -d --net none --name s --systemd=always box sh -c 'trap "echo got it; exit 3" 37; echo ready; while :; do sleep 0.05; done'
  wait_for 20 logs_say s ready
  run_coracle 0 stop -t 30 s
  run_coracle_out 0 logs s
  is "${lines[1]}" "got it"
  run_coracle 0 rm s
  no_leaks
}

@test "ipc: container:NAME shares /dev/shm too" {
  run_coracle 0 run -d --net none --name giver --ipc shareable box sh -c 'echo shared >/dev/shm/x; sleep 1000'
  run_coracle 0 run -d --net none --name usual box sh -c 'echo usual >/dev/shm/x; sleep 1000'
  local name
  for name in giver usual; do wait_for 20 coracle exec "$name" test -s /dev/shm/x; done
  run_coracle_out 0 "${box[@]}" --ipc container:giver box sh -c 'cat /dev/shm/x; echo back >/dev/shm/y'
  is "$output" shared
  run_coracle_out 0 exec giver cat /dev/shm/y
  is "$output" back
  run_coracle_out 0 "${box[@]}" --ipc container:usual box cat /dev/shm/x
  is "$output" usual "the default may be joined"
  run_coracle_out 0 inspect usual giver --format '{{.HostConfig.IpcMode}}'
  is "$output" $'shareable\nshareable'
  if ! is_root; then
    run_coracle_out 0 "${box[@]}" --ipc container:usual --userns keep-id box cat /dev/shm/x
    is "$output" usual "from another user namespace"
  fi
  # automatic restarts find it again
  run_coracle 0 run -d --net none --name again --ipc container:giver --restart on-failure:1 box sh -c 'cat /dev/shm/x; exit 1'
  wait_for 20 bash -c '[ "$("$0" logs again | tr "\\n" " ")" = "shared shared " ]' "$CORACLE"
  run_coracle 0 rm -f -t 0 again
  # the giver is started for it, with a new one
  run_coracle 0 create --name later --net none --ipc container:giver box sh -c 'until [ -s /dev/shm/x ]; do sleep 0.05; done; cat /dev/shm/x; ls /dev/shm'
  run_coracle 0 stop -t 0 giver
  run_coracle_out 0 start -a later
  is "$output" $'shared\nx'
  run_coracle 0 rm -f -t 0 later giver usual
  no_leaks
}

@test "ipc: private cannot be joined, none has no /dev/shm" {
  run_coracle 0 run -d --net none --name own --ipc private box sleep 1000
  local id
  id=$(coracle inspect own --format '{{.Id}}')
  run_coracle 125 "${box[@]}" --ipc container:own box true
  is "$output" "Error: joining IPC of container $id is not allowed: non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
  run_coracle 0 rm -f -t 0 own
  run_coracle '?' "${box[@]}" --ipc none box ls /dev/shm
  isnt "$status" 0
  run_coracle 125 "${box[@]}" --ipc bogus box true
  has "$output" "bogus"
  # a link that the other has made there leads nowhere
  run_coracle 0 run -d --net none --name liar --ipc shareable --cap-add sys_admin box sh -c 'umount /dev/shm; rmdir /dev/shm; ln -s /etc /dev/shm; : >/tried; sleep 1000'
  wait_for 20 coracle exec liar test -e /tried
  coracle exec liar test -L /dev/shm || skip "this container may not unmount"
  run_coracle 125 "${box[@]}" --ipc container:liar box true
  has "$output" "not a directory"
  run_coracle 0 rm -f -t 0 liar
  no_leaks
}

@test "run: --personality, --env-merge, --chrootdirs" {
  run_coracle_out 0 "${box[@]}" --personality=LINUX32 box uname -m
  isnt "$output" "$(uname -m)"
  run_coracle 126 "${box[@]}" --personality=foo box true
  has "$output" 'unknown persona specified `foo`'
  run_coracle_out 0 "${box[@]}" --env-merge 'PATH=/x:$PATH' --env-merge 'Y=${PATH}$NOT.' --env-merge 'Z=$' --env A=1 --env-merge 'A=${A}2' box sh -c 'echo "$PATH $Y $Z $A"'
  like "$output" '^(/x:/usr[a-z/:]+) \1\. \$ 1$'
  run_coracle 125 "${box[@]}" --env-merge FOO box true
  is "$output" 'Error: missing `=` for --env-merge substitution FOO'
  run_coracle_out 0 "${box[@]}" --chrootdirs /x --chrootdirs /y box sh -c 'ls /x/etc /y/etc; cmp /etc/hosts /x/etc/hosts'
  is "$output" $'/x/etc:\nhosts\n\n/y/etc:\nhosts'
  no_leaks
}

@test "run: what there is none of" {
  run_coracle 126 "${box[@]}" --gpus all box true
  is "$output" "Error: setting up CDI devices: unresolvable CDI devices nvidia.com/gpu=all"
  run_coracle 125 "${box[@]}" --device-cgroup-rule 'c 1:3 rwm' box true
  like "$output" 'device cgroup rules are not supported|unsupported'
  no_leaks
}
