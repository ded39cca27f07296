#!/usr/bin/env bats
# 240-exec: one more command in a running container: as what it runs, its streams, statuses, and what is left.
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

# live NAME [OPTIONS…]: a container that sleeps
live() {
  local name=$1
  shift
  coracle run --name "$name" "$@" box sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
  wait_for 10 runs "$name"
}
runs() { [ "$(coracle inspect --format '{{.State.Status}}' "$1" 2>/dev/null)" = running ]; }
gone() { run_coracle 0 rm -f -t 0 "$1"; }
sessions() { coracle inspect --format '{{len .ExecIDs}}' "$1"; }
no_session() { [ "$(sessions "$1")" = 0 ]; }

@test "exec: output, both streams, exit status" {
  live c
  run_coracle_out 0 exec c sh -c 'echo out; echo err >&2'
  is "$output" "out"
  is "$stderr" "err"
  run_coracle 3 exec c sh -c 'exit 3'
  run_coracle 143 exec c sh -c 'kill -TERM $$'
  run_coracle 0 container exec c echo also
  is "$output" "also"
  run_coracle 0 exec c printf '[%s]' "" "a b" -t
  is "$output" "[][a b][-t]" "words pass unharmed, options after the container are the command's"
  is "$(sessions c)" 0 "sessions left"
  gone c
  no_leaks
}

@test "exec: 125, 126, 127" {
  live c
  run_coracle 127 exec c no-such-program
  like "$output" '^Error: .*executable file `no-such-program. not found in \$PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found' "not in PATH"
  run_coracle 127 exec c /no/such/file
  like "$output" 'No such file or directory: OCI runtime attempted to invoke a command that was not found'
  run_coracle 126 exec c /etc
  has "$output" "OCI permission denied"
  run_coracle 126 exec c /etc/passwd
  run_coracle 125 exec c
  is "$output" "Error: must provide a non-empty command to start an exec session: invalid argument"
  run_coracle 125 exec
  run_coracle 125 exec not-there true
  is "$output" 'Error: no container with name or ID "not-there" found: no such container'
  run_coracle 125 exec -d c no-such-program
  has "$output" "not found in \$PATH"
  is "$(sessions c)" 0 "sessions left"
  gone c
  run_coracle 0 run --name ended box true
  run_coracle 255 exec ended true
  is "$output" "Error: can only create exec sessions on running containers: container state improper"
  gone ended
  no_leaks
}

@test "exec: standard input" {
  live c
  is "$(echo word | coracle exec -i c cat)" "word"
  is "$(echo word | coracle exec c cat)" "" "without -i there is none"
  head -c 5000000 /dev/urandom >"$TEST_STORE/big"
  is "$(coracle exec -i c sha256sum <"$TEST_STORE/big" | cut -d ' ' -f 1)" "$(sha256sum <"$TEST_STORE/big" | cut -d ' ' -f 1)" "5 MB in"
  coracle exec -i c sh -c 'cat >/big' <"$TEST_STORE/big"
  is "$(coracle exec c cat /big | sha256sum)" "$(sha256sum <"$TEST_STORE/big")" "5 MB out"
  gone c
  no_leaks
}

@test "exec: it has the container's namespaces, filter, capabilities and limits" {
  live c --hostname here --ulimit nofile=77:99 --umask 027
  run_coracle 0 exec c sh -c 'for n in mnt pid net ipc uts cgroup user; do [ "$(readlink /proc/1/ns/$n)" = "$(readlink /proc/self/ns/$n)" ] || echo differs: $n; done'
  is "$output" "" "namespaces"
  run_coracle 0 exec c sh -c 'hostname; umask; ulimit -n; grep -h -E "^(Cap|NoNew|Seccomp:|Groups|Uid|Gid)" /proc/1/status >/tmp/1; grep -h -E "^(Cap|NoNew|Seccomp:|Groups|Uid|Gid)" /proc/self/status >/tmp/2; cmp /tmp/1 /tmp/2'
  is "$output" $'here\n0027\n77' "and who it is"
  gone c
}
