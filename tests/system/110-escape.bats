#!/usr/bin/env bats
# 110-escape: known ways out of a container, each tried from an image or from inside, each shown to fail. What a test is about is named by its CVE where it has one.
# root: yes
# long: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
  # the host's side: a folder that no container may read or change
  export OUTSIDE=$TEST_STORE/outside
  mkdir "$OUTSIDE"
  echo host-secret >"$OUTSIDE/secret"
}

# image NAME SCRIPT [IMPORT OPTIONS…]: the busybox root, changed by a shell script that runs in its folder
image() {
  local name=$1 script=$2 root=$TEST_STORE/root.$1 tar
  shift 2
  mkdir "$root"
  tar=$(fixture busybox.tar)
  tar -C "$root" -xf "$tar"
  (cd "$root" && eval "$script")
  tar -C "$root" -S --owner=0 --group=0 --numeric-owner -cf "$root.tar" .
  run_coracle 0 import -q --change 'CMD ["sh"]' "$@" "$root.tar" "$name"
  rm -rf "$root" "$root.tar"
}

# loaded NAME CONFIG: the busybox root as an image whose config has these members, JSON, through load
loaded() {
  local name=$1 config=$2 dir=$TEST_STORE/loaded.$1 digest
  mkdir "$dir"
  cp "$(fixture busybox.tar)" "$dir/layer.tar"
  digest=$(sha256sum <"$dir/layer.tar" | cut -d ' ' -f 1)
  printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(dpkg --print-architecture)" "$config" "$digest" >"$dir/config.json"
  printf '[{"Config":"config.json","RepoTags":["localhost/%s:latest"],"Layers":["layer.tar"]}]' "$name" >"$dir/manifest.json"
  tar -C "$dir" -cf "$dir.tar" .
  attempt load -q -i "$dir.tar"
  rm -rf "$dir" "$dir.tar"
  [ "$status" = 0 ] || like "$output" 'Error: .*config' "why it is refused"
}

# attempt ARGS…: what may fail as it likes; leaves $status and $output
attempt() {
  status=0
  output=$(coracle "$@" </dev/null 2>&1) || status=$?
  printf '$ coracle %s\n%s\n[status %s]\n' "$*" "$(head -c 2000 <<<"$output" | tr -d '\0')" "$status"
  [ "$status" != 124 ] || fail "it hung: $*"
}

# outside_untouched: nothing was made, changed or read into the output in the host's folder
outside_untouched() {
  is "$(ls -A "$OUTSIDE")" "secret" "what the host's folder holds, after: $1"
  is "$(cat "$OUTSIDE/secret")" "host-secret" "its file, after: $1"
  not_like "$output" "host-secret" "the output, after: $1"
}

@test "escape: CVE-2024-21626: nothing is open in the container but its standard files" {
  run_coracle_out 0 run --rm box ls -1 /proc/self/fd
  is "$output" $'0\n1\n2\n3' "what ls sees, its own folder included"
  run_coracle_out 0 run --rm box sh -c 'ls -1 /proc/1/fd; :'
  is "$output" $'0\n1\n2' "pid 1's"
  run_coracle_out 0 run --rm -i box sh -c 'ls -1 /proc/1/fd; :'
  is "$output" $'0\n1\n2' "with -i"
}

@test "escape: CVE-2024-21626: no working folder lies outside, by whatever descriptor" {
  local n
  image fdlink 'ln -s /proc/self/fd/7 seven'
  for n in $(seq 0 24); do
    attempt run --rm -w "/proc/self/fd/$n" box sh -c "cat ../../../../../../../..$OUTSIDE/secret; cat $OUTSIDE/secret; ls ."
    outside_untouched "working folder /proc/self/fd/$n"
    attempt run --rm -w "/proc/1/fd/$n/../.." box cat "..$OUTSIDE/secret"
    outside_untouched "working folder /proc/1/fd/$n/../.."
  done
  attempt run --rm -w /seven fdlink cat "../../../../..$OUTSIDE/secret"
  outside_untouched "a link to a descriptor"
  loaded cwd '{"Cmd":["sh","-c","pwd; cat ../../../../../../../../'"$OUTSIDE"'/secret"],"WorkingDir":"/proc/self/fd/8"}'
  attempt run --rm cwd
  outside_untouched "the image's working folder"
}

@test "escape: CVE-2019-5736: our programs cannot be overwritten through /proc/self/exe, even when the user owns them" {
  local own=$TEST_STORE/own sums
  mkdir "$own"
  cp "$CORACLE_BIN"/* "$own/"
  chmod 755 "$own"/*
  sums=$(sha256sum "$own"/*)
  own() { run timeout 120 "$own/coracle" --root "$STORE" --runroot "$RUN_ROOT" run --rm "$@" </dev/null; }
  own box true
  is "$status" 0 "the copy works: $output"
  own --entrypoint /proc/self/exe box --help
  is "$(sha256sum "$own"/*)" "$sums" "after /proc/self/exe as entrypoint"
  # the monitor itself runs in the container, as its init: by far the best place to attack from
  own --entrypoint /proc/self/exe box -- sh -c 'ls -l /proc/1/exe; exec 3>>/proc/1/exe'
  isnt "$status" 0 "opening it for writing"
  own --entrypoint /proc/self/exe box -- sh -c 'chmod 700 /proc/1/exe'
  isnt "$status" 0 "changing its mode"
  like "$output" "Read-only file system" "because its mount is read-only"
  own --entrypoint /proc/self/exe box -- sh -c 'cp /proc/1/exe /tmp/x; exec 3</proc/1/exe; echo x >>/proc/self/fd/3'
  isnt "$status" 0 "writing through a descriptor"
  own --init box sh -c 'chmod 700 /proc/1/exe; exec 3>>/proc/1/exe'
  isnt "$status" 0 "with --init"
  image shebang 'printf "#!/proc/self/exe\n" >again; chmod 755 again'
  own shebang /again
  own box sh -c 'for p in /proc/[0-9]*/exe; do (echo x >>$p) 2>/dev/null; (echo x >$p) 2>/dev/null; done; :'
  is "$(sha256sum "$own"/*)" "$sums" "after all of them"
}

@test "escape: CVE-2021-30465, CVE-2025-31133, CVE-2025-52565: links of the image never lead a mount out" {
  local up=../../../../../../../../..
  image links "rm -rf etc run tmp dev; for d in etc run tmp dev home/user; do rm -rf \$d; ln -s $up$OUTSIDE \$d; done; ln -s $up$OUTSIDE/made mnt; ln -s $OUTSIDE abs"
  mkdir "$TEST_STORE/vol"
  attempt run --rm -v "$TEST_STORE/vol:/mnt" -v "$TEST_STORE/vol:/abs/vol" -v named:/home/user/x --tmpfs /tmp/y links sh -c 'cat /etc/secret /abs/secret; touch /run/new /dev/new /mnt/in-volume'
  outside_untouched "folders that are links to the host's"
  attempt run --rm -t -w /mnt/deep/er -u 0 links sh -c 'cat /etc/secret; : >/etc/made'
  outside_untouched "the same with a terminal"
  image files "for f in hosts resolv.conf hostname passwd group localtime; do rm -f etc/\$f; ln -s $up$OUTSIDE/\$f etc/\$f; done; ln -s $up$OUTSIDE/env run/.containerenv; rm -rf dev; mkdir dev; ln -s $up$OUTSIDE/null dev/null; ln -s $up$OUTSIDE/console dev/console; ln -s $up$OUTSIDE dev/pts; ln -s $up$OUTSIDE dev/shm"
  attempt run --rm -t -u 4711 --tz UTC files sh -c 'echo x >/dev/null; cat /etc/hosts; echo x >>/etc/hosts'
  outside_untouched "files that are links to the host's"
}

@test "escape: CVE-2025-31133, CVE-2025-52565: a volume as /dev full of links" {
  local dev=$TEST_STORE/dev n
  mkdir "$dev"
  for n in null zero full random urandom tty console ptmx fd stdin stdout stderr core; do ln -s "../../../../../../../..$OUTSIDE/$n" "$dev/$n"; done
  ln -s "$OUTSIDE" "$dev/pts"
  ln -s /proc/sys "$dev/shm"
  attempt run --rm -t -v "$dev:/dev" box sh -c 'ls -la /proc/keys; cat /proc/keys'
  outside_untouched "a volume at /dev"
  not_like "$output" 'keyring' "the masked file stays masked"
}

@test "escape: a tmpfs on /dev filled with the image's links: devices are made in it and nowhere else" {
  image devlinks "rm -rf dev; mkdir dev; ln -s $OUTSIDE dev/sub; ln -s ../../../../../../../..$OUTSIDE dev/up"
  attempt run --rm --tmpfs /dev --device /dev/zero:/dev/sub/zero --device /dev/zero:/dev/up/zero devlinks sh -c 'ls -la /dev/'
  outside_untouched "devices below links"
  attempt run --rm --device /dev/zero:/dev/sub/a/b/zero devlinks head -c 1 /dev/sub/a/b/zero
  is "$status" 0 "a device in folders of its own"
}

@test "escape: a sparse file of the image does not fill the disk from a volume or a tmpfs" {
  image sparse 'mkdir data; truncate -s 1G data/hole; printf end | dd of=data/hole bs=1M seek=512 conv=notrunc status=none' --change 'VOLUME /data'
  run_coracle_out 0 run --rm sparse sh -c 'stat -c %s /data/hole; du -k /data | cut -f 1; dd if=/data/hole bs=1M skip=512 count=1 2>/dev/null | head -c 3'
  is "$(head -n 1 <<<"$output")" "$((1024 * 1024 * 1024))" "its size"
  [ "$(sed -n 2p <<<"$output")" -lt 10000 ] || fail "it takes $(sed -n 2p <<<"$output") KiB"
  is "$(sed -n 3p <<<"$output")" "end" "what is in it"
}

@test "escape: CVE-2019-19921: /proc and /sys that are links are refused" {
  local d
  for d in proc sys; do
    image "link$d" "rmdir $d; mkdir real$d; ln -s real$d $d"
    attempt run --rm "link$d" sh -c 'cat /proc/keys; echo ran'
    isnt "$status" 0 "status with a linked /$d"
    has "$output" "link" "why"
    not_like "$output" "ran" "output"
  done
  image proctree 'rmdir proc; ln -s /etc proc'
  attempt run --rm proctree sh -c 'echo ran'
  not_like "$output" "ran" "a link to a folder of the image"
}

@test "escape: CVE-2025-52881: sysctl and oom_score_adj are never written to what covers /proc" {
  local fake=$TEST_STORE/fakeproc
  mkdir -p "$fake/sys/net/ipv4" "$fake/self" "$fake/sys/kernel"
  echo unwritten >"$fake/sys/net/ipv4/ip_default_ttl"
  echo unwritten >"$fake/self/oom_score_adj"
  chmod -R a+rwX "$fake"
  attempt run --rm -v "$fake:/proc" --sysctl net.ipv4.ip_default_ttl=99 box true
  isnt "$status" 0 "a sysctl with a volume on /proc"
  attempt run --rm -v "$fake:/proc" --oom-score-adj 500 box true
  isnt "$status" 0 "oom_score_adj with a volume on /proc"
  attempt run --rm -v "$fake/sys:/proc/sys" --sysctl net.ipv4.ip_default_ttl=99 box true
  isnt "$status" 0 "a sysctl with a volume on /proc/sys"
  attempt run --rm --mount "type=tmpfs,dst=/proc/sys/net" --sysctl net.ipv4.ip_default_ttl=99 box true
  isnt "$status" 0 "a sysctl with a tmpfs on /proc/sys/net"
  is "$(cat "$fake/sys/net/ipv4/ip_default_ttl" "$fake/self/oom_score_adj")" $'unwritten\nunwritten' "the volume's files"
  run_coracle_out 0 run --rm --sysctl net.ipv4.ip_default_ttl=99 --oom-score-adj 500 box cat /proc/sys/net/ipv4/ip_default_ttl /proc/self/oom_score_adj
  is "$output" $'99\n500' "without a cover both work"
}

@test "escape: CVE-2022-29162: no capability is inheritable or ambient, no group of the caller's stays" {
  run_coracle_out 0 run --rm box grep -E '^(CapInh|CapAmb|Groups):' /proc/self/status
  like "$output" 'CapInh:[[:space:]]0000000000000000' "inheritable"
  like "$output" 'CapAmb:[[:space:]]0000000000000000' "ambient"
  not_like "$output" 'Groups:[[:space:]]*[0-9]' "groups"
  run_coracle_out 0 run --rm -u 1000 box grep -E '^Cap(Inh|Prm|Eff|Amb):' /proc/self/status
  is "$(grep -c '0000000000000000' <<<"$output")" 4 "sets of a user who is not root"
}

@test "escape: the caller's session keyring is not the container's" {
  needs cc
  local ours
  cat >"$TEST_STORE/session.c" <<'C'
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int main (void) { printf ("%ld\n", syscall (SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* KEY_SPEC_SESSION_KEYRING */, 0)); return 0; }
C
  cc -static -o "$TEST_STORE/session" "$TEST_STORE/session.c" || skip "cc makes no static program here"
  ours=$("$TEST_STORE/session")
  [ "$ours" != -1 ] || skip "this kernel, or what we run in, has no keyrings"
  run_coracle_out 0 run --rm -v "$TEST_STORE/session:/session:ro" box /session
  like "$output" '^[0-9]+$' "the container has one"
  isnt "$output" "$ours" "and it is another"
  # nor where this user has as many keys as a user may
  if ! is_root && command -v python3 >/dev/null; then
    run python3 - "$CORACLE" run --rm -v "$TEST_STORE/session:/session:ro" box /session <<'P'
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
add_key, keyctl = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
mine = libc.syscall(keyctl, 1, None)  # KEYCTL_JOIN_SESSION_KEYRING, as a login has it: who has none may have one beyond the number
def add(i): return libc.syscall(add_key, b"user", b"coracle-test-%d" % i, b"x", ctypes.c_size_t(1), ctypes.c_int(-2))  # into the process's keyring
i = 0
while i < 100000 and add(i) != -1: i += 1
full = ctypes.get_errno() == 122  # EDQUOT
print(subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.strip(), full, mine)
P
    like "$output" '^[0-9]+ True [0-9]+$' "the container has one all the same"
    isnt "${output%% *}" "${output##* }" "and it is another"
  fi
  run_coracle_out 0 run --rm box cat /proc/keys
  is "$output" "" "/proc/keys, masked"
}

@test "escape: what is masked and read-only stays so" {
  run_coracle_out 0 run --rm box sh -c '
    for what in "umount /proc/keys" "umount -l /proc/sys" "mount -o remount,rw /proc/sys" "mount -o remount,rw /sys" "mount -t proc proc /mnt" "mount --bind /proc /mnt" \
      "mount -t sysfs sysfs /mnt" "mount -t tmpfs tmpfs /tmp" "mount -o remount,bind,rw /sys/fs/cgroup" "pivot_root . ." "mkdir /sys/fs/cgroup/x" "touch /sys/kernel/x" "mknod /tmp/sda b 8 0"; do
      mkdir -p /mnt; $what 2>/dev/null && echo "worked: $what"
    done
    for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/irq/default_smp_affinity /sys/kernel/mm/ksm/run /sys/fs/cgroup/cgroup.procs; do
      [ ! -e $file ] || (echo 1 >$file) 2>/dev/null && [ -e $file ] && echo "wrote: $file"
    done
    for file in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/sched_debug /proc/latency_stats; do
      [ ! -e $file ] || [ -z "$(head -c 1 $file)" ] || echo "read: $file"
    done
    for dir in /proc/acpi /proc/scsi /sys/firmware /sys/dev/block /sys/devices/virtual/powercap; do
      [ ! -d $dir ] || [ -z "$(ls -A $dir)" ] || echo "listed: $dir"
    done; :'
  is "$output" "" "what worked"
}

@test "escape: no namespace can be made or entered from inside, but a user namespace, which uncovers nothing" {
  local flag
  for flag in -m -n -p -i -u; do
    attempt run --rm box unshare "$flag" true
    isnt "$status" 0 "unshare $flag"
  done
  attempt run --rm box nsenter -t 1 -m true
  isnt "$status" 0 "nsenter"
  # Podman's seccomp profile lets containers make user namespaces; there mounts are allowed, and what lies over /proc and /sys is locked
  run_coracle_out 0 run --rm box unshare -Urm sh -c '
    mkdir /tmp/p
    for what in "umount /proc/keys" "umount -l /proc/keys" "umount -l /proc/sys" "umount -l /sys/firmware" "mount -t proc proc /tmp/p" "mount --bind /proc /tmp/p" "mount -t sysfs s /tmp/p" \
      "mount -t cgroup2 c /tmp/p" "mount -o remount,bind,rw /sys" "mount -o remount,bind,rw /proc/sys"; do
      $what 2>/dev/null && echo "worked: $what"
    done
    mount --rbind /proc /tmp/p && head -c 1 /tmp/p/keys /tmp/p/timer_list /tmp/p/interrupts 2>/dev/null | grep -v "^==>" | tr -d "\n"; :'
  is "$output" "" "what worked in a user namespace of its own"
}

@test "escape: processes of the host are not seen, nor reached by number" {
  run_coracle_out 0 run --rm box sh -c 'cd /proc; ls -d [0-9]*; exec sleep 0'
  [ "$(wc -l <<<"$output")" -le 3 ] || fail "more processes than its own" "$output"
  attempt run --rm box kill -0 $$
  isnt "$status" 0 "a signal to the shell that runs this test"
}

@test "escape: /dev holds what it should, and nothing else" {
  run_coracle_out 0 run --rm box sh -c 'cd /dev; find . | sort | tr "\n" " "'
  is "$output" ". ./core ./fd ./full ./mqueue ./null ./ptmx ./pts ./pts/ptmx ./random ./shm ./stderr ./stdin ./stdout ./tty ./urandom ./zero " "its names"
}

@test "escape: TIOCSTI: the caller's terminal is not the container's, with -t or without" {
  needs script
  run script -qec "'$CORACLE' run --rm box sh -c 'tty; : >/dev/tty'" /dev/null </dev/null
  has "$output" "not a tty" "standard input"
  has "$output" "/dev/tty" "it has no controlling terminal to push input into"
  run script -qec "'$CORACLE' run --rm -t box sh -c 'tty; ls /dev/pts'" /dev/null </dev/null
  has "$output" "/dev/pts/0" "a terminal of its own"
  not_like "$output" $'(^|[[:space:]])1([[:space:]]|$)' "and no other"
}

@test "escape: an image's passwd and group may be anything" {
  local what
  mkfifo "$TEST_STORE/fifo"
  image fifo 'rm etc/passwd etc/group; mkfifo etc/passwd etc/group'
  image dir 'rm etc/passwd etc/group; mkdir etc/passwd etc/group'
  image proclink 'rm etc/passwd etc/group; ln -s /proc/self/environ etc/passwd; ln -s /proc/1/mem etc/group'
  image hostlink "rm etc/passwd; ln -s ../../../../../../../..$OUTSIDE/secret etc/passwd"
  image loop 'rm etc/passwd; ln -s passwd etc/passwd'
  image binary 'head -c 100000 /dev/urandom >etc/passwd; head -c 100000 /dev/urandom >etc/group'
  image colons 'head -c 8000000 /dev/zero | tr "\0" : >etc/passwd; { printf "x:x:7:"; head -c 8000000 /dev/zero | tr "\0" ,; } >etc/group'
  image lines 'yes "" | head -c 15000000 >etc/passwd'
  for what in fifo dir proclink hostlink loop binary colons lines; do
    attempt run --rm "$what" echo ran
    outside_untouched "image $what as root"
    attempt run --rm --init -u 4711:4711 "$what" timeout 2 cat /etc/passwd
    outside_untouched "image $what as a number"
    attempt run --rm -u user "$what" true
    outside_untouched "image $what as a name"
  done
  image huge 'truncate -s 100M etc/passwd'
  attempt run --rm -u user huge true
  isnt "$status" 0 "100 MB of passwd"
  has "$output" "/etc/passwd" "the message names it"
}

@test "escape: an image's config may say anything" {
  loaded vol '{"Cmd":["sh"],"Volumes":{"'"$OUTSIDE"':/x":{},"/../../../../../..'"$OUTSIDE"'":{},"relative":{},"/a:/b:rw,dev,suid":{}}}'
  attempt run --rm vol sh -c "cat /x/secret $OUTSIDE/secret; find / -name secret -xdev; touch $OUTSIDE/made"
  outside_untouched "volumes that name the host's folders"
  attempt run --rm --image-volume tmpfs vol sh -c "cat /x/secret $OUTSIDE/secret"
  outside_untouched "the same as tmpfs"
  loaded env '{"Cmd":["env"],"Env":["LD_PRELOAD=/x","=x","NOVALUE","A=1\n2","PATH="],"WorkingDir":"../../..","User":"../../etc/passwd"}'
  attempt run --rm env
  outside_untouched "odd words"
  loaded odd '{"Cmd":["env"],"Env":["LD_PRELOAD=/x","=x","NOVALUE","A=1\n2","PATH="]}'
  attempt run --rm odd /bin/env
  outside_untouched "an odd environment"
  loaded types '{"Cmd":[1,{},null],"Env":{"A":"B"},"Entrypoint":[[]],"Labels":[],"Volumes":[],"WorkingDir":7,"User":[],"StopSignal":{}}'
  attempt run --rm types
  outside_untouched "wrong types"
  loaded deep '{"Cmd":["pwd"],"WorkingDir":"/'"$(printf 'd/%.0s' $(seq 500))"'"}'
  attempt run --rm deep
  loaded long '{"Cmd":["pwd"],"WorkingDir":"/'"$(head -c 5000 /dev/zero | tr '\0' d)"'"}'
  attempt run --rm long
  isnt "$status" 0 "a name that is too long"
}

@test "escape: CVE-2021-30465: a container that swaps links under another's mount targets" {
  local shared=$TEST_STORE/shared i
  mkdir -m 777 "$shared" "$TEST_STORE/inner"
  "$CORACLE" run --rm --name swapper -v "$shared:/s" box sh -c "while :; do mkdir -p /s/d/e; rm -rf /s/d; ln -s ../../../../../../../..$OUTSIDE /s/d; rm -f /s/d; ln -s $OUTSIDE /s/d; rm -f /s/d; done" </dev/null >/dev/null 2>&1 &
  wait_for 30 some_run
  for i in $(seq 25); do
    attempt run --rm -v "$shared:/s" -v "$TEST_STORE/inner:/s/d/e" --tmpfs /s/d/t -w /s/d/e box cat "/s/d/secret"
    outside_untouched "round $i"
  done
  run_coracle 0 rm -f -t 0 swapper
  wait
}
