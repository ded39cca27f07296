#!/usr/bin/env bats
# zstd in images: zstd:chunked read as zstd, whatever its table of contents says; windows that are too large; skippable frames. Pulls from a layout, as from a registry.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  needs zstd
  start_registry plain
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf L=$TEST_STORE/layouts
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
  mkdir "$L"
}

setup() {
  basic_setup
  command -v zstd >/dev/null || skip "no zstd on this machine"
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

# zstd_layout FOLDER KIND: busybox in zstd:
#   chunked   as zstd:chunked has it: a frame for each piece, a skippable frame with the table of contents and one with the footer, annotations that say where
#   lying     the same with annotations and a table that are not true
#   skips     skippable frames everywhere, an empty frame, and one of 3 MB
#   window    a frame that asks for 144 MiB; huge: one that asks for 3.75 TiB; late: the second frame does
#   cut       ends within a skippable frame
zstd_layout() {
  python3 - "$1" "$2" "$(fixture busybox.tar)" <<'PY'
import hashlib, json, os, platform, struct, subprocess, sys
folder, kind, base = sys.argv[1:]
os.makedirs(folder + "/blobs/sha256")
arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
def zstd(data):
    return subprocess.run(["zstd", "-q", "-c", "-3"], input=data, stdout=subprocess.PIPE, check=True).stdout
def skip(data, n=0):
    return struct.pack("<II", 0x184D2A50 + n, len(data)) + data
def blob(data, kind, **more):
    digest = hashlib.sha256(data).hexdigest()
    open(f"{folder}/blobs/sha256/{digest}", "wb").write(data)
    return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data), **more}
def asks(descriptor):
    """a frame of "" whose window descriptor is that"""
    return b"\x28\xb5\x2f\xfd\x00" + bytes([descriptor]) + b"\x01\x00\x00"
tar = open(base, "rb").read()
pieces = [tar[at:at + 300000] for at in range(0, len(tar), 300000)]
data, more = b"".join(zstd(piece) for piece in pieces), {}
if kind in ("chunked", "lying"):
    table = json.dumps({"version": 1, "entries": [{"type": "reg", "name": "../../etc/passwd" if kind == "lying" else "bin/busybox", "size": 1 << 60, "offset": 1 << 62, "digest": "sha256:" + "0" * 64}]}).encode()
    packed = zstd(table)
    at = len(data) + 8
    data += skip(packed)
    footer = struct.pack("<QQQQQQQ8s", at, len(packed), len(table), 1, 0, 0, 0, b"\x47\x4e\x55\x6c\x49\x6e\x55\x78")
    data += skip(footer)
    more = {"annotations": {"io.github.containers.zstd-chunked.manifest-checksum": "sha256:" + hashlib.sha256(packed).hexdigest(),
                            "io.github.containers.zstd-chunked.manifest-position": f"{at}:{len(packed)}:{len(table)}:1"}}
    if kind == "lying":
        more["annotations"] = {name: "sha256:" + "f" * 64 if "checksum" in name else "999999999999:1:1:1" for name in more["annotations"]}
elif kind == "skips":
    data = skip(b"") + b"".join(skip(b"x" * n, n % 16) + zstd(piece) for n, piece in enumerate(pieces)) + zstd(b"") + skip(b"y" * 3000000)
elif kind == "window":
    data = asks(17 << 3 | 1) + data
elif kind == "huge":
    data = asks(0xff) + data
elif kind == "late":
    data += asks(17 << 3 | 1)
elif kind == "cut":
    data += skip(b"x" * 1000)[:-1]
layer = blob(data, "layer.v1.tar+zstd", **more)
config = {"architecture": arch, "os": "linux", "config": {"Cmd": ["echo", kind]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]}}
manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": blob(json.dumps(config).encode(), "config.v1+json"), "layers": [layer]}
entry = blob(json.dumps(manifest).encode(), "manifest.v1+json")
entry["annotations"] = {"org.opencontainers.image.ref.name": "app"}
json.dump({"schemaVersion": 2, "manifests": [entry]}, open(folder + "/index.json", "w"))
json.dump({"imageLayoutVersion": "1.0.0"}, open(folder + "/oci-layout", "w"))
PY
  skopeo --insecure-policy copy -q --preserve-digests --dest-tls-verify=false "oci:$1:app" "docker://$REGISTRY/zstd/$2"
}

@test "zstd:chunked, and skippable frames: as zstd" {
  local kind
  for kind in chunked lying skips; do
    zstd_layout "$L/$kind" "$kind"
    run_coracle pull -q "$REGISTRY/zstd/$kind"
    run_coracle run --rm "$output"
    is "$output" "$kind"
    # what was pulled goes on as it is, with its annotations
    run_coracle push -q --digestfile "$L/digest" "$REGISTRY/zstd/$kind" "$REGISTRY/again/$kind"
    is "$(cat "$L/digest")" "$(coracle image inspect --format '{{.Digest}}' "$REGISTRY/zstd/$kind")" "digest"
    # and into what knows no zstd, as something else
    run_coracle push -q --format v2s2 "$REGISTRY/zstd/$kind" "$REGISTRY/docker/$kind"
    run_coracle save -q -o "$L/$kind.tar" "$REGISTRY/zstd/$kind"
    run_coracle rmi -af
    run_coracle load -q -i "$L/$kind.tar"
    run_coracle run --rm "$REGISTRY/zstd/$kind"
    is "$output" "$kind"
    run_coracle rmi -af
  done
  run_coracle system check --deep
}

@test "zstd: a window that is too large is refused before there is memory for it" {
  local kind
  for kind in window huge late; do
    zstd_layout "$L/$kind" "$kind"
    run with_peak "$L/peak" "$CORACLE" pull -q "$REGISTRY/zstd/$kind"
    is "$status" 125
    like "$output" 'layer 1: zstd: it takes (144|3932160) MiB of memory to inflate; at most 128 MiB are given'
    [ "$(cat "$L/peak")" -lt 60000 ] || fail "peak memory: $(cat "$L/peak") KiB"
  done
  run_coracle images -q
  is "$output" ""
}

@test "zstd: what is cut short within a skippable frame" {
  zstd_layout "$L/cut" cut
  run_coracle 125 pull -q "$REGISTRY/zstd/cut"
  has "$output" "zstd: cut short"
  run_coracle images -q
  is "$output" ""
}
