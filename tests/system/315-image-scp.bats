#!/usr/bin/env bats
# image scp: over an ssh that runs the command here, in a store of its own for each host; over a real one where there is a server; between users.

load helpers

setup_file() {
  basic_setup_file
  mkdir "$TEST_STORE/fake" "$TEST_STORE/hosts"
  # ssh [-T] [-p PORT] -- HOST COMMAND: notes its arguments; "dead" does not answer, "bare" has no tool
  cat >"$TEST_STORE/fake/ssh" <<FAKE
#!/bin/bash
printf '%s\n' "\$*" >>"$TEST_STORE/ssh.log"
while [ "\$1" != -- ]; do shift; done
host=\${2##*@}
[ "\$host" != dead ] || { echo "ssh: connect to host dead port 22: No route to host" >&2; exit 255; }
home=$TEST_STORE/hosts/\$host
mkdir -p -m 700 "\$home/bin" "\$home/run" "\$home/data"
[ "\$host" = bare ] || printf '#!/bin/sh\nexec "%s" "\$@"\n' "$CORACLE" >"\$home/bin/coracle"
[ "\$host" = bare ] || chmod 755 "\$home/bin/coracle"
exec env HOME="\$home" XDG_DATA_HOME="\$home/data" XDG_RUNTIME_DIR="\$home/run" PATH="\$home/bin:$TEST_STORE/nothing:\$(dirname "\$(command -v env)")" sh -c "\$3"
FAKE
  chmod 755 "$TEST_STORE/fake/ssh"
}

setup() {
  basic_setup
  fixture_image box
  PATH=$TEST_STORE/fake:$PATH
}

# on HOST ARGS…: coracle there.
on() {
  local home=$TEST_STORE/hosts/$1
  shift
  HOME=$home XDG_DATA_HOME=$home/data XDG_RUNTIME_DIR=$home/run "$CORACLE" "$@"
}

@test "image scp: there, back, and between two others" {
  id=$(coracle image inspect --format '{{.Id}}' box)
  run_coracle image scp box me@one::
  is "$output" "Loaded image: localhost/box:latest"
  is "$(on one image inspect --format '{{.Id}}' box)" "$id" "id there"
  run_coracle image scp -q --format oci-archive one::box ssh://me@two:2222/run/user/1/podman.sock::
  is "$(on two image inspect --format '{{.Id}}' box)" "$id" "id on the third"
  has "$(cat "$TEST_STORE/ssh.log")" "-T -p 2222 -- me@two" "port"
  run_coracle rmi -f box
  run_coracle image scp two::localhost/box:latest
  is "$output" "Loaded image: localhost/box:latest"
  is "$(coracle image inspect --format '{{.Id}}' box)" "$id" "id back here"
  on one rmi -f box
  on two rmi -f box
}

@test "image scp: what goes wrong" {
  run_coracle 125 image scp box
  is "$output" "Error: must specify a destination: invalid argument"
  run_coracle 125 image scp ::
  is "$output" "Error: a source image must be specified: invalid argument"
  run_coracle 125 image scp one:: two::
  is "$output" "Error: a source image must be specified: invalid argument"
  run_coracle 125 image scp box one::name
  is "$output" "Error: cannot specify an image rename: invalid argument"
  run_coracle 125 image scp box one
  has "$output" "one: a destination is HOST::"
  run_coracle 125 image scp box -- -oProxyCommand=x::
  has "$output" 'invalid host "-oProxyCommand=x"'
  run_coracle 125 image scp box me@-x::
  has "$output" 'invalid host'
  run_coracle 125 image scp box 'one:x::'
  has "$output" 'invalid host "one:x"'
  run_coracle 125 image scp 'box;touch x' one::
  has "$output" "invalid reference format"
  run_coracle 125 image scp --format oci-dir box one::
  is "$output" "Error: format value must be one of oci-archive docker-archive"
  run_coracle 125 image scp nosuch one::
  has "$output" "nosuch: image not known"
  has "$output" "Error: save on this machine failed: exit status 125"
  run_coracle 125 image scp box dead::
  has "$output" "No route to host"
  has "$output" "Error: load on dead failed: exit status 255"
  run_coracle 125 image scp dead::box
  has "$output" "Error: save on dead failed: exit status 255"
  run_coracle 125 image scp box bare::
  has "$output" "neither coracle nor podman is installed"
  run env PATH=/nowhere "$CORACLE" image scp box one::
  is "$status" 125
  has "$output" 'exec: "ssh": executable file not found in $PATH'
}

@test "image scp: to another user of this machine" {
  command -v sudo >/dev/null || skip "sudo is not installed"
  if sudo -n true 2>/dev/null; then skip "sudo would reach a real user's store"; fi
  # asked for a password that nobody gives
  run_coracle 125 image scp box root@localhost::
  has "$output" "load on root failed"
}
