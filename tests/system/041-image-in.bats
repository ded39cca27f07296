#!/usr/bin/env bats
# Images into the store: every local transport, and what happens when the bytes are not what they say.
load helpers

setup_file() {
  basic_setup_file
  fixture_image keep
}

id_of() { coracle image inspect --format '{{.Id}}' "$1"; }

# unchanged: run before and after: what the store lists and holds.
snapshot() {
  coracle images --no-trunc --format '{{.Id}} {{.Names}}'
  find "$STORE/layers" "$STORE/oci/blobs" "$STORE/containers" "$STORE/tmp" -mindepth 1 -maxdepth 2 -printf '%P\n' 2>/dev/null | sort
}

# refused COMMAND…: exit 125, one error, and nothing changed.
refused() {
  local before after
  before=$(snapshot)
  run_coracle_out 125 "$@"
  is "$output" "" "standard output"
  like "$stderr" '^Error: '
  is "$(wc -l <<<"$stderr")" 1 "lines of error"
  after=$(snapshot)
  is "$after" "$before" "the store after: $*"
}

# tidy: a failed import collects what earlier tests left unused (a second manifest of the same image), which must not look like a change later.
tidy() { run_coracle 125 import /dev/null; }

@test "load: every format gives the same image" {
  local dir id name
  dir=$(archives)
  run_coracle load -i "$dir/docker-archive.tar"
  is "$output" "Loaded image: localhost/from-docker:1"
  id=$(id_of from-docker:1)
  for name in oci-archive.tar oci dir; do
    run_coracle load -q -i "$dir/$name"
    like "$output" '^Loaded image: '
    [ "$name" = dir ] || is "$(id_of "${output#Loaded image: }")" "$id" "$name"
  done
  run coracle load <"$dir/docker-archive.tar"
  is "$status $output" "0 Loaded image: localhost/from-docker:1" "standard input"
  gzip -c "$dir/docker-archive.tar" >"$TEST_STORE/a.tgz"
  run_coracle load -i "$TEST_STORE/a.tgz"
  # a pipe, which cannot be sought in
  is "$(gzip -c "$dir/docker-archive.tar" | coracle load)" "Loaded image: localhost/from-docker:1" "from a pipe"
}

@test "pull: local transports print the id" {
  local dir id
  dir=$(archives)
  run_coracle_out pull "docker-archive:$dir/docker-archive.tar"
  id=$output
  like "$id" '^[0-9a-f]{64}$'
  run_coracle_out pull -q "oci-archive:$dir/oci-archive.tar"
  is "$output" "$id"
  run_coracle_out pull "oci:$dir/oci"
  is "$output" "$id"
  run_coracle_out pull "dir:$dir/dir"
  is "$output" "$id"
  run_coracle image exists "localhost$dir/dir"
  if [ -e "$dir/zstd.oci" ]; then
    run_coracle_out pull "oci:$dir/zstd.oci"
    like "$output" '^[0-9a-f]{64}$'
  fi
  run_coracle_out pull --policy missing keep
  is "$output" "$(id_of keep)"
}

@test "pull: what cannot be is refused" {
  tidy
  refused pull --policy never nosuch
  is "$stderr" "Error: nosuch: image not known"
  refused pull oci:
  refused pull "oci:$(archives)/oci:nosuch"
  refused pull --platform linux/s390x --arch arm64 "oci:$(archives)/oci"
  refused pull "docker-archive:$(archives)/oci-archive.tar"
}

@test "import: instructions, comment, platform" {
  local tar
  tar=$(fixture busybox.tar)
  run_coracle_out import -q -c 'CMD ["a", "b"]' -c 'ENTRYPOINT /bin/x y' -c ENV=A=1 -c 'ENV B="two words" C=3' -c 'EXPOSE 80 53/udp' -c 'LABEL k=v' \
    -c 'STOPSIGNAL SIGINT' -c 'USER user:staff' -c 'VOLUME /data' -c 'WORKDIR /srv' -c 'ONBUILD RUN x' --arch arm64 --variant v8 -m 'a word' "$tar" Made.example/x/y:z
  is "$output" "sha256:$(id_of Made.example/x/y:z)"
  run_coracle image inspect Made.example/x/y:z
  is "$(jq -c '.[0].Config' <<<"$output" | jq -cS .)" \
    '{"Cmd":["a","b"],"Entrypoint":["/bin/sh","-c","/bin/x y"],"Env":["A=1","B=two words","C=3"],"ExposedPorts":{"53/udp":{},"80/tcp":{}},"Labels":{"k":"v"},"OnBuild":["RUN x"],"StopSignal":"SIGINT","User":"user:staff","Volumes":{"/data":{}},"WorkingDir":"/srv"}'
  is "$(jq -r '.[0] | .Architecture, .Comment' <<<"$output" | tr '\n' ' ')" "arm64 a word "
  run coracle import -q - piped <"$tar"
  is "$status" 0
  xz -c0 "$tar" >"$TEST_STORE/x.tar.xz"
  run_coracle import -q "$TEST_STORE/x.tar.xz"
  run_coracle images -n --filter dangling=true
  isnt "$output" "" "an import without name"
}

@test "import: bad words" {
  local tar change
  tar=$(fixture busybox.tar)
  tidy
  for change in 'RUN x' CMD 'EXPOSE 0' 'EXPOSE x' 'EXPOSE 5-3' 'STOPSIGNAL NOPE' 'WORKDIR relative' 'ENV =x' 'LABEL "open' ''; do
    refused import -q -c "$change" "$tar" bad
    has "$stderr" "invalid change"
  done
  refused import "$tar" 'app/Upper'
  has "$stderr" lowercase
  refused import "$tar" 'a b'
  refused import "$TEST_STORE/nosuch.tar"
  has "$stderr" "No such file or directory"
  refused import "$TEST_STORE"
  has "$stderr" "is a folder"
  refused import https://localhost:1/rootfs.tar
  has "$stderr" "downloading https://localhost:1/rootfs.tar: "
  refused import /dev/null
}

@test "broken archives: truncated, corrupted, not an archive at all" {
  local dir file size
  dir=$(archives)
  printf 'no archive\n' >"$TEST_STORE/text"
  tidy
  : >"$TEST_STORE/empty"
  for file in text empty; do
    refused load -i "$TEST_STORE/$file"
    refused import "$TEST_STORE/$file"
  done
  refused load -i "$TEST_STORE/nosuch"
  for file in docker-archive.tar oci-archive.tar; do
    size=$(stat -c %s "$dir/$file")
    head -c $((size / 2)) "$dir/$file" >"$TEST_STORE/half"
    coracle rmi -f localhost/from-docker:1 localhost/from-oci:1 >/dev/null 2>&1 || true
    refused load -i "$TEST_STORE/half"
    gzip -c "$dir/$file" | head -c $((size / 8)) >"$TEST_STORE/half.gz"
    refused load -i "$TEST_STORE/half.gz"
  done
  gzip -c "$(fixture busybox.tar)" >"$TEST_STORE/rootfs.gz"
  size=$(stat -c %s "$TEST_STORE/rootfs.gz")
  head -c $((size - 10)) "$TEST_STORE/rootfs.gz" >"$TEST_STORE/cut.gz"
  refused import "$TEST_STORE/cut.gz"
  # one byte in the middle: the checksum of gzip
  cp "$TEST_STORE/rootfs.gz" "$TEST_STORE/flip.gz"
  printf '\xff\x00\xff\x00' | dd of="$TEST_STORE/flip.gz" bs=1 seek=$((size / 2)) conv=notrunc status=none
  refused import "$TEST_STORE/flip.gz"
}

@test "broken layouts: wrong digests and missing blobs" {
  local dir blob
  dir=$(archives)
  coracle rmi -a -f >/dev/null
  fixture_image keep
  while read -r blob; do
    rm -rf "$TEST_STORE/layout"
    cp -r "$dir/oci" "$TEST_STORE/layout"
    chmod -R u+w "$TEST_STORE/layout"
    printf 'x' >>"$TEST_STORE/layout/blobs/sha256/$blob"
    refused load -i "$TEST_STORE/layout"
    # another byte than the one that is there
    od -An -tu1 -j40 -N1 "$TEST_STORE/layout/blobs/sha256/$blob" | awk '{ printf "%c", $1 == 121 ? "z" : "y" }' |
      dd of="$TEST_STORE/layout/blobs/sha256/$blob" bs=1 seek=40 conv=notrunc status=none
    truncate -s -1 "$TEST_STORE/layout/blobs/sha256/$blob"
    refused load -i "$TEST_STORE/layout"
    rm "$TEST_STORE/layout/blobs/sha256/$blob"
    refused load -i "$TEST_STORE/layout"
  done < <(ls "$dir/oci/blobs/sha256")
  rm "$TEST_STORE/layout/index.json"
  refused load -i "$TEST_STORE/layout"
}

# in_mounts COMMAND…: a mount namespace where a tmpfs may be mounted, as root or as an ordinary user.
in_mounts() {
  if is_root; then
    unshare --mount bash -c "$@"
  else
    unshare --user --map-root-user --map-auto --mount bash -c "$@"
  fi
}

@test "a full disk: nothing is listed, nothing is left, room is found again" {
  in_mounts true 2>/dev/null || skip "no user namespace with a range here"
  export TAR
  TAR=$(fixture busybox.tar)
  run in_mounts '
    mkdir -p $TEST_STORE/full && mount -t tmpfs -o size=1500k tmpfs $TEST_STORE/full && mkdir $TEST_STORE/full/run || exit 99
    C="$CORACLE --root $TEST_STORE/full/root --runroot $TEST_STORE/full/run"
    $C images -q || exit 98
    $C import -q $TAR big; echo "status $?"
    $C images -n; ls $TEST_STORE/full/root/tmp $TEST_STORE/full/root/layers
    mount -o remount,size=20m $TEST_STORE/full && $C import -q $TAR big && $C image exists big && echo fits'
  is "$status" 0
  has "$output" "status 125"
  has "$output" "No space left on device"
  like "$output" 'fits$'
  not_like "$output" 'localhost/big'
}

@test "a read-only store: listing works, changing is refused" {
  in_mounts true 2>/dev/null || skip "no user namespace with a range here"
  export TAR
  TAR=$(fixture busybox.tar)
  run in_mounts '
    mkdir -p $TEST_STORE/ro/root $TEST_STORE/ro/run
    C="$CORACLE --root $TEST_STORE/ro/root --runroot $TEST_STORE/ro/run"
    $C import -q $TAR box >/dev/null && mount --bind $TEST_STORE/ro/root $TEST_STORE/ro/root && mount -o remount,bind,ro $TEST_STORE/ro/root || exit 99
    $C images -n; echo "images $?"; $C import -q $TAR two; echo "import $?"; $C rmi box; echo "rmi $?"; $C tag box two; echo "tag $?"'
  is "$status" 0
  has "$output" "localhost/box"
  for what in "images 0" "import 125" "rmi 125" "tag 125"; do has "$output" "$what"; done
}

@test "skopeo reads our layout, and we read what it writes" {
  needs skopeo
  local format id
  id=$(id_of keep)
  run skopeo inspect --config "oci:$STORE/oci:localhost/keep:latest"
  is "$status" 0
  is "$(jq -r '.config.Cmd[0]' <<<"$output")" sh
  for format in docker-archive:"$TEST_STORE/s1.tar:localhost/s1:1" oci-archive:"$TEST_STORE/s2.tar:localhost/s2:1" oci:"$TEST_STORE/s3:localhost/s3:1" dir:"$TEST_STORE/s4"; do
    run skopeo --insecure-policy copy -q "oci:$STORE/oci:localhost/keep:latest" "$format"
    is "$status $output" "0 " "skopeo copy to $format"
    run_coracle_out pull "$format"
    if [[ $format != docker-archive:* ]]; then is "$output" "$id" "the same image from $format"; fi
  done
}
