#!/usr/bin/env bats
# 431-slirp-debian: a Debian container on the default network does what people do: apt-get update, ping, DNS over UDP and TCP, a large download, IPv6, a thousand connections at
# once; thousands in bounded memory; a guest that sends what no kernel would. Needs a Debian mirror that the machine itself can reach.

load helpers

setup_file() {
  basic_setup_file
  export CORACLE_TEST_TIMEOUT=280
  DEBIAN_TAR=$(fixture debian.tar 2>"$TEST_STORE/why") || DEBIAN_TAR=
  export DEBIAN_TAR
  [ -z "$DEBIAN_TAR" ] || coracle import -q --change 'CMD ["bash"]' "$DEBIAN_TAR" debian
}

setup() {
  [ -n "$DEBIAN_TAR" ] || skip "no Debian image could be made: $(tail -n 1 "$TEST_STORE/why")"
  needs python3
  address=$(ip -4 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }')
}

teardown() {
  local pid
  for pid in ${servers-}; do kill "$pid" 2>/dev/null || true; done
  basic_teardown
}

# server ADDRESS KIND: echo: sends back what comes, any number of connections; bulk: to each, 1 GB whose digest it writes to $TEST_STORE/digest
server() {
  rm -f "$TEST_STORE/port"
  python3 -c '
import asyncio, hashlib, os, resource, sys
address, kind, store = sys.argv[1:]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
async def echo(reader, writer):
  while data := await reader.read(65536):
    writer.write(data)
    await writer.drain()
  writer.close()
async def bulk(reader, writer):
  block, digest = os.urandom(1 << 20), hashlib.sha256()
  for i in range(1024):
    piece = i.to_bytes(8, "big") + block[8:]
    digest.update(piece)
    writer.write(piece)
    await writer.drain()
  with open(store + "/digest.new", "w") as f:
    f.write(digest.hexdigest())
  os.rename(store + "/digest.new", store + "/digest")
  writer.close()
async def main():
  s = await asyncio.start_server(echo if kind == "echo" else bulk, address, 0, backlog=4096)
  with open(store + "/port.new", "w") as f:
    f.write(str(s.sockets[0].getsockname()[1]))
  os.rename(store + "/port.new", store + "/port")
  await s.serve_forever()
asyncio.run(main())
' "$1" "$2" "$TEST_STORE" </dev/null >/dev/null 2>&1 3>&- &
  servers="${servers-} $!"
  wait_for 10 test -e "$TEST_STORE/port"
  port=$(cat "$TEST_STORE/port")
}

slirp_of() { pgrep -P "$(coracle inspect --format '{{.State.ConmonPid}}' "$1")" coracle-slirp; }
resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }

@test "slirp and Debian: apt-get update, ping without a capability" {
  run_coracle_out 0 run --name apt debian bash -euc '
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends iputils-ping
    # with the capability of its file it would have to be allowed that; without, an ICMP socket does
    setcap -r /usr/bin/ping
    ping -c 2 -W 2 10.0.2.2
    ping -c 1 -W 2 10.0.2.3
    if [ -e /proc/net/if_inet6 ]; then ping -6 -c 1 -W 2 fd00::2; fi
    ping -c 1 -W 2 '"${address:-10.0.2.2}"' || echo "beyond the gateway: only where the machine lets this user ping"'
  has "$output" "2 received" "the gateway"
  like "$output" "1 received"
  run_coracle_out 0 rm apt
}

dns_over_tcp() {
  python3 -c '
import socket, struct
server = [l.split()[1] for l in open("/etc/resolv.conf") if l.startswith("nameserver")][0]
question = struct.pack("!HHHHHH", 4711, 256, 1, 0, 0, 0) + b"\3deb\6debian\3org\0" + struct.pack("!HH", 1, 1)
s = socket.create_connection((server, 53), timeout=5)
s.sendall(struct.pack("!H", len(question)) + question)
raise SystemExit(s.recv(4)[2:] != question[:2])' 2>/dev/null
}

@test "slirp and Debian: DNS over UDP and over TCP" {
  # an answer to the same question is what counts: which one depends on the machine's resolver
  run_coracle_out 0 run --rm debian perl -MIO::Socket::INET -e '
    my ($server) = map { /^nameserver\s+(\S+)/ ? $1 : () } do { open my $f, "<", "/etc/resolv.conf"; <$f> };
    my $question = pack "nnnnnn", 4711, 0x0100, 1, 0, 0, 0;
    $question .= join("", map { pack "C/a", $_ } qw(deb debian org)) . pack "Cnn", 0, 1, 1;
    my $udp = IO::Socket::INET->new (Proto => "udp", PeerAddr => $server, PeerPort => 53) or die "udp: $@";
    $udp->send ($question);
    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 20;
    $udp->recv (my $answer, 4096);
    print "udp ", unpack ("n", $answer), "\n";
    my $tcp = IO::Socket::INET->new (Proto => "tcp", PeerAddr => $server, PeerPort => 53) or die "tcp: $@";
    $tcp->print (pack "n/a", $question);
    $tcp->flush;
    read $tcp, my $head, 4;
    print "tcp ", (unpack "nn", $head)[1], "\n";'
  is "${lines[0]}" "udp 4711"
  # a machine whose own resolver does not speak TCP has none to show (a server of our own is asked in tests/unit/test-slirp)
  if dns_over_tcp; then is "${lines[1]}" "tcp 4711"; else like "${lines[1]}" "^tcp "; fi
}

@test "slirp and Debian: 1 GB downloaded from this machine by its own address, whole" {
  [ -n "$address" ] || skip "no address but loopback"
  server "$address" bulk
  run_coracle_out 0 run --rm debian bash -c "exec 3<>/dev/tcp/$address/$port; sha256sum <&3"
  wait_for 10 test -e "$TEST_STORE/digest"
  is "${output%% *}" "$(cat "$TEST_STORE/digest")"
}

@test "slirp and Debian: IPv6 to this machine" {
  [ -e /proc/net/if_inet6 ] || skip "no IPv6"
  local six
  # fd00::/64 is the network's own: the machine's loopback is reached in its place, where that is allowed
  six=$(ip -6 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); if ($4 !~ /^fd00::/) { print $4; exit } }')
  server "${six:-::1}" echo
  run_coracle_out 0 run --rm --network slirp4netns:allow_host_loopback=true debian bash -c "exec 3<>/dev/tcp/${six:-fd00::2}/$port; echo over six >&3; read -r line <&3; echo \$line"
  is "$output" "over six"
}

connect_many='
  use IO::Socket::INET;
  my ($address, $port, $n) = @ARGV;
  my @all;
  while (@all < $n) {
    my $from = @all;
    push @all, map { IO::Socket::INET->new (PeerAddr => $address, PeerPort => $port, Blocking => 0) or die "number $_: $! $@" } 1 .. ($n - $from < 500 ? $n - $from : 500);
    for my $i ($from .. $#all) { vec (my $bits = "", fileno $all[$i], 1) = 1; select undef, $bits, undef, 60 or die "number $i"; $all[$i]->blocking (1); $all[$i]->print ("number $i\n"); $all[$i]->flush }
  }
  my $good = 0;
  for my $i (0 .. $#all) { $good++ if readline ($all[$i]) eq "number $i\n" }
  $| = 1;
  print "$good of $n\n";
  sleep 1000 if $ENV{STAY};'

@test "slirp and Debian: 1,000 connections at once" {
  [ -n "$address" ] || skip "no address but loopback"
  server "$address" echo
  run_coracle_out 0 run --rm --ulimit nofile=4096:4096 debian perl -e "$connect_many" "$address" "$port" 1000
  is "$output" "1000 of 1000"
}

logs_have() { [[ $(coracle logs "$1" 2>&1) == *"$2"* ]]; }
shrunk() { [ "$(resident "$1")" -le "$2" ]; }

# libslirp looks at every connection in every turn: ten thousand take minutes to make, so that is for CORACLE_TEST_LONG=1
@test "slirp and Debian: thousands of connections in bounded memory" {
  [ -n "$address" ] || skip "no address but loopback"
  local n=2500 slirp size
  [ -z "${CORACLE_TEST_LONG-}" ] || n=10000
  [ "$(ulimit -Hn)" -ge $((n + 2000)) ] || skip "no more than $(ulimit -Hn) descriptors here"
  server "$address" echo
  run_coracle_out 0 run -d --name many -e STAY=1 --ulimit "nofile=$((n + 1000)):$((n + 1000))" debian perl -e "$connect_many" "$address" "$port" "$n"
  wait_for 600 logs_have many "$n of $n"
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
time.sleep(120)' "$$" </dev/null >/dev/null 2>&1 3>&- &
  servers="$servers $!"
  wait_for 5 grep -q "@coracle-test-$$" /proc/net/unix
  local target
  for target in 127.0.0.1 10.0.2.2 10.0.2.3 0.0.0.0 ::1 fd00::2 fd00::3 ::ffff:127.0.0.1; do
    run_coracle '?' run --rm debian timeout 5 bash -c "exec 3<>/dev/tcp/$target/$port && echo in >&3 && read -r -t 2 line <&3 && echo reached"
    not_like "$output" "reached" "$target"
  done
  run_coracle_out 0 run --rm debian perl -MSocket -e 'socket my $s, AF_UNIX, SOCK_STREAM, 0; print connect ($s, pack "Sa*", AF_UNIX, "\0coracle-test-'"$$"'") ? "in" : "out"'
  is "$output" "out" "an abstract socket"
  run_coracle_out 0 run --rm debian grep -c coracle-test /proc/net/unix || is "$output" 0
}
