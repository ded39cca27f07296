#!/usr/bin/env bats
# 283-userns-own: containers in a user namespace of their own: keep-id, nomap, auto, --uidmap and the like: ids, owners of files, and every command on such a container.
# root: yes

load helpers

setup() {
  fixture_image box
  ME=$(id -u) MY_GROUP=$(id -g)
  # how many ids the user has, its own included
  COUNT=$(($(awk -F: -v u="$(id -un)" '$1 == u { n += $3 } END { print n }' /etc/subuid) + 1))
}

as_user() { ! is_root || skip "for an unprivileged user"; }
box=(run --rm --net none)

# map LINES: words as one line
map() { tr -s ' ' <<<"$1" | sed 's/^ //' | tr '\n' ';'; }

@test "userns: keep-id" {
  as_user
  run_coracle_out 0 "${box[@]}" --userns keep-id box sh -c 'cat /proc/self/uid_map; id -u; id -g; tail -1 /etc/passwd; tail -1 /etc/group; echo $HOME; stat -c "%n %u:%g" / /etc /bin/busybox /home/user /etc/hosts /etc/passwd /run/.containerenv /etc/mtab'
  is "$(map "$(head -3 <<<"$output")")" "0 1 $ME;$ME 0 1;$((ME + 1)) $((ME + 1)) $((COUNT - ME - 1));" "the map"
  is "$(tail -n +4 <<<"$output")" "$ME
$MY_GROUP
$(id -un):*:$ME:$MY_GROUP::/:/bin/sh
$(id -gn):x:$MY_GROUP:$(id -un)
/
/ 0:0
/etc 0:0
/bin/busybox 0:0
/home/user 1000:1000
/etc/hosts 0:0
/etc/passwd 0:0
/run/.containerenv 0:0
/etc/mtab 0:0" "user, accounts, owners"
  no_leaks
}

@test "userns: keep-id with uid, gid and size" {
  as_user
  run_coracle_out 0 "${box[@]}" --userns keep-id:uid=200,gid=210 box sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g; tail -1 /etc/passwd'
  is "$(map "$(head -6 <<<"$output")")" "0 1 200;200 0 1;201 201 $((COUNT - 201));0 1 210;210 0 1;211 211 $((COUNT - 211));" "the maps"
  is "$(tail -n +7 <<<"$output")" $'200\n210\n200:*:200:210:container user:/:/bin/sh'
  run_coracle_out 0 "${box[@]}" --userns keep-id:uid=200,size=1000 box cat /proc/self/uid_map
  is "$(map "$output")" "0 1 200;200 0 1;201 201 799;" "size"
  # what the namespace has not is nobody's
  run_coracle_out 0 "${box[@]}" --userns keep-id:uid=5,gid=5,size=100 box stat -c %u:%g /home/user /etc
  is "$output" $'65534:65534\n0:0'
  run_coracle 125 "${box[@]}" --userns keep-id:size=abc box true
  has "$output" 'invalid'
  run_coracle 125 "${box[@]}" --userns keep-id:foo=1 box true
  is "$output" 'Error: unknown option specified: "foo"'
}

@test "userns: keep-id and --user, the image's USER, --passwd-entry, --passwd=false" {
  as_user
  run_coracle_out 0 "${box[@]}" --userns keep-id --user 0 box sh -c 'id -u; id -G'
  like "$output" "^0"$'\n'".*\b$MY_GROUP\b" "the caller's group is kept"
  run_coracle_out 0 "${box[@]}" --userns keep-id -w /tmp --user 77 box tail -2 /etc/passwd
  is "$output" "$(id -un):*:$ME:$MY_GROUP::/tmp:/bin/sh"$'\n'"77:*:77:0:container user:/tmp:/bin/sh"
  fixture_image userbox --change 'USER 1000'
  run_coracle_out 0 "${box[@]}" --userns keep-id userbox id -u
  is "$output" "$ME" "stronger than the image's USER"
  run_coracle_out 0 "${box[@]}" --userns keep-id --passwd-entry '$USERNAME:x:$UID:$GID:::/bin/sh' box tail -2 /etc/passwd
  is "${lines[1]}" "$(id -un):x:$ME:$MY_GROUP:::/bin/sh"
  like "${lines[0]}" '^nobody'
  run_coracle_out 0 "${box[@]}" --userns keep-id --passwd=false box tail -1 /etc/passwd
  like "$output" '^nobody'
}

@test "userns: nomap, and what is the caller's is nobody's" {
  as_user
  mkdir -p "$TEST_STORE/mine"
  echo text >"$TEST_STORE/mine/file"
  run_coracle_out 0 "${box[@]}" --userns nomap -v "$TEST_STORE/mine:/mine" box sh -c 'cat /proc/self/uid_map; id -u; stat -c %u / /etc/hosts /mine/file; cat /mine/file; touch /mine/new 2>/dev/null || echo refused; touch /x; stat -c %u /x'
  is "$(map "$(head -1 <<<"$output")")" "0 1 $((COUNT - 1));"
  is "$(tail -n +2 <<<"$output")" $'0\n0\n0\n65534\ntext\nrefused\n0'
  # a home that nobody else may enter is no obstacle to what is bound from it
  mkdir -m 700 -p "$TEST_STORE/closed/within"
  chmod 755 "$TEST_STORE/closed/within"
  run_coracle 0 "${box[@]}" --userns nomap -v "$TEST_STORE/closed/within:/w" box ls -d /w
  no_leaks
}

@test "userns: auto takes what no other container has" {
  as_user
  run_coracle 0 run -d --net none --name first --userns auto box sleep 1000
  run_coracle_out 0 exec first cat /proc/self/uid_map
  is "$(map "$output")" "0 1 1024;"
  run_coracle_out 0 "${box[@]}" --userns auto:size=3000 box cat /proc/self/uid_map
  is "$(map "$output")" "0 1025 3000;" "beside the first"
  run_coracle_out 0 "${box[@]}" --userns auto box sh -c 'cat /proc/self/uid_map; stat -c %u /etc /etc/hosts; echo to stdout >/dev/stdout'
  is "$(map "$(head -1 <<<"$output")")" "0 1025 1024;" "the last is free again"
  is "$(tail -n +2 <<<"$output")" $'0\n0\nto stdout'
  run_coracle_out 0 "${box[@]}" --userns "auto:uidmapping=5000:@$ME:1,gidmapping=7:@$MY_GROUP:1" box cat /proc/self/uid_map /proc/self/gid_map
  is "$(map "$output")" "0 1025 1024;5000 0 1;0 1025 7;7 0 1;8 1032 1016;"
  run_coracle 125 "${box[@]}" --userns auto:size=700000 box true
  is "$output" "Error: creating container storage: not enough unused IDs in user namespace"
  run_coracle 125 "${box[@]}" --userns auto:foo=1 box true
  is "$output" 'Error: unknown option specified: "foo"'
  run_coracle 0 rm -f -t 0 first
  # ten at once: none has another's
  local i
  for i in 1 2 3 4 5 6 7 8 9 10; do coracle run -d --net none --name many$i --userns auto:size=100 box sleep 1000 >/dev/null & done
  wait
  run bash -c 'for i in 1 2 3 4 5 6 7 8 9 10; do "$0" exec many$i cat /proc/self/uid_map; done | sort -u | wc -l' "$CORACLE"
  is "$output" 10 "different maps"
  run_coracle 0 rm -fa -t 0
  no_leaks
}

@test "userns: --uidmap and --gidmap" {
  as_user
  run_coracle_out 0 "${box[@]}" --uidmap 0:100:5000 box cat /proc/self/uid_map /proc/self/gid_map
  is "$(map "$output")" "0 100 5000;0 100 5000;" "one for both"
  run_coracle_out 0 "${box[@]}" --uidmap 0:100:5000 --gidmap 0:200:5000 box cat /proc/self/uid_map /proc/self/gid_map
  is "$(map "$output")" "0 100 5000;0 200 5000;"
  run_coracle_out 0 "${box[@]}" --gidmap +g100000:5 box cat /proc/self/uid_map /proc/self/gid_map
  is "$(map "$output")" "0 0 1;1 1 $((COUNT - 1));0 0 1;1 1 4;5 6 $((COUNT - 6));100000 5 1;" "for groups alone, the rest filled"
  run_coracle_out 0 "${box[@]}" --uidmap "0:@$(awk -F: -v u="$(id -un)" '$1 == u { print $2 + 4; exit }' /etc/subuid):1" --uidmap 1:1:3 box cat /proc/self/uid_map
  is "$(map "$output")" "0 5 1;1 1 3;" "by the host's id"
  run_coracle 125 "${box[@]}" --uidmap 0:@99:10 box true
  is "$output" "Error: parent ID UID 99 is not mapped/delegated"
  run_coracle 125 "${box[@]}" --uidmap x box true
  has "$output" 'UID setting is malformed expected ["[+ug]uint32:[@]uint32[:uint32]"] : ["x"]'
  run_coracle 125 "${box[@]}" --uidmap 0:0:10 --uidmap 5:20:10 box true
  has "$output" 'the specified UID and/or GID mapping 5:20:10 conflicts with other mappings'
  run_coracle 125 "${box[@]}" --uidmap 0:0:10 --userns keep-id box true
  is "$output" "Error: --userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive"
  run_coracle 125 "${box[@]}" --uidmap 0:0:700000 box true
  has "$output" "Operation not permitted"
  run_coracle 126 "${box[@]}" --uidmap 5:0:1 --user 5 box true
  has "$output" "doesn't map UID 0"
  run_coracle_out 0 "${box[@]}" --subuidname "$(id -un)" box cat /proc/self/uid_map /proc/self/gid_map
  is "$(map "$output")" "0 1 $((COUNT - 1));0 1 $((COUNT - 1));"
  run_coracle 125 "${box[@]}" --subuidname nobodyhere box true
  is "$output" 'Error: no subuid ranges found for user "nobodyhere" in /etc/subuid'
  run_coracle 125 "${box[@]}" --userns private box true
  is "$output" "Error: must provide at least one UID or GID mapping to configure a user namespace"
  no_leaks
}

@test "userns: PODMAN_USERNS, containers.conf, and the flag above both" {
  as_user
  PODMAN_USERNS=keep-id run_coracle_out 0 "${box[@]}" box id -u
  is "$output" "$ME"
  printf '[containers]\nuserns = "keep-id"\n' >"$TEST_STORE/containers.conf"
  run_coracle_out 0 "${box[@]}" box id -u
  is "$output" "$ME" "containers.conf"
  PODMAN_USERNS=nomap run_coracle_out 0 "${box[@]}" box cat /proc/self/uid_map
  is "$(map "$output")" "0 1 $((COUNT - 1));" "the variable"
  run_coracle_out 0 "${box[@]}" --userns= box id -u
  is "$output" 0 "the flag"
  run_coracle_out 0 "${box[@]}" --uidmap 0:7:100 box cat /proc/self/uid_map
  is "$(map "$output")" "0 7 100;" "a mapping"
  : >"$TEST_STORE/containers.conf"
}

@test "userns: volumes: U, a new one, an anonymous one, tmpfs, the working folder" {
  as_user
  mkdir -p "$TEST_STORE/d"
  echo text >"$TEST_STORE/d/f"
  run_coracle_out 0 "${box[@]}" --userns keep-id -v "$TEST_STORE/d:/d" box sh -c 'stat -c %u /d/f; touch /d/new'
  is "$output" "$ME"
  is "$(stat -c %u "$TEST_STORE/d/new")" "$ME" "made inside, mine outside"
  run_coracle_out 0 "${box[@]}" --userns keep-id -v fresh:/vol -v kept:/home/user --tmpfs /t:uid=5,mode=0700 box stat -c %u:%g /vol /home/user /t
  is "$output" "$ME:$MY_GROUP"$'\n1000:1000\n5:0' "a new volume is the user's, one on the image's folder as that, tmpfs as asked"
  run_coracle_out 0 "${box[@]}" --userns keep-id --user root -v fresh:/vol:U box stat -c %u /vol
  is "$output" 0 "given to the container's root"
  fixture_image workbox --change 'WORKDIR /made/here'
  run_coracle_out 0 "${box[@]}" --userns keep-id workbox sh -c 'pwd; stat -c %u .; touch x'
  is "$output" "/made/here"$'\n'"$ME"
  run_coracle 126 "${box[@]}" --userns keep-id --workdir /not/there box true
  like "$output" 'workdir "/not/there" does not exist on container'
  run_coracle_out 0 "${box[@]}" --userns auto -v "$TEST_STORE/d:/d:U" box stat -c %u /d/f
  is "$output" 0
  coracle unshare chown -R 0:0 "$TEST_STORE/d"
}

@test "userns: a container's life: create, start, exec, top, restart, cp, diff, export, commit, mount" {
  as_user
  run_coracle 0 create --name c --net none --userns auto box sh -c 'sleep 1000'
  run_coracle_out 0 inspect c --format '{{.HostConfig.UsernsMode}}|{{json .HostConfig.IDMappings}}'
  is "$output" '|{"UidMap":["0:1:1024"],"GidMap":["0:1:1024"]}'
  # stopped
  echo from outside >"$TEST_STORE/file"
  run_coracle 0 cp "$TEST_STORE/file" c:/before
  run_coracle 0 start c
  run_coracle_out 0 exec c stat -c %u:%g /before /etc/passwd
  is "$output" $'0:0\n0:0' "copied while it was stopped"
  run_coracle 0 cp "$TEST_STORE/file" c:/during
  tar -C "$TEST_STORE" --owner 5 --group 6 --numeric-owner -cf "$TEST_STORE/five.tar" file
  run bash -c '"$0" cp --archive=false - c:/tmp <"$1"' "$CORACLE" "$TEST_STORE/five.tar"
  is "$status" 0
  run_coracle_out 0 exec c stat -c %u:%g /during /tmp/file
  is "$output" $'0:0\n5:6' "copied while it ran"
  run_coracle_out 0 exec -u 1000 c sh -c 'id -u; touch /tmp/by-user; stat -c %u /tmp/by-user'
  is "$output" $'1000\n1000'
  run_coracle_out 0 exec c sh -c 'touch /new; chown 33:34 /new; echo $$ >/dev/null; echo hi >/dev/stdout'
  is "$output" hi
  run_coracle_out 0 top c user huid
  like "$output" "root +$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid)"
  run_coracle_out 0 diff c
  has "$output" "A /new"
  not_like "$output" "busybox"
  run bash -c '"$0" export c | tar --numeric-owner -tvf - | grep -E " (new|bin/busybox|home/user/)$"' "$CORACLE"
  like "$output" ' 33/34 .* new' "export has the container's ids"
  like "$output" ' 0/0 .* bin/busybox'
  like "$output" ' 1000/1000 .* home/user/'
  run bash -c '"$0" cp c:/new - | tar --numeric-owner -tvf -' "$CORACLE"
  like "$output" ' 33/34 .* new'
  run_coracle 0 commit -q c committed
  run_coracle_out 0 run --rm --net none committed stat -c %u:%g /new /before /tmp/by-user
  is "$output" $'33:34\n0:0\n1000:1000' "a commit has the container's ids"
  run_coracle 0 restart -t 0 c
  run_coracle_out 0 exec c sh -c 'cat /proc/self/uid_map; stat -c %u /new /bin/busybox'
  is "$(map "$output")" "0 1 1024;33;0;" "the same ids after a restart"
  run_coracle 0 stop -t 0 c
  run bash -c '"$0" unshare sh -c '\''m=$("$0" mount c); stat -c %u:%g $m/new $m/bin/busybox'\'' "$0"' "$CORACLE"
  is "$output" $'34:35\n1:1' "mounted: as the shared namespace sees it"
  run_coracle 0 unmount c
  run_coracle 0 rm -f -t 0 c
  no_leaks
}

@test "userns: automatic restarts, detached with a terminal, init, health checks" {
  as_user
  run_coracle 0 run -d --net none --name again --userns keep-id --restart on-failure:2 box sh -c 'echo run; cat /proc/self/uid_map | wc -l; exit 3'
  run_coracle_out 0 wait again
  is "$output" 3
  wait_for 20 bash -c '[ "$("$0" logs again | tr "\n" " ")" = "run 3 run 3 run 3 " ]' "$CORACLE"
  run_coracle 0 rm -f -t 0 again
  run_coracle 0 run -dt --net none --name tty --userns auto --health-cmd 'test $(id -u) = 0' --health-interval 1s box sh -c 'tty; echo >/dev/stdout; sleep 1000'
  wait_for 20 bash -c '[ "$("$0" inspect tty --format "{{.State.Health.Status}}")" = healthy ]' "$CORACLE"
  wait_for 20 logs_say tty /dev/
  run_coracle_out 0 logs tty
  like "$output" '/dev/(pts/0|console)'
  run_coracle 0 create --name held --net none --userns nomap box cat /proc/self/uid_map
  run_coracle 0 init held
  run_coracle_out 0 start -a held
  is "$(map "$output")" "0 1 $((COUNT - 1));"
  run_coracle 0 rm -fa -t 0
  no_leaks
}

@test "userns: container:NAME shares the namespace, and others with it" {
  as_user
  run_coracle 125 "${box[@]}" --userns container:nosuch box true
  is "$output" 'Error: looking up container to share user namespace with: no container with name or ID "nosuch" found: no such container'
  run_coracle 0 run -d --name a --userns auto box sleep 1000
  run_coracle 0 run -d --name b --userns container:a --pid container:a --net container:a --ipc container:a box sleep 1001
  run_coracle_out 0 exec b sh -c 'readlink /proc/self/ns/user; readlink /proc/self/ns/net; stat -c %u /etc /bin/busybox'
  local b=$output
  run_coracle_out 0 exec a sh -c 'readlink /proc/self/ns/user; readlink /proc/self/ns/net; stat -c %u /etc /bin/busybox'
  is "$b" "$output"
  run_coracle_out 0 inspect b --format '{{.HostConfig.UsernsMode}}|{{json .HostConfig.IDMappings}}'
  like "$output" '^container:[0-9a-f]{64}\|\{"UidMap":\["0:1:1024"\]'
  # a network of another user namespace, either way
  run_coracle_out 0 run --rm --net container:a box sh -c 'ip a | grep -c tap0:'
  is "$output" 1
  run_coracle_out 0 run --rm --userns keep-id --net container:a box sh -c 'ip a | grep -c tap0:'
  is "$output" 1
  run_coracle 0 rm -f -t 0 b a
  # of a container with one id
  run_coracle 0 run -d --net none --name one --userns single box sleep 1000
  run_coracle_out 0 "${box[@]}" --userns container:one box sh -c 'wc -l </proc/self/uid_map'
  is "$output" 1
  CORACLE_USERNS=single run_coracle 0 rm -f -t 0 one
  # one that is not there any more
  run_coracle 0 run -d --name a --net none --userns keep-id:uid=9 box sleep 1000
  run_coracle 0 create --name later --net none --userns container:a box cat /proc/self/uid_map
  run_coracle 0 stop -t 0 a
  run_coracle_out 0 start -a later
  is "$(map "$output" | cut -d';' -f2)" "9 0 1" "it is started for it"
  run_coracle 0 rm -f -t 0 -a
  no_leaks
}

@test "userns: ns:PATH" {
  as_user
  run_coracle 0 run -d --name a --net none --userns auto:size=2000 box sleep 1000
  local pid
  pid=$(coracle inspect a --format '{{.State.Pid}}')
  run_coracle_out 0 "${box[@]}" --userns "ns:/proc/$pid/ns/user" box sh -c 'cat /proc/self/uid_map; stat -c %u /etc'
  is "$(map "$output")" "0 1 2000;0;"
  run_coracle '?' "${box[@]}" --userns ns:/no/such box true
  like "$output" '^Error: .*/no/such.*[Nn]o such file'
  run_coracle '?' "${box[@]}" --userns ns:/proc/1/ns/user box true
  like "$output" '^Error:'
  run_coracle 0 rm -f -t 0 a
}

@test "userns: with the host's namespaces, a read-only root, init, limits, --privileged" {
  as_user
  run_coracle_out 0 "${box[@]}" --userns keep-id --pid host --ipc host --uts host box sh -c 'test -d /proc/1; echo $?; kill -9 1 2>/dev/null || echo refused'
  is "$output" $'0\nrefused'
  run_coracle_out 0 run --rm --userns keep-id --net host box sh -c 'ls /sys/class/net | grep -c lo'
  is "$output" 1
  run_coracle_out 0 "${box[@]}" --userns keep-id --read-only --init box sh -c 'touch /x 2>/dev/null || echo refused; touch /tmp/x && echo fine; readlink /proc/1/exe'
  like "$output" $'^refused\nfine'
  run_coracle_out 0 "${box[@]}" --userns auto --hostname other --oom-score-adj 500 --ulimit nofile=100:100 box sh -c 'hostname; cat /proc/self/oom_score_adj; ulimit -n'
  is "$output" $'other\n500\n100'
  run_coracle_out 0 "${box[@]}" --userns auto --privileged box sh -c 'mount -t tmpfs x /tmp && echo mounted; grep Cap[PE] /proc/self/status | sort -u | wc -l'
  is "${lines[0]}" mounted
  run_coracle_out 0 "${box[@]}" --userns auto --cap-add net_admin box ip link set lo mtu 1000
  run_coracle_out 0 run --rm --userns auto box sh -c 'ip a | grep -c "tap0:"; grep -c 10.0.2.3 /etc/resolv.conf'
  is "$output" $'1\n1' "the default network"
  run bash -c 'exec 5<"$1"; "$0" run --rm --net none --userns auto --preserve-fds 3 box true' "$CORACLE" /etc/hostname
  run bash -c 'exec 3<"$1"; "$0" run --rm --net none --userns auto --preserve-fds 1 box sh -c "cat <&3"' "$CORACLE" /etc/hostname
  is "$output" "$(cat /etc/hostname)" "a descriptor handed over"
  run bash -c 'echo in | "$0" run -i --rm --net none --userns auto -u 1000 box sh -c "cat /dev/stdin"' "$CORACLE"
  is "$output" in
  no_leaks
}

@test "userns: setuid programs and file capabilities of the image" {
  as_user
  run_coracle 0 run --name suid --net none box sh -c 'cp /bin/busybox /bin/suid && chmod 4755 /bin/suid && chmod 666 /etc/hostname'
  run_coracle 0 commit -q suid suidbox
  run_coracle 0 rm suid
  local kind
  for kind in keep-id auto; do
    run_coracle_out 0 "${box[@]}" --userns $kind -u 1000 suidbox stat -c '%a %u' /bin/suid
    is "$output" "4755 0" "$kind: the bit is kept, and whose it is"
  done
}

@test "userns: layers are copied once, shared, kept with the image, and go with it" {
  as_user
  run_coracle 0 rm -fa -t 0
  local before after
  run_coracle 0 "${box[@]}" --userns keep-id:uid=3 box true
  before=$(ls "$STORE/mapped" | wc -l)
  run_coracle 0 "${box[@]}" --userns keep-id:uid=3 box true
  is "$(ls "$STORE/mapped" | wc -l)" "$before" "made once"
  # as on a kernel that has no data-only layers; both are right beside each other
  local kinds
  CORACLE_MAPPED=copy run_coracle_out 0 "${box[@]}" --userns keep-id:uid=4 box sh -c 'sha1sum /bin/busybox; stat -c "%u %s" /bin/busybox; ls -ln /bin/busybox'
  kinds=$output
  run_coracle_out 0 "${box[@]}" --userns keep-id:uid=6 --user 0 box sh -c 'sha1sum /bin/busybox; stat -c "%u %s" /bin/busybox'
  is "$output" "$(head -2 <<<"$kinds")" "the same file"
  run_coracle_out 0 "${box[@]}" --userns keep-id:uid=6 --user 0 box sh -c 'chown 7 /bin/busybox; sha1sum /bin/busybox; stat -c "%u %s" /bin/busybox'
  is "$output" "$(head -2 <<<"$kinds" | sed 's/^0 /7 /')" "changed, and so copied up whole"
  run_coracle_out 0 "${box[@]}" box sha1sum /bin/busybox
  is "$output" "$(head -1 <<<"$kinds")" "and the image is as it was"
  run_coracle 0 rmi -f -a
  is "$(ls "$STORE/mapped" 2>/dev/null | wc -l)" 0 "gone with the image"
  fixture_image box
}

@test "userns: killed while it copies: nothing is left, and the next makes it" {
  as_user
  needs strace
  local n
  for n in 1 20 60; do
    run strace -f -o /dev/null -e trace=fchownat,fchown --inject=fchown:signal=KILL:when=$n "$CORACLE" run --rm --net none --userns keep-id:uid=$((300 + n)) box true
    run_coracle_out 0 "${box[@]}" --userns keep-id:uid=$((300 + n)) box stat -c %u /etc /bin/busybox
    is "$output" $'0\n0'
  done
  run_coracle 0 ps
  is "$(ls "$STORE/tmp" | wc -l)" 0 "no work folder"
  no_leaks
}

@test "userns: by fuse-overlayfs" {
  as_user
  needs fuse-overlayfs
  [ -w /dev/fuse ] || skip "no /dev/fuse"
  CORACLE_OVERLAY=fuse run_coracle_out 0 "${box[@]}" --userns keep-id:uid=44 box sh -c 'id -u; stat -c %u /etc /home/user; touch /tmp/x; stat -c %u /tmp/x'
  is "$output" $'44\n0\n1000\n44'
}

@test "userns: one id: keep-id works, nomap and auto say why not" {
  as_user
  export CORACLE_USERNS=single
  run_coracle_out 0 "${box[@]}" --userns keep-id box sh -c 'cat /proc/self/uid_map; id -u; stat -c %u /etc; touch /tmp/x'
  is "$(map "$output")" "$ME 0 1;$ME;$ME;"
  run_coracle_out 0 "${box[@]}" --uidmap 7:0:1 --user 7:7 box id -u
  is "$output" 7
  run_coracle 125 "${box[@]}" --userns nomap box true
  has "$output" "no other id"
  run_coracle 125 "${box[@]}" --userns auto box true
  has "$output" "not enough unused IDs"
  unset CORACLE_USERNS
}

@test "userns: escapes: nothing of the caller's is within reach" {
  as_user
  # the same id as the caller's gives no look into the caller's processes
  run_coracle_out 0 "${box[@]}" --userns keep-id --pid host box sh -c "cat /proc/$$/environ 2>/dev/null | wc -c; ls /proc/$$/root/ 2>/dev/null | wc -l"
  is "$output" $'0\n0' "no look into them"
  # no path out through descriptors: of the monitor, of detached mounts
  run_coracle_out 0 "${box[@]}" --userns auto box sh -c 'ls /proc/self/fd | wc -l; ls -l /proc/1/fd | grep -vcE "pipe:|/dev/null|total|proc" || true'
  like "$output" $'^[34]\n0$'
  # root of the namespace with all capabilities: the host's mounts stay out
  run_coracle_out 0 "${box[@]}" --userns auto --privileged box sh -c 'umount -a 2>/dev/null; umount -l / 2>/dev/null; ls / | grep -cE "^(bin|etc)$"; test -e /work && echo out; mkdir /tmp/m && mount --bind / /tmp/m && ls /tmp/m | grep -c "^lost+found$" || true'
  is "$output" $'2\n0'
  run_coracle_out 1 "${box[@]}" --userns auto --privileged --pid private box sh -c 'nsenter -t 1 -m -- true 2>/dev/null; chroot /proc/1/root ls /root/.. >/dev/null && test -e /proc/1/root/boot'
  # ids that the namespace has not
  run_coracle '?' "${box[@]}" --userns auto box chown 2000 /tmp
  isnt "$status" 0
  no_leaks
}

@test "userns: real root" {
  is_root || skip "for real root"
  run_coracle_out 0 "${box[@]}" --userns keep-id box sh -c 'id -u; stat -c %u /etc /home/user'
  is "$output" $'0\n0\n1000'
  run_coracle_out 0 "${box[@]}" --uidmap 0:100000:65536 box sh -c 'cat /proc/self/uid_map; id -u; stat -c %u /etc /home/user /etc/hosts; touch /x; stat -c %u /x; ls -l /dev/null | cut -c1-10'
  is "$(map "$output")" "0 100000 65536;0;0;1000;0;0;crw-rw-rw-;"
  run_coracle 125 "${box[@]}" --userns nomap box true
  is "$output" "Error: nomap is only supported in rootless mode"
  if grep -q ^containers: /etc/subuid; then
    run_coracle 0 "${box[@]}" --userns auto box true
  else
    run_coracle 125 "${box[@]}" --userns auto box true
    has "$output" 'user "containers"'
  fi
  run_coracle 0 run -d --name c --net none --uidmap 0:200000:1000 box sleep 1000
  run_coracle_out 0 exec c sh -c 'id -u; cat /proc/self/uid_map'
  is "$(map "$output")" "0;0 200000 1000;"
  is "$(stat -c %u "/proc/$(coracle inspect c --format '{{.State.Pid}}')")" 200000
  run_coracle 0 rm -f -t 0 c
  no_leaks
}
