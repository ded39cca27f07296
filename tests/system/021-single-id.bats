#!/usr/bin/env bats
# 021-single-id: a user without a range of subordinate ids: one id is mapped, and Debian's packages install all the same. Needs a Debian mirror.

load helpers

setup_file() {
  basic_setup_file
  DEBIAN_TAR=$(fixture debian.tar 2>"$TEST_STORE/why") || DEBIAN_TAR=
  export DEBIAN_TAR CORACLE_USERNS=single CORACLE_TEST_TIMEOUT=300
  [ -z "$DEBIAN_TAR" ] || coracle import -q --change 'CMD ["bash"]' "$DEBIAN_TAR" debian
}

setup() {
  [ -n "$DEBIAN_TAR" ] || skip "no Debian image: $(tail -n 1 "$TEST_STORE/why")"
}

teardown_file() {
  basic_teardown_file
}

@test "single id: one id is mapped, and all files are root's" {
  run_coracle_out 0 run --rm --net none debian bash -c 'cat /proc/self/uid_map; id -u; stat -c %u:%g /etc/shadow; find / -xdev -not -user 0 -not -path "/dev*" -not -path "/proc*" -not -path "/sys*" | head'
  [ "$(awk '{ print $1, $3 }' <<<"${lines[0]}")" = "0 1" ]
  is "${lines[1]}" 0
  is "${lines[2]}" 0:0
  is "${#lines[@]}" 3
}

@test "single id: chown to another id answers success without being done, to root is done" {
  run_coracle_out 0 run --rm --net none debian bash -euc 'touch /f; chown 5:5 /f; chown -h daemon /f; stat -c %u:%g /f; chown 0:0 /f'
  is "$output" 0:0
}

@test "single id: a change of user fails honestly" {
  run_coracle 127 run --rm --net none debian setpriv --reuid 5 --clear-groups true
  like "$output" "setresuid failed"
  run_coracle 125 run --rm --net none --user 5 debian true
  like "$output" "single id"
}

@test "single id: apt-get installs openssh-client and dbus" {
  run_coracle_out 0 run --rm debian bash -euc '
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-client dbus >&2
    dpkg-query -W -f "\${db:Status-Abbrev} \${Package}\n" openssh-client dbus
    ssh -V 2>&1'
  is "${lines[0]}" "ii  dbus"
  is "${lines[1]}" "ii  openssh-client"
  like "${lines[2]}" "OpenSSH"
}

@test "single id: an image unpacked so is said to have lost its owners when there is a range again" {
  CORACLE_USERNS='' run_coracle 0 run --rm --net none debian true
  like "$output" "Notice: .*load it again"
}
