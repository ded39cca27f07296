#!/usr/bin/env bats
# 251-cp-attacks: a hostile container, or a hostile archive, never reads or writes outside of the container; and nothing of the container's is executed
# (CVE-2018-15664, CVE-2019-14271, CVE-2021-30465's like for copies).
# root: yes
# long: yes

load helpers

setup() {
  fixture_image box
  mkdir -p "$TEST_STORE/w" "$TEST_STORE/secret"
  cd "$TEST_STORE/w" || return
  rm -rf ./*
  echo "the host's secret" >"$TEST_STORE/secret/key"
  echo payload >f
}

teardown() {
  # whatever was tried, the host's file is what it was, and has no company
  is "$(cat "$TEST_STORE/secret/key")" "the host's secret" "the host's file"
  is "$(ls -A "$TEST_STORE/secret")" "key" "the host's folder"
  basic_teardown
}

# hostile SCRIPT [ARG…]: a running container h whose command is SCRIPT, then a loop for ever
hostile() {
  local script=$1
  shift
  coracle run --name h "$@" box sh -c "$script
    : >/ready; sleep 1000" &
  wait_for 60 diff_says h /ready
}
gone() {
  coracle rm -f -t 0 "$@" >/dev/null
  wait || true
}

@test "cp: absolute links and .. stay in the container" {
  local s=$TEST_STORE/secret
  hostile "ln -s $s /abs; ln -s ../../../../../../../../..$s /rel; ln -s /proc/1/root/$s /magic; ln -s $s/key /key; ln -s /abs /chain; mkdir /real; ln -s / /real/up"
  local p
  for p in abs rel key chain abs/key rel/key magic/key real/up/../../../../..$s/key ../../../../..$s/key; do
    run_coracle 125 cp "h:/$p" out
    like "$output" "could not be found on container h" "$p"
    run_coracle 125 cp f "h:/$p/x"
  done
  # where a link leads nowhere the file is made there, in the container's own tree, or refused
  run_coracle '?' cp f h:/key
  run_coracle '?' cp f h:/abs
  [ ! -e out ]
  gone h
}

@test "cp: links within a folder are copied as links, and not written through" {
  local s=$TEST_STORE/secret
  hostile "mkdir /d; ln -s $s /d/sub; ln -s $s/key /d/file; mkdir -p /t/x"
  run_coracle 0 cp h:/d out
  is "$(readlink out/sub) $(readlink out/file)" "$s $s/key"
  # into a folder of the host's that has such a link already
  mkdir -p own/d here/d/sub
  ln -s "$s" own/d/sub
  echo evil >here/d/sub/key
  run_coracle 0 cp here/d h:/e
  run_coracle 125 cp h:/e/. own/d
  run_coracle 0 cp --overwrite h:/e/. own/d
  is "$(cat own/d/sub/key)" "evil" "the link was replaced"
  # and into a container's
  run_coracle 125 cp here/d/. h:/d
  run_coracle 0 cp --overwrite here/d/. h:/d
  gone h
}

@test "cp: a path swapped for a link meanwhile, in and out (CVE-2018-15664)" {
  local s=$TEST_STORE/secret i
  hostile "mkdir -p /race/a /evil; echo inside >/race/a/key; ln -s $s /evil/link
    (while :; do mv /race/a /race/b; ln -s $s /race/a; rm /race/a; mv /race/b /race/a; done) &"
  mkdir in
  echo payload >in/other
  for i in $(seq 60); do
    rm -rf out
    coracle cp h:/race/a/key out >/dev/null 2>&1 || true
    [ ! -e out ] || is "$(cat out)" "inside" "try $i: what came out"
    coracle cp in/other h:/race/a/new >/dev/null 2>&1 || true
    coracle cp in/. h:/race/a >/dev/null 2>&1 || true
  done
  gone h
}

@test "cp: the folder being copied is swapped while it is walked" {
  local s=$TEST_STORE/secret i
  hostile "mkdir -p /tree; for i in 1 2 3 4 5 6 7 8; do mkdir -p /tree/d\$i/x; echo inside >/tree/d\$i/x/key; done
    (while :; do for i in 1 2 3 4 5 6 7 8; do mv /tree/d\$i/x /tree/d\$i/y; ln -s $s /tree/d\$i/x; rm /tree/d\$i/x; mv /tree/d\$i/y /tree/d\$i/x; done; done) &"
  mkdir -p in/d1/x in/d2/x in/d3/x
  echo payload | tee in/d1/x/key in/d2/x/key in/d3/x/key >/dev/null
  for i in $(seq 40); do
    rm -rf out
    coracle cp h:/tree out >/dev/null 2>&1 || true
    ! grep -rqs "host's secret" out || fail "try $i: the host's file came out"
    coracle cp --overwrite in/. h:/tree >/dev/null 2>&1 || true
    tar -C in -cf - . | coracle cp --overwrite - h:/tree >/dev/null 2>&1 || true
    coracle cp h:/tree - 2>/dev/null | tar -xOf - 2>/dev/null | grep "host's secret" && fail "try $i: it is in the archive"
  done
  gone h
}

@test "cp: hard links of a hostile tree are not followed out of it" {
  local s=$TEST_STORE/secret i
  mkdir in
  echo one >in/a
  for i in $(seq 200); do ln in/a "in/l$i"; done
  hostile "mkdir /t; (while :; do rm -f /t/a; ln -s $s/key /t/a; ln -s $s/key /t/in; rm -rf /t/in; done) 2>/dev/null &"
  for i in $(seq 20); do
    coracle cp --overwrite in/. h:/t >/dev/null 2>&1 || true
    coracle cp --overwrite in h:/t >/dev/null 2>&1 || true
  done
  is "$(stat -c %h "$s/key")" 1 "names of the host's file"
  gone h
}

@test "cp: FIFOs, sockets and devices do not hang it, nor leave the container" {
  hostile "mkdir /d; mkfifo /d/p; : >/d/f; mkfifo /p; ln -s /dev/zero /z"
  run_coracle 0 cp h:/d out
  [ -p out/p ]
  run_coracle 0 cp h:/p out2
  run_coracle 125 cp h:/dev/zero out3
  run_coracle 125 cp h:/z out3
  run_coracle 0 cp h:/dev out4
  ! find out4 -type b -o -type c | grep -q . || fail "device nodes on the host"
  run_coracle 125 cp f h:/p
  like "$output" "must be a directory or a regular file"
  run_coracle 0 cp h:/d - >/dev/null
  # a file that becomes a FIFO
  coracle exec h true 2>/dev/null || true
  gone h
}

@test "cp: / of a running container, without what the kernel shows in it" {
  hostile ":"
  run_coracle 0 cp h:/ out
  [ -e out/ready ] && [ ! -e out/proc/1 ] && [ ! -e out/sys/kernel ]
  chmod -R u+w out
  gone h
}

# tar_of PYTHON: an archive made by hand
tar_of() { python3 -c "
import tarfile, io, sys
t = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.PAX_FORMAT)
def f(name, data=b'evil', **k):
    i = tarfile.TarInfo(name); i.size = len(data)
    for a, b in k.items(): setattr(i, a, b)
    t.addfile(i, io.BytesIO(data))
def l(name, to, type=tarfile.SYMTYPE):
    i = tarfile.TarInfo(name); i.type = type; i.linkname = to; t.addfile(i)
s = '$TEST_STORE/secret'
$1
t.close()"; }

@test "cp: hostile archives on standard input" {
  needs python3
  hostile "mkdir /t /victim; echo kept >/victim/key"
  local n=0 script
  while read -r script; do
    n=$((n + 1))
    tar_of "$script" >bad.tar
    coracle cp --overwrite - h:/t <bad.tar >out 2>&1 || true
    is "$(coracle cp h:/victim/key - | tar -xOf -)" "kept" "$script"
  done <<'END'
f('../victim/key')
f('/../../victim/key')
f('a/../../victim/key')
l('x', '/victim'); f('x/key')
l('x', '../victim'); f('x/key')
l('x', s); f('x/key'); f('x/new')
l('y', '../../../../../../..' + s); f('y/key')
l('h', '../victim/key', tarfile.LNKTYPE); f('h')
l('h', '/victim/key', tarfile.LNKTYPE); f('h')
l('k', s + '/key', tarfile.LNKTYPE)
l('d', 'd'); f('d/key')
l('a', 'b'); l('b', 'a'); f('a/key')
f('n' * 5000)
f('e/' * 3000 + 'key')
i = tarfile.TarInfo('null'); i.type = tarfile.CHRTYPE; i.devmajor = 1; i.devminor = 3; t.addfile(i)
f('su', mode=0o6777, uid=0); f('x2', uid=4000000000)
f('.', b'evil')
f('x3', pax_headers={'SCHILY.xattr.user.overlay.opaque': 'y'})
END
  [ "$n" -gt 15 ]
  gone h
}

@test "cp: broken archives, bombs of headers and of holes" {
  needs python3
  hostile "mkdir /t"
  head -c 100000 /dev/zero | tr '\0' 'A' >junk
  run bash -c "'$CORACLE' cp - h:/t <junk"
  is "$output" "Error: source must be a (compressed) tar archive when copying from stdin"
  tar_of "f('cut', b'x' * 100000)" | head -c 5000 >cut.tar
  run bash -c "'$CORACLE' cp - h:/t <cut.tar"
  is "$status" 125
  like "$output" "^Error: copying to container: not a sound tar archive"
  # a hole of 8 TiB costs nothing, and does not come back as zeros
  truncate -s 8T hole 2>/dev/null && {
    tar -Scf - hole | (ulimit -t 20; timeout 50 "$CORACLE" cp - h:/t) || true
    rm hole
  }
  run bash -c "{ printf '\377'; head -c 300 /dev/urandom; } | gzip | '$CORACLE' cp - h:/t"
  is "$output" "Error: source must be a (compressed) tar archive when copying from stdin"
  run bash -c "'$CORACLE' cp - h:/t </dev/null"
  is "$output" "Error: source must be a (compressed) tar archive when copying from stdin"
  gone h
}

@test "cp: nothing of the container's is loaded or run (CVE-2019-14271)" {
  needs strace
  # a container whose user database and C library are traps
  hostile "mkdir -p /lib /lib64 /lib/x86_64-linux-gnu; for l in libnss_files.so.2 libc.so.6 libnss_compat.so.2; do printf '#!/bin/sh\n: >/owned' >/lib/\$l; cp /lib/\$l /lib64/; cp /lib/\$l /lib/x86_64-linux-gnu/; chmod 755 /lib/\$l; done
    echo 'passwd: evil' >/etc/nsswitch.conf; : >/etc/ld.so.preload"
  strace -f -qq -o trace -e trace=execve,chroot,openat,openat2 "$CORACLE" cp f h:/f
  strace -f -qq -A -o trace -e trace=execve,chroot,openat,openat2 "$CORACLE" cp h:/f out
  ! grep -E 'chroot\(|/proc/[0-9]+/root/.*(lib|nsswitch)' trace || fail "it entered the container"
  run_coracle 125 cp h:/owned out2
  gone h
}

@test "cp: a container that is removed or started meanwhile" {
  run_coracle 0 run --name st box true
  mkdir many
  local i
  for i in $(seq 300); do echo "$i" >"many/$i"; done
  for i in 1 2 3; do
    coracle cp many "st:/m$i" >/dev/null 2>&1 &
    coracle start st >/dev/null 2>&1 &
    wait
  done
  wait_for 20 eval '[ "$(coracle inspect --format "{{.State.Status}}" st)" = exited ]'
  coracle cp many st:/z >/dev/null 2>&1 &
  coracle rm -f st >/dev/null 2>&1 || true
  wait || true
  coracle rm -f st >/dev/null 2>&1 || true
  no_leaks
}

@test "cp: killed at any step, the container is what it was" {
  needs strace
  run_coracle 7 run --name k box sh -c 'exit 7'
  local when
  for when in 1 2 3; do
    for call in openat2 fchmod move_mount mount openat; do
      strace -f -qq -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$((when * 3)) "$CORACLE" cp f k:/f >/dev/null 2>&1 || true
    done
  done
  run_coracle_out 0 ps -a --format '{{.Names}} {{.Status}}'
  like "$output" '^k Exited \(7\)'
  run_coracle 0 cp f k:/f
  run_coracle 0 rm k
  no_leaks
}

@test "cp and exec: a container that is just being restarted: its files, or nothing, never the host's" {
  local s=$TEST_STORE/secret i=0 until=$((SECONDS + 5))
  mkdir -p "$TEST_STORE/hooks"
  # it runs where all is mounted, and the root filesystem is not yet entered
  printf '{"version":"1.0.0","hook":{"path":"/bin/sleep","args":["sleep","0.4"]},"when":{"always":true},"stages":["createContainer"]}' >"$TEST_STORE/hooks/slow.json"
  run_coracle 0 --hooks-dir "$TEST_STORE/hooks" run -d --name h --restart always box sh -c 'sleep 0.2'
  while [ "$SECONDS" -lt "$until" ]; do
    coracle cp "h:$s/key" out 2>/dev/null && fail "the host's file came out"
    coracle cp f "h:$s/new" 2>/dev/null && fail "a file went to the host"
    run coracle exec h cat "$s/key"
    not_like "$output" "host's secret" "what exec saw"
  done
  # or nothing was tried
  wait_for 20 restarted h
  gone h
}

restarted() { [ "$(coracle inspect --format '{{.RestartCount}}' "$1")" -gt 0 ]; }

@test "a tree deeper than any path: sizes, export that says so, and removal" {
  hostile 'cd /; i=0; while [ $i -lt 2100 ] && mkdir d && cd d; do i=$((i + 1)); done 2>/dev/null; echo 12345 >file; cd /'
  run_coracle_out 0 inspect -s --format '{{.SizeRw}}' h
  is "$output" 6 "the size"
  run_coracle 0 ps -s
  # some of it is longer than an archive's path may be: refused, or whole
  run_coracle '?' export -o /dev/null h
  [ "$status" = 0 ] || has "$output" "too long for an archive"
  gone h
  run_coracle 0 system check
}
