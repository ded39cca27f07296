#!/usr/bin/env bats
# Images that are in the store: listed, named, inspected, removed.
load helpers

setup_file() {
  basic_setup_file
  fixture_image box -m 'made here' -c 'LABEL kind=test' -c 'ENV A=b'
  run_coracle load -i "$(archives)/layers.tar"
}

id_of() { coracle image inspect --format '{{.Id}}' "$1"; }

@test "images: the table, its columns and its flags" {
  run_coracle images --sort repository
  like "${lines[0]}" '^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$'
  like "${lines[1]}" '^localhost/box +latest +[0-9a-f]{12} +.* ago +[0-9.]+ [kM]B$'
  like "${lines[2]}" '^localhost/layers +1 '
  is "${#lines[@]}" 3 "rows and heading"
  run_coracle images -n box
  is "${#lines[@]}" 1 "--noheading and a name"
  run_coracle images -q --no-trunc box
  is "$output" "sha256:$(id_of box)"
  run_coracle images --digests box
  like "${lines[1]}" 'sha256:[0-9a-f]{64} +[0-9a-f]{12} '
  run_coracle images --format '{{.Repository}}|{{.Tag}}|{{.ID}}|{{.Labels.kind}}' box
  is "$output" "localhost/box|latest|$(id_of box | cut -c 1-12)|test"
  run_coracle images --format 'table {{.ID}} {{.Size}}' box
  like "${lines[0]}" '^IMAGE ID +SIZE$'
  run_coracle images nosuch
  is "${#lines[@]}" 1 "no row for an unknown name"
}

@test "images --format json" {
  run_coracle images --format json box
  is "$(jq -r '.[0].Id' <<<"$output")" "$(id_of box)"
  is "$(jq -r '.[0].Names[0]' <<<"$output")" localhost/box:latest
  is "$(jq -r '.[0].Created | type' <<<"$output")" number
  is "$(jq -r '.[0].Labels.kind' <<<"$output")" test
}

@test "images: filters" {
  coracle tag layers:1 localhost/gone:1
  while read -r filter wanted; do
    run_coracle images -n --sort repository --format '{{.Repository}}:{{.Tag}}' --filter "$filter"
    is "$(tr '\n' ' ' <<<"$output" | sed 's/ $//')" "$wanted" "--filter $filter"
  done <<E
reference=box localhost/box:latest
reference=l* localhost/gone:1 localhost/layers:1
reference=localhost/*:1 localhost/gone:1 localhost/layers:1
label=kind localhost/box:latest
label=kind=test localhost/box:latest
label=kind=other
label!=kind localhost/gone:1 localhost/layers:1
id=$(id_of box | cut -c 1-10) localhost/box:latest
since=layers:1 localhost/box:latest
before=box localhost/gone:1 localhost/layers:1
until=2025-01-01 localhost/gone:1 localhost/layers:1
containers=true
dangling=true
dangling=false localhost/box:latest localhost/gone:1 localhost/layers:1
intermediate=true
E
  run_coracle 125 images --filter dangling=2
  is "$output" 'Error: non-boolean value "2" for dangling filter: strconv.ParseBool: parsing "2": invalid syntax'
  run_coracle 125 images --filter colour=red
  has "$output" 'invalid image filter "colour"'
  run_coracle 125 images --filter since=nosuch
  has "$output" 'nosuch: image not known'
  run_coracle 125 images --sort colour
  run_coracle rmi localhost/gone:1
  is "$output" "Untagged: localhost/gone:1"
}

@test "tag and untag" {
  local id
  id=$(id_of box)
  run_coracle tag box one quay.io/team/two:3
  is "$output" ""
  is "$(id_of one)" "$id"
  is "$(id_of two:3)" "$id" "a short name that a stored one ends in"
  is "$(id_of "${id:0:7}")" "$id" "the beginning of an id"
  is "$(id_of "sha256:$id")" "$id"
  run_coracle tag layers:1 one
  is "$(id_of one)" "$(id_of layers:1)" "the name moved"
  run_coracle 125 tag nosuch x
  is "$output" "Error: nosuch: image not known"
  run_coracle 125 tag box good Bad:name
  has "$output" "lowercase"
  run_coracle 1 image exists good
  run_coracle 125 untag box localhost/one
  is "$output" "Error: localhost/one:latest: tag not known"
  run_coracle untag layers:1 one
  run_coracle 1 image exists one
  run_coracle untag quay.io/team/two:3 quay.io/team/two:3
  run_coracle images -n --filter dangling=true
  is "$output" ""
}

@test "an image without names is dangling and keeps working" {
  local id
  id=$(id_of layers:1)
  run_coracle untag layers:1
  run_coracle images -n --filter dangling=true
  like "$output" '^<none> +<none> +'
  run_coracle tag "$id" layers:1
  run_coracle image exists layers:1
}

@test "inspect: images as Podman shows them" {
  run_coracle image inspect box
  is "$(jq -r '.[0].RepoTags[0]' <<<"$output")" localhost/box:latest
  is "$(jq -r '.[0].Config.Env[0]' <<<"$output")" A=b
  is "$(jq -r '.[0].Config.Cmd[0]' <<<"$output")" sh
  is "$(jq -r '.[0].Comment' <<<"$output")" "made here"
  is "$(jq -r '.[0].RootFS.Layers | length' <<<"$output")" 1
  is "$(jq -r '.[0].Config | has("StopSignal")' <<<"$output")" false "what is empty is left out"
  run_coracle inspect --format '{{.Config.StopSignal}}{{.Os}} {{json .Labels}}' box
  is "$output" 'linux {"kind":"test"}'
  run_coracle_out 125 image inspect --format '{{.Os}}' box nosuch
  is "$output" linux
  is "$stderr" "Error: nosuch: image not known"
  run_coracle_out 125 inspect nosuch
  is "$output" "[]"
  is "$stderr" 'Error: no such object: "nosuch"'
  run_coracle 125 inspect --format '{{.Nope}}' box
  run_coracle 125 inspect --format '{{' box
}

@test "history" {
  run_coracle history box
  like "${lines[0]}" '^ID +CREATED +CREATED BY +SIZE +COMMENT$'
  like "${lines[1]}" "^$(id_of box | cut -c 1-12) .* ago .*\.\.\. .* made here$"
  run_coracle history --format '{{.ID}} {{.CreatedBy}} {{.Size}}' --human=false layers:1
  is "${#lines[@]}" 3
  like "${lines[0]}" ' layer 2 [0-9.]+[kM]?B$'
  like "${lines[2]}" '^<missing> layer 0 [0-9.]+[kM]?B$'
  run_coracle history -q --no-trunc box
  is "$output" "$(id_of box)"
  run_coracle history --format json box
  is "$(jq -r '.[0].tags[0]' <<<"$output")" localhost/box:latest
}

@test "rmi: names, ids, and what it says" {
  local id
  fixture_image other -c 'LABEL n=1'
  id=$(id_of other)
  coracle tag other other:2
  run_coracle 125 rmi "$id"
  is "$output" "Error: unable to delete image \"$id\" by ID with more than one tag ([localhost/other:2 localhost/other:latest]): please force removal"
  run_coracle rmi other:2
  is "$output" "Untagged: localhost/other:2"
  run_coracle rmi "${id:0:12}"
  is "${lines[0]}" "Untagged: localhost/other:latest"
  is "${lines[1]}" "Deleted: $id"
  run_coracle 1 rmi other
  is "$output" "Error: other: image not known"
  run_coracle rmi -i other
  is "$output" ""
  run_coracle 125 rmi
  is "$output" "Error: image name or ID must be specified"
  run_coracle 125 rmi -a box
}

@test "rmi: an image that a container uses" {
  fixture_image used -c 'LABEL n=2'
  coracle run --net none used sleep 60 &
  local job=$! id
  used() { [ "$(coracle images -n --filter containers=true --format '{{.Repository}}')" = localhost/used ]; }
  wait_for 30 used
  wait_for 30 some_run
  id=$(coracle image inspect --format '{{.Id}}' used)
  run_coracle 2 rmi used
  like "$output" '^Error: image used by [0-9a-f]{64}: image is in use by a container: consider listing external containers and force-removing image$'
  run_coracle image exists used
  run_coracle rmi -f used
  has "$output" "Deleted: $id"
  wait "$job" || true
  run_coracle 1 image exists used
  no_leaks
}

@test "names with digests" {
  local digest
  run_coracle image inspect --format '{{index .RepoDigests 0}}' box
  digest=$output
  like "$digest" '^localhost/box@sha256:[0-9a-f]{64}$'
  run_coracle image exists "$digest"
  run_coracle 1 image exists "localhost/nosuch@${digest#*@}"
  run_coracle 125 images --filter reference=box box
}

@test "rmi: an image's layers and blobs go with the last that needs them" {
  local layer
  layer=$(coracle image inspect --format '{{index .RootFS.Layers 0}}' box)
  [ -d "$STORE/layers/${layer#sha256:}" ]
  coracle tag box keep
  run_coracle rmi box
  [ -d "$STORE/layers/${layer#sha256:}" ]
  run_coracle rmi -a
  is "$(find "$STORE/layers" "$STORE/oci/blobs/sha256" "$STORE/tmp" -mindepth 1)" "" "what is left"
  run_coracle images -q
  is "$output" ""
  is "$(jq -c .manifests "$STORE/oci/index.json")" "[]"
}
