load helpers

# env_is LINES...: what the command sees, but for the test's own mark.
env_is() { diff <(printf '%s\n' "$@" | sort) <(grep -v '^RUNC_TEST=' <<<"$stdout" | sort); }

@test "env: config.json's and no others, with HOME from /etc/passwd" {
  config '.process.env |= map(select(startswith("RUNC_TEST"))) + ["PATH=/bin", "A=1,2", "B=x = y", "C="]'
  command_is env
  export OF_THE_CALLER=1
  runc run -b "$BUNDLE" "$ID"
  env_is PATH=/bin A=1,2 "B=x = y" C= HOME=/root
}

@test "env: HOME of config.json is kept, an empty one is not" {
  config '.process.env += ["HOME=/elsewhere"]'
  shell_is 'echo "$HOME"'
  runc run -b "$BUNDLE" "$ID"
  stdout_is /elsewhere
  config '.process.env |= map(if startswith("HOME=") then "HOME=" else . end)'
  runc run -b "$BUNDLE" "$ID"
  stdout_is /root
}

@test "env: a user that /etc/passwd does not know is at home in the root" {
  config '.process.user.uid = 4711'
  shell_is 'echo "$HOME"'
  runc run -b "$BUNDLE" "$ID"
  stdout_is /
}

@test "env: of a name that is there twice the last counts" {
  config '.process.env += ["TWICE=1", "TWICE=2"]'
  shell_is 'echo "$TWICE"; env | grep -c TWICE='
  runc run -b "$BUNDLE" "$ID"
  stdout_is $'2\n1'
}

@test "env: an entry without a name or without = is refused" {
  local entry
  for entry in =value noequals; do
    config --arg entry "$entry" '.process.env = [$entry]'
    refused "invalid environment variable" run -b "$BUNDLE" "$ID"
    no_container "$ID"
  done
}

@test "env: exec has the container's, and its own in front" {
  config '.process.env += ["A=container", "B=container"]'
  runc run -d -b "$BUNDLE" "$ID"
  runc exec --env A=exec "$ID" sh -c 'echo "$A $B $HOME"'
  stdout_is "exec container /root"
}

@test "env: PATH of config.json finds the command" {
  mkdir "$BUNDLE/rootfs/own"
  ln "$BUNDLE/rootfs/bin/busybox" "$BUNDLE/rootfs/own/echo"
  rm "$BUNDLE/rootfs/bin/echo"
  config '.process.env |= map(if startswith("PATH=") then "PATH=/own" else . end)'
  command_is echo found
  runc run -b "$BUNDLE" "$ID"
  stdout_is found
}
