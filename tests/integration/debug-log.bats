load helpers
load kinds

# With --debug each step of a wait is one line, from which alone it can be seen
# what happened.

# steps_of FILE prints the messages of a JSON log's steps.
steps_of() { jq -r 'select(.level == "debug" and (.msg | test("^(drain|kill): "))) | .msg' "$1"; }

# field FILE STEP FILTER prints what a filter makes of the lines of one step.
field() { jq -r --arg step "$2" "select(.msg == \$step) | $3" "$1"; }

@test "--debug: each step of a kill is a line of JSON" {
  runc_waits
  host_pidns
  start_six "$ID"
  runc --debug --log "$DIR/log" --log-format json kill --wait "$ID" KILL
  local step
  jq -e . "$DIR/log" >/dev/null
  for step in "drain: found" "kill: exec fence raised" "drain: killed" "drain: looked" "drain: ended"; do
    steps_of "$DIR/log" | grep -qx "$step" || fail "no step \"$step\" in the log:" "$(<"$DIR/log")"
  done
  [[ $(field "$DIR/log" "drain: found" 'select(.processes) | .processes | length' | head -n 1) == 1 ]]
  field "$DIR/log" "drain: found" '.cgroup // empty' | grep -q .
  # On a hybrid host both, if the first has ended nobody within the first tick.
  step=$(field "$DIR/log" "drain: killed" '.mechanism' | sort -u | paste -sd,)
  [[ $step =~ ^(cgroup\.kill|one\ by\ one|cgroup\.kill,one\ by\ one)$ ]] || fail "killed by $step"
  [[ $(field "$DIR/log" "drain: looked" '.left' | tail -n 1) == false ]]
  [[ $(field "$DIR/log" "drain: ended" '.drained' | sort -u) == true ]]
}

@test "--debug: each step of a kill is a line of text" {
  runc_waits
  start_six "$ID"
  runc --debug --log "$DIR/log" kill --wait "$ID" KILL
  grep -qE 'level=debug msg="drain: found" .*cgroup=/' "$DIR/log"
  grep -qE 'level=debug msg="drain: looked" .*left=false' "$DIR/log"
  grep -qE 'level=debug msg="drain: ended" .*drained=true .*mechanism=' "$DIR/log"
  ! grep -vqE '^time="?[^ ]+ level=' "$DIR/log" || fail "lines that are no log entries:" "$(<"$DIR/log")"
}

@test "--debug: a polite signal, what it left, and the kill after it are lines" {
  runc_waits
  host_pidns
  shell_is 'trap "" TERM; while :; do sleep 1; done'
  runc run -d -b "$BUNDLE" "$ID"
  runc --debug --log "$DIR/log" --log-format json kill --wait --kill-after 300ms "$ID" TERM
  [[ $(field "$DIR/log" "drain: signalled" '.signal' | head -n 1) == 15 ]]
  steps_of "$DIR/log" | grep -qx "drain: kill after"
  field "$DIR/log" "drain: looked" 'select(.left) | .pids[]' | grep -qx "$(pid_of_log)"
}

# The pid that the first step names.
pid_of_log() { field "$DIR/log" "drain: found" '.processes[0]? // empty' | head -n 1; }

@test "a time-out's error alone says what, to whom, how, and who is left" {
  runc_waits
  only_in_layouts hybrid v1
  six_below_a_frozen_parent
  runc_exits 124 --debug --log "$DIR/log" --log-format json kill --wait --timeout 700ms "$ID" KILL
  stderr_has "container $ID, signal 9 sent by "
  stderr_has "timed out after "
  stderr_has "6 processes still alive: pid "
  stderr_has " state D"
  stderr_has "a freezer cgroup above "
  [[ $(field "$DIR/log" "drain: survivor" '.pid' | sort -u | wc -l) == 6 ]]
  [[ $(field "$DIR/log" "drain: ended" '.drained' | tail -n 1) == false ]]
  echo THAWED >"$PARENT/freezer.state"
  runc kill --wait --all "$ID" KILL
}
