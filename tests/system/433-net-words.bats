#!/usr/bin/env bats
# 433-net-words: what a container on no network, the host's, another's finds in its files, and what cannot be asked for there; as Podman 5.8 answers.
# root: yes

load helpers

setup() { fixture_image box; }

host_address() { ip -4 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }'; }

@test "net words: none has no name server of its own, and a hosts file" {
  run_coracle_out 0 run --rm --network none --name nn --hostname hh box sh -c 'grep -c " /etc/resolv.conf " /proc/self/mountinfo || true; cat /etc/hosts'
  is "${lines[0]}" "0" "the image's resolv.conf"
  like "$output" $'127.0.0.1\thh nn'
  [ -z "$(host_address)" ] || has "$output" "$(host_address)"$'\thost.containers.internal host.docker.internal'
}

@test "net words: host has the machine's name servers, and no line for itself" {
  run_coracle_out 0 run --rm --network host --name nothing-of-mine --hostname hh box sh -c 'cat /etc/resolv.conf /etc/hosts'
  not_like "$output" "nothing-of-mine"
  # slirp's, unless this machine is on one
  grep -qF 10.0.2.3 /etc/resolv.conf || not_like "$output" "10\.0\.2\.3"
  [ -z "$(host_address)" ] || has "$output" "$(host_address)"$'\thost.containers.internal host.docker.internal'
  local server
  for server in $(awk '$1 == "nameserver" { print $2 }' /etc/resolv.conf); do has "$output" "nameserver $server"; done
}

@test "net words: another container's network: its addresses and its hosts, one's own name" {
  run_coracle_out 0 run -d --name owner --hostname oh --add-host x:1.2.3.4 box sleep 1000
  run_coracle_out 0 run --rm --network container:owner box sh -c 'ip -o -4 addr show tap0; cat /etc/hosts /etc/resolv.conf'
  has "$output" "10.0.2.100/24"
  has "$output" $'1.2.3.4\tx'
  has "$output" $'10.0.2.100\toh owner'
  has "$output" "nameserver 10.0.2.3"
  run_coracle_out 0 run --rm --network container:owner --hostname mine box hostname
  is "$output" "mine"
  run_coracle_out 0 create --name user --network container:owner box true
  run_coracle_out 0 inspect --format '{{.HostConfig.NetworkMode}}' user
  is "$output" "container:$(coracle inspect --format '{{.Id}}' owner)"
  run_coracle 125 run --rm --network container:owner --add-host a:1.1.1.1 box true
  has "$output" "cannot set extra host entries when the container is joined to another containers network namespace"
  local flag
  for flag in --dns=1.1.1.1 --dns-search=a.example --dns-option=ndots:2; do
    run_coracle 125 run --rm --network container:owner "$flag" box true
    has "$output" "conflicting options: dns and the network mode: container" "$flag"
    run_coracle 125 run --rm --network none "$flag" box true
    has "$output" "conflicting options: dns and the network mode: none" "$flag"
    run_coracle_out 0 run --rm --network host "$flag" box true
  done
  run_coracle_out 0 rm -f -t 0 user owner
  no_leaks
}

@test "net words: ns:PATH is joined, not changed" {
  run_coracle_out 0 run -d --name holder box sleep 1000
  local pid
  pid=$(coracle inspect --format '{{.State.Pid}}' holder)
  if is_root; then
    run_coracle_out 0 run --rm --network "ns:/proc/$pid/ns/net" box ip -o -4 addr show tap0
    has "$output" "10.0.2.100/24"
  fi
  run_coracle 125 run --rm --network ns:/no/such/file box true
  has "$output" "/no/such/file"
  run_coracle_out 0 rm -f -t 0 holder
}

@test "net words: host_containers_internal_ip, host-gateway" {
  printf '[containers]\nhost_containers_internal_ip = "192.0.2.111"\n' >"$TEST_STORE/internal.conf"
  CONTAINERS_CONF=$TEST_STORE/internal.conf run_coracle_out 0 run --rm --add-host out:host-gateway box cat /etc/hosts
  has "$output" $'192.0.2.111\thost.containers.internal host.docker.internal'
  has "$output" $'192.0.2.111\tout'
  printf '[containers]\nhost_containers_internal_ip = "none"\n' >"$TEST_STORE/internal.conf"
  CONTAINERS_CONF=$TEST_STORE/internal.conf run_coracle_out 0 run --rm box cat /etc/hosts
  not_like "$output" "host.containers.internal"
  CONTAINERS_CONF=$TEST_STORE/internal.conf run_coracle 125 run --rm --add-host out:host-gateway box true
  has "$output" "host-gateway"
  [ -n "$(host_address)" ] || return 0
  run_coracle_out 0 run --rm --network none --add-host out:host-gateway box cat /etc/hosts
  has "$output" "$(host_address)"$'\tout'
}

@test "net words: --hosts-file, --no-hosts, --no-hostname" {
  printf '198.51.100.7\tfrom-a-file\n' >"$TEST_STORE/base"
  run_coracle_out 0 run --rm --hosts-file "$TEST_STORE/base" --name nn box cat /etc/hosts
  has "$output" $'198.51.100.7\tfrom-a-file'
  has "$output" "localhost"
  run_coracle_out 0 run --rm --hosts-file none --name nn box cat /etc/hosts
  not_like "$output" "from-a-file"
  like "$output" $'10.0.2.100\t[0-9a-f]+ nn'
  run_coracle 125 run --rm --hosts-file relative box true
  has "$output" "--hosts-file"
  run_coracle_out 0 run --rm --no-hosts --no-hostname box sh -c 'grep -cE " /etc/host(s|name) " /proc/self/mountinfo || true'
  is "$output" 0
}
