# port-helpers: for tests of published ports: a peer inside, a client outside.

PEER=$CORACLE_BIN/../tests/peer

# free_port [tcp|udp] [HOW-MANY]: the first of so many free ports in a row.
free_port() {
  python3 - "${1:-tcp}" "${2:-1}" <<'END'
import random, socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM
while True:
  first = random.randrange(20000, 32000)
  try:
    for port in range(first, first + int(sys.argv[2])):
      s = socket.socket(socket.AF_INET6, kind)
      s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
      s.bind(("::", port))
      s.close()
  except OSError:
    continue
  print(first)
  break
END
}

# say tcp|udp HOST PORT [TEXT]: what the peer answers; first the line about us ("ADDRESS PORT"), and a last line "mine PORT".
say() {
  python3 - "$@" <<'END'
import socket, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
text = (sys.argv[4] if len(sys.argv) > 4 else "").encode()
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(5)
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
  wait_for 10 sh -c "'$CORACLE' logs $name 2>/dev/null | grep -q listening"
}

host_address() { ip -4 -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }'; }
