#!/usr/bin/env bats
# 432-accel: --network slirp:accel=on: connections outside by sockets of the host. The whole of it is tests/unit/test-accel, which has a network namespace of its own as the host; this is
# the way from the option to there. A kernel that lets only root attach a socket filter has it for root alone.
# root: yes

load helpers

setup() {
  fixture_image box
  needs python3
  address=$(ip -4 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }')
  [ -n "$address" ] || skip "no address but loopback"
}

teardown() {
  local pid
  for pid in ${servers-}; do kill "$pid" 2>/dev/null || true; done
  basic_teardown
}

serve() { # ADDRESS: says hello, and goes when the other says that it has no more to say
  rm -f "$TEST_STORE/port"
  python3 -c '
import os, socket, sys, threading
s = socket.socket()
s.bind((sys.argv[1], 0))
s.listen(64)
open(sys.argv[2] + ".new", "w").write(str(s.getsockname()[1]))
os.rename(sys.argv[2] + ".new", sys.argv[2])
def talk(c):
  c.sendall(b"hello\n")
  while c.recv(100): pass
  c.close()
while True:
  threading.Thread(target=talk, args=(s.accept()[0],)).start()
' "$1" "$TEST_STORE/port" </dev/null >/dev/null 2>&1 3>&- &
  servers="${servers-} $!"
  wait_for 20 test -e "$TEST_STORE/port"
  port=$(cat "$TEST_STORE/port")
}

needs_accel() {
  local said
  said=$(coracle run --rm --network slirp:accel=on box true 2>&1) || case $said in
    *"accel=on: unsupported here"*) skip "${said#*unsupported here: }" ;;
    *) fail "$said" ;;
  esac
}

supervisors() { pgrep -P "$(coracle inspect --format '{{.State.ConmonPid}}' "$1")" coracle-accel; }
gone() { [ ! -e "/proc/$1" ]; }
# what a container says that connects and looks whether the connection is one of its own network namespace
look='rm -f /tmp/said /tmp/seen; (until [ -e /tmp/seen ]; do sleep 0.05; done) | nc $0 $1 >/tmp/said & until grep . /tmp/said; do sleep 0.05; done 2>/dev/null
  grep -ci ":$(printf %04X $1) " /proc/net/tcp; : >/tmp/seen; wait'

@test "accel: on for all that may, or a clear reason" {
  run_coracle '?' run --rm --network slirp:accel=on box true
  [ "$status" = 0 ] || { is "$status" 125; has "$output" "accel=on: unsupported here: "; }
  run_coracle 125 run --rm --network slirp:accel=perhaps box true
  has "$output" "true or false is wanted"
  no_leaks
}

@test "accel: a connection to this machine is one of this machine's" {
  needs_accel
  serve "$address"
  run_coracle_out 0 run --rm --network slirp:accel=on box sh -c "$look" "$address" "$port"
  has "$output" "hello"
  like "$output" "(^|"$'\n'")0($|"$'\n'")" "none of the container's own"
  run_coracle_out 0 run --rm --network slirp box sh -c "$look" "$address" "$port"
  has "$output" "hello"
  like "$output" "(^|"$'\n'")1($|"$'\n'")" "slirp's is"
  run_coracle_out 0 run --rm --user 1000:1000 --read-only --security-opt no-new-privileges --network slirp4netns:accel=on,mtu=1500 box sh -c "$look" "$address" "$port"
  has "$output" "hello"
  like "$output" "(^|"$'\n'")0($|"$'\n'")" "as another user, too"
  no_leaks
}

@test "accel: the machine's loopback stays out of reach, its own loopback its own" {
  needs_accel
  serve 127.0.0.1
  local target
  for target in 127.0.0.1 10.0.2.2 10.0.2.3 0.0.0.0; do
    run_coracle '?' run --rm --network slirp:accel=on box timeout 3 nc "$target" "$port"
    not_like "$output" "hello" "$target"
  done
  run_coracle_out 0 run --rm --network slirp:accel=on box sh -c 'echo mine >/tmp/said; nc -l -p 80 </tmp/said & '"$(till_listens 80)"'; nc -w 20 127.0.0.1 80 </dev/null'
  is "$output" "mine"
  run_coracle_out 0 run --rm --network slirp:accel=on,allow_host_loopback=true box nc 10.0.2.2 "$port"
  is "$output" "hello" "by slirp, where that is allowed"
}

@test "accel: its supervisor killed, another serves; it ends with the container" {
  needs_accel
  serve "$address"
  run_coracle_out 0 run -d --name fast --network slirp:accel=on box sh -c "while sleep 0.2; do nc $address $port; done"
  wait_for 20 logs_say fast hello
  local first worker
  first=$(supervisors fast)
  worker=$(pgrep -P "$first")
  grep -E '^(CapEff|Seccomp|NoNewPrivs):' "/proc/$worker/status"
  has "$(cat "/proc/$worker/status")" $'Seccomp:\t2'
  kill -KILL "$worker"
  local before
  before=$(coracle logs fast | wc -l)
  wait_for 20 logs_more fast "$before"
  # an exec is slirp's
  run_coracle_out 0 exec fast sh -c "$look" "$address" "$port"
  has "$output" "hello"
  like "$output" "(^|"$'\n'")1($|"$'\n'")"
  run_coracle_out 0 rm -f -t 0 fast
  wait_for 20 gone "$first"
  no_leaks
}

logs_more() { [ "$(coracle logs "$1" | wc -l)" -gt "$2" ]; }

@test "accel: begun again with its container" {
  needs_accel
  serve "$address"
  run_coracle_out 0 run -d --name twice --restart on-failure:1 --network slirp:accel=on box sh -c "$look; exit 1" "$address" "$port"
  wait_for 40 twice_over
  run_coracle_out 0 rm -f -t 0 twice
}

twice_over() { [ "$(coracle logs twice | grep -c '^0$')" = 2 ]; }
