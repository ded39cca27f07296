#!/usr/bin/env bats
# 434-port-follow: published ports of a container that leaves networks and joins others.

load helpers
load port-helpers

setup() {
  fixture_image box
  needs python3
  [ -x "$PEER" ] || skip "tests/peer is not built (make unit-programs)"
}

teardown() {
  coracle rm -af -t 0 >/dev/null 2>&1 || true
  coracle network prune -f >/dev/null 2>&1 || true
  basic_teardown
}

# answers PORT FROM [KIND [HOST]]: the peer answers, and saw that address.
answers() {
  run -0 say "${3:-tcp}" "${4:-127.0.0.1}" "$1" hello
  like "${lines[0]}" "^$2 " "${3:-tcp}"
  is "${lines[1]}" hello
}

@test "follow: disconnected nobody answers; connected again the new address does" {
  local t u
  t=$(free_port tcp) u=$(free_port udp)
  run_coracle network create --subnet 10.92.1.0/24 one
  run_coracle network create --subnet 10.92.2.0/24 --subnet fd00:92:2::/64 two
  run_peer web --network one -p "$t:80" -p "$u:90/udp"
  answers "$t" 10.92.1.1
  answers "$u" 10.92.1.1 udp
  run_coracle network disconnect one web
  run ! say tcp 127.0.0.1 "$t" no
  has "$output" "ConnectionResetError"
  SAY_SECONDS=3 run ! say udp 127.0.0.1 "$u" no
  run_coracle network connect --ip 10.92.1.77 one web
  answers "$t" 10.92.1.1
  answers "$u" 10.92.1.1 udp
  # another network beside it changes nothing; alone it is where they lead to, IPv6 as well
  run_coracle network connect two web
  answers "$t" 10.92.1.1
  run_coracle network disconnect one web
  answers "$t" 10.92.2.1
  answers "$u" 10.92.2.1 udp
  answers "$t" fd00:92:2::1 tcp ::1
  answers "$u" fd00:92:2::1 udp ::1
  run_coracle rm -f -t 0 web
}

@test "follow: the client's address is kept on the new network too" {
  local t address
  address=$(host_address)
  [ -n "$address" ] || skip "no address but loopback"
  t=$(free_port tcp)
  run_coracle network create one
  run_coracle network create two
  run_peer web --network one -p "$t:80"
  answers "$t" "$address" tcp "$address"
  run_coracle network connect two web
  run_coracle network disconnect one web
  answers "$t" "$address" tcp "$address"
  run_coracle rm -f -t 0 web
}

@test "follow: a connection ends with the address it led to, and no client was there before" {
  local t
  t=$(free_port tcp)
  run_coracle network create one
  run_coracle network create two
  # nobody has connected yet: coracle-port has not been started
  run_peer web --network one -p "$t:80"
  run_coracle network connect two web
  run_coracle network disconnect one web
  run -0 say tcp 127.0.0.1 "$t" hello
  is "${lines[1]}" hello
  run -0 python3 - "$t" "$CORACLE" <<'END'
import shlex, socket, subprocess, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(30)
while not s.recv(1000).endswith(b"\n"):
  pass
subprocess.run(shlex.split(sys.argv[2]) + ["network", "disconnect", "two", "web"], check=True)
try:
  print("more" if s.recv(1) else "end")
except ConnectionResetError:
  print("reset")
END
  is "$output" reset
  run_coracle rm -f -t 0 web
}
