# run: users of the host, names, pull policies, what a wrong user or folder means, and what cannot be lower or higher than the caller's.
#
# root: yes

load helpers

setup() { fixture_image box; }

@test "--hostuser: its line is in passwd, and --user finds it" {
  me=$(id -un) uid=$(id -u)
  [ "$uid" != 0 ] || skip "root is in every passwd"
  run_coracle 1 run --rm box grep -q "^$me:" /etc/passwd
  run_coracle run --rm --hostuser "$me" box grep "^$me:" /etc/passwd
  like "$output" "^$me:\*:$uid:" "the line"
  run_coracle run --rm --hostuser "$uid" --user "$me:$uid" box sh -c 'id -un; id -u; id -g'
  is "$output" "$me"$'\n'"$uid"$'\n'"$uid" "who it is"
  run_coracle 126 run --rm --hostuser no-such-user box true
  has "$output" "no matching entries in passwd file" "the error"
  is "$(coracle ps -aq)" "" "nothing is left"
}

@test "a user or group that nobody knows: 126, as Podman" {
  run_coracle 126 run --rm --user nobody-knows box true
  has "$output" "unable to find user nobody-knows: no matching entries in passwd file" "user"
  run_coracle 126 run --rm --user 0:nobody-knows box true
  has "$output" "no matching entries in group file" "group"
  run_coracle 126 run --rm --workdir /i/do/not/exist box pwd
  has "$output" 'workdir "/i/do/not/exist" does not exist on container' "folder"
}

@test "a working folder that comes with a volume below it" {
  echo here >"$BATS_TEST_TMPDIR/file"
  run_coracle run --rm -w /made/by -v "$BATS_TEST_TMPDIR/file:/made/by/volume/file" box cat volume/file
  is "$output" "here" "the file"
}

@test "--pull: never, missing, newer; always asks the registry of its name" {
  for policy in never missing newer; do
    run_coracle run --rm --pull "$policy" box true
    is "$output" "" "--pull=$policy says nothing"
  done
  run_coracle 125 run --rm --pull=never no/such/image:1 true
  is "$output" "Error: no/such/image:1: image not known" "--pull=never"
  run_coracle 125 run --rm --pull=always box true
  has "$output" "initializing source docker://localhost/box:latest: pinging container registry localhost" "always"
  run_coracle 125 run --rm --pull=perhaps box true
  is "$output" 'Error: unsupported pull policy "perhaps"' "a word that is none"
}

@test "a name with Docker's slash in front" {
  run_coracle run --name /slashed box true
  is "$(coracle ps -a --format '{{.Names}}')" "slashed" "its name"
  run_coracle 125 run --name /slashed box true
  has "$output" 'the container name "slashed" is already in use' "taken"
  run_coracle 125 run --name a/b box true
  run_coracle rm /slashed
  is "$(coracle ps -aq)" "" "removed"
}

@test "an oom score below our own: raised, with a warning" {
  [ "$(id -u)" != 0 ] || skip "real root may lower it"
  run_coracle run --rm --oom-score-adj=-1000 box cat /proc/self/oom_score_adj
  like "$output" 'level=warning msg="Requested oom_score_adj=-1000 is lower than the current one, changing to ' "the warning"
  is "${lines[1]}" "$(cat /proc/self/oom_score_adj)" "the score"
  run_coracle --log-level=error run --rm --oom-score-adj=-1000 box true
  is "$output" "" "not above the level asked for"
}

@test "limits: -1 is the highest, and soft is not above hard" {
  run_coracle 125 run --rm --ulimit core=-1:1000 box true
  is "$output" 'Error: ulimit option "core=-1:1000" requires name=SOFT:HARD, failed to be parsed: ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 1000' \
    "the error"
  run_coracle run --rm --ulimit core=0:-1 box sh -c 'ulimit -Sc; ulimit -Hc'
  is "$output" $'0\n'"$(ulimit -Hc)" "limits"
}

@test "--timeout kills at once" {
  local begin=$SECONDS
  run_coracle 255 run --name timed --timeout 1 --stop-timeout 1000 box sh -c 'trap "" TERM; while :; do sleep 1; done'
  [ $((SECONDS - begin)) -lt 60 ] || fail "took $((SECONDS - begin)) seconds"
  run_coracle ps -a --format '{{.Names}} {{.Status}}'
  like "$output" '^timed Exited \(-1\)' "its state"
  run_coracle rm timed
}

@test "no command at all: 127 for a folder, 125 for an image" {
  mkdir -p "$BATS_TEST_TMPDIR/empty"
  run_coracle 127 run --rm --rootfs "$BATS_TEST_TMPDIR/empty"
  has "$output" 'executable file `` not found in $PATH' "the error"
}

@test "--no-hostname leaves the image's file; /etc/mtab is there" {
  run_coracle run --rm box sh -c 'cat /etc/hostname'
  like "$output" '^[0-9a-f]{12}$' "the file"
  run_coracle run --rm --no-hostname box sh -c 'test ! -s /etc/hostname && hostname'
  like "$output" '^[0-9a-f]{12}$' "the name itself"
  run_coracle run --rm box readlink /etc/mtab
  is "$output" "/proc/mounts" "mtab"
}

@test "memory and device rules: refused, but for what means nothing" {
  run_coracle run --rm --detach-keys="" box echo yes
  is "$output" "yes" "--detach-keys="
  run_coracle run --rm --detach-keys=ctrl-x box true
  run_coracle 125 run --rm --detach-keys=ctrl-1 box true
  has "$output" "ctrl-1" "--detach-keys"
  run_coracle run --rm --memory=0 box echo yes
  is "$output" "yes" "--memory=0"
  run_coracle 125 run --rm --device-cgroup-rule 'b 7:* rmw' box true
  run_coracle run --rm --kernel-memory 100 box true
  has "$output" "The --kernel-memory flag is no longer supported. This flag is a noop." "--kernel-memory"
}

@test "the mode of / is what the topmost layer that has one says" {
  mkdir -p "$BATS_TEST_TMPDIR/root/bin"
  cp "$(command -v busybox)" "$BATS_TEST_TMPDIR/root/bin/"
  ln -s busybox "$BATS_TEST_TMPDIR/root/bin/stat"
  chmod 555 "$BATS_TEST_TMPDIR/root"
  tar -C "$BATS_TEST_TMPDIR/root" -cf "$BATS_TEST_TMPDIR/with.tar" .
  tar -C "$BATS_TEST_TMPDIR/root" -cf "$BATS_TEST_TMPDIR/without.tar" bin
  run_coracle import -q "$BATS_TEST_TMPDIR/with.tar" mode:with
  run_coracle run --rm mode:with /bin/stat -c %a /
  is "$output" "555" "the layer's own"
  run_coracle import -q "$BATS_TEST_TMPDIR/without.tar" mode:without
  run_coracle run --rm mode:without /bin/stat -c %a /
  is "$output" "555" "what Podman gives it"
  run_coracle rmi mode:with mode:without
  chmod 755 "$BATS_TEST_TMPDIR/root"
}

@test "ports without a network of one's own: a warning" {
  for network in host none; do
    run_coracle run --rm -p 8080 --net=$network box echo hello
    is "$output" "Port mappings have been discarded because \"$network\" network namespace mode does not support them"$'\n'hello "--net=$network"
  done
}

@test "a folder on /run gets nothing of ours" {
  mkdir "$BATS_TEST_TMPDIR/run"
  run_coracle 1 run --rm -v "$BATS_TEST_TMPDIR/run:/run" box test -e /run/.containerenv
  is "$(ls -A "$BATS_TEST_TMPDIR/run")" "" "the folder"
  run_coracle run --rm --tmpfs /run box test -e /run/.containerenv
}
