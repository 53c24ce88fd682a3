load helpers

# The service manager outside, and the tool of the service inside.
manager() {
  in_background manager "$BIN/sdnotify" host "$DIR/notify"
  wait_for 5 test -S "$DIR/notify"
  cp "$BIN/sdnotify" "$BUNDLE/rootfs/bin/"
}

@test "NOTIFY_SOCKET: create and start pass a service's READY on, with its pid" {
  manager
  shell_is 'sdnotify send STATUS=waking READY=1; sleep 100'
  NOTIFY_SOCKET=$DIR/notify runc create -b "$BUNDLE" "$ID"
  NOTIFY_SOCKET=$DIR/notify runc start "$ID"
  wait_for 10 ended "${HELPERS[0]}"
  file_has "$DIR/manager.out" '^READY=1$'
  file_has "$DIR/manager.out" "^MAINPID=$(pid_of "$ID")$"
  file_has "$DIR/manager.out" '^BARRIER=1$'
}

@test "NOTIFY_SOCKET: run --detach returns when the service is ready" {
  manager
  shell_is 'sleep 0.5; echo >/tmp/was-ready; sdnotify send READY=1; sleep 100'
  config '.root.readonly = false'
  NOTIFY_SOCKET=$DIR/notify runc run -d -b "$BUNDLE" "$ID"
  [[ -e $BUNDLE/rootfs/tmp/was-ready ]]
  file_has "$DIR/manager.out" '^READY=1$'
}

@test "NOTIFY_SOCKET: a service that ends without a word does not hang its caller" {
  own_behaviour
  manager
  command_is true
  NOTIFY_SOCKET=$DIR/notify runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 has_status "$ID" stopped
}

@test "NOTIFY_SOCKET: without it the container has none either" {
  shell_is 'echo "socket: $NOTIFY_SOCKET"'
  runc run -b "$BUNDLE" "$ID"
  stdout_is "socket: "
}
