#!/usr/bin/env bats
# 431-slirp-debian: a Debian container on the default network: what 441 does not ask of every kind of network: thousands of connections in bounded memory, a guest that sends what
# no kernel would, what is out of reach. Needs a Debian mirror that the machine itself can reach.

load helpers
load net-helpers

setup_file() {
  debian_setup_file
  export CORACLE_TEST_TIMEOUT=280
}

setup() {
  needs_debian
  needs python3
  address=$(host_address)
}

teardown() {
  stop_servers
  basic_teardown
}

slirp_of() { pgrep -P "$(coracle inspect --format '{{.State.ConmonPid}}' "$1")" coracle-slirp; }
resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }

shrunk() { [ "$(resident "$1")" -le "$2" ]; }

# libslirp looks at every connection in every turn: ten thousand take minutes to make, so that is for CORACLE_TEST_LONG=1
@test "slirp and Debian: thousands of connections in bounded memory" {
  [ -n "$address" ] || skip "no address but loopback"
  local n=2500 slirp size
  [ -z "${CORACLE_TEST_LONG-}" ] || n=10000
  [ "$(ulimit -Hn)" -ge $((n + 2000)) ] || skip "no more than $(ulimit -Hn) descriptors here"
  server "$address" echo
  run_coracle_out 0 run -d --name many -e STAY=1 --ulimit "nofile=$((n + 1000)):$((n + 1000))" debian perl -e "$connect_many" "$address" "$port" "$n"
  wait_for 600 logs_say many "$n of $n"
  slirp=$(slirp_of many)
  size=$(resident "$slirp")
  echo "slirp: $size kB with $n connections"
  # of a connection's two buffers of 192 kB up to two thirds are touched when many are made at once
  [ "$size" -le $((8192 + n * 150)) ] || fail "$size kB"
  # another process of the container is still served
  run_coracle_out 0 exec many bash -c "exec 3<>/dev/tcp/$address/$port; echo one more >&3; read -r line <&3; echo \$line"
  is "$output" "one more"
  run_coracle_out 0 rm -f -t 0 many
  no_leaks
}

@test "slirp and Debian: frames that no kernel would send" {
  [ -n "$address" ] || skip "no address but loopback"
  server "$address" echo
  run_coracle_out 0 run -d --name hostile --cap-add NET_RAW debian sleep 1000
  run_coracle_out 0 exec hostile bash -c "exec 3<>/dev/tcp/$address/$port; echo before >&3; read -r line <&3; echo \$line"
  is "$output" "before"
  local slirp
  slirp=$(slirp_of hostile)
  run_coracle_out 0 exec hostile perl -MSocket -e '
    # AF_PACKET, SOCK_RAW; struct sockaddr_ll
    socket my $s, 17, 3, 0 or die "socket: $!";
    open my $f, "<", "/sys/class/net/tap0/ifindex"; my $index = 0 + <$f>;
    open $f, "<", "/sys/class/net/tap0/address"; my $mac = pack "H12", <$f> =~ s/[:\n]//gr;
    my $to = pack "SnLSCCa8", 17, 0, $index, 0, 0, 6, "";
    my ($me, $gateway) = map { inet_aton $_ } "10.0.2.100", "10.0.2.2";
    sub sum { my $d = shift; $d .= "\0" if length ($d) % 2; my $s = 0; $s += $_ for unpack "n*", $d; $s = ($s & 65535) + ($s >> 16) while $s >> 16; ~$s & 65535 }
    sub ipv4 { my ($field, $protocol, $target, $data) = @_;
      my $h = pack "CCnnnCCna4a4", 69, 0, 20 + length $data, rand 65536, $field, 64, $protocol, 0, $me, $target; substr $h, 10, 2, pack "n", sum $h; pack ("H12", "52550a000202") . $mac . "\x08\0$h$data" }
    my $sent = 0;
    sub throw { $sent++ if defined send $s, $_[0], 0, $to }
    # a lone last piece, which libslirp 4.7 falls over; endless beginnings; overlaps
    throw (ipv4 (185, 17, $gateway, "b" x 528)) for 1 .. 100;
    throw (ipv4 (0x2000, 17, $gateway, "a" x 1480)) for 1 .. 5000;
    throw (ipv4 (0x2000 | rand 8192, 1 + rand 20, $gateway, "o" x (8 * int rand 180))) for 1 .. 5000;
    # lengths, options, protocols and types of every kind
    for (1 .. 20000) {
      my $frame = ipv4 (rand () < 0.2 ? rand 65536 : 0, (1, 6, 17, 58, rand 256)[rand 5], $gateway, join "", map { chr rand 256 } 1 .. rand 80);
      substr $frame, 12 + rand (length ($frame) - 12), 1, chr rand 256 for 1 .. rand 4;
      throw (substr $frame, 0, rand () < 0.2 ? 14 + rand length $frame : 9999);
    }
    throw (pack ("H12", "52550a000202") . $mac . join "", map { chr rand 256 } 1 .. 2 + rand 200) for 1 .. 5000;
    # and the truth about our own address again
    throw (pack ("H12", "52550a000202") . $mac . pack ("nnnCCna6a4a6a4", 0x0806, 1, 0x0800, 6, 4, 1, $mac, $me, "", $gateway)) for 1 .. 3;
    print $sent > 30000 ? "thrown\n" : "only $sent\n";'
  is "$output" "thrown"
  run_coracle_out 0 exec hostile bash -c "exec 3<>/dev/tcp/$address/$port; echo after >&3; read -r line <&3; echo \$line"
  is "$output" "after"
  is "$(slirp_of hostile)" "$slirp" "the same slirp"
  [ "$(resident "$slirp")" -le 65536 ] || fail "slirp has grown to $(resident "$slirp") kB"
  run_coracle_out 0 rm -f -t 0 hostile
  no_leaks
}

@test "slirp and Debian: out of reach: the machine's loopback, its abstract sockets, its namespaces" {
  needs python3
  server 127.0.0.1 echo
  python3 -c '
import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind("\0coracle-test-" + __import__("sys").argv[1])
s.listen(1)
time.sleep(1000)' "$$" </dev/null >/dev/null 2>&1 3>&- &
  servers="$servers $!"
  wait_for 20 grep -q "@coracle-test-$$" /proc/net/unix
  local target
  for target in 127.0.0.1 10.0.2.2 10.0.2.3 0.0.0.0 ::1 fd00::2 fd00::3 ::ffff:127.0.0.1; do
    run_coracle '?' run --rm debian timeout 5 bash -c "exec 3<>/dev/tcp/$target/$port && echo in >&3 && read -r -t 2 line <&3 && echo reached"
    not_like "$output" "reached" "$target"
  done
  run_coracle_out 0 run --rm debian perl -MSocket -e 'socket my $s, AF_UNIX, SOCK_STREAM, 0; print connect ($s, pack "Sa*", AF_UNIX, "\0coracle-test-'"$$"'") ? "in" : "out"'
  is "$output" "out" "an abstract socket"
  run_coracle_out 0 run --rm debian grep -c coracle-test /proc/net/unix || is "$output" 0
}
