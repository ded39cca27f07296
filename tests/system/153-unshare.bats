# unshare: a command as root of the containers' user namespace.

load helpers

@test "the containers' ids, and the files of the user as root's" {
  touch "$BATS_TEST_TMPDIR/mine"
  run_coracle unshare stat -c '%u %n' "$BATS_TEST_TMPDIR/mine"
  is "$output" "0 $BATS_TEST_TMPDIR/mine" "the owner"
  run_coracle unshare sh -c 'echo "$CONTAINERS_GRAPHROOT"; id -u'
  is "$output" "$STORE"$'\n0' "environment"
}

@test "exit statuses, options after the command, no command" {
  run_coracle 7 unshare sh -c 'exit 7'
  run_coracle unshare echo --help -x
  is "$output" "--help -x" "the command's own options"
  run_coracle 127 unshare /no/such/command
  has "$output" "No such file or directory" "not found"
  run_coracle 126 unshare /etc
  SHELL=/bin/pwd run_coracle unshare
  is "$output" "$PWD" "the user's shell"
}

@test "a container that runs meanwhile shares the namespace" {
  fixture_image box
  coproc coracle run --rm -i --net none box sh -c 'echo up; readlink /proc/self/ns/user; cat'
  read -r -u "${COPROC[0]}" line
  is "$line" up "the container"
  read -r -u "${COPROC[0]}" space
  run_coracle unshare readlink /proc/self/ns/user
  is "$output" "$space" "the namespace"
  local pid=$COPROC_PID input=${COPROC[1]}
  exec {input}>&-
  wait "$pid"
}

@test "--noout: what the command prints too" {
  run_coracle --noout unshare echo hello
  is "$output" "" "nothing"
}
