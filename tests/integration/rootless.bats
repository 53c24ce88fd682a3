load helpers

# A user without any right: the containers' cgroups are root's, and are none of
# the user's. Directories of the test's own, since bats' are root's alone.
USER_ID=65534

setup_rootless() {
  HOME_DIR=$(mktemp -d /tmp/runc-rootless.XXXXXX)
  mkdir "$HOME_DIR/bundle" "$HOME_DIR/xdg"
  cp "$RUNC" "$HOME_DIR/runc"
  cp -a "$BASE_BUNDLE/rootfs" "$HOME_DIR/bundle/"
  chmod 755 "$HOME_DIR"
  chown -R "$USER_ID:$USER_ID" "$HOME_DIR"
  as_user spec --rootless -b "$HOME_DIR/bundle"
  ((status == 0)) || fail "spec --rootless: $stderr"
  config --bundle "$HOME_DIR/bundle" --arg mark "$(mark_of_test)" '
    .process.terminal = false | .process.env += [$mark] | .process.args = ["sleep", "100"]'
}

# as_user ARGS... calls the runtime as that user, without --root; from the
# delegated cgroup, where there is one.
as_user() {
  local enter=(env)
  [[ -z ${DELEGATED-} ]] || enter=(sh -c 'echo 0 >"$0/caller/cgroup.procs" && exec "$@"' "$DELEGATED")
  call "${enter[@]}" setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups \
    env -u HOME XDG_RUNTIME_DIR="$HOME_DIR/xdg" "$HOME_DIR/runc" "$@"
}

# delegate gives the user a cgroup, as systemd does with user@.service, and tells
# the container to be in it.
delegate() {
  only_in_layouts v2
  DELEGATED=/sys/fs/cgroup/$(scratch)
  mkdir -p "$DELEGATED/caller"
  chown "$USER_ID:$USER_ID" "$DELEGATED" "$DELEGATED"/{,caller/}cgroup.{procs,threads,subtree_control}
  config --bundle "$HOME_DIR/bundle" --arg path "/$(scratch)/$ID" '.linux.cgroupsPath = $path'
}

# A user may mount no proc of a pid namespace that is not the user's own, but
# may bind the host's.
six_in_host_pidns() {
  config --bundle "$HOME_DIR/bundle" '.process.args = ["six"]
    | .linux.namespaces |= map(select(.type != "pid"))
    | .mounts |= map(if .type == "proc" then {destination, type: "none", source: "/proc", options: ["rbind"]} else . end)'
  as_user run -d -b "$HOME_DIR/bundle" "$ID"
  ((status == 0)) || fail "$stderr"
  wait_for 10 living_are 6
}

in_delegated_cgroup() { grep -q "/$(scratch)/$ID" "/proc/$(user_pid)/cgroup"; }

user_pid() {
  as_user state "$ID"
  [[ $stdout =~ \"pid\":\ *([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

teardown() {
  local id
  for id in "$HOME_DIR"/xdg/runc/*; do
    [[ ! -d $id ]] || as_user delete --force "${id##*/}"
  done
  wait_for 10 none_living
  [[ -z ${DELEGATED-} ]] || rmdir "$DELEGATED/caller"
  wait_for 10 nothing_left
  rm -rf "$HOME_DIR"
}

@test "rootless: run, with the caller mapped to root" {
  setup_rootless
  config --bundle "$HOME_DIR/bundle" '.process.args = ["sh", "-c", "id -u; cat /proc/self/uid_map; exit 6"]'
  as_user run -b "$HOME_DIR/bundle" "$ID"
  ((status == 6)) || fail "$stderr"
  [[ $stdout =~ ^0[[:space:]]+0\ +$USER_ID\ +1$ ]] || fail "$stdout"
}

@test "rootless: the state goes to XDG_RUNTIME_DIR, which gets the sticky bit" {
  setup_rootless
  as_user run -d -b "$HOME_DIR/bundle" "$ID"
  ((status == 0)) || fail "$stderr"
  [[ -s $HOME_DIR/xdg/runc/$ID/state.json ]]
  [[ -k $HOME_DIR/xdg/runc ]]
}

@test "rootless: exec, state, list, kill, delete" {
  setup_rootless
  as_user run -d -b "$HOME_DIR/bundle" "$ID"
  ((status == 0)) || fail "$stderr"
  as_user exec "$ID" echo inside
  stdout_is inside
  as_user state "$ID"
  stdout_json '.status == "running"'
  as_user list -q
  stdout_is "$ID"
  as_user kill "$ID" KILL
  ((status == 0)) || fail "$stderr"
  wait_for 10 none_living
  as_user delete --force "$ID"
  ((status == 0)) || fail "$stderr"
  [[ ! -e $HOME_DIR/xdg/runc/$ID ]]
}

@test "rootless: an XDG_RUNTIME_DIR that cannot be written is refused" {
  setup_rootless
  rmdir "$HOME_DIR/xdg/runc"
  chown root "$HOME_DIR/xdg"
  as_user run -b "$HOME_DIR/bundle" "$ID"
  ((status == 1))
  stderr_has "permission denied"
  none_living
}

@test "rootless: kill --wait [private pid namespace]: nothing is alive when it returns" {
  runc_waits
  setup_rootless
  as_user run -d -b "$HOME_DIR/bundle" "$ID"
  ((status == 0)) || fail "$stderr"
  as_user kill --wait "$ID" KILL
  ((status == 0)) || fail "$stderr"
  nothing_alive
}

@test "rootless: kill --wait [host pid namespace, no cgroup]: nothing is alive when it returns" {
  runc_waits
  setup_rootless
  six_in_host_pidns
  as_user kill --wait "$ID" KILL
  ((status == 0)) || fail "$stderr"
  nothing_alive
}

@test "rootless: delete --force --wait [host pid namespace, no cgroup]: nothing is left when it returns" {
  runc_waits
  setup_rootless
  six_in_host_pidns
  as_user delete --force --wait "$ID"
  ((status == 0)) || fail "$stderr"
  nothing_alive
  [[ ! -e $HOME_DIR/xdg/runc/$ID ]]
}

@test "rootless [delegated cgroup]: run, exec, pause, resume, delete" {
  setup_rootless
  delegate
  as_user run -d -b "$HOME_DIR/bundle" "$ID"
  ((status == 0)) || fail "$stderr"
  in_delegated_cgroup
  as_user exec "$ID" echo inside
  stdout_is inside
  as_user pause "$ID"
  as_user state "$ID"
  in_state status paused
  as_user resume "$ID"
  ((status == 0)) || fail "$stderr"
  as_user delete --force "$ID"
  ((status == 0)) || fail "$stderr"
  no_cgroups "$ID"
}

@test "rootless [delegated cgroup]: kill --wait [host pid namespace]: nothing is alive when it returns" {
  runc_waits
  setup_rootless
  delegate
  six_in_host_pidns
  in_delegated_cgroup
  as_user kill --wait "$ID" KILL
  ((status == 0)) || fail "$stderr"
  nothing_alive
  no_members "$ID"
}

@test "rootless [delegated cgroup]: delete --force --wait [paused]: nothing is left when it returns" {
  runc_waits
  setup_rootless
  delegate
  six_in_host_pidns
  as_user pause "$ID"
  as_user delete --force --wait "$ID"
  ((status == 0)) || fail "$stderr"
  nothing_alive
  no_cgroups "$ID"
}
