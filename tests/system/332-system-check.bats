#!/usr/bin/env bats
# system check: --deep compares every file of every layer with the blob; --repair makes anew what the blobs have, and removes what is lost.

load helpers

setup() {
  basic_setup
  fixture_image box
}

# layer: the folder of box's layer, with its files
layer() { printf '%s/layers/%s' "$STORE" "$(coracle image inspect --format '{{index .RootFS.Layers 0}}' box | cut -d: -f2)"; }

# damaged TEXT: found by a deep check, and by no other
damaged() {
  run_coracle 0 system check
  run_coracle 125 system check --deep
  has "$output" $'Damaged layers:\nsha256:'
  has "$output" ": $1" "problem"
  has "$output" "Error: damage detected in local storage"
}

repaired() {
  run_coracle 0 system check --deep --repair
  has "$output" $'Repaired layers:\nsha256:'
  not_like "$output" "Deleted"
  run_coracle 0 system check --deep
  is "$output" ""
  run_coracle run --rm box echo fine
  is "$output" "fine"
}

# inside COMMAND…: as root of the user namespace, to whom the layers belong
inside() {
  if is_root; then "$@"; else coracle unshare "$@"; fi
}

@test "a store that is whole is clean, as deep as one looks" {
  run_coracle 0 system check --deep
  is "$output" ""
  run_coracle create --name changed box sh -c 'mkdir /new; rm -r /etc; ln /bin/busybox /new/one; ln -s /x /new/two; echo a >/new/three; chmod 4711 /new/three'
  run_coracle start -a changed
  run_coracle commit -q changed second
  run_coracle rm changed
  run_coracle 0 system check --deep
  is "$output" ""
  run_coracle rmi second
  run_coracle 125 system check --quick --deep
  is "$output" "Error: --quick and --deep cannot be given together"
  is "$(ls "$STORE/tmp")" "" "nothing of it stays"
}

@test "what only a deep check finds, and repair makes anew" {
  local folder file
  folder=$(layer)
  file=$folder/bin/busybox
  inside sh -c "printf X | dd of='$file' bs=1 seek=4000 conv=notrunc status=none; touch -d @0 '$file'"
  damaged "/bin/busybox has"
  repaired
  inside truncate -s 100 "$file"
  damaged "/bin/busybox has another size"
  repaired
  inside rm "$file"
  damaged "/bin/busybox is missing"
  repaired
  inside touch "$folder/stray"
  damaged "/stray does not belong there"
  repaired
  inside chmod 700 "$folder/bin"
  damaged "/bin has another mode"
  repaired
  inside sh -c "mv '$folder/bin' '$folder/bin2'; : >'$folder/bin'"
  damaged "/bin"
  repaired
  [ ! -e "$folder/bin2" ]
}

@test "a byte that changed while size and time stayed" {
  local file time
  file=$(layer)/bin/busybox
  time=$(stat -c %y "$file")
  inside sh -c "printf X | dd of='$file' bs=1 seek=4000 conv=notrunc status=none; touch -d '$time' '$file'"
  damaged "/bin/busybox has another content"
  repaired
}

@test "a folder that is gone is made anew" {
  inside rm -r "$(layer)"
  run_coracle 125 system check --quick
  has "$output" "its folder is missing"
  run_coracle 0 system check --repair
  has "$output" "Repaired layers:"
  run_coracle 0 system check --deep
  run_coracle run --rm box echo fine
  is "$output" "fine"
}

@test "a layer that a running container stands on is left alone; a stopped one's is mended" {
  run_coracle run -d --name user box sleep 100
  inside touch "$(layer)/stray"
  run_coracle 125 system check --deep --repair
  has "$output" "damage in local storage could not be repaired"
  not_like "$output" "Repaired"
  run_coracle exec user true
  run_coracle stop -t 0 user
  repaired
  run_coracle start user
  run_coracle rm -f -t 0 user
}

@test "a blob that is broken is lost, with the images that have it, and no others" {
  local blob
  run_coracle create --name maker box sh -c 'echo more >/more'
  run_coracle start -a maker
  run_coracle commit -q maker upper
  run_coracle rm maker
  blob=$(coracle image inspect --format '{{index .RootFS.Layers 1}}' upper | cut -d: -f2)
  printf X | dd of="$STORE/oci/blobs/sha256/$blob" bs=1 seek=600 conv=notrunc status=none
  run_coracle 125 system check
  has "$output" "has another content"
  run_coracle 0 system check --deep --repair
  has "$output" "Deleted images:"
  run_coracle 1 image exists upper
  run_coracle image exists box
  run_coracle 0 system check --deep
}

@test "an image that a container has mounted: left alone while it runs; lost, it takes the container along by force" {
  local digest
  run_coracle create --name maker box sh -c 'echo more >/more'
  run_coracle start -a maker
  run_coracle commit -q maker upper
  run_coracle rm maker
  digest=$(coracle image inspect --format '{{index .RootFS.Layers 1}}' upper | cut -d: -f2)
  run_coracle run -d --name user --mount type=image,src=upper,dst=/i box sleep 100
  inside touch "$STORE/layers/$digest/stray"
  run_coracle 125 system check --deep --repair
  has "$output" "damage in local storage could not be repaired"
  not_like "$output" "Repaired"
  run_coracle exec user cat /i/more
  run_coracle stop -t 0 user
  printf X | dd of="$STORE/oci/blobs/sha256/$digest" bs=1 seek=600 conv=notrunc status=none
  run_coracle 125 system check
  has "$output" "its image is damaged"
  run_coracle 125 system check --deep --repair
  run_coracle container exists user
  run_coracle 0 system check --deep --repair --force
  run_coracle 1 container exists user
  run_coracle 1 image exists upper
  run_coracle image exists box
}

@test "--max: how old what belongs to nothing must be" {
  local stray=$STORE/layers/$(printf 'a%.0s' {1..64})
  mkdir "$stray"
  run_coracle 0 system check
  run_coracle 125 system check --max 0s
  has "$output" "belongs to no image"
  run_coracle 0 system check -m 0s --repair
  [ ! -e "$stray" ]
}
