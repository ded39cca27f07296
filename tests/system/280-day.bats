#!/usr/bin/env bats
# 280-day: a developer's day with one web server: made, looked at, changed, broken, mended, thrown away. What each command says is what the next one is asked with.
# root: yes

load helpers
load terminal

setup() {
  fixture_image box
  terminal_setup
}

state_of() { coracle inspect -f '{{.State.Status}}' "$1" 2>/dev/null; }
health_of() { coracle inspect -f '{{.State.Health.Status}}' "$1" 2>/dev/null; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
is_health() { [ "$(health_of "$1")" = "$2" ]; }
restarts_of() { coracle inspect -f '{{.RestartCount}}' "$1"; }
has_restarted() { [ "$(restarts_of web)" -ge "$1" ]; }
fetch_inside() { coracle exec web wget -q -O - "http://127.0.0.1:8080/$1"; }
serves() { [ "$(fetch_inside "$1" 2>/dev/null)" = "$2" ]; }

@test "day: a web server from the morning to the evening" {
  # morning: made from the image, configured, not yet running
  run_coracle create --name web --restart on-failure:5 --stop-timeout 2 -e GREETING=hello --workdir /tmp --log-opt max-size=1m --health-cmd 'wget -q -O /dev/null http://127.0.0.1:8080/health.txt' \
    --health-interval 1s --health-retries 5 --health-timeout 20s --health-on-failure restart box \
    sh -c 'echo "$GREETING from the server"; test -e health.txt || echo ok >health.txt; trap "echo going down; exit 0" TERM; httpd -f -p 8080 -h /tmp & wait'
  like "$output" '^[0-9a-f]{64}$'
  local id=$output
  is "$(state_of web)" created
  run_coracle ps -a --format '{{.Names}} {{.Status}}'
  is "$output" "web Created"
  run_coracle 125 logs nosuch
  has "$output" 'no container with name or ID "nosuch" found: no such container'

  # it starts, and says so in its log, which is followed from another shell
  run_coracle start web
  is "$output" web
  timeout 300 "$CORACLE" logs -f web </dev/null >"$TEST_STORE/followed" 2>&1 3>&- &
  local follower=$!
  wait_for 20 serves health.txt ok
  wait_for 20 logs_say web server
  run_coracle logs web
  is "$output" "hello from the server"
  run_coracle ps --format '{{.ID}} {{.Image}} {{.State}}'
  has "$output" "${id:0:12}"
  has "$output" running
  wait_for 60 is_health web healthy
  run_coracle ps
  has "$output" '(healthy)'
  run_coracle port web
  is "$output" ""

  # a page goes in and is served; one comes out
  echo '<h1>mine</h1>' >"$TEST_STORE/index.html"
  run_coracle cp "$TEST_STORE/index.html" web:/tmp/
  wait_for 20 serves index.html '<h1>mine</h1>'
  run_coracle cp web:/tmp/health.txt "$TEST_STORE/out.txt"
  is "$(cat "$TEST_STORE/out.txt")" ok
  run_coracle 125 cp web:/tmp/nothing "$TEST_STORE/"
  has "$output" "could not be found on container web: no such file or directory"
  run_coracle diff web
  has "$output" "A /tmp/index.html"

  # a look inside; what goes wrong inside is told by the status
  run_coracle exec -e WHO=me -w / web sh -c 'echo "$WHO in $PWD: $GREETING"'
  is "$output" "me in /: hello"
  run_coracle 3 exec web sh -c 'exit 3'
  run_coracle 127 exec web no-such-program
  run_coracle 126 exec web /etc
  run_coracle top web
  has "$output" httpd
  run_coracle stats --no-stream --format '{{.Name}}' web
  has "$output" web

  # politely down, and up again with what was put into it; the follower heard the last words
  run_coracle stop web
  is "$output" web
  is "$(state_of web)" exited
  run_coracle inspect -f '{{.State.ExitCode}} {{.State.OOMKilled}}' web
  is "$output" "0 false"
  local status=0
  wait "$follower" || status=$?
  is "$status" 0 "logs -f ends with the container"
  has "$(cat "$TEST_STORE/followed")" "going down"
  run_coracle 255 exec web true
  has "$output" "container state improper"
  run_coracle start web
  wait_for 20 serves index.html '<h1>mine</h1>'

  # sick: it is restarted
  is "$(restarts_of web)" 0
  run_coracle exec web rm /tmp/health.txt
  wait_for 60 has_restarted 1
  wait_for 60 is_health web healthy
  run_coracle rm -f web
  is "$output" web
  no_leaks
}

@test "day: what crashes by itself comes back, what is unhealthy is restarted" {
  run_coracle run -d --name web --restart always --stop-timeout 1 --health-cmd 'test ! -e /tmp/sick' --health-interval 1s --health-retries 1 --health-timeout 30s --health-on-failure restart \
    --tmpfs /tmp box sh -c 'echo up; while :; do sleep 0.2; test ! -e /tmp/crash || { rm /tmp/crash; exit 9; }; done'
  wait_for 60 is_health web healthy
  let_go web /tmp/crash
  wait_for 60 has_restarted 1
  wait_for 20 is_state web running
  wait_for 60 is_health web healthy
  run_coracle exec web touch /tmp/sick
  wait_for 60 has_restarted 2
  wait_for 60 is_health web healthy
  ups() { [ "$(coracle logs web | grep -c '^up$')" = 3 ]; }
  wait_for 20 ups
  run_coracle events --stream=false --since 1h --filter container=web --filter event=died --format '{{.ContainerExitCode}}'
  has "$output" 9
  # who stops it means it
  run_coracle stop web
  sleep 1
  is "$(state_of web)" exited
  run_coracle rm web
  no_leaks
}

@test "day: evening: the work becomes an image, the rest is thrown away" {
  run_coracle run -d --name web -w /tmp box sh -c 'echo made >made.txt; exec sleep 1000'
  wait_for 20 coracle exec web test -s made.txt
  run_coracle commit -q --change 'CMD cat /tmp/made.txt' --change 'LABEL day=done' web localhost/evening:v1
  like "$output" '^[0-9a-f]{64}$'
  run_coracle run --rm localhost/evening:v1
  is "$output" made
  run_coracle images --filter label=day=done --format '{{.Repository}}:{{.Tag}}'
  is "$output" localhost/evening:v1
  run_coracle 2 rm web
  has "$output" "container state improper"
  run_coracle kill web
  run_coracle wait web
  is "$output" 137
  run_coracle container prune -f
  like "$output" '[0-9a-f]{64}'
  run_coracle ps -aq
  is "$output" ""
  run_coracle rmi localhost/evening:v1
  no_leaks
}
