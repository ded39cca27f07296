#!/usr/bin/env bats
# image trust: the policy shown and changed; what is wrong changes nothing.

load helpers

setup_file() {
  basic_setup_file
  export POLICY=$TEST_STORE/policy.json REGISTRIES=$TEST_STORE/registries.d K=$TEST_STORE/keys GNUPGHOME=$TEST_STORE/gnupg
  mkdir -p "$REGISTRIES" "$K"
  mkdir -m 700 "$GNUPGHOME"
  gpg --batch --quiet --passphrase '' --quick-gen-key 'Good One <good@test>' default default never 2>/dev/null
  gpg --batch --quiet --passphrase '' --quick-gen-key plainname default default never 2>/dev/null
  gpg --batch --quiet --armor --export good@test >"$K/good.asc"
  gpg --batch --quiet --export >"$K/both.gpg"
}

setup() {
  basic_setup
  rm -f "$POLICY"
}

teardown_file() {
  gpgconf --kill gpg-agent 2>/dev/null || true
  basic_teardown_file
}

trust_set() { run_coracle image trust set --policypath "$POLICY" "$@"; }
show() { run_coracle image trust show --policypath "$POLICY" --registrypath "$REGISTRIES" "$@"; }

@test "image trust set: a new file, each type, what is there stays" {
  trust_set --type accept default
  is "$output" ""
  is "$(cat "$POLICY")" '{
    "default": [
        {
            "type": "insecureAcceptAnything"
        }
    ]
}'
  is "$(stat -c %a "$POLICY")" 644
  trust_set -t reject docker.io/library
  trust_set -t accept docker.io/library/busybox:1
  trust_set -f "$K/good.asc" a.test:5000/team
  trust_set -t signedBy -f "$K/good.asc" --pubkeysfile /other.gpg b.test
  trust_set -t sigstoreSigned -f /sig.pub '*.c.test'
  is "$(jq -c .transports "$POLICY")" "{\"docker\":{\"*.c.test\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/sig.pub\"}],\
\"a.test:5000/team\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"$K/good.asc\"}],\
\"b.test\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"$K/good.asc\"},{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/other.gpg\"}],\
\"docker.io/library\":[{\"type\":\"reject\"}],\"docker.io/library/busybox:1\":[{\"type\":\"insecureAcceptAnything\"}]}}"
  trust_set -t reject b.test
  trust_set -t reject default
  is "$(jq -c '[.default, .transports.docker["b.test"], (.transports.docker | length)]' "$POLICY")" '[[{"type":"reject"}],[{"type":"reject"}],5]'
  # what this version does not know stays
  printf '{"default": [{"type": "reject"}], "transports": {"dir": {"/x": [{"type": "reject"}]}, "docker": {"z.test": [{"type": "what", "x": 1}]}}}' >"$POLICY"
  trust_set --signature-policy "$POLICY" -t accept y.test
  is "$(jq -c . "$POLICY")" '{"default":[{"type":"reject"}],"transports":{"dir":{"/x":[{"type":"reject"}]},"docker":{"y.test":[{"type":"insecureAcceptAnything"}],"z.test":[{"type":"what","x":1}]}}}'
}

@test "image trust set: what is wrong changes nothing" {
  local case before
  trust_set -t accept default
  before=$(cat "$POLICY")
  # shellcheck disable=SC2089 # the quotes are text
  for case in "--type bogus default|invalid choice: bogus (choose from 'accept', 'reject', 'signedBy', 'sigstoreSigned')" "default|at least one public key must be defined for type 'signedBy'" \
    "-t sigstoreSigned x.test|at least one public key must be defined for type 'sigstoreSigned'" "-t accept -f /x -f /y x.test|2 public keys unexpectedly provided for trust type accept" \
    "-t reject https://x.test|invalid image uri: https://x.test" "-t reject x*.test|invalid image uri: x*.test" "-t reject a b|accepts 1 arg(s), received 2" "-t reject|accepts 1 arg(s), received 0"; do
    # shellcheck disable=SC2086,SC2090 # words
    trust_set_fails ${case%%|*}
    has "$output" "Error: ${case#*|}" "$case"
  done
  trust_set_fails -t reject 'a b'
  trust_set_fails -t reject ''
  trust_set_fails -t reject $'bad\377'
  is "$(cat "$POLICY")" "$before"
  for case in '{' '[]' '{"default": 1, "default": 2}' '{"default": [], "transports": []}' '{"default": [], "transports": {"docker": 7}}'; do
    printf '%s' "$case" >"$POLICY"
    trust_set_fails -t reject x.test
    is "$(cat "$POLICY")" "$case"
  done
  rm "$POLICY"
  trust_set_fails -t reject x.test
  is "$output" "Error: default trust policy must be set"
  [ ! -e "$POLICY" ] || fail "a file was made"
  run_coracle 125 image trust set --policypath /no/such/policy.json -t accept default
  has "$output" "writing /no/such/policy.json: No such file or directory"
}

trust_set_fails() { run_coracle 125 image trust set --policypath "$POLICY" "$@"; }

@test "image trust show: table, JSON, as it is" {
  printf 'default-docker:\n  lookaside: file:///def\ndocker:\n  f.test:\n    lookaside: https://sigs.test/x\n  g.test/a:\n    lookaside: file:///look\n    lookaside-staging: file:///stage\n' >"$REGISTRIES/a.yaml"
  printf '{"default": [{"type": "reject"}], "transports": {"docker-daemon": {"": [{"type": "insecureAcceptAnything"}]}, "dir": {"/x": [{"type": "reject"}]},
    "docker": {"z.test": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "%s"}, {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "%s"}],
    "f.test/app:1": [{"type": "sigstoreSigned", "keyPath": "/x"}], "g.test/a": [{"type": "signedBy", "keyType": "GPGKeys", "keyData": "%s"}], "w.test": [{"type": "what"}], "no.test": [{"type": "signedBy", "keyPath": "/no/such"}]}}}' \
    "$K/good.asc" "$K/both.gpg" "$(base64 -w0 "$K/good.asc")" >"$POLICY"
  show
  is "$(sed 's/ *$//' <<<"$output")" 'TRANSPORT      NAME          TYPE            ID                    STORE
all            default       reject                                file:///def
dir            /x            reject                                file:///def
repository     f.test/app:1  sigstoreSigned  N/A                   https://sigs.test/x
repository     g.test/a      signed          good@test             file:///look
repository     no.test       signed                                file:///def
repository     w.test                                              file:///def
repository     z.test        signed          good@test             file:///def
repository     z.test        signed          good@test, plainname  file:///def
docker-daemon                accept                                file:///def'
  show -n
  is "${#lines[@]}" 9
  show --json
  is "$(jq -c '.[0], .[2], .[-1]' <<<"$output")" '{"transport":"all","name":"* (default)","repo_name":"default","sigstore":"file:///def","type":"reject"}
{"transport":"repository","name":"f.test/app:1","repo_name":"f.test/app:1","sigstore":"https://sigs.test/x","type":"sigstoreSigned","gpg_id":"N/A"}
{"transport":"docker-daemon","sigstore":"file:///def","type":"accept"}'
  is "${lines[1]}" '  {'
  is "$(jq -c 'map(.gpg_id)' <<<"$output")" '[null,null,"N/A","good@test",null,null,"good@test","good@test, plainname",null]'
  show --raw
  is "$output" "$(cat "$POLICY")"
  show -n z.test/team/app:1
  is "$(awk '{print $1, $2}' <<<"$output")" "all default
repository z.test
repository z.test"
  show -n f.test
  is "$(awk '{print $1, $2}' <<<"$output")" "all default
repository f.test/app:1"
  show -n f.tes
  is "${#lines[@]}" 1 "the default alone"
  # without any registries.d nobody says where
  run_coracle image trust show --policypath "$POLICY" --registrypath /no/such -n
  not_like "$output" "file:"
  # nothing of gpg's is left
  is "$(ls "$TMPDIR")" ""
}

@test "image trust show: what cannot be shown" {
  run_coracle 125 image trust show --policypath "$POLICY"
  is "$output" "Error: open $POLICY: No such file or directory"
  echo '{' >"$POLICY"
  run_coracle 125 image trust show --policypath "$POLICY"
  has "$output" "$POLICY"
  run_coracle image trust show --raw --policypath "$POLICY"
  is "$output" '{'
  echo '{"default": [{"type": "reject"}]}' >"$POLICY"
  mkdir "$TEST_STORE/broken"
  printf 'x: [1\n' >"$TEST_STORE/broken/b.yaml"
  run_coracle 125 image trust show --policypath "$POLICY" --registrypath "$TEST_STORE/broken"
  has "$output" "b.yaml: line 1"
}

@test "the policy that pull reads is the one that is meant" {
  mkdir -p "$XDG_CONFIG_HOME/containers"
  echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$XDG_CONFIG_HOME/containers/policy.json"
  run_coracle image trust set -t reject localhost/never
  run_coracle image trust show
  like "$output" 'repository +localhost/never +reject'
  run_coracle 125 pull -q localhost/never/app:1
  has "$output" "rejected by policy"
  rm -r "$XDG_CONFIG_HOME/containers"
}

@test "image trust: help, and what is no command of it" {
  run_coracle image trust --help
  like "$output" '  set +Say what is trusted of a registry'
  like "$output" '  show +Show what the policy trusts'
  run_coracle image --help
  like "$output" '  trust +Say which images may be pulled'
  run_coracle 125 image trust
  has "$output" "coracle image trust"
  run_coracle 125 image trust sho
  has "$output" "unrecognized command \`coracle image trust sho\`"
  has "$output" "show"
  run_coracle image trust set --help
  has "$output" "coracle image trust set [options] REGISTRY"
  run_coracle help image trust show
  has "$output" "coracle image trust show [options] [REGISTRY]"
}
