#!/usr/bin/env bats
# 453-port-early: published ports: what a client says before anybody can answer arrives, as soon as there is a service; and so does the end of what it says.
# root: yes

load helpers
load port-helpers

setup() {
  fixture_image box
  needs python3
  [ -x "$PEER" ] || skip "tests/peer is not built (make unit-programs)"
}

@test "early: said, and closed for writing, at once: the answer is whole" {
  local t
  t=$(free_port tcp)
  run_peer web -p "$t:80"
  run -0 python3 - "$t" <<'END'
import socket, sys
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
  for size in (0, 1, 16384, 16385, 200000):
    s = socket.socket(family)
    s.settimeout(60)
    s.connect((host, int(sys.argv[1])))
    data = bytes(i % 251 for i in range(size))
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    got = b""
    while True:
      part = s.recv(65536)
      if not part:
        break
      got += part
    line, rest = got.split(b"\n", 1)
    assert rest == data, (size, len(rest))
print("whole")
END
  is "$output" whole
  run_coracle 0 rm -f -t 0 web
  no_leaks
}

@test "early: many clients that speak at once keep their addresses, each with its own answer" {
  local t
  t=$(free_port tcp)
  run_peer web -p "$t:80"
  run -0 python3 - "$t" <<'END'
import socket, sys
for turn in range(5):
  all = []
  for i in range(60):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
    s.sendall(b"word %d" % i)
    s.shutdown(socket.SHUT_WR)
    all.append(s)
  for i, s in enumerate(all):
    mine = s.getsockname()[1]
    got = b""
    while True:
      part = s.recv(4096)
      if not part:
        break
      got += part
    line, rest = got.split(b"\n", 1)
    assert line == b"10.0.2.2 %d" % mine, (line, mine)
    assert rest == b"word %d" % i, rest
    s.close()
print("all")
END
  is "$output" all
  run_coracle 0 rm -f -t 0 web
}
