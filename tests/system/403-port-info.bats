#!/usr/bin/env bats
# 403-port-info: what info says of published ports; ports of a container on a named network.
# root: yes

load helpers
load port-helpers

setup() {
  fixture_image box
  needs python3
}

@test "info: whether a client's address is kept" {
  run_coracle_out 0 info --format '{{.Host.portForwarder.clientAddress.tcp}}'
  like "$output" '^(kept|lost|unknown)$'
  run_coracle_out 0 info --format json
  has "$output" '"clientAddress"'
}

@test "a named network: ports lead to the container's address there" {
  needs nft
  local t
  t=$(free_port tcp)
  run_coracle 0 network create ports
  run_peer web --network ports -p "$t:80"
  run -0 say tcp 127.0.0.1 "$t" hello
  like "${lines[0]}" '^10\.89\.[0-9]+\.1 '
  is "${lines[1]}" hello
  run_coracle 0 rm -f -t 0 web
  run_coracle 0 network rm ports
}
