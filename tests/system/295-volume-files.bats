#!/usr/bin/env bats
# 295-volume-files: volumes go out and in as archives, and what their options have mounted is there.
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

teardown() {
  coracle rm -af -t 0 >/dev/null 2>&1 || true
  coracle volume rm -af >/dev/null 2>&1 || true
}

@test "export and import: a file, a pipe, owners, and what was there before" {
  coracle volume create one
  coracle volume create two
  run_coracle run --rm -v one:/data box sh -c 'echo hello >/data/test; mkdir -m 750 /data/sub; ln -s ../test /data/sub/link; ln /data/test /data/hard; echo 5 >/data/own; chown 5:6 /data/own; mkfifo /data/pipe'
  run_coracle volume export one -o "$TMPDIR/one.tar"
  is "$output" "" "nothing is said"
  is "$(tar -tf "$TMPDIR/one.tar" | sort | tr '\n' ' ')" "hard own pipe sub/ sub/link test " "members, without one for the volume itself"
  has "$(tar --numeric-owner -tvf "$TMPDIR/one.tar" own)" "5/6" "owners as in the container"
  coracle volume export one | cmp - "$TMPDIR/one.tar"

  run_coracle run --rm -v two:/data box sh -c 'echo stays >/data/stays; echo old >/data/test; mkdir /data/own'
  run_coracle volume import two "$TMPDIR/one.tar"
  is "$output" ""
  run_coracle run --rm -v two:/data box sh -c 'cat /data/stays /data/sub/link; stat -c %u:%g:%a /data/own /data/sub; test /data/test -ef /data/hard; test -p /data/pipe'
  is "$output" $'stays\nhello\n5:6:644\n0:0:750'

  coracle volume create three
  gzip -c "$TMPDIR/one.tar" | "$CORACLE" volume import three -
  "$CORACLE" volume export one | "$CORACLE" volume import thre
  is "$(coracle volume export three | tar -xO hard)" hello "the beginning of one name is enough"
  coracle volume export three | cmp - "$TMPDIR/one.tar"
}

@test "export and import: what cannot be" {
  run_coracle 125 volume export nope
  is "$output" 'Error: no volume with name "nope" found: no such volume'
  run_coracle 125 volume import nope nope.tar
  is "$output" "Error: open nope.tar: no such file or directory"
  echo x | {
    run coracle volume import nope -
    is "$status" 125
    is "$output" 'Error: no volume with name "nope" found: no such volume'
  }
  coracle volume create here
  printf 'this is no archive' | {
    run coracle volume import here -
    is "$status" 125
    has "$output" "no tar archive"
  }
  run_coracle 125 volume export -o "$TMPDIR/none/x.tar" here
  is "$output" "Error: open $TMPDIR/none/x.tar: no such file or directory"
  run_coracle 125 volume export
  run_coracle 125 volume import
  needs script
  run script -qec "'$CORACLE' volume export here" /dev/null
  is "$status" 125
  has "$output" "cannot write to terminal, use command-line redirection or the --output flag"
  run script -qec "'$CORACLE' volume export -o /dev/null here" /dev/null
  is "$status" 0
}

@test "import: an archive that would lead out of the volume" {
  coracle volume create trap
  mkdir "$TMPDIR/evil"
  ln -s "$TMPDIR" "$TMPDIR/evil/out"
  tar -C "$TMPDIR/evil" -cf "$TMPDIR/evil.tar" out
  rm "$TMPDIR/evil/out"
  mkdir "$TMPDIR/evil/out"
  echo bad >"$TMPDIR/evil/out/escaped"
  tar -C "$TMPDIR/evil" -rf "$TMPDIR/evil.tar" out/escaped
  coracle volume import trap "$TMPDIR/evil.tar" || true
  [ ! -e "$TMPDIR/escaped" ] || fail "it left the volume"
  tar -C "$TMPDIR/evil" -P --transform 's,^,../../,' -cf "$TMPDIR/up.tar" out/escaped
  run_coracle 125 volume import trap "$TMPDIR/up.tar"
}

@test "type=bind: a folder of the user's is the volume" {
  mkdir "$TMPDIR/mine"
  echo mine >"$TMPDIR/mine/file"
  run_coracle 125 volume create -o type=bind -o device=/bogus b
  is "$output" "Error: invalid volume option device for driver 'local': faccessat /bogus: no such file or directory"
  run_coracle 125 volume create -o type=bind b
  run_coracle 125 volume create -o type=bind -o device=relative b
  has "$output" "no absolute path"
  run_coracle volume create -o type=bind -o device="/$TMPDIR/mine" b
  run_coracle volume create -o type=none -o o=bind,ro -o device="$TMPDIR/mine" r
  is "$(coracle volume inspect -f '{{.Options.type}} {{.Options.o}} {{.Options.device}}' r)" "none bind,ro $TMPDIR/mine"
  run_coracle run --rm -v b:/vol box sh -c 'cat /vol/file; echo new >/vol/new; stat -c %u:%g /vol/file'
  is "$output" $'mine\n0:0'
  is "$(cat "$TMPDIR/mine/new")" new
  run_coracle 1 run --rm -v r:/vol box sh -c 'cat /vol/new; echo x >/vol/new'
  like "$output" $'^new\n.*Read-only file system'
  is "$(coracle volume export b | tar -tf - | sort | tr '\n' ' ')" "file new " "export has what is mounted"
  # of a container that does not run, its volumes in their places
  coracle create --name c -v b:/vol box true
  echo copied >"$TMPDIR/copied"
  coracle cp "$TMPDIR/copied" c:/vol/copied
  is "$(cat "$TMPDIR/mine/copied")" copied
  run_coracle 2 volume rm b
  coracle rm c
  run_coracle volume rm b r
  is "$(cat "$TMPDIR/mine/file")" mine "what it was stays"
}

@test "type=tmpfs: memory, with its size, shared by those that run, empty when none does" {
  run_coracle volume create -o type=tmpfs -o o=size=2M,noexec,uid=5,gid=6,mode=750 -o device=tmpfs t
  run_coracle run --rm -v t:/vol box sh -c 'stat -f -c %T /vol; mount | grep " /vol "; stat -c %u:%g:%a /vol; echo x >/vol/x'
  is "${lines[0]}" tmpfs
  like "${lines[1]}" '^tmpfs on /vol type tmpfs .*size=2048k'
  has "${lines[1]}" noexec
  is "${lines[2]}" 5:6:750
  run_coracle run --rm -v t:/vol box ls -A /vol
  is "$output" "" "it went with the container"
  run_coracle 1 run --rm -v t:/vol box dd if=/dev/zero of=/vol/big bs=1M count=3
  has "$output" "No space left"

  run_coracle run -d --name a -v t:/vol box sh -c 'echo shared >/vol/file; exec sleep 1000'
  wait_for 20 coracle exec a test -s /vol/file
  run_coracle run --rm -v t:/other box cat /other/file
  is "$output" shared "a second container sees the same files"
  run_coracle run -d --name b -v t:/vol box sleep 1000
  coracle rm -f -t 0 a
  is "$(coracle exec b cat /vol/file)" shared "as long as one has it"
  coracle cp b:/vol/file "$TMPDIR/file"
  is "$(coracle volume export t | tar -xO file)" shared
  coracle restart -t 0 b
  run_coracle exec b ls -A /vol
  is "$output" "" "b was the last"
  [ -z "$(ls -A "$STORE/volumes/t/_data")" ] || fail "the host sees it"
  coracle rm -f -t 0 b
  no_leaks
}

@test "type=tmpfs: many that start at once have one" {
  coracle volume create -o type=tmpfs s
  for i in 1 2 3 4 5 6; do
    "$CORACLE" run -d --name "n$i" -v s:/vol box sh -c "echo $i >/vol/$i; exec sleep 1000" >/dev/null 3>&- &
  done
  wait
  seen() { is "$(coracle exec n3 ls /vol | tr '\n' ' ')" "1 2 3 4 5 6 "; }
  wait_for 20 seen
}

@test "other filesystems: the reason why not" {
  run_coracle 125 volume create -o o=size=1m c
  has "$output" "no quota"
  run_coracle 125 volume create -o o=noexec,foo c
  has "$output" "a type or a device is missing"
  run_coracle volume create -o type=tmpfs -o o=nonsense n
  run_coracle 126 run --rm -v n:/vol box true
  like "$output" 'mounting volume n for container [0-9a-f]{64}: tmpfs of type tmpfs: Invalid argument'
  run_coracle volume create -o type=nosuch -o device=/dev/null e
  run_coracle 126 run --rm -v e:/vol box true
  has "$output" "of type nosuch: No such device"
  if ! is_root; then
    run_coracle volume create -o type=ext4 -o device=/dev/null x
    run_coracle 126 run --rm -v x:/vol box true
    like "$output" 'of type ext4: (Operation not permitted.*without root privileges|No such device)'
  fi
  is "$(coracle ps -aq)" "" "nothing is left"
  no_leaks
}
