# terminal: commands on a real terminal, made by python3's pty. A file that loads this has a setup that calls terminal_setup.

terminal_setup() {
  needs python3
  driver=$TEST_STORE/driver.py
  [ -e "$driver" ] || cat >"$driver" <<'PY'
# driver.py ROWS COLUMNS SCRIPT ARGS…: run ARGS on a terminal of that size. SCRIPT, line by line: "send TEXT", "expect TEXT", "resize ROWS COLUMNS", "wait SECONDS",
# "raw"/"cooked": what the terminal must be, "signal NUMBER" to the command, "note FILE": make it. Prints what came; exits with the command's status, 99 if an expectation fails.
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
        end = time.time() + 30
        while rest not in seen[mark:]:
            if time.time() > end:
                fail("never came: %r" % rest)
            read(0.1)
        mark = seen.index(rest, mark) + len(rest)
    elif word == "wait":
        end = time.time() + float(rest)
        while time.time() < end:
            read(0.05)
    elif word == "resize":
        r, c = rest.split()
        size(int(r), int(c))
        os.kill(pid, 28)
    elif word == "signal":
        os.kill(pid, int(rest))
    elif word == "note":
        open(rest, "w").close()
    elif word in ("raw", "cooked"):
        end = time.time() + 30
        while bool(termios.tcgetattr(slave)[3] & termios.ICANON) != (word == "cooked"):
            if time.time() > end:
                fail("the terminal is not " + word)
            read(0.05)
status = None
end = time.time() + 40
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
  run timeout 120 python3 "$driver" "$rows" "$columns" "$script" "$(command -v "$CORACLE")" "$@"
  show_run "$expected" "on a terminal: coracle $*"
}
