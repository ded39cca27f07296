#!/usr/bin/env bats
# 010-cli: the command line itself: grammar, errors, help, pages and completions as users meet them.
# root: yes

load helpers

BUILD_DIR=$(cd "$CORACLE_BIN/.." && pwd)

# fails_with EXPECTED ARGS…: exit status 125 and exactly this text.
fails_with() {
  local expected=$1
  shift
  run_coracle 125 "$@"
  is "$output" "$expected" "the error of: $*"
}

# as NAME ARGS…: called through a symlink of that name.
as() {
  local name=$1
  shift
  ln -sf "$CORACLE_BIN/coracle" "$TEST_STORE/$name"
  run "$TEST_STORE/$name" "$@"
}

@test "cli: unknown flags are named, with where to look" {
  fails_with "Error: unknown flag: --foo
See 'coracle version --help'" version --foo
  fails_with "Error: unknown shorthand flag: 'Q' in -Q
See 'coracle version --help'" version -Q
  fails_with "Error: bad flag syntax: ---x
See 'coracle version --help'" version ---x
  fails_with "Error: flag needs an argument: --root
See 'coracle version --help'" version --root
  run "$CORACLE" --foo
  is "$status" 125
  is "$output" "Error: unknown flag: --foo
See 'coracle --help'"
}

# refuses REASON FLAG…: `run FLAG… image` fails on the flag's value, with the place to look.
refuses() {
  fails_with "Error: $1
See 'coracle run --help'" run "${@:2}" no-such-image
}

@test "cli: a bad value of every kind is refused before anything is done" {
  refuses 'invalid argument "maybe" for "-t, --tty" flag: strconv.ParseBool: parsing "maybe": invalid syntax' --tty=maybe
  refuses 'invalid argument "x" for "-t, --tty" flag: strconv.ParseBool: parsing "x": invalid syntax' -it=x
  refuses 'invalid argument "x" for "--oom-score-adj" flag: strconv.ParseInt: parsing "x": invalid syntax' --oom-score-adj x
  refuses 'invalid argument "99999999999999999999" for "--oom-score-adj" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range' \
    --oom-score-adj=99999999999999999999
  refuses 'invalid argument "-1" for "--timeout" flag: strconv.ParseUint: parsing "-1": invalid syntax' --timeout -1
  refuses "invalid argument \"x\" for \"--shm-size\" flag: invalid size: 'x'" --shm-size x
  refuses 'invalid argument "\"a" for "--cap-add" flag: parse error on line 1, column 3: extraneous or missing " in quoted-field' --cap-add '"a'
  refuses 'invalid argument "x" for "--image-volume" flag: "x" is not a valid value.  Choose from: "bind, anonymous, tmpfs, ignore"' --image-volume x
  fails_with "Error: flag needs an argument: 'e' in -e
See 'coracle run --help'" run -ite
  [ ! -e "$STORE" ] || fail "a store was made"
}

@test "cli: an unknown command is told, with what it may have meant" {
  fails_with "Error: unrecognized command \`coracle versoin\`

Did you mean this?
	version

Try 'coracle --help' for more information" versoin
  fails_with "Error: unrecognized command \`coracle zzzzzzzz\`
Try 'coracle --help' for more information" zzzzzzzz
  fails_with "Error: unrecognized command \`coracle image zzzzzzzz\`
Try 'coracle image --help' for more information" image zzzzzzzz
}

@test "cli: too many arguments" {
  fails_with "Error: \`coracle version\` takes no arguments" version x
  fails_with "Error: accepts at most 3 arg(s), received 4" help image trust show all
}

@test "cli: a group without a command shows its help and fails" {
  run_coracle_out 125 image
  # shellcheck disable=SC2154
  is "$stderr" "Error: missing command 'coracle image COMMAND'"
  has "$output" "Available Commands:"
  run --separate-stderr "$CORACLE"
  is "$status" 125
  is "$stderr" "Error: missing command 'coracle COMMAND'"
}

@test "cli: called podman or docker it says so" {
  as podman versoin
  is "$status" 125
  has "$output" "unrecognized command \`podman versoin\`"
  has "$output" "Try 'podman --help'"
  as docker --version
  is "$status" 0
  like "$output" '^docker version [0-9]'
  as something --version
  like "$output" '^coracle version [0-9]' "other names are not taken over"
}

@test "cli: version as text, JSON and by a template" {
  run_coracle_out 0 version
  is "${lines[0]}" "Client:        Coracle"
  like "$output" $'\nVersion:       [0-9.]+\n'
  like "$output" $'\nBuilt:         [A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} 20[0-9]{2}\n'
  local version
  version=$(sed -n 's/^Version: *//p' <<<"$output")
  run_coracle_out 0 version --format '{{.Client.Version}} {{.Server.Version}} {{.Version}}'
  is "$output" "$version $version $version"
  run_coracle_out 0 version -f json
  like "$output" "^\{\"Client\":\{\"APIVersion\":\"[0-9.]+\",.*\"Os\":\"linux\"\}\}\$"
  run_coracle_out 0 version -f '{{json .Client.Os}}'
  is "$output" '"linux"'
  run_coracle 125 version -f '{{.Nothing}}'
  has "$output" "can't evaluate field Nothing"
  run_coracle 125 version -f '{{.Client.Version'
  has "$output" "unclosed action"
}

@test "cli: help in its three ways is the same" {
  run_coracle 0 version --help
  local long=$output
  run_coracle 0 version -h
  is "$output" "$long"
  run_coracle 0 help version
  is "$output" "$long"
  has "$long" "Usage:
  coracle version"
  run_coracle 125 help zzzzzzzz
  has "$output" "unrecognized command"
}

@test "cli: every command has help, and a page with its options" {
  local word page
  run_coracle_out 0 --help
  local words
  words=$(sed -n '/^Available Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$output")
  [ "$(wc -l <<<"$words")" -ge 2 ] || fail "no commands listed"
  for word in $words; do
    run_coracle_out 0 "$word" --help
    has "$output" "Usage:
  coracle $word" "help of $word"
    page=$BUILD_DIR/man/man1/coracle-$word.1
    [ -s "$page" ] || fail "no page: $page"
    # each way: the flags of the help and those of the page
    is "$(sed -n '/^Options:/,$p' <<<"$output" | grep -oE '^ +(-[a-zA-Z0-9], )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | sort)" \
      "$(sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' "$page" | grep -A 1 '^\.TP' | sed 's/\\fB//g; s/\\fR//g; s/\\-/-/g' | grep -oE -- '^(-[a-zA-Z0-9], )?--[a-z0-9-]+' |
        grep -oE -- '--[a-z0-9-]+' | sort)" "options of $word"
  done
}

@test "cli: the pages are clean roff" {
  needs groff
  local page problems
  for page in "$BUILD_DIR"/man/man1/*.1; do
    # a page of another name is one line that points to the first
    if grep -q '^\.so ' "$page"; then
      [ -e "$BUILD_DIR/man/$(sed -n 's/^\.so //p' "$page")" ] || fail "$page points nowhere"
      continue
    fi
    problems=$(groff -man -ww -z "$page" 2>&1)
    is "$problems" "" "$page"
  done
}

@test "cli: global options go before or after the command" {
  run_coracle 0 --log-level=debug version
  run_coracle 0 version --log-level debug
  run_coracle 1 --log-level loud version
  is "$output" 'Log Level "loud" is not supported, choose from: trace, debug, info, warn, warning, error, fatal, panic'
  run_coracle 1 version --log-level loud
}

@test "cli: output that cannot be written is a failure" {
  run bash -c '"$CORACLE" version >/dev/full'
  is "$status" 125
  is "$output" "Error: writing the output: No space left on device"
}

@test "cli: closed standard descriptors do no harm" {
  run bash -c '"$CORACLE" version <&- >&- 2>&-'
  is "$status" 0
}

@test "cli: bash completes commands, flags and values" {
  local completion=$BUILD_DIR/completion/coracle
  bash -n "$completion"
  complete_line() {
    # shellcheck disable=SC2016
    bash --norc -c 'source "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _coracle; echo "${COMPREPLY[*]}"' bash "$completion" "$1"
  }
  is "$(complete_line 'coracle vers')" "version"
  is "$(complete_line 'coracle version --log')" "--log-level"
  is "$(complete_line 'coracle version --log-level wa')" "warn warning"
  is "$(complete_line 'coracle version --log-level=tr')" "trace"
  is "$(complete_line 'coracle help versi')" "version"
  is "$(complete_line 'coracle zzzz ')" ""
  fixture_image box
  run_coracle tag box docker.io/library/boxer:1 quay.io/team/boxing:2
  is "$(PATH=$(dirname "$CORACLE"):$PATH complete_line 'coracle run --rm box')" "boxer:1 box:latest" "images by their short names"
  is "$(PATH=$(dirname "$CORACLE"):$PATH complete_line 'coracle rmi local')" "localhost/box:latest" "and by their full names"
  mkdir -p "$TEST_STORE/tmp/some/folder"
  is "$(complete_line "coracle --root $TEST_STORE/tmp/so")" "$TEST_STORE/tmp/some"
}

@test "cli: zsh and fish read their completions" {
  if command -v zsh >/dev/null; then zsh -n "$BUILD_DIR/completion/_coracle"; fi
  needs fish
  run fish --no-config -c "source $BUILD_DIR/completion/coracle.fish; complete -C 'coracle versi'"
  is "${output%%$'\t'*}" "version"
}

@test "cli: make install puts all in its place" {
  needs make
  local root=$TEST_STORE/tmp/root
  if [ ! -w "$BUILD_DIR" ]; then skip "the build tree is not ours"; fi
  run make -s -C "$TESTS_DIR/.." install BUILD="$BUILD_DIR" DESTDIR="$root" prefix=/usr
  is "$status" 0 "$output"
  local file
  for file in bin/coracle libexec/coracle/coracle-image libexec/coracle/coracle-monitor share/man/man1/coracle.1 share/man/man1/coracle-version.1 \
    share/bash-completion/completions/coracle share/zsh/site-functions/_coracle share/fish/vendor_completions.d/coracle.fish; do
    [ -s "$root/usr/$file" ] || fail "not installed: $file"
  done
  run "$root/usr/bin/coracle" --version
  like "$output" '^coracle version'
}
