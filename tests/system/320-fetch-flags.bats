#!/usr/bin/env bats
# run and create: how a missing image is fetched: credentials, certificates, platforms, tries; credential helpers of the user's own; short names chosen on a terminal; proxies.

load helpers
load registry-helpers
load terminal

setup_file() {
  basic_setup_file
  start_registry
  push_fixture private/app:1
  push_fixture private/app:2
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  : >"$CONTAINERS_REGISTRIES_CONF"
}

setup() {
  basic_setup
  terminal_setup
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

conf() {
  cat >"$TEST_STORE/conf.$BATS_TEST_NUMBER"
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/conf.$BATS_TEST_NUMBER
}

gone() {
  run_coracle rmi -f "$REGISTRY/private/app:1" "$REGISTRY/private/app:2"
}

@test "run and create: credentials and certificates" {
  local app=$REGISTRY/private/app:1
  run_coracle 125 run --rm "$app"
  has "$output" "tls:"
  run_coracle 125 run --rm --cert-dir "$CERTS" --creds tester:wrong "$app"
  has "$output" "unauthorized"
  run_coracle_out run --rm --cert-dir "$CERTS" --creds 'tester:secret word' "$app"
  is "$output" "layer 3"
  gone
  run_coracle_out run --rm --tls-verify=false --creds 'tester:secret word' "$app"
  is "$output" "layer 3"
  gone
  run_coracle login --authfile "$TEST_STORE/auth.json" --cert-dir "$CERTS" -u tester -p 'secret word' "$REGISTRY"
  run_coracle create --name made --authfile "$TEST_STORE/auth.json" --cert-dir "$CERTS" "$app"
  run_coracle rm made
  gone
  run_coracle 125 run --rm --authfile "$TEST_STORE/nosuch" --cert-dir "$CERTS" "$app"
  has "$output" "credential file is not accessible"
  run_coracle run --rm --pull=always --authfile "$TEST_STORE/auth.json" --cert-dir "$CERTS" "$app" true
}

@test "container runlabel: fetches an image that is not here, with credentials" {
  local app=$REGISTRY/private/app:1
  gone
  run_coracle 125 container runlabel --cert-dir "$CERTS" --creds tester:wrong RUN "$app"
  has "$output" "unauthorized"
  run_coracle 125 container runlabel -q --cert-dir "$CERTS" --creds 'tester:secret word' RUN "$app"
  is "$output" "Error: cannot find the value of label: RUN in image: $app"
  run_coracle 0 image exists "$app"
  gone
}

# kept_config NAME: what the state says of a container, without its command line
kept_config() {
  python3 - "$STORE/state.db" "$1" <<'PY'
import json, sqlite3, sys
db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
(config,) = db.execute("SELECT config FROM container WHERE name = ?", (sys.argv[2],)).fetchone()
config = json.loads(config)
config["options"].pop("create_command", None)
print(json.dumps(config))
PY
}

@test "run: a password is not kept with the container" {
  run_coracle run --name kept --pull=always --cert-dir "$CERTS" --creds 'tester:secret word' "$REGISTRY/private/app:1" true
  like "$(kept_config kept)" '"options"'
  not_like "$(kept_config kept)" 'secret word'
  run_coracle rm kept
}

@test "run -q is quiet about the fetch, too" {
  gone
  run_coracle_out run -q --rm --cert-dir "$CERTS" --creds 'tester:secret word' "$REGISTRY/private/app:1"
  is "$output" "layer 3"
  is "$stderr" ""
}

@test "run: --retry and --retry-delay are the fetch's" {
  run_coracle 125 run --rm --retry 0 localhost:1/x
  has "$output" "pinging container registry localhost:1"
  # a registry that always answers that it cannot now
  start_hostile
  asked() { grep -c ' GET /v2/broken/' "$HOSTILE/requests"; }
  run_coracle 125 run --rm --retry 0 "$REGISTRY/broken/app"
  is "$(asked)" 1 "no second try was asked for"
  run_coracle 125 run --rm --retry 2 --retry-delay 1ms "$REGISTRY/broken/app"
  is "$(asked)" 4 "and two more, beside the first"
  run_coracle 125 run --rm --retry-delay never localhost:1/x
  has "$output" "never"
}

arch_here() {
  case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac
}

# push_many: $REGISTRY/private/many:1, an index of the fixture for this machine, for s390x and for ARM v6.
push_many() {
  python3 - "$TEST_STORE/layout" "$TEST_STORE/many" <<'PY'
import hashlib, json, os, shutil, sys
source, folder = sys.argv[1:]
shutil.copytree(source, folder)
blobs = folder + "/blobs/sha256/"
def read(digest): return json.load(open(blobs + digest.split(":")[1]))
def blob(data, kind):
    data = json.dumps(data).encode()
    digest = hashlib.sha256(data).hexdigest()
    open(blobs + digest, "wb").write(data)
    return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}
top = json.load(open(folder + "/index.json"))["manifests"][0]
manifest = read(top["digest"])
config = read(manifest["config"]["digest"])
entries = []
for arch, variant in ((config["architecture"], None), ("s390x", None), ("arm", "v6")):
    one = dict(config, architecture=arch)
    entry = blob(dict(manifest, config=blob(one, "config.v1+json")), "manifest.v1+json")
    entry["platform"] = {"os": "linux", "architecture": arch, **({"variant": variant} if variant else {})}
    entries.append(entry)
index = blob({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}, "index.v1+json")
index["annotations"] = {"org.opencontainers.image.ref.name": "many"}
json.dump({"schemaVersion": 2, "manifests": [index]}, open(folder + "/index.json", "w"))
PY
  skopeo --insecure-policy copy -q --all --dest-cert-dir "$CERTS" --dest-creds 'tester:secret word' "oci:$TEST_STORE/many:many" "docker://$REGISTRY/private/many:1"
}

@test "run: --arch, --os, --variant" {
  local app=$REGISTRY/private/app:1 many=$REGISTRY/private/many:1 access=(--cert-dir "$CERTS" --creds 'tester:secret word')
  run_coracle 125 run --rm --platform linux/amd64 --arch amd64 "$app"
  is "$output" "Error: --platform option can not be specified with --arch or --os"
  run_coracle 125 pull --platform linux/amd64 --os linux "$app"
  is "$output" "Error: --platform option can not be specified with --arch or --os"
  push_many
  run_coracle_out run --rm "${access[@]}" "$many"
  is "$output" "layer 3"
  run_coracle pull -q "${access[@]}" --arch s390x "$many"
  run_coracle image inspect --format '{{.Architecture}}' "$many"
  is "$output" s390x
  run_coracle pull -q "${access[@]}" --arch arm --variant v6 "$many"
  run_coracle 125 pull -q "${access[@]}" --os plan9 "$many"
  has "$output" 'OS "plan9"'
  # what is here is for another machine, so it is fetched
  run_coracle create --name wanted "${access[@]}" --arch "$(arch_here)" "$many"
  run_coracle inspect --format '{{.Image}}' wanted
  run_coracle image inspect --format '{{.Architecture}}' "$output"
  is "$output" "$(arch_here)"
  run_coracle rm wanted
}

@test "encrypted images are refused, and not passed over" {
  run_coracle 125 pull --decryption-key key.pem "$REGISTRY/private/app:1"
  has "$output" "Error: --decryption-key: encrypted images are not supported"
  run_coracle 125 run --decryption-key key.pem "$REGISTRY/private/app:1"
  has "$output" "Error: --decryption-key: encrypted images are not supported"
}

@test "--creds without a password asks for it" {
  gone
  on_terminal 0 24x80 "expect Password:
send secret word\n" pull -q --cert-dir "$CERTS" --creds tester "$REGISTRY/private/app:1"
  not_like "$output" secret "what is typed is not shown"
  run_coracle image exists "$REGISTRY/private/app:1"
}

# make_helper NAME yes|none: a credential helper that knows the registry, or nothing.
make_helper() {
  mkdir -p "$TEST_STORE/helpers"
  cat >"$TEST_STORE/helpers/docker-credential-$1" <<EOF
#!/bin/sh
read -r line || :
printf '%s %s %s\n' "\$1" "\$(id -u)" "\$(readlink /proc/self/ns/user)" >>"$TEST_STORE/helper.log"
case \$1 in
  get) [ "$2" != none ] || { echo credentials not found in native keychain; exit 1; }; printf '{"ServerURL": "x", "Username": "tester", "Secret": "secret word"}' ;;
  list) printf '{"%s": "tester"}' "$REGISTRY" ;;
esac
EOF
  chmod 755 "$TEST_STORE/helpers/docker-credential-$1"
}

@test "a credential helper is a program of the user's, and runs as the user" {
  gone
  make_helper mine yes
  PATH=$TEST_STORE/helpers:$PATH
  printf '{"credHelpers": {"%s": "mine"}}' "$REGISTRY" >"$TEST_STORE/mine.json"
  run_coracle pull -q --authfile "$TEST_STORE/mine.json" --cert-dir "$CERTS" "$REGISTRY/private/app:1"
  is "$(cat "$TEST_STORE/helper.log")" "get $(id -u) $(readlink /proc/self/ns/user)" "not root of the user namespace"
  run_coracle run --rm --pull=always --authfile "$TEST_STORE/mine.json" --cert-dir "$CERTS" "$REGISTRY/private/app:1" true
  is "$(sort -u "$TEST_STORE/helper.log")" "get $(id -u) $(readlink /proc/self/ns/user)"
}

@test "registries.conf: credential-helpers" {
  make_helper knows yes
  make_helper empty none
  PATH=$TEST_STORE/helpers:$PATH
  conf <<<'credential-helpers = ["empty", "containers-auth.json", "knows"]'
  run_coracle pull -q --cert-dir "$CERTS" "$REGISTRY/private/app:1"
  run_coracle login --get-login "$REGISTRY"
  is "$output" tester
  : >"$TEST_STORE/helper.log"
  conf <<<'credential-helpers = ["knows"]'
  run_coracle login --cert-dir "$CERTS" -u tester -p 'secret word' "$REGISTRY"
  [ ! -e "$XDG_RUNTIME_DIR/containers/auth.json" ] || fail "the file was not asked for"
  has "$(cat "$TEST_STORE/helper.log")" "store "
  run_coracle logout "$REGISTRY"
  has "$(cat "$TEST_STORE/helper.log")" "erase "
  run_coracle logout --all
  has "$(cat "$TEST_STORE/helper.log")" "list "
  conf <<<'credential-helpers = ["nosuchhelper"]'
  run_coracle 125 pull -q --cert-dir "$CERTS" "$REGISTRY/private/app:1"
  has "$output" "docker-credential-nosuchhelper"
}

@test "registries.conf: version 1" {
  conf <<EOF
[registries.search]
registries = ["localhost:1", "$REGISTRY"]
[registries.insecure]
registries = ["$REGISTRY", "localhost:1"]
[registries.block]
registries = ["bad.test"]
EOF
  run_coracle_out pull --retry 0 --creds 'tester:secret word' private/app:2
  has "$stderr" "Resolving \"private/app\" using unqualified-search registries ($CONTAINERS_REGISTRIES_CONF)"
  has "$stderr" "Trying to pull localhost:1/private/app:2..."
  run_coracle image exists "$REGISTRY/private/app:2"
  run_coracle 125 pull bad.test/app
  has "$output" "registry bad.test is blocked"
  conf <<<$'unqualified-search-registries = ["x.test"]\n[registries.insecure]\nregistries = ["x.test"]'
  run_coracle 125 pull app
  has "$output" "mixing sysregistry v1/v2 is not supported"
}

@test "several registries for a short name: without a terminal each in turn, with one the user chooses" {
  gone
  conf <<EOF
unqualified-search-registries = ["localhost:1", "$REGISTRY"]
[[registry]]
location = "$REGISTRY"
insecure = true
EOF
  run_coracle_out pull --retry 0 --creds 'tester:secret word' private/app:1
  has "$stderr" "Trying to pull localhost:1/private/app:1..."
  has "$stderr" "Trying to pull $REGISTRY/private/app:1..."
  run_coracle 125 pull --retry 0 --creds 'tester:secret word' private/nosuch
  has "$output" "Error: 2 errors occurred while pulling:"
  has "$output" " * unable to copy from source docker://localhost:1/private/nosuch:latest: "
  sed -i '1a short-name-mode = "enforcing"' "$CONTAINERS_REGISTRIES_CONF"
  run_coracle 125 pull --retry 0 private/app:1
  has "$output" "Error: short-name resolution enforced but cannot prompt without a TTY"
  gone
  on_terminal 0 24x80 "expect Please select an image:
expect 1) localhost:1/private/app
expect 2) $REGISTRY/private/app
expect Number:
send 7\n
expect Number:
send 2\n" pull --retry 0 --creds 'tester:secret word' private/app:1
  run_coracle image exists "$REGISTRY/private/app:1"
  has "$(cat "$XDG_CACHE_HOME/containers/short-name-aliases.conf")" "\"private/app\" = \"$REGISTRY/private/app\""
  # the choice holds
  run_coracle_out pull --retry 0 --creds 'tester:secret word' private/app:2
  has "$stderr" "Resolved \"private/app\" as an alias ($XDG_CACHE_HOME/containers/short-name-aliases.conf)"
  run_coracle image exists "$REGISTRY/private/app:2"
  # a choice that cannot be pulled is not remembered
  on_terminal 125 24x80 "expect Number:
send 1\n" pull --retry 0 private/other
  not_like "$(cat "$XDG_CACHE_HOME/containers/short-name-aliases.conf")" other
  rm "$XDG_CACHE_HOME/containers/short-name-aliases.conf"
}

# start_proxy: an HTTP proxy for everything, whatever the name, to the registry; sets $PROXY; its log is $TEST_STORE/proxy.log
start_proxy() {
  local port
  port=$(free_port)
  python3 - "$port" "${REGISTRY##*:}" "$TEST_STORE/proxy.log" 3>&- <<'PY' &
import socket, sys, threading
port, target, log = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def copy(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    try:
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass
def serve(client):
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(65536)
        if not data:
            return
        head += data
    open(log, "a").write(head.split(b"\r\n")[0].decode() + "\n")
    server = socket.create_connection(("127.0.0.1", target))
    if head.startswith(b"CONNECT"):
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    else:
        server.sendall(head)
    threading.Thread(target=copy, args=(client, server), daemon=True).start()
    copy(server, client)
listener = socket.create_server(("127.0.0.1", port))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
PY
  printf '%s\n' "$!" >>"$TEST_STORE/registry.pids"
  PROXY=http://127.0.0.1:$port
  wait_for 20 python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$port"
}

@test "proxies: for https, for http, in capitals too; not for this machine, nor for no_proxy" {
  start_proxy
  https_proxy=$PROXY run_coracle pull -q --retry 0 --tls-verify=false --creds 'tester:secret word' registry.test/private/app:1
  has "$(cat "$TEST_STORE/proxy.log")" "CONNECT registry.test:443"
  HTTPS_PROXY=$PROXY run_coracle run --rm --retry 0 --tls-verify=false --creds 'tester:secret word' other.test:99/private/app:1
  has "$(cat "$TEST_STORE/proxy.log")" "CONNECT other.test:99"
  : >"$TEST_STORE/proxy.log"
  HTTPS_PROXY=$PROXY run_coracle pull -q --tls-verify=false --creds 'tester:secret word' "$REGISTRY/private/app:1"
  is "$(cat "$TEST_STORE/proxy.log")" "" "loopback"
  HTTPS_PROXY=$PROXY no_proxy=.test run_coracle 125 pull -q --retry 0 --tls-verify=false registry.test/private/app:1
  is "$(cat "$TEST_STORE/proxy.log")" "" "no_proxy"
  run_coracle rmi -af
  start_registry plain
  push_fixture plain/app:1
  start_proxy
  : >"$TEST_STORE/proxy.log"
  HTTP_PROXY=$PROXY run_coracle pull -q --retry 0 --tls-verify=false registry.test:80/plain/app:1
  has "$(cat "$TEST_STORE/proxy.log")" "GET http://registry.test/v2/ HTTP"
}
