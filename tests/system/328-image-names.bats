#!/usr/bin/env bats
# What Podman's own tests ask of images' names: those that an image had before, names with digests, `image sign`, --storage-driver.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  push_fixture team/app:1
  push_fixture team/app:2
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
}

teardown_file() {
  gpgconf --kill gpg-agent 2>/dev/null || true
  stop_registries
  basic_teardown_file
}

history_of() { coracle images --format '{{.History}}' "$1"; }

@test "names history: those that it has, oldest first, then those that it had" {
  fixture_image box
  local id
  id=$(coracle image inspect --format '{{.Id}}' box)
  is "$(history_of box)" "localhost/box:latest"
  run_coracle tag box one
  run_coracle rmi one
  is "$(history_of box)" "localhost/box:latest, localhost/one:latest"
  run_coracle tag box two
  run_coracle untag box two
  is "$(history_of box)" "localhost/box:latest, localhost/two:latest, localhost/one:latest"
  run_coracle tag box one
  is "$(coracle images --format '{{.History}}' box | head -n 1)" "localhost/box:latest, localhost/one:latest, localhost/two:latest" "one is back"
  run_coracle image inspect --format '{{.NamesHistory}}' box
  is "$output" "[localhost/box:latest localhost/one:latest localhost/two:latest]"
  run_coracle images --format json box
  is "$(jq -c '.[0].History' <<<"$output")" '["localhost/box:latest","localhost/one:latest","localhost/two:latest"]'
  is "$(jq -c '.[0].Names' <<<"$output")" '["localhost/one:latest","localhost/box:latest"]'
  run_coracle images --history box
  has "$output" "localhost/two:latest"
  # a name that another image takes
  fixture_image other --change 'ENV other=1'
  run_coracle tag other one
  run_coracle images --format '{{.History}}' "$id"
  is "$output" "localhost/box:latest, localhost/one:latest, localhost/two:latest"
  run_coracle images --format '{{.History}}' other
  is "$(head -n 1 <<<"$output")" "localhost/other:latest, localhost/one:latest"
  run_coracle rmi -f other
  # gone with the image
  run_coracle rmi -f box
  fixture_image box
  is "$(history_of box)" "localhost/box:latest"
  run_coracle rmi -af
}

@test "rmi NAME@DIGEST: pulled by it, an image that has another name stays" {
  local digest before id
  run_coracle pull -q "$REGISTRY/team/app:1"
  id=$output
  digest=$(coracle image inspect --format '{{.Digest}}' "$id")
  run_coracle images -a
  before=$output
  run_coracle pull "$REGISTRY/team/app@$digest"
  has "$output" "Trying to pull $REGISTRY/team/app@$digest..."
  run_coracle images -a
  is "$output" "$before" "listed as before"
  run_coracle rmi "$REGISTRY/team/app@$digest"
  is "$output" "Untagged: $REGISTRY/team/app@$digest"
  run_coracle images -a
  is "$output" "$before" "still there"
  run_coracle rmi "$REGISTRY/team/app:1"
  has "$output" "Deleted: $id"
  # the only one it has
  run_coracle pull -q "$REGISTRY/team/app@$digest"
  run_coracle rmi "$REGISTRY/team/app@$digest"
  has "$output" "Deleted: $id"
  # --force: all of it
  run_coracle pull -q "$REGISTRY/team/app:1"
  run_coracle rmi -f "$REGISTRY/team/app@$digest"
  has "$output" "Deleted: $id"
}

@test "--storage-driver: overlay, and no other" {
  run_coracle --storage-driver overlay images -q
  is "$output" ""
  run_coracle --storage-driver=overlay info --format '{{.Store.GraphDriverName}}'
  is "$output" "overlay"
  local driver
  for driver in vfs btrfs ''; do
    run_coracle 125 "--storage-driver=$driver" images
    is "$output" "Error: storage driver \"$driver\" is not supported: layers are stacked by overlay, or by fuse-overlayfs where the kernel has none"
  done
}

@test "image sign: in the store and in the registry, as policy.json wants it" {
  needs gpg
  export GNUPGHOME=$TEST_STORE/gnupg
  mkdir -m 700 "$GNUPGHOME"
  gpg --batch --quiet --passphrase '' --quick-gen-key signer@test default default never 2>/dev/null
  local digest other folder=$TEST_STORE/signatures
  mkdir -p "$folder"
  run_coracle pull -q "$REGISTRY/team/app:1"
  digest=$(coracle image inspect --format '{{.Digest}}' "$REGISTRY/team/app:1")
  run_coracle image sign --sign-by signer@test --directory "$folder" "containers-storage:$REGISTRY/team/app:1"
  is "$output" ""
  run gpg --verify "$folder/team/app@sha256=${digest#sha256:}/signature-1"
  has "$output" "Good signature from"
  run_coracle image sign --sign-by signer@test -d "$folder" "docker://$REGISTRY/team/app:1" "docker://$REGISTRY/team/app:2"
  [ -s "$folder/team/app@sha256=${digest#sha256:}/signature-2" ] || fail "no second signature"
  # without --directory: where signatures are looked for
  mkdir -p "$XDG_CONFIG_HOME/containers/registries.d"
  printf 'docker:\n  %s:\n    lookaside: file://%s/lookaside\n' "$REGISTRY" "$TEST_STORE" >"$XDG_CONFIG_HOME/containers/registries.d/test.yaml"
  gpg --batch --quiet --export signer@test >"$TEST_STORE/key.gpg"
  printf '{"default": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "%s"}]}' "$TEST_STORE/key.gpg" >"$XDG_CONFIG_HOME/containers/policy.json"
  run_coracle 125 pull -q "$REGISTRY/team/app:1"
  has "$output" "A signature was required"
  run_coracle image sign --sign-by signer@test "docker://$REGISTRY/team/app:1"
  run_coracle pull -q "$REGISTRY/team/app:1"
  rm "$XDG_CONFIG_HOME/containers/policy.json"
  # a list, and its images
  run_coracle manifest create "$REGISTRY/team/list:1" "$REGISTRY/team/app:1"
  run_coracle manifest push -q --all "$REGISTRY/team/list:1"
  other=$(skopeo inspect --tls-verify=false --raw "docker://$REGISTRY/team/list:1" | sha256sum | cut -d' ' -f1)
  run_coracle image sign --sign-by signer@test -d "$folder" "docker://$REGISTRY/team/list:1"
  [ -s "$folder/team/list@sha256=$other/signature-1" ] || fail "the list is not signed"
  run_coracle image sign --all --sign-by signer@test -d "$folder" "docker://$REGISTRY/team/list:1"
  [ -s "$folder/team/list@sha256=${digest#sha256:}/signature-1" ] || fail "the list's image is not signed"
  run_coracle 125 image sign --all --sign-by signer@test -d "$folder" "docker://$REGISTRY/team/app:1"
  has "$output" "is not a multi-architecture image"
  # what goes wrong
  run_coracle 125 image sign "docker://$REGISTRY/team/app:1"
  is "$output" "Error: no identity provided"
  run_coracle 125 image sign --sign-by signer@test "$REGISTRY/team/app:1"
  has "$output" "Invalid image name"
  run_coracle 125 image sign --sign-by nobody@test -d "$folder" "docker://$REGISTRY/team/app:1"
  has "$output" "creating signature: key \"nobody@test\" not found"
  run_coracle 125 image sign --sign-by signer@test -d "$folder" containers-storage:nosuch
  has "$output" "nosuch: image not known"
  run_coracle rmi -af
}

@test "a pull of what is there asks for the manifest alone, and writes nothing" {
  local before id since
  run_coracle pull -q "$REGISTRY/team/app:1"
  id=$output
  before=$(stat -c '%i %Y' "$STORE/oci/index.json"; sha256sum "$STORE"/state.db*)
  from_now
  run_coracle_out pull "$REGISTRY/team/app:1"
  is "$output" "$id"
  like "$stderr" "Copying blob .* skipped: already exists|Copying blob "
  is "$(stat -c '%i %Y' "$STORE/oci/index.json"; sha256sum "$STORE"/state.db*)" "$before" "the store"
  asked() { asked_since | grep -oE 'GET /v2/team/[^ "]*' | sort -u; }
  manifest_asked() { [[ $(asked) == *manifests* ]]; }
  wait_for 20 manifest_asked
  is "$(asked)" "GET /v2/team/app/manifests/1" "requests"
  # by another name, or digest, there is something to write
  run_coracle rmi "$REGISTRY/team/app:1"
  run_coracle pull -q "$REGISTRY/team/app:1"
  is "$output" "$id"
  run_coracle tag "$REGISTRY/team/app:1" keep
  run_coracle untag "$REGISTRY/team/app:1" "$REGISTRY/team/app:1"
  run_coracle pull -q "$REGISTRY/team/app:1"
  run_coracle image exists "$REGISTRY/team/app:1"
  # a layer that is gone is fetched again
  run_coracle rmi -af
  run_coracle pull -q "$REGISTRY/team/app:1"
  rm -r "$STORE/layers/$(coracle image inspect --format '{{index .RootFS.Layers 2}}' "$id" | cut -d: -f2)"
  run_coracle pull -q "$REGISTRY/team/app:1"
  run_coracle run --rm "$id"
  is "$output" "layer 3"
  run_coracle rmi -af
}
