load helpers

@test "masked paths: a file is empty, a directory is empty and cannot be written" {
  mkdir "$BUNDLE/rootfs/secrets"
  echo secret >"$BUNDLE/rootfs/secret"
  echo secret >"$BUNDLE/rootfs/secrets/one"
  config '.root.readonly = false | .linux.maskedPaths = ["/secret", "/secrets"]'
  shell_is 'cat /secret; ls /secrets; touch /secrets/x 2>&1'
  runc_exits 1 run -b "$BUNDLE" "$ID"
  stdout_is "touch: /secrets/x: Read-only file system"
}

@test "masked paths: one that does not exist is passed over" {
  config '.linux.maskedPaths = ["/no/such/path"]'
  command_is echo fine
  runc run -b "$BUNDLE" "$ID"
  stdout_is fine
}

@test "masked paths: exec sees them masked as well" {
  echo secret >"$BUNDLE/rootfs/secret"
  config '.linux.maskedPaths = ["/secret"]'
  runc run -d -b "$BUNDLE" "$ID"
  runc exec "$ID" cat /secret
  stdout_is ""
}

@test "read-only paths: they can be read, and not be written" {
  mkdir "$BUNDLE/rootfs/data"
  echo text >"$BUNDLE/rootfs/data/file"
  config '.root.readonly = false | .linux.readonlyPaths = ["/data", "/no/such/path"]'
  shell_is 'cat /data/file; touch /data/x 2>&1; touch /beside && echo beside'
  runc run -b "$BUNDLE" "$ID"
  stdout_is $'text\ntouch: /data/x: Read-only file system\nbeside'
}

@test "read-only paths: /proc/sys of the default config.json" {
  shell_is 'echo 1 >/proc/sys/kernel/domainname'
  runc_exits 1 run -b "$BUNDLE" "$ID"
  stderr_has "Read-only file system"
}

@test "root: read-only by config.json, with what is mounted into it writable" {
  shell_is 'touch /x 2>&1; touch /dev/shm/x && echo shm'
  runc run -b "$BUNDLE" "$ID"
  stdout_is $'touch: /x: Read-only file system\nshm'
}

@test "masked and read-only paths need a mount namespace of the container's own" {
  config '.linux.namespaces |= map(select(.type != "mount"))'
  refused "" run -b "$BUNDLE" "$ID"
  no_container "$ID"
}
