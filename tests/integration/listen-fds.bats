load helpers

# with_listen_fds CMD...: as a service manager does with socket activation, the
# command gets two open files from descriptor 3 on.
with_listen_fds() {
  echo first >"$DIR/first"
  echo second >"$DIR/second"
  call bash -c 'exec 3<"$1" 4<"$2" && shift 2 && LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"' \
    listen "$DIR/first" "$DIR/second" "$@"
}

@test "LISTEN_FDS: run passes the files on" {
  shell_is 'echo "$LISTEN_FDS $LISTEN_PID"; cat <&3; cat <&4'
  with_listen_fds "$RUNC" --root "$ROOT" run -b "$BUNDLE" "$ID"
  stdout_is $'2 1\nfirst\nsecond'
}

@test "LISTEN_FDS: create passes the files on" {
  shell_is 'echo "$LISTEN_FDS $LISTEN_PID"; cat <&3; cat <&4; sleep 100'
  with_listen_fds "$RUNC" --root "$ROOT" create -b "$BUNDLE" "$ID"
  ((status == 0))
  local out=$OUT
  runc start "$ID"
  wait_for 10 file_has "$out" second
  file_has "$out" '^2 1$'
}

@test "LISTEN_FDS: run --preserve-fds counts from behind them" {
  echo third >"$DIR/third"
  shell_is 'cat <&3; cat <&4; cat <&5'
  with_listen_fds bash -c 'exec 5<"$1" && shift && exec "$@"' third "$DIR/third" \
    "$RUNC" --root "$ROOT" run --preserve-fds 1 -b "$BUNDLE" "$ID"
  stdout_is $'first\nsecond\nthird'
}
