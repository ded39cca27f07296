#!/usr/bin/env bats
# 105-run-security: capabilities, privileged, every --security-opt, masked and read-only paths, the filter at work.
# root: yes

load helpers

setup() {
  fixture_image box
}

caps() { # SET ARGS…: the hexadecimal mask of CapEff, CapBnd …
  local set=$1
  shift
  run_coracle_out 0 run --rm "$@" box awk -v s="$set:" '$1 == s { print $2 }' /proc/self/status
}

@test "caps: Podman's default set" {
  # chown dac_override fowner fsetid kill net_bind_service setfcap setgid setpcap setuid sys_chroot
  caps CapEff
  is "$output" "00000000800405fb"
  caps CapBnd
  is "$output" "00000000800405fb"
  caps CapPrm
  is "$output" "00000000800405fb"
  caps CapAmb
  is "$output" "0000000000000000"
  caps CapInh
  is "$output" "0000000000000000"
}

@test "caps: a user who is not root has none" {
  caps CapEff -u user
  is "$output" "0000000000000000"
  caps CapBnd -u user
  is "$output" "00000000800405fb"
  caps CapEff -u user --cap-add net_admin
  is "$output" "0000000000001000" "but those added by name"
}

@test "caps: --cap-add and --cap-drop" {
  caps CapEff --cap-add CAP_SYS_ADMIN
  is "$output" "00000000802405fb"
  caps CapEff --cap-add sys_admin,net_admin
  is "$output" "00000000802415fb"
  caps CapEff --cap-drop chown
  is "$output" "00000000800405fa"
  caps CapEff --cap-drop all
  is "$output" "0000000000000000"
  caps CapEff --cap-drop ALL --cap-add chown
  is "$output" "0000000000000001"
  caps CapBnd --cap-add ALL --cap-drop sys_admin
  is "$((0x$output & 0x200000))" 0 "all without one"
  run_coracle 1 run --rm --cap-drop chown box chown user /etc/issue
  run_coracle 125 run --rm --cap-add nonsense box true
  has "$output" "nonsense"
  run_coracle 125 run --rm --cap-drop nonsense box true
  run_coracle 125 run --rm --cap-add chown --cap-drop chown box true
  no_leaks
}

@test "seccomp: a filter is loaded, and really blocks" {
  run_coracle_out 0 run --rm box awk '$1 == "Seccomp:" { print $2 }' /proc/self/status
  is "$output" "2"
  local loader=/lib64/ld-linux-x86-64.so.2 host
  [ -e "$loader" ] || skip "the system call's number is that of x86-64"
  needs perl
  # personality(2) with ADDR_NO_RANDOMIZE needs no privilege, and is not in the profile; this machine's perl calls it
  host=(/host"$(readlink -f "$loader")" --library-path /host/usr/lib/x86_64-linux-gnu /host/usr/bin/perl -e 'my $r = syscall (135, 0x40000); print "$r ", $! + 0')
  run_coracle_out 0 run --rm -v /usr:/host/usr:ro box "${host[@]}"
  is "$output" "-1 38" "no such call, says the profile"
  run_coracle_out 0 run --rm -v /usr:/host/usr:ro --security-opt seccomp=unconfined box "${host[@]}"
  like "$output" "^0 " "without the filter"
  run_coracle_out 0 run --rm --security-opt seccomp=unconfined box awk '$1 == "Seccomp:" { print $2 }' /proc/self/status
  is "$output" "0"
}

@test "seccomp: a profile of one's own" {
  cat >"$TEST_STORE/profile.json" <<'E'
{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [ { "names": [ "mkdir", "mkdirat" ], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 } ] }
E
  run_coracle 1 run --rm --security-opt "seccomp=$TEST_STORE/profile.json" box mkdir /x
  like "$output" "Operation not permitted"
  run_coracle 0 run --rm --security-opt "seccomp=$TEST_STORE/profile.json" box touch /x
  echo '{ "defaultAction": "SCMP_ACT_NONSENSE" }' >"$TEST_STORE/bad.json"
  run_coracle 125 run --rm --security-opt "seccomp=$TEST_STORE/bad.json" box true
  echo '{ "defaultAction"' >"$TEST_STORE/bad.json"
  run_coracle 125 run --rm --security-opt "seccomp=$TEST_STORE/bad.json" box true
  run_coracle 125 run --rm --security-opt "seccomp=$TEST_STORE/absent.json" box true
  has "$output" "absent.json"
  no_leaks
}

@test "security-opt: no-new-privileges" {
  local word
  run_coracle_out 0 run --rm box awk '$1 == "NoNewPrivs:" { print $2 }' /proc/self/status
  is "$output" "0"
  for word in no-new-privileges no-new-privileges=true no-new-privileges:true; do
    run_coracle_out 0 run --rm --security-opt "$word" box awk '$1 == "NoNewPrivs:" { print $2 }' /proc/self/status
    is "$output" "1" "$word"
  done
  run_coracle_out 0 run --rm --security-opt no-new-privileges=false box awk '$1 == "NoNewPrivs:" { print $2 }' /proc/self/status
  is "$output" "0"
  run_coracle_out 0 run --rm --security-opt no-new-privileges box awk '$1 == "Seccomp:" { print $2 }' /proc/self/status
  is "$output" "2" "the filter is there all the same"
}

@test "paths: what is masked" {
  run_coracle_out 0 run --rm box sh -c 'for p in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do [ ! -e $p ] || head -c 1 $p 2>/dev/null; done; ls /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -v :'  || true
  is "$output" ""
  run_coracle_out 0 run --rm --security-opt unmask=/proc/timer_list:/proc/interrupts box sh -c 'head -c 3 /proc/interrupts | wc -c'
  is "$output" "3"
  run_coracle_out 0 run --rm --security-opt unmask=ALL box sh -c 'head -c 3 /proc/interrupts | wc -c; grep -c " /proc/" /proc/self/mountinfo || true'
  is "$output" $'3\n0'
  run_coracle_out 0 run --rm --security-opt 'unmask=/proc/*' box sh -c 'head -c 3 /proc/interrupts | wc -c'
  is "$output" "3" "a pattern"
  run_coracle_out 0 run --rm --security-opt mask=/etc/issue:/home box sh -c 'cat /etc/issue; ls /home'
  is "$output" ""
}

@test "paths: what is read-only" {
  local path
  for path in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/sys/net/ipv4/ip_forward; do
    [ -e "$path" ] || continue
    run_coracle 1 run --rm box sh -c "echo x >$path"
    like "$output" "[Rr]ead-only file system|[Pp]ermission denied" "$path"
  done
  run_coracle 1 run --rm box mkdir /sys/fs/cgroup/x
  run_coracle 1 run --rm box sh -c 'echo 1 >/sys/kernel/mm/transparent_hugepage/enabled'
  run_coracle_out 0 run --rm --security-opt unmask=ALL box sh -c 'grep -c "/proc/sys " /proc/self/mountinfo || true'
  is "$output" "0"
}

@test "security-opt: proc-opts, label, apparmor, systempaths" {
  run_coracle_out 0 run --rm --security-opt proc-opts=hidepid=2 box grep -c '^proc /proc proc .*hidepid=' /proc/self/mounts
  is "$output" "1"
  run_coracle 0 run --rm --security-opt label=disable --security-opt apparmor=unconfined box true
  run_coracle 0 run --rm --security-opt label:disable box true
  run_coracle_out 0 run --rm --security-opt systempaths=unconfined box sh -c 'grep -c " /proc/" /proc/self/mountinfo || true'
  is "$output" "0"
  local word
  for word in nonsense nonsense=1 no-new-privileges=maybe seccomp seccomp= mask=relative unmask= proc-opts= label=nonsense apparmor=no-such-profile systempaths=x ""; do
    run_coracle 125 run --rm --security-opt "$word" box true
    has "$output" "Error:" "for $word"
  done
  no_leaks
}

@test "privileged: all capabilities, no filter, nothing masked, devices" {
  caps CapBnd --privileged
  is "$((0x$output & 0x200000))" "$((0x200000))" "CAP_SYS_ADMIN"
  run_coracle_out 0 run --rm --privileged box awk '$1 == "Seccomp:" { print $2 }' /proc/self/status
  is "$output" "0"
  run_coracle_out 0 run --rm --privileged box sh -c 'grep -c " /proc/" /proc/self/mountinfo || true'
  is "$output" "0"
  run_coracle_out 0 run --rm --privileged box sh -c 'mkdir /m && mount -t tmpfs tmpfs /m && echo mounted'
  is "$output" "mounted"
  run_coracle_out 0 run --rm --privileged box cat /run/.containerenv
  has "$output" 'image="localhost/box:latest"'
  if [ -c /dev/fuse ]; then
    run_coracle 0 run --rm --privileged box test -c /dev/fuse
  fi
  caps CapEff --privileged --cap-drop sys_admin
  is "$((0x$output & 0x200000))" "0" "drop counts here too"
}

@test "security: .containerenv is there, empty" {
  run_coracle_out 0 run --rm box sh -c 'test -f /run/.containerenv && wc -c </run/.containerenv'
  is "$output" "0"
}

@test "security: no descriptor of ours is inherited" {
  run bash -c 'exec 7</etc/passwd; exec 8<>/dev/null; "$0" run --rm box ls /proc/self/fd' "$CORACLE"
  is "$output" $'0\n1\n2\n3' "3 is the folder being read"
}

@test "security: the runtime's program cannot be overwritten" {
  run_coracle '?' run --rm box sh -c 'cp /bin/busybox /proc/1/exe 2>&1; dd if=/dev/zero of=/proc/self/exe bs=1 count=1 2>&1; true'
  run_coracle_out 0 run --rm box echo fine
  is "$output" "fine"
  run_coracle '?' run --rm --entrypoint /proc/self/exe box start
  isnt "$status" 0
  run_coracle_out 0 run --rm box echo fine
  is "$output" "fine"
}

@test "security: no way out through the working folder" {
  local fd
  for fd in 3 4 5 6 7 8 9 10 11 12; do
    run_coracle '?' run --rm -w "/proc/self/fd/$fd" box cat /proc/self/cwd/etc/hostname
    isnt "$status" 0 "descriptor $fd"
  done
}

@test "security: host's processes, mounts and messages are out of sight" {
  run_coracle_out 0 run --rm box sh -c 'ls -d /proc/[0-9]* | wc -l'
  [ "$output" -le 4 ] || fail "too many processes: $output"
  run_coracle_out 0 run --rm box cat /proc/self/mountinfo
  not_like "$output" " /home | /mnt"
  run_coracle 1 run --rm box dmesg
}

@test "devices: the usual ones, and --device" {
  run_coracle_out 0 run --rm box sh -c 'for d in null zero full random urandom tty; do test -c /dev/$d || echo missing $d; done; test -L /dev/stdin && test -d /dev/pts && test -e /dev/ptmx && echo fine'
  is "$output" "fine"
  run_coracle_out 0 run --rm --device /dev/null:/dev/mynull box sh -c 'echo x >/dev/mynull; stat -c %F /dev/mynull'
  is "$output" "character special file"
  if [ -c /dev/fuse ]; then
    run_coracle 0 run --rm --device /dev/fuse box test -c /dev/fuse
    run_coracle 0 run --rm --device /dev/fuse:rw box test -c /dev/fuse
    run_coracle 1 run --rm box test -e /dev/fuse
  fi
  local word
  for word in /dev/no-such-device /etc/passwd "" /dev/null:/dev/x:nonsense relative; do
    run_coracle 125 run --rm --device "$word" box true
  done
  no_leaks
}
