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
netd_gone() { wait_for 10 no_netd; }

@test "named network: an address, a route, a name server and names in hosts" {
  run_coracle network create --subnet 10.91.7.0/24 back
  run_coracle_out 0 run --rm --network back --name one box sh -c 'ip addr show dev eth0; ip route; cat /etc/resolv.conf /etc/hosts; ls /sys/class/net'
  has "$output" "inet 10.91.7.2/24 brd 10.91.7.255"
  has "$output" "default via 10.91.7.1 dev eth0"
  has "$output" $'search dns.podman\nnameserver 10.91.7.1'
  like "$output" $'10.91.7.2\t[0-9a-f]{12} one'
  like "$output" $'eth0\nlo$' "its own sysfs"
  netd_gone
}

@test "named network: the default one, and containers reach each other and the gateway" {
  run_coracle run -d --name web --network bridge box sh -c 'while true; do echo hello | nc -l -p 80; done'
  run_coracle_out 0 inspect -f '{{.NetworkSettings.Networks.podman.IPAddress}} {{.NetworkSettings.Networks.podman.Gateway}} {{.NetworkSettings.Networks.podman.IPPrefixLen}}' web
  is "$output" "10.88.0.2 10.88.0.1 16"
  run_coracle_out 0 run --rm --network podman --cap-add net_raw box sh -c 'nc -w 3 10.88.0.2 80; ping -c 1 -W 3 10.88.0.1 | grep -c "1 packets received"'
  is "$output" $'hello\n1'
  run_coracle rm -f -t 0 web
  netd_gone
}
