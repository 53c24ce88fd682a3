load helpers

@test "start: a created container runs its command" {
  shell_is 'echo started; sleep 100'
  runc create -b "$BUNDLE" "$ID"
  local out=$OUT
  [[ ! -s $out ]]
  runc start "$ID"
  wait_for 10 file_has "$out" started
  status_is "$ID" running
}

@test "start: a running container is refused" {
  runc run -d -b "$BUNDLE" "$ID"
  refused "cannot start an already running container" start "$ID"
}

@test "start: a stopped container is refused" {
  command_is true
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 has_status "$ID" stopped
  refused "cannot start a container that has stopped" start "$ID"
}

@test "start: a command that does not exist is reported" {
  command_is no-such-command
  refused no-such-command create -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "start: an unknown container is refused" {
  refused "container does not exist" start "$ID"
  one_line
}

@test "start: the wrong number of arguments is refused" {
  refused 'requires exactly 1 argument' start
  refused 'requires exactly 1 argument' start a b
}
