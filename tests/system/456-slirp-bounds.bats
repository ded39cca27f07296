#!/usr/bin/env bats
# 456-slirp-bounds: what a container can make its coracle-slirp hold: memory that connections took is given back while they last, more of them than there may be are refused at once, and those
# that are there stay; so are those beyond what it may hold for a container that does not read. Ten thousand of them: CORACLE_TEST_LONG=1.

load helpers
load net-helpers

PEER=$CORACLE_BIN/../tests/peer

setup_file() {
  basic_setup_file
  export CORACLE_TEST_TIMEOUT=280
}

setup() {
  fixture_image box
  needs python3
  [ -x "$PEER" ] || skip "tests/peer is not built (make unit-programs)"
  address=$(host_address)
  [ -n "$address" ] || skip "no address but loopback"
}

teardown() {
  stop_servers
  basic_teardown
}

slirp_of() { pgrep -P "$(coracle inspect --format '{{.State.ConmonPid}}' "$1")" coracle-slirp; }
resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }
at_most() { [ "$(resident "$1")" -le "$2" ]; }
logs_have() { [[ $(coracle logs "$1" 2>&1) == *"$2"* ]]; }

# crowd NAME N BYTES: a container with so many connections to the server, which have carried so much
crowd() {
  run_coracle_out 0 run -d --name "$1" -v "$PEER:/peer:ro" --ulimit "nofile=$(($2 + 100)):$(($2 + 100))" box /peer connect "$address" "$port" "$2" "$3"
  wait_for 200 logs_have "$1" open
}

@test "bounds: connections that have carried more than a buffer, and are idle, hold next to nothing" {
  local n=300 slirp
  [ -z "${CORACLE_TEST_LONG-}" ] || n=10000
  [ "$(ulimit -Hn)" -ge $((n + 2000)) ] || skip "no more than $(ulimit -Hn) descriptors here"
  server "$address" echo
  # a buffer is 128 KiB: each has been written to from end to end
  crowd many "$n" 151552
  run_coracle_out 0 logs many
  is "$output" "$n open, 0 wrong, 0 refused: Success"
  slirp=$(slirp_of many)
  echo "slirp: $(resident "$slirp") kB with $n connections"
  # 4 MB of itself, 4 of buffers that are not looked at, and what is known of each connection
  wait_for 20 at_most "$slirp" $((8192 + n * 2))
  echo "slirp: $(resident "$slirp") kB with $n connections that are idle"
  # they go on, and others do
  run_coracle_out '?' exec many sh -c "echo one more | timeout 20 nc $address $port"
  has "$output" "one more"
  run_coracle_out 0 rm -f -t 0 many
  no_leaks
}

@test "bounds: more connections than there may be are refused at once; those that are stay, and others come when they have gone" {
  server "$address" echo
  # what the machine allows a process to open is what coracle-slirp may
  local open
  ulimit -n 500
  run_coracle_out 0 run -d --name few -v "$PEER:/peer:ro" box sleep 1000
  run_coracle_out 0 exec -d few sh -c "/peer connect $address $port 480 4096 >/first"
  wait_for 60 coracle exec few grep -q open /first
  run_coracle_out 0 exec few cat /first
  like "$output" '^4[0-9]{2} open, 0 wrong, [0-9]+ refused: '
  open=${output%% *}
  [ "$open" -lt 500 ]
  run_coracle_out 0 exec -d few sh -c "/peer connect $address $port 100 4096 >/second"
  wait_for 30 coracle exec few grep -q open /second
  run_coracle_out 0 exec few cat /second
  like "$output" '^[0-9]{1,2} open, 0 wrong, [0-9]+ refused: (Network is unreachable|No route to host|Connection refused)'
  run_coracle_out 0 exec few sh -c 'kill $(pidof peer)'
  wait_for 20 coracle exec few sh -c "echo again | timeout 5 nc $address $port | grep -q again"
  run_coracle_out 0 rm -f -t 0 few
  no_leaks
}

@test "bounds: what a container does not read is held for it up to 256 MB; beyond that there are no more connections, until it is less" {
  # of the 160 KiB that are sent to each, coracle-slirp has 128
  local n=2600 slirp
  [ "$(ulimit -Hn)" -ge $((n + 2000)) ] || skip "no more than $(ulimit -Hn) descriptors here"
  server "$address" fill
  run_coracle_out 0 run -d --name deaf -v "$PEER:/peer:ro" --ulimit nofile=2700:2700 box sleep 1000
  run_coracle_out 0 exec -d deaf sh -c "/peer connect $address $port $n 0 >/all"
  wait_for 200 coracle exec deaf grep -q open /all
  run_coracle_out 0 exec deaf cat /all
  # 256 MB are 2,048 of them; it looks once in a second
  like "$output" '^2[0-9]{3} open, 0 wrong, [0-9]+ refused: (Success|Network is unreachable)$'
  slirp=$(slirp_of deaf)
  # it refuses by its own limit
  wait_for 60 awk '/^Max open files/ { exit !($4 < 4000) }' "/proc/$slirp/limits"
  echo "slirp: $(resident "$slirp") kB with connections that nobody reads"
  [ "$(resident "$slirp")" -ge $((256 << 10)) ]
  [ "$(resident "$slirp")" -le $((400 << 10)) ]
  # a few may be where others were
  run_coracle_out 0 exec -d deaf sh -c "/peer connect $address $port 100 0 >/more"
  wait_for 30 coracle exec deaf grep -q open /more
  run_coracle_out 0 exec deaf cat /more
  like "$output" '^[0-9]{1,2} open, 0 wrong, [0-9]+ refused: Network is unreachable$'
  run_coracle_out 0 exec deaf sh -c 'kill $(pidof peer)'
  wait_for 60 at_most "$slirp" $((16 << 10))
  wait_for 20 coracle exec deaf sh -c "timeout 5 nc $address $port </dev/null | head -c 1 | grep -q ."
  run_coracle_out 0 rm -f -t 0 deaf
  no_leaks
}
