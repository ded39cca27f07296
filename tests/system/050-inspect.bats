#!/usr/bin/env bats
# 050-inspect: all that is known of a container: field names and values, several names, errors.
# root: yes
# Two containers are there for all tests: `done` with many options, and `live`, which runs.

load helpers

setup_file() {
  basic_setup_file
  fixture_image box --change 'ENV FROM=image' --change 'LABEL made=here' --change 'WORKDIR /root'
  coracle run --name done -v data:/data -v "$TMPDIR:/host:ro" --tmpfs /mem --label color=red --annotation note=one --cidfile "$TEST_STORE/cid" \
    -u 5:6 --cap-add net_admin --cap-drop kill --ulimit nofile=100:200 --add-host far:1.2.3.4 --security-opt no-new-privileges --hostname named \
    --dns 9.9.9.9 --dns-search lan --dns-option ndots:1 --stop-signal usr1 --stop-timeout 3 --timeout 60 --umask 077 --tz UTC --shm-size 1m \
    --oom-score-adj 500 --group-add 7 --device /dev/null:/dev/nothing:r --init --read-only --read-only-tmpfs=false -w /tmp -e GIVEN=word \
    --entrypoint '["/bin/sh", "-c"]' box 'exit 3' || [ $? = 3 ]
  "$CORACLE" run --name live --net none box sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
  wait_for 30 is_live
  DONE=$(cat "$TEST_STORE/cid")
  LIVE=$(coracle ps -q --no-trunc)
  IMAGE=$(coracle images -q --no-trunc | sed 's/^sha256://')
  export DONE LIVE IMAGE
}

# a failed test must not take away what the others look at
teardown() { :; }

is_live() { [ "$(coracle ps --format '{{.Names}}' 2>/dev/null)" = live ]; }

# shows NAME PATH EXPECTED: what jq finds at PATH in the JSON of that container.
shows() {
  is "$(coracle container inspect "$1" | jq -c ".[0]$2")" "$3" "$2 of $1"
}

# formats NAME TEMPLATE EXPECTED
formats() {
  run_coracle_out 0 inspect --format "$2" "$1"
  is "$output" "$3" "$2 of $1"
}

@test "inspect: what a container is" {
  formats done '{{.Id}} {{.ID}} {{.Name}} {{.Image}} {{.ImageName}} {{.Path}} {{.Args}}' "$DONE $DONE done $IMAGE localhost/box:latest /run/podman-init [-- /bin/sh -c exit 3]"
  formats live '{{.Path}} {{.Args}} {{.Driver}} {{.OCIRuntime}} {{.RestartCount}} {{.Pod}}|{{.Rootfs}}|{{.IsInfra}}' "sleep [1000] overlay coracle 0 ||false"
  is "$(coracle inspect -f '{{.ImageDigest}}' live)" "$(coracle image inspect -f '{{.Digest}}' box)"
  run_coracle_out 0 inspect --format '{{.Created}}' live
  like "$output" '^20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:.]+ [+-][0-9]{4} [A-Z0-9+-]+$' "as Go prints a time"
  like "$(coracle inspect live | jq -r '.[0].Created')" '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$' "RFC 3339"
}

@test "inspect: the state of an ended and of a running container" {
  shows done '.State | [.Status, .Running, .Pid, .ExitCode, .Error, .Paused, .Dead, has("ConmonPid")]' '["exited",false,0,3,"",false,false,false]'
  shows live '.State | [.Status, .Running, .ExitCode, .FinishedAt]' '["running",true,0,"0001-01-01T00:00:00Z"]'
  run_coracle_out 0 inspect --format '{{.State.Pid}} {{.State.ConmonPid}} {{.ConmonPidFile}}' live
  # shellcheck disable=SC2086 # words
  set -- $output
  is "$(tr '\0' ' ' <"/proc/$1/cmdline")" "sleep 1000 " "the host's number of init"
  is "$(cat "/proc/$2/comm")" "coracle-monitor"
  is "$(cut -d ' ' -f 1 "$3")" "$2"
  run_coracle_out 0 inspect --format '{{.State.StartedAt}}' done
  like "$output" '^20[0-9-]{8} [0-9:.]+ '
  # as numbers: a fraction's last zeros are not written, so the texts have no order
  run_coracle_out 0 inspect --format '{{.Created.UnixMicro}} {{.State.StartedAt.UnixMicro}} {{.State.FinishedAt.UnixMicro}}' done
  # shellcheck disable=SC2086 # words
  set -- $output
  [ "$1" -gt 0 ] && [ "$1" -le "$2" ] && [ "$2" -le "$3" ] || fail "made, started, ended: $output"
}

@test "inspect: files are where it says" {
  local key path
  for key in HostnamePath HostsPath OCIConfigPath StaticDir ConmonPidFile PidFile; do
    path=$(coracle inspect --format "{{.$key}}" live)
    [ -e "$path" ] || fail "$key: no $path"
  done
  # with --net none there is nothing to be asked, and the image's own file stays
  is "$(coracle inspect --format '{{.ResolvConfPath}}' live)" ""
  is "$(jq -r .process.args[0] "$(coracle inspect --format '{{.OCIConfigPath}}' live)")" "sleep"
  is "$(cat "$(coracle inspect --format '{{.HostnamePath}}' live)")" "${LIVE:0:12}"
  has "$(cat "$(coracle inspect --format '{{.HostsPath}}' live)")" "${LIVE:0:12}"
  formats done '{{.ResolvConfPath}}{{.HostnamePath}}{{.HostsPath}}' "" # they went with the run folder
}

@test "inspect: the overlay's folders" {
  shows done '.GraphDriver | [.Name, (.Data | keys)]' '["overlay",["LowerDir","UpperDir","WorkDir"]]'
  shows live '.GraphDriver.Data | keys' '["LowerDir","MergedDir","UpperDir","WorkDir"]'
  for key in LowerDir UpperDir WorkDir; do
    [ -d "$(coracle inspect --format "{{.GraphDriver.Data.$key}}" live)" ] || fail "no $key"
  done
}

@test "inspect: volumes, folders and tmpfs" {
  shows done '.Mounts | sort_by(.Destination)' "$(jq -nc --arg volume "$STORE/volumes/data/_data" --arg host "$TMPDIR" '[
    {Type:"volume",Name:"data",Source:$volume,Destination:"/data",Driver:"local",Mode:"",Options:["rbind","nosuid","nodev"],RW:true,Propagation:"rprivate"},
    {Type:"bind",Source:$host,Destination:"/host",Driver:"",Mode:"",Options:["rbind"],RW:false,Propagation:"rprivate"}]')"
  shows done '.HostConfig.Binds | sort' '["'"$TMPDIR"':/host:rbind,rprivate,ro","data:/data:rbind,rprivate,rw,nosuid,nodev"]'
  shows done '.HostConfig.Tmpfs | keys' '["/mem"]'
  shows live '.Mounts' '[]'
}

@test "inspect: capabilities" {
  shows done '.BoundingCaps | [index("CAP_NET_ADMIN") != null, index("CAP_KILL")]' '[true,null]'
  shows done '.EffectiveCaps' '["CAP_NET_ADMIN"]'
  shows done '.HostConfig | [.CapAdd, .CapDrop]' '[["CAP_NET_ADMIN"],["CAP_KILL"]]'
  shows live '| .EffectiveCaps == .BoundingCaps and (.EffectiveCaps | length) == 11 and .EffectiveCaps == (.EffectiveCaps | sort)' true
  shows live '.HostConfig | [.CapAdd, .CapDrop]' '[[],[]]'
}

@test "inspect: Config" {
  shows done '.Config | [.Hostname, .User, .Tty, .OpenStdin, .Image, .WorkingDir, .Entrypoint, .Cmd, .Labels, .Annotations]' \
    '["named","5:6",false,false,"localhost/box:latest","/tmp",["/bin/sh","-c"],["exit 3"],{"made":"here","color":"red"},{"note":"one"}]'
  shows done '.Config | [.StopSignal, .Umask, .Timeout, .StopTimeout, .Passwd, .Timezone, .Volumes, .OnBuild]' '["SIGUSR1","0077",60,3,true,"UTC",null,null]'
  shows done '.Config.Env | [index("FROM=image"), index("GIVEN=word")] | map(. != null)' '[true,true]'
  shows done '.Config.CreateCommand | [.[index("run"):][0:3], .[-2:]]' '[["run","--name","done"],["box","exit 3"]]'
  shows live '.Config | [.Hostname, .User, .WorkingDir, .Entrypoint, .Cmd, .StopSignal, .Umask]' '["'"${LIVE:0:12}"'","","/root",null,["sleep","1000"],"SIGTERM","0022"]'
}

@test "inspect: HostConfig" {
  shows done '.HostConfig | [.Dns, .DnsSearch, .DnsOptions, .ExtraHosts, .GroupAdd, .SecurityOpt, .OomScoreAdj, .ShmSize, .ReadonlyRootfs, .Privileged, .Init, .ContainerIDFile]' \
    '[["9.9.9.9"],["lan"],["ndots:1"],["far:1.2.3.4"],["7"],["no-new-privileges"],500,1048576,true,false,true,"'"$TEST_STORE/cid"'"]'
  shows done '.HostConfig.Devices' '[{"PathOnHost":"/dev/null","PathInContainer":"/dev/nothing","CgroupPermissions":"r"}]'
  shows done '.HostConfig.Ulimits | map(select(.Name == "RLIMIT_NOFILE"))' '[{"Name":"RLIMIT_NOFILE","Soft":100,"Hard":200}]'
  shows done '.HostConfig | [.NetworkMode, .PidMode, .UTSMode, .CgroupMode, .AutoRemove, .RestartPolicy]' '["slirp4netns","private","private","private",false,{"Name":"no","MaximumRetryCount":0}]'
  shows done '.HostConfig.LogConfig.Type' '"k8s-file"'
  shows live '.HostConfig.NetworkMode' '"none"'
}

@test "inspect: NetworkSettings" {
  shows done '.NetworkSettings | [.IPAddress, .Ports, .SandboxKey, (.Networks | keys)]' '["",{},"",["slirp4netns"]]'
  shows live '.NetworkSettings.Networks | keys' '["none"]'
  is "$(readlink "$(coracle inspect --format '{{.NetworkSettings.SandboxKey}}' live)")" "net:[$(coracle ps --ns --format '{{.NET}}')]"
}

@test "inspect: --size" {
  shows live '| [has("SizeRw"), has("SizeRootFs")]' '[false,false]'
  formats live '{{.SizeRw}}' '<nil>'
  for flag in -s --size; do
    run_coracle_out 0 container inspect $flag --format '{{.SizeRw}} {{.SizeRootFs}}' live
    like "$output" '^0 [1-9][0-9]{5,}$'
  done
  run_coracle_out 0 inspect -s live
  is "$(jq '.[0].SizeRootFs' <<<"$output")" "$(coracle image inspect --format '{{.Size}}' box)"
}

@test "inspect: --rootfs containers" {
  mkdir "$TEST_STORE/root"
  tar -C "$TEST_STORE/root" -xf "$(fixture busybox.tar)"
  run_coracle 0 run --name rooted --net host --rootfs "$TEST_STORE/root" true
  shows rooted '| [.Rootfs, .Image, .ImageName, .ImageDigest, .GraphDriver.Data, .HostConfig.NetworkMode]' '["'"$TEST_STORE/root"'","","","",{},"host"]'
  run_coracle_out 0 inspect -s --format '{{.SizeRw}}' rooted
  is "$output" 0
  run_coracle 0 rm rooted
}

@test "inspect: by name, id and short id; the latest; several; 5 blanks of indentation" {
  for name in live "$LIVE" "${LIVE:0:12}"; do
    formats "$name" '{{.Name}}' live
    run_coracle_out 0 container inspect --format '{{.Name}}' "$name"
    is "$output" live
  done
  for command in "inspect -l" "inspect --latest" "container inspect -l"; do
    # shellcheck disable=SC2086 # words
    run_coracle_out 0 $command -f '{{.Name}}'
    is "$output" live
  done
  run_coracle_out 0 inspect --format '{{.Id}}' live box done
  is "$output" "$LIVE"$'\n'"$IMAGE"$'\n'"$DONE" "containers and images"
  run_coracle_out 0 inspect live
  is "${lines[0]}${lines[1]}" "[     {"
  is "${lines[2]}" "          \"Id\": \"$LIVE\","
  is "$(coracle inspect --format json live | md5sum)" "$(md5sum <<<"$output")" "--format json is the same"
  formats live '{{json .HostConfig.RestartPolicy}}' '{"Name":"no","MaximumRetryCount":0}'
}

@test "inspect: what is not there" {
  run_coracle_out 125 inspect nope
  is "$output" "[]"
  is "$stderr" 'Error: no such object: "nope"'
  run_coracle_out 125 container inspect nope
  is "$output" "[]"
  is "$stderr" 'Error: no such container "nope"'
  run_coracle_out 125 inspect --type container box
  is "$stderr" 'Error: no such container "box"'
  run_coracle_out 125 inspect --type image live
  is "$stderr" "Error: live: image not known"
  run_coracle_out 125 inspect live nope other
  is "$(jq -r '.[].Name' <<<"$output")" live "what is there is shown"
  is "$stderr" 'Error: no such object: "nope"'$'\n''Error: no such object: "other"'
}

@test "inspect: words that are refused" {
  for command in "inspect" "container inspect"; do
    # shellcheck disable=SC2086 # words
    run_coracle 125 $command
    is "$output" "Error: no names or ids specified"
    # shellcheck disable=SC2086 # words
    run_coracle 125 $command -l live
    is "$output" "Error: --latest and arguments cannot be used together"
  done
  run_coracle 125 inspect --type pod live
  is "$output" 'Error: invalid type "pod": must be "image", "container", "volume", "network", or "all"'
  run_coracle 125 inspect --format '{{.Foo}}' live
  like "$output" "^Error: template: .* can't evaluate field Foo in type"
  run_coracle 125 inspect --format '{{.Name' live
  like "$output" "^Error: template: "
  run_coracle 125 --root "$TEST_STORE/empty" --runroot "$TEST_STORE/empty-run" inspect --latest
  is "$output" "Error: no containers: no such container"
}
