#!/usr/bin/env bats
# 242-top: the processes of a container, by descriptors and by ps(1).
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
  run_coracle 0 run -d --name c box sleep 1000
  run_coracle 0 exec -d -u nobody c sleep 2000
}

column() { awk -v n="$1" 'NR > 1 { print $n }' <<<"$output"; }

@test "top: the usual columns" {
  run_coracle 0 top c
  like "${lines[0]}" '^USER +PID +PPID +%CPU +ELAPSED +TTY +TIME +COMMAND$'
  like "${lines[1]}" '^root +1 +0 +[0-9.]+ +[0-9a-zµ.]+ +\? +[0-9a-z.]+ +sleep 1000 $'
  like "${lines[2]}" '^nobody +[0-9]+ +0 .* sleep 2000 $'
  is "${#lines[@]}" 3
  run_coracle 0 container top c ""
  is "${#lines[@]}" 3
}

@test "top: descriptors, alone, with commas, and AIX's" {
  run_coracle 0 top c pid,args
  is "$(column 3)" $'1000\n2000'
  run_coracle 0 top c user pid comm
  like "${lines[0]}" '^USER +PID +COMMAND$'
  is "$(column 1)" $'root\nnobody'
  is "$(column 3)" $'sleep\nsleep'
  run_coracle 0 top c %U %p,%a
  is "$(column 1)" $'root\nnobody'
  run_coracle 0 top --latest uid gid
  is "$(column 1)" $'0\n65534'
  run_coracle 0 top c seccomp state nice capeff capbnd label group groups rgroup ruser pgid vsz stime capinh capprm capamb
  has "${lines[0]}" "SECCOMP"
  like "${lines[2]}" '^filter +S +0 +none +[A-Z_,]*CHOWN'
  run_coracle 0 top c PID
  is "${lines[0]}" "PID"
}

@test "top: every descriptor has a column, and an AIX name if it has one" {
  local d
  for d in args capamb capbnd capeff capinh capprm comm etime gid group groups hgid hgroup hgroups hpid huid huser label nice pcpu pgid pid ppid rgroup ruser seccomp state stime time tty \
    uid user vsz %C %G %P %U %a %c %g %n %p %r %t %u %x %y %z; do
    run_coracle 0 top c "$d"
    is "${#lines[@]}" 3 "$d" || { [ "$d" = groups ] || [ "$d" = hgroups ]; }
  done
}

@test "top: what the host sees" {
  run_coracle 0 top c hpid huid huser
  is "$(column 1 | head -1)" "$(coracle inspect -f '{{.State.Pid}}' c)"
  is "$(column 2 | head -1)" "$(id -u)"
  if ! is_root; then is "$(column 3 | head -1)" "$(id -u)"; fi
}

@test "top: a terminal, a parent, time used" {
  run_coracle 0 run -d -t --name t box sh -c 'sleep 1000; :'
  # what it forked is still the shell until it has become that
  wait_for 30 eval '[[ $(coracle top t args) == *$'"'\n'"'"sleep 1000"* ]]'
  run_coracle 0 top t tty ppid args
  like "${lines[1]}" '^(pts/0|console) +0 +sh -c'
  like "${lines[2]}" '^(pts/0|console) +1 +sleep'
  run_coracle 0 exec -d t sh -c 'while :; do :; done'
  busy() {
    run_coracle 0 top t pcpu time
    [[ ${lines[3]} =~ ^[1-9][0-9.]+\ +[0-9.]+m?s ]]
  }
  wait_for 30 busy
  run_coracle 0 rm -f -t 0 t
}

@test "top: arguments of ps" {
  needs ps
  run_coracle 0 top c -eo pid,comm
  like "${lines[0]}" '^ *PID +COMMAND$'
  like "${lines[1]}" '^ *1 +sleep$'
  is "${#lines[@]}" 3 "without ps itself"
  run_coracle 0 top c "ax -o args"
  is "$output" $'COMMAND\nsleep 1000\nsleep 2000'
  run_coracle 0 top c -ef
  is "${#lines[@]}" 3
  run_coracle 125 top c -eo invalid
  like "$output" '^Error: ps\(1\) failed with exit code 1: error: unknown user-defined format specifier "invalid"'
  run_coracle 125 top c bogus
  has "$output" "Error: ps(1) failed with exit code 1"
}

@test "top: where the container could trace the host's ps, its own runs" {
  run_coracle 0 run -d --name tracer --cap-add SYS_PTRACE box sh -c 'echo "#!/bin/sh
echo its own" >/bin/ps; rm -f /bin/ps; echo "#!/bin/sh" >/bin/ps; echo "echo its own \$*" >>/bin/ps; chmod 755 /bin/ps; exec sleep 1000'
  wait_for 30 command_is tracer "sleep 1000"
  run_coracle 0 top tracer -o pid
  is "$output" "its own -o pid"
  run_coracle 0 top tracer capeff
  has "$output" "SYS_PTRACE"
  run_coracle 0 rm -f -t 0 tracer
}

@test "top: errors" {
  run_coracle 125 top
  is "$output" "Error: you must provide the name or id of a running container"
  run_coracle 125 top not-there
  is "$output" 'Error: unable to look up requested container: no container with name or ID "not-there" found: no such container'
  run_coracle 0 create --name made box
  run_coracle 125 top made
  is "$output" "Error: top can only be used on running containers"
  run_coracle 0 rm made
}

@test "top: hostile names neither steer the terminal nor break the table" {
  run_coracle 0 run -d --name odd box sh -c 'printf "root:x:0:0::/:\nesc\033[31mape:x:5:5::/:\n" >/etc/passwd; : "$0"; sleep 1000; :' $'a\033[2J\tb\nc'
  wait_for 30 eval '[[ $(coracle top odd args) == *$'"'\n'"'"sleep 1000"* ]]'
  run_coracle 0 exec -d -u 5 odd sleep 999
  run_coracle 0 top odd user args
  is "${#lines[@]}" 4
  not_like "$output" $'\033'
  run_coracle 0 rm -f -t 0 odd
}
