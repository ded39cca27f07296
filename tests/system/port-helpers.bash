# port-helpers: for tests of published ports: a peer inside, a client outside.

PEER=$CORACLE_BIN/../tests/peer

# port_lot: "FIRST N": as many ports that are this file's alone, for this user: no test that runs at the same moment takes one between a look at it and its use, nor does the kernel,
# which gives out those from 32768 on. Every file that asks for ports has its place among them.
port_lot() {
  local all file place=0 many
  all=$(cd "$TESTS_DIR/system" && grep -lE '^load (port|registry)-helpers' ./*.bats)
  many=$((12000 / (2 * $(wc -l <<<"$all"))))
  for file in $all; do
    [ "${file##*/}" != "${BATS_TEST_FILENAME##*/}" ] || break
    place=$((place + 1))
  done
  echo "$((20000 + (2 * place + (UID == 0)) * many)) $many"
}

# free_port [tcp|udp] [HOW-MANY]: the first of so many free ports in a row, none of which was given before.
free_port() {
  # shellcheck disable=SC2046 # two words
  python3 - "${1:-tcp}" "${2:-1}" "$TEST_STORE/next-port" $(port_lot) <<'END'
import os, socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM
many, state, lot, size = int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
at = int(open(state).read()) if os.path.exists(state) else 0
while True:
  at = at if at + many <= size else 0
  first, at = lot + at, at + many
  try:
    for port in range(first, first + many):
      with socket.socket(socket.AF_INET6, kind) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", port))
  except OSError:
    continue
  open(state, "w").write(str(at))
  print(first)
  break
END
}

# say tcp|udp HOST PORT [TEXT]: what the peer answers; first the line about us ("ADDRESS PORT"), and a last line "mine PORT".
say() {
  python3 - "$@" <<'END'
import errno, os, socket, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
text = (sys.argv[4] if len(sys.argv) > 4 else "").encode()
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(int(os.environ.get("SAY_SECONDS", "20")))
s.connect((host, port))
out = b""
if kind == "tcp":
  s.sendall(text)
  try:
    s.shutdown(socket.SHUT_WR)
  except OSError as e:
    # refused already: how, the next call tells
    if e.errno != errno.ENOTCONN:
      raise
  while True:
    data = s.recv(65536)
    if not data:
      break
    out += data
else:
  s.send(text)
  out = s.recv(65536)
sys.stdout.write(out.decode() + "\nmine %d\n" % s.getsockname()[1])
END
}

# run_peer NAME ARGS…: a container with the peer on ports 80 (TCP) and 90 (UDP), which answers when this returns.
run_peer() {
  local name=$1
  shift
  run_coracle 0 run -d --name "$name" -v "$PEER:/peer:ro" "$@" box /peer 80 90
  wait_for 20 logs_say "$name" listening
}

host_address() { ip -4 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }'; }
