#!/usr/bin/env bats
# 121-bundle: what is written to containers/ID/config.json is a bundle that another OCI runtime runs: crun, as Debian has it.
# root: yes

load helpers

# CRUN_SPACE: how to get a cgroup v2 mount for crun, which refuses to start on a machine that has both versions
setup() {
  needs crun jq
  CRUN_SPACE=(unshare -m -C)
  if ! is_root; then CRUN_SPACE=(unshare -Ur --map-auto -m -C); fi
  "${CRUN_SPACE[@]}" true 2>/dev/null || skip "no namespaces for crun here"
}

# bundle ARGS…: start a container that sleeps, make a bundle of its config.json and an unpacked root; sets $BUNDLE, and $OTHER, the container's name
bundle() {
  local id
  BUNDLE=$TEST_STORE/bundle
  fixture_image box
  "$CORACLE" run --rm --name sleeper --cidfile "$TEST_STORE/cid" "$@" box sleep 1000 </dev/null >/dev/null 2>&1 &
  wait_for 30 some_run
  id=$(cat "$TEST_STORE/cid")
  mkdir -p "$BUNDLE/rootfs"
  tar -C "$BUNDLE/rootfs" -xf "$(fixture busybox.tar)"
  cp "$STORE/containers/$id/config.json" "$TEST_STORE/config.json"
}

@test "bundle: config.json has what the runtime specification requires, with numbers as it has them" {
  bundle --ulimit cpu=-1 --ulimit nofile=100:200 --sysctl net.ipv4.ip_default_ttl=99 --oom-score-adj 1 --device /dev/zero:/dev/another
  run jq -r '[(.ociVersion | test("^1[.][0-9]+[.][0-9]+$")), (.root.path | startswith("/")), (.process.cwd | startswith("/")), (.process.args | length == 2), (.process.user.uid | type == "number"),
    (.process.user.gid | type == "number"), ([.mounts[] | (.destination | startswith("/")) and (.type | type == "string") and (.options | type == "array")] | all),
    ([.linux.namespaces[].type] | sort == ["cgroup", "ipc", "mount", "network", "pid", "uts"]), (.linux.seccomp.defaultAction | startswith("SCMP_ACT_")), ([.linux.sysctl[] | type == "string"] | all),
    ([.linux.devices[] | (.path | startswith("/dev/")) and (.type | IN("c", "b"))] | all), ([.process.capabilities[][] | startswith("CAP_")] | all)] | all' "$TEST_STORE/config.json"
  is "$output" "true" "every member is as it should be"
  has "$(cat "$TEST_STORE/config.json")" '{"type":"RLIMIT_CPU","soft":18446744073709551615,"hard":18446744073709551615}' "a limit without end"
  has "$(cat "$TEST_STORE/config.json")" '{"type":"RLIMIT_NOFILE","soft":100,"hard":200}' "another"
  run_coracle 0 rm -f -t 0 sleeper
  wait
}

@test "bundle: crun runs it" {
  rm -f "$TEST_STORE/cid"
  bundle --net none --ulimit cpu=-1 --ulimit nofile=100:200 --hostname other -e A=b -v "$TEST_STORE:/given:ro"
  jq '.root.path = "rootfs" | .process.args = ["sh", "-c", "echo $A; hostname; ulimit -n; ulimit -t; grep ^Seccomp: /proc/self/status | tr -dc 0-9; echo; grep ^CapEff /proc/self/status; ls /given/cid; touch /given/x"]' \
    "$TEST_STORE/config.json" | sed 's/18446744073709552000/18446744073709551615/g' >"$BUNDLE/config.json"
  # shellcheck disable=SC2016 # for the inner shell
  run "${CRUN_SPACE[@]}" sh -c 'mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null; exec crun --root "$1" --cgroup-manager=disabled run -b "$2" "bundle-$$"' sh "$TEST_STORE/crun" "$BUNDLE" </dev/null
  local theirs=$output
  printf '%s\n' "$theirs"
  run_coracle 0 rm -f -t 0 sleeper
  wait
  is "$(head -n 5 <<<"$theirs")" $'b\nother\n100\nunlimited\n2' "what it says of itself"
  run_coracle_out 0 run --rm box grep ^CapEff /proc/self/status
  has "$theirs" "$output" "the capabilities are those that it has with our runtime"
  [ ! -e "$TEST_STORE/x" ] || fail "the read-only volume was written to"
}
