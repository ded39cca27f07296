#!/usr/bin/env bats
# 417-net-hostile: a container that sends what nobody should, on a named network: frames, pieces of datagrams, DNS bombs, floods of connections; and what it must not reach. The processes that
# serve the network stay the same, small, and serve others.
# long: yes

load helpers

setup_file() {
  basic_setup_file
  export CORACLE_TEST_TIMEOUT=200
  fixture_image box
  DEBIAN_TAR=$(fixture debian.tar 2>"$TEST_STORE/why") || DEBIAN_TAR=
  export DEBIAN_TAR
  [ -z "$DEBIAN_TAR" ] || coracle import -q --change 'CMD ["bash"]' "$DEBIAN_TAR" debian
}

setup() {
  [ -n "$DEBIAN_TAR" ] || skip "no Debian image could be made: $(tail -n 1 "$TEST_STORE/why")"
  coracle network create --subnet 10.100.1.0/24 --subnet fd00:100:1::/64 back >/dev/null
  coracle run -d --name db --network back box sleep 1000 >/dev/null
  coracle run -d --name app --network back box sleep 1000 >/dev/null
  coracle run -d --name hostile --cap-add NET_RAW --cap-add NET_ADMIN --network back debian sleep 1000 >/dev/null
  # all of them have begun, and nobody who does one thing only is there
  wait_for 40 resolves
  wait_for 20 settled
  before=$(processes)
}

settled() {
  local now
  now=$(processes)
  sleep 0.5
  [[ $(ps -o comm= -p "${now//$'\n'/,}") == *coracle-slirp* ]] && [ "$(processes)" = "$now" ]
}

resolves() { [[ $(coracle exec app nslookup -type=a db 2>&1) == *'Address: 10.100.1.2'* ]]; }
same_processes() { [ "$(processes)" = "$before" ]; }

no_netd() { ! pgrep -f "coracle-netd $RUN_ROOT netd" >/dev/null; }

# what a test leaves to the next one is nothing: addresses begin anew
teardown() {
  local pid
  for pid in ${servers-}; do kill "$pid" 2>/dev/null || true; done
  coracle rm -af -t 0 >/dev/null 2>&1 || true
  coracle network prune -f >/dev/null 2>&1 || true
  wait_for 40 no_netd
  basic_teardown
}

# processes: that serve the networks of this store, by number.
processes() {
  local pid
  for pid in $(pgrep -f "coracle-netd $RUN_ROOT netd"); do
    echo "$pid"
    pgrep -P "$pid" -x coracle-slirp || true
  done | sort -nu
}

# still_served: the others are, by the same processes, which have not grown.
still_served() {
  local pid
  wait_for 60 resolves
  # and those who do one thing only, when somebody comes or goes, have done it
  wait_for 20 same_processes || is "$(processes)" "$before" "the same processes"
  for pid in $before; do
    [ "$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")" -le 98304 ] || [[ $CORACLE_BIN == *address* ]] || fail "$(cat "/proc/$pid/comm") has grown: $(grep VmRSS "/proc/$pid/status")"
  done
}

# shellcheck disable=SC2016 # perl
FRAMES='
  use Socket;
  socket my $s, 17, 3, 0 or die "socket: $!";
  open my $f, "<", "/sys/class/net/eth0/ifindex"; my $index = 0 + <$f>;
  open $f, "<", "/sys/class/net/eth0/address"; my $mac = pack "H12", <$f> =~ s/[:\n]//gr;
  my $gateway_mac = pack "H12", (`cat /proc/net/arp` =~ /^10\.100\.1\.1 .*?([0-9a-f:]{17})/m)[0] =~ s/://gr;
  my $to = pack "SnLSCCa8", 17, 0, $index, 0, 0, 6, "";
  my ($me, $gateway) = map { inet_aton $_ } "10.100.1.4", "10.100.1.1";
  sub sum { my $d = shift; $d .= "\0" if length ($d) % 2; my $s = 0; $s += $_ for unpack "n*", $d; $s = ($s & 65535) + ($s >> 16) while $s >> 16; ~$s & 65535 }
  sub ipv4 { my ($field, $protocol, $target, $data, $source) = @_; $source //= $me;
    my $h = pack "CCnnnCCna4a4", 69, 0, 20 + length $data, rand 65536, $field, 64, $protocol, 0, $source, $target; substr $h, 10, 2, pack "n", sum $h; $gateway_mac . $mac . "\x08\0$h$data" }
  my $sent = 0;
  sub throw { $sent++ if defined send $s, $_[0], 0, $to }
'

@test "hostile: frames that no kernel would send, pieces of datagrams, other hosts' names" {
  coracle exec hostile bash -c 'exec 3<>/dev/udp/10.100.1.1/9; echo x >&3' || true
  # shellcheck disable=SC2016 # perl
  run_coracle_out 0 exec hostile perl -e "$FRAMES"'
    my $out = inet_aton "192.0.2.7";
    for my $target ($gateway, $out) {
      throw (ipv4 (185, 17, $target, "b" x 528)) for 1 .. 100;
      throw (ipv4 (0x2000, 17, $target, "a" x 1400)) for 1 .. 3000;
      throw (ipv4 (0x2000 | rand 8192, 1 + rand 20, $target, "o" x (8 * int rand 170))) for 1 .. 3000;
      for (1 .. 10000) {
        my $frame = ipv4 (rand () < 0.2 ? rand 65536 : 0, (1, 6, 17, 58, rand 256)[rand 5], $target, join "", map { chr rand 256 } 1 .. rand 80);
        substr $frame, 12 + rand (length ($frame) - 12), 1, chr rand 256 for 1 .. rand 4;
        throw (substr $frame, 0, rand () < 0.2 ? 14 + rand length $frame : 9999);
      }
    }
    # IPv6, ARP, and whatever
    throw ($gateway_mac . $mac . "\x86\xdd" . join "", map { chr rand 256 } 1 .. 40 + rand 200) for 1 .. 3000;
    throw (("\xff" x 6) . $mac . join "", map { chr rand 256 } 1 .. 2 + rand 200) for 1 .. 3000;
    print $sent > 15000 ? "thrown\n" : "only $sent\n";'
  is "$output" "thrown"
  still_served
}

@test "hostile: DNS bombs" {
  # shellcheck disable=SC2016 # perl
  run_coracle_out 0 exec hostile perl -e '
    use Socket; use IO::Socket::INET; $SIG{PIPE} = "IGNORE";
    my $u = IO::Socket::INET->new (Proto => "udp", PeerAddr => "10.100.1.1", PeerPort => 53) or die;
    my $q = pack ("n6", 4660, 256, 1, 0, 0, 0);
    my @bombs = (
      $q . "\xc0\x0c" . pack ("nn", 1, 1), $q . "\xc0\xff" . pack ("nn", 1, 1), $q . "\x3f" . "a" x 63 . "\xc0\x0c" . pack ("nn", 1, 1),
      $q . ("\x01a" x 127) . "\0" . pack ("nn", 255, 1), $q . ("\x3f" . "a" x 63) x 40, $q . "\x40", "", "\0", pack ("n6", 1, 0x8180, 1, 1, 1, 1), pack ("n6", 1, 256, 65535, 65535, 65535, 65535),
      pack ("n6", 7, 256, 1, 0, 0, 1) . "\x02db\0" . pack ("nn", 1, 1) . "\0" . pack ("nnNn", 41, 65535, 0, 65535), pack ("n6", 7, 256, 1, 0, 0, 200) . "\x02db\0" . pack ("nn", 1, 1) . "\xc0\x0c" x 400);
    for my $n (1 .. 20000) {
      my $b = $bombs[rand @bombs];
      $b .= "\0" x 12 if length $b < 12 && rand () < 0.5;
      substr $b, rand length $b, 1, chr rand 256 for 1 .. (length $b ? rand 6 : 0);
      send $u, $b, 0;
    }
    # questions for others, by the ten thousand: few of them are under way at a time
    for my $n (1 .. 20000) { send $u, pack ("n6", $n & 65535, 256, 1, 0, 0, 0) . pack ("C/a*", "x$n") . "\x07invalid\0" . pack ("nn", 1, 1), 0 }
    # by TCP: lengths that never come, many connections
    my @all;
    for my $n (1 .. 600) {
      my $t = IO::Socket::INET->new (Proto => "tcp", PeerAddr => "10.100.1.1", PeerPort => 53, Timeout => 1) or next;
      syswrite $t, pack ("n", 65535) . "x" x 4000;
      push @all, $t;
    }
    # questions without end, whose answers nobody takes
    @all = map { IO::Socket::INET->new (Proto => "tcp", PeerAddr => "10.100.1.1", PeerPort => 53, Timeout => 1, Blocking => 0) } 1 .. 50;
    my $many = (pack ("n", 20) . pack ("n6", 4660, 256, 1, 0, 0, 0) . "\x02db\0" . pack ("nn", 1, 1)) x 2000;
    for (1 .. 100) { defined $_ and syswrite $_, $many for @all; select undef, undef, undef, 0.01 }
    print "thrown\n";'
  is "$output" thrown
  still_served
  run_coracle_out 0 exec app sh -c "printf '\\000\\024\\022\\064\\001\\000\\000\\001\\000\\000\\000\\000\\000\\000\\002db\\000\\000\\001\\000\\001' | nc -w 20 10.100.1.1 53 | od -An -tx1 | tr -d ' \\n'"
  has "$output" 0a640102 "by TCP as well"
}

@test "hostile: floods of connections, to the name server and through the way out" {
  coracle exec hostile bash -c 'exec 3<>/dev/udp/10.100.1.1/9; echo x >&3' || true
  # shellcheck disable=SC2016 # perl
  run_coracle_out 0 exec hostile perl -e "$FRAMES"'
    my $out = inet_aton "192.0.2.7";
    sub tcp { my ($source, $target, $port, $flags) = @_;
      my $t = pack "nnNNCCnnn", 1024 + rand 60000, $port, rand 2 ** 32, 0, 80, $flags, 65535, 0, 0;
      substr $t, 16, 2, pack "n", sum ($source . $target . pack ("CCn", 0, 6, length $t) . $t);
      ipv4 (0, 6, $target, $t, $source) }
    for (1 .. 20000) {
      throw (tcp ($me, $gateway, 53, 2));
      throw (tcp ($me, $out, 1 + rand 65535, 2));
      throw (tcp (pack ("C4", 10, 100, 1, 5 + rand 250), $gateway, 53, rand 64)) if rand () < 0.2;
    }
    print $sent > 30000 ? "thrown\n" : "only $sent\n";'
  is "$output" thrown
  still_served
}

@test "hostile: out of reach: the machine's loopback, another store's containers, internal networks" {
  needs python3
  python3 -c '
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0)); s.listen(50)
open(sys.argv[1], "w").write(str(s.getsockname()[1]))
while True:
  c, _ = s.accept(); c.send(b"reached\n"); c.close()' "$TEST_STORE/loop" </dev/null >/dev/null 2>&1 3>&- &
  servers=$!
  wait_for 20 test -s "$TEST_STORE/loop"
  local port target
  port=$(cat "$TEST_STORE/loop")
  for target in 127.0.0.1 10.0.2.2 10.0.2.3 10.100.1.1 0.0.0.0 ::1 fd00::2 fd00:100:1::1 ::ffff:127.0.0.1; do
    run_coracle '?' exec hostile timeout 3 bash -c "exec 3<>/dev/tcp/$target/$port && read -r -t 1 line <&3 && echo \$line"
    not_like "$output" reached "$target"
  done
  # a route of its own making leads nowhere either
  run_coracle '?' run --rm --cap-add NET_ADMIN --network back box sh -c "ip route add 10.0.2.0/24 via 10.100.1.1; ip route add table 9 127.0.0.0/8 via 10.100.1.1 dev eth0; ip rule add pref 1 to 127.0.0.0/8 table 9; ip rule del pref 0
    sysctl -w net.ipv4.conf.eth0.route_localnet=1; nc -w 2 127.0.0.1 $port; nc -w 2 10.0.2.2 $port"
  not_like "$output" reached
  # another store's networks are another namespace: the same addresses, other containers
  local other=(--root "$TEST_STORE/other" --runroot "$TEST_STORE/other-run")
  coracle "${other[@]}" import -q --change 'CMD ["sh"]' "$(fixture busybox.tar)" box
  run_coracle "${other[@]}" network create --subnet 10.100.2.0/24 back
  run_coracle "${other[@]}" run -d --name secret --network back box sh -c 'echo reached >/said; while true; do nc -l -p 80 </said; done'
  run_coracle '?' exec hostile timeout 3 bash -c 'exec 3<>/dev/tcp/10.100.2.2/80 && read -r -t 1 line <&3 && echo $line'
  not_like "$output" reached
  run_coracle '?' exec app nslookup -type=a secret.dns.podman
  has "$output" NXDOMAIN
  run_coracle "${other[@]}" rm -af -t 0
  # an internal network, from another one
  run_coracle network create --internal --subnet 10.100.3.0/24 inner
  run_coracle run -d --name vault --network inner box sh -c 'echo reached >/said; while true; do nc -l -p 80 </said; done'
  run_coracle '?' exec hostile timeout 3 bash -c 'exec 3<>/dev/tcp/10.100.3.2/80 && read -r -t 1 line <&3 && echo $line'
  not_like "$output" reached
  still_served
}

@test "hostile: somebody else's address, and the gateway's" {
  # it takes another one's address, and speaks for it and for the gateway: they answer for themselves again as soon as it has gone
  run_coracle_out 0 run -d --name thief --cap-add NET_ADMIN --cap-add NET_RAW --network back box sleep 1000
  run_coracle_out 0 exec thief sh -c 'ip addr add 10.100.1.2/24 dev eth0; ip addr add 10.100.1.1/24 dev eth0; ip addr add 10.100.1.200/24 dev eth0
    ip link set dev eth0 down; ip link set dev eth0 address 02:00:00:00:00:01; ip link set dev eth0 up; arping -q -A -c 2 -I eth0 10.100.1.2 2>/dev/null; echo done'
  is "$output" "done"
  run_coracle rm -f -t 0 thief
  still_served
  # who asks from an address that is nobody's is told no names
  run_coracle_out '?' run --rm --cap-add NET_ADMIN --network back box sh -c 'ip addr flush dev eth0; ip addr add 10.100.1.99/24 dev eth0; nslookup -type=a db.dns.podman 10.100.1.1'
  not_like "$output" 10.100.1.2
  still_served
}
