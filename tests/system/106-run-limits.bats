#!/usr/bin/env bats
# 106-run-limits: ulimits, sysctls, OOM preference, /dev/shm, umask, time zone, init.
# root: yes

load helpers

setup() {
  fixture_image box
}

inside() { # EXPECTED ARGS… -- COMMAND…
  local expected=$1 args=()
  shift
  while [ "$1" != -- ]; do
    args+=("$1")
    shift
  done
  shift
  run_coracle_out 0 run --rm "${args[@]}" box "$@"
  is "$output" "$expected" "${args[*]}"
}

@test "limits: --ulimit" {
  inside $'100\n200' --ulimit nofile=100:200 -- sh -c 'ulimit -Sn; ulimit -Hn'
  inside $'150\n150' --ulimit nofile=150 -- sh -c 'ulimit -Sn; ulimit -Hn'
  inside $'0\n64' --ulimit core=0 --ulimit nofile=64:64 -- sh -c 'ulimit -c; ulimit -n'
  inside "$(ulimit -Hn)" --ulimit nofile=-1:-1 -- sh -c 'ulimit -Hn'
  inside "$(ulimit -Hn)" --ulimit host -- sh -c 'ulimit -Hn'
  local word
  for word in nonsense=1 nofile nofile= nofile=x nofile=2:1 nofile=1:2:3 =1; do
    run_coracle 125 run --rm --ulimit "$word" box true
    has "$output" "Error:" "for $word"
  done
  no_leaks
}

@test "limits: --sysctl" {
  inside 1 --sysctl net.ipv4.ip_forward=1 -- cat /proc/sys/net/ipv4/ip_forward
  inside 65000 --sysctl kernel.msgmax=65000 -- cat /proc/sys/kernel/msgmax
  inside $'1\n2000' --sysctl net.ipv4.ip_forward=1,kernel.msgmax=2000 -- cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax
  inside 7 --sysctl fs.mqueue.msg_max=7 -- cat /proc/sys/fs/mqueue/msg_max
  inside "$(printf '0\t0')" -- cat /proc/sys/net/ipv4/ping_group_range
  local word
  for word in kernel.hostname=x vm.swappiness=1 nonsense net.ipv4.ip_forward = =1; do
    run_coracle 125 run --rm --sysctl "$word" box true
    has "$output" "Error:" "for $word"
  done
  run_coracle 125 run --rm --net host --sysctl net.ipv4.ip_forward=1 box true
  run_coracle 125 run --rm --ipc host --sysctl kernel.msgmax=65000 box true
  no_leaks
}

@test "limits: a sysctl that the kernel does not have" {
  run_coracle '?' run --rm --sysctl net.ipv4.no_such_thing=1 box true
  like "$status" '^12[56]$'
  has "$output" "no_such_thing"
  no_leaks
}

@test "limits: --oom-score-adj" {
  inside 500 --oom-score-adj 500 -- cat /proc/self/oom_score_adj
  inside 1000 --oom-score-adj=1000 -- cat /proc/self/oom_score_adj
  inside "$(cat /proc/self/oom_score_adj)" -- cat /proc/self/oom_score_adj
  if ! is_root; then
    inside "$(cat /proc/self/oom_score_adj)" --oom-score-adj=-1000 -- cat /proc/self/oom_score_adj
  fi
  local word
  for word in 1001 -1001 x "" 1.5; do run_coracle 125 run --rm --oom-score-adj="$word" box true; done
  no_leaks
}

@test "limits: --shm-size" {
  inside 65536 -- sh -c 'df -k /dev/shm | awk "NR == 2 { print \$2 }"'
  inside 1024 --shm-size 1m -- sh -c 'df -k /dev/shm | awk "NR == 2 { print \$2 }"'
  inside 4 --shm-size 4096 -- sh -c 'df -k /dev/shm | awk "NR == 2 { print \$2 }"'
  inside 2097152 --shm-size 2G -- sh -c 'df -k /dev/shm | awk "NR == 2 { print \$2 }"'
  run_coracle 0 run --rm --shm-size 0 box test -d /dev/shm
  inside 1777 -- stat -c %a /dev/shm
  local word
  for word in x -1 1q ""; do run_coracle 125 run --rm --shm-size="$word" box true; done
  run_coracle 125 run --rm --ipc host --shm-size 1m box true
  no_leaks
}

@test "limits: --umask" {
  inside 0022 -- sh -c umask
  inside 0077 --umask 077 -- sh -c umask
  inside 0002 --umask 0002 -- sh -c umask
  inside $'0777' --umask 777 -- sh -c umask
  local word
  for word in 9 x 01777 -1 77777; do run_coracle 125 run --rm --umask="$word" box true; done
  no_leaks
}

@test "limits: our own umask does not come in" {
  umask 077
  run_coracle_out 0 run --rm box sh -c 'umask; touch /x; stat -c %a /x / /etc/hosts /etc/hostname /etc/resolv.conf'
  is "$output" $'0022\n644\n755\n644\n644\n644'
  run_coracle_out 0 run --rm -u user box cat /etc/hostname
}

@test "limits: --tz" {
  [ -e /usr/share/zoneinfo/Pacific/Honolulu ] || skip "no time zones on this machine"
  inside "HST" --tz Pacific/Honolulu -- date +%Z
  run_coracle 0 run --rm --tz local box true
  run_coracle 125 run --rm --tz No/Where box true
  has "$output" "No/Where"
  run_coracle 125 run --rm --tz ../../../etc/passwd box true
  no_leaks
}

@test "limits: --init reaps and passes signals on" {
  inside $'1\nyes' --init -- sh -c 'echo $PPID; (sleep 0 &) ; sleep 0.2; n=0; while ps -o stat | grep -q Z; do sleep 0.1; n=$((n + 1)); [ $n -lt 200 ] || exit 1; done; echo yes'
  run_coracle 9 run --rm --init box sh -c 'exit 9'
  run_coracle 127 run --rm --init box no-such-program
  run_coracle_out 0 run --rm --init box sh -c 'tr "\0" " " </proc/1/cmdline'
  like "$output" '^/run/podman-init -- sh -c'
  run_coracle 0 run --rm --init --init-path "$CORACLE_BIN/coracle-monitor" box true
  run_coracle 125 run --rm --init --init-path /no/such/init box true
  no_leaks
}

@test "limits: --stop-signal and --stop-timeout" {
  local word log=$TEST_STORE/stop.log
  for word in USR1 SIGUSR1 10; do
    : >"$log"
    "$CORACLE" run --name stops --stop-signal "$word" box sh -c 'trap "echo asked; exit 3" USR1; echo ready; while :; do sleep 0.05; done' >"$log" 2>&1 3>&- </dev/null &
    wait_for 30 grep -q ready "$log"
    # its row is written while it starts already
    wait_for 30 coracle container exists stops
    run_coracle 0 rm -f stops
    wait $! || true
    has "$(cat "$log")" "asked" "$word"
  done
  for word in nonsense 0 99; do run_coracle 125 run --rm --stop-signal="$word" box true; done
  for word in x -1; do run_coracle 125 run --rm --stop-timeout="$word" box true; done
  for word in x -1; do run_coracle 125 run --rm --timeout="$word" box true; done
  no_leaks
}
