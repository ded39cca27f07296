#!/usr/bin/env bats
# 060-info: this machine, this store, this program: `info` and `version`.
# root: yes

load helpers

# formats TEMPLATE EXPECTED
formats() {
  run_coracle_out 0 info --format "$1"
  is "$output" "$2" "$1"
}

@test "info: as YAML, sorted, with all parts" {
  run_coracle_out 0 info
  is "$(grep -E '^[a-z]+:' <<<"$output" | tr '\n' ' ')" "host: plugins: registries: {} store: version: "
  is "$(sed -n '/^store:/,/^version:/s/^  \([a-zA-Z]*\):.*/\1/p' <<<"$output" | tr '\n' ' ')" \
    "containerStore graphDriverName graphOptions graphRoot graphRootAllocated graphRootUsed graphStatus imageCopyTmpDir imageStore runRoot transientStore volumePath "
  has "$output" "  graphRoot: $STORE"
  has "$output" "    Supports d_type: \"true\""
  has "$output" "  kernel: $(uname -r)"
  has "$output" "  - local"
  is "$(coracle system info --format '{{.Store.GraphRoot}}')" "$STORE" "system info is the same"
}

@test "info: as JSON" {
  run_coracle_out 0 info --format json
  is "${lines[1]}" '  "host": {' "indented by 2"
  is "$(jq -c keys <<<"$output")" '["host","plugins","registries","store","version"]'
  is "$(jq -r '.host | [.os, .hostname, .kernel, (.cpus | tostring)] | join(" ")' <<<"$output")" "linux $(uname -n) $(uname -r) $(nproc --all)"
  is "$(jq '.host.memTotal / 1024' <<<"$output")" "$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)"
  is "$(jq '.host | .memFree > 0 and .memFree < .memTotal' <<<"$output")" true
  is "$(jq '.host.swapTotal / 1024' <<<"$output")" "$(awk '/^SwapTotal:/ { print $2 }' /proc/meminfo)"
  is "$(jq -r '.host.distribution | .distribution' <<<"$output")" "$(. /etc/os-release && echo "$ID")"
  is "$(jq -r '.host.cgroupVersion' <<<"$output")" "$([ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] && echo v2 || echo v1)"
  is "$(jq '.host.cpuUtilization | .userPercent + .systemPercent + .idlePercent | . > 99 and . <= 100' <<<"$output")" true
  is "$(jq -r '.store.runRoot' <<<"$output")" "$RUN_ROOT"
  is "$(jq '.store | .graphRootUsed > 0 and .graphRootUsed <= .graphRootAllocated' <<<"$output")" true
  is "$(jq -r '.version.Version' <<<"$output")" "$(cat "$TESTS_DIR/../VERSION")"
}

@test "info: what scripts ask for" {
  formats '{{.Store.GraphRoot}}' "$STORE"
  formats '{{.Store.GraphDriverName}} {{.Store.VolumePath}} {{.Store.TransientStore}}' "overlay $STORE/volumes false"
  formats '{{.Host.Security.Rootless}}' "$(is_root && echo false || echo true)"
  formats '{{.Host.OCIRuntime.Name}} {{.Host.OS}} {{.Host.ServiceIsRemote}}' "coracle linux false"
  formats '{{.Host.CgroupsVersion}}' "$(coracle info -f json | jq -r .host.cgroupVersion)"
  formats '{{.Host.Arch}} {{.Version.OsArch}}' "$(coracle version -f '{{.Client.OsArch}}' | sed 's,linux/,,') $(coracle version -f '{{.Client.OsArch}}')"
  formats '{{.Host.Security.SECCOMPEnabled}} {{.Host.Security.SELinuxEnabled}} {{.Host.Security.DefaultCapabilities}}' \
    "true false CAP_CHOWN,CAP_DAC_OVERRIDE,CAP_FOWNER,CAP_FSETID,CAP_KILL,CAP_NET_BIND_SERVICE,CAP_SETFCAP,CAP_SETGID,CAP_SETPCAP,CAP_SETUID,CAP_SYS_CHROOT"
  formats '{{index .Store.GraphStatus "Supports d_type"}}' "true"
  formats '{{json .Store.ImageStore}}' '{"number":0}'
  like "$(coracle info -f '{{.Host.Uptime}}')" '^[0-9]+h [0-9]+m [0-9]+\.00s \(Approximately [0-9.]+ days\)$'
}

@test "info: the programs are where it says" {
  for field in Host.OCIRuntime.Path Host.Conmon.Path Host.Slirp4NetNS.Executable; do
    local path
    path=$(coracle info --format "{{.$field}}")
    [ -x "$path" ] || fail "$field: $path"
  done
}

@test "info: the ids are those of the user namespace" {
  fixture_image box
  run_coracle_out 0 info --format '{{range .Host.IDMappings.UIDMap}}{{.container_id}} {{.host_id}} {{.size}};{{end}}'
  if is_root; then
    is "$output" "" "real root maps nothing"
  else
    is "$output" "$(coracle run --rm --net none box awk '{ printf "%s %s %s;", $1, $2, $3 }' /proc/self/uid_map)"
  fi
}

@test "info: counts" {
  fixture_image box
  coracle run --name done --net none box true
  "$CORACLE" run --rm --name live --net none box sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
  wait_for 30 sh -c '[ -n "$("$CORACLE" ps -q)" ]'
  formats '{{json .Store.ContainerStore}}' '{"number":2,"paused":0,"running":1,"stopped":1}'
  formats '{{.Store.ImageStore.Number}}' 1
  run_coracle 0 rm -f done live
}

@test "info: native overlay is tried, not guessed" {
  local before
  run_coracle_out 0 info --format '{{index .Store.GraphStatus "Native Overlay Diff"}}'
  like "$output" '^(true|false)$'
  before=$(ls "$STORE/tmp")
  is "$before" "" "nothing is left of the trial"
  mkdir -p "$XDG_CONFIG_HOME/containers"
  printf '[storage.options.overlay]\nmount_program = "/usr/bin/fuse-overlayfs"\n' >"$TEST_STORE/storage.conf"
  if ! is_root; then
    CONTAINERS_STORAGE_CONF=$TEST_STORE/storage.conf run_coracle_out 0 info --format '{{index .Store.GraphStatus "Native Overlay Diff"}} {{index .Store.GraphOptions "overlay.mount_program"}}'
    is "$output" "false /usr/bin/fuse-overlayfs"
  fi
}

@test "info: without a user namespace it says so and tells the rest" {
  is_root && skip "real root needs none"
  # nobody is left whose namespace it could enter
  no_leaks
  mkdir -p "$TEST_STORE/nopath"
  run --separate-stderr env PATH="$TEST_STORE/nopath" "$CORACLE" info --format '{{.Store.GraphRoot}}'
  is "$status" 0
  is "$output" "$STORE"
  # shellcheck disable=SC2154 # bats' run sets stderr
  like "$stderr" '^Notice: no user namespace: ' "newuidmap is not found"
}

@test "info: what is refused" {
  run_coracle 125 info x
  is "$output" "Error: \`coracle info\` takes no arguments"
  run_coracle 125 info --format '{{.Host.Foo}}'
  like "$output" "can't evaluate field Foo in type"
  run_coracle 125 info --format '{{.Host'
  like "$output" '^Error: template: '
  run_coracle 125 info --everything
  is "${lines[0]}" "Error: unknown flag: --everything"
}

@test "version: lines, json, templates" {
  local version
  version=$(cat "$TESTS_DIR/../VERSION")
  run_coracle_out 0 version
  is "${lines[0]}" "Client:        Coracle"
  is "${lines[1]}" "Version:       $version"
  is "${lines[2]}" "API Version:   $version"
  like "${lines[3]}" '^Built:         [A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}$'
  like "${lines[4]}" '^OS/Arch:       linux/[a-z0-9]+$'
  is "${#lines[@]}" 5
  run_coracle_out 0 version --format json
  is "${#lines[@]}" 1
  is "$(jq -c '.Client | keys' <<<"$output")" '["APIVersion","Built","BuiltTime","GitCommit","Os","OsArch","Version"]'
  run_coracle_out 0 version -f '{{.Client.Version}} {{.Server.Version}} {{.Version}}'
  is "$output" "$version $version $version"
  run_coracle 125 version --format '{{.Foo}}'
  like "$output" "can't evaluate field Foo"
}
