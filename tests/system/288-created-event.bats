#!/usr/bin/env bats
# 288-created-event: what events tell of a container that is created: its inspect data when asked for, one event for an image that was fetched.
# root: yes

load helpers

setup() {
  fixture_image box
  cat >"$BATS_TEST_TMPDIR/containers.conf" <<'CONF'
[engine]
events_logger = "file"
events_container_create_inspect_data = true
CONF
}

@test "events_container_create_inspect_data: the same object as container inspect --size shows" {
  needs jq
  local since
  since=$(date +%s.%N)
  export CONTAINERS_CONF=$BATS_TEST_TMPDIR/containers.conf
  run_coracle create --name e1 -e A=b --label x=y box true
  run_coracle container inspect --size=true e1
  jq -S . <<<"$output" >"$BATS_TEST_TMPDIR/inspected"
  run_coracle events --stream=false --since "$since" --filter container=e1 --filter event=create --format '{{.ContainerInspectData}}'
  jq -S . <<<"[$output]" >"$BATS_TEST_TMPDIR/told"
  diff "$BATS_TEST_TMPDIR/inspected" "$BATS_TEST_TMPDIR/told"
  is "$(jq -r '.[0].State.Status' "$BATS_TEST_TMPDIR/told")" created
  # not in what is printed by default, nor without the setting
  run_coracle events --stream=false --since "$since" --filter container=e1
  not_like "$output" 'EffectiveCaps'
  unset CONTAINERS_CONF
  run_coracle create --name second box true
  run_coracle events --stream=false --since "$since" --filter container=second --format '{{.ContainerInspectData}}'
  is "$output" ""
  run_coracle rm e1 second
  no_leaks
}

@test "run tells of itself as it was when created" {
  needs jq
  local since
  since=$(date +%s.%N)
  CONTAINERS_CONF=$BATS_TEST_TMPDIR/containers.conf run_coracle run --name e3 box true
  run_coracle events --stream=false --since "$since" --filter container=e3 --filter event=create --format '{{.ContainerInspectData}}'
  is "$(jq -r '.State.Status + " " + .Name + " " + (.State.Running | tostring)' <<<"$output")" "created e3 false"
  run_coracle rm e3
}

@test "an image that is here is told of once by run, create and pull, and by --pull=never not at all" {
  local since
  since=$(date +%s.%N)
  run_coracle run --rm box true
  run_coracle create --name e4 box true
  run_coracle rm e4
  run_coracle events --stream=false --since "$since" --filter type=image --format '{{.Status}}'
  is "$output" $'pull\npull'
  since=$(date +%s.%N)
  run_coracle run --rm --pull=never box true
  run_coracle events --stream=false --since "$since" --filter type=image --format '{{.Status}}'
  is "$output" ""
  run_coracle run --rm --pull=newer box true
  run_coracle pull -q --policy missing box
  run_coracle events --stream=false --since "$since" --filter type=image --format '{{.Status}}'
  is "$output" $'pull\npull'
}

@test "--log-opt label: names and templates are checked" {
  run_coracle 125 run --rm --log-opt label=foo box true
  has "$output" 'label=NAME=TEMPLATE'
  run_coracle 125 run --rm --log-opt label=lower=x box true
  run_coracle 125 run --rm --log-opt label=_OWN=x box true
  run_coracle 125 run --rm --log-opt 'label=A={{.Nosuch' box true
  run_coracle 125 run --rm --log-opt label=A=$'x\nB=y' box true
  has "$output" "more than one line"
  run_coracle run --rm --log-opt 'label=CONTAINER_IMAGE={{.ImageName}}' --log-opt label=B=2 box true
  no_leaks
}

@test "run and create of an archive: it is read in, and run" {
  local archive=$BATS_TEST_TMPDIR/box.tar id
  run_coracle tag box arch:one
  run_coracle save -q -o "$archive" arch:one
  run_coracle untag arch:one
  run_coracle run --rm "docker-archive:$archive" echo hello
  is "${lines[0]}" "Getting image source signatures"
  has "$output" "Copying blob sha256:"
  has "$output" "Copying config sha256:"
  is "${lines[-1]}" hello
  run_coracle image exists arch:one
  run_coracle untag arch:one
  run_coracle_out create --name e5 "docker-archive:$archive" echo again
  run_coracle start -a e5
  is "$output" again
  # the archive is not needed any more
  rm "$archive"
  run_coracle start -a e5
  is "$output" again
  run_coracle rm e5
  run_coracle 125 run --rm "docker-archive:$archive" true
  has "$output" "$archive"
  run_coracle 125 run --rm docker-archive: true
  run_coracle untag arch:one
  no_leaks
}

@test "--rmi: an image that another container uses stays, and that is said" {
  fixture_image gone --change 'ENV X=1'
  run_coracle create --name e6 gone true
  run_coracle run --rmi gone true
  has "$output" "image is in use by a container"
  run_coracle image exists gone
  run_coracle 125 run --rmi --rm=false box true
  is "$output" "Error: the --rmi option does not work without --rm"
  run_coracle rm e6
  run_coracle run --rmi gone true
  is "$output" ""
  run_coracle 1 image exists gone
  no_leaks
}
