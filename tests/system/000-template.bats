#!/usr/bin/env bats
# 000-template: what a system test file looks like; copy it. Expected status first, then output; no state shared between tests
# but this file's store; leave nothing behind (teardown_file looks).
# A file whose tests also make sense for real uid 0 says so in a line of its own:
# root: yes

load helpers

@test "template: the version is printed" {
  run_coracle_out 0 version --format '{{.Client.Version}}'
  like "$output" '^[0-9]+\.[0-9]+' "the version"
}

@test "template: an unknown command is our error, 125" {
  run_coracle 125 no-such-command
  has "$output" "no-such-command" "the message names it"
}
