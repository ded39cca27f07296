#!/usr/bin/env bats
# 291-habits: what people's scripts and fingers are used to from Podman and Docker.
load helpers

setup_file() { basic_setup_file; }

setup() { fixture_image box; }

@test "habits: --format '{{json .}}' gives one object on each line, json a list" {
  run_coracle 0 create --name one box true
  run_coracle 0 create --name two box true
  run_coracle 0 ps -a --sort names --format '{{json .}}'
  is "${#lines[@]}" 2 "lines"
  is "$(jq -r '.Names[0]' <<<"$output" | xargs)" "one two"
  run_coracle 0 ps -a --sort names --format json
  is "$(jq -r 'map(.Names[0]) | join(" ")' <<<"$output")" "one two"
  run_coracle 0 ps -a --sort names --format '{{json}}'
  is "$(jq -r 'map(.Names[0]) | join(" ")' <<<"$output")" "one two"
  run_coracle 0 inspect --format '{{json .}}' one two
  is "${#lines[@]}" 2 "lines"
  is "$(jq -r .Name <<<"$output" | xargs)" "one two"
  run_coracle 0 inspect --format json one two
  is "$(jq -r 'map(.Name) | join(" ")' <<<"$output")" "one two"
  run_coracle 0 images --format '{{json .}}'
  is "${#lines[@]}" 1
  is "$(jq -r '.Names[0]' <<<"$output")" "localhost/box:latest"
  run_coracle 0 info --format '{{json .}}'
  is "${#lines[@]}" 1
  run_coracle 0 history --format '{{json .}}' box
  is "${#lines[@]}" 1
  run_coracle 0 stats --no-stream --format '{{json .}}' one
  is "${#lines[@]}" 1
  is "$(jq -r .Name <<<"$output")" one
  run_coracle 0 rm one two
}

@test "habits: a label that is not there, of a container with none" {
  run_coracle 0 create --name plain box true
  run_coracle 0 inspect -f '{{index .Config.Labels "x"}}|{{.Config.Labels.x}}|{{.Config.Labels}}' plain
  is "$output" "|<no value>|map[]"
  run_coracle 0 rm plain
}

@test "habits: run and create without an image, an ambiguous ID, no name at all" {
  run_coracle 125 run
  is "$output" "Error: requires at least 1 arg(s), only received 0"
  run_coracle 125 create --name x
  is "$output" "Error: requires at least 1 arg(s), only received 0"
  local i short
  for i in {1..17}; do run_coracle 0 create box true; done
  short=$(coracle ps -aq | cut -c1 | sort | uniq -d | head -n 1)
  run_coracle_out 125 inspect "$short"
  is "$output" ""
  is "$stderr" "Error: more than one result for container \"$short\": container already exists"
  run_coracle 125 rm "$short"
  is "$output" "Error: more than one result for container \"$short\": container already exists"
  run_coracle_out 125 inspect ''
  is "$output" ""
  run bash -c "'$CORACLE' ps -aq | xargs '$CORACLE' rm | wc -l"
  is "$output" 17
}

@test "habits: run -q, and -it in a pipe" {
  run_coracle 0 run -q --rm box echo hi
  is "$output" "hi"
  run_coracle 0 create --quiet --name quiet box true
  run_coracle 0 rm quiet
  run_coracle_out 0 run --rm -it box echo hi
  is "${output%$'\r'}" "hi"
  has "$stderr" "The input device is not a TTY. The --tty and --interactive flags might not work properly"
}

@test "habits: called by its other names, it speaks of itself by them" {
  ln -sf "$CORACLE" "$TEST_STORE/docker"
  run "$TEST_STORE/docker" attach
  is "$output" 'Error: "docker attach" requires a name, id, or the "--latest" flag'
}

# one whose end was recorded between two looks at it counted as killed
@test "habits: run -d and wait, many at once: the status is the command's" {
  local j
  for j in 1 2 3 4 5 6; do
    (for i in {1..25}; do coracle run -d --net none --name "w$j-$i" box true >/dev/null && coracle wait "w$j-$i"; done) >"$TEST_STORE/waited.$j" &
  done
  wait
  run sh -c "sort '$TEST_STORE'/waited.* | uniq -c"
  like "$output" '^ *150 0$'
  run_coracle 0 rm -a
}

@test "habits: update --env, --unsetenv, --ulimit: at once for exec, for the command when it starts again" {
  run_coracle 0 run -d --name env --net none -e OLD=1 -e KEEP=2 --ulimit nofile=200:300 box sh -c 'echo "new=$NEW old=$OLD keep=$KEEP $(ulimit -n)"; sleep 1000'
  run_coracle 0 update -e NEW='a b' --env KEEP=3 --unsetenv OLD --ulimit nofile=100:100 env
  run_coracle 0 exec env sh -c 'echo "new=$NEW old=$OLD keep=$KEEP home=$HOME"'
  is "$output" "new=a b old= keep=3 home=/root"
  run_coracle 0 restart -t 0 env
  wait_for 20 logs_say env "new=a b"
  run_coracle 0 logs --tail 1 env
  is "$output" "new=a b old= keep=3 100"
  run_coracle 0 inspect -f '{{json .Config.Env}}' env
  has "$output" '"NEW=a b"'
  not_like "$output" OLD
  # what was taken away may come back
  run_coracle 0 update --env OLD=again --unsetenv NEW env
  run_coracle 0 restart -t 0 env
  wait_for 20 logs_say env "old=again"
  run_coracle 0 logs --tail 1 env
  is "$output" "new= old=again keep=3 100"
  run_coracle 125 update --ulimit bad env
  is "$output" "Error: invalid ulimit argument: bad"
  run_coracle 125 update --env =x env
  run_coracle 0 rm -f -t 0 env
}
