#!/usr/bin/env bats
# 287-failed-start: a container whose start fails: what stays, what it says of it, and that it can be mended and started.
# root: yes

load helpers

setup() { fixture_image box; }
state_of() { coracle inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$1"; }
error_of() { coracle inspect -f '{{.State.Error}}' "$1"; }

@test "run of a command that is not there leaves a container that was created" {
  for how in "" -d; do
    # shellcheck disable=SC2086 # nothing or a word
    run_coracle 127 run $how --name f1 box nosuch
    is "$output" 'Error: runtime: executable file `nosuch` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found'
    is "$(state_of f1)" "created 0"
    has "$(error_of f1)" 'executable file `nosuch` not found in $PATH'
    run_coracle ps -a --format '{{.Names}} {{.Status}}'
    is "$output" "f1 Created"
    run_coracle logs f1
    is "$output" ""
    # again: it is no other than before
    run_coracle 125 start f1
    has "$output" "unable to start container"
    has "$output" 'executable file `nosuch` not found'
    is "$(state_of f1)" "created 0"
    # the name is taken
    run_coracle 125 run --name f1 box true
    has "$output" "already in use"
    run_coracle 0 run --replace --name f1 box true
    run_coracle rm f1
    no_leaks
  done
}

@test "a command that cannot be executed, a limit that cannot be set" {
  run_coracle 126 run -d --name f2 box /etc
  is "$(state_of f2)" "created 0"
  run_coracle rm f2
  if ! is_root; then
    run_coracle 126 run --name f2 --ulimit nofile=99999999:99999999 box true
    is "$(state_of f2)" "created 0"
    run_coracle rm f2
  fi
  no_leaks
}

@test "with --rm nothing stays, nor the id file" {
  for how in "" -d; do
    # shellcheck disable=SC2086
    run_coracle 127 run $how --rm --name f3 --cidfile "$BATS_TEST_TMPDIR/id" box nosuch
    [ ! -e "$BATS_TEST_TMPDIR/id" ]
    run_coracle 1 container exists f3
    no_leaks
  done
  # one that stays has told its id
  run_coracle 127 run --name f3 --cidfile "$BATS_TEST_TMPDIR/id" box nosuch
  run_coracle_out 0 inspect -f '{{.Id}}' f3
  is "$(cat "$BATS_TEST_TMPDIR/id")" "$output"
  run_coracle rm f3
}

@test "a user and a working directory that are not there: only a start needs them" {
  for flags in "-u stranger" "-u root:strangers" "--group-add strangers" "-w /no/such"; do
    # shellcheck disable=SC2086
    run_coracle 126 run --name f4 $flags box true
    is "$(state_of f4)" "created 0"
    isnt "$(error_of f4)" ""
    run_coracle 125 start f4
    run_coracle rm f4
    # shellcheck disable=SC2086
    run_coracle 0 create --name f4 $flags box true
    is "$(error_of f4)" ""
    run_coracle 125 start f4
    isnt "$(error_of f4)" ""
    run_coracle rm f4
  done
  no_leaks
}

@test "what is wrong with the words themselves leaves nothing" {
  for flags in "-v /no/such:/x" "--sysctl kernel.foo=1" "--device /dev/nosuch" "--tmpfs /x:bogus" "--security-opt seccomp=/no/such" "--requires nosuch"; do
    # shellcheck disable=SC2086
    run_coracle 125 run --name f5 $flags box true
    run_coracle 1 container exists f5
  done
  no_leaks
}

@test "mended, it starts, and the error is gone" {
  mkdir "$BATS_TEST_TMPDIR/there"
  run_coracle create --name f6 -v "$BATS_TEST_TMPDIR/there:/x" box sh -c 'echo alive'
  rmdir "$BATS_TEST_TMPDIR/there"
  run_coracle 125 start f6
  is "$(state_of f6)" "created 0"
  isnt "$(error_of f6)" ""
  mkdir "$BATS_TEST_TMPDIR/there"
  run_coracle start -a f6
  is "$output" alive
  is "$(error_of f6)" ""
  is "$(state_of f6)" "exited 0"
  # one that ran keeps how it ended
  rmdir "$BATS_TEST_TMPDIR/there"
  run_coracle 125 start f6
  is "$(state_of f6)" "exited 0"
  isnt "$(error_of f6)" ""
  run_coracle rm f6
  # the program comes by cp
  run_coracle 127 run --name f6 box /bin/hello
  printf '#!/bin/sh\necho hello\n' >"$BATS_TEST_TMPDIR/hello"
  chmod 755 "$BATS_TEST_TMPDIR/hello"
  run_coracle cp "$BATS_TEST_TMPDIR/hello" f6:/bin/hello
  run_coracle start -a f6
  is "$output" hello
  run_coracle rm f6
  no_leaks
}

@test "events of a start that failed" {
  local since
  since=$(date +%s.%N)
  run_coracle 127 run --name f7 box nosuch
  run_coracle 127 run --rm --name f8 box nosuch
  run_coracle events --stream=false --since "$since" --filter type=container --format '{{.Name}} {{.Status}}'
  is "$output" $'f7 create\nf8 create\nf8 remove'
  run_coracle rm f7
}

@test "an anonymous volume of a start that failed goes with the container" {
  run_coracle 127 run --name f9 -v /data box nosuch
  [ "$(find "$STORE/volumes" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
  run_coracle rm -v f9
  [ "$(find "$STORE/volumes" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" = 0 ]
  no_leaks
}
