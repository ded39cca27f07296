# registry-helpers: a registry of Debian's docker-registry on loopback, with TLS and passwords, and images to fetch from it.
#
#   start_registry [plain]   sets $REGISTRY (localhost:PORT), $CERTS (its authority's folder: ca.crt), $REGISTRY_LOG (with a line for each request), user "tester", password "secret word"
#   push_fixture NAME        a busybox image of two layers, by skopeo, as $REGISTRY/NAME
#   start_token_registry     one with a token server, that keeps what is pushed
#   start_hostile            sets $REGISTRY to one that misbehaves (tests/fixtures/hostile-registry.py), $HOSTILE (its folder: requests)
#   stop_registries
#   from_now, asked_since    a second in which nothing was asked of the registry of start_registry yet; the log's lines of what is asked from there on
#   with_peak FILE COMMAND…  runs it and writes its peak memory (KiB) to FILE

# a port of this file's lot (see port-helpers.bash)
load port-helpers

# make_certificate FOLDER NAME: an authority (FOLDER/ca.crt), and a certificate for NAME (FOLDER/tls.pem, tls.key).
make_certificate() {
  mkdir -p "$1"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=authority of $2" -keyout "$1/authority.pem" -out "$1/ca.crt" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$1/tls.pem.key" -out "$1/request" 2>/dev/null
  openssl x509 -req -in "$1/request" -CA "$1/ca.crt" -CAkey "$1/authority.pem" -CAcreateserial -days 2 -out "$1/tls.pem" \
    -extfile <(printf 'subjectAltName=DNS:%s\n' "$2") 2>/dev/null
}

start_registry() {
  local dir=$TEST_STORE/registry port kind=${1-tls}
  port=$(free_port)
  mkdir -p "$dir/data" "$dir/trust"
  {
    printf 'version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: %s\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:%s\n' "$dir/data" "$port"
    if [ "$kind" = tls ]; then
      make_certificate "$dir/tls" localhost
      cp "$dir/tls/ca.crt" "$dir/trust/"
      htpasswd -Bbn tester 'secret word' >"$dir/htpasswd"
      printf '  tls:\n    certificate: %s\n    key: %s\nauth:\n  htpasswd:\n    realm: tests\n    path: %s\n' "$dir/tls/tls.pem" "$dir/tls/tls.pem.key" "$dir/htpasswd"
    fi
  } >"$dir/config-$port.yml"
  # it takes REGISTRY_… of its environment for its own settings
  env -u REGISTRY -u REGISTRY_LOG -u REGISTRY_DATA -u REGISTRY_KIND docker-registry serve "$dir/config-$port.yml" >"$dir/log-$port" 2>&1 3>&- &
  printf '%s\n' "$!" >>"$TEST_STORE/registry.pids"
  export REGISTRY=localhost:$port CERTS=$dir/trust REGISTRY_DATA=$dir/data REGISTRY_KIND=$kind REGISTRY_LOG=$dir/log-$port
  wait_for 20 curl_registry
}

start_hostile() {
  export HOSTILE=$TEST_STORE/hostile CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  mkdir "$HOSTILE"
  "$TESTS_DIR/fixtures/hostile-registry.py" "$HOSTILE" >"$HOSTILE/log" 2>&1 3>&- &
  printf '%s\n' "$!" >>"$TEST_STORE/registry.pids"
  wait_for 20 test -e "$HOSTILE/port"
  REGISTRY=127.0.0.1:$(cat "$HOSTILE/port")
  export REGISTRY
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
}

with_peak() {
  python3 -c 'import resource, subprocess, sys
status = subprocess.call(sys.argv[2:], stdin=subprocess.DEVNULL)
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status if status >= 0 else 128 - status)' "$@"
}

curl_registry() {
  python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "${REGISTRY##*:}" 2>/dev/null
}

# from_now: sets $since. A line of the log comes when the answer has ended, which may be after who asked has it; but it has the second in which it was asked for.
from_now() {
  since=$(($(date +%s) + 1))
  until [ "$(date +%s)" -ge "$since" ]; do sleep 0.05; done
}

asked_since() {
  python3 - "$REGISTRY_LOG" "$since" <<'PY'
import datetime, re, sys
for line in open(sys.argv[1], errors="replace"):
    when = re.search(r" \[(\d+/\w+/\d+:\d+:\d+:\d+ [+-]\d+)\] ", line)
    if when and datetime.datetime.strptime(when[1], "%d/%b/%Y:%H:%M:%S %z").timestamp() >= int(sys.argv[2]):
        sys.stdout.write(line)
PY
}

stop_registries() {
  local pid
  while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$TEST_STORE/registry.pids" || true
}

push_fixture() {
  local layout=$TEST_STORE/layout
  [ -e "$layout/oci-layout" ] || make_layout "$layout"
  if [ "$REGISTRY_KIND" = tls ]; then
    skopeo --insecure-policy copy -q --dest-cert-dir "$CERTS" --dest-creds 'tester:secret word' "oci:$layout:app" "docker://$REGISTRY/$1"
  else
    skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$layout:app" "docker://$REGISTRY/$1"
  fi
}

# make_layout FOLDER: an OCI layout of an image "app": busybox, and above it five small layers and one of 3 MB that do not compress.
make_layout() {
  python3 - "$1" "$(fixture busybox.tar)" <<'PY'
import gzip, hashlib, io, json, os, platform, sys, tarfile
folder, base = sys.argv[1:]
os.makedirs(folder + "/blobs/sha256")
arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
def blob(data, kind):
    digest = hashlib.sha256(data).hexdigest()
    open(f"{folder}/blobs/sha256/{digest}", "wb").write(data)
    return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}
def tar_of(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
tars = [open(base, "rb").read()] + [tar_of(f"layer{i}", b"layer %d\n" % i) for i in range(5)] + [tar_of("random", os.urandom(3000000))]
layers = [blob(gzip.compress(tar, mtime=0), "layer.v1.tar+gzip") for tar in tars]
config = {"architecture": arch, "os": "linux", "config": {"Cmd": ["cat", "/layer3"]},
          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]}}
manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": blob(json.dumps(config).encode(), "config.v1+json"), "layers": layers}
entry = blob(json.dumps(manifest).encode(), "manifest.v1+json")
entry["annotations"] = {"org.opencontainers.image.ref.name": "app"}
json.dump({"schemaVersion": 2, "manifests": [entry]}, open(folder + "/index.json", "w"))
json.dump({"imageLayoutVersion": "1.0.0"}, open(folder + "/oci-layout", "w"))
PY
}

# start_token_registry: fixtures/token-registry.py: sets $TOKENS (127.0.0.1:PORT; no TLS), $TOKENS_DIR (its requests); user "tester", password "secret word".
start_token_registry() {
  export TOKENS_DIR=$TEST_STORE/tokens
  mkdir "$TOKENS_DIR"
  "$TESTS_DIR/fixtures/token-registry.py" "$TOKENS_DIR" >"$TOKENS_DIR/log" 2>&1 3>&- &
  printf '%s\n' "$!" >>"$TEST_STORE/registry.pids"
  wait_for 20 test -e "$TOKENS_DIR/port"
  TOKENS=127.0.0.1:$(cat "$TOKENS_DIR/port")
  export TOKENS
}
