#!/usr/bin/env bats
# 442-net-newcomer: named networks in the hands of somebody new: what is told, and to whom.

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

@test "newcomer: a network's name server tells nobody else who is on it" {
  run_coracle network create --subnet 10.91.20.0/24 back
  run_coracle network create --subnet 10.91.21.0/24 front
  run_coracle run -d --name db --network back box sleep 1000
  run_coracle_out 0 run --rm --network back box nslookup -type=a db 10.91.20.1
  has "$output" "Address: 10.91.20.2"
  run_coracle_out 0 run --rm --network front,back box sh -c 'nslookup -type=a db 10.91.20.1; nslookup -type=a db 10.91.21.1'
  is "$(grep -c 'Address: 10.91.20.2' <<<"$output")" 2 "who is on both asks either"
  local name
  for name in db.dns.podman 2.20.91.10.in-addr.arpa; do
    run_coracle '?' run --rm --network front box timeout 5 nslookup -type="$([ "$name" = "${name%arpa}" ] && echo a || echo ptr)" "$name" 10.91.20.1
    not_like "$output" 'Address: 10\.91\.20\.2|name = db' "$name from another network"
  done
}

@test "newcomer: what no network can be like is refused when it is described" {
  local mtu
  for mtu in 1 67 65536 100000; do
    run_coracle 125 network create -o "mtu=$mtu" n
    is "$output" "Error: mtu $mtu is not between 68 and 65535"
  done
  run_coracle 125 network create --ipv6 -o mtu=1000 n
  is "$output" "Error: mtu 1000 is too small for IPv6, which needs 1280"
  local subnet
  for subnet in 224.0.0.0/24 255.255.255.0/24 ff02::/64; do
    run_coracle 125 network create --subnet "$subnet" n
    is "$output" "Error: subnet $subnet: these are no addresses that a container can have"
  done
  run_coracle_out 0 network ls -q
  is "$output" podman "nothing half made"
  for mtu in 68 1000 65535; do
    run_coracle network create -o "mtu=$mtu" "n$mtu"
    run_coracle_out 0 run --rm --network "n$mtu" box cat /sys/class/net/eth0/mtu
    is "$output" "$mtu"
  done
  run_coracle network create --ipv6 -o mtu=1280 n6
  run_coracle_out 0 run --rm --network n6 box ip -o -6 addr show dev eth0 scope global
  has "$output" "inet6 fd"
}

@test "newcomer: the first and the last address of a network are nobody's" {
  run_coracle network create --subnet 10.91.22.0/24 back
  local ip
  for ip in 10.91.22.0 10.91.22.255; do
    run_coracle 125 run --rm --network back --ip "$ip" box true
    is "$output" "Error: IPAM error: requested ip address $ip is the first or the last of network back, which no container can have"
  done
  run_coracle network create --subnet 10.91.23.0/30 --ip-range 10.91.23.0/30 small
  run_coracle_out 0 run -d --network small box sleep 1000
  run_coracle 125 run --rm --network small box true
  has "$output" "failed to find free IP"
  # of a network of two addresses both are
  run_coracle network create --subnet 10.91.24.0/31 pair
  run_coracle_out 0 run --rm --network pair box ip -o -4 addr show dev eth0
  has "$output" "inet 10.91.24.0/31"
}

@test "newcomer: network and container the wrong way round, and a container that is on no network" {
  run_coracle network create back
  run_coracle run -d --name db --network back box sleep 1000
  run_coracle run -d --name plain box sleep 1000
  run_coracle 125 network connect db back
  is "$output" 'Error: no container with name or ID "back" found: no such container: it is a network, which is named before the container'
  run_coracle 125 network disconnect db back
  is "$output" 'Error: no container with name or ID "back" found: no such container: it is a network, which is named before the container'
  run_coracle 125 network connect back nosuch
  is "$output" 'Error: no container with name or ID "nosuch" found: no such container'
  run_coracle 125 network connect back plain
  has "$output" "only a container that was made with --network NAME"
  run_coracle 125 run --rm --ip 10.1.1.1 box true
  has "$output" "say --network NAME, too"
}

@test "newcomer: who is on an internal network and on another one knows the world's names, who is on internal ones alone does not" {
  getent ahosts deb.debian.org >/dev/null || skip "this machine knows no names of the world"
  run_coracle network create --subnet 10.91.25.0/24 --internal inner
  run_coracle network create --subnet 10.91.26.0/24 outer
  run_coracle run -d --name app --network inner --network outer box sleep 1000
  # with a way of its own making to the other network's gateway
  run_coracle run -d --name db --cap-add NET_ADMIN --network inner box sh -c 'ip route add 10.91.26.0/24 via 10.91.25.1; sleep 1000'
  run_coracle run -d --name web --network outer box sleep 1000
  has_route() { [[ $(coracle exec db ip route) == *10.91.26.0/24* ]]; }
  wait_for 20 has_route
  local server
  for server in 10.91.25.1 10.91.26.1; do
    # how soon that is known is the world's
    wait_for 60 coracle exec app nslookup -type=a deb.debian.org "$server"
    run_coracle_out 0 exec app nslookup -type=a db.dns.podman "$server"
    has "$output" "Address: 10.91.25."
    # nor by the gateway of a network that it is not on
    run_coracle 1 exec db nslookup -type=a deb.debian.org "$server"
    has "$output" NXDOMAIN
  done
  run_coracle network disconnect outer app
  run_coracle 1 exec app nslookup -type=a deb.debian.org
  has "$output" NXDOMAIN "now it is on an internal one alone"
}
