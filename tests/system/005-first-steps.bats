#!/usr/bin/env bats
# 005-first-steps: what a newcomer types first: import, images, run, ps, rmi.
# root: yes

load helpers

@test "first steps: import, images, run, rmi" {
  local tar
  tar=$(fixture busybox.tar)
  run_coracle_out 0 import -q --change 'CMD ["sh"]' "$tar" box
  like "$output" '^(sha256:)?[0-9a-f]{64}$' "import prints the image's id alone"
  run_coracle_out 0 images --format '{{.Repository}}:{{.Tag}}'
  is "$output" "localhost/box:latest" "the listed name"
  run_coracle_out 0 run --rm box echo hello
  is "$output" "hello" "what the container printed"
  is "$stderr" "" "nothing else is printed"
  run_coracle 0 rmi box
  run_coracle_out 0 images -q
  is "$output" "" "no image is left"
}

@test "first steps: the container's exit status is the command's" {
  fixture_image box
  run_coracle 0 run --rm box true
  run_coracle 1 run --rm box false
  run_coracle 42 run --rm box sh -c 'exit 42'
  run_coracle 255 run --rm box sh -c 'exit 255'
  run_coracle 127 run --rm box no-such-program
  run_coracle 126 run --rm box /etc
}

@test "first steps: stdout and stderr stay apart, stdin goes in with -i" {
  fixture_image box
  run_coracle_out 0 run --rm box sh -c 'echo out; echo err >&2'
  is "$output" "out" "stdout"
  is "$stderr" "err" "stderr"
  run bash -c 'echo typed | "$0" run --rm -i box cat' "$CORACLE"
  is "$output" "typed" "stdin through -i"
  run bash -c 'echo typed | "$0" run --rm box cat' "$CORACLE"
  is "$output" "" "without -i it is empty"
}

@test "first steps: a megabyte passes both ways unharmed" {
  fixture_image box
  head -c 1048576 /dev/urandom >"$TEST_STORE/blob"
  "$CORACLE" run --rm -i box cat <"$TEST_STORE/blob" >"$TEST_STORE/back"
  cmp "$TEST_STORE/blob" "$TEST_STORE/back"
}

@test "first steps: inside, one is root alone in one's own namespaces" {
  fixture_image box
  run_coracle_out 0 run --rm box id -u
  is "$output" "0" "uid"
  run_coracle_out 0 run --rm box sh -c 'echo $$'
  is "$output" "1" "the command is pid 1"
  run_coracle_out 0 run --rm --hostname boat box hostname
  is "$output" "boat" "hostname"
  local ns
  for ns in user pid net ipc uts mnt cgroup; do
    [ "$(id -u)" = 0 ] && [ "$ns" = user ] && continue
    run_coracle_out 0 run --rm box readlink "/proc/self/ns/$ns"
    isnt "$output" "$(readlink "/proc/self/ns/$ns")" "$ns namespace"
  done
}

@test "first steps: what one container writes no other sees" {
  fixture_image box
  run_coracle 0 run --rm box sh -c 'echo mine >/written; rm /etc/issue; cat /written'
  run_coracle_out 0 run --rm box sh -c 'ls /written 2>/dev/null; cat /etc/issue'
  is "$output" "coracle busybox" "the image is as it was"
}

@test "first steps: a container without --rm stays until rm" {
  fixture_image box
  run_coracle 3 run --name kept box sh -c 'exit 3'
  run_coracle_out 0 ps -a --format '{{.Names}} {{.Status}}'
  like "$output" '^kept Exited \(3\)' "ps -a"
  run_coracle_out 0 ps -q
  is "$output" "" "it does not run"
  run_coracle 125 run --rm --name kept box true
  like "$output" 'kept' "the name is in use, the message says which"
  run_coracle 0 rm kept
  run_coracle_out 0 ps -aq
  is "$output" "" "gone"
}

@test "first steps: clear errors" {
  run_coracle 125 run --rm --no-such-flag box true
  has "$output" "unknown flag: --no-such-flag" "unknown flag"
  run_coracle 125 run --rm no/such/image:here true
  like "$output" '^Error: .*no/such/image:here' "missing image"
  run_coracle 1 rmi no-such-image
  run_coracle 125 import "$TEST_STORE/no-such-file"
  run_coracle_out 0 images -q
  not_like "$output" "no" "nothing was made"
}
