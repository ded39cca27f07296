#!/usr/bin/env bats
# an image whose /etc/resolv.conf and friends are links into what only a booted system has.

load helpers

# link_image NAME LINK TARGET: an image in which LINK, a name below /etc, leads to TARGET.
link_image() {
  local root=$TEST_STORE/$1
  mkdir -p "$root"
  tar -C "$root" -xf "$(fixture busybox.tar)"
  mkdir -p "$root/etc"
  rm -f "$root/etc/$2"
  ln -s "$3" "$root/etc/$2"
  tar -C "$root" -cf "$root.tar" .
  rm -rf "$root"
  run_coracle import -q "$root.tar" "$1"
}

@test "a resolv.conf that is a link into /run, which is empty in an image" {
  link_image relative resolv.conf ../run/systemd/resolve/resolv.conf
  run_coracle run --rm --dns 192.0.2.53 relative sh -c 'readlink /etc/resolv.conf; cat /run/systemd/resolve/resolv.conf'
  has "$output" "../run/systemd/resolve/resolv.conf" "the link is as it was"
  has "$output" "nameserver 192.0.2.53" "where it leads"
  link_image absolute resolv.conf /run/resolvconf/resolv.conf
  run_coracle run --rm --dns 192.0.2.53 absolute cat /etc/resolv.conf
  has "$output" "nameserver 192.0.2.53" "by an absolute link"
}

@test "such a link leads nowhere outside the image" {
  link_image out hosts "../../../../../..$TEST_STORE/outside/hosts"
  run_coracle run --rm --add-host there:192.0.2.1 out cat /etc/hosts
  has "$output" "192.0.2.1" "the file is inside"
  [ ! -e "$TEST_STORE/outside" ]
}

@test "a link to itself is an error that says so" {
  link_image itself hosts hosts
  run_coracle 126 run --rm itself true
  has "$output" "the image has a link on the way to it" "what is wrong"
}
