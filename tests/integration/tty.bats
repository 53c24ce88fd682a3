load helpers

# on_terminal CMD... runs a command on a pseudo-terminal of its own, as a person
# would; its output is in $stdout, with the terminal's carriage returns removed.
# script(1) has $SHELL read the command, and what %q quotes is for bash to read.
on_terminal() {
  SHELL=$BASH call script -qec "$(printf '%q ' "$@")" /dev/null
  stdout=${stdout//$'\r'/}
}

runc_on_terminal() { on_terminal "$RUNC" --root "$ROOT" "$@"; }

@test "tty: run gives the command a terminal" {
  config '.process.terminal = true'
  shell_is 'tty && [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all three; exit 4'
  runc_on_terminal run -b "$BUNDLE" "$ID"
  ((status == 4))
  stdout_has /dev/pts/
  stdout_has "all three"
}

@test "tty: exec --tty (-t) gives one, exec without it gives none" {
  runc run -d -b "$BUNDLE" "$ID"
  runc_on_terminal exec --tty "$ID" tty
  ((status == 0))
  stdout_has /dev/pts/
  runc_on_terminal exec -t "$ID" tty
  stdout_has /dev/pts/
  runc_on_terminal exec "$ID" tty
  ((status == 1))
  stdout_has "not a tty"
}

@test "tty: without a terminal of its own a run that wants one is refused" {
  config '.process.terminal = true'
  # setsid: no controlling terminal that /dev/tty could stand for.
  call setsid -w "$RUNC" --root "$ROOT" run -b "$BUNDLE" "$ID"
  ((status == 1))
  [[ -n $stderr ]]
  no_container "$ID"
  nothing_alive
}

@test "tty: the size of the caller's terminal is passed on" {
  runc run -d -b "$BUNDLE" "$ID"
  on_terminal sh -c "stty rows 33 cols 77 && exec '$RUNC' --root '$ROOT' exec -t '$ID' sh -c 'sleep 0.3; stty size'"
  stdout_has "33 77"
}

@test "tty: a resize reaches the container" {
  runc run -d -b "$BUNDLE" "$ID"
  on_terminal sh -c "
    stty rows 20 cols 60
    (sleep 0.5; stty -F \$(tty <&2) rows 41 cols 91) &
    '$RUNC' --root '$ROOT' exec -t '$ID' sh -c '
      n=0
      while [ \"\$(stty size)\" != \"41 91\" ] && [ \$n -lt 50 ]; do n=\$((n + 1)); sleep 0.1; done
      stty size'"
  stdout_has "41 91"
}

@test "tty: the console size of config.json is used" {
  config '.process.terminal = true | .process.consoleSize = {height: 11, width: 22}'
  shell_is 'stty size'
  in_background console "$BIN/recvfd" console "$DIR/sock"
  wait_for 5 test -S "$DIR/sock"
  runc run -d --console-socket "$DIR/sock" -b "$BUNDLE" "$ID"
  wait_for 10 file_has "$DIR/console.out" "11 22"
}

# The terminal's settings before and after; raw mode would differ in most.
settings_survive() {
  on_terminal sh -c "stty -g >'$DIR/before'; $1; stty -g >'$DIR/after'"
  [[ -s $DIR/before ]]
  cmp "$DIR/before" "$DIR/after"
}

@test "tty: the caller's terminal is as before after run and exec" {
  config '.process.terminal = true'
  command_is true
  settings_survive "'$RUNC' --root '$ROOT' run -b '$BUNDLE' '$ID'"
  config '.process.terminal = false | .process.args = ["sleep", "100"]'
  runc run -d -b "$BUNDLE" "$ID-2"
  settings_survive "'$RUNC' --root '$ROOT' exec -t '$ID-2' true"
}

@test "tty: the caller's terminal is as before after a command that fails to start" {
  config '.process.terminal = true'
  command_is no-such-command
  settings_survive "'$RUNC' --root '$ROOT' run -b '$BUNDLE' '$ID'"
  config '.process.terminal = false | .process.args = ["sleep", "100"]'
  runc run -d -b "$BUNDLE" "$ID-2"
  settings_survive "'$RUNC' --root '$ROOT' exec -t '$ID-2' no-such-command"
}

@test "tty: the caller's terminal is as before after the container was killed" {
  config '.process.terminal = true'
  command_is sleep 1
  settings_survive "(sleep 0.5; '$RUNC' --root '$ROOT' kill '$ID' KILL) & '$RUNC' --root '$ROOT' run -b '$BUNDLE' '$ID'; wait"
}
