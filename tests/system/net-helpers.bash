# net-helpers: for tests of what containers reach: servers on this machine, a Debian image, what is asked of a network from inside.

# netd_teardown: for files whose networks have the same addresses in each test: what one leaves to the next is nothing
no_netd() { ! pgrep -f "coracle-netd $RUN_ROOT netd" >/dev/null; }

netd_teardown() {
  coracle rm -af -t 0 >/dev/null 2>&1 || true
  coracle network prune -f >/dev/null 2>&1 || true
  wait_for 40 no_netd
  basic_teardown
}

# a Debian that tests may import; where none can be made, needs_debian skips
debian_setup_file() {
  basic_setup_file
  DEBIAN_TAR=$(fixture debian.tar 2>"$TEST_STORE/why") || DEBIAN_TAR=
  export DEBIAN_TAR
  [ -z "$DEBIAN_TAR" ] || coracle import -q --change 'CMD ["bash"]' "$DEBIAN_TAR" debian
}

needs_debian() {
  [ -n "$DEBIAN_TAR" ] || skip "no Debian image could be made: $(tail -n 1 "$TEST_STORE/why")"
}

host_address() { ip -4 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }'; }

# host_address6: not of fd00::/64, which is slirp's own: what a container says to that stays there.
host_address6() { ip -6 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); if ($4 !~ /^fd00::[0-9a-f]*$/) { print $4; exit } }'; }

# server ADDRESS KIND [MB]: sets $port, adds to $servers. echo: sends back what comes, any number of connections; bulk: to each so many MB, whose digest it writes to
# $TEST_STORE/digest; fill: to each 160 KiB, and nothing more
server() {
  rm -f "$TEST_STORE/port" "$TEST_STORE/digest"
  python3 -c '
import asyncio, hashlib, os, resource, sys
address, kind, store, size = sys.argv[1:]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
async def echo(reader, writer):
  while data := await reader.read(65536):
    writer.write(data)
    await writer.drain()
  writer.close()
async def bulk(reader, writer):
  block, digest = os.urandom(1 << 20), hashlib.sha256()
  for i in range(int(size)):
    piece = i.to_bytes(8, "big") + block[8:]
    digest.update(piece)
    writer.write(piece)
    await writer.drain()
  with open(store + "/digest.new", "w") as f:
    f.write(digest.hexdigest())
  os.rename(store + "/digest.new", store + "/digest")
  writer.close()
async def fill(reader, writer):
  writer.write(bytes(160 << 10))
  await reader.read()
  writer.close()
async def main():
  s = await asyncio.start_server({"echo": echo, "bulk": bulk, "fill": fill}[kind], address, 0, backlog=4096)
  with open(store + "/port.new", "w") as f:
    f.write(str(s.sockets[0].getsockname()[1]))
  os.rename(store + "/port.new", store + "/port")
  await s.serve_forever()
asyncio.run(main())
' "$1" "$2" "$TEST_STORE" "${3:-1}" </dev/null >/dev/null 2>&1 3>&- &
  servers="${servers-} $!"
  wait_for 20 test -e "$TEST_STORE/port"
  port=$(cat "$TEST_STORE/port")
}

stop_servers() {
  local pid
  for pid in ${servers-}; do kill "$pid" 2>/dev/null || true; done
  servers=
}

# perl ADDRESS PORT N: so many connections at once, each with its own line there and back: prints "N of N"
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

# perl: the first name server is asked one thing over UDP and TCP: prints "udp ID" and "tcp ID", 4711 each if all is well
ask_dns='
    my ($server) = map { /^nameserver\s+(\S+)/ ? $1 : () } do { open my $f, "<", "/etc/resolv.conf"; <$f> };
    my $question = pack "nnnnnn", 4711, 0x0100, 1, 0, 0, 0;
    $question .= join("", map { pack "C/a", $_ } qw(deb debian org)) . pack "Cnn", 0, 1, 1;
    my $udp = IO::Socket::INET->new (Proto => "udp", PeerAddr => $server, PeerPort => 53) or die "udp: $@";
    $udp->send ($question);
    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 60;
    $udp->recv (my $answer, 4096);
    print "udp ", unpack ("n", $answer), "\n";
    my $tcp = IO::Socket::INET->new (Proto => "tcp", PeerAddr => $server, PeerPort => 53) or die "tcp: $@";
    $tcp->print (pack "n/a", $question);
    $tcp->flush;
    read $tcp, my $head, 4;
    print "tcp ", (unpack "nn", $head)[1], "\n";'

# has_dns_over_tcp: does this machine's own resolver speak it?
has_dns_over_tcp() {
  python3 -c '
import socket, struct
server = [l.split()[1] for l in open("/etc/resolv.conf") if l.startswith("nameserver")][0]
question = struct.pack("!HHHHHH", 4711, 256, 1, 0, 0, 0) + b"\3deb\6debian\3org\0" + struct.pack("!HH", 1, 1)
s = socket.create_connection((server, 53), timeout=5)
s.sendall(struct.pack("!H", len(question)) + question)
raise SystemExit(s.recv(4)[2:] != question[:2])' 2>/dev/null
}
