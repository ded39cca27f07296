#!/usr/bin/env bats
# 457-net-without-nft: named networks where there is no nftables: its library is missing, or the kernel will not speak of it. What is told, that nothing is half made, and that all else goes on.

load helpers
load net-helpers

setup() {
  fixture_image box
}

teardown() {
  unset LD_LIBRARY_PATH LD_PRELOAD
  netd_teardown
}

# nothing_half: as if nobody had tried
nothing_half() {
  run_coracle_out 0 ps -a --format '{{.Names}}'
  is "$output" "" "no container"
  wait_for 20 no_netd
  run_coracle_out 0 run --rm box cat /sys/class/net/tap0/mtu
  is "$output" 65520 "the default network wants no nftables"
  # and when it is there again
  unset LD_LIBRARY_PATH LD_PRELOAD
  run_coracle_out 0 run --rm --network back box ip -o -4 addr show dev eth0
  has "$output" "10.93.7.2/24" "the first address is still free"
  run_coracle_out 0 network rm back
}

@test "without nftables: the library is missing" {
  run_coracle_out 0 network create --subnet 10.93.7.0/24 back
  mkdir "$TEST_STORE/lib"
  : >"$TEST_STORE/lib/libnftables.so.1"
  export LD_LIBRARY_PATH=$TEST_STORE/lib
  run_coracle 125 run --rm --name never --network back box true
  has "$output" "coracle-netd ended at once"
  has "$output" "libnftables"
  nothing_half
}

@test "without nftables: the kernel has none" {
  needs cc
  [[ $CORACLE_BIN != *address* ]] || skip "the sanitizer wants to be the first library"
  # a kernel without CONFIG_NF_TABLES or with nfnetlink out of reach, as far as who asks for the socket can tell
  cat >"$TEST_STORE/none.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
int
socket (int family, int type, int protocol)
{
  int (*next) (int, int, int) = (int (*) (int, int, int)) dlsym (RTLD_NEXT, "socket");
  if (family == AF_NETLINK && protocol == 12)
    {
      errno = EPROTONOSUPPORT;
      return -1;
    }
  return next (family, type, protocol);
}
END
  cc -shared -fPIC -o "$TEST_STORE/none.so" "$TEST_STORE/none.c" -ldl || skip "no shared library can be made"
  run_coracle_out 0 network create --subnet 10.93.7.0/24 back
  export LD_PRELOAD=$TEST_STORE/none.so
  run_coracle 125 run --rm --name never --network back box true
  has "$output" "nftables: Protocol not supported (named networks need a kernel with nf_tables and its nat)"
  nothing_half
}
