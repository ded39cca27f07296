#!/usr/bin/env bats
# 104-run-net: network modes, the way out, names: hosts, hostname, resolv.conf.
# root: yes

load helpers

setup() {
  fixture_image box
  needs python3
}

teardown() {
  [ -z "${server-}" ] || kill "$server" 2>/dev/null || true
  basic_teardown
}

serve() { # ADDRESS: answers every connection with "hello from outside"; sets $port and $server
  rm -f "$TEST_STORE/port"
  python3 -c '
import socket, sys
s = socket.socket()
s.bind((sys.argv[1], 0))
s.listen(16)
open(sys.argv[2] + ".new", "w").write(str(s.getsockname()[1]))
import os
os.rename(sys.argv[2] + ".new", sys.argv[2])
while True:
  c, _ = s.accept()
  c.sendall(b"hello from outside\n")
  c.close()
' "$1" "$TEST_STORE/port" </dev/null >/dev/null 2>&1 3>&- &
  server=$!
  wait_for 30 test -e "$TEST_STORE/port"
  port=$(cat "$TEST_STORE/port")
}

host_address() { ip -4 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }'; }

@test "net: slirp by default: an interface, a route, a name server" {
  run_coracle_out 0 run --rm box ip -o addr
  has "$output" "10.0.2.100/24"
  has "$output" "127.0.0.1/8"
  run_coracle_out 0 run --rm --net slirp box ip route
  has "$output" "default via 10.0.2.2"
  run_coracle_out 0 run --rm --network slirp4netns box grep nameserver /etc/resolv.conf
  is "${lines[0]}" "nameserver 10.0.2.3"
}

@test "net: the way out reaches this machine by its address" {
  serve 0.0.0.0
  local address
  address=$(host_address)
  [ -n "$address" ] || skip "no address but loopback"
  run_coracle_out 0 run --rm box nc "$address" "$port"
  is "$output" "hello from outside"
  run_coracle_out 0 run --rm box sh -c "nc host.containers.internal $port"
  is "$output" "hello from outside" "by name"
}

@test "net: none has a loopback and no way out" {
  serve 0.0.0.0
  run_coracle_out 0 run --rm --net none box ip -o link
  is "${#lines[@]}" 1 "interfaces"
  has "$output" "lo:"
  like "$output" "UP" "it is up"
  run_coracle 1 run --rm --net none box nc -w 1 10.0.2.2 "$port"
  run_coracle_out 0 run --rm --net none box sh -c 'echo alive >/said; nc -l -p 80 </said & until nc -w 20 127.0.0.1 80 </dev/null 2>/dev/null; do sleep 0.1; done'
  is "$output" "alive"
}

@test "net: host is this machine's" {
  serve 127.0.0.1
  run_coracle_out 0 run --rm --net=host box nc 127.0.0.1 "$port"
  is "$output" "hello from outside"
  run_coracle_out 0 run --rm --network host box readlink /proc/self/ns/net
  is "$output" "$(readlink /proc/self/ns/net)"
}

@test "net: ns:PATH that is no namespace" {
  run_coracle 125 run --rm --net ns:/no/such/file box true
  run_coracle '?' run --rm --net "ns:$TEST_STORE" box true
  like "$status" '^12[56]$'
  no_leaks
}

@test "net: unknown networks and too many" {
  run_coracle 125 run --rm --net no-such-network box true
  has "$output" "no-such-network"
  run_coracle 125 run --rm --net host --net none box true
  is "$output" "Error: can only set extra network names, selected mode none conflicts with bridge: invalid argument"
  no_leaks
}

@test "net: two containers have ports of their own" {
  run_coracle_out 0 run --rm box sh -c 'nc -l -p 80 >/dev/null & until echo bound | nc -w 20 127.0.0.1 80 2>/dev/null; do sleep 0.1; done; echo fine'
  is "$output" "fine"
}

@test "net: /etc/hosts" {
  run_coracle_out 0 run --rm --name mariner --hostname boat box cat /etc/hosts
  like "$output" $'10.0.2.100\tboat mariner' "its own name"
  [ -z "$(host_address)" ] || like "$output" "$(host_address)"$'\thost.containers.internal'
  has "$output" "localhost"
  run_coracle_out 0 run --rm --add-host 'one;two:1.2.3.4' --add-host six:fe80::1 box cat /etc/hosts
  like "$output" $'1.2.3.4\tone two'
  like "$output" $'fe80::1\tsix'
  if [ -n "$(host_address)" ]; then
    run_coracle_out 0 run --rm --add-host out:host-gateway box cat /etc/hosts
    like "$output" "$(host_address)"$'\tout'
  fi
  run_coracle '?' run --rm --add-host=local.name:127.1.2.3 box ping -c 1 -W 1 local.name
  has "$output" "PING local.name (127.1.2.3)"
  run_coracle_out 0 run --rm --net none --name mariner --hostname boat box cat /etc/hosts
  like "$output" $'127.0.0.1\tboat mariner'
  local word
  for word in nocolon name:notanaddress :1.2.3.4 name:; do
    run_coracle 125 run --rm --add-host "$word" box true
  done
  no_leaks
}

@test "net: --no-hosts leaves the image's file" {
  run_coracle_out 0 run --rm --no-hosts box sh -c 'cat /etc/hosts 2>/dev/null; grep -c " /etc/hosts " /proc/self/mountinfo || true'
  is "$output" "0"
  run_coracle 125 run --rm --no-hosts --add-host a:1.2.3.4 box true
  has "$output" "--no-hosts and --add-host cannot be set together"
}

@test "net: /etc/hosts is the container's own, writable" {
  run_coracle_out 0 run --rm box sh -c 'echo 9.9.9.9 nine >>/etc/hosts; tail -n 1 /etc/hosts'
  is "$output" "9.9.9.9 nine"
  run_coracle_out 0 run --rm box grep -c nine /etc/hosts || true
  not_like "$output" "9.9.9.9"
}

@test "net: --hostname" {
  run_coracle_out 0 run --rm --hostname boat box sh -c 'hostname; cat /etc/hostname; echo $HOSTNAME; cat /proc/sys/kernel/hostname'
  is "$output" $'boat\nboat\nboat\nboat'
  run_coracle_out 0 run --rm --name x1 box hostname
  like "$output" '^[0-9a-f]{12}$' "the short id"
  run_coracle_out 0 run --rm --uts host box hostname
  is "$output" "$(hostname)"
  run_coracle 125 run --rm --uts host --hostname boat box true
  has "$output" "cannot set hostname"
  run_coracle 125 run --rm --hostname "$(printf 'x%.0s' $(seq 65))" box true
  no_leaks
}

@test "net: --dns, --dns-search, --dns-option" {
  run_coracle_out 0 run --rm --dns 1.2.3.4,5.6.7.8 --dns-search one.example --dns-search two.example --dns-option ndots:3 box cat /etc/resolv.conf
  like "$output" 'nameserver 1.2.3.4'
  like "$output" 'nameserver 5.6.7.8'
  not_like "$output" '10.0.2.3'
  like "$output" 'search one.example two.example'
  like "$output" 'options.* ndots:3'
  run_coracle_out 0 run --rm --dns-search . box cat /etc/resolv.conf
  not_like "$output" "search [a-z]"
  run_coracle 125 run --rm --dns not-an-address box true
  has "$output" "not-an-address"
  no_leaks
}

@test "net: localhost names do not reach the host's loopback in a network of one's own" {
  serve 127.0.0.1
  run_coracle 1 run --rm box nc -w 1 127.0.0.1 "$port"
}
