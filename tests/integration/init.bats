load helpers

@test "init: is not shown in the help, and refuses to be called by a person" {
  runc --help
  [[ $stdout != *$'\n   init'* ]]
  refused "" init
  ((status < 124))
}
