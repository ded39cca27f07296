#!/usr/bin/env bats
# Looking at images and cleaning up: mounts, filters, prunes, what was made from what, stores of others.
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

# what a failed test left must not fail the next one
setup() {
  basic_setup
  coracle images -aq --no-trunc --filter 'reference!=localhost/box' | sort -u | xargs -r "$CORACLE" rmi -f >/dev/null 2>&1 || true
}

# made NAME [LABEL]: an image above box, from a container that wrote a file.
made() {
  local name=$1
  shift
  run_coracle run --name maker box sh -c "echo $name >/$name"
  run_coracle commit -q "$@" maker "$name"
  run_coracle rm maker
}

@test "image mount and unmount" {
  if ! is_root; then
    run_coracle 125 image mount box
    is "$output" "Error: cannot run command \"coracle image mount\" in rootless mode, must execute \`coracle unshare\` first"
    run_coracle 125 image unmount box
    has "$output" "rootless mode"
  fi
  made second
  run_coracle tag second other
  cat >"$TEST_STORE/mounts" <<'EOF'
set -e
id=$("$CORACLE" image inspect --format '{{.Id}}' second)
path=$("$CORACLE" image mount second)
echo "file: $(cat "$path/second"), $(ls "$path/bin/busybox")"
touch "$path/x" 2>/dev/null || echo read-only
[ "$("$CORACLE" image mount other)" = "$path" ] && echo same
"$CORACLE" image mount
"$CORACLE" image mount --format json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(len(d), d[0]["id"] == sys.argv[1], sorted(d[0]["Repositories"]), d[0]["mountpoint"] == sys.argv[2])' "$id" "$path"
"$CORACLE" image mount second box | sort | cut -d' ' -f1
"$CORACLE" rmi box 2>&1 || echo "status $?"
"$CORACLE" image unmount second | grep -c "$id"
"$CORACLE" image umount second
"$CORACLE" image mount -a | cut -d' ' -f1 | sort
cd "$("$CORACLE" image mount box)"
"$CORACLE" image unmount box 2>&1 || echo "status $?"
"$CORACLE" image unmount -f box | wc -l
cd /
"$CORACLE" image unmount -a | wc -l
"$CORACLE" image mount
"$CORACLE" image mount nosuch 2>&1 || echo "status $?"
"$CORACLE" image unmount nosuch 2>&1 || echo "status $?"
"$CORACLE" image unmount 2>&1 || true
"$CORACLE" image mount -a box 2>&1 || true
"$CORACLE" image unmount -a box 2>&1 || true
"$CORACLE" image mount --format xml 2>&1 || true
EOF
  if is_root; then run bash "$TEST_STORE/mounts"; else run coracle unshare bash "$TEST_STORE/mounts"; fi
  show_run 0 mounts
  local box other=localhost/other:latest
  box=$(coracle image inspect --format '{{.Id}}' box)
  is "${lines[0]}" "file: second, $STORE/mounts/$(coracle image inspect --format '{{.Id}}' second)/bin/busybox"
  is "${lines[1]}" read-only
  is "${lines[2]}" same
  like "${lines[3]}" "^$other  /"
  is "${lines[4]}" "1 True ['localhost/other:latest', 'localhost/second:latest'] True"
  is "${lines[5]} ${lines[6]}" "localhost/box:latest $other"
  like "${lines[7]}" "image ${box:0:12} is mounted on"
  is "${lines[8]}" "status 2"
  is "${lines[9]}" 1
  is "${lines[10]} ${lines[11]}" "localhost/box:latest $other" "unmounting twice says nothing"
  like "${lines[12]}" "unmounting image .* in use"
  is "${lines[13]} ${lines[14]} ${lines[15]}" "status 125 1 1"
  is "${lines[16]}" "Error: nosuch: image not known"
  is "${lines[18]}" "Error: nosuch: image not known"
  is "${lines[20]}" "Error: image name or ID must be specified"
  is "${lines[21]}" "Error: when using the --all switch, you may not pass any image names or IDs"
  is "${lines[22]}" "${lines[21]}"
  is "${lines[23]}" 'Error: unknown --format argument: "xml"'
  run_coracle rmi second other
}

names() {
  run_coracle images --noheading --format '{{.Repository}}' "$@"
  [ -z "$output" ] || output=$(sed 's|localhost/||' <<<"$output" | sort | tr '\n' ' ')
}

@test "images: every filter, and what does not fit" {
  made one -c 'LABEL kind=a' -c 'LABEL more=yes'
  sleep 1.1
  made two -c 'LABEL kind=b'
  names --filter label=kind
  is "$output" "one two "
  names --filter label=kind=a
  is "$output" "one "
  names --filter label=kind --filter label=more
  is "$output" "one " "labels must all be there"
  names --filter 'label!=kind'
  is "$output" "box "
  names --filter 'label!=kind=a'
  is "$output" "box two "
  names --filter reference=one --filter reference=tw*
  is "$output" "one two " "one of several is enough"
  names --filter 'reference!=one' --filter 'reference!=two'
  is "$output" "box " "nothing that is excluded"
  names --filter before=two
  is "$output" "box one "
  names --filter since=one
  is "$output" "two "
  names --filter after=one
  is "$output" "two "
  names --filter until=1h
  is "$output" ""
  names --filter until=0
  is "$output" ""
  names --filter 'until!=1h'
  is "$output" "box one two "
  local id
  id=$(coracle image inspect --format '{{.Id}}' two)
  names --filter id="${id:0:8}"
  is "$output" "two "
  names --filter id="sha256:$id"
  is "$output" "two "
  names --filter 'id!='"$id"
  is "$output" "box one "
  names --filter digest="$(coracle image inspect --format '{{.Digest}}' two)"
  is "$output" "two "
  run_coracle create --name user two
  names --filter containers=true
  is "$output" "two "
  names --filter containers=false
  is "$output" "box one "
  names --filter containers=external
  is "$output" ""
  run_coracle rm user
  names --filter readonly=false
  is "$output" "box one two "
  names --filter readonly=true
  is "$output" ""
  names --filter manifest=true
  is "$output" ""
  names --filter manifest=false
  is "$output" "box one two "
  names --filter dangling=false
  is "$output" "box one two "
  run_coracle untag two
  names --filter dangling=true
  is "$output" "<none> "
  run_coracle images --filter dangling=true --format json
  is "$(jq -r '.[0].Dangling' <<<"$output")" true
  run_coracle rmi -f "$id" one
}

@test "images: wrong filters" {
  local case
  for case in 'foo=bar|invalid image filter "foo": must be in the format "filter=value or filter!=value"' 'foo|invalid image filter "foo": must be in the format "filter=value or filter!=value"' \
    'containers=x|unsupported value "x" for containers filter' 'digest=x|invalid value "x" for digest filter' 'until=xx|failed to parse value as time or duration: "xx"' \
    'before=nosuch|could not find local image for filter "before"="nosuch": nosuch: image not known' 'since=nosuch|could not find local image for filter "since"="nosuch": nosuch: image not known'; do
    run_coracle 125 images --filter "${case%%|*}"
    is "$output" "Error: ${case#*|}"
  done
  run_coracle 125 images --filter dangling=x
  has "$output" "strconv.ParseBool"
}

@test "intermediate images: hidden, listed with --all, and pruned with the last that was made from them" {
  made base
  local base child
  base=$(coracle images -q --no-trunc base)
  run_coracle run --name maker base true
  run_coracle commit -q maker
  child=$(coracle images -q --filter dangling=true)
  run_coracle rm maker
  run_coracle untag base
  names
  is "$output" "<none> box "
  names --all
  is "$output" "<none> <none> box "
  run_coracle images -q --no-trunc --filter intermediate=true
  is "$output" "$base"
  run_coracle images -q --filter dangling=true
  is "$output" "$child"
  run_coracle image prune -f
  is "${#lines[@]}" 2 "the child, and what it was made from"
  names --all
  is "$output" "box "
}

@test "image prune: --all, filters, the question" {
  made one -c 'LABEL kind=a'
  made two -c 'LABEL kind=b'
  run_coracle image prune -f
  is "$output" "" "they have names"
  run coracle image prune -a <<<n
  has "$output" "WARNING! This command removes all images without at least one container associated with them."
  run_coracle image prune -af --filter label=kind=a
  run_coracle 1 image exists one
  run_coracle image exists two
  run_coracle image prune -af --filter until=1h
  run_coracle image exists two
  run_coracle image prune -af --filter 'label!=kind'
  run_coracle image exists two
  run_coracle 1 image exists box
  run_coracle create --name user two
  run_coracle image prune -af
  is "$output" ""
  run_coracle image prune -f --build-cache
  is "$output" ""
  run_coracle rm user
  run_coracle image prune -af
  run_coracle images -q
  is "$output" ""
  fixture_image box
}

@test "image untag: names, all names, what is no name" {
  run_coracle tag box one two
  run_coracle 125 untag box nosuch
  is "$output" "Error: localhost/nosuch:latest: tag not known"
  run_coracle 125 untag nosuch
  is "$output" "Error: nosuch: image not known"
  run_coracle image untag box one localhost/two:latest
  names
  is "$output" "box "
  local id
  id=$(coracle images -q)
  run_coracle untag box
  run_coracle images --format '{{.Repository}}:{{.Tag}} {{.ID}}'
  is "$output" "<none>:<none> $id"
  run_coracle tag "$id" box
}

@test "image diff" {
  made changed
  run_coracle image diff changed
  is "${lines[0]}" "A /changed"
  run_coracle image diff --format json changed
  is "$(jq -c .added <<<"$output")" '["/changed"]'
  run_coracle image diff box
  has "$output" "A /bin/busybox"
  run_coracle image diff changed box
  is "${lines[0]}" "A /changed"
  run_coracle 125 image diff nosuch
  has "$output" "nosuch"
  run_coracle rmi changed
}

@test "system df -v and --format" {
  made second
  run_coracle run --name user -v vol:/v second true
  run_coracle system df --format '{{.Type}} {{.Total}} {{.Active}}'
  is "${lines[0]}" "Images 2 1"
  is "${lines[1]}" "Containers 1 0"
  is "${lines[2]}" "Local Volumes 1 1"
  run_coracle system df --format json
  is "$(jq -r '.[0].Type' <<<"$output")" Images
  is "$(jq -r '.[0].TotalCount' <<<"$output")" 2
  run_coracle system df -v
  like "$output" 'localhost/second +latest +[0-9a-f]{12} .* 1'
  like "$output" 'vol +1 '
  run_coracle 125 system df -v --format json
  is "$output" "Error: cannot combine --format and --verbose flags"
  run_coracle system prune -af --volumes --filter 'label!=x'
  has "$output" "Deleted Containers"
  has "$output" "Deleted Images"
  like "$output" "Total reclaimed space: [0-9.]+[kM]?B"
  run_coracle system prune -f --build
  run_coracle 125 system prune --external --all
  fixture_image box
}

@test "additional image stores: listed, run from, and left alone" {
  local other=$TEST_STORE/other/coracle conf=$TEST_STORE/storage.conf
  run_coracle --root "$other" --runroot "$TEST_STORE/otherrun" import -q --change 'CMD ["echo", "from the other"]' "$(fixture busybox.tar)" shared
  run_coracle --root "$other" --runroot "$TEST_STORE/otherrun" tag shared shared:two
  if ! is_root; then chmod -R a-w "$TEST_STORE/other"/coracle/{state.db*,oci}; chmod a-w "$other"; fi
  printf '[storage]\ndriver = "overlay"\n%s\n[storage.options]\nadditionalimagestores = ["%s", "/no/such/store"]\n' \
    "$(! is_root || printf 'graphroot = "%s"\nrunroot = "%s"\n' "$TEST_STORE/own" "$TEST_STORE/ownrun")" "$TEST_STORE/other" >"$conf"
  # the options are looked at where the command line does not choose both folders
  if is_root; then
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$CORACLE_BIN/coracle" >"$TEST_STORE/bin/plain"
    chmod 755 "$TEST_STORE/bin/plain"
    CORACLE=$TEST_STORE/bin/plain
  fi
  export CONTAINERS_STORAGE_CONF=$conf
  run_coracle images --format '{{.Repository}}:{{.Tag}} {{.ReadOnly}}' --filter readonly=true
  is "$(sort <<<"$output")" "localhost/shared:latest true
localhost/shared:two true"
  run_coracle run --rm shared
  is "$output" "from the other"
  run_coracle run --rm -w /tmp shared:two sh -c 'echo new >file && cat file'
  is "$output" new
  run_coracle image inspect --format '{{.GraphDriver.Data.UpperDir}}' shared
  has "$output" "$other/layers/"
  run_coracle history shared
  run_coracle create --name kept shared
  run_coracle start -a kept
  is "$output" "from the other"
  run_coracle commit -q kept derived
  run_coracle run --rm derived
  is "$output" "from the other" "layers of both stores"
  run_coracle rm kept
  run_coracle 125 rmi shared
  has "$output" "is read-only: it belongs to the additional store $other"
  run_coracle 125 tag shared mine
  has "$output" "is read-only"
  run_coracle 125 untag shared
  run_coracle image prune -af
  run_coracle image exists shared
  run_coracle save -q -o "$TEST_STORE/shared.tar" shared
  run_coracle rmi -af
  run_coracle image exists shared
  run_coracle system check
  run_coracle system reset -f
  run_coracle image exists shared
  unset CONTAINERS_STORAGE_CONF
  if ! is_root; then chmod u+w "$other"; chmod -R u+w "$other"/{state.db*,oci}; fi
}
