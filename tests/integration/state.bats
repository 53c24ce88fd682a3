load helpers

@test "state: prints what the specification asks for" {
  config '.annotations = {"org.example.key": "value"}'
  runc run -d -b "$BUNDLE" "$ID"
  runc state "$ID"
  stdout_json --arg id "$ID" --arg bundle "$BUNDLE" '
    .id == $id and .status == "running" and .pid > 0 and .bundle == $bundle
    and .rootfs == $bundle + "/rootfs" and (.ociVersion | startswith("1."))
    and (.created | fromdateiso8601? // true) and has("owner")
    and .annotations["org.example.key"] == "value"'
}

@test "state: created, running, paused and stopped, where the pid is 0" {
  runc create -b "$BUNDLE" "$ID"
  status_is "$ID" created
  runc start "$ID"
  status_is "$ID" running
  runc pause "$ID"
  status_is "$ID" paused
  runc resume "$ID"
  runc kill "$ID" KILL
  wait_for 10 has_status "$ID" stopped
  runc state "$ID"
  stdout_json '.pid == 0'
}

@test "state: an unknown container is refused" {
  refused "container does not exist" state "$ID"
  one_line
}

@test "state: a truncated state.json is refused" {
  runc run -d -b "$BUNDLE" "$ID"
  cp "$ROOT/$ID/state.json" whole.json
  truncate -s 100 "$ROOT/$ID/state.json"
  refused "" state "$ID"
  one_line
  cp whole.json "$ROOT/$ID/state.json"
}

@test "state: the wrong number of arguments is refused" {
  refused 'requires exactly 1 argument' state
  refused 'requires exactly 1 argument' state a b
}
