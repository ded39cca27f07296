#!/usr/bin/env bats
# 330-volume: the volume commands: what a volume is made with is kept and shown, and one in use is not removed.
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

teardown() {
  coracle rm -af >/dev/null 2>&1 || true
  coracle volume rm -af >/dev/null 2>&1 || true
}

@test "create makes a volume with labels and options, and inspect shows them" {
  run_coracle volume create a
  is "$output" a
  run_coracle 125 volume create a
  is "$output" "Error: volume with name a already exists: volume already exists"
  run_coracle volume create --ignore a
  is "$output" a
  run_coracle volume create -l x=y --label z -o nocopy b
  run_coracle volume inspect a b
  is "$(jq -c '.[0] | del(.CreatedAt)' <<<"$output")" \
    "{\"Name\":\"a\",\"Driver\":\"local\",\"Mountpoint\":\"$STORE/volumes/a/_data\",\"Labels\":{},\"Scope\":\"local\",\"Options\":{},\"MountCount\":0,\"NeedsCopyUp\":true,\"NeedsChown\":true}"
  is "$(jq -c '.[1] | [.Labels, .Options, .NeedsCopyUp]' <<<"$output")" '[{"x":"y","z":""},{"nocopy":""},null]'
  like "$(jq -r '.[0].CreatedAt' <<<"$output")" '^20[0-9-]+T[0-9:.]+(Z|[+-][0-9:]+)$'
  run_coracle volume inspect -f '{{.Name}} {{.Mountpoint}} {{.Labels}} {{.Anonymous}}' b
  is "$output" "b $STORE/volumes/b/_data map[x:y z:] false"
  run_coracle volume inspect -a --format '{{.Name}}'
  is "$output" $'a\nb'
  run_coracle volume create
  like "$output" '^[0-9a-f]{64}$' "a name is made up"
}

@test "create refuses what it cannot do" {
  run_coracle 125 volume create -d foo c
  is "$output" "Error: volume c uses volume plugin foo but it could not be retrieved: no volume plugin with name foo available: required plugin missing"
  run_coracle 125 volume create bad/name
  is "$output" "Error: running volume create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument"
  run_coracle 125 volume create -o foo=bar c
  is "$output" "Error: invalid mount option foo for driver 'local': invalid argument"
  run_coracle 125 volume create -o o=size=1m c
  has "$output" "a folder has no quota"
  run_coracle 125 volume create -o o=uid=x c
  run_coracle 125 volume create -l =x c
  is "$output" 'Error: unable to process labels: invalid label format: "=x"'
  run_coracle 125 volume create a b
  is "$(coracle volume ls -q)" "" "nothing is left of them"
  is "$(ls -A "$STORE/volumes" 2>/dev/null)" ""
}

@test "a volume belongs to whom --uid and --gid say" {
  run_coracle volume create --uid 5 --gid 6 u
  is "$(coracle volume inspect -f '{{.UID}} {{.GID}}' u)" "5 6"
  run_coracle run --rm -v u:/data -u user box stat -c %u:%g /data
  is "$output" 5:6 "its first container's user does not get it"
  run_coracle volume create -o o=uid=7,gid=8 o
  is "$(coracle volume inspect u o | jq -c '.[1] | [.UID, .GID, .Options, .NeedsChown]')" '[7,8,{"GID":"8","UID":"7","o":"uid=7,gid=8"},null]'
  run_coracle run --rm -v o:/data box stat -c %u:%g /data
  is "$output" 7:8
}

@test "the first container fills a volume from the image, unless it must not" {
  run_coracle volume create full
  run_coracle volume create -o nocopy none
  run_coracle run --rm -v full:/etc -v none:/mnt box test -e /etc/passwd
  run_coracle run --rm -v none:/etc box test ! -e /etc/passwd
  is "$(coracle volume inspect full | jq -c '.[0] | [.NeedsCopyUp, .NeedsChown]')" '[null,null]'
  coracle run --rm -v full:/data box sh -c 'rm -rf /data/*'
  run_coracle run --rm -v full:/etc box test ! -e /etc/passwd
}

@test "exists and inspect tell what is not there" {
  run_coracle volume create abc
  run_coracle volume exists abc
  run_coracle 1 volume exists ab
  is "$output" ""
  run_coracle 1 volume exists ../layers
  run_coracle 125 volume inspect nope
  is "$output" $'[]\nError: no such volume nope'
  run_coracle 125 volume inspect
  is "$output" "Error: provide one or more volume names or use --all"
  run_coracle 125 volume inspect -a abc
  is "$output" "Error: choose either one or more volumes or all"
  is "$(coracle volume inspect -f '{{.Name}}' ab)" abc "the beginning of one name is enough"
}

@test "ls lists, and filters" {
  run_coracle volume ls
  is "$output" "DRIVER      VOLUME NAME"
  coracle volume create -l app=web one
  coracle volume create -l app=db -l big two
  coracle run --name user -v used:/data box true
  run_coracle volume ls
  is "$output" $'DRIVER      VOLUME NAME\nlocal       one\nlocal       two\nlocal       used'
  is "$(coracle volume ls -n)" $'local       one\nlocal       two\nlocal       used'
  lists() {
    run_coracle volume ls -q "${@:2}"
    is "$(echo $output)" "$1" "${*:2}"
  }
  lists "one" -f name=^o
  lists "one two" -f name=^o -f name=wo
  lists "one two" -f label=app
  lists "two" -f label=app -f label=big
  lists "one used" -f label!=big
  lists "one two" --filter dangling=true
  lists "used" -f dangling=false
  lists "" -f driver=foo
  lists "one two used" -f driver=local -f scope=local
  lists "" -f until=1h
  lists "one two used" -f until=2099-01-01
  lists "two used" -f since=one
  run_coracle 125 volume ls -f bad=1
  is "$output" 'Error: "bad" is an invalid volume filter'
  run_coracle 125 volume ls -f dangling=x
  is "$output" 'Error: "x" is not a valid value for the "dangling" filter - must be true or false'
  run_coracle 125 volume ls -f until=1x
  is "$output" 'Error: failed to parse value as time or duration: "1x"'
  run_coracle 125 volume ls -q --format json
  is "$output" "Error: quiet and format flags cannot be used together"
  is "$(coracle volume ls --format json | jq -c '.[1] | [.Name, .Driver, .Labels]')" '["two","local",{"app":"db","big":""}]'
  is "$(coracle volume list --format '{{.Name}} {{.Labels}}' -f name=two)" "two map[app:db big:]"
  is "$(coracle volume ls --format 'table {{.Name}}' | head -1)" "VOLUME NAME"
}

@test "rm removes what nobody has, and tells who has it" {
  coracle volume create free
  local id
  id=$(coracle create -v used:/data box true)
  coracle start -a "$id"
  run_coracle 2 volume rm used
  is "$output" "Error: volume used is being used by the following container(s): $id: volume is being used"
  run_coracle 1 volume rm nope free
  is "$output" $'Error: no volume with name "nope" found: no such volume\nfree'
  run_coracle volume rm -f nope
  is "$output" ""
  run_coracle 125 volume rm
  is "$output" "Error: choose either one or more volumes or all"
  run_coracle 125 volume rm -t 3 used
  is "$output" "Error: --force option must be specified to use the --time option"
  run_coracle volume rm -f -t 0 used
  is "$output" used
  is "$(coracle ps -aq)" "" "and its container"
  coracle volume create p1
  coracle volume create p2
  run_coracle 125 volume rm p
  is "$output" 'Error: more than one result for volume name "p": volume already exists'
  run_coracle volume rm --all
  is "$output" $'p1\np2'
  no_leaks
}

@test "prune removes what nobody has, after asking" {
  run_coracle volume prune
  is "$output" "No dangling volumes found"
  coracle volume create a
  coracle volume create -l keep b
  coracle create -v used:/data box true
  # a container that was never started has its volumes as well
  coracle volume create --ignore used
  echo n | coracle volume prune >"$TMPDIR/out"
  is "$(cat "$TMPDIR/out")" "WARNING! This will remove all volumes not used by at least one container. The following volumes will be removed:
a
b
Are you sure you want to continue? [y/N] "
  run_coracle 125 volume prune -f --filter bad=1
  is "$output" 'Error: "bad" is an invalid volume filter'
  run_coracle volume prune -f --filter label!=keep
  is "$output" a
  run_coracle system prune -f --volumes --filter label=other
  run_coracle volume exists b
  run_coracle volume prune -f
  is "$output" b
  is "$(coracle volume ls -q)" used
}

@test "events tell of volumes" {
  local since
  since=$(date +%s.%N)
  coracle volume create e
  coracle volume rm e
  coracle volume create f
  coracle volume prune -f
  run_coracle events --stream=false --since "$since" --filter type=volume --format '{{.Status}} {{.Name}}'
  is "$output" $'create e\nremove e\ncreate f\nremove f\nprune f'
}

@test "mount and unmount print, within unshare" {
  coracle volume create m
  local -a inside=("$CORACLE")
  if ! is_root; then
    run_coracle 125 volume mount m
    like "$output" '^Error: cannot run command "[a-z]+ volume mount" in rootless mode, must execute `[a-z]+ unshare` first$'
    inside=("$CORACLE" unshare "$CORACLE")
  fi
  is "$("${inside[@]}" volume mount m)" "$STORE/volumes/m/_data"
  is "$("${inside[@]}" volume unmount m)" m
  local status=0
  "${inside[@]}" volume mount nope 2>"$TMPDIR/err" || status=$?
  is "$status" 125
  is "$(cat "$TMPDIR/err")" 'Error: no volume with name "nope" found: no such volume'
  run_coracle volume reload
  is "$output" ""
}
