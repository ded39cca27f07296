#!/usr/bin/env bats
# 441-net-kinds: a Debian container does what people do on every kind of network: apt-get update, ping the gateway, DNS over UDP and TCP, a large download whose digest is checked,
# IPv6 to this machine, a thousand connections at once. Needs a Debian mirror that the machine itself can reach.
#   CORACLE_TEST_MB=1024                     of the download (50 if not set)
#   CORACLE_TEST_KINDS='slirp bridge'        only these
# long: yes

load helpers
load net-helpers

setup_file() {
  debian_setup_file
  export CORACLE_TEST_TIMEOUT=280
  [ -z "$DEBIAN_TAR" ] || coracle network create --ipv6 kinds >/dev/null
}

setup() {
  needs_debian
  needs python3
  address=$(host_address)
  kinds=${CORACLE_TEST_KINDS:-slirp pasta bridge host}
}

teardown() {
  stop_servers
  basic_teardown
}

# flag KIND: sets $flag, the words of run, and $gateway
flag() {
  gateway=10.0.2.2
  case $1 in
    slirp) flag=--network=slirp ;;
    pasta) flag=--network=pasta:-m,1500,--ipv4-only ;;
    bridge) flag=--network=kinds gateway=$(coracle network inspect -f '{{(index .Subnets 0).Gateway}}' kinds) ;;
    host) flag=--network=host gateway=$(ip -4 route show default | awk '{ print $3; exit }') ;;
  esac
}

# may_ping: a group of this user's is in the range; a container's root has but the first
may_ping() {
  local low high
  read -r low high </proc/sys/net/ipv4/ping_group_range
  [ "$(id -g)" -ge "$low" ] && [ "$(id -g)" -le "$high" ]
}

@test "every network: apt-get update, and ping of the gateway without a capability" {
  run_coracle_out 0 run --name with-ping debian bash -euc 'apt-get update -q; DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends iputils-ping; setcap -r /usr/bin/ping'
  run_coracle_out 0 commit -q with-ping debian-ping
  run_coracle_out 0 rm with-ping
  local kind
  for kind in $kinds; do
    flag "$kind"
    run_coracle 0 run --rm "$flag" debian bash -euc 'rm -rf /var/lib/apt/lists; apt-get update -q; ls /var/lib/apt/lists | grep -c Packages'
    not_like "$output" '(^|[^a-z])(E|W): ' "$kind"
    like "${lines[-1]}" '^[1-9]' "$kind: lists"
    # the host's own network belongs to the host, which says who may ping (icmp(7)): the same as outside. Its gateway may not answer
    if [ "$kind" = host ]; then
      if may_ping; then
        run_coracle_out 0 run --rm "$flag" debian-ping ping -c 1 -W 2 "${address:-127.0.0.1}"
        has "$output" "1 received" "$kind"
      else
        run_coracle '?' run --rm "$flag" debian-ping ping -c 1 -W 2 127.0.0.1
        isnt "$status" 0 "this user may not"
        like "$output" 'not permitted|Permission denied|missing cap_net_raw' "$kind"
      fi
      continue
    fi
    run_coracle_out 0 run --rm "$flag" debian-ping ping -c 2 -W 20 "$gateway"
    has "$output" "2 received" "$kind"
  done
  [ -e /proc/net/if_inet6 ] || return 0
  run_coracle_out 0 run --rm --network slirp debian-ping ping -6 -c 1 -W 20 fd00::2
  run_coracle_out 0 run --rm --network kinds debian-ping ping -6 -c 1 -W 20 "$(coracle network inspect -f '{{(index .Subnets 1).Gateway}}' kinds)"
  has "$output" "1 received"
}

@test "every network: DNS over UDP and over TCP" {
  local kind tcp=
  # a machine whose own resolver does not speak TCP has none to show (a server of our own is asked in tests/unit/test-slirp)
  has_dns_over_tcp && tcp=1
  for kind in $kinds; do
    flag "$kind"
    # an answer to the same question is what counts: which one depends on the machine's resolver
    run_coracle_out 0 run --rm "$flag" debian perl -MIO::Socket::INET -e "$ask_dns"
    is "${lines[0]}" "udp 4711" "$kind"
    [ -z "$tcp" ] || is "${lines[1]}" "tcp 4711" "$kind"
    run_coracle_out 0 run --rm "$flag" debian getent ahosts deb.debian.org
    like "$output" 'STREAM +deb' "$kind: as programs ask"
  done
}

@test "every network: a large download from this machine by its own address, whole" {
  [ -n "$address" ] || skip "no address but loopback"
  local kind began told=1
  [ -z "${CORACLE_TEST_MB-}" ] || told=3 # who asks for a size wants to know
  for kind in $kinds; do
    flag "$kind"
    server "$address" bulk "${CORACLE_TEST_MB:-50}"
    began=$EPOCHREALTIME
    run_coracle_out 0 run --rm "$flag" debian bash -c "exec 3<>/dev/tcp/$address/$port; sha256sum <&3"
    awk -v mb="${CORACLE_TEST_MB:-50}" -v from="$began" -v to="$EPOCHREALTIME" -v kind="$kind" 'BEGIN { printf "# %s: %d MB in %.2f s\n", kind, mb, to - from }' >&"$told"
    wait_for 60 test -e "$TEST_STORE/digest"
    is "${output%% *}" "$(cat "$TEST_STORE/digest")" "$kind"
    stop_servers
  done
}

@test "every network: IPv6 to this machine" {
  [ -e /proc/net/if_inet6 ] || skip "no IPv6"
  local kind six talk
  six=$(host_address6)
  talk='exec 3<>/dev/tcp/$0/$1; echo over six >&3; read -r line <&3; echo $line'
  server "${six:-::1}" echo
  for kind in $kinds; do
    case $kind in
      # the others ask it for IPv4 only
      pasta) run_coracle_out 0 run --rm --network pasta:-m,1500,--map-gw debian bash -c "$talk" "${six:-fd00::2}" "$port" ;;
      host) run_coracle_out 0 run --rm --network host debian bash -c "$talk" "${six:-::1}" "$port" ;;
      # the machine's loopback is reached in the gateway's place, where that is allowed
      slirp) run_coracle_out 0 run --rm --network slirp:allow_host_loopback=true debian bash -c "$talk" "${six:-fd00::2}" "$port" ;;
      *)
        [ -n "$six" ] || continue
        flag "$kind"
        run_coracle_out 0 run --rm "$flag" debian bash -c "$talk" "$six" "$port"
        ;;
    esac
    is "$output" "over six" "$kind"
  done
  [ -n "$six" ] || skip "no IPv6 address but loopback and fd00::/64: slirp, pasta and host only"
}

@test "every network: 1,000 connections at once" {
  [ -n "$address" ] || skip "no address but loopback"
  local kind
  server "$address" echo
  for kind in $kinds; do
    flag "$kind"
    run_coracle_out 0 run --rm "$flag" --ulimit nofile=4096:4096 debian perl -e "$connect_many" "$address" "$port" 1000
    is "$output" "1000 of 1000" "$kind"
  done
}

@test "every network: of another container, and none" {
  run_coracle_out 0 run -d --name lender --network kinds debian sleep 1000
  run_coracle 0 run --rm --network container:lender debian bash -euc 'rm -rf /var/lib/apt/lists; apt-get update -q'
  not_like "$output" '(^|[^a-z])(E|W): '
  run_coracle_out 0 run --rm --network container:lender debian perl -MIO::Socket::INET -e "$ask_dns"
  is "${lines[0]}" "udp 4711"
  run_coracle_out 0 rm -f -t 0 lender
  run_coracle_out 0 run --rm --network none debian bash -c 'ls /sys/class/net; exec 3<>/dev/tcp/10.0.2.2/53 || echo nothing there'
  is "$output" $'lo\nnothing there'
  no_leaks
}
