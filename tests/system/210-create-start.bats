#!/usr/bin/env bats
# 210-create-start: create, start, start -a.
# root: yes

load helpers

setup() {
  fixture_image box
}

state_of() { coracle inspect -f '{{.State.Status}}' "$1"; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }

@test "create prints the id and starts nothing; start -a runs it, again and again" {
  run_coracle_out create --name c1 -e A=b box sh -c 'echo "hello $A"; echo more >>/written; wc -l </written; exit 5'
  like "$output" '^[0-9a-f]{64}$'
  run_coracle ps -a --format '{{.Names}} {{.Status}} {{.State}}'
  is "$output" "c1 Created created"
  run_coracle inspect -f '{{.State.Status}} {{.State.Pid}} {{.State.ExitCode}} {{.State.StartedAt}}' c1
  is "$output" "created 0 0 0001-01-01 00:00:00 +0000 UTC"
  [ -z "$(ls -A "$RUN_ROOT" | grep -E '^[0-9a-f]{64}$')" ] || fail "a created container has no run folder"
  run_coracle 5 start -a c1
  is "$output" "hello b
1"
  run_coracle 5 start --attach c1
  is "$output" "hello b
2" "what it wrote is kept"
  run_coracle inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1
  is "$output" "exited 5"
  run_coracle rm c1
  no_leaks
}

@test "create finds what run would find wrong, and leaves nothing" {
  run_coracle 125 create nosuchimage true
  run_coracle 125 create --name bad -v /no/such/path:/x box true
  run_coracle ps -aq
  is "$output" ""
  no_leaks
}

@test "start prints names as given, goes on after a failure, and minds none that runs" {
  run_coracle_out create --name s1 box sleep 300
  id=$output
  run_coracle create --name s2 box sleep 300
  run_coracle_out 125 start s1 nosuch "${id:0:12}" s2
  is "$output" "" "as with Podman: a name that is not there ends it before anything"
  has "$stderr" 'nosuch'
  run_coracle create --name s0 box /no/such/program
  run_coracle_out 125 start s1 s0 "${id:0:12}" s2
  is "$output" "s1
${id:0:12}
s2"
  has "$stderr" '/no/such/program'
  run_coracle rm s0
  wait_for 30 is_state s1 running
  wait_for 30 is_state s2 running
  # each monitor has the mounts of its own container alone
  for c in s1 s2; do
    pid=$(coracle inspect -f '{{.State.ConmonPid}}' $c)
    is "$(grep -c "$STORE/containers/.*/merged" /proc/$pid/mountinfo)" 1 "mounts of $c"
  done
  run_coracle rm -f -t 0 s1 s2
  no_leaks
}

@test "what cannot be started stays as it was" {
  run_coracle create --name n1 box /no/such/program
  run_coracle 125 start n1
  like "$output" '^Error: unable to start container "[0-9a-f]{64}": .*/no/such/program'
  is "$(state_of n1)" created
  run_coracle 125 start -a n1
  like "$output" '^Error: unable to start container [0-9a-f]{64}: .*/no/such/program'
  run_coracle rm n1
  no_leaks
}

@test "an anonymous volume stays with its container" {
  run_coracle create --name v1 -v /data box sh -c 'cat /data/file; echo once >/data/file'
  run_coracle start -a v1
  run_coracle start -a v1
  is "$output" once
  before=$(coracle inspect -f '{{range .Mounts}}{{.Name}}{{end}}' v1)
  [ -d "$STORE/volumes/$before" ] || fail "its volume is there"
  is "$(ls "$STORE/volumes" | wc -l)" 1
  run_coracle rm -v v1
  is "$(ls "$STORE/volumes" | wc -l)" 0
  no_leaks
}

@test "start -a passes standard input with -i, and --rm removes after it" {
  run_coracle create --rm --name i1 -i box cat
  run --separate-stderr bash -c "echo through | '$CORACLE' start -a -i i1"
  is "$status" 0
  is "$output" through
  run_coracle ps -aq
  is "$output" ""
  no_leaks
}

@test "variables and relative paths are those of the creation" {
  mkdir -p "$TEST_STORE/here"
  echo content >"$TEST_STORE/here/file"
  cd "$TEST_STORE"
  FOO=bar run_coracle create --name e1 -e FOO -v ./here:/there box sh -c 'echo $FOO; cat /there/file'
  cd /
  FOO=other run_coracle start -a e1
  is "$output" "bar
content"
  run_coracle rm e1
}

@test "start: two names with --attach are refused" {
  run_coracle 125 start -a x y
  is "$output" "Error: you cannot start and attach multiple containers at once"
}

@test "start: words that contradict each other" {
  run_coracle 125 start
  is "$output" "Error: start requires at least one argument"
  run_coracle 125 start --all x
  is "$output" "Error: either start all containers or the container(s) provided in the arguments"
  run_coracle 125 start -a --all
  is "$output" "Error: you cannot start and attach all containers at once"
  run_coracle 125 start --latest --all
  is "$output" "Error: --all and --latest cannot be used together"
}

@test "start --latest, --all, --filter" {
  run_coracle create --name a1 --restart=always box sleep 300
  run_coracle create --name a2 box sleep 300
  id2=$(coracle inspect -f '{{.Id}}' a2)
  run_coracle start --latest
  is "$output" "$id2"
  is_state a2 running
  run_coracle start --all --filter restart-policy=always
  is "$output" "$(coracle inspect -f '{{.Id}}' a1)"
  is_state a1 running
  run_coracle start --all
  is "$output" "" "all run"
  run_coracle rm -f -t 0 a1 a2
  no_leaks
}

@test "restart: a running one, a stopped one, and --rm survives it" {
  run_coracle run -d --rm --name t1 box sleep 300
  run_coracle create --name t2 box sleep 300
  pid=$(coracle inspect -f '{{.State.Pid}}' t1)
  run_coracle restart -t 0 t1 t2
  is "$output" "t1
t2"
  isnt "$(coracle inspect -f '{{.State.Pid}}' t1)" "$pid" "a new process"
  is_state t2 running
  run_coracle stop -t 0 t2
  run_coracle restart --running -t 0
  is "$output" "$(coracle inspect -f '{{.Id}}' t1)"
  is_state t2 exited
  run_coracle inspect -f '{{.HostConfig.AutoRemove}}' t1
  is "$output" true
  run_coracle stop -t 0 t1
  wait_for 30 bash -c "! '$CORACLE' container exists t1"
  run_coracle 125 restart nosuch
  run_coracle 125 restart
  run_coracle rm t2
  no_leaks
}
