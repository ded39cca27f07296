#!/usr/bin/env bats
# 040-ps: listing containers: columns, filters, sorting, formats, and what is refused.
# root: yes
# Two containers are there for all tests: `done`, which exited with 3, and after it `live`, which runs.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
  coracle run --name done -v data:/data -v "$TMPDIR:/host:ro" --label color=red --label size=big --cidfile "$TEST_STORE/cid" box sh -c 'echo 12345 >/five; exit 3' || [ $? = 3 ]
  "$CORACLE" run --name live --net none box sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
  wait_for 30 is_live
  DONE=$(cat "$TEST_STORE/cid")
  LIVE=$(coracle ps -q --no-trunc)
  export DONE LIVE
}

# a failed test must not take away what the others look at
teardown() { :; }

is_live() { [ "$(coracle ps --format '{{.Names}}' 2>/dev/null)" = live ]; }

# names_are EXPECTED ARGS…: the names, in order, that `ps ARGS…` lists, joined by blanks.
names_are() {
  local expected=$1
  shift
  run_coracle_out 0 ps "$@" --format '{{.Names}}'
  is "${output//$'\n'/ }" "$expected" "ps $*"
}

@test "ps: the columns of running containers" {
  run_coracle_out 0 ps
  like "${lines[0]}" '^CONTAINER ID  IMAGE                 COMMAND     CREATED +STATUS +PORTS       NAMES$'
  like "${lines[1]}" "^${LIVE:0:12}  localhost/box:latest  sleep 1000  (Less than a second|[0-9]+ seconds?|About a minute|[0-9]+ minutes) ago +Up (Less than a second|[0-9]+ seconds?|About a minute|[0-9]+ minutes) +live\$"
  is "${#lines[@]}" 2 "only the running one"
}

@test "ps: -a, exited containers, the three names of the command" {
  for command in "ps" "container ps" "container ls" "container list"; do
    # shellcheck disable=SC2086 # words
    run_coracle_out 0 $command -a
    like "${lines[1]}" "^${DONE:0:12}  localhost/box:latest  sh -c echo 12345 \.\.\.  .* ago +Exited \(3\) (Less than a second|[0-9]+ seconds?|About a minute|[0-9]+ minutes) ago +done\$" "oldest first"
    like "${lines[2]}" "^${LIVE:0:12} "
    is "${#lines[@]}" 3
  done
}

@test "ps: --quiet, --no-trunc, --noheading" {
  run_coracle_out 0 ps -aq
  is "$output" "${DONE:0:12}"$'\n'"${LIVE:0:12}"
  run_coracle_out 0 ps -a -q --no-trunc
  is "$output" "$DONE"$'\n'"$LIVE"
  run_coracle_out 0 ps -a --no-trunc
  like "${lines[1]}" "^$DONE  localhost/box:latest  sh -c echo 12345 >/five; exit 3  "
  run_coracle_out 0 ps --noheading
  like "$output" "^${LIVE:0:12} +localhost/box:latest"
  is "${#lines[@]}" 1
}

@test "ps: --last and --latest look at all states" {
  names_are "live" --last 1
  names_are "done live" -n 2
  names_are "done live" -n 9
  names_are "live" -n 0
  names_are "live" -n -1
  names_are "live" --latest
  names_are "done" -l --filter name=done
  run_coracle 125 ps -l -n 1
  is "$output" "Error: last and latest are mutually exclusive"
}

@test "ps: --size measures what was written" {
  run_coracle_out 0 ps -a -s
  like "${lines[0]}" 'NAMES       SIZE$'
  like "${lines[1]}" 'done        6B \(virtual [0-9.]+MB\)$'
  like "${lines[2]}" 'live        0B \(virtual [0-9.]+MB\)$'
  run_coracle_out 0 ps -a --format '{{.Names}} {{.Size}}'
  like "${lines[0]}" '^done 6B \(virtual' "a template alone asks for it too"
  run_coracle_out 0 ps -as --format json
  is "$(jq -c '[.[] | .Size.rwSize]' <<<"$output")" "[6,0]"
  is "$(jq -c '.[0].Size.rootFsSize - .[1].Size.rootFsSize' <<<"$output")" "6" "the root is the image and what was written"
  names_are "live done" -a --sort size
}

@test "ps: --ns shows the namespaces of init" {
  local pid
  pid=$(coracle ps --format '{{.Pid}}')
  for flag in --ns --namespace; do
    run_coracle_out 0 ps $flag --noheading
    # shellcheck disable=SC2046 # words
    is "$(echo $output)" "$(echo "${LIVE:0:12}" live "$pid" $(for n in cgroup ipc mnt net pid user uts; do readlink "/proc/$pid/ns/$n" | tr -dc 0-9; echo; done))"
  done
  run_coracle_out 0 ps --ns
  is "${lines[0]}" "CONTAINER ID  NAMES       PID         CGROUPNS    IPC         MNT         NET         PIDNS       USERNS      UTS"
  run_coracle_out 0 ps --ns --format '{{.NET}} {{.Namespaces.Net}}'
  is "${output#* }" "${output% *}"
  run_coracle_out 0 ps --ns --format json
  is "$(jq -r '.[0].Namespaces.Pidns' <<<"$output")" "$(readlink "/proc/$pid/ns/pid" | tr -dc 0-9)"
}

@test "ps: what does not go together" {
  for flags in "-q -s" "-q --ns"; do
    # shellcheck disable=SC2086 # words
    run_coracle 125 ps $flags
    is "$output" "Error: quiet conflicts with size and namespace"
  done
  run_coracle 125 ps -s --ns
  is "$output" "Error: size and namespace options conflict"
  run_coracle 125 ps box
  is "$output" "Error: \`coracle ps\` takes no arguments"
}

@test "ps: --sort" {
  names_are "done live" -a --sort created
  names_are "done live" -a --sort runningfor
  names_are "done live" -a --sort names
  names_are "done live" -a --sort status
  names_are "done live" -a --sort command
  names_are "done live" -a --sort image
  [[ $DONE < $LIVE ]] && expected="done live" || expected="live done"
  names_are "$expected" -a --sort id
  run_coracle 125 ps --sort foo
  is "${lines[0]}" 'Error: invalid argument "foo" for "--sort" flag: "foo" is not a valid value.  Choose from: "command, created, id, image, names, runningfor, size, status"'
}

@test "ps: filters of name, id and label" {
  names_are "done" -a -f name=don
  names_are "done" -a -f 'name=^d.*e$'
  names_are "" -a -f 'name=^one'
  names_are "" -a -f 'name=['
  names_are "done live" -a -f name=done -f name=live
  names_are "done" -a -f "id=${DONE:0:6}"
  names_are "live" -a -f "id=$LIVE"
  names_are "" -a -f "id=${DONE:1:20}"
  names_are "done" -a -f "id=^${DONE:0:9}.*\$"
  names_are "done" -a -f label=color
  names_are "done" -a -f label=color=red
  names_are "" -a -f label=color=blue
  names_are "" -a -f label=color=red -f label=none
  names_are "done" -a -f label=color=red -f label=size
  names_are "live" -a -f 'label!=color'
  names_are "done live" -a -f 'label!=color=blue'
  names_are "" -f name=done
}

@test "ps: filters of state" {
  names_are "done" -f status=exited
  names_are "done" -f status=stopped
  names_are "live" -f status=running
  names_are "done live" -f status=running -f status=exited
  names_are "" -f status=created
  names_are "" -f status=paused
  names_are "done" -a -f exited=3
  names_are "" -a -f exited=0
  names_are "" -a -f health=healthy
  names_are "" -a -f pod=any
  names_are "done live" -a -f restart-policy=no
  names_are "" -a -f restart-policy=always
  names_are "" -a -f should-start-on-boot=true
  names_are "done live" -a -f should-start-on-boot=false
}

@test "ps: filters of image, order, volume, network and command" {
  names_are "done live" -a -f ancestor=box
  names_are "done live" -a -f ancestor=localhost/box:latest
  names_are "done live" -a -f "ancestor=$(coracle images -q --no-trunc | sed 's/^sha256://')"
  names_are "" -a -f ancestor=nothing
  names_are "done" -a -f before=live
  names_are "live" -a -f since=done
  names_are "live" -a -f "since=${DONE:0:12}"
  names_are "done live" -a -f until=0s
  names_are "" -a -f until=1h
  names_are "done" -a -f volume=data
  names_are "done" -a -f volume=/data
  names_are "done" -a -f volume=/host
  names_are "" -a -f volume=nothing
  names_are "live" -a -f network=none
  names_are "done" -a -f network=slirp4netns
  names_are "done" -a -f command=sh
  names_are "live" -a -f command=sleep
  names_are "" -a -f name=done -f status=running
}

@test "ps: bad filters are refused" {
  while IFS='|' read -r filter text; do
    run_coracle 125 ps -a --filter "$filter"
    is "$output" "Error: $text" "--filter $filter"
  done <<'END'
foo=bar|foo is an invalid filter
after=done|after is an invalid filter
foo|invalid filter "foo"
status=foo|unknown container state: foo: invalid argument
exited=x|exited code out of range "x": strconv.ParseInt: parsing "x": invalid syntax
before=nope|no container with name or ID "nope" found: no such container
since=nope|no container with name or ID "nope" found: no such container
until=xx|failed to parse value as time or duration: "xx"
restart-policy=foo|foo invalid restart policy
should-start-on-boot=x|strconv.ParseBool: parsing "x": invalid syntax
END
}

@test "ps: --format json has Podman's fields" {
  run_coracle_out 0 ps -a --format json
  is "${lines[1]}" "  {" "indented by 2"
  is "$(jq -c '.[0] | [.Id, .Names, .Image, .Command, .State, .Exited, .ExitCode, .Pid, .Labels, .AutoRemove, .CIDFile, .Size]' <<<"$output")" \
    '["'"$DONE"'",["done"],"localhost/box:latest",["sh","-c","echo 12345 >/five; exit 3"],"exited",true,3,0,{"color":"red","size":"big"},false,"'"$TEST_STORE/cid"'",null]'
  is "$(jq -c '.[0].Mounts | sort' <<<"$output")" '["/data","/host"]'
  is "$(jq -c '.[1] | [.Id, .Names, .State, .Exited, .ExitedAt, .Labels, .Mounts, .Restarts, .IsInfra]' <<<"$output")" '["'"$LIVE"'",["live"],"running",false,-62135596800,null,[],0,false]'
  is "$(jq -c '.[0] | (now - .Created < 600) and .Created <= .StartedAt and .StartedAt <= .ExitedAt' <<<"$output")" true "the times"
  like "$(jq -r '.[0].Status + "|" + .[0].CreatedAt + "|" + .[1].Status' <<<"$output")" '^Exited \(3\) .* ago\|.* ago\|Up '
  is "$(jq -r '.[0].ImageID' <<<"$output")" "$(coracle images -q --no-trunc | sed 's/^sha256://')"
  is "$(jq -r '.[0] | keys | length' <<<"$output")" 27
  kill -0 "$(jq '.[1].Pid' <<<"$output")"
  run_coracle_out 0 ps --filter name=nobody --format json
  is "$output" "[]"
}

@test "ps: --format takes templates and tables" {
  run_coracle_out 0 ps -a --filter name=done --format '{{.ID}}|{{.ImageID}}|{{.Command}}|{{.State}}|{{.ExitCode}}|{{.Exited}}|{{.Labels}}|{{.Label "color"}}|{{.Label "none"}}|{{.Restarts}}|{{.Pod}}|{{.IsInfra}}|{{.AutoRemove}}'
  is "$output" "${DONE:0:12}|$(coracle images -q)|sh -c echo 12345 ...|exited|3|true|map[color:red size:big]|red||0||false|false"
  run_coracle_out 0 ps -a --no-trunc --filter name=done --format '{{.ID}} {{.Command}}'
  is "$output" "$DONE sh -c echo 12345 >/five; exit 3"
  run_coracle_out 0 ps --format '{{.Created}}|{{.CreatedAt}}|{{.CreatedHuman}}|{{.RunningFor}}'
  like "$output" '^(20[0-9-]{8} [0-9:.]+ [+-][0-9]{4} [A-Z0-9+-]+)\|20[0-9-]{8} [^|]+\|(.* ago)\|.* ago$'
  run_coracle_out 0 ps --format 'table {{.Names}} {{.State}} {{.Networks}} {{.RunningFor}} {{.Mounts}} {{.ExitedAt}}'
  like "${lines[0]}" '^NAMES       STATE       NETWORKS    RUNNING FOR +MOUNTS      EXITED AT$'
  like "${lines[1]}" '^live        running +'
  run_coracle_out 0 ps --noheading --format 'table {{.Names}}'
  is "$output" "live"
  run_coracle_out 0 ps -q --format '{{.Names}}'
  is "$output" "live" "a format is stronger than -q"
  run_coracle 125 ps --format '{{.Foo}}'
  like "$output" "^Error: template: .* can't evaluate field Foo in type"
  run_coracle 125 ps --format '{{.ID'
  like "$output" "^Error: template: "
}

@test "ps: what an image exposes is in PORTS" {
  coracle import -q --change 'EXPOSE 80' --change 'EXPOSE 53/udp' --change 'CMD ["true"]' "$(fixture busybox.tar)" exposing
  coracle run --name exposed --net none exposing
  run_coracle_out 0 ps -a --filter name=exposed --format '{{.Ports}}'
  is "$output" "80/tcp, 53/udp"
  run_coracle_out 0 ps -a --filter name=exposed --format json
  is "$(jq -c '.[0].ExposedPorts' <<<"$output")" '{"80":["tcp"],"53":["udp"]}'
  run_coracle 0 rm exposed
}

@test "ps: --watch lists again and again" {
  local begun=${EPOCHREALTIME/./} status=0
  "$CORACLE" ps -q --watch 1 >"$TEST_STORE/watched" 3>&- &
  three() { [ "$(wc -l <"$TEST_STORE/watched")" -ge 3 ]; }
  wait_for 30 three
  [ $((${EPOCHREALTIME/./} - begun)) -ge 2000000 ] || fail "it did not wait a second"
  kill "$!"
  wait "$!" || status=$?
  is "$status" 143 "it goes on until it is ended"
  is "$(sort -u "$TEST_STORE/watched")" "${LIVE:0:12}" "each time"
  run_coracle 125 ps --watch x
  like "${lines[0]}" 'invalid argument "x" for "-w, --watch" flag'
}

@test "ps: a container whose monitor was killed is not shown as running; --sync records it" {
  "$CORACLE" run --name orphan box sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
  local id
  wait_for 30 sh -c '[ -n "$("$CORACLE" ps -q --filter name=orphan)" ]'
  id=$(coracle ps -q --no-trunc --filter name=orphan)
  kill -9 $! "$(cut -d ' ' -f 1 "$RUN_ROOT/$id/monitor.pid")"
  wait_for 30 sh -c '[ -z "$("$CORACLE" ps -q --filter name=orphan)" ]'
  run_coracle_out 0 ps --sync -a --filter name=orphan --format '{{.State}} {{.ExitCode}}'
  is "$output" "exited 137"
  run_coracle 0 rm orphan
}

@test "ps: an empty store, and no user namespace for it" {
  run_coracle_out 0 --root "$TEST_STORE/empty" --runroot "$TEST_STORE/empty-run" ps -a
  like "$output" '^CONTAINER ID  IMAGE       COMMAND     CREATED     STATUS      PORTS       NAMES$'
  needs strace
  run strace -f -qq -e trace=clone,clone3,fork,vfork,unshare,setns "$CORACLE" ps -a
  is "$status" 0
  not_like "$output" 'CLONE_NEWUSER|setns' "listing enters nothing"
}

@test "ps: --pod, --external" {
  run_coracle_out 0 ps --pod
  like "${lines[0]}" 'NAMES       POD ID      PODNAME$'
  like "${lines[1]}" '  live +$'
  run_coracle_out 0 ps -p -s
  like "${lines[0]}" 'NAMES       POD ID      PODNAME     SIZE$'
  run_coracle_out 0 ps -p -q
  is "$output" "${LIVE:0:12}"
  run_coracle_out 0 ps -p --ns
  like "${lines[0]}" 'USERNS      UTS$'
  run_coracle_out 0 ps -p --format '{{.Names}}|{{.Pod}}|{{.PodName}}|{{.IsInfra}}'
  is "$output" "live|||false"
  run_coracle_out 0 ps --external -q
  is "$output" "${LIVE:0:12}"
  run_coracle_out 0 ps -a --external -n 1 -q
  is "$output" "${LIVE:0:12}"
  run_coracle_out 0 ps --watch 0 -q
  is "$output" "${LIVE:0:12}" "once"
}
