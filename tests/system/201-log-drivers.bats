#!/usr/bin/env bats
# 201-log-drivers: what a container prints is in its log, whole and in order, whoever else looks; the monitor that writes it stays small and sleeps.
# The long version is tests/bench/logs.
# root: yes
# long: yes

load helpers

setup() {
  fixture_image box
}

state_of() { coracle inspect -f '{{.State.Status}}' "$1" 2>/dev/null; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
log_of() { coracle inspect -f '{{.HostConfig.LogConfig.Path}}' "$1"; }
monitor_of() { cut -d' ' -f1 "$RUN_ROOT/$(coracle inspect -f '{{.Id}}' "$1")/monitor.pid"; }
resident() { awk '/^Rss:/ { print $2 }' "/proc/$1/smaps_rollup"; }
wakeups() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"; }
sleeps() { # PID: not woken for two seconds
  local before
  before=$(wakeups "$1")
  sleep 2
  [ "$(wakeups "$1")" = "$before" ]
}

# numbered FILE MIB: numbered lines of several lengths.
numbered() {
  awk -v size=$(($2 * 1024 * 1024)) 'BEGIN { text = "the quick brown fox jumps over the lazy dog, "; for (i = 0; n < size; i++) {
    line = i " " substr(text text text text text, 1, (i * 7919) % 200); n += length(line) + 1; print line } }' >"$1"
}

@test "k8s-file: a line with its moment and stream; F and P" {
  run_coracle run -d --name l1 box sh -c 'echo out; echo err >&2; printf part; until [ -e /go ]; do sleep 0.05; done; echo end; printf last'
  wait_for 30 file_has "$(log_of l1)" ' P part'
  let_go l1
  wait_for 30 is_state l1 exited
  run cat "$(log_of l1)"
  date='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}[+-][0-9]{2}:[0-9]{2}'
  is "${#lines[@]}" 5
  like "$output" "(^|"$'\n'")$date stdout F out"$'\n'
  like "$output" "(^|"$'\n'")$date stderr F err"$'\n'
  like "$output" $'\n'"$date stdout P part"$'\n'
  like "$output" $'\n'"$date stdout F end"$'\n'
  like "$output" $'\n'"$date stdout P last"'$'
  is "$(stat -c %a "$(log_of l1)")" 600
  run_coracle rm l1
  no_leaks
}

@test "json-file, Docker's format: each line is an object; any bytes" {
  needs python3
  run_coracle run -d --log-driver json-file --log-opt format=docker --name l2 box sh -c 'echo "a \"b\" \\ c"; echo err >&2; sleep 0.2; printf "gr\303\274n \377 \001\n"'
  wait_for 30 is_state l2 exited
  run python3 -c '
import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line)
    assert sorted(r) == ["log", "stream", "time"] and len(r["time"]) == 30 and r["time"][-1] == "Z"
    print(r["stream"], ascii(r["log"]))' "$(log_of l2)"
  is "$status" 0
  has "$output" "stdout 'a \"b\" \\\\ c\\n'"
  has "$output" "stderr 'err\\n'"
  has "$output" "stdout 'gr\\xfcn \\ufffd \\x01\\n'"
  run_coracle rm l2
  no_leaks
}

@test "the foreground's output is logged, too, and passes on to the caller" {
  run_coracle_out 3 run --name l3 box sh -c 'echo out; echo err >&2; exit 3'
  is "$output" out
  is "$stderr" err
  run_coracle_out 0 logs l3
  is "$output" out
  is "$stderr" err
  run_coracle rm l3
  run_coracle_out 0 run --log-driver none --name l3 box echo out
  is "$output" out
  run_coracle rm l3
  run bash -c '"$CORACLE" run --rm box sh -c "seq 200000; exit 4" | md5sum; exit ${PIPESTATUS[0]}'
  is "$status" 4
  is "$output" "$(seq 200000 | md5sum)"
  no_leaks
}

@test "a terminal's output is logged as standard output" {
  run_coracle run -d -t --name l4 box sh -c 'echo out; echo err >&2'
  wait_for 30 is_state l4 exited
  run cat "$(log_of l4)"
  like "$output" $' stdout F out\r\n'
  like "$output" $' stdout F err\r$'
  run_coracle rm l4
  no_leaks
}

@test "nothing is lost or out of order, and the monitor does not grow, while a reader follows" {
  numbered "$TEST_STORE/lines" 64
  for format in k8s docker; do
    run_coracle run -d -i --log-driver json-file --log-opt format=$format --name l5 -v "$TEST_STORE/lines:/lines:ro" box sh -c 'cat /lines; read -r x'
    : >"$TEST_STORE/followed"
    "$CORACLE" logs -f l5 >"$TEST_STORE/followed" 2>/dev/null 3>&- &
    reader=$!
    monitor=$(monitor_of l5)
    size=$(stat -c %s "$TEST_STORE/lines")
    all_there() { [ "$(stat -c %s "$TEST_STORE/followed")" = "$size" ]; }
    wait_for 120 all_there || fail "$format: $(stat -c %s "$TEST_STORE/followed") of $size bytes came"
    rss=$(resident "$monitor")
    [ "$rss" -le 1024 ] || fail "the monitor has $rss KiB"
    echo end | "$CORACLE" attach l5
    wait $reader
    cmp "$TEST_STORE/lines" "$TEST_STORE/followed"
    run_coracle rm l5
  done
  rm "$TEST_STORE/lines" "$TEST_STORE/followed"
  no_leaks
}

@test "max-size: rotated files, none too large; who follows sees every line" {
  numbered "$TEST_STORE/lines" 4
  for format in k8s docker; do
    run_coracle run -d -i --log-driver json-file --log-opt format=$format --log-opt max-size=1mb --log-opt max-file=3 --name l6 -v "$TEST_STORE/lines:/lines:ro" box \
      sh -c 'while IFS= read -r line; do echo "$line"; done </lines; read -r x'
    : >"$TEST_STORE/followed"
    "$CORACLE" logs -f l6 >"$TEST_STORE/followed" 2>/dev/null 3>&- &
    reader=$!
    size=$(stat -c %s "$TEST_STORE/lines")
    all_there() { [ "$(stat -c %s "$TEST_STORE/followed")" -ge "$size" ]; }
    wait_for 120 all_there || fail "$format: $(stat -c %s "$TEST_STORE/followed") of $size bytes came"
    log=$(log_of l6)
    for file in "$log" "$log".1 "$log".2 "$log".3; do
      [ "$(stat -c %s "$file")" -le 1048576 ] || fail "$file has $(stat -c %s "$file") bytes"
    done
    [ ! -e "$log".4 ] || fail "one file too many"
    echo end | "$CORACLE" attach l6
    wait $reader
    cmp "$TEST_STORE/lines" "$TEST_STORE/followed"
    run_coracle rm l6
  done
  no_leaks
}

@test "who knows of a container's end finds its log whole" {
  local i
  for i in $(seq 10); do
    run_coracle run -d --name l7 box sh -c 'seq 3000; echo last'
    run_coracle wait l7
    [ "$(log_lines)" = 3001 ] || fail "lines of the log after wait: $(log_lines)"
    coracle rm l7
    run_coracle run -d --name l7 box sh -c 'seq 3000; echo last'
    until [ -e "$RUN_ROOT/$(coracle inspect -f '{{.Id}}' l7)/exit" ] || is_state l7 exited; do :; done
    [ "$(log_lines)" = 3001 ] || fail "lines of the log: $(log_lines)"
    coracle rm l7
  done
  no_leaks
}
log_lines() { coracle logs l7 | wc -l; }

@test "no room for the log: the container goes on, and its caller sees all" {
  run bash -c '"$CORACLE" run --rm --log-opt path=/dev/full box sh -c "seq 20000; exit 5" | md5sum; exit ${PIPESTATUS[0]}'
  is "$status" 5
  is "$output" "$(seq 20000 | md5sum)"
  no_leaks
}

@test "a log that is a pipe or a device is never rotated, nor waited for" {
  mkfifo "$TEST_STORE/pipe"
  run timeout -k 5 60 "$CORACLE" run --rm --log-opt path="$TEST_STORE/pipe" box true
  is "$status" 125 "a pipe that nobody reads"
  has "$output" "opening the log $TEST_STORE/pipe"
  cat "$TEST_STORE/pipe" >"$TEST_STORE/read" 3>&- &
  local cat=$!
  wait_for 30 waits_now "$cat"
  run_coracle 0 run --rm --log-opt path="$TEST_STORE/pipe" --log-opt max-size=1k box seq 300
  wait "$cat"
  [ -p "$TEST_STORE/pipe" ] || fail "the pipe is a file now"
  [ ! -e "$TEST_STORE/pipe.1" ] || fail "the pipe was renamed"
  has "$(tail -1 "$TEST_STORE/read")" " F 300"
  if is_root; then
    mknod "$TEST_STORE/null" c 1 3
    run_coracle 0 run --rm --log-opt path="$TEST_STORE/null" --log-opt max-size=1k box seq 300
    [ -c "$TEST_STORE/null" ] || fail "the device was renamed"
  fi
  no_leaks
}

@test "a tag of several lines, which would be fields in the journal, is refused" {
  run_coracle 125 run --rm --log-opt tag=$'x\nMESSAGE=fake' box true
  has "$output" "more than one line"
  no_leaks
}

@test "journald: the fields that a reader looks for" {
  needs python3 unshare
  [ "$(id -u)" = 0 ] || skip "needs a journal's socket of its own"
  cat >"$TEST_STORE/journal.py" <<'PY'
import os, socket, subprocess, sys
os.makedirs("/run/systemd/journal")
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/run/systemd/journal/socket")
p = subprocess.Popen(sys.argv[1:])
s.settimeout(60)
for _ in range(3):
    m = s.recv(65536).decode()
    print("|".join(l for l in m.split("\n") if not l.startswith("CONTAINER_ID")))
    assert "\nCONTAINER_ID_FULL=" in m
sys.exit(p.wait())
PY
  run unshare -m sh -c 'mount -t tmpfs none /run && exec "$@"' sh python3 "$TEST_STORE/journal.py" "$CORACLE" run --rm --name l8 --log-driver journald --log-opt 'tag={{.Name}}-tag' --log-opt 'label=CONTAINER_IMAGE={{.ImageName}}' --log-opt label=SITE=here box \
    sh -c 'echo out; sleep 0.1; echo err >&2; sleep 0.1; printf part'
  is "$status" 0
  has "$output" "MESSAGE=out|PRIORITY=6|CONTAINER_NAME=l8|CONTAINER_TAG=l8-tag|SYSLOG_IDENTIFIER=l8-tag"
  has "$output" "MESSAGE=err|PRIORITY=3|"
  has "$output" "MESSAGE=part|CONTAINER_PARTIAL_MESSAGE=true|PRIORITY=6|"
  no_leaks
}

@test "journald: the end is told when the journal has taken all" {
  needs python3 unshare
  [ "$(id -u)" = 0 ] || skip "needs a journal's socket of its own"
  cat >"$TEST_STORE/slow.py" <<'PY'
import os, socket, subprocess, sys, time
os.makedirs("/run/systemd/journal")
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/run/systemd/journal/socket")
p = subprocess.Popen(sys.argv[1:])
lines = []
while p.poll() is None:
    s.settimeout(0.2)
    try:
        lines.append(s.recv(65536).decode().split("\n")[0])
    except TimeoutError:
        pass
    time.sleep(0.05)
s.setblocking(False)
try:
    lines.append("left: " + s.recv(65536).decode().split("\n")[0])
except BlockingIOError:
    pass
print(len(lines), lines[-1])
PY
  run unshare -m sh -c 'mount -t tmpfs none /run && exec "$@"' sh python3 "$TEST_STORE/slow.py" "$CORACLE" run --rm --attach stdin --network none --log-driver journald box seq 30
  is "$status" 0
  is "${lines[-1]}" "30 MESSAGE=30"
  no_leaks
}

@test "journald: a lot at once, followed by logs -f: nothing is lost or reordered" {
  [ -S /run/systemd/journal/socket ] || skip "no systemd-journald on this machine"
  needs journalctl
  # more than journald's own limit (RateLimitBurst, 10000 in 30 s) where that was lifted
  local n=${CORACLE_JOURNAL_LINES:-5000} begun took
  run_coracle run -d --name l10 --log-driver journald box sh -c "echo first; sleep 2; exec seq 1 $n"
  wait_for 30 sh -c "journalctl -q CONTAINER_NAME=l10 2>/dev/null | grep -q first" || skip "this user may not read the journal"
  begun=$(date +%s%N)
  timeout "$((CORACLE_TEST_TIMEOUT * 4))" "$CORACLE" logs -f l10 >"$BATS_TEST_TMPDIR/followed" 3>&-
  took=$((($(date +%s%N) - begun) / 1000000))
  (echo first; seq 1 "$n") >"$BATS_TEST_TMPDIR/expected"
  cmp "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/followed"
  coracle logs l10 >"$BATS_TEST_TMPDIR/read"
  cmp "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/read"
  echo "# journald: $n lines logged, followed and compared in $took ms" >&3
  run_coracle rm l10
  no_leaks
}

@test "the monitor of an idle container is small and sleeps" {
  run_coracle run -d --name l9 box sleep 1000
  monitor=$(monitor_of l9)
  # what its start had left to do is done some time; one that is woken now and then is never found asleep
  wait_for 30 sleeps "$monitor"
  rss=$(resident "$monitor")
  [ "$rss" -le 1024 ] || fail "the monitor has $rss KiB"
  run_coracle rm -f -t 0 l9
  no_leaks
}
