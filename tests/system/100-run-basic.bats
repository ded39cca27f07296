#!/usr/bin/env bats
# 100-run-basic: exit statuses, what is run and as what, standard streams, signals.
# root: yes

load helpers

setup() {
  fixture_image box
}

@test "run: exit status 127 when the command is not found, 126 when it cannot be invoked" {
  run_coracle 127 run --rm box no-such-program
  like "$output" '^Error: .*executable file `no-such-program. not found in \$PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found' "not in PATH"
  run_coracle 127 run --rm box /no/such/file
  like "$output" '^Error: .*/no/such/file.*[Nn]o such file or directory' "absolute"
  run_coracle 126 run --rm box /etc
  like "$output" '^Error: .*/etc.*[Pp]ermission denied' "a folder"
  run_coracle 126 run --rm box /etc/passwd
  like "$output" '^Error: .*/etc/passwd.*[Pp]ermission denied' "a file without x"
  no_leaks
}

@test "run: a file that is no program is 126" {
  mkdir -p "$TEST_STORE/files"
  printf 'this is no program\n' >"$TEST_STORE/files/text"
  printf '#!/no/such/interpreter\n' >"$TEST_STORE/files/badscript"
  printf '#!/bin/sh\necho from the script "$1"\n' >"$TEST_STORE/files/script"
  chmod 755 "$TEST_STORE"/files/*
  run_coracle 126 run --rm -v "$TEST_STORE/files:/files" box /files/text
  has "$output" "Exec format error" "no shebang"
  run_coracle 127 run --rm -v "$TEST_STORE/files:/files" box /files/badscript
  run_coracle 0 run --rm -v "$TEST_STORE/files:/files" box /files/script word
  is "$output" "from the script word" "a script with a shebang"
}

@test "run: our own errors are 125, and nothing is left" {
  run_coracle 125 run
  has "$output" "Error:" "no image"
  run_coracle 125 run --rm box-that-is-not
  has "$output" "box-that-is-not" "missing image"
  run_coracle 125 run --rm --publish 80:x box true
  has "$output" "parsing container port" "a flag's bad value"
  run_coracle 125 run --rm --no-such-flag 1 box true
  is "${lines[0]}" "Error: unknown flag: --no-such-flag" "and one that it does not know"
  run_coracle 125 run --rm ""
  fixture_image cmdless --change 'CMD []'
  run_coracle 125 run --rm cmdless
  like "$output" 'no command or entrypoint' "no command at all"
  no_leaks
}

@test "run: options end at the image; everything after is the command's" {
  run_coracle 0 run --rm box echo --rm -e X --name=y
  is "$output" "--rm -e X --name=y"
  run_coracle 0 run --rm -- box echo -- x
  is "$output" "-- x"
  run_coracle 0 run --rm box printf '[%s]' "" "a b" $'c\nd' '*' '"'
  is "$output" $'[][a b][c\nd][*]["]' "words pass unharmed"
}

@test "run: exit statuses and signals of the command" {
  local n
  for n in 0 1 2 124 125 126 127 128 255; do run_coracle "$n" run --rm box sh -c "exit $n"; done
  run_coracle 137 run --rm box sh -c 'kill -KILL $$; sh -c "kill -KILL 1"; exit 137'
  run_coracle 139 run --rm --init box sh -c 'kill -SEGV $$'
  run_coracle 143 run --rm --init box sh -c 'kill -TERM $$'
}

@test "run: cmd, entrypoint, env, workdir, user, label, stop signal and volumes of the image" {
  fixture_image full --change 'ENTRYPOINT ["/bin/echo", "entry"]' --change 'CMD ["first", "second"]' --change 'ENV COLOUR=red' \
    --change 'WORKDIR /made/by/image' --change 'USER user' --change 'LABEL kind=boat' --change 'STOPSIGNAL SIGUSR1' --change 'VOLUME /data'
  run_coracle 0 run --rm full
  is "$output" "entry first second" "entrypoint and cmd"
  run_coracle 0 run --rm full other
  is "$output" "entry other" "the command replaces cmd"
  run_coracle 0 run --rm --entrypoint /bin/pwd full
  is "$output" "/made/by/image" "workdir, and cmd is not used with --entrypoint"
  run_coracle 0 run --rm --entrypoint '' full id -un
  is "$output" "user" "user, and an empty entrypoint"
  run_coracle 0 run --rm --entrypoint '["sh", "-c"]' full 'echo $COLOUR; grep -c " /data " /proc/self/mountinfo'
  is "$output" $'red\n1' "environment and volume, entrypoint as JSON"
  run_coracle 125 run --rm --entrypoint '' full
  run_coracle 127 run --rm --entrypoint '["sh", 3]' full
  has "$output" '["sh", 3]' "what is no array of texts is a name"
  run_coracle 0 run --name f full
  run_coracle_out 0 inspect --format '{{.Config.Labels.kind}} {{.Config.StopSignal}} {{.Config.User}} {{.Config.WorkingDir}}' f
  like "$output" '^boat (SIGUSR1|10) user /made/by/image$' "inspect"
  run_coracle 0 rm -v f
  no_leaks
}

@test "run: an image's entrypoint in shell form" {
  fixture_image shelly --change 'ENTRYPOINT echo $0 said $HOME'
  run_coracle 0 run --rm shelly
  has "$output" "said /root"
}

@test "run: --workdir" {
  run_coracle 0 run --rm -w /home/user box pwd
  is "$output" "/home/user"
  run_coracle 126 run --rm -w /no/such/folder box pwd
  has "$output" '/no/such/folder' "named"
  run_coracle 126 run --rm -w /etc/passwd box pwd
  run_coracle 125 run --rm -w relative box pwd
  mkdir -p "$TEST_STORE/w/sub"
  run_coracle 0 run --rm -v "$TEST_STORE/w:/w" -w /w/sub box pwd
  is "$output" "/w/sub" "in a volume"
  run_coracle 127 run --rm -v "$TEST_STORE/w:/w" -w /w/none box pwd
  no_leaks
}

@test "run: PATH of the container is used, not ours" {
  run_coracle 0 run --rm box sh -c 'echo $PATH'
  is "$output" "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  mkdir -p "$TEST_STORE/p"
  printf '#!/bin/sh\necho mine\n' >"$TEST_STORE/p/mytool"
  chmod 755 "$TEST_STORE/p/mytool"
  run_coracle 0 run --rm -v "$TEST_STORE/p:/p" -e PATH=/p:/bin box mytool
  is "$output" "mine"
  run_coracle 127 run --rm -e PATH=/nowhere box ls
}

@test "run: without -i standard input is empty, with -i it is ours to its end" {
  run bash -c 'echo typed | "$0" run --rm box cat' "$CORACLE"
  is "$status $output" "0 "
  run bash -c 'echo typed | "$0" run --rm -i box cat' "$CORACLE"
  is "$status $output" "0 typed"
  run bash -c '"$0" run --rm -i box cat <&-' "$CORACLE"
  is "$status" "0" "a closed stdin"
  run bash -c 'yes | "$0" run --rm -i box head -n 1' "$CORACLE"
  is "$status $output" "0 y" "input without end"
  run bash -c '(sleep 0.3; echo late) | "$0" run --rm -i box cat' "$CORACLE"
  is "$output" "late"
}

@test "run: big output comes through whole, on both streams" {
  "$CORACLE" run --rm box sh -c 'seq 1 300000; seq 1 200000 >&2' >"$TEST_STORE/out" 2>"$TEST_STORE/err"
  cmp "$TEST_STORE/out" <(seq 1 300000)
  cmp "$TEST_STORE/err" <(seq 1 200000)
}

@test "run: a slow reader gets all of it" {
  run bash -c '"$0" run --rm box seq 1 100000 | (sleep 0.5; tail -n 1)' "$CORACLE"
  is "$output" "100000"
}

@test "run: what the last moment writes is not lost" {
  local i
  for i in 1 2 3 4 5; do
    run_coracle_out 0 run --rm box sh -c 'echo last words; exit 0'
    is "$output" "last words" "round $i"
  done
}

@test "run: a closed standard output does not keep the container" {
  run timeout 100 bash -c '"$0" run --rm box sh -c "yes | head -n 200000" | head -n 1' "$CORACLE"
  is "$output" "y"
  run timeout 100 "$CORACLE" run --rm box sh -c 'echo x; exit 4' >&-
  is "$status" "4"
  no_leaks
}

@test "run: a background process that keeps stdout open does not hold the command" {
  local begin=$SECONDS
  run_coracle 0 run --rm box sh -c 'sleep 1000 & echo done'
  is "$output" "done"
  [ $((SECONDS - begin)) -lt 60 ] || fail "waited for the background process"
}

start_in_background() { # ARGS…: sets $pid; waits for "ready" in $log
  log=$TEST_STORE/log.$BATS_TEST_NUMBER
  : >"$log"
  "$CORACLE" run --rm "$@" >"$log" 2>&1 3>&- </dev/null &
  pid=$!
  wait_for 30 grep -q ready "$log"
}

end_of_background() { # sets $status; a command that does not end fails
  local tries=1200
  while kill -0 "$pid" 2>/dev/null && [ $((tries--)) -gt 0 ]; do sleep 0.05; done
  [ "$tries" -gt 0 ] || { kill -KILL "$pid"; fail "the command does not end"; }
  status=0
  wait "$pid" || status=$?
}

@test "run: signals are forwarded to the command" {
  local sig
  for sig in TERM HUP USR1 USR2 INT QUIT; do
    start_in_background box sh -c "trap 'echo got $sig; exit 7' $sig; echo ready; while :; do sleep 0.05; done"
    kill -s "$sig" "$pid"
    end_of_background
    is "$status" "7" "status after $sig"
    has "$(cat "$log")" "got $sig"
  done
}

@test "run: --sig-proxy=false keeps them" {
  start_in_background --sig-proxy=false box sh -c "trap 'echo got it; exit 7' USR1; echo ready; sleep 1; exit 3"
  kill -USR1 "$pid"
  end_of_background
  not_like "$(cat "$log")" "got it"
  wait_for 30 no_leaks
}

@test "run: the command's death by SIGKILL takes the container along within moments" {
  start_in_background --name doomed box sh -c 'echo ready; exec sleep 100'
  wait_for 30 coracle container exists doomed
  coracle rm -f -t 0 doomed
  end_of_background
  is "$status" "137"
  no_leaks
}

@test "run: --timeout kills" {
  local begin=$SECONDS
  run_coracle '?' run --rm --timeout 1 box sleep 1000
  isnt "$status" 0
  like "$status" '^(137|255)$' "killed"
  [ $((SECONDS - begin)) -lt 60 ] || fail "took too long"
  run_coracle 0 run --rm --timeout 100 box true
}

@test "run: --replace, --name, name in use" {
  run_coracle 0 run --name boat box echo one
  run_coracle 125 run --rm --name boat box echo two
  like "$output" 'name "boat" is already in use' "text that scripts match"
  run_coracle 0 run --name boat --replace box echo three
  is "$output" "three"
  run_coracle_out 0 ps -a --format '{{.Names}}'
  is "$output" "boat" "one is there"
  run_coracle 125 run --rm --replace box true
  has "$output" "--name"
  run_coracle 0 rm boat
  run_coracle 0 run --rm --name boat --replace box echo fresh
  is "$output" "fresh" "nothing to replace"
}

@test "run: --replace ends a running one" {
  start_in_background --name boat box sh -c 'trap "exit 0" TERM; echo ready; while :; do sleep 0.1; done'
  wait_for 30 coracle container exists boat
  run_coracle 0 run --rm --replace --name boat box echo new
  is "$output" "new"
  end_of_background
  no_leaks
}

@test "run: --rm leaves nothing, without it the container stays" {
  run_coracle 0 run --rm --name gone box true
  run_coracle 1 container exists gone
  run_coracle 5 run --name stays box sh -c 'exit 5'
  run_coracle 0 container exists stays
  run_coracle_out 0 ps -a --filter name=stays --format '{{.ExitCode}}'
  is "$output" "5"
  run_coracle 0 rm stays
  no_leaks
}

@test "run: --platform" {
  local arch
  arch=$("$CORACLE" version --format '{{.Client.OsArch}}')
  run_coracle 0 run --rm --platform "$arch" box echo here
  run_coracle 125 run --rm --platform linux/s390x box true
  # what is here is of another platform: a registry is asked, which here there is none of
  has "$output" "pinging container registry localhost" "asked"
  run_coracle 125 run --rm --platform nonsense/x/y/z box true
  no_leaks
}
