#!/usr/bin/env bats
# 401-port-traffic: published ports: what goes through them, who the client is, how they end.
# root: yes

load helpers
load port-helpers

setup() {
  fixture_image box
  needs python3
  [ -x "$PEER" ] || skip "tests/peer is not built (make unit-programs)"
}

# is_from ADDRESS: $output, of say: the peer saw that address, and the port that is ours.
is_from() {
  local mine
  mine=$(sed -n 's/^mine //p' <<<"$output")
  is "${lines[0]}" "$1 $mine"
}

@test "traffic: TCP and UDP, IPv4 and IPv6, the client keeps its address" {
  local t u address
  t=$(free_port tcp) u=$(free_port udp) address=$(host_address)
  run_peer web -p "$t:80" -p "$u:90/udp"
  local kind
  for kind in tcp udp; do
    local port=$t
    [ $kind = tcp ] || port=$u
    run -0 say $kind 127.0.0.1 "$port" hello
    is_from 10.0.2.2
    is "${lines[1]}" hello
    run -0 say $kind ::1 "$port" hello6
    is_from fd00::2
    is "${lines[1]}" hello6
    if [ -n "$address" ]; then
      run -0 say $kind "$address" "$port" outside
      is_from "$address"
    fi
  done
  run_coracle 0 rm -f -t 0 web
  no_leaks
}

@test "traffic: one address of the host alone, IPv6 in brackets, a range" {
  local t six r
  t=$(free_port tcp) six=$(free_port tcp) r=$(free_port tcp 3)
  run_peer web -p "127.0.0.1:$t:80" -p "[::1]:$six:80" -p "$r-$((r + 2)):79-81"
  run -0 say tcp 127.0.0.1 "$t" one
  is "${lines[1]}" one
  run ! say tcp ::1 "$t" no
  run ! say tcp 127.0.0.2 "$t" no
  run -0 say tcp ::1 "$six" six
  is "${lines[1]}" six
  run ! say tcp 127.0.0.1 "$six" no
  run -0 say tcp 127.0.0.1 "$((r + 1))" middle
  is "${lines[1]}" middle
  run ! say tcp 127.0.0.1 "$r" "nobody listens inside"
  has "$output" "ConnectionResetError"
  run_coracle 0 rm -f -t 0 web
}

@test "traffic: a service on IPv4 alone is reached by clients of IPv6" {
  local t u
  t=$(free_port tcp) u=$(free_port udp)
  run_coracle 0 run -d --name web -v "$PEER:/peer:ro" -p "$t:80" -p "$u:90/udp" box /peer 80 90 4
  wait_for 20 logs_say web listening
  run -0 say tcp ::1 "$t" hello
  is "${lines[1]}" hello
  like "${lines[0]}" '^10\.0\.2\.2 '
  run -0 say udp ::1 "$u" hello
  is "${lines[1]}" hello
  run_coracle 0 rm -f -t 0 web
}

@test "traffic: much of it, both ways, whole" {
  local t
  t=$(free_port tcp)
  run_peer web -p "$t:80"
  run -0 python3 - "$t" <<'END'
import hashlib, os, socket, sys, threading
def one(size):
  s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
  block, sent, got = os.urandom(1 << 20), hashlib.sha256(), hashlib.sha256()
  def send():
    for _ in range(size):
      s.sendall(block)
      sent.update(block)
    s.shutdown(socket.SHUT_WR)
  t = threading.Thread(target=send)
  t.start()
  line = b""
  while not line.endswith(b"\n"):
    line += s.recv(1)
  while True:
    data = s.recv(1 << 18)
    if not data:
      break
    got.update(data)
  t.join()
  assert sent.digest() == got.digest()
all = [threading.Thread(target=one, args=(n,)) for n in (1, 2, 40, 10)]
for t in all: t.start()
for t in all: t.join()
print("whole")
END
  is "$output" whole
  run_coracle 0 rm -f -t 0 web
}

@test "traffic: a client that does not read stops the sender, and nothing piles up" {
  local t
  t=$(free_port tcp)
  run_coracle 0 run -d --name source -p "$t:80" box nc -ll -p 80 -e cat /dev/zero
  wait_for 20 listens source 80
  run -0 python3 - "$t" <<'END'
import socket, subprocess, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
time.sleep(1)
got = 0
s.settimeout(30)
while got < 100 << 20:
  got += len(s.recv(1 << 20))
print("goes on")
END
  is "$output" "goes on"
  run_coracle 0 rm -f -t 0 source
}

@test "traffic: the process: no capability but for addresses, a filter, little memory, 2,000 connections" {
  local t port
  t=$(free_port tcp)
  run_peer web -p "$t:80"
  run -0 say tcp 127.0.0.1 "$t" first
  port=$(port_process web)
  like "$(grep ^Seccomp: "/proc/$port/status")" "2$"
  is "$(sed -n 's/^CapEff:\t//p' "/proc/$port/status")" "0000000000002400"
  is "$(sed -n 's/^CapBnd:\t//p' "/proc/$port/status")" "0000000000000000"
  is "$(sed -n 's/^NoNewPrivs:\t//p' "/proc/$port/status")" "1"
  # as many as this user's limit allows
  run -0 python3 - "$t" "$port" <<'END'
import resource, socket, sys
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
n = min(2000, hard // 4)
all = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(n)]
for i in range(0, n, 97):
  all[i].sendall(b"x%d" % i)
for i in range(n):
  line = b""
  while not line.endswith(b"\n"):
    line += all[i].recv(1)
for i in range(0, n, 97):
  assert all[i].recv(100) == b"x%d" % i
rss = [int(l.split()[1]) for l in open("/proc/%s/status" % sys.argv[2]) if l.startswith("VmRSS")][0]
fds = __import__("os").listdir("/proc/%s/fd" % sys.argv[2]) if __import__("os").access("/proc/%s/fd" % sys.argv[2], 4) else []
print("kB", rss)
assert rss < 4096
END
  like "$output" '^kB [0-9]+$'
  run_coracle 0 rm -f -t 0 web
}

# port_process NAME: the coracle-port that serves it.
port_process() {
  local monitor=$1 pid
  monitor=$(cut -d' ' -f1 "$RUN_ROOT/$(coracle container inspect --format '{{.Id}}' "$1")/monitor.pid")
  for pid in $(pgrep -x coracle-port); do
    [ "$(ps -o ppid= -p "$(ps -o ppid= -p "$pid" | tr -d ' ')" 2>/dev/null | tr -d ' ')" != "$monitor" ] || echo "$pid"
  done
}

@test "traffic: kill -9 of coracle-port: the next client has another one" {
  local t port
  t=$(free_port tcp)
  run_peer web -p "$t:80"
  run -0 say tcp 127.0.0.1 "$t" first
  port=$(port_process web)
  if [ "$(id -u)" = 0 ]; then kill -9 "$port"; else run_coracle 0 unshare kill -9 "$port"; fi
  wait_for 20 test ! -e "/proc/$port"
  run -0 say tcp 127.0.0.1 "$t" again
  is "${lines[1]}" again
  is_from 10.0.2.2
  run_coracle 0 rm -f -t 0 web
  no_leaks
}

@test "traffic: stop, start and restart; and a restart policy: the same port, free in between" {
  local t
  t=$(free_port tcp)
  run_peer web -p "$t:80"
  run -0 say tcp 127.0.0.1 "$t" first
  run_coracle 0 stop -t 0 web
  run ! say tcp 127.0.0.1 "$t" no
  has "$output" "ConnectionRefusedError"
  local i
  for i in 1 2 3; do
    run_coracle 0 start web
    wait_for 20 say tcp 127.0.0.1 "$t" "start $i"
    run_coracle 0 restart -t 0 web
    wait_for 20 say tcp 127.0.0.1 "$t" "restart $i"
    run_coracle 0 stop -t 0 web
  done
  run_coracle 0 rm web
  # each life lasts until it is told to end
  mkdir "$TEST_STORE/again"
  mkfifo "$TEST_STORE/again/end"
  run_coracle 0 run -d --name again --restart always -v "$PEER:/peer:ro" -v "$TEST_STORE/again:/again" -p "$t:80" box sh -c '/peer 80 90 & read -r x </again/end'
  restarted() { [ "$(coracle container inspect --format '{{.RestartCount}}' again)" = "$1" ]; }
  for i in 1 2 3; do
    wait_for 20 say tcp 127.0.0.1 "$t" alive
    timeout 20 sh -c ': >"$0"' "$TEST_STORE/again/end"
    wait_for 20 restarted "$i"
  done
  wait_for 20 say tcp 127.0.0.1 "$t" alive
  run_coracle 0 stop -t 0 again
  run ! say tcp 127.0.0.1 "$t" no
  has "$output" "ConnectionRefusedError"
  run_coracle 0 rm again
  # and at once for another
  for i in 1 2 3; do
    run_coracle 0 run -d --name "one$i" -p "$t:80" box sleep 1000
    run_coracle 0 rm -f -t 0 "one$i"
    run_coracle 0 run --rm -p "$t:80" box true
  done
  run_coracle 0 run -d --name one -p "$t:80" box sleep 1000
  run_coracle 0 run -d --name one --replace -p "$t:80" box sleep 1000
  run_coracle 0 rm -f -t 0 one
  no_leaks
}

@test "traffic: container init has the port already, its clients wait for the service" {
  local t
  t=$(free_port tcp)
  run_coracle 0 create --name web -v "$PEER:/peer:ro" -p "$t:80" box /peer 80 90
  run_coracle 0 init web
  run_coracle 125 run --rm -p "$t:80" box true || run_coracle 126 run --rm -p "$t:80" box true
  run_coracle 0 start web
  wait_for 20 say tcp 127.0.0.1 "$t" hello
  run_coracle 0 rm -f -t 0 web
}
