load helpers

receiver() {
  in_background pidfd "$BIN/recvfd" pidfd "$DIR/sock"
  wait_for 5 test -S "$DIR/sock"
}

# The pidfd is of the process in the pid file, and tells when it ends.
watched_until_killed() {
  local pid
  pid=$(<"$DIR/pid")
  wait_for 10 file_has "$DIR/pidfd.out" "^pid $pid$"
  ! file_has "$DIR/pidfd.out" terminated || fail "the pidfd tells of an end too early"
  kill -KILL "$pid"
  wait_for 10 file_has "$DIR/pidfd.out" terminated
}

@test "run --pidfd-socket hands out a pidfd of init" {
  receiver
  runc run -d --pidfd-socket "$DIR/sock" --pid-file "$DIR/pid" -b "$BUNDLE" "$ID"
  watched_until_killed
}

@test "create --pidfd-socket hands out a pidfd of init" {
  receiver
  runc create --pidfd-socket "$DIR/sock" --pid-file "$DIR/pid" -b "$BUNDLE" "$ID"
  watched_until_killed
}

@test "exec --pidfd-socket hands out a pidfd of the process" {
  runc run -d -b "$BUNDLE" "$ID"
  receiver
  runc exec -d --pidfd-socket "$DIR/sock" --pid-file "$DIR/pid" "$ID" sleep 50
  watched_until_killed
  status_is "$ID" running
}

@test "--pidfd-socket: a socket with nobody behind it leaves no container" {
  own_behaviour
  refused "$DIR/sock" run -d --pidfd-socket "$DIR/sock" -b "$BUNDLE" "$ID"
  no_container "$ID"
  nothing_alive
}
