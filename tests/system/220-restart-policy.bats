#!/usr/bin/env bats
# 220-restart-policy: the monitor starts a container again, by itself, with pauses; whoever stops the container ends that.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

count() { coracle inspect --format '{{.RestartCount}}' "$1"; }
counted() { [ "$(count "$1")" -ge "$2" ]; }
state() { coracle inspect --format '{{.State.Status}}' "$1"; }
has_state() { [ "$(state "$1")" = "$2" ]; }
logged() { [ "$(coracle logs "$1" | wc -l)" -ge "$2" ]; }
nobody_left() { [ -z "$(left_processes)" ]; }
runs() { coracle exec "$1" cat /runs 2>/dev/null | wc -l; }

@test "restart: on-failure:N starts it N times more, and the last status stays" {
  run_coracle 0 run -d --name three --restart on-failure:3 box sh -c 'echo run; exit 7'
  wait_for 30 logged three 4
  wait_for 30 has_state three exited
  is "$(count three)" "3" "restarts"
  run_coracle_out 0 inspect --format '{{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' three
  is "$output" "7 on-failure 3" "how it ended"
  run_coracle_out 0 logs three
  is "$output" $'run\nrun\nrun\nrun' "the log goes on over restarts"
  run_coracle 0 rm three
  no_leaks
}

@test "restart: on-failure leaves a success alone" {
  run_coracle 0 run -d --name fine --restart on-failure box true
  wait_for 30 has_state fine exited
  is "$(count fine)" "0" "restarts"
  run_coracle 0 rm fine
  no_leaks
}

@test "restart: always: files, standard input, network and terminal are there again; only the processes are new" {
  run_coracle 0 run -d -i -t --name again --restart always box sh -c 'until [ -e /go ]; do sleep 0.05; done; date >>/runs; ip addr show tap0 >>/net; tty >>/tty; [ "$(wc -l </runs)" -ge 3 ] && exec sleep 1000; exit 1'
  local first last
  first=$(coracle inspect --format '{{.State.StartedAt.UnixMicro}}' again)
  let_go again
  wait_for 30 counted again 2
  wait_for 30 has_state again running
  wait_for 30 command_is again "sleep 1000"
  is "$(runs again)" "3" "runs"
  run_coracle_out 0 exec again sh -c 'grep -c 10.0.2.100 /net; sort -u /tty; cat /proc/1/cmdline | tr "\0" " "'
  is "$output" $'3\n/dev/pts/0\nsleep 1000 ' "a network, a terminal, the command"
  run_coracle_out 0 inspect --format '{{.State.Running}} {{.State.Status}}' again
  is "$output" "true running" "inspect"
  run_coracle_out 0 ps --format '{{.Names}} {{.Status}}'
  like "$output" '^again Up (Less than a second|[0-9]+ seconds?)' "up"
  last=$(coracle inspect --format '{{.State.StartedAt.UnixMicro}}' again)
  [ "$last" -gt "$first" ] || fail "started at $last, and before that at $first"
  is "$(coracle ps --format json | jq '.[0].StartedAt')" "$((last / 1000000))" "up since the last start"
  run_coracle 0 rm -f -t 0 again
  no_leaks
}

@test "restart: pauses double, so that a command that fails at once does not keep the machine busy" {
  run_coracle 0 run -d --name busy --restart always box sh -c 'echo run; exit 1'
  wait_for 60 logged busy 7
  # between two lines of the log at least 0.1, 0.2, 0.4, 0.8, 1.6, 3.2 seconds
  run_coracle_out 0 logs -t busy
  awk '{ split($1, t, /[T:+Z]/); now = t[2] * 3600 + t[3] * 60 + t[4] }
    NR > 1 && now >= last && now - last < 0.1 * 2 ^ (NR - 2) { print "after run " NR - 1 ": " now - last " s"; bad = 1 }
    { last = now } END { exit bad }' <<<"$output" || fail "too early"
  # the state in a pause, of 6.4 seconds
  wait_for 30 has_state busy exited
  local before after n
  before=$(date +%s%N)
  run_coracle 0 stop -t 5 busy
  after=$(date +%s%N)
  [ $((after - before)) -lt 5500000000 ] || fail "stop waited for the pause: $(((after - before) / 1000000)) ms"
  # nobody is left who could start it again
  n=$(count busy)
  wait_for 20 nobody_left
  is "$(count busy) $(state busy)" "$n exited" "no restart after stop"
  run_coracle_out 0 inspect --format '{{.State.ExitCode}}' busy
  is "$output" "1" "the status of the last run"
  run_coracle 0 rm busy
  no_leaks
}

@test "restart: stop and kill end it, start begins anew" {
  run_coracle 0 run -d --name stopped --restart always box sleep 1000
  run_coracle 0 stop -t 0 stopped
  is "$(state stopped)" "exited"
  run_coracle 0 start stopped
  is "$(state stopped)" "running"
  is "$(count stopped)" "0" "restarts are counted from the start"
  run_coracle 0 kill stopped
  wait_for 30 has_state stopped exited
  sleep 0.4
  is "$(state stopped)" "exited" "killed by the user: no restart"
  run_coracle 0 rm stopped
  no_leaks
}

@test "restart: init killed from outside is a failure like any other" {
  run_coracle 0 run -d --name victim --restart unless-stopped box sleep 1000
  local pid
  pid=$(coracle inspect --format '{{.State.Pid}}' victim)
  coracle unshare kill -KILL "$pid"
  wait_for 30 counted victim 1
  wait_for 30 has_state victim running
  isnt "$(coracle inspect --format '{{.State.Pid}}' victim)" "$pid" "another process"
  run_coracle 0 exec victim true
  run_coracle 0 rm -f -t 0 victim
  no_leaks
}

@test "restart: who is attached is let go at the first end" {
  run_coracle 3 run --name front --restart on-failure:1 box sh -c 'echo hello; exit 3'
  is "$output" "hello" "one run's output"
  wait_for 30 counted front 1
  wait_for 30 has_state front exited
  run_coracle 0 rm -f front
  no_leaks
}

@test "restart: removed while it waits for its next start" {
  run_coracle 0 run -d --name gone --restart always box false
  wait_for 30 counted gone 3
  run_coracle 0 rm -f -t 0 gone
  run_coracle 1 container exists gone
  no_leaks
}

@test "restart: a start that fails is recorded as an end" {
  run_coracle 0 run -d --name broken --restart always box sh -c 'rm -f /bin/sh; exit 5'
  wait_for 30 counted broken 2
  # no such command
  ended_so() { [ "$(coracle inspect --format '{{.State.ExitCode}} {{.State.Status}}' broken)" = "127 exited" ]; }
  wait_for 30 ended_so
  run_coracle 0 stop -t 0 broken
  run_coracle 0 rm broken
  no_leaks
}

@test "restart: the monitor stays small, and sleeps while its container runs" {
  run_coracle 0 run -d --name quiet --restart always box sh -c 'test -e /once && exec sleep 1000; : >/once; exit 1'
  wait_for 30 counted quiet 1
  wait_for 30 has_state quiet running
  local monitor rss before after
  monitor=$(coracle inspect --format '{{.State.ConmonPid}}' quiet)
  # exact, which VmRSS is not: it may be off by 32 pages for each processor
  rss=$(awk '/^Rss:/ { print $2 }' "/proc/$monitor/smaps_rollup")
  [ "$rss" -le 1024 ] || fail "resident after a restart: $rss KiB"
  # what the start had left to do is done some time; one that is woken now and then is never found asleep
  sleeps() {
    before=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$monitor/status")
    sleep 1
    after=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$monitor/status")
    [ "$before" = "$after" ]
  }
  wait_for 30 sleeps
  run_coracle 0 rm -f -t 0 quiet
  no_leaks
}

@test "restart: policies that are none, and what they do not go with" {
  run_coracle 125 run --restart bad box true
  like "$output" '^Error: .*"bad" is not a valid restart policy: invalid argument'
  run_coracle 125 run --restart always:3 box true
  is "$output" "Error: restart policy retries can only be specified with on-failure restart policy"
  run_coracle 125 run --rm --restart always box true
  is "$output" 'Error: the --rm option conflicts with --restart, when the restartPolicy is not "" and "no"'
  no_leaks
}
