#!/usr/bin/env bats
# 416-net-crowd: a hundred containers join and leave one network at once: every address is another's, names are known right after each step, nothing is left; kill -9 of whoever serves
# meanwhile; and input that nobody should send.

load helpers
load net-helpers

setup_file() {
  basic_setup_file
  export CORACLE_TEST_TIMEOUT=240
  fixture_image box
}

teardown() { netd_teardown; }

# addresses: "NAME ADDRESS" of all on the network.
addresses() {
  coracle network inspect -f '{{range .Containers}}{{.Name}} {{range .Interfaces}}{{range .Subnets}}{{.IPNet}}{{end}}{{end}}
{{end}}' crowd | grep . | sed 's|/.*||'
}

# look_up NAME…: "NAME ADDRESS" as DNS has them, asked by one container in one go
look_up() {
  coracle exec asker sh -c 'for n; do echo "$n" $(nslookup -type=a "$n.dns.podman" 2>&1 | sed -n "s/^Address: //p;s/.*NXDOMAIN.*/none/p" | head -1); done' sh "$@"
}

@test "crowd: a hundred join and leave at once" {
  local n=${CORACLE_TEST_CROWD:-100} i
  run_coracle network create --subnet 10.96.0.0/16 crowd
  run_coracle run -d --name asker --network crowd box sleep 1000
  for i in $(seq "$n"); do coracle run -d --name "m$i" --network crowd box sleep 1000 & done >/dev/null
  wait
  addresses >"$TMPDIR/all"
  is "$(wc -l <"$TMPDIR/all")" $((n + 1)) "all are there"
  is "$(cut -d' ' -f2 "$TMPDIR/all" | sort -u | wc -l)" $((n + 1)) "every address is another's"
  # shellcheck disable=SC2046 # names
  is "$(look_up $(seq -f 'm%g' "$n") | sort)" "$(grep -v ^asker "$TMPDIR/all" | sort)" "all are found by name"
  # every second one leaves, all at once, while as many come
  for i in $(seq 2 2 "$n"); do
    coracle rm -f -t 0 "m$i" &
    coracle run -d --name "n$i" --network crowd box sleep 1000 &
  done >/dev/null
  wait
  addresses >"$TMPDIR/all"
  is "$(cut -d' ' -f2 "$TMPDIR/all" | sort -u | wc -l)" $((n + 1))
  # shellcheck disable=SC2046 # names
  is "$(look_up $(seq -f 'm%g' 2 2 "$n") | cut -d' ' -f2 | sort -u)" none "who has gone is unknown at once"
  # shellcheck disable=SC2046 # names
  is "$(look_up $(seq -f 'm%g' 1 2 "$n") $(seq -f 'n%g' 2 2 "$n") | sort)" "$(grep -v ^asker "$TMPDIR/all" | sort)"
  # live: all leave the network and come back
  for i in $(seq 1 2 "$n"); do coracle network disconnect crowd "m$i" & done
  wait
  # shellcheck disable=SC2046 # names
  is "$(look_up $(seq -f 'm%g' 1 2 "$n") | cut -d' ' -f2 | sort -u)" none
  for i in $(seq 1 2 "$n"); do coracle network connect crowd "m$i" & done
  wait
  addresses >"$TMPDIR/all"
  is "$(cut -d' ' -f2 "$TMPDIR/all" | sort -u | wc -l)" $((n + 1))
  # shellcheck disable=SC2046 # names
  is "$(look_up $(seq -f 'm%g' 1 2 "$n") | sort)" "$(grep ^m "$TMPDIR/all" | sort)"
  # and all are killed at once, monitors and all
  pkill -9 -f "coracle-monitor.*$RUN_ROOT" || true
  run_coracle rm -af -t 0
  wait_for 60 no_netd
  is "$(ls "$RUN_ROOT" | grep -c -E '^[0-9a-f]{64}$' || true)" 0 "no run folder is left"
  no_leaks
}

@test "crowd: the owner of the networks is killed while they join" {
  local n=${CORACLE_TEST_CROWD:-30} i pid
  [ "$n" -le 30 ] || n=30
  run_coracle network create --subnet 10.97.0.0/24 crowd
  run_coracle run -d --name asker --network crowd box sleep 1000
  for i in $(seq "$n"); do
    coracle run -d --name "k$i" --network crowd box sleep 1000 >/dev/null 2>"$TMPDIR/why$i" &
    if [ $((i % 10)) = 0 ]; then
      pid=$(pgrep -o -f "coracle-netd $RUN_ROOT netd") && kill -9 "$pid" || true
    fi
  done
  wait
  run_coracle network reload --all
  addresses >"$TMPDIR/all"
  is "$(cut -d' ' -f2 "$TMPDIR/all" | sort | uniq -d)" "" "no address twice"
  # those that did not make it said why; all others are found
  local alive
  alive=$(coracle ps --format '{{.Names}}' | grep -c '^k')
  is "$(grep -c ^k "$TMPDIR/all")" "$alive"
  for i in $(seq "$n"); do
    grep -q "^k$i " "$TMPDIR/all" || like "$(cat "$TMPDIR/why$i")" '^Error: '
  done
  [ "$alive" -ge $((n / 2)) ] || fail "only $alive of $n came up"
  # shellcheck disable=SC2046 # names
  is "$(look_up $(grep -o '^k[0-9]*' "$TMPDIR/all") | sort)" "$(grep ^k "$TMPDIR/all" | sort)"
  run_coracle rm -af -t 0
  wait_for 60 no_netd
}

@test "bad input: what is not right changes nothing" {
  run_coracle network create --subnet 10.98.0.0/24 crowd
  run_coracle run -d --name asker --network crowd box sleep 1000
  local before
  before=$(coracle network inspect crowd)
  local id
  id=$(coracle inspect -f '{{.Id}}' asker)
  local -a cases=(
    "125|network create --subnet 10.98.0.128/25 n|subnet 10.98.0.128/25 is already used on the host or by another config"
    "125|network create crowd|network name crowd already used: network already exists"
    "125|network connect crowd asker|container $id is already connected to network \"crowd\": network is already connected"
    "2|network rm crowd|\"crowd\" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used"
    "125|run --rm --network crowd:ip=10.98.1.1 box true|requested static ip 10.98.1.1 not in any subnet on network crowd"
    "125|run --rm --network crowd:ip=10.98.0 box true|invalid ip address \"10.98.0\""
    "125|run --rm --network crowd:mac=zz box true|address zz: invalid MAC address"
    "125|run --rm --network crowd:bogus=1 box true|unknown bridge network option: bogus"
    "125|run --rm --network crowd:alias= box true|alias cannot be empty: invalid argument"
    "125|run --rm --network crowd:interface_name=a/b box true|interface_name a/b: not the name of an interface: at most 15 characters, without '/', ':' and spaces"
    "125|run --rm --network crowd:interface_name=lo box true|interface name lo is already in use by the container"
    "125|run --rm --network crowd --network none box true|can only set extra network names, selected mode none conflicts with bridge: invalid argument"
    "125|run --rm --network none --ip 10.98.0.9 box true|invalid config provided: networks and static ip/mac address can only be used with Bridge mode networking: say --network NAME, too"
    "125|network disconnect nosuch asker|unable to find network with name or ID nosuch: network not found"
    "125|network update crowd --dns-add 1.2.3|unable to parse ip 1.2.3 specified in AddDNSServer: invalid argument"
  )
  local case status text words
  for case in "${cases[@]}"; do
    IFS='|' read -r status words text <<<"$case"
    # shellcheck disable=SC2086 # words
    run_coracle '?' $words
    is "${lines[0]}" "Error: $text" "$words"
  done
  is "$(coracle network inspect crowd)" "$before"
  is "$(coracle network ls -q | tr '\n' ' ')" "crowd podman "
  is "$(coracle ps -aq | wc -l)" 1
  # an interface of a foreign name that is in use; the second container takes it all back
  run_coracle run -d --name second --network crowd:host_interface_name=mine box sleep 1000
  run_coracle '?' run --rm --network crowd:host_interface_name=mine box true
  is "$output" "Error: interface name mine is already in use on the host"
  run_coracle run --rm --network crowd box true
}

@test "bad input: whoever speaks with coracle-netd in its own words" {
  needs python3
  run_coracle network create --subnet 10.99.0.0/24 crowd
  run_coracle run -d --name asker --network crowd box sleep 1000
  run -0 python3 - "$RUN_ROOT/netd/socket" <<'END'
import json, os, random, socket, sys
random.seed(7)
os.chdir(os.path.dirname(sys.argv[1]))
def say(data, fds=()):
  s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
  s.settimeout(30)
  s.connect("socket")
  socket.send_fds(s, [data], fds) if fds else s.send(data)
  answer = s.recv(1 << 17)
  s.close()
  return answer
whole = json.dumps({"op": "setup", "id": "a" * 64, "name": "x", "dns": [], "networks": []}).encode()
bad = [b"{", b"[]", b"null", b"{}", b'{"op":1}', b'{"op":"setup"}', b'{"op":"setup","id":"../../x","name":"y"}', b'{"op":"connect","id":"' + b"b" * 64 + b'"}', b'{"op":"left"}', b'{"op":"config"}',
       b'{"op":"disconnect","id":7}', b'{"op":"setup","id":"' + b"c" * 64 + b'","name":"y","networks":[1,{},{"config":{}},{"config":{"name":"a","id":"' + b"d" * 64 + b'","driver":"bridge","created":"x"}}]}']
for data in bad:
  answer = say(data)
  assert data == b'{"op":"left"}' or b'"error"' in answer, (data, answer)
for _ in range(300):
  data = bytearray(whole)
  for _ in range(random.randrange(1, 6)):
    data[random.randrange(len(data))] = random.randrange(256)
  say(bytes(data))
# a descriptor that is no user namespace; more of them than are wanted
null = os.open("/dev/null", os.O_RDONLY)
assert b'"error"' in say(whole, [null])
say(b"{}", [null] * 5)
# many who say nothing
silent = []
for _ in range(200):
  s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
  s.connect("socket")
  silent.append(s)
print("done")
END
  is "$output" "done"
  run_coracle_out 0 run --rm --network crowd box nslookup -type=a asker
  has "$output" "Address: 10.99.0.2"
  run_coracle rm -af -t 0
  wait_for 60 no_netd
}
