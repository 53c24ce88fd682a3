load helpers

receiver() {
  in_background console "$BIN/recvfd" console "$DIR/sock"
  wait_for 5 test -S "$DIR/sock"
}

@test "create --console-socket hands out the terminal" {
  config '.process.terminal = true'
  shell_is 'tty; echo through the socket'
  receiver
  runc create --console-socket "$DIR/sock" -b "$BUNDLE" "$ID"
  runc start "$ID"
  wait_for 10 file_has "$DIR/console.out" "through the socket"
  file_has "$DIR/console.out" /dev/pts/
}

@test "run --console-socket hands out the terminal" {
  config '.process.terminal = true'
  shell_is 'echo through the socket'
  receiver
  runc run -d --console-socket "$DIR/sock" -b "$BUNDLE" "$ID"
  wait_for 10 file_has "$DIR/console.out" "through the socket"
}

@test "exec --console-socket hands out the terminal" {
  runc run -d -b "$BUNDLE" "$ID"
  receiver
  runc exec -d -t --console-socket "$DIR/sock" "$ID" sh -c 'echo through the socket'
  wait_for 10 file_has "$DIR/console.out" "through the socket"
}

@test "--console-socket: refused where no terminal is asked for" {
  refused "cannot use console socket" run -d --console-socket "$DIR/sock" -b "$BUNDLE" "$ID"
  refused "cannot use console socket" create --console-socket "$DIR/sock" -b "$BUNDLE" "$ID"
  runc run -d -b "$BUNDLE" "$ID"
  runc_exits 255 exec -d --console-socket "$DIR/sock" "$ID" true
  stderr_has "cannot use console socket"
}

@test "--console-socket: refused in the foreground" {
  config '.process.terminal = true'
  refused "cannot use console socket" run --console-socket "$DIR/sock" -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "--console-socket: a socket with nobody behind it leaves no container" {
  config '.process.terminal = true'
  refused "$DIR/sock" run -d --console-socket "$DIR/sock" -b "$BUNDLE" "$ID"
  no_container "$ID"
  nothing_alive
  no_cgroups "$ID"
}
