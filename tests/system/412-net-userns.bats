#!/usr/bin/env bats
# 412-net-userns: containers in a user namespace of their own on named networks: the network namespace is theirs, and everything else is as for others.
# root: yes

load helpers
load net-helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

teardown() { netd_teardown; }

# modes: those that this user may ask for.
modes() {
  echo keep-id
  is_root || printf '%s\n' keep-id:uid=200,gid=210 nomap auto
}

@test "userns and network: root of the container binds ports below 1024, sets sysctls of the network, has its own sysfs" {
  run_coracle network create --subnet 10.92.1.0/24 back
  local mode
  for mode in $(modes); do
    run_coracle_out 0 run --rm --userns "$mode" --user 0 --network back --sysctl net.ipv4.ip_local_port_range='2000 3000' box sh -c '
      echo served >/tmp/said; nc -l -p 80 </tmp/said & '"$(till_listens 80)"'
      nc -w 20 127.0.0.1 80; cat /proc/sys/net/ipv4/ip_local_port_range; ls /sys/class/net; ip -o -4 addr show dev eth0 | grep -c 10.92.1'
    is "$output" $'served\n2000\t3000\neth0\nlo\n1' "$mode"
  done
  wait_for 20 no_netd
}

@test "userns and network: --cap-add NET_ADMIN is of that network, and of no other" {
  run_coracle network create --subnet 10.92.1.0/24 back
  run_coracle_out 0 run --rm --userns keep-id --user 0 --cap-add NET_ADMIN --network back box sh -c 'ip addr add 10.92.1.77/32 dev lo && ip -o addr show dev lo'
  has "$output" 10.92.1.77
  run_coracle '?' run --rm --userns keep-id --user 0 --network back box ip addr add 10.92.1.77/32 dev lo
  has "$output" "not permitted"
}

@test "userns and network: names, the way to others, published ports" {
  needs python3
  run_coracle network create --subnet 10.92.2.0/24 back
  run_coracle run -d --name web --userns keep-id --user 0 --network back -p 127.0.0.1::80 box sh -c 'echo hello >/said; while true; do nc -l -p 80 </said; done'
  wait_for 20 listens web 80
  run_coracle_out 0 run --rm --network back box sh -c 'nslookup -type=a web | tail -2; nc -w 20 web 80'
  has "$output" "Address: 10.92.2.2"
  has "$output" hello
  wait_for 20 listens web 80
  run_coracle_out 0 run --rm --userns keep-id --network back box nc -w 20 web 80
  is "$output" hello "the caller's own id"
  local port
  port=$(coracle port web 80 | sed 's/.*://')
  wait_for 20 sh -c "[ \"\$(python3 -c \"import socket; s = socket.create_connection(('127.0.0.1', $port)); print(s.recv(9).decode().strip())\")\" = hello ]"
}

@test "userns and network: connect, disconnect, restart, and a network shared by another container" {
  run_coracle network create --subnet 10.92.3.0/24 one
  run_coracle network create --subnet 10.92.4.0/24 two
  run_coracle run -d --name app --userns keep-id --user 0 --network one box sleep 1000
  run_coracle network connect two app
  run_coracle_out 0 exec app ls /sys/class/net
  is "$output" $'eth0\neth1\nlo'
  run_coracle network disconnect one app
  run_coracle_out 0 exec app ls /sys/class/net
  is "$output" $'eth1\nlo'
  run_coracle network reload app
  run_coracle restart -t 0 app
  run_coracle_out 0 exec app sh -c 'echo served >/tmp/said; nc -l -p 80 </tmp/said & '"$(till_listens 80)"'; nc -w 20 127.0.0.1 80'
  is "$output" served
  run_coracle_out 0 run --rm --userns container:app --user 0 --network container:app box sh -c 'echo shared >/tmp/said; nc -l -p 81 </tmp/said & '"$(till_listens 81)"'; nc -w 20 127.0.0.1 81'
  is "$output" shared
  run_coracle_out 0 run --rm --userns container:app --user 0 --network two box sh -c 'echo joined >/tmp/said; nc -l -p 81 </tmp/said & '"$(till_listens 81)"'; nc -w 20 127.0.0.1 81; ip -o -4 addr show dev eth0 | grep -c 10.92.4'
  is "$output" $'joined\n1'
}

@test "userns and network: started again by its policy, its addresses are not used up" {
  run_coracle network create --subnet 10.92.5.0/29 small
  run_coracle 1 run --name fails --network small --userns keep-id --restart on-failure:6 box false
  run_coracle_out 0 run --rm --network small box true
  given_up() { [ "$(coracle inspect -f '{{.State.Status}} {{.RestartCount}}' fails)" = "exited 6" ]; }
  wait_for 60 given_up
  run_coracle rm fails
  wait_for 40 no_netd
}
