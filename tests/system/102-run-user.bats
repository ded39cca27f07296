#!/usr/bin/env bats
# 102-run-user: who the command is: users and groups by name and number, further groups, lines for strangers.
# root: yes

load helpers

setup() {
  fixture_image box
}

ids() { # EXPECTED ARGS…
  local expected=$1
  shift
  run_coracle_out 0 run --rm "$@" box id
  is "$output" "$expected" "id of: $*"
}

@test "user: root by default, and by name and number" {
  ids "uid=0(root) gid=0(root)"
  # who is asked for has his own group among his groups (CVE-2022-2989)
  ids "uid=0(root) gid=0(root) groups=0(root)" -u root
  ids "uid=0(root) gid=0(root) groups=0(root)" -u 0:0
  ids "uid=0(root) gid=0(root) groups=0(root)" -u 0
}

@test "user: a name brings its group and those that list it" {
  run_coracle_out 0 run --rm -u user box id -G
  is "$(tr ' ' '\n' <<<"$output" | sort -n | xargs)" "50 100 1000"
  run_coracle_out 0 run --rm -u 1000 box id -G
  is "$(tr ' ' '\n' <<<"$output" | sort -n | xargs)" "50 100 1000" "by number the same"
  run_coracle_out 0 run --rm -u user:daemon box sh -c 'id -g; id -G'
  is "$output" $'1\n1' "a group of one's own choice, and no more"
  run_coracle_out 0 run --rm -u 0:100 box sh -c 'id -u; id -g'
  is "$output" $'0\n100'
  run_coracle_out 0 run --rm -u :100 box sh -c 'id -u; id -g'
  is "$output" $'0\n100' "a group alone"
}

@test "user: a number that the image does not know" {
  run_coracle_out 0 run --rm -u 4321 box sh -c 'id -u; id -g; id -G; grep 4321 /etc/passwd'
  is "$output" $'4321\n0\n0\n4321:*:4321:0:container user:/:/bin/sh'
  run_coracle_out 0 run --rm -u 4321:4322 box sh -c 'id -g; tail -n 1 /etc/group'
  is "$output" $'4322\n4322:x:4322:4321'
  run_coracle_out 0 run --rm --passwd=false -u 4321:4322 box sh -c 'grep -c 432 /etc/passwd /etc/group'  || true
  run_coracle 1 run --rm --passwd=false -u 4321:4322 box grep -h 432 /etc/passwd /etc/group
  is "$output" ""
  run_coracle_out 0 run --rm --read-only -u 4321 box grep -c 4321 /etc/passwd
  is "$output" "1" "also with a read-only root"
}

@test "user: --passwd-entry and --group-entry" {
  run_coracle_out 0 run --rm -u 4321:4322 --passwd-entry '$USERNAME-x:*:$UID:$GID:$NAME:$HOME:/bin/no' --group-entry 'crew:x:$GID:$USERLIST' box sh -c 'tail -n 1 /etc/passwd; tail -n 1 /etc/group'
  is "$output" $'4321-x:*:4321:4322:container user:/:/bin/no\ncrew:x:4322:4321'
}

@test "user: unknown names and numbers out of range" {
  run_coracle 126 run --rm -u stranger box true
  has "$output" "unable to find user stranger: no matching entries in passwd file"
  run_coracle 126 run --rm -u root:strangers box true
  has "$output" "unable to find group strangers: no matching entries in group file"
  run_coracle 125 run --rm -u 99999999999 box true
  run_coracle 125 run --rm -u -5 box true
  run_coracle 125 run --rm -u 0:-5 box true
  if ! is_root; then
    run_coracle 125 run --rm -u 2000000 box true
    has "$output" "2000000"
  fi
  run_coracle 126 run --rm --group-add strangers box true
  no_leaks
}

@test "user: --group-add by name and number" {
  run_coracle_out 0 run --rm --group-add staff,100 --group-add 777 box id -G
  is "$(tr ' ' '\n' <<<"$output" | sort -n | xargs)" "0 50 100 777"
  run_coracle_out 0 run --rm -u 4321 --group-add 777 box id -G
  is "$(tr ' ' '\n' <<<"$output" | sort -n | xargs)" "0 777"
}

@test "user: --group-add keep-groups" {
  run_coracle_out 0 run --rm --group-add keep-groups box true
  run_coracle 125 run --rm --group-add keep-groups --group-add staff box true
  has "$output" "keep-groups"
  run_coracle_out 0 run --rm box id -G
  is "$output" "0" "without it none of the caller's"
}

@test "user: the image's USER by name, number and with a group" {
  fixture_image named --change 'USER user'
  fixture_image grouped --change 'USER user:staff'
  fixture_image numbered --change 'USER 1000:100'
  run_coracle_out 0 run --rm named sh -c 'id -un; id -gn; echo $HOME'
  is "$output" $'user\nuser\n/home/user'
  run_coracle_out 0 run --rm grouped sh -c 'id -un; id -gn'
  is "$output" $'user\nstaff'
  run_coracle_out 0 run --rm numbered sh -c 'id -un; id -gn'
  is "$output" $'user\nusers'
  run_coracle_out 0 run --rm -u root named id -un
  is "$output" "root" "--user is stronger"
  fixture_image unknown --change 'USER stranger'
  run_coracle 126 run --rm unknown true
  has "$output" "stranger"
}

@test "user: an image without passwd" {
  mkdir -p "$TEST_STORE/bare/bin"
  cp /bin/busybox "$TEST_STORE/bare/bin/sh" || skip "no static busybox"
  tar -C "$TEST_STORE/bare" -cf "$TEST_STORE/bare.tar" .
  run_coracle 0 import -q "$TEST_STORE/bare.tar" bare
  run_coracle_out 0 run --rm bare sh -c 'echo fine'
  is "$output" "fine"
  run_coracle_out 0 run --rm -u 12:13 bare sh -c 'echo fine'
  run_coracle 126 run --rm -u user bare sh -c 'echo fine'
  # root by name is always known
  run_coracle_out 0 run --rm -u root bare sh -c 'echo fine'
}

@test "user: writes to a bind mount are the caller's outside" {
  mkdir -p "$TEST_STORE/out"
  run_coracle 0 run --rm -v "$TEST_STORE/out:/out" box touch /out/mine
  is "$(stat -c %u "$TEST_STORE/out/mine")" "$(id -u)"
}

@test "user: the owner of standard output may open it again" {
  run bash -c '"$0" run --rm -u user box sh -c "echo again >/dev/stdout" | cat' "$CORACLE"
  is "$output" "again"
}

@test "user: --userns" {
  run_coracle_out 0 run --rm --userns=host box id -u
  is "$output" "0"
  run_coracle_out 0 run --rm --userns= box id -u
  is "$output" "0"
  run_coracle 125 run --rm --userns=nonsense box true
  has "$output" "nonsense"
  if ! is_root; then
    run_coracle_out 0 run --rm --userns=single box sh -c 'cat /proc/self/uid_map | wc -l; touch /f; chown 5:6 /f; stat -c %u /f'
    is "$output" $'1\n0'
    run_coracle 125 run --rm --userns=single -u user box true
    has "$output" "single"
  fi
  no_leaks
}
