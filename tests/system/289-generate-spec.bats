#!/usr/bin/env bats
# 289-generate-spec: generate spec; and the words of container checkpoint and restore, which need what a rootless tool has not.
# root: yes

load helpers

setup() {
  needs jq
  fixture_image box
}
# of EXPRESSION: a value of the spec in $output
of() { jq -c -r "$1" <<<"$output"; }

@test "generate spec: a plain container" {
  run_coracle create --name g -e A=b --label l=m box echo hi
  run_coracle_out generate spec g
  is "$(head -c 5 <<<"$output")" $'{\n "n' "one blank of indentation, as Podman's"
  is "$(of .name)" g-clone
  is "$(of .command)" '["echo","hi"]'
  is "$(of .entrypoint)" null
  is "$(of .env.A)" b
  is "$(of .env.HOME)" null
  is "$(of .labels)" '{"l":"m"}'
  is "$(of .image)" "$(coracle inspect -f '{{.Image}}' g)"
  is "$(of '.pidns.nsmode + " " + .utsns.nsmode + " " + .ipcns.nsmode + " " + .userns.nsmode + " " + .cgroupns.nsmode + " " + .netns.nsmode')" "default private default default default private"
  is "$(of '[.sdnotifyMode, .umask, .healthLogDestination, .healthMaxLogCount, .healthMaxLogSize, .privileged, .init_container_type, .Networks]')" '["container","0022","local",5,500,false,"",null]'
  is "$(of .idmappings.HostUIDMapping)" true
  is "$(of '.containerCreateCommand | .[index("create"):][:3]')" '["create","--name","g"]'
  # every key that Podman's has
  is "$(of '["name","command","env","labels","sdnotifyMode","pidns","utsns","containerCreateCommand","init_container_type","image","ipcns","shm_size","shm_size_systemd","privileged","userns","idmappings","label_nested","umask","cgroupns","netns","Networks","use_image_hostname","use_image_hosts","healthLogDestination","healthMaxLogCount","healthMaxLogSize"] - keys')" '[]'
  run_coracle rm g
  no_leaks
}

@test "generate spec: all kinds of words" {
  mkdir -p "$BATS_TEST_TMPDIR/data"
  run_coracle create --name g -it --entrypoint '["/bin/sh","-c"]' -w /tmp -u 1:2 --hostname hh --umask 0077 --tz UTC --stop-signal INT --stop-timeout 7 --timeout 9 -v "$BATS_TEST_TMPDIR/data:/t:ro" -v vol1:/v \
    -v /anon --tmpfs /run/x:size=1m --add-host a:1.2.3.4 --dns 1.1.1.1 --dns-search x.org --dns-option ndots:2 --cap-add NET_ADMIN --cap-drop KILL --security-opt no-new-privileges \
    --security-opt seccomp=unconfined --security-opt mask=/a --security-opt unmask=/b --ulimit nofile=100:200 --sysctl net.ipv4.ip_forward=1 --annotation an=1 --log-driver json-file --log-opt max-size=10m \
    --restart on-failure:3 --sdnotify ignore --health-cmd true --health-interval 5s --health-retries 2 --health-on-failure kill --shm-size 1m --oom-score-adj 100 --group-add 5 --read-only --init --unsetenv X box cmd arg
  run_coracle_out generate spec g
  is "$(of '[.entrypoint, .command]')" '[["/bin/sh","-c"],["cmd","arg"]]'
  is "$(of '[.stdin, .terminal, .work_dir, .user, .hostname, .umask, .timezone, .stop_signal, .stop_timeout, .timeout]')" '[true,true,"/tmp","1:2","hh","0077","UTC",2,7,9]'
  is "$(of '.mounts | map(select(.destination == "/t")) | .[0] | [.type, .source, (.options | index("ro") != null)]')" "[\"bind\",\"$BATS_TEST_TMPDIR/data\",true]"
  is "$(of '.volumes | map([.Dest, .IsAnonymous]) | sort')" '[["/anon",true],["/v",false]]'
  is "$(of '.volumes | map(select(.Dest == "/v")) | .[0].Name')" vol1
  is "$(of '[.hostadd, .dns_server, .dns_search, .dns_option]')" '[["a:1.2.3.4"],["1.1.1.1"],["x.org"],["ndots:2"]]'
  is "$(of '[.cap_add, .cap_drop, .no_new_privileges, .seccomp_profile_path, .mask, .unmask, .groups]')" '[["NET_ADMIN"],["KILL"],true,"unconfined",["/a"],["/b"],["5"]]'
  is "$(of '[.r_limits, .sysctl, .annotations, .shm_size, .oom_score_adj]')" '[[{"type":"RLIMIT_NOFILE","soft":100,"hard":200}],{"net.ipv4.ip_forward":"1"},{"an":"1"},1048576,100]' ||
    is "$(of '.r_limits[0] | [.type, .soft, .hard]')" '["RLIMIT_NOFILE",100,200]'
  is "$(of '[.log_configuration.driver, .log_configuration.size, .restart_policy, .restart_tries, .sdnotifyMode]')" '["json-file",10000000,"on-failure",3,"ignore"]'
  is "$(of '[.healthconfig.Test, .healthconfig.Interval, .healthconfig.Retries, .health_check_on_failure_action]')" '[["CMD-SHELL","true"],5000000000,2,2]'
  is "$(of '[.read_only_filesystem, .read_write_tmpfs, .init, .unsetenv]')" '[true,true,true,["X"]]'
  run_coracle rm -v g
  rm -rf "$STORE/volumes/vol1"
  no_leaks
}

@test "generate spec: namespaces, limits, flags that are alone" {
  run_coracle create --name a box sleep 100
  run_coracle create --name g --pid container:a --ipc host --uts host --cgroupns host --network none --privileged --rm box true
  run_coracle_out generate spec --name=false --compact g
  is "$(wc -l <<<"$output")" 1
  is "$(of '[.name, .privileged, .remove, .pidns.nsmode, .ipcns.nsmode, .utsns.nsmode, .cgroupns.nsmode, .netns.nsmode]')" '["g",true,true,"container","host","host","host","none"]'
  is "$(of .pidns.value)" "$(coracle inspect -f '{{.Id}}' a)"
  is "$(of '.dependencyContainers | length')" 1
  run_coracle rm g a
  run_coracle create --name g --memory 100m --cpus 1.5 --pids-limit 50 --cpu-shares 3 --cpuset-cpus 0 box true
  run_coracle_out generate spec -c g
  is "$(of '.resource_limits | [.memory.limit, .memory.swap, .cpu.quota, .cpu.period, .cpu.shares, .cpu.cpus, .pids.limit]')" '[104857600,209715200,150000,100000,3,"0",50]'
  run_coracle rm g
  no_leaks
}

@test "generate spec: names, files, errors" {
  run_coracle create --name g box true
  run_coracle create --name g-clone box true
  run_coracle_out generate spec g
  like "$(of .name)" '^g-clone[0-9]+$'
  run_coracle generate spec -f "$BATS_TEST_TMPDIR/spec.json" g
  is "$output" "$BATS_TEST_TMPDIR/spec.json"
  is "$(jq -r .image "$BATS_TEST_TMPDIR/spec.json")" "$(coracle inspect -f '{{.Image}}' g)"
  run_coracle 125 generate spec -f /no/such/file g
  like "$output" "[Nn]o such file or directory"
  run_coracle 125 generate spec nosuch
  is "$output" "Error: could not find a pod or container with the id nosuch"
  run_coracle 125 generate spec
  has "$output" "accepts 1 arg(s), received 0"
  run_coracle 125 generate spec g g
  run_coracle 125 generate
  has "$output" "missing command 'coracle generate COMMAND'"
  has "$output" "spec"
  run_coracle 125 generate nosuch
  has "$output" 'unrecognized command `coracle generate nosuch`'
  run_coracle generate spec --help
  has "$output" "--compact"
  run_coracle rm g g-clone
  no_leaks
}

@test "checkpoint and restore say what is missing" {
  if is_root; then
    run_coracle 125 container checkpoint g
    has "$output" "CRIU"
    run_coracle 125 container restore -i /no/such
    has "$output" "CRIU"
  else
    run_coracle 125 container checkpoint g
    is "$output" "Error: checkpointing a container requires root"
    run_coracle 125 container checkpoint --leave-running --export /tmp/x.tar g
    is "$output" "Error: checkpointing a container requires root"
    run_coracle 125 container checkpoint -a
    is "$output" "Error: checkpointing a container requires root"
    run_coracle 125 container restore
    is "$output" "Error: restoring a container requires root"
    run_coracle 125 container restore --import /no/such --name x -p 80:80
    is "$output" "Error: restoring a container requires root"
  fi
  run_coracle 125 container checkpoint
  is "$output" "Error: you must provide at least one name or id"
  run_coracle 125 container checkpoint --foo g
  has "$output" "unknown flag: --foo"
}
