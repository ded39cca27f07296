#!/usr/bin/env bats
# artifact: files in and out of the store, to a registry and back, and what is not to be believed.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf FILES=$TEST_STORE/files
  : >"$CONTAINERS_REGISTRIES_CONF"
  mkdir "$FILES"
  echo hello >"$FILES/a.txt"
  echo '{}' >"$FILES/b.json"
  # a beginning that is no known kind of file's
  (printf '\1\1\1\1' && head -c 2999996 /dev/urandom) >"$FILES/big.bin"
  ln -s a.txt "$FILES/link"
  mkfifo "$FILES/pipe"
}

setup() {
  basic_setup
  cd "$FILES"
  coracle artifact rm -a >/dev/null 2>&1 || true
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

@test "artifact add: types, annotations, and what cannot be" {
  run_coracle artifact add quay.io/me/one:1 a.txt
  like "$output" '^[0-9a-f]{64}$'
  run_coracle 125 artifact add quay.io/me/one:1 a.txt
  is "$output" "Error: quay.io/me/one:1: artifact already exists"
  run_coracle artifact add --replace --type application/x.test --annotation k=v --annotation e=f quay.io/me/one:1 a.txt big.bin
  run_coracle artifact inspect quay.io/me/one:1
  is "$(jq -c '[.Manifest.artifactType, .Manifest.layers[].mediaType, .Manifest.layers[0].annotations, (.Manifest.annotations | keys)]' <<<"$output")" \
    '["application/x.test","text/plain; charset=utf-8","application/octet-stream",{"e":"f","k":"v","org.opencontainers.image.title":"a.txt"},["e","k","org.opencontainers.image.created"]]'
  like "$(jq -r .Digest <<<"$output")" "^sha256:[0-9a-f]{64}$"
  local created
  created=$(coracle artifact inspect --format '{{.Manifest.Annotations}}' quay.io/me/one:1)
  run_coracle artifact add -a --file-type text/x --annotation q=r quay.io/me/one:1 b.json
  run_coracle artifact inspect --format '{{len .Manifest.Layers}} {{(index .Manifest.Layers 2).MediaType}} {{.Manifest.ArtifactType}} {{.TotalSizeBytes}}' quay.io/me/one:1
  is "$output" "3 text/x application/x.test 3000009"
  is "$(coracle artifact inspect --format '{{.Manifest.Annotations}}' quay.io/me/one:1)" "$created" "what it was made with stays"
  local case
  for case in '--append --replace quay.io/me/one:1 a.txt|--append and --replace options cannot be used together' '--append --type x/y quay.io/me/one:1 b|append option is not compatible with type option' \
    '--append quay.io/me/one:1 a.txt|a.txt: file already exists in artifact' '--append quay.io/me/nosuch b.json|quay.io/me/nosuch: artifact does not exist' 'x:1 .|read .: is a directory' \
    'x:1 nosuch|open nosuch: No such file or directory' 'x:1 pipe|read pipe: is not a regular file' 'x:1 a.txt ./a.txt|a.txt: file already exists in artifact' \
    '--annotation bad x:1 a.txt|no value given for annotation "bad"'; do
    # shellcheck disable=SC2086 # words
    run_coracle 125 artifact add ${case%%|*}
    is "$output" "Error: ${case#*|}" "$case"
  done
  run_coracle 125 artifact add UPPER a.txt
  has "$output" "repository name must be lowercase"
  run_coracle artifact add --annotation org.opencontainers.image.title=other x:2 link
  run_coracle artifact inspect --format '{{(index .Manifest.Layers 0).Annotations}}' x:2
  is "$output" "map[org.opencontainers.image.title:other]"
  run_coracle artifact ls -n --format '{{.Repository}} {{.Tag}} {{.Size}} {{.VirtualSize}}'
  is "$output" "quay.io/me/one 1 3MB 3000009
x 2 6B 6"
  run_coracle artifact ls
  like "${lines[0]}" '^REPOSITORY +TAG +DIGEST +CREATED +SIZE$'
  like "${lines[1]}" '^quay\.io/me/one +1 +[0-9a-f]{12} +(Less than a second|[0-9]+ seconds?) ago +3MB$'
  run_coracle artifact list --no-trunc --noheading
  like "${lines[0]}" ' [0-9a-f]{64} '
}

@test "artifact extract: folders, files, one of several" {
  run_coracle artifact add x:1 a.txt b.json
  mkdir out
  run_coracle artifact extract x:1 out
  is "$(cat out/a.txt out/b.json)" "hello
{}"
  run_coracle 125 artifact extract x:1 file
  is "$output" 'Error: the artifact consists of several blobs and the target "file" is not a directory and neither digest or title was specified to only copy a single blob'
  run_coracle artifact extract --title b.json x:1 file
  is "$(cat file)" "{}"
  local digest
  digest=sha256:$(sha256sum <a.txt | cut -d' ' -f1)
  run_coracle artifact extract --digest "$digest" x:1 file
  is "$(cat file)" hello "overwritten"
  run_coracle artifact extract --digest "$digest" x:1 out
  is "$(cat "out/${digest/:/-}")" hello
  run_coracle 125 artifact extract --title nosuch x:1 out
  is "$output" 'Error: no blob with the title "nosuch"'
  run_coracle 125 artifact extract --digest sha256:x x:1 out
  is "$output" 'Error: no blob with the digest "sha256:x"'
  run_coracle 125 artifact extract --digest sha256:x --title y x:1 out
  is "$output" "Error: cannot specify both digest and title"
  run_coracle 125 artifact extract nosuch out
  is "$output" "Error: nosuch: artifact does not exist"
  # links are not followed, titles do not lead out
  rm out/a.txt
  echo mine >victim
  ln -s ../victim out/a.txt
  run_coracle 125 artifact extract x:1 out
  is "$(cat victim)" mine
  run_coracle artifact add --annotation org.opencontainers.image.title=../evil x:2 a.txt
  run_coracle 125 artifact extract x:2 out
  has "$output" 'invalid name: "../evil"'
  [ ! -e evil ] || fail "it led out"
  rm -r out file victim
}

@test "artifact rm: by name, by digest, all; nothing is left" {
  local digest
  digest=$(coracle artifact add x:1 a.txt)
  coracle artifact add x:2 a.txt big.bin
  run_coracle artifact rm "${digest:0:12}"
  is "$output" "$digest"
  run_coracle artifact extract --title a.txt x:2 file
  rm file
  run_coracle 125 artifact rm x:1 x:2
  has "$output" "Error: x:1: artifact does not exist"
  run_coracle artifact rm -i x:1 x:2
  is "$(ls "$STORE/artifacts/blobs/sha256")" "" "blobs"
  run_coracle 125 artifact rm
  is "$output" "Error: at least one artifact name or digest must be specified"
  run_coracle 125 artifact rm -a x
  is "$output" "Error: when using the --all switch, you may not pass any artifact names or digests"
  coracle artifact add x:1 a.txt
  coracle artifact add x:2 b.json
  run_coracle artifact remove --all
  is "${#lines[@]}" 2
  run_coracle artifact ls -n
  is "$output" ""
}

@test "artifact add: killed anywhere, the next one works and nothing is left" {
  needs strace
  local n
  coracle artifact add keep:1 b.json
  for n in 1 2 3 4 5 6; do
    strace -f -qq -o /dev/null -e trace=renameat,fsync,unlinkat --inject="renameat,fsync,unlinkat:signal=KILL:when=$n" "$CORACLE" artifact add "x:$n" a.txt big.bin >/dev/null 2>&1 || true
    run_coracle artifact inspect --format '{{.Name}}' keep:1
    is "$output" keep:1
    run_coracle artifact ls -n
    # what is listed is whole
    for name in $(coracle artifact ls -n --format '{{.Repository}}:{{.Tag}}'); do
      mkdir out
      run_coracle artifact extract "$name" out
      rm -r out
    done
  done
  run_coracle artifact rm -a
  is "$(ls "$STORE/artifacts/blobs/sha256")" ""
  run_coracle images -q
  is "$(ls "$STORE/tmp")" "" "swept"
}

@test "artifact push and pull" {
  local name=$REGISTRY/me/one:1 access=(--cert-dir "$CERTS" --creds 'tester:secret word') digest
  digest=$(coracle artifact add --type application/x.test "$name" a.txt big.bin)
  run_coracle_out artifact push "${access[@]}" --digestfile "$TEST_STORE/digest" "$name"
  is "$(cat "$TEST_STORE/digest")" "sha256:$digest"
  has "$stderr" "Copying blob sha256:$(sha256sum <a.txt | cut -d' ' -f1)"
  has "$stderr" "Writing manifest to image destination"
  run_coracle_out artifact push -q "${access[@]}" "$name"
  is "$stderr$output" ""
  is "$(skopeo inspect --raw --cert-dir "$CERTS" --creds 'tester:secret word' "docker://$name" | sha256sum | cut -d' ' -f1)" "$digest" "what others see"
  run_coracle artifact rm "$name"
  run_coracle_out artifact pull -q "${access[@]}" "$name"
  is "$stderr" ""
  run_coracle artifact inspect --format '{{.Digest}}' "$name"
  is "$output" "sha256:$digest"
  mkdir out
  run_coracle artifact extract "$name" out
  cmp big.bin out/big.bin
  rm -r out
  run_coracle 125 artifact pull "$name"
  has "$output" "tls:"
  run_coracle 125 artifact pull "${access[@]}" "$REGISTRY/me/nosuch:1"
  like "$output" "Error: initializing source docker://$REGISTRY/me/nosuch:1: reading manifest 1 in $REGISTRY/me/nosuch: .*unknown"
  run_coracle 125 artifact push "${access[@]}" nosuch
  has "$output" "nosuch: artifact does not exist"
  run_coracle 125 artifact pull --decryption-key x "$name"
  has "$output" "not supported"
  # an image is an artifact, too
  push_fixture team/app:1
  run_coracle artifact pull -q "${access[@]}" "$REGISTRY/team/app:1"
  # a blob that is another one
  rm -r "$STORE/artifacts"
  local blob
  blob=$(sha256sum <a.txt | cut -d' ' -f1)
  echo HELLO >"$REGISTRY_DATA/docker/registry/v2/blobs/sha256/${blob:0:2}/$blob/data"
  run_coracle 125 artifact pull -q "${access[@]}" "$name"
  like "$output" "blob sha256:$blob|CORRUPT|digest"
  run_coracle artifact ls -n
  is "$output" ""
  printf '{"default": [{"type": "reject"}]}' >"$TEST_STORE/policy.json"
  mkdir -p "$XDG_CONFIG_HOME/containers"
  cp "$TEST_STORE/policy.json" "$XDG_CONFIG_HOME/containers/"
  run_coracle 125 artifact pull -q "${access[@]}" "$REGISTRY/team/app:1"
  has "$output" "is rejected by policy"
  rm "$XDG_CONFIG_HOME/containers/policy.json"
}
