# port-helpers: for tests of published ports: a peer inside, a client outside.

PEER=$CORACLE_BIN/../tests/peer

# port_lot: the first of 400 ports that are this file's alone, for this user: no test that runs at the same moment takes one between a look at it and its use, nor does the kernel,
# which gives out those from 32768 on.
port_lot() {
  local number=${BATS_TEST_FILENAME##*/}
  number=$((2 * 10#${number%%[!0-9]*} + (UID == 0)))
  echo $((20000 + number % 30 * 400))
}

# free_port [tcp|udp] [HOW-MANY]: the first of so many free ports in a row, none of which was given before.
free_port() {
  python3 - "${1:-tcp}" "${2:-1}" "$(port_lot)" "$TEST_STORE/next-port" <<'END'
import os, socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM
many, lot, state = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
at = int(open(state).read()) if os.path.exists(state) else 0
while True:
  at = at if at + many <= 400 else 0
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
import os, socket, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
text = (sys.argv[4] if len(sys.argv) > 4 else "").encode()
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(int(os.environ.get("SAY_SECONDS", "20")))
s.connect((host, port))
out = b""
if kind == "tcp":
  s.sendall(text)
  s.shutdown(socket.SHUT_WR)
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
