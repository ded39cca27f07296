# save: formats, names, sharing, and what is left after a failure.

load helpers

setup() {
  basic_setup
  fixture_image box
}

# two: an image of two layers, localhost/two:latest, the upper one made here.
two() {
  coracle image exists two && return
  run_coracle create --name maker box sh
  printf 'one more\n' >"$TEST_STORE/more"
  run_coracle cp "$TEST_STORE/more" maker:/more
  run_coracle commit -q maker two
  run_coracle rm maker
}

image_id() { coracle image inspect --format '{{.Id}}' "$1"; }
image_digest() { coracle image inspect --format '{{.Digest}}' "$1"; }

@test "save: a docker-archive has layers by diff id, the config, and the folders of old" {
  two
  run_coracle_out save -q -o "$TEST_STORE/two.tar" two
  is "$output$stderr" "" "output"
  id=$(image_id two)
  run tar -tf "$TEST_STORE/two.tar"
  mapfile -t diffs < <(coracle image inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' two | grep . | sed 's/sha256://')
  is "${lines[0]}" "${diffs[0]}.tar" "the lowest layer first"
  is "${lines[1]}" "${diffs[1]}.tar" "then the next"
  is "${lines[2]}" "$id.json" "the config"
  is "${lines[-2]} ${lines[-1]}" "manifest.json repositories" "the end"
  mkdir "$TEST_STORE/x" && tar -xf "$TEST_STORE/two.tar" -C "$TEST_STORE/x"
  for diff in "${diffs[@]}"; do is "$(sha256sum <"$TEST_STORE/x/$diff.tar")" "$diff  -" "layer"; done
  is "$(sha256sum <"$TEST_STORE/x/$id.json")" "$id  -" "config"
  is "$(cat "$TEST_STORE"/x/manifest.json)" "[{\"Config\":\"$id.json\",\"RepoTags\":[\"localhost/two:latest\"],\"Layers\":[\"${diffs[0]}.tar\",\"${diffs[1]}.tar\"]}]" "manifest.json"
  like "$(cat "$TEST_STORE/x/repositories")" '^\{"localhost/two":\{"latest":"[0-9a-f]{64}"\}\}$' "repositories"
  top=$(sed 's/.*"latest":"//; s/".*//' "$TEST_STORE/x/repositories")
  is "$(cat "$TEST_STORE/x/$top/VERSION") $(readlink "$TEST_STORE/x/$top/layer.tar")" "1.0 ../${diffs[1]}.tar" "the top layer's folder"
  has "$(cat "$TEST_STORE/x/$top/json")" "\"id\":\"$top\"" "its json"
  # the same again is the same, by a pipe, a redirection, and over nothing
  coracle save two | cmp - "$TEST_STORE/two.tar"
  coracle save two >"$TEST_STORE/again.tar"
  cmp "$TEST_STORE/again.tar" "$TEST_STORE/two.tar"
  rm -rf "$TEST_STORE"/x "$TEST_STORE"/*.tar
}

@test "save: every format is loaded again with the same id" {
  two
  id=$(image_id two)
  for format in docker-archive oci-archive oci-dir docker-dir; do
    run_coracle save -q --format "$format" -o "$TEST_STORE/out.$format" two
    [ ! -f "$TEST_STORE/out.$format" ] || tar -tf "$TEST_STORE/out.$format" >/dev/null
  done
  run_coracle rmi two
  for format in docker-archive oci-archive oci-dir docker-dir; do
    run_coracle load -q -i "$TEST_STORE/out.$format"
    run_coracle image inspect --format '{{.Id}}' "$id"
    run_coracle run --rm "$id" cat /more
    is "$output" "one more" "$format: its files"
    run_coracle rmi "$id"
  done
  rm -rf "$TEST_STORE"/out.*
}

@test "save: what came compressed leaves as it came, with its manifest's digest" {
  two
  run_coracle save -q --format oci-dir -o "$TEST_STORE/first" two
  run_coracle rmi two
  run_coracle pull -q "oci:$TEST_STORE/first:localhost/two:latest"
  pulled=$output
  digest=$(image_digest "$pulled")
  for again in oci-dir oci-archive; do
    run_coracle save -q --format "$again" -o "$TEST_STORE/second" "$pulled"
    mkdir -p "$TEST_STORE/x"
    [ -d "$TEST_STORE/second" ] || tar -xf "$TEST_STORE/second" -C "$TEST_STORE/x"
    [ ! -d "$TEST_STORE/second" ] || cp -r "$TEST_STORE/second/." "$TEST_STORE/x"
    has "$(cat "$TEST_STORE/x/index.json")" "$digest" "$again: the manifest"
    diff -r "$TEST_STORE/first/blobs" "$TEST_STORE/x/blobs"
    rm -rf "$TEST_STORE/second" "$TEST_STORE/x"
  done
  # and from gzip the layers of a docker-archive are the tars again: to a file, where they are inflated side by side, and to a pipe
  run_coracle save -q -o "$TEST_STORE/g.tar" "$pulled"
  coracle save "$pulled" | cmp - "$TEST_STORE/g.tar"
  mkdir "$TEST_STORE/x" && tar -xf "$TEST_STORE/g.tar" -C "$TEST_STORE/x"
  for tar in "$TEST_STORE"/x/*.tar; do is "$(sha256sum <"$tar")" "$(basename "$tar" .tar)  -" "layer"; done
  run_coracle rmi "$pulled"
  rm -rf "$TEST_STORE"/first "$TEST_STORE"/x "$TEST_STORE"/g.tar
}

@test "save: --uncompressed, --compress" {
  two
  run_coracle save -q --format oci-dir --uncompressed -o "$TEST_STORE/o" two
  has "$(cat "$TEST_STORE"/o/blobs/sha256/*)" '"application/vnd.oci.image.layer.v1.tar"' "plain layers"
  run_coracle save -q --format docker-dir -o "$TEST_STORE/d" two
  is "$(cat "$TEST_STORE/d/version")" "Directory Transport Version: 1.1" "version"
  has "$(cat "$TEST_STORE/d/manifest.json")" '"application/vnd.docker.distribution.manifest.v2+json"' "Docker's manifest"
  like "$(cat "$TEST_STORE/d/manifest.json")" 'diff\.tar"' "plain layers"
  run_coracle save -q --format docker-dir --compress -o "$TEST_STORE/d" two
  not_like "$(cat "$TEST_STORE/d/manifest.json")" 'diff\.tar"' "all compressed"
  is "$(find "$TEST_STORE/d" -type f | wc -l)" 5 "the image that was there is gone"
  rm -rf "$TEST_STORE"/o "$TEST_STORE"/d
}

@test "save: names" {
  two
  run_coracle save -q -o "$TEST_STORE/n.tar" two more quay.io/a/b:c
  has "$(tar -xOf "$TEST_STORE/n.tar" manifest.json)" '"RepoTags":["localhost/more:latest","quay.io/a/b:c","localhost/two:latest"]' "further names"
  run_coracle save -q -o "$TEST_STORE/i.tar" "$(image_id two)"
  has "$(tar -xOf "$TEST_STORE/i.tar" manifest.json)" '"RepoTags":[]' "an id has no name"
  coracle save -q --format oci-archive two | tar -xOf - index.json | grep -cF '"org.opencontainers.image.ref.name":"localhost/two:latest"'
  run_coracle 125 save -q -o "$TEST_STORE/bad.tar" two UPPER
  has "$output" "repository name must be lowercase"
  [ ! -e "$TEST_STORE/bad.tar" ]
  rm -f "$TEST_STORE"/*.tar
}

@test "save: several images in one archive share their layers" {
  two
  base=$(coracle image inspect --format '{{index .RootFS.Layers 0}}' two)
  run_coracle save -q -m -o "$TEST_STORE/m.tar" two box
  is "$(tar -tf "$TEST_STORE/m.tar" | grep -c "^${base#sha256:}.tar\$")" 1 "the layer of both"
  is "$(tar -tf "$TEST_STORE/m.tar" | sort | uniq -d)" "" "members twice"
  id=$(image_id two)
  run_coracle rmi two
  run_coracle load -i "$TEST_STORE/m.tar"
  has "$output" "Loaded image: localhost/two:latest"
  is "$(image_id two)" "$id" "id"
  for format in oci-dir oci-archive docker-dir; do
    run_coracle 125 save -m --format "$format" -o "$TEST_STORE/no" two box
    is "$output" "Error: unsupported format \"$format\" for saving multiple images (only docker-archive)"
  done
  rm -f "$TEST_STORE/m.tar"
}

@test "save: an OCI folder keeps what it has" {
  two
  run_coracle save -q --format oci-dir -o "$TEST_STORE/l" two
  run_coracle save -q --format oci-dir -o "$TEST_STORE/l" box
  run_coracle save -q --format oci-dir -o "$TEST_STORE/l" box
  is "$(grep -o '"org.opencontainers.image.ref.name"' "$TEST_STORE/l/index.json" | wc -l)" 2 "two images, none twice"
  rm -rf "$TEST_STORE/l"
}

@test "save: errors" {
  two
  run_coracle 125 save
  like "$output" "^Error: need at least 1 argument" "no name"
  run_coracle 125 save -o "$TEST_STORE/x" nosuch
  is "$output" "Error: nosuch: image not known"
  run_coracle 125 save -m -o "$TEST_STORE/x" two nosuch
  is "$output" "Error: nosuch: image not known"
  run_coracle 125 save --format foo -o "$TEST_STORE/x" two
  is "$output" "Error: format value must be one of oci-dir oci-archive docker-dir docker-archive"
  run_coracle 125 save --compress -o "$TEST_STORE/x" two
  is "$output" "Error: --compress can only be set when --format is 'docker-dir'"
  run_coracle 125 save -o "$TEST_STORE/a:b" two
  is "$output" "Error: invalid filename (should not contain ':') \"$TEST_STORE/a:b\""
  run_coracle 125 save -o /nosuch/x two
  is "$output" 'Error: opening file "/nosuch/x": open /nosuch/x: no such file or directory'
  run_coracle 125 save --format oci-dir two
  has "$output" "name it with --output"
  mkdir "$TEST_STORE/full" && touch "$TEST_STORE/full/f"
  run_coracle 125 save -o "$TEST_STORE/full" two
  has "$output" "is a directory"
  run_coracle 125 save --format docker-dir -o "$TEST_STORE/full" two
  is "$output" "Error: initializing destination dir:$TEST_STORE/full: not a containers image directory, don't want to overwrite important data"
  run_coracle 125 save --format oci-dir -o "$TEST_STORE/full/f" two
  has "$output" "not a directory"
  run script -qec "$CORACLE save two" /dev/null
  has "$output" "Error: refusing to save to terminal. Use -o flag or redirect"
  echo content >"$TEST_STORE/there"
  run_coracle 125 save -o "$TEST_STORE/there" two
  is "$output" "Error: docker-archive doesn't support modifying existing images"
  is "$(cat "$TEST_STORE/there")" content "the file there"
  [ ! -e "$TEST_STORE/x" ]
  rm -rf "$TEST_STORE/full" "$TEST_STORE/there"
}

@test "save: nothing half stands under the name: killed, disk full, a damaged blob" {
  two
  mkdir "$TEST_STORE/k"
  run bash -c "ulimit -f 300; exec \"$CORACLE\" save -q -o \"$TEST_STORE/k/x.tar\" two"
  isnt "$status" 0 "no room"
  is "$(ls -A "$TEST_STORE/k")" "" "after no room"
  run bash -c "\"$CORACLE\" save two >/dev/full"
  is "$status" 125 "a full disk"
  has "$output" "No space left on device"
  for at in pwrite64 copy_file_range linkat; do
    strace -f -qq -o /dev/null -e "trace=$at" -e "inject=$at:signal=KILL" "$CORACLE" save -q -o "$TEST_STORE/k/x.tar" two >/dev/null 2>&1 || true
    [ ! -e "$TEST_STORE/k/x.tar" ] || tar -xOf "$TEST_STORE/k/x.tar" manifest.json >/dev/null
    rm -f "$TEST_STORE/k/x.tar"
    is "$(ls -A "$TEST_STORE/k")" "" "after a kill at $at"
  done
  run_coracle save -q --format oci-dir -o "$TEST_STORE/g" two
  run_coracle rmi two
  run_coracle pull -q "oci:$TEST_STORE/g"
  id=$output
  # a byte in the middle of a blob that is gzip; the largest is
  blob=$(find "$STORE/oci/blobs/sha256" -type f -size +100k -exec sh -c 'head -c 2 "$1" | od -An -tx1 | grep -q "1f 8b"' _ {} \; -print | head -n 1)
  cp "$blob" "$TEST_STORE/whole"
  printf 'XXXXXXXX' | dd of="$blob" bs=1 seek=50000 conv=notrunc status=none
  run_coracle 125 save -q -o "$TEST_STORE/k/x.tar" "$id"
  has "$output" "gzip: "
  is "$(ls -A "$TEST_STORE/k")" "" "after a damaged blob"
  cat "$TEST_STORE/whole" >"$blob"
  run_coracle save -q -o "$TEST_STORE/k/x.tar" "$id"
  run_coracle rmi -f "$id"
  rm -rf "$TEST_STORE/k" "$TEST_STORE/g" "$TEST_STORE/whole"
}

@test "save: skopeo reads it, with the same digests; an event tells" {
  command -v skopeo >/dev/null || skip "no skopeo"
  two
  id=$(image_id two)
  for format in docker-archive oci-archive; do
    run_coracle save -q --format "$format" -o "$TEST_STORE/s.$format" two
    is "$(skopeo inspect --raw --config "$format:$TEST_STORE/s.$format" | sha256sum)" "$id  -" "$format: config"
    skopeo copy -q "$format:$TEST_STORE/s.$format" "dir:$TEST_STORE/skopeo"
    rm -rf "$TEST_STORE/skopeo"
  done
  run_coracle save -q --format docker-dir -o "$TEST_STORE/s.dir" two
  skopeo copy -q "dir:$TEST_STORE/s.dir" "oci-archive:$TEST_STORE/copied"
  run_coracle events --stream=false --filter event=save --format '{{.Type}} {{.ID}} {{.Name}}'
  has "$output" "image $id $TEST_STORE/s.dir"
  rm -rf "$TEST_STORE"/s.* "$TEST_STORE/copied"
}
