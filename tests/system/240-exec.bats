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
  run_coracle 0 run -d --name "$name" "$@" box sleep 1000
}
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

@test "exec: -d prints the session's ID, inspect lists it while it runs" {
  local id
  live c
  run_coracle_out 0 exec -d c sh -c 'until [ -e /go ]; do sleep 0.05; done; exit 9'
  id=$output
  like "$id" '^[0-9a-f]{64}$'
  is "$(coracle inspect --format '{{.ExecIDs}}' c)" "[$id]"
  run_coracle 0 exec c touch /go
  wait_for 30 no_session c
  run_coracle 0 exec -d c sh -c 'echo done >/done'
  wait_for 30 coracle exec c grep -q done /done
  run_coracle 0 exec -d c cat
  wait_for 30 no_session c
  run_coracle 0 exec -d -i c cat
  sleep 0.3
  is "$(sessions c)" 1 "with -i standard input stays open"
  run_coracle 0 exec -d -t c tty
  run_coracle 0 exec --no-session c true
  run_coracle 125 exec -d --no-session c true
  is "$output" "Error: --no-session cannot be used with --detach or --detach-keys"
  run_coracle 125 exec --no-session --detach-keys a c true
  gone c
  no_leaks
}

@test "exec: a session is told of by events, its exit code too, also when nobody waited" {
  live c
  run_coracle 3 exec c sh -c 'exit 3'
  run_coracle 0 exec -d c sh -c 'exit 7'
  wait_for 30 no_session c
  run_coracle 0 events --stream=false --filter event=exec_died --format '{{.ContainerExitCode}}'
  is "$(tail -2 <<<"$output")" $'3\n7'
  run_coracle 0 events --stream=false --filter event=exec --format '{{.Name}}'
  is "$(tail -2 <<<"$output")" $'c\nc'
  gone c
}

@test "exec: --user" {
  live c
  run_coracle 0 exec -u nobody c sh -c 'id; echo $HOME; grep -E "^Cap(Prm|Eff|Amb|Inh)" /proc/self/status'
  is "${lines[0]}" "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)"
  is "${lines[1]}" "/nonexistent"
  is "$(printf '%s\n' "${lines[@]:2}" | awk '{ print $2 }' | sort -u)" "0000000000000000" "no capabilities"
  run_coracle 0 exec -u 12345 c id
  is "$output" "uid=12345 gid=0(root) groups=0(root)"
  run_coracle 0 exec -u 12345:77 c id
  is "$output" "uid=12345 gid=77 groups=77"
  run_coracle 0 exec -u 0:nogroup c id -g
  is "$output" "65534"
  run_coracle 0 exec --user nobody:root c id -g
  is "$output" "0"
  run_coracle 255 exec -u nosuch c id
  is "$output" "Error: unable to find user nosuch: no matching entries in passwd file"
  run_coracle 255 exec -u 0:nosuch c id
  is "$output" "Error: unable to find group nosuch: no matching entries in group file"
  run_coracle 125 exec -u 3000000000 c id || run_coracle 255 exec -u 3000000000 c id
  is "$(sessions c)" 0
  gone c
}

@test "exec: another user than the container's: groups, capabilities, HOME" {
  live c -u nobody -e HOME=/given --cap-add net_admin --group-add 5,6 --security-opt no-new-privileges
  run_coracle 0 exec c sh -c 'id -G; echo $HOME; grep -E "^(CapEff|CapAmb|NoNewPrivs)" /proc/self/status'
  is "$output" $'65534 5 6\n/given\nCapEff:\t0000000000001000\nCapAmb:\t0000000000001000\nNoNewPrivs:\t1' "the container's own"
  run_coracle 0 exec -u root c sh -c 'id -G; echo $HOME; grep -E "^(CapEff|CapAmb|NoNewPrivs)" /proc/self/status'
  like "$output" $'^0 5 6.*\n/given\nCapEff:\t00000000800415fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1' "root"
  run_coracle 0 exec -u daemon c sh -c 'id -u; grep -E "^CapEff" /proc/self/status' || run_coracle 0 exec -u 7 c sh -c 'id -u; grep -E "^CapEff" /proc/self/status'
  has "$output" "0000000000000000"
  gone c
}

@test "exec: --privileged" {
  local all
  live c
  all=$(coracle run --rm --privileged box grep -E '^Cap(Bnd|Eff|Prm)' /proc/self/status)
  run_coracle 0 exec --privileged c grep -E '^Cap(Bnd|Eff|Prm)' /proc/self/status
  is "$output" "$all"
  run_coracle 0 exec --privileged -u nobody c grep -E '^Cap(Eff|Prm)' /proc/self/status
  is "$(awk '{ print $2 }' <<<"$output" | sort -u)" "0000000000000000"
  gone c
}

@test "exec: --workdir" {
  live c -w /tmp
  run_coracle 0 exec c pwd
  is "$output" "/tmp" "the container's"
  run_coracle 0 exec -w /etc c pwd
  is "$output" "/etc"
  run_coracle 127 exec -w /missing c pwd
  like "$output" '^Error: .*chdir to `/missing`: No such file or directory: OCI runtime attempted to invoke a command that was not found$'
  run_coracle 127 exec -w rel c pwd
  like "$output" 'chdir to `rel`: No such file or directory'
  run_coracle '?' exec -w /etc/passwd c pwd
  like "$output" 'chdir to `/etc/passwd`: Not a directory'
  isnt "$status" 0
  gone c
}

@test "exec: the environment" {
  live c -e FROM=container
  printf 'A=file\nB=file\n# no\n' >"$TEST_STORE/env"
  run_coracle 0 exec --env-file "$TEST_STORE/env" -e B=flag -e EMPTY= -e FROM=exec c sh -c 'echo $A $B "[$EMPTY]" $FROM $container $HOME'
  is "$output" "file flag [] exec podman /root"
  HOSTS=x run_coracle 0 exec -e HOSTS -e NOTSET c env
  has "$output" "HOSTS=x"
  not_like "$output" NOTSET
  run_coracle 125 exec -e =x c env
  has "$output" 'invalid variable: "=x"'
  run_coracle 125 exec --env-file /no/such c env
  has "$output" "/no/such"
  # PATH of --env is what the command is looked for in
  run_coracle 127 exec -e PATH=/nowhere c true
  gone c
}

@test "exec: --preserve-fds and --preserve-fd" {
  live c
  run_coracle 125 exec --preserve-fds 1 c true 3>&-
  is "$output" "Error: file descriptor 3 is not available - the preserve-fds option requires that file descriptors must be passed"
  run_coracle 125 exec --preserve-fd 99 c true
  is "$output" "Error: file descriptor 99 is not available - the preserve-fd option requires that file descriptors must be passed"
  run_coracle 125 exec --preserve-fd x c true
  echo nine >"$TEST_STORE/nine"
  echo forty >"$TEST_STORE/forty"
  is "$(coracle exec --preserve-fd=9,40 c sh -c 'ls -C -w 999 /proc/self/fd; cat <&9; cat <&40' 9<"$TEST_STORE/nine" 11</dev/null 40<"$TEST_STORE/forty" | tail -2)" $'nine\nforty'
  is "$(coracle exec --preserve-fd=9,40 c sh -c 'ls /proc/$$/fd; :' 9<"$TEST_STORE/nine" 11</dev/null 40<"$TEST_STORE/forty" | sort -n | xargs)" "0 1 2 9 40" "nothing else is handed on"
  is "$(coracle exec --preserve-fds 2 c sh -c 'cat <&3; cat <&4' 3<"$TEST_STORE/nine" 4<"$TEST_STORE/forty")" $'nine\nforty'
  is "$(coracle exec c sh -c 'ls /proc/$$/fd; :' 9</dev/null | xargs)" "0 1 2" "without the option none is"
  gone c
}

@test "exec: --latest and --cidfile" {
  live first
  run_coracle 0 run -d --name second --cidfile "$TEST_STORE/cid" --hostname latest box sleep 1000
  run_coracle 0 exec --latest hostname
  is "$output" "latest"
  run_coracle 0 exec -l hostname
  run_coracle 0 exec --cidfile "$TEST_STORE/cid" hostname
  is "$output" "latest"
  run_coracle 125 exec --cidfile /no/such true
  is "$output" "Error: reading CIDFile: open /no/such: no such file or directory"
  run_coracle 125 exec --latest --cidfile "$TEST_STORE/cid" true
  run_coracle 0 exec "$(cut -c 1-12 "$TEST_STORE/cid")" hostname
  is "$output" "latest" "by a short ID"
  gone first
  gone second
  no_leaks
}

@test "exec: the container's own seccomp profile, none" {
  printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":74}]}' >"$TEST_STORE/profile.json"
  live c --security-opt "seccomp=$TEST_STORE/profile.json"
  rm "$TEST_STORE/profile.json"
  run_coracle 1 exec c mkdir /tmp/x
  has "$output" "Bad message" "the profile's file is gone, the filter is not"
  gone c
  live c --security-opt seccomp=unconfined
  run_coracle 0 exec c grep Seccomp: /proc/self/status
  is "$output" $'Seccomp:\t0'
  gone c
}

@test "exec: containers that share the host's namespaces" {
  live c --net host --pid host
  is "$(coracle exec c readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
  is "$(coracle exec c readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
  gone c
  no_leaks
}

@test "exec: many at once" {
  local i pids=()
  live c
  for i in $(seq 30); do
    coracle exec c sh -c "echo $i; exit $i" >"$TEST_STORE/many.$i" 3>&- &
    pids+=($!)
  done
  for i in $(seq 30); do
    local status=0
    wait "${pids[i - 1]}" || status=$?
    is "$status" "$i"
    is "$(cat "$TEST_STORE/many.$i")" "$i"
  done
  is "$(sessions c)" 0
  gone c
  no_leaks
}

@test "exec: the supervisor is killed: the command goes on, its session is not listed, and the container's end leaves nothing" {
  local pid
  live c
  run_coracle 0 exec -d c sleep 555
  pid=$(coracle top c hpid args | awk '/sleep 555/ { print $1 }')
  kill -9 "$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")"
  wait_for 30 no_session c
  run_coracle 0 top c args
  has "$output" "sleep 555"
  gone c
  no_leaks
}
