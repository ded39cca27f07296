#!/usr/bin/env bats
# 430-slirp: the default network and its options, in slirp4netns' words and in pasta's; what it reaches and what it keeps from; its server's death.
# root: yes

load helpers

setup() {
  fixture_image box
  needs python3
}

teardown() {
  local pid
  for pid in ${servers-}; do kill "$pid" 2>/dev/null || true; done
  basic_teardown
}

serve() { # ADDRESS TEXT: answers every connection with TEXT; sets $port, adds to $servers
  rm -f "$TEST_STORE/port"
  python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.bind((sys.argv[1], 0))
s.listen(64)
open(sys.argv[2] + ".new", "w").write(str(s.getsockname()[1]))
os.rename(sys.argv[2] + ".new", sys.argv[2])
while True:
  c, a = s.accept()
  c.sendall((sys.argv[3] + " to " + a[0] + "\n").encode())
  c.close()
' "$1" "$TEST_STORE/port" "$2" </dev/null >/dev/null 2>&1 3>&- &
  servers="${servers-} $!"
  wait_for 20 test -e "$TEST_STORE/port"
  port=$(cat "$TEST_STORE/port")
}

host_address() { ip -4 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }'; }
needs_address() { address=$(host_address); [ -n "$address" ] || skip "no address but loopback"; }
slirp_of() { # CONTAINER: the pid of its coracle-slirp
  local monitor
  monitor=$(coracle inspect --format '{{.State.ConmonPid}}' "$1")
  pgrep -P "$monitor" coracle-slirp
}

gone() { [ ! -e "/proc/$1" ]; }

@test "slirp: cidr=" {
  needs_address
  serve "$address" hello
  run_coracle_out 0 run --rm --network slirp4netns:cidr=192.168.99.0/24 box sh -c "ip -o -4 addr show tap0; ip route; cat /etc/resolv.conf; grep me /etc/hosts; nc $address $port" --
  has "$output" "192.168.99.100/24"
  has "$output" "default via 192.168.99.2"
  has "$output" "nameserver 192.168.99.3"
  has "$output" "hello to "
  run_coracle_out 0 run --rm --name me --network slirp:cidr=172.16.0.0/12 box cat /etc/hosts
  like "$output" $'172.16.0.100\t[0-9a-f]+ me'
  run_coracle_out 0 run --rm --cap-add NET_RAW --network slirp:cidr=172.16.0.0/12 box ping -c 1 -W 20 172.16.0.2
}

@test "slirp: mtu=, enable_ipv6=" {
  run_coracle_out 0 run --rm box cat /sys/class/net/tap0/mtu
  is "$output" 65520
  run_coracle_out 0 run --rm --network slirp4netns:mtu=1500,enable_ipv6=false box sh -c 'cat /sys/class/net/tap0/mtu; ip -6 addr show scope global; ip -6 route show default'
  is "$output" 1500
  run_coracle_out 0 run --rm --network slirp4netns:enable_ipv6=true box ip -6 addr show scope global
  if [ -e /proc/net/if_inet6 ]; then has "$output" "fd00::100/64"; fi
  run_coracle_out 0 run --rm --network slirp:mtu=1000 box ip -6 addr show scope global
  is "$output" ""
}

@test "slirp: the host's loopback, by the gateway, only if allowed" {
  local six=
  [ ! -e /proc/net/if_inet6 ] || six=1
  serve 127.0.0.1 loopback
  local port4=$port
  run_coracle '?' run --rm box nc -w 2 10.0.2.2 "$port4"
  not_like "$output" "loopback to"
  isnt "$status" 0
  run_coracle '?' run --rm --network slirp4netns:allow_host_loopback=false box nc -w 2 10.0.2.2 "$port4"
  not_like "$output" "loopback to"
  run_coracle_out 0 run --rm --network slirp4netns:allow_host_loopback=true box nc 10.0.2.2 "$port4"
  has "$output" "loopback to 127.0.0.1"
  run_coracle_out 0 run --rm --network pasta:--map-gw box nc 10.0.2.2 "$port4"
  has "$output" "loopback to 127.0.0.1" "pasta's word for it"
  [ -n "$six" ] || return 0
  serve ::1 loopback6
  run_coracle_out 0 run --rm --network slirp4netns:allow_host_loopback=true box nc fd00::2 "$port"
  has "$output" "loopback6 to ::1"
  run_coracle '?' run --rm box nc -w 2 fd00::2 "$port"
  not_like "$output" "loopback6"
  # however the address is written, and whatever route the guest gives it
  run_coracle '?' run --rm --cap-add NET_ADMIN box sh -c "ip route add 127.0.0.0/8 via 10.0.2.2 dev tap0 table 9 2>/dev/null; ip rule add to 127.0.0.0/8 table 9 pref 0; ip addr del 127.0.0.1/8 dev lo; ip rule del pref 0 table local 2>/dev/null; nc -w 2 127.0.0.1 $port4; nc -w 2 ::ffff:127.0.0.1 $port4; nc -w 2 0.0.0.0 $port4"
  not_like "$output" "loopback to"
}

@test "slirp: outbound_addr=" {
  needs_address
  local interface
  interface=$(ip -4 -o addr show scope global | awk '{ print $2; exit }')
  serve "$address" seen
  run_coracle_out 0 run --rm --network "slirp4netns:outbound_addr=$address" box nc "$address" "$port"
  is "$output" "seen to $address"
  run_coracle_out 0 run --rm --network "slirp4netns:outbound_addr=$interface" box nc "$address" "$port"
  is "$output" "seen to $address" "by the interface's name"
  serve 0.0.0.0 any
  run_coracle_out 0 run --rm --network "slirp4netns:outbound_addr=127.0.0.1,allow_host_loopback=true" box nc 10.0.2.2 "$port"
  is "$output" "any to 127.0.0.1"
  run_coracle 125 run --rm --network slirp4netns:outbound_addr=203.0.113.99 box true
  has "$output" "203.0.113.99"
  has "$output" "not an address of this machine"
}

@test "slirp: port_handler= and several words together" {
  run_coracle_out 0 run --rm --network slirp4netns:port_handler=rootlesskit,mtu=9000,cidr=10.9.0.0/24 box sh -c 'cat /sys/class/net/tap0/mtu; ip -o -4 addr show tap0'
  has "$output" 9000
  has "$output" 10.9.0.100/24
  run_coracle_out 0 run --rm --network slirp4netns:port_handler=slirp4netns box true
}

@test "slirp: bad words are told before anything is made" {
  local word
  for word in mtu=12 mtu=70000 mtu=x mtu cidr=10.0.2.5/24 cidr=fd00::/64 cidr=10.0.0.0/30 cidr= enable_ipv6=perhaps allow_host_loopback= port_handler=x nonsense=1 outbound_addr=nowhere0 outbound_addr6=192.0.2.1; do
    run_coracle 125 run --rm --name never --network "slirp4netns:$word" box true
    has "$output" "${word%%=*}" "$word"
  done
  run_coracle 125 run --rm --network pasta:-t,auto box true
  has "$output" "only none"
  run_coracle 125 run --rm --network pasta:--pcap,x box true
  has "$output" "--pcap"
  run_coracle 125 create --network pasta:--nonsense box true
  has "$output" "--nonsense"
  run_coracle_out 0 ps -a --format '{{.Names}}'
  is "$output" ""
  no_leaks
}

@test "slirp: pasta's options that mean something" {
  run_coracle_out 0 run --rm --network pasta:--ipv4-only,-a,10.0.2.0,-n,24,-g,10.0.2.2,--dns-forward,10.0.2.3,-m,1500,--no-ndp,--no-dhcpv6,--no-dhcp box sh -c 'ip -o -4 addr show tap0; ip route; cat /sys/class/net/tap0/mtu'
  has "$output" "10.0.2.0/24"
  has "$output" "default via 10.0.2.2"
  has "$output" "1500"
  run_coracle_out 0 run --rm --cap-add NET_RAW --network pasta:-I,eth5,-a,192.0.2.77/24,-g,192.0.2.1 box sh -c 'ip -o -4 addr show eth5; ip route; ping -c 1 -W 20 192.0.2.1'
  has "$output" "192.0.2.77/24"
  has "$output" "default via 192.0.2.1"
  has "$output" "1 packets received"
  run_coracle_out 0 run --rm --network pasta box ip route
  has "$output" "default via 10.0.2.2"
  run_coracle_out 0 create --name pastaman --network pasta:-m,1400 box true
  run_coracle_out 0 inspect --format '{{.HostConfig.NetworkMode}}' pastaman
  is "$output" "pasta"
  run_coracle_out 0 rm pastaman
}

@test "slirp: ping the gateway and the name server, over both families" {
  run_coracle_out 0 run --rm --cap-add NET_RAW box ping -c 2 -W 20 10.0.2.2
  has "$output" "2 packets received"
  run_coracle_out 0 run --rm --cap-add NET_RAW box ping -c 1 -W 20 10.0.2.3
  [ -e /proc/net/if_inet6 ] || return 0
  run_coracle_out 0 run --rm --cap-add NET_RAW box ping -6 -c 1 -W 20 fd00::2
  has "$output" "1 packets received"
}

@test "slirp: killed, it is begun again; the container goes on and reaches out" {
  needs_address
  serve "$address" hello
  run_coracle_out 0 run -d --name lasting box sh -c "nc $address $port; sleep 1000"
  wait_for 20 slirp_of lasting
  local first second
  for _ in 1 2 3; do
    first=$(slirp_of lasting)
    kill -KILL "$first"
    # the new one waits for the first packet; one that dies early is begun again more slowly
    run_coracle_out 0 exec lasting timeout 30 nc "$address" "$port"
    is "$output" "hello to $address"
    second=$(slirp_of lasting)
    isnt "$second" "$first"
  done
  run_coracle_out 0 exec lasting sh -c 'ip -o -4 addr show tap0; ip route'
  has "$output" "10.0.2.100/24"
  has "$output" "default via 10.0.2.2"
  run_coracle_out 0 rm -f -t 0 lasting
  wait_for 20 gone "$second"
  no_leaks
}

@test "slirp: a connection over a slirp that is killed ends instead of hanging" {
  needs_address
  rm -f "$TEST_STORE/port"
  python3 -c '
import os, socket, sys, time
s = socket.socket()
s.bind((sys.argv[1], 0))
s.listen(4)
open(sys.argv[2] + ".new", "w").write(str(s.getsockname()[1]))
os.rename(sys.argv[2] + ".new", sys.argv[2])
c, _ = s.accept()
c.sendall(b"connected\n")
time.sleep(1000)
' "$address" "$TEST_STORE/port" </dev/null >/dev/null 2>&1 3>&- &
  servers="${servers-} $!"
  wait_for 20 test -e "$TEST_STORE/port"
  port=$(cat "$TEST_STORE/port")
  # it goes on talking, as a client does
  run_coracle_out 0 run -d --name talker box sh -c "(while sleep 0.2; do echo more; done) | nc $address $port; echo ended"
  wait_for 20 logs_say talker connected
  kill -KILL "$(slirp_of talker)"
  wait_for 40 logs_say talker ended
  run_coracle_out 0 rm -f -t 0 talker
}

@test "slirp: its program is begun by the container's first packet, not by what the kernel says by itself" {
  local slirp
  run_coracle_out 0 run -d --cap-add NET_RAW --name quiet box sh -c 'read -r x </dev/null; sleep 1000'
  wait_for 20 slirp_of quiet
  slirp=$(slirp_of quiet)
  # group reports, duplicate address detection and router solicitations: all within the first seconds
  sleep 3
  has "$(tr '\0' ' ' <"/proc/$slirp/cmdline")" coracle-monitor
  run_coracle_out 0 exec quiet ping -c 1 10.0.2.2
  has "$output" "1 packets received"
  has "$(tr '\0' ' ' <"/proc/$slirp/cmdline")" coracle-slirp
  run_coracle_out 0 rm -f -t 0 quiet
  no_leaks
}

@test "slirp: it ends with its container, and idle it is small" {
  run_coracle_out 0 run -d --cap-add NET_RAW --name small box sh -c 'ping -c 1 10.0.2.2; sleep 1000'
  wait_for 20 logs_say small "1 packets received"
  local slirp
  wait_for 20 slirp_of small
  slirp=$(slirp_of small)
  grep -E '^(VmRSS|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$slirp/status"
  like "$(grep VmRSS "/proc/$slirp/status")" ' ([1-3]?[0-9]{1,3}|40[0-9]{2}) kB' "at most 4 MB"
  has "$(cat "/proc/$slirp/status")" $'CapEff:\t0000000000000000'
  has "$(cat "/proc/$slirp/status")" $'Seccomp:\t2'
  run_coracle_out 0 stop -t 0 small
  wait_for 20 gone "$slirp"
  run_coracle_out 0 rm small
  no_leaks
}
