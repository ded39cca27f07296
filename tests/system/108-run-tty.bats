#!/usr/bin/env bats
# 108-run-tty: -t and -it on a real terminal (made by python3's pty): raw mode, sizes, Ctrl-C, and the terminal as it was afterwards.
# root: yes

load helpers

setup() {
  fixture_image box
  needs python3
  driver=$TEST_STORE/driver.py
  [ -e "$driver" ] || cat >"$driver" <<'PY'
# driver.py ROWS COLUMNS SCRIPT ARGS…: run ARGS on a terminal of that size. SCRIPT, line by line: "send TEXT", "expect TEXT", "resize ROWS COLUMNS",
# "raw"/"cooked": what the terminal must be. Prints what came; exits with the command's status, 99 if an expectation fails.
import fcntl, os, pty, select, struct, sys, termios, time

rows, columns, script, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
master, slave = pty.openpty()

def size(r, c):
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", r, c, 0, 0))

size(rows, columns)
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.closerange(3, 64)
    os.execv(argv[0], argv)
seen = b""
mark = 0

def read(timeout):
    global seen
    ready, _, _ = select.select([master], [], [], timeout)
    if ready:
        try:
            seen += os.read(master, 65536)
        except OSError:
            return False
    return True

def fail(text):
    sys.stdout.write(seen.decode(errors="replace"))
    sys.stdout.write("\n#| driver: " + text + "\n")
    os.kill(pid, 9)
    sys.exit(99)

for line in script.split("\n"):
    word, _, rest = line.strip().partition(" ")
    rest = rest.encode().decode("unicode_escape").encode("latin-1")
    if word == "send":
        os.write(master, rest)
    elif word == "expect":
        end = time.time() + 10
        while rest not in seen[mark:]:
            if time.time() > end:
                fail("never came: %r" % rest)
            read(0.1)
        mark = seen.index(rest, mark) + len(rest)
    elif word == "resize":
        r, c = rest.split()
        size(int(r), int(c))
        os.kill(pid, 28)
    elif word in ("raw", "cooked"):
        end = time.time() + 5
        while bool(termios.tcgetattr(slave)[3] & termios.ICANON) != (word == "cooked"):
            if time.time() > end:
                fail("the terminal is not " + word)
            read(0.05)
status = None
end = time.time() + 20
while time.time() < end:
    read(0.05)
    done, code = os.waitpid(pid, os.WNOHANG)
    if done:
        status = os.waitstatus_to_exitcode(code)
        break
if status is None:
    fail("the command does not end")
while select.select([master], [], [], 0.1)[0]:
    if not read(0):
        break
after = termios.tcgetattr(slave)
sys.stdout.write(seen.decode(errors="replace").replace("\r\n", "\n"))
if after != before:
    fail("the terminal's settings are not as before: %r %r" % (before, after))
sys.exit(status if status >= 0 else 128 - status)
PY
}

on_terminal() { # STATUS ROWSxCOLUMNS SCRIPT ARGS…
  local expected=$1 rows=${2%x*} columns=${2#*x} script=$3
  shift 3
  run timeout 60 python3 "$driver" "$rows" "$columns" "$script" "$(command -v "$CORACLE")" "$@"
  show_run "$expected" "on a terminal: coracle $*"
}

@test "tty: -t gives a terminal, without it there is none" {
  run_coracle_out 0 run --rm -t box tty
  like "$output" '^/dev/(pts/0|console)'
  run_coracle 1 run --rm box tty
  run_coracle_out 0 run --rm -t box sh -c 'echo one; echo two >&2'
  is "$(tr -d '\r' <<<"$output")" $'one\ntwo' "both streams are one"
  run_coracle 5 run --rm -t box sh -c 'exit 5'
}

@test "tty: -it on a terminal: its size, raw mode, the status" {
  on_terminal 3 33x99 'expect 33 99
raw
send exit 3\n' run --rm -it box sh -c 'stty size; exec sh'
}

@test "tty: what is typed arrives, and is echoed by the container's terminal alone" {
  on_terminal 0 24x80 'expect ready
send hello\n
expect hello
expect got hello' run --rm -it box sh -c 'echo ready; read line; echo got $line'
  is "$(grep -c '^hello$' <<<"$output")" "1" "echoed once"
}

@test "tty: resizing" {
  on_terminal 0 24x80 'expect 24 80
raw
resize 40 120
expect 40 120' run --rm -it box sh -c 'trap "stty size; exit 0" WINCH; stty size; while :; do sleep 0.05; done'
}

@test "tty: Ctrl-C is the container's" {
  on_terminal 7 24x80 'expect ready
raw
send \x03
expect caught' run --rm -it box sh -c 'trap "echo caught; exit 7" INT; echo ready; while :; do sleep 0.05; done'
}

@test "tty: Ctrl-D ends a shell" {
  on_terminal 0 24x80 'expect #
raw
send \x04' run --rm -it box sh
}

@test "tty: the terminal is as before after an error, and after the container is killed" {
  on_terminal 127 24x80 '' run --rm -it box no-such-program
  has "$output" "no-such-program"
  on_terminal 125 24x80 '' run --rm -it --no-such-flag box sh
  on_terminal 137 24x80 'expect ready
raw' run --rm -it --name killed --timeout 2 box sh -c 'echo ready; exec sleep 60' || on_terminal 255 24x80 'expect ready' run --rm -it --timeout 1 box sh -c 'echo ready; exec sleep 60'
}

@test "tty: Ctrl-C before and without -i ends the command" {
  on_terminal '?' 24x80 'expect ready
send \x03' run --rm box sh -c 'trap "exit 9" INT; echo ready; while :; do sleep 0.05; done'
  like "$status" '^(9|130)$'
}

@test "tty: big output through a terminal is whole" {
  run_coracle_out 0 run --rm -t box seq 1 20000
  is "$(tr -d '\r' <<<"$output" | md5sum)" "$(seq 1 20000 | md5sum)"
}

@test "tty: the standard streams are the terminal; TERM is set; a user may open it" {
  on_terminal 0 24x80 'expect xterm
expect fine' run --rm -it -u user box sh -c 'echo $TERM; echo x >/dev/tty && test -t 0 && test -t 1 && test -t 2 && echo fine'
}

@test "tty: -i with a terminal but without -t passes bytes on" {
  on_terminal 0 24x80 'expect ready
send one\n
expect got one' run --rm -i box sh -c 'echo ready; read line; echo got $line'
}
