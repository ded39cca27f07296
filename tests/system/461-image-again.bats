#!/usr/bin/env bats
# Images once more beside Podman: whose names come first, what an image without name shows, pulls of which some fail, images of another machine, parents without name, defaults of containers.conf.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
  # another architecture than this machine's
  OTHER=arm64 HERE=amd64
  [ "$(uname -m)" != aarch64 ] || OTHER=amd64 HERE=arm64
  export OTHER HERE
}

setup() {
  basic_setup
  fixture_image box
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

id_of() { coracle image inspect --format '{{.Id}}' "$1"; }
names() { coracle images -a --format '{{.Repository}}:{{.Tag}}' | tr '\n' ' '; }

@test "names: the last given comes first; the history as it went" {
  run_coracle tag box one two:3
  run_coracle inspect --format '{{.RepoTags}} {{.NamesHistory}}' box
  is "$output" "[localhost/two:3 localhost/one:latest localhost/box:latest] [localhost/box:latest localhost/one:latest localhost/two:3]"
  run_coracle images --format json
  is "$(jq -c '[.[0].Names, .[0].Labels]' <<<"$output")" '[["localhost/two:3","localhost/one:latest","localhost/box:latest"],null]'
  is "$(names)" "localhost/two:3 localhost/one:latest localhost/box:latest "
  run_coracle 125 rmi "$(id_of box)"
  has "$output" "([localhost/two:3 localhost/one:latest localhost/box:latest])"
  run_coracle create --name named "$(id_of box)" true
  run_coracle ps -a --format '{{.Image}}'
  is "$output" "localhost/two:3"
  run_coracle rm named
  run_coracle untag box one two:3
}

@test "images: one without name has its digest" {
  local digest
  run_coracle tag box other
  digest=$(coracle image inspect --format '{{.Digest}}' box)
  run_coracle untag box
  run_coracle images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}'
  is "$output" "<none> <none> $digest"
  run_coracle image prune -f
}

@test "pull: of several what can be had; name, tag and digest; untag of both" {
  local digest
  run_coracle push -q box "$REGISTRY/several/box:1"
  run_coracle rmi -f box
  run_coracle 125 pull -q "$REGISTRY/several/no:1" "$REGISTRY/several/box:1" "$REGISTRY/several/no:2"
  has "$output" "Error: unable to copy from source docker://$REGISTRY/several/no:1"
  has "$output" "Error: unable to copy from source docker://$REGISTRY/several/no:2"
  digest=$(coracle image inspect --format '{{.Digest}}' "$REGISTRY/several/box:1")
  run_coracle pull -q "$REGISTRY/several/box:1@$digest"
  run_coracle untag "$REGISTRY/several/box:1" "$REGISTRY/several/box:1@$digest"
  run_coracle image exists "$REGISTRY/several/box:1"
  run_coracle 125 untag "$REGISTRY/several/box:1" "$REGISTRY/several/box@$digest"
  has "$output" "tag not known"
  run_coracle rmi -af
}

@test "pulled by digest: the digest is its name, and it is not pruned" {
  local digest name
  run_coracle push -q --digestfile "$TEST_STORE/digest" box "$REGISTRY/pinned/box:1"
  digest=$(cat "$TEST_STORE/digest") name=$REGISTRY/pinned/box@$(cat "$TEST_STORE/digest")
  run_coracle rmi -f box
  run_coracle pull -q "$name"
  run_coracle images -n --digests --format '{{.Repository}} {{.Tag}} {{.Digest}} {{.Names}} {{.IsDangling}}'
  is "$output" "$REGISTRY/pinned/box <none> $digest [$name] false"
  run_coracle images -q --filter dangling=true
  is "$output" ""
  run_coracle images -n --format '{{.Tag}}' "$REGISTRY/pinned/box"
  is "$output" "<none>"
  run_coracle inspect --format '{{.RepoTags}} {{.RepoDigests}} {{.NamesHistory}}' "$name"
  is "$output" "[] [$name] [$name]"
  run_coracle image prune -f
  is "$output" ""
  run_coracle rmi "$name"
  is "${lines[0]}" "Untagged: $name"
  # a name that was taken away is one it had: nothing names it any more
  run_coracle pull -q "$REGISTRY/pinned/box:1"
  run_coracle untag "$REGISTRY/pinned/box:1"
  run_coracle images -n --format '{{.Repository}} {{.Tag}}'
  is "$output" "<none> <none>"
  # and asked for by digest it has one again
  run_coracle pull -q "$name"
  run_coracle image prune -f
  is "$output" ""
  run_coracle untag "$name" "$name"
  run_coracle image prune -f
  is "${#output}" 64 "$output"
  run_coracle images -q
  is "$output" ""
}

@test "images NAME and reference: an image with all its names; prune of images that have names" {
  run_coracle tag box one:1
  run_coracle images -n --format '{{.Repository}}:{{.Tag}}' one:1
  is "$output" "localhost/one:1
localhost/box:latest"
  run_coracle images -n --format '{{.Repository}}:{{.Tag}}' --filter reference=box
  is "${#lines[@]}" 2
  run_coracle images -n --filter reference!=one
  is "$output" ""
  run_coracle image prune -f
  is "$output" ""
  run_coracle image prune -f --filter dangling=false
  is "${#lines[@]}" 1
  run_coracle images -aq
  is "$output" ""
}

@test "rmi and untag: several errors, and what names nothing" {
  run_coracle tag box one
  run_coracle 1 rmi no1 one no2
  is "$output" "Untagged: localhost/one:latest
Error: 2 errors occurred:
	* no1: image not known
	* no2: image not known"
  run_coracle 1 rmi no1
  is "$output" "Error: no1: image not known"
  run_coracle 125 untag box "sha256:$(printf '0%.0s' {1..64})"
  has "$output" "untag by digest not supported"
  run_coracle 125 image inspect
  has "$output" "no names or ids specified"
}

@test "platform: an image of another machine is warned of" {
  local told="image platform (linux/$OTHER) does not match the expected platform (linux/$HERE)"
  run_coracle import -q --arch "$OTHER" "$(fixture busybox.tar)" other
  run_coracle create --name other other true
  is "$(head -1 <<<"$output")" "WARNING: $told"
  run_coracle rm other
  run_coracle create -q --name other other true
  has "$(head -1 <<<"$output")" "level=warning msg=\"$told\""
  run_coracle rm other
  run_coracle create --name other --platform "linux/$OTHER" other true
  is "${#output}" 64 "nothing but the id: $output"
  run_coracle rm other
  run_coracle 125 create --pull never --platform linux/s390x other true
  has "$output" "other: image not known"
  run_coracle push -q other "$REGISTRY/platform/other:1"
  run_coracle pull "$REGISTRY/platform/other:1"
  has "$output" "WARNING: $told"
  run_coracle pull -q "$REGISTRY/platform/other:1"
  has "$(head -1 <<<"$output")" "level=warning msg=\"$told\""
  run_coracle pull -q --arch "$OTHER" "$REGISTRY/platform/other:1"
  is "$output" "$(id_of other)"
  run_coracle pull -q --platform linux/s390x "$REGISTRY/platform/other:1"
  has "$output" "does not match the expected platform (linux/s390x)"
  run_coracle rmi -f other "$REGISTRY/platform/other:1"
  run_coracle create --name other "$REGISTRY/platform/other:1" true
  is "$(grep -c WARNING <<<"$output")" 1 "once: $output"
  run_coracle rm other
  run_coracle rmi "$REGISTRY/platform/other:1"
}

# family: box, mid made of it (without a name), child made of mid
family() {
  run_coracle run --name p box touch /p
  run_coracle commit -q p mid
  run_coracle rm p
  run_coracle run --name p mid touch /q
  run_coracle commit -q p child
  run_coracle rm p
  mid=$(id_of mid)
  run_coracle untag mid
}

@test "rmi: parents without a name go with their last child" {
  local mid child
  family
  child=$(id_of child)
  run_coracle rmi child
  is "$output" "Untagged: localhost/child:latest
Deleted: $child
Deleted: $mid"
  is "$(names)" "localhost/box:latest "
  family
  run_coracle rmi --no-prune child
  is "$(names)" "<none>:<none> localhost/box:latest "
  run_coracle image prune -f
  is "$output" "$mid"
  # one that has another child, or a container, stays
  family
  run_coracle run --name p "$mid" touch /r
  run_coracle commit -q p second
  run_coracle rmi child
  is "$(names)" "localhost/second:latest <none>:<none> localhost/box:latest "
  run_coracle rmi second
  is "$(names)" "<none>:<none> localhost/box:latest "
  run_coracle rm p
  run_coracle rmi "$mid"
}

@test "containers.conf: how pushes compress, and how often is tried" {
  export CONTAINERS_CONF=$TEST_STORE/push.conf
  printf '[engine]\ncompression_format = "zstd"\ncompression_level = 7\nadd_compression = ["gzip"]\nretry = 0\n' >"$CONTAINERS_CONF"
  run_coracle push -q box "$REGISTRY/conf/box:1"
  has "$(skopeo inspect --tls-verify=false --raw "docker://$REGISTRY/conf/box:1")" 'layer.v1.tar+zstd'
  run_coracle push -q --compression-format gzip box "$REGISTRY/conf/box:2"
  has "$(skopeo inspect --tls-verify=false --raw "docker://$REGISTRY/conf/box:2")" 'tar+gzip'
  run_coracle manifest create m box
  run_coracle manifest push -q m "$REGISTRY/conf/list:1"
  is "$(skopeo inspect --tls-verify=false --raw "docker://$REGISTRY/conf/list:1" | jq '.manifests | length')" 2
  run_coracle manifest push -q --add-compression zstd m "$REGISTRY/conf/list:2"
  is "$(skopeo inspect --tls-verify=false --raw "docker://$REGISTRY/conf/list:2" | jq '.manifests | length')" 2
  run_coracle manifest rm m
  printf '[engine]\ncompression_level = 12\n' >"$CONTAINERS_CONF"
  run_coracle 125 push -q box "$REGISTRY/conf/box:3"
  has "$output" "invalid compression level 12"
  printf '[engine]\ncompression_format = "none"\n' >"$CONTAINERS_CONF"
  run_coracle 125 push -q box "$REGISTRY/conf/box:3"
  has "$output" 'cannot find compressor for "none"'
  printf '[engine]\npull_policy = "never"\nmulti_image_archive = true\n' >"$CONTAINERS_CONF"
  run_coracle 125 create "$REGISTRY/conf/box:1" true
  has "$output" "image not known"
  run_coracle create --pull missing --name pulled "$REGISTRY/conf/box:1" true
  run_coracle rm pulled
  run_coracle rmi "$REGISTRY/conf/box:1"
  run_coracle import -q --arch "$OTHER" "$(fixture busybox.tar)" second
  run_coracle save -q -o "$TEST_STORE/multi.tar" box second
  is "$(tar -xOf "$TEST_STORE/multi.tar" manifest.json | jq -c '[.[].RepoTags]')" '[["localhost/box:latest"],["localhost/second:latest"]]'
  run_coracle rmi second
  printf '[engine]\npull_policy = "sometimes"\n' >"$CONTAINERS_CONF"
  run_coracle 125 create box true
  has "$output" "containers.conf: engine.pull_policy"
  printf '[engine]\nretry = 0\n' >"$CONTAINERS_CONF"
  SECONDS=0
  run_coracle 125 pull -q localhost:1/no/box
  [ "$SECONDS" -lt 60 ]
}
