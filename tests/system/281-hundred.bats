#!/usr/bin/env bats
# 281-hundred: many detached containers at once: started in parallel, each with a health check, and all gone at one word.

load helpers

setup() { fixture_image box; }

all_healthy() { [ "$(coracle ps -q --filter health=healthy | wc -l)" = "$1" ]; }

@test "hundred: started in parallel, each healthy, then rm -fa: no process, mount, folder or row left" {
  CORACLE_TEST_TIMEOUT=120
  seq 100 | xargs -P 20 -I N "$CORACLE" run -d --name many-N --net none --health-cmd 'test -e /tmp/ready' --health-interval 5s --health-timeout 60s --health-retries 20 \
    box sh -c 'echo N; touch /tmp/ready; exec sleep 1000' >"$TEST_STORE/ids" 3>&-
  is "$(sort -u "$TEST_STORE/ids" | grep -cE '^[0-9a-f]{64}$')" 100 "ids printed"
  run_coracle ps -q
  is "${#lines[@]}" 100 "running"
  wait_for 150 all_healthy 100
  for i in 1 50 100; do
    wait_for 20 logs_say "many-$i" "$i"
    run_coracle logs "many-$i"
    is "$output" "$i"
  done
  run_coracle rm -fa -t 0
  is "${#lines[@]}" 100 "removed"
  run_coracle ps -aq
  is "$output" ""
  no_leaks
}
