#!/usr/bin/env bats
# 292-restart-again: what a start by the restart policy has of the first: the pid file, the hooks of poststart, the caller's open files.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

inspect() { coracle inspect --format "$1" "$2"; }
restarted() { [ "$(inspect '{{.RestartCount}}' "$1")" -ge "$2" ] && [ "$(inspect '{{.State.Status}}' "$1")" = running ]; }
said() { [ "$(wc -l <"$TEST_STORE/three")" = "$1" ]; }
pid_is_new() { [ "$(cat "$TEST_STORE/pid")" = "$(inspect '{{.State.Pid}}' "$1")" ]; }

@test "restart: --pidfile has the process that runs now; --conmon-pidfile is the same monitor" {
  cd "$TEST_STORE"
  run_coracle 0 run -d --name r1 --restart always --pidfile pid --conmon-pidfile cpid box sleep 1000
  local first monitor
  first=$(cat "$TEST_STORE/pid") monitor=$(cat "$TEST_STORE/cpid")
  is "$first" "$(inspect '{{.State.Pid}}' r1)"
  cd /
  kill -KILL "$first"
  wait_for 20 restarted r1 1
  wait_for 20 pid_is_new r1
  isnt "$(cat "$TEST_STORE/pid")" "$first"
  is "$monitor" "$(inspect '{{.State.ConmonPid}}' r1)"
  run_coracle 0 stop -t 0 r1
  run_coracle 0 start r1
  is "$(cat "$TEST_STORE/pid")" "$(inspect '{{.State.Pid}}' r1)" "a start from another folder"
  run_coracle 0 rm -f -t 0 r1
  no_leaks
}

@test "restart: the hooks of poststart run at every start, and see the process" {
  mkdir "$TEST_STORE/hooks" "$TEST_STORE/seen"
  cat >"$TEST_STORE/hooks/hook" <<X
#!/bin/sh
cat >"$TEST_STORE/state"
echo "\$1 \$(sed 's/.*"status": *"\([a-z]*\)".*/\1/' "$TEST_STORE/state")" >>"$TEST_STORE/ran"
case \$1 in poststart) : >"$TEST_STORE/seen/started" ;; poststop) rm "$TEST_STORE/seen/started" ;; esac
X
  chmod 755 "$TEST_STORE/hooks/hook"
  for stage in prestart poststart poststop; do
    printf '{"version":"1.0.0","hook":{"path":"%s","args":["hook","%s"]},"when":{"always":true},"stages":["%s"]}' "$TEST_STORE/hooks/hook" $stage $stage >"$TEST_STORE/hooks/$stage.json"
  done
  # a hook of poststart runs beside the command, which waits for it here
  run_coracle 0 run -d --name h1 --restart on-failure:2 --hooks-dir "$TEST_STORE/hooks" -v "$TEST_STORE/seen:/seen" box sh -c 'until [ -e /seen/started ]; do sleep 0.05; done; exit 3'
  all_ran() { [ "$(grep -c poststop "$TEST_STORE/ran")" = 3 ]; }
  wait_for 20 all_ran
  is "$(tr '\n' , <"$TEST_STORE/ran")" "prestart creating,poststart running,poststop stopped,prestart creating,poststart running,poststop stopped,prestart creating,poststart running,poststop stopped,"
  run_coracle 0 wait h1
  run_coracle 0 rm h1
  no_leaks
}

@test "restart: a hook of poststart that does not end is no reason to keep an ended container" {
  mkdir "$TEST_STORE/slow"
  printf '#!/bin/sh\n[ ! -e "%s" ] || exec sleep 300\n: >"%s"\n' "$TEST_STORE/once" "$TEST_STORE/once" >"$TEST_STORE/slow/hook"
  chmod 755 "$TEST_STORE/slow/hook"
  printf '{"version":"1.0.0","hook":{"path":"%s"},"when":{"always":true},"stages":["poststart"]}' "$TEST_STORE/slow/hook" >"$TEST_STORE/slow/hook.json"
  run_coracle 0 run -d --name h2 --restart always --hooks-dir "$TEST_STORE/slow" box sleep 1000
  kill -KILL "$(inspect '{{.State.Pid}}' h2)"
  wait_for 20 restarted h2 1
  run_coracle 0 rm -f -t 0 h2
  no_leaks
}

@test "restart: --preserve-fds and --preserve-fd are there at every start" {
  : >"$TEST_STORE/three"
  echo content >"$TEST_STORE/forty"
  run bash -c 'exec 3>>"$1" 9>>"$1" 40<"$2"; "$0" run -d --name f1 --restart on-failure:2 --preserve-fd 9,40 box sh -c "echo nine \$(ls /proc/self/fd) >&9; cat <&40 >&9; exit 1"' "$CORACLE" "$TEST_STORE/three" "$TEST_STORE/forty"
  is "$status" 0
  wait_for 20 said 4
  run_coracle 0 wait f1
  # one open file: what was read of it is read
  is "$(tr '\n' , <"$TEST_STORE/three")" "nine 0 1 2 3 40 9,content,nine 0 1 2 3 40 9,nine 0 1 2 3 40 9,"
  run_coracle 1 start -a f1
  has "$output" "sh:" "a start by another command has them not"
  run_coracle 0 rm -f -t 0 f1
  : >"$TEST_STORE/three"
  run bash -c 'exec 3>>"$1" 4>>"$1"; "$0" run -d --name f2 --restart on-failure:1 --preserve-fds 2 box sh -c "echo three >&3; echo four >&4; ls /proc/self/fd >&4; exit 1"' "$CORACLE" "$TEST_STORE/three"
  is "$status" 0
  wait_for 20 said 16
  run_coracle 0 wait f2
  is "$(tr '\n' , <"$TEST_STORE/three")" "three,four,0,1,2,3,4,5,three,four,0,1,2,3,4,5,"
  run_coracle 0 rm f2
  no_leaks
}

@test "restart: without a policy the monitor keeps no copy of a preserved file; with one, not too many" {
  mkfifo "$TEST_STORE/pipe"
  # the reader sees the end of the pipe though the container goes on
  run bash -c '(timeout 60 cat "$1" >"$2" && echo "and its end" >>"$2") & "$0" run -d --name f3 --preserve-fds 1 box sh -c "echo ready >&3; exec 3>&-; exec sleep 1000" 3>"$1" >/dev/null; wait' "$CORACLE" "$TEST_STORE/pipe" "$TEST_STORE/heard"
  is "$status" 0
  is "$(cat "$TEST_STORE/heard")" $'ready\nand its end'
  is "$(inspect '{{.State.Status}}' f3)" running
  run_coracle 0 rm -f -t 0 f3
  run bash -c 'for ((i = 3; i < 40; i++)); do eval "exec $i</dev/null"; done; "$0" run -d --name f4 --restart always --preserve-fds 33 box true' "$CORACLE"
  is "$status" 125
  has "$output" "at most 32"
  run bash -c 'for ((i = 3; i < 40; i++)); do eval "exec $i</dev/null"; done; "$0" run --rm --preserve-fds 33 box ls /proc/self/fd' "$CORACLE"
  is "$status" 0
  has "$output" 35
  no_leaks
}
