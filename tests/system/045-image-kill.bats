#!/usr/bin/env bats
# SIGKILL at the system calls of import, load and rmi: the next command works, every listed image is whole, and nothing is left over.
# long: yes
load helpers
load kill-helpers

setup_file() {
  basic_setup_file
  TAR=$(fixture busybox.tar)
  LAYERS=$(archives)/layers.tar
  export TAR LAYERS
}

@test "import, killed" {
  needs strace
  run_coracle import -q "$TAR" box
  note_sizes
  before_kill() { coracle rmi -a -f >/dev/null; }
  each_kill 3 import -q "$TAR" box
  run_coracle import -q "$TAR" box
  whole "import"
}

@test "load of three layers, killed" {
  needs strace
  coracle rmi -a -f >/dev/null
  run_coracle load -q -i "$LAYERS"
  note_sizes
  before_kill() { coracle rmi -a -f >/dev/null; }
  each_kill 2 load -q -i "$LAYERS"
  run_coracle load -q -i "$LAYERS"
  is "$output" "Loaded image: localhost/layers:1"
  whole "load"
}

@test "rmi, killed" {
  needs strace
  coracle rmi -a -f >/dev/null
  run_coracle load -q -i "$LAYERS"
  run_coracle import -q "$TAR" box
  note_sizes
  before_kill() { coracle load -q -i "$LAYERS" >/dev/null; }
  each_kill 2 rmi layers:1
  run_coracle image exists box
}

@test "a sweep, killed, is finished by the next" {
  needs strace
  coracle rmi -a -f >/dev/null
  run_coracle import -q "$TAR" box
  note_sizes
  before_kill() {
    mkdir -p "$STORE/tmp/dead/folder" "$STORE/layers/$(printf '%064d' 1)/x" "$RUN_ROOT/$(printf '%064d' 2)" "$STORE/containers/$(printf '%064d' 2)/upper"
  }
  each_kill 2 images
  is "$(ls -A "$STORE/containers")" "" "containers"
  run_coracle image exists box
}
