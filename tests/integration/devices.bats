load helpers

# FUSE's device is one that no container has by itself, and everybody may open:
# c 10 229.
fuse_node() {
  [[ -c /dev/fuse ]] || skip "no /dev/fuse"
  config --argjson extra "${1:-{\}}" '.linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229} + $extra]'
}

rule() { config --argjson rule "$1" '.linux.resources.devices += [$rule]'; }

@test "devices: the usual ones are there and work" {
  shell_is 'for d in null zero full random urandom tty; do [ -c /dev/$d ] || echo "no $d"; done
    for l in fd stdin stdout stderr ptmx; do [ -L /dev/$l ] || echo "no link $l"; done
    echo x >/dev/null; head -c 3 /dev/zero | wc -c; echo x 2>/dev/null >/dev/full || echo full'
  runc run -b "$BUNDLE" "$ID"
  stdout_is $'3\nfull'
}

@test "devices: one of config.json has its mode and owner" {
  fuse_node '{"fileMode": 416, "uid": 10, "gid": 20}'
  shell_is 'stat -c "%F %t:%T %a %u:%g" /dev/fuse'
  runc run -b "$BUNDLE" "$ID"
  stdout_is "character special file a:e5 640 10:20"
}

@test "devices: a pipe and a node in a new directory are made" {
  config '.linux.devices = [{path: "/dev/new/pipe", type: "p", fileMode: 384},
    {path: "/dev/new/zero", type: "c", major: 1, minor: 5}]'
  shell_is '[ -p /dev/new/pipe ] && echo pipe; head -c 2 /dev/new/zero | wc -c'
  runc run -b "$BUNDLE" "$ID"
  stdout_is $'pipe\n2'
}

opened() {
  shell_is 'exec 2>&1; (: </dev/fuse) && echo opened; true'
  runc run -b "$BUNDLE" "$ID"
}

@test "devices: a node alone is no permission" {
  fuse_node
  opened
  stdout_has "not permitted"
}

@test "devices: a rule that allows it is" {
  fuse_node
  rule '{"allow": true, "type": "c", "major": 10, "minor": 229, "access": "r"}'
  opened
  stdout_is opened
}

@test "devices: a later rule that denies wins" {
  fuse_node
  rule '{"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}'
  rule '{"allow": false, "type": "c", "major": 10, "minor": 229, "access": "r"}'
  opened
  stdout_has "not permitted"
}

@test "devices: a rule for writing is none for reading" {
  fuse_node
  rule '{"allow": true, "type": "c", "major": 10, "minor": 229, "access": "w"}'
  opened
  stdout_has "not permitted"
}

@test "devices: exec is under the same rules" {
  fuse_node
  runc run -d -b "$BUNDLE" "$ID"
  runc_exits 1 exec "$ID" sh -c 'cat </dev/fuse'
  stderr_has "not permitted"
}

@test "devices: a type that does not exist is refused" {
  config '.linux.devices = [{path: "/dev/x", type: "q", major: 1, minor: 5}]'
  refused "" run -b "$BUNDLE" "$ID"
  no_container "$ID"
  no_cgroups "$ID"
}
