load helpers

@test "cwd: the command starts in it" {
  config '.process.cwd = "/tmp"'
  command_is pwd
  runc run -b "$BUNDLE" "$ID"
  stdout_is /tmp
}

@test "cwd: a directory that does not exist is made" {
  config '.process.cwd = "/made/for/it" | .root.readonly = false'
  command_is pwd
  runc run -b "$BUNDLE" "$ID"
  stdout_is /made/for/it
  [[ -d $BUNDLE/rootfs/made/for/it ]]
}

@test "cwd: one that is not absolute, or missing, is refused" {
  local cwd
  for cwd in relative ''; do
    config --arg cwd "$cwd" '.process.cwd = $cwd'
    refused "" run -b "$BUNDLE" "$ID"
    [[ ${stderr,,} == *cwd* ]] || fail "the error does not speak of cwd:" "$stderr"
    no_container "$ID"
  done
}

@test "cwd: a file in its place is refused" {
  config '.process.cwd = "/etc/passwd"'
  refused "" run -b "$BUNDLE" "$ID"
  no_container "$ID"
  no_cgroups "$ID"
}

@test "cwd: of the user alone is entered as that user" {
  mkdir -m 700 "$BUNDLE/rootfs/mine"
  chown 1000:1000 "$BUNDLE/rootfs/mine"
  config '.process.cwd = "/mine" | .process.user = {uid: 1000, gid: 1000}'
  command_is pwd
  runc run -b "$BUNDLE" "$ID"
  stdout_is /mine
}

@test "cwd: exec has the container's, or one of its own" {
  config '.process.cwd = "/tmp"'
  runc run -d -b "$BUNDLE" "$ID"
  runc exec "$ID" pwd
  stdout_is /tmp
  runc exec --cwd /etc "$ID" pwd
  stdout_is /etc
}
