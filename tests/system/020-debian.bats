#!/usr/bin/env bats
# 020-debian: a real Debian image: its files are right, apt works through the default network, a server starts. Needs a Debian mirror
# that the machine itself can reach; where there is none, these are skipped.

load helpers

setup_file() {
  basic_setup_file
  export CORACLE_TEST_TIMEOUT=300
  DEBIAN_TAR=$(fixture debian.tar 2>"$TEST_STORE/why") || DEBIAN_TAR=
  export DEBIAN_TAR
  [ -z "$DEBIAN_TAR" ] || coracle import -q --change 'CMD ["bash"]' "$DEBIAN_TAR" debian
}

setup() {
  [ -n "$DEBIAN_TAR" ] || skip "no Debian image could be made: $(tail -n 1 "$TEST_STORE/why")"
}

@test "debian: owners, modes and links are those of the archive" {
  run_coracle_out 0 run --rm --net none debian bash -c 'cd /; stat -c "%n %u:%g %a" etc/shadow usr/bin/passwd tmp var/mail usr/bin/wall; readlink bin; find / -xdev -user nobody 2>/dev/null | head'
  local want
  want=$(tar --numeric-owner -tvf "$DEBIAN_TAR" ./etc/shadow | awk '{ print $2 }')
  is "$want" "0/42" "etc/shadow in the archive"
  has "$output" "etc/shadow 0:42 640"
  has "$output" "usr/bin/passwd 0:0 4755" "setuid bit"
  has "$output" "tmp 0:0 1777" "sticky bit"
  has "$output" "var/mail 0:8 2775" "setgid bit"
  has "$output" "usr/bin" "merged /usr"
  run_coracle_out 0 run --rm --net none debian bash -c 'find / -xdev \( -nouser -o -nogroup \) | head'
  is "$output" "" "no file without an owner"
}

@test "debian: every file is there" {
  run_coracle_out 0 run --rm --net none debian bash -c 'dpkg --verify; echo "verified $?"'
  is "$output" "verified 0" "dpkg's own checksums"
}

@test "debian: apt-get update and install python3 through the default network, http.server starts" {
  local mirror
  mirror=$(tar -xOf "$DEBIAN_TAR" ./etc/apt/sources.list | awk '$1 == "deb" { print $2; exit }')
  run_coracle_out 0 run --name apt debian bash -euc '
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3
    python3 -c "print(6 * 7)"
    cd /etc
    python3 -m http.server 8000 >/tmp/log 2>&1 &
    for i in $(seq 300); do
      python3 -c "import urllib.request; print(urllib.request.urlopen(\"http://127.0.0.1:8000/hostname\").status)" 2>/dev/null && break
      sleep 0.1
    done
    kill %1'
  has "$output" "42" "python runs"
  has "$output" "200" "the server answers"
  run_coracle 0 rm apt
  no_leaks
}
