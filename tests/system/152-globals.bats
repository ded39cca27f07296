# The program's own options: what it logs, and where it prints.

load helpers

@test "--log-level: at and above the level, in Podman's form" {
  for level in trace debug info warn warning error; do
    run_coracle "--log-level=$level" version
    for other in trace debug info; do
      case $level.$other in
        trace.* | debug.debug | debug.info | info.info) has "$output" " level=$other msg=" "$other at $level" ;;
        *) not_like "$output" " level=$other" "$other at $level" ;;
      esac
    done
  done
  run_coracle --log-level=DEBUG version
  like "$output" 'time="20[0-9-]+T[0-9:]+[+-][0-9:]+" level=debug msg="Called [a-z]+ version"' "the form"
}

@test "--debug, -D, and both together" {
  run_coracle -D version
  has "$output" " level=debug " "-D"
  run_coracle --debug version
  has "$output" " level=debug " "--debug"
  run_coracle 1 --debug --log-level=panic version
  is "$output" "Setting --log-level and --debug is not allowed" "both"
  run_coracle 1 --log-level=telepathic version
  like "$output" '^Log Level "telepathic" is not supported' "no such level"
}

@test "what is logged stays one line" {
  run_coracle --log-level=trace version --format $'a\n"b"'
  has "$output" 'msg="Word of the command line: a\n\"b\""' "quoted"
}

@test "--noout and --out: what the program prints, not what the container does" {
  fixture_image box
  run_coracle --noout version
  is "$output" "" "--noout"
  run_coracle --out "$BATS_TEST_TMPDIR/out" version -f json
  is "$output" "" "--out"
  run_coracle version -f json
  is "$(cat "$BATS_TEST_TMPDIR/out")" "$output" "the file"
  run_coracle --noout run --rm box echo hello
  is "$output" "hello" "the container's"
  run_coracle '?' --noout nonsense
  has "$output" "Error: unrecognized command" "errors are still shown"
  run_coracle 125 --out /nonexistent/folder/file version
  has "$output" "/nonexistent/folder/file" "a file that cannot be made"
}
