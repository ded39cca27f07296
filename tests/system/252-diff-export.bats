#!/usr/bin/env bats
# 252-diff-export: what a container changed, and its files as a tar.
# root: yes

load helpers

setup() {
  fixture_image box
}

# changed NAME: a container that has done a bit of everything
changed() {
  run_coracle 0 run --name "$1" box sh -c 'echo hi >/new; rm /etc/passwd; mkdir /d; echo x >/d/f; ln -s /d /ld; rm -rf /home; mkdir /home; touch /home/x
    echo changed >>/etc/group; mkdir /tmp/sub; touch /tmp/sub/a; mkfifo /var/fifo; mkdir -p /usr/n/m/o; rm /usr/bin/env; echo 1 >/run/x'
}

CHANGES='A /d
A /d/f
C /etc
C /etc/group
D /etc/passwd
D /home
A /home/x
A /ld
A /new
A /run/x
C /tmp
A /tmp/sub
A /tmp/sub/a
C /usr
C /usr/bin
D /usr/bin/env
A /usr/n
A /usr/n/m
A /usr/n/m/o
C /var
A /var/fifo'

@test "diff: a container against its image" {
  changed c
  run_coracle_out 0 diff c
  is "$output" "$CHANGES"
  run_coracle_out 0 container diff --latest
  has "$output" "A /home/x"
  run_coracle_out 0 diff --format json c
  is "$(jq -r '.deleted|join(" ")' <<<"$output")" "/etc/passwd /home /usr/bin/env"
  is "$(jq -r 'keys_unsorted|join(" ")' <<<"$output")" "changed added deleted"
  like "$output" '^\{
     "changed": \[
          "/etc",' "indented as Podman does"
  run_coracle 0 rm c
}

@test "diff: nothing changed, and while it runs" {
  run_coracle 0 run --name still box true
  run_coracle_out 0 diff still
  is "$(grep -v '^C /etc$' <<<"$output")" "" "files that the runtime makes are not told of"
  run_coracle_out 0 diff --format json still
  like "$output" '^\{'
  coracle run --name live box sh -c 'echo 1 >/one; sleep 1000' &
  wait_for 20 diff_says live "A /one"
  run_coracle 0 rm -f -t 0 live still
  wait || true
}

@test "diff: an image, two images, a container and another image" {
  changed c
  run_coracle_out 0 export -o "$TEST_STORE/tmp/x.tar" c
  run_coracle 0 import -q "$TEST_STORE/tmp/x.tar" two
  run_coracle_out 0 image diff box
  has "$output" "A /bin/busybox" "all of an image's only layer"
  not_like "$output" '^[CD]'
  run_coracle_out 0 diff two box
  like "$output" $'(^|\n)D /etc/passwd\n' "deleted"
  like "$output" $'(^|\n)A /d\nA /d/f\n' "added"
  like "$output" $'(^|\n)C /home\nD /home/user\nA /home/x' "changed within"
  run_coracle_out 0 diff box two
  like "$output" $'(^|\n)A /etc/passwd' "the other way round"
  run_coracle_out 0 diff c two
  is "$output" "" "a container and what was exported of it"
  run_coracle 0 rm c
  run_coracle 0 rmi two
}

@test "diff: words that do not go together, and names that are not there" {
  run_coracle 125 diff
  has "$output" 'diff" requires a name, id, or the "--latest" flag'
  run_coracle 125 diff --latest x
  is "${lines[0]}" "Error: --latest and containers cannot be used together"
  run_coracle 125 diff a b c
  is "${lines[0]}" "Error: accepts between 1 and 2 arg(s), received 3"
  run_coracle 125 diff --format xx box
  is "${lines[0]}" "Error: only supported value for '--format' is 'json'"
  run_coracle 125 diff nosuch
  is "${lines[0]}" "Error: nosuch not found: layer not known"
  run_coracle 125 container diff box
  is "${lines[0]}" "Error: box not found: container not known"
  run_coracle 125 image diff nosuch
  is "${lines[0]}" "Error: nosuch not found: nosuch: image not known"
  run_coracle 125 diff box nosuch
  is "${lines[0]}" "Error: nosuch not found: layer not known"
}

@test "export: files, links, owners, holes and attributes; and the same bytes again" {
  run_coracle 0 run --name e box sh -c 'cd /srv 2>/dev/null || { mkdir /srv; cd /srv; }; echo data >file; ln file hard; ln -s /etc/passwd link; mkfifo pipe; chown 1000:1000 file
    truncate -s 64M hole; echo end >>hole; chmod 4755 pipe; mkdir deep; echo é >"name é $(printf "\001")"; rm /etc/passwd'
  run_coracle 0 export -o "$TEST_STORE/tmp/e.tar" e
  tar -tvf "$TEST_STORE/tmp/e.tar" >"$TEST_STORE/tmp/list"
  run grep -E 'srv/' "$TEST_STORE/tmp/list"
  like "$output" '-rw-r--r-- 1000/1000 +5 .* srv/file'
  like "$output" 'srv/hard link to srv/file'
  like "$output" 'srv/link -> /etc/passwd'
  like "$output" 'prwsr-xr-x .* srv/pipe'
  like "$output" 'srv/deep/'
  if grep -q 'etc/passwd$' <(grep -v srv/link "$TEST_STORE/tmp/list"); then fail "a deleted file is in the archive"; fi
  [ "$(stat -c %s "$TEST_STORE/tmp/e.tar")" -lt 8000000 ] || fail "the hole is in the archive"
  mkdir "$TEST_STORE/tmp/x"
  tar -xf "$TEST_STORE/tmp/e.tar" -C "$TEST_STORE/tmp/x" srv/hole
  is "$(stat -c %s "$TEST_STORE/tmp/x/srv/hole")" "$((64 * 1024 * 1024 + 4))" "size of the file with a hole"
  is "$(tail -c 4 "$TEST_STORE/tmp/x/srv/hole")" "end"
  rm -rf "$TEST_STORE/tmp/x"
  coracle export e | cmp - "$TEST_STORE/tmp/e.tar"
  run_coracle 0 import -q "$TEST_STORE/tmp/e.tar" again
  run_coracle 0 run --rm again sh -c 'cat "/srv/name é $(printf "\001")" /srv/hard; stat -c "%u:%g %h" /srv/file; stat -c %s /srv/hole'
  is "$output" $'é\ndata\n1000:1000 2\n67108868'
  run_coracle 0 rm e
  run_coracle 0 rmi again
}

@test "export: a running container, without its volumes" {
  mkdir -p "$TEST_STORE/files"
  echo secret >"$TEST_STORE/files/secret"
  coracle run --name r -v "$TEST_STORE/files:/data" box sh -c 'echo 1 >/one; sleep 1000' &
  wait_for 20 diff_says r "A /one"
  coracle export r >"$TEST_STORE/tmp/r.tar"
  run tar -tf "$TEST_STORE/tmp/r.tar"
  has "$output" "one"
  has "$output" "data/"
  not_like "$output" "secret"
  not_like "$output" "proc/1"
  run_coracle 0 rm -f -t 0 r
  wait || true
}

@test "export: refusals" {
  run_coracle 125 export nosuch
  is "${lines[0]}" 'Error: no container with name or ID "nosuch" found: no such container'
  run_coracle 125 export -o a:b nosuch
  is "${lines[0]}" "Error: invalid filename (should not contain ':') \"a:b\""
  run_coracle 125 export -o /nosuch/x nosuch
  is "${lines[0]}" "Error: open /nosuch/x: no such file or directory"
  run_coracle 125 export
  is "${lines[0]}" "Error: accepts 1 arg(s), received 0"
  needs script
  run script -qec "'$CORACLE' export nosuch" /dev/null
  has "$output" "Error: refusing to export to terminal. Use -o flag or redirect"
}

@test "export: a full output and a reader that leaves" {
  run_coracle 0 run --name f box true
  run bash -c "'$CORACLE' export f >/dev/full"
  is "$status" 125
  has "$output" "No space left on device"
  run bash -c "'$CORACLE' export f | head -c 10 >/dev/null; exit \${PIPESTATUS[0]}"
  isnt "$status" 0 "a broken pipe is no success"
  run_coracle 0 rm f
}
