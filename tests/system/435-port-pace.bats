#!/usr/bin/env bats
# 435-port-pace: congestion control in the network namespace of a container on slirp, or with published ports: no packet of it leaves this machine, so none is sent by the clock (bbr).

load helpers
load port-helpers

setup() {
  fixture_image box
  needs python3
  [ -r /proc/sys/net/ipv4/tcp_congestion_control ] || skip "this kernel does not tell its way of congestion control"
}

own=/proc/sys/net/ipv4/tcp_congestion_control

@test "pace: on slirp and with published ports never bbr, on no network and where asked for as it is" {
  local host flags t
  t=$(free_port tcp)
  run_coracle_out 0 run --rm --network none box cat "$own"
  host=$output
  for flags in "" "-p $t:80"; do
    run_coracle_out 0 run --rm $flags box cat "$own"
    case $host in
      bbr*) like "$output" '^(cubic|reno)$' "the host's is $host" ;;
      *) is "$output" "$host" ;;
    esac
    run_coracle_out 0 run --rm $flags --sysctl net.ipv4.tcp_congestion_control=reno box cat "$own"
    is "$output" reno
  done
  no_leaks
}
