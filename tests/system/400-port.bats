#!/usr/bin/env bats
# 400-port: published ports: what is said of them: words, ps, port, inspect, commit.
# root: yes

load helpers
load port-helpers

setup() {
  fixture_image box
  needs python3
}

show() { coracle container inspect --format "$2" "$1"; }

@test "publish: what cannot be" {
  local word
  while IFS='|' read -r word message; do
    run_coracle 125 create --name bad -p "$word" box true
    is "$output" "Error: $message" "-p '$word'"
  done <<'END'
80:|must provide a non-empty container port to publish
127.0.0.1::|must provide a non-empty container port to publish
80-|parsing container port: must provide ending number for port range
-80|parsing container port: port numbers cannot be negative
90-80|parsing container port: the end port of a range must be higher than the start port - 80 is not higher than 90
8080-8081:80|host and container port ranges have different lengths: 2 vs 1
80-90:80|host and container port ranges have different lengths: 11 vs 1
80:80/|must provide a non-empty protocol to publish
80:80/foo|unrecognized protocol "foo" in port mapping
80/tcp/udp|invalid port format - protocol can only be specified once
1.2.3:80:80|cannot parse "1.2.3" as an IP address
[::1]80:80|invalid port format - IPv6 address must be followed by a colon (':')
::1:80:80|invalid port format - format is [[hostIP:]hostPort:]containerPort
[::1]:80|invalid port format - must provide host and destination port if specifying an IP
[::1]:1.2.3.4:80:80|invalid port format - when v6 address specified, must be [ipv6]:hostPort:ctrPort
0:80|parsing host port: port numbers must be between 1 and 65535 (inclusive), got 0
70000:80|parsing host port: port numbers must be between 1 and 65535 (inclusive), got 70000
80:0|parsing container port: port numbers must be between 1 and 65535 (inclusive), got 0
80:65536|parsing container port: port numbers must be between 1 and 65535 (inclusive), got 65536
999999999999999999999:80|parsing host port: port numbers must be between 1 and 65535 (inclusive), got 999999999999999999999
a:80|parsing host port: invalid port number: strconv.Atoi: parsing "a": invalid syntax
80:b|parsing container port: invalid port number: strconv.Atoi: parsing "b": invalid syntax
80:80/tcp,udp|parsing container port: invalid port number: strconv.Atoi: parsing "udp": invalid syntax
1:2:3:4|invalid port format - format is [[hostIP:]hostPort:]containerPort
80-90-91:80|parsing host port: invalid port format - port ranges are formatted as startPort-stopPort
END
  run_coracle 125 create --name bad -p 8080:80/sctp box true
  has "$output" "sctp"
  run_coracle 125 create --name bad -p 8080:80 -p 8080:81 box true
  is "$output" "Error: conflicting port mappings for host port 8080 (protocol tcp)"
  run_coracle 1 container exists bad
}

@test "expose: what cannot be" {
  local word
  while IFS='|' read -r word message; do
    run_coracle 125 create --name bad --expose "$word" box true
    is "$output" "Error: $message" "--expose '$word'"
  done <<'END'
a|invalid range format for --expose: a: strconv.ParseUint: parsing "a": invalid syntax
80-|invalid range format for --expose: 80-: strconv.ParseUint: parsing "": invalid syntax
90-80|invalid range format for --expose: 90-80: Invalid range specified for the Port: 90-80
80/foo|validating protocols for exposed port 80: unrecognized protocol "foo" in port mapping
0|port numbers must be between 1 and 65535 (inclusive), got 0
70000|invalid range format for --expose: 70000: strconv.ParseUint: parsing "70000": value out of range
80:80|invalid range format for --expose: 80:80: strconv.ParseUint: parsing "80:80": invalid syntax
END
  run_coracle 1 container exists bad
}

@test "publish: all forms, in ps, port and inspect" {
  local p u r
  p=$(free_port tcp) u=$(free_port udp) r=$(free_port tcp 3)
  run_coracle 0 run -d --name web -p "$p:80" -p "$u:443/UDP" -p "127.0.0.1:$r-$((r + 2)):9000-9002" -p '' --expose 99 --expose 80 --expose 53/udp box sleep 1000
  run_coracle_out 0 ps --format '{{.Ports}}'
  is "$output" "0.0.0.0:$p->80/tcp, 127.0.0.1:$r-$((r + 2))->9000-9002/tcp, 0.0.0.0:$u->443/udp, 99/tcp, 53/udp"
  run_coracle_out 0 ps --format json
  has "$output" '"Ports": ['
  is "$(python3 -c 'import json, sys; p = json.load(sys.stdin)[0]["Ports"]; print(json.dumps(p[1], sort_keys=True))' <<<"$output")" \
    "{\"container_port\": 9000, \"host_ip\": \"127.0.0.1\", \"host_port\": $r, \"protocol\": \"tcp\", \"range\": 3}"
  run_coracle_out 0 port web
  is "$output" "80/tcp -> 0.0.0.0:$p
9000/tcp -> 127.0.0.1:$r
9001/tcp -> 127.0.0.1:$((r + 1))
9002/tcp -> 127.0.0.1:$((r + 2))
443/udp -> 0.0.0.0:$u"
  run_coracle_out 0 port web 80
  is "$output" "0.0.0.0:$p"
  run_coracle_out 0 port -l 9001/tcp
  is "$output" "127.0.0.1:$((r + 1))"
  run_coracle_out 0 port web 443/udp
  is "$output" "0.0.0.0:$u"
  local none
  for none in 443 99 99/tcp 80/udp 80/foo; do
    run_coracle 125 port web "$none"
    is "$output" "Error: failed to find published port \"$none\""
  done
  run_coracle_out 0 port -a
  is "${lines[0]}" "$(show web '{{.Id}}' | head -c 12)"$'\t'"80/tcp -> 0.0.0.0:$p"
  is "$(show web '{{json .NetworkSettings.Ports}}')" "{\"443/udp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"$u\"}],\"53/udp\":null,\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"$p\"}],\"9000/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"$r\"}],\"9001/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"$((r + 1))\"}],\"9002/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"$((r + 2))\"}],\"99/tcp\":null}"
  is "$(show web '{{(index .HostConfig.PortBindings "80/tcp")}} {{.HostConfig.PublishAllPorts}}')" "[{0.0.0.0 $p}] false"
  is "$(show web '{{json .Config.ExposedPorts}}')" '{"443/udp":{},"53/udp":{},"80/tcp":{},"9000/tcp":{},"9001/tcp":{},"9002/tcp":{},"99/tcp":{}}'
  run_coracle 0 stop -t 0 web
  run_coracle_out 0 port web
  is "$output" "" "of those that run"
  run_coracle 0 rm web
}

@test "publish: neighbours are one range, what is said twice counts once" {
  local p
  p=$(free_port tcp 4)
  run_coracle 0 create --name web -p "$p:80" -p "$((p + 1)):81" -p "$p:80" -p "$((p + 1))-$((p + 3)):81-83" box true
  run_coracle_out 0 ps -a --format '{{.Ports}}'
  is "$output" "0.0.0.0:$p-$((p + 3))->80-83/tcp"
  run_coracle 0 rm web
}

# holds COMMAND…: that begins web. A container that does not run holds no port: where a neighbour was given one of them meanwhile that is $taken, and all is done again from the beginning
holds() {
  run_coracle '?' "$@"
  [ "$status" != 0 ] || return 0
  has "$output" "bind: address already in use"
  run_coracle 0 rm -f -t 0 web
  taken=1
}

kept() {
  run_coracle 0 create --name web -p 80 -p 127.0.0.1::81 -p :82/udp -p 90-93 box sleep 1000
  before=$(show web '{{json .HostConfig.PortBindings}}')
  not_like "$before" '"0"'
  run_coracle_out 0 ps -a --format '{{.Ports}}'
  like "$output" '0\.0\.0\.0:[0-9]+->80/tcp.*0\.0\.0\.0:[0-9]+-[0-9]+->90-93/tcp.*127\.0\.0\.1:[0-9]+->81/tcp.*0\.0\.0\.0:[0-9]+->82/udp'
  holds start web
  [ -z "$taken" ] || return 0
  is "$(show web '{{json .HostConfig.PortBindings}}')" "$before"
  holds restart -t 0 web
  [ -z "$taken" ] || return 0
  is "$(show web '{{json .HostConfig.PortBindings}}')" "$before"
}

@test "publish: host ports are chosen once, and kept" {
  local before after taken=1
  while [ -n "$taken" ]; do
    taken=
    kept
  done
  run_coracle 0 container clone web other
  after=$(show other '{{json .HostConfig.PortBindings}}')
  [ "$after" != "$before" ] || fail "a clone chooses its own"
  run_coracle 0 rm -f -t 0 web other
}

@test "publish-all: what the image and --expose expose" {
  fixture_image exposing --change 'EXPOSE 80/tcp' --change 'EXPOSE 53/udp'
  local p
  p=$(free_port)
  run_coracle 0 create --name web -P --expose 100-102 -p "$p:100" exposing true
  run_coracle_out 0 ps -a --format '{{.Ports}}'
  like "$output" "0.0.0.0:$p->100/tcp"
  like "$output" '0\.0\.0\.0:[0-9]+->80/tcp'
  like "$output" '0\.0\.0\.0:[0-9]+->53/udp'
  like "$output" '0\.0\.0\.0:[0-9]+->102/tcp'
  is "$(show web '{{.HostConfig.PublishAllPorts}}')" "true"
  is "$(show web '{{json .Config.ExposedPorts}}')" '{"100/tcp":{},"101/tcp":{},"102/tcp":{},"53/udp":{},"80/tcp":{}}'
  run_coracle 0 commit -q web committed
  run_coracle_out 0 image inspect --format '{{json .Config.ExposedPorts}}' committed
  is "$output" '{"100/tcp":{},"101/tcp":{},"102/tcp":{},"53/udp":{},"80/tcp":{}}'
  run_coracle 0 rm web
  run_coracle 0 rmi committed exposing
}

@test "publish: networks without ports of their own" {
  local network
  for network in none host; do
    run_coracle 0 run --rm -p 8080 --net=$network box echo hello
    is "$output" "Port mappings have been discarded because \"$network\" network namespace mode does not support them"$'\n'hello "--net=$network"
    run_coracle_out 0 run --rm -P --expose 80 --net=$network box echo hello
    is "$output" hello
  done
  run_coracle 0 run -d --name first box sleep 1000
  run_coracle 0 run --rm -p 8080:80 --net container:first box echo hello
  is "$output" 'Port mappings have been discarded because "container" network namespace mode does not support them'$'\nhello'
  run_coracle 0 create --name second -p 8080:80 --net container:first box true
  is "$(show second '{{json .HostConfig.PortBindings}}')" "{}"
  run_coracle 0 rm -f -t 0 second first
}
