#!/usr/bin/env bats
# policy.json: what is accepted, rejected, signed by GPG or by a sigstore key, and as whom; what is broken, or cannot be checked, refuses.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  push_fixture signed/app:1
  push_fixture signed/app:2
  push_fixture plain/app:1
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf K=$TEST_STORE/keys GNUPGHOME=$TEST_STORE/gnupg CONTAINERS=$XDG_CONFIG_HOME/containers
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n[[registry]]\nprefix = "mirror.test"\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
  mkdir -p "$K" "$CONTAINERS/registries.d"
  local key
  for key in a b; do
    openssl ecparam -name prime256v1 -genkey -noout -out "$K/$key.pem" 2>/dev/null
    openssl ec -in "$K/$key.pem" -pubout -out "$K/$key.pub" 2>/dev/null
  done
  DIGEST=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REGISTRY/signed/app:1")
  export DIGEST
  printf 'docker:\n  %s:\n    use-sigstore-attachments: true\n    lookaside: file://%s/lookaside\n' "$REGISTRY" "$TEST_STORE" >"$CONTAINERS/registries.d/test.yaml"
}

setup() {
  basic_setup
  coracle rmi -af >/dev/null 2>&1 || true
}

teardown_file() {
  gpgconf --kill gpg-agent 2>/dev/null || true
  stop_registries
  basic_teardown_file
}

# policy REQUIREMENTS: what is asked of all images of the registry
policy() {
  printf '{"default": [{"type": "reject"}], "transports": {"oci": {"": [{"type": "insecureAcceptAnything"}]}, "docker": {"%s": %s, "mirror.test": %s}}}' "$REGISTRY" "$1" "$1" >"$CONTAINERS/policy.json"
}

# payload TYPE REFERENCE [DIGEST]
payload() {
  printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"%s"},"optional":{"creator":"tests","timestamp":1700000000}}' "$2" "${3:-$DIGEST}" "$1"
}

# attach KEY PAYLOAD-FILE…: sigstore signatures of $DIGEST by KEY ("-": a broken one), in place of those that are there
attach() {
  local key=$1
  shift
  python3 - "$REGISTRY" signed/app "sha256-${DIGEST#sha256:}.sig" "$key" "$@" <<'PY'
import base64, hashlib, json, subprocess, sys, urllib.request
host, repository, tag, key, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]
base = "http://%s/v2/%s" % (host, repository)
def ask(method, url, data=None, kind="application/octet-stream"):
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})
    return urllib.request.urlopen(request)
def blob(data, kind):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    place = ask("POST", base + "/blobs/uploads/", b"").headers["Location"]
    ask("PUT", place + ("&" if "?" in place else "?") + "digest=" + digest, data)
    return {"mediaType": kind, "digest": digest, "size": len(data)}
layers = []
for name in files:
    data = open(name, "rb").read()
    layer = blob(data, "application/vnd.dev.cosign.simplesigning.v1+json")
    raw = b"broken" if key == "-" else subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, name], check=True, stdout=subprocess.PIPE).stdout
    layer["annotations"] = {"dev.cosignproject.cosign/signature": base64.b64encode(raw).decode()}
    layers.append(layer)
manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": blob(b"{}", "application/vnd.oci.image.config.v1+json"), "layers": layers}
ask("PUT", base + "/manifests/" + tag, json.dumps(manifest).encode(), manifest["mediaType"])
PY
}

COSIGN='cosign container image signature'
SIMPLE='atomic container signature'

allowed() {
  run_coracle pull -q "$1"
  run_coracle rmi -f "$1"
}

refused() {
  run_coracle 125 pull -q "$1"
  has "$output" "Source image rejected: $2"
  run_coracle images -q
  is "$output" "" "nothing of it is here"
}

@test "sigstoreSigned: signed, not signed, by another key, for another image" {
  policy "[{\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/a.pub\"}]"
  refused "$REGISTRY/signed/app:1" "A signature was required, but no signature exists"
  payload "$COSIGN" "$REGISTRY/signed/app:1" >"$K/payload"
  attach "$K/a.pem" "$K/payload"
  allowed "$REGISTRY/signed/app:1"
  allowed "$REGISTRY/signed/app@$DIGEST"
  refused "$REGISTRY/plain/app:1" "A signature was required, but no signature exists"
  refused "$REGISTRY/signed/app:2" "Signature for identity \"$REGISTRY/signed/app:1\" is not accepted"
  run_coracle run --rm "$REGISTRY/signed/app:1"
  attach "$K/b.pem" "$K/payload"
  coracle rmi -af >/dev/null
  refused "$REGISTRY/signed/app:1" "cryptographic signature verification failed"
  attach - "$K/payload"
  refused "$REGISTRY/signed/app:1" "cryptographic signature verification failed"
  payload "$COSIGN" "$REGISTRY/signed/app:1" "sha256:$(printf '0%.0s' {1..64})" >"$K/other"
  attach "$K/a.pem" "$K/other"
  refused "$REGISTRY/signed/app:1" "Signature for docker digest"
  attach "$K/a.pem" "$K/other" "$K/payload"
  allowed "$REGISTRY/signed/app:1"
  payload "$SIMPLE" "$REGISTRY/signed/app:1" >"$K/kind"
  printf '%s ' "$(payload "$COSIGN" "$REGISTRY/signed/app:1" | sed 's/"type"/"more":1,"type"/')" >"$K/more"
  attach "$K/a.pem" "$K/kind" "$K/more"
  refused "$REGISTRY/signed/app:1" "None of the signatures were accepted, reasons: the payload of the signature has not the form that it should have; the payload"
  attach "$K/a.pem" "$K/payload"
}

@test "sigstoreSigned: keys as data, several keys, two requirements" {
  payload "$COSIGN" "$REGISTRY/signed/app:1" >"$K/payload"
  attach "$K/a.pem" "$K/payload"
  policy "[{\"type\": \"sigstoreSigned\", \"keyData\": \"$(base64 -w0 "$K/a.pub")\"}]"
  allowed "$REGISTRY/signed/app:1"
  policy "[{\"type\": \"sigstoreSigned\", \"keyDatas\": [\"$(base64 -w0 "$K/b.pub")\", \"$(base64 -w0 "$K/a.pub")\"]}]"
  allowed "$REGISTRY/signed/app:1"
  policy "[{\"type\": \"sigstoreSigned\", \"keyPaths\": [\"$K/b.pub\", \"$K/a.pub\"]}, {\"type\": \"insecureAcceptAnything\"}]"
  allowed "$REGISTRY/signed/app:1"
  policy "[{\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/a.pub\"}, {\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/b.pub\"}]"
  refused "$REGISTRY/signed/app:1" "cryptographic"
  policy "[{\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/a.pub\"}, {\"type\": \"reject\"}]"
  refused "$REGISTRY/signed/app:1" "Running image docker://$REGISTRY/signed/app:1 is rejected by policy."
}

@test "signedIdentity: every kind" {
  local with='"type": "sigstoreSigned", "keyPath": "'$K/a.pub'", "signedIdentity"'
  payload "$COSIGN" "$REGISTRY/signed/app:1" >"$K/payload"
  attach "$K/a.pem" "$K/payload"
  policy "[{$with: {\"type\": \"matchExact\"}}]"
  allowed "$REGISTRY/signed/app:1"
  refused "$REGISTRY/signed/app:2" "Signature for identity"
  refused "$REGISTRY/signed/app@$DIGEST" "Signature for identity"
  policy "[{$with: {\"type\": \"matchRepoDigestOrExact\"}}]"
  allowed "$REGISTRY/signed/app@$DIGEST"
  refused "$REGISTRY/signed/app:2" "Signature for identity"
  policy "[{$with: {\"type\": \"matchRepository\"}}]"
  allowed "$REGISTRY/signed/app:2"
  refused mirror.test/signed/app:1 "A signature was required"
  printf 'docker:\n  mirror.test:\n    use-sigstore-attachments: true\n' >"$CONTAINERS/registries.d/mirror.yaml"
  refused mirror.test/signed/app:1 "Signature for identity"
  policy "[{$with: {\"type\": \"exactReference\", \"dockerReference\": \"$REGISTRY/signed/app:1\"}}]"
  allowed mirror.test/signed/app:2
  policy "[{$with: {\"type\": \"exactReference\", \"dockerReference\": \"$REGISTRY/signed/app:2\"}}]"
  refused "$REGISTRY/signed/app:2" "Signature for identity"
  policy "[{$with: {\"type\": \"exactRepository\", \"dockerRepository\": \"$REGISTRY/signed/app\"}}]"
  allowed mirror.test/signed/app:2
  policy "[{$with: {\"type\": \"remapIdentity\", \"prefix\": \"mirror.test\", \"signedPrefix\": \"$REGISTRY\"}}]"
  allowed mirror.test/signed/app:1
  refused mirror.test/signed/app:2 "Signature for identity"
  policy "[{$with: {\"type\": \"remapIdentity\", \"prefix\": \"mirror.tes\", \"signedPrefix\": \"$REGISTRY\"}}]"
  refused mirror.test/signed/app:1 "Signature for identity"
  rm "$CONTAINERS/registries.d/mirror.yaml"
  # cosign's own name the repository alone
  payload "$COSIGN" "$REGISTRY/signed/app" | sed 's/"optional":.*/"optional":null}/' >"$K/cosign"
  attach "$K/a.pem" "$K/cosign"
  refused_default "$REGISTRY/signed/app:1"
  policy "[{$with: {\"type\": \"matchRepository\"}}]"
  allowed "$REGISTRY/signed/app:1"
}

refused_default() {
  policy "[{\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/a.pub\"}]"
  refused "$1" "Signature for identity"
}

# sign NUMBER KEY PAYLOAD [GPG OPTIONS]: a signature of $DIGEST in the lookaside folder
sign() {
  local number=$1 key=$2 folder=$TEST_STORE/lookaside/signed/app@sha256=${DIGEST#sha256:}
  mkdir -p "$folder"
  printf '%s' "$3" >"$K/message"
  shift 3
  rm -f "$folder/signature-$number"
  gpg --batch --quiet --yes -u "$key" "$@" --output "$folder/signature-$number" --sign "$K/message"
}

@test "signedBy: GPG" {
  needs gpg gpg-agent
  local key
  mkdir -m 700 "$GNUPGHOME"
  for key in good@test other@test; do
    gpg --batch --quiet --passphrase '' --quick-gen-key "$key" default default never 2>/dev/null
    gpg --batch --quiet --armor --export "$key" >"$K/$key.asc"
  done
  policy "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"$K/good@test.asc\"}]"
  refused "$REGISTRY/signed/app:1" "A signature was required, but no signature exists"
  sign 1 good@test "$(payload "$SIMPLE" "$REGISTRY/signed/app:1")"
  allowed "$REGISTRY/signed/app:1"
  allowed "$REGISTRY/signed/app@$DIGEST"
  refused "$REGISTRY/signed/app:2" "Signature for identity"
  refused "$REGISTRY/plain/app:1" "A signature was required"
  sign 1 other@test "$(payload "$SIMPLE" "$REGISTRY/signed/app:1")"
  refused "$REGISTRY/signed/app:1" "Invalid GPG signature"
  sign 2 good@test "$(payload "$SIMPLE" "$REGISTRY/signed/app:1")"
  allowed "$REGISTRY/signed/app:1"
  rm -r "$TEST_STORE/lookaside"
  sign 1 good@test "$(payload "$COSIGN" "$REGISTRY/signed/app:1")"
  refused "$REGISTRY/signed/app:1" "the payload"
  # two signers of one message, a message without signature, garbage
  sign 1 good@test "$(payload "$SIMPLE" "$REGISTRY/signed/app:1")" -u other@test
  refused "$REGISTRY/signed/app:1" "Invalid GPG signature"
  local file="$TEST_STORE/lookaside/signed/app@sha256=${DIGEST#sha256:}/signature-1"
  gpg --batch --quiet --yes --output "$file" --store "$K/message"
  refused "$REGISTRY/signed/app:1" "Invalid GPG signature"
  head -c 1000 /dev/urandom >"$file"
  refused "$REGISTRY/signed/app:1" "Invalid GPG signature"
  printf '%s' "$(payload "$SIMPLE" "$REGISTRY/signed/app:1")" | gpg --batch --yes --quiet -u good@test --clearsign --output "$file"
  refused "$REGISTRY/signed/app:1" "Invalid GPG signature: no signed message"
  # an expired signature
  sign 1 good@test "$(payload "$SIMPLE" "$REGISTRY/signed/app:1")" --default-sig-expire seconds=1
  sleep 2
  refused "$REGISTRY/signed/app:1" "Invalid GPG signature"
  sign 1 good@test "$(payload "$SIMPLE" "$REGISTRY/signed/app:1")"
  policy "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyData\": \"$(gpg --batch --export good@test | base64 -w0)\", \"signedIdentity\": {\"type\": \"matchRepository\"}}]"
  allowed "$REGISTRY/signed/app:2"
  policy "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPaths\": [\"$K/other@test.asc\", \"$K/good@test.asc\"]}]"
  allowed "$REGISTRY/signed/app:1"
  policy "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"$K/a.pub\"}]"
  run_coracle 125 pull -q "$REGISTRY/signed/app:1"
  has "$output" "gpg finds no public key in it"
  # what we sign ourselves; a passphrase from a file
  run_coracle pull -q --tls-verify=false "oci:$TEST_STORE/layout:app"
  local own
  own=$(coracle images -q --no-trunc | head -n 1)
  policy "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"$K/good@test.asc\"}]"
  run_coracle_out push --sign-by good@test --digestfile "$K/digest" "$own" "$REGISTRY/own/app:1"
  has "$stderr" "Creating signature: Signing image using simple signing"
  [ -s "$TEST_STORE/lookaside/own/app@sha256=$(cut -d: -f2 "$K/digest")/signature-1" ] || fail "no signature"
  run_coracle rmi -f "$own"
  allowed "$REGISTRY/own/app:1"
  run_coracle pull -q "oci:$TEST_STORE/layout:app"
  echo secret >"$K/passphrase"
  gpg --batch --quiet --pinentry-mode loopback --passphrase secret --quick-gen-key locked@test default default never 2>/dev/null
  gpg --batch --quiet --export locked@test >"$K/locked.gpg"
  run_coracle push -q --sign-by locked@test --sign-passphrase-file "$K/passphrase" "$own" "$REGISTRY/own/locked:1"
  policy "[{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"$K/locked.gpg\"}]"
  run_coracle 125 push -q --sign-by nobody@test "$own" "$REGISTRY/own/none:1"
  has "$output" "creating signature: key \"nobody@test\" not found"
  run_coracle 125 push -q --sign-by good@test "$own" "dir:$TEST_STORE/dir2"
  has "$output" "Cannot determine canonical Docker reference for destination dir:"
  run_coracle 125 push --sign-passphrase-file x "$own" "$REGISTRY/own/none:1"
  run_coracle rmi -f "$own"
  allowed "$REGISTRY/own/locked:1"
  # nothing of gpg's is left
  is "$(ls "$TMPDIR")" ""
}

@test "policy.json: local transports, scopes, what is broken" {
  skopeo --insecure-policy copy -q "oci:$TEST_STORE/layout:app" "dir:$TEST_STORE/dir"
  printf '{"default": [{"type": "insecureAcceptAnything"}], "transports": {"docker": {"": [{"type": "reject"}], "%s/plain": [{"type": "insecureAcceptAnything"}]}}}' "$REGISTRY" >"$CONTAINERS/policy.json"
  allowed "$REGISTRY/plain/app:1"
  refused "$REGISTRY/signed/app:1" "Running image docker://$REGISTRY/signed/app:1 is rejected by policy."
  printf '{"default": [{"type": "insecureAcceptAnything"}], "transports": {"dir": {"%s": [{"type": "reject"}]}, "docker-archive": {"": [{"type": "reject"}]}}}' "$TEST_STORE" >"$CONTAINERS/policy.json"
  refused "dir:$TEST_STORE/dir" "Running image dir:$TEST_STORE/dir is rejected by policy."
  run_coracle pull -q "oci:$TEST_STORE/layout:app"
  run_coracle save -q -o "$TEST_STORE/saved.tar" "$(coracle images -q)"
  run_coracle rmi -af
  run_coracle 125 load -q -i "$TEST_STORE/saved.tar"
  has "$output" "Source image rejected: Running image docker-archive:$TEST_STORE/saved.tar is rejected by policy."
  local case
  for case in '[]|must not be empty' '[{"type": "what"}]|unknown policy requirement type "what"' '[{"type": "reject", "x": 1}]|unknown key "x"' \
    '[{"type": "sigstoreSigned"}]|exactly one of' '[{"type": "sigstoreSigned", "keyPath": "/x", "keyData": "y"}]|exactly one of' '[{"type": "sigstoreSigned", "keyPath": 7}]|keyPath' \
    '[{"type": "sigstoreSigned", "fulcio": {}}]|fulcio is not checked in this version' '[{"type": "sigstoreSigned", "keyPath": "/x", "rekorPublicKeyPath": "/y"}]|rekorPublicKeyPath is not checked' \
    '[{"type": "signedBy", "keyType": "X509", "keyPath": "/x"}]|keyType must be GPGKeys' '[{"type": "sigstoreSigned", "keyPath": "/x", "signedIdentity": {"type": "no"}}]|unknown policy reference match type "no"' \
    '[{"type": "sigstoreSigned", "keyPath": "/x", "signedIdentity": {"type": "exactReference"}}]|dockerReference is missing'; do
    policy "${case%%|*}"
    run_coracle 125 pull -q "$REGISTRY/signed/app:1"
    has "$output" "${case#*|}"
  done
  payload "$COSIGN" "$REGISTRY/signed/app:1" >"$K/payload"
  attach "$K/a.pem" "$K/payload"
  policy '[{"type": "sigstoreSigned", "keyPath": "/no/such/key"}]'
  run_coracle 125 pull -q "$REGISTRY/signed/app:1"
  has "$output" "open /no/such/key"
  echo '{' >"$CONTAINERS/policy.json"
  run_coracle 125 pull -q "$REGISTRY/plain/app:1"
  has "$output" "policy.json"
  rm "$CONTAINERS/policy.json"
  printf 'docker:\n  x: [1]\n' >"$CONTAINERS/registries.d/broken.yaml"
  policy "[{\"type\": \"sigstoreSigned\", \"keyPath\": \"$K/a.pub\"}]"
  run_coracle 125 pull -q "$REGISTRY/signed/app:1"
  has "$output" "broken.yaml: line 2"
  rm "$CONTAINERS/registries.d/broken.yaml" "$CONTAINERS/policy.json"
}
