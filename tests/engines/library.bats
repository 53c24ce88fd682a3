# An engine in Go may use the library in the command's place; this is the example
# of it, contrib/examples/stop.
load ../integration/helpers

@test "library: the example stops a container and prints the report" {
  host_pidns
  start_six "$ID"
  call "$BIN/stop" "$ROOT" "$ID"
  ((status == 0)) || fail "stop exited with $status" "$stderr"
  nothing_alive
  stdout_json --arg id "$ID" '.id == $id and .drained and .signalled >= 6 and .survivors == []'
  status_is "$ID" stopped
}

@test "library: the example says when there is nothing to stop" {
  command_is true
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 has_status "$ID" stopped
  call "$BIN/stop" "$ROOT" "$ID"
  ((status == 1))
  [[ $stderr == "stop: container not running" ]]
  call "$BIN/stop" "$ROOT" no-such-container
  ((status == 1))
  stderr_has "container does not exist"
}
