#!/usr/bin/env bats
# Images between this and other tools: Podman, Buildah, Skopeo, umoci, and the formats that Docker writes. A tool that is not installed is skipped; $PEER_PODMAN, $PEER_BUILDAH,
# $PEER_SKOPEO and $PEER_UMOCI name another command for it (with its arguments, parted by spaces).

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
  export SHARED=$TEST_STORE/shared
  mkdir -m 1777 "$SHARED"
  make_layout "$SHARED/layout"
  coracle tag "$(coracle pull -q "oci:$SHARED/layout:app")" app
}

setup() {
  basic_setup
  fixture_image box
}

teardown_file() {
  stop_registries
  # its process that holds its namespace
  if command -v podman >/dev/null; then peer podman system migrate >/dev/null 2>&1 || true; fi
  basic_teardown_file
}

# peer NAME ARGS…: run it. The environment that is ours alone is not its.
peer() {
  local variable=PEER_${1^^} command
  command=${!variable:-$1}
  shift
  env -u CONTAINERS_REGISTRIES_CONF -u CONTAINERS_CONF $command "$@"
}

need() {
  local variable=PEER_${1^^} command
  command=${!variable:-$1}
  command -v "${command%% *}" >/dev/null || skip "$1 is not installed"
}

id_of() { coracle image inspect --format '{{.Id}}' "$1"; }

# loads ARCHIVE…: each is the image "app", by its id, and runs.
loads() {
  local from id
  id=$(id_of app)
  for from in "$@"; do
    run_coracle pull -q "$from"
    is "$output" "$id" "$from"
    run_coracle run --rm "$id"
    is "$output" "layer 3"
  done
}

@test "skopeo: copies what we pushed with the same digests, and reads the store" {
  need skopeo
  local digest
  run_coracle push -q --digestfile "$SHARED/digest" app "$REGISTRY/peers/skopeo:1"
  digest=$(cat "$SHARED/digest")
  peer skopeo copy -q --insecure-policy --preserve-digests --src-tls-verify=false "docker://$REGISTRY/peers/skopeo@$digest" "dir:$SHARED/skopeo"
  is "sha256:$(sha256sum <"$SHARED/skopeo/manifest.json" | cut -d' ' -f1)" "$digest" "manifest"
  # the store is a layout
  [ -z "${PEER_SKOPEO-}" ] || return 0
  is "$(peer skopeo inspect --format '{{.Digest}}' "oci:$STORE/oci:localhost/app:latest")" "$(coracle image inspect --format '{{.Digest}}' app)" "by oci:"
  peer skopeo copy -q --insecure-policy "oci:$STORE/oci:localhost/app:latest" "docker-archive:$SHARED/from-store.tar:x:1"
  loads "docker-archive:$SHARED/from-store.tar"
}

@test "skopeo: every format both ways" {
  need skopeo
  local kind
  for kind in docker-archive oci-archive oci dir; do
    peer skopeo copy -q --insecure-policy "oci:$SHARED/layout:app" "$kind:$SHARED/in-$kind"
    loads "$kind:$SHARED/in-$kind"
    run_coracle push -q app "$kind:$SHARED/out-$kind"
    # the same kind: another would change the config, and with it the id
    peer skopeo copy -q --insecure-policy "$kind:$SHARED/out-$kind" "$kind:$SHARED/back-$kind"
    loads "$kind:$SHARED/back-$kind"
  done
  for kind in docker-archive oci-archive; do
    run_coracle save -q --format "$kind" -o "$SHARED/saved-$kind" app
    peer skopeo inspect --raw "$kind:$SHARED/saved-$kind" >/dev/null
  done
}

@test "podman: pulls what we pushed, runs it, and we what it pushed" {
  need podman
  local digest id
  id=$(id_of app)
  run_coracle push -q --digestfile "$SHARED/digest" app "$REGISTRY/peers/podman:1"
  digest=$(cat "$SHARED/digest")
  is "$(peer podman pull -q --tls-verify=false "$REGISTRY/peers/podman:1" | tail -1)" "$id" "id"
  is "$(peer podman image inspect --format '{{.Digest}}' "$REGISTRY/peers/podman:1")" "$digest" "digest"
  # built here: compressed by us
  run_coracle push -q --digestfile "$SHARED/digest" box "$REGISTRY/peers/box:1"
  is "$(peer podman pull -q --tls-verify=false "$REGISTRY/peers/box:1" | tail -1)" "$(id_of box)" "id of box"
  run_coracle push -q --compression-format zstd box "$REGISTRY/peers/box:zstd"
  is "$(peer podman pull -q --tls-verify=false "$REGISTRY/peers/box:zstd" | tail -1)" "$(id_of box)" "id of box in zstd"
  peer podman push -q --tls-verify=false "$REGISTRY/peers/podman:1" "$REGISTRY/peers/podman:2"
  run_coracle pull -q "$REGISTRY/peers/podman:2"
  is "$output" "$id"
  peer podman push -q --tls-verify=false --compression-format zstd:chunked "$REGISTRY/peers/podman:1" "$REGISTRY/peers/podman:3"
  run_coracle pull -q "$REGISTRY/peers/podman:3"
  is "$output" "$id" "zstd:chunked"
}

@test "podman: manifest lists both ways" {
  need podman
  run_coracle manifest create list app
  run_coracle manifest add --arch fantasy list box
  run_coracle manifest push -q list "$REGISTRY/peers/list:1"
  is "$(peer podman pull -q --tls-verify=false "$REGISTRY/peers/list:1" | tail -1)" "$(id_of app)"
  peer podman manifest rm peers >/dev/null 2>&1 || true
  peer podman manifest create peers >/dev/null
  peer podman manifest add --tls-verify=false --all peers "docker://$REGISTRY/peers/list:1" >/dev/null
  peer podman manifest push -q --tls-verify=false --all peers "docker://$REGISTRY/peers/list:2"
  run_coracle pull -q "$REGISTRY/peers/list:2"
  is "$output" "$(id_of app)"
  run_coracle pull -q --arch fantasy "$REGISTRY/peers/list:2"
  is "${lines[-1]}" "$(id_of box)"
  peer podman manifest rm peers >/dev/null
  run_coracle manifest rm list
}

@test "podman: what it saved we load, what we saved it loads" {
  need podman
  local kind id
  id=$(id_of app)
  for kind in docker-archive oci-archive; do
    run_coracle save -q --format "$kind" -o "$SHARED/ours-$kind" app
    chmod 644 "$SHARED/ours-$kind"
    peer podman load -q -i "$SHARED/ours-$kind" >/dev/null
    is "$(peer podman image inspect --format '{{.Id}}' localhost/app)" "$id" "$kind"
    peer podman save -q --format "$kind" -o "$SHARED/theirs-$kind" localhost/app
    run_coracle load -q -i "$SHARED/theirs-$kind"
    loads "$kind:$SHARED/theirs-$kind"
  done
  for kind in oci-dir docker-dir; do
    peer podman save -q --format "$kind" -o "$SHARED/theirs-$kind" localhost/app
    run_coracle load -q -i "$SHARED/theirs-$kind"
    run_coracle save -q --format "$kind" -o "$SHARED/ours-$kind" app
    chmod -R a+rX "$SHARED/ours-$kind"
    peer podman load -q -i "$SHARED/ours-$kind" >/dev/null
  done
  run_coracle save -q -m -o "$SHARED/both.tar" app box
  peer podman load -q -i "$SHARED/both.tar" >/dev/null
  peer podman save -q -m -o "$SHARED/their-both.tar" localhost/app localhost/box
  run_coracle load -q -i "$SHARED/their-both.tar"
}

@test "buildah: what it commits and pushes we take, and the other way round" {
  need buildah
  local name
  run_coracle push -q app "$REGISTRY/peers/buildah:1"
  name=$(peer buildah from --tls-verify=false -q "$REGISTRY/peers/buildah:1" | tail -1)
  peer buildah config --cmd "cat /layer4" "$name"
  peer buildah commit -q "$name" "oci-archive:$SHARED/buildah.tar:b:1" >/dev/null
  peer buildah commit -q --tls-verify=false --format docker "$name" "docker://$REGISTRY/peers/buildah:2" >/dev/null
  peer buildah rm "$name" >/dev/null
  local from
  for from in "oci-archive:$SHARED/buildah.tar" "$REGISTRY/peers/buildah:2"; do
    run_coracle pull -q "$from"
    run_coracle run --rm "$output"
    is "$output" "layer 4" "$from"
  done
}

@test "umoci: its layouts we load, and ours it unpacks" {
  need umoci
  run_coracle push -q app "oci:$SHARED/umoci:app"
  peer umoci ls --layout "$SHARED/umoci"
  peer umoci config --image "$SHARED/umoci:app" --tag changed --config.cmd cat --config.cmd /layer2
  run_coracle pull -q "oci:$SHARED/umoci:changed"
  run_coracle run --rm "$output"
  is "$output" "layer 2"
  peer umoci unpack --rootless --image "$SHARED/umoci:changed" "$SHARED/bundle"
  is "$(cat "$SHARED/bundle/rootfs/layer3")" "layer 3"
  echo more >"$SHARED/bundle/rootfs/more"
  peer umoci repack --image "$SHARED/umoci:more" "$SHARED/bundle"
  run_coracle pull -q "oci:$SHARED/umoci:more"
  run_coracle run --rm "$output" cat /more
  is "$output" "more"
  peer umoci init --layout "$SHARED/fresh"
  peer umoci new --image "$SHARED/fresh:empty"
  run_coracle pull -q "oci:$SHARED/fresh:empty"
  chmod -R u+rwX "$SHARED/bundle"
}

@test "docker's own formats: the old docker save, and the one with an OCI layout in it" {
  local old=$SHARED/docker-old new=$SHARED/docker-new
  run_coracle save -q -o "$SHARED/app.tar" app
  mkdir "$old" "$new"
  tar -C "$old" -xf "$SHARED/app.tar"
  # layers in a folder each, as docker before 25 wrote them
  python3 - "$old" <<'PY'
import json, os, shutil, sys
folder = sys.argv[1]
images = json.load(open(folder + "/manifest.json"))
for image in images:
    layers = []
    for i, name in enumerate(image["Layers"]):
        os.makedirs(f"{folder}/old{i}")
        shutil.copy(f"{folder}/{name}", f"{folder}/old{i}/layer.tar")
        layers.append(f"old{i}/layer.tar")
    image["Layers"] = layers
os.chmod(folder + "/manifest.json", 0o644)
json.dump(images, open(folder + "/manifest.json", "w"))
PY
  tar -C "$old" -cf "$SHARED/docker-old.tar" .
  run_coracle load -q -i "$SHARED/docker-old.tar"
  loads "docker-archive:$SHARED/docker-old.tar"
  # since 25: a layout, and a manifest.json that names its blobs
  run_coracle push -q app "oci:$new:app"
  python3 - "$new" <<'PY'
import json, sys
folder = sys.argv[1]
blob = lambda digest: "blobs/sha256/" + digest.split(":")[1]
entry = json.load(open(folder + "/index.json"))["manifests"][0]
manifest = json.load(open(f"{folder}/{blob(entry['digest'])}"))
json.dump([{"Config": blob(manifest["config"]["digest"]), "RepoTags": ["new/app:25"], "Layers": [blob(layer["digest"]) for layer in manifest["layers"]]}], open(folder + "/manifest.json", "w"))
PY
  tar -C "$new" -cf "$SHARED/docker-new.tar" .
  run_coracle load -q -i "$SHARED/docker-new.tar"
  loads "docker-archive:$SHARED/docker-new.tar"
  run_coracle image exists docker.io/new/app:25
}
