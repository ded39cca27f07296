#!/usr/bin/env bats
# 103-run-mounts: --volume, --mount, --tmpfs, --read-only, and what goes with the container.
# root: yes

load helpers

setup() {
  fixture_image box
  src=$TEST_STORE/src
  if [ ! -d "$src" ]; then
    mkdir -p "$src/sub"
    echo content >"$src/file"
    chmod 755 "$src" "$src/sub"
  fi
}

options_of() { # PLACE ARGS…: the mount's options inside
  local place=$1
  shift
  run_coracle_out 0 run --rm "$@" box awk -v p="$place" '$5 == p { print $6 }' /proc/self/mountinfo
}

volumes() { find "$STORE/volumes" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l; }

@test "volume: a folder and a file, absolute and relative" {
  run_coracle_out 0 run --rm -v "$src:/in" box cat /in/file
  is "$output" "content"
  run_coracle_out 0 run --rm -v "$src/file:/etc/motd" box cat /etc/motd
  is "$output" "content" "a file, on a place that was not there"
  cd "$src"
  run_coracle_out 0 run --rm -v ./sub:/in -v ../src:/in2 box ls /in2
  is "$output" $'file\nsub'
  run_coracle 0 run --rm -v "$src:/in" box sh -c 'echo more >/in/new'
  is "$(cat "$src/new")" "more" "written through"
  rm "$src/new"
}

@test "volume: ro and rw" {
  run_coracle 1 run --rm -v "$src:/in:ro" box sh -c 'echo x >/in/file'
  like "$output" "[Rr]ead-only file system"
  is "$(cat "$src/file")" "content"
  run_coracle 0 run --rm -v "$src:/in:rw" box sh -c 'echo content >/in/file'
  options_of /in -v "$src:/in:ro"
  like "$output" '^ro,'
}

@test "volume: the options of a mount" {
  options_of /in -v "$src:/in"
  like "$output" '^rw,'
  # what the folder's own filesystem is mounted with, here and there
  is "$(grep -oE 'nosuid|nodev|noexec' <<<"$output" | sort | xargs)" "$(findmnt -no VFS-OPTIONS -T "$src" | grep -oE 'nosuid|nodev|noexec' | sort | xargs)" "a path is as it is"
  options_of /in -v "$src:/in:noexec,ro"
  like "$output" '^ro,.*noexec'
  options_of /in -v "$src:/in:nosuid,nodev"
  like "$output" "nosuid,nodev"
  run_coracle 126 run --rm -v /bin/busybox:/in:noexec box /in true
  local word
  for word in z Z rbind bind private rprivate slave rslave exec nodev nosuid; do
    run_coracle_out 0 run --rm -v "$src:/in:$word" box cat /in/file
    is "$output" "content" "option $word"
  done
  for word in slave rslave; do
    run_coracle_out 0 run --rm -v "$src:/in:$word" box grep ' /in ' /proc/self/mountinfo
    like "$output" " (master:|- )" "$word"
  done
}

@test "volume: U gives it to the container's user" {
  mkdir -p "$TEST_STORE/given/deep"
  : >"$TEST_STORE/given/deep/file"
  run_coracle_out 0 run --rm -u user -v "$TEST_STORE/given:/in:U" box sh -c 'stat -c "%u %g" /in /in/deep/file; echo x >/in/deep/file'
  is "$output" $'1000 1000\n1000 1000'
  run_coracle 0 run --rm -v "$TEST_STORE/given:/in:U" box true
  is "$(stat -c %u "$TEST_STORE/given/deep/file")" "$(id -u)" "and back to root, the caller"
}

@test "volume: a named one is made, filled, kept" {
  fixture_image box
  run_coracle_out 0 run --rm -v box1:/home box sh -c 'stat -c "%n %u" /home/user; echo kept >/home/kept'
  is "$output" "/home/user 1000" "filled with what the image has"
  run_coracle_out 0 run --rm -v box1:/other box sh -c 'cat /other/kept; ls /other'
  is "$output" $'kept\nkept\nuser'
  run_coracle_out 0 run --rm -v fresh1:/home:nocopy box ls /home
  is "$output" "" "nocopy"
  run_coracle 125 run --rm -v absent1:/home:nocreate box true
  has "$output" "absent1"
  run_coracle_out 0 run --rm -v box1:/home:nocreate box cat /home/kept
  is "$output" "kept"
  run_coracle 0 run --rm -v modes1:/tmp box stat -c %a /tmp
  is "$output" "1777" "the mode of the image's folder"
  run_coracle 0 run --rm -u user -v home1:/home/user box touch /home/user/x
}

@test "volume: an anonymous one goes with --rm and with rm -v, and stays with rm" {
  local before
  before=$(volumes)
  run_coracle_out 0 run --rm -v /data box sh -c 'echo x >/data/f; grep -c " /data " /proc/self/mountinfo'
  is "$output" "1"
  is "$(volumes)" "$before" "gone with --rm"
  run_coracle 0 run --name keeps -v /data -v named2:/named box true
  is "$(volumes)" "$((before + 2))"
  run_coracle 0 rm keeps
  is "$(volumes)" "$((before + 2))" "rm leaves it"
  run_coracle 0 run --name keeps -v /data -v named2:/named box true
  run_coracle 0 rm -v keeps
  is "$(volumes)" "$((before + 2))" "rm -v takes the anonymous one, not the named one"
  run_coracle 0 run --rm -v named2:/named box true
  is "$(volumes)" "$((before + 2))" "--rm leaves named ones"
}

@test "volume: the image's volumes" {
  fixture_image voluminous --change 'VOLUME /home' --change 'VOLUME /data'
  local before
  before=$(volumes)
  run_coracle_out 0 run --rm voluminous sh -c 'grep -cE " /(home|data) " /proc/self/mountinfo; ls /home'
  is "$output" $'2\nuser'
  is "$(volumes)" "$before" "gone"
  run_coracle_out 0 run --rm --image-volume ignore voluminous sh -c 'grep -cE " /(home|data) " /proc/self/mountinfo || true'
  is "$output" "0"
  run_coracle_out 0 run --rm --image-volume tmpfs voluminous awk '$5 == "/data" { for (i = 7; i <= NF; i++) if ($i == "-") print $(i + 1) }' /proc/self/mountinfo
  is "$output" "tmpfs"
  run_coracle_out 0 run --rm --image-volume bind -v "$src:/data" voluminous cat /data/file
  is "$output" "content" "what the user mounts there comes first"
  run_coracle 125 run --rm --image-volume nonsense voluminous true
}

@test "volume: errors change nothing" {
  local before word
  before=$(volumes)
  for word in "$TEST_STORE/absent:/in" "$src:relative" "$src:/" "$src:/in:nonsense" "$src:/in:ro,rw" "a:b:c:d" "bad*name:/in" ":/in" "$src:" "" "$src:/in:z,Z" "$src:/in:nocreate"; do
    run_coracle 125 run --rm -v "$word" box true
    has "$output" "Error:" "for $word"
  done
  run_coracle 125 run --rm -v "$TEST_STORE/absent:/in" box true
  has "$output" "statfs $TEST_STORE/absent: no such file or directory"
  is "$(volumes)" "$before"
  no_leaks
}

@test "volume: the same place twice" {
  run_coracle 125 run --rm -v "$src:/in" -v "$src/sub:/in" box true
  has "$output" "/in: duplicate mount destination"
  run_coracle 125 run --rm -v "$src:/in" --tmpfs /in box true
  has "$output" "/in: duplicate mount destination"
  run_coracle 125 run --rm -v "$src:/in" --mount type=tmpfs,dst=/in/ box true
  has "$output" "/in: duplicate mount destination"
  run_coracle 0 run --rm -v "$src:/in" -v "$src/sub:/in/sub/x" box true
  rmdir "$src/sub/x"
}

@test "volume: nested places, in whatever order they are given" {
  mkdir -p "$TEST_STORE/a/b" "$TEST_STORE/inner"
  echo inner >"$TEST_STORE/inner/file"
  run_coracle_out 0 run --rm -v "$TEST_STORE/inner:/a/b" -v "$TEST_STORE/a:/a" box cat /a/b/file
  is "$output" "inner"
  run_coracle_out 0 run --rm --tmpfs /a/b/c -v "$TEST_STORE/inner:/a/b" -v "$TEST_STORE/a:/a" box ls /a/b
  is "$output" $'c\nfile'
}

@test "volume: links in the image do not lead outside" {
  fixture_image box
  mkdir -p "$TEST_STORE/linked/root/bin" "$TEST_STORE/linked/root/etc"
  cp /bin/busybox "$TEST_STORE/linked/root/bin/sh"
  ln -s "$TEST_STORE/linked/victim" "$TEST_STORE/linked/root/out"
  ln -s ../../../../../../etc "$TEST_STORE/linked/root/up"
  mkdir "$TEST_STORE/linked/victim"
  run_coracle 0 run --rm --rootfs -v "$src:/out/x" "$TEST_STORE/linked/root" /bin/sh -c 'exit 0'
  is "$(ls "$TEST_STORE/linked/victim")" "" "the link was followed inside"
  run_coracle_out 0 run --rm --rootfs -v "$src/file:/up/mine" "$TEST_STORE/linked/root" /bin/sh -c 'read line </etc/mine; echo $line'
  is "$output" "content"
}

@test "mount: types and words" {
  run_coracle_out 0 run --rm --mount "type=bind,src=$src,dst=/in" box cat /in/file
  is "$output" "content"
  run_coracle 1 run --rm --mount "type=bind,source=$src,target=/in,ro" box touch /in/x
  run_coracle 1 run --rm --mount "type=bind,source=$src,destination=/in,readonly=true" box touch /in/x
  run_coracle 0 run --rm --mount "type=bind,source=$src,dest=/in,ro=false" box touch /in/x
  rm "$src/x"
  options_of /in --mount "type=bind,src=$src,dst=/in,noexec,bind-propagation=rslave"
  like "$output" 'noexec'
  run_coracle_out 0 run --rm --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700 box sh -c 'stat -c %a /t; df -k /t | awk "NR == 2 { print \$2 }"'
  is "$output" $'700\n1024'
  run_coracle_out 0 run --rm --mount type=ramfs,dst=/t box awk '$5 == "/t" { for (i = 7; i <= NF; i++) if ($i == "-") print $(i + 1) }' /proc/self/mountinfo
  is "$output" "ramfs"
  run_coracle_out 0 run --rm --mount type=devpts,dst=/pts,max=3 box ls /pts
  has "$output" "ptmx"
  run_coracle_out 0 run --rm --mount type=volume,src=vol3,dst=/v box sh -c 'mkdir /v/part; echo x >/v/part/f'
  run_coracle_out 0 run --rm --mount type=volume,src=vol3,dst=/v,subpath=part,ro box ls /v
  is "$output" "f"
  run_coracle_out 0 run --rm --mount src=vol3,dst=/v box ls /v
  is "$output" "part" "volume is the default type"
  run_coracle_out 0 run --rm --mount "type=bind,\"src=$src\",dst=/in" box cat /in/file
  is "$output" "content" "quoted words"
  run_coracle_out 0 run --rm -u user --mount type=tmpfs,dst=/t,U box sh -c 'stat -c "%u %g" /t'
  is "$output" "1000 1000"
}

@test "mount: errors" {
  local word
  for word in "type=bind,src=$src" "type=bind,dst=/in" "type=nonsense,dst=/in" "type=bind,src=$src,dst=/in,nonsense" "type=bind,src=$src,dst=in" \
    "type=bind,src=$TEST_STORE/absent,dst=/in" "type=tmpfs,dst=/in,tmpfs-size=much" "type=tmpfs" "" "type=tmpfs,dst=/in,tmpfs-mode=9" "type" \
    "type=bind,src=$src,dst=/in,ro,rw" "type=bind,src=$src,dst=/in,relabel=odd" "type=volume,src=../x,dst=/in"; do
    run_coracle 125 run --rm --mount "$word" box true
    has "$output" "Error:" "for $word"
  done
  no_leaks
}

@test "tmpfs: its options and what is copied up" {
  options_of /t --tmpfs /t
  like "$output" '^rw,nosuid,nodev' "the default options"
  not_like "$output" "noexec"
  run_coracle_out 0 run --rm --tmpfs /home box ls /home
  is "$output" "user" "copied up"
  run_coracle_out 0 run --rm --tmpfs /home:notmpcopyup box ls /home
  is "$output" "" "notmpcopyup"
  run_coracle_out 0 run --rm --tmpfs /t:size=2m,mode=1777 box sh -c 'stat -c %a /t; df -k /t | awk "NR == 2 { print \$2 }"'
  is "$output" $'1777\n2048'
  run_coracle 1 run --rm --tmpfs /t:ro box touch /t/x
  run_coracle_out 0 run --rm --tmpfs /t:exec,size=8m box sh -c 'cp /bin/busybox /t/sh; /t/sh -c "echo runs"'
  is "$output" "runs"
  run_coracle 126 run --rm --tmpfs /bin:noexec box true
  local word
  for word in relative "/t:nonsense" "/t:size=much" "/" "" "/t:mode=9"; do
    run_coracle 125 run --rm --tmpfs "$word" box true
  done
  no_leaks
}

@test "tmpfs: inside a bind mount it has what the bind mount has there" {
  echo deep >"$src/sub/deep"
  run_coracle_out 0 run --rm -v "$src:/in" --tmpfs /in/sub box sh -c 'cat /in/sub/deep; echo gone >/in/sub/new'
  is "$output" "deep"
  run_coracle_out 0 run --rm -v "$src:/in" --tmpfs /in/sub:notmpcopyup box ls /in/sub
  is "$output" ""
  [ ! -e "$src/sub/new" ]
  rm "$src/sub/deep"
}

@test "read-only: the root is, /run, /tmp, /var/tmp and /dev are not" {
  run_coracle 1 run --rm --read-only box touch /x
  like "$output" "[Rr]ead-only file system"
  run_coracle_out 0 run --rm --read-only box sh -c 'touch /run/x /tmp/x /var/tmp/x /dev/shm/x /dev/x && echo fine'
  is "$output" "fine"
  run_coracle_out 0 run --rm --read-only box stat -c %a /tmp
  is "$output" "1777"
  local place
  for place in /tmp /run /var/tmp /dev /dev/shm /; do
    run_coracle 1 run --rm --read-only --read-only-tmpfs=false box touch "$place/x"
    like "$output" "[Rr]ead-only file system" "$place"
  done
  run_coracle_out 0 run --rm --read-only --read-only-tmpfs=false box sh -c 'echo x >/dev/null; head -c 1 /dev/zero | wc -c'
  is "$output" "1" "devices work all the same"
  run_coracle 0 run --rm --read-only -v "$src:/in" --tmpfs /t box sh -c 'touch /in/x /t/x'
  rm "$src/x"
  run_coracle 0 run --rm --read-only -v rodata:/data/new box touch /data/new/x
}

@test "read-only: etc files are still the container's own" {
  run_coracle_out 0 run --rm --read-only --hostname boat box cat /etc/hostname
  is "$output" "boat"
}
