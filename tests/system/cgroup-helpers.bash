# cgroup-helpers: for the tests that look at cgroups.

# the user's own systemd, where there is one, makes the groups: its socket is in the real run folder
setup_file() {
  local outer=${XDG_RUNTIME_DIR-}
  basic_setup_file
  [ ! -S "$outer/systemd/private" ] || ln -s "$outer/systemd" "$XDG_RUNTIME_DIR/systemd"
}

# needs_group: skip where containers get none.
needs_group() {
  [ "$(coracle info -f '{{.Host.CgroupManager}}')" != none ] || skip "no cgroup can be had here"
}

# needs_controller NAME…: skip where it is not delegated.
needs_controller() {
  local c have
  have=$(coracle info -f '{{.Host.CgroupControllers}}')
  for c in "$@"; do [[ " ${have//[\[\]]/ } " == *" $c "* ]] || skip "no cgroup controller $c for this user"; done
}

group_mount() {
  if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then echo /sys/fs/cgroup; else echo /sys/fs/cgroup/unified; fi
}

# group_of PID: its v2 group.
group_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }

# none_left: of no container that was ever made here a group is left below what is ours, but of those that run; others' containers may be beside them. Root's are among those of others.
none_left() {
  is_root || wait_for 30 no_group || is "$(left_groups)" "" "groups that are left"
}
no_group() { [ -z "$(left_groups)" ]; }
left_groups() {
  local all
  all=" $(coracle events --stream=false --filter event=create --format '{{.ID}}' | tr '\n' ' ')"
  find "$(group_mount)$(dirname "$(group_of self)")" -maxdepth 3 -type d -name 'libpod-*' 2>/dev/null | while read -r group; do
    id=$(grep -oE '[0-9a-f]{64}' <<<"$group" | tail -n 1)
    [[ $all == *" $id "* ]] || continue
    for id in $(coracle ps -q --no-trunc -f status=running -f status=paused); do [[ $group == *"$id" ]] && continue 2; done
    echo "$group"
  done
}
