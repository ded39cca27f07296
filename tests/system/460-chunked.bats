#!/usr/bin/env bats
# zstd:chunked as it is written: what its manifest says is there, and leads to a table of all files; it is zstd to everybody, and Podman fetches it by its table.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf L=$TEST_STORE/layouts
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
  mkdir -m 1777 "$L"
}

setup() {
  basic_setup
  fixture_image box
}

teardown_file() {
  stop_registries
  if command -v podman >/dev/null; then peer podman system migrate >/dev/null 2>&1 || true; fi
  basic_teardown_file
}

# peer NAME ARGS…: as in 314; Podman uses tables of contents only where its storage.conf says so.
peer() {
  local variable=PEER_${1^^} command
  command=${!variable:-$1}
  shift
  printf '[storage]\ndriver = "overlay"\n[storage.options.pull_options]\nenable_partial_images = "true"\n' >"$TEST_STORE/peer-storage.conf"
  env -u CONTAINERS_REGISTRIES_CONF -u CONTAINERS_CONF CONTAINERS_STORAGE_CONF="$TEST_STORE/peer-storage.conf" $command "$@"
}

manifest_of() { skopeo inspect --tls-verify=false --raw "docker://$REGISTRY/$1"; }
annotated() { jq -c '[.layers[].annotations // {} | keys[] | sub("io.github.containers.zstd-chunked."; "")]' <<<"$1"; }

# table LAYOUT: the table of contents of a layout's only layer, found by its annotations, after looking at checksum and footer.
table() {
  python3 - "$1" <<'PY'
import hashlib, json, struct, subprocess, sys
root = sys.argv[1]
def blob(digest):
    return open(f"{root}/blobs/sha256/{digest[7:]}", "rb").read()
manifest = json.loads(blob(json.load(open(root + "/index.json"))["manifests"][0]["digest"]))
layer, = manifest["layers"]
notes = {key.rsplit(".", 1)[1]: value for key, value in layer["annotations"].items()}
data = blob(layer["digest"])
at, packed, size, kind = map(int, notes["manifest-position"].split(":"))
split_at, split_packed, split_size = map(int, notes["tarsplit-position"].split(":"))
assert "sha256:" + hashlib.sha256(data[at:at + packed]).hexdigest() == notes["manifest-checksum"]
assert struct.unpack("<QQQQQQQ8s", data[-64:]) == (at, packed, size, kind, split_at, split_packed, split_size, b"GNUlInUx")
table = subprocess.run(["zstd", "-q", "-d", "-c"], input=data[at:at + packed], stdout=subprocess.PIPE, check=True).stdout
assert len(table) == size
sys.stdout.buffer.write(table)
PY
}

@test "push zstd:chunked: the layer says where its table is, and the table what is where" {
  needs zstd
  run_coracle push -q --compression-format zstd:chunked box "oci:$L/box:box"
  table "$L/box" >"$L/table"
  is "$(jq -r '.version' "$L/table")" 1
  is "$(jq -r '.entries[] | select(.name | test("bin/busybox$")) | .type' "$L/table" | head -1)" "reg"
  coracle save -q -o "$L/plain.tar" box
  tar -xf "$L/plain.tar" -C "$L" --wildcards '*.tar'
  is "$(jq -r '.entries[] | select(.type != "chunk") | .name' "$L/table" | sort | md5sum)" "$(tar -tf "$(find "$L" -maxdepth 1 -name '*.tar' ! -name plain.tar | head -1)" | sort | md5sum)" "all names"
  # it is zstd
  run_coracle pull -q "oci:$L/box:box"
  is "$output" "$(coracle image inspect --format '{{.Id}}' box)"
  run_coracle run --rm "$output" echo fine
  is "$output" "fine"
}

@test "push zstd:chunked: to a registry, once; and on as it is" {
  local manifest
  run_coracle push -q --compression-format zstd:chunked box "$REGISTRY/chunked/box:1"
  manifest=$(manifest_of chunked/box:1)
  is "$(jq -r '.layers[0].mediaType' <<<"$manifest")" "application/vnd.oci.image.layer.v1.tar+zstd"
  is "$(annotated "$manifest")" '["manifest-checksum","manifest-position","tarsplit-position"]'
  run_coracle push -q --compression-format zstd:chunked box "$REGISTRY/chunked/box:2"
  is "$(manifest_of chunked/box:2)" "$manifest" "the same again"
  run_coracle rmi -f box
  run_coracle pull -q "$REGISTRY/chunked/box:1"
  run_coracle push -q "$REGISTRY/chunked/box:1" "$REGISTRY/again/box:1"
  is "$(manifest_of again/box:1)" "$manifest" "as it came"
  run_coracle push -q --compression-format zstd:chunked "$REGISTRY/chunked/box:1" "$REGISTRY/again/box:2"
  is "$(manifest_of again/box:2)" "$manifest" "it is that already"
  # what is made of it keeps its table
  run_coracle run --name more "$REGISTRY/chunked/box:1" touch /more
  run_coracle commit -q more more
  run_coracle rm more
  run_coracle push -q --compression-format zstd:chunked more "$REGISTRY/chunked/more:1"
  is "$(jq -c '[.layers[].annotations | length]' <<<"$(manifest_of chunked/more:1)")" "[3,3]"
  is "$(jq -c '.layers[0]' <<<"$(manifest_of chunked/more:1)")" "$(jq -c '.layers[0]' <<<"$manifest")"
  # plain zstd and gzip have none
  run_coracle push -q --compression-format zstd more "$REGISTRY/chunked/more:zstd"
  is "$(jq -c '.layers[1].annotations' <<<"$(manifest_of chunked/more:zstd)")" "null"
  run_coracle push -q --compression-format gzip more "$REGISTRY/chunked/more:gzip"
  is "$(jq -c '[.layers[].annotations]' <<<"$(manifest_of chunked/more:gzip)")" "[null,null]"
  run_coracle rmi more "$REGISTRY/chunked/box:1"
}

@test "push zstd:chunked: what is not for it" {
  run_coracle 125 push -f v2s2 --compression-format zstd:chunked box "$REGISTRY/chunked/no:1"
  has "$output" "v2s2 cannot name zstd layers"
  run_coracle 125 push --compression-format zstd:other box "$REGISTRY/chunked/no:1"
  has "$output" 'cannot find compressor for "zstd:other"'
  run_coracle 125 push --compression-format zstd:chunked --compression-level 21 box "$REGISTRY/chunked/no:1"
  has "$output" "invalid compression level 21"
  # a path that is there twice: no table could be of it
  printf one >"$L/f"
  tar -cf "$L/twice.tar" -C "$L" f
  printf two >"$L/f"
  tar -rf "$L/twice.tar" -C "$L" f
  run_coracle import -q "$L/twice.tar" twice
  run_coracle push -q --compression-format zstd:chunked twice "$REGISTRY/chunked/twice:1"
  is "$(jq -c '.layers[0].annotations' <<<"$(manifest_of chunked/twice:1)")" "null"
  is "$(jq -r '.layers[0].mediaType' <<<"$(manifest_of chunked/twice:1)")" "application/vnd.oci.image.layer.v1.tar+zstd"
  run_coracle rmi twice
}

@test "manifest push --add-compression zstd:chunked" {
  run_coracle manifest create m box
  run_coracle manifest push -q --compression-format gzip --add-compression zstd:chunked m "$REGISTRY/chunked/list:1"
  run_coracle manifest inspect "$REGISTRY/chunked/list:1"
  is "$(jq -c '[.manifests[].annotations]' <<<"$output")" '[null,{"io.github.containers.compression.zstd":"true"}]'
  is "$(annotated "$(manifest_of "chunked/list@$(jq -r '.manifests[1].digest' <<<"$output")")")" '["manifest-checksum","manifest-position","tarsplit-position"]'
  run_coracle 125 manifest push -q --add-compression zstd:other m "$REGISTRY/chunked/list:2"
  has "$output" 'cannot find compressor for "zstd:other"'
  run_coracle manifest rm m
}

@test "podman: fetches what it has not by our table, and has the same image" {
  local log id
  [ -n "${PEER_PODMAN-}" ] || command -v podman >/dev/null || skip "podman is not installed"
  id=$(coracle image inspect --format '{{.Id}}' box)
  run_coracle push -q --compression-format zstd:chunked box "$REGISTRY/chunked/peer:1"
  run_coracle run --name more box sh -c 'echo more >/more'
  run_coracle commit -q more more
  run_coracle rm more
  run_coracle push -q --compression-format zstd:chunked more "$REGISTRY/chunked/peer:2"
  peer podman rmi -af >/dev/null 2>&1 || true
  log=$(peer podman --log-level debug pull --tls-verify=false "$REGISTRY/chunked/peer:1" 2>&1)
  is "$(grep -xE '[0-9a-f]{64}' <<<"$log")" "$id"
  [[ $log == *"partial images are disabled"* ]] || has "$log" "Retrieved partial blob"
  is "$(peer podman run --rm --network none "$REGISTRY/chunked/peer:1" echo fine)" "fine"
  is "$(peer podman pull -q --tls-verify=false "$REGISTRY/chunked/peer:2" | tail -1)" "$(coracle image inspect --format '{{.Id}}' more)"
  is "$(peer podman run --rm --network none "$REGISTRY/chunked/peer:2" cat /more)" "more"
  peer podman rmi -af >/dev/null
  run_coracle rmi more
}
