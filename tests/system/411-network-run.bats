#!/usr/bin/env bats
# 411-network-run: containers on named networks: addresses, names, the way out, and what is left when they end.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

teardown() {
  coracle rm -af -t 0 >/dev/null 2>&1 || true
  coracle network prune -f >/dev/null 2>&1 || true
  basic_teardown
}

# netd_gone: nobody is left of what served the networks of this store.
no_netd() { ! pgrep -f "coracle-netd $RUN_ROOT netd" >/dev/null; }
netd_gone() { wait_for 40 no_netd; }

@test "named network: an address, a route, a name server and names in hosts" {
  run_coracle network create --subnet 10.91.7.0/24 back
  run_coracle_out 0 run --rm --network back --dns-opt ndots:3 box cat /etc/resolv.conf
  is "$output" $'search dns.podman\nnameserver 10.91.7.1\noptions ndots:3'
  run_coracle_out 0 run --rm --network back --name one box sh -c 'ip addr show dev eth0; ip route; cat /etc/resolv.conf /etc/hosts; ls /sys/class/net'
  like "$output" "inet 10\.91\.7\.[23]/24 brd 10\.91\.7\.255"
  has "$output" "default via 10.91.7.1 dev eth0"
  has "$output" $'search dns.podman\nnameserver 10.91.7.1'
  like "$output" $'10.91.7.[23]\t[0-9a-f]{12} one'
  like "$output" $'eth0\nlo$' "its own sysfs"
  netd_gone
}

@test "named network: the default one, and containers reach each other and the gateway" {
  run_coracle run -d --name web --network bridge box sh -c 'echo hello >/said; while true; do nc -l -p 80 </said; done'
  run_coracle_out 0 inspect -f '{{.NetworkSettings.Networks.podman.IPAddress}} {{.NetworkSettings.Networks.podman.Gateway}} {{.NetworkSettings.Networks.podman.IPPrefixLen}}' web
  is "$output" "10.88.0.2 10.88.0.1 16"
  wait_for 20 listens web 80
  run_coracle_out 0 run --rm --network podman --cap-add net_raw box sh -c 'nc -w 20 10.88.0.2 80; ping -c 1 -W 20 10.88.0.1 | grep -c "1 packets received"'
  is "$output" $'hello\n1'
  run_coracle rm -f -t 0 web
  netd_gone
}

@test "named network: names, aliases, ids and reverse names by DNS, over UDP and TCP" {
  run_coracle network create --subnet 10.91.8.0/24 back
  run_coracle run -d --name db --hostname store --network back:alias=sql box sleep 1000
  local id=$output
  run_coracle run -d --name app --network back box sleep 1000
  local name
  for name in db sql store "${id:0:12}" DB db.dns.podman; do
    run_coracle_out 0 exec app nslookup -type=a "$name"
    has "$output" "Address: 10.91.8.2" "$name"
  done
  run_coracle_out 0 exec app nslookup -type=ptr 2.8.91.10.in-addr.arpa
  has "$output" "name = db"
  run_coracle '?' exec app nslookup -type=a nosuch.dns.podman
  has "$output" "NXDOMAIN"
  # over TCP: the length, then the question; the address is in the answer
  run_coracle_out 0 exec app sh -c "printf '\\000\\024\\022\\064\\001\\000\\000\\001\\000\\000\\000\\000\\000\\000\\002db\\000\\000\\001\\000\\001' | nc -w 20 10.91.8.1 53 | od -An -tx1 | tr -d ' \\n'"
  has "$output" "0a5b0802" "10.91.8.2"
  # whoever comes later is known at once, and whoever has gone is not
  run_coracle run -d --name late --network back box sleep 1000
  run_coracle_out 0 exec app nslookup -type=a late
  has "$output" "Address: 10.91.8.4"
  run_coracle rename late later
  run_coracle_out 0 exec app nslookup -type=a later.dns.podman
  has "$output" "Address: 10.91.8.4"
  run_coracle rm -f -t 0 later
  run_coracle '?' exec app nslookup -type=a later.dns.podman
  has "$output" "NXDOMAIN"
}

@test "named network: the gateway stays who it is as containers come and go" {
  run_coracle network create --subnet 10.91.8.0/24 back
  run_coracle run -d --name app --network back box sleep 1000
  run_coracle_out 0 exec app sh -c 'nslookup -type=a app >/dev/null; cat /proc/net/arp'
  like "$output" "10\.91\.8\.1 .* (0x2|0x0) "
  local before i
  before=$(awk '$1 == "10.91.8.1" { print $4 }' <<<"$output")
  # a bridge without an address of its own takes the lowest of its ports'
  for i in 1 2 3 4; do
    run_coracle_out 0 run --rm --network back:mac=02:00:00:00:00:0$i box true
    run_coracle_out 0 run -d --network back:mac=02:00:00:00:01:1$i box sleep 1000
  done
  run_coracle_out 0 exec app sh -c 'nslookup -type=a app >/dev/null; ip neigh flush all >/dev/null 2>&1; nslookup -type=a app >/dev/null && cat /proc/net/arp'
  is "$(awk '$1 == "10.91.8.1" { print $4 }' <<<"$output")" "$before"
}

@test "named network: asked for an address, a hardware address, interface names; and what cannot be given" {
  run_coracle network create --subnet 10.91.9.0/29 --subnet fd00:91:9::/64 small
  run_coracle_out 0 run --rm --network small --ip 10.91.9.5 --ip6 fd00:91:9::77 --mac-address 92:d0:c6:0a:29:33 box ip addr show dev eth0
  has "$output" "inet 10.91.9.5/29"
  has "$output" "inet6 fd00:91:9::77/64"
  has "$output" "link/ether 92:d0:c6:0a:29:33"
  run_coracle_out 0 run --rm --network small:interface_name=lan,host_interface_name=mine box ip -o link show dev lan
  has "$output" "lan@"
  run_coracle 125 run --rm --network small:ip=10.1.1.1 box true
  is "$output" "Error: requested static ip 10.1.1.1 not in any subnet on network small"
  run_coracle run -d --name one --network small:ip=10.91.9.2 box sleep 1000
  local id=$output
  run_coracle '?' run --rm --network small:ip=10.91.9.2 box true
  is "$output" "Error: IPAM error: requested ip address 10.91.9.2 is already allocated to container ID $id"
  for i in 2 3 4 5; do run_coracle run -d --name "n$i" --network small box sleep 1000; done
  run_coracle '?' run --rm --network small box true
  is "$output" "Error: IPAM error: failed to find free IP in range: 10.91.9.1 - 10.91.9.6"
  # an address is free again when its container has ended, also by SIGKILL of its monitor
  kill -9 "$(cut -d' ' -f1 "$RUN_ROOT/$id/monitor.pid")"
  wait_for 20 coracle run --rm --network small:ip=10.91.9.2 box true
  run_coracle rm -f -t 0 n5
  run_coracle 125 run --rm --network small:mac=00:00:00:00:00:00 box true
  has "$output" "Cannot assign requested address"
}

@test "named network: connect and disconnect while it runs and while it does not" {
  run_coracle network create --subnet 10.91.10.0/24 one
  run_coracle network create --subnet 10.91.11.0/24 two
  run_coracle run -d --name app --network one box sleep 1000
  local id=$output
  run_coracle run -d --name other --network two box sleep 1000
  run_coracle_out 0 network connect --alias extra two app
  is "$output" ""
  run_coracle_out 0 exec app sh -c 'ip -o -4 addr show dev eth1; cat /etc/hosts /etc/resolv.conf; nslookup -type=a other | tail -2'
  has "$output" "inet 10.91.11.3/24"
  like "$output" $'10.91.11.3\t[0-9a-f]{12} app'
  has "$output" $'nameserver 10.91.10.1\nnameserver 10.91.11.1'
  has "$output" "Address: 10.91.11.2"
  run_coracle_out 0 exec other nslookup -type=a extra
  has "$output" "Address: 10.91.11.3"
  run_coracle 125 network connect two app
  is "$output" "Error: container $id is already connected to network \"two\": network is already connected"
  run_coracle_out 0 inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.IPAddress}} {{$v.Aliases}} {{end}}' app
  is "$output" "one 10.91.10.2 [${id:0:12}] two 10.91.11.3 [extra ${id:0:12}] "
  run_coracle_out 0 network inspect -f '{{range .Containers}}{{.Name}}{{range $k, $v := .Interfaces}} {{$k}}{{range $v.Subnets}} {{.IPNet}} {{.Gateway}}{{end}}{{end}};{{end}}' two
  has "$output" "app eth1 10.91.11.3/24 10.91.11.1;"
  run_coracle network disconnect one app
  run_coracle_out 0 exec app sh -c 'ls /sys/class/net; cat /etc/hosts /etc/resolv.conf'
  has "$output" $'eth1\nlo'
  not_like "$output" '10\.91\.10\.' "nothing of the first network"
  run_coracle 125 network disconnect one app
  is "$output" "Error: container app is not connected to network one"
  run_coracle network disconnect -f one app
  run_coracle network disconnect two app
  run_coracle_out 0 exec app ls /sys/class/net
  is "$output" lo
  run_coracle network connect --ip 10.91.10.77 one app
  run_coracle_out 0 exec app ip -o -4 addr show dev eth0
  has "$output" "inet 10.91.10.77/24"
  # an error changes nothing
  run_coracle 125 network connect --mac-address 00:00:00:00:00:00 two app
  has "$output" "Cannot assign requested address"
  run_coracle 125 network connect --ip 1.1.1.1 two app
  is "$output" "Error: requested static ip 1.1.1.1 not in any subnet on network two"
  run_coracle_out 0 inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}' app
  is "$output" one
  # one that does not run
  run_coracle create --name idle --network one box ls /sys/class/net
  run_coracle network connect two idle
  run_coracle network connect two idle
  run_coracle_out 0 start -a idle
  is "$output" $'eth0\neth1\nlo'
  run_coracle create --name plain box true
  run_coracle 125 network connect one plain
  is "$output" 'Error: "slirp4netns" is not supported: invalid network mode: only a container that was made with --network NAME can be put on further ones'
  run_coracle 125 network connect one nosuch
  is "$output" 'Error: no container with name or ID "nosuch" found: no such container'
  run_coracle 125 network connect nosuch app
  is "$output" "Error: unable to find network with name or ID nosuch: network not found"
  run_coracle_out 0 ps -a --filter network=two --format '{{.Names}} {{.Networks}}'
  is "$(sort <<<"$output")" $'idle one,two\nother two'
  run_coracle_out 0 network reload app
  is "$output" app
  run_coracle_out 0 network reload --all
  is "${#lines[@]}" 2
}

@test "named network: internal and isolated networks" {
  run_coracle network create --internal inner
  run_coracle network create -o isolate=true left
  run_coracle network create -o isolate=true right
  run_coracle network create open
  run_coracle_out 0 run --rm --network inner box ip route
  not_like "$output" default
  run_coracle run -d --name target --network left box sh -c 'echo hello >/said; while true; do nc -l -p 80 </said; done'
  local ip
  ip=$(coracle inspect -f '{{.NetworkSettings.Networks.left.IPAddress}}' target)
  wait_for 20 listens target 80
  run_coracle_out 0 run --rm --network left box nc -w 20 "$ip" 80
  is "$output" hello
  wait_for 20 listens target 80
  run_coracle_out 0 run --rm --network open box nc -w 20 "$ip" 80
  is "$output" hello "not isolated from it"
  wait_for 20 listens target 80
  run_coracle '?' run --rm --network right box nc -w 1 "$ip" 80
  not_like "$output" hello
  run_coracle '?' run --rm --network right box nslookup -type=a target.dns.podman
  has "$output" NXDOMAIN
}

@test "named network: published ports" {
  run_coracle network create back
  run_coracle run -d --name web --network back -p 127.0.0.1::80 box sh -c 'echo hello >/said; while true; do nc -l -p 80 </said; done'
  local port
  port=$(coracle port web 80 | sed 's/.*://')
  wait_for 20 sh -c "[ \"\$(nc -w 2 127.0.0.1 $port </dev/null || python3 -c \"import socket; s = socket.create_connection(('127.0.0.1', $port)); print(s.recv(9).decode().strip())\")\" = hello ]"
}

@test "named network: killed: the server of names, the way out, the one that waits: service goes on" {
  run_coracle network create --subnet 10.91.12.0/24 back
  run_coracle run -d --name db --network back box sleep 1000
  run_coracle run -d --name app --network back box sleep 1000
  local netd
  for i in 1 2 3; do
    netd=$(pgrep -o -f "coracle-netd $RUN_ROOT netd")
    kill -9 "$netd"
    resolves() { [[ $(coracle exec app nslookup -type=a db 2>&1) == *'Address: 10.91.12.2'* ]]; }
    wait_for 40 resolves
    run_coracle run --rm --network back box true
  done
  # all of it: the next command makes it anew
  pkill -9 -f "coracle-netd $RUN_ROOT netd"
  run_coracle network reload --all
  wait_for 40 resolves
  run_coracle_out 0 exec app ip -o -4 addr show dev eth0
  has "$output" "inet 10.91.12.3/24" "the address stays"
  run_coracle rm -f -t 0 db app
  netd_gone
}

@test "named network: restart, start again, and what other containers share" {
  run_coracle network create --subnet 10.91.13.0/24 back
  run_coracle run -d --name app --network back box sleep 1000
  run_coracle restart -t 0 app
  run_coracle_out 0 exec app ip -o -4 addr show dev eth0
  like "$output" 'inet 10\.91\.13\.[0-9]+/24'
  run_coracle_out 0 run --rm --network container:app box ip -o -4 addr show dev eth0
  like "$output" 'inet 10\.91\.13\.[0-9]+/24'
  run_coracle stop -t 0 app
  run_coracle start app
  run_coracle_out 0 exec app cat /etc/resolv.conf
  has "$output" "nameserver 10.91.13.1"
  run_coracle 1 run --name fails --network back --restart on-failure:3 box false
  # the starts by its policy follow when the command that it was attached to has left
  given_up() { [ "$(coracle inspect -f '{{.State.Status}} {{.RestartCount}}' fails)" = "exited 3" ]; }
  wait_for 60 given_up
  run_coracle rm fails
  run_coracle_out 0 network rm -f -t 0 back
  is "$output" back
  netd_gone
}

@test "named network: many join and leave at once: every address is another's, and nothing is left" {
  run_coracle network create --subnet 10.91.14.0/24 crowd
  run_coracle run -d --name first --network crowd box sleep 1000
  local n=${CORACLE_TEST_CROWD:-40} CORACLE_TEST_TIMEOUT=240
  for i in $(seq "$n"); do coracle run -d --name "m$i" --network crowd box sleep 1000 & done >/dev/null
  wait
  is "$(coracle ps -q | wc -l)" $((n + 1))
  is "$(coracle network inspect -f '{{range .Containers}}{{range .Interfaces}}{{range .Subnets}}{{.IPNet}}
{{end}}{{end}}{{end}}' crowd | grep . | sort -u | wc -l)" $((n + 1))
  local name ip
  for name in m1 m7 "m$n"; do
    ip=$(coracle inspect -f '{{.NetworkSettings.Networks.crowd.IPAddress}}' "$name")
    run_coracle_out 0 exec first nslookup -type=a "$name"
    has "$output" "Address: $ip" "$name"
  done
  run_coracle rm -af -t 0
  netd_gone
}
