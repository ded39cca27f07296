#!/usr/bin/env bats
# 042-layers: what layers may say, as a container sees it; and what hostile ones try, which must be refused or come to nothing.

load helpers

setup_file() {
  basic_setup_file
  export OUTSIDE=$TEST_STORE/outside ARCHIVES=$TEST_STORE/archives
  mkdir "$OUTSIDE" "$ARCHIVES"
  echo secret >"$OUTSIDE/secret"
  "$TESTS_DIR/fixtures/make-layers" "$(fixture busybox.tar)" "$ARCHIVES" "$OUTSIDE"
}

# untouched WHAT: nothing came out, nothing was read in
untouched() {
  is "$(ls "$OUTSIDE")" "secret" "files outside, after $1"
  is "$(cat "$OUTSIDE/secret")" "secret" "the secret, after $1"
  is "$(stat -c %h "$OUTSIDE/secret")" "1" "links to the secret, after $1"
  [ ! -e /pwned ] || fail "/pwned was made by $1"
}

@test "layers: whiteouts, opaque folders, links, long names and modes, inside a container" {
  run_coracle 0 load -q -i "$ARCHIVES/odd.tar"
  run_coracle_out 0 run --rm --net none odd:1 sh -c '
    cd /; ls lower; cat file was-dir was-file/new; echo; ls again; [ -e gone ] || [ -e goner ] || echo hidden
    cat soft hard; echo; stat -c "%h" real; cat long/*/*/*/*/*/*/*/*; echo; cat gr*; echo; stat -c "%a" suid sticky; stat -c "%u:%g" owned; [ -p fifo ] && echo fifo; stat -c %Y fraction'
  is "$output" "three
secondfilenew
new
hidden
linkedlinked
2
long
utf8
4755
1777
33:42
fifo
1600000000"
  run_coracle 0 rmi odd:1
}

@test "layers: a hundred and twenty of them" {
  run_coracle 0 load -q -i "$ARCHIVES/many.tar"
  # shellcheck disable=SC2016 # for the container's shell
  run_coracle_out 0 run --rm --net none many:1 sh -c 'cat /last; echo; n=0; for f in /f*; do n=$((n + 1)); done; echo $n; cat /f0 /f60; echo'
  is "$output" "119
120
060"
  run_coracle 0 rmi many:1
}

@test "layers: more than overlayfs stacks are refused" {
  run_coracle 125 load -q -i "$ARCHIVES/too-many.tar"
  has "$output" "the image has 501 layers; the kernel stacks at most 500"
}

@test "layers: an owner outside the user's range is named, with the remedy" {
  if is_root; then skip "real root has all ids"; fi
  run_coracle 125 load -q -i "$ARCHIVES/far.tar"
  has "$output" "far belongs to 3000000:0"
  has "$output" "/etc/subuid"
  run_coracle_out 0 images -q
  is "$output" ""
}

@test "layers: every way out is refused, with nothing left" {
  local archive name
  for archive in "$ARCHIVES"/hostile-bad-*.tar; do
    name=$(basename "$archive" .tar)
    run_coracle 125 load -q -i "$archive"
    like "$output" "^Error: .*layer 2: " "what $name says"
    untouched "$name"
    is "$(find "$STORE/layers" "$STORE/tmp" "$STORE/oci/blobs" -mindepth 1 -not -name sha256 | head)" "" "the store after $name"
  done
  run_coracle_out 0 images -q
  is "$output" "" "images"
}

@test "layers: what only looks like a way out ends inside" {
  local archive name
  for archive in "$ARCHIVES"/hostile-safe-*.tar; do
    name=$(basename "$archive" .tar)
    run_coracle 0 load -q -i "$archive"
    untouched "$name"
    run_coracle_out 0 run --rm --net none "localhost/${name#hostile-}:1" sh -c 'ls /etc/passwd; [ ! -b /dev/sda ] && [ ! -c /dev/mem ] && echo no devices; [ ! -e /pwned ] || cat /pwned'
    has "$output" "/etc/passwd" "lower files, in $name"
    has "$output" "no devices" "in $name"
    untouched "a container of $name"
    run_coracle 0 rmi "localhost/${name#hostile-}:1"
  done
}

@test "layers: a gigabyte of zeros is no archive, and that is known soon" {
  truncate -s 1G "$TEST_STORE/zeros.tar"
  gzip -1 <"$TEST_STORE/zeros.tar" >"$TEST_STORE/zeros.tar.gz"
  local start=$SECONDS
  run_coracle 125 import -q "$TEST_STORE/zeros.tar" zeros
  has "$output" "too much padding after its end"
  run_coracle 125 load -q -i "$TEST_STORE/zeros.tar"
  run_coracle 125 import -q "$TEST_STORE/zeros.tar.gz" zeros
  has "$output" "too much padding after its end"
  [ $((SECONDS - start)) -lt 30 ] || fail "it took $((SECONDS - start)) s"
  rm "$TEST_STORE"/zeros*
  run_coracle_out 0 images -q
  is "$output" ""
  no_leaks
}
