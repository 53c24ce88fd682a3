load helpers

@test "create: the container waits in status created" {
  command_is true
  runc create --bundle "$BUNDLE" "$ID"
  status_is "$ID" created
  runc start "$ID"
  wait_for 10 has_status "$ID" stopped
}

@test "create: -b names the bundle, the current directory is the default" {
  runc create -b "$BUNDLE" "$ID"
  cd "$BUNDLE"
  runc create "$ID-2"
  status_is "$ID-2" created
}

@test "create --pid-file holds the pid of init" {
  runc create --pid-file "$DIR/pid" -b "$BUNDLE" "$ID"
  [[ $(<"$DIR/pid") == "$(pid_of "$ID")" ]]
}

@test "create --pid-file that cannot be written leaves no container" {
  refused "no such file" create --pid-file "$DIR/nowhere/pid" -b "$BUNDLE" "$ID"
  no_container "$ID"
  no_cgroups "$ID"
}

@test "create --no-pivot --no-new-keyring are taken" {
  runc create --no-pivot --no-new-keyring -b "$BUNDLE" "$ID"
  runc start "$ID"
  status_is "$ID" running
}

@test "create: an id in use is refused" {
  runc create -b "$BUNDLE" "$ID"
  refused "container with given ID already exists" create -b "$BUNDLE" "$ID"
}

@test "create: a terminal needs a console socket, and a console socket a terminal" {
  config '.process.terminal = true'
  refused "cannot allocate tty" create -b "$BUNDLE" "$ID"
  config '.process.terminal = false'
  refused "cannot use console socket" create --console-socket "$DIR/sock" -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "create: the wrong number of arguments is refused" {
  refused 'requires exactly 1 argument' create -b "$BUNDLE"
  refused 'requires exactly 1 argument' create -b "$BUNDLE" "$ID" more
}

@test "create: a missing config.json is refused by name" {
  rm "$BUNDLE/config.json"
  refused "config.json not found" create -b "$BUNDLE" "$ID"
  no_container "$ID"
}
