# containers.conf: what it says of all containers, what the command line says against it, and what of it is refused.
#
# root: yes

load helpers

setup() {
  fixture_image box
  conf=$BATS_TEST_TMPDIR/containers.conf
  : >"$conf"
  chmod 755 "$BATS_TEST_TMPDIR"
  export CONTAINERS_CONF_OVERRIDE=$conf
}

# containers_conf LINES: of the table [containers].
containers_conf() { printf '[containers]\n%s\n' "$1" >"$conf"; }

@test "environment: below the image's and the command line's" {
  containers_conf 'env = ["CONF1=conf1", "CONF2=conf2"]'
  run_coracle run --rm -e CONF2=given box sh -c 'echo $CONF1 $CONF2'
  is "$output" "conf1 given" "the environment"
}

@test "an array replaces the older one, or is put after it; tables are merged" {
  printf '[containers]\nenv = ["A=1"]\ntz = "UTC"\n' >"$CONTAINERS_CONF"
  containers_conf 'env = ["B=2"]'
  run_coracle run --rm --entrypoint env box
  not_like "$output" "^A=1" "replaced"
  has "$output" "B=2" "the override's"
  containers_conf 'env = ["B=2", {append=true}]'
  run_coracle run --rm --entrypoint env box
  has "$output" "A=1" "kept"
  has "$output" "B=2" "appended"
  : >"$CONTAINERS_CONF"
}

@test "limits: up to the user's own, and the command line's first" {
  containers_conf 'default_ulimits = ["nofile=100:200", "core=0"]'
  run_coracle run --rm box sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
  is "$output" $'100\n200\n0' "limits"
  run_coracle run --rm --ulimit nofile=300:400 box sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
  is "$output" $'300\n400\n0' "limits"
  hard=$(ulimit -Hn)
  if [ "$(id -u)" != 0 ] && [ "$hard" != unlimited ]; then
    containers_conf "default_ulimits = [\"nofile=100:$((hard + 1))\"]"
    run_coracle run --rm box sh -c 'ulimit -Hn'
    is "$output" "$hard" "no higher than ours"
  fi
}

@test "umask, time zone, oom score, sysctls, capabilities" {
  containers_conf 'umask = "0027"
tz = "UTC"
oom_score_adj = 123
default_sysctls = ["net.ipv4.ip_default_ttl=77"]
default_capabilities = ["CHOWN", "CAP_KILL"]
shm_size = "1m"'
  run_coracle run --rm box sh -c 'umask; cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_default_ttl; grep CapBnd /proc/self/status; df -k /dev/shm | tail -n 1'
  like "$output" $'^0027\n123\n77\nCapBnd:\t0000000000000021\nshm +1024 ' "what the container sees"
  run_coracle run --rm --umask 0077 --oom-score-adj 124 --cap-add setuid --network host box sh -c 'umask; cat /proc/self/oom_score_adj; grep CapBnd /proc/self/status'
  is "$output" $'0077\n124\nCapBnd:\t00000000000000a1' "what the command line changes"
}

@test "ping needs no capability: the default sysctl" {
  run_coracle run --rm box cat /proc/sys/net/ipv4/ping_group_range
  is "$output" $'0\t0' "ping_group_range"
  containers_conf 'default_sysctls = []'
  run_coracle run --rm box cat /proc/sys/net/ipv4/ping_group_range
  isnt "$output" $'0\t0' "without it"
}

@test "volumes and mounts: besides the user's, whose win on the same path" {
  mkdir "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
  echo a >"$BATS_TEST_TMPDIR/a/f"
  echo b >"$BATS_TEST_TMPDIR/b/f"
  containers_conf "volumes = [\"$BATS_TEST_TMPDIR/a:/one:ro\"]
mounts = [\"type=bind,source=$BATS_TEST_TMPDIR/a,target=/two\"]"
  run_coracle run --rm -v "$BATS_TEST_TMPDIR/b:/two" box cat /one/f /two/f
  is "$output" $'a\nb' "what is mounted"
}

@test "read-only, init, privileged, hostname: true or false, and the other way by a flag" {
  containers_conf 'read_only = true
init = true
init_path = "/no/such/catatonit"
container_name_as_hostname = true'
  run_coracle 1 run --rm box touch /x
  run_coracle run --rm --read-only=false box touch /x
  run_coracle run --rm --name boat box sh -c 'hostname; cat /proc/1/cmdline | tr "\0" " "'
  like "$output" $'^boat\n/run/podman-init -- ' "hostname and pid 1"
  run_coracle run --rm --init=false box sh -c 'echo $$'
  is "$output" "1" "no init"
}

@test "/etc/hosts from another file, or from none" {
  echo "192.0.2.9 far" >"$BATS_TEST_TMPDIR/hosts"
  containers_conf "base_hosts_file = \"$BATS_TEST_TMPDIR/hosts\""
  run_coracle run --rm box cat /etc/hosts
  has "$output" "192.0.2.9 far" "the named file"
  containers_conf 'no_hosts = true'
  run_coracle 1 run --rm box test -s /etc/hosts
  run_coracle run --rm --add-host far:192.0.2.1 box grep 192.0.2.1 /etc/hosts
}

@test "name servers, annotations and the network" {
  containers_conf 'dns_servers = ["192.0.2.53"]
dns_searches = ["conf.test"]
annotations = ["a=1"]'
  run_coracle run --rm box cat /etc/resolv.conf
  like "$output" "search conf.test" "searches"
  like "$output" "nameserver 192.0.2.53" "servers"
  run_coracle run --rm --dns 192.0.2.54 box cat /etc/resolv.conf
  has "$output" "192.0.2.54"
  not_like "$output" "192.0.2.53" "the flag's instead"
  containers_conf 'netns = "none"'
  run_coracle run --rm box ls /sys/class/net
  is "$output" "lo" "no network"
}

@test "seccomp profile" {
  printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >"$BATS_TEST_TMPDIR/profile.json"
  containers_conf "seccomp_profile = \"$BATS_TEST_TMPDIR/profile.json\""
  run_coracle 1 run --rm box mkdir /x
  run_coracle run --rm --security-opt seccomp=unconfined box mkdir /x
}

@test "a broken file: its name and line, and nothing is done" {
  local -A broken=(
    ['[containers']='line 1'
    ['[containers]
read_only = 3']='containers.read_only: must be true or false'
    ['[containers]
env = "A=1"']='containers.env: must be an array of strings'
    ['[containers]
tz = "Nowhere/Land"']='Nowhere/Land'
    ['[containers]
default_capabilities = ["CAP_MAGIC"]']='default_capabilities'
  )
  for text in "${!broken[@]}"; do
    printf '%s\n' "$text" >"$conf"
    run_coracle 125 run --rm box true
    has "$output" "${broken[$text]}" "the error for: $text"
  done
  CONTAINERS_CONF_OVERRIDE=/nonexistent.conf run_coracle 125 run --rm box true
  has "$output" "/nonexistent.conf" "the missing file's name"
}

@test "mounts.conf: read-only, passed over where there is nothing" {
  local file=$BATS_TEST_TMPDIR/mounts.conf
  run_coracle run --rm --default-mounts-file="$file" box echo none
  is "$output" "none" "no such file"
  mkdir "$BATS_TEST_TMPDIR/keys"
  echo secret >"$BATS_TEST_TMPDIR/keys/key"
  printf '# comment\n\n/no/such/place\n%s:/run/secrets\n' "$BATS_TEST_TMPDIR/keys" >"$file"
  run_coracle run --rm --default-mounts-file="$file" box cat /run/secrets/key
  is "$output" "secret" "what is mounted"
  run_coracle 1 run --rm --default-mounts-file="$file" box touch /run/secrets/key
  run_coracle run --rm --default-mounts-file="$file" -v /run/secrets box ls /run/secrets
  is "$output" "" "the user's own on the same place"
  echo "relative:/x" >"$file"
  run_coracle 125 run --rm --default-mounts-file="$file" box true
  has "$output" "mounts.conf" "a broken line"
}
