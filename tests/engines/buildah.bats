load helpers
load buildah

# remove_by_hand is what is left to do after a `buildah run` that was SIGKILLed.
remove_by_hand() {
  ok call "$RUNC" --root "$W/runc" delete --force --wait "$(engine_id)"
  nothing_alive
  call "${CLIENT[@]}" umount work
  nothing_left
}

run_waits_for_the_slow() {
  slow_container "$1"
  engine_kill "$NAME" TERM
  ((status != 0))
  nothing_left || fail "$stderr"
}

@test "buildah: run brings output and exit status back" {
  run_args private
  ok call "${RUN[@]}" echo from buildah
  stdout_has "from buildah"
  call "${RUN[@]}" sh -c 'exit 7'
  ((status == 7))
  all_gone
}

@test "buildah: TERM to run [private pid namespace]" {
  run_six "$NAME" private
  engine_kill "$NAME" TERM
  ((status != 0))
  nothing_left || fail "$stderr"
}

@test "buildah: TERM to run [host pid namespace]" {
  run_six "$NAME" host
  engine_kill "$NAME" TERM
  ((status != 0))
  nothing_left || fail "$stderr"
}

@test "buildah: TERM to run waits for a process that is slow to die [private pid namespace]" { run_waits_for_the_slow private; }

@test "buildah: TERM to run waits for a process that is slow to die [host pid namespace]" { run_waits_for_the_slow host; }

# buildah gives up a container that it sees paused.
@test "buildah: run ends by a pause, the runtime removes what it left" {
  run_six "$NAME" host
  ok call "$RUNC" --root "$W/runc" pause "$(engine_id)"
  wait_for 30 ended "$(<"$DIR/$NAME.pid")"
  living_are 6
  remove_by_hand
}

@test "buildah: the opt-in by a wrapper in the environment" {
  wrapper_for "$(noting "$NAME")"
  # shellcheck source=/dev/null
  . <(sed "s,/usr/local/sbin,$DIR," "$CONTRIB/buildah/runc-sync.sh")
  "${CLIENT[@]}" run --runtime-flag "root=$W/runc" --network host --pid host \
    --env "$(mark_of_test)" work sh -c "$SIX" </dev/null >"$DIR/out" 2>"$DIR/$NAME.err" 3>&- 4>&- 5>&- 6>&- &
  echo $! >"$DIR/$NAME.pid"
  NAMES+=("$NAME")
  wait_for 60 living_are 6
  engine_kill "$NAME" TERM
  nothing_left || fail "$stderr"
}

@test "buildah: TERM to twenty runs at once" {
  remove_twenty
}

@test "buildah: run is SIGKILLed, the runtime removes what it left" {
  run_six "$NAME" host
  engine_kill "$NAME" KILL
  living_are 6
  remove_by_hand
}

@test "buildah: upgrade in place from upstream's runtime, and back" {
  KILL_WAIT=
  use_runtime "$UPSTREAM"
  run_six "$NAME-1" host
  use_runtime "$RUNC"
  engine_kill "$NAME-1" TERM
  wait_for 30 none_living
  run_six "$NAME-2" host
  use_runtime "$UPSTREAM"
  engine_kill "$NAME-2" TERM
  wait_for 30 all_gone
}

# buildah prints the error, and goes on waiting until the container has ended.
@test "buildah: a process that cannot die: run says so in time, and ends later" {
  hang_container
  listens "$NAME"
  kill -TERM "$(<"$DIR/$NAME.pid")"
  wait_for 30 file_has "$DIR/$NAME.err" "2 processes still alive: pid .* (cat) state D"
  two_are_stuck
  release
  wait_for 30 ended "$(<"$DIR/$NAME.pid")"
  nothing_left
}
