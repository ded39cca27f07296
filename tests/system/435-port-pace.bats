#!/usr/bin/env bats
# 435-port-pace: congestion control in the network namespace of a container with published ports: nothing there leaves this machine, so nothing is sent by the clock (bbr).

load helpers
load port-helpers

setup() {
  fixture_image box
  needs python3
  [ -r /proc/sys/net/ipv4/tcp_congestion_control ] || skip "this kernel does not tell its way of congestion control"
}

own=/proc/sys/net/ipv4/tcp_congestion_control

@test "pace: with a published port never bbr, without one and where asked for as it is" {
  local host inside t
  host=$(cat "$own") t=$(free_port tcp)
  run_coracle_out 0 run --rm box cat "$own"
  inside=$output
  run_coracle_out 0 run --rm -p "$t:80" box cat "$own"
  case $inside in
    bbr*) like "$output" '^(cubic|reno)$' "the host's is $host" ;;
    *) is "$output" "$inside" "the host's is $host" ;;
  esac
  run_coracle_out 0 run --rm -p "$t:80" --sysctl net.ipv4.tcp_congestion_control=reno box cat "$own"
  is "$output" reno
  no_leaks
}
