#!/usr/bin/env bats
# 467-staged-mounts: what is put together for a container before it is mounted: overlays on folders and volumes (option O), images, parts of volumes and images, patterns.
# root: yes

load helpers

setup() {
  fixture_image box
  src=$TEST_STORE/src
  if [ ! -d "$src" ]; then
    mkdir -p "$src/sub"
    echo content >"$src/file"
    echo below >"$src/sub/below"
    chmod 755 "$src" "$src/sub"
  fi
}

layered() { # NAME: an image with /made/file and a link that leads out of it
  coracle image exists "$1" && return
  run_coracle_out 0 run --name "make-$1" box sh -c 'mkdir /made && echo from the image >/made/file && ln -s / /made/out'
  run_coracle_out 0 commit -q "make-$1" "$1"
  run_coracle_out 0 rm "make-$1"
}

@test "overlay: a folder is as it was, whatever is written" {
  run_coracle_out 0 run --rm -v "$src:/in:O" box sh -c 'cat /in/file; echo changed >/in/file; rm -r /in/sub; echo more >/in/more; cat /in/file; ls /in; stat -c %a /in'
  is "$output" $'content\nchanged\nfile\nmore\n755'
  is "$(cat "$src/file" "$src/sub/below")" $'content\nbelow'
  is "$(ls "$src")" $'file\nsub'
  run_coracle 0 run --rm -v "$src:/in:O,ro" box sh -c 'cat /in/file; touch /in/new || true'
  has "$output" "Read-only file system"
  no_leaks
}

@test "overlay: what was written is gone with the next start, and with the container" {
  run_coracle_out 0 run --name twice -v "$src:/in:O" box sh -c 'cat /in/file; echo changed >/in/file'
  is "$output" "content"
  run_coracle_out 0 start -a twice
  is "$output" "content"
  run_coracle_out 0 inspect --format '{{len .Mounts}}' twice
  is "$output" 0 "as in Podman: none that others could have"
  # into one that does not run, a copy goes beside the overlay, never into the folder
  echo copied >"$TEST_STORE/copied"
  run_coracle 0 cp "$TEST_STORE/copied" twice:/in/copied
  is "$(ls "$src")" $'file\nsub'
  run_coracle_out 0 rm twice
  is "$(find "$STORE/containers" -mindepth 1 | wc -l)" 0
  no_leaks
}

@test "overlay: of a named volume, by another user, under fuse-overlayfs" {
  run_coracle_out 0 run --rm -v shared:/v box sh -c 'echo one >/v/one'
  run_coracle_out 0 run --rm -v shared:/v:O box sh -c 'cat /v/one; echo two >/v/two; ls /v'
  is "$output" $'one\none\ntwo'
  run_coracle_out 0 run --rm -v shared:/v box ls /v
  is "$output" "one"
  run_coracle_out 0 run --name holds -v shared:/v:O box true
  run_coracle 2 volume rm shared
  has "$output" "volume is being used"
  run_coracle_out 0 rm holds
  run_coracle_out 0 run --rm -u 1000:1000 -v "$src:/in:O,U" box sh -c 'echo mine >/in/file; cat /in/file; stat -c "%u %g" /in /in/sub/below'
  is "$output" $'mine\n1000 1000\n1000 1000'
  is "$(cat "$src/file")" "content"
  if command -v fuse-overlayfs >/dev/null; then
    CORACLE_OVERLAY=fuse run_coracle_out 0 run --rm -v "$src:/in:O" box sh -c 'echo changed >/in/file; cat /in/file'
    is "$output" "changed"
    is "$(cat "$src/file")" "content"
  fi
  run_coracle_out 0 volume rm shared
  no_leaks
}

@test "overlay: folders of one's own keep what was written" {
  mkdir -m 755 "$TEST_STORE/upper" "$TEST_STORE/work"
  run_coracle_out 0 run --rm -v "$src:/in:O,upperdir=$TEST_STORE/upper,workdir=$TEST_STORE/work" box sh -c 'echo kept >/in/kept'
  is "$(cat "$TEST_STORE/upper/kept")" "kept"
  run_coracle_out 0 run --rm -v "$src:/in:O,upperdir=$TEST_STORE/upper,workdir=$TEST_STORE/work" box cat /in/kept
  is "$output" "kept"
  is "$(ls "$src")" $'file\nsub'
  local word
  for word in "O,upperdir=$TEST_STORE/upper" "upperdir=$TEST_STORE/upper,workdir=$TEST_STORE/work" "O,upperdir=upper,workdir=$TEST_STORE/work" \
    "O,upperdir=$TEST_STORE/absent,workdir=$TEST_STORE/work" "O,upperdir=$TEST_STORE/upper,upperdir=$TEST_STORE/upper,workdir=$TEST_STORE/work"; do
    run_coracle 125 run --rm -v "$src:/in:$word" box true
    has "$output" "Error: " "for $word"
  done
  run_coracle 125 run --rm -v "$src/file:/in:O" box true
  has "$output" "$src/file: not a directory"
  no_leaks
}

@test "rootfs: a folder under an overlay" {
  local root=$TEST_STORE/root
  mkdir -m 755 "$root"
  tar -C "$root" -xf "$(fixture busybox.tar)"
  chmod 755 "$root"
  run_coracle_out 0 run --name over --rootfs "$root:O" /bin/sh -c 'echo "$(cat /new 2>&1)"; echo written >/new; stat -c %a /'
  has "$output" $'No such file or directory\n755'
  [ ! -e "$root/new" ] || fail "it was written into the folder"
  run_coracle_out 0 diff over
  has "$output" "A /new"
  run_coracle_out 0 cp over:/new -
  has "$output" "written"
  run_coracle_out 0 start -a over
  has "$output" "No such file or directory" "gone with the next start"
  run_coracle_out 0 inspect --format '{{.Rootfs}} {{ne .GraphDriver.Data.UpperDir ""}}' over
  is "$output" "$root true"
  run_coracle_out 0 rm over
  run_coracle 125 run --rm --rootfs "$TEST_STORE/none:O" /bin/sh
  has "$output" "$TEST_STORE/none"
  run_coracle 125 run --rm --rootfs :O /bin/sh
  has "$output" "no folder is named"
  # a folder that has the store in it
  run_coracle_out 0 run --rm --rootfs "$TEST_STORE:O" /root/bin/busybox sh -c 'echo written >/new; read -r line </new; echo "$line"'
  is "$output" "written"
  [ ! -e "$TEST_STORE/new" ] || fail "it was written into the folder"
  rm -rf "$root"
  no_leaks
}

@test "image: to look at, to write to for a while, and a part" {
  layered made
  run_coracle 0 run --rm --mount type=image,src=made,dst=/i box sh -c 'cat /i/made/file; ls /i/bin | grep -cx sh; touch /i/made/new || true'
  has "$output" $'from the image\n1'
  has "$output" "Read-only file system"
  run_coracle_out 0 run --name writes --mount type=image,src=made,dst=/i,rw=true box sh -c 'cat /i/made/file; echo changed >/i/made/file; cat /i/made/file'
  is "$output" $'from the image\nchanged'
  run_coracle_out 0 start -a writes
  is "$output" $'from the image\nchanged'
  run_coracle_out 0 inspect --format '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}}{{end}}' writes
  is "$output" "image made /i true"
  run_coracle_out 0 run --rm --mount type=image,src=made,dst=/i,subpath=made box ls /i
  is "$output" $'file\nout'
  run_coracle_out 0 run --rm --mount type=image,src=made,dst=/i,subpath=/made/file box cat /i
  is "$output" "from the image"
  # a link in an image leads nowhere but into it
  run_coracle_out 0 run --rm --mount type=image,src=made,dst=/i,subpath=made/out box cat /i/made/file
  is "$output" "from the image"
  run_coracle 125 run --rm --mount type=image,src=made,dst=/i,subpath=absent box true
  has "$output" "subpath absent"
  has "$output" "No such file or directory"
  run_coracle 125 run --rm --mount type=image,src=absent,dst=/i box true
  has "$output" "absent: image not known"
  run_coracle 125 run --rm --mount type=image,dst=/i box true
  has "$output" "must set source image"
  run_coracle_out 0 rm writes
}

@test "image: it stays while a container has it, under whatever name" {
  layered held
  run_coracle_out 0 create --name holder --mount type=image,src=held,dst=/i box cat /i/made/file
  run_coracle 2 rmi held
  has "$output" "image is in use by a container"
  run_coracle_out 0 tag box other
  run_coracle 0 image prune -a -f
  run_coracle_out 0 image exists held
  # the name goes to another image, as a pull would have it
  local id
  id=$(coracle images -q --no-trunc held)
  run_coracle_out 0 tag "$id" kept
  run_coracle_out 0 untag held
  run_coracle_out 0 tag box held
  run_coracle_out 0 start -a holder
  is "$output" "from the image"
  run_coracle 0 rmi -f "$id"
  run_coracle 1 container exists holder
  no_leaks
}

@test "image: in a user namespace of the container's own its files are its root's" {
  layered made
  run_coracle '?' run --rm --userns=keep-id box true
  [ "$status" = 0 ] || skip "no user namespace within ours here: ${lines[-1]}"
  run_coracle_out 0 run --rm --userns=keep-id --user 0:0 --mount type=image,src=made,dst=/i,rw box sh -c 'stat -c "%u %g" /i /i/made/file; echo new >/i/new; stat -c %u /i/new'
  is "$output" $'0 0\n0 0\n0'
}

@test "volume: a part, whose links do not lead out of it" {
  run_coracle_out 0 run --rm -v parts:/v box sh -c 'mkdir /v/one; echo part >/v/one/file; ln -s / /v/out; ln -s ../../../../../.. /v/one/up'
  run_coracle_out 0 run --name whole --mount type=volume,src=parts,dst=/v,subpath=one box cat /v/file
  is "$output" "part"
  run_coracle_out 0 inspect --format '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}}{{end}}' whole
  is "$output" "volume parts /v"
  run_coracle_out 0 run --rm --mount type=volume,src=parts,dst=/v,subpath=one/file box cat /v
  is "$output" "part"
  local link
  for link in out one/up; do
    run_coracle_out 0 run --rm --mount "type=volume,src=parts,dst=/v,subpath=$link" box ls /v
    is "$output" $'one\nout' "$link leads to the volume's own top"
  done
  run_coracle_out 0 run --rm --volumes-from whole box cat /v/file
  is "$output" "part"
  echo copied >"$TEST_STORE/copied"
  run_coracle 0 cp "$TEST_STORE/copied" whole:/v/copied
  run_coracle_out 0 run --rm -v parts:/v box cat /v/one/copied
  is "$output" "copied"
  run_coracle 125 run --rm --mount type=volume,src=parts,dst=/v,subpath=absent box true
  has "$output" "subpath absent"
  run_coracle_out 0 rm whole
  run_coracle_out 0 volume rm parts
  no_leaks
}

@test "artifact: one file, several, in a folder or as the file" {
  local digest
  echo one >"$TEST_STORE/one.txt"
  echo two >"$TEST_STORE/two.txt"
  run_coracle 0 artifact add example.com/single:1 "$TEST_STORE/one.txt"
  run_coracle 0 artifact add example.com/multi:1 "$TEST_STORE/one.txt" "$TEST_STORE/two.txt"
  digest=sha256:$(sha256sum <"$TEST_STORE/two.txt" | cut -d ' ' -f 1)
  run_coracle_out 0 run --rm --mount type=artifact,src=example.com/single:1,dst=/data box sh -c 'cat /data; stat -c %F /data; echo x >/data || true' 2>/dev/null
  has "$output" $'one\nregular file'
  run_coracle_out 0 run --rm --mount type=artifact,src=example.com/single:1,dst=/tmp box sh -c 'cat /tmp/one.txt; (echo x >/tmp/one.txt) 2>/dev/null || echo refused'
  is "$output" $'one\nrefused' "below a folder that is there, read-only"
  run_coracle_out 0 run --rm --mount type=artifact,src=example.com/single:1,dst=/tmp,name=other box ls /tmp
  is "$output" "other"
  run_coracle_out 0 run --rm --mount type=artifact,src=example.com/single:1,dst=/etc/passwd box cat /etc/passwd
  is "$output" "one" "on a file that is there"
  run_coracle_out 0 run --rm -u 1000:1000 --mount type=artifact,src=example.com/multi:1,dst=/data box sh -c 'ls /data; cat /data/*'
  is "$output" $'one.txt\ntwo.txt\none\ntwo'
  run_coracle_out 0 run --rm --mount type=artifact,src=example.com/multi:1,dst=/data,name=x box ls /data
  is "$output" $'x-0\nx-1'
  run_coracle_out 0 run --rm --mount type=artifact,src=example.com/multi:1,dst=/data,title=two.txt box cat /data
  is "$output" "two"
  run_coracle_out 0 run --rm --mount "type=artifact,src=example.com/multi:1,dst=/tmp,digest=$digest" box ls /tmp
  is "$output" "${digest/:/-}"
  run_coracle 125 run --rm --mount type=artifact,src=example.com/multi:1,dst=/etc/passwd box true
  has "$output" 'artifact "example.com/multi:1" contains more than one blob and container path "/etc/passwd" is a file'
  run_coracle 125 run --rm --mount type=artifact,src=example.com/multi:1,dst=/data,title=absent box true
  has "$output" 'no blob with the title "absent"'
  run_coracle 125 run --rm --mount "type=artifact,src=example.com/multi:1,dst=/data,title=two.txt,digest=$digest" box true
  has "$output" "cannot specify both digest and title"
  run_coracle 125 run --rm --mount type=artifact,src=example.com/absent:1,dst=/data box true
  has "$output" "example.com/absent:1: artifact does not exist"
  run_coracle_out 0 create --name keeps --mount type=artifact,src=example.com/single:1,dst=/data box cat /data
  run_coracle_out 0 start -a keeps
  is "$output" "one"
  run_coracle_out 0 generate spec --compact keeps
  is "$(jq -c '[.mounts, (.artifact_volumes | map([.source, .destination, .digest]))]' <<<"$output")" \
    "[null,[[\"example.com/single:1\",\"/data\",\"sha256:$(sha256sum <"$TEST_STORE/one.txt" | cut -d ' ' -f 1)\"]]]"
  run_coracle_out 0 rm keeps
  no_leaks
}

@test "generate spec: overlays, images and parts" {
  run_coracle_out 0 create --name spec -v "$src:/a:O" -v other:/b:O,ro --mount type=image,src=box,dst=/c,rw,subpath=bin --mount type=volume,src=other,dst=/d box true
  run_coracle_out 0 generate spec --compact spec
  is "$(jq -c '[.mounts, (.overlay_volumes | map([.source, .destination])), .image_volumes, (.volumes | map([.Name, .Dest]))]' <<<"$output")" \
    "[null,[[\"$src\",\"/a\"],[\"other\",\"/b\"]],[{\"Source\":\"box\",\"Destination\":\"/c\",\"ReadWrite\":true,\"subPath\":\"bin\"}],[[\"other\",\"/d\"]]]"
  run_coracle_out 0 rm spec
  run_coracle_out 0 volume rm other
}

@test "glob: all that a pattern finds" {
  echo one >"$src/a.conf"
  echo two >"$src/b.conf"
  run_coracle_out 0 run --rm --mount "type=glob,src=$src/*.conf,dst=/etc/more,ro" box sh -c 'ls /etc/more; cat /etc/more/*; (: >/etc/more/a.conf) 2>/dev/null || echo refused'
  is "$output" $'a.conf\nb.conf\none\ntwo\nrefused'
  run_coracle_out 0 run --rm --mount "type=glob,src=$src/*.conf" box cat "$src/a.conf" "$src/b.conf"
  is "$output" $'one\ntwo' "each where it is"
  rm "$src/a.conf" "$src/b.conf"
  run_coracle 125 run --rm --mount "type=glob,src=$src/*.conf,dst=/in" box true
  has "$output" "no file paths matching glob \"$src/*.conf\""
  run_coracle 125 run --rm --mount type=glob,dst=/in box true
  has "$output" "must set source for a glob mount"
  run_coracle 125 run --rm --mount "type=glob,src=$src/f*,dst=/in" -v "$src/sub:/in/file" box true
  has "$output" "/in/file: duplicate mount destination"
  no_leaks
}
