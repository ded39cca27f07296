#!/usr/bin/env bats
# push to registries: what is sent and what is not, tokens, broken uploads, digests, and what other tools make of it.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry
  start_token_registry
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  printf 'unqualified-search-registries = []\n[[registry]]\nlocation = "%s"\ninsecure = true\n[[registry]]\nlocation = "blocked.example"\nblocked = true\n' "$TOKENS" >"$CONTAINERS_REGISTRIES_CONF"
  export WHO='tester:secret word'
  make_layout "$TEST_STORE/layout"
  local id
  id=$(coracle pull -q "oci:$TEST_STORE/layout:app")
  coracle tag "$id" app
}

setup() {
  basic_setup
  fixture_image box
  : >"$TOKENS_DIR/requests"
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

push() {
  run_coracle push -q --creds "$WHO" --retry-delay 20ms "$@"
  is "$output" "" "what push -q prints"
}

requests() {
  grep -cE "$1" "$TOKENS_DIR/requests" || true
}

inspect() {
  skopeo inspect --cert-dir "$CERTS" --creds "$WHO" "docker://$REGISTRY/$1" "${@:2}"
}

@test "push: what is said, and the image is there with the same digests" {
  run_coracle_out push --cert-dir "$CERTS" --creds "$WHO" --digestfile "$TEST_STORE/digest" app "$REGISTRY/team/app:1"
  is "$output" "" "standard output"
  has "$stderr" "Getting image source signatures"
  has "$stderr" "Copying blob sha256:"
  has "$stderr" "Copying config sha256:$(coracle image inspect --format '{{.Id}}' app)"
  has "$stderr" "Writing manifest to image destination"
  is "$(inspect team/app:1 --format '{{.Digest}}')" "$(cat "$TEST_STORE/digest")" "digest file"
  # blobs that were pulled go as they came
  is "$(inspect team/app:1 --format '{{join .Layers " "}}')" \
    "$(skopeo inspect "oci:$TEST_STORE/layout:app" --format '{{join .Layers " "}}')" "layers"
  is "$(cat "$TEST_STORE/digest")" "$(skopeo inspect "oci:$TEST_STORE/layout:app" --format '{{.Digest}}')" "manifest"
  run_coracle events --stream=false --filter event=push --format '{{.Name}}'
  has "$output" "$REGISTRY/team/app:1"
}

@test "push: pulled again it is the same image, and runs" {
  local id
  id=$(coracle image inspect --format '{{.Id}}' app)
  run_coracle rmi -f app
  run_coracle pull -q --cert-dir "$CERTS" --creds "$WHO" "$REGISTRY/team/app:1"
  is "$output" "$id" "id"
  run_coracle run --rm "$REGISTRY/team/app:1"
  is "$output" "layer 3"
  run_coracle tag "$REGISTRY/team/app:1" app
}

@test "push: by its own name, by digest, to docker://" {
  local digest
  run_coracle tag box "$REGISTRY/team/own:2"
  push --cert-dir "$CERTS" "$REGISTRY/team/own:2"
  digest=$(inspect team/own:2 --format '{{.Digest}}')
  push --cert-dir "$CERTS" box "docker://$REGISTRY/team/other@$digest"
  is "$(inspect "team/other@$digest" --no-tags --format '{{.Digest}}')" "$digest"
  run_coracle 125 push -q --cert-dir "$CERTS" --creds "$WHO" box "docker://$REGISTRY/team/other@sha256:$(printf '0%.0s' {1..64})"
  run_coracle untag box "$REGISTRY/team/own:2"
}

@test "push: manifests and compressions" {
  push --cert-dir "$CERTS" -f v2s2 box "$REGISTRY/kinds/box:docker"
  has "$(inspect kinds/box:docker --raw)" 'application/vnd.docker.distribution.manifest.v2+json'
  push --cert-dir "$CERTS" -f oci box "$REGISTRY/kinds/box:oci"
  has "$(inspect kinds/box:oci --raw)" 'application/vnd.oci.image.layer.v1.tar+gzip'
  push --cert-dir "$CERTS" --compression-format zstd --compression-level 7 box "$REGISTRY/kinds/box:zstd"
  has "$(inspect kinds/box:zstd --raw)" 'application/vnd.oci.image.layer.v1.tar+zstd'
  run_coracle pull -q --cert-dir "$CERTS" --creds "$WHO" "$REGISTRY/kinds/box:zstd"
  run_coracle run --rm "$output" echo fine
  is "$output" "fine"
  run_coracle 125 push -f v2s2 --compression-format zstd --cert-dir "$CERTS" --creds "$WHO" box "$REGISTRY/kinds/box:no"
  has "$output" "v2s2 cannot name zstd layers"
  run_coracle 125 push --encryption-key jwe:x box "$REGISTRY/kinds/box:no"
  has "$output" "--encryption-key is not supported"
  run_coracle push -q --remove-signatures --cert-dir "$CERTS" --creds "$WHO" box "$REGISTRY/kinds/box:plain"
}

@test "push: tokens, for what is needed" {
  push box "$TOKENS/team/box:1"
  [ "$(requests 'GET /token.*scope=repository%3Ateam%2Fbox%3Apull%2Cpush')" -ge 1 ]
  run_coracle pull -q --creds "$WHO" "$TOKENS/team/box:1"
  push box "$TOKENS/expires/box"
  run_coracle 125 push -q --retry 1 --creds "$WHO" box "$TOKENS/readonly/box"
  has "$output" "authentication required"
  is "$(grep -c '^Error: ' <<<"$output")" 1
  run_coracle 125 push -q --retry 1 --creds tester:wrong box "$TOKENS/team/wrong"
  has "$output" "incorrect username or password"
  run_coracle 125 push -q --retry 1 box "$TOKENS/team/nobody"
  has "$output" "authentication required"
}

@test "push: what is there is not sent, and not compressed again" {
  push box "$TOKENS/nomount/again:1"
  is "$(requests '(PUT|PATCH) /v2/.*/blobs/uploads')" 2 "blobs sent at first"
  : >"$TOKENS_DIR/requests"
  push box "$TOKENS/nomount/again:2"
  is "$(requests '(PUT|PATCH|POST) /v2/.*/blobs/uploads')" 0 "blobs sent then"
  is "$(requests 'PUT /v2/nomount/again/manifests/2 201')" 1 "manifest"
  # another repository of the same registry takes them over
  : >"$TOKENS_DIR/requests"
  push box "$TOKENS/mounts/box"
  is "$(requests 'POST /v2/mounts/box/blobs/uploads/\?mount=sha256.* 201')" 1 "the layer, mounted"
  is "$(requests 'PUT /v2/mounts/box/blobs/uploads')" 1 "the config alone is sent"
  # where mounting is not done, what was begun is given up, and it is sent
  : >"$TOKENS_DIR/requests"
  push box "$TOKENS/nomount/box"
  [ "$(requests 'DELETE /v2/nomount/box/blobs/uploads/.* 204')" -ge 1 ]
  [ "$(requests 'DELETE /v2/nomount/box/blobs/uploads/.* 204')" -le 2 ]
  is "$(requests 'HEAD /v2/nomount/box/blobs/')" 2 "asked once for each blob"
  is "$(requests 'PUT /v2/nomount/box/blobs/uploads/.* 201')" 2
  # an image that was pulled from there is mounted from where it came
  run_coracle pull -q --creds "$WHO" "$TOKENS/team/box:1"
  : >"$TOKENS_DIR/requests"
  push "$TOKENS/team/box:1" "$TOKENS/mounts/second"
  is "$(requests 'POST /v2/mounts/second/blobs/uploads/\?mount=sha256.* 201')" 1
}

@test "push: a broken upload goes on where it broke, or anew" {
  push app "$TOKENS/breaks/app"
  is "$(requests 'GET /v2/breaks/app/blobs/uploads/.* 204')" 1 "asked how far it came"
  push app "$TOKENS/forgets/app"
  push box "$TOKENS/busy/box"
  push app "$TOKENS/shifts/app"
  local name
  for name in breaks forgets shifts; do
    run_coracle rmi -f "$TOKENS/$name/app"
    run_coracle pull -q --creds "$WHO" "$TOKENS/$name/app"
    is "$output" "$(coracle image inspect --format '{{.Id}}' app)" "$name"
  done
}

@test "push: in pieces where one is too large, and no retry when none is wanted" {
  push app "$TOKENS/pieces/app"
  [ "$(requests 'PATCH /v2/pieces/app/blobs/uploads/.* 202')" -ge 5 ]
  run_coracle pull -q --creds "$WHO" "$TOKENS/pieces/app"
  run_coracle 125 push -q --retry 0 --creds "$WHO" app "$TOKENS/forgets/other"
  has "$output" "writing blob"
}

@test "push: credentials stay with the registry" {
  push app "$TOKENS/away/app"
  [ "$(requests '^other PUT /u/')" -ge 2 ]
  is "$(grep -c '^other.*Bearer' "$TOKENS_DIR/requests")" 0 "tokens at the other host"
}

@test "push: what goes wrong" {
  run_coracle 125 push -q --creds "$WHO" box "$TOKENS/refuses/box"
  has "$output" "Error: uploading manifest failed, attempted the following formats: application/vnd.oci.image.manifest.v1+json(writing manifest: uploading manifest latest to $TOKENS/refuses/box: manifest invalid), application/vnd.docker.distribution.manifest.v2+json("
  run_coracle 125 push -q --format v2s2 --creds "$WHO" box "$TOKENS/refuses/box"
  is "$output" "Error: writing manifest: uploading manifest latest to $TOKENS/refuses/box: manifest invalid"
  run_coracle 125 push -q --cert-dir "$CERTS" box "$REGISTRY/x/y"
  has "$output" "authentication required"
  run_coracle 125 push -q box "$REGISTRY/x/y"
  has "$output" "pinging container registry $REGISTRY: tls: "
  run_coracle push -q --tls-verify=false --creds "$WHO" box "$REGISTRY/x/y"
  run_coracle 125 push -q box blocked.example/x
  has "$output" "registry blocked.example is blocked in $CONTAINERS_REGISTRIES_CONF"
  run_coracle 125 push -q --retry 0 box localhost:1/x
  has "$output" "pinging container registry localhost:1: "
  run_coracle 125 push -q --retry-delay foo box localhost:1/x
  has "$output" "foo"
  run_coracle 125 push -q nosuch localhost:1/x
  is "$output" "Error: nosuch: image not known"
  run_coracle 125 push -q box docker://UPPER
  is "$output" "Error: invalid reference format: repository name must be lowercase"
  run_coracle 125 push -q box "docker://localhost:1/x:y@sha256:$(printf '0%.0s' {1..64})"
  has "$output" "both a tag and digest"
  run_coracle 125 push -q box UPPER
  is "$output" 'Error: Invalid image name "UPPER", expected colon-separated transport:reference'
  run_coracle 125 push -q --cert-dir "$CERTS" --creds "$WHO" --digestfile /no/such/file box "$REGISTRY/x/y"
  has "$output" "/no/such/file"
}

@test "push: login's credentials, of the repository or the registry" {
  run_coracle login -u tester -p 'secret word' --cert-dir "$CERTS" "$REGISTRY"
  run_coracle push -q --cert-dir "$CERTS" box "$REGISTRY/logged/in"
  run_coracle logout "$REGISTRY"
  run_coracle 125 push -q --cert-dir "$CERTS" box "$REGISTRY/logged/out"
}
