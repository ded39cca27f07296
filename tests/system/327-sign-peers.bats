#!/usr/bin/env bats
# Signatures between this, Podman and Skopeo, each under a policy that demands them. A tool that is not installed, or was built without sigstore (as Debian 12's), is skipped;
# $PEER_RUN names a program that runs a command elsewhere, where there is one.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf CONTAINERS=$XDG_CONFIG_HOME/containers S=$TEST_STORE/shared GNUPGHOME=$TEST_STORE/gnupg
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
  mkdir -m 700 "$GNUPGHOME"
  mkdir -m 1777 "$S" "$S/home" "$S/lookaside"
  mkdir -p "$CONTAINERS/registries.d" "$S/home/.config/containers/registries.d"
  printf 'docker:\n  %s:\n    use-sigstore-attachments: true\n    lookaside: file://%s\n' "$REGISTRY" "$S/lookaside" | tee "$CONTAINERS/registries.d/test.yaml" >"$S/home/.config/containers/registries.d/test.yaml"
  cp "$CONTAINERS_REGISTRIES_CONF" "$S/home/.config/containers/"
  local key
  for key in a b; do
    openssl ecparam -name prime256v1 -genkey -noout -out "$S/$key.pem" 2>/dev/null
    openssl pkey -in "$S/$key.pem" -pubout -out "$S/$key.pub" 2>/dev/null
    "$TESTS_DIR/fixtures/sigstore-key.py" "$S/$key.pem" secret "ENCRYPTED COSIGN PRIVATE KEY" >"$S/$key.private"
    gpg --batch --quiet --passphrase '' --quick-gen-key "$key@test" default default never 2>/dev/null
    gpg --batch --quiet --armor --export "$key@test" >"$S/$key.asc"
  done
  echo secret >"$S/pass"
  # its process that holds its namespace ends with it
  printf '#!/bin/sh\npodman "$@"; status=$?; podman system migrate >/dev/null 2>&1; exit $status\n' >"$S/podman"
  chmod 755 "$S/podman"
  chmod -R a+rX "$S"
  chmod -R a+w "$S/home"
  make_layout "$TEST_STORE/layout"
  coracle tag "$(coracle pull -q "oci:$TEST_STORE/layout:app")" app
  cp -r "$TEST_STORE/layout" "$S/layout"
}

teardown_file() {
  gpgconf --kill gpg-agent 2>/dev/null || true
  stop_registries
  basic_teardown_file
}

# peer COMMAND…: of another, with a home that knows the registry
peer() { ${PEER_RUN-} env -u CONTAINERS_REGISTRIES_CONF -u CONTAINERS_CONF HOME="$S/home" XDG_CONFIG_HOME="$S/home/.config" XDG_DATA_HOME="$S/home/data" "$@"; }

# need TOOL: with sigstore
need() {
  peer "$1" --version >/dev/null 2>&1 || skip "$1 is not installed"
  if peer skopeo --version >/dev/null 2>&1; then
    run peer skopeo --insecure-policy copy --dest-tls-verify=false --sign-by-sigstore-private-key "$S/a.private" --sign-passphrase-file "$S/pass" "oci:$S/layout:app" "docker://$REGISTRY/probe:1"
    [[ $output != *"sigstore disabled"* ]] || skip "$1 is without sigstore"
  fi
}

# policy REQUIREMENTS: of all
policy() {
  printf '{"default": [{"type": "reject"}], "transports": {"oci": {"": [{"type": "insecureAcceptAnything"}]}, "containers-storage": {"": [{"type": "insecureAcceptAnything"}]}, "docker": {"%s": %s}}}' "$REGISTRY" "$1" |
    tee "$CONTAINERS/policy.json" >"$S/home/.config/containers/policy.json"
}

sigstore() { policy "[{\"type\": \"sigstoreSigned\", \"keyPath\": \"$S/$1.pub\"}]"; }
simple() { policy "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"$S/$1.asc\"}]"; }

# try TOOL NAME: fetch it under the policy; leaves $status and $output
try() {
  if [ "$1" = podman ]; then
    run peer "$S/podman" pull -q --tls-verify=false "$REGISTRY/$2"
  else
    run peer skopeo copy -q --remove-signatures --src-tls-verify=false "docker://$REGISTRY/$2" "oci:$S/home/out-$RANDOM$RANDOM:x"
  fi
  printf '%s\n' "$1 $2: $output"
}

takes() {
  try "$@"
  is "$status" 0 "$1 takes $2"
}

refuses() {
  try "$1" "$2"
  isnt "$status" 0 "$1 takes $2"
  has "$output" "$3"
}

# ours TOOL: what we sign
ours() {
  run_coracle push -q --sign-passphrase-file "$S/pass" --sign-by-sigstore-private-key "$S/a.private" app "$REGISTRY/ours/app:1"
  run_coracle push -q app "$REGISTRY/ours/app:2"
  run_coracle push -q app "$REGISTRY/ours/plain:1"
  sigstore a
  takes "$1" ours/app:1
  refuses "$1" ours/app:2 "not accepted"
  refuses "$1" ours/plain:1 "A signature was required, but no signature exists"
  sigstore b
  refuses "$1" ours/app:1 "cryptographic signature verification failed"
  run_coracle push -q --sign-by a@test app "$REGISTRY/ours/gpg:1"
  chmod -R a+rX "$S/lookaside"
  simple a
  takes "$1" ours/gpg:1
  refuses "$1" ours/plain:1 "A signature was required"
  simple b
  refuses "$1" ours/gpg:1 "rejected"
  # a list
  coracle manifest rm list >/dev/null 2>&1 || true
  run_coracle manifest create list
  run_coracle manifest add list app
  run_coracle manifest push -q --sign-passphrase-file "$S/pass" --sign-by-sigstore-private-key "$S/a.private" list "docker://$REGISTRY/ours/list:1"
  sigstore a
  takes "$1" ours/list:1
  # the manifest of another tag, under the signatures of the first
  run_coracle push -q --format v2s2 app "$REGISTRY/ours/app:1"
  refuses "$1" ours/app:1 "A signature was required"
}

# theirs NAME: what somebody has signed as NAME with key a
theirs() {
  sigstore a
  run_coracle pull -q "$REGISTRY/$1"
  sigstore b
  run_coracle 125 pull -q "$REGISTRY/$1"
  has "$output" "cryptographic signature verification failed"
}

@test "skopeo: takes what we sign, and what it should not it refuses" {
  need skopeo
  ours skopeo
}

@test "skopeo: what it signs we take; signatures of both, side by side" {
  need skopeo
  policy '[{"type": "insecureAcceptAnything"}]'
  peer skopeo copy -q --dest-tls-verify=false --sign-by-sigstore-private-key "$S/a.private" --sign-passphrase-file "$S/pass" "oci:$S/layout:app" "docker://$REGISTRY/theirs/app:1"
  theirs theirs/app:1
  run_coracle push -q --sign-passphrase-file "$S/pass" --sign-by-sigstore-private-key "$S/b.private" app "$REGISTRY/theirs/app:1"
  sigstore b
  takes skopeo theirs/app:1
  run_coracle pull -q "$REGISTRY/theirs/app:1"
  sigstore a
  takes skopeo theirs/app:1
  # and they add to ours
  run_coracle push -q --sign-passphrase-file "$S/pass" --sign-by-sigstore-private-key "$S/b.private" app "$REGISTRY/both/app:1"
  policy '[{"type": "insecureAcceptAnything"}]'
  peer skopeo copy -q --dest-tls-verify=false --sign-by-sigstore-private-key "$S/a.private" --sign-passphrase-file "$S/pass" "oci:$S/layout:app" "docker://$REGISTRY/both/app:1"
  policy "[{\"type\": \"sigstoreSigned\", \"keyPath\": \"$S/a.pub\"}, {\"type\": \"sigstoreSigned\", \"keyPath\": \"$S/b.pub\"}]"
  takes skopeo both/app:1
  run_coracle pull -q "$REGISTRY/both/app:1"
}

@test "skopeo: a key that it made signs here" {
  need skopeo
  mkdir -m 777 "$S/made"
  peer skopeo generate-sigstore-key --output-prefix "$S/made/k" --passphrase-file "$S/pass"
  [ -r "$S/made/k.private" ] || chmod a+r "$S/made/k.private" || skip "its key cannot be read here"
  run_coracle push -q --sign-passphrase-file "$S/pass" --sign-by-sigstore-private-key "$S/made/k.private" app "$REGISTRY/made/app:1"
  sigstore made/k
  takes skopeo made/app:1
}

@test "podman: takes what we sign, and what it should not it refuses" {
  need podman
  ours podman
}

@test "skopeo: an artifact that we sign" {
  # Podman 5.8 itself pulls no artifact that has such a signature: it would keep it in an OCI layout, which cannot
  need skopeo
  echo data >"$TEST_STORE/file"
  run_coracle artifact add "$REGISTRY/ours/art:1" "$TEST_STORE/file"
  run_coracle artifact push -q --sign-passphrase-file "$S/pass" --sign-by-sigstore-private-key "$S/a.private" "$REGISTRY/ours/art:1"
  sigstore a
  takes skopeo ours/art:1
  sigstore b
  refuses skopeo ours/art:1 "cryptographic signature verification failed"
}

@test "podman: what it signs we take" {
  need podman
  policy '[{"type": "insecureAcceptAnything"}]'
  peer "$S/podman" pull -q "oci:$S/layout:app"
  local id
  id=$(peer "$S/podman" images -q --no-trunc | head -n 1)
  peer "$S/podman" push -q --tls-verify=false --sign-by-sigstore-private-key "$S/a.private" --sign-passphrase-file "$S/pass" "$id" "$REGISTRY/podman/app:1"
  theirs podman/app:1
}
