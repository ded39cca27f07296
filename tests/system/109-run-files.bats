#!/usr/bin/env bats
# 109-run-files: what run writes for the caller and takes from it: --cidfile, --pidfile, --preserve-fds, --rootfs, labels, annotations.
# root: yes

load helpers

setup() {
  fixture_image box
}

make_root() { # a root filesystem in $root
  root=$TEST_STORE/rootfs
  [ -d "$root" ] && return
  mkdir -p "$root"/{bin,etc,tmp}
  cp /bin/busybox "$root/bin/busybox" || skip "no static busybox"
  ln -s busybox "$root/bin/sh"
  ln -s busybox "$root/bin/cat"
  echo "in the folder" >"$root/etc/mark"
}

@test "files: --cidfile" {
  local id
  run_coracle_out 0 run --cidfile "$TEST_STORE/cid" --name c1 box true
  id=$(cat "$TEST_STORE/cid")
  like "$id" '^[0-9a-f]{64}$'
  is "$(wc -c <"$TEST_STORE/cid")" "64" "no newline"
  run_coracle_out 0 ps -a --no-trunc --format '{{.ID}}'
  is "$output" "$id"
  run_coracle 0 rm --cidfile "$TEST_STORE/cid"
  run_coracle 125 run --rm --cidfile "$TEST_STORE/no/such/folder/cid" box true
  no_leaks
}

@test "files: --cidfile of a container that cannot be made" {
  run_coracle 125 run --rm --cidfile "$TEST_STORE/cid2" no-such-image true
  [ ! -e "$TEST_STORE/cid2" ] || fail "the file is there"
  run_coracle 125 run --rm --cidfile "$TEST_STORE/cid2" --memory=x box true
  [ ! -e "$TEST_STORE/cid2" ] || fail "the file is there"
}

@test "files: --pidfile" {
  local log=$TEST_STORE/pid.log pid
  "$CORACLE" run --rm --pidfile "$TEST_STORE/pid" box sh -c 'echo ready; read x' >"$log" 2>&1 3>&- </dev/null &
  wait $! || true
  pid=$(cat "$TEST_STORE/pid")
  like "$pid" '^[0-9]+$'
  # one that has ended before anybody asked which it was
  local i
  for i in {1..25}; do
    coracle run --rm --pidfile "$TEST_STORE/pid" box true
    like "$(cat "$TEST_STORE/pid")" '^[0-9]+$' "run $i"
  done
  rm "$TEST_STORE/pid"
  "$CORACLE" run --rm --name p1 --pidfile "$TEST_STORE/pid" box sleep 1000 >"$log" 2>&1 3>&- </dev/null &
  wait_for 30 test -s "$TEST_STORE/pid"
  pid=$(cat "$TEST_STORE/pid")
  wait_for 30 grep -q sleep "/proc/$pid/cmdline"
  coracle rm -f -t 0 p1
  run_coracle 125 run --rm --pidfile "$TEST_STORE/no/such/pid" box true
  no_leaks
}

@test "files: --preserve-fds" {
  echo three >"$TEST_STORE/three"
  run bash -c 'exec 3<"$1" 4>"$2"; "$0" run --rm --preserve-fds 2 box sh -c "cat <&3; echo four >&4; ls /proc/self/fd"' "$CORACLE" "$TEST_STORE/three" "$TEST_STORE/four"
  is "$status" "0"
  is "${lines[0]}" "three"
  is "$(cat "$TEST_STORE/four")" "four"
  is "$(printf '%s\n' "${lines[@]:1}" | xargs)" "0 1 2 3 4 5" "and no more"
  run bash -c 'exec 3<&- 4<&- 5<&-; "$0" run --rm --preserve-fds 2 box true' "$CORACLE"
  is "$status" "125"
  has "$output" "file descriptor 3 is not open"
  run_coracle 125 run --rm --preserve-fds x box true
  run_coracle 125 run --rm --preserve-fds -1 box true
  run_coracle 125 run --rm --preserve-fds 100000000 box true
}

@test "files: --rootfs" {
  local root
  make_root
  run_coracle_out 0 run --rm --rootfs "$root" /bin/cat /etc/mark
  is "$output" "in the folder"
  run_coracle 0 run --rm --rootfs "$root" /bin/sh -c 'echo new >/written'
  is "$(cat "$root/written")" "new" "what is written stays in the folder"
  cd "$TEST_STORE"
  run_coracle_out 0 run --rm --rootfs rootfs /bin/cat /written
  is "$output" "new" "a relative folder"
  run_coracle_out 0 run --rm --rootfs ./rootfs /bin/cat /written
  is "$output" "new"
  run_coracle 1 run --rm --read-only --rootfs "$root" /bin/sh -c 'echo x >/written'
  run_coracle 127 run --rm --rootfs "$root"
  has "$output" "not found in \$PATH"
  run_coracle 125 run --rm --rootfs "$TEST_STORE/none" /bin/sh
  has "$output" "$TEST_STORE/none"
  run_coracle 125 run --rm --rootfs "$root/etc/mark" /bin/sh
  run_coracle 125 run --rm --rootfs "$root:idmap" /bin/sh
  has "$output" "not supported"
  run_coracle 127 run --rm --rootfs "$root" /bin/none
  run_coracle 0 run --name r1 --rootfs "$root" /bin/sh -c 'exit 0'
  run_coracle 0 rm r1
  [ -e "$root/etc/mark" ] || fail "the folder is gone"
  no_leaks
}

@test "files: --label and --label-file" {
  printf '# comment\n\nfromfile=yes\nboth=file\n' >"$TEST_STORE/labels"
  run_coracle 0 run --name l1 --label a=1 -l empty --label both=flag --label-file "$TEST_STORE/labels" --label 'odd=x=y, z' box true
  run_coracle_out 0 inspect --format '{{.Config.Labels.a}}|{{.Config.Labels.empty}}|{{.Config.Labels.both}}|{{.Config.Labels.fromfile}}|{{.Config.Labels.odd}}' l1
  is "$output" "1||flag|yes|x=y, z"
  run_coracle_out 0 ps -a --filter label=a=1 --format '{{.Names}}'
  is "$output" "l1"
  run_coracle 0 rm l1
  run_coracle 125 run --rm --label-file "$TEST_STORE/none" box true
  run_coracle 125 run --rm --label =x box true
  run_coracle 125 run --rm --label "" box true
  no_leaks
}

@test "files: --annotation" {
  local id
  run_coracle 0 run --name a1 --cidfile "$TEST_STORE/acid" --annotation one=1 --annotation 'two=a=b, c' box true
  id=$(cat "$TEST_STORE/acid")
  run_coracle_out 0 inspect --format '{{index .Config.Annotations "one"}}|{{index .Config.Annotations "two"}}' a1
  is "$output" "1|a=b, c"
  run_coracle 0 rm a1
  run_coracle 125 run --rm --annotation nonsense box true
  no_leaks
}

@test "files: --name" {
  local word
  for word in -x .x a/b 'a b' 'ä'; do run_coracle 125 run --rm --name="$word" box true; done
  run_coracle 0 run --rm --name x box true
  run_coracle 0 run --rm --name A.b_c-1 box true
  no_leaks
}

@test "files: an empty value is as good as none" {
  local flag
  for flag in name hostname user workdir cidfile pidfile tz umask stop-signal platform ipc pid uts cgroupns userns network init-path passwd-entry group-entry; do
    run_coracle_out 0 run --rm "--$flag=" box echo fine
    is "$output" "fine" "--$flag="
  done
  fixture_image sailor --change 'USER user'
  run_coracle_out 0 run --rm --user '' sailor id -un
  is "$output" "user" "the image's user"
}

@test "files: bad values of every other kind of flag are 125" {
  local word
  for word in --rm=maybe --interactive=2 --tty=x --privileged=x --read-only=no --init=x --http-proxy=x --passwd=x --replace=x --sig-proxy=x --env-host=x --no-hosts=x --unsetenv-all=x --rootfs=x; do
    run_coracle 125 run "$word" box true
    has "$output" "${word%%=*}" "the flag is named"
    has "$output" "${word#*=}" "and its value"
  done
  run_coracle 125 run --env-file
  run_coracle 125 run --user
  run_coracle 125 run -z box
  has "$output" "unknown shorthand flag: 'z' in -z"
  no_leaks
}
