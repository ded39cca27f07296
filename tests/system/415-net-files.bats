#!/usr/bin/env bats
# 415-net-files: /etc/hosts and /etc/resolv.conf where containers.conf says what goes into them.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

teardown() {
  : >"$CONTAINERS_CONF"
  coracle rm -af -t 0 >/dev/null 2>&1 || true
  coracle network prune -f >/dev/null 2>&1 || true
  basic_teardown
}

@test "hosts: a name that the user, or the base file, has given away is not given again" {
  printf '10.1.1.1 first\n10.1.1.2 second third # not a name\n' >"$BATS_TEST_TMPDIR/hosts"
  printf '[containers]\nbase_hosts_file = "%s/hosts"\nhost_containers_internal_ip = "10.1.1.9"\n' "$BATS_TEST_TMPDIR" >"$CONTAINERS_CONF"
  run_coracle_out 0 run --rm --add-host extra:10.1.1.3 --name c1 --hostname h1 box cat /etc/hosts
  is "$output" $'10.1.1.3\textra\n10.1.1.1 first\n10.1.1.2 second third # not a name\n127.0.0.1\tlocalhost\n::1\tlocalhost\n10.1.1.9\thost.containers.internal host.docker.internal\n10.0.2.100\th1 c1'
  run_coracle_out 0 run --rm --name first --hostname first box cat /etc/hosts
  is "${#lines[@]}" 5
  not_like "$output" '10.0.2.100'
  run_coracle_out 0 run --rm --name c2 --hostname third box cat /etc/hosts
  is "${lines[5]}" $'10.0.2.100\tc2' "the other name"
  run_coracle_out 0 run --rm --name c3 --hostname not box grep -c not /etc/hosts
  is "$output" 2 "a comment gives no name"
  run_coracle_out 0 run --rm --add-host host.containers.internal:10.1.1.4 --add-host localhost:10.1.1.5 box cat /etc/hosts
  not_like "$output" $'::1|10.1.1.9\thost.containers'
  has "$output" $'10.1.1.9\thost.docker.internal'
  run_coracle network create --subnet 10.95.1.0/24 back
  run_coracle_out 0 run --rm --network back --name first --hostname first box cat /etc/hosts
  not_like "$output" '10.95.1'
}

@test "resolv.conf: containers.conf's servers in their order, and the network's own alone on a named network" {
  printf '[containers]\ndns_searches = [ "example.com" ]\ndns_servers = [ "1.1.1.1", "100.100.100.100", "1.0.0.1", "8.8.8.8" ]\n' >"$CONTAINERS_CONF"
  run_coracle_out 0 run --rm --dns-opt ndots:1 box cat /etc/resolv.conf
  is "$output" $'search example.com\nnameserver 1.1.1.1\nnameserver 100.100.100.100\nnameserver 1.0.0.1\nnameserver 8.8.8.8\noptions ndots:1'
  run_coracle network create --subnet 10.95.2.0/24 back
  run_coracle_out 0 run --rm --network back --dns-opt ndots:1 box cat /etc/resolv.conf
  is "$output" $'search example.com\nnameserver 10.95.2.1\noptions ndots:1'
  run_coracle_out 0 run --rm --network host --dns 9.9.9.9 box cat /etc/resolv.conf
  has "$output" "nameserver 9.9.9.9"
  not_like "$output" "1.1.1.1"
}

@test "inspect: a network without a name is there by its mode" {
  local mode
  for mode in slirp4netns pasta none host; do
    run_coracle_out 0 create --network "$mode" box true
    local id=$output
    run_coracle_out 0 inspect --format '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.NetworkID}}{{end}}' "$id"
    is "$output" "$mode $mode"
    run_coracle rm "$id"
  done
  run_coracle_out 0 info --format '{{.Host.NetworkBackend}} {{.Host.NetworkBackendInfo.Backend}} {{.Plugins.Network}}'
  is "$output" "netavark netavark [bridge macvlan ipvlan]"
  run_coracle_out 0 info --format '{{.Host.NetworkBackendInfo.Path}} {{.Host.NetworkBackendInfo.DNS.Path}}'
  is "$output" "$CORACLE_BIN/coracle-netd $CORACLE_BIN/coracle-netd"
}
