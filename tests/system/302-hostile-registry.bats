#!/usr/bin/env bats
# A registry that lies, stalls and loops: a clear error in bounded time, nothing half listed, and credentials go nowhere else.
# long: yes

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_hostile
  export CORACLE_STALL_SECONDS=30
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
  refuses huge 'No space left on device: the layers have'
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
  CORACLE_STALL_SECONDS=2 refuses stall 'reading blob'
  # two tries; libcurl measures over five seconds
  [ $((SECONDS - begun)) -lt 60 ] || fail "a stall lasts $((SECONDS - begun)) seconds"
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

@test "a registry that asks to be left alone for a day is not waited for; slow and silent ones are given up" {
  local begun=$SECONDS
  refuses later 'toomanyrequests: .*to be asked again in 100000 seconds' --retry 3
  [ $((SECONDS - begun)) -lt 40 ] || fail "waited for $((SECONDS - begun)) seconds"
  begun=$SECONDS
  CORACLE_STALL_SECONDS=2 refuses slow 'too slow' --retry 0
  CORACLE_STALL_SECONDS=2 refuses silent 'too slow|timed out' --retry 0
  [ $((SECONDS - begun)) -lt 60 ] || fail "slow answers last $((SECONDS - begun)) seconds"
}

@test "token servers: rubbish, endless, long, none" {
  refuses rubbish-token 'requesting a token'
  refuses endless-token 'requesting a token: the answer has more than'
  refuses long-token 'reading manifest latest' --retry 0
  refuses broken-token 'requesting a token: no token in the answer'
  : >"$HOSTILE/requests"
  refuses new-tokens 'unauthorized'
  [ "$(requests token-new)" -le 4 ] || fail "asked for tokens $(requests token-new) times"
  refuses file-token 'the token server file:///etc/passwd is not asked'
  refuses odd-challenge 'unauthorized|header'
}

@test "lists of tags: pages without end, other hosts, odd names" {
  local tags=(pull -q --all-tags --retry 0)
  run_coracle 125 "${tags[@]}" "$REGISTRY/tags/app"
  has "$output" "followed by itself"
  : >"$HOSTILE/requests"
  run_coracle '?' "${tags[@]}" "$REGISTRY/tags-away/app"
  is "$(requests '^other')" 0 "asked at the other host"
  run_coracle '?' "${tags[@]}" "$REGISTRY/tags-odd/app"
  run_coracle 125 "${tags[@]}" "$REGISTRY/tags-endless/app"
  has "$output" "too many pages"
  run_coracle rmi -af
}

@test "memory: none of them takes much" {
  local kind
  for kind in endless-manifest big-manifest deep endless-blob endless-token headers huge odd-challenge; do
    run with_peak "$TEST_STORE/peak" "$CORACLE" pull -q --retry 0 "$REGISTRY/$kind/app"
    is "$status" 125 "status of $kind"
    printf '# %s: %s KiB\n' "$kind" "$(cat "$TEST_STORE/peak")"
    [ "$(cat "$TEST_STORE/peak")" -le 60000 ] || fail "$kind takes $(cat "$TEST_STORE/peak") KiB"
  done
}

# tls_server FOLDER NAME [OPENSSL X509 OPTIONS…]: an HTTPS server with a certificate for NAME; $port
tls_server() {
  port=$(free_port)
  openssl s_server -quiet -accept "127.0.0.1:$port" -cert "$1/tls.pem" -key "$1/tls.pem.key" -www >/dev/null 2>&1 3>&- &
  printf '%s\n' "$!" >>"$TEST_STORE/registry.pids"
  REGISTRY=localhost:$port wait_for 20 curl_registry
}

@test "TLS: self-signed, expired" {
  local dir=$TEST_STORE/tls port
  mkdir -p "$dir/self" "$dir/trust"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout "$dir/self/tls.pem.key" -out "$dir/self/tls.pem" 2>/dev/null
  tls_server "$dir/self"
  run_coracle 125 pull --retry 0 "localhost:$port/app"
  has "$output" "tls: failed to verify certificate: x509: certificate signed by unknown authority (it is self-signed"
  make_certificate "$dir/old" localhost
  openssl x509 -req -in "$dir/old/request" -CA "$dir/old/ca.crt" -CAkey "$dir/old/authority.pem" -CAcreateserial -days -1 -out "$dir/old/tls.pem" \
    -extfile <(printf 'subjectAltName=DNS:localhost\n') 2>/dev/null || skip "this openssl makes no expired certificates"
  tls_server "$dir/old"
  cp "$dir/old/ca.crt" "$dir/trust/"
  run_coracle 125 pull --retry 0 --cert-dir "$dir/trust" "localhost:$port/app"
  has "$output" "x509: certificate has expired or is not yet valid"
}

@test "TLS with the wrong name" {
  local port
  port=$(free_port)
  make_certificate "$TEST_STORE/wrong" elsewhere.test
  openssl s_server -quiet -accept "127.0.0.1:$port" -cert "$TEST_STORE/wrong/tls.pem" -key "$TEST_STORE/wrong/tls.pem.key" -www >/dev/null 2>&1 3>&- &
  printf '%s\n' "$!" >>"$TEST_STORE/registry.pids"
  REGISTRY=localhost:$port wait_for 20 curl_registry
  mkdir "$TEST_STORE/wrong/trust"
  cp "$TEST_STORE/wrong/ca.crt" "$TEST_STORE/wrong/trust"
  run_coracle 125 pull --retry 0 --cert-dir "$TEST_STORE/wrong/trust" "localhost:$port/app"
  like "$output" 'tls: .*(name|match)'
}
