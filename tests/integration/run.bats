load helpers

@test "run: output and exit status of the command come back" {
  shell_is 'echo out; echo err >&2; exit 7'
  runc_exits 7 run --bundle "$BUNDLE" "$ID"
  stdout_is out
  stderr_has err
  no_container "$ID"
}

@test "run: the current directory is the default bundle" {
  command_is echo here
  cd "$BUNDLE"
  runc run "$ID"
  stdout_is here
}

@test "run: standard input reaches the command" {
  command_is cat
  echo "from outside" >"$DIR/in"
  STDIN=$DIR/in runc run -b "$BUNDLE" "$ID"
  stdout_is "from outside"
}

@test "run: a command that a signal ends gives 128 plus its number" {
  shell_is 'kill -KILL $$; sleep 5'
  host_pidns
  runc_exits 137 run -b "$BUNDLE" "$ID"
}

@test "run: signals are forwarded to the command" {
  shell_is 'trap "echo got it; exit 3" TERM; echo up; while :; do sleep 0.1; done'
  in_background run "$RUNC" --root "$ROOT" run -b "$BUNDLE" --pid-file "$DIR/pid" "$ID"
  wait_for 10 file_has "$DIR/run.out" up
  # timeout(1), which bounds the helper, passes the signal on to its child.
  kill -TERM "${HELPERS[0]}"
  wait_for 10 file_has "$DIR/run.out" "got it"
  wait_for 10 container_gone "$ID"
}

container_gone() { ! "$RUNC" --root "$ROOT" state "$1" >/dev/null 2>&1; }

@test "run --detach (-d) leaves the container running" {
  runc run --detach --bundle "$BUNDLE" "$ID"
  status_is "$ID" running
  runc run -d -b "$BUNDLE" "$ID-2"
  status_is "$ID-2" running
}

@test "run --pid-file holds the pid of init, written in one piece" {
  runc run -d --pid-file "$DIR/pid" -b "$BUNDLE" "$ID"
  [[ $(<"$DIR/pid") == "$(pid_of "$ID")" ]]
  [[ -z $(find "$DIR" -maxdepth 1 -name '.pid*') ]]
}

@test "run --pid-file with a path relative to where runc was called" {
  command_is true
  runc run --pid-file relative.pid -b "$BUNDLE" "$ID"
  [[ -s $DIR/relative.pid ]]
}

@test "run --keep keeps the state of a stopped container" {
  command_is true
  runc run --keep -b "$BUNDLE" "$ID"
  status_is "$ID" stopped
  runc delete "$ID"
}

@test "run --no-subreaper leaves orphans to others" {
  shell_is 'echo finished'
  runc run --no-subreaper -b "$BUNDLE" "$ID"
  stdout_is finished
}

@test "run --no-pivot changes the root by other means" {
  command_is cat /etc/passwd
  runc run --no-pivot -b "$BUNDLE" "$ID"
  stdout_has root:x:0:0
}

@test "run --no-new-keyring keeps the caller's session keyring" {
  command_is echo keyring
  runc run --no-new-keyring -b "$BUNDLE" "$ID"
  stdout_is keyring
}

@test "run: an id in use is refused" {
  runc run -d -b "$BUNDLE" "$ID"
  refused "container with given ID already exists" run -b "$BUNDLE" "$ID"
  status_is "$ID" running
}

@test "run: an invalid id is refused and leaves nothing" {
  local id
  for id in ../x a/b . .. 'sp ace' "$(printf 'new\nline')" ''; do
    refused "" run -b "$BUNDLE" "$id"
    [[ $stderr == *"invalid container ID format"* || $stderr == *"container id cannot be empty"* ]]
  done
  [[ -z $(ls -A "$ROOT" 2>/dev/null) ]]
}

@test "run: without config.json the error names the file" {
  rm "$BUNDLE/config.json"
  refused "config.json not found" run -b "$BUNDLE" "$ID"
  one_line
  no_container "$ID"
}

@test "run: a bundle that is no directory is refused" {
  refused "$DIR/nowhere" run -b "$DIR/nowhere" "$ID"
  one_line
}

@test "run: a config.json that is no JSON is refused by file name" {
  own_behaviour
  echo '{ "ociVersion": ' >"$BUNDLE/config.json"
  refused config.json run -b "$BUNDLE" "$ID"
  one_line
  no_container "$ID"
}

@test "run: a field of the wrong type is refused by file and field" {
  own_behaviour
  config '.process.args = "sleep"'
  refused config.json run -b "$BUNDLE" "$ID"
  stderr_has process.args
  one_line
  no_container "$ID"
}

@test "run: a config.json that says null is refused" {
  echo null >"$BUNDLE/config.json"
  refused "config cannot be null" run -b "$BUNDLE" "$ID"
  one_line
}

@test "run: missing parts of the process are refused by name" {
  config 'del(.process.args)'
  refused args run -b "$BUNDLE" "$ID"
  new_bundle "$DIR/second"
  config --bundle "$DIR/second" '.process.cwd = "relative"'
  refused "" run -b "$DIR/second" "$ID"
  [[ ${stderr,,} == *cwd* ]] || fail "the error does not speak of cwd:" "$stderr"
  no_container "$ID"
}

@test "run: a bundle without root file system is refused and leaves nothing" {
  rm -r "$BUNDLE/rootfs"
  refused rootfs run -b "$BUNDLE" "$ID"
  one_line
  no_container "$ID"
  no_cgroups "$ID"
}

@test "run: a command that does not exist leaves nothing" {
  command_is no-such-command
  refused "no-such-command" run -b "$BUNDLE" "$ID"
  no_container "$ID"
  nothing_alive
  no_cgroups "$ID"
}

@test "run: a detached terminal needs a console socket" {
  config '.process.terminal = true'
  refused "console socket" run -d -b "$BUNDLE" "$ID"
  no_container "$ID"
}

@test "run: a root directory that cannot be written is refused" {
  # A read-only mount refuses root as well.
  mkdir "$DIR/ro"
  call unshare -m sh -c 'mount -t tmpfs -o ro none "$0" && exec "$@"' "$DIR/ro" \
    "$RUNC" --root "$DIR/ro/state" run -b "$BUNDLE" "$ID"
  ((status == 1))
  stderr_has "read-only file system"
  one_line
  nothing_alive
}

@test "run: the wrong number of arguments is refused" {
  refused 'requires exactly 1 argument' run -b "$BUNDLE"
  refused 'requires exactly 1 argument' run -b "$BUNDLE" "$ID" more
}
