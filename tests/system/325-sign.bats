#!/usr/bin/env bats
# Signatures that are made here: by sigstore keys and by GPG, of images, lists and artifacts; what Skopeo makes of those by GPG, and we of Skopeo's; what is refused.
# Debian 12's Skopeo has no sigstore: 327 is with one that has.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf K=$TEST_STORE/keys GNUPGHOME=$TEST_STORE/gnupg CONTAINERS=$XDG_CONFIG_HOME/containers LOOK=$TEST_STORE/lookaside
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
  mkdir -p "$K" "$CONTAINERS/registries.d"
  mkdir -m 700 "$GNUPGHOME"
  openssl ecparam -name prime256v1 -genkey -noout -out "$K/ec.pem" 2>/dev/null
  openssl genpkey -quiet -algorithm ed25519 -out "$K/ed.pem" 2>/dev/null || openssl genpkey -algorithm ed25519 -out "$K/ed.pem" 2>/dev/null
  openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out "$K/rsa.pem" 2>/dev/null
  local key
  for key in ec ed rsa; do
    openssl pkey -in "$K/$key.pem" -pubout -out "$K/$key.pub" 2>/dev/null
    "$TESTS_DIR/fixtures/sigstore-key.py" "$K/$key.pem" secret >"$K/$key.private"
  done
  echo secret >"$K/pass"
  echo wrong >"$K/wrong"
  printf 'privateKeyFile: "%s"\nprivateKeyPassphraseFile: %s # the secret\n' "$K/ec.private" "$K/pass" >"$K/good.yaml"
  printf 'docker:\n  %s:\n    use-sigstore-attachments: true\n    lookaside: file://%s\n  %s/none:\n    lookaside: https://nowhere.test\n    use-sigstore-attachments: false\n' "$REGISTRY" "$LOOK" "$REGISTRY" >"$CONTAINERS/registries.d/test.yaml"
  for key in good@test other@test; do
    gpg --batch --quiet --passphrase '' --quick-gen-key "$key" default default never 2>/dev/null
    gpg --batch --quiet --armor --export "$key" >"$K/$key.asc"
  done
  make_layout "$TEST_STORE/layout"
  coracle tag "$(coracle pull -q "oci:$TEST_STORE/layout:app")" app
}

setup() {
  basic_setup
  rm -rf "$LOOK"
}

teardown_file() {
  gpgconf --kill gpg-agent 2>/dev/null || true
  stop_registries
  basic_teardown_file
}

# policy REQUIREMENTS: what is asked of all images of the registry, of us and of skopeo
policy() {
  printf '{"default": [{"type": "reject"}], "transports": {"oci": {"": [{"type": "insecureAcceptAnything"}]}, "docker": {"%s": %s}}}' "$REGISTRY" "$1" >"$CONTAINERS/policy.json"
}

by_sigstore() { policy "[{\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/$1.pub\"}]"; }
by_gpg() { policy "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"$K/$1.asc\"}]"; }

sk() { skopeo --policy "$CONTAINERS/policy.json" --registries.d "$CONTAINERS/registries.d" "$@"; }

# accepted NAME: by us, and by skopeo, where the policy is not about sigstore
accepted() {
  run_coracle pull -q "$REGISTRY/$1"
  if grep -q sigstore "$CONTAINERS/policy.json"; then return; fi
  rm -rf "$TEST_STORE/out"
  run sk copy -q --remove-signatures --src-tls-verify=false "docker://$REGISTRY/$1" "oci:$TEST_STORE/out:x"
  is "$status" 0 "skopeo: $output"
}

refused() {
  run_coracle 125 pull -q "$REGISTRY/$1"
  has "$output" "Source image rejected: $2"
  rm -rf "$TEST_STORE/out"
  run sk copy -q --remove-signatures --src-tls-verify=false "docker://$REGISTRY/$1" "oci:$TEST_STORE/out:x"
  isnt "$status" 0 "skopeo takes what we refuse"
}

sign_push() { run_coracle push -q --sign-passphrase-file "$K/pass" "$@"; }

raw() { curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/$1"; }

# tag_of NAME: of its signatures
tag_of() {
  local digest
  digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REGISTRY/$1")
  printf 'sha256-%s.sig' "${digest#sha256:}"
}

@test "push --sign-by-sigstore-private-key: accepted by us and by skopeo; another key, another name are not" {
  local key
  for key in ec ed rsa; do
    sign_push --sign-by-sigstore-private-key "$K/$key.private" app "$REGISTRY/$key/app:1"
    by_sigstore "$key"
    run_coracle pull -q "$REGISTRY/$key/app:1"
  done
  by_sigstore ec
  accepted ec/app:1
  refused rsa/app:1 "cryptographic signature verification failed"
  run_coracle push -q app "$REGISTRY/plain/app:1"
  refused plain/app:1 "A signature was required, but no signature exists"
  # the same image under another tag: the attachment is found, the name is not
  run_coracle push -q app "$REGISTRY/ec/app:2"
  refused ec/app:2 "Signature for identity \"$REGISTRY/ec/app:1\" is not accepted"
  sign_push --sign-by-sigstore-private-key "$K/ec.private" app "$REGISTRY/ec/app:2"
  accepted ec/app:2
  accepted ec/app:1
}

@test "the attachment: as containers' tools write it, grown by each signature, once each" {
  local tag
  run_coracle push --sign-passphrase-file "$K/pass" --sign-by-sigstore-private-key "$K/ec.private" app "$REGISTRY/att/app:1"
  has "$output" "Creating signature: Signing image using a sigstore signature"
  has "$output" "Storing signatures"
  tag=$(tag_of att/app:1)
  run raw "att/app/manifests/$tag"
  is "$(jq -c '[.schemaVersion, .mediaType, .config.mediaType, (.layers | length), .layers[0].mediaType, (.layers[0].annotations | keys)]' <<<"$output")" \
    '[2,"application/vnd.oci.image.manifest.v1+json","application/vnd.oci.image.config.v1+json",1,"application/vnd.dev.cosign.simplesigning.v1+json",["dev.cosignproject.cosign/signature"]]'
  local layer config
  layer=$(jq -r '.layers[0].digest' <<<"$output")
  config=$(jq -r .config.digest <<<"$output")
  is "$(raw "att/app/blobs/$config" | jq -c .rootfs)" "{\"type\":\"layers\",\"diff_ids\":[\"$layer\"]}"
  is "$(raw "att/app/blobs/$layer" | jq -c '.critical')" \
    "{\"identity\":{\"docker-reference\":\"$REGISTRY/att/app:1\"},\"image\":{\"docker-manifest-digest\":\"$(sed 's/-/:/; s/\.sig$//' <<<"$tag")\"},\"type\":\"cosign container image signature\"}"
  like "$(raw "att/app/blobs/$layer" | jq -c .optional)" '^\{"creator":"coracle [0-9.]+","timestamp":[0-9]+\}$'
  # cosign's own view: the signature is one of these bytes
  raw "att/app/blobs/$layer" >"$K/payload"
  jq -r '.layers[0].annotations[]' <<<"$output" | base64 -d >"$K/signature"
  openssl dgst -sha256 -verify "$K/ec.pub" -signature "$K/signature" "$K/payload"
  # another signer: behind the first
  sign_push --sign-by-sigstore-private-key "$K/rsa.private" app "$REGISTRY/att/app:1"
  is "$(raw "att/app/manifests/$tag" | jq '.layers | length')" 2
  policy "[{\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/ec.pub\"}, {\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/rsa.pub\"}]"
  accepted att/app:1
  # something else has the tag
  skopeo --insecure-policy copy -q --dest-tls-verify=false --format v2s2 "oci:$TEST_STORE/layout:app" "docker://$REGISTRY/att/app:$tag"
  run_coracle 125 push -q --sign-passphrase-file "$K/pass" --sign-by-sigstore-private-key "$K/ec.private" app "$REGISTRY/att/app:1"
  has "$output" "writing signatures: reading att/app:$tag: it is no OCI image"
}

@test "what skopeo signs by GPG, we take" {
  skopeo --insecure-policy --registries.d "$CONTAINERS/registries.d" copy -q --dest-tls-verify=false --sign-by good@test "oci:$TEST_STORE/layout:app" "docker://$REGISTRY/skopeo/app:2"
  by_gpg good@test
  accepted skopeo/app:2
  by_gpg other@test
  refused skopeo/app:2 "Invalid GPG signature"
}

@test "a manifest that was changed after it was signed" {
  sign_push --sign-by-sigstore-private-key "$K/ec.private" app "$REGISTRY/tamper/app:1"
  by_sigstore ec
  accepted tamper/app:1
  # the signatures of the one are laid beside another
  local tag other
  tag=$(tag_of tamper/app:1)
  skopeo --insecure-policy copy -q --dest-tls-verify=false --format v2s2 "oci:$TEST_STORE/layout:app" "docker://$REGISTRY/tamper/app:1"
  refused tamper/app:1 "A signature was required"
  other=$(tag_of tamper/app:1)
  isnt "$other" "$tag"
  skopeo --insecure-policy copy -q --remove-signatures --src-tls-verify=false --dest-tls-verify=false "docker://$REGISTRY/tamper/app:$tag" "docker://$REGISTRY/tamper/app:$other" ||
    raw "tamper/app/manifests/$tag" | curl -sf -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary @- "http://$REGISTRY/v2/tamper/app/manifests/$other"
  refused tamper/app:1 "Signature for docker digest"
}

@test "push --sign-by: both kinds at once, passphrases, skopeo agrees" {
  run_coracle push --sign-by good@test app "$REGISTRY/gpg/app:1"
  has "$output" "Creating signature: Signing image using simple signing"
  by_gpg good@test
  accepted gpg/app:1
  by_gpg other@test
  refused gpg/app:1 "Invalid GPG signature"
  run_coracle push -q --sign-by good@test --sign-by-sigstore "$K/good.yaml" app "$REGISTRY/gpg/app:2"
  policy "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"$K/good@test.asc\"}, {\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/ec.pub\"}]"
  accepted gpg/app:2
  refused gpg/app:1 "Signature for identity \"$REGISTRY/gpg/app:2\" is not accepted"
}

@test "push --sign-by-sigstore: a file of parameters" {
  run_coracle push -q --sign-by-sigstore "$K/good.yaml" app "$REGISTRY/params/app:1"
  by_sigstore ec
  accepted params/app:1
  # both ways: two signatures
  sign_push --sign-by-sigstore "$K/good.yaml" --sign-by-sigstore-private-key "$K/ed.private" app "$REGISTRY/params/app:2"
  is "$(raw "params/app/manifests/$(tag_of params/app:2)" | jq '.layers | length')" 3 "one of the first tag's, two of this"
  local case
  for case in 'fulcio:\n  fulcioURL: https://x|fulcio is not supported' 'privateKeyFile: x\nrekorURL: https://x|rekorURL is not supported' 'what: x|unknown key "what"' \
    'privateKeyPassphraseFile: x|there is no privateKeyFile' 'privateKeyFile: [|line 1' 'privateKeyFile: /no/such|open /no/such'; do
    # shellcheck disable=SC2059 # \n
    printf "${case%%|*}\n" >"$K/bad.yaml"
    run_coracle 125 push -q --sign-by-sigstore "$K/bad.yaml" app "$REGISTRY/params/app:3"
    has "$output" "${case#*|}"
  done
  run_coracle 125 push -q --sign-by-sigstore /no/such app "$REGISTRY/params/app:3"
  has "$output" "open /no/such: No such file or directory"
  run_coracle 125 pull -q "$REGISTRY/params/app:3"
}

@test "what cannot be signed is not pushed" {
  local case
  for case in "--sign-passphrase-file $K/wrong --sign-by-sigstore-private-key $K/ec.private|initializing private key: decrypt: encrypted: decryption failed" \
    "--sign-passphrase-file /no/such --sign-by-sigstore-private-key $K/ec.private|open /no/such: No such file or directory" \
    "--sign-by-sigstore-private-key $K/ec.private|no passphrase for key $K/ec.private" "--sign-by-sigstore-private-key /no/such|reading private key from /no/such: open /no/such: No such file" \
    "--sign-passphrase-file $K/pass --sign-by x --sign-by-sigstore-private-key y|only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key can be used with --sign-passphrase-file" \
    "--sign-passphrase-file $K/pass --sign-by-sigstore-private-key $K/ec.pub|initializing private key: unsupported pem type: PUBLIC KEY" \
    "--sign-passphrase-file $K/pass --sign-by-sigstore-private-key $K/ec.pem|unsupported pem type: EC PRIVATE KEY" \
    "--sign-passphrase-file $K/pass --sign-by-sigstore-private-key $K/pass|invalid pem block" \
    "--sign-by-sq-fingerprint ABCD|--sign-by-sq-fingerprint is not supported" "--sign-passphrase-file $K/pass|--sign-passphrase-file is for"; do
    # shellcheck disable=SC2086 # words
    run_coracle 125 push -q ${case%%|*} app "$REGISTRY/never/app:1"
    has "$output" "${case#*|}"
  done
  sed 's/privateKey/&/' "$K/ec.private" | head -c 300 >"$K/short.private"
  run_coracle 125 push -q --sign-passphrase-file "$K/pass" --sign-by-sigstore-private-key "$K/short.private" app "$REGISTRY/never/app:1"
  "$TESTS_DIR/fixtures/sigstore-key.py" "$K/ec.pem" secret "ENCRYPTED COSIGN PRIVATE KEY" 1024 >"$K/cosign.private"
  sign_push --sign-by-sigstore-private-key "$K/cosign.private" app "$REGISTRY/old/app:1"
  # places that take none
  run_coracle 125 push -q --sign-passphrase-file "$K/pass" --sign-by-sigstore-private-key "$K/ec.private" app "$REGISTRY/none/app:1"
  has "$output" "registries.d does not say use-sigstore-attachments: true for $REGISTRY/none/app"
  run_coracle 125 push -q --sign-by good@test app "$REGISTRY/none/app:1"
  has "$output" "Writing directly to https://nowhere.test is not supported. Configure a lookaside-staging: location"
  for case in dir oci oci-archive docker-archive; do
    run_coracle 125 push -q --sign-by good@test app "$case:$TEST_STORE/$case"
    has "$output" "Cannot determine canonical Docker reference for destination $case:"
  done
  # nothing of it is there
  policy '[{"type": "insecureAcceptAnything"}]'
  for case in never none; do run_coracle 125 pull -q "$REGISTRY/$case/app:1"; done
  [ ! -e "$TEST_STORE/dir" ] || fail "something was written"
}

@test "manifest push, and push of a list: the list and each of its images are signed" {
  run_coracle manifest create list
  run_coracle manifest add list app
  run_coracle push -q --format v2s2 app "$REGISTRY/src/app:1"
  run_coracle manifest add --os linux --arch arm64 list "docker://$REGISTRY/src/app:1"
  run_coracle manifest push --sign-by good@test --sign-by-sigstore "$K/good.yaml" list "docker://$REGISTRY/list/app:1"
  has "$output" "Storing list signatures"
  by_sigstore ec
  accepted list/app:1
  by_gpg good@test
  accepted list/app:1
  local digests
  digests=$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/list/app:1" | tee "$K/list" | jq -r '.manifests[].digest' | sort -u | wc -l)
  is "$(find "$LOOK/list" -name signature-1 | wc -l)" "$((digests + 1))" "one for each, and for the list"
  [ -e "$LOOK/list/app@sha256=$(sha256sum <"$K/list" | cut -d' ' -f1)/signature-1" ] || fail "the list is not signed"
  run_coracle manifest push -q --all=false --sign-by good@test list "docker://$REGISTRY/list/app:1"
  run_coracle push -q --sign-by good@test list "$REGISTRY/list/other:1"
  accepted list/other:1
  run_coracle 125 manifest push -q --sign-by good@test list "oci:$TEST_STORE/oci"
  has "$output" "Cannot determine canonical Docker reference"
}

@test "artifact push" {
  echo data >"$K/file"
  run_coracle artifact add "$REGISTRY/art/file:1" "$K/file"
  run_coracle artifact push -q --sign-by good@test --sign-by-sigstore "$K/good.yaml" "$REGISTRY/art/file:1"
  run_coracle artifact rm "$REGISTRY/art/file:1"
  by_sigstore ec
  run_coracle artifact pull -q "$REGISTRY/art/file:1"
  by_gpg good@test
  run_coracle artifact pull -q "$REGISTRY/art/file:1"
  by_sigstore rsa
  run_coracle 125 artifact pull -q "$REGISTRY/art/file:1"
  has "$output" "cryptographic signature verification failed"
}

@test "image sign: of what is in a registry" {
  run_coracle push -q app "$REGISTRY/is/app:1"
  run_coracle image sign --sign-by good@test "docker://$REGISTRY/is/app:1"
  is "$output" ""
  by_gpg good@test
  accepted is/app:1
  run_coracle image sign --sign-by other@test "docker://$REGISTRY/is/app:1"
  is "$(find "$LOOK/is" -type f | wc -l)" 2
  accepted is/app:1
  mkdir "$TEST_STORE/sigs"
  run_coracle manifest create signed
  run_coracle manifest add signed app
  run_coracle manifest push -q signed "docker://$REGISTRY/is/list:1"
  run_coracle image sign --sign-by good@test -d "$TEST_STORE/sigs" "docker://$REGISTRY/is/app:1" "docker://$REGISTRY/is/list:1"
  is "$(cd "$TEST_STORE/sigs" && find . -type f | sed 's/=[0-9a-f]*//' | sort)" "./is/app@sha256/signature-1
./is/list@sha256/signature-1"
  rm -r "$TEST_STORE/sigs/"*
  run_coracle image sign -a --sign-by good@test --directory "$TEST_STORE/sigs" "docker://$REGISTRY/is/list:1"
  is "$(ls -d "$TEST_STORE/sigs/is/"*)" "$TEST_STORE/sigs/is/list@sha256=$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/is/list:1" | jq -r '.manifests[0].digest' | cut -d: -f2)" "its image, not the list"
  # what is in the store, by the name that it has there
  run_coracle tag app stored.test/own/app:1
  run_coracle image sign --sign-by good@test -d "$TEST_STORE/sigs" containers-storage:stored.test/own/app:1
  has "$(gpg --batch --decrypt "$TEST_STORE/sigs/own/"app@sha256=*/signature-1 2>/dev/null)" '"docker-reference":"stored.test/own/app:1"'
  local case
  for case in "docker://$REGISTRY/is/app:1|no identity provided" "--sign-by good@test -d /no/such docker://$REGISTRY/is/app:1|/no/such: no such file or directory" \
    "--sign-by good@test docker://$REGISTRY/is/none:1|getting image source: reading manifest 1 in $REGISTRY/is/none: manifest unknown" \
    "--sign-by good@test dir:/x|cannot determine canonical Docker reference for destination dir:/x" "--sign-by nobody@test docker://$REGISTRY/is/app:1|not found" \
    "--sign-by good@test $REGISTRY/is/app:1|parsing image name: Invalid image name" "--sign-by good@test --all docker://$REGISTRY/is/app:1|is not a multi-architecture image" \
    "--sign-by good@test|requires at least 1 arg(s), only received 0"; do
    # shellcheck disable=SC2086 # words
    run_coracle 125 image sign ${case%%|*}
    has "$output" "${case#*|}"
  done
}

@test "--disable-content-trust: Docker's, which is never asked" {
  run_coracle push -q --disable-content-trust app "$REGISTRY/notary/app:1"
  policy '[{"type": "insecureAcceptAnything"}]'
  run_coracle pull -q --disable-content-trust "$REGISTRY/notary/app:1"
  run_coracle run --rm --disable-content-trust app true
  local command
  for command in "push app $REGISTRY/notary/app:1" "pull $REGISTRY/notary/app:1" "run app true" "create app"; do
    # shellcheck disable=SC2086 # words
    run_coracle 125 ${command%% *} --disable-content-trust=false ${command#* }
    has "$output" "--disable-content-trust=false: Docker's content trust is not supported"
  done
}

@test "an empty value is none; a key that does not open is no missing key" {
  run_coracle push -q --sign-by= --sign-by-sigstore= --sign-by-sigstore-private-key= --sign-passphrase-file= app "$REGISTRY/empty/app:1"
  policy '[{"type": "insecureAcceptAnything"}]'
  run_coracle pull -q "$REGISTRY/empty/app:1"
  gpg --batch --quiet --pinentry-mode loopback --passphrase secret --quick-gen-key locked@test default default never 2>/dev/null
  gpgconf --kill gpg-agent
  run_coracle 125 push -q --sign-by locked@test --sign-passphrase-file "$K/wrong" app "$REGISTRY/empty/app:2"
  has "$output" "creating signature: signing with key locked@test: gpg has failed"
  run_coracle push -q --sign-by locked@test --sign-passphrase-file "$K/pass" app "$REGISTRY/empty/app:2"
}

@test "passphrase: asked for on a terminal" {
  python3 - "$CORACLE" push -q --sign-by-sigstore-private-key "$K/ec.private" app "$REGISTRY/tty/app:1" >"$K/said" <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b""
while b"Passphrase for key" not in said:
    said += os.read(fd, 1000)
os.write(fd, b"secret\n")
try:
    while True:
        more = os.read(fd, 1000)
        if not more:
            break
        said += more
except OSError:
    pass
sys.stdout.write(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
  not_like "$(cat "$K/said")" secret "what is typed is not shown"
  by_sigstore ec
  accepted tty/app:1
  # not a terminal: the first line of standard input
  echo secret | coracle push -q --sign-by-sigstore-private-key "$K/ec.private" app "$REGISTRY/tty/app:2"
  accepted tty/app:2
}
