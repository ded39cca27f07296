#!/usr/bin/env bats
# 413-net-guard: what the processes of named networks have given up, and that they are served again when one is killed.
# root: yes

load helpers
load net-helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

teardown() { netd_teardown; }

# process WORD: of this store's: "names"; "first", whose parent is none of them (numbers tell nothing: they begin anew)
process() {
  local pid parent all found=
  all=$(pgrep -f "coracle-netd $RUN_ROOT netd" || true)
  for pid in $all; do
    case $1 in
      names) [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != coracle-names ] || found=$pid ;;
      first)
        parent=$(ps -o ppid= -p "$pid" | tr -d ' ')
        [ -z "$parent" ] || grep -qx "$parent" <<<"$all" || found=$pid
        ;;
    esac
  done
  echo "$found"
}

field() { sed -n "s/^$2:\t//p" "/proc/$1/status"; }

resolves() { [[ $(coracle exec app nslookup -type=a db 2>&1) == *'Address: 10.93.1.2'* ]]; }

begin() {
  run_coracle network create --subnet 10.93.1.0/24 back
  run_coracle run -d --name db --network back box sleep 1000
  run_coracle run -d --name app --network back box sleep 1000
  # who serves has begun to
  wait_for 40 resolves
}

@test "guard: whoever serves names has no capability, no file, a filter" {
  begin
  local names
  names=$(process names)
  isnt "$names" ""
  is "$(field "$names" CapEff)" 0000000000000000
  is "$(field "$names" CapPrm)" 0000000000000000
  is "$(field "$names" CapBnd)" 0000000000000000
  is "$(field "$names" NoNewPrivs)" 1
  is "$(field "$names" Seccomp)" 2
  is "$(ls -A "/proc/$names/root/")" "" "an empty root"
  # sockets and what waits for them: no folder, no namespace, not the lock
  local other
  other=$(find "/proc/$names/fd" -type l -printf '%l\n' | grep -v -e '^socket:' -e 'eventpoll' -e '^/dev/null$' || true)
  is "$other" ""
  [ "$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$names/status")" -le 8192 ] || [[ $CORACLE_BIN == *address* ]] || fail "larger than 8 MB"
}

@test "guard: whoever owns the networks has few capabilities, no user's file, a filter" {
  begin
  local first
  first=$(process first)
  # NET_BIND_SERVICE, NET_ADMIN, SYS_PTRACE, SYS_ADMIN, SETPCAP
  is "$(field "$first" CapEff)" 0000000000281500
  is "$(field "$first" CapBnd)" 0000000000281500
  is "$(field "$first" NoNewPrivs)" 1
  is "$(field "$first" Seccomp)" 2
  [ ! -e "/proc/$first/root$HOME" ] || fail "it sees the user's home"
  [ ! -e "/proc/$first/root$STORE" ] || fail "it sees the store"
  [ ! -e "/proc/$first/root/root" ] || fail "it sees /root"
  [ ! -e "/proc/$first/root/home" ] || fail "it sees /home"
  [ ! -e "/proc/$first/root/var" ] || fail "it sees /var"
  [ -d "/proc/$first/root$RUN_ROOT" ] || fail "it does not see its run folder"
  # the host's files cannot be changed through it
  like "$(grep ' / / ' "/proc/$first/mountinfo" | tail -1)$(awk '$5 == "/" { print $6 }' "/proc/$first/mountinfo")" '(^|,| )ro(,|$)'
  like "$(awk '$5 == "/etc" { print $6 }' "/proc/$first/mountinfo")" '^ro'
  like "$(awk '$5 == "/proc" { print $6 }' "/proc/$first/mountinfo")" '^ro'
}

@test "guard: the server of names killed: served again at once, by all that was known" {
  begin
  local names i
  for i in 1 2 3; do
    names=$(process names)
    kill -9 "$names"
    wait_for 40 resolves
    another_serves() { [ -n "$(process names)" ] && [ "$(process names)" != "$names" ]; }
    wait_for 20 another_serves
  done
  # it knows what comes and goes from then on
  run_coracle run -d --name late --network back box sleep 1000
  run_coracle_out 0 exec app nslookup -type=a late
  has "$output" "Address: 10.93.1.4"
  run_coracle rm -f -t 0 late
  run_coracle '?' exec app nslookup -type=a late.dns.podman
  has "$output" NXDOMAIN
  run_coracle network update back --dns-add 10.93.1.99
  run_coracle network disconnect back db
  run_coracle '?' exec app nslookup -type=a db.dns.podman
  has "$output" NXDOMAIN
  run_coracle network connect back db
  run_coracle_out 0 exec app nslookup -type=a db
  has "$output" "Address: 10.93.1."
}

@test "guard: all of them killed: one command makes it anew, and at the end nothing is left" {
  begin
  pkill -9 -f "coracle-netd $RUN_ROOT netd" || true
  run_coracle network reload --all
  wait_for 20 resolves
  local pid
  serves() { [ -n "$(process names)" ]; }
  wait_for 20 serves
  pid=$(process names)
  run_coracle rm -f -t 0 db app
  wait_for 40 no_netd
  # although nobody may have asked for its status yet
  dead() { [ ! -e "/proc/$pid" ] || [[ $(field "$pid" State 2>/dev/null) == Z* ]]; }
  wait_for 20 dead
}

@test "guard: the way out still begins again when it is killed, without its user's files" {
  begin
  slirp() { pgrep -P "$(process first)" -x coracle-slirp; }
  local before
  wait_for 20 slirp
  before=$(slirp)
  kill -9 "$before"
  another() { [ -n "$(slirp)" ] && [ "$(slirp)" != "$before" ]; }
  wait_for 20 another
  # it answers: a packet begins its program
  run_coracle run -d --name pinger --cap-add NET_RAW --network back box sleep 1000
  answers() { coracle exec pinger ping -c 1 -W 1 10.0.2.2 >/dev/null 2>&1; }
  wait_for 20 answers
}
