#!/usr/bin/env bats
# 261-events: what is told of containers, images and volumes; events: filters, times, formats, following; where they are kept.

load helpers

setup() {
  fixture_image box
}

# told FILTERS…: "TYPE STATUS NAME" of what has happened
told() {
  local args=() f
  for f; do args+=(--filter "$f"); done
  coracle events --stream=false "${args[@]}" --format '{{.Type}} {{.Status}} {{.Name}}'
}

@test "events: a container's life, in order, with its exit status" {
  run_coracle 3 run --name one --label colour=red box sh -c 'exit 3'
  run_coracle 0 rm one
  is "$(told container=one)" $'container create one\ncontainer init one\ncontainer start one\ncontainer attach one\ncontainer died one\ncontainer cleanup one\ncontainer remove one'
  run_coracle 0 events --stream=false --filter container=one --filter event=die --format json
  is "$(jq -c '[.ContainerExitCode, .Image, .Name, .Status, .Type, .Attributes]' <<<"$output")" '[3,"localhost/box:latest","one","died","container",{"colour":"red"}]'
  like "$output" '"time":[0-9]{10},"timeNano":[0-9]{19},"Type":"container"'
  run_coracle 0 events --stream=false --filter container=one --filter event=create
  like "$output" '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+ [-+][0-9]{4} [A-Z]+ container create [0-9a-f]{64} \(image=localhost/box:latest, name=one, colour=red\)$'
  run_coracle 0 events --stream=false --filter container=one --filter event=create --no-trunc=false
  like "$output" 'container create [0-9a-f]{12} \('
  run_coracle 0 run --rm --name two box true
  is "$(told container=two | tail -2)" $'container died two\ncontainer remove two' "--rm"
  no_leaks
}

@test "events: one whose command and monitor were killed is told of when it is found" {
  coracle run --name lost --rm=false box sleep 100 </dev/null &
  local pid=$!
  wait_for 20 some_run
  kill -KILL "$(cut -d' ' -f1 "$RUN_ROOT"/*/monitor.pid)"
  wait $pid || true
  wait_for 20 none_run
  coracle ps -a >/dev/null
  run told container=lost event=died
  is "$output" "container died lost"
  run_coracle 0 rm lost
}

@test "events: images and volumes" {
  run_coracle 0 tag box other:1
  run_coracle 0 untag box other:1
  run_coracle 0 run --rm -v kept:/v -v /anonymous box true
  is "$(told type=image event=tag | tail -1)" "image tag other:1" "as it was said"
  is "$(told type=image event=untag | tail -1)" "image untag localhost/other:1"
  has "$(told type=volume)" "volume create kept"
  is "$(told volume=kep)" "volume create kept" "a part of its name, as of an id"
  is "$(told volume=ept)" ""
  is "$(told type=volume event=create event=remove | wc -l)" 3 "the anonymous one was made and removed"
  run_coracle 0 import -q "$(fixture busybox.tar)" doomed
  run_coracle 0 rmi doomed
  is "$(told image=doomed | tr '\n' ,)" "image import localhost/doomed:latest,image tag localhost/doomed:latest,image untag localhost/doomed:latest,image remove localhost/doomed:latest,"
}

@test "events: filters" {
  # no id begins like these names: the filter is about both
  run_coracle 0 run --rm --name first --label a=1 box true
  run_coracle 0 run --rm --name second --label a=2 box true
  is "$(told container=first container=second event=start)" $'container start first\ncontainer start second' "or within a key"
  is "$(told label=a=2 event=start)" "container start second"
  is "$(told label=a event=start | wc -l)" 2
  is "$(told container=first type=image)" "" "and between keys"
  run_coracle 125 events --stream=false --filter foo=bar
  is "$output" "Error: failed to parse event filters: foo is an invalid filter"
  run_coracle 125 events extra
  is "$output" "Error: \`coracle events\` takes no arguments"
}

@test "events: since and until" {
  run_coracle 0 run --rm --name early box true
  sleep 1.1
  local middle
  middle=$(date +%s.%N)
  run_coracle 0 run --rm --name late box true
  run_coracle 0 events --stream=false --since "$middle" --filter event=start --format '{{.Name}}'
  is "$output" "late" "unix seconds"
  run_coracle 0 events --stream=false --until "$middle" --filter event=start --format '{{.Name}}'
  has "$output" "early"
  not_like "$output" "late"
  run_coracle 0 events --stream=false --since "$(date -u -d "@$middle" +%Y-%m-%dT%H:%M:%S.%NZ)" --filter event=start --format '{{.Name}}'
  is "$output" "late" "RFC 3339"
  run_coracle 0 events --stream=false --since 1h --filter event=start --filter container=early --format '{{.Name}}'
  is "$output" "early" "a duration"
  run_coracle 0 events --since 1h --until 500ms --filter event=start --filter container=early --format '{{.Name}}'
  is "$output" "early" "a stream that ends half a second from now"
  run_coracle 125 events --since xx
  is "$output" "Error: failed to parse event filters: unable to convert since time of xx: unable to interpret time value"
}

@test "events: of a detached container, and what is done to it" {
  run_coracle 0 run -d --name busy box sleep 1000
  run_coracle 1 exec busy false
  run_coracle 0 rename busy busier
  coracle export busier >/dev/null
  run_coracle 0 kill busier
  wait_for 20 none_run
  run_coracle 0 start busier
  run_coracle 0 rm -f -t 0 busier
  local id all
  id=$(coracle events --stream=false --filter container=busy --filter event=create --format '{{.ID}}')
  all=$(coracle events --stream=false --filter "container=$id" --format '{{.Status}} {{.ContainerExitCode}}' | sed 's/ <nil>//' | tr '\n' ,)
  is "$all" "create,init,start,exec,exec_died 1,rename,export,kill,died 137,cleanup,init,start,died 137,cleanup,stop,remove 137,"
}

@test "info: where events and output go" {
  run_coracle 0 info --format '{{.Host.EventLogger}} {{.Host.LogDriver}} {{.Plugins.Log}}'
  is "$output" "file k8s-file [journald json-file k8s-file none passthrough]"
  run_coracle 0 --events-backend none info --format '{{.Host.EventLogger}}'
  is "$output" "none"
  printf '[containers]\nlog_driver = "json-file"\n' >"$TEST_STORE/driver.conf"
  CONTAINERS_CONF=$TEST_STORE/driver.conf run_coracle 0 info --format '{{.Host.LogDriver}}'
  is "$output" "json-file"
  CONTAINERS_CONF=$TEST_STORE/driver.conf run_coracle 0 run --name driven box echo hello
  run_coracle 0 inspect --format '{{.HostConfig.LogConfig.Type}}' driven
  is "$output" "json-file"
  run_coracle 0 logs driven
  is "$output" "hello"
  run_coracle 0 rm driven
}

@test "events: formats" {
  run_coracle 0 run --rm --name formed box true
  run_coracle 0 events --stream=false --filter container=formed --filter event=start --format '{{.Status}}|{{.ContainerExitCode}}|{{.HealthStatus}}|{{.PodID}}|{{.Attributes}}'
  is "$output" "start|<nil>|||map[]"
  run_coracle 125 events --stream=false --format '{{.Foo}}'
  like "$output" "can't evaluate field Foo"
  run_coracle 125 events --stream=false --format '{{'
}

@test "events: followed without missing or polling, through rotation" {
  local out=$TEST_STORE/followed conf=$TEST_STORE/small.conf i
  : >"$out"
  printf '[engine]\nevents_logfile_max_size = "2k"\n' >"$conf"
  CONTAINERS_CONF=$conf "$CORACLE" events --filter event=tag --format "{{.Name}}" >"$out" &
  local pid=$!
  # one that follows tells of what comes from then on
  follows() { CONTAINERS_CONF=$conf coracle tag box begun && grep -q begun "$out"; }
  wait_for 20 follows
  for i in $(seq 40); do CONTAINERS_CONF=$conf coracle tag box "n:$i"; done
  wait_for 20 grep -q 'n:40$' "$out"
  kill $pid
  is "$(sed -n 's/.*n://p' "$out" | tr '\n' ' ')" "$(seq -s ' ' 40) "
  has "$(head -n 1 "$RUN_ROOT/events/events.log")" '"io.podman.event.rotate":"begin"'
}

@test "events: where they are kept" {
  run_coracle 125 --events-backend bogus ps
  is "$output" 'Error: "bogus" is not a valid events backend: invalid argument'
  run_coracle 125 --events-backend none events
  is "$output" 'Error: cannot read events with the "none" backend'
  run_coracle 0 --events-backend none run --rm --name silent box true
  is "$(told container=silent)" ""
  printf '[engine]\nevents_logger = "file"\nevents_logfile_path = "%s/own/log"\n' "$TEST_STORE" >"$TEST_STORE/path.conf"
  CONTAINERS_CONF=$TEST_STORE/path.conf run_coracle 0 run --rm --name elsewhere box true
  is "$(told container=elsewhere)" ""
  like "$(cat "$TEST_STORE/own/log")" '"Name":"elsewhere"'
  printf '[engine]\nevents_logger = "none"\n' >"$TEST_STORE/path.conf"
  CONTAINERS_CONF=$TEST_STORE/path.conf run_coracle 0 run --rm --name quiet box true
  is "$(told container=quiet)" ""
}

@test "events: broken lines are passed over, a place that cannot be written is no failure" {
  run_coracle 0 run --rm --name before box true
  {
    printf 'half a li'
    printf '\n{"Type":3}\n'
    head -c 2000000 /dev/zero
    printf '\n'
  } >>"$RUN_ROOT/events/events.log"
  printf '[engine]\nevents_logfile_max_size = "8m"\n' >"$TEST_STORE/large.conf"
  CONTAINERS_CONF=$TEST_STORE/large.conf run_coracle 0 run --rm --name after box true
  is "$(told event=start container=before container=after)" $'container start before\ncontainer start after'
  printf '[engine]\nevents_logfile_path = "/proc/nowhere/log"\n' >"$TEST_STORE/path.conf"
  CONTAINERS_CONF=$TEST_STORE/path.conf run_coracle 0 run --rm box echo fine
  is "$output" "fine"
}

@test "events: the journal is read by journalctl" {
  mkdir -p "$TEST_STORE/fake"
  cat >"$TEST_STORE/fake/journalctl" <<'X'
#!/bin/sh
echo "$@" >"$TEST_STORE/fake/args"
echo '{"PODMAN_TYPE":"container","PODMAN_EVENT":"died","PODMAN_TIME":"2023-11-14T22:13:20.5Z","PODMAN_NAME":"j","PODMAN_EXIT_CODE":"4"}'
X
  chmod +x "$TEST_STORE/fake/journalctl"
  PATH=$TEST_STORE/fake:$PATH run_coracle 0 --events-backend journald events --stream=false --format '{{.Name}} {{.ContainerExitCode}}'
  is "$output" "j 4"
  has "$(cat "$TEST_STORE/fake/args")" "CORACLE_ROOT=$STORE SYSLOG_IDENTIFIER=podman"
}
