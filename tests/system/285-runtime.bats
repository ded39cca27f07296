#!/usr/bin/env bats
# 285-runtime: --runtime and --runtime-flag, the runtime of containers.conf, --preserve-fd of run, the real-time limits that only cgroup v1 has.

load helpers

setup() {
  fixture_image box
}

# with_conf TEXT COMMAND…: with these lines as containers.conf
with_conf() {
  local conf="$TEST_STORE/containers.conf"
  printf '%s\n' "$1" > "$conf"
  shift
  CONTAINERS_CONF="$conf" "$@"
}

@test "runtime: ours by its name, its path, and as a copy" {
  local name path copy="$TEST_STORE/myruntime"
  name="$(coracle info --format '{{.Host.OCIRuntime.Name}}')"
  path="$(coracle info --format '{{.Host.OCIRuntime.Path}}')"
  is "$name" coracle
  run_coracle 0 --runtime coracle run --rm --net none box true
  cp "$path" "$copy"
  for word in "$path" "$copy"; do
    run_coracle_out 0 create --runtime "$word" --name c box true
    run_coracle_out 0 inspect --format '{{.OCIRuntime}}' c
    is "$output" "$word" "as it was asked for"
    run_coracle 0 start -a c
    run_coracle 0 rm c
    run_coracle_out 0 --runtime "$word" info --format '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}'
    is "$output" "$word $word"
  done
  # a copy that is another program by one byte
  printf x >> "$copy"
  run_coracle 125 --runtime "$copy" run --rm --net none box true
  has "$output" "cannot be used"
}

@test "runtime: one that is not there is an error of every command" {
  for words in "run --rm box true" "create box true" "ps" "images" "rm nobody" "version"; do
    run_coracle 125 --runtime idonotexist $words
    is "$output" 'Error: default OCI runtime "idonotexist" not found: invalid argument' "$words"
  done
  run_coracle 125 --runtime /idonotexist ps
  is "$output" 'Error: no valid executable found for OCI runtime /idonotexist: invalid argument'
  run_coracle 125 --runtime "" ps
  is "$output" 'Error: configuring runtime: must provide a valid path: invalid argument'
  is "$(coracle ps -aq)" "" "nothing was made"
}

@test "runtime: another one that is there is not run" {
  run_coracle 125 --runtime /bin/sh run --rm box true
  is "$output" 'Error: OCI runtime "/bin/sh" (/bin/sh) cannot be used: coracle runs containers by itself, without another runtime'
  mkdir -p "$TEST_STORE/bin"
  cp /bin/true "$TEST_STORE/bin/runc"
  PATH="$TEST_STORE/bin:$PATH" run_coracle 125 --runtime runc run --rm box true
  is "$output" "Error: OCI runtime \"runc\" ($TEST_STORE/bin/runc) cannot be used: coracle runs containers by itself, without another runtime"
  # a program of that name that nothing knows as a runtime
  run_coracle 125 --runtime true ps
  has "$output" 'default OCI runtime "true" not found'
}

@test "runtime: flags for it" {
  run_coracle 126 --runtime-flag invalidflag run --rm box true
  has "$output" "unrecognized option '--invalidflag'"
  with_conf $'[engine]\nruntime="coracle"\n[engine.runtimes_flags]\ncoracle=["invalidflag"]' run_coracle 126 run --rm box true
  has "$output" "unrecognized option '--invalidflag'"
  # those of another one are not ours
  with_conf $'[engine.runtimes_flags]\ncrun=["debug"]' run_coracle 0 run --rm --net none box true
}

@test "runtime: containers.conf" {
  local path
  path="$(coracle info --format '{{.Host.OCIRuntime.Path}}')"
  conf="[engine]
runtime = \"nonstandard_runtime_name\"
[engine.runtimes]
nonstandard_runtime_name = [\"/nowhere/at/all\", \"$path\"]"
  with_conf "$conf" run_coracle_out 0 info --format '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}'
  is "$output" "nonstandard_runtime_name $path"
  with_conf "$conf" run_coracle 0 create --name c box true
  run_coracle_out 0 inspect --format '{{.OCIRuntime}}' c
  is "$output" "nonstandard_runtime_name"
  run_coracle 0 start -a c
  run_coracle 0 rm c
  with_conf $'[engine]\nruntime = "idonotexist"' run_coracle 125 run --rm --net none box true
  is "$output" 'Error: default OCI runtime "idonotexist" not found: invalid argument'
  # the command line is stronger
  with_conf $'[engine]\nruntime = "idonotexist"' run_coracle 0 --runtime coracle run --rm --net none box true
  # a file that is shared with Podman, there or not: its runtime is not ours
  for other in crun runc; do
    with_conf "[engine]
runtime = \"$other\"" run_coracle_out 0 run --net none --name d box true
    run_coracle_out 0 inspect --format '{{.OCIRuntime}}' d
    is "$output" coracle
    run_coracle 0 rm d
  done
  with_conf $'[engine]\nruntime = "crun"' run_coracle 0 --log-level info create --name d box true
  has "$output" "crun is not used: coracle runs containers by itself"
  run_coracle 0 rm d
}

@test "run: --preserve-fd" {
  echo nine > "$TEST_STORE/nine"
  echo forty > "$TEST_STORE/forty"
  is "$(coracle run --rm --net none --preserve-fd=40,9 box sh -c 'ls /proc/$$/fd; :' 9<"$TEST_STORE/nine" 11</dev/null 40<"$TEST_STORE/forty" | sort -n | xargs)" "0 1 2 9 40" "nothing else is handed on"
  is "$(coracle run --rm --net none --preserve-fd 9 --preserve-fd 40 box sh -c 'cat <&9; cat <&40' 9<"$TEST_STORE/nine" 40<"$TEST_STORE/forty")" $'nine\nforty'
  is "$(coracle run --rm --net none --userns auto --preserve-fd 9 box sh -c 'cat <&9' 9<"$TEST_STORE/nine")" nine "with a user namespace of its own"
  run_coracle 125 run --rm --preserve-fd 99 box true
  is "$output" "Error: file descriptor 99 is not available - the preserve-fd option requires that file descriptors must be passed"
  run_coracle 126 run --rm --preserve-fd 0,1 box true
  is "$output" "Error: cannot preserve FD 0, consider using the passthrough log-driver to pass STDIO streams into the container: invalid argument"
  run_coracle 125 run --rm --preserve-fds 1 --preserve-fd 9 box true 3</dev/null 9</dev/null
  is "$output" "Error: cannot specify both --preserve-fds and --preserve-fd"
  run_coracle 125 create --preserve-fd 9 box true 9</dev/null
  has "$output" "unknown flag: --preserve-fd"
}

@test "run: what was handed on is the first start's" {
  run_coracle 0 run --net none --name c --preserve-fd 9 box sh -c 'ls /proc/$$/fd; :' 9</dev/null
  is "$(sort -n <<<"$output" | xargs)" "0 1 2 9"
  run_coracle 0 start -a c
  is "$(sort -n <<<"$output" | xargs)" "0 1 2"
  run_coracle 0 rm c
  run_coracle 0 run --net none --name c --preserve-fds 1 box sh -c 'ls /proc/$$/fd; :' 3</dev/null
  is "$(sort -n <<<"$output" | xargs)" "0 1 2 3"
  run_coracle 0 start -a c 3>&-
  is "$(sort -n <<<"$output" | xargs)" "0 1 2"
  run_coracle 0 rm c
  # the pipe that the monitor handed on is seen to end with the container's command
  is "$(timeout 60 bash -c '"$0" run -d --name d --net none --preserve-fd 9 box sh -c "echo said >&9; exec 9>&-; sleep 1000" 9>&1 >/dev/null | cat' "$CORACLE")" said
  run_coracle 0 rm -ft0 d
}

@test "limits: real-time ones are of cgroup v1 alone" {
  run_coracle 0 create --name c --cpu-rt-period 1000 --cpu-rt-runtime 950 box true
  has "$output" "Realtime period not supported on cgroups V2 systems
Realtime runtime not supported on cgroups V2 systems"
  is "$(coracle inspect --format '{{.HostConfig.CpuRealtimePeriod}} {{.HostConfig.CpuRealtimeRuntime}}' c)" "0 0"
  run_coracle 0 run --rm --net none --cpu-rt-runtime 950 box true
  is "$output" "Realtime runtime not supported on cgroups V2 systems"
  run_coracle 0 run --rm --net none --cpu-rt-period 0 --cpu-rt-runtime -5 box true
  is "$output" ""
  run_coracle 125 run --rm --cpu-rt-period -1 box true
  has "$output" 'invalid argument "-1" for "--cpu-rt-period" flag'
  run_coracle 125 run --rm --cpu-rt-runtime x box true
  has "$output" 'invalid argument "x" for "--cpu-rt-runtime" flag'
  run_coracle_out 0 update --cpu-rt-period 2000 --cpu-rt-runtime 1000 c
  is "$(coracle inspect --format '{{.HostConfig.CpuRealtimePeriod}} {{.HostConfig.CpuRealtimeRuntime}}' c)" "2000 1000" "update writes them down"
  run_coracle 0 start -a c
  run_coracle 0 container clone --cpu-rt-period 5 c c2
  has "$output" "Realtime period not supported on cgroups V2 systems"
  run_coracle 0 rm c c2
}
