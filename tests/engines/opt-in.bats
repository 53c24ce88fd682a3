# What decides whether and how long a kill waits, which no engine is needed for.
# Nothing in the container can die, so a kill that waits uses up all its time.
load ../integration/helpers

# cannot_die [ANNOTATED-WAIT]
cannot_die() {
  mkdir "$DIR/hung"
  # Not through timeout(1), with which it would outlive a SIGKILL.
  "$BIN/hungfs" "$DIR/hung" </dev/null >"$DIR/hungfs.out" 2>&1 3>&- &
  HUNG=$!
  HELPERS+=("$HUNG")
  wait_for 5 mountpoint -q "$DIR/hung"
  host_pidns
  config --arg dir "$DIR/hung" '.mounts += [{destination: "/hung", source: $dir, options: ["rbind"]}]'
  [[ -z ${1-} ]] || config --arg wait "$1" '.annotations["org.opencontainers.runc.kill.wait"] = $wait'
  command_is cat /hung/name
  runc run -d -b "$BUNDLE" "$ID"
  wait_for 10 in_cat
}

in_cat() { [[ $(living) == *" cat" ]]; }

# The processes have to be let go before the container can be removed.
release() {
  kill -TERM "$HUNG"
  wait_for 5 ended "$HUNG"
  wait_for 5 none_living
}

# times_out_after_1s COMMAND ARGS...: by that limit, and not another.
times_out_after_1s() {
  runc_exits 124 "$@"
  [[ $stderr =~ "timed out after "(9[0-9][0-9]ms|1(\.[0-9]+)?s) ]] || fail "another limit counted:" "$stderr"
}

@test "opt-in: without any, kill KILL does not wait" {
  cannot_die
  runc kill "$ID" KILL
  living_are 1
  release
}

@test "opt-in: the annotation makes kill KILL wait, and no other signal" {
  cannot_die 1s
  runc kill "$ID" TERM
  times_out_after_1s kill "$ID" KILL
  times_out_after_1s kill --all "$ID" 9
  times_out_after_1s delete --force "$ID"
  release
}

@test "opt-in: --kill-wait beats the annotation" {
  cannot_die 20s
  RUNC_FLAGS=(--kill-wait 1s)
  times_out_after_1s kill "$ID" KILL
  RUNC_FLAGS=(--kill-wait 0)
  runc kill "$ID" KILL
  living_are 1
  release
}

@test "opt-in: --wait beats --kill-wait and the annotation" {
  cannot_die 20s
  times_out_after_1s kill --wait --timeout 1s "$ID" KILL
  RUNC_FLAGS=(--kill-wait 20s)
  times_out_after_1s kill --wait --timeout 1s "$ID" KILL
  RUNC_FLAGS=(--kill-wait 0)
  times_out_after_1s kill --wait --timeout 1s "$ID" KILL
  times_out_after_1s delete --force --wait --timeout 1s "$ID"
  release
}

@test "opt-in: an annotation that is no duration is warned of, and nothing waits" {
  cannot_die soon
  runc kill "$ID" KILL
  stderr_has 'annotation org.opencontainers.runc.kill.wait: invalid duration \"soon\"; not waiting'
  release
}
