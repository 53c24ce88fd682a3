load helpers

only_x86_64() { [[ $(uname -m) == x86_64 ]] || skip "not on x86_64"; }

@test "personality: LINUX32 is a 32 bit machine's, for init and for exec" {
  only_x86_64
  config '.linux.personality = {domain: "LINUX32"}'
  runc run -d -b "$BUNDLE" "$ID"
  runc exec "$ID" uname -m
  stdout_is i686
  [[ $(<"/proc/$(pid_of "$ID")/personality") == 00000008 ]]
}

@test "personality: LINUX is the machine's own" {
  config '.linux.personality = {domain: "LINUX"}'
  command_is uname -m
  runc run -b "$BUNDLE" "$ID"
  stdout_is "$(uname -m)"
}

@test "personality: a domain that does not exist is refused" {
  config '.linux.personality = {domain: "SOLARIS"}'
  refused "" run -b "$BUNDLE" "$ID"
  [[ $stderr == *SOLARIS* ]] || fail "the error does not name it:" "$stderr"
  no_container "$ID"
}
