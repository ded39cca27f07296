#!/usr/bin/env bats
# 101-run-env: where the container's environment comes from, and in what order.
# root: yes

load helpers

setup() {
  fixture_image box --change 'ENV FROM_IMAGE=image' --change 'ENV BOTH=image'
}

env_of() { # ARGS…: the container's environment, sorted
  run_coracle_out 0 run --rm "$@" box env
}

@test "env: what is there by default" {
  env_of --hostname boat
  is "$(sort <<<"$output")" "$(printf '%s\n' BOTH=image FROM_IMAGE=image HOME=/root HOSTNAME=boat PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=podman | sort)"
  CORACLE_SECRET=x env_of
  not_like "$output" "CORACLE_SECRET" "nothing of the caller's"
  not_like "$output" "CORACLE" "nothing of our own"
}

@test "env: --env in all its forms" {
  export FORWARDED=outside PRE_A=1 PRE_B=2
  unset MISSING
  env_of -e A=1 --env B= -e 'C=x=y z' -e FORWARDED -e MISSING -e 'PRE_*' -e BOTH=flag
  has "$output"$'\n' $'A=1\n'
  has "$output"$'\n' $'B=\n'
  has "$output" $'C=x=y z'
  has "$output" $'FORWARDED=outside'
  has "$output" $'PRE_A=1'
  has "$output" $'PRE_B=2'
  has "$output" $'BOTH=flag'
  not_like "$output" "MISSING" "an unset name adds nothing"
  run_coracle_out 0 run --rm -e A=1 -e A=2 box sh -c 'echo $A; env | grep -c ^A='
  is "$output" $'2\n1' "the last one counts, once"
  run_coracle_out 0 run --rm -e 'A=1,B=2' box sh -c 'echo $A'
  is "$output" "1,B=2" "commas are not special"
  run_coracle_out 0 run --rm -e $'A=two\nlines' box sh -c 'echo "$A"'
  is "$output" $'two\nlines' "a newline in a value"
}

@test "env: bad names" {
  run_coracle 125 run --rm -e =x box true
  run_coracle 125 run --rm -e '' box true
  no_leaks
}

@test "env: --env-file" {
  printf '# comment\n\nA=file\nB=two words\nQ="quoted"\nFORWARDED\n  C=indented\nBOTH=file\n' >"$TEST_STORE/one"
  printf 'A=second\n' >"$TEST_STORE/two"
  export FORWARDED=outside
  env_of --env-file "$TEST_STORE/one"
  has "$output" "A=file"
  has "$output" "B=two words"
  has "$output" 'Q="quoted"'
  has "$output" "FORWARDED=outside"
  has "$output" "C=indented"
  has "$output" "BOTH=file"
  not_like "$output" "comment"
  env_of --env-file "$TEST_STORE/one" --env-file "$TEST_STORE/two"
  has "$output" "A=second" "a later file"
  env_of -e A=flag --env-file "$TEST_STORE/one"
  has "$output" "A=flag" "--env is stronger"
  run_coracle 125 run --rm --env-file "$TEST_STORE/none" box true
  has "$output" "$TEST_STORE/none"
  run_coracle 125 run --rm --env-file "$TEST_STORE" box true
  printf '=x\n' >"$TEST_STORE/bad"
  run_coracle 125 run --rm --env-file "$TEST_STORE/bad" box true
  no_leaks
}

@test "env: --env-host" {
  export OUTSIDE=yes BOTH=host
  env_of --env-host
  has "$output" "OUTSIDE=yes"
  has "$output" "BOTH=host" "stronger than the image"
  env_of --env-host -e OUTSIDE=flag
  has "$output" "OUTSIDE=flag"
  printf 'OUTSIDE=file\n' >"$TEST_STORE/f"
  env_of --env-host --env-file "$TEST_STORE/f"
  has "$output" "OUTSIDE=file"
}

@test "env: --http-proxy" {
  export http_proxy=http://proxy:1 HTTPS_PROXY=http://proxy:2 no_proxy=local
  env_of
  has "$output" "http_proxy=http://proxy:1"
  has "$output" "HTTPS_PROXY=http://proxy:2"
  has "$output" "no_proxy=local"
  env_of --http-proxy=false
  not_like "$output" "[pP][rR][oO][xX][yY]"
  env_of -e http_proxy=mine
  has "$output" "http_proxy=mine"
  not_like "$output" "http_proxy=http://proxy:1"
}

@test "env: --unsetenv and --unsetenv-all" {
  env_of --unsetenv FROM_IMAGE --unsetenv container
  not_like "$output" "FROM_IMAGE"
  not_like "$output" "container="
  has "$output" "BOTH=image"
  run_coracle_out 0 run --rm --unsetenv-all -e KEPT=1 box /bin/env
  not_like "$output" "(FROM_IMAGE|BOTH|container|PATH)="
  has "$output" "KEPT=1"
  run_coracle_out 0 run --rm --unsetenv BOTH -e BOTH=again box env
  has "$output" "BOTH=again"
}

@test "env: HOME is the user's, TERM comes with a terminal" {
  env_of --user user
  has "$output" "HOME=/home/user"
  env_of --user 4321
  has "$output" "HOME=/"
  env_of -e HOME=/mine
  has "$output" "HOME=/mine"
  env_of
  not_like "$output" "TERM="
  env_of -t
  has "$output" "TERM=xterm"
}
