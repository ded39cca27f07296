#!/usr/bin/env bats
# 253-commit: an image of a container.
# root: yes

load helpers
load cgroup-helpers

setup() {
  fixture_image box
}

# config IMAGE TEMPLATE
config() {
  run_coracle_out 0 image inspect --format "$2" "$1"
}

@test "commit: files, deletions, owners, replaced folders; nothing shared with the container" {
  run_coracle 0 run --name c box sh -c 'echo hi >/new; rm /etc/passwd; rm -rf /home; mkdir /home; touch /home/x; mkdir /d; echo x >/d/f; ln /d/f /d/g; ln -s f /d/l
    chown 1000:1000 /d/f; chmod 4711 /d/f; mkfifo /d/p; echo "a b" >"/d/ü x"; chmod 1711 /'
  run_coracle_out 0 commit c mine
  like "$output" '^[0-9a-f]{64}$' "the id, and nothing else"
  local id=$output
  config mine '{{.Id}} {{len .RootFS.Layers}} {{.RepoTags}}'
  is "$output" "$id 2 [localhost/mine:latest]"
  run_coracle_out 0 run --rm mine sh -c 'cat /new; test ! -e /etc/passwd; echo $?; ls /home; stat -c "%u:%g %a %h" /d/f; readlink /d/l; cat "/d/ü x"; test -p /d/p; echo $?; stat -c %a /'
  is "$output" $'hi\n0\nx\n1000:1000 4711 2\nf\na b\n0\n1711'
  # what the container writes later is its own
  run_coracle 0 run --rm mine sh -c 'echo changed >/new'
  run_coracle_out 0 run --rm mine cat /new
  is "$output" "hi"
  run_coracle_out 0 image diff mine
  like "$output" $'(^|\n)D /home\nA /home/x\n'
  # twice the same files: the same layer
  config mine '{{index .RootFS.Layers 1}}'
  local layer=$output
  run_coracle_out 0 commit -c 'LABEL other=1' c
  config "$output" '{{index .RootFS.Layers 1}} {{.RepoTags}}'
  is "$output" "$layer []" "and without a name it has none"
  run_coracle 0 rm c
  run_coracle 0 run --rm mine true
  run_coracle 0 rmi -f -a
  no_leaks
}

@test "commit: a running container, and its image outlives it" {
  coracle run --name live box sh -c 'echo 1 >/one; sleep 1000' &
  wait_for 20 diff_says live "A /one"
  run_coracle 0 commit -q live snap
  run_coracle 0 commit -q -s live flat
  run_coracle 0 rm -f -t 0 live
  wait || true
  run_coracle_out 0 run --rm snap cat /one
  is "$output" "1"
  run_coracle_out 0 run --rm flat cat /one
  is "$output" "1"
  config flat '{{len .RootFS.Layers}} {{len .History}}'
  is "$output" "1 1" "squashed"
  run_coracle 0 rmi -f snap flat
}

@test "commit: what the container was asked to be becomes the image's" {
  fixture_image full --change 'ENTRYPOINT ["/bin/env"]' --change 'ENV A=b' --change 'LABEL x=y' --change 'STOPSIGNAL 9' --change 'EXPOSE 80' --change 'VOLUME /iv' --change 'USER 0'
  mkdir -p "$TEST_STORE/files"
  run_coracle 0 run --name y -e B=c -e A=z -l m=n -v /anon -v nm:/named -v "$TEST_STORE/files:/files" -w /tmp -u 1000 --stop-signal 10 full echo hi
  run_coracle 0 commit y out
  config out '{{json .Config}}'
  is "$(jq -c '[.User, .WorkingDir, .Entrypoint, .Cmd, .StopSignal]' <<<"$output")" '["1000","/tmp",["/bin/env"],["echo","hi"],"9"]'
  is "$(jq -c '.Env|sort' <<<"$output")" '["A=z","B=c","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","container=podman"]'
  is "$(jq -cS '[.Labels, .Volumes, .ExposedPorts]' <<<"$output")" '[{"m":"n","x":"y"},{"/anon":{},"/iv":{}},{"80/tcp":{}}]'
  run_coracle 0 commit --include-volumes y out
  config out '{{json .Config.Volumes}}'
  is "$(jq -cS . <<<"$output")" '{"/anon":{},"/files":{},"/iv":{},"/named":{}}'
  config out '{{(index .History 1).CreatedBy}}|{{(index .History 1).Comment}}|{{.ManifestType}}'
  is "$output" "/bin/sh|FROM localhost/full:latest|application/vnd.oci.image.manifest.v1+json"
  run_coracle 0 rm -v y
  run_coracle 0 rmi -f out
  run_coracle 0 rmi -f full
}

@test "commit: --change, --config, --author, --message, --format, --iidfile" {
  run_coracle 0 run --name y box true
  run_coracle 0 commit -c 'CMD a b' -c 'ENTRYPOINT ["x"]' -c 'ENV Q=r' -c 'USER=7' -c 'WORKDIR /q' -c 'VOLUME /z' -c 'EXPOSE 99/udp' -c 'LABEL f=g' -c 'ONBUILD RUN x' -c 'STOPSIGNAL KILL' y xc
  config xc '{{json .Config}}'
  is "$(jq -c '[.User, .WorkingDir, .Entrypoint, .Cmd, .StopSignal, .Volumes, .ExposedPorts, .Labels, .OnBuild]' <<<"$output")" \
    '["7","/q",["x"],["/bin/sh","-c","a b"],"KILL",{"/z":{}},{"99/udp":{}},{"f":"g"},["RUN x"]]'
  printf '{"Cmd":["a"],"Env":["Z=1","PATH=/bin"],"Labels":{"l":"v"},"User":""}' >"$TEST_STORE/cfg"
  run_coracle 0 commit --config "$TEST_STORE/cfg" y xc
  config xc '{{json .Config}}'
  is "$(jq -c '[.Cmd, .Labels, .User, (.Env|sort)]' <<<"$output")" '[["a"],{"l":"v"},"",["PATH=/bin","Z=1","container=podman"]]'
  run_coracle_out 0 commit --iidfile "$TEST_STORE/iid" -f docker -m 'a message' -a 'me <me@x>' y xd
  is "$(cat "$TEST_STORE/iid")" "$output"
  config xd '{{.Author}}|{{.Comment}}|{{.ManifestType}}'
  is "$output" "me <me@x>|a message|application/vnd.docker.distribution.manifest.v2+json"
  # as other tools see it
  if command -v skopeo >/dev/null; then
    skopeo inspect --raw "oci:$STORE/oci:localhost/xd:latest" | jq -e '.layers[1].mediaType == "application/vnd.docker.image.rootfs.diff.tar"'
  fi
  run_coracle 0 rm y
  run_coracle 0 rmi -f xc xd
}

@test "commit: refusals leave nothing" {
  run_coracle 0 run --name y box true
  run_coracle 125 commit nosuch
  is "${lines[0]}" 'Error: no container with name or ID "nosuch" found: no such container'
  run_coracle 125 commit y 'BAD!'
  is "${lines[0]}" 'Error: parsing reference "BAD!": invalid reference format'
  run_coracle 125 commit -c 'FOO bar' y
  has "${lines[0]}" "FOO bar"
  run_coracle 125 commit -m msg y
  is "${lines[0]}" "Error: messages are only compatible with the docker image format (-f docker)"
  run_coracle 125 commit -f xx y
  is "${lines[0]}" 'Error: unrecognized image format "xx"'
  run_coracle 125 commit --config /nosuch y
  is "${lines[0]}" "Error: --config: open /nosuch: no such file or directory"
  printf 'notjson' >"$TEST_STORE/cfg"
  run_coracle 125 commit --config "$TEST_STORE/cfg" y
  printf '{"Cmd":"text"}' >"$TEST_STORE/cfg"
  run_coracle 125 commit --config "$TEST_STORE/cfg" y
  run_coracle 125 commit
  is "${lines[0]}" "Error: accepts between 1 and 2 arg(s), received 0"
  run_coracle 125 commit a b c
  is "${lines[0]}" "Error: accepts between 1 and 2 arg(s), received 3"
  run_coracle 125 commit --iidfile /nosuch/x y
  is "${lines[0]}" "Error: failed to write image ID: open /nosuch/x: no such file or directory"
  run_coracle 0 rm y
  run_coracle 0 rmi -f -a
  no_leaks
}

@test "commit: killed at any time, the store is whole" {
  needs strace
  run_coracle 0 run --name k box sh -c 'dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null; echo x >/x'
  local when
  for when in 1 2 3 5 8; do
    for call in renameat fsync syncfs; do
      strace -f -qq -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$when "$CORACLE" commit k killed >/dev/null 2>&1 || true
      run_coracle_out 0 run --rm box true
      if coracle image exists killed; then
        run_coracle_out 0 run --rm killed cat /x
        is "$output" "x"
        run_coracle 0 rmi killed
      fi
    done
  done
  run_coracle 0 rm k
  run_coracle 0 rmi -f -a
  wait_for 20 eval '[ -z "$(ls -A "$STORE/tmp")" ] || coracle images >/dev/null'
  is "$(find "$STORE/layers" -mindepth 1 -maxdepth 1 | wc -l)" 0 "no layer is left"
}

@test "commit: --pause lets it stand still, and go on" {
  needs_group
  run_coracle 0 run -d --name c box sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.01; done'
  run_coracle_out 0 commit --pause c still
  run_coracle_out 0 events --stream=false --since 1h --filter container=c --format '{{.Status}}'
  like "$output" $'pause\n(.*\n)*unpause' "events"
  run_coracle_out 0 inspect -f '{{.State.Status}}' c
  is "$output" "running"
  run_coracle 0 pause c
  run_coracle 0 commit --pause c still2
  run_coracle_out 0 inspect -f '{{.State.Status}}' c
  is "$output" "paused" "who paused it unpauses it"
  run_coracle 0 rm -f -t 0 c
  run_coracle 0 rmi -f still still2
}
