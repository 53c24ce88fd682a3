load helpers
load kinds

stopped() {
  command_is true
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 has_status "$ID" stopped
}

deleted() {
  no_container "$1"
  no_cgroups "$1"
}

@test "delete: a stopped container's state and cgroups go" {
  stopped
  runc delete "$ID"
  deleted "$ID"
}

@test "delete: a created container goes" {
  created
  runc delete "$ID"
  deleted "$ID"
  wait_for 10 none_living
}

@test "delete: a running or paused container is refused and unharmed" {
  runc run -d -b "$BUNDLE" "$ID"
  refused "cannot delete container $ID that is not stopped: running" delete "$ID"
  runc pause "$ID"
  refused "cannot delete container $ID that is not stopped: paused" delete "$ID"
  runc resume "$ID"
  status_is "$ID" running
}

@test "delete: an unknown container is refused, but with --force it is what was wanted" {
  refused "container does not exist" delete "$ID"
  runc delete --force "$ID"
}

# ends KIND: the plain delete --force ends a container of this kind, and removes
# it; the last processes may go a little later.
ends() {
  "$1"
  runc delete --force "$ID"
  deleted "$ID"
  wait_for 10 none_living
}

@test "delete --force (-f) [private pid namespace] ends and removes" {
  start_six "$ID"
  runc delete --force "$ID"
  deleted "$ID"
  wait_for 10 none_living
  runc run -d -b "$BUNDLE" "$ID"
  runc delete -f "$ID"
  deleted "$ID"
}

@test "delete --force [host pid namespace] ends and removes" { ends shared_pidns; }

@test "delete --force [host pid namespace, init gone] ends and removes what is left" { ends init_gone; }

@test "delete --force [created] ends and removes" { ends created; }

@test "delete --force [paused] ends and removes" { ends paused; }

@test "delete --force [host pid namespace, exec'd into sub-cgroups] ends and removes" { ends in_sub_cgroups; }

@test "delete --force [another container's pid namespace] ends and removes its own alone" {
  borrowed_pidns
  runc delete --force "$ID"
  deleted "$ID"
  wait_for 10 living_are 1
  lender_alone
}

@test "delete: cgroups made below the container's go with it" {
  runc run -d -b "$BUNDLE" "$ID"
  local dir
  while read -r dir; do
    mkdir -p "$dir/sub/subsub"
  done < <(cgroups_of "$ID")
  runc kill "$ID" KILL
  wait_for 10 has_status "$ID" stopped
  runc delete "$ID"
  deleted "$ID"
}

@test "delete: what an aborted create left is removed" {
  mkdir -p "$ROOT/$ID"
  refused "container does not exist" delete "$ID"
  [[ ! -e $ROOT/$ID ]]
  mkdir -p "$ROOT/$ID"
  runc delete --force "$ID"
  [[ ! -e $ROOT/$ID ]]
}

@test "delete: a truncated state.json is refused clearly, --force clears it away" {
  own_behaviour
  stopped
  truncate -s 100 "$ROOT/$ID/state.json"
  refused state.json delete "$ID"
  one_line
  [[ -e $ROOT/$ID ]]
  runc delete --force "$ID"
  [[ ! -e $ROOT/$ID ]]
  find /sys/fs/cgroup -type d -name "$(cgroup_name "$ID")" -exec rmdir {} + || true
}

@test "delete: an id that is a path is refused" {
  mkdir -p "$ROOT/.." "$DIR/precious"
  refused "" delete --force ../precious
  [[ -d $DIR/precious ]]
}

@test "delete: the wrong number of arguments is refused" {
  refused 'requires exactly 1 argument' delete
  refused 'requires exactly 1 argument' delete a b
}

# --- delete --wait

# removed: what a delete that waited has to leave, and it may not take any time.
removed() {
  nothing_alive
  deleted "$ID"
}

@test "delete --force --wait [private pid namespace]: nothing is left when it returns" {
  runc_waits
  private_pidns
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [host pid namespace]: nothing is left when it returns" {
  runc_waits
  shared_pidns
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [another container's pid namespace]: nothing is left when it returns" {
  runc_waits
  borrowed_pidns
  runc delete --force --wait "$ID"
  lender_alone
  deleted "$ID"
}

@test "delete --force --wait [host pid namespace, init gone]: nothing is left when it returns" {
  runc_waits
  init_gone
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [host pid namespace, init in another cgroup]: nothing is left when it returns" {
  runc_waits
  init_moved
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [host pid namespace, a leader dead before its threads]: nothing is left when it returns" {
  runc_waits
  leaderless
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [host pid namespace, exec'd into sub-cgroups]: nothing is left when it returns" {
  runc_waits
  in_sub_cgroups
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [host pid namespace, frozen below]: nothing is left when it returns" {
  runc_waits
  frozen_below
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [private pid namespace, paused]: nothing is left when it returns" {
  runc_waits
  paused
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [host pid namespace, paused]: nothing is left when it returns" {
  runc_waits
  paused_shared_pidns
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [created]: nothing is left when it returns" {
  runc_waits
  created
  runc delete --force --wait "$ID"
  removed
}

@test "delete --force --wait [a container in the container]: nothing is left when it returns" {
  runc_waits
  nested
  runc delete --force --wait "$ID"
  removed
}

@test "delete --wait [stopped, with leftovers]: nothing is left when it returns" {
  runc_waits
  init_gone
  runc delete --wait "$ID"
  removed
}

@test "delete --wait [created]: nothing is left when it returns" {
  runc_waits
  created
  runc delete --wait "$ID"
  removed
}

@test "delete --wait: a running container is refused and unharmed" {
  runc_waits
  runc run -d -b "$BUNDLE" "$ID"
  refused "that is not stopped: running" delete --wait "$ID"
  status_is "$ID" running
}

@test "delete --force --wait: an unknown container is what was wanted" {
  runc_waits
  runc delete --force --wait "$ID"
}

@test "delete --force --wait --timeout: survivors are named, the state is kept" {
  runc_waits
  only_in_layouts hybrid v1
  six_below_a_frozen_parent
  runc_exits 124 delete --force --wait --timeout 300ms "$ID"
  stderr_has "$INIT"
  [[ -s $ROOT/$ID/state.json ]]
  echo THAWED >"$PARENT/freezer.state"
  runc delete --force --wait --timeout 5s "$ID"
  nothing_alive
  deleted "$ID"
}

@test "delete --force --wait --format json reports what was done" {
  runc_waits
  start_six "$ID"
  runc delete --force --wait --format json "$ID"
  nothing_alive
  stdout_json --arg id "$ID" '.id == $id and .drained == true and .survivors == []'
}

@test "delete: flags that make no sense together are refused, nothing is touched" {
  runc_waits
  start_six "$ID"
  refused --wait delete --force --timeout 1s "$ID"
  one_line
  refused "" delete --force --wait --timeout=-1s "$ID"
  refused "" delete --force --wait --timeout soon "$ID"
  living_are 6
  status_is "$ID" running
}
