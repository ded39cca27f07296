#!/usr/bin/env bats
# login, logout, auth.json, credential helpers; a registry with TLS and passwords.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry
  push_fixture private/app:1
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  : >"$CONTAINERS_REGISTRIES_CONF"
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

login() {
  run_coracle login --cert-dir "$CERTS" -u tester -p 'secret word' "$@" "$REGISTRY"
}

@test "login: good, wrong, logout" {
  login
  is "$output" "Login Succeeded!"
  is "$(stat -c %a "$XDG_RUNTIME_DIR/containers/auth.json")" 600
  is "$(jq -r ".auths[\"$REGISTRY\"].auth" "$XDG_RUNTIME_DIR/containers/auth.json" | base64 -d)" "tester:secret word"
  run_coracle login --get-login "$REGISTRY"
  is "$output" tester
  run_coracle_out login --cert-dir "$CERTS" "$REGISTRY"
  is "$output" "Existing credentials are valid. Already logged in to $REGISTRY"
  run_coracle pull -q --cert-dir "$CERTS" "$REGISTRY/private/app:1"
  run_coracle logout "$REGISTRY"
  is "$output" "Removed login credentials for $REGISTRY"
  run_coracle 125 logout "$REGISTRY"
  is "$output" "Error: not logged into $REGISTRY"
  run_coracle 125 login --get-login "$REGISTRY"
  is "$output" "Error: not logged into $REGISTRY"
  run_coracle 125 login --cert-dir "$CERTS" -u tester -p wrong "$REGISTRY"
  is "$output" "Error: logging into \"$REGISTRY\": invalid username/password"
}

@test "login: words" {
  run coracle login --cert-dir "$CERTS" -u tester --password-stdin "$REGISTRY" <<<'secret word'
  is "$output" "Login Succeeded!"
  login --verbose --authfile "$TEST_STORE/my.json"
  is "${lines[0]}" "Used:  $TEST_STORE/my.json"
  is "${lines[1]}" "Login Succeeded!"
  run_coracle logout --authfile "$TEST_STORE/my.json" "$REGISTRY"
  is "$(jq -c .auths "$TEST_STORE/my.json")" "{}"
  run_coracle logout --all
  is "$output" "Removed login credentials for all registries"
  run_coracle 125 login --password-stdin "$REGISTRY"
  is "$output" "Error: Must provide --username with --password-stdin"
  run_coracle 125 login --authfile a --compat-auth-file b "$REGISTRY"
  has "$output" "can not be set simultaneously"
  run_coracle 125 login
  has "$output" "no registries found in registries.conf, a registry must be provided"
  login --compat-auth-file "$TEST_STORE/docker.json"
  is "$(jq -r '.auths | keys[]' "$TEST_STORE/docker.json")" "$REGISTRY"
}

@test "pull: credentials and certificates are needed, and found" {
  run_coracle 125 pull "$REGISTRY/private/app:1"
  like "$output" "pinging container registry $REGISTRY: tls: .*certificate"
  run_coracle 125 pull --cert-dir "$CERTS" "$REGISTRY/private/app:1"
  like "$output" "initializing source docker://$REGISTRY/private/app:1: reading manifest 1 in $REGISTRY/private/app: unauthorized: authentication required"
  run_coracle 125 pull --cert-dir "$CERTS" --creds tester:no "$REGISTRY/private/app:1"
  has "$output" "unauthorized"
  run_coracle pull -q --cert-dir "$CERTS" --creds 'tester:secret word' "$REGISTRY/private/app:1"
  run_coracle pull -q --tls-verify=false --creds 'tester:secret word' "$REGISTRY/private/app:1"
  mkdir -p "$XDG_CONFIG_HOME/containers/certs.d/$REGISTRY"
  cp "$CERTS/ca.crt" "$XDG_CONFIG_HOME/containers/certs.d/$REGISTRY/"
  run_coracle pull -q --creds 'tester:secret word' "$REGISTRY/private/app:1"
  rm -r "$XDG_CONFIG_HOME/containers"
  run_coracle 125 pull --authfile "$TEST_STORE/nosuch" --cert-dir "$CERTS" "$REGISTRY/private/app:1"
  has "$output" "credential file is not accessible"
}

@test "credential helpers, and names by path" {
  mkdir -p "$TEST_STORE/helpers"
  cat >"$TEST_STORE/helpers/docker-credential-tests" <<'EOF'
#!/bin/sh
read -r host || :
printf '%s %s\n' "$1" "$host" >>"$TEST_STORE/helper.log"
[ "$1" != get ] || printf '{"ServerURL": "x", "Username": "tester", "Secret": "secret word"}'
EOF
  chmod 755 "$TEST_STORE/helpers/docker-credential-tests"
  PATH=$TEST_STORE/helpers:$PATH
  printf '{"credHelpers": {"%s": "tests"}}' "$REGISTRY" >"$TEST_STORE/helper.json"
  run_coracle pull -q --authfile "$TEST_STORE/helper.json" --cert-dir "$CERTS" "$REGISTRY/private/app:1"
  has "$(cat "$TEST_STORE/helper.log")" "get $REGISTRY"
  run_coracle login --get-login --authfile "$TEST_STORE/helper.json" "$REGISTRY"
  is "$output" tester
  run_coracle logout --authfile "$TEST_STORE/helper.json" "$REGISTRY"
  has "$(cat "$TEST_STORE/helper.log")" "erase $REGISTRY"
  printf '{"auths": {"%s/private": {"auth": "%s"}, "%s": {"auth": "bm86bm8="}}}' "$REGISTRY" "$(printf 'tester:secret word' | base64)" "$REGISTRY" >"$TEST_STORE/paths.json"
  REGISTRY_AUTH_FILE=$TEST_STORE/paths.json run_coracle pull -q --cert-dir "$CERTS" "$REGISTRY/private/app:1"
}
