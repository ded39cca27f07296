#!/usr/bin/env bats
# 402-port-taken: ports that cannot be had: in use, root's, not of this machine; and nothing half made.
# root: no

load helpers
load port-helpers

setup() {
  fixture_image box
  needs python3
}

teardown() {
  [ -z "${server-}" ] || kill "$server" 2>/dev/null || true
  basic_teardown
}

@test "taken: by another container" {
  local t u
  t=$(free_port tcp) u=$(free_port udp)
  run_coracle 0 run -d --name web -p "$t:80" -p "$u:90/udp" box sleep 1000
  run_coracle 126 run --rm --name other -p "$t:8080" box true
  is "$output" "Error: publishing port 0.0.0.0:$t/tcp: bind: address already in use: container web has it"
  run_coracle 126 run --rm --name other -p "127.0.0.1:$t:8080" box true
  is "$output" "Error: publishing port 127.0.0.1:$t/tcp: bind: address already in use: container web has it"
  run_coracle 126 run --rm --name other -p "[::]:$t:8080" box true
  is "$output" "Error: publishing port [::]:$t/tcp: bind: address already in use: container web has it"
  run_coracle 126 run -d --rm --name other -p "$u:8080/udp" box true
  is "$output" "Error: publishing port 0.0.0.0:$u/udp: bind: address already in use: container web has it"
  run_coracle 1 container exists other
  # without --rm it waits for its port
  run_coracle 126 run -d --name other -p "$u:8080/udp" box true
  is "$(coracle container inspect --format '{{.State.Status}}' other)" created
  run_coracle 0 rm other
  # the other protocol is another port
  run_coracle 0 run --rm -p "$t:80/udp" box true
  run_coracle 0 create --name other -p "$t:80" box sleep 1000
  run_coracle 125 start other
  like "$output" "^Error: unable to start container .*: publishing port 0.0.0.0:$t/tcp: bind: address already in use: container web has it"
  is "$(coracle container inspect --format '{{.State.Status}}' other)" created
  run_coracle 0 rm -f -t 0 web
  run_coracle 0 start other
  run_coracle 0 rm -f -t 0 other
  no_leaks
}

@test "taken: a range of which one is: none is held" {
  local r
  r=$(free_port tcp 3)
  run_coracle 0 run -d --name web -p "$((r + 1)):80" box sleep 1000
  run_coracle 126 run --rm -p "$r-$((r + 2)):80-82" box true
  has "$output" "0.0.0.0:$((r + 1))/tcp: bind: address already in use"
  run_coracle 0 run --rm -p "$r:80" -p "$((r + 2)):80" box true
  run_coracle 0 rm -f -t 0 web
}

@test "taken: by a process of ours" {
  python3 -c '
import os, socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(1)
open(sys.argv[1] + ".new", "w").write(str(s.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(1000)
' "$TEST_STORE/port" </dev/null >/dev/null 2>&1 3>&- &
  server=$!
  wait_for 20 test -e "$TEST_STORE/port"
  local port
  port=$(cat "$TEST_STORE/port")
  run_coracle 126 run --rm -p "$port:80" box true
  is "$output" "Error: publishing port 0.0.0.0:$port/tcp: bind: address already in use: process $server (python3) has it"
  is "$(coracle ps -aq)" ""
  no_leaks
}

@test "taken: ports that are root's" {
  local lowest
  lowest=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
  [ "$lowest" -gt 80 ] || skip "port 80 is free to all here"
  run_coracle 126 run --name web -p 80:80 box true
  like "$output" "^Error: publishing port 0.0.0.0:80/tcp: bind: permission denied: .*sysctl net.ipv4.ip_unprivileged_port_start=80$"
  run_coracle 0 rm web
  run_coracle 0 create --name web -p 80:80 box true
  run_coracle 125 start web
  has "$output" "net.ipv4.ip_unprivileged_port_start"
  run_coracle 0 rm web
  no_leaks
}

@test "taken: an address that is not this machine's" {
  run_coracle 126 run --rm --name web -p 192.0.2.77:18080:80 box true
  has "$output" "publishing port 192.0.2.77:18080/tcp: bind: Cannot assign requested address"
  run_coracle 1 container exists web
  no_leaks
}

@test "taken: two that start at once: one has it" {
  local t i won=0
  t=$(free_port tcp)
  for i in 1 2 3 4; do
    (coracle run -d --name "c$i" -p "$t:80" box sleep 1000 >/dev/null 2>&1 && touch "$TEST_STORE/won.$i") &
  done
  wait
  for i in 1 2 3 4; do [ ! -e "$TEST_STORE/won.$i" ] || won=$((won + 1)); done
  is "$won" 1
  is "$(coracle ps -q | wc -l)" 1
  is "$(coracle ps -aq --filter status=created | wc -l)" 3
  run_coracle 0 rm -a -f -t 0
  no_leaks
}
