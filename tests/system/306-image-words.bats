#!/usr/bin/env bats
# What Podman's own tests ask of images: names with digests, uncompressed layers, what commit and a load of rubbish say.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  push_fixture team/app:1
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

@test "rmi NAME@DIGEST: one name of several, and with the last one the image" {
  local digest
  run_coracle pull -q "$REGISTRY/team/app:1"
  digest=$(coracle image inspect --format '{{.Digest}}' "$REGISTRY/team/app:1")
  run_coracle tag "$REGISTRY/team/app:1" x.test/y:1
  run_coracle 1 rmi "x.test/y@$digest"
  is "$output" "Error: x.test/y@$digest: tag not known"
  run_coracle rmi "$REGISTRY/team/app@$digest"
  is "$output" "Untagged: $REGISTRY/team/app@$digest"
  run_coracle image exists "$REGISTRY/team/app:1"
  run_coracle image exists x.test/y:1
  run_coracle rmi x.test/y:1
  run_coracle rmi "$REGISTRY/team/app@$digest"
  has "$output" "Deleted: "
  run_coracle images -q
  is "$output" ""
}

@test "save --uncompressed: plain tars that others read" {
  local blob
  run_coracle pull -q "$REGISTRY/team/app:1"
  run_coracle save -q --format oci-archive --uncompressed -o "$TEST_STORE/plain.tar" "$REGISTRY/team/app:1"
  mkdir "$TEST_STORE/plain"
  tar -C "$TEST_STORE/plain" -xf "$TEST_STORE/plain.tar"
  for blob in "$TEST_STORE"/plain/blobs/sha256/*; do
    is "$(sha256sum <"$blob" | cut -c 1-64)" "${blob##*/}" "digest"
    isnt "$(head -c 2 "$blob" | od -An -tx1)" " 1f 8b" "a gzip header"
  done
  skopeo --insecure-policy copy -q "oci-archive:$TEST_STORE/plain.tar" "dir:$TEST_STORE/dir"
  run_coracle load -q -i "$TEST_STORE/plain.tar"
  run_coracle run --rm "$REGISTRY/team/app:1"
  is "$output" "layer 3"
  run_coracle rmi -af
}

@test "load of what is no image" {
  echo "no image at all" >"$TEST_STORE/rubbish"
  run_coracle 125 load -i "$TEST_STORE/rubbish"
  has "$output" "payload does not match any of the supported image formats:"
  run coracle load <"$TEST_STORE/rubbish"
  is "$status" 125
  has "$output" "payload does not match any of the supported image formats:"
}

@test "commit says what it does, unless it is to be quiet" {
  fixture_image box
  run_coracle create --name one box true
  run_coracle_out commit one two
  like "$output" '^[0-9a-f]{64}$'
  has "$stderr" "Getting image source signatures"
  has "$stderr" "Copying config $output"
  has "$stderr" "Writing manifest to image destination"
  run_coracle_out commit -q one two
  is "$stderr" ""
  run_coracle rm one
}

@test "load and import from a URL" {
  local port
  port=$(free_port)
  mkdir -p "$TEST_STORE/www"
  cp "$(fixture busybox.tar)" "$TEST_STORE/www/root.tar"
  fixture_image box
  run_coracle save -q -o "$TEST_STORE/www/box.tar" box
  run_coracle rmi -af
  (cd "$TEST_STORE/www" && exec python3 -m http.server --bind 127.0.0.1 "$port" >/dev/null 2>&1 3>&-) &
  printf '%s\n' "$!" >>"$TEST_STORE/registry.pids"
  REGISTRY=127.0.0.1:$port wait_for 20 curl_registry
  run_coracle load -q -i "http://127.0.0.1:$port/box.tar"
  is "$output" "Loaded image: localhost/box:latest"
  run_coracle import -q "http://127.0.0.1:$port/root.tar" imported
  run_coracle run --rm imported echo hello
  is "$output" hello
  run_coracle 125 load -i "http://127.0.0.1:$port/nosuch"
  is "$output" "Error: downloading http://127.0.0.1:$port/nosuch: status 404"
  run_coracle 125 import "http://127.0.0.1:1/x"
  has "$output" "Error: downloading http://127.0.0.1:1/x: "
  run_coracle rmi -af
  is "$(ls -A "$STORE/tmp")" ""
}
