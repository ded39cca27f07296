#!/usr/bin/env bats
# a registry without TLS, as a first one on one's own machine is: who forgets to say so is told what is wrong and what to do.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry plain
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

# told: the words that scripts look for, and the remedy.
told() {
  has "$output" "http: server gave HTTP response to HTTPS client" "what is wrong"
  has "$output" "--tls-verify=false" "what to do"
  has "$output" "registries.conf" "or for good"
}

@test "pull, push, login and search say that there is no TLS" {
  fixture_image box
  run_coracle 125 pull "$REGISTRY/box"
  has "$output" "pinging container registry $REGISTRY: " "who"
  told
  run_coracle 125 push box "$REGISTRY/box"
  told
  run_coracle 125 login -u somebody -p word "$REGISTRY"
  told
  run_coracle 125 search "$REGISTRY/box"
  told
}

@test "what is said to do works" {
  fixture_image box
  run_coracle push --tls-verify=false box "$REGISTRY/box"
  run_coracle pull --tls-verify=false "$REGISTRY/box"
}
