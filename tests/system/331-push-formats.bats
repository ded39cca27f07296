#!/usr/bin/env bats
# The format of the manifest that is pushed: what --format says; else the image's own, and where the registry does not take that, the other.

load helpers
load registry-helpers

WHO='tester:secret word'
OCI=application/vnd.oci.image
DOCKER=application/vnd.docker.distribution

setup_file() {
  basic_setup_file
  start_token_registry
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$TOKENS" >"$CONTAINERS_REGISTRIES_CONF"
}

setup() {
  basic_setup
  fixture_image box
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

type_of() { skopeo inspect --raw --tls-verify=false --creds "$WHO" "docker://$TOKENS/$1" | jq -r .mediaType; }

push() { run_coracle push -q --creds "$WHO" --digestfile "$TEST_STORE/digest" "$@"; }

# comes_back NAME: what is there is the image, under the digest that was written
comes_back() {
  local id
  id=$(coracle image inspect --format '{{.Id}}' box)
  run_coracle pull -q --creds "$WHO" "$TOKENS/${1%:*}@$(cat "$TEST_STORE/digest")"
  is "$output" "$id" "$1"
}

@test "a registry that takes one format only gets it" {
  push box "$TOKENS/onlydocker/box:1"
  is "$(type_of onlydocker/box:1)" "$DOCKER.manifest.v2+json"
  comes_back onlydocker/box:1
  push --format v2s2 box "$TOKENS/team/box:docker"
  run_coracle pull -q --creds "$WHO" "$TOKENS/team/box:docker"
  push "$TOKENS/team/box:docker" "$TOKENS/onlyoci/box:1"
  is "$(type_of onlyoci/box:1)" "$OCI.manifest.v1+json"
  # an image keeps its first manifest: one that came as Docker's goes as that
  run_coracle rmi -af
  run_coracle pull -q --creds "$WHO" "$TOKENS/team/box:docker"
  run_coracle tag "$output" box
  push box "$TOKENS/onlyoci/box:2"
  is "$(type_of onlyoci/box:2)" "$OCI.manifest.v1+json"
  comes_back onlyoci/box:2
  push box "$TOKENS/team/box:same"
  is "$(type_of team/box:same)" "$DOCKER.manifest.v2+json"
  run_coracle rmi -af
}

@test "what was said to be of one format is not sent in another" {
  run_coracle 125 push -q --creds "$WHO" --format oci box "$TOKENS/onlydocker/box:2"
  is "$output" "Error: writing manifest: uploading manifest 2 to $TOKENS/onlydocker/box: manifest invalid"
  run_coracle 125 push -q --creds "$WHO" --format v2s2 box "$TOKENS/onlyoci/box:3"
  is "$output" "Error: writing manifest: uploading manifest 3 to $TOKENS/onlyoci/box: unsupported media type"
  # zstd has no word in Docker's
  run_coracle 125 push -q --creds "$WHO" --compression-format zstd box "$TOKENS/onlydocker/box:3"
  is "$output" "Error: writing manifest: uploading manifest 3 to $TOKENS/onlydocker/box: manifest invalid"
  run_coracle 125 push -q --creds "$WHO" --format v2s1 box "$TOKENS/team/box:1"
  is "$output" "Error: --format v2s1 is not supported: that format was given up in 2016; use oci or v2s2"
  run_coracle 125 push -q --creds "$WHO" --format v3 box "$TOKENS/team/box:1"
  has "$output" 'unknown format "v3"'
}

@test "both refused: what was tried is told" {
  run_coracle 125 push -q --creds "$WHO" box "$TOKENS/refuses/box:1"
  has "$output" "Error: uploading manifest failed, attempted the following formats: $OCI.manifest.v1+json("
  has "$output" "$DOCKER.manifest.v2+json(writing manifest: uploading manifest 1 to $TOKENS/refuses/box: manifest invalid)"
}

@test "lists: likewise, with their images" {
  run_coracle manifest create list box
  run_coracle manifest push -q --all --creds "$WHO" list "$TOKENS/onlydocker/list:1"
  is "$(type_of onlydocker/list:1)" "$DOCKER.manifest.list.v2+json"
  run_coracle pull -q --creds "$WHO" "$TOKENS/onlydocker/list:1"
  is "$output" "$(coracle image inspect --format '{{.Id}}' box)"
  run_coracle manifest push -q --all --creds "$WHO" list "$TOKENS/onlyoci/list:1"
  is "$(type_of onlyoci/list:1)" "$OCI.index.v1+json"
  run_coracle manifest rm list
}
