#!/usr/bin/env bats
# what goes wrong when a container starts is told with what to look for.

load helpers

@test "a folder on a file, a file on a folder" {
  fixture_image box
  mkdir -p "$TEST_STORE/folder"
  echo x >"$TEST_STORE/file"
  run_coracle 126 run --rm -v "$TEST_STORE/folder:/etc/passwd" box true
  has "$output" "on /etc/passwd: Not a directory (a folder goes on a folder and a file on a file" "a folder on a file"
  run_coracle 126 run --rm -v "$TEST_STORE/file:/tmp" box true
  has "$output" "on /tmp: Not a directory (a folder goes on a folder and a file on a file" "a file on a folder"
}

@test "an image's volume on a file of its own" {
  fixture_image volumes --change 'VOLUME /etc/passwd'
  run_coracle 126 run --rm volumes true
  has "$output" "on /etc/passwd: Not a directory (a folder goes on a folder" "the image's volume"
}

@test "an image's volume in the place of /proc" {
  fixture_image noproc --change 'VOLUME /proc'
  run_coracle 126 run --rm --network none --sysctl net.ipv4.ip_forward=1 noproc true
  has "$output" "(something else is mounted on the container's /proc)"
}

@test "too few open files for the standard three" {
  fixture_image box
  run_coracle 126 run --rm --ulimit nofile=2 box true
  has "$output" "(does --ulimit nofile leave it enough open files?)"
}
