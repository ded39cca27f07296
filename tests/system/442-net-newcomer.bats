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
