#!/usr/bin/env bats
# A registry that lies, stalls and loops: a clear error in bounded time, nothing half listed, and credentials go nowhere else.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  export HOSTILE=$TEST_STORE/hostile CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf CORACLE_STALL_SECONDS=2
  mkdir "$HOSTILE"
  "$TESTS_DIR/fixtures/hostile-registry.py" "$HOSTILE" >"$HOSTILE/log" 2>&1 3>&- &
  printf '%s\n' "$!" >"$TEST_STORE/registry.pids"
  wait_for 10 test -e "$HOSTILE/port"
  export REGISTRY=127.0.0.1:$(cat "$HOSTILE/port")
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

pull() {
  run_coracle_out pull -q --retry-delay 50ms "$@"
}

# refuses REPOSITORY REGEX [FLAG…]: the pull fails, says so, takes no image in, leaves nothing.
refuses() {
  local repository=$1 regex=$2
  shift 2
  run_coracle_out 125 pull -q --retry 1 --retry-delay 50ms "$@" "$REGISTRY/$repository/app"
  like "$stderr" "$regex" "$repository"
  is "$(grep -c '^Error: ' <<<"$stderr")" 1 "one error"
  run_coracle images -q
  is "$output" "" "images after $repository"
  is "$(ls "$STORE/tmp")" "" "left in tmp/"
  is "$(ls "$STORE/layers" 2>/dev/null)" "" "layers after $repository"
}

requests() {
  grep -c "$1" "$HOSTILE/requests" || true
}

@test "wrong lengths, digests, endless and huge bodies" {
  refuses long 'has [0-9]+ bytes for it instead of [0-9]+'
  refuses short 'ends after|transfer closed'
  refuses wrong 'layer 1'
  refuses endless-blob 'more than the [0-9]+ bytes|after the end'
  refuses endless-manifest 'more than 4194304 bytes'
  refuses big-manifest 'at most 4194304 are taken'
  refuses huge 'layer 1'
  refuses headers 'header'
}

@test "documents that are none" {
  refuses deep 'reading manifest latest'
  refuses no-json 'reading manifest latest'
}

@test "redirects: loops, and credentials stay" {
  refuses redirects 'stopped after 10 redirects'
  pull --creds tester:secret "$REGISTRY/away/app"
  run grep '^other ' "$HOSTILE/requests"
  has "$output" "/elsewhere/"
  like "$output" ' -$' "no Authorization at the other host"
  run_coracle rmi -af
}

@test "401 loops, token servers" {
  : >"$HOSTILE/requests"
  refuses loop401 'unauthorized' --creds tester:secret
  [ "$(requests loop401)" -le 4 ] || fail "asked too often"
  refuses token 'requesting a token: unauthorized: who are you'
  refuses token 'requesting a token' --creds tester:wrong
  pull --creds tester:secret "$REGISTRY/token/app"
  run_coracle rmi -af
}

@test "429, 5xx, stalls" {
  refuses always429 'toomanyrequests: you have reached your limit'
  refuses broken 'unexpected status 503'
  local begun=$SECONDS
  refuses stall 'reading blob'
  # two tries; libcurl measures over five seconds
  [ $((SECONDS - begun)) -lt 28 ] || fail "a stall lasts $((SECONDS - begun)) seconds"
  begun=$SECONDS
  pull --retry 3 "$REGISTRY/busy/app"
  [ $((SECONDS - begun)) -ge 2 ] || fail "Retry-After is not honoured"
  run_coracle rmi -af
}

@test "a broken blob is taken up where it broke" {
  : >"$HOSTILE/requests"
  pull "$REGISTRY/resume/app"
  is "$(requests 'resume/app/blobs/')" 6 "config, and five parts"
  run_coracle system check
  run_coracle rmi -af
  pull "$REGISTRY/norange/app"
  run_coracle rmi -af
}

@test "TLS with the wrong name" {
  local port
  port=$(free_port)
  make_certificate "$TEST_STORE/wrong" elsewhere.test
  openssl s_server -quiet -accept "127.0.0.1:$port" -cert "$TEST_STORE/wrong/tls.pem" -key "$TEST_STORE/wrong/tls.pem.key" -www >/dev/null 2>&1 3>&- &
  printf '%s\n' "$!" >>"$TEST_STORE/registry.pids"
  REGISTRY=localhost:$port wait_for 5 curl_registry
  mkdir "$TEST_STORE/wrong/trust"
  cp "$TEST_STORE/wrong/ca.crt" "$TEST_STORE/wrong/trust"
  run_coracle 125 pull --retry 0 --cert-dir "$TEST_STORE/wrong/trust" "localhost:$port/app"
  like "$output" 'tls: .*(name|match)'
}
