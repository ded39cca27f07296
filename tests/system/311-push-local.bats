# push to local archives and folders.

load helpers

setup() {
  basic_setup
  fixture_image box
}

image_id() { coracle image inspect --format '{{.Id}}' "$1"; }

@test "push: every local destination, pulled again with the same id" {
  id=$(image_id box)
  for to in "oci:$TEST_STORE/o:tag" "oci-archive:$TEST_STORE/oa:a:b" "docker-archive:$TEST_STORE/da:baz:1" "dir:$TEST_STORE/d"; do
    run_coracle_out push -q box "$to"
    is "$output$stderr" "" "output of $to"
    run_coracle pull -q "${to/:baz:1/}"
    is "$output" "$id" "$to"
  done
  has "$(cat "$TEST_STORE/o/index.json")" '"org.opencontainers.image.ref.name":"tag"' "oci's reference"
  has "$(tar -xOf "$TEST_STORE/oa" index.json)" '"org.opencontainers.image.ref.name":"a:b"' "oci-archive's reference"
  has "$(tar -xOf "$TEST_STORE/da" manifest.json)" '"RepoTags":["docker.io/library/baz:1","localhost/box:latest"]' "docker-archive's names"
  run_coracle image exists baz:1
  rm -rf "$TEST_STORE"/{o,oa,da,d}
}

@test "push: a name in a layout moves, the others stay" {
  run_coracle push -q box "oci:$TEST_STORE/o"
  run_coracle push -q box "oci:$TEST_STORE/o:x"
  run_coracle push -q box "oci:$TEST_STORE/o:y"
  run_coracle push -q box "oci:$TEST_STORE/o:x"
  is "$(grep -o '"org.opencontainers.image.ref.name":"."' "$TEST_STORE/o/index.json" | sort | tr '\n' ' ')" \
    '"org.opencontainers.image.ref.name":"x" "org.opencontainers.image.ref.name":"y" ' "names"
  rm -rf "$TEST_STORE/o"
}

@test "push: manifests and compressions" {
  m() { cat "$TEST_STORE/d/manifest.json"; }
  run_coracle push -q -f v2s2 box "dir:$TEST_STORE/d"
  has "$(m)" '"application/vnd.docker.image.rootfs.diff.tar"' "v2s2"
  run_coracle push -q -f oci --compress box "dir:$TEST_STORE/d"
  has "$(m)" '"application/vnd.oci.image.layer.v1.tar+gzip"' "compressed"
  run_coracle push -q --compression-format zstd --compression-level 5 --digestfile "$TEST_STORE/digest" box "dir:$TEST_STORE/d"
  has "$(m)" '"application/vnd.oci.image.layer.v1.tar+zstd"' "zstd"
  is "sha256:$(sha256sum <"$TEST_STORE/d/manifest.json" | cut -d' ' -f1)" "$(cat "$TEST_STORE/digest")" "digest file"
  # zstd layers in, gzip out; and as they came
  run_coracle pull -q "dir:$TEST_STORE/d"
  run_coracle tag "$output" zbox
  run_coracle push -q --digestfile "$TEST_STORE/digest2" zbox "oci:$TEST_STORE/o"
  run_coracle push -q --compression-format gzip zbox "dir:$TEST_STORE/e"
  has "$(cat "$TEST_STORE/e/manifest.json")" '.tar+gzip"' "from zstd to gzip"
  run_coracle push -q --compression-format zstd --force-compression=false --compress zbox "dir:$TEST_STORE/e"
  for d in d e; do (cd "$TEST_STORE/$d" && find . -name '????????????????????????????????????????????????????????????????' -printf '%f\n' | while read -r f; do echo "$f  $f" | sha256sum -c --quiet; done); done
  run_coracle 125 push -f v2s2 --compression-format zstd zbox "dir:$TEST_STORE/x"
  has "$output" "cannot name zstd layers"
  rm -rf "$TEST_STORE"/{d,e,o,digest,digest2,x}
}

@test "push: errors, and an event" {
  run_coracle 125 push nosuch "dir:$TEST_STORE/x"
  is "$output" "Error: nosuch: image not known"
  run_coracle 125 push box foo:bar:baz
  is "$output" 'Error: Invalid image name "foo:bar:baz", unknown transport "foo"'
  run_coracle 125 push -f xx box "dir:$TEST_STORE/x"
  is "$output" "Error: unknown format \"xx\". Choose on of the supported formats: 'oci', 'v2s1', or 'v2s2'"
  run_coracle 125 push --compression-format foo box "dir:$TEST_STORE/x"
  is "$output" 'Error: cannot find compressor for "foo"'
  run_coracle 125 push box "docker-archive:$TEST_STORE/x:UP"
  is "$output" "Error: docker-archive parsing reference: invalid reference format: repository name must be lowercase"
  [ ! -e "$TEST_STORE/x" ]
  run_coracle push -q --digestfile "$TEST_STORE/digest" box "docker-archive:$TEST_STORE/x"
  # of the manifest that Podman would write for the layers as they are there
  layer=$(tar -xOf "$TEST_STORE/x" manifest.json | grep -oE '[0-9a-f]{64}\.tar')
  config=$(tar -xOf "$TEST_STORE/x" manifest.json | grep -oE '[0-9a-f]{64}\.json')
  manifest=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":%s,"digest":"sha256:%s"},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar","size":%s,"digest":"sha256:%s"}]}' \
    "$(tar -xOf "$TEST_STORE/x" "$config" | wc -c)" "${config%.json}" "$(tar -xOf "$TEST_STORE/x" "$layer" | wc -c)" "${layer%.tar}")
  is "$(cat "$TEST_STORE/digest")" "sha256:$(printf %s "$manifest" | sha256sum | cut -d' ' -f1)" "digest file of a docker-archive"
  run_coracle 125 push box "docker-archive:$TEST_STORE/x"
  is "$output" "Error: initializing destination docker-archive:$TEST_STORE/x: docker-archive doesn't support modifying existing images"
  run_coracle events --stream=false --filter event=push --format '{{.ID}} {{.Name}}'
  has "$output" "$(image_id box) docker-archive:$TEST_STORE/x"
  rm -f "$TEST_STORE/x"
}
