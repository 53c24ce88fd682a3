load helpers

@test "help: without arguments, and as a command, it is what --help prints" {
  local general
  call "$RUNC" --help
  general=$stdout
  call "$RUNC"
  ((status == 0))
  stdout_is "$general"
  call "$RUNC" help
  ((status == 0))
  stdout_is "$general"
}

@test "help: its first words are upstream's, which scripts look for" {
  call "$RUNC" --help
  ((status == 0))
  [[ $stdout =~ ^NAME:[[:space:]]+'runc - Open Container Initiative runtime' ]] || fail "the help begins otherwise:" "$stdout"
}

@test "help: of a command by help COMMAND, COMMAND --help and COMMAND -h" {
  local text
  call "$RUNC" kill --help
  text=$stdout
  call "$RUNC" help kill
  ((status == 0))
  stdout_is "$text"
  call "$RUNC" kill -h
  ((status == 0))
  stdout_is "$text"
}

@test "help: a wrong number of arguments is told of, with the command's usage" {
  runc_exits 1 state
  [[ "$stdout$stderr" == *"requires exactly 1 argument"* ]]
  [[ "$stdout$stderr" == *USAGE* ]]
}
