load helpers

# with_fds CMD...: the command has two open files, as descriptors 3 and 4.
with_fds() {
  echo first >"$DIR/first"
  echo second >"$DIR/second"
  call bash -c 'exec 3<"$1" 4<"$2" && shift 2 && exec "$@"' fds "$DIR/first" "$DIR/second" "$@"
}

show_fds='cat <&3; cat <&4 2>/dev/null || echo no second'

@test "run --preserve-fds passes on as many as it says" {
  shell_is "$show_fds"
  with_fds "$RUNC" --root "$ROOT" run --preserve-fds 2 -b "$BUNDLE" "$ID"
  stdout_is $'first\nsecond'
  with_fds "$RUNC" --root "$ROOT" run --preserve-fds 1 -b "$BUNDLE" "$ID"
  stdout_is $'first\nno second'
}

@test "create --preserve-fds passes them on" {
  shell_is "$show_fds"
  with_fds "$RUNC" --root "$ROOT" create --preserve-fds 2 -b "$BUNDLE" "$ID"
  ((status == 0))
  local out=$OUT
  runc start "$ID"
  wait_for 10 file_has "$out" second
}

@test "exec --preserve-fds passes them on" {
  runc run -d -b "$BUNDLE" "$ID"
  with_fds "$RUNC" --root "$ROOT" exec --preserve-fds 2 "$ID" sh -c "$show_fds"
  stdout_is $'first\nsecond'
}

@test "--preserve-fds: a descriptor that is not open is refused and leaves nothing" {
  own_behaviour
  refused "unable to stat preserved-fd" run --preserve-fds 40 -b "$BUNDLE" "$ID"
  no_container "$ID"
  nothing_alive
}

@test "--preserve-fds: no other descriptor gets in" {
  shell_is 'ls /proc/self/fd | wc -l'
  with_fds "$RUNC" --root "$ROOT" run -b "$BUNDLE" "$ID"
  # 0, 1, 2 and the directory that ls reads.
  stdout_is 4
}
