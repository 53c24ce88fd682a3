load helpers

# The events of running out of memory are the memory controller's.
needs_memory_events() { has_controller memory || skip "no memory controller in cgroup layout $LAYOUT"; }

@test "events --stats prints one JSON event" {
  runc run -d -b "$BUNDLE" "$ID"
  runc events --stats "$ID"
  (($(wc -l <<<"$stdout") == 1))
  stdout_json --arg id "$ID" '.type == "stats" and .id == $id and (.data | has("pids"))'
}

@test "events --interval prints an event each time" {
  needs_memory_events
  runc run -d -b "$BUNDLE" "$ID"
  in_background events "$RUNC" --root "$ROOT" events --interval 100ms "$ID"
  wait_for 10 has_lines "$DIR/events.out" 3
  jq -es 'all(.type == "stats")' "$DIR/events.out"
}

has_lines() { (($(wc -l <"$1") >= $2)); }

@test "events ends with the container" {
  needs_memory_events
  runc run -d -b "$BUNDLE" "$ID"
  in_background events "$RUNC" --root "$ROOT" events --interval 100ms "$ID"
  wait_for 10 has_lines "$DIR/events.out" 1
  runc delete --force "$ID"
  wait_for 10 ended "${HELPERS[0]}"
}

@test "events: an interval that is not positive is refused" {
  runc run -d -b "$BUNDLE" "$ID"
  refused "duration interval must be greater than 0" events --interval 0s "$ID"
  refused "duration interval must be greater than 0" events --interval=-1s "$ID"
  refused "" events --interval soon "$ID"
}

@test "events: a stopped container is refused" {
  command_is true
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 has_status "$ID" stopped
  refused "is not running" events --stats "$ID"
}

@test "events: an unknown container and the wrong number of arguments are refused" {
  refused "container does not exist" events "$ID"
  refused 'requires exactly 1 argument' events
}
