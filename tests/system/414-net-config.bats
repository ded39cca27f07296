#!/usr/bin/env bats
# 414-net-config: networks by containers.conf and --network-config-dir, inspect --type, macvlan and ipvlan, unshare --rootless-netns.
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

no_netd() { ! pgrep -f "coracle-netd $RUN_ROOT netd" >/dev/null; }

# what a test leaves to the next one is nothing: addresses begin anew
teardown() {
  : >"$CONTAINERS_CONF"
  coracle rm -af -t 0 >/dev/null 2>&1 || true
  coracle network prune -f >/dev/null 2>&1 || true
  wait_for 40 no_netd
  basic_teardown
}

@test "network config: --network-config-dir, over containers.conf's" {
  local dir=$BATS_TEST_TMPDIR/nets
  printf '[network]\nnetwork_config_dir = "%s/other"\n' "$BATS_TEST_TMPDIR" >"$CONTAINERS_CONF"
  run_coracle --network-config-dir "$dir" network create --subnet 10.94.1.0/24 here
  [ -e "$dir/here.json" ]
  run_coracle_out 0 --network-config-dir "$dir" network ls -q
  is "$output" $'here\npodman'
  run_coracle_out 0 --network-config-dir "$dir" run --rm --network here box ip -o -4 addr show dev eth0
  has "$output" "inet 10.94.1.2/24"
  run_coracle 125 run --rm --network here box true
  is "$output" "Error: unable to find network with name or ID here: network not found"
  run_coracle network create there
  [ -e "$BATS_TEST_TMPDIR/other/there.json" ]
}

@test "network config: default_network names the built-in one" {
  printf '[network]\ndefault_network = "house"\ndefault_subnet = "10.94.2.0/24"\n' >"$CONTAINERS_CONF"
  run_coracle_out 0 network ls --format '{{.Name}} {{.ID}}' --no-trunc
  is "$output" "house $(printf house | sha256sum | cut -d' ' -f1)"
  run_coracle_out 0 run --rm --network bridge box ip -o -4 addr show dev eth0
  has "$output" "inet 10.94.2.2/24"
  run_coracle 125 network rm house
  is "$output" "Error: default network house cannot be removed"
  run_coracle_out 0 network ls -q --filter dangling=true
  is "$output" ""
}

@test "network config: firewall_driver" {
  run_coracle network create --subnet 10.94.3.0/24 back
  printf '[network]\nfirewall_driver = "none"\n' >"$CONTAINERS_CONF"
  run_coracle run -d --name quiet --network back box sleep 1000
  if [ -x /usr/sbin/nft ] && ! is_root; then
    run_coracle_out 0 unshare --rootless-netns /usr/sbin/nft list ruleset
    not_like "$output" masquerade
  fi
  run_coracle rm -f -t 0 quiet
  local driver
  for driver in iptables firewalld bogus; do
    printf '[network]\nfirewall_driver = "%s"\n' "$driver" >"$CONTAINERS_CONF"
    run_coracle '?' run --rm --network back box true
    like "$output" "^Error: containers.conf: .*firewall_driver.*\"$driver\""
  done
  printf '[network]\nfirewall_driver = "nftables"\n' >"$CONTAINERS_CONF"
  run_coracle run --rm --network back box true
}

@test "network config: dns_bind_port" {
  run_coracle network create --subnet 10.94.4.0/24 back
  printf '[network]\ndns_bind_port = 5353\n' >"$CONTAINERS_CONF"
  run_coracle run -d --name db --network back box sleep 1000
  run_coracle_out 0 run --rm --network back box sh -c 'nslookup -type=a db; cat /etc/resolv.conf'
  has "$output" "Address: 10.94.4.2"
  has "$output" "nameserver 10.94.4.1"
  # it is there that it listens
  if ! is_root; then
    run_coracle_out 0 unshare --rootless-netns grep -c ':14E9 ' /proc/net/udp
    is "$output" 1
    run_coracle_out '?' unshare --rootless-netns grep -c ':0035 ' /proc/net/udp
    is "$output" 0
  fi
  run_coracle rm -f -t 0 db
  printf '[network]\ndns_bind_port = 123456\n' >"$CONTAINERS_CONF"
  run_coracle 125 run --rm --network back box true
  like "$output" "^Error: containers.conf: .*dns_bind_port"
}

@test "network config: inspect of any kind of thing, and of networks alone" {
  run_coracle network create --subnet 10.94.5.0/24 back
  run_coracle volume create cargo
  run_coracle_out 0 inspect back
  is "$(jq -r '.[0].name' <<<"$output")" back
  run_coracle_out 0 inspect --type network -f '{{.Name}} {{range .Subnets}}{{.Subnet}}{{end}} {{.Labels}} {{.NetworkDNSServers}}' back podman
  is "$output" $'back 10.94.5.0/24 map[] []\npodman 10.88.0.0/16 map[] []'
  is "$(coracle inspect --type network back)" "$(coracle network inspect back)"
  run_coracle_out 0 inspect --type volume -f '{{.Name}} {{.Driver}}' cargo
  is "$output" "cargo local"
  run_coracle_out 0 inspect cargo
  is "$(jq -r '.[0].Name' <<<"$output")" cargo
  run_coracle_out 125 inspect --type network nosuch back
  is "$(jq -r '.[].name' <<<"$output")" back
  is "$stderr" "Error: network nosuch: unable to find network with name or ID nosuch: network not found"
  run_coracle_out 125 inspect --type volume back
  is "$output" "[]"
  # a container of the same name comes first
  run_coracle create --name back box true
  run_coracle_out 0 inspect -f '{{.Name}} {{.Config.Cmd}}' back
  is "$output" "back [true]"
  run_coracle volume rm cargo
}

@test "unshare --rootless-netns: in the shared namespace, with its name servers; it goes with the last who is there" {
  needs ip
  is_root && skip "not for root"
  run_coracle network create --subnet 10.94.6.0/24 back
  run_coracle run -d --name web --network back box sh -c 'echo hello >/said; while true; do nc -l -p 80 </said; done'
  run_coracle_out 0 unshare --rootless-netns ip -o addr
  has "$output" "10.94.6.1/24"
  has "$output" "tap0"
  wait_for 20 listens web 80
  run_coracle_out 0 unshare --rootless-netns bash -c 'exec 3<>/dev/tcp/10.94.6.2/80; cat <&3'
  is "$output" hello
  run_coracle_out 0 unshare --rootless-netns cat /etc/resolv.conf
  like "$output" "nameserver (10.0.2.3|fd00::3)"
  run_coracle_out 0 unshare --rootless-cni true
  run_coracle_out 3 unshare --rootless-netns sh -c 'exit 3'
  run_coracle rm -f -t 0 web
  # without any container
  run_coracle_out 0 unshare --rootless-netns ip -o link show dev tap0
  has "$output" tap0
  wait_for 40 no_netd
  run -127 coracle unshare --rootless-netns /no/such/program
  wait_for 40 no_netd
}

@test "macvlan: on top of an interface of the shared namespace" {
  needs ip
  is_root && skip "the test makes the interface with unshare, which is not for root"
  # a bridge of the user's own, kept by a container that holds the namespace
  run_coracle network create keeper
  run_coracle run -d --name hold --network keeper box sleep 1000
  run_coracle unshare --rootless-netns sh -c 'ip link add lan type bridge && ip link set lan up && ip addr add 10.94.7.1/24 dev lan'
  run_coracle network create -d macvlan -o parent=lan --subnet 10.94.7.0/24 --gateway 10.94.7.1 -o mtu=1400 flat
  run_coracle run -d --name one --network flat:mac=92:d0:c6:0a:29:33 box sleep 1000
  run_coracle_out 0 exec one sh -c 'ip -o -4 addr show dev eth0; ip link show dev eth0; ip route; cat /etc/resolv.conf'
  has "$output" "inet 10.94.7.2/24"
  has "$output" "92:d0:c6:0a:29:33"
  has "$output" "mtu 1400"
  has "$output" "default via 10.94.7.1 dev eth0"
  run_coracle_out 0 run --rm --network flat --cap-add NET_RAW box sh -c 'ping -c 1 -W 20 10.94.7.2 | grep -c "1 packets received"'
  is "$output" 1 "from container to container: a macvlan does not reach its parent itself"
  run_coracle_out 0 network inspect -f '{{range .Containers}}{{.Name}}{{end}}' flat
  is "$output" one
  # live connect and disconnect; the parent stays when the last has gone
  run_coracle network connect flat hold
  run_coracle_out 0 exec hold ip -o -4 addr show dev eth1
  like "$output" 'inet 10\.94\.7\.[34]/24'
  run_coracle network reload hold
  run_coracle network disconnect flat hold
  run_coracle_out 0 exec hold ls /sys/class/net
  is "$output" $'eth0\nlo'
  run_coracle rm -f -t 0 one
  run_coracle_out 0 unshare --rootless-netns ip -o link show dev lan
  has "$output" lan
  run_coracle_out 0 run --rm --userns keep-id --user 0 --network flat box sh -c 'echo served >/tmp/said; nc -l -p 80 </tmp/said & '"$(till_listens 80)"'; nc -w 20 127.0.0.1 80'
  is "$output" served
}

@test "macvlan and ipvlan: what cannot be is told, and nothing is left of it" {
  run_coracle network create -d macvlan -o parent=eth99 --subnet 10.94.8.0/24 flat
  run_coracle '?' run --rm --network flat box true
  like "$output" "^Error: network flat: there is no interface eth99, neither here nor in the network namespace of named networks"
  if ! is_root; then
    run_coracle network create -d macvlan -o parent=lo --subnet 10.94.80.0/24 loop
    run_coracle '?' run --rm --network loop box true
    like "$output" '^Error: network loop: '
    needs ip
    local device
    device=$(ip -o link show up | grep -v ' lo:' | sed -n '1s/^[0-9]*: \([^@:]*\).*/\1/p')
    if [ -n "$device" ]; then
      run_coracle network create -d macvlan -o "parent=$device" --subnet 10.94.81.0/24 hosts
      run_coracle '?' run --rm --network hosts box true
      like "$output" "^Error: network hosts: interface $device is this machine's"
    fi
  fi
  run_coracle network create -d macvlan -o parent=eth99 leased
  run_coracle '?' run --rm --network leased box true
  like "$output" "^Error: network leased: there is no DHCP server"
  run_coracle '?' run --rm --network flat:host_interface_name=x box true
  like "$output" "^Error: network flat: host_interface_name"
  run_coracle network create keeper
  run_coracle run -d --name hold --network keeper box sleep 1000
  run_coracle '?' network connect flat hold
  has "$output" "no interface eth99"
  run_coracle_out 0 exec hold ls /sys/class/net
  is "$output" $'eth0\nlo'
  # on top of the way out: its address is not that of anybody there, but it is made; ipvlan only where the kernel has it
  run_coracle network create -d ipvlan -o parent=tap0 --subnet 10.94.9.0/24 low
  run_coracle_out '?' run --rm --network low box ls /sys/class/net
  if [ "$status" = 0 ]; then is "$output" $'eth0\nlo'; else like "$stderr" 'has the kernel ipvlan'; fi
  run_coracle_out 0 ps -aq
  is "${#lines[@]}" 1 "only hold"
}

@test "network: internal, routes and options arrive in the container" {
  run_coracle network create --subnet 10.94.10.0/24 --route 10.200.0.0/16,10.94.10.9 --route 10.201.0.0/16,10.94.10.9,77 -o metric=42 -o mtu=1300 routed
  run_coracle_out 0 run --rm --network routed box sh -c 'ip route; cat /sys/class/net/eth0/mtu'
  like "$output" 'default via 10.94.10.1 dev eth0 +metric 42'
  like "$output" '10.200.0.0/16 via 10.94.10.9 dev eth0 +metric 100'
  like "$output" '10.201.0.0/16 via 10.94.10.9 dev eth0 +metric 77'
  has "$output" $'\n1300'
  run_coracle network create --subnet 10.94.11.0/24 -o no_default_route=1 bare
  run_coracle_out 0 run --rm --network bare box ip route
  not_like "$output" default
  run_coracle network create --subnet 10.94.12.0/24 -o isolate=strict alone
  run_coracle run -d --name target --network alone box sh -c 'echo hello >/said; while true; do nc -l -p 80 </said; done'
  wait_for 20 listens target 80
  run_coracle_out '?' run --rm --network routed box nc -w 1 10.94.12.2 80
  not_like "$output" hello
  wait_for 20 listens target 80
  run_coracle_out 0 run --rm --network alone box nc -w 20 10.94.12.2 80
  is "$output" hello
}

@test "network reload: what was taken away is made again, with the same addresses" {
  needs ip
  is_root && skip "not for root"
  run_coracle network create --subnet 10.94.13.0/24 back
  run_coracle run -d --name app --network back box sleep 1000
  run_coracle run -d --name db --network back box sleep 1000
  local before
  before=$(coracle exec app ip -o addr show dev eth0)
  # the link, and the rules of the firewall
  run_coracle unshare --rootless-netns sh -c 'for l in $(ip -o link | grep -o "veth[0-9]*"); do ip link del $l; done; if [ -x /usr/sbin/nft ]; then /usr/sbin/nft flush ruleset; fi'
  run_coracle_out 0 exec app ls /sys/class/net
  is "$output" lo
  run_coracle_out 0 network reload --all
  is "${#lines[@]}" 2
  run_coracle_out 0 exec app ip -o addr show dev eth0
  is "$(grep -o 'inet [0-9./]*' <<<"$output")" "$(grep -o 'inet [0-9./]*' <<<"$before")"
  run_coracle_out 0 exec app sh -c 'nslookup -type=a db | tail -2; ip route'
  has "$output" "Address: 10.94.13.3"
  has "$output" "default via 10.94.13.1"
}
