#!/usr/bin/env bats
# 160-newcomer: what someone who knows Podman types first: the same words, the same statuses, and where something is missing, what to do instead.
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

@test "a command of Podman's that is to come is told from a misspelt one" {
  run_coracle 125 compose up
  is "${lines[0]}" "Error: unrecognized command \`coracle compose\`" "what scripts match"
  is "${lines[1]}" "\`compose\` is not supported in this version yet"
  run_coracle 125 generate kube box
  has "$output" "\`kube\` is not supported in this version yet"
  run_coracle 125 image wait
  not_like "$output" "not supported" "no such command of images, ever"
  run_coracle 125 rum
  has "$output" "Did you mean this?"
  not_like "$output" "not supported"
}

@test "a flag of Podman's run that is to come says so, and what may do instead" {
  run_coracle 125 run --secret=x box true
  is "${lines[0]}" "Error: unknown flag: --secret" "what scripts match"
  is "${lines[1]}" "--secret is not supported in this version yet; --volume may do instead"
  is "${lines[2]}" "See 'coracle run --help'"
  run_coracle 125 container run --pod=p box true
  is "${lines[1]}" "--pod is not supported in this version yet"
  run_coracle 125 run --podded box true
  is "${lines[1]}" "See 'coracle run --help'" "no flag of Podman's either"
  run_coracle 125 ps -d
  is "${lines[1]}" "See 'coracle ps --help'" "no flag of ps"
}

@test "an image that is not here is looked for in a registry" {
  run_coracle 125 run --rm nosuch true
  like "$output" '(short-name "nosuch" did not resolve .*registries\.conf|Trying to pull docker\.io/library/nosuch)' "where"
  run_coracle 125 run --rm --pull=never nosuch true
  is "$output" "Error: nosuch: image not known" "nobody wanted a registry"
}

@test "removing by force what is not there is no failure" {
  run_coracle rmi -f nosuch
  is "$output" ""
  run_coracle image rm --force nosuch
  is "$output" ""
  run_coracle 1 rmi nosuch
  run_coracle rm -f nosuch
  run_coracle 1 rm nosuch
  is "$output" 'Error: no container with ID or name "nosuch" found: no such container'
}

@test "ps shows the command, not the init program and the entrypoint before it" {
  run_coracle run --name init --init box echo hi
  run_coracle run --name entry --entrypoint echo box hi there
  run_coracle run --name both --init --entrypoint '["echo","-n"]' box hi
  run_coracle ps -a --format '{{.Names}}: {{.Command}}'
  is "$output" "init: echo hi
entry: hi there
both: hi"
  run_coracle ps -a --filter command=hi --format '{{.Names}}'
  is "$output" "entry
both" "the filter looks at the same words"
  run_coracle inspect -f '{{.Path}}' init
  is "$output" "/run/podman-init" "inspect shows what is executed"
  run_coracle rm init entry both
}

@test "a user has its own group among the others" {
  run_coracle run --rm box id -G
  is "$output" "0"
  if is_root; then return; fi
  run_coracle run --rm -u 12345:54 box grep Groups: /proc/self/status
  like "$output" '^Groups:[[:space:]]+54 $'
  run_coracle run --rm -u user box grep Groups: /proc/self/status
  like "$output" '^Groups:[[:space:]]+50 100 1000 $'
  run_coracle run --rm -u user:staff box grep Groups: /proc/self/status
  like "$output" '^Groups:[[:space:]]+50 $'
}

@test "history's sizes are written as Podman writes them" {
  run_coracle history --format '{{.Size}}' box
  like "$output" '^[0-9.]+MB$'
}

@test "output that finds no room is a failure, not a silent loss" {
  local status command
  for command in 'echo full' 'echo full >&2' 'yes | head -c 300000'; do
    status=0
    # a container's stderr shares the descriptor that the error would go to
    "$CORACLE" run --name full box sh -c "$command; exit 7" >/dev/full 2>"$TMPDIR/err" || status=$?
    if [ "$command" = 'echo full >&2' ]; then
      is "$status" 7 "stdout was not needed"
      is "$(cat "$TMPDIR/err")" full
    else
      is "$status" 126 "$command"
      is "$(cat "$TMPDIR/err")" "Error: writing the container's output: No space left on device" "$command"
    fi
    is "$(coracle inspect -f '{{.State.ExitCode}}' full)" 7 "the container itself ended well"
    run_coracle rm full
  done
  status=0
  "$CORACLE" run --rm box sh -c 'echo lost >&2; echo kept' >"$TMPDIR/out" 2>/dev/full || status=$?
  is "$status" 126 "the same for standard error"
  is "$(cat "$TMPDIR/out")" kept
  status=0
  script -qec "$CORACLE run --rm -t box echo terminal >/dev/full" /dev/null </dev/null >"$TMPDIR/out" || status=$?
  is "$status" 126 "with a terminal"
  has "$(cat "$TMPDIR/out")" "No space left on device"
  no_leaks
}

@test "typical scripts: ids from -q, pipes into xargs, exit codes by inspect" {
  run_coracle tag box other
  run_coracle 3 run --name job box sh -c 'exit 3'
  is "$(coracle inspect -f '{{.State.ExitCode}}' job)" 3
  is "$(coracle ps -aq --filter status=exited | wc -l)" 1
  coracle ps -aq --filter status=exited | xargs "$CORACLE" rm
  is "$(coracle ps -aq)" ""
  printf 'echo one\necho two\n' | coracle run --rm -i box sh >"$TMPDIR/out"
  is "$(cat "$TMPDIR/out")" "one
two"
  is "$(seq 6 | xargs -P4 -I{} "$CORACLE" run --rm box echo {} | sort | tr -d '\n')" 123456
  is "$(coracle images -q | sort -u | wc -l)" 1
  coracle images -q | xargs "$CORACLE" rmi -f
  is "$(coracle images -q)" ""
}
