#!/usr/bin/env bats
# 224-reboot: the machine went down: the run folder is empty, the boot id another one. Everything shows as ended, starts again, and those with a restart policy are brought back.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
}

state() { coracle inspect --format '{{.State.Status}}' "$1"; }

# reboot: every process of ours is killed at once, the run folder is empty, and the rows are of another boot
reboot() {
  wait_for 60 all_killed
  find "$RUN_ROOT" -mindepth 1 -delete
  needs python3
  python3 - "$STORE/state.db" <<'PY'
import sqlite3, sys
d = sqlite3.connect(sys.argv[1])
d.execute("update container set boot_id = 'of-another-boot'")
d.execute("update meta set value = 'of-another-boot' where key = 'boot_id'")
d.commit()
PY
}
# all_killed: also what one of them has started meanwhile
all_killed() {
  local left p
  left=$(left_processes)
  for p in $(sed -n 's/^process \([0-9]*\):.*/\1/p' <<<"$left"); do kill -KILL "$p" 2>/dev/null || true; done
  [ -z "$left" ]
}

@test "reboot: all shows as exited, starts again, and the policies bring back what is theirs" {
  run_coracle 0 run -d --name always --restart always box sleep 1000
  run_coracle 0 run -d --name unless --restart unless-stopped box sleep 1000
  run_coracle 0 run -d --name plain box sleep 1000
  run_coracle 0 run -d --name waiting --restart always box false
  run_coracle 0 run -d --rm --name gone box sleep 1000
  run_coracle 0 create --name made box sleep 1000
  run_coracle 0 run -d --name stopped --restart always box sleep 1000
  run_coracle 0 stop -t 0 stopped
  run_coracle 0 exec plain sh -c 'echo kept >/file'
  reboot
  run_coracle_out 0 ps -q
  is "$output" "" "none runs"
  run_coracle_out 0 ps -a --format '{{.Names}} {{.State}}' --sort names
  is "$output" $'always exited\nmade created\nplain exited\nstopped exited\nunless exited\nwaiting exited' "what is listed"
  run_coracle 0 start --all --filter restart-policy=always
  is "$(state always)" "running" "always"
  is "$(state plain)" "exited" "plain"
  run_coracle 0 start plain
  run_coracle_out 0 exec plain cat /file
  is "$output" "kept" "its files"
  run_coracle 0 rm -f -t 0 --all
  no_leaks
}
