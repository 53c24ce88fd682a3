load helpers

@test "umask: 022 without one in config.json, whatever the caller's is" {
  shell_is umask
  umask 077
  runc run -b "$BUNDLE" "$ID"
  umask 022
  stdout_is 0022
}

@test "umask: config.json's is init's" {
  config '.process.user.umask = 63'
  shell_is 'umask; touch /dev/shm/x; stat -c %a /dev/shm/x'
  runc run -b "$BUNDLE" "$ID"
  stdout_is $'0077\n600'
}

@test "umask: exec has the container's" {
  config '.process.user.umask = 7'
  runc run -d -b "$BUNDLE" "$ID"
  runc exec "$ID" sh -c umask
  stdout_is 0007
}
