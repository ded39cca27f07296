#!/usr/bin/env bats
# 250-cp: files into containers, out of them, and between them: what goes where, whose it is, and the texts.
# root: yes

load helpers

setup() {
  fixture_image box
  mkdir -p "$TEST_STORE/w"
  cd "$TEST_STORE/w" || return
  rm -rf ./*
  echo hello >f
  mkdir -p dir/sub
  echo 1 >dir/a
  echo 2 >dir/sub/b
  ln -s f lf
  ln -s dir ldir
}

# live NAME [ARG…]: a running container with a few things in it
live() {
  local name=$1
  shift
  coracle run --name "$name" "$@" box sh -c 'mkdir -p /d/sub; echo 1 >/d/a; echo 2 >/d/sub/b; echo f >/file; ln -s /d /ld; ln -s file /lf; ln -s nowhere /dangle; mkfifo /fifo; : >/ready; sleep 1000' &
  wait_for 20 diff_says "$name" /ready
}

# see NAME: what is in the container, as a list of paths
see() { coracle export "$1" | tar -tf - | grep -vE '^(bin|usr|home|root|tmp|var|etc|dev|proc|sys|run)/' | LC_ALL=C sort | tr '\n' ' '; }
# content NAME PATH
content() { coracle cp "$1:$2" - | tar -xOf -; }
gone() {
  coracle rm -f -t 0 "$@" >/dev/null
  wait || true
}

@test "cp: into a running container: files" {
  live c
  run_coracle_out 0 cp f c:/new
  is "$output" "" "no word"
  is "$(content c /new)" "hello"
  run_coracle 0 cp f c:/d
  is "$(content c /d/f)" "hello" "into a folder"
  run_coracle 0 cp f c:/file
  is "$(content c /file)" "hello" "over a file"
  run_coracle 0 cp f c:relative
  is "$(content c /relative)" "hello" "from the working folder, which is /"
  run_coracle 0 cp lf c:/nf
  is "$(coracle cp c:/nf - | tar -tvf - | cut -c1)" "-" "a link of the host's that is named is followed"
  run_coracle 0 cp f c:/ld
  run_coracle 0 cp f c:/dangle
  is "$(content c /nowhere)" "hello" "a link that leads nowhere: where it leads"
  run_coracle 0 cp dir/a c:/lf
  is "$(content c /file)" "1" "through a link"
  coracle export c | tar -tvf - | grep -c 'lf -> file'
  run_coracle 0 cp f c:/etc/hosts
  is "$(content c /etc/hosts)" "hello" "over a file that is a mount"
  gone c
  no_leaks
}

@test "cp: into a running container: folders" {
  live c
  run_coracle 0 cp dir c:/new1
  run_coracle 0 cp dir/ c:/new2
  run_coracle 0 cp dir/. c:/new3
  run_coracle 0 cp ldir c:/new4
  run_coracle 0 cp dir c:/d
  run_coracle 0 cp ldir/ c:/d/sub/
  is "$(see c)" "d/ d/a d/dir/ d/dir/a d/dir/sub/ d/dir/sub/b d/sub/ d/sub/b d/sub/dir/ d/sub/dir/a d/sub/dir/sub/ d/sub/dir/sub/b dangle fifo file ld lf new1/ new1/a new1/sub/ new1/sub/b new2/ new2/a new2/sub/ new2/sub/b new3/ new3/a new3/sub/ new3/sub/b new4/ new4/a new4/sub/ new4/sub/b ready "
  echo changed >dir/a
  run_coracle 0 cp dir/. c:/ld
  is "$(content c /d/a)" "changed" "the content, through a link to a folder"
  gone c
}

@test "cp: out of a running container" {
  live c
  run_coracle 0 cp c:/file x
  is "$(cat x)" "f"
  run_coracle 0 cp c:lf y
  is "$(cat y)" "f" "the link that is named is followed"
  mkdir e
  run_coracle 0 cp c:/lf e
  run_coracle 0 cp c:/d e
  run_coracle 0 cp c:/d/ n1
  run_coracle 0 cp c:/d/. n2
  run_coracle 0 cp c:/ld n3
  run_coracle 0 cp c:/d/../d/sub n4
  run_coracle 0 cp c:/fifo p
  is "$(find e n1 n2 n3 n4 p | LC_ALL=C sort | tr '\n' ' ')" "e e/d e/d/a e/d/sub e/d/sub/b e/file n1 n1/a n1/sub n1/sub/b n2 n2/a n2/sub n2/sub/b n3 n3/a n3/sub n3/sub/b n4 n4/b p "
  is "$(stat -c %u e/file n1/a | sort -u)" "$(id -u)" "they are mine"
  run_coracle 0 cp c:/file e/file
  run_coracle 0 cp c:/proc/version v
  has "$(cat v)" "Linux" "also what has no size"
  run_coracle 0 cp c:/file /dev/null/../../"$PWD"/z || true
  gone c
}

@test "cp: the texts for what cannot be" {
  live c
  mkdir file
  mkfifo ff
  local t
  while IFS='|' read -r from to text; do
    run_coracle 125 cp $from $to
    is "${lines[0]}" "Error: $text" "cp $from $to"
  done <<'END'
f|c:/nodir/f|"/nodir/f" could not be found on container c: no such file or directory
f|c:/nodir/|"/nodir/" could not be found on container c: no such file or directory
nosuch|c:/x|"nosuch" could not be found on the host: no such file or directory
dir|c:/file|destination must be a directory when copying a directory
dir|c:/new4/|"/new4/" could not be found on container c: no such file or directory
c:/nosuch|x|"/nosuch" could not be found on container c: no such file or directory
c:/dangle|x|"/dangle" could not be found on container c: no such file or directory
c:/file|/nodir/x|"/nodir/x" could not be found on the host: no such file or directory
c:/file|nodir/|"nodir/" could not be found on the host: no such file or directory
c:/d|f|destination must be a directory when copying a directory
c:/file|ff|invalid destination: "ff" must be a directory or a regular file
f|nosuch:/x|container "nosuch" does not exist
nosuch:/a|b|container "nosuch" does not exist
nosuch|nosuch:/x|container "nosuch" does not exist
a|b|name or ID cannot be empty
-|-|name or ID cannot be empty
-|f|name or ID cannot be empty
f|-|name or ID cannot be empty
./c:/a|b|name or ID cannot be empty
-|c:/file|destination must be a directory when copying from stdin
-|c:/nodir|destination must be a directory when copying from stdin
-|c:/no/dir|destination must be a directory when copying from stdin
-|c:/tmp|source must be a (compressed) tar archive when copying from stdin
f|c:|invalid arguments "f", "c:": you must specify paths
c:|x|invalid arguments "c:", "x": you must specify paths
:|c:/|invalid arguments ":", "c:/": you must specify paths
:/nosuchx|c:/|"/nosuchx" could not be found on the host: no such file or directory
f|c:/d/sub/b/|"/d/sub/b/" exists but is not a directory
c:/dev/null|x|copying from container: null is a device, which cannot be copied
END
  run_coracle 125 cp f
  is "${lines[0]}" "Error: accepts 2 arg(s), received 1"
  run_coracle 125 cp f c:/a c:/b
  is "${lines[0]}" "Error: accepts 2 arg(s), received 3"
  # anything, but for what happens to begin as something compressed does
  run bash -c "{ printf '\377'; head -c 2000 /dev/urandom; } | '$CORACLE' cp - c:/tmp"
  is "$output" "Error: source must be a (compressed) tar archive when copying from stdin"
  gone c
}

@test "cp: a folder where a file is, and the reverse, only with --overwrite" {
  live c
  mkdir -p o/a
  run_coracle 125 cp o/. c:/d
  like "${lines[0]}" '^Error: copying to container: .*a: File exists'
  is "$(content c /d/a)" "1"
  run_coracle 0 cp --overwrite o/. c:/d
  coracle export c | tar -tf - | grep -cx d/a/
  echo x >d-a
  mkdir p
  echo file >p/a
  run_coracle 125 cp p/. c:/d
  run_coracle 0 cp --overwrite p/. c:/d
  is "$(content c /d/a)" "file"
  rm -rf o
  mkdir -p o/a
  run_coracle 125 cp c:/d/. o
  run_coracle 0 cp --overwrite c:/d/. o
  is "$(cat o/a)" "file"
  gone c
}

@test "cp: the working folder and the user of the container; --archive=false" {
  fixture_image ubox --change 'WORKDIR /srv/w' --change 'USER 1000'
  coracle run --name u ubox sh -c ': >ready; sleep 1000' &
  wait_for 20 diff_says u ready
  run_coracle 0 cp f u:rel
  run_coracle 0 cp -a=false f u:/tmp/af
  run_coracle 0 cp dir u:/tmp/
  chmod 4751 f
  touch -d '2001-02-03 04:05:06 UTC' f
  run_coracle 0 cp f u:/tmp/mode
  coracle export u | TZ=UTC tar --numeric-owner -tvf - >list
  like "$(grep ' srv/w/rel$' list)" '^-rw.* 1000/1000 +6 '
  like "$(grep ' tmp/af$' list)" '^-rw.* 0/0 '
  like "$(grep ' tmp/dir/sub/b$' list)" '^-rw.* 1000/1000 '
  like "$(grep ' tmp/mode$' list)" '^-rwsr-x--x 1000/1000 .* 2001-02-03 '
  run_coracle 0 cp u:rel back
  is "$(cat back)" "hello"
  gone u
  run_coracle 0 rmi ubox
}

@test "cp: a container that does not run, with its volume; it stays what it was" {
  run_coracle 3 run --name st -v vol:/vol -v "$TEST_STORE/w/dir:/bind:ro" box sh -c 'echo in >/vol/old; mkdir /made; exit 3'
  run_coracle 0 cp f st:/vol/new
  run_coracle 0 cp f st:/made
  run_coracle 0 cp st:/vol/old old
  is "$(cat old)" "in"
  run_coracle 0 cp st:/bind/a got
  is "$(cat got)" "1"
  run_coracle 125 cp f st:/bind/no
  like "${lines[0]}" 'Read-only file system'
  run_coracle 0 cp st:/made/f got2
  is "$(cat got2)" "hello"
  run_coracle_out 0 inspect --format '{{.State.Status}} {{.State.ExitCode}}' st
  is "$output" "exited 3"
  run_coracle 0 run --rm -v vol:/v box cat /v/new
  is "$output" "hello" "it is in the volume"
  coracle export st | tar -tf - >list
  if grep -q vol/new list; then fail "it is in the container's files too"; fi
  run_coracle 0 rm st
  no_leaks
}

@test "cp: many at once with one that does not run" {
  run_coracle 0 run --name st box true
  local i
  for i in 1 2 3 4 5 6 7 8; do coracle cp f "st:/f$i" & done
  wait
  for i in 1 2 3 4 5 6 7 8; do is "$(content st /f$i)" "hello" "number $i"; done
  run_coracle 0 rm st
  no_leaks
}

@test "cp: volumes and folders of a running container are those that it sees" {
  mkdir shared
  live c -v "$PWD/shared:/shared" --tmpfs /mem
  run_coracle 0 cp f c:/shared/f
  is "$(cat shared/f)" "hello"
  run_coracle 0 cp f c:/mem/f
  is "$(content c /mem/f)" "hello" "also what is in memory"
  gone c
}

@test "cp: from one container to another, and within one" {
  live c
  run_coracle 0 run --name st box true
  run_coracle 0 cp c:/d st:/copy
  run_coracle 0 cp st:/copy/. c:/back
  is "$(content c /back/sub/b)" "2"
  run_coracle 0 cp c:/d c:/copy1
  is "$(content c /copy1/a)" "1"
  run_coracle 0 cp c:/d c:/d
  run_coracle 0 cp c:/d c:/d/again
  is "$(content c /d/again/d/a)" "1" "into itself: once"
  run_coracle 0 cp st:/copy st:/copy2
  is "$(content st /copy2/a)" "1" "within one that does not run"
  run_coracle 125 cp c:/nosuch st:/tmp
  is "${lines[0]}" 'Error: "/nosuch" could not be found on container c: no such file or directory'
  run_coracle 125 cp c:/file st:/no/x
  is "${lines[0]}" 'Error: "/no/x" could not be found on container st: no such file or directory'
  gone c st
}

@test "cp: tar archives in and out" {
  live c
  tar -C dir -cf - . | coracle cp - c:/d
  tar -cf - dir | gzip | coracle cp - c:/tmp
  is "$(content c /tmp/dir/sub/b)" "2"
  tar --owner 7 --group 8 -cf own.tar f
  coracle cp - c:/tmp <own.tar
  coracle export c | tar --numeric-owner -tvf - | grep ' tmp/f$' >list
  like "$(cat list)" ' 0/0 ' "the container's user's"
  coracle cp -a=false - c:/tmp <own.tar
  coracle export c | tar --numeric-owner -tvf - | grep ' tmp/f$' >list
  like "$(cat list)" ' 7/8 ' "or whose it was"
  is "$(coracle cp c:/file - | tar -tf -)" "file"
  is "$(coracle cp c:/ld - | tar -tf - | tr '\n' ' ')" "d/ d/a d/sub/ d/sub/b "
  is "$(coracle cp c:/d/. - | tar -tf - | tr '\n' ' ')" "./ a sub/ sub/b "
  mkdir here
  coracle cp c:/d - | tar -C here -xf -
  is "$(cat here/d/sub/b)" "2"
  gone c
}

@test "cp: hard links, holes, times, links, attributes" {
  mkdir t
  echo x >t/one
  ln t/one t/two
  ln -s /etc/passwd t/link
  truncate -s 100M t/hole
  echo end >>t/hole
  touch -d '2001-02-03 04:05:06 UTC' t/one
  run_coracle 0 run --name st box true
  run_coracle 0 cp t st:/t
  run_coracle 0 cp st:/t back
  is "$(stat -c %h back/one)" 2
  is "$(readlink back/link)" /etc/passwd
  is "$(stat -c %Y back/one)" 981173106
  cmp t/hole back/hole
  [ "$(stat -c %b back/hole)" -lt 2000 ] || fail "the hole was filled"
  run_coracle 0 rm st
}
