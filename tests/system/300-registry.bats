#!/usr/bin/env bats
# pull from a registry: names, policies, platforms, mirrors, short names, and several pulls at once.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
  push_fixture team/app:1
  push_fixture team/app:2
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  printf 'unqualified-search-registries = []\n[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

conf() {
  cat >"$TEST_STORE/conf.$BATS_TEST_NUMBER"
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/conf.$BATS_TEST_NUMBER
}

@test "pull: what is said, what is printed, and the image works" {
  run_coracle_out pull "$REGISTRY/team/app:1"
  like "$output" '^[0-9a-f]{64}$'
  has "$stderr" "Trying to pull $REGISTRY/team/app:1..."
  has "$stderr" "Getting image source signatures"
  has "$stderr" "Copying blob sha256:"
  has "$stderr" "Copying config sha256:$output"
  has "$stderr" "Writing manifest to image destination"
  run_coracle image exists "$REGISTRY/team/app:1"
  run_coracle run --rm "$REGISTRY/team/app:1"
  is "$output" "layer 3"
  run_coracle_out pull -q "docker://$REGISTRY/team/app:2"
  is "$stderr" ""
  run_coracle image inspect --format '{{.RepoDigests}}' "$REGISTRY/team/app:2"
  has "$output" "$REGISTRY/team/app@sha256:"
}

@test "pull: nothing that is there is fetched again" {
  local before after
  before=$(stat -c %Y.%Z "$STORE"/layers/* | sort)
  run_coracle pull -q "$REGISTRY/team/app:1"
  after=$(stat -c %Y.%Z "$STORE"/layers/* | sort)
  is "$after" "$before" "the layers' times"
}

@test "pull: by digest, all tags, and what is not there" {
  local digest
  digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REGISTRY/team/app:1")
  run_coracle pull -q "$REGISTRY/team/app@$digest"
  run_coracle rmi -f "$REGISTRY/team/app:1" "$REGISTRY/team/app:2"
  run_coracle_out pull -q --all-tags "$REGISTRY/team/app"
  is "${#lines[@]}" 2 "one id for each tag"
  run_coracle image exists "$REGISTRY/team/app:2"
  run_coracle_out 125 pull "$REGISTRY/team/app:nope"
  has "$stderr" "initializing source docker://$REGISTRY/team/app:nope: reading manifest nope in $REGISTRY/team/app: manifest unknown"
  run_coracle_out 125 pull "$REGISTRY/team/other"
  has "$stderr" "unknown"
  run_coracle_out 125 pull --all-tags "$REGISTRY/team/app:1"
  run_coracle_out 125 pull --retry 0 --tls-verify=true "$REGISTRY/team/app:1"
  has "$stderr" "pinging container registry $REGISTRY"
  run_coracle_out 125 pull "localhost:1/x"
  has "$stderr" "pinging container registry localhost:1"
}

@test "pull: policies, platforms" {
  run_coracle 125 pull -q --policy never "$REGISTRY/team/app:9"
  is "$output" "Error: $REGISTRY/team/app:9: image not known"
  run_coracle pull -q --policy missing "$REGISTRY/team/app:1"
  run_coracle pull -q --policy newer "$REGISTRY/team/app:1"
  run_coracle pull -q --platform linux/amd64 "$REGISTRY/team/app:1"
}

@test "run and create fetch what is missing" {
  run_coracle rmi -f "$REGISTRY/team/app:1"
  run_coracle 125 run --rm --pull never "$REGISTRY/team/app:1"
  has "$output" "image not known"
  run_coracle_out run --rm "$REGISTRY/team/app:1"
  is "$output" "layer 3"
  has "$stderr" "Trying to pull $REGISTRY/team/app:1..."
  run_coracle_out run --rm --pull=always "$REGISTRY/team/app:1"
  is "$output" "layer 3"
  has "$stderr" "Trying to pull"
  run_coracle_out run --rm --pull=newer "$REGISTRY/team/app:1" echo hello
  is "$output" hello
  run_coracle_out 125 run --rm "$REGISTRY/team/nosuch"
  like "$stderr" "Error: unable to copy from source docker://$REGISTRY/team/nosuch:latest: initializing source docker://$REGISTRY/team/nosuch:latest: .*unknown"
  is "$(grep -c Error <<<"$stderr")" 1 "one error"
  run_coracle create --name made "$REGISTRY/team/app:2"
  run_coracle rm made
}

@test "two pulls at once: one download" {
  local pid
  run_coracle rmi -af
  coracle pull -q "$REGISTRY/team/app:1" >"$TEST_STORE/first" 2>&1 3>&- &
  pid=$!
  run_coracle pull -q "$REGISTRY/team/app:1"
  wait "$pid"
  is "$(cat "$TEST_STORE/first")" "$output"
  run_coracle system check
}

@test "registries.conf: mirrors, rewrites, blocked" {
  run_coracle rmi -af
  conf <<EOF
[[registry]]
prefix = "example.test/apps"
location = "$REGISTRY/team"
insecure = true
[[registry]]
location = "mirrored.test"
[[registry.mirror]]
location = "localhost:1"
[[registry.mirror]]
location = "$REGISTRY/team"
insecure = true
[[registry]]
prefix = "*.blocked.test"
blocked = true
EOF
  run_coracle pull -q example.test/apps/app:1
  run_coracle image exists example.test/apps/app:1
  run_coracle pull -q mirrored.test/app:2
  run_coracle image exists mirrored.test/app:2
  run_coracle 125 pull a.blocked.test/app
  has "$output" "is blocked in"
  run_coracle rmi -af
}

@test "registries.conf: short names" {
  conf <<EOF
unqualified-search-registries = []
[aliases]
"app" = "$REGISTRY/team/app"
[[registry]]
location = "$REGISTRY"
insecure = true
EOF
  run_coracle pull -q app:1
  run_coracle image exists "$REGISTRY/team/app:1"
  run_coracle 125 pull other
  is "$output" "Error: short-name \"other\" did not resolve to an alias and no unqualified-search registries are defined in \"$CONTAINERS_REGISTRIES_CONF\""
  sed -i "s|^unq.*|unqualified-search-registries = [\"localhost:1\", \"$REGISTRY\"]|" "$CONTAINERS_REGISTRIES_CONF"
  sed -i '1a short-name-mode = "enforcing"' "$CONTAINERS_REGISTRIES_CONF"
  run_coracle 125 pull team/app:2
  is "$output" "Error: short-name resolution enforced but cannot prompt without a TTY: \"team/app\" may be any of localhost:1/team/app, $REGISTRY/team/app; give the whole name"
  sed -i "/^short-name-mode/d" "$CONTAINERS_REGISTRIES_CONF"
  run_coracle_out pull team/app:2
  has "$stderr" "Trying to pull localhost:1/team/app:2..."
  run_coracle image exists "$REGISTRY/team/app:2"
  run_coracle_out 125 pull team/none
  has "$stderr" "2 errors occurred while pulling:"
  conf <<<'short-name-mode = "sometimes"'
  run_coracle 125 pull app
  has "$output" "loading registries configuration \"$CONTAINERS_REGISTRIES_CONF\": invalid short-name-mode: \"sometimes\""
}

@test "policy.json: what is rejected is not pulled" {
  mkdir -p "$XDG_CONFIG_HOME/containers"
  printf '{"default": [{"type": "insecureAcceptAnything"}], "transports": {"docker": {"%s": [{"type": "reject"}]}}}' "$REGISTRY/team" >"$XDG_CONFIG_HOME/containers/policy.json"
  run_coracle 125 pull "$REGISTRY/team/app:1"
  has "$output" "Running image docker://$REGISTRY/team/app:1 is rejected by policy."
  rm "$XDG_CONFIG_HOME/containers/policy.json"
}
