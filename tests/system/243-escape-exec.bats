#!/usr/bin/env bats
# 243-escape-exec: ways out of a container by what enters it later: exec and top. Each is tried from inside and shown to fail.
# root: yes

load helpers
load terminal

setup_file() {
  basic_setup_file
  fixture_image box
  # the host's side: a folder that no container may read or change
  export OUTSIDE=$TEST_STORE/outside
  mkdir "$OUTSIDE"
  echo host-secret >"$OUTSIDE/secret"
}

attempt() { # ARGS…: what may fail as it likes, but not hang
  status=0
  output=$(timeout --foreground -k 5 100 "$CORACLE" "$@" </dev/null 2>&1) || status=$?
  printf '$ coracle %s\n%s\n[status %s]\n' "$*" "$(head -c 2000 <<<"$output" | tr -d '\0')" "$status"
  [ "$status" != 124 ] || fail "it hung: $*"
}

outside_untouched() {
  is "$(ls -A "$OUTSIDE")" "secret" "what the host's folder holds, after: $1"
  is "$(cat "$OUTSIDE/secret")" "host-secret" "its file, after: $1"
  not_like "$output" "host-secret" "the output, after: $1"
}

programs() { sha256sum "$CORACLE_BIN"/coracle "$CORACLE_BIN"/coracle-monitor; }
end() { coracle rm -f -t 0 "$1" >/dev/null; }

@test "escape exec: CVE-2019-5736: the command leads back to our own program" {
  local before
  before=$(programs)
  run_coracle 0 run -d --name c --cap-add SYS_PTRACE box sh -c 'ln -s /proc/self/exe /bin/evil; printf "#!/proc/self/exe\n" >/bin/script; chmod 755 /bin/script
    while :; do for p in /proc/[0-9]*; do [ "$p" = /proc/1 ] || [ "$p" = "/proc/$$" ] || { echo overwritten >"$p/exe"; } 2>/dev/null; done; done'
  local i
  for i in 1 2 3 4 5; do
    attempt exec c /proc/self/exe
    attempt exec c evil start 3
    attempt exec c script
    attempt exec c /bin/script exec 3
    attempt exec -e LD_PRELOAD=/x c evil -- sh
  done
  is "$(programs)" "$before" "our programs"
  run_coracle 0 exec c true
  end c
}

@test "escape exec: CVE-2016-9962: nobody looks into what enters, before it has exec'd" {
  local way i
  for way in --privileged "--cap-add SYS_PTRACE" "--cap-add ALL --security-opt seccomp=unconfined"; do
    # shellcheck disable=SC2086
    run_coracle 0 run -d --name c $way -e OUT="$OUTSIDE" box sh -c 'mkdir /found; while :; do for p in /proc/[0-9]*; do
      case $p in /proc/1|/proc/$$) continue;; esac
      [ ! -e "$p/root$OUT/secret" ] || echo root $p >>/found/root
      [ ! -e "$p/cwd$OUT/secret" ] || echo cwd $p >>/found/cwd
      for f in $p/fd/*; do case $(readlink $f) in *coracle*|*exec*|/tmp/ct.*) echo $f $(readlink $f) >>/found/fd;; esac; done
      if grep -q XDG_RUNTIME_DIR $p/environ; then echo environ $p >>/found/environ; fi
    done 2>/dev/null; done'
    for i in $(seq 40); do coracle exec c true; done
    # from inside of the user namespace too, as a health check does
    if ! is_root; then for i in $(seq 10); do coracle unshare "$CORACLE" --root "$STORE" --runroot "$RUN_ROOT" exec c true; done; fi
    coracle top c >/dev/null
    coracle top c -ef >/dev/null || true
    run_coracle 0 exec c sh -c 'cat /found/*; :'
    is "$(grep -v 'cat: ' <<<"$output")" "" "$way: what it found"
    outside_untouched "$way"
    end c
  done
}

@test "escape exec: CVE-2024-21626: no working folder lies outside" {
  local n
  run_coracle 0 run -d --name c box sleep 1000
  for n in $(seq 0 30); do
    attempt exec -w "/proc/self/fd/$n" c sh -c "cat ../../../../../../../..$OUTSIDE/secret; cat $OUTSIDE/secret; ls ."
    outside_untouched "working folder /proc/self/fd/$n"
    attempt exec -w "/proc/self/fd/$n/../.." c cat "..$OUTSIDE/secret"
    outside_untouched "working folder /proc/self/fd/$n/../.."
  done
  attempt exec -w "/proc/self/cwd/../../../.." c cat "..$OUTSIDE/secret" ".$OUTSIDE/secret"
  outside_untouched "/proc/self/cwd"
  attempt exec -w "/proc/1/root" c cat ".$OUTSIDE/secret"
  outside_untouched "/proc/1/root"
  end c
}

@test "escape exec: nothing of the caller's is handed on" {
  run_coracle 0 run -d --name c box sleep 1000
  is "$(SECRET=x coracle exec c sh -c 'ls /proc/$$/fd; env | grep SECRET; :' 5<"$OUTSIDE/secret" 7<"$OUTSIDE" | xargs)" "0 1 2"
  # neither of our terminal, which a process inside could otherwise type into (TIOCSTI) or read
  terminal_setup
  on_terminal 0 24x80 'expect done' exec -i c sh -c 'for f in 0 1 2; do readlink /proc/$$/fd/$f; done; tty; echo done'
  not_like "$output" '/dev/(pts|tty)'
  end c
}

@test "escape exec: hostile passwd and group" {
  local what
  for what in 'mkfifo /etc/passwd' 'mkdir /etc/passwd' 'ln -s /dev/zero /etc/passwd' "ln -s $OUTSIDE/secret /etc/passwd" "ln -s ../../../../../../..$OUTSIDE/secret /etc/passwd" 'ln -s passwd /etc/passwd' \
    'ln -s /proc/self/mem /etc/passwd' 'ln -s /proc/1/root/etc/group /etc/passwd' 'yes "x:x:1:1::/:" | head -c 20000000 >/etc/passwd' \
    'printf "u:x:-1:-1::/:\nv:x:4294967295:0::/:\nw:x:0x10:0::/:\nnobody::::::\n" >/etc/passwd'; do
    # the container's own files of /etc are mounted: the attack is on an image's
    run_coracle 0 run -d --name c --passwd=false box sh -c "rm -f /etc/passwd; $what; exec sleep 1000"
    wait_for 60 command_is c "sleep 1000"
    for user in nobody u v w 0 1000 nobody:nogroup; do
      attempt exec -u "$user" c true
      outside_untouched "$what, $user"
    done
    attempt top c user group
    outside_untouched "$what, top"
    end c
  done
}

@test "escape exec: a hostile /dev/pts: no hang, no descriptor of another filesystem" {
  run_coracle 0 run -d --name c --privileged box sh -c 'umount /dev/pts; umount -l /dev/pts; mkfifo /dev/pts/ptmx; exec sleep 1000'
  wait_for 30 command_is c "sleep 1000"
  attempt exec -t c tty
  isnt "$status" 0
  run_coracle 0 exec c sh -c 'rm -f /dev/pts/ptmx; ln -s /dev/zero /dev/pts/ptmx'
  attempt exec -t c tty
  isnt "$status" 0
  run_coracle 0 exec c sh -c 'rm -f /dev/pts/ptmx; mknod /dev/pts/ptmx c 1 5 || : >/dev/pts/ptmx'
  attempt exec -t c tty
  isnt "$status" 0
  run_coracle 0 exec c true
  end c
}

@test "escape exec: a hostile /proc and PATH" {
  run_coracle 0 run -d --name c --privileged box sh -c 'umount /proc; mount -t tmpfs none /proc; mkdir /proc/self; mkfifo /proc/self/oom_score_adj; mkfifo /bin/fifo; chmod 755 /bin/fifo
    ln -s loop /bin/loop; ln -s /bin/loop2 /bin/loop3; mkdir /bin/folder; exec sleep 1000'
  wait_for 30 command_is c "sleep 1000"
  attempt exec c echo fine
  is "$output" "fine"
  attempt exec -u nobody c echo fine
  is "$output" "fine"
  attempt exec c fifo
  is "$status" 126
  attempt exec c loop
  isnt "$status" 0
  attempt exec c folder
  is "$status" 126
  attempt top c
  has "$output" "sleep 1000"
  attempt top c -ef
  end c
}

@test "escape exec: no_new_privs and the bounding set hold for who joins" {
  run_coracle 0 run -d --name c --cap-drop all --security-opt no-new-privileges box sh -c 'cp /bin/busybox /bin/busybox.suid; chmod 4755 /bin/busybox.suid; exec sleep 1000'
  wait_for 30 command_is c "sleep 1000"
  run_coracle 0 exec -u nobody c /bin/busybox.suid id -u
  is "$output" "65534"
  run_coracle 0 exec -u 0 c sh -c 'grep -E "^Cap(Bnd|Eff|Prm|Inh|Amb)" /proc/self/status | cut -f 2 | sort -u'
  is "$output" "0000000000000000"
  end c
}

@test "escape exec: a container that ends, again and again, while others enter it" {
  local i status
  for i in $(seq 10); do
    coracle run -d --rm --name "short$i" box sh -c 'sleep 0.1' >/dev/null
    for _ in 1 2 3 4 5 6; do
      status=0
      coracle exec "short$i" sh -c 'readlink /proc/1/ns/pid' >"$TEST_STORE/out" 2>&1 || status=$?
      case $status in
        0) isnt "$(cat "$TEST_STORE/out")" "$(readlink /proc/self/ns/pid)" ;;
        125 | 137 | 255 | 126) ;;
        *) fail "status $status: $(cat "$TEST_STORE/out")" ;;
      esac
    done
  done
  no_leaks
}
