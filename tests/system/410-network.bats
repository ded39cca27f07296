#!/usr/bin/env bats
# 410-network: networks described, listed, looked at and removed.
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

teardown() {
  coracle network prune -f >/dev/null 2>&1 || true
  basic_teardown
}

@test "network: create gives names, subnets and interfaces that are free" {
  run_coracle_out 0 network create
  is "$output" "podman1"
  run_coracle_out 0 network create back
  is "$output" "back"
  run_coracle_out 0 network create
  is "$output" "podman3" "podman2 is the bridge of back"
  run_coracle_out 0 network inspect -f '{{.NetworkInterface}} {{range .Subnets}}{{.Subnet}} {{.Gateway}}{{end}} {{.DNSEnabled}} {{.Internal}} {{.IPv6Enabled}} {{.IPAMOptions}}' podman1 back podman3
  is "$output" "podman1 10.89.0.0/24 10.89.0.1 true false false map[driver:host-local]
podman2 10.89.1.0/24 10.89.1.1 true false false map[driver:host-local]
podman3 10.89.2.0/24 10.89.2.1 true false false map[driver:host-local]"
}

@test "network: the built-in one is Podman's" {
  run_coracle_out 0 network inspect podman
  is "$(jq -c '.[0] | del(.created)' <<<"$output")" '{"name":"podman","id":"2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9","driver":"bridge","network_interface":"podman0","subnets":[{"subnet":"10.88.0.0/16","gateway":"10.88.0.1"}],"ipv6_enabled":false,"internal":false,"dns_enabled":false,"ipam_options":{"driver":"host-local"},"containers":{}}'
  run_coracle 125 network rm podman
  is "$output" "Error: default network podman cannot be removed"
  run_coracle 125 network rm -f podman
  is "$output" "Error: default network podman cannot be removed"
  run_coracle network exists podman
  run_coracle 1 network exists nosuch
}

@test "network: what create is told is kept, in Podman's format" {
  run_coracle network create --subnet 10.77.0.128/24 --ip-range 10.77.0.128/25 --label a=b --label c -o mtu=1400 -o isolate=1 --internal --route 10.1.0.0/24,10.77.0.9,100 --dns 9.9.9.9 --interface-name br9 back
  is "$(jq -c 'del(.id, .created)' "$STORE/networks/back.json")" '{"name":"back","driver":"bridge","network_interface":"br9","subnets":[{"subnet":"10.77.0.0/24","gateway":"10.77.0.1","lease_range":{"start_ip":"10.77.0.129","end_ip":"10.77.0.255"}}],"routes":[{"destination":"10.1.0.0/24","gateway":"10.77.0.9","metric":100}],"ipv6_enabled":false,"internal":true,"dns_enabled":true,"network_dns_servers":["9.9.9.9"],"labels":{"a":"b","c":""},"options":{"mtu":"1400","isolate":"true"},"ipam_options":{"driver":"host-local"}}'
  run_coracle network create --subnet 10.78.0.0/24 --gateway 10.78.0.9 --subnet fd00:78::/64 --gateway fd00:78::9 --ip-range 10.78.0.20-10.78.0.30 two
  is "$(jq -c '.subnets, .ipv6_enabled' "$STORE/networks/two.json")" '[{"subnet":"10.78.0.0/24","gateway":"10.78.0.9","lease_range":{"start_ip":"10.78.0.20","end_ip":"10.78.0.30"}},{"subnet":"fd00:78::/64","gateway":"fd00:78::9"}]
true'
  run_coracle network create --ipv6 --disable-dns six
  like "$(jq -c '[.subnets[].subnet, .dns_enabled]' "$STORE/networks/six.json")" '^\["10\.89\.[0-9]+\.0/24","fd[0-9a-f:]+::/64",false\]$'
  run_coracle network create --subnet fd00:5::/64 only6
  is "$(jq -c '[.subnets[].subnet, .ipv6_enabled]' "$STORE/networks/only6.json")" '["fd00:5::/64",true]'
  run_coracle network create --ipam-driver none plain
  is "$(jq -c '[.subnets, .dns_enabled, .ipam_options.driver]' "$STORE/networks/plain.json")" '[null,false,"none"]'
  run_coracle network create -d macvlan -o parent=eth9 mac
  is "$(jq -c '[.driver, .network_interface, .ipam_options.driver]' "$STORE/networks/mac.json")" '["macvlan","eth9","dhcp"]'
  run_coracle network create -o com.docker.network.bridge.name=dock0 -o com.docker.network.driver.mtu=1300 dock
  is "$(jq -c '[.network_interface, .options]' "$STORE/networks/dock.json")" '["dock0",{"mtu":"1300"}]'
}

# refused TEXT ARGUMENT…: network create fails with it and leaves nothing.
refused() {
  local text=$1
  shift
  run_coracle 125 network create "$@"
  is "${lines[0]}" "Error: $text" "$*"
  # shellcheck disable=SC2012 # names of ours
  is "$(ls "$STORE/networks" 2>/dev/null | tr '\n' ' ')" "taken.json " "nothing half made: $*"
}

@test "network: bad input is refused in Podman's words, and nothing is half made" {
  run_coracle network create --subnet 10.60.0.0/24 --interface-name taken0 taken
  refused 'network name taken already used: network already exists' taken
  refused 'network name x/y invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument' x/y
  refused 'network name .x invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument' .x
  refused 'cannot create network with name "host" because it conflicts with a valid network mode' host
  refused 'subnet 10.60.0.0/24 is already used on the host or by another config' --subnet 10.60.0.0/24 n
  refused 'subnet 10.60.0.0/16 is already used on the host or by another config' --subnet 10.60.0.0/16 n
  refused 'subnet 10.88.3.0/24 is already used on the host or by another config' --subnet 10.88.3.0/24 n
  refused 'subnet 127.0.0.0/8 is already used on the host or by another config' --subnet 127.0.0.0/8 n
  refused 'subnet 10.61.0.0/25 overlaps with another one of the same network' --subnet 10.61.0.0/24 --subnet 10.61.0.0/25 n
  refused 'invalid CIDR address: nonsense' --subnet nonsense n
  refused 'invalid CIDR address: 10.0.0.1' --subnet 10.0.0.1 n
  refused 'subnet 10.61.0.0/32 has no room for a gateway and a container' --subnet 10.61.0.0/32 n
  refused 'gateway 10.98.0.1 not in subnet 10.99.0.0/24' --subnet 10.99.0.0/24 --gateway 10.98.0.1 n
  refused 'invalid argument "bad" for "--gateway" flag: invalid string being converted to IP address: bad' --subnet 10.99.0.0/24 --gateway bad n
  refused 'cannot set gateway or range without subnet' --gateway 10.99.0.1 n
  refused 'cannot set gateway or range without subnet' --ip-range 10.99.0.0/25 n
  refused 'cannot set more gateways than subnets' --subnet 10.99.0.0/24 --gateway 10.99.0.1 --gateway 10.99.0.2 n
  refused 'cannot set more ranges than subnets' --subnet 10.99.0.0/24 --ip-range 10.99.0.0/25 --ip-range 10.99.0.0/25 n
  refused 'lease range start ip 10.98.0.1 not in subnet 10.99.0.0/24' --subnet 10.99.0.0/24 --ip-range 10.98.0.0/24 n
  refused 'lease range 10.99.0.5-10.99.0.2: it ends before it starts' --subnet 10.99.0.0/24 --ip-range 10.99.0.5-10.99.0.2 n
  refused 'invalid CIDR address: x' --subnet 10.99.0.0/24 --ip-range x n
  refused 'failed to find driver or plugin "foo"' -d foo n
  refused 'strconv.Atoi: parsing "x": invalid syntax' -o mtu=x n
  refused 'mtu -1 is less than zero' -o mtu=-1 n
  refused 'unsupported bridge network option foo' -o foo=x n
  refused 'failed to parse isolate option: strconv.ParseBool: parsing "perhaps": invalid syntax' -o isolate=perhaps n
  refused 'vlan ID 99999 must be between 0 and 4094' -o vlan=99999 n
  refused 'strconv.ParseUint: parsing "-1": invalid syntax' -o metric=-1 n
  refused 'strconv.ParseBool: parsing "x": invalid syntax' -o no_default_route=x n
  refused 'unknown bridge mode "x"' -o mode=x n
  refused 'bridge mode "unmanaged": unsupported: it wants a bridge of the host, which containers of a user cannot reach' -o mode=unmanaged n
  refused 'bridge name taken0 already in use' --interface-name taken0 n
  refused 'bridge name podman0 already in use' -o com.docker.network.bridge.name=podman0 n
  refused 'network interface name averyveryverylongname invalid: interface name is too long: interface names must be 15 characters or less: invalid argument' --interface-name averyveryverylongname n
  refused 'network interface name a b invalid: interface name contains / or : or whitespace characters: invalid argument' --interface-name 'a b' n
  refused 'unsupported ipam driver "bogus"' --ipam-driver bogus n
  refused 'ipam driver dhcp is not supported with ipvlan' -d ipvlan n
  refused 'none ipam driver does not support subnets' --ipam-driver none --subnet 10.99.0.0/24 n
  refused 'invalid route: 10.1.0.0/24' --route 10.1.0.0/24 n
  refused 'invalid route destination x' --route x,10.1.0.1 n
  refused 'invalid route gateway bad' --route 10.1.0.0/24,bad n
  refused 'invalid route metric x' --route 10.1.0.0/24,10.1.0.1,x n
  refused 'unable to parse ip bad specified in NetworkDNSServers: invalid argument' --dns bad n
  refused 'cannot set NetworkDNSServers if DNS is not enabled for the network: invalid argument' --dns 8.8.8.8 --disable-dns n
  refused 'failed to parse labels: invalid label format: "=x"' --label =x n
  refused 'accepts at most 1 arg(s), received 2' a b
  run_coracle_out 0 network create --ignore --subnet 10.99.0.0/24 taken
  is "$output" "taken"
  is "$(jq -r '.subnets[0].subnet' "$STORE/networks/taken.json")" 10.60.0.0/24 "as it was"
}

@test "network: ls, its filters and formats" {
  run_coracle network create --label k=v one
  run_coracle network create --label k=w --label only two
  run_coracle network create -d macvlan three
  run_coracle_out 0 network ls
  like "${lines[0]}" '^NETWORK ID +NAME +DRIVER$'
  like "${lines[1]}" '^[0-9a-f]{12}  one +bridge$'
  like "${lines[2]}" '^2f259bab93aa  podman +bridge$' "by name"
  like "${lines[3]}" '^[0-9a-f]{12}  three +macvlan$'
  run_coracle_out 0 network list -n
  is "${#lines[@]}" 4
  run_coracle_out 0 network ls -q
  is "$output" $'one\npodman\nthree\ntwo'
  local filter expected
  while read -r filter expected; do
    run_coracle_out 0 network ls -q --filter "$filter"
    is "$(echo "$output" | tr '\n' ' ')" "$expected " "$filter"
  done <<'END'
name=^o one
name=o one podman two
driver=macvlan three
id=2f259 podman
label=k one two
label=k=v one
label=only two
label!=k podman three
dangling=false podman
dangling=true one three two
until=1h
END
  run_coracle_out 0 network ls -q --filter label=k --filter label=only
  is "$output" two "all labels"
  run_coracle_out 0 network ls -q --filter name=one --filter name=two
  is "$output" $'one\ntwo' "any name"
  run_coracle_out 0 network ls --format json
  is "$(jq -r '.[] | .name + " " + .driver' <<<"$output" | head -1)" "one bridge"
  like "${lines[2]}" '^    "name": "one",$' "indented as Podman does"
  run_coracle_out 0 network ls --format '{{.Name}} {{.Labels}} {{.Internal}}' --filter name=one
  is "$output" "one k=v false"
  run_coracle_out 0 network ls --no-trunc --format '{{.ID}}' --filter name=podman
  is "$output" 2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9
  run_coracle_out 0 network ls --format 'table {{.Name}}\t{{.NetworkInterface}}' --filter name=one
  like "${lines[0]}" '^NAME +NETWORK INTERFACE$'
  run_coracle 125 network ls --filter bogus=1
  is "$output" 'Error: invalid filter "bogus"'
  run_coracle 125 network ls --filter name
  is "$output" 'Error: filter input must be in the form of filter=value: name is invalid'
  run_coracle 125 network ls --filter dangling=maybe
  is "$output" 'Error: invalid dangling filter value "maybe"'
}

@test "network: inspect" {
  run_coracle network create one
  run_coracle 125 network inspect one nosuch neither
  like "$output" '"name": "one"' "what is there is shown"
  has "$output" "network neither: unable to find network with name or ID neither: network not found"
  is "${lines[-1]}" "Error: network nosuch: unable to find network with name or ID nosuch: network not found"
  run_coracle_out 0 network inspect -f '{{.ID}}' one
  run_coracle_out 0 network inspect -f '{{.Name}}' "${output:0:8}"
  is "$output" one "by the beginning of an ID"
  run_coracle_out 0 network inspect --format '{{.Name}} {{.Labels}} {{.Options}} {{.Routes}} {{.Driver}}' one
  is "$output" "one map[] map[] [] bridge"
  run_coracle 125 network inspect
  is "${lines[0]}" "Error: requires at least 1 arg(s), only received 0"
}

@test "network: rm, its statuses, and prune" {
  run_coracle network create --label x one
  run_coracle network create two
  run_coracle network create three
  run_coracle 1 network rm nosuch one neither
  is "$output" "Error: unable to find network with name or ID nosuch: network not found
one
Error: unable to find network with name or ID neither: network not found"
  run_coracle_out 0 network rm -f nosuch
  is "$output" ""
  run_coracle 125 network rm -t 3 two
  is "$output" "Error: --force option must be specified to use the --time option"
  run_coracle create --name c1 --network two box true
  run_coracle 2 network rm two
  is "$output" 'Error: "two" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used'
  run_coracle_out 0 network ls -q --filter dangling=false
  is "$output" $'podman\ntwo'
  run_coracle 125 network prune -f --filter name=two
  is "$output" 'Error: invalid filter "name"'
  run_coracle_out 0 network prune -f --filter label=x
  is "$output" ""
  run_coracle_out 0 network prune -f
  is "$output" "three"
  run_coracle_out 0 network rm -f -t 0 two
  is "$output" "two"
  run_coracle_out 0 ps -aq
  is "$output" "" "its container went with it"
  run_coracle network create four
  echo n | coracle network prune >"$TMPDIR/out"
  has "$(cat "$TMPDIR/out")" "WARNING! This will remove all networks not used by at least one container."
  run_coracle network exists four
}

@test "network: update" {
  run_coracle network create one
  run_coracle network create --disable-dns quiet
  run_coracle_out 0 network update one --dns-add 1.1.1.1,2.2.2.2
  is "$output" one
  run_coracle network update one --dns-drop 1.1.1.1 --dns-add 3.3.3.3
  run_coracle network update one --dns-drop 9.9.9.9
  run_coracle_out 0 network inspect -f '{{.NetworkDNSServers}}' one
  is "$output" "[2.2.2.2 3.3.3.3]"
  run_coracle 125 network update one --dns-add bad
  is "$output" "Error: unable to parse ip bad specified in AddDNSServer: invalid argument"
  run_coracle 125 network update nosuch --dns-add 1.1.1.1
  is "$output" "Error: unable to find network with name or ID nosuch: network not found"
  run_coracle 125 network update quiet --dns-add 1.1.1.1
  like "$output" "dns is disabled"
}

@test "network: a container can only be put on a network that is there" {
  run_coracle 125 create --name c2 --network nosuch box true
  is "$output" "Error: unable to find network with name or ID nosuch: network not found"
  run_coracle 125 run --rm --network podman,nosuch box true
  is "$output" "Error: unable to find network with name or ID nosuch: network not found"
  run_coracle network create one
  run_coracle_out 0 network inspect -f '{{.ID}}' one
  run_coracle create --name c2 --network "${output:0:12}" box true
  run_coracle_out 0 inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.NetworkID}}{{end}} {{.HostConfig.NetworkMode}}' c2
  like "$output" '^one [0-9a-f]{64} bridge$' "an ID becomes a name"
  run_coracle rm c2
}

@test "network: created and removed is told by events" {
  run_coracle network create one
  run_coracle network rm one
  run_coracle_out 0 events --filter type=network --stream=false
  like "$output" 'network create [0-9a-f]{64} \(name=one, type=bridge\)'
  like "$output" 'network remove [0-9a-f]{64} \(name=one, type=bridge\)'
}

@test "network: twenty made at once have different subnets, interfaces and names" {
  for i in $(seq 20); do coracle network create "p$i" & done >/dev/null
  for i in $(seq 5); do coracle network create & done >/dev/null
  wait
  is "$(coracle network ls -q | wc -l)" 26
  is "$(coracle network inspect -f '{{range .Subnets}}{{.Subnet}}{{end}}' $(coracle network ls -q) | sort -u | wc -l)" 26
  is "$(coracle network inspect -f '{{.NetworkInterface}}' $(coracle network ls -q) | sort -u | wc -l)" 26
}

@test "network: a broken file takes no other network away" {
  run_coracle network create one
  echo '{' >"$STORE/networks/bad.json"
  run_coracle network ls -q
  has "$output" one
  like "$output" 'network config file .*/bad.json'
  rm "$STORE/networks/bad.json"
}

@test "network: containers.conf's default network, subnet and pools" {
  cat >"$CONTAINERS_CONF" <<'END'
[network]
default_subnet = "10.50.0.0/24"
default_subnet_pools = [ { base = "10.70.0.0/29", size = 30 } ]
END
  run_coracle_out 0 network inspect -f '{{range .Subnets}}{{.Subnet}} {{.Gateway}}{{end}}' podman
  is "$output" "10.50.0.0/24 10.50.0.1"
  run_coracle network create a
  run_coracle network create b
  run_coracle 125 network create c
  is "$output" "Error: could not find free subnet from subnet pools"
  run_coracle_out 0 network inspect -f '{{range .Subnets}}{{.Subnet}}{{end}}' a b
  is "$output" $'10.70.0.0/30\n10.70.0.4/30'
  printf '[network]\ndefault_subnet = "nonsense"\n' >"$CONTAINERS_CONF"
  run_coracle 125 network ls
  is "$output" "Error: containers.conf: failed to parse default subnet: invalid CIDR address: nonsense"
  printf '[network]\nnetwork_config_dir = "%s/nets"\n' "$BATS_TEST_TMPDIR" >"$CONTAINERS_CONF"
  run_coracle network create d
  [ -e "$BATS_TEST_TMPDIR/nets/d.json" ]
  : >"$CONTAINERS_CONF"
}

@test "network: system prune takes unused ones, and system reset all" {
  run_coracle network create one
  run_coracle network create two
  run_coracle create --name c1 --network two box true
  run_coracle_out 0 rename c1 c2
  run_coracle network disconnect two c2
  run_coracle network connect two c2
  run_coracle_out 0 system prune -f --filter until=1h
  not_like "$output" Networks
  run_coracle start c2
  run_coracle network create three
  run_coracle rm -f -t 0 c2
  run_coracle_out 0 system prune -f
  has "$output" $'Deleted Networks\none\nthree\ntwo'
}
