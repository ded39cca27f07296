#!/usr/bin/env bats
# 233-rename-prune-port: another name, removing what does not run, published ports, container exists.
# root: yes

load helpers

setup() {
  fixture_image box
}

show() { coracle container inspect --format "$2" "$1"; }
names() { coracle ps -a --format '{{.Names}}' | sort | tr '\n' ' '; }

@test "rename: one that has ended, one that runs" {
  run_coracle 0 create --name old box true
  local id=$output
  run_coracle 0 rename old new
  is "$output" ""
  is "$(show new '{{.Id}} {{.Name}}')" "$id new"
  run_coracle 125 rename old other
  is "$output" 'Error: no container with name or ID "old" found: no such container'
  run_coracle 0 container rename "${id:0:12}" third
  is "$(names)" "third "
  run_coracle 0 rename third third
  run_coracle 0 run -d --name up --net none box sleep 1000
  run_coracle 0 rename up above
  is "$(coracle ps --format '{{.Names}} {{.State}}')" "above running"
  run_coracle 0 stop -t 0 above
  is "$(show above '{{.State.Status}} {{.Name}}')" "exited above" "what is recorded at its end leaves the name alone"
  run_coracle 0 start above
  run_coracle 0 rm -f -t 0 above third
}

@test "rename: what cannot be" {
  run_coracle 0 create --name one box true
  local id=$output
  run_coracle 0 create --name two box true
  run_coracle 125 rename one two
  is "$output" "Error: renaming container $id: name \"two\" is in use: container already exists"
  run_coracle 125 rename one "$(show two '{{.Id}}')"
  like "$output" "is in use: container already exists"
  local bad
  for bad in 'a b' '' .x -- 'a/b'; do
    run_coracle 125 rename -- one "$bad"
    is "$output" "Error: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument"
  done
  run_coracle 125 rename one
  is "$output" "Error: accepts 2 arg(s), received 1"
  is "$(names)" "one two "
  run_coracle 0 rm one two
}

@test "container prune: everything that does not run" {
  local made ended
  made=$(coracle create --name made box true)
  run_coracle 3 run --name ended --net none box sh -c 'exit 3'
  ended=$(show ended '{{.Id}}')
  run_coracle 0 run -d --name up --net none box sleep 1000
  run_coracle 125 container prune </dev/null
  is "$output" "WARNING! This will remove all non running containers."$'\n'"Are you sure you want to continue? [y/N] Error: EOF"
  is "$(names)" "ended made up "
  run bash -c "echo n | $CORACLE container prune"
  is "$(names)" "ended made up "
  run bash -c "echo yes | $CORACLE container prune"
  is "$status" 0
  is "$output" "WARNING! This will remove all non running containers."$'\n'"Are you sure you want to continue? [y/N] $made"$'\n'"$ended"
  is "$(names)" "up "
  run_coracle 0 container prune -f
  is "$output" ""
  run_coracle 0 rm -f -t 0 up
  no_leaks
}

@test "container prune: --filter" {
  run_coracle 0 create --name red --label colour=red box true
  run_coracle 0 create --name blue --label colour=blue box true
  run_coracle 0 create --name plain box true
  run_coracle 0 container prune -f --filter until=1h
  is "$output" ""
  run_coracle 0 container prune -f --filter label=colour=red
  is "$(names)" "blue plain "
  run_coracle 0 container prune --force --filter 'label!=colour'
  is "$(names)" "blue "
  run_coracle 0 container prune --force --filter label=colour --filter until=2099-01-01
  is "$(names)" ""
}

@test "container prune: words that are wrong" {
  run_coracle 125 container prune -f --filter foo=bar
  is "$output" "Error: foo is an invalid filter"
  run_coracle 125 container prune -f --filter status=exited
  is "$output" "Error: status is an invalid filter"
  run_coracle 125 container prune -f --filter label
  is "$output" "Error: filter input must be in the form of filter=value: label is invalid"
  run_coracle 125 container prune -f --filter until=foo
  is "$output" 'Error: failed to parse value as time or duration: "foo"'
  run_coracle 125 container prune -f xx
  is "$output" "Error: \`coracle container prune\` takes no arguments"
}

@test "port: nothing is published" {
  run_coracle 0 run -d --name up --net none box sleep 1000
  for words in up "up 80" "up 80/tcp" -a -l "-l 80" "up 0"; do
    # shellcheck disable=SC2086 # words
    run_coracle 0 port $words
    is "$output" "" "port $words"
  done
  run_coracle 0 container port up
  run_coracle 0 rm -f -t 0 up
}

@test "port: words that are wrong" {
  run_coracle 125 port
  is "$output" "Error: you must supply a running container name or id"
  run_coracle 125 port nope
  is "$output" 'Error: no container with name or ID "nope" found: no such container'
  run_coracle 125 port -a one
  is "$output" "Error: no arguments are needed with --all"
  run_coracle 125 port -a -l
  is "$output" "Error: --all and --latest cannot be used together"
  run_coracle 125 port one abc
  is "$output" 'Error: strconv.ParseUint: parsing "abc": invalid syntax'
  run_coracle 125 port one 70000
  is "$output" 'Error: strconv.ParseUint: parsing "70000": value out of range'
  run_coracle 125 port -l
  is "$output" "Error: no such container"
}

@test "container exists" {
  run_coracle 0 create --name there box true
  local id=$output
  run_coracle 0 container exists there
  run_coracle 0 container exists "${id:0:8}"
  run_coracle 0 container exists --external there
  run_coracle 1 container exists nope
  is "$output" ""
  run_coracle 1 container exists --external nope
  run_coracle 125 container exists ''
  is "$output" "Error: name or ID cannot be empty"
  run_coracle 0 rm there
}
