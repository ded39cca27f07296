#!/usr/bin/env bats
# 291-podman-again: more of what Podman's own tests ask: what stays when a port is taken, how a lost monitor is told of, the caller's home with keep-id, json-file, image events, --authfile.

load helpers
load port-helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

inspect() { coracle inspect --format "$1" "$2"; }
names() { coracle ps -a --sort names --format '{{.Names}} {{.Status}}'; }

# taken: sets $port, and holds it until the end of the test
taken() {
  needs python3
  mkfifo "$TEST_STORE/go"
  port=$(free_port)
  python3 -c '
import socket, sys
s = socket.socket()
s.bind(("0.0.0.0", int(sys.argv[3])))
s.listen()
open(sys.argv[1], "w").write("here")
open(sys.argv[2]).read()' "$TEST_STORE/port" "$TEST_STORE/go" "$port" 3>&- &
  holder=$!
  wait_for 20 test -s "$TEST_STORE/port"
}
let_go() {
  echo >"$TEST_STORE/go"
  wait "$holder"
  rm "$TEST_STORE/go" "$TEST_STORE/port"
}

@test "a port that is taken: a new container stays, created, and starts when the port is free; not with --rm" {
  taken
  run_coracle 126 run -d -p "$port:80" --name p1 --cidfile "$TEST_STORE/cid" box sleep 1000
  like "$output" "^Error: .*$port.*address already in use"
  run_coracle 126 run -d -p "$port:80" --rm --name p2 --cidfile "$TEST_STORE/cid2" box sleep 100
  has "$output" "address already in use"
  run_coracle 126 run -p "$port:80" --name p3 box true
  run_coracle 126 run --rm -p "$port:80" --name p4 box true
  is "$(names)" $'p1 Created\np3 Created'
  is "$(cat "$TEST_STORE/cid")" "$(inspect '{{.Id}}' p1)"
  [ ! -e "$TEST_STORE/cid2" ] || fail "a container id of what is not there"
  has "$(inspect '{{.State.Error}}' p1)" "address already in use"
  run_coracle 125 start p1
  has "$output" "address already in use"
  let_go
  run_coracle 0 start p1
  is "$(inspect '{{.State.Status}}' p1)" "running"
  run_coracle 126 run -d -p "$port:80" --name p5 box sleep 100
  has "$output" "container p1 has it"
  run_coracle 126 run -d --replace -p "$port:80" --name p5 box sleep 100
  is "$(names | cut -d' ' -f1,2)" $'p1 Up\np3 Created\np5 Created'
  run_coracle 0 rm -f -t 0 p1 p3 p5
  [ ! -e "$TEST_STORE/cid" ] || fail "the file with the id stayed"
  no_leaks
}

@test "stop: a monitor killed a moment before, or meanwhile, is told of once" {
  run_coracle 0 run -d --name lost --stop-timeout 240 box sh -c 'trap : TERM; while :; do sleep 1; done'
  local monitor stopping
  monitor=$(inspect '{{.State.ConmonPid}}' lost)
  "$CORACLE" stop lost >"$TEST_STORE/stopped" 2>&1 3>&- &
  stopping=$!
  is_stopping() { [ "$(inspect '{{.State.Status}}' lost)" = stopping ]; }
  wait_for 20 is_stopping
  kill -KILL "$monitor"
  run wait_status "$stopping"
  is "$status" 125
  like "$(cat "$TEST_STORE/stopped")" 'Error: container [0-9a-f]+ conmon exited prematurely, exit code could not be retrieved: conmon process killed'
  is "$(inspect '{{.State.Status}} {{.State.ExitCode}}' lost)" "exited 137"
  run_coracle 0 stop lost
  for _ in 1 2 3 4 5; do
    run_coracle 0 start lost
    monitor=$(inspect '{{.State.ConmonPid}}' lost)
    kill -KILL "$monitor"
    run_coracle 125 stop -t 0 lost
    has "$output" "conmon exited prematurely"
    is "$(inspect '{{.State.Status}}' lost)" "exited"
  done
  run_coracle 0 rm lost
  no_leaks
}
wait_status() {
  local deadline=$((SECONDS + 40))
  while kill -0 "$1" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
  grep -q '^Error' "$TEST_STORE/stopped" && return 125
  return 0
}

@test "stop: a monitor killed while stop looks, whatever it has seen by then, is told of" {
  needs strace
  # the user namespace is there: no setuid program is traced
  run_coracle 0 run -d --name alive --net none box sleep 1000
  run_coracle 0 create --name lost --net none box sleep 1000
  local at monitor stopping
  is_held() { grep -q '^State:.[tT]' "/proc/$1/status"; }
  is_dead() { ! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null; }
  for at in 1 2 3; do
    run_coracle 0 start lost
    monitor=$(inspect '{{.State.ConmonPid}}' lost)
    strace -D -o /dev/null -e trace=flock -e inject=flock:signal=STOP:when="$at" "$CORACLE" stop -t 0 lost >"$TEST_STORE/stopped" 2>&1 3>&- &
    stopping=$!
    wait_for 20 is_held "$stopping"
    kill -KILL "$monitor"
    wait_for 20 is_dead "$monitor"
    kill -CONT "$stopping"
    status=0
    wait "$stopping" || status=$?
    is "$status" 125 "stop held at lock $at: $(cat "$TEST_STORE/stopped")"
    has "$(cat "$TEST_STORE/stopped")" "conmon exited prematurely"
    is "$(inspect '{{.State.Status}} {{.State.ExitCode}}' lost)" "exited 137"
  done
  run_coracle 0 rm -f -t 0 lost alive
  no_leaks
}

@test "keep-id: the home of the caller, whom the image does not know" {
  [ "$(id -u)" != 0 ] || skip "keep-id is for who is not root"
  grep -q "^$(id -un):" /etc/subuid || skip "needs a range of ids"
  local own home
  own=$(id -un) home=$(getent passwd "$(id -u)" | cut -d: -f6)
  run_coracle 0 create --name w box true
  run_coracle 0 commit -q --change 'WORKDIR /place/here' w workbox
  run_coracle 0 rm w
  homes='HOMES=$HOME; unset HOME; echo $(pwd; echo $HOMES; grep "^$(id -un):" /etc/passwd | cut -d: -f6; id -un)'
  run_coracle_out 0 run --rm --userns keep-id workbox sh -c "$homes"
  is "$output" "/place/here /place/here /place/here $own"
  run_coracle_out 0 run --rm --userns keep-id -v /elsewhere workbox sh -c "$homes"
  is "$output" "/place/here /place/here /place/here $own"
  run_coracle_out 0 run --rm --userns keep-id -v "$home" workbox sh -c "$homes"
  is "$output" "/place/here $home $home $own" "what is mounted on the home of the host"
  run_coracle_out 0 run --rm --userns keep-id -w /tmp workbox sh -c "$homes"
  is "$output" "/tmp /tmp /tmp $own"
  run_coracle_out 0 run --rm --userns keep-id --user 0 workbox id -u
  is "$output" 0
  run_coracle 0 rmi workbox
}

@test "json-file is k8s-file by another name; Docker's format by --log-opt format=docker" {
  run_coracle 0 run --name j1 --log-driver json-file box echo text
  is "$output" text
  is "$(inspect '{{.HostConfig.LogConfig.Type}}' j1)" "json-file"
  like "$(cat "$(inspect '{{.HostConfig.LogConfig.Path}}' j1)")" '^[0-9T:.+-]+ stdout F text$'
  run_coracle 0 logs j1
  is "$output" text
  run_coracle 0 run --name j2 --log-driver json-file --log-opt format=docker box echo text
  like "$(cat "$(inspect '{{.HostConfig.LogConfig.Path}}' j2)")" '^\{"log":"text\\n","stream":"stdout",'
  run_coracle 0 logs j2
  is "$output" text
  # a file of both kinds, as one that was begun by an older version
  run_coracle 0 start -a j2
  cat "$(inspect '{{.HostConfig.LogConfig.Path}}' j1)" >>"$(inspect '{{.HostConfig.LogConfig.Path}}' j2)"
  run_coracle 0 logs j2
  is "$output" $'text\ntext\ntext'
  run_coracle 125 run --log-driver json-file --log-opt format=xml box true
  has "$output" "--log-opt format=xml: must be k8s or docker"
  run_coracle 125 run --log-opt format=docker box true
  has "$output" "only the log driver json-file has two formats"
  run_coracle 0 rm j1 j2
}

@test "journald without a journal: the container runs, and its log cannot be read" {
  [ ! -S /run/systemd/journal/socket ] || skip "a journal runs here"
  run_coracle_out 0 run --name j3 --log-driver journald box echo text
  is "$output" text
  is "$stderr" ""
  is "$(inspect '{{.HostConfig.LogConfig.Type}}-{{.HostConfig.LogConfig.Path}}-' j3)" "journald--"
  run_coracle 0 --log-level info run --rm --log-driver journald box true
  has "$output" "no journal listens"
  run_coracle 0 rm j3
}

@test "image events: an image removed by its id, and a registry that is not there" {
  local id since
  id=$(inspect '{{.Id}}' box)
  since=$(date --iso-8601=ns)
  run_coracle 0 save -q -o "$TEST_STORE/box.tar" box
  run_coracle 0 tag box other
  run_coracle 0 rmi -f "$id"
  is "$output" "Untagged: localhost/other:latest
Untagged: localhost/box:latest
Deleted: $id"
  run_coracle 125 pull --retry 0 localhost:1/bogus
  like "$output" 'pinging container registry localhost:1: .*connect: connection refused'
  run_coracle_out 0 events --stream=false --filter type=image --since "$since" --format '{{.Status}} {{.Name}}'
  is "$output" "save $TEST_STORE/box.tar
tag other
untag localhost/other:latest
untag localhost/box:latest
remove $id
pull-error localhost:1/bogus"
  run_coracle 0 load -q -i "$TEST_STORE/box.tar"
}

@test "--authfile that is not there is an error whether it is needed or not; \$REGISTRY_AUTH_FILE is not" {
  local file=$TEST_STORE/no-such-file
  while read -r words; do
    # shellcheck disable=SC2086 # several words
    run_coracle 125 ${words/FILE/$file}
    is "$output" "Error: credential file is not accessible: faccessat $file: no such file or directory" "$words"
  done <<'X'
run --rm --authfile=FILE box true
create --authfile=FILE box true
pull --authfile=FILE box
push --authfile=FILE box localhost:1/box
search --authfile=FILE localhost:1/box
logout --authfile=FILE localhost:1
manifest add --authfile=FILE box box
manifest inspect --authfile=FILE box
manifest push --authfile=FILE box localhost:1/box
container runlabel --authfile=FILE run box
image sign --authfile=FILE box
X
  REGISTRY_AUTH_FILE=$file run_coracle 0 run --rm box true
  is "$(coracle ps -aq)" ""
}

@test "a container that its health check stops is stopping until it has ended" {
  run_coracle 0 run -d --name ill --health-cmd false --health-interval 1s --health-retries 1 --health-on-failure stop --stop-timeout 60 box sleep 1000
  is_stopping() { [ "$(inspect '{{.State.Status}}' ill)" = stopping ]; }
  wait_for 20 is_stopping
  run_coracle 2 rm ill
  like "$output" 'Error: cannot remove container [0-9a-f]+ as it is stopping - running or paused containers cannot be removed without force: container state improper'
  local pid
  pid=$(inspect '{{.State.Pid}}' ill)
  run_coracle 0 rm -f -t 0 ill
  [ ! -e "/proc/$pid" ] || fail "its process is there still"
  no_leaks
}

@test "containers.conf: static_dir is passed over, and that is told at the level info" {
  printf '[engine]\nstatic_dir = "%s/static"\n' "$TEST_STORE" >"$TEST_STORE/static.conf"
  CONTAINERS_CONF_OVERRIDE=$TEST_STORE/static.conf run_coracle_out 0 --log-level info run --rm box true
  has "$stderr" "engine.static_dir is not used"
  CONTAINERS_CONF_OVERRIDE=$TEST_STORE/static.conf run_coracle_out 0 run --rm box true
  is "$stderr" ""
  [ ! -e "$TEST_STORE/static" ] || fail "the folder was made"
}
