#!/usr/bin/env bats
# manifest create, add, annotate, inspect, exists, remove, rm, push: lists of images for several platforms.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  start_token_registry
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf WHO='tester:secret word'
  # a name without a registry is not looked for beyond this machine
  printf 'unqualified-search-registries = []\n[[registry]]\nprefix = "docker.io"\nlocation = "localhost:1"\n[[registry]]\nlocation = "%s"\ninsecure = true\n[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" "$TOKENS" >"$CONTAINERS_REGISTRIES_CONF"
}

setup() {
  basic_setup
  fixture_image box
  # an image that is no one's platform
  if ! coracle image exists alien; then
    mkdir -p "$TEST_STORE/alien"
    echo alien >"$TEST_STORE/alien/who"
    tar -C "$TEST_STORE/alien" -c who | coracle import -q - alien >/dev/null
  fi
}

teardown() {
  local id
  for id in $(coracle images -q --no-trunc --filter manifest=true); do coracle manifest rm "$id" >/dev/null || true; done
  basic_teardown
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

digest() { coracle image inspect --format '{{.Digest}}' "$1"; }

# look LIST PYTHON: the value of an expression over the document d.
look() {
  coracle manifest inspect "$1" | python3 -c "import json, sys; d = json.load(sys.stdin); print(($2))"
}

@test "manifest create: an empty list, shown as an image" {
  run_coracle manifest create m
  like "$output" '^[0-9a-f]{64}$'
  id=$output
  run_coracle manifest inspect m
  is "$(tr -d ' \n' <<<"$output")" '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[]}'
  run_coracle images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' m
  is "$output" "localhost/m:latest sha256:$id"
  run_coracle manifest exists m
  run_coracle manifest exists "$id"
  run_coracle 125 manifest create m
  is "$output" "Error: image name \"localhost/m:latest\" is already associated with image \"$id\": that name is already in use"
  run_coracle manifest create --amend m
  is "$output" "$id"
  run_coracle manifest inspect -v --insecure m
  run_coracle manifest rm m
  is "$output" "Untagged: localhost/m:latest
Deleted: $id"
  run_coracle 1 manifest exists m
}

@test "manifest add, annotate, remove" {
  run_coracle manifest create --annotation a=b m box
  id=$output
  is "$(look m 'd["mediaType"], d["annotations"], len(d["manifests"])')" "('application/vnd.oci.image.index.v1+json', {'a': 'b'}, 1)"
  is "$(look m 'd["manifests"][0]["digest"]')" "$(digest box)"
  is "$(look m 'd["manifests"][0]["platform"]["os"]')" "linux"
  # the same image again replaces its entry
  run_coracle manifest add --os linux --arch arm64 --variant v8 --os-version 7 --annotation x=y --annotation w=z m alien
  is "$output" "$id"
  run_coracle manifest add --arch riscv64 m containers-storage:localhost/alien
  is "$(look m 'd["manifests"][1]["platform"]')" "{'architecture': 'riscv64', 'os': 'linux'}"
  run_coracle manifest annotate --arch arm64 --variant v8 --os-version 7 --features f1 --os-features o1 --annotation x=y m alien
  is "$output" "$id"
  is "$(look m 'd["manifests"][1]["platform"], d["manifests"][1]["annotations"]')" \
    "({'architecture': 'arm64', 'os': 'linux', 'os.version': '7', 'os.features': ['o1'], 'variant': 'v8', 'features': ['f1']}, {'x': 'y'})"
  run_coracle manifest annotate --arch s390x m "$(digest alien)"
  is "$(look m '"variant" in d["manifests"][1]["platform"]')" "False" "variant of another architecture"
  run_coracle manifest annotate --index --annotation c=d m
  is "$(look m 'd["annotations"]')" "{'a': 'b', 'c': 'd'}"
  run_coracle manifest annotate --subject box m
  is "$(look m 'd["subject"]["digest"]')" "$(digest box)"
  run_coracle manifest remove m "$(digest alien)"
  is "$output" "$id"
  is "$(look m 'len(d["manifests"])')" 1
}

@test "manifest: what goes wrong" {
  run_coracle manifest create m
  run_coracle 125 manifest add m nosuch
  has "$output" "Error: locating image to add to manifest list: \"docker://nosuch\": pinging container registry"
  has "$output" "\"nosuch\": nosuch: image not known"
  run_coracle 125 manifest add nosuch box
  is "$output" "Error: nosuch: image not known"
  run_coracle 125 manifest add box box
  is "$output" "Error: localhost/box:latest: image is not a manifest list"
  run_coracle 125 manifest exists box
  is "$output" "Error: localhost/box:latest: image is not a manifest list"
  run_coracle 125 manifest rm box
  is "$output" "Error: localhost/box:latest: image is not a manifest list"
  run_coracle 1 manifest rm nosuch
  is "$output" "Error: nosuch: image not known"
  run_coracle manifest rm --ignore nosuch
  is "$output" ""
  run_coracle 125 manifest remove m box
  is "$output" 'Error: removing from manifest list m: invalid image digest "box": invalid checksum digest format'
  none=sha256:$(printf '0%.0s' {1..64})
  run_coracle 125 manifest remove m "$none"
  is "$output" "Error: removing from manifest list m: no instance matching digest \"$none\" found in manifest list: file does not exist"
  run_coracle 125 manifest annotate m
  is "$output" "Error: expected an instance digest, image name, or artifact name"
  run_coracle 125 manifest annotate --arch x m box
  has "$output" "no instance matching digest"
  run_coracle 125 manifest create --annotation a m2
  is "$output" 'Error: no value given for annotation "a"'
  run_coracle 125 manifest add --artifact-type x m box
  is "$output" "Error: --artifact-type requires --artifact"
  run_coracle 125 manifest inspect "localhost:1/x"
  has "$output" 'Error: reading image "docker://localhost:1/x": pinging container registry localhost:1'
}

@test "manifest: a list stands for its image of this platform" {
  run_coracle manifest create m
  run_coracle manifest add m box
  run_coracle manifest add --arch fantasy m alien
  run_coracle run --rm m echo fine
  is "$output" "fine"
  run_coracle image inspect --format '{{.Id}}' m
  is "$output" "$(coracle image inspect --format '{{.Id}}' box)"
  run_coracle history -q m
  run_coracle create --name c m true
  run_coracle rm c
  run_coracle tag m m:other
  run_coracle manifest exists m:other
  run_coracle untag m m:other
  run_coracle manifest create empty
  run_coracle 125 run --rm empty true
  has "$output" 'no image found in manifest list for architecture'
  # the list goes, the image stays
  run_coracle rmi m
  run_coracle image exists box
  run_coracle 1 manifest exists m
}

@test "manifest push: images and list, to a registry" {
  run_coracle manifest create m box
  run_coracle manifest add --arch fantasy m alien
  run_coracle_out manifest push --digestfile "$TEST_STORE/digest" m "$REGISTRY/team/m:1"
  has "$stderr" "Getting image list signatures"
  has "$stderr" "Copying 2 images generated from 2 images in list"
  has "$stderr" "Copying image $(digest box) (1/2)"
  has "$stderr" "Writing manifest list to image destination"
  is "$(skopeo inspect --tls-verify=false --raw "docker://$REGISTRY/team/m:1" | sha256sum | cut -d' ' -f1)" "$(cut -d: -f2 <"$TEST_STORE/digest")" "digest"
  run_coracle manifest inspect "$REGISTRY/team/m:1"
  is "$(python3 -c 'import json, sys; d = json.load(sys.stdin); print([m["platform"]["architecture"] for m in d["manifests"]][1:], d["mediaType"])' <<<"$output")" \
    "['fantasy'] application/vnd.oci.image.index.v1+json"
  # the one for this platform is pulled
  run_coracle pull -q "$REGISTRY/team/m:1"
  is "$output" "$(coracle image inspect --format '{{.Id}}' box)"
  run_coracle pull -q --arch fantasy "$REGISTRY/team/m:1"
  is "${lines[-1]}" "$(coracle image inspect --format '{{.Id}}' alien)"
  skopeo copy -q --all --src-tls-verify=false --insecure-policy "docker://$REGISTRY/team/m:1" "dir:$TEST_STORE/copied"
  rm -rf "$TEST_STORE/copied"
  # push of a list is the same, and --rm takes it away
  run_coracle push -q m "$REGISTRY/team/m:2"
  run_coracle manifest push -q --rm m "$REGISTRY/team/m:3"
  run_coracle 1 manifest exists m
  run_coracle manifest inspect "$REGISTRY/team/m:3"
  # the list alone: who takes it must have the images
  run_coracle manifest create m box
  run_coracle_out 125 manifest push --all=false m "$REGISTRY/else/m:3"
  not_like "$stderr" "Copying image"
  run_coracle manifest push -q --all=false m "oci:$TEST_STORE/bare"
  is "$(find "$TEST_STORE/bare/blobs" -type f | wc -l)" 1 "blobs"
  rm -rf "$TEST_STORE/bare"
}

@test "manifest push: v2s2, and further compressions" {
  run_coracle manifest create m box
  run_coracle manifest push -q -f v2s2 m "$REGISTRY/team/kinds:docker"
  has "$(skopeo inspect --tls-verify=false --raw "docker://$REGISTRY/team/kinds:docker")" "application/vnd.docker.distribution.manifest.list.v2+json"
  run_coracle manifest push -q --compression-format gzip --add-compression zstd m "$REGISTRY/team/kinds:both"
  run_coracle manifest inspect "$REGISTRY/team/kinds:both"
  is "$(python3 -c 'import json, sys; print([m.get("annotations") for m in json.load(sys.stdin)["manifests"]])' <<<"$output")" \
    "[None, {'io.github.containers.compression.zstd': 'true'}]"
}

@test "manifest push: layouts and folders" {
  run_coracle manifest create m box
  run_coracle manifest push -q m "oci:$TEST_STORE/layout:list"
  is "$(skopeo inspect --raw "oci:$TEST_STORE/layout:list" | grep -c image.index)" 1
  run_coracle manifest push -q m "dir:$TEST_STORE/dir"
  ls "$TEST_STORE"/dir/*.manifest.json
  run_coracle manifest push -q m "oci-archive:$TEST_STORE/layout.tar"
  run_coracle pull -q "oci:$TEST_STORE/layout:list"
  is "$output" "$(coracle image inspect --format '{{.Id}}' box)"
  run_coracle pull -q "oci-archive:$TEST_STORE/layout.tar"
  is "$output" "$(coracle image inspect --format '{{.Id}}' box)"
  run_coracle 125 manifest push -q m "docker-archive:$TEST_STORE/no.tar"
  has "$output" "a docker-archive holds no manifest lists"
  rm -rf "$TEST_STORE/layout" "$TEST_STORE/dir" "$TEST_STORE/layout.tar"
}

@test "manifest add: from registries and archives, and pushed on from there" {
  run_coracle push -q box "$REGISTRY/src/box:1"
  run_coracle manifest create one box
  run_coracle manifest add --arch fantasy one alien
  run_coracle manifest push -q one "$REGISTRY/src/list:1"
  run_coracle push -q -f oci box "oci-archive:$TEST_STORE/oa.tar:x"
  run_coracle push -q box "docker-archive:$TEST_STORE/da.tar"
  run_coracle push -q -f v2s2 --compress box "dir:$TEST_STORE/d"
  run_coracle manifest create m
  run_coracle manifest add --all m "$REGISTRY/src/list:1"
  is "$(look m '[x["platform"]["architecture"] for x in d["manifests"]][1:]')" "['fantasy']"
  run_coracle manifest create m2 "docker://$REGISTRY/src/list:1" "$REGISTRY/src/box:1" "oci-archive:$TEST_STORE/oa.tar:x" "docker-archive:$TEST_STORE/da.tar" "dir:$TEST_STORE/d"
  [ "$(look m2 'len(d["manifests"])')" -ge 3 ]
  run_coracle manifest add --arch fantasy m2 "docker://$REGISTRY/src/list:1"
  run_coracle manifest create m3 one
  is "$(look m3 'len(d["manifests"])')" 1 "of a list the one for this platform"
  run_coracle manifest push -q --creds "$WHO" m2 "$TOKENS/team/everything"
  run_coracle manifest push -q --creds "$WHO" m "$TOKENS/team/both"
  run_coracle manifest push -q m "oci:$TEST_STORE/o"
  run_coracle pull -q --creds "$WHO" --arch fantasy "$TOKENS/team/both"
  is "${lines[-1]}" "$(coracle image inspect --format '{{.Id}}' alien)"
  rm -rf "$TEST_STORE"/{oa.tar,da.tar,d,o}
  run_coracle 125 manifest push -q --creds "$WHO" m2 "$TOKENS/team/gone"
  has "$output" "copying image"
}

@test "manifest add --artifact" {
  echo hi >"$TEST_STORE/f1.txt"
  head -c 3000000 /dev/zero >"$TEST_STORE/zeroes"
  echo '{}' >"$TEST_STORE/config.json"
  run_coracle manifest create m
  run_coracle manifest add --artifact --artifact-type application/x-test m "$TEST_STORE/f1.txt"
  # as Podman writes it
  is "$(look m 'd["manifests"][0]["digest"], d["manifests"][0]["size"], d["manifests"][0]["files"]')" \
    "('sha256:d5ac41fae2df13a4b300be234d78ff4e7473026348210b5d25285f991bee583a', 465, ['$TEST_STORE/f1.txt'])"
  run_coracle manifest add --artifact --artifact-exclude-titles --artifact-layer-type a/b --artifact-config "$TEST_STORE/config.json" --artifact-subject box --os linux --arch amd64 m "$TEST_STORE/zeroes"
  is "$(look m 'd["manifests"][1]["artifactType"], d["manifests"][1]["platform"]')" "('application/vnd.unknown.artifact.v1', {'architecture': 'amd64', 'os': 'linux'})"
  run_coracle manifest annotate --annotation k=v m "$TEST_STORE/f1.txt"
  run_coracle manifest push -q --creds "$WHO" m "$TOKENS/team/artifacts"
  second=$(look m 'd["manifests"][1]["digest"]')
  raw=$(skopeo inspect --tls-verify=false --creds "$WHO" --raw "docker://$TOKENS/team/artifacts@$second")
  has "$raw" '"mediaType":"a/b"'
  has "$raw" '"mediaType":"application/vnd.oci.image.config.v1+json"'
  has "$raw" "\"subject\":{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"$(digest box)\""
  run_coracle 125 manifest add --artifact m "$TEST_STORE/nosuch"
  has "$output" "no such file or directory"
  echo changed >"$TEST_STORE/f1.txt"
  run_coracle 125 manifest push -q --creds "$WHO" m "$TOKENS/fresh/artifacts"
  has "$output" "was changed"
}

@test "manifest: lists survive a sweep, and their documents are of the layout" {
  run_coracle manifest create m box
  run_coracle rmi -f alien
  run_coracle manifest inspect m
  has "$(cat "$STORE/oci/index.json")" '"org.opencontainers.image.ref.name":"localhost/m:latest"'
  run_coracle system check
}
