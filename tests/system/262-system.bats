#!/usr/bin/env bats
# 262-system: the store as a whole: df, prune, check, reset, migrate, renumber; image prune.

load helpers

setup() {
  fixture_image box
}

# answer WORD ARGS…: run the command with WORD typed in
answer() {
  local word=$1 expected=$2
  shift 2
  run --separate-stderr bash -c 'word=$1; shift; printf "%s\n" "$word" | "$@"' _ "$word" "$CORACLE" "$@"
  show_run "$expected" "coracle $* <<<$word"
}

@test "system df: counts, sizes and what could be had back" {
  run_coracle 0 run --name writer -v kept:/v -v /anonymous box sh -c 'head -c 1000 /dev/zero >/root/x; head -c 300 /dev/zero >/v/y'
  run_coracle 0 run -d --name alive box sleep 1000
  run_coracle 0 run --rm -v idle:/v box sh -c 'head -c 50 /dev/zero >/v/z'
  run_coracle 0 system df
  like "${lines[0]}" '^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE$'
  like "${lines[1]}" '^Images +1 +1 +[0-9.]+MB +0B \(0%\)$'
  like "${lines[2]}" '^Containers +2 +1 +1kB +1kB \(100%\)$'
  like "${lines[3]}" '^Local Volumes +3 +2 +350B +50B \(14%\)$'
  run_coracle 0 system df --format json
  is "$(jq -c '.[2]' <<<"$output")" '{"Type":"Local Volumes","Total":3,"Active":2,"RawSize":350,"RawReclaimable":50,"TotalCount":3,"Size":"350B","Reclaimable":"50B (14%)"}'
  run_coracle 0 system df --format '{{.Type}}:{{.Total}}'
  is "$output" $'Images:1\nContainers:2\nLocal Volumes:3'
  run_coracle 0 system df --format '{{json .}}'
  is "${#lines[@]}" 3 "a line each"
  run_coracle 0 system df -v
  like "$output" 'REPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS'
  like "$output" 'localhost/box +latest +[0-9a-f]{12} .* 0B +[0-9.]+MB +2'
  like "$output" 'CONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE +CREATED +STATUS +NAMES'
  like "$output" 'sh -c head.* 2 +1kB .* exited +writer'
  like "$output" 'VOLUME NAME +LINKS +SIZE'
  like "$output" 'kept +1 +300B'
  like "$output" 'idle +0 +50B'
  run_coracle 125 system df -v --format x
  is "$output" "Error: cannot combine --format and --verbose flags"
  run_coracle 125 system df --format '{{.Foo}}'
  run_coracle 125 system df extra
  run_coracle 0 rm -f -t 0 -v writer alive
}

@test "system prune: asks, and says what it would do" {
  answer n 0 system prune
  is "$output" $'WARNING! This command removes:\n\t- all stopped containers\n\t- all networks not used by at least one container\n\t- all dangling images\n\t- all dangling build cache\n\nAre you sure you want to continue? [y/N] '
  answer n 0 system prune -a --volumes
  has "$output" $'\t- all volumes not used by at least one container\n\t- all images without at least one container associated with them\n\t- all build cache\n'
  run_coracle 125 system prune
  has "$output" "Error: EOF"
  run_coracle 125 system prune --external -a
  is "$output" "Error: system prune --external cannot be combined with other options"
  run_coracle 0 system prune --external
  run_coracle 125 system prune -f --filter foo=x
  is "$output" "Error: foo is an invalid filter"
}

@test "system prune: what runs and what it uses stays" {
  run_coracle 0 run --name ended box sh -c 'head -c 1000 /dev/zero >/root/x'
  local ended
  ended=$(coracle inspect --format "{{.Id}}" ended)
  run_coracle 0 run -d --name alive -v used:/v box sleep 1000
  run_coracle 0 run --rm -v unused:/v box true
  run_coracle 0 import -q --change 'LABEL only=this' "$(fixture busybox.tar)"
  local dangling=${output#sha256:}
  answer y 0 system prune
  has "$output" $'Deleted Containers\n'"$ended"
  has "$output" $'Deleted Images\n'"$dangling"
  like "$output" 'Total reclaimed space: [0-9.]+k?B'
  not_like "$output" "Deleted Volumes"
  run_coracle 0 system prune -f -a --volumes
  is "$(sed -n '/Volumes/,/^Total/p' <<<"$output" | grep -v Total | tr '\n' ' ')" "Deleted Volumes idle kept unused "
  run_coracle 0 ps -a --format '{{.Names}}'
  is "$output" "alive"
  run_coracle 0 image exists box
  run_coracle 0 rm -f -t 0 alive
  run_coracle 0 system prune -f -a
  has "$output" "Deleted Images"
  run_coracle 1 image exists box
  no_leaks
}

@test "system prune: filters" {
  run_coracle 0 run --name one --label keep=no box true
  run_coracle 0 run --name two --label keep=yes box true
  run_coracle 0 system prune -f --filter 'label=keep=no'
  run_coracle 0 ps -a --format '{{.Names}}'
  is "$output" "two"
  run_coracle 0 system prune -f --filter until=1h
  is "$output" "Total reclaimed space: 0B"
  run_coracle 0 system prune -f --filter 'label!=keep=yes'
  is "$output" "Total reclaimed space: 0B"
  run_coracle 0 rm two
}

@test "image prune: those without a name, or all that nothing uses" {
  answer n 0 image prune
  is "$output" $'WARNING! This command removes all dangling images.\nAre you sure you want to continue? [y/N] '
  answer n 0 image prune -a
  is "$output" $'WARNING! This command removes all images without at least one container associated with them.\nAre you sure you want to continue? [y/N] '
  run_coracle 0 import -q --change 'LABEL a=b' "$(fixture busybox.tar)"
  local first=${output#sha256:}
  run_coracle 0 import -q --change 'LABEL a=c' "$(fixture busybox.tar)"
  local second=${output#sha256:}
  run_coracle 0 image prune -f --filter label=a=c
  is "$output" "$second"
  run_coracle 0 create --name user "$first" true
  run_coracle 0 image prune -f
  is "$output" "" "a container uses it"
  run_coracle 0 rm user
  run_coracle 0 tag box other:1
  run_coracle 0 image prune -f
  is "$output" "$first"
  run_coracle 0 image prune -af
  is "$(wc -l <<<"$output")" 1 "one image with two names"
  run_coracle 125 image prune -f --filter nonsense=x
}

@test "system check: damage is told of, and repaired by removing it" {
  run_coracle 0 system check
  is "$output" ""
  run_coracle 0 system check --quick
  local blob id
  id=$(coracle image inspect --format '{{.Id}}' box)
  blob=$(find "$STORE/oci/blobs/sha256" -type f -size +100k | head -1)
  printf XXXXXXXX | dd of="$blob" bs=1 seek=1000 conv=notrunc status=none
  run_coracle 0 system check --quick
  run_coracle 125 system check
  has "$output" $'Damaged layers:\nsha256:'
  has "$output" "has another content"
  has "$output" "Damaged images:"
  has "$output" "$id: layer sha256:"
  has "$output" "Error: damage detected in local storage"
  run_coracle 0 create --name user box
  run_coracle 125 system check --repair
  has "$output" "Error: damage in local storage could not be repaired"
  run_coracle 0 system check --repair --force
  has "$output" "Deleted images:"
  has "$output" "Deleted containers:"
  run_coracle 1 image exists box
  run_coracle 0 system check
  run_coracle 0 ps -aq
  is "$output" ""
}

@test "system check: a layer and a container's folder that are gone" {
  local layer
  layer=$(find "$STORE/layers" -mindepth 1 -maxdepth 1 | head -1)
  run_coracle 0 create --name gone box
  mv "$layer" "$TEST_STORE/aside"
  run_coracle 125 system check -q
  has "$output" "its folder is missing"
  mv "$TEST_STORE/aside" "$layer"
  run_coracle 0 system check -q
  mv "$STORE/containers/$(coracle inspect --format '{{.Id}}' gone)" "$TEST_STORE/aside"
  run_coracle 125 system check -q
  like "$output" 'Damaged containers:'
  run_coracle 0 system check -q -r -f
  run_coracle 0 ps -aq
  is "$output" ""
  remove_tree "$TEST_STORE/aside"
}

@test "system migrate and renumber" {
  run_coracle 0 run -d --name moving box sleep 1000
  local id=$output
  run_coracle 0 system migrate
  is "$output" "stopped $id"
  run_coracle 0 inspect --format '{{.State.Status}}' moving
  is "$output" "exited"
  run_coracle 0 system migrate
  is "$output" ""
  run_coracle 125 system migrate --new-runtime foo
  is "$output" 'Error: change to runtime "foo" requested but no such runtime is defined: invalid argument'
  run_coracle 0 system renumber
  run_coracle 0 rm moving
}

@test "system reset: all is gone, even what runs; what is not ours stays" {
  run_coracle 0 run -d --name alive -v vol:/v box sleep 1000
  : >"$STORE/mine"
  answer n 0 system reset
  has "$output" "- the graphRoot directory: \"$STORE\""
  run_coracle 0 image exists box
  run_coracle 0 system reset -f
  is "$output" ""
  is "$(ls "$STORE")" "mine"
  [ ! -e "$RUN_ROOT" ] || fail "the run folder is left: $(ls "$RUN_ROOT")"
  rm "$STORE/mine"
  run_coracle 0 images -q
  is "$output" ""
  fixture_image box
  run_coracle 0 run --rm box echo again
  is "$output" "again"
  run_coracle 0 system reset --force
  [ ! -e "$STORE" ] || fail "the store is left"
}

@test "container runlabel: the command in an image's label" {
  run_coracle 0 import -q --change 'LABEL RUN="podman run --name NAME -e WHICH=IMAGE IMAGE echo here"' --change 'LABEL ODD="echo $1 ${WHOSE} NAME"' "$(fixture busybox.tar)" labelled
  run_coracle 0 container runlabel --display RUN labelled
  is "$output" 'command: coracle run --name labelled -e WHICH=localhost/labelled:latest localhost/labelled:latest echo here'
  WHOSE=mine run_coracle 0 container runlabel --display --name other ODD labelled more words
  is "$output" "command: coracle mine other more words"
  run_coracle 0 container runlabel --quiet -n ran RUN labelled
  is "$output" "here"
  run_coracle 0 inspect --format '{{.Config.Env}}' ran
  has "$output" "WHICH=localhost/labelled:latest"
  run_coracle 125 container runlabel -q -n ran RUN labelled
  run_coracle 0 container runlabel --replace -n ran RUN labelled
  is "${lines[1]}" "here"
  run_coracle 125 container runlabel NOPE labelled
  is "$output" "Error: cannot find the value of label: NOPE in image: labelled"
  run_coracle 125 container runlabel RUN
  run_coracle 125 container runlabel RUN nosuchimage
  has "$output" "nosuchimage" "it was looked for"
  run_coracle 0 rm ran
}
