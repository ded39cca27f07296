#!/usr/bin/env bats
# 458-net-routes: a container on several networks that leaves the one its way out led through, and comes back: another takes its place, for IPv4 and for IPv6.

load helpers
load net-helpers

setup() {
  fixture_image box
}

teardown() {
  netd_teardown
}

defaults() { # CONTAINER [-6]: where its default routes lead, the first first
  coracle exec "$1" ip ${2-} route show default | awk '/^default/ { m = 0; for (i = 1; i < NF; i++) if ($i == "metric") m = $(i + 1); print m, $3 }' | sort -n | awk '{ print $2 }' | xargs
}

@test "routes: connect and disconnect leave a way out" {
  local six=
  [ ! -e /proc/net/if_inet6 ] || six=1
  run_coracle_out 0 network create --subnet 10.93.1.0/24 --subnet fd00:93:1::/64 one
  run_coracle_out 0 network create --subnet 10.93.2.0/24 --subnet fd00:93:2::/64 two
  run_coracle_out 0 run -d --name app --network one box sleep 1000
  is "$(defaults app)" 10.93.1.1
  run_coracle_out 0 network connect two app
  is "$(defaults app)" "10.93.1.1 10.93.2.1" "the first network's counts"
  [ -z "$six" ] || is "$(defaults app -6)" "fd00:93:1::1 fd00:93:2::1"
  run_coracle_out 0 network disconnect one app
  is "$(defaults app)" 10.93.2.1
  [ -z "$six" ] || is "$(defaults app -6)" "fd00:93:2::1"
  run_coracle_out 0 network connect one app
  is "$(defaults app | tr ' ' '\n' | sort | xargs)" "10.93.1.1 10.93.2.1" "back again"
  run_coracle_out 0 network disconnect two app
  is "$(defaults app)" 10.93.1.1
  [ -z "$six" ] || is "$(defaults app -6)" "fd00:93:1::1"
  # and it leads out
  run_coracle_out 0 exec app nslookup -type=a app
  has "$output" "10.93.1."
  run_coracle_out 0 rm -f -t 0 app
}

@test "routes: several from the beginning, in the order they were named" {
  run_coracle_out 0 network create --subnet 10.93.1.0/24 one
  run_coracle_out 0 network create --subnet 10.93.2.0/24 two
  run_coracle_out 0 run -d --name app --network two --network one box sleep 1000
  local all first
  all=$(defaults app)
  first=${all%% *}
  is "$(tr ' ' '\n' <<<"$all" | sort | xargs)" "10.93.1.1 10.93.2.1"
  run_coracle_out 0 network disconnect "$([ "$first" = 10.93.1.1 ] && echo one || echo two)" app
  is "$(defaults app)" "${all#* }"
  run_coracle_out 0 rm -f -t 0 app
}

@test "routes: two networks of one metric, and one without a default route" {
  run_coracle_out 0 network create --subnet 10.93.1.0/24 -o metric=200 one
  run_coracle_out 0 network create --subnet 10.93.2.0/24 -o metric=200 two
  run_coracle_out 0 network create --subnet 10.93.3.0/24 -o no_default_route=1 bare
  run_coracle_out 0 run -d --name app --network one --network two --network bare box sleep 1000
  is "$(defaults app | tr ' ' '\n' | sort | xargs)" "10.93.1.1 10.93.2.1"
  run_coracle_out 0 network disconnect one app
  is "$(defaults app)" 10.93.2.1
  run_coracle_out 0 rm -f -t 0 app
}

# as Podman does it: names are a network's own, addresses are reached from another unless it is told to keep to itself
@test "a second network: the database by name never, by address unless isolated" {
  local db
  run_coracle_out 0 network create --subnet 10.93.1.0/24 open
  run_coracle_out 0 network create --subnet 10.93.2.0/24 -o isolate=true apart
  run_coracle_out 0 network create --subnet 10.93.3.0/24 -o isolate=strict strict
  run_coracle_out 0 network create --subnet 10.93.4.0/24 front
  run_coracle_out 0 network create --subnet 10.93.5.0/24 -o isolate=true front-apart
  for db in open apart strict; do
    run_coracle_out 0 run -d --name "db-$db" --network "$db" --ip "10.93.$([ $db = open ] && echo 1 || { [ $db = apart ] && echo 2 || echo 3; }).10" box sh -c 'echo database >/said; while :; do nc -l -p 3306 </said; done'
    wait_for 20 speaks "$db" "db-$db"
  done
  for db in open apart strict; do
    run_coracle '?' run --rm --init --network front box timeout 5 nslookup -type=a "db-$db"
    not_like "$output" 'Address: 10\.93' "$db by name"
  done
  reaches front 10.93.1.10
  reaches front 10.93.2.10
  reaches front 10.93.3.10 no
  reaches front-apart 10.93.1.10
  reaches front-apart 10.93.2.10 no
  reaches front-apart 10.93.3.10 no
  run_coracle_out 0 rm -f -t 0 -a
}

speaks() { [[ $(coracle run --rm --init --network "$1" box timeout 3 nc "$2" 3306 </dev/null 2>&1) == *database* ]]; }
# --init: to a process 1 timeout's signal means nothing
reaches() { # NETWORK ADDRESS [no]
  if [ -z "${3-}" ]; then
    wait_for 20 speaks "$1" "$2"
  else
    run_coracle '?' run --rm --init --network "$1" box timeout 2 nc "$2" 3306
    not_like "$output" database "$1 to $2"
  fi
}
