#!/usr/bin/env bats
# 418-restart-attached: the command that started a container, attached, leaves at its end: the starts by its restart policy follow all the same.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

started_again() { [ "$(coracle inspect --format '{{.RestartCount}} {{.State.Status}}' "$1")" = "2 exited" ]; }

@test "restart, attached: every one of many is started again" {
  local i
  for i in $(seq 15); do run_coracle 1 run --name "c$i" --network none --restart on-failure:2 box false; done
  for i in $(seq 15); do wait_for 40 started_again "c$i"; done
}
