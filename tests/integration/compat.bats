load helpers

# A host can be switched between upstream's runtime and this one while its
# containers run: each can do everything with a container of the other's.

# by RUNTIME ARGS... calls one of the two by name.
by() {
  local runtime=$RUNC
  [[ $1 != upstream ]] || runtime=$UPSTREAM
  shift
  call "$runtime" --root "$ROOT" "$@"
  ((status == 0)) || fail "$runtime $* exited with $status" "$stdout" "$stderr"
}

# handed_over MAKER USER: a container that one made, in the other's hands.
handed_over() {
  local maker=$1 user=$2
  by "$maker" run -d -b "$BUNDLE" "$ID"
  by "$maker" create -b "$BUNDLE" "$ID-created"

  by "$user" list -f json
  stdout_json --arg id "$ID" 'map({(.id): .status}) | add | .[$id] == "running" and .[$id + "-created"] == "created"'
  by "$user" state "$ID"
  stdout_json --arg bundle "$BUNDLE" '.status == "running" and .bundle == $bundle'
  by "$user" ps --format json "$ID"
  stdout_json 'length == 1'
  by "$user" exec "$ID" echo inside
  stdout_is inside
  by "$user" events --stats "$ID"
  stdout_json '.type == "stats"'
  by "$user" pause "$ID"
  by "$maker" state "$ID"
  stdout_json '.status == "paused"'
  by "$user" resume "$ID"
  by "$user" update --pids-limit 50 "$ID"
  by "$user" start "$ID-created"
  by "$maker" state "$ID-created"
  stdout_json '.status == "running"'

  by "$user" kill "$ID" KILL
  wait_for 10 has_status "$ID" stopped
  by "$user" delete "$ID"
  by "$user" delete --force "$ID-created"
  by "$maker" list -q
  stdout_is ""
  no_cgroups "$ID*"
  wait_for 10 none_living
}

@test "compat: upstream's containers in this runtime's hands" {
  only_in_layouts hybrid v1
  handed_over upstream this
}

@test "compat: this runtime's containers in upstream's hands" {
  only_in_layouts hybrid v1
  handed_over this upstream
}

@test "compat: kill --wait and delete --force --wait of upstream's containers" {
  runc_waits
  host_pidns
  six_processes
  by upstream run -d -b "$BUNDLE" "$ID"
  wait_for 10 living_are 6
  runc kill --wait "$ID" KILL
  nothing_alive
  by upstream delete "$ID"
  by upstream run -d -b "$BUNDLE" "$ID-2"
  runc delete --force --wait "$ID-2"
  nothing_alive
  no_cgroups "$ID-2"
}

@test "compat: the state files of both have the same members" {
  by upstream create -b "$BUNDLE" "$ID"
  by this create -b "$BUNDLE" "$ID-2"
  diff <(jq -S 'paths(scalars) | map(tostring) | join(".")' "$ROOT/$ID/state.json" | sort) \
    <(jq -S 'paths(scalars) | map(tostring) | join(".")' "$ROOT/$ID-2/state.json" | sort)
}

@test "compat: both describe the same features, but for the wait" {
  local theirs same='del(.annotations)
    | .potentiallyUnsafeConfigAnnotations -= ["org.opencontainers.runc.kill.wait"]'
  by upstream features
  theirs=$(jq -S "$same" <<<"$stdout")
  by this features
  diff <(echo "$theirs") <(jq -S "$same" <<<"$stdout")
}

@test "compat: both write the same config.json" {
  local flag
  for flag in '' --rootless; do
    mkdir "$DIR/theirs$flag" "$DIR/ours$flag"
    by upstream spec $flag -b "$DIR/theirs$flag"
    by this spec $flag -b "$DIR/ours$flag"
    diff <(jq -S . "$DIR/theirs$flag/config.json") <(jq -S . "$DIR/ours$flag/config.json")
  done
}
